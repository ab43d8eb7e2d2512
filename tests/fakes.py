"""Handwritten stand-ins for the ports; tests assert on their state, nothing is patched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_agent.domain.detection import Detection
from edge_agent.errors import DetectorError
from edge_agent.ports import Picture


class ScriptedDetector:
    """A Detector that sees what it was told to: one entry of the script per picture, the last one for ever after.

    `seen` holds the sizes (height, width) of the pictures that it was shown.
    """

    def __init__(self, *, classes: Sequence[str], script: Sequence[Sequence[Detection]] = ((),)) -> None:
        self._classes = tuple(classes)
        self._script = [tuple(sorted(entry, key=lambda d: -d.score)) for entry in script]
        self.seen: list[tuple[int, int]] = []

    @property
    def classes(self) -> tuple[str, ...]:
        return self._classes

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        given: object = picture
        if not isinstance(given, np.ndarray) or given.dtype != np.uint8 or given.shape[2:] != (3,) or not given.size:
            raise DetectorError("a picture must be height x width x 3 of uint8 (BGR)")
        self.seen.append((picture.shape[0], picture.shape[1]))
        return self._script[min(len(self.seen), len(self._script)) - 1]
