"""What a new life of the agent takes up from the one before."""

from __future__ import annotations

import pytest

from edge_agent.checking.left_open import ADOPT_S
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import AlertRaised, AlertResolved
from edge_agent.domain.order import Order, OrderState
from tests.builders import Stream, menu, order, tray

MENU = menu("plate", "drink", "fruit")
FIRST = order("A", "plate", "drink")


def left_open_by(of: Order) -> Alert:
    """The alert that a first life raised on a tray without its drink, in the slot `left`."""
    before = Stream(MENU).put(of).show(4, tray("plate"))
    return before.of(AlertRaised)[0].alert


def after_restart(alert: Alert, of: Order = FIRST, *, sounded: bool = True) -> Stream:
    """A new life that remembers the order, and that the alert is open."""
    stream = Stream(MENU)
    stream.checker.restore(of, OrderState.OPEN, 0.0)
    stream.checker.adopt(alert, "left")
    if sounded:
        stream.checker.heard(alert)
    return stream


def resolved(stream: Stream) -> list[tuple[str, Resolution]]:
    return [(event.alert_id, event.resolution) for event in stream.of(AlertResolved)]


def test_an_order_is_known_after_a_restart() -> None:
    stream = Stream(MENU)
    stream.checker.restore(FIRST, OrderState.OPEN, 0.0)
    stream.show(2, tray("plate", "drink"))
    assert stream.verdicts[-1] == ("A", "exact", "match")


def test_the_open_alert_goes_on_with_its_tray_and_is_not_raised_again() -> None:
    """The buzzer sounded already; a second alert for the same tray is one too many."""
    alert = left_open_by(FIRST)
    stream = after_restart(alert).show(4, tray("plate"))
    assert stream.alerts == []
    stream.show(4, tray("plate", "drink"))
    assert resolved(stream) == [(alert.alert_id, Resolution.FIXED)]


def test_the_crew_answers_the_alert_of_an_earlier_life_by_its_id() -> None:
    alert = left_open_by(FIRST)
    stream = after_restart(alert).show(3, tray("plate"))
    stream.events += stream.checker.resolve(alert.alert_id, Resolution.SYSTEM_WRONG, stream.now_s)
    stream.show(4, tray("plate"))
    assert resolved(stream) == [(alert.alert_id, Resolution.SYSTEM_WRONG)]
    assert stream.of(AlertRaised) == []


def test_it_is_answered_also_before_any_tray_was_seen() -> None:
    alert = left_open_by(FIRST)
    stream = after_restart(alert)
    stream.events += stream.checker.resolve(alert.alert_id, Resolution.ACCEPTED, 0.0)
    [event] = stream.of(AlertResolved)
    assert (event.alert_id, event.resolution, event.by_staff) == (alert.alert_id, Resolution.ACCEPTED, True)


def test_another_fault_of_the_same_order_takes_its_place() -> None:
    alert = left_open_by(FIRST)
    stream = after_restart(alert).show(4, tray("drink"))
    assert resolved(stream)[0] == (alert.alert_id, Resolution.SUPERSEDED)
    assert stream.alerts[-1].startswith("raised A: plate missing")


@pytest.mark.parametrize("sounded", [True, False])
def test_what_the_crew_has_heard_before_the_restart_does_not_sound_again(*, sounded: bool) -> None:
    stream = after_restart(left_open_by(FIRST), sounded=sounded).show(4, tray("drink")).show(4, tray("plate"))
    assert [(event.alert.lines[0].sku, event.sounds) for event in stream.of(AlertRaised)] == [
        ("plate", True),
        ("drink", not sounded),
    ]


def test_a_tray_that_was_taken_meanwhile_left() -> None:
    alert = left_open_by(FIRST)
    stream = after_restart(alert).show(ADOPT_S - 1)
    assert resolved(stream) == []
    stream.show(2)
    assert resolved(stream) == [(alert.alert_id, Resolution.TRAY_LEFT)]


def test_while_nothing_is_seen_of_its_slot_the_alert_stays_open() -> None:
    """The camera may come back later than the agent."""
    alert = left_open_by(FIRST)
    stream = after_restart(alert).pause(10 * ADOPT_S).show(4, tray("plate"))
    assert resolved(stream) == []


def test_a_slot_that_is_no_more_gives_its_alert_up() -> None:
    alert = left_open_by(FIRST)
    stream = Stream(MENU)
    stream.checker.adopt(alert, "gone")
    stream.show(ADOPT_S + 1)
    assert resolved(stream) == [(alert.alert_id, Resolution.TRAY_LEFT)]


def test_a_new_revision_and_a_cancellation_end_it() -> None:
    alert = left_open_by(FIRST)
    changed = after_restart(alert).put(order("A", "plate", revision=2))
    assert resolved(changed) == [(alert.alert_id, Resolution.SUPERSEDED)]
    cancelled = after_restart(alert)
    cancelled.events += cancelled.checker.cancel("A", 0.0)
    assert resolved(cancelled) == [(alert.alert_id, Resolution.CANCELLED)]


def test_a_menu_that_was_reloaded_judges_the_trays_anew() -> None:
    """The operator marks drinks as checked by hand while a tray lies there."""
    stream = Stream(MENU).put(FIRST).show(4, tray("plate"))
    assert stream.verdicts[-1][2] == "mismatch"
    stream.events += stream.checker.serve(menu("plate", "fruit"), stream.checker._thresholds, stream.now_s)
    assert stream.verdicts[-1][2] == "match"


def test_a_tray_is_not_held_against_an_order_whose_tray_left_before_the_restart() -> None:
    """The crew heard of that tray; another one like it belongs to another order."""
    stream = Stream(MENU)
    stream.checker.restore(FIRST, OrderState.PRESENTED, 0.0, [Contents.of({"plate": 1})])
    stream.show(4, tray("plate"))
    assert stream.alerts == []


def test_the_tray_of_such_an_order_that_comes_back_right_is_its_own() -> None:
    stream = Stream(MENU)
    stream.checker.restore(FIRST, OrderState.PRESENTED, 0.0, [Contents.of({"plate": 1})])
    stream.show(2, tray("plate", "drink"))
    assert stream.verdicts[-1] == ("A", "exact", "match")
