"""How things move: they start and stop gently, and nothing that a hand holds is quite still."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.training.synth.dice import dice


@dataclass(frozen=True, slots=True)
class Pose:
    """Where something is: its place on the counter, how far it is lifted towards the camera, how it is turned."""

    x_cm: float = 0.0
    y_cm: float = 0.0
    z_cm: float = 0.0
    turn_rad: float = 0.0

    def toward(self, other: Pose, share: float) -> Pose:
        """The pose that far on the straight way to another one."""
        return Pose(
            self.x_cm + (other.x_cm - self.x_cm) * share,
            self.y_cm + (other.y_cm - self.y_cm) * share,
            self.z_cm + (other.z_cm - self.z_cm) * share,
            self.turn_rad + (other.turn_rad - self.turn_rad) * share,
        )

    def plus(self, x_cm: float, y_cm: float, turn_rad: float = 0.0) -> Pose:
        return Pose(self.x_cm + x_cm, self.y_cm + y_cm, self.z_cm, self.turn_rad + turn_rad)


def eased(share: float) -> float:
    """From 0 to 1, beginning and ending at rest without a jerk (Flash and Hogan 1985: how hands move)."""
    s = min(1.0, max(0.0, share))
    if s > 0.5:  # beyond half of the way: the polynomial itself rounds to more than 1 just before its end
        return 1 - eased(1 - s)
    return s * s * s * (10 + s * (6 * s - 15))


def arriving(share: float) -> float:
    """From 0 to 1, at full speed first: what comes from outside of the picture moves already."""
    left = 1 - min(1.0, max(0.0, share))
    return 1 - math.pow(left, 2.6)


def leaving(share: float) -> float:
    """From 0 to 1, still moving at the end."""
    return 1 - arriving(1 - min(1.0, max(0.0, share)))


def between(at_s: float, from_s: float, to_s: float) -> float:
    """How far a time is from one to the other, in [0, 1]."""
    if to_s <= from_s:
        return 1.0 if at_s >= to_s else 0.0
    return min(1.0, max(0.0, (at_s - from_s) / (to_s - from_s)))


@dataclass(frozen=True, slots=True)
class Wobble:
    """A small unrest: a few slow waves whose phases follow from a seed; its size stays below about `size`."""

    size: float
    waves: Sequence[tuple[float, float, float]]

    @classmethod
    def of(cls, size: float, *about: object) -> Wobble:
        """Waves between 0.3 and 2 Hz."""
        rng = dice("wobble", *about)
        return cls(
            size, tuple((rng.uniform(0.3, 2.0), rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.4)) for _ in range(3))
        )

    def at(self, at_s: float) -> float:
        """Its value at a time."""
        return self.size * sum(
            share * math.sin(2 * math.pi * hertz * at_s + phase) for hertz, phase, share in self.waves
        )
