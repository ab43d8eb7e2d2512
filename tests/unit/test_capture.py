"""The capture thread: the newest frame wins, failures are waited out, a thread that hangs is replaced."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import CameraEnded, CameraLost, CameraRefused, CameraUnusable
from edge_agent.ports import LiveFrame
from edge_agent.runtime.backoff import Backoff
from edge_agent.runtime.capture import MOST_ABANDONED, CameraCapture
from edge_agent.runtime.capture_thread import CapturePlan, CaptureState
from edge_agent.runtime.latest_frame import LatestFrame
from tests.fakes_camera import PICTURE, HandClock, RecordedWaits, ScriptedCamera, cameras

LOGGER = "edge_agent.runtime.capture_thread"
LOST = CameraLost("the camera is gone")


@pytest.fixture
def made() -> Iterator[list[ScriptedCamera]]:
    """Cameras that are let go at the end, so that no thread hangs on."""
    cameras_made: list[ScriptedCamera] = []
    yield cameras_made
    for camera in cameras_made:
        camera.release.set()


def plan(*made: ScriptedCamera, waits: RecordedWaits | None = None, clock: HandClock | None = None) -> CapturePlan:
    return CapturePlan(
        name="pass",
        make_source=cameras(*made),
        latest=LatestFrame(),
        clock=clock or HandClock(),
        make_backoff=lambda: Backoff(first_s=1, longest_s=8, draw=lambda: 1.0),
        wait=waits or RecordedWaits(most=99),
    )


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    latest = LatestFrame()
    for at_s in (1.0, 2.0, 3.0):
        latest.put(LiveFrame(PICTURE, at_s))
    taken = latest.take()
    assert taken is not None
    assert (taken.at_s, latest.frames, latest.dropped, latest.take()) == (3.0, 3, 2, None)


def test_one_thread_can_wait_for_several_cameras() -> None:
    """One inference thread serves all stations: it must wake for any of them."""
    arrived = threading.Condition()
    left, right = LatestFrame(arrived=arrived), LatestFrame(arrived=arrived)
    sender = threading.Thread(target=right.put, args=(LiveFrame(PICTURE, 1.0),))
    with arrived:
        sender.start()
        assert arrived.wait(10)
    sender.join()
    assert left.take() is None
    assert right.take() is not None


def test_frames_come_through_and_the_camera_is_let_go(made: list[ScriptedCamera]) -> None:
    camera = ScriptedCamera([1.0, 2.0])
    made.append(camera)
    described = plan(camera)
    with CameraCapture(described) as capture:
        assert camera.hanging.wait(10)
        frame = described.latest.take()
        report = capture.report()
        camera.release.set()
    assert frame is not None
    assert frame.at_s == 2.0
    assert (report.state, report.problem, report.dropped, report.connections) == (CaptureState.STREAMING, None, 1, 1)
    assert camera.closed == 1
    assert capture.report().state is CaptureState.STOPPED


def test_waits_double_up_to_the_longest_and_begin_anew_after_a_frame(made: list[ScriptedCamera]) -> None:
    """Only a frame counts as recovery: some cameras connect and then send nothing."""
    dead = [ScriptedCamera([], opens=LOST) for _ in range(3)]
    silent = [ScriptedCamera([LOST]) for _ in range(2)]
    well = ScriptedCamera([1.0, LOST])
    waits = RecordedWaits(most=7)
    with CameraCapture(plan(*dead, *silent, well, ScriptedCamera([], opens=LOST), waits=waits)):
        assert waits.over.wait(10)
    assert waits.waits == [1, 2, 4, 8, 8, 1, 2]
    assert all(camera.closed for camera in dead)


@given(st.floats(0, 1), st.integers(0, 2000))
def test_no_wait_is_longer_than_the_longest_nor_shorter_than_half_the_first(draw: float, failures: int) -> None:
    backoff = Backoff(first_s=1, longest_s=30, draw=lambda: draw, failures=failures)
    assert 0.5 <= backoff.next_s() <= 30


def test_the_first_failure_is_a_warning_the_next_are_whispered_and_recovery_is_told(
    made: list[ScriptedCamera], caplog: pytest.LogCaptureFixture
) -> None:
    """A camera that is dead for a night must not fill the journal."""
    well = ScriptedCamera([1.0])
    made.append(well)
    dead = [ScriptedCamera([], opens=LOST) for _ in range(3)]
    with caplog.at_level(logging.DEBUG, LOGGER), CameraCapture(plan(*dead, well)):
        assert well.hanging.wait(10)
        well.release.set()
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG", "INFO"]


def test_a_camera_that_says_no_is_left_in_peace_for_long() -> None:
    """Many cameras lock an account after a few wrong passwords."""
    waits = RecordedWaits(most=1)
    with CameraCapture(plan(ScriptedCamera([], opens=CameraRefused("wrong password")), waits=waits)):
        assert waits.over.wait(10)
    assert waits.waits == [300.0]


@pytest.mark.parametrize(
    ("error", "state"),
    [(CameraUnusable("no GStreamer"), CaptureState.GAVE_UP), (CameraEnded("over"), CaptureState.ENDED)],
)
def test_what_no_retry_can_help_ends_the_thread_and_is_not_started_again(
    error: CameraUnusable | CameraEnded, state: CaptureState
) -> None:
    camera = ScriptedCamera([error])
    capture = CameraCapture(plan(camera))
    with capture:
        thread = capture._thread
        assert thread is not None
        thread.join(10)
        report = capture.supervise()
        assert (report.state, report.problem) == (state, str(error))
        assert capture._thread is thread


def test_a_thread_that_hangs_is_replaced_and_after_three_the_process_must_exit(made: list[ScriptedCamera]) -> None:
    """A native read that hangs cannot be ended; each one holds a decoder and its memory."""
    clock = HandClock()
    made += [ScriptedCamera([]) for _ in range(MOST_ABANDONED)]
    with CameraCapture(plan(*made, clock=clock), stuck_s=20) as capture:
        for number, camera in enumerate(made, start=1):
            assert camera.hanging.wait(10)
            assert capture.supervise().abandoned == number - 1
            clock.now_s += 20.1
            report = capture.supervise()
            assert report.abandoned == number
            assert report.must_exit is (number == MOST_ABANDONED)
        assert capture.report().state is CaptureState.STOPPED


def test_what_an_abandoned_thread_reads_later_is_not_taken_and_it_no_longer_counts() -> None:
    clock, hanging, well = HandClock(), ScriptedCamera([]), ScriptedCamera([])
    described = plan(hanging, well, clock=clock)
    with CameraCapture(described, stuck_s=20) as capture:
        assert hanging.hanging.wait(10)
        abandoned = capture._thread
        assert abandoned is not None
        clock.now_s += 21
        assert capture.supervise().abandoned == 1
        hanging.release.set()
        abandoned.join(10)
        assert capture.supervise().abandoned == 0
        assert (described.latest.take(), hanging.closed) == (None, 1)
        well.release.set()
