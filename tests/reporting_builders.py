"""A store with a clock, and whole trays told to it in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderMoved,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderLine, OrderState
from edge_agent.domain.record import Run
from edge_agent.ports import EventStore, Evidence, Reporting
from tests.fakes_reporting import MemoryReporting
from tests.fakes_store import FakeClock, MemoryStore

DAY = "2026-01-31"
RUN = Run(station="pass, drive", slots={"left": "pass", "right": "drive"}, tells=True)
SHADOW = replace(RUN, tells=False)
FRIES = CheckedLine(skus=("fries",), name="Fries", expected=1, seen=0, result=LineResult.MISSING, off_by=1)
BURGER = CheckedLine(skus=("burger",), name="Burger", expected=1, seen=1, result=LineResult.OK)
COLA = CheckedLine(skus=("cola", "diet"), name="Cola", expected=1, seen=0, result=LineResult.UNSURE, reason="covered")
TOY = CheckedLine(skus=("toy",), name="Toy", expected=1, seen=0, result=LineResult.NOT_CHECKED, reason="hidden")
LINES = {VerdictKind.MATCH: (BURGER, TOY), VerdictKind.MISMATCH: (BURGER, FRIES), VerdictKind.UNSURE: (BURGER, COLA)}


@dataclass(slots=True)
class House:
    """One store under test, its clock, and what looks back at it."""

    store: EventStore
    reporting: Reporting
    clock: FakeClock
    run_id: int = 0
    trays: int = 0

    def begin(self, run: Run = RUN) -> None:
        """A new life of the agent."""
        self.run_id = self.store.begin_run(run)

    def at(self, moment: datetime) -> None:
        """The clock shows this now."""
        self.clock.now = moment

    def commit(self, *events: Event) -> tuple[int, ...]:
        """Store events; the numbers of their checks."""
        return self.store.commit(self.run_id, events).check_ids

    def tray(
        self,
        kind: VerdictKind = VerdictKind.MATCH,
        *more: Event,
        order: Order | None = None,
        association: Association = Association.ONLY,
        alert: bool = False,
        late: bool = False,
        ends: Resolution | None = None,
        by_staff: bool = False,
        then: VerdictKind | None = None,
        slot: str = "left",
        took_s: float = 0.5,
        stays: bool = False,
        handed_out: bool = True,
        jpeg: bytes = b"",
    ) -> str:
        """A tray with its order; the name of its session.

        Args:
            kind: the first verdict.
            more: what else happens before it leaves.
            order: its order, one of its own if left out.
            association: how it was found; without an order there is none.
            alert: whether people are told.
            late: ... only when it was already moving.
            ends: how that ends.
            by_staff: whether a person ended it.
            then: a second verdict, after the alert ended.
            slot: where it lies.
            took_s: from still to the first verdict.
            stays: whether it still lies there.
            handed_out: whether its order is finished.
            jpeg: a picture of its verdicts.
        """
        self.trays += 1
        session = f"{slot}-{self.trays:04d}"
        order = order or self.order(f"A-{self.trays}")
        unknown = association in (Association.WHICH_ORDER, Association.NO_ORDER)
        first = verdict(session, kind, () if unknown else (order.key,), association, slot=slot, took_s=took_s)
        events: list[Event] = [
            OrderAccepted(at_s=0.0, order=order),
            SessionStarted(at_s=0.5, slot_id=slot, session_id=session),
            TraySettled(at_s=1.5, session_id=session, still_since_s=1.0),
            first,
        ]
        if alert:
            events.append(raised(session, first, late=late))
        if ends is not None:
            ended = AlertResolved(at_s=4.0, alert_id=f"{session}-alert", resolution=ends, by_staff=by_staff)
            events.append(ended)
        last = first
        if then is not None:
            last = replace(verdict(session, then, first.orders, association, slot=slot), at_s=6.0)
            events.append(last)
        events += more
        if not stays:
            events.append(left(last))
        if handed_out:
            events.append(OrderMoved(at_s=9.0, key=order.key, state=OrderState.HANDED_OUT))
        evidence = [Evidence(session_id=session, at_s=2.0, jpeg=jpeg)] if jpeg else []
        self.store.commit(self.run_id, events, evidence=evidence)
        return session

    def order(
        self, order_id: str, *, number: str = "42", channel: str = "", test: bool = False, parts: int = 1
    ) -> Order:
        """An order of a burger and fries, taken by this business day."""
        return Order(
            order_id=order_id,
            business_day=DAY,
            display_number=number,
            channel=channel,
            test=test,
            parts=parts,
            lines=(OrderLine(sku="burger"), OrderLine(sku="fries")),
        )


def verdict(
    session: str,
    kind: VerdictKind,
    orders: tuple[OrderKey, ...],
    association: Association = Association.ONLY,
    *,
    slot: str = "left",
    took_s: float = 0.5,
    lines: tuple[CheckedLine, ...] | None = None,
) -> VerdictReached:
    """A verdict on a tray that has lain still since second 1."""
    return VerdictReached(
        at_s=1.0 + took_s,
        slot_id=slot,
        session_id=session,
        still_since_s=1.0,
        orders=orders,
        association=association,
        verdict=Verdict(kind=kind, lines=LINES[kind] if lines is None else lines),
        contents=Contents.of({"burger": 1}),
    )


def raised(session: str, reached: VerdictReached, *, at_s: float = 3.0, late: bool = False) -> AlertRaised:
    """People are told of a verdict."""
    alert = Alert(
        alert_id=f"{session}-alert",
        session_id=session,
        orders=reached.orders,
        lines=reached.verdict.faults,
        raised_at_s=at_s,
        late=late,
    )
    return AlertRaised(at_s=at_s, alert=alert, sounds=True)


def left(last: VerdictReached) -> TrayLeft:
    """The tray is gone."""
    return TrayLeft(
        at_s=9.0, slot_id=last.slot_id, session_id=last.session_id, arrived_s=0.5, last_seen_s=8.5, final=last
    )


MakeHouse = Callable[..., House]


@contextmanager
def house_of(kind: str, folder: Path, *, calendar: Calendar | None = None) -> Iterator[House]:
    """A house whose store is in memory, or real."""
    clock, calendar = FakeClock(), calendar or Calendar()
    with ExitStack() as stack:
        if kind == "memory":
            memory = MemoryStore(clock=clock)
            house = House(memory, MemoryReporting(store=memory, calendar=calendar), clock)
        else:
            store = stack.enter_context(SqliteStore(path=folder / "edge.sqlite", clock=clock))
            house = House(store, SqliteReporting(path=store.path, calendar=calendar), clock)
        house.begin()
        yield house
