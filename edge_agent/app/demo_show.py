"""How a demonstration goes: its recording, its two kinds of time, its till at work."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from queue import SimpleQueue

from edge_agent.adapters.played_source import PlayedSource
from edge_agent.adapters.stepped_source import SteppedSource
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.app.demo_parts import News, Till
from edge_agent.app.living import Seams
from edge_agent.domain.events import Event
from edge_agent.errors import CameraEnded, EdgeAgentError
from edge_agent.evaluation.replay import TrayLog
from edge_agent.ports import Clock, LiveFrame, LiveSource, StationStatus
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.runtime.lockstep import HandedOverFrame, SteppedClock
from edge_agent.settings import CameraSettings

QUIET_S = 1.5
"""The demonstration is over when the recording is, and nothing has been heard for so long."""

START_S = 60.0
WAIT_S = 0.1


class Show:
    """How a demonstration goes: told by the threads of camera, checker and till, asked by the main one."""

    def __init__(self, video: Path) -> None:
        self._video = video
        self.news: SimpleQueue[News] = SimpleQueue()
        self.log = TrayLog()
        self.curtain, self.over = threading.Event(), threading.Event()
        self.source: VideoFileSource | None = None
        self.places: list[LatestFrame] = []
        self.length_s = 0.0
        self.began_at: datetime | None = None
        self.last_event_s = time.monotonic()
        self.failure: EdgeAgentError | None = None

    def frames(self) -> VideoFileSource:
        """The recording, opened."""
        self.source = VideoFileSource(self._video)
        return self.source

    def place(self, place: LatestFrame) -> LatestFrame:
        """A place for frames that the agent will use."""
        self.places.append(place)
        return place

    def happened(self, station: str, event: Event | StationStatus) -> None:
        """Something happened at a station; called by the checker's thread."""
        del station
        self.last_event_s = time.monotonic()
        if not isinstance(event, StationStatus):
            self.log.take([event])

    def fail(self, error: EdgeAgentError) -> None:
        """It cannot go on."""
        self.failure = error
        self.over.set()

    @property
    def frames_seen(self) -> int:
        return sum(place.frames for place in self.places)

    @property
    def is_quiet(self) -> bool:
        """Whether the recording is over, and nothing has come of it for a while."""
        waits = any(place.has_frame for place in self.places)
        return self.over.is_set() and not waits and time.monotonic() - self.last_event_s > QUIET_S


class OnStage:
    """A source of frames that begins when the curtain rises, and tells the show of its end."""

    def __init__(self, source: LiveSource, *, show: Show, clock: Clock) -> None:
        self._source, self._show, self._clock = source, show, clock

    def open(self) -> None:
        if not self._show.curtain.wait(START_S):
            raise CameraEnded("the demonstration did not begin")
        with self._failing():
            self._source.open()
        self._show.log.began_s = self._clock.monotonic_s()
        self._show.began_at = self._clock.now_utc()

    def read(self) -> LiveFrame:
        with self._failing():
            frame = self._source.read()
        self._show.length_s = frame.source_s or 0.0
        return frame

    def close(self) -> None:
        self._source.close()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """The camera thread ends with the recording, whatever ended it; the show knows why."""
        try:
            yield
        except CameraEnded:
            self._show.over.set()
            raise
        except EdgeAgentError as error:
            self._show.fail(error)
            raise CameraEnded("the demonstration broke off") from error


def real_time(show: Show) -> tuple[Clock, Seams]:
    """As in the restaurant: pictures come at their times, and who is late misses some."""
    clock = SystemClock()

    def source(camera: CameraSettings, of: Clock) -> Callable[[], LiveSource]:
        del camera
        return lambda: OnStage(PlayedSource(show.frames, clock=of), show=show, clock=of)

    def place(arrived: threading.Condition) -> LatestFrame:
        return show.place(LatestFrame(arrived=arrived))

    return clock, Seams(source=source, frames=place, listeners=(show.happened,))


def time_with_pictures(show: Show, till: Till) -> tuple[Clock, Seams]:
    """Time goes on as the pictures are looked at; the till sends what is due before each of them."""
    clock = SteppedClock(began=datetime.now(timezone.utc))

    def source(camera: CameraSettings, of: Clock) -> Callable[[], LiveSource]:
        del camera
        return lambda: OnStage(SteppedSource(show.frames, clock=of, before=till.send_due), show=show, clock=of)

    def place(arrived: threading.Condition) -> LatestFrame:
        return show.place(HandedOverFrame(clock=clock, arrived=arrived))

    return clock, Seams(source=source, frames=place, listeners=(show.happened,))


def let_go(show: Show) -> None:
    """Before the agent ends: the camera's thread must not wait for a curtain, or for anybody to take its frame."""
    show.curtain.set()
    for place in show.places:
        if isinstance(place, HandedOverFrame):
            place.release()


@contextlib.contextmanager
def at_work(till: Till, show: Show, clock: Clock) -> Iterator[None]:
    """The till on a thread of its own: it knows the time, and nothing of pictures."""
    closed = threading.Event()

    def work() -> None:
        try:
            while till.next_s is not None and not closed.wait(_nap_s(till.next_s, show, clock)):
                if show.began_at is not None:
                    till.send_due(clock.monotonic_s() - show.log.began_s)
        except EdgeAgentError as error:
            show.fail(error)

    thread = threading.Thread(target=work, name="demo-till")
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()


def _nap_s(due_s: float, show: Show, clock: Clock) -> float:
    if show.began_at is None:
        return WAIT_S
    return min(1.0, max(0.0, show.log.began_s + due_s - clock.monotonic_s()))
