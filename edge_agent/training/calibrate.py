"""Find each class's two thresholds on labelled trays, for a budget of false alarms that the operator sets.

Per class, the fused scores of things that are there, and of the best thing beyond them, are gathered over the trays,
and a logistic curve is fitted that turns a score into the chance that the thing is there (Platt 1999). A weak pull
towards the curve of all classes together keeps a class with three examples, or one with wrong labels, from an extreme.
`present` is where that chance reaches 1 - doubt of presence, `possible` where it falls to the doubt of absence. A class
whose things are overlooked so often that the chance is still higher where nothing is seen gets `absence_tells: false`:
it is never missing beyond doubt.

The two doubts, the same for all classes, trade reds for ambers. Of all pairs that keep to the budget (or to the false
alarms of the most cautious pair, where those are more: no threshold avoids what the detector is sure and wrong of), the
one is taken that does best on orders made from the labels: right ones called match, and wrong ones, with one thing
forgotten or one too many, caught.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit

from edge_agent.domain.contents import ClassCount, Contents
from edge_agent.domain.detection import Detection
from edge_agent.domain.voting import (
    ClassThresholds,
    FusedScores,
    Thresholds,
    ballot,
    contents_of,
    fused_scores,
    things_in,
)

LOWEST, HIGHEST = 0.05, 0.95
"""Thresholds stay within these: below is the detector's noise, above it would believe nothing."""

DOUBTS = tuple(np.geomspace(0.005, 0.2, 16).tolist())
"""The doubts that are tried, the most cautious first.

Nothing is said that is more likely than one in five to be wrong. A budget of one false alarm in a hundred cannot be
seen on a few dozen trays, so without this bound the boldest doubts win wherever none of those trays shows a false
alarm (docs/experiments.md has what it changed).
"""

PULL = 1.0
"""Precision of the pull towards the curve of all classes: a deviation of one in offset or slope is nothing unusual."""

FLATTEST = 0.2
"""A curve rises at least so much; a flatter one would say that the score means nothing."""

FINENESS = 10_000
"""Thresholds are written with four digits, rounded to the side of caution."""

Curve = tuple[float, float]
"""Offset and slope of the logistic curve over the score's logit."""


@dataclass(frozen=True)
class LabelledTray:
    """What the detector saw on each photograph of a tray, and what really lay there."""

    seen: tuple[tuple[Detection, ...], ...]
    counts: dict[str, int]

    @cached_property
    def fused(self) -> FusedScores:
        """What its photographs agree on, whatever the thresholds."""
        return fused_scores([ballot(0.0, things_in(detections)) for detections in self.seen])


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The thresholds, the doubts of presence and absence that gave them, and what they do on the trays they come from.

    `unavoidable` is the share of false alarms under the most cautious thresholds, `decided` that of right orders called
    match, `caught` that of wrong orders (one thing forgotten, or one too many) whose wrong line is named. `curves` say
    per class how a fused score becomes the chance that the thing is there. `is_at_budget` says whether a larger budget
    would give other thresholds.
    """

    thresholds: Thresholds
    doubts: tuple[float, float]
    false_alarms: float
    unavoidable: float
    decided: float
    caught: float
    curves: Mapping[str, Curve]
    is_at_budget: bool = False


@dataclass(frozen=True, slots=True)
class _Scored:
    """The fused scores of one class, and whether the thing was there (1) or not (0)."""

    scores: npt.NDArray[np.float64]
    there: npt.NDArray[np.float64]


def calibrate(trays: Sequence[LabelledTray], names: Sequence[str], *, false_alarms: float) -> Calibrated:
    """The thresholds that decide most trays within the budget.

    Args:
        trays: labelled trays; the more, the finer.
        names: the classes.
        false_alarms: the share of right orders that may be called wrong, 0 to 1; where even the most cautious
            thresholds call more of them wrong, as few as those do.

    Raises:
        ValueError: no tray at all.
    """
    if not trays:
        raise ValueError("thresholds cannot be found without a labelled tray")
    fused = [tray.fused for tray in trays]
    curves = _curves(trays, fused, names)
    tried = [_tried(trays, fused, curves, doubts) for doubts in product(DOUBTS, DOUBTS)]
    unavoidable = tried[0].false_alarms
    within = [each for each in tried if each.false_alarms <= max(false_alarms, unavoidable)]
    best, boldest = max(within, key=_worth), max(tried, key=_worth)
    return replace(best, unavoidable=unavoidable, is_at_budget=best.doubts != boldest.doubts)


def _worth(each: Calibrated) -> tuple[float, float]:
    return each.decided + each.caught, -sum(each.doubts)


def _curves(trays: Sequence[LabelledTray], fused: Sequence[FusedScores], names: Sequence[str]) -> dict[str, Curve]:
    scored = {name: _scored(trays, fused, name) for name in names}
    everything = _Scored(
        np.concatenate([each.scores for each in scored.values()]),
        np.concatenate([each.there for each in scored.values()]),
    )
    shared = _fitted(everything, (0.0, 1.0), PULL)
    return {name: _fitted(each, shared, PULL) for name, each in scored.items()}


def surprise_of(tray: LabelledTray, curves: Mapping[str, Curve]) -> float:
    """The negative logarithm of the chance that the curves give to what lies on a tray, summed over its things."""
    told = ((_scored([tray], [tray.fused], name), curve) for name, curve in curves.items())
    return sum(float(np.logaddexp(0.0, -_margins(scored, curve)).sum()) for scored, curve in told)


def is_decided(contents: Contents, tray: LabelledTray, names: Sequence[str]) -> bool:
    """Whether an order of what lies there would be called match."""
    return contents.unclear is None and all(_agrees(*each) for each in _beside(contents, tray, names))


def is_contradicted(contents: Contents, tray: LabelledTray, names: Sequence[str]) -> bool:
    """Whether an order of what lies there would be called wrong."""
    return any(_contradicts(contents, *each) for each in _beside(contents, tray, names))


def _beside(contents: Contents, tray: LabelledTray, names: Iterable[str]) -> list[tuple[ClassCount, int]]:
    """What is seen of each class, beside how many of it lie there."""
    return [(contents.of_class(name), tray.counts.get(name, 0)) for name in names]


def _tried(
    trays: Sequence[LabelledTray],
    fused: Sequence[FusedScores],
    curves: dict[str, Curve],
    doubts: tuple[float, float],
) -> Calibrated:
    """The thresholds for two doubts, and the shares of trays they call wrong and decide."""
    limits = Thresholds(by_class={name: _limits(curve, *doubts) for name, curve in curves.items()})
    frequency = Counter({name: sum(tray.counts.get(name, 0) for tray in trays) for name in curves})
    alarms = decided = surplus_caught = 0
    forgotten_caught = 0.0
    for tray, scores in zip(trays, fused, strict=True):
        contents = contents_of(scores, limits)
        beside = _beside(contents, tray, curves)
        alarms += any(_contradicts(contents, *each) for each in beside)
        decided += contents.unclear is None and all(_agrees(*each) for each in beside)
        surplus_caught += sum(count.surely >= true > 0 for count, true in beside)
        absent = [count.class_name for count, true in beside if _at_most(contents, count, true)]
        forgotten_caught += sum(frequency[name] for name in absent) / max(1, sum(frequency.values()))
    kinds = sum(count > 0 for tray in trays for count in tray.counts.values())
    caught = (surplus_caught / max(1, kinds) + forgotten_caught / len(trays)) / 2
    return Calibrated(limits, doubts, alarms / len(trays), 0.0, decided / len(trays), caught, curves)


def _contradicts(contents: Contents, count: ClassCount, true: int) -> bool:
    return count.surely > true or (count.possibly < true and _tells_absence(contents, count))


def _at_most(contents: Contents, count: ClassCount, true: int) -> bool:
    return count.possibly <= true and _tells_absence(contents, count)


def _tells_absence(contents: Contents, count: ClassCount) -> bool:
    """Whether the checker would call it missing: not where the view is unclear, such as a tray that is seen blank."""
    return contents.unclear is None and count.class_name not in contents.overlooked


def _agrees(count: ClassCount, true: int) -> bool:
    return count.surely == count.possibly == true


def _scored(trays: Sequence[LabelledTray], fused: Sequence[FusedScores], name: str) -> _Scored:
    scores: list[float] = []
    there: list[float] = []
    for tray, agreed in zip(trays, fused, strict=True):
        ranks = agreed.may.get(name, ())
        count = tray.counts.get(name, 0)
        scores += [ranks[k] if k < len(ranks) else 0.0 for k in range(count + 1)]
        there += [1.0] * count + [0.0]
    return _Scored(np.array(scores), np.array(there))


def _fitted(scored: _Scored, towards: Curve, weight: float) -> Curve:
    """The curve of largest likelihood, drawn towards another by a Gaussian prior."""

    def loss(curve: npt.NDArray[np.float64]) -> float:
        pull = weight / 2 * ((curve[0] - towards[0]) ** 2 + (curve[1] - towards[1]) ** 2)
        return float(np.logaddexp(0.0, -_margins(scored, (curve[0], curve[1]))).sum() + pull)

    found = minimize(loss, np.array(towards), method="Nelder-Mead").x
    return float(found[0]), max(FLATTEST, float(found[1]))


def _margins(scored: _Scored, curve: Curve) -> npt.NDArray[np.float64]:
    """The log odds that a curve gives to what is true of each thing."""
    inputs = logit(np.clip(scored.scores, 0.01, 0.99))
    return (2 * scored.there - 1) * (curve[0] + curve[1] * inputs)


def _limits(curve: Curve, of_presence: float, of_absence: float) -> ClassThresholds:
    offset, slope = curve
    present = float(expit((logit(1 - of_presence) - offset) / slope))
    possible = float(expit((logit(of_absence) - offset) / slope))
    absence_tells = possible >= LOWEST / 2
    present = min(HIGHEST, max(math.ceil(present * FINENESS) / FINENESS, LOWEST))
    possible = min(present, max(math.floor(possible * FINENESS) / FINENESS, LOWEST))
    return ClassThresholds(present=present, possible=possible, absence_tells=absence_tells)
