"""Read order tags (QR codes) from a picture, by OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from edge_agent.domain.detection import Marker
from edge_agent.domain.geometry import Box
from edge_agent.formats.marker import read_marker
from edge_agent.ports import Picture

SMALLEST_PX = 24
"""A QR code has 21 modules on a side; less than a pixel for each cannot be read."""


class QrMarkerReader:
    """A MarkerReader for QR codes.

    It finds codes by their three corners as OpenCV's ArUco module does: that finds small codes that `QRCodeDetector`
    does not, in a fraction of its time.
    """

    def __init__(self) -> None:
        self._detector = cv2.QRCodeDetectorAruco()

    def read(self, picture: Picture, within: Box | None = None) -> tuple[Marker, ...]:
        left, top, right, bottom = _part(picture, within)
        if right - left < SMALLEST_PX or bottom - top < SMALLEST_PX:
            return ()
        part = np.ascontiguousarray(picture[top:bottom, left:right])
        try:
            found, texts, corners, _ = self._detector.detectAndDecodeMulti(part)
        except (cv2.error, UnicodeDecodeError):  # a code of bytes, or one that is half in the picture: not ours
            return ()
        if not found or corners is None:
            return ()
        read = (_marker(text, place + np.array((left, top))) for text, place in zip(texts, corners, strict=True))
        return tuple(marker for marker in read if marker is not None)


def _part(picture: Picture, within: Box | None) -> tuple[int, int, int, int]:
    height_px, width_px = picture.shape[:2]
    if within is None:
        return 0, 0, width_px, height_px
    left, top = max(0, int(within.left)), max(0, int(within.top))
    return left, top, min(width_px, int(np.ceil(within.right))), min(height_px, int(np.ceil(within.bottom)))


def _marker(text: str, corners: cv2.typing.MatLike) -> Marker | None:
    named = read_marker(text)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    if named is None or not (left < right and top < bottom):
        return None
    return Marker(named, Box(float(left), float(top), float(right), float(bottom)))
