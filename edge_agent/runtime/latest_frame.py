"""A slot for one frame between two threads: the newest wins, and what nobody took is counted."""

from __future__ import annotations

import threading

from edge_agent.ports import LiveFrame


class LatestFrame:
    """Holds the newest frame of a camera until somebody takes it.

    Args:
        arrived: notified of every frame; several cameras may share one, so that one thread waits for all of them.
    """

    def __init__(self, *, arrived: threading.Condition | None = None) -> None:
        self.arrived = arrived or threading.Condition()
        self._frame: LiveFrame | None = None
        self.frames = 0
        self.dropped = 0

    @property
    def has_frame(self) -> bool:
        """Whether one waits to be taken."""
        return self._frame is not None

    def put(self, frame: LiveFrame) -> None:
        """A frame came; one that nobody took is lost, and counted."""
        with self.arrived:
            self.frames += 1
            self.dropped += self._frame is not None
            self._frame = frame
            self.arrived.notify_all()

    def take(self, *, timeout_s: float = 0.0) -> LiveFrame | None:
        """The newest frame that nobody took yet; waits for one at most so long, and gives None if none came."""
        with self.arrived:
            self.arrived.wait_for(lambda: self._frame is not None, timeout_s)
            frame, self._frame = self._frame, None
            return frame
