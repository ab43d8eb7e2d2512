"""What the API and the screen talk to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Protocol

from edge_agent.domain.access import Role, Token
from edge_agent.domain.alert import Resolution
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import Event, VerdictReached
from edge_agent.domain.matching import Verdict
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import StaffRole, StoredAlert
from edge_agent.domain.tray import SessionState

OrderName = OrderKey | str
"""An order as people and tills name it: its full key, or what `OpenOrders.find` takes, its id or its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPut:
    """What came of an order that was put: it is committed. `changed` is False where it was known just so."""

    key: OrderKey
    revision: int
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStanding:
    """An order that waits, where it stands, and when it came (UTC, ISO 8601).

    `volatile` says that it could not be committed yet, and that a restart would forget it.
    """

    order: Order
    state: OrderState
    received_at: str
    volatile: bool = False


class OrderBook(Protocol):
    """What every intake talks to: the HTTP API, a watched folder, a ticket printer.

    Synchronous and safe to call from any thread. Each call returns once the change is committed, and raises where it
    was not: accepted means committed. All of them are idempotent, so that whoever got no answer asks again.

    Every method that changes something raises:
        OrderVolatile: the change is in the checker's memory, but not on the disk; it is tried again when sent again.
        StoreBusy: too much is waiting already, nothing was done. StoreError: the database refused, nothing was done.
    """

    def put(self, order: Order) -> OrderPut:
        """Take in a snapshot. One without a business day gets today's.

        Raises:
            StaleRevision: a newer revision is known, or this one with other contents.
        """
        ...

    def cancel(self, named: OrderName) -> OrderKey:
        """The till takes an order back; again is no error.

        Raises:
            Unknown: there is no such order.
            Conflict: it was handed out.
        """
        ...

    def ready(self, named: OrderName) -> OrderKey:
        """The crew bumps an order; again is no error.

        Raises:
            Unknown: there is no such order.
            Conflict: it was cancelled.
        """
        ...

    def reopen(self, named: OrderName) -> OrderKey:
        """Put a finished order back into the queue; one that waits stays where it is.

        Raises:
            Unknown: there is no such order.
        """
        ...

    def assign(self, *, station: str, slot: str, named: Sequence[OrderName]) -> tuple[OrderKey, ...]:
        """Someone says which order, or orders, the tray in the slot is; none takes that back.

        Raises:
            Unknown: there is no such station, slot or order.
            Conflict: no tray lies there.
        """
        ...

    def waiting(self) -> tuple[OrderStanding, ...]:
        """The orders that are open or presented, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotStatus:
    """What goes on in one slot; `session_id` is None, and so is `reached`, where no tray lies there."""

    slot_id: str
    session_id: str | None = None
    state: SessionState | None = None
    reached: VerdictReached | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationStatus:
    """What goes on at one station.

    Attributes:
        camera: how its camera does, as one word: online, offline, frozen, dark, blurred, moved.
        can_decide: whether verdicts can be had of it now; if not, `why_not` says so in a sentence.
        shadow: whether it decides and stores, but tells nobody.
        frame_age_s: how old its newest picture is, by source time; None where there was none yet.
    """

    station_id: str
    camera: str
    can_decide: bool
    why_not: str = ""
    shadow: bool = False
    frame_age_s: float | None = None
    slots: tuple[SlotStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StationPicture:
    """The newest picture of a station as JPEG: only the slots, the rest masked. `age_s` is by source time."""

    jpeg: bytes
    age_s: float


class Stations(Protocol):
    """The stations as they are now. Synchronous, quick, safe to call from any thread."""

    def statuses(self) -> tuple[StationStatus, ...]:
        """All of them, in the order of the configuration."""
        ...

    def picture(self, station_id: str) -> StationPicture | None:
        """The newest picture; None where there is none, or only one that is too old to be shown as new.

        Raises:
            Unknown: there is no such station.
        """
        ...

    def still(self, station_id: str, slot_id: str) -> StationPicture | None:
        """One slot of the newest picture, cut out, with a box around each thing that was seen in that very picture.

        None where there is none, or only one that is too old to be shown as new.

        Raises:
            Unknown: there is no such station, or no such slot.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNews:
    """One step in the life of an alert: it was raised, or it was resolved.

    Attributes:
        seq: rises with every step, without gaps, over restarts.
        told_id: the id under which people are told of it: the same on every way out, and never given twice.
        station: where it is.
        stored: the alert as it stands now, which may be further on than this step.
        resolved: whether this step is its end.
    """

    seq: int
    told_id: str
    station: str
    at: str
    stored: StoredAlert
    resolved: bool = False


class Alerts(Protocol):
    """The alerts that people were told of, and their answers. Synchronous, safe to call from any thread."""

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        """The steps that follow a number, oldest first. Raises StoreError."""
        ...

    def standing(self) -> tuple[AlertNews, ...]:
        """The alerts that nothing has ended yet, as they were raised, oldest first. Raises StoreError."""
        ...

    def resolve(self, told_id: str, resolution: Resolution, *, role: StaffRole) -> None:
        """A person answers; committed on return. The same answer again is no error.

        Raises:
            Unknown: there is no such alert.
            Conflict: it ended otherwise.
            StoreBusy: too much is waiting already. StoreError: the database refused.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSaid:
    """An answer to an alert that can be taken back until `until_s` (seconds of the monotonic clock)."""

    told_id: str
    resolution: Resolution
    until_s: float


class Answers(Protocol):
    """Answers that may be taken back for some seconds. Synchronous, safe to call from any thread."""

    def answer(self, told_id: str, resolution: Resolution, *, role: StaffRole, take_back_s: float) -> None:
        """A person answers an alert. On return the answer is the box's, whatever becomes of the tablet.

        It is committed after so many seconds, or as soon as anything else would end the alert, unless it is taken back.
        An alert that no tray has any more is ended at once.

        Raises: as `Alerts.resolve`.
        """
        ...

    def take_back(self, told_id: str) -> None:
        """The answer was a slip.

        Raises:
            Conflict: it is committed, or there was none.
            StoreBusy: too much is waiting already.
        """
        ...

    def said(self) -> tuple[AnswerSaid, ...]:
        """The answers that can still be taken back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessReport:
    """What the agent can do now. A camera that is down takes its station away, never readiness.

    `problems` are sentences, each with what to do.
    """

    ready: bool
    problems: tuple[str, ...] = ()
    stations: tuple[StationStatus, ...] = ()


class Trouble(str, Enum):
    """What is not well around the stations, in one word each; who looks after the box reads more in `Readiness`."""

    CHECKER = "checker"
    STORE = "store"
    DISK = "disk"
    BROKER = "broker"
    CLOCK = "clock"
    TILL = "till"


class Troubles(Protocol):
    """Says what is not well, for whoever works in front of it. Synchronous, quick, safe to call from any thread."""

    def troubles(self) -> tuple[Trouble, ...]:
        """As it is now, what matters most first."""
        ...


class Readiness(Protocol):
    """Says what can be decided. Synchronous, quick, safe to call from any thread."""

    def report(self) -> ReadinessReport:
        """As it is now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that happened at a station, for whoever watches. `mark` names its place in the feed, no more.

    Alerts come as `AlertNews`, which have the id that they are answered by; never as `AlertRaised` or `AlertResolved`.
    """

    mark: str
    station: str
    at: str
    event: Event | StationStatus | AlertNews


class Watch(Protocol):
    """One watcher's place at the feed; asynchronous, used within one event loop."""

    @property
    def ended(self) -> bool:
        """Whether the agent ends: nothing will come any more."""
        ...

    async def next(self, *, timeout_s: float) -> News | None:
        """The next piece, None if nothing happened for so long.

        Raises:
            FellBehind: it was too slow, or asked for what is no longer kept: read the state anew, then watch again.
        """
        ...

    def close(self) -> None:
        """Give the place back."""
        ...


class EventFeed(Protocol):
    """What happens, as it happens."""

    def watch(self, *, after: str | None = None) -> Watch:
        """Take a place, from now on or from after a mark on. Called within the watcher's event loop.

        Raises:
            Overloaded: all places are taken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoChecked:
    """What came of holding photographs against an order."""

    verdict: Verdict
    contents: Contents


class PhotoChecker(Protocol):
    """Holds an order against photographs of its tray, outside of any station. Synchronous, bounded."""

    def check(self, order: Order, photographs: Sequence[bytes]) -> PhotoChecked:
        """The verdict on JPEG or PNG files, all of the same tray.

        Raises:
            BadRecording: one of them is no picture that can be read.
            Overloaded: the stations need the detector now.
            DetectorError: the model could not be run.
        """
        ...


class Pictures(Protocol):
    """Reads the evidence. Synchronous, safe to call from any thread."""

    def read(self, name: str) -> bytes | None:
        """The JPEG of a name that a `StoredCheck` gave; None where it expired. Raises StoreError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInUse:
    """A model that runs, on what it really runs, and for which stations."""

    name: str
    version: str
    sha256: str
    precision: str
    provider: str
    classes: tuple[str, ...]
    stations: tuple[str, ...]


class InUse(Protocol):
    """What the checker works with now. Synchronous, quick, safe to call from any thread."""

    def menu(self) -> Menu:
        """The menu."""
        ...

    def models(self) -> tuple[ModelInUse, ...]:
        """The models."""
        ...


class TokenKeeper(Protocol):
    """Knows the tokens that were handed out. Safe to call from any thread."""

    def find(self, secret: str) -> Token | None:
        """The token that this is, if it is known and has not expired; takes the same time whether or not it is.

        Never waits for a disk that is written; raises nothing.
        """
        ...

    def note_use(self, token: Token) -> None:
        """Keep that it was used, to the hour. Called in a thread that may wait; a failure is logged, never raised."""
        ...


class TokenBook(Protocol):
    """Makes, lists and revokes tokens. Synchronous, safe to call from any thread; waits for the disk."""

    def create(self, *, name: str, role: Role, lasts: timedelta | None = None) -> tuple[str, Token]:
        """Make a token; gives the secret, which is kept nowhere, and what is kept.

        Raises:
            BadInput: the name does not fit, or the tokens cannot be read or written.
            Conflict: another token that serves has that name, or there are too many.
        """
        ...

    def tokens(self) -> tuple[Token, ...]:
        """All tokens, oldest first, the expired too. Raises BadInput where they cannot be read."""
        ...

    def revoke(self, token_id: str) -> Token:
        """Take a token out of service, for good.

        Raises:
            Unknown: there is none of that id.
            BadInput: the tokens cannot be read or written.
        """
        ...
