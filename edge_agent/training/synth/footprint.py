"""Where things stand: convex polygons in centimetres, and how much of one lies on another."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_agent.training.synth.catalogue import ItemKind

Corners = tuple[tuple[float, float], ...]
CIRCLE_CORNERS = 14


@dataclass(frozen=True, slots=True)
class Footprint:
    """A convex polygon, its corners counter-clockwise, in centimetres."""

    corners: Corners

    @property
    def area_cm2(self) -> float:
        return area_of(self.corners)

    def shared_cm2(self, other: Footprint) -> float:
        """Area that lies in both."""
        if self._far_from(other):
            return 0.0
        return area_of(clip(self.corners, other.corners))

    def _far_from(self, other: Footprint) -> bool:
        """Whether even the upright boxes around them do not meet; most pairs end here."""
        return any(
            max(c[axis] for c in one.corners) <= min(c[axis] for c in two.corners)
            for axis in (0, 1)
            for one, two in ((self, other), (other, self))
        )

    def within(self, other: Footprint) -> float:
        """The share of this one that lies in the other, in [0, 1]."""
        return min(1.0, self.shared_cm2(other) / self.area_cm2)


def footprint(kind: ItemKind, x_cm: float, y_cm: float, turn_rad: float) -> Footprint:
    """What a thing of this kind covers when its middle is at (x, y) and it is turned counter-clockwise."""
    w, d = kind.width_cm / 2, kind.depth_cm / 2
    if kind.is_round:
        steps = (2 * math.pi * i / CIRCLE_CORNERS for i in range(CIRCLE_CORNERS))
        return Footprint(tuple((x_cm + w * math.cos(a), y_cm + w * math.sin(a)) for a in steps))
    c, s = math.cos(turn_rad), math.sin(turn_rad)
    local = ((-w, -d), (w, -d), (w, d), (-w, d))
    return Footprint(tuple((x_cm + c * x - s * y, y_cm + s * x + c * y) for x, y in local))


def rectangle(width_cm: float, depth_cm: float) -> Footprint:
    """An upright one around the origin."""
    w, d = width_cm / 2, depth_cm / 2
    return Footprint(((-w, -d), (w, -d), (w, d), (-w, d)))


def area_of(corners: Corners) -> float:
    """The shoelace formula; 0 for fewer than three corners."""
    pairs = zip(corners, (*corners[1:], *corners[:1]), strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2 if len(corners) > 2 else 0.0


def clip(corners: Corners, window: Corners) -> Corners:
    """What of a polygon lies in a convex window with counter-clockwise corners (Sutherland and Hodgman, 1974)."""
    kept = list(corners)
    for (ax, ay), (bx, by) in zip(window, (*window[1:], *window[:1]), strict=True):
        edge, kept = kept, []
        for (px, py), (qx, qy) in zip(edge, (*edge[1:], *edge[:1]), strict=True):
            p_side = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
            q_side = (bx - ax) * (qy - ay) - (by - ay) * (qx - ax)
            if p_side >= 0:
                kept.append((px, py))
            if p_side * q_side < 0:
                t = p_side / (p_side - q_side)
                kept.append((px + t * (qx - px), py + t * (qy - py)))
        if not kept:
            return ()
    return tuple(kept)
