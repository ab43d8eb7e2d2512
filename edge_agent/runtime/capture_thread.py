"""One thread that reads one camera, and connects anew after every failure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from edge_agent.domain.said import said_of, say
from edge_agent.errors import CameraEnded, CameraError, CameraRefused, CameraUnusable
from edge_agent.ports import Clock, LiveSource
from edge_agent.runtime.backoff import Backoff
from edge_agent.runtime.latest_frame import LatestFrame

logger = logging.getLogger(__name__)

REFUSED_S = 300.0
"""How long a camera that said no is left in peace: many lock an account after a few wrong passwords."""


class CaptureState(str, Enum):
    """What the capture of a camera is doing. `GAVE_UP` and `ENDED` last until the settings change."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    WAITING = "waiting"
    GAVE_UP = "gave_up"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePlan:
    """What a capture thread needs.

    Attributes:
        name: the camera's name in logs and thread names.
        make_source: makes a source for one thread; a thread that hangs keeps its own.
        latest: where frames go.
        clock: tells for how long a call has hung.
        make_backoff: makes what says how long to wait after failures.
        refused_s: the wait after the camera said no.
        wait: waits so many seconds for the stop event, and says whether it is set.
    """

    name: str
    make_source: Callable[[], LiveSource]
    latest: LatestFrame
    clock: Clock
    make_backoff: Callable[[], Backoff] = Backoff
    refused_s: float = REFUSED_S
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait


class CaptureThread:
    """Reads until it is told to stop; after that nothing that it reads is taken any more.

    Nobody else calls its source: a native call that hangs cannot be ended, and freeing what it uses would crash.
    """

    def __init__(self, plan: CapturePlan, *, number: int) -> None:
        self.state = CaptureState.CONNECTING
        self.problem: str | None = say("connecting", "connecting")
        self.connections = 0
        self._plan = plan
        self._backoff = plan.make_backoff()
        self._stop = threading.Event()
        self._called_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"capture-{plan.name}-{number}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Tell it to stop, without waiting."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for its end, at most so long."""
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def has_died(self) -> bool:
        """Whether it ended by a mistake of ours."""
        finished = self.state in (CaptureState.GAVE_UP, CaptureState.ENDED)
        return not self.is_alive and not finished and not self._stop.is_set()

    def hangs(self, stuck_s: float) -> bool:
        """Whether it has been in one call of its source for longer than that."""
        called_s = self._called_s
        return called_s is not None and self.is_alive and self._plan.clock.monotonic_s() - called_s > stuck_s

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._connect_and_read()
            except CameraError as error:
                wait_s = self._after(error)
                if wait_s is None or self._plan.wait(self._stop, wait_s):
                    return

    def _connect_and_read(self) -> None:
        """Read one connection to its end, which is an error or the order to stop."""
        self.state = CaptureState.CONNECTING
        source = self._plan.make_source()
        try:
            with self._calling():
                source.open()
            self.connections += 1
            while not self._stop.is_set():
                with self._calling():
                    frame = source.read()
                if self._stop.is_set():
                    return
                self._recovered()
                self._plan.latest.put(frame)
        finally:
            with self._calling():
                source.close()

    def _recovered(self) -> None:
        """A frame came: only that counts as working, as some cameras connect and then send nothing."""
        if self.state is not CaptureState.STREAMING:
            logger.info("camera %s: pictures come", self._plan.name)
            self._backoff.reset()
            self.state, self.problem = CaptureState.STREAMING, None

    def _after(self, error: CameraError) -> float | None:
        """What to do about a failure: the seconds to wait, or None to end."""
        is_first = self.problem is None or not self._backoff.failures
        self.problem = said_of(error)
        if isinstance(error, CameraUnusable | CameraEnded):
            ended = isinstance(error, CameraEnded)
            self.state = CaptureState.ENDED if ended else CaptureState.GAVE_UP
            logger.log(logging.INFO if ended else logging.ERROR, "camera %s: %s", self._plan.name, error)
            return None
        self.state = CaptureState.WAITING
        wait_s = self._backoff.next_s()
        if isinstance(error, CameraRefused):
            wait_s = max(wait_s, self._plan.refused_s)
        level = logging.WARNING if is_first else logging.DEBUG
        logger.log(level, "camera %s: %s; the next try is in %.0f s", self._plan.name, error, wait_s)
        return wait_s

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """A call into native code: seen from outside, it has lasted since now."""
        self._called_s = self._plan.clock.monotonic_s()
        try:
            yield
        finally:
            self._called_s = None
