"""See whether anything changed in the slots, on small copies of them, by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.domain.tray import Slot
from edge_agent.ports import Picture

SAMPLED_PX, SMALL_PX = 320, 160
"""The longer side of the picture after sampling single pixels, and after averaging: sampling is cheap, averaging takes
the noise. A change two pixels wide at the end is one of 1.3 % of the picture's width."""

Thumbnail = npt.NDArray[np.uint8]


class SlotMotion:
    """How much each slot differs from a picture that was kept. For one camera; not for several threads.

    Args:
        slots: in pixels of the camera's pictures, all of which have one size.
    """

    def __init__(self, *, slots: Sequence[Slot]) -> None:
        self._slots = tuple(slots)
        self._shape: tuple[int, ...] = ()
        self._masks: list[Thumbnail] = []
        self._now: Thumbnail | None = None
        self._kept: Thumbnail | None = None

    def changes(self, picture: Picture) -> tuple[float, ...] | None:
        """Per slot the largest difference of any small pixel in any colour to the kept picture, in grey levels (0-255).

        None where nothing was kept yet, or the pictures have another size than before.
        """
        if picture.shape != self._shape:
            self._shape, self._kept = picture.shape, None
            self._masks = self._draw(picture.shape[1], picture.shape[0])
        self._now = self._small(picture)
        if self._kept is None:
            return None
        return tuple(cv2.norm(self._now, self._kept, cv2.NORM_INF, mask) for mask in self._masks)

    def keep(self) -> None:
        """From now on, compare with the picture that was given last."""
        self._kept = self._now

    def _small(self, picture: Picture) -> Thumbnail:
        sampled = cv2.resize(picture, _fitted(picture, SAMPLED_PX), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(sampled, _fitted(picture, SMALL_PX), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)

    def _draw(self, width_px: int, height_px: int) -> list[Thumbnail]:
        """One mask per slot. What is drawn on one picture's size holds for all of that size."""
        longest = max(width_px, height_px)
        size = (max(1, height_px * SMALL_PX // longest), max(1, width_px * SMALL_PX // longest))
        masks = []
        for slot in self._slots:
            mask = np.zeros(size, dtype=np.uint8)
            corners = [(c.x * size[1] / width_px, c.y * size[0] / height_px) for c in slot.polygon.corners]
            cv2.fillPoly(mask, [np.array(corners).round().astype(np.int32)], (255,))
            masks.append(mask)
        return masks


def _fitted(picture: Picture, longest_px: int) -> tuple[int, int]:
    height_px, width_px = picture.shape[:2]
    longest = max(height_px, width_px)
    return max(1, width_px * longest_px // longest), max(1, height_px * longest_px // longest)
