"""Boxes and polygons at their boundaries."""

from __future__ import annotations

import math

import pytest

from edge_agent.domain.detection import Detection, Marker
from edge_agent.domain.geometry import Box, Point, Polygon
from tests.builders import box, observation, seen


@pytest.mark.parametrize("sides", [(0, 0, 0, 1), (0, 0, 1, 0), (2, 0, 1, 1), (0, 0, math.nan, 1), (0, 0, math.inf, 1)])
def test_a_box_without_area_is_refused(sides: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="box"):
        Box(*sides)


@pytest.mark.parametrize("score", [-0.01, 1.01, math.nan])
def test_a_score_outside_zero_to_one_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="score"):
        Detection("fries", score, box(0, 0))


@pytest.mark.parametrize(
    ("other", "iou", "covered"),
    [
        (Box(0, 0, 10, 10), 1.0, 1.0),
        (Box(10, 0, 20, 10), 0.0, 0.0),
        (Box(5, 0, 15, 10), 1 / 3, 0.5),
        (Box(-10, -10, 20, 20), 1 / 9, 1.0),
        (Box(4, 4, 6, 6), 0.04, 0.04),
    ],
)
def test_overlap(other: Box, iou: float, covered: float) -> None:
    assert Box(0, 0, 10, 10).iou(other) == pytest.approx(iou)
    assert Box(0, 0, 10, 10).covered_by(other) == pytest.approx(covered)


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (1, 1)],
        [(0, 0), (5, 5), (10, 10)],
        [(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)],
        [(0, 0.1), (1, 0.1), (2, 0.1)],
        [(3, 3)] * 4,
        [(0, 0), (0.5, 0), (0.5, 0.5)],
        [(0, 0), (10, 0), (10, math.nan)],
    ],
)
def test_a_polygon_without_area_is_refused(corners: list[tuple[float, float]]) -> None:
    """A slot of no area would never see a tray, and nobody would know why."""
    with pytest.raises(ValueError, match="polygon"):
        Polygon(tuple(Point(x, y) for x, y in corners))


L_SHAPE = Polygon(tuple(Point(x, y) for x, y in [(0, 0), (20, 0), (20, 10), (10, 10), (10, 20), (0, 20)]))


@pytest.mark.parametrize(
    ("x", "y", "inside"), [(5, 5, True), (15, 5, True), (5, 15, True), (15, 15, False), (-1, 5, False), (5, 10, True)]
)
def test_inside_a_polygon_with_a_notch(x: float, y: float, inside: bool) -> None:
    assert L_SHAPE.contains(Point(x, y)) is inside


@pytest.mark.parametrize("x", [0.0, 5.0, 10.0, 15.0, 19.9])
def test_a_thing_on_the_border_of_two_slots_lies_in_exactly_one(x: float) -> None:
    """Counted in both or in neither, it would make one tray wrong."""
    slots = [Polygon.rectangle(0, 0, 10, 10), Polygon.rectangle(10, 0, 20, 10)]
    assert sum(slot.contains(Point(x, 5)) for slot in slots) == 1


def test_an_observation_within_a_slot_keeps_what_has_its_centre_there() -> None:
    """A thing across two slots belongs to the one with its middle."""
    frame = observation(
        1.0, seen("in", 90), seen("out", 110), markers=[Marker("A", box(50, 50)), Marker("B", box(150, 50))]
    )
    inside = frame.within(Polygon.rectangle(0, 0, 100, 200))
    assert [d.class_name for d in inside.detections] == ["in"]
    assert [m.text for m in inside.markers] == ["A"]
