"""Decide for each frame whether the detector must look, or whether what it saw before still holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edge_agent.domain.detection import Observation

TOLERANCE_S = 1e-6
"""Times are sums of floats."""

REMEMBERED = 16
"""So many looks at the same still picture are kept, to be repeated in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """When the detector is spared.

    Attributes:
        still_change: a slot that differs from the last detected picture by at most so many grey levels is still.
        awake_s: the detector goes on looking for so long after the last change: as long as a tray needs to settle
            and a mismatch to stand (0.5 s and 0.7 s), so that every first verdict and alert rests on looks of its own.
        empty_awake_s: ... and for so long where it sees nothing at all: longer than a tray needs to be gone (0.4 s).
        heartbeat_s: it looks again after so long all the same, while something lies there.
        empty_heartbeat_s: ... and after so long while nothing does.
        silence_s: a stream that gave no frame for so long is looked at anew.
    """

    still_change: float = 12.0
    awake_s: float = 1.2
    empty_awake_s: float = 0.6
    heartbeat_s: float = 1.0
    empty_heartbeat_s: float = 5.0
    silence_s: float = 0.9


@dataclass(slots=True)
class MotionGate:
    """The gate of one camera. For each frame ask `must_look`; then tell it `saw`, or take `repeat` in its place.

    While nothing changes, it repeats the looks at this very picture in turn, not the last one alone: a thing that the
    detector sees in two frames of three stays one that is seen in two of three, and the vote goes on as if it looked.
    """

    limits: GateLimits = field(default_factory=GateLimits)
    _looks: list[Observation] = field(default_factory=list)
    _turn: int = 0
    _changed_s: float = float("-inf")
    _looked_s: float = float("-inf")
    _last_s: float = float("-inf")

    def must_look(self, at_s: float, changes: Sequence[float] | None) -> bool:
        """Whether the frame at `at_s` needs the detector.

        `changes` says per slot how much it differs from the picture that the detector looked at last, in grey levels;
        None where that is not known.
        """
        silent = at_s - self._last_s >= self.limits.silence_s - TOLERANCE_S
        self._last_s = at_s
        if silent or changes is None or max(changes, default=0.0) > self.limits.still_change:
            self._changed_s, self._looks, self._turn = at_s, [], 0
        limits = self.limits
        awake_s, heartbeat_s = (
            (limits.awake_s, limits.heartbeat_s)
            if any(look.detections for look in self._looks)
            else (limits.empty_awake_s, limits.empty_heartbeat_s)
        )
        return (
            not self._looks
            or at_s - self._changed_s < awake_s - TOLERANCE_S
            or at_s - self._looked_s >= heartbeat_s - TOLERANCE_S
        )

    def saw(self, observation: Observation) -> None:
        """The detector looked. A frame in which something still changed is not repeated."""
        self._looked_s = observation.at_s
        if observation.at_s > self._changed_s:
            self._looks = [*self._looks, observation][-REMEMBERED:]

    def repeat(self, at_s: float) -> Observation:
        """What the detector would see at `at_s`; only after `must_look` said no."""
        self._turn += 1
        return replace(self._looks[self._turn % len(self._looks)], at_s=at_s)
