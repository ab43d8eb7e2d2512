"""The blind audit: which trays of a day somebody is to look at, and what his answers are worth.

All trays of the day that had an alert are drawn, and twenty of the others at random: those with the smallest hashes of
the store's own random text, the day and the tray. So the same trays are drawn whenever one asks. While a day goes on, a
later tray may take the place of one drawn before; what was answered stays, and counts.

Blind means that the auditor learns neither the verdict nor why a tray was drawn: `Question` says neither, and the
questions come in the order of another hash, so that their place says nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge_agent.checking.scoring import by_class
from edge_agent.domain.audit import DayTray, DrawnTray, ShownTray
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Sighting
from edge_agent.domain.matching import VerdictKind, compare
from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order
from edge_agent.domain.record import Audit, AuditAnswer, DrawnAs, StaffRole
from edge_agent.errors import Unknown
from edge_agent.ports import EventStore, Reporting

RANDOM_TRAYS = 20
"""So many of a day's trays without an alert are looked at (DESIGN section 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What lies on this tray? Without verdict, order and reason.

    Attributes:
        number: names the tray for the answer.
        pictures: names of its pictures, oldest first; none where they have expired.
        places: where the tray lies in each of them; None where that is not known.
    """

    number: int
    pictures: tuple[str, ...]
    places: tuple[Sighting | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDay:
    """One business day's audit: how many trays were drawn and answered, and which wait, in the order of asking."""

    day: str
    drawn: int
    answered: int
    open: tuple[int, ...]


class AuditDesk:
    """Asks and takes answers. Safe to call from any thread.

    Args:
        reporting: knows the trays.
        store: keeps the answers.
        menu: gives the menu of now, by which an answer is held against the order.
    """

    def __init__(self, *, reporting: Reporting, store: EventStore, menu: Callable[[], Menu]) -> None:
        self._reporting = reporting
        self._store = store
        self._menu = menu

    @property
    def calendar(self) -> Calendar:
        """The days by which it asks."""
        return self._reporting.calendar

    def day(self, day: str) -> AuditDay:
        """Where a business day's audit stands.

        Raises:
            BadInput: that is no day.
            StoreError: the database does not answer.
        """
        drawn = self._drawn(day)
        waiting = tuple(each.tray.number for each in drawn if not each.tray.answered)
        return AuditDay(day=day, drawn=len(drawn), answered=len(drawn) - len(waiting), open=waiting)

    def question(self, day: str, number: int) -> Question:
        """One tray that was drawn.

        Raises:
            BadInput: that is no day.
            Unknown: the tray is none of that day's.
            StoreError: the database does not answer.
        """
        _, shown = self._of(day, number)
        places = tuple(shown.places.get(name) for name in shown.pictures)
        return Question(number=number, pictures=shown.pictures, places=places)

    def answer(
        self,
        day: str,
        number: int,
        *,
        role: StaffRole,
        answer: AuditAnswer = AuditAnswer.TOLD,
        contents: Mapping[str, int] | None = None,
    ) -> int:
        """Keep an answer; committed on return. A later answer on the same tray takes the place of an earlier one.

        Args:
            day: the business day it was drawn for.
            number: the tray's, as `Question` has it.
            role: as what somebody says so.
            answer: whether there is one.
            contents: how many of what, by SKU or detector class; what is not named does not lie there.

        Raises:
            BadInput: that is no day, or the contents are out of bounds.
            Unknown: the tray is none of that day's.
            StoreBusy: too much is waiting already. StoreError: the database refused.
        """
        drawn, shown = self._of(day, number)
        told = dict(contents or {})
        found = found_on(self._menu(), shown, told) if answer is AuditAnswer.TOLD else None
        return self._store.audit(
            Audit(
                run_id=shown.run_id,
                session_id=shown.session_id,
                role=role,
                answer=answer,
                contents=told,
                check_id=shown.check_id,
                drawn=drawn.drawn,
                found=found,
            )
        )

    def _drawn(self, day: str) -> tuple[DrawnTray, ...]:
        trays = self._reporting.trays_of(self._reporting.calendar.span_of(day))
        return draw(trays, seed=f"{self._reporting.store_id()} {day}")

    def _of(self, day: str, number: int) -> tuple[DrawnTray, ShownTray]:
        drawn = next((each for each in self._drawn(day) if each.tray.number == number), None)
        shown = None if drawn is None else self._reporting.shown_tray(number)
        if drawn is None or shown is None:
            raise Unknown(f"tray {number} is not to be audited for {day}")
        return drawn, shown


def draw(trays: Sequence[DayTray], *, seed: str, most: int = RANDOM_TRAYS) -> tuple[DrawnTray, ...]:
    """The trays to look at, in the order of asking: all reds, and `most` of the others.

    A tray that was answered stays drawn, also where one that came later would have taken its place.
    """
    others = [tray for tray in trays if not tray.red]
    chosen = set(sorted((tray.number for tray in others), key=lambda number: _hash(seed, "draw", number))[:most])
    drawn = [DrawnTray(tray=tray, drawn=DrawnAs.RED) for tray in trays if tray.red]
    drawn += [DrawnTray(tray=tray, drawn=DrawnAs.RANDOM) for tray in others if tray.number in chosen or tray.answered]
    return tuple(sorted(drawn, key=lambda each: _hash(seed, "ask", each.tray.number)))


def found_on(menu: Menu, shown: ShownTray, contents: Mapping[str, int]) -> VerdictKind | None:
    """What perfect eyes would have said of a tray with these contents; None where that cannot be said.

    Where nothing but the contents said whose tray it was, it is right if it is what any order wanted that waited then:
    a red for the wrong order is a false alarm.

    Args:
        menu: says how the items look.
        shown: the tray, with its orders.
        contents: how many of what, by class or by SKU.
    """
    orders = [order for order in shown.orders if order is not None]
    if not orders or len(orders) < len(shown.orders) or any(order.parts > 1 for order in orders):
        return None
    own = _held_against(menu, orders, contents)
    if own is VerdictKind.MISMATCH and any(
        _held_against(menu, [order], contents) is VerdictKind.MATCH for order in shown.waiting if order.parts == 1
    ):
        return VerdictKind.MATCH
    return None if own is VerdictKind.UNSURE else own


def _held_against(menu: Menu, orders: Sequence[Order], contents: Mapping[str, int]) -> VerdictKind:
    return compare(menu, wanted(menu, *orders), Contents.of(by_class(menu, contents))).kind


def _hash(seed: str, use: str, number: int) -> bytes:
    return hashlib.sha256(f"{seed} {use} {number}".encode()).digest()
