"""The life of one tray in one slot, and the geometry by which it is told from the next one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from edge_agent.domain.geometry import Box, Point, Polygon

SAME_LAYOUT_SHARE = 0.5
"""Two pictures show the same tray if at least this share of their things keep their places relative to each other."""

LAYOUT_TOLERANCE = 0.12
"""How far a thing of a bumped tray may be off its place in the layout, as a share of the slot's width."""

FEWEST_TO_RETURN = 2
"""One thing alone has no layout: its place says nothing about which tray it lies on."""

RETURN_TOLERANCE = 0.04
"""The same when a tray that was gone comes back: stricter, since here the next tray is the likelier story."""


class SessionState(str, Enum):
    """Where a tray stands in its life. `MOVING` is a tray that was still before: it is being taken, or bumped."""

    ARRIVING = "arriving"
    SETTLED = "settled"
    MOVING = "moving"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place for one tray, as a polygon in pixels of the frame."""

    slot_id: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Placed:
    """A thing of some class at some place."""

    class_name: str
    box: Box

    @property
    def centre(self) -> Point:
        return self.box.centre


def median_shift_px(pairs: Sequence[tuple[Point, Point]]) -> float:
    """The median distance between where things were and where they are; the median forgives one flickering box."""
    return statistics.median(before.distance_to(after) for before, after in pairs)


def same_layout(
    before: Sequence[Placed], after: Sequence[Placed], slot_width_px: float, *, tolerance: float = LAYOUT_TOLERANCE
) -> bool:
    """Whether both show the same tray, shifted and scaled as a whole but with its things in their places.

    Every pair of one class serves once as the anchor that fixes shift and scale; the best anchor counts.
    """
    if not before or not after:
        return False
    best = max(
        (
            _agreeing(before, after, b, a, slot_width_px * tolerance)
            for b in before
            for a in after
            if b.class_name == a.class_name
        ),
        default=0,
    )
    return best >= SAME_LAYOUT_SHARE * max(len(before), len(after))


def came_back(before: Sequence[Placed], after: Sequence[Placed], slot_width_px: float) -> bool:
    """Whether the tray that came is the one that just left: all things of the smaller picture, two at least, agree."""
    smaller = min(len(before), len(after))
    if smaller < FEWEST_TO_RETURN:
        return False
    tolerance_px = slot_width_px * RETURN_TOLERANCE
    best = max(
        (_agreeing(before, after, b, a, tolerance_px) for b in before for a in after if b.class_name == a.class_name),
        default=0,
    )
    return best >= smaller and best >= max(len(before), len(after)) - 1


def grown_from(before: Sequence[Placed], after: Sequence[Placed], slot_width_px: float) -> bool:
    """Whether all that lay there still lies in its place, whatever has come to it."""
    free = list(after)
    for thing in before:
        stayed = [
            a
            for a in free
            if a.class_name == thing.class_name
            and a.centre.distance_to(thing.centre) <= slot_width_px * RETURN_TOLERANCE
        ]
        if not stayed:
            return False
        free.remove(stayed[0])
    return True


def _agreeing(
    before: Sequence[Placed], after: Sequence[Placed], anchor_before: Placed, anchor_after: Placed, tolerance_px: float
) -> int:
    """How many things keep their place, if the one anchor became the other."""
    scale = (anchor_after.box.area_px / anchor_before.box.area_px) ** 0.5
    free = list(after)
    agreeing = 0
    for thing in before:
        expected = Point(
            anchor_after.centre.x + scale * (thing.centre.x - anchor_before.centre.x),
            anchor_after.centre.y + scale * (thing.centre.y - anchor_before.centre.y),
        )
        fitting = [
            a for a in free if a.class_name == thing.class_name and a.centre.distance_to(expected) <= tolerance_px
        ]
        if fitting:
            free.remove(min(fitting, key=lambda a: a.centre.distance_to(expected)))
            agreeing += 1
    return agreeing
