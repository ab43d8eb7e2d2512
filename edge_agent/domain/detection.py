"""What the detector says about one picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edge_agent.domain.geometry import Box, Polygon


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing seen: its class, how sure the detector is (0 to 1), and where it lies.

    Raises:
        ValueError: the score is outside 0 to 1.
    """

    class_name: str
    score: float
    box: Box

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score must lie between 0 and 1, not {self.score}")


@dataclass(frozen=True, slots=True)
class Marker:
    """A machine-readable tag (QR code) on a tray or a ticket, and where it lies."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Observation:
    """All detections of one frame, at stream time `at_s` (seconds, monotonic)."""

    at_s: float
    detections: tuple[Detection, ...] = ()
    markers: tuple[Marker, ...] = ()

    def within(self, polygon: Polygon) -> Observation:
        """What of this observation lies in the polygon, judged by the centres of the boxes."""
        return Observation(
            self.at_s,
            tuple(d for d in self.detections if polygon.contains(d.box.centre)),
            tuple(m for m in self.markers if polygon.contains(m.box.centre)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the detector saw in one picture that is kept as evidence, in pixels of that picture.

    Attributes:
        width_px, height_px: the size of the picture.
        slot: the part of it that shows the tray; the rest is masked.
        seen: what lies in that part.
    """

    width_px: int
    height_px: int
    slot: Box
    seen: tuple[Detection, ...] = ()

    @property
    def unseen(self) -> Sighting:
        """The same without anything that was seen: for who must not know it."""
        return replace(self, seen=())

    @classmethod
    def within(cls, polygon: Polygon, detections: Iterable[Detection], *, width_px: int, height_px: int) -> Sighting:
        """What of these detections lies in a slot, judged by the centres of the boxes, of a picture of that size.

        Raises:
            ValueError: the slot lies outside the picture.
        """
        bounds = polygon.bounds
        slot = Box(
            max(0.0, bounds.left), max(0.0, bounds.top), min(width_px, bounds.right), min(height_px, bounds.bottom)
        )
        seen = tuple(each for each in detections if polygon.contains(each.box.centre))
        return cls(width_px=width_px, height_px=height_px, slot=slot, seen=seen)
