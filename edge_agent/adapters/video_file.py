"""A recorded video as a source of frames, by OpenCV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import BadRecording
from edge_agent.ports import Frame

MISSED_FRAMES = 2
"""Containers round their frame count; a video is called cut off only when more frames than this are missing."""


class VideoFileSource:
    """The frames of a video at their own times, whatever its frame rate; a rotation flag is obeyed (OpenCV does that).

    A video that breaks off in the middle gives the frames up to there; `problem` then says so in one sentence.

    Raises:
        BadRecording: the file cannot be opened as a video, or holds no frame.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem: str | None = None
        self.frames_read = 0
        capture = self._open()
        self.width_px = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height_px = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.frames_declared = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.frames_per_s = rate if math.isfinite(rate) and rate > 0 else 0.0
        got, first = capture.read()
        capture.release()
        if not got:
            raise BadRecording("not one frame of the video can be read", path=path)
        self.height_px, self.width_px = first.shape[:2]

    def frames(self) -> Iterator[Frame]:
        """The frames from the beginning; times never run backwards, also where the container's do."""
        capture = self._open()
        self.frames_read, self.problem = 0, None
        at_s = 0.0
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
                yield Frame(at_s, np.asarray(picture, dtype=np.uint8))
        finally:
            capture.release()
        missing = self.frames_declared - self.frames_read
        if missing > MISSED_FRAMES:
            self.problem = (
                f"{self._path}: the video breaks off after {at_s:.1f} s; {missing} of {self.frames_declared} frames "
                "could not be read"
            )

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            capture.release()
            raise BadRecording("this is no video that can be read; is the file whole?", path=self._path)
        return capture
