"""Fusing frames into contents."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.domain.contents import ClassCount, Contents, Doubt, added
from edge_agent.domain.detection import Detection
from edge_agent.domain.voting import Ballot, ClassThresholds, Thresholds, ballot, fuse, things_in
from tests.builders import contents, seen

LIMITS = Thresholds()


def frame(at_s: float, *detections: Detection, covered: tuple[Detection, ...] = (), clear: bool = True) -> Ballot:
    return ballot(at_s, things_in(detections), covered, clear=clear)


def bounds(saw: Contents, name: str) -> tuple[int, int]:
    count = saw.of_class(name)
    return count.surely, count.possibly


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.5, (1, 1)), (0.499, (0, 1)), (0.25, (0, 1)), (0.249, (0, 0)), (1.0, (1, 1))],
)
def test_the_two_thresholds(score: float, expected: tuple[int, int]) -> None:
    assert bounds(fuse([frame(0, seen("fries", score=score))], LIMITS), "fries") == expected


def test_a_class_may_have_thresholds_of_its_own() -> None:
    limits = Thresholds(by_class={"fries": ClassThresholds(0.9, 0.8)})
    saw = fuse([frame(0, seen("fries", score=0.85), seen("cola", 200, score=0.85))], limits)
    assert (bounds(saw, "fries"), bounds(saw, "cola")) == ((0, 1), (1, 1))


@pytest.mark.parametrize(("present", "possible"), [(0.5, 0.6), (0.5, 0.0), (1.0, 0.5), (float("nan"), 0.2)])
def test_thresholds_that_do_not_rise_are_refused(present: float, possible: float) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        ClassThresholds(present, possible)


def test_the_latest_reason_for_a_doubt_is_told() -> None:
    """What lay over it before is gone."""
    alike = (seen("fries", score=0.7), seen("nuggets", score=0.6))
    covered = frame(0, covered=(seen("fries", score=0.6),))
    assert fuse([covered, frame(0.1, *alike)], LIMITS).of_class("fries").doubt is Doubt.LOOK_ALIKE
    assert fuse([frame(0, *alike), covered], LIMITS).of_class("fries").doubt is Doubt.COVERED


def test_no_frames_and_empty_frames_are_unclear_and_not_empty() -> None:
    """A scar: a picture with nothing on it is not a tray from which everything is missing."""
    assert fuse([], LIMITS).unclear is Doubt.TOO_FEW_FRAMES
    assert fuse([frame(0), frame(0.1)], LIMITS).unclear is Doubt.NOTHING_SEEN
    assert fuse([frame(0, seen("fries", score=0.1))], LIMITS).unclear is Doubt.NOTHING_SEEN
    assert fuse([frame(0, seen("fries"))], LIMITS).unclear is None


def test_a_piece_that_flickers_in_half_of_the_frames_is_a_doubt() -> None:
    """The rank mean of 0.9 and nothing is 0.45: neither there nor missing."""
    ballots = [frame(n / 10, *([seen("fries")] if n % 2 else [])) for n in range(10)]
    saw = fuse(ballots, LIMITS)
    assert bounds(saw, "fries") == (0, 1)
    assert saw.of_class("fries").doubt is Doubt.FAINT


def test_one_false_frame_adds_no_piece() -> None:
    ballots = [frame(n / 10, seen("fries"), *([seen("fries", 200)] if n == 5 else [])) for n in range(10)]
    assert bounds(fuse(ballots, LIMITS), "fries") == (1, 1)


def test_old_frames_weigh_less() -> None:
    """The tray was put right: after two half-lives the new truth has won."""
    ballots = [frame(n / 10, *([] if n < 20 else [seen("fries")])) for n in range(40)]
    assert bounds(fuse(ballots, LIMITS, half_life_s=1.0), "fries") == (1, 1)
    assert bounds(fuse(ballots, LIMITS), "fries") == (0, 1)


def test_two_of_a_kind_side_by_side_are_two() -> None:
    """A scar: an extra item that resembles an ordered one was dropped as a duplicate."""
    assert bounds(fuse([frame(0, seen("fries", 100), seen("fries", 115))], LIMITS), "fries") == (2, 2)


@pytest.mark.parametrize(("second", "first_bounds", "second_bounds"), [(0.46, (0, 1), (0, 1)), (0.44, (1, 1), (0, 0))])
def test_two_names_on_one_spot_are_one_thing(
    second: float, first_bounds: tuple[int, int], second_bounds: tuple[int, int]
) -> None:
    """Nearly as likely: a doubt about which. Clearly less: no doubt, and no second thing."""
    saw = fuse([frame(0, seen("cola", score=0.9), seen("water", 102, score=second))], LIMITS)
    assert (bounds(saw, "cola"), bounds(saw, "water")) == (first_bounds, second_bounds)
    if first_bounds == (0, 1):
        assert saw.of_class("water").doubt is Doubt.LOOK_ALIKE


def test_what_something_lies_on_is_possible_and_no_longer_sure() -> None:
    saw = fuse([frame(n / 10, covered=(seen("fries"),)) for n in range(5)], LIMITS)
    assert bounds(saw, "fries") == (0, 1)
    assert saw.of_class("fries").doubt is Doubt.COVERED


def test_a_view_that_was_never_clear_is_unclear_and_one_clear_frame_ends_that() -> None:
    """Missing needs a clear view."""
    hands = [frame(n / 10, seen("fries"), clear=False) for n in range(5)]
    assert fuse(hands, LIMITS).unclear is Doubt.COVERED
    assert fuse([*hands, frame(0.5, seen("fries"))], LIMITS).unclear is None


@pytest.mark.parametrize(("surely", "likely", "possibly"), [(-1, 0, 0), (2, 1, 3), (1, 3, 2)])
def test_bounds_out_of_order_are_refused(surely: int, likely: int, possibly: int) -> None:
    with pytest.raises(ValueError, match="out of order"):
        ClassCount(class_name="a", surely=surely, likely=likely, possibly=possibly)


def test_trays_add_up_with_their_doubts() -> None:
    """One unclear tray makes the whole order unclear."""
    total = added([contents(a=1, b=(0, 1)), contents(Doubt.COVERED, a=(1, 2))])
    assert (bounds(total, "a"), bounds(total, "b"), total.unclear) == ((2, 3), (0, 1), Doubt.COVERED)
    assert added([]) == Contents()


detections = st.builds(
    seen, st.sampled_from("abc"), st.integers(0, 300), st.integers(0, 300), st.floats(0, 1), st.integers(10, 80)
)


@settings(max_examples=60)
@given(st.lists(st.lists(detections, max_size=6), min_size=1, max_size=5), st.sampled_from([None, 0.5, 1.0]))
def test_contents_always_make_sense(frames: list[list[Detection]], half_life_s: float | None) -> None:
    """Whatever the detector says: bounds in order, a confidence between 0 and 1, no more pieces than a frame had."""
    saw = fuse([frame(n / 10, *each) for n, each in enumerate(frames)], LIMITS, half_life_s=half_life_s)
    for count in saw.counts:
        assert 0.0 <= count.confidence <= 1.0
        assert 0 < count.possibly <= max(sum(d.class_name == count.class_name for d in each) for each in frames)
        assert (count.doubt is None) == (count.surely == count.possibly)
    assert (saw.unclear is None) == bool(saw.counts)


@settings(max_examples=60)
@given(st.lists(detections, max_size=8))
def test_every_detection_is_part_of_exactly_one_thing(each: list[Detection]) -> None:
    things = things_in(each)
    assert sorted(map(repr, (d for thing in things for d in thing.names))) == sorted(map(repr, each))
    assert all(len({d.class_name for d in thing.names}) == len(thing.names) for thing in things)
