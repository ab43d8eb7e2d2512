"""One number between fewer alarms and more catches: it moves the two thresholds of every class against each other.

What lies between `possible` and `present` makes a class unsure, and unsure is silent. A wider gap therefore gives fewer
alarms and fewer catches, a narrower one more of both. Thresholds are moved on the scale of odds (p / (1 - p)), on which
a step means the same near 0.1 as near 0.5; each step is a factor of 1.5.
"""

from __future__ import annotations

from edge_agent.domain.voting import ClassThresholds, Thresholds

FEWEST, MOST = -3, 3
"""As far as the number goes; beyond three steps the two thresholds of most classes meet."""

STEP = 1.5

LOWEST, HIGHEST = 0.001, 0.999
"""A threshold of 0 or 1 would be none."""


def shifted(thresholds: Thresholds, steps: int, *, floor: float = LOWEST) -> Thresholds:
    """The thresholds, so many steps towards more catches; towards fewer alarms where `steps` is negative.

    Where `present` and `possible` would change places, both are where they meet. Whether the absence of a class tells
    anything stays as it was measured.

    Args:
        thresholds: as they were calibrated.
        steps: 0 changes nothing.
        floor: nothing below this score is reported by the detector, so that no threshold below it means anything.
    """
    if not steps:
        return thresholds
    return Thresholds(
        default=_moved(thresholds.default, steps, floor),
        by_class={name: _moved(limits, steps, floor) for name, limits in thresholds.by_class.items()},
    )


def _moved(limits: ClassThresholds, steps: int, floor: float) -> ClassThresholds:
    factor = STEP**steps
    present, possible = _odds(limits.present) / factor, _odds(limits.possible) * factor
    if possible > present:
        present = possible = (present * possible) ** 0.5
    lowest = max(LOWEST, min(floor, limits.possible))
    possible_score = min(max(_score(possible), lowest), HIGHEST)
    return ClassThresholds(
        present=min(max(_score(present), possible_score), HIGHEST),
        possible=possible_score,
        absence_tells=limits.absence_tells,
    )


def _odds(score: float) -> float:
    return score / (1 - score)


def _score(odds: float) -> float:
    return odds / (1 + odds)
