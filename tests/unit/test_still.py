"""The still of a tray: its slot and nothing else, with a named box around what was seen."""

from __future__ import annotations

import cv2
import numpy as np

from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box, Point, Polygon
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import ClassThresholds, Thresholds
from edge_agent.evaluation.still import WIDEST_PX, slot_still
from edge_agent.ports import Picture

THRESHOLDS = Thresholds(default=ClassThresholds(present=0.5, possible=0.2))


def grey(width: int = 640, height: int = 480) -> Picture:
    return np.full((height, width, 3), 120, dtype=np.uint8)


def still(picture: Picture, slot: Slot, *seen: Detection) -> Picture:
    jpeg = slot_still(picture, slot, seen, thresholds=THRESHOLDS, name_of=str.upper)
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)


def at(left: float, top: float, right: float, bottom: float) -> Slot:
    return Slot(slot_id="a", polygon=Polygon.rectangle(left, top, right, bottom))


def thing(left: float, top: float, right: float, bottom: float, score: float = 0.9) -> Detection:
    return Detection("fries", score, Box(left, top, right, bottom))


def bright(picture: Picture) -> int:
    return int(np.count_nonzero(picture.min(axis=2) > 220))


def test_it_is_cut_to_the_slot() -> None:
    assert still(grey(), at(100, 50, 400, 350)).shape == (300, 300, 3)


def test_what_lies_beside_the_slot_is_black() -> None:
    corner = Slot(slot_id="a", polygon=Polygon((Point(0, 0), Point(400, 0), Point(0, 400))))
    shown = still(grey(), corner)
    assert shown[10, 10].min() > 100
    assert shown[390, 390].max() < 20


def test_a_large_picture_is_made_small_and_its_boxes_with_it() -> None:
    shown = still(grey(1920, 1080), at(0, 0, 1920, 1080), thing(960, 540, 1440, 900))
    assert shown.shape == (360, WIDEST_PX, 3)
    assert bright(shown[175:185, 330:470]) > 0
    assert bright(shown[:140]) == 0


def test_only_what_lies_in_the_slot_gets_a_box() -> None:
    slot = at(0, 0, 300, 300)
    assert bright(still(grey(), slot, thing(50, 50, 150, 150))) > 0
    assert bright(still(grey(), slot, thing(450, 50, 550, 150))) == 0


def test_what_is_too_faint_is_not_drawn() -> None:
    assert bright(still(grey(), at(0, 0, 300, 300), thing(50, 50, 150, 150, score=0.1))) == 0


def test_what_no_item_of_the_menu_looks_like_gets_no_box() -> None:
    """It counts for nothing, and a word of the model tells a cook nothing."""
    jpeg = slot_still(
        grey(), at(0, 0, 300, 300), [thing(50, 50, 150, 150)], thresholds=THRESHOLDS, name_of=lambda _: ""
    )
    shown = np.asarray(cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)
    assert bright(shown) == 0
