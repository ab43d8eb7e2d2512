"""Time that goes on as pictures are looked at: for playing a recording through the running agent as fast as it can.

In the restaurant time does not wait, and a picture that nobody takes is lost. Here it is the other way round: none
is lost, and the next one is there as soon as the last was taken. Whatever reckons in stream time (settling, votes,
alerts) then reckons as it would in real time, on a fast machine or a slow one.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from edge_agent.ports import LiveFrame
from edge_agent.runtime.latest_frame import LatestFrame

LOOK_UP_S = 0.5
"""Who waits for a frame to be taken looks up so often, whether it is still worth waiting."""


class SteppedClock:
    """A `Clock` that stands still until it is told that a time is reached. Wall time goes with it.

    Args:
        began: the wall time to begin with.
    """

    def __init__(self, *, began: datetime) -> None:
        self._began = began
        self._passed_s = 0.0

    def now_utc(self) -> datetime:
        return self._began + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        return self._passed_s

    def reach(self, at_s: float) -> None:
        """It is that time now, unless it is later already."""
        self._passed_s = max(self._passed_s, at_s)


class HandedOverFrame(LatestFrame):
    """A place for one frame that is never overwritten: `put` waits until the frame before was taken.

    Taking a frame makes it the time of that frame.

    Args:
        clock: what the agent takes for the time.
        arrived: as for `LatestFrame`.
    """

    def __init__(self, *, clock: SteppedClock, arrived: threading.Condition | None = None) -> None:
        super().__init__(arrived=arrived)
        self._clock = clock
        self._released = False

    def put(self, frame: LiveFrame) -> None:
        """Wait for the place to be free, then put the frame there."""
        with self.arrived:
            while self.has_frame and not self._released:
                self.arrived.wait(LOOK_UP_S)
            super().put(frame)

    def take(self, *, timeout_s: float = 0.0) -> LiveFrame | None:
        """The frame, and with it its time."""
        with self.arrived:
            frame = super().take(timeout_s=timeout_s)
            if frame is not None:
                self._clock.reach(frame.at_s)
                self.arrived.notify_all()
            return frame

    def release(self) -> None:
        """Nobody takes frames any more: whoever waits need not."""
        with self.arrived:
            self._released = True
            self.arrived.notify_all()
