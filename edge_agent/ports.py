"""What the checker's surroundings must offer: Protocols that real adapters and the tests' fakes both fulfil."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.domain.detection import Detection

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
