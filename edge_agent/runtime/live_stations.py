"""The stations of the running agent, as others see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from edge_agent.domain.detection import Detection
from edge_agent.domain.matching import CheckedLine
from edge_agent.domain.tray import Slot
from edge_agent.errors import Unknown
from edge_agent.ports import Clock, Picture, StationPicture, StationStatus
from edge_agent.runtime.checker_thread import CheckerThread, Encode, NewestPicture

Still = Callable[[Picture, Slot, Sequence[Detection], Sequence[CheckedLine]], bytes]
"""Draws one slot of a picture; the lines are those of the verdict on the tray in it."""

SHOWN_S = 2.0
"""An older picture is not shown: somebody would take it for now."""


class LiveStations:
    """A `Stations` over the checker's thread."""

    def __init__(
        self, checker: CheckerThread, *, known: Collection[str], encode: Encode, still: Still, clock: Clock
    ) -> None:
        self._checker = checker
        self._known = frozenset(known)
        self._encode = encode
        self._still = still
        self._clock = clock

    def statuses(self) -> tuple[StationStatus, ...]:
        return self._checker.statuses

    def picture(self, station_id: str) -> StationPicture | None:
        newest, age_s = self._newest(station_id)
        if newest is None:
            return None
        return StationPicture(jpeg=self._encode(newest.frame.picture, newest.slots), age_s=age_s)

    def still(self, station_id: str, slot_id: str) -> StationPicture | None:
        newest, age_s = self._newest(station_id)
        if newest is None:
            return None
        slot = next((each for each in newest.slots if each.slot_id == slot_id), None)
        if slot is None:
            raise Unknown(f"there is no slot {slot_id[:80]!r} at the station {station_id[:80]!r}")
        lines = self._lines(station_id, slot_id)
        return StationPicture(jpeg=self._still(newest.frame.picture, slot, newest.seen, lines), age_s=age_s)

    def _lines(self, station_id: str, slot_id: str) -> Sequence[CheckedLine]:
        """What was said of the tray in a slot, line by line."""
        slots = (slot for each in self._checker.statuses if each.station_id == station_id for slot in each.slots)
        reached = next((slot.reached for slot in slots if slot.slot_id == slot_id), None)
        return () if reached is None else reached.verdict.lines

    def _newest(self, station_id: str) -> tuple[NewestPicture | None, float]:
        """The newest picture that may be shown, and its age."""
        if station_id not in self._known:
            raise Unknown(f"there is no station {station_id[:80]!r}")
        newest = self._checker.newest.get(station_id)
        if newest is None:
            return None, 0.0
        age_s = max(0.0, self._clock.monotonic_s() - newest.frame.at_s)
        return (None if age_s > SHOWN_S else newest), age_s
