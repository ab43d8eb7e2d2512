"""A recorded video as a source of frames, by OpenCV."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import BadRecording
from edge_agent.ports import Frame

MISSED_FRAMES = 2
"""Containers round their frame count and their length; a video is called cut off only when more is missing."""

MISSED_S = 0.5
"""... and only when it is missing so much time: of a variable frame rate the count is a guess, the length is not."""

SMALLEST_PX, MAX_PIXELS = 32, 50_000_000
"""A side of a picture, and its area: below nothing can be seen, above is no camera."""

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # silent: what it writes to standard error, we say


class VideoFileSource:
    """The frames of a video at their own times, whatever its frame rate; a rotation flag is obeyed (OpenCV does that).

    Times count from the first frame. A video that breaks off in the middle gives the frames up to there; `problem` then
    says so in one sentence.

    Args:
        path: the video.
        threads: of the decoder; 0: as many as there are cores, which is quicker, and in all a little more work.

    Raises:
        BadRecording: the file cannot be opened as a video, or holds no frame.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._path = path
        self._threads = threads
        self.problem: str | None = None
        self.frames_read = 0
        capture = self._open()
        try:
            self.frames_declared = _whole(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            rate = capture.get(cv2.CAP_PROP_FPS)
            self.frames_per_s = rate if math.isfinite(rate) and rate > 0 else 0.0
            self._refuse_size(
                _whole(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), _whole(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
            )
            got, first = capture.read()
        finally:
            capture.release()
        if not got:
            raise BadRecording("not one frame of the video can be read", path=path)
        self.height_px, self.width_px = first.shape[:2]

    @property
    def declared_s(self) -> float:
        """How long the video says it is; 0 where it does not say."""
        return self.frames_declared / self.frames_per_s if self.frames_per_s else 0.0

    def frames(self) -> Iterator[Frame]:
        """The frames from the beginning; times never run backwards, also where the container's do."""
        capture = self._open()
        self.frames_read, self.problem = 0, None
        at_s = ended_s = 0.0
        try:
            while True:
                got, picture = capture.read()
                if not got:
                    break
                said_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                counted_s = self.frames_read / self.frames_per_s if self.frames_per_s else at_s
                now_s = said_s if math.isfinite(said_s) and (said_s > 0 or self.frames_read == 0) else counted_s
                at_s = max(at_s, now_s)
                self.frames_read += 1
                if self.frames_per_s:  # some containers count their length from before the first frame
                    ended_s = max(ended_s, at_s, capture.get(cv2.CAP_PROP_PTS) / self.frames_per_s)
                yield Frame(at_s, np.asarray(picture, dtype=np.uint8))
        finally:
            capture.release()
        self.problem = self._complaint(at_s, ended_s)

    def _complaint(self, at_s: float, ended_s: float) -> str | None:
        missing = self.frames_declared - self.frames_read
        missing_s = self.declared_s - ended_s if self.frames_per_s else math.inf
        if missing <= MISSED_FRAMES or missing_s <= max(MISSED_S, MISSED_FRAMES / (self.frames_per_s or 1.0)):
            return None
        length = f"{self.declared_s:.1f} s" if self.frames_per_s else f"{self.frames_declared} frames"
        return (
            f"{self._path}: the video breaks off after {at_s:.1f} s ({self.frames_read} frames), "
            f"although it says of itself that it has {length}"
        )

    def _open(self) -> cv2.VideoCapture:
        try:  # absolute, as FFmpeg takes the "14:" of "14:05.mp4" for a protocol
            name = os.fsencode(self._path.absolute()).decode("utf-8")
        except UnicodeDecodeError as error:  # OpenCV ends the whole process over such a name
            raise BadRecording("the name of the file is not UTF-8; rename it", path=self._path) from error
        with _quiet_opencv():
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, self._threads])
        if not capture.isOpened():
            capture.release()
            raise BadRecording("this is no video that can be read; is the file whole?", path=self._path)
        return capture

    def _refuse_size(self, width_px: int, height_px: int) -> None:
        if min(width_px, height_px) < SMALLEST_PX or width_px * height_px > MAX_PIXELS:
            said = f"a video of {width_px} x {height_px} pixels cannot be checked"
            raise BadRecording(said, path=self._path)


def _whole(value: float) -> int:
    """What a container says about itself, as a number of things: 0 where it says nothing or nonsense."""
    return int(value) if math.isfinite(value) and value > 0 else 0


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from warning on standard error of a file that we are about to complain of ourselves."""
    logging = cv2.utils.logging
    before = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
