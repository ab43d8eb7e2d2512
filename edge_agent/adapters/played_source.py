"""A recording played in real time in place of a camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from itertools import count

from edge_agent.errors import BadRecording, CameraEnded, CameraUnusable
from edge_agent.ports import Clock, Frame, FrameSource, LiveFrame

LONGEST_NAP_S = 0.5
"""A recording with a gap is slept through in pieces, so that whoever reads is seen to be alive."""


LATEST_S = 0.4
"""A reader that is further behind than that will not catch up: from there on the recording is played that much later,
as a camera that is slow would be. Below the age at which a picture is no longer checked."""


class PlayedSource:
    """A LiveSource that gives the frames of a recording at their times.

    Frames that are due already, because the reader was slow, come at once and in order; none is left out, so a reader
    that keeps up sees what a replay sees. One that does not sees all of it, later. Connecting anew plays on from the
    beginning.

    Args:
        make_frames: opens the recording.
        clock: tells how much time has passed.
        loop: begin again at the end, without a jump of the source's time.
        gap_s: the time from the last frame to the first one of the next round.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        make_frames: Callable[[], FrameSource],
        *,
        clock: Clock,
        loop: bool = False,
        gap_s: float = 0.1,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._make_frames = make_frames
        self._clock = clock
        self._loop = loop
        self._gap_s = gap_s
        self._sleep = sleep
        self._frames: Iterator[Frame] = iter(())
        self._began_s = 0.0

    def open(self) -> None:
        try:
            source = self._make_frames()
        except BadRecording as error:
            raise CameraUnusable(str(error)) from error
        self._frames = self._played(source)
        self._began_s = self._clock.monotonic_s()

    def read(self) -> LiveFrame:
        try:
            frame = next(self._frames, None)
        except BadRecording as error:
            raise CameraUnusable(str(error)) from error
        if frame is None:
            raise CameraEnded("the recording is over")
        due_s = self._began_s + frame.at_s
        while (left_s := due_s - self._clock.monotonic_s()) > 0:
            self._sleep(min(left_s, LONGEST_NAP_S))
        if left_s < -LATEST_S:
            self._began_s -= left_s
            due_s -= left_s
        return LiveFrame(frame.picture, due_s, frame.at_s)

    def close(self) -> None:
        frames, self._frames = self._frames, iter(())
        if isinstance(frames, Generator):
            frames.close()

    def _played(self, source: FrameSource) -> Iterator[Frame]:
        """The recording's frames, again and again if it is to loop, on one running time."""
        began_s = at_s = 0.0
        for _ in count() if self._loop else range(1):
            for frame in source.frames():
                at_s = began_s + frame.at_s
                yield Frame(at_s, frame.picture)
            began_s = at_s + self._gap_s
