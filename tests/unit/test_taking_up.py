"""What sounded in an earlier life of the agent, as the store remembers it: the crew is not rung for it twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.app.taking_up import take_up
from edge_agent.domain.events import AlertRaised
from edge_agent.domain.record import Run
from tests.builders import Stream, menu, order, tray
from tests.fakes_store import FakeClock

MENU = menu("plate", "drink")
RIGHT, NO_DRINK, NO_PLATE = tray("plate", "drink"), tray("plate"), tray("drink")

Life = Callable[..., list[tuple[str, bool]]]


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """A life of the agent: it takes up what is kept, tells its story, and is gone. What it raised, and what sounded."""

    def lived(story: Callable[[Stream], object], *, tells: bool = True) -> list[tuple[str, bool]]:
        path, clock, stream = tmp_path / "edge.sqlite", FakeClock(monotonic=0.0), Stream(MENU)
        with closing(SqliteStore(path=path, clock=clock)) as store:
            run_id = store.begin_run(Run(tells=tells))
            take_up(stream.checker, SqliteHistory(path=path), clock)
            story(stream)
            store.commit(run_id, stream.events)
        return [(raised.alert.lines[0].sku, raised.sounds) for raised in stream.of(AlertRaised)]

    return lived


def forgets_the_drink(stream: Stream) -> Stream:
    return stream.put(order("A", "plate", "drink")).show(4, NO_DRINK)


def test_what_sounded_and_was_put_right_before_a_restart_does_not_sound_again(life: Life) -> None:
    """Somebody takes the drink off the tray again: that is the fault they were rung for."""
    assert life(lambda stream: forgets_the_drink(stream).show(4, RIGHT)) == [("drink", True)]
    assert life(lambda stream: stream.show(4, RIGHT).show(4, NO_DRINK)) == [("drink", False)]


def test_what_sounded_before_another_fault_took_its_place_does_not_sound_again_either(life: Life) -> None:
    first = life(lambda stream: forgets_the_drink(stream).show(4, NO_PLATE))
    assert first == [("drink", True), ("plate", True)]
    assert life(lambda stream: stream.show(4, NO_DRINK).show(4, NO_PLATE)) == [("drink", False), ("plate", False)]


def test_an_open_alert_that_sounded_is_gone_on_with_and_not_raised_again(life: Life) -> None:
    assert life(forgets_the_drink) == [("drink", True)]
    assert life(lambda stream: stream.show(4, NO_DRINK)) == []


def test_a_fault_that_nobody_was_rung_for_sounds(life: Life) -> None:
    assert life(forgets_the_drink) == [("drink", True)]
    assert life(lambda stream: stream.show(4, NO_PLATE)) == [("plate", True)]


def test_two_restarts_later_it_is_still_remembered(life: Life) -> None:
    life(lambda stream: forgets_the_drink(stream).show(4, RIGHT))
    assert life(lambda stream: stream.show(4, RIGHT).show(4, NO_DRINK).show(4, RIGHT)) == [("drink", False)]
    assert life(lambda stream: stream.show(4, RIGHT).show(4, NO_DRINK)) == [("drink", False)]


def test_in_shadow_mode_nobody_heard_anything(life: Life) -> None:
    """The first day after the trial must not be a silent one."""
    life(lambda stream: forgets_the_drink(stream).show(4, RIGHT), tells=False)
    assert life(lambda stream: stream.show(4, RIGHT).show(4, NO_DRINK)) == [("drink", True)]


def test_an_alert_that_shadow_mode_left_open_has_not_sounded(life: Life) -> None:
    life(forgets_the_drink, tells=False)
    again = life(lambda stream: stream.show(4, NO_DRINK).show(4, NO_PLATE).show(4, NO_DRINK))
    assert again == [("plate", True), ("drink", True)]
