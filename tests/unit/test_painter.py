"""The painter draws what was seen and thought, blackens what is nobody's business, and changes no given picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Detection, Observation
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.geometry import Box, Point, Polygon
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import OrderKey
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import ClassThresholds, Thresholds
from edge_agent.evaluation.painter import banner_px, class_colour, outside_blacked, paint, paint_boxes, paint_slot
from edge_agent.evaluation.slot_board import SlotState, Stage
from edge_agent.ports import Picture

WIDTH, HEIGHT = 320, 240
BANNER = banner_px(WIDTH)


def grey(value: int = 120) -> Picture:
    return np.full((HEIGHT, WIDTH, 3), value, dtype=np.uint8)


def slot(left: float = 0, top: float = 0, right: float = WIDTH, bottom: float = HEIGHT, *, slot_id: str = "a") -> Slot:
    return Slot(slot_id=slot_id, polygon=Polygon.rectangle(left, top, right, bottom))


def judged(
    kind: VerdictKind,
    at: Slot | None = None,
    *,
    number: str = "42",
    name: str = "Fries",
    how: Association = Association.ONLY,
) -> SlotState:
    result = {VerdictKind.MATCH: LineResult.OK, VerdictKind.MISMATCH: LineResult.MISSING}.get(kind, LineResult.UNSURE)
    line = CheckedLine(skus=("fries",), name=name, expected=1, seen=0, result=result, off_by=1)
    reached = VerdictReached(
        at_s=1.0,
        slot_id="a",
        session_id="a-1",
        still_since_s=0.5,
        orders=(OrderKey("till", "", "42"),),
        association=how,
        verdict=Verdict(kind=kind, lines=(line,)),
        contents=Contents.of({"fries": 1}),
    )
    return SlotState(slot=at or slot(), stage=Stage.JUDGED, session_id="a-1", reached=reached, numbers=(number,))


def fries(score: float, *, left: float = 100, top: float = 100) -> Detection:
    return Detection("fries", score, Box(left, top, left + 60, top + 50))


def changed(before: Picture, after: Picture) -> int:
    """How many pixels differ."""
    return int(np.any(before != after, axis=2).sum())


def test_the_picture_grows_by_the_banner_and_the_given_one_stays_as_it_was() -> None:
    picture = grey()
    drawn = paint(picture, Observation(1.0, (fries(0.9),)), [judged(VerdictKind.MATCH)])
    assert drawn.shape == (HEIGHT + BANNER, WIDTH, 3)
    assert drawn.dtype == np.uint8
    assert np.array_equal(picture, grey())


def test_the_same_input_gives_the_same_picture() -> None:
    first, second = (paint(grey(), Observation(1.0, (fries(0.9),)), [judged(VerdictKind.MATCH)]) for _ in range(2))
    assert np.array_equal(first, second)


def test_verdicts_differ_without_any_colour() -> None:
    """One man in twelve does not tell the red from the green: shape and word must."""
    banners = [
        cv2.threshold(
            cv2.cvtColor(paint(grey(), Observation(1.0), [judged(kind)])[:BANNER], cv2.COLOR_BGR2GRAY), 60, 255, 0
        )[1]
        for kind in VerdictKind
    ]
    for i, one in enumerate(banners):
        for other in banners[i + 1 :]:
            signs = one[:, :48] != other[:, :48]
            words = one[:, 48:] != other[:, 48:]
            assert signs.sum() > 50
            assert words.sum() > 50


@pytest.mark.parametrize(
    ("score", "outline"),
    [
        pytest.param(0.9, "solid", id="counts"),
        pytest.param(0.5, "solid", id="just counts"),
        pytest.param(0.49, "dashed", id="just too faint"),
        pytest.param(0.25, "dashed", id="just possible"),
        pytest.param(0.24, "none", id="not possible"),
    ],
)
def test_a_box_says_by_its_outline_whether_it_counts(score: float, outline: str) -> None:
    drawn = paint_boxes(grey(), [fries(score)], Thresholds(ClassThresholds(0.5, 0.25)))
    left_edge = drawn[120:145, 100]
    coloured = int(np.all(left_edge == class_colour("fries"), axis=1).sum())
    assert (coloured == 25, 0 < coloured < 25, coloured == 0) == (
        outline == "solid",
        outline == "dashed",
        outline == "none",
    )


def test_names_of_things_that_lie_together_do_not_cover_each_other() -> None:
    one = paint_boxes(grey(), [fries(0.9)])
    two = paint_boxes(grey(), [fries(0.9), Detection("cola", 0.8, Box(102, 101, 162, 151))])
    tag = np.s_[84:98, 102:150]
    assert np.array_equal(one[tag], two[tag])


def test_names_stay_in_the_picture() -> None:
    drawn = paint_boxes(grey(), [Detection("a long class name", 0.9, Box(WIDTH - 20, 0, WIDTH - 1, 15))])
    assert changed(grey(), drawn[:, :, :]) > 500


def test_what_lies_outside_the_slots_is_black() -> None:
    """A face at the edge of the picture is nobody's business."""
    left, right = slot(20, 20, 120, 200, slot_id="a"), slot(180, 20, 300, 200, slot_id="b")
    hidden = outside_blacked(grey(), [left, right])
    assert not hidden[:, :19].any()
    assert not hidden[:, 125:178].any()
    assert not hidden[202:].any()
    assert hidden[100, 60].tolist() == [120, 120, 120]
    assert hidden[100, 240].tolist() == [120, 120, 120]


def test_a_slot_with_slanted_sides_hides_its_corners() -> None:
    diamond = Slot(slot_id="d", polygon=Polygon((Point(160, 20), Point(300, 120), Point(160, 220), Point(20, 120))))
    drawn = paint_slot(grey(), Observation(1.0), judged(VerdictKind.MATCH, diamond))
    assert drawn.shape == (200 + banner_px(280), 280, 3)
    below = drawn[banner_px(280) :]
    assert not below[:20, :20].any()
    assert below[100, 140].tolist() == [120, 120, 120]


def test_a_box_outside_the_slots_is_not_drawn() -> None:
    states = [judged(VerdictKind.MATCH, slot(0, 0, 160, HEIGHT))]
    without = paint(grey(), Observation(1.0), states)
    with_one = paint(grey(), Observation(1.0, (fries(0.9, left=200),)), states)
    assert np.array_equal(without, with_one)


@pytest.mark.parametrize("number", ["42", "x" * 64, "Nº 42 日本", "\x00\x1b[31m", ""])
@pytest.mark.parametrize("name", ["Fries", "Ä" * 200])
def test_any_text_can_be_drawn(number: str, name: str) -> None:
    drawn = paint(grey(), Observation(1.0), [judged(VerdictKind.MISMATCH, number=number, name=name)])
    assert drawn.shape == (HEIGHT + BANNER, WIDTH, 3)


@pytest.mark.parametrize("count", [1, 2, 6])
def test_every_slot_has_its_part_of_the_banner(count: int) -> None:
    width = WIDTH // count
    slots = [slot(k * width, 0, (k + 1) * width, HEIGHT, slot_id=f"s{k}") for k in range(count)]
    empty = paint(grey(), Observation(1.0), [SlotState(slot=s) for s in slots])[:BANNER]
    last_judged = [*(SlotState(slot=s) for s in slots[:-1]), judged(VerdictKind.MISMATCH, slots[-1])]
    banner = paint(grey(), Observation(1.0), last_judged)[:BANNER]
    assert np.array_equal(empty[:, : (count - 1) * width], banner[:, : (count - 1) * width])
    assert changed(empty, banner) > 50


def test_a_tray_that_nobody_waits_for_is_not_shown_as_amber() -> None:
    unsure = paint(grey(), Observation(1.0), [judged(VerdictKind.UNSURE)])
    nobodys = paint(grey(), Observation(1.0), [judged(VerdictKind.UNSURE, how=Association.NO_ORDER)])
    assert changed(unsure[:BANNER], nobodys[:BANNER]) > 200


def test_a_class_keeps_its_colour() -> None:
    assert class_colour("fries") == class_colour("fries")
    assert len({class_colour(name) for name in ("plate", "starter", "bread", "drink", "yogurt", "fruit")}) == 6


def test_a_slot_in_which_a_thing_is_seen_is_not_called_empty() -> None:
    """A tray that comes soon after another is announced late, as it may be that one come back; yet it is there."""
    empty = SlotState(slot=slot())
    without = paint(grey(), Observation(1.0), [empty])
    with_fries = paint(grey(), Observation(1.0, (fries(0.9),)), [empty])
    barely = paint(grey(), Observation(1.0, (fries(0.3),)), [empty])
    assert changed(without[:BANNER], with_fries[:BANNER]) > 200
    assert changed(without[:BANNER], barely[:BANNER]) == 0
