"""Slots as somebody draws them: polygons in shares of the picture, and what is wrong with a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

from edge_agent.domain.geometry import Point, Polygon

MOST_SLOTS = 6
FEWEST_CORNERS, MOST_CORNERS = 3, 12
SMALLEST = 0.01
"""A slot takes at least this share of the picture; a tray does."""

MOST_SHARED = 0.05
"""Of the smaller of two slots, at most this share may lie in the other: what lies there would lie on two trays."""

_GRID = 60
"""Shared areas are counted on so many points across and down, which is enough for a few per cent."""

Corners = tuple[tuple[float, float], ...]
"""Points as shares of the picture's width and height, (0, 0) upper left."""


@dataclass(frozen=True, slots=True)
class DrawnSlot:
    """One place for a tray."""

    slot_id: str
    corners: Corners


class DrawingFault(str, Enum):
    """What is wrong with a drawing."""

    NONE_DRAWN = "none_drawn"
    TOO_MANY = "too_many"
    CORNERS = "corners"
    OUTSIDE = "outside"
    TOO_SMALL = "too_small"
    CROSSED = "crossed"
    SHARED = "shared"


def drawing_fault(slots: Sequence[DrawnSlot]) -> tuple[DrawingFault, int] | None:
    """The first thing that is wrong, and with which slot (from 0); None where the drawing can be used."""
    if not slots:
        return DrawingFault.NONE_DRAWN, 0
    if len(slots) > MOST_SLOTS:
        return DrawingFault.TOO_MANY, MOST_SLOTS
    for number, slot in enumerate(slots):
        fault = _fault_of(slot.corners)
        if fault is not None:
            return fault, number
    for first, second in combinations(range(len(slots)), 2):
        if _shared(slots[first].corners, slots[second].corners) > MOST_SHARED:
            return DrawingFault.SHARED, second
    return None


def _fault_of(corners: Corners) -> DrawingFault | None:
    if not FEWEST_CORNERS <= len(corners) <= MOST_CORNERS:
        return DrawingFault.CORNERS
    if not all(0 <= share <= 1 for corner in corners for share in corner):
        return DrawingFault.OUTSIDE
    if _crosses_itself(corners):
        return DrawingFault.CROSSED
    following = (*corners[1:], corners[0])
    area = abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(corners, following, strict=True))) / 2
    return DrawingFault.TOO_SMALL if area < SMALLEST else None


def _crosses_itself(corners: Corners) -> bool:
    """Whether two sides that do not follow each other meet, other than in a corner."""
    sides = list(zip(corners, (*corners[1:], corners[0]), strict=True))
    return any(
        _cross(*sides[i], *sides[j]) for i, j in combinations(range(len(sides)), 2) if j - i not in (1, len(sides) - 1)
    )


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]) -> bool:
    def side(p: tuple[float, float], q: tuple[float, float], r: tuple[float, float]) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _shared(one: Corners, other: Corners) -> float:
    """The area that two slots have in common, as a share of the smaller one."""
    polygons = [Polygon(tuple(Point(x * _GRID, y * _GRID) for x, y in corners)) for corners in (one, other)]
    points = [Point(x + 0.5, y + 0.5) for x in range(_GRID) for y in range(_GRID)]
    inside = [{n for n, point in enumerate(points) if polygon.contains(point)} for polygon in polygons]
    smaller = min(len(each) for each in inside)
    return len(inside[0] & inside[1]) / smaller if smaller else 0.0
