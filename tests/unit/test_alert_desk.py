"""When people are told of a mismatch, and when that is over."""

from __future__ import annotations

import pytest

from edge_agent.checking.alert_desk import REMEMBERED_SOUNDS, AlertDesk, Wrong
from edge_agent.checking.policy import Policy, StationKind
from edge_agent.domain.alert import Resolution, in_words
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import AlertRaised, AlertResolved, Event, VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import OrderKey

OK, UNSURE = VerdictKind.MATCH, VerdictKind.UNSURE


def reached(kind: VerdictKind, *lines: CheckedLine, order_id: str = "A") -> VerdictReached:
    return VerdictReached(
        at_s=0.0,
        slot_id="s",
        session_id="s-1",
        still_since_s=0.0,
        orders=(OrderKey("till", "", order_id),) if order_id else (),
        association=Association.EXACT,
        verdict=Verdict(kind=kind, lines=lines),
        contents=Contents(),
    )


def fault(sku: str, result: LineResult = LineResult.MISSING, off_by: int = 1) -> CheckedLine:
    return CheckedLine(skus=(sku,), name=sku, expected=1, seen=0, result=result, off_by=off_by)


RED = reached(VerdictKind.MISMATCH, fault("fries"))
REDDER = reached(VerdictKind.MISMATCH, fault("fries"), fault("cola"))
GREEN, AMBER = reached(OK), reached(UNSURE)


class Desk:
    """A desk that is shown verdicts for so long, ten times a second."""

    def __init__(self, told: dict[Wrong, None] | None = None, **more: object) -> None:
        policy = Policy(**more)  # type: ignore[arg-type]
        self.desk = AlertDesk("s-1", policy, {} if told is None else told)
        self.ticks = 0
        self.events: list[Event] = []

    def see(self, verdict: VerdictReached, ticks: int) -> Desk:
        for _ in range(ticks):
            self.events += self.desk.look(verdict, self.ticks / 10)
            self.ticks += 1
        return self

    @property
    def said(self) -> list[str]:
        return [
            ("loud" if e.sounds else "quiet") if isinstance(e, AlertRaised) else e.resolution.value
            for e in self.events
            if isinstance(e, (AlertRaised, AlertResolved))
        ]


@pytest.mark.parametrize(("ticks", "said"), [(7, []), (8, ["loud"]), (50, ["loud"])])
def test_a_mismatch_is_told_once_when_it_has_stood(ticks: int, said: list[str]) -> None:
    assert Desk().see(RED, ticks).said == said


def test_flapping_is_not_standing() -> None:
    desk = Desk()
    for _ in range(5):
        desk.see(RED, 6).see(AMBER, 1)
    assert desk.said == []


@pytest.mark.parametrize(("ticks", "said"), [(15, ["loud"]), (16, ["loud", "fixed"])])
def test_put_right_is_a_match_that_has_stood(ticks: int, said: list[str]) -> None:
    assert Desk().see(RED, 8).see(GREEN, ticks).said == said


def test_doubt_is_no_part_of_being_put_right() -> None:
    """Two seconds of a hand over the tray and one green frame fix nothing."""
    assert Desk().see(RED, 8).see(AMBER, 20).see(GREEN, 1).see(RED, 20).said == ["loud"]


def test_the_match_of_another_order_is_not_put_right() -> None:
    """The tray turned out to be B's: the numbers must not say that somebody corrected A's."""
    assert Desk().see(RED, 8).see(reached(OK, order_id="B"), 20).said == ["loud", "superseded"]


def test_another_fault_supersedes_and_sounds_anew() -> None:
    assert Desk().see(RED, 8).see(REDDER, 8).said == ["loud", "superseded", "loud"]


def test_one_sound_per_order_and_set_of_lines() -> None:
    """Put right and wrong again, and even on another tray: the crew has heard it."""
    told: dict[Wrong, None] = {}
    assert Desk(told).see(RED, 8).see(GREEN, 16).see(RED, 8).said == ["loud", "fixed", "quiet"]
    assert Desk(told).see(RED, 8).said == ["quiet"]


def test_what_has_sounded_is_remembered_within_bounds() -> None:
    told: dict[Wrong, None] = {}
    for number in range(REMEMBERED_SOUNDS + 50):
        Desk(told).see(reached(VerdictKind.MISMATCH, fault("fries"), order_id=str(number)), 8)
    assert len(told) == REMEMBERED_SOUNDS


def test_extras_alone_are_quiet() -> None:
    extra = fault("cake", LineResult.EXTRA)
    assert Desk().see(reached(VerdictKind.MISMATCH, extra), 8).said == ["quiet"]
    assert Desk().see(reached(VerdictKind.MISMATCH, extra, fault("fries")), 8).said == ["loud"]


def test_a_mismatch_with_no_order_is_told_to_nobody() -> None:
    assert Desk().see(reached(VerdictKind.MISMATCH, fault("fries"), order_id=""), 20).said == []


def test_leaving_tells_late_what_nobody_heard() -> None:
    desk = Desk().see(RED, 3)
    desk.events += desk.desk.close(RED, 0.4)
    assert desk.said == ["quiet", "tray_left"]
    assert [e.alert.late for e in desk.events if isinstance(e, AlertRaised)] == [True]


@pytest.mark.parametrize(
    ("last", "end"),
    [(RED, "tray_left"), (AMBER, "tray_left"), (GREEN, "fixed"), (reached(OK, order_id="B"), "superseded")],
)
def test_leaving_ends_an_open_alert(last: VerdictReached, end: str) -> None:
    desk = Desk().see(RED, 8)
    desk.events += desk.desk.close(last, 0.9)
    assert desk.said == ["loud", end]
    assert desk.desk.alert is None


def test_a_session_that_goes_on_begins_to_count_anew() -> None:
    """The time a tray was away is no time that its mismatch has stood."""
    desk = Desk().see(RED, 3)
    desk.desk.close(RED, 0.4)
    desk.ticks = 30
    assert desk.see(RED, 7).said == []
    assert desk.see(RED, 1).said == ["loud"]


@pytest.mark.parametrize("now", [RED, AMBER])
def test_an_answer_holds_for_what_was_told(now: VerdictReached) -> None:
    """Whatever the verdict is in the moment of the tap, the answer is about the alert."""
    desk = Desk().see(RED, 8).see(now, 1)
    desk.events += desk.desk.resolve(Resolution.SYSTEM_WRONG, desk.ticks / 10)
    assert desk.see(RED, 20).said == ["loud", "system_wrong"]
    assert desk.see(REDDER, 8).said[-1] == "loud", "what is wrong besides is another matter"


def test_an_assembly_station_waits_for_bump_or_dwell() -> None:
    desk = Desk(kind=StationKind.ASSEMBLY).see(RED, 200)
    assert desk.said == []
    assert desk.see(RED, 1).said == ["loud"]
    bumped = Desk(kind=StationKind.ASSEMBLY).see(RED, 3)
    bumped.events += bumped.desk.look(RED, 0.3, bumped=True)
    assert bumped.said == ["loud"]


def test_every_alert_has_its_own_id() -> None:
    desk = Desk().see(RED, 8).see(REDDER, 8).see(GREEN, 16).see(RED, 8)
    ids = [e.alert.alert_id for e in desk.events if isinstance(e, AlertRaised)]
    assert len(set(ids)) == len(ids) == 3


def test_what_is_wrong_in_words() -> None:
    lines = (fault("fries", off_by=2), fault("cola", LineResult.EXTRA))
    assert in_words(lines) == "2 fries missing, cola too many"
