"""Looking for what was stored: what is asked for, and what is found. Times ending in `_at` are UTC, in ISO 8601."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from edge_agent.domain.alert import Resolution, Severity
from edge_agent.domain.detection import Sighting
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import MAX_ID, Order
from edge_agent.domain.record import StoredAlert, StoredCheck, StoredRun, StoredSession
from edge_agent.errors import BadInput

T = TypeVar("T")

MAX_NUMBER = 2**63 - 1
"""SQLite's largest number of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSearch:
    """Which checks are wanted; what is None or empty does not restrict.

    Attributes:
        since, until: aware; recorded from then on, and before then, as the box believed the time to be.
        number: what the crew calls an order, or its id; letter case (of A to Z) aside.
        channel: the channel of one of its orders, as the till wrote it, letter case aside.
        item: the SKU of an item that was missing, too many or in doubt.
        final: only the last check of each tray that has left.

    Raises:
        BadInput: a text is too long, or a time has no time zone.
    """

    since: datetime | None = None
    until: datetime | None = None
    number: str = ""
    channel: str = ""
    verdict: VerdictKind | None = None
    item: str = ""
    final: bool = True

    def __post_init__(self) -> None:
        _refuse_unbounded((self.number, self.channel, self.item), (self.since, self.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSearch:
    """Which alerts are wanted; what is None or empty does not restrict. See `CheckSearch`.

    Attributes:
        item: the SKU of an item that the alert is about.
        open_only: only those that nothing has ended yet.
    """

    since: datetime | None = None
    until: datetime | None = None
    number: str = ""
    channel: str = ""
    item: str = ""
    severity: Severity | None = None
    resolution: Resolution | None = None
    open_only: bool = False

    def __post_init__(self) -> None:
        _refuse_unbounded((self.number, self.channel, self.item), (self.since, self.until))


@dataclass(frozen=True, slots=True, order=True)
class PageMark:
    """Where a page ended: the time and number of the last thing that was looked at. The next page comes after it."""

    recorded_at: str
    number: int

    def __str__(self) -> str:
        return f"{self.recorded_at}_{self.number}"

    @classmethod
    def parse(cls, text: str) -> PageMark:
        """A mark as it was written into an address.

        Raises:
            BadInput: it is none.
        """
        at, _, number = text.rpartition("_")
        if len(at) > MAX_ID or not number.isascii() or not number.isdigit() or int(number[:20]) > MAX_NUMBER:
            raise BadInput("this is no mark of a page; begin the list anew")
        return cls(at, int(number[:20]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """What was found, the newest first.

    Attributes:
        next: continues the list; None where nothing follows. A page may be short, even empty, and be continued all the
            same: a question that looks at very much is answered in pieces, so that no answer takes long.
    """

    found: tuple[T, ...]
    next: PageMark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCheck:
    """A check with what a list shows of it.

    Attributes:
        orders: the snapshots it was judged by, in the order of `check.reached.orders`; None where there was none.
        alerts: those of its tray, oldest first.
        tells: whether people were told of alerts at that time; not in shadow mode.
    """

    check: StoredCheck
    station: str
    orders: tuple[Order | None, ...] = ()
    alerts: tuple[StoredAlert, ...] = ()
    tells: bool = False

    @property
    def test(self) -> bool:
        """Whether it was a trial."""
        return any(order is not None and order.test for order in self.orders)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAlert:
    """An alert with what a list shows of it; `check_id` and `orders` are those of the check that raised it."""

    stored: StoredAlert
    station: str
    check_id: int | None
    orders: tuple[Order | None, ...] = ()
    tells: bool = False

    @property
    def test(self) -> bool:
        """Whether it was a trial."""
        return any(order is not None and order.test for order in self.orders)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckEvidence:
    """All that is known of one check, for whoever must answer for it.

    Attributes:
        check: the verdict, its lines, the names of its pictures.
        orders: the snapshots it was judged by, as they were then; None where there was none.
        run: with which model and which menu.
        session: the tray's whole story: all its checks, its alerts and how they ended, what the staff said.
        sightings: by the name of a picture of the check, what was seen in it; not of those from before that was kept.
    """

    check: StoredCheck
    station: str
    orders: tuple[Order | None, ...]
    run: StoredRun
    session: StoredSession
    sightings: Mapping[str, Sighting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What can be searched for, each sorted: channels and items (SKUs) that were stored, and the stations."""

    channels: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()


def each_of(ask: Callable[[PageMark | None], Page[T]]) -> Iterator[T]:
    """All that there is, a page at a time: no more than a page is in memory, and nothing is held open in between."""
    page = ask(None)
    yield from page.found
    while page.next is not None:
        page = ask(page.next)
        yield from page.found


def _refuse_unbounded(texts: tuple[str, ...], times: tuple[datetime | None, ...]) -> None:
    for text in texts:
        if len(text) > MAX_ID:
            raise BadInput(f"what is searched for is {len(text)} characters long; at most {MAX_ID} are taken")
    for moment in times:
        if moment is not None and moment.tzinfo is None:
            raise BadInput("a time without its time zone cannot be searched for")
