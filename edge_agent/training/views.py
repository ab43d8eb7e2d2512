"""Crops of photographs for a network that learns from another one: no label goes with them, all may be shown."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from edge_agent.ports import Picture
from edge_agent.training.quantise import evenly

MOST = 4000
"""So many photographs are kept in memory, 2 GB of them at 384 pixels."""

KEPT_LARGER = 1.25
"""They are kept so many times as large as the network's input, since crops are seldom nearer than that."""

PADDING = 114
"""Grey around a photograph that does not fill the input, as the letterbox has it."""

WITH_PARTS, BLENDED = 0.35, 0.1
"""Of so many pictures one to three rectangles are of another photograph (CutMix), of so many each pixel (mixup)."""

MOVED, TURNED, COLOURED = 0.75, 0.3, 0.8
"""So many are nearer, farther or to a side (the others as the agent sees them), turned a little, in another light."""


VIEWED = {
    "kept_larger": KEPT_LARGER,
    "with_parts": WITH_PARTS,
    "blended": BLENDED,
    "moved": MOVED,
    "turned": TURNED,
    "coloured": COLOURED,
}
"""How pictures are made, as a run notes it."""


class Views:
    """Crops of photographs, nearer and farther, mirrored, in other colours, some with a part of another one in them.

    What is shown in a step depends on the seed and the step alone, so a run that was cut off shows what it would have.
    """

    def __init__(
        self,
        photographs: Sequence[Path],
        size_px: tuple[int, int],
        batch: int,
        *,
        seed: int,
        read_photograph: Callable[[Path], Picture],
    ) -> None:
        """Read the photographs.

        Args:
            photographs: at least one; of more than `MOST` so many are taken, spread evenly over all.
            size_px: width and height of the pictures.
            batch: so many are shown in a step.
            seed: of everything random.
            read_photograph: reads a photograph as uint8, (height, width, 3), blue, green, red.

        Raises:
            BadRecording: a photograph does not read.
        """
        self._size_px, self._batch, self._seed = size_px, batch, seed
        side_px = round(max(size_px) * KEPT_LARGER)
        self._kept = [_shrunk(read_photograph(path), side_px) for path in evenly(photographs, MOST)]

    def batch(self, step: int) -> Picture:
        """The pictures of a step: uint8, (batch, height, width, 3), blue, green, red."""
        chance = random.Random(f"{self._seed} {step}")  # noqa: S311 - no secret
        return np.stack([self._picture(chance) for _ in range(self._batch)])

    def _picture(self, chance: random.Random) -> Picture:
        picture, kind = self._view(chance), chance.random()
        if kind < WITH_PARTS:
            other = self._view(chance)
            height, width = picture.shape[:2]
            for _ in range(chance.choice((1, 1, 2, 3))):
                across, down = (int(side * chance.uniform(0.12, 0.6)) for side in (width, height))
                x, y = chance.randrange(width - across), chance.randrange(height - down)
                picture[y : y + down, x : x + across] = other[y : y + down, x : x + across]
        elif kind < WITH_PARTS + BLENDED:
            share = chance.uniform(0.3, 0.7)
            picture = cv2.addWeighted(picture, share, self._view(chance), 1 - share, 0).astype(np.uint8)
        return _coloured(picture, chance) if chance.random() < COLOURED else picture

    def _view(self, chance: random.Random) -> Picture:
        kept = chance.choice(self._kept)
        size = np.array(self._size_px)
        own = np.array([kept.shape[1], kept.shape[0]])
        scale, centre = float((size / own).min()), size / 2
        if chance.random() < MOVED:
            scale *= math.exp(chance.uniform(-0.45, 0.25))
            room = abs(size - own * scale) / 2 + 0.08 * size
            centre = centre + room * [chance.uniform(-1, 1), chance.uniform(-1, 1)]
        turn = math.radians(chance.uniform(-6, 6)) if chance.random() < TURNED else 0.0
        mirror = np.diag([chance.choice((-1, 1)), chance.choice((-1, 1))])
        matrix = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ mirror
        placed = np.column_stack([matrix, centre - matrix @ (own / 2)])
        return cv2.warpAffine(kept, placed, tuple(map(int, size)), borderValue=(PADDING,) * 3).astype(np.uint8)


def _shrunk(picture: Picture, side_px: int) -> Picture:
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return picture
    return cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )


def _coloured(picture: Picture, chance: random.Random) -> Picture:
    """Another light: Ultralytics' own ranges for hue, saturation and value."""
    hue, saturation, value = (chance.uniform(-most, most) for most in (0.015, 0.7, 0.4))
    changed = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV).astype(np.float32)
    changed[..., 0] = (changed[..., 0] + 180 * hue) % 180
    changed[..., 1:] = np.clip(changed[..., 1:] * [1 + saturation, 1 + value], 0, 255)
    return cv2.cvtColor(changed.astype(np.uint8), cv2.COLOR_HSV2BGR).astype(np.uint8)
