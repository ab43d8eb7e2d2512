"""Measure a frame on a small grey copy of it, by OpenCV: how bright, how sharp, how changed, how like the reference."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.adapters.sampled import sampled
from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.geometry import Polygon
from edge_agent.ports import LiveFrame, Picture

Grey = npt.NDArray[np.uint8]
Layer = npt.NDArray[np.float32]

COARSE = (80, 60)
"""Width and height in pixels of a copy that is four times coarser than what is sampled."""

TILES = (10, 8)
"""The surroundings are compared tile by tile, so many across and down: a tray or an arm spoils some, a push spoils all.
"""

BLACK, WHITE = 2, 253
"""A pixel at or beyond these grey levels is clipped."""

PLAIN = 20.0
"""A coarse copy whose Laplacian varies less than this shows too little to tell whether it is sharp."""

TILE_CONTRAST = 8.0
"""A tile whose edges vary less than this looks the same wherever the camera points, and is not compared."""

TILE_MATCHES = 0.5
"""Edges of a tile that correlate at least so well are the same edges."""

FEWEST_TILES = 4
"""Fewer tiles that can be compared say nothing about the camera."""

SLOT_SHARE = 0.25
"""A tile of which a slot covers more than this is no surroundings: there trays come and go."""


class PictureMeter:
    """Measures the frames of one camera, in their order. Not for several threads.

    Args:
        reference: the picture taken at set-up; without one `similarity` is None.
        slots: the slots in pixels of the reference; what lies in them is not compared.
    """

    def __init__(self, *, reference: Picture | None = None, slots: Iterable[Polygon] = ()) -> None:
        self._before: Grey | None = None
        self._edges: Layer | None = None
        if reference is not None:
            self._edges = _edges(_grey(reference))
            self._compared = _tile_contrast(self._edges) >= TILE_CONTRAST**2
            self._compared &= _surroundings(reference.shape[1], reference.shape[0], slots)

    @property
    def can_compare(self) -> bool:
        """Whether the reference shows enough around the slots to tell that the camera was moved."""
        return self._edges is not None and int(self._compared.sum()) >= FEWEST_TILES

    def measure(self, frame: LiveFrame) -> FrameFigures:
        """The figures of a frame."""
        grey = _grey(frame.picture)
        white = np.count_nonzero(grey >= WHITE) / grey.size
        before, self._before = self._before, grey
        return FrameFigures(
            at_s=frame.at_s,
            source_s=frame.source_s,
            luminance=cv2.mean(grey)[0],
            clipped=np.count_nonzero(grey <= BLACK) / grey.size + white,
            white=white,
            sharpness=_sharpness(grey),
            change=None if before is None else float(cv2.norm(grey, before, cv2.NORM_L1)) / grey.size,
            similarity=self._similarity(grey) if self.can_compare else None,
        )

    def _similarity(self, grey: Grey) -> float:
        """The share of the compared tiles whose edges correlate with those of the reference."""
        known = self._edges
        assert known is not None  # noqa: S101  for the type checker; can_compare has looked
        edges = _edges(grey)
        shared = _tile_means(edges * known) - _tile_means(edges) * _tile_means(known)
        spread = np.sqrt(_tile_contrast(edges) * _tile_contrast(known))
        matching = shared >= TILE_MATCHES * np.maximum(spread, 1.0)
        return float(matching[self._compared].mean())


def reference_png(picture: Picture) -> bytes:
    """What is kept of a reference picture, as PNG: the small grey copy that frames are compared with.

    It says as much to the meter as the whole picture, and shows next to nothing of whoever stood beside the pass.
    """
    _, encoded = cv2.imencode(".png", _grey(picture))
    return encoded.tobytes()


def _grey(picture: Picture) -> Grey:
    return np.asarray(cv2.cvtColor(sampled(picture), cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _sharpness(grey: Grey) -> float | None:
    """Variance of the Laplacian of the copy, over that of a copy four times coarser.

    The variance of the Laplacian measures focus (Pech-Pacheco et al., 2000); the ratio makes it independent of the
    contrast of what is shown. Blur takes the fine detail first.
    """
    coarse = _detail(cv2.resize(grey, COARSE, interpolation=cv2.INTER_AREA))
    return None if coarse < PLAIN else _detail(grey) / coarse


def _detail(grey: cv2.typing.MatLike) -> float:
    """The variance of the Laplacian. By sums: of 16 bits OpenCV's own meanStdDev takes four times as long."""
    laplacian = cv2.Laplacian(grey, cv2.CV_16S)
    mean = cv2.sumElems(laplacian)[0] / laplacian.size
    return cv2.norm(laplacian, cv2.NORM_L2SQR) / laplacian.size - mean**2


def _edges(grey: Grey) -> Layer:
    """The strength of the edges, a little blurred: light that changes leaves edges where they are."""
    soft = cv2.GaussianBlur(cv2.resize(grey, (160, 120), interpolation=cv2.INTER_AREA), (5, 5), 0)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down), dtype=np.float32)


def _tile_means(layer: Layer) -> Layer:
    return np.asarray(cv2.resize(layer, TILES, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _tile_contrast(edges: Layer) -> Layer:
    return np.asarray(np.maximum(_tile_means(edges * edges) - _tile_means(edges) ** 2, 0), dtype=np.float32)


def _surroundings(width_px: int, height_px: int, slots: Iterable[Polygon]) -> npt.NDArray[np.bool_]:
    """Which tiles lie outside the slots."""
    covered = np.zeros((TILES[1] * 10, TILES[0] * 10), dtype=np.uint8)
    scale_x, scale_y = covered.shape[1] / width_px, covered.shape[0] / height_px
    for slot in slots:
        corners = [[round(corner.x * scale_x), round(corner.y * scale_y)] for corner in slot.corners]
        cv2.fillPoly(covered, [np.array(corners, dtype=np.int32)], (255,))
    shares = _tile_means(np.asarray(covered, dtype=np.float32) / np.float32(255))
    return np.asarray(shares <= SLOT_SHARE)
