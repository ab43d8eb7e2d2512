"""Find each class's two thresholds on labelled trays, for a budget of false alarms that the operator sets.

A false red has two causes: a thing that is there is not believed possible (its line is then called missing), or a thing
that is not there is believed present (called extra). Per class, the fused scores of things that are there, and of the
best thing beyond them, are gathered over the trays; `possible` is set so low that at most a share q of the former fall
below it, `present` so high that at most a share q of the latter reach it. One number, q, thus trades reds for ambers in
all classes alike. Of those q whose right orders keep to the budget on the labelled trays, the one that decides most is
taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Detection
from edge_agent.domain.voting import Ballot, ClassThresholds, Thresholds, ballot, fuse, fused_ranks, things_in

LOWEST, HIGHEST = 0.05, 0.95
"""Thresholds stay within these: below is the detector's noise, above it would believe nothing."""

STEPS = (0.0, *np.geomspace(0.001, 0.3, 60).tolist())
"""The shares q that are tried; 0 keeps every labelled thing possible and every other one from being believed."""

FINENESS = 10_000
"""Thresholds are written with four digits, rounded to the side of caution."""


@dataclass(frozen=True, slots=True)
class LabelledTray:
    """What the detector saw on each photograph of a tray, and what really lay there."""

    seen: tuple[tuple[Detection, ...], ...]
    counts: dict[str, int]

    @property
    def ballots(self) -> tuple[Ballot, ...]:
        return tuple(ballot(0.0, things_in(detections)) for detections in self.seen)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The thresholds, the share q that gave them, and what they do on the trays they were found on."""

    thresholds: Thresholds
    share: float
    false_alarms: float
    decided: float


def calibrate(trays: Sequence[LabelledTray], names: Sequence[str], *, false_alarms: float) -> Calibrated:
    """The thresholds that decide most trays within the budget.

    Args:
        trays: labelled trays; the more, the finer.
        names: the classes.
        false_alarms: the share of right orders that may be called wrong, between 0 and 1.

    Raises:
        ValueError: no tray at all.
    """
    if not trays:
        raise ValueError("thresholds cannot be found without a labelled tray")
    ballots = [tray.ballots for tray in trays]
    tried = [_tried(trays, ballots, names, share) for share in STEPS]
    within = [c for c in tried if c.false_alarms <= false_alarms]
    return max(within, key=lambda c: (c.decided, -c.share)) if within else min(tried, key=lambda c: c.false_alarms)


def _tried(
    trays: Sequence[LabelledTray], ballots: Sequence[tuple[Ballot, ...]], names: Sequence[str], share: float
) -> Calibrated:
    limits = Thresholds(by_class={name: _limits(trays, ballots, name, share) for name in names})
    alarms = decided = 0
    for tray, cast in zip(trays, ballots, strict=True):
        contents = fuse(cast, limits)
        alarms += any(_contradicts(contents, name, tray.counts.get(name, 0)) for name in names)
        decided += all(_agrees(contents, name, tray.counts.get(name, 0)) for name in names)
    return Calibrated(limits, share, alarms / len(trays), decided / len(trays))


def _contradicts(contents: Contents, name: str, true: int) -> bool:
    count = contents.of_class(name)
    return count.surely > true or count.possibly < true


def _agrees(contents: Contents, name: str, true: int) -> bool:
    count = contents.of_class(name)
    return count.surely == count.possibly == true


def _limits(
    trays: Sequence[LabelledTray], ballots: Sequence[tuple[Ballot, ...]], name: str, share: float
) -> ClassThresholds:
    there: list[float] = []
    beyond: list[float] = []
    for tray, cast in zip(trays, ballots, strict=True):
        weights = [1.0] * len(cast)
        count = tray.counts.get(name, 0)
        may = fused_ranks([b.may.get(name, ()) for b in cast], weights)
        sure = fused_ranks([b.sure.get(name, ()) for b in cast], weights)
        there += [may[k] if k < len(may) else 0.0 for k in range(count)]
        beyond.append(sure[count] if count < len(sure) else 0.0)
    possible = float(np.quantile(there, share)) if there else 0.5
    present = float(np.quantile(beyond, 1 - share)) if beyond else 0.5
    present = min(HIGHEST, max((math.floor(present * FINENESS) + 1) / FINENESS, LOWEST))
    possible = min(present, max(math.floor(possible * FINENESS) / FINENESS, LOWEST))
    return ClassThresholds(present=present, possible=possible)
