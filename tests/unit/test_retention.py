"""Rounds of removal: what is urgent first, nothing by age while the clock is in doubt, and every failure said once."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pytest

from edge_agent.errors import StoreError
from edge_agent.ports.keeping import Removed
from edge_agent.runtime.retention import FIRST_LOOK_S, ClockWatch, RetentionThread
from tests.fakes_store import FakeClock

HOUR_S = 3_600.0


@dataclass
class FakeRetention:
    """Owes bytes and old things, and writes down what was asked of it."""

    owed_bytes: int = 0
    removable: int = 100
    old: int = 0
    refuses: StoreError | None = None
    last: datetime | None = None
    asked: list[str] = field(default_factory=list)

    def excess_bytes(self) -> int:
        if self.refuses is not None:
            raise self.refuses
        return self.owed_bytes

    def make_room(self, owed_bytes: int) -> Removed:
        self.asked.append("make_room")
        assert owed_bytes > 0
        if not self.removable:
            return Removed()
        self.removable -= 1
        self.owed_bytes -= 10
        return Removed(pictures=1, bytes=10)

    def expire(self) -> Removed:
        self.asked.append("expire")
        if not self.old:
            return Removed()
        self.old -= 1
        return Removed(pictures=1, bytes=10)

    def forget(self) -> Removed:
        self.asked.append("forget")
        return Removed()

    def sweep(self) -> Removed:
        self.asked.append("sweep")
        return Removed()

    def last_recorded_at(self) -> datetime | None:
        return self.last


def at_once(stop: threading.Event, seconds: float) -> bool:
    return stop.is_set()


def settled(retention: FakeRetention, clock: FakeClock) -> RetentionThread:
    """Rounds whose first minutes are over."""
    rounds = RetentionThread(retention=retention, clock=clock, wait=at_once)
    rounds.round()
    clock.advance(FIRST_LOOK_S)
    retention.asked.clear()
    return rounds


def test_a_round_takes_bite_after_bite_until_nothing_is_due() -> None:
    retention = FakeRetention(owed_bytes=25, old=2)
    rounds = settled(retention, FakeClock())
    retention.owed_bytes = 25
    assert rounds.round().pictures == 3 + 2
    assert retention.asked == ["make_room"] * 3 + ["expire"] * 3 + ["forget", "sweep"]


def test_records_are_looked_at_once_an_hour() -> None:
    retention, clock = FakeRetention(), FakeClock()
    rounds = settled(retention, clock)
    rounds.round()
    clock.advance(60)
    rounds.round()
    assert retention.asked.count("forget") == 1
    clock.advance(HOUR_S)
    rounds.round()
    assert retention.asked.count("forget") == 2


def test_a_start_waits_for_the_clock_but_not_for_room() -> None:
    """A box that boots may get its time from the network any moment; its disk is full now."""
    retention = FakeRetention(owed_bytes=10, old=1)
    rounds = RetentionThread(retention=retention, clock=FakeClock(), wait=at_once)
    rounds.round()
    assert retention.asked == ["make_room"]
    assert rounds.paused == "the agent has just started"


def test_a_jump_pauses_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    retention, clock = FakeRetention(), FakeClock()
    rounds = settled(retention, clock)
    rounds.round()
    caplog.clear()
    clock.now += timedelta(days=3_650)
    with caplog.at_level(logging.INFO):
        rounds.round()
        rounds.round()
        paused = rounds.paused
        clock.advance(86_400)
        rounds.round()
    assert (paused, rounds.paused) == ("the clock is 3650.0 days ahead of what it was a minute ago", None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "ahead of" in caplog.text


@pytest.mark.parametrize(
    ("jump", "wait_s"),
    [
        (timedelta(seconds=59), 0.0),
        (timedelta(seconds=-59), 0.0),
        (timedelta(seconds=61), HOUR_S),
        (timedelta(minutes=-5), HOUR_S),
        (timedelta(hours=7), 7 * HOUR_S),
        (timedelta(days=-2), 24 * HOUR_S),
        (timedelta(days=20_000), 24 * HOUR_S),
    ],
)
def test_doubt_lasts_as_long_as_the_jump_within_an_hour_and_a_day(jump: timedelta, wait_s: float) -> None:
    clock = FakeClock()
    watch = ClockWatch(clock=clock)
    clock.advance(FIRST_LOOK_S)
    assert watch.doubt() is None
    clock.now += jump
    assert (watch.doubt() is not None) == (wait_s > 0)
    clock.advance(max(wait_s - 1, 0))
    assert (watch.doubt() is not None) == (wait_s > 0)
    clock.advance(1)
    assert watch.doubt() is None


def test_years_before_the_agent_was_written_are_never_believed() -> None:
    clock = FakeClock(now=datetime(1970, 1, 1, tzinfo=timezone.utc))
    watch = ClockWatch(clock=clock)
    clock.advance(100 * HOUR_S)
    assert watch.doubt() == "the clock says 1970"


@pytest.mark.parametrize(("days", "is_doubted"), [(0.5, False), (-0.5, False), (2, True), (-2, True)])
def test_a_clock_far_from_the_newest_record_has_jumped_between_two_lives(days: float, is_doubted: bool) -> None:
    clock = FakeClock()
    watch = ClockWatch(clock=clock, last_recorded=clock.now - timedelta(days=days))
    clock.advance(FIRST_LOOK_S)
    assert (watch.doubt() is not None) == is_doubted
    clock.advance(24 * HOUR_S)
    assert watch.doubt() is None


def test_a_disk_that_stays_full_is_a_problem_until_it_is_not(caplog: pytest.LogCaptureFixture) -> None:
    retention = FakeRetention(owed_bytes=30, removable=1)
    rounds = RetentionThread(retention=retention, clock=FakeClock(), wait=at_once)
    with caplog.at_level(logging.DEBUG):
        rounds.round()
        rounds.round()
        problem = rounds.problem
        retention.removable = 100
        rounds.round()
    assert (problem, rounds.problem) == ("the disk is nearly full, and no picture is left that may go", None)
    levels = [record.levelname for record in caplog.records if "nearly full" in record.message]
    assert levels == ["WARNING", "DEBUG"]


def test_the_thread_outlives_a_store_that_refuses() -> None:
    """Tomorrow the disk may answer again."""
    looked = threading.Semaphore(0)
    retention = FakeRetention(refuses=StoreError("the database refused"))

    def wait(stop: threading.Event, seconds: float) -> bool:
        looked.release()
        return stop.wait(0.001)

    with RetentionThread(retention=retention, clock=FakeClock(), wait=wait) as rounds:
        for _ in range(3):
            assert looked.acquire(timeout=10)
        assert rounds.is_alive
        assert rounds.problem == "nothing can be removed: the database refused"
    assert not rounds.is_alive


def test_stopping_ends_between_two_bites() -> None:
    retention = FakeRetention(owed_bytes=10**9, removable=10**9)
    begun = threading.Event()

    def wait(stop: threading.Event, seconds: float) -> bool:
        begun.set()
        return stop.wait(0.001)

    with RetentionThread(retention=retention, clock=FakeClock(), wait=wait) as rounds:
        assert begun.wait(10)
    assert not rounds.is_alive
