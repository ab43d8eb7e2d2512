"""Playing as fast as pictures are looked at: none is lost, and time goes on with them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from edge_agent.adapters.stepped_source import SteppedSource
from edge_agent.errors import BadRecording, CameraEnded, CameraUnusable
from edge_agent.ports import Frame, LiveFrame
from edge_agent.runtime.lockstep import HandedOverFrame, SteppedClock
from tests.fakes_camera import PICTURE, HandClock

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


class Recording:
    """Frames at some times; `breaks`: then it does not read any more."""

    def __init__(self, *times_s: float, breaks: bool = False) -> None:
        self.times_s, self.breaks = times_s, breaks
        self.closed = False

    def frames(self) -> Iterator[Frame]:
        try:
            for at_s in self.times_s:
                yield Frame(at_s, PICTURE)
            if self.breaks:
                raise BadRecording("it breaks off")
        finally:
            self.closed = True


def test_time_stands_still_until_it_is_reached_and_wall_time_goes_with_it() -> None:
    clock = SteppedClock(began=NOON)
    assert (clock.monotonic_s(), clock.now_utc()) == (0.0, NOON)
    clock.reach(90.5)
    clock.reach(12.0)
    assert clock.monotonic_s() == 90.5
    assert (clock.now_utc() - NOON).total_seconds() == 90.5


def test_taking_a_frame_makes_it_the_frames_time() -> None:
    clock = SteppedClock(began=NOON)
    place = HandedOverFrame(clock=clock)
    assert place.take() is None
    place.put(LiveFrame(PICTURE, 3.25))
    assert clock.monotonic_s() == 0.0
    assert place.take() is not None
    assert clock.monotonic_s() == 3.25


def test_no_frame_is_lost_however_slow_they_are_looked_at() -> None:
    clock = SteppedClock(began=NOON)
    place = HandedOverFrame(clock=clock)
    times = [n / 12 for n in range(200)]

    def shoot() -> None:
        for at_s in times:
            place.put(LiveFrame(PICTURE, at_s))

    camera = threading.Thread(target=shoot)
    camera.start()
    taken: list[float] = []
    while len(taken) < len(times):
        frame = place.take(timeout_s=5.0)
        assert frame is not None
        taken.append(frame.at_s)
        assert clock.monotonic_s() == frame.at_s
    camera.join(5)
    assert taken == times
    assert place.dropped == 0


def test_who_waits_for_a_frame_to_be_taken_is_let_go() -> None:
    """When the agent ends nobody takes frames any more, and the camera's thread must end too."""
    place = HandedOverFrame(clock=SteppedClock(began=NOON))
    place.put(LiveFrame(PICTURE, 0.0))
    camera = threading.Thread(target=place.put, args=(LiveFrame(PICTURE, 1.0),))
    camera.start()
    place.release()
    camera.join(5)
    assert not camera.is_alive()


def test_frames_come_at_once_with_their_own_times_and_what_is_due_before_them() -> None:
    clock, due, recording = HandClock(now_s=40.0), list[float](), Recording(0.0, 0.5, 7.0)
    source = SteppedSource(lambda: recording, clock=clock, before=due.append)
    source.open()
    frames = [source.read() for _ in range(3)]
    assert [(frame.at_s, frame.source_s) for frame in frames] == [(40.0, 0.0), (40.5, 0.5), (47.0, 7.0)]
    assert due == [0.0, 0.5, 7.0]
    assert clock.now_s == 40.0
    with pytest.raises(CameraEnded, match="over"):
        source.read()


def test_a_source_that_is_closed_lets_go_of_its_recording() -> None:
    recording = Recording(0.0, 1.0)
    source = SteppedSource(lambda: recording, clock=HandClock())
    source.open()
    source.read()
    source.close()
    source.close()
    assert recording.closed


def test_a_recording_that_does_not_read_cannot_be_played() -> None:
    def refused() -> Recording:
        raise BadRecording("this is no video")

    with pytest.raises(CameraUnusable, match="no video"):
        SteppedSource(refused, clock=HandClock()).open()
    broken = SteppedSource(lambda: Recording(0.0, breaks=True), clock=HandClock())
    broken.open()
    broken.read()
    with pytest.raises(CameraUnusable, match="breaks off"):
        broken.read()
