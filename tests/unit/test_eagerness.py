"""One number between fewer alarms and more catches: how it moves thresholds, and what that does to a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.eagerness import FEWEST, MOST, shifted
from edge_agent.domain.matching import VerdictKind, compare
from edge_agent.domain.menu import wanted
from edge_agent.domain.voting import ClassThresholds, Thresholds, ballot, fuse, things_in
from tests.builders import menu, order, seen

STEPS = st.integers(FEWEST, MOST)
LIMITS = st.tuples(st.floats(0.01, 0.95), st.floats(0.01, 0.95)).map(
    lambda pair: ClassThresholds(present=max(pair), possible=min(pair))
)
MENU = menu("plate", "drink")


def of(limits: ClassThresholds) -> Thresholds:
    return Thresholds(default=limits, by_class={"plate": limits})


def test_the_middle_changes_nothing() -> None:
    thresholds = of(ClassThresholds(present=0.5, possible=0.2, absence_tells=False))
    assert shifted(thresholds, 0) is thresholds


def test_what_was_measured_of_an_absence_stays() -> None:
    overlooked = ClassThresholds(present=0.5, possible=0.2, absence_tells=False)
    assert shifted(of(overlooked), 2).overlooked == {"plate"}


@given(LIMITS, STEPS, st.floats(0.001, 0.5))
def test_thresholds_stay_in_order_and_above_what_the_detector_reports(
    limits: ClassThresholds, steps: int, floor: float
) -> None:
    moved = shifted(of(limits), steps, floor=floor).of("plate")
    assert 0 < moved.possible <= moved.present < 1
    assert moved.possible >= min(floor, limits.possible) * (1 - 1e-9) or moved.possible >= limits.possible * (1 - 1e-9)


@given(LIMITS, st.integers(FEWEST, MOST - 1))
def test_each_step_to_more_catches_narrows_what_is_unsure(limits: ClassThresholds, steps: int) -> None:
    here, further = (shifted(of(limits), each).of("plate") for each in (steps, steps + 1))
    assert further.present <= here.present + 1e-9
    assert further.possible >= here.possible - 1e-9


def test_more_catches_make_an_alarm_of_a_doubt() -> None:
    """A drink of score 0.35 lies between the thresholds, until they meet below it."""
    scene = [*things_in([seen("plate", 60), seen("drink", 200, score=0.35)])]
    wants = wanted(MENU, order("A", "plate"))
    kinds = {}
    for step in (FEWEST, 0, MOST):
        thresholds = shifted(Thresholds(default=ClassThresholds(0.5, 0.2)), step)
        kinds[step] = compare(MENU, wants, fuse([ballot(0.0, scene)], thresholds)).kind
    assert kinds == {FEWEST: VerdictKind.UNSURE, 0: VerdictKind.UNSURE, MOST: VerdictKind.MISMATCH}


@pytest.mark.parametrize(("steps", "present", "possible"), [(0, 0.5, 0.2), (1, 0.4, 0.272727), (-1, 0.6, 0.142857)])
def test_a_step_is_a_factor_of_one_and_a_half_on_the_odds(steps: int, present: float, possible: float) -> None:
    moved = shifted(of(ClassThresholds(present=0.5, possible=0.2)), steps).of("plate")
    assert moved.present == pytest.approx(present)
    assert moved.possible == pytest.approx(possible, abs=1e-5)
