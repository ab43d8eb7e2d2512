"""How thresholds that are found on some trays do on others: each part is judged by those from all other parts.

What thresholds do on the very trays they come from flatters them, the more the fewer trays there are. This is what
weights are chosen by, since it takes no tray that is held out (Stone 1974, "Cross-validatory choice").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.domain.voting import contents_of
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.training.calibrate import LabelledTray, calibrate, is_contradicted, is_decided, surprise_of

DIVISIONS = 3
"""So often the trays are divided anew: with a few dozen, one division is luck."""


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """What is to be expected of thresholds on trays like these: means over the divisions.

    Attributes:
        trays: how many there are.
        decided: so many of their right orders are called match.
        false_alarms: so many are called wrong.
        surprise: how far the chances that the curves give are from what lies there, per tray; the sum of the negative
            logarithms over all that lies there and the best thing beyond it, by class. Less is better.
    """

    trays: int
    decided: float
    false_alarms: float
    surprise: float


def cross_validate(
    trays: Sequence[LabelledTray],
    names: Sequence[str],
    *,
    false_alarms: float,
    folds: int,
    on_part: OnStep = nobody_looks,
) -> CrossValidated:
    """Judge each of so many parts of the trays by thresholds from the others.

    Args:
        trays: labelled trays, at least as many as parts.
        names: the classes.
        false_alarms: the budget, as `calibrate` takes it.
        folds: how many parts, two or more.
        on_part: told how many parts of how many were judged, in all divisions.

    Raises:
        ValueError: fewer trays than parts, or fewer than two parts.
    """
    if not 1 < folds <= len(trays):
        raise ValueError(f"{len(trays)} trays make no {folds} parts")
    decided, alarms = [], []
    surprises: list[float] = []
    for seed in range(DIVISIONS):
        order = list(range(len(trays)))
        random.Random(seed).shuffle(order)  # noqa: S311  nothing secret
        for number, part in enumerate((set(order[k::folds]) for k in range(folds)), start=1):
            others = [tray for n, tray in enumerate(trays) if n not in part]
            found = calibrate(others, names, false_alarms=false_alarms)
            for tray in (trays[n] for n in sorted(part)):
                contents = contents_of(tray.fused, found.thresholds)
                decided.append(is_decided(contents, tray, names))
                alarms.append(is_contradicted(contents, tray, names))
                surprises.append(surprise_of(tray, found.curves))
            on_part(seed * folds + number, DIVISIONS * folds)
    return CrossValidated(
        trays=len(trays),
        decided=sum(decided) / DIVISIONS,
        false_alarms=sum(alarms) / DIVISIONS,
        surprise=float(np.mean(surprises)),
    )
