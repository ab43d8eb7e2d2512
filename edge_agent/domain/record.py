"""What is kept of what happened: the values that a store gives back. Times ending in `_at` are UTC, in ISO 8601."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.order import Order, OrderKey, OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One life of one checker, with one model and one menu; session ids are unique only within it.

    Attributes:
        station: the station it checks.
        source: what it looks at, as people call it: a camera's name or a recording's. Never an address with a password.
        model_sha256: the hash of the very file that ran.
        provider: what the model really ran on.
        boot_id: which boot of the machine the monotonic times belong to; empty where that is not known.
    """

    station: str = ""
    source: str = ""
    model_name: str = ""
    model_version: str = ""
    model_sha256: str = ""
    menu_sha256: str = ""
    agent_version: str = ""
    provider: str = ""
    boot_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of storing events: the numbers their checks got, and how many pictures could not be kept."""

    check_ids: tuple[int, ...] = ()
    pictures_lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run; `ended_at` stays None where the process was killed."""

    run_id: int
    run: Run
    started_at: str
    ended_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheck:
    """One verdict as it was reached. `final` marks the last one of its session.

    `pictures` are names below the store's folder of pictures, oldest first; those that expired are not among them.
    """

    check_id: int
    run_id: int
    recorded_at: str
    final: bool
    reached: VerdictReached
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """Where an order stands. `order` is its latest accepted snapshot, None where only its key was ever heard of."""

    number: int
    key: OrderKey
    state: OrderState
    order: Order | None
    recorded_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert and, once it ended, why."""

    number: int
    run_id: int
    alert: Alert
    sounds: bool
    recorded_at: str
    resolution: Resolution | None = None
    resolved_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """The life of one tray, with its verdicts and alerts in their order; times as in `domain.events`."""

    run_id: int
    session_id: str
    slot_id: str
    arrived_s: float
    recorded_at: str
    settled_at_s: float | None = None
    still_since_s: float | None = None
    last_seen_s: float | None = None
    left_at_s: float | None = None
    resumed: int = 0
    checks: tuple[StoredCheck, ...] = ()
    alerts: tuple[StoredAlert, ...] = ()
