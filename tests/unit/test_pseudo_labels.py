"""Boxes from orders: which boxes a known count selects, and when a photograph is believed."""

from __future__ import annotations

import pytest

from edge_agent.domain.detection import Detection
from edge_agent.training.pseudo_labels import Acceptance, believed, boxes_by_count
from tests.builders import seen

ACCEPT = Acceptance()


def taken(things: list[Detection], **counts: int) -> list[tuple[str, float]] | None:
    """Class and score of the boxes that are taken, or None where the photograph is not believed."""
    boxes = boxes_by_count(things, counts, ACCEPT)
    return None if boxes is None else sorted((box.class_name, box.score) for box in boxes)


def test_as_many_boxes_are_taken_as_the_order_says() -> None:
    things = [seen("fruit", 50, score=0.8), seen("fruit", 150, score=0.6), seen("plate", 300, score=0.9)]
    assert taken(things, fruit=2, plate=1) == [("fruit", 0.6), ("fruit", 0.8), ("plate", 0.9)]


def test_a_photograph_that_shows_too_few_is_not_believed() -> None:
    assert taken([seen("plate", 300)], plate=1, fruit=1) is None


@pytest.mark.parametrize(("score", "believable"), [(ACCEPT.worst, True), (ACCEPT.worst - 0.01, False)])
def test_the_weakest_box_must_be_good_enough(score: float, believable: bool) -> None:
    assert (taken([seen("fruit", 50, score=score)], fruit=1) is not None) is believable


@pytest.mark.parametrize(("next_score", "believable"), [(0.3, True), (0.6, False)])
def test_the_next_box_must_be_clearly_worse(next_score: float, believable: bool) -> None:
    """Two fruits that look equally likely, and an order of one: nobody can say which is the fruit."""
    things = [seen("fruit", 50, score=0.8), seen("fruit", 150, score=next_score)]
    assert (taken(things, fruit=1) is not None) is believable


def test_a_sure_thing_that_no_order_explains_spoils_the_photograph() -> None:
    """Trained on, it would teach that what lies there is background."""
    assert taken([seen("plate", 300), seen("yogurt", 50, score=0.7)], plate=1) is None


def test_the_order_settles_what_a_thing_is_called() -> None:
    """The detector hesitates between two names for one bowl; the till sold a dessert and no starter."""
    bowl = [seen("starter", 50, score=0.7), seen("dessert", 50, score=0.4)]
    assert taken([*bowl, seen("plate", 300)], dessert=1, plate=1, starter=0) == [("dessert", 0.4), ("plate", 0.9)]


def test_one_thing_is_not_given_two_names() -> None:
    """An order of both needs two things; a bowl that could be either is still one."""
    assert taken([seen("starter", 50, score=0.7), seen("dessert", 50, score=0.6)], dessert=1, starter=1) is None


def test_doubled_boxes_of_one_thing_count_once() -> None:
    things = [seen("fruit", 50, score=0.8), seen("fruit", 52, score=0.7)]
    assert taken(things, fruit=1) == [("fruit", 0.8)]
    assert taken(things, fruit=2) is None


def test_a_tray_is_believed_only_if_its_photographs_agree() -> None:
    """One lucky photograph of four is no evidence."""
    good, bad = [seen("plate", 300)], [seen("plate", 300), seen("yogurt", 50)]
    assert [b is not None for b in believed([good, bad, good], {"plate": 1}, ACCEPT)] == [True, False, True]
    assert believed([good, bad, bad], {"plate": 1}, ACCEPT) == (None, None, None)
    assert believed([good], {"plate": 1}, ACCEPT)[0] is not None, "a tray with one photograph has no others to ask"


def test_an_empty_tray_teaches_background() -> None:
    assert taken([], plate=0) == []
