"""The stations of the running agent, as others see them."""

from __future__ import annotations

from collections.abc import Collection

from edge_agent.errors import Unknown
from edge_agent.ports import Clock, StationPicture, StationStatus
from edge_agent.runtime.checker_thread import CheckerThread, Encode

SHOWN_S = 2.0
"""An older picture is not shown: somebody would take it for now."""


class LiveStations:
    """A `Stations` over the checker's thread."""

    def __init__(self, checker: CheckerThread, *, known: Collection[str], encode: Encode, clock: Clock) -> None:
        self._checker = checker
        self._known = frozenset(known)
        self._encode = encode
        self._clock = clock

    def statuses(self) -> tuple[StationStatus, ...]:
        return self._checker.statuses

    def picture(self, station_id: str) -> StationPicture | None:
        if station_id not in self._known:
            raise Unknown(f"there is no station {station_id[:80]!r}")
        newest = self._checker.newest.get(station_id)
        if newest is None:
            return None
        age_s = max(0.0, self._clock.monotonic_s() - newest.frame.at_s)
        if age_s > SHOWN_S:
            return None
        return StationPicture(jpeg=self._encode(newest.frame.picture, newest.slots), age_s=age_s)
