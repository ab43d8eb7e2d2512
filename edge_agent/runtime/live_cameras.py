"""The cameras of the running agent, as who sets them up sees them: how they do, and their whole picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from edge_agent.checking.camera_advice import advise
from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.errors import Unknown
from edge_agent.ports import CameraLook, Clock, Picture, StationPicture, StationStatus
from edge_agent.runtime.capture import CameraCapture
from edge_agent.runtime.checker_thread import NewestPicture
from edge_agent.runtime.live_stations import SHOWN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """What is known of a station's camera from the configuration.

    Attributes:
        source: what people may see of its address; empty where there is none.
        limits: when it is called what.
    """

    source: str = ""
    limits: CameraLimits = field(default_factory=CameraLimits)


class ShownNow(Protocol):
    """What the checker's thread shows; replaced as a whole, and read from any thread."""

    @property
    def statuses(self) -> tuple[StationStatus, ...]:
        """How the stations are."""
        ...

    @property
    def newest(self) -> Mapping[str, NewestPicture]:
        """The newest frame of each station that has had one."""
        ...


class LiveCameras:
    """A `Cameras` over the checker's thread.

    Args:
        checker: has the newest pictures.
        facts: of every station, in the order of the configuration.
        captures: what reads the cameras; may be filled later.
        encode: makes a JPEG of a whole picture.
        clock: tells how old a picture is.
    """

    def __init__(
        self,
        checker: ShownNow,
        *,
        facts: Mapping[str, CameraFacts],
        captures: Mapping[str, CameraCapture],
        encode: Callable[[Picture], bytes],
        clock: Clock,
    ) -> None:
        self._checker = checker
        self._facts = facts
        self._captures = captures
        self._encode = encode
        self._clock = clock

    def looks(self) -> tuple[CameraLook, ...]:
        status = {each.station_id: each.camera for each in self._checker.statuses}
        return tuple(self._look(name, facts, status.get(name, "offline")) for name, facts in self._facts.items())

    def picture(self, station_id: str) -> StationPicture | None:
        newest = self.newest(station_id)
        if newest is None:
            return None
        age_s = max(0.0, self._clock.monotonic_s() - newest.frame.at_s)
        return StationPicture(jpeg=self._encode(newest.frame.picture), age_s=age_s)

    def newest(self, station_id: str) -> NewestPicture | None:
        """The newest picture, unless it is too old to be taken for now. Raises Unknown."""
        if station_id not in self._facts:
            raise Unknown(f"there is no station {station_id[:80]!r}")
        newest = self._checker.newest.get(station_id)
        if newest is None or self._clock.monotonic_s() - newest.frame.at_s > SHOWN_S:
            return None
        return newest

    def _look(self, name: str, facts: CameraFacts, status: str) -> CameraLook:
        capture = self._captures.get(name)
        problem = None if capture is None else capture.report().problem
        newest = self.newest(name)
        if newest is None:
            return CameraLook(station_id=name, source=facts.source, status=status, problem=problem or "")
        height_px, width_px = newest.frame.picture.shape[:2]
        figures = newest.figures
        return CameraLook(
            station_id=name,
            source=facts.source,
            status=status,
            problem=problem or "",
            width_px=width_px,
            height_px=height_px,
            advice=None if figures is None else advise(figures, facts.limits),
            similarity=None if figures is None else figures.similarity,
        )
