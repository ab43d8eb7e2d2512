"""May the trial run end? Counted is only what the model and the slider of now have done."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_agent.checking.trial_mode import ENOUGH_RIGHT, LONGEST, TrialProgress, same_since, trial_progress
from edge_agent.domain.record import Run, StoredRun
from tests.fakes_reporting import MemoryReporting
from tests.fakes_store import FakeClock, MemoryStore

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)


def run(number: int, days_ago: float, model: str = "new") -> StoredRun:
    started = (NOW - timedelta(days=days_ago)).isoformat()
    return StoredRun(run_id=number, run=Run(model_sha256=model), started_at=started)


def test_trays_count_since_the_model_of_now_ran_first() -> None:
    runs = [run(4, 1), run(3, 5), run(2, 9, "old"), run(1, 20)]
    assert same_since(runs, None, NOW) == NOW - timedelta(days=5)


def test_a_slider_that_was_moved_begins_anew() -> None:
    moved = NOW - timedelta(days=2)
    assert same_since([run(1, 5)], moved, NOW) == moved
    assert same_since([run(1, 1)], moved, NOW) == NOW - timedelta(days=1)


def test_what_is_too_long_ago_does_not_count_and_a_clock_that_was_ahead_does_not_stop_it() -> None:
    assert same_since([run(1, 400)], None, NOW) == NOW - LONGEST
    assert same_since([run(1, 5)], NOW + timedelta(days=3), NOW) == NOW - timedelta(days=5)
    assert same_since([], None, NOW) == NOW


@pytest.mark.parametrize(
    ("right", "high", "may_end"),
    [
        (ENOUGH_RIGHT, 0.012, True),
        (ENOUGH_RIGHT - 1, 0.012, False),
        (ENOUGH_RIGHT, 0.031, False),
        (ENOUGH_RIGHT, None, False),
    ],
)
def test_it_may_end_with_enough_trays_and_few_enough_false_alarms(
    right: int, high: float | None, may_end: bool
) -> None:
    progress = TrialProgress(since=NOW, audited_right=right, rate=high, low=high, high=high)
    assert progress.may_end is may_end


def test_without_trays_nothing_is_measured() -> None:
    reporting = MemoryReporting(store=MemoryStore(clock=FakeClock()))
    for since in (NOW, NOW - timedelta(days=3)):
        progress = trial_progress(reporting, since, NOW)
        assert (progress.audited_right, progress.rate, progress.may_end) == (0, None, False)
