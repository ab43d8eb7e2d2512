"""How shares are written: the same number reads the same wherever it stands; and how far a red can be believed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.item_scores import ItemScores
from edge_agent.checking.scoring import Outcome, Scores, Share
from edge_agent.cli.showing import show_scores
from edge_agent.evaluation.red_precision import red_precision
from edge_agent.evaluation.report_views import score_rows
from edge_agent.formats.shares import in_digits, with_interval
from edge_agent.training.card import scored_metrics


def test_a_share_is_rounded_once() -> None:
    """0.98546 has four digits 0.9855, and those would have three digits 0.986."""
    assert in_digits(0.98546) == "0.985"
    assert with_interval(Share(0.98546, 0.97449, 0.99549)) == "0.985 [0.974, 0.995]"


def test_what_was_not_measured_is_no_number() -> None:
    assert with_interval(Share.of(0, 0)) == "not measured"
    assert in_digits(None) == "not measured"


@pytest.mark.parametrize(("hits", "total"), [(1437, 1521), (135, 137), (271, 275), (474, 481), (1, 3), (0, 7)])
def test_the_card_and_the_table_say_the_same(capsys: pytest.CaptureFixture[str], hits: int, total: int) -> None:
    scores = Scores(wrong=Counter({Outcome.CAUGHT: hits, Outcome.AMBER: total - hits}))
    show_scores(scores)
    card = str(scored_metrics(scores, ItemScores(), ())["scored_caught"])
    value, interval = card.split(" ", 1)
    row = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["caught"])
    assert row.rstrip().split(maxsplit=2) == ["caught", value, interval]


def few(*, caught: int, amber: int, match: int, false_alarms: int) -> Scores:
    return Scores(
        wrong=Counter({Outcome.CAUGHT: caught, Outcome.AMBER: amber}),
        right=Counter({Outcome.MATCH: match, Outcome.FALSE_ALARM: false_alarms}),
    )


def test_a_red_that_was_always_right_may_still_be_wrong() -> None:
    """No false alarm on 47 right orders: up to 7 in 100 of them could be, and that weighs where few orders are wrong.

    The ends are those of 97.5 % intervals: 85 of 94 is within 0.8165 and 0.9593, 0 of 47 below 1 - 0.0125^(1/47).
    """
    found = red_precision(few(caught=85, amber=9, match=47, false_alarms=0), 0.03)
    most = 1 - 0.0125 ** (1 / 47)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.03 * 0.8165 / (0.03 * 0.8165 + 0.97 * most), abs=2e-3)


@given(*(st.integers(0, 60) for _ in range(4)), st.sampled_from([0.03, 0.12]))
def test_the_share_of_right_reds_lies_in_its_interval(
    caught: int, amber: int, match: int, false_alarms: int, wrong_share: float
) -> None:
    scores = few(caught=caught, amber=amber, match=match, false_alarms=false_alarms)
    found = red_precision(scores, wrong_share)
    if found.low is None or found.high is None:
        assert not (caught + amber) or not (match + false_alarms)
        return
    assert 0 <= found.low <= found.high <= 1
    if found.value is not None:
        assert found.low <= found.value + 1e-12
        assert found.value <= found.high + 1e-12


def test_the_report_says_how_far_a_red_can_be_believed() -> None:
    rows = dict(score_rows(few(caught=85, amber=9, match=47, false_alarms=0)))
    assert rows["A red is right"].startswith("100.0 % (95 % interval: 2")
    assert rows["A red is right"].count("interval") == 2
    assert dict(score_rows(Scores()))["A red is right"] == "not measured"
