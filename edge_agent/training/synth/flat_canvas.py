"""Cut-outs laid on a picture in two dimensions, with the index that gives exact boxes. Cheap enough for every frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.training.synth.cutouts import Cutout, Layer, Library


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatView:
    """How centimetres of the counter come into the picture: its middle looks at (x, y), turned by roll."""

    width_px: int
    height_px: int
    px_per_cm: float
    x_cm: float = 0.0
    y_cm: float = 0.0
    roll_rad: float = 0.0

    def place_px(self, x_cm: float, y_cm: float) -> tuple[float, float]:
        """Where a place on the counter lies in the picture."""
        c, s = math.cos(self.roll_rad), math.sin(self.roll_rad)
        x, y = x_cm - self.x_cm, y_cm - self.y_cm
        return self.width_px / 2 + (c * x - s * y) * self.px_per_cm, self.height_px / 2 - (
            s * x + c * y
        ) * self.px_per_cm


COVERS = 0.3
"""From this opacity on a pixel shows the thing: the clear wall of a bowl belongs to it."""


AWAY, SOFT, FAINT = 0.22, 0.11, 0.05
"""Of a thing that is lifted by a centimetre the shadow moves so far, grows so soft (cm), and loses so much."""

LOW_CM = 0.5


class FlatCanvas:
    """A picture being laid together: `light` (height, width, 3) linear RGB, `index` as in `rendered.RenderedScene`."""

    def __init__(self, library: Library, view: FlatView) -> None:
        self._library = library
        self._view = view
        self.light = np.zeros((view.height_px, view.width_px, 3), np.float32)
        self.index = np.zeros((view.height_px, view.width_px), np.int32)

    def lay(  # noqa: PLR0913 (where, how, and what it counts as)
        self,
        cutout: Cutout,
        x_cm: float,
        y_cm: float,
        turn_rad: float,
        *,
        number: int = 0,
        grow: float = 1.0,
        opaque: float = 1.0,
        layer: Layer | None = None,
        lifted_cm: float | None = None,
    ) -> float:
        """Lay a cut-out with its anchor at that place of the counter, turned counter-clockwise in the picture.

        `number` is what the index gets where it covers. `grow` is its scale: what is lifted towards the camera grows,
        and its shadow runs away from under it: by `lifted_cm`, its height over what the shadow falls on, where that is
        told, and then the shadow is softer and fainter too. `opaque` fades it. `layer` is its picture where the library
        has none of it.

        Returns:
            the area in pixels that it would cover if nothing hid it.
        """
        layer = layer or self._library.layer(cutout)
        scale = self._view.px_per_cm / self._library.px_per_cm * grow
        if layer.shade is not None:
            away = (grow - 1.0) * 14.0 if lifted_cm is None else lifted_cm * AWAY
            shade, where = self._warped(layer.shade, cutout, (x_cm + away, y_cm - away), turn_rad, scale)
            if where is not None:
                self.light[where] *= 1 - self._softened(shade, lifted_cm)[..., None] * np.float32(opaque)
        self._over(layer, cutout, (x_cm, y_cm), turn_rad, scale, number, np.float32(opaque))
        return cutout.area_px * scale * scale

    def _softened(self, shade: NDArray[np.float32], lifted_cm: float | None) -> NDArray[np.float32]:
        if lifted_cm is None or lifted_cm < LOW_CM:
            return shade
        blur_px = lifted_cm * SOFT * self._view.px_per_cm
        soft = cv2.GaussianBlur(shade, (0, 0), blur_px, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(soft * np.float32(1 / (1 + FAINT * lifted_cm)), np.float32)

    def _over(
        self,
        layer: Layer,
        cutout: Cutout,
        place: tuple[float, float],
        turn: float,
        scale: float,
        number: int,
        opaque: np.float32,
    ) -> None:
        warped, where = self._warped(layer.over, cutout, place, turn, scale)
        if where is None:
            return
        alpha = warped[..., 3:] * opaque
        self.light[where] = self.light[where] * (1 - alpha) + warped[..., :3] * opaque
        self.index[where][alpha[..., 0] >= COVERS] = number

    def _warped(
        self, picture: NDArray[np.float32], cutout: Cutout, place: tuple[float, float], turn: float, scale: float
    ) -> tuple[NDArray[np.float32], tuple[slice, slice] | None]:
        """The part of the picture that falls on the canvas, and where; smaller pictures are averaged, not sampled."""
        matrix = self._matrix(cutout, place, turn, scale)
        height, width = picture.shape[:2]
        ends = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], float)
        left, top = np.maximum(np.floor(ends.min(axis=1)).astype(int) - 1, 0)
        right = min(int(np.ceil(ends[0].max())) + 1, self._view.width_px)
        bottom = min(int(np.ceil(ends[1].max())) + 1, self._view.height_px)
        if left >= right or top >= bottom:
            return picture[:0, :0], None
        shifted = matrix - np.array([[0, 0, left], [0, 0, top]])
        warped = cv2.warpAffine(picture, shifted, (right - int(left), bottom - int(top)), flags=cv2.INTER_LINEAR)
        return np.asarray(warped, np.float32), (slice(int(top), bottom), slice(int(left), right))

    def _matrix(self, cutout: Cutout, place: tuple[float, float], turn: float, scale: float) -> NDArray[np.float64]:
        """From the cut-out's pixels to the canvas's: a turn and a scale about the anchor."""
        angle = turn + self._view.roll_rad
        c, s = math.cos(angle) * scale, math.sin(angle) * scale
        (ax, ay), (px, py) = cutout.anchor_px, self._view.place_px(*place)
        return np.array([[c, s, px - c * ax - s * ay], [-s, c, py + s * ax - c * ay]])
