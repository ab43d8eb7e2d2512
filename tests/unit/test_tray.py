"""Telling one tray from the next by how its things lie."""

from __future__ import annotations

import pytest

from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Point
from edge_agent.domain.tray import Placed, came_back, grown_from, median_shift_px, same_layout
from tests.builders import tray

WIDTH_PX = 300.0


def placed(detections: tuple[Detection, ...]) -> list[Placed]:
    return [Placed(d.class_name, d.box) for d in detections]


BEFORE = placed(tray("burger", "fries", "cola", "salad"))


def test_one_flickering_box_does_not_move_a_tray() -> None:
    still = [(Point(0, 0), Point(1, 0))] * 4
    assert median_shift_px([*still, (Point(0, 0), Point(90, 0))]) == 1


@pytest.mark.parametrize(
    ("after", "same", "back"),
    [
        (tray("burger", "fries", "cola", "salad"), True, True),
        (tray("burger", "fries", "cola", "salad", x=70, y=30), True, True),
        (tray("burger", "fries", "cola", "salad", "cake"), True, True),
        (tray("burger", "fries", "", "salad"), True, True),
        (tray("burger", "fries"), True, False),
        (tray("fries", "burger", "salad", "cola"), False, False),
        (tray("soup", "cake", "soup"), False, False),
        (tray("", "", "cola"), False, False),
        ((), False, False),
    ],
)
def test_a_tray_is_known_by_its_layout(after: tuple[Detection, ...], same: bool, back: bool) -> None:
    """Shifted as a whole it is the same tray, with its things elsewhere another. Coming back asks for more."""
    assert same_layout(BEFORE, placed(after), WIDTH_PX) is same
    assert came_back(BEFORE, placed(after), WIDTH_PX) is back


def test_a_single_thing_never_counts_as_come_back() -> None:
    """One burger lies like any other burger: the next guest's tray is the likelier story."""
    alone = placed(tray("burger"))
    assert not came_back(alone, alone, WIDTH_PX)


@pytest.mark.parametrize(
    ("after", "grown"),
    [
        (tray("burger", "fries", "cola", "salad"), True),
        (tray("burger", "fries", "cola", "salad", "cake"), True),
        (tray("burger", "fries", "cola", "", "cake"), False),
        (tray("burger", "fries", "cola", "salad", x=0.039 * WIDTH_PX), True),
        (tray("burger", "fries", "cola", "salad", x=0.041 * WIDTH_PX), False),
    ],
)
def test_a_tray_has_grown_if_all_that_lay_on_it_lies_within_four_per_cent_of_its_place(
    after: tuple[Detection, ...], grown: bool
) -> None:
    assert grown_from(BEFORE, placed(after), WIDTH_PX) is grown
