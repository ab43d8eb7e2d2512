"""The gate: no count may be worse than the active model's, on the same checks; a check is a check."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.gate import MORE_IS_BETTER, Tally, judge_candidate
from edge_agent.checking.scoring import Outcome, Scores

ACTIVE = Tally(wrong=10, right=8, caught=7, escaped=2, false_alarm=1, right_match=5, alarm_without_order=1)


def tallies(wrong: int = 20, right: int = 20) -> st.SearchStrategy[Tally]:
    """Tallies over so many checks; a check ends in one way only."""

    def build(caught: int, escaped: int, alarms: int, matches: int, nobodys: int) -> Tally:
        return Tally(
            wrong=wrong,
            right=right,
            caught=caught,
            escaped=min(escaped, wrong - caught),
            false_alarm=alarms,
            right_match=min(matches, right - alarms),
            alarm_without_order=nobodys,
        )

    return st.builds(
        build, *(st.integers(0, most) for most in (wrong, wrong, right, right)), st.integers(0, 5)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "tolerance", "passed"),
    [
        ({}, 0, True),
        ({"caught": 6}, 0, False),
        ({"caught": 8}, 0, True),
        ({"escaped": 3}, 0, False),
        ({"escaped": 1}, 0, True),
        ({"false_alarm": 2}, 0, False),
        ({"false_alarm": 0}, 0, True),
        ({"right_match": 4}, 0, False),
        ({"right_match": 6}, 0, True),
        ({"alarm_without_order": 2}, 0, False),
        ({"alarm_without_order": 0}, 0, True),
        ({"caught": 6}, 1, True),
        ({"caught": 5}, 1, False),
        ({"caught": 5}, 2, True),
        ({"escaped": 3, "false_alarm": 2}, 1, True),
        ({"caught": 10, "escaped": 0, "right_match": 8, "false_alarm": 2}, 0, False),
    ],
)
def test_no_count_may_be_worse_by_more_than_the_tolerance(change: dict[str, int], tolerance: int, passed: bool) -> None:
    """The last row: much that is better does not pay for one more false alarm."""
    decision = judge_candidate(ACTIVE, replace(ACTIVE, **change), tolerance=tolerance)
    assert decision.passed is passed
    assert decision.why.startswith("passed" if passed else "not passed")


def test_the_sentence_names_what_is_worse_and_nothing_else() -> None:
    why = judge_candidate(ACTIVE, replace(ACTIVE, caught=6, false_alarm=0)).why
    assert "wrong orders caught: 7 before, 6 now" in why
    assert "10 wrong and 8 right orders" in why
    assert "alarm" not in why


@pytest.mark.parametrize("empty", ["wrong", "right"])
def test_a_gate_without_wrong_or_without_right_orders_is_not_passed(empty: str) -> None:
    """Whoever was never shown a wrong order has never missed one."""
    nothing = {"wrong": ("wrong", "caught", "escaped"), "right": ("right", "false_alarm", "right_match")}[empty]
    half = replace(ACTIVE, **dict.fromkeys(nothing, 0))
    decision = judge_candidate(half, half)
    assert not decision.passed
    assert "too little" in decision.why


def test_scores_on_other_checks_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same checks"):
        judge_candidate(ACTIVE, replace(ACTIVE, wrong=11))


def test_a_tolerance_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="tolerance"):
        judge_candidate(ACTIVE, ACTIVE, tolerance=-1)


def test_a_tally_counts_what_the_scores_count() -> None:
    scores = Scores(
        wrong=Counter({Outcome.CAUGHT: 7, Outcome.ESCAPED: 2, Outcome.AMBER: 1}),
        right=Counter({Outcome.MATCH: 5, Outcome.FALSE_ALARM: 1, Outcome.AMBER: 2}),
        nobodys=Counter({Outcome.SILENT: 3, Outcome.FALSE_ALARM: 1}),
    )
    assert Tally.of(scores) == ACTIVE


@given(tallies())
def test_a_model_passes_against_itself(tally: Tally) -> None:
    assert judge_candidate(tally, tally).passed


@given(tallies(), tallies())
def test_of_two_different_models_at_most_one_passes_against_the_other(one: Tally, other: Tally) -> None:
    """Else two packs could be activated in turn for ever."""
    both = judge_candidate(one, other).passed and judge_candidate(other, one).passed
    assert both is (one == other)


@given(tallies(), tallies(), tallies())
def test_a_chain_of_activations_never_ends_worse_than_it_began(one: Tally, two: Tally, three: Tally) -> None:
    if judge_candidate(one, two).passed and judge_candidate(two, three).passed:
        assert judge_candidate(one, three).passed


@given(tallies(), tallies(), st.sampled_from(sorted(MORE_IS_BETTER)), st.integers(0, 3))
def test_a_better_count_never_closes_the_gate(before: Tally, after: Tally, name: str, tolerance: int) -> None:
    better = replace(after, **{name: getattr(after, name) + (1 if MORE_IS_BETTER[name] else -1)})
    if judge_candidate(before, after, tolerance=tolerance).passed:
        assert judge_candidate(before, better, tolerance=tolerance).passed
