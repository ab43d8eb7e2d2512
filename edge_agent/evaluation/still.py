"""One slot of a picture for the kitchen screen: cut out, nothing beside it shown, a named box around what was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.evaluation.painter import PAPER, Mark, outside_blacked, paint_boxes
from edge_agent.ports import Picture

WIDEST_PX = 640
"""A card on a tablet is no wider."""

QUALITY = 75

LARGER = 2
"""The picture is shown small, and read from two metres."""


def slot_still(
    picture: Picture,
    slot: Slot,
    seen: Sequence[Detection],
    *,
    thresholds: Thresholds,
    name_of: Callable[[str], str],
) -> bytes:
    """The slot as JPEG, at most `WIDEST_PX` wide.

    Args:
        picture: (height, width, 3), uint8, blue-green-red.
        slot: its corners in pixels of the picture.
        seen: what was seen in this very picture; what lies in other slots is left out.
        thresholds: what is too faint to count is dashed, what is fainter still is not drawn.
        name_of: what people call a class; empty for what counts for nothing, which gets no box.
    """
    bounds = slot.polygon.bounds
    height_px, width_px = picture.shape[:2]
    left, top = max(0, int(bounds.left)), max(0, int(bounds.top))
    right, bottom = min(width_px, round(bounds.right)), min(height_px, round(bounds.bottom))
    cut = np.ascontiguousarray(outside_blacked(picture, [slot])[top:bottom, left:right])
    scale = min(1.0, WIDEST_PX / max(1, cut.shape[1]))
    if scale < 1.0:
        cut = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    inside = [
        replace(each, box=_moved(each.box, left, top, scale))
        for each in seen
        if slot.polygon.contains(each.box.centre) and name_of(each.class_name)
    ]

    def marked(detection: Detection, *, faint: bool) -> Mark:
        """For a cook: the item's name, all in one colour that is no verdict's."""
        return Mark(name_of(detection.class_name) + ("?" if faint else ""), PAPER)

    drawn = paint_boxes(cut, inside, thresholds, marked, times=LARGER)
    _, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return encoded.tobytes()


def _moved(box: Box, left_px: int, top_px: int, scale: float) -> Box:
    return Box(
        (box.left - left_px) * scale,
        (box.top - top_px) * scale,
        (box.right - left_px) * scale,
        (box.bottom - top_px) * scale,
    )
