"""See whether anything changed in the slots, on small copies of them, by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.adapters.sampled import sampled
from edge_agent.domain.tray import Slot
from edge_agent.ports import Picture

SMALL = (160, 120)
"""Width and height in pixels of what is compared: sampling is cheap, averaging after it takes the noise. A change two
pixels wide there is one of 1.3 % of the picture's width."""

Thumbnail = npt.NDArray[np.uint8]


class SlotMotion:
    """How much each slot differs from a picture that was kept. For one camera; not for several threads.

    Args:
        slots: in pixels of the pictures that will be given, all of which have one size.
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
        return np.asarray(cv2.resize(sampled(picture), SMALL, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _draw(self, width_px: int, height_px: int) -> list[Thumbnail]:
        """One mask per slot. What is drawn on one picture's size holds for all of that size."""
        scale_x, scale_y = SMALL[0] / width_px, SMALL[1] / height_px
        masks = []
        for slot in self._slots:
            mask = np.zeros(SMALL[::-1], dtype=np.uint8)
            corners = [(corner.x * scale_x, corner.y * scale_y) for corner in slot.polygon.corners]
            cv2.fillPoly(mask, [np.array(corners).round().astype(np.int32)], (255,))
            masks.append(mask)
        return masks
