"""Write the recording again with what the agent saw drawn into it: H.264 in MP4, which every browser plays.

OpenCV's wheel has no H.264 encoder, and its VP8 and VP9 are too slow here (28 and 250 ms of CPU a frame at 640x480,
against 4 to 6 ms for x264); so this is PyAV. Frames keep their own times, also where the frame rate varies.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge_agent.domain.detection import Observation
from edge_agent.domain.events import Event
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadInput
from edge_agent.evaluation.painter import banner_px, paint
from edge_agent.evaluation.slot_board import SlotBoard
from edge_agent.ports import Frame, Picture

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from typing_extensions import Self

TICKS_PER_S = 1000
"""Frame times are kept to the millisecond."""

X264_OPTIONS = {"preset": "ultrafast", "crf": "26", "g": "50"}
"""By measurement: half the CPU of `veryfast` for a file twice as large (80 kB a second); `g` lets one jump about."""

X264_THREADS = 2
FALLBACK_FRAMES_PER_S = 10.0


class AnnotatedVideoWriter:
    """A context manager and replay watcher that writes one video.

    The file appears, whole, when the context ends well; if it ends by an exception, or without a frame, nothing is
    left.
    Pictures of another size than declared are scaled. `slots` are what the checker watches; the rest is black.
    """

    def __init__(
        self,
        path: Path,
        *,
        frames_per_s: float,
        width_px: int,
        height_px: int,
        slots: Sequence[Slot],
        thresholds: Thresholds | None = None,
    ) -> None:
        self.path = path
        self._thresholds = thresholds or Thresholds()
        self._part = path.with_name(f".{path.stem}.part{path.suffix}")
        self._frames_per_s = frames_per_s if frames_per_s > 0 else FALLBACK_FRAMES_PER_S
        self._width_px, self._height_px = width_px, height_px
        self._board = SlotBoard(slots)
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._last_tick = -1

    @property
    def is_written(self) -> bool:
        """Whether the file is there; to be asked after the context has ended."""
        return self._last_tick >= 0 and self.path.is_file()

    def __enter__(self) -> Self:
        """Begin the file.

        Raises:
            BadInput: it cannot be written, or PyAV is not installed.
        """
        av = _pyav(self.path)
        try:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._add_stream(self._container)
        except (OSError, av.FFmpegError) as error:
            self._drop()
            raise self._unwritable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or self._last_tick < 0:
            self._drop()
            return
        av = _pyav(self.path)
        try:
            self._encode(None)
            self._close()
            self._part.replace(self.path)
        except (OSError, av.FFmpegError) as failure:
            self._drop()
            raise self._unwritable(failure) from failure

    def saw(self, frame: Frame, observation: Observation, events: Sequence[Event]) -> None:
        """Draw and write one frame.

        Raises:
            BadInput: the disk is full or the file went away.
        """
        self._board.take(events)
        picture = frame.picture
        if picture.shape[:2] != (self._height_px, self._width_px):
            picture = np.asarray(cv2.resize(picture, (self._width_px, self._height_px)), dtype=np.uint8)
        self._write(paint(picture, observation, self._board.states, self._thresholds), frame.at_s)

    def _write(self, picture: Picture, at_s: float) -> None:
        av = _pyav(self.path)
        frame = av.VideoFrame.from_ndarray(_even(picture), format="bgr24")
        self._last_tick = max(self._last_tick + 1, round(at_s * TICKS_PER_S))
        frame.pts, frame.time_base = self._last_tick, Fraction(1, TICKS_PER_S)
        try:
            self._encode(frame)
        except (OSError, av.FFmpegError) as error:
            raise self._unwritable(error) from error

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        rate = Fraction(self._frames_per_s).limit_denominator(1001)
        stream: VideoStream = container.add_stream("libx264", rate=rate, options=dict(X264_OPTIONS))
        height_px = self._height_px + banner_px(self._width_px)
        stream.width, stream.height = self._width_px + self._width_px % 2, height_px + height_px % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        stream.codec_context.thread_count = X264_THREADS
        return stream

    def _encode(self, frame: av.VideoFrame | None) -> None:
        if self._stream is not None and self._container is not None:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)

    def _close(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _drop(self) -> None:
        """Leave nothing behind; what went wrong before counts, not that closing goes wrong, too."""
        with suppress(Exception):
            self._close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)

    def _unwritable(self, error: BaseException) -> BadInput:
        reason = getattr(error, "strerror", None) or error
        return BadInput(f"the annotated video cannot be written here: {reason}", path=self.path)


def _even(picture: Picture) -> Picture:
    """H.264 with halved colour needs even sides: an odd one is repeated once."""
    height_px, width_px = picture.shape[:2]
    if height_px % 2 == 0 and width_px % 2 == 0:
        return picture
    return np.pad(picture, ((0, height_px % 2), (0, width_px % 2), (0, 0)), mode="edge")


def _pyav(path: Path) -> Any:
    try:
        import av
    except ImportError as error:
        raise BadInput("the annotated video needs PyAV, which is not installed: pip install av", path=path) from error
    return av
