"""What watches over the threads, and what it says of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edge_agent.ports import StationStatus
from edge_agent.runtime.recorder import RecorderReport
from edge_agent.runtime.supervisor import STUCK_S, Supervisor, Watched
from tests.fakes_camera import HandClock

WELL = StationStatus(station_id="pass", camera="online", can_decide=True)


@dataclass
class FakeChecker:
    """A checker that comes round."""

    statuses: tuple[StationStatus, ...] = (WELL,)
    is_alive: bool = True
    beat_s: float = 100.0


@dataclass
class FakeRecorder:
    """A recorder that keeps up."""

    report: RecorderReport = field(default_factory=RecorderReport)
    is_alive: bool = True


@dataclass
class CaptureState:
    """What a capture says of itself."""

    must_exit: bool = False


@dataclass
class FakeCapture:
    """A camera."""

    state: CaptureState = field(default_factory=CaptureState)

    def supervise(self) -> CaptureState:
        return self.state


class House:
    """A supervisor over fakes, and what it did."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.checker, self.recorder, self.capture = FakeChecker(), FakeRecorder(), FakeCapture()
        self.fed = 0
        self.said: list[str] = []
        self.gave_up: list[str] = []
        self.problems: list[str] = []
        watched = Watched(
            captures={"pass": self.capture},  # type: ignore[dict-item]
            checker=self.checker,  # type: ignore[arg-type]
            recorder=self.recorder,  # type: ignore[arg-type]
            problems=[lambda: self.problems],
            feed=self.feed,
            say=self.said.append,
            give_up=self.gave_up.append,
        )
        self.supervisor = Supervisor(watched, clock=self.clock)

    def feed(self) -> None:
        self.fed += 1


@pytest.fixture
def house() -> House:
    return House()


def test_while_all_is_well_the_watchdog_is_fed_and_it_is_said_once(house: House) -> None:
    for _ in range(3):
        house.supervisor.look()
    assert (house.fed, house.said) == (3, ["checking: pass"])
    assert house.supervisor.report().ready


def test_a_checker_that_does_not_come_round_is_fed_no_more(house: House) -> None:
    """The detector hangs in native code: only systemd can end that."""
    house.clock.now_s += STUCK_S + 1
    house.supervisor.look()
    assert house.fed == 0
    report = house.supervisor.report()
    assert not report.ready
    assert "checker" in report.problems[0]


@pytest.mark.parametrize("dead", ["checker", "recorder"])
def test_a_thread_that_died_makes_the_agent_unready(house: House, dead: str) -> None:
    getattr(house, dead).is_alive = False
    house.supervisor.look()
    assert house.fed == 0
    assert not house.supervisor.report().ready


def test_a_dead_camera_takes_its_station_never_readiness(house: House) -> None:
    house.checker.statuses = (
        StationStatus(station_id="pass", camera="offline", can_decide=False, why_not="the camera gives no pictures"),
    )
    house.supervisor.look()
    report = house.supervisor.report()
    assert (report.ready, house.fed) == (True, 1)
    assert report.problems == ("station pass: the camera gives no pictures",)
    assert house.said == ["station pass: the camera gives no pictures"]


def test_a_database_that_refuses_is_said_with_what_to_do(house: House) -> None:
    house.recorder.report = RecorderReport(waiting=12, problem="the disk is full")
    [problem] = house.supervisor.report().problems
    assert "12 events" in problem
    assert "make room" in problem
    assert house.supervisor.report().ready


def test_what_others_find_wrong_is_said_when_it_changes(house: House) -> None:
    house.supervisor.look()
    house.problems.append("the clock says 1970: set it")
    house.supervisor.look()
    house.supervisor.look()
    assert house.said == ["checking: pass", "the clock says 1970: set it"]


def test_hanging_camera_threads_end_the_process_once(house: House) -> None:
    house.capture.state = CaptureState(must_exit=True)
    house.supervisor.look()
    house.supervisor.look()
    assert len(house.gave_up) == 1
    assert house.fed == 0
