"""A recording whose frames come as soon as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from edge_agent.errors import BadRecording, CameraEnded, CameraUnusable
from edge_agent.ports import Clock, Frame, FrameSource, LiveFrame


class SteppedSource:
    """A LiveSource that gives the frames of a recording one by one, with their own times and without waiting.

    It is for a clock that goes on with the frames (`runtime.lockstep`).

    Args:
        make_frames: opens the recording.
        clock: tells the time at which the recording begins.
        before: called with a frame's time in the recording before the frame is given.
    """

    def __init__(
        self, make_frames: Callable[[], FrameSource], *, clock: Clock, before: Callable[[float], None] = lambda _: None
    ) -> None:
        self._make_frames = make_frames
        self._clock = clock
        self._before = before
        self._frames: Iterator[Frame] = iter(())
        self._began_s = 0.0

    def open(self) -> None:
        try:
            self._frames = self._make_frames().frames()
        except BadRecording as error:
            raise CameraUnusable(str(error)) from error
        self._began_s = self._clock.monotonic_s()

    def read(self) -> LiveFrame:
        try:
            frame = next(self._frames, None)
        except BadRecording as error:
            raise CameraUnusable(str(error)) from error
        if frame is None:
            raise CameraEnded("the recording is over")
        self._before(frame.at_s)
        return LiveFrame(frame.picture, self._began_s + frame.at_s, frame.at_s)

    def close(self) -> None:
        frames, self._frames = self._frames, iter(())
        if isinstance(frames, Generator):
            frames.close()
