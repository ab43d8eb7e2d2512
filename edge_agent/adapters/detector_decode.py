"""From the network's output tensor to detections: pure functions over arrays, one per layout.

Layouts are described at `formats.pack.OutputLayout`. Coordinates are pixels of the network's input until
`detections_of` maps them to the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.adapters.letterbox import Letterbox
from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box
from edge_agent.errors import DetectorError
from edge_agent.formats.pack import OutputLayout, PackManifest

Output = npt.NDArray[np.floating[Any]]
Floats = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.intp]

_BOX = 4
"""Numbers that make a box."""
MAX_CANDIDATES = 1000
"""Only so many of the best boxes enter suppression, whose cost grows with their square."""
SCORE_SLACK = 0.01
"""Quantised networks overshoot 1 by a rounding error; more than this means that the output holds no probabilities."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Boxes that reach the score floor: n of them, in input pixels.

    `boxes` (n, 4) left, top, right, bottom; `scores` (n,) in [0, 1]; `classes` (n,) indices of classes.
    """

    boxes: Floats
    scores: Floats
    classes: Indices

    def take(self, which: Indices) -> Candidates:
        """Those at the given places, in that order."""
        return Candidates(self.boxes[which], self.scores[which], self.classes[which])


def decode(output: Output, manifest: PackManifest, letterbox: Letterbox) -> tuple[Detection, ...]:
    """What the output says about the picture of `letterbox`, best first, in pixels of the picture.

    Raises:
        DetectorError: the output holds NaN or infinity, scores that are no probabilities, or unknown class indices.
    """
    candidates = candidates_of(output, manifest)
    if manifest.output != "end_to_end":
        candidates = suppress(candidates, iou=manifest.nms.iou)
    return detections_of(candidates, manifest, letterbox)


def candidates_of(output: Output, manifest: PackManifest) -> Candidates:
    """The boxes that reach the manifest's score floor, best first, duplicates included.

    Raises:
        DetectorError: as `decode` says.
    """
    # The extremes carry NaN and infinity along, at a fraction of the cost of asking every number.
    if output.size and not (np.isfinite(output.min()) and np.isfinite(output.max())):
        raise DetectorError("the model's output holds NaN or infinity; the pack or its provider is broken")
    if manifest.output == "end_to_end":
        found = _from_end_to_end(output, manifest)
    elif manifest.output == "ultralytics_raw":
        found = _from_ultralytics_raw(output, manifest)
    else:
        found = _from_yolox_grid(output, manifest)
    if found.scores.size and found.scores.max() > 1.0 + SCORE_SLACK:
        best = found.scores.max()
        raise DetectorError(f"the model gave a score of {best:.3g}; is its output really {manifest.output}?")
    best_first = np.argsort(-found.scores, kind="stable")[:MAX_CANDIDATES]
    return found.take(best_first)


def suppress(candidates: Candidates, *, iou: float) -> Candidates:
    """Greedy non-maximum suppression within each class: of boxes overlapping by more than `iou`, the best stays."""
    if not candidates.scores.size:
        return candidates
    # OpenCV keeps classes apart by an offset that only works for coordinates from zero on, hence the shift.
    # Plain lists, because it unpacks them faster than arrays.
    corners = candidates.boxes - candidates.boxes.min(axis=0)[[0, 1, 0, 1]]
    corners[:, 2:] -= corners[:, :2]
    scores, classes = candidates.scores.tolist(), candidates.classes.tolist()
    kept = cv2.dnn.NMSBoxesBatched(corners.tolist(), scores, classes, score_threshold=0.0, nms_threshold=iou)
    return candidates.take(np.asarray(kept, dtype=np.intp))


def detections_of(candidates: Candidates, manifest: PackManifest, letterbox: Letterbox) -> tuple[Detection, ...]:
    """The first `max_detections` as values, cut at the picture's edges; what has no area there is dropped."""
    boxes = letterbox.to_picture(candidates.boxes)
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    shown = np.flatnonzero(has_area)[: manifest.nms.max_detections]
    scores = candidates.scores[shown].clip(0.0, 1.0).tolist()
    classes = candidates.classes[shown].tolist()
    return tuple(
        Detection(manifest.classes[index], score, Box(*sides))
        for index, score, sides in zip(classes, scores, boxes[shown].tolist(), strict=True)
    )


def complaint_about(shape: tuple[int, ...], manifest: PackManifest) -> str | None:
    """One sentence when an output of that shape cannot be of the manifest's layout and classes; None when it fits."""
    count = len(manifest.classes)
    anchors = _anchors(manifest)
    expected = {
        "ultralytics_raw": f"(1, {_BOX + count}, N)",
        "end_to_end": f"(1, N, {_BOX + 2})",
        "yolox_grid": f"(1, {anchors}, {_BOX + 1 + count})",
    }[manifest.output]
    if _fits(shape, manifest.output, count, anchors):
        return None
    said = f"the model's output has the shape {shape}, but {manifest.output} with {count} classes has {expected}"
    return f"{said}; {_guess(shape, count, anchors)}"


def _fits(shape: tuple[int, ...], layout: OutputLayout, count: int, anchors: int) -> bool:
    match shape:
        case (1, rows, columns):
            return {
                "ultralytics_raw": rows == _BOX + count,
                "end_to_end": columns == _BOX + 2,
                "yolox_grid": (rows, columns) == (anchors, _BOX + 1 + count),
            }[layout]
        case _:
            return False


def _guess(shape: tuple[int, ...], count: int, anchors: int) -> str:
    layouts: tuple[OutputLayout, ...] = ("yolox_grid", "ultralytics_raw", "end_to_end")
    for layout in layouts:
        if _fits(shape, layout, count, anchors):
            return f"this looks like {layout}"
    match shape:
        case (1, rows, columns) if rows == anchors and columns > _BOX + 1:
            return f"this looks like yolox_grid with {columns - _BOX - 1} classes"
        case (1, rows, columns) if columns == anchors and rows > _BOX:
            return f"this looks like ultralytics_raw with {rows - _BOX} classes"
        case _:
            return "this looks like no detector's output that is known here"


def _anchors(manifest: PackManifest) -> int:
    """How many cells the grids of strides 8, 16 and 32 have together."""
    return sum((manifest.input.width // stride) * (manifest.input.height // stride) for stride in (8, 16, 32))


def _from_end_to_end(output: Output, manifest: PackManifest) -> Candidates:
    rows = output[0]
    rows = rows[rows[:, 4] >= manifest.score_floor]
    classes = rows[:, 5].round().astype(np.intp)
    strangers = classes[(classes < 0) | (classes >= len(manifest.classes))]
    if strangers.size:
        said = f"the model reports class {strangers[0]}, but the pack names {len(manifest.classes)} classes"
        raise DetectorError(said)
    return Candidates(rows[:, :4], rows[:, 4], classes)


def _from_ultralytics_raw(output: Output, manifest: PackManifest) -> Candidates:
    columns = output[0]
    which, classes, scores = _above_floor(columns[4:], manifest)
    return Candidates(_corners(columns[:2, which].T, columns[2:4, which].T), scores, classes)


def _from_yolox_grid(output: Output, manifest: PackManifest) -> Candidates:
    """As in YOLOX (Ge et al. 2021, arXiv 2107.08430): the score is objectness times class score.

    Of a cell at (gx, gy) with stride s, the centre is ((x + gx) s, (y + gy) s) and the sides are (exp(w) s, exp(h) s).
    """
    cells = output[0]
    # Reading the objectness first spares the product for the thousands of empty cells: a product is never above it.
    alive = np.flatnonzero(cells[:, 4] >= manifest.score_floor)
    cells = cells[alive]
    which, classes, scores = _above_floor((cells[:, 5:] * cells[:, 4:5]).T, manifest)
    corner, stride = _grid(manifest.input.width, manifest.input.height)
    cells, alive = cells[which], alive[which]
    centres = (cells[:, :2] + corner[alive]) * stride[alive]
    with np.errstate(over="ignore"):
        sides = np.exp(cells[:, 2:4]) * stride[alive]
    if not np.isfinite(sides).all():
        raise DetectorError("the model gave a box of infinite size; is its output really yolox_grid, not yet decoded?")
    return Candidates(_corners(centres, sides), scores, classes)


def _above_floor(scores: Floats, manifest: PackManifest) -> tuple[Indices, Indices, Floats]:
    """Of scores (classes, n): the places, classes and scores of those that reach the floor, n counting boxes."""
    if manifest.nms.several_classes_per_box:
        # One flat search and a division of the few it finds: np.nonzero in two dimensions takes six times as long.
        classes, which = np.divmod(np.flatnonzero(scores >= manifest.score_floor), scores.shape[1])
        return which, classes, scores[classes, which]
    which = np.flatnonzero(scores.max(axis=0) >= manifest.score_floor)
    classes = scores[:, which].argmax(axis=0)
    return which, classes, scores[classes, which]


def _corners(centres: Floats, sides: Floats) -> Floats:
    """Boxes (n, 4) of left, top, right, bottom from centres (n, 2) and widths and heights (n, 2)."""
    half = sides / 2
    return np.concatenate((centres - half, centres + half), axis=1)


@lru_cache(maxsize=8)
def _grid(width: int, height: int) -> tuple[Floats, Floats]:
    """For an input of that size in pixels: the cells' corners (n, 2) in cells, and their strides (n, 1) in pixels."""
    corners, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = np.divmod(np.arange((height // stride) * (width // stride)), width // stride)
        corners.append(np.stack((columns, rows), axis=1))
        strides.append(np.full((len(rows), 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
