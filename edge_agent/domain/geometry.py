"""Boxes and polygons in pixels: x grows to the right, y downwards, (0, 0) is the upper left corner of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_agent.domain.said import say

SMALLEST_AREA_PX = 1.0
"""Corners on one line enclose a trace of area by rounding; less than one pixel is none."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the picture, in pixels."""

    x: float
    y: float

    def distance_to(self, other: Point) -> float:
        """Euclidean distance in pixels."""
        return math.hypot(self.x - other.x, self.y - other.y)


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels, `left < right` and `top < bottom`.

    Raises:
        ValueError: a side is not finite, or the box has no area.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        sides = (self.left, self.top, self.right, self.bottom)
        if not all(math.isfinite(side) for side in sides):
            raise ValueError(f"a box has a side that is no finite number: {sides}")
        if self.left >= self.right or self.top >= self.bottom:
            raise ValueError(f"a box has no area: {sides}")

    @property
    def width_px(self) -> float:
        return self.right - self.left

    @property
    def height_px(self) -> float:
        return self.bottom - self.top

    @property
    def area_px(self) -> float:
        """Area in square pixels."""
        return self.width_px * self.height_px

    @property
    def centre(self) -> Point:
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    def shared_px(self, other: Box) -> float:
        """Area of the intersection in square pixels; 0 where the boxes do not meet."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width * height if width > 0 and height > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Intersection over union, in [0, 1]."""
        shared = self.shared_px(other)
        return shared / (self.area_px + other.area_px - shared)

    def covered_by(self, other: Box) -> float:
        """The share of this box that the other one covers, in [0, 1]."""
        return self.shared_px(other) / self.area_px


@dataclass(frozen=True, slots=True)
class Polygon:
    """A simple polygon in pixels; its last corner joins its first.

    Raises:
        ValueError: fewer than three corners, a corner that is not finite, or no area.
    """

    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.corners) < 3:  # noqa: PLR2004 - a triangle
            raise ValueError(
                say(
                    "polygon_corners",
                    "a polygon needs at least three corners, this one has {corners}",
                    corners=len(self.corners),
                )
            )
        if not all(math.isfinite(c.x) and math.isfinite(c.y) for c in self.corners):
            raise ValueError(say("polygon_infinite", "a polygon has a corner that is no finite number"))
        if self.area_px < SMALLEST_AREA_PX:
            raise ValueError(say("polygon_flat", "a polygon has no area"))

    @classmethod
    def rectangle(cls, left: float, top: float, right: float, bottom: float) -> Polygon:
        """The polygon of an upright rectangle."""
        return cls((Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom)))

    @property
    def area_px(self) -> float:
        """Area in square pixels (the shoelace formula)."""
        following = (*self.corners[1:], self.corners[0])
        return abs(sum(a.x * b.y - b.x * a.y for a, b in zip(self.corners, following, strict=True))) / 2

    @property
    def bounds(self) -> Box:
        """The smallest box around the polygon."""
        xs = [c.x for c in self.corners]
        ys = [c.y for c in self.corners]
        return Box(min(xs), min(ys), max(xs), max(ys))

    @property
    def width_px(self) -> float:
        return self.bounds.width_px

    def contains(self, point: Point) -> bool:
        """Whether the point lies inside: a ray to the right crosses the outline an odd number of times."""
        inside = False
        following = (*self.corners[1:], self.corners[0])
        for a, b in zip(self.corners, following, strict=True):
            if (a.y > point.y) != (b.y > point.y):
                crossing_x = a.x + (point.y - a.y) * (b.x - a.x) / (b.y - a.y)
                if point.x < crossing_x:
                    inside = not inside
        return inside
