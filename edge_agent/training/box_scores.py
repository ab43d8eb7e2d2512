"""How well what a pack finds meets boxes that were drawn: average precision per class, with intervals over trays.

Counts on trays decide what a model is worth; this tells how tightly its boxes sit, and what each class is worth where
boxes were drawn. The photographs of a tray are alike, so intervals come from drawing trays anew, not photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.checking.scoring import CONFIDENCE, Share
from edge_agent.domain.detection import Detection
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest
from edge_agent.formats.shares import in_digits, with_interval
from edge_agent.ports import Detector, Picture
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.training.boxed import read_boxed, read_boxes
from edge_agent.training.export import TO_BE_FOUND, revised
from edge_agent.training.sightings import overlaps
from edge_agent.training.thresholds import tray_shown_on, trays_listed_in

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

FAINTEST = 0.001
"""Scores from here on are looked at, as in Ultralytics' own validation: the curve of precision ends where they do."""

OVERLAPS = np.linspace(0.5, 0.95, 10)
"""A box is met by one that overlaps it by so much (COCO: Lin et al. 2014, arXiv 1405.0312)."""

RECALLS = np.linspace(0, 1, 101)
"""Precision is averaged over these recalls (COCO)."""

RESAMPLES = 1000
"""So often are the trays drawn anew (percentile bootstrap: Efron and Tibshirani 1993, chapter 13)."""

BOXED = "boxed_"
"""Begins the names of these scores in a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOnBoxes:
    """One class: how often it was drawn, on how many trays, and its average precision at an overlap of 0.5."""

    boxes: int
    trays: int
    ap50: Share

    @property
    def told(self) -> str:
        """Such as `0.958 [0.881, 1.000], 45 boxes on 9 trays`."""
        return f"{_told(self.ap50)}, {_some(self.boxes, 'box', 'boxes')} on {_some(self.trays, 'tray')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxScores:
    """What a pack scores on boxed photographs; means are over the classes that were drawn there.

    Attributes:
        photographs: how many there are.
        trays: how many trays they show.
        map50: mean average precision at an overlap of 0.5.
        map50_95: the same, averaged over overlaps of 0.5 to 0.95.
        classes: by name, those that were drawn and that the pack reports.
    """

    photographs: int
    trays: int
    map50: Share
    map50_95: Share
    classes: Mapping[str, ClassOnBoxes]

    def as_metrics(self, told_of: str) -> dict[str, float | int | str]:
        """What a manifest keeps of them; `told_of` is what it calls the photographs."""
        return {
            f"{BOXED}on": f"{told_of}: {self.photographs} of {_some(self.trays, 'tray')}",
            f"{BOXED}map50": _told(self.map50),
            f"{BOXED}map50_95": _told(self.map50_95),
            **{f"{BOXED}ap50_{name}": each.told for name, each in self.classes.items()},
        }


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """All that was found of one class, best first, and all that was drawn of it.

    Attributes:
        scores: shape (n,).
        hits: shape (n, overlaps), whether it meets a drawn box that nothing better has met, at each overlap.
        trays: shape (n,), the tray that each was found on.
        drawn: shape (trays,), how many boxes were drawn on each.
    """

    scores: Floats
    hits: Bools
    trays: Indices
    drawn: Indices


def score_boxes(
    pack: Path,
    boxes: Path,
    drawn_as: tuple[str, ...],
    *,
    open_detector: Callable[[Path, PackManifest], Detector],
    read_photograph: Callable[[Path], Picture],
    on_photograph: OnStep = nobody_looks,
) -> BoxScores:
    """Hold what a pack finds on the boxed photographs under `val` against their boxes; the pack stays as it is.

    Args:
        pack: the folder of the pack; its first form is what looks.
        boxes: the folder of boxed photographs.
        drawn_as: the classes that they were drawn under, in the order of the labels.
        open_detector: opens a pack as another manifest says.
        read_photograph: gives a photograph as uint8, (height, width, 3), blue, green, red.
        on_photograph: told how many of how many were looked at.

    Raises:
        BadInput: nothing was drawn there that the pack reports.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read.
    """
    manifest = load_manifest(pack / MANIFEST_NAME)
    photographs = read_boxed(boxes, "val", drawn_as)
    listed = trays_listed_in(boxes)
    both = [name for name in manifest.classes if any(each.counts.get(name) for each in photographs)]
    if not both:
        said = f"nothing was drawn there that {manifest.name} reports ({', '.join(manifest.classes)})"
        raise BadInput(said, path=boxes / "labels" / "val")
    everything = {"thresholds": TO_BE_FOUND, "nms": manifest.nms.model_dump() | {"score_floor": FAINTEST}}
    detector = open_detector(pack, revised(manifest, everything))
    trays = {name: at for at, name in enumerate(sorted({tray_shown_on(each, listed) for each in photographs}))}
    shots: dict[str, list[tuple[int, Floats, Floats, Bools]]] = {name: [] for name in both}
    for number, photograph in enumerate(photographs, start=1):
        picture = read_photograph(photograph.path)
        height, width = picture.shape[:2]
        drawn = read_boxes(photograph, (width, height))
        found = detector.detect(picture)
        for name in both:
            there = np.array([box for index, box in drawn if drawn_as[index] == name], np.float64).reshape(-1, 4)
            scores, sides = _of_class(found, name)
            shots[name].append((trays[tray_shown_on(photograph, listed)], there, scores, hits_of(sides, there)))
        on_photograph(number, len(photographs))
    found_of = {name: _put_together(each, len(trays)) for name, each in shots.items()}
    return scored(found_of, photographs=len(photographs), trays=len(trays))


def scored(found_of: Mapping[str, Found], *, photographs: int, trays: int, resamples: int = RESAMPLES) -> BoxScores:
    """Average precisions with their intervals; where trays are drawn without a class, that one is left out."""
    rng = np.random.default_rng(0)
    names = list(found_of)

    def precisions(weights: npt.NDArray[Any]) -> Floats:
        return np.array([average_precisions(found_of[name], weights) for name in names])

    once = precisions(np.ones(trays))
    drawn = np.array([precisions(rng.multinomial(trays, np.full(trays, 1 / trays))) for _ in range(resamples)])
    drawn = drawn[~np.isnan(drawn).all(axis=(1, 2))]
    return BoxScores(
        photographs=photographs,
        trays=trays,
        map50=_share(once[:, 0].mean(), np.nanmean(drawn[:, :, 0], axis=1)),
        map50_95=_share(once.mean(), np.nanmean(drawn, axis=(1, 2))),
        classes={
            name: ClassOnBoxes(
                boxes=int(found_of[name].drawn.sum()),
                trays=int(np.count_nonzero(found_of[name].drawn)),
                ap50=_share(once[at, 0], drawn[:, at, 0]),
            )
            for at, name in enumerate(names)
        },
    )


def average_precisions(found: Found, weights: npt.NDArray[Any]) -> Floats:
    """The average precision at each overlap, shape (overlaps,), if each tray lay there as often as its weight says.

    NaN where nothing is drawn on the trays that are left.
    """
    total = float(found.drawn @ weights)
    if not total:
        return np.full(len(OVERLAPS), np.nan)
    weighted = weights[found.trays]
    right = np.cumsum(found.hits * weighted[:, None], axis=0)
    every = np.cumsum(weighted)[:, None]
    recall, precision = right / total, right / np.maximum(every, 1e-12)
    # Of all places on the curve that reach a recall, the best one counts.
    best_from_here = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    reached = np.concatenate([best_from_here, np.zeros((1, len(OVERLAPS)))])
    return np.array([reached[np.searchsorted(recall[:, at], RECALLS - 1e-9), at].mean() for at in range(len(OVERLAPS))])


def hits_of(found: Floats, drawn: Floats) -> Bools:
    """Whether each found box, best first, meets a drawn one that no better one has met; shape (n, overlaps).

    `found` (n, 4) and `drawn` (m, 4) are left, top, right, bottom in pixels, of one class on one photograph. Of several
    drawn boxes it takes the one that it overlaps most.
    """
    hits = np.zeros((len(found), len(OVERLAPS)), np.bool_)
    free = np.ones((len(drawn), len(OVERLAPS)), np.bool_)
    each = np.arange(len(OVERLAPS))
    for row, box in enumerate(found):
        if not len(drawn):
            break
        shared = overlaps(box, drawn)[:, None] * free
        nearest = shared.argmax(axis=0)
        hits[row] = shared[nearest, each] >= OVERLAPS
        free[nearest[hits[row]], each[hits[row]]] = False
    return hits


def _of_class(found: Sequence[Detection], name: str) -> tuple[Floats, Floats]:
    """Scores (n,) and boxes (n, 4) of one class, in the order in which they were found: best first."""
    seen = [each for each in found if each.class_name == name]
    sides = [(each.box.left, each.box.top, each.box.right, each.box.bottom) for each in seen]
    return np.array([each.score for each in seen], np.float64), np.array(sides, np.float64).reshape(-1, 4)


def _put_together(shots: Sequence[tuple[int, Floats, Floats, Bools]], trays: int) -> Found:
    scores = np.concatenate([scores for _, _, scores, _ in shots])
    best_first = np.argsort(-scores, kind="stable")
    drawn = np.zeros(trays, np.intp)
    for tray, there, _, _ in shots:
        drawn[tray] += len(there)
    return Found(
        scores=scores[best_first],
        hits=np.concatenate([hits for _, _, _, hits in shots])[best_first],
        trays=np.repeat([tray for tray, _, _, _ in shots], [len(scores) for _, _, scores, _ in shots])[best_first],
        drawn=drawn,
    )


def _some(number: int, one: str, more: str | None = None) -> str:
    return f"{number} {one if number == 1 else more or f'{one}s'}"


def _told(share: Share) -> str:
    """With its interval; what is right on all of its few trays stays so however they are drawn, and gets none."""
    return in_digits(share.value) if share.low == share.high else with_interval(share)


def _share(value: float, resampled: Floats) -> Share:
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(resampled, [tail, 100 - tail])
    return Share(float(value), float(low), float(high))
