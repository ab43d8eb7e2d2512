"""The motion gate: the detector is spared only where its answer is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.marker_budget import MarkerBudget
from edge_agent.checking.motion_gate import REMEMBERED, MotionGate
from edge_agent.domain.detection import Marker
from tests.builders import box, observation, seen

STEP_S = 0.1
TAG = (Marker("A-101", box(30, 30)),)


def looks(changes: list[float], gate: MotionGate | None = None, *, empty: bool = False) -> list[int]:
    """The numbers of the frames, ten a second, that the detector looks at."""
    gate, looked = gate or MotionGate(), []
    for number, change in enumerate(changes):
        at_s = number * STEP_S
        if gate.must_look(at_s, (change,)):
            looked.append(number)
            gate.saw(observation(at_s, *([] if empty else [seen("plate")])))
        else:
            assert gate.repeat(at_s).at_s == at_s
    return looked


def test_while_something_moves_every_frame_is_looked_at() -> None:
    assert looks([50.0] * 30) == list(range(30))


def test_after_motion_ends_the_detector_goes_on_until_a_verdict_can_rest_on_its_looks() -> None:
    """Settling takes 0.5 s and the vote 1 to 2 s; both see what they would see without the gate."""
    looked = looks([50.0] + [0.0] * 60)
    assert looked[:12] == list(range(12))
    assert 12 not in looked


def test_a_lying_tray_is_looked_at_every_second_and_an_empty_counter_every_five() -> None:
    assert [n for n in looks([50.0] + [0.0] * 59) if n >= 12] == [21, 31, 41, 51]
    assert [n for n in looks([50.0] + [0.0] * 119, empty=True) if n >= 6] == [55, 105]


def test_at_the_limit_of_noise_a_slot_is_still() -> None:
    assert 25 not in looks([50.0] + [12.0] * 30)
    assert 25 in looks([50.0] + [12.1] * 30)


def test_an_unknown_change_or_a_silence_of_the_stream_is_looked_at() -> None:
    gate = MotionGate()
    looks([50.0] + [0.0] * 24, gate)
    assert not gate.must_look(2.5, (0.0,))
    assert gate.must_look(2.6, None)
    gate.saw(observation(2.6))
    assert gate.must_look(3.5, (0.0,))


def test_the_looks_at_a_still_picture_are_repeated_in_turn() -> None:
    """What is seen in two frames of three must not become certain, or vanish, because the detector is spared."""
    gate = MotionGate()
    gate.must_look(0.0, None)
    gate.saw(observation(0.0, seen("hand")))
    for number in range(1, 20):
        gate.must_look(number * STEP_S, (0.0,))
        gate.saw(observation(number * STEP_S, *([seen("fries")] if number % 3 else [])))
    repeated = [gate.repeat(2 + k) for k in range(REMEMBERED * 3)]
    shown = sum(bool(each.detections) for each in repeated)
    assert 0.6 <= shown / len(repeated) <= 0.75
    assert not any(d.class_name == "hand" for each in repeated for d in each.detections)


@given(st.lists(st.floats(0, 255), max_size=120))
def test_no_change_is_ever_missed(changes: list[float]) -> None:
    looked = set(looks(changes))
    assert {number for number, change in enumerate(changes) if change > 12.0} <= looked


def searches(changed: list[bool], budget: MarkerBudget, found_at: int = -1) -> list[int]:
    """The numbers of the frames, ten a second, that are searched; the tag is readable from `found_at` on."""
    searched = []
    for number, change in enumerate(changed):
        if budget.must_read(number * STEP_S, changed=change):
            searched.append(number)
            budget.found(number * STEP_S, TAG if 0 <= found_at <= number else ())
    return searched


def test_a_still_slot_is_searched_a_few_times_and_then_left_alone() -> None:
    assert searches([True] + [False] * 60, MarkerBudget()) == [0, 3, 6, 9, 12]


def test_while_something_moves_it_is_searched_only_so_often() -> None:
    assert len(searches([True] * 60, MarkerBudget())) == 20


def test_a_tag_that_was_read_holds_until_the_slot_changes() -> None:
    budget = MarkerBudget()
    assert searches([True] + [False] * 60, budget, found_at=4) == [0, 3, 6]
    assert budget.known == TAG
    assert budget.must_read(9.0, changed=True)
    assert not budget.known


def test_a_slot_that_never_changed_is_never_searched() -> None:
    assert searches([False] * 50, MarkerBudget()) == []
