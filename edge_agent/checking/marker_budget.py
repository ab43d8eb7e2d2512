"""Decide when a slot is searched for an order tag: reading one takes as long as a detector's look."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.domain.detection import Marker

TOLERANCE_S = 1e-6
"""Times are sums of floats."""


@dataclass(slots=True, kw_only=True)
class MarkerBudget:
    """The tags of one slot. For each frame ask `must_read`; if so, tell it `found`; `known` belongs to the observation.

    A tag that was read holds until the slot changes. After a change there are so many tries, so far apart.

    Attributes:
        tries: searches of a picture that does not change any more.
        every_s: the time between two searches.
        known: the tags that are in the slot now, as far as is known.
    """

    tries: int = 5
    every_s: float = 0.3
    known: tuple[Marker, ...] = ()
    _left: int = 0
    _tried_s: float = float("-inf")

    def must_read(self, at_s: float, *, changed: bool) -> bool:
        """Whether the slot is to be searched in the frame at `at_s`."""
        if changed:
            self.known, self._left = (), self.tries
        return not self.known and self._left > 0 and at_s - self._tried_s >= self.every_s - TOLERANCE_S

    def found(self, at_s: float, markers: tuple[Marker, ...]) -> None:
        """A search gave these; usually none."""
        self._tried_s, self._left, self.known = at_s, self._left - 1, markers
