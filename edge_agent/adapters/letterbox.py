"""A picture scaled into the network's input without changing its shape, the rest filled with grey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.formats.pack import PackInput
from edge_agent.ports import Picture

Tensor = npt.NDArray[Any]
"""The network's input: float32 or uint8, shape as the manifest says, batch of one."""
Boxes = npt.NDArray[np.float64]
"""Shape (n, 4): left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture lies in the network's input; all sides in pixels.

    As in Ultralytics' `LetterBox`: one ratio for both sides, scaled sides rounded, an odd pixel of padding goes to the
    right and below. Back in the picture each side is undone by its own true ratio (rounding made them differ a little).
    """

    picture_width: int
    picture_height: int
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def fit(cls, picture_width: int, picture_height: int, spec: PackInput) -> Letterbox:
        """The place of a picture of that size (pixels) in the input that `spec` describes."""
        ratio = min(spec.width / picture_width, spec.height / picture_height)
        width = min(max(round(picture_width * ratio), 1), spec.width)
        height = min(max(round(picture_height * ratio), 1), spec.height)
        centred = spec.padding == "centre"
        left = (spec.width - width) // 2 if centred else 0
        top = (spec.height - height) // 2 if centred else 0
        return cls(picture_width, picture_height, left, top, width, height)

    def to_picture(self, boxes: npt.NDArray[np.floating[Any]]) -> Boxes:
        """Boxes (n, 4) of left, top, right, bottom in input pixels, as pixels of the picture and cut at its edges."""
        x_ratio = self.picture_width / self.width
        y_ratio = self.picture_height / self.height
        moved = boxes.astype(np.float64)
        moved[:, 0::2] = ((moved[:, 0::2] - self.left) * x_ratio).clip(0.0, self.picture_width)
        moved[:, 1::2] = ((moved[:, 1::2] - self.top) * y_ratio).clip(0.0, self.picture_height)
        return moved


class Letterboxer:
    """Turns pictures into input tensors, in one buffer that is written over by the next picture.

    The padding is drawn only when the pictures change size: per picture only the part that shows it is written. A
    tensor of bytes, channels last, blue first, is a picture itself: scaling writes straight into it. For one thread.
    """

    def __init__(self, *, spec: PackInput) -> None:
        self._spec = spec
        self._factor = np.float32(1 / 255 if spec.scale == "0-1" else 1.0)
        self._tensor: Tensor = np.empty(spec.shape, dtype=spec.dtype)
        self._letterbox: Letterbox | None = None
        self._scaled: Picture = np.empty((0, 0, 3), dtype=np.uint8)
        self._place: Picture | None = None
        """The picture's place in the tensor, where the tensor holds a picture as cameras give it."""

    def prepare(self, picture: Picture) -> tuple[Tensor, Letterbox]:
        """The input tensor of a picture (uint8, (height, width, 3), BGR), and where the picture lies in it.

        The tensor is valid until the next call.
        """
        height, width = picture.shape[:2]
        known = self._letterbox
        if known is not None and (known.picture_width, known.picture_height) == (width, height):
            letterbox = known
        else:
            letterbox = self._start(Letterbox.fit(width, height, self._spec))
        if self._place is not None:
            self._scale(picture, self._place)
        else:
            self._scale(picture, self._scaled)
            self._write(self._scaled, letterbox)
        return self._tensor, letterbox

    def _scale(self, picture: Picture, into: Picture) -> None:
        if picture.shape == into.shape:
            into[...] = picture
        else:
            height, width = into.shape[:2]
            cv2.resize(picture, (width, height), dst=into, interpolation=cv2.INTER_LINEAR)

    def _start(self, letterbox: Letterbox) -> Letterbox:
        fill = self._spec.fill if self._spec.dtype == "uint8" else self._spec.fill * self._factor
        self._tensor.fill(fill)
        self._scaled = np.empty((letterbox.height, letterbox.width, 3), dtype=np.uint8)
        self._letterbox = letterbox
        spec = self._spec
        if (spec.layout, spec.dtype, spec.colour) == ("nhwc", "uint8", "bgr"):
            self._place = self._tensor[0][_rows_of(letterbox), _columns_of(letterbox)]
        return letterbox

    def _write(self, scaled: npt.NDArray[Any], letterbox: Letterbox) -> None:
        rows, columns, spec = _rows_of(letterbox), _columns_of(letterbox), self._spec
        planes = cv2.split(scaled) if spec.colour == "bgr" else reversed(cv2.split(scaled))
        for channel, plane in enumerate(planes):
            if spec.layout == "nchw":
                part = self._tensor[0, channel, rows, columns]
            else:
                part = self._tensor[0, rows, columns, channel]
            if spec.dtype == "uint8":
                part[...] = plane
            else:
                np.multiply(plane, self._factor, out=part, dtype=np.float32)


def _rows_of(letterbox: Letterbox) -> slice:
    return slice(letterbox.top, letterbox.top + letterbox.height)


def _columns_of(letterbox: Letterbox) -> slice:
    return slice(letterbox.left, letterbox.left + letterbox.width)
