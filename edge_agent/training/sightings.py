"""What a teacher sees on a photograph before any order is known: candidate boxes, their scores, and how each looks.

A thing that the teacher cannot name still leaves a box, with a low score under some wrong name; and its look, the
teacher's own features averaged over the box, tells a banana from a can even where no class does (extra `train`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.errors import BadInput
from edge_agent.ports import Picture

Floats = npt.NDArray[np.float32]

FAINTEST = 0.004
"""The lowest score of a candidate; things of a class never taught seldom reach more (seen on bananas)."""

CLEARLY = 0.3
"""From this score on the teacher calls a thing by a name of its own."""

SAME_SPOT = 0.45
"""From this overlap on two candidates are one thing, whatever the teacher calls them."""

MOST = 40
"""Candidates per photograph, best first; a full tray holds a dozen things."""

UNREADABLE = (OSError, RuntimeError, TypeError, AttributeError, LookupError)
"""What Ultralytics raises of files that are no weights and no model definition."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The candidates of one photograph.

    Attributes:
        boxes: float32, shape (n, 4), left, top, right, bottom in pixels of the photograph.
        scores: float32, shape (n, classes), the teacher's score of every class.
        looks: float32, shape (n, features), the teacher's features averaged over the box.
        size_px: width and height of the photograph.
    """

    boxes: Floats
    scores: Floats
    looks: Floats
    size_px: tuple[int, int]


def names_in(weights: Path) -> tuple[str, ...]:
    """The classes that a checkpoint knows.

    Raises:
        BadInput: there is no such checkpoint, it does not read, or its head is of another kind than those that can be
            labelled with and made fast.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    if not weights.is_file():
        # Else the library looks for weights of this name elsewhere.
        raise BadInput("there is no such checkpoint", path=weights)
    if weights.suffix != ".pt":
        said = "these are no weights that can be trained on: name a checkpoint (.pt), such as a training leaves"
        raise BadInput(f"{said} in its --run folder", path=weights)
    names = detector_in(str(weights)).names
    return tuple(names[index] for index in sorted(names))


def check_architecture(name: str) -> None:
    """Whether a fit can start from this model definition or checkpoint, and a pack be made of what comes out.

    Raises:
        BadInput: there is no such definition or checkpoint, it does not read, or its head is of another kind than those
            that can be labelled with and made fast.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    if name.endswith(".pt"):
        names_in(Path(name))
    else:
        detector_in(name)


def refuse_faster_copy(weights: Path) -> None:
    """Whether a fit can go on from a checkpoint: the library would build it anew with SiLU, and its weights fit ReLU.

    Raises:
        BadInput: it is a copy that `edge-agent distil` made, or does not read.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    import torch

    if any(isinstance(getattr(each, "act", None), torch.nn.ReLU) for each in detector_in(str(weights)).model.modules()):
        said = "these weights are a faster copy (edge-agent distil), of which training cannot go on"
        raise BadInput(f"{said}: name the weights that it is a copy of", path=weights)


def detector_in(name: str) -> Any:
    """The detector of a model definition or checkpoint, as `ultralytics.YOLO` has it.

    Raises:
        BadInput: it does not read, or its head is of another kind than those that can be labelled with and made fast.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    from ultralytics import YOLO
    from ultralytics.nn.modules.head import Detect

    said = "this is no model definition (.yaml) and no checkpoint (.pt) that Ultralytics reads"
    if Path(name).suffix not in (".pt", ".yaml", ".yml"):
        raise BadInput(said, path=name)  # else the library believes any file to be an export
    try:
        loaded: Any = YOLO(name)
    except FileNotFoundError as error:
        raise BadInput("there is no such file, and Ultralytics has no definition of this name", path=name) from error
    except UNREADABLE as error:
        raise BadInput(said, path=name) from error
    head = loaded.model.model[-1]
    # Heads of masks, poses and turned boxes are kinds of Detect, and say more than boxes.
    if type(head) is not Detect or head.reg_max == 1 or hasattr(head, "one2one_cv2"):
        said = (
            "it is no detector of plain boxes with a distribution of distances (DFL), as YOLOv8, YOLO11 and YOLO12 are"
        )
        raise BadInput(said, path=name)
    return loaded


class Teacher:
    """Trained weights that look at photographs; for one thread."""

    def __init__(
        self, weights: Path, *, width_px: int, height_px: int, read_photograph: Callable[[Path], Picture]
    ) -> None:
        """Load the weights.

        Args:
            weights: a checkpoint of Ultralytics.
            width_px: width of the network's input.
            height_px: height of the network's input.
            read_photograph: reads a photograph as uint8, (height, width, 3), blue, green, red.
        """
        loaded = detector_in(str(weights))
        self.names: tuple[str, ...] = tuple(loaded.names[index] for index in sorted(loaded.names))
        self._network = loaded.model.float().eval()
        self._network.model[-1].register_forward_pre_hook(self._keep_features)
        self._features: list[Any] = []
        self._width_px, self._height_px = width_px, height_px
        self._read = read_photograph

    def look(self, photograph: Path, *, also: Sequence[tuple[float, float, float, float]] = ()) -> Sighting:
        """The candidates of one photograph; boxes given by `also` (pixels) come first and are never suppressed.

        Raises:
            BadRecording: the photograph does not read.
        """
        import torch

        picture = self._read(photograph)
        tensor, scale, left, top = self._letterboxed(picture)
        with torch.inference_mode():
            raw = self._network(tensor)[0][0].float().numpy()
        offset = np.array([left, top, left, top], np.float32)
        centre, half = raw[:2].T, raw[2:4].T / 2
        found = ((np.concatenate([centre - half, centre + half], axis=1) - offset) / scale).astype(np.float32)
        scores = raw[4:].T
        given = np.array(also, np.float32).reshape(-1, 4)
        kept = _best_apart(found, scores.max(axis=1), given)
        height, width = picture.shape[:2]
        limits = np.array([width, height, width, height], np.float32)
        boxes = np.concatenate([given, np.clip(found[kept], 0, limits)])
        scores = np.concatenate([_scores_at(given, found, scores), scores[kept]])
        return Sighting(boxes, scores, self._looks((boxes * scale + offset).astype(np.float32)), (width, height))

    def _letterboxed(self, picture: Picture) -> tuple[Any, float, float, float]:
        import torch

        height, width = picture.shape[:2]
        scale = min(self._width_px / width, self._height_px / height)
        inner = cv2.resize(picture, (round(width * scale), round(height * scale)))
        left, top = (self._width_px - inner.shape[1]) // 2, (self._height_px - inner.shape[0]) // 2
        filled = np.full((self._height_px, self._width_px, 3), 114, np.uint8)
        filled[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        chw = np.ascontiguousarray(filled[:, :, ::-1].transpose(2, 0, 1))
        return torch.from_numpy(chw)[None].float() / 255, scale, float(left), float(top)

    def _keep_features(self, _module: Any, given: Any) -> None:
        self._features = [level[0].detach().float().numpy() for level in given[0]]

    def _looks(self, boxes: Floats) -> Floats:
        """Each level's features averaged over the cells whose centres the box holds, one level after the other."""
        per_level = []
        for level in self._features:
            stride = self._width_px / level.shape[2]
            per_level.append(np.array([_average(level, box / stride) for box in boxes]).reshape(-1, level.shape[0]))
        return np.concatenate(per_level, axis=1).astype(np.float32)


def _average(level: Floats, box: Floats) -> Floats:
    _, rows, columns = level.shape
    x1, y1 = np.floor(box[:2] + 0.5).astype(int)
    x2, y2 = np.ceil(box[2:] - 0.5).astype(int)
    x1, y1 = min(max(x1, 0), columns - 1), min(max(y1, 0), rows - 1)
    inside: Floats = level[:, y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    averaged: Floats = inside.mean(axis=(1, 2))
    return averaged


def _scores_at(given: Floats, found: Floats, scores: Floats) -> Floats:
    """For each given box the scores of the found one that fits it best, or zeros where none lies there."""
    at = np.zeros((len(given), scores.shape[1]), np.float32)
    for row, box in enumerate(given):
        shared = overlaps(box, found)
        if shared.max() >= SAME_SPOT:
            at[row] = scores[int(shared.argmax())]
    return at


def _best_apart(boxes: Floats, scores: Floats, given: Floats) -> list[int]:
    """Indices of the best boxes, best first, without those that lie on a given or a better one."""
    kept: list[int] = []
    taken = given
    for index in np.argsort(-scores):
        if scores[index] < FAINTEST or len(kept) == MOST:
            break
        if not len(taken) or overlaps(boxes[index], taken).max() < SAME_SPOT:
            kept.append(int(index))
            taken = np.concatenate([taken, boxes[index : index + 1]])
    return kept


def overlaps(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box with each of others, shapes (4,) and (n, 4)."""
    corner = np.maximum(box[:2], others[:, :2])
    far = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(far - corner, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    union = np.prod(box[2:] - box[:2]) + areas - shared
    result: Floats = shared / np.maximum(union, 1e-6)
    return result


def share_inside(box: Floats, others: Floats) -> Floats:
    """Which share of the box each of the others covers, shapes (4,) and (n, 4)."""
    corner = np.maximum(box[:2], others[:, :2])
    far = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(far - corner, 0, None), axis=1)
    result: Floats = shared / max(float(np.prod(box[2:] - box[:2])), 1e-6)
    return result
