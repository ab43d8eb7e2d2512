"""Keep the pictures of one camera coming: watch over its thread, and replace it when it hangs."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from edge_agent.domain.said import say
from edge_agent.runtime.capture_thread import CapturePlan, CaptureState, CaptureThread

logger = logging.getLogger(__name__)

MOST_ABANDONED = 3
"""So many threads that hang in native code mean that the process must be started anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureReport:
    """How a capture fares.

    Attributes:
        state: what it is doing.
        problem: why it gives no pictures, in one sentence without any secret; None while it does.
        frames: how many came.
        dropped: how many of them nobody took in time.
        connections: how often it connected.
        abandoned: how many of its threads hang in native code.
    """

    state: CaptureState
    problem: str | None
    frames: int
    dropped: int
    connections: int
    abandoned: int

    @property
    def must_exit(self) -> bool:
        """Whether only a new process helps: hanging threads cannot be ended, and each holds a decoder."""
        return self.abandoned >= MOST_ABANDONED


class CameraCapture:
    """Reads one camera for ever, on a thread of its own. Use it as a context manager.

    `supervise` must be called every second or so, by whoever watches over the threads.

    Args:
        plan: what its threads need; frames are taken from the plan's `latest`.
        stuck_s: a call that takes longer hangs; it must be longer than the source's own time-outs.
    """

    def __init__(self, plan: CapturePlan, *, stuck_s: float = 20.0) -> None:
        self._plan = plan
        self._stuck_s = stuck_s
        self._thread: CaptureThread | None = None
        self._abandoned: list[CaptureThread] = []
        self._started = 0
        self._connections = 0

    def __enter__(self) -> CameraCapture:  # noqa: PYI034 - Self needs Python 3.11
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, timeout_s: float = 2.0) -> None:
        """Stop reading. A thread that hangs is left behind: it is a daemon, and ends with the process."""
        if self._thread is not None:
            self._thread.stop()
            self._thread.join(timeout_s)
            self._retire()

    def supervise(self) -> CaptureReport:
        """Replace the thread if it hangs in a call, or died; says how the capture fares."""
        self._abandoned = [each for each in self._abandoned if each.is_alive]
        thread = self._thread
        if thread is not None and thread.hangs(self._stuck_s):
            thread.stop()
            self._abandoned.append(thread)
            said = "camera %s: it has not answered for %.0f s; its thread is abandoned, %d of them hang now"
            logger.error(said, self._plan.name, self._stuck_s, len(self._abandoned))
            self._retire()
            if len(self._abandoned) < MOST_ABANDONED:
                self._start()
        elif thread is not None and thread.has_died:
            logger.error("camera %s: its thread died; a new one is started", self._plan.name)
            self._retire()
            self._start()
        return self.report()

    def report(self) -> CaptureReport:
        """How the capture fares."""
        thread = self._thread
        return CaptureReport(
            state=CaptureState.STOPPED if thread is None else thread.state,
            problem=say("camera_unread", "nothing reads the camera") if thread is None else thread.problem,
            frames=self._plan.latest.frames,
            dropped=self._plan.latest.dropped,
            connections=self._connections + (0 if thread is None else thread.connections),
            abandoned=len(self._abandoned),
        )

    def _start(self) -> None:
        self._started += 1
        self._thread = CaptureThread(self._plan, number=self._started)
        self._thread.start()

    def _retire(self) -> None:
        if self._thread is not None:
            self._connections += self._thread.connections
        self._thread = None
