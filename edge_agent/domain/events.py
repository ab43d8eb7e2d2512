"""What happened, in the past tense: all that the checker ever says to the rooms around it."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.matching import Verdict
from edge_agent.domain.order import Order, OrderKey, OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted:
    """A new order, or a new revision of a known one."""

    at_s: float
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIgnored:
    """A snapshot that changed nothing: sent again, or older than what is known."""

    at_s: float
    key: OrderKey
    revision: int
    known_revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoved:
    """An order went on in its life."""

    at_s: float
    key: OrderKey
    state: OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted:
    """A tray came into a slot."""

    at_s: float
    slot_id: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed:
    """A tray that was away for a moment came back."""

    at_s: float
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraySettled:
    """The tray lies still; it has been since `still_since_s`."""

    at_s: float
    session_id: str
    still_since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictReached:
    """The verdict on a tray, new or changed. `late` where the order came after the tray had left: silent."""

    at_s: float
    slot_id: str
    session_id: str
    still_since_s: float
    orders: tuple[OrderKey, ...]
    association: Association
    verdict: Verdict
    contents: Contents
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrayLeft:
    """The tray is gone; it was last seen at `last_seen_s`. `final` is its last verdict."""

    at_s: float
    slot_id: str
    session_id: str
    arrived_s: float
    last_seen_s: float
    final: VerdictReached


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised:
    """People are told; `sounds` once per order and set of lines, and only for what is critical and not too late."""

    at_s: float
    alert: Alert
    sounds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertResolved:
    """An alert ended; `by_staff` if a person said so, else the checker saw it."""

    at_s: float
    alert_id: str
    resolution: Resolution
    by_staff: bool = False


Event = (
    OrderAccepted
    | OrderIgnored
    | OrderMoved
    | SessionStarted
    | SessionResumed
    | TraySettled
    | VerdictReached
    | TrayLeft
    | AlertRaised
    | AlertResolved
)
