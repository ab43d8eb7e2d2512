"""An answer that may be taken back for ten seconds: the box has it at once, and nothing that happens loses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, cast

import pytest

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import AlertRaised, AlertResolved, Event
from edge_agent.domain.record import Run, StaffRole
from edge_agent.errors import Conflict
from edge_agent.runtime.checker_thread import NOTHING, Answer, CheckerThread
from edge_agent.runtime.live_alerts import LiveAlerts
from tests.builders import Stream, menu, order, tray
from tests.fakes_store import FakeClock, MemoryStore

MENU = menu("plate", "drink")
RIGHT, WRONG, OTHERWISE = tray("plate", "drink"), tray("plate"), tray("drink")
UNDO_S = 10.0


def red() -> tuple[Stream, str]:
    """A tray that is red, and its alert."""
    stream = Stream(MENU).put(order("A", "plate", "drink")).show(3.0, WRONG)
    [raised] = stream.of(AlertRaised)
    return stream, raised.alert.alert_id


def ends(stream: Stream) -> list[tuple[str, bool]]:
    """How alerts ended, and whether a person said so."""
    return [(event.resolution.value, event.by_staff) for event in stream.of(AlertResolved)]


def answered(resolution: Resolution = Resolution.SYSTEM_WRONG) -> tuple[Stream, str]:
    stream, alert_id = red()
    assert stream.checker.answer(alert_id, resolution, stream.now_s, take_back_s=UNDO_S)
    return stream, alert_id


def test_it_holds_after_ten_seconds_and_not_before() -> None:
    stream, _ = answered()
    assert ends(stream.show(9.8, WRONG)) == []
    assert ends(stream.show(0.4, WRONG)) == [("system_wrong", True)]
    assert len(stream.show(5.0, WRONG).of(AlertRaised)) == 1


def test_it_holds_though_the_camera_gives_nothing_any_more() -> None:
    stream, _ = answered()
    stream.events += stream.checker.wait(stream.now_s + UNDO_S + 0.1)
    assert ends(stream) == [("system_wrong", True)]


def test_taken_back_it_never_was() -> None:
    stream, alert_id = answered()
    assert stream.checker.take_back(alert_id)
    assert not stream.checker.take_back(alert_id)
    assert ends(stream.show(15.0, WRONG)) == []
    assert ends(stream.show(2.0)) == [("tray_left", False)]


def test_a_tray_that_is_handed_out_meanwhile_takes_the_answer_with_it() -> None:
    """The crew says "system wrong" because it hands the tray out: that must not become "tray left"."""
    stream, _ = answered()
    assert ends(stream.show(2.0)) == [("system_wrong", True)]


@pytest.mark.parametrize("then", [RIGHT, OTHERWISE], ids=["put right", "another fault"])
def test_whatever_else_ends_the_alert_ends_it_with_the_answer(then: Any) -> None:
    stream, _ = answered(Resolution.FIXED)
    assert ends(stream.show(4.0, then))[0] == ("fixed", True)


def test_a_cancelled_order_ends_it_with_the_answer() -> None:
    stream, _ = answered()
    stream.events += stream.checker.cancel("A", stream.now_s)
    assert ends(stream) == [("system_wrong", True)]


def test_a_button_that_cannot_undo_answers_at_once() -> None:
    stream, alert_id = answered()
    stream.events += stream.checker.resolve(alert_id, Resolution.ACCEPTED, stream.now_s)
    assert ends(stream) == [("accepted", True)]
    assert not stream.checker.take_back(alert_id)


def test_an_alert_that_no_tray_has_cannot_wait() -> None:
    stream, alert_id = red()
    stream.show(2.0)
    assert not stream.checker.answer(alert_id, Resolution.FIXED, stream.now_s, take_back_s=UNDO_S)


class AtOnce:
    """A checker's thread that is asked and answers in one."""

    def __init__(self, stream: Stream, clock: FakeClock) -> None:
        self.stream = stream
        self.clock = clock

    def ask(self, question: Callable[[OrderChecker, float], tuple[Any, Sequence[Event]]]) -> Future[Answer[Any]]:
        done: Future[Answer[Any]] = Future()
        value, events = question(self.stream.checker, self.clock.monotonic_s())
        self.stream.events += events
        done.set_result(Answer(value, NOTHING))
        return done


class Desk:
    """The running agent's alerts over a story that has come to its red tray."""

    def __init__(self) -> None:
        self.stream, self.alert_id = red()
        self.clock = FakeClock(monotonic=self.stream.now_s)
        store = MemoryStore(clock=self.clock)
        store.record(store.begin_run(Run(station="pass", tells=True)), self.stream.events)
        thread = cast("CheckerThread", AtOnce(self.stream, self.clock))
        self.alerts = LiveAlerts(thread, outbox=store, store=store, history=store, clock=self.clock)

    def answer(self, resolution: Resolution = Resolution.FIXED) -> None:
        self.alerts.answer(self.alert_id, resolution, role=StaffRole.CREW, take_back_s=UNDO_S)


def test_what_was_said_is_shown_while_it_can_be_taken_back() -> None:
    desk = Desk()
    desk.answer()
    [said] = desk.alerts.said()
    assert (said.told_id, said.resolution) == (desk.alert_id, Resolution.FIXED)
    assert said.until_s == desk.clock.monotonic_s() + UNDO_S
    desk.clock.advance(UNDO_S)
    assert desk.alerts.said() == ()


def test_another_answer_takes_the_place_of_the_first() -> None:
    desk = Desk()
    desk.answer()
    desk.answer(Resolution.SYSTEM_WRONG)
    assert [said.resolution for said in desk.alerts.said()] == [Resolution.SYSTEM_WRONG]


def test_taking_back_twice_is_too_late() -> None:
    desk = Desk()
    desk.answer()
    desk.alerts.take_back(desk.alert_id)
    assert desk.alerts.said() == ()
    with pytest.raises(Conflict, match="holds already"):
        desk.alerts.take_back(desk.alert_id)


def test_a_final_answer_leaves_nothing_to_take_back() -> None:
    desk = Desk()
    desk.answer()
    desk.alerts.resolve(desk.alert_id, Resolution.ACCEPTED, role=StaffRole.CREW)
    assert desk.alerts.said() == ()
    assert ends(desk.stream) == [("accepted", True)]
