"""Tell when a frame was taken, from when it arrived and from the source's own time."""

from __future__ import annotations

from dataclasses import dataclass

CREEP = 0.001
"""A camera's clock may run slower than ours by so much; crystals are wrong by a tenth of that."""


@dataclass(slots=True)
class SourceClock:
    """Translates the times of one stream.

    The frame that arrived soonest after its source time defines how the two clocks lie; a frame that arrives later
    than that waited on its way, in a socket or a decoder, and is so much older. A source time that jumps back is a new
    stream. Make a new one for every connection.

    Attributes:
        delay_s: what even the soonest frame is known to be late (exposure, encoding, network).
    """

    delay_s: float = 0.0
    _offset_s: float | None = None
    _source_s: float = 0.0
    _at_s: float = float("-inf")

    def at_s(self, arrived_s: float, source_s: float | None) -> float:
        """When the frame was taken, on the clock of `arrived_s`; never in the future, never running backwards."""
        lag_s = 0.0 if source_s is None else self._lag_s(arrived_s, source_s)
        self._at_s = min(max(self._at_s, arrived_s - lag_s - self.delay_s), arrived_s)
        return self._at_s

    def _lag_s(self, arrived_s: float, source_s: float) -> float:
        offset_s = arrived_s - source_s
        if self._offset_s is None or source_s < self._source_s:
            self._offset_s = offset_s
        else:
            creep_s = CREEP * (source_s - self._source_s)
            self._offset_s = min(offset_s, self._offset_s + creep_s)
        self._source_s = source_s
        return offset_s - self._offset_s
