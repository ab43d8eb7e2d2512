"""A scene as light on a sensor, and which thing each pixel shows; the way to boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.training.synth.camera_finish import bend

LEAST_SHARE = 0.2
"""What shows less of itself than this gets no box: nobody could name it, and a box would teach guessing."""

LEAST_SIDE_PX = 4


@dataclass(frozen=True, slots=True)
class RenderedScene:
    """`light` (height, width, 3) linear RGB; `index` (height, width), place in `kinds` plus one, 0 for anything else.

    `whole_px[i]` is the area in pixels that thing i would have if nothing hid it and the picture had no edge.
    """

    light: NDArray[np.float32]
    index: NDArray[np.int32]
    kinds: tuple[str, ...]
    whole_px: tuple[float, ...]

    def bent(self, barrel: float) -> RenderedScene:
        """The same through a lens with that distortion (`camera_finish.bend`)."""
        light, index = bend(self.light, self.index, barrel)
        return RenderedScene(light, index, self.kinds, self.whole_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenThing:
    """A thing as the picture shows it.

    `box` is (left, top, right, bottom) in pixels around what is visible of it, None where nothing is; `share` is the
    visible part of its outline, in [0, 1].
    """

    kind: str
    box: tuple[int, int, int, int] | None
    share: float

    @property
    def is_boxed(self) -> bool:
        """Whether it shows enough of itself to be learnt."""
        if self.box is None or self.share < LEAST_SHARE:
            return False
        return self.box[2] - self.box[0] >= LEAST_SIDE_PX and self.box[3] - self.box[1] >= LEAST_SIDE_PX


def seen_things(straight: RenderedScene, barrel: float) -> tuple[SeenThing, ...]:
    """What a scene shows through its lens: shares from the straight picture, boxes from the bent one."""
    _, bent = bend(straight.light, straight.index, barrel)
    seen = []
    for number, (kind, whole) in enumerate(zip(straight.kinds, straight.whole_px, strict=True), start=1):
        visible = int((straight.index == number).sum())
        share = min(1.0, visible / whole) if whole > 0 else 0.0
        seen.append(SeenThing(kind=kind, box=box_of(bent == number), share=share))
    return tuple(seen)


def box_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """The smallest upright box around what is true in a (height, width) mask."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
