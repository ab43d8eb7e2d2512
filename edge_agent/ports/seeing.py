"""Cameras, recordings, the detector and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.detection import Detection, Marker
from edge_agent.domain.geometry import Box

Picture = npt.NDArray[np.uint8]
"""A picture: shape (height, width, 3), dtype uint8, channels in the order blue, green, red."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source at stream time `at_s` (seconds since the source began, monotonic)."""

    at_s: float
    picture: Picture


class FrameSource(Protocol):
    """Where frames come from."""

    def frames(self) -> Iterator[Frame]:
        """The frames in the order of their time; ends when the source does.

        Raises:
            BadRecording: the source cannot be opened at all.
        """
        ...


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """One picture of a camera.

    Attributes:
        picture: what it shows.
        at_s: stream time on the monotonic clock: when the frame arrived, less what is known of its way (never the
            moment before the blocking read, which would make a frozen camera look alive).
        source_s: the source's own time of the frame, in seconds from some moment of its own; None where it has none.
    """

    picture: Picture
    at_s: float
    source_s: float | None = None


class LiveSource(Protocol):
    """A camera. All of its methods are called by one thread, which may hang in them: nobody else may touch it."""

    def open(self) -> None:
        """Connect, within the time-out that the source was made with.

        Raises:
            CameraLost: it does not answer; worth another try soon.
            CameraRefused: it answers, and says no; another try soon does harm.
            CameraUnusable: this machine, or these settings, cannot work it.
        """
        ...

    def read(self) -> LiveFrame:
        """Wait for the next frame, within the time-out that the source was made with.

        Raises:
            CameraLost: none came, or not one that can be decoded.
            CameraEnded: a recording that is played in place of a camera is over.
        """
        ...

    def close(self) -> None:
        """Let go of it; allowed at any time, any number of times."""
        ...


class FrameMeter(Protocol):
    """Measures the frames of one camera, in their order. Not for several threads."""

    def measure(self, frame: LiveFrame) -> FrameFigures:
        """The figures by which the camera is judged."""
        ...


class ChangeMeter(Protocol):
    """How much each slot of one camera differs from a picture that was kept. Not for several threads."""

    def changes(self, picture: Picture) -> tuple[float, ...] | None:
        """Per slot, in grey levels; None where nothing was kept, or the pictures have another size than before."""
        ...

    def keep(self) -> None:
        """From now on, compare with the picture that was given last."""
        ...


class MarkerReader(Protocol):
    """Reads the machine-readable tags in a picture."""

    def read(self, picture: Picture, within: Box | None = None) -> tuple[Marker, ...]:
        """The order tags in the picture, or in a part of it; boxes in pixels of the whole picture."""
        ...


class Detector(Protocol):
    """Sees what lies in a picture; never knows the order."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names that it can report."""
        ...

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        """Everything seen with at least the pack's lowest useful score, best first, in pixels of the given picture.

        Raises:
            DetectorError: the model could not be run on the picture.
        """
        ...


class Clock(Protocol):
    """The time outside the checker: asked at the edge only, when something is stored or sent."""

    def now_utc(self) -> datetime:
        """Wall time, aware, in UTC; may jump, and starts in 1970 on a box without a clock."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some moment of this boot; never runs backwards."""
        ...
