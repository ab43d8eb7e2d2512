"""What is not well around the stations: a till that fell silent, a clock that cannot be right."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from edge_agent.app.troubles import AskedTroubles, clock_doubt
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import OrderAccepted, TrayLeft, VerdictReached
from edge_agent.domain.matching import Verdict, VerdictKind
from edge_agent.domain.record import Run
from edge_agent.ports import Trouble
from edge_agent.runtime.till_watch import ORDERLESS_TRAYS, TillWatch
from tests.builders import order
from tests.fakes_store import FakeClock, MemoryStore

NO_ORDER = Association.NO_ORDER


def left(how: Association = NO_ORDER, **lies: int) -> TrayLeft:
    final = VerdictReached(
        at_s=1.0,
        slot_id="a",
        session_id="a-1",
        still_since_s=0.5,
        orders=(),
        association=how,
        verdict=Verdict(kind=VerdictKind.UNSURE),
        contents=Contents.of(lies),
    )
    return TrayLeft(at_s=2.0, slot_id="a", session_id="a-1", arrived_s=0.0, last_seen_s=1.9, final=final)


def test_a_till_is_silent_when_several_trays_in_a_row_find_no_order() -> None:
    watch = TillWatch()
    for number in range(ORDERLESS_TRAYS):
        assert not watch.is_silent, number
        watch.announce("pass", left(plate=1))
    assert watch.is_silent
    watch.announce("pass", OrderAccepted(at_s=1.0, order=order("A-1", "plate")))
    assert not watch.is_silent


@pytest.mark.parametrize("between", [left(Association.EXACT, plate=1), left(Association.WHICH_ORDER, plate=1)])
def test_a_tray_whose_order_may_be_there_begins_the_count_anew(between: TrayLeft) -> None:
    watch = TillWatch()
    for event in (left(plate=1), left(plate=1), between, left(plate=1)):
        watch.announce("pass", event)
    assert not watch.is_silent


def test_what_was_no_tray_counts_for_nothing() -> None:
    """A hand, a cloth: nothing was counted on it."""
    watch = TillWatch()
    for _ in range(10):
        watch.announce("pass", left())
    assert not watch.is_silent


@pytest.mark.parametrize(
    ("now", "doubted"),
    [
        (datetime(1970, 1, 1, 0, 5, tzinfo=timezone.utc), True),
        (datetime(2026, 1, 31, 10, 59, tzinfo=timezone.utc), True),
        (datetime(2026, 1, 31, 11, 30, tzinfo=timezone.utc), False),
        (datetime(2026, 2, 1, tzinfo=timezone.utc), False),
    ],
)
def test_a_clock_is_doubted_that_runs_behind_the_run_before(now: datetime, *, doubted: bool) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    store.begin_run(Run(station="pass"))
    clock.now = now
    store.begin_run(Run(station="pass"))
    assert clock_doubt(clock, store)() is doubted


def test_the_first_run_of_a_box_without_a_clock_is_doubted() -> None:
    clock = FakeClock(now=datetime(1970, 1, 1, tzinfo=timezone.utc))
    store = MemoryStore(clock=clock)
    store.begin_run(Run(station="pass"))
    doubts = clock_doubt(clock, store)
    assert doubts()
    clock.now = datetime(2026, 2, 1, tzinfo=timezone.utc)
    assert not doubts()


def test_troubles_come_in_their_order() -> None:
    asked = AskedTroubles([(Trouble.STORE, lambda: True), (Trouble.TILL, lambda: False), (Trouble.CLOCK, lambda: True)])
    assert asked.troubles() == (Trouble.STORE, Trouble.CLOCK)
