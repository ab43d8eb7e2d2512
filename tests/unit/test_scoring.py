"""The scores: what each verdict is worth, counted so that no number looks better than it is."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from edge_agent.checking.scoring import (
    Outcome,
    ScoredCheck,
    Scores,
    Share,
    by_class,
    percentiles,
    score,
    true_verdict,
)
from edge_agent.domain.contents import Contents
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.menu import Visibility
from tests.builders import contents, item, menu, order, results

OF = menu("plate", "bread", "drink")


def line(sku: str, result: str) -> CheckedLine:
    return CheckedLine(skus=(sku,), name=sku, expected=1, seen=1, result=LineResult(result))


def verdict(kind: str, **lines: str) -> Verdict:
    return Verdict(kind=VerdictKind(kind), lines=tuple(line(sku, result) for sku, result in lines.items()))


RIGHT = verdict("match", plate="ok", bread="ok")
WRONG = verdict("mismatch", plate="ok", bread="missing")


@pytest.mark.parametrize(
    ("truth", "given_", "right_order", "worth"),
    [
        (WRONG, WRONG, True, "caught"),
        (WRONG, verdict("mismatch", plate="extra", bread="missing"), True, "caught"),
        (WRONG, WRONG, False, "misnamed"),
        (WRONG, verdict("mismatch", plate="missing", bread="ok"), True, "misnamed"),
        (WRONG, verdict("mismatch", plate="ok", bread="extra"), True, "misnamed"),
        (WRONG, verdict("unsure", plate="ok", bread="unsure"), True, "amber"),
        (WRONG, None, False, "amber"),
        (WRONG, RIGHT, True, "escaped"),
        (WRONG, RIGHT, False, "escaped"),
        (RIGHT, RIGHT, True, "match"),
        (RIGHT, verdict("unsure"), True, "amber"),
        (RIGHT, None, False, "amber"),
        (RIGHT, WRONG, True, "false_alarm"),
        (RIGHT, WRONG, False, "false_alarm"),
        (None, WRONG, False, "false_alarm"),
        (None, RIGHT, False, "silent"),
        (None, verdict("unsure"), False, "silent"),
        (None, None, False, "silent"),
    ],
)
def test_every_verdict_has_its_worth(
    truth: Verdict | None, given_: Verdict | None, right_order: bool, worth: str
) -> None:
    """Red by luck, about the wrong order or the wrong line, is not caught: the crew would put the wrong thing right."""
    assert ScoredCheck(truth=truth, given=given_, right_order=right_order).outcome.value == worth


@pytest.mark.parametrize("truth", [RIGHT, None])
def test_an_alert_on_a_right_tray_is_a_false_alarm_whatever_came_later(truth: Verdict | None) -> None:
    """The crew looked up; that the tray turned green a second later does not unring the bell."""
    assert ScoredCheck(truth=truth, given=RIGHT, alerted=True).outcome.value == "false_alarm"


def test_an_alert_that_was_taken_back_caught_nothing() -> None:
    assert ScoredCheck(truth=WRONG, given=RIGHT, alerted=True).outcome.value == "escaped"


CHECKS = st.builds(
    ScoredCheck,
    alerted=st.booleans(),
    truth=st.sampled_from([None, RIGHT, WRONG]),
    given=st.sampled_from([None, RIGHT, WRONG, verdict("unsure", bread="unsure"), verdict("mismatch", plate="extra")]),
    right_order=st.booleans(),
    verdict_latency_s=st.none() | st.floats(0, 100),
    alert_lead_s=st.none() | st.floats(0, 100),
)


@given(st.lists(CHECKS, max_size=30))
def test_every_check_counts_exactly_once(checks: list[ScoredCheck]) -> None:
    """No verdict may fall between the columns: shares of a part look better than they are."""
    said = score(checks).as_json()
    assert sum(said[name]["n"] for name in ("wrong_orders", "right_orders", "no_order")) == len(checks)
    for name in ("wrong_orders", "right_orders", "no_order"):
        counts = dict(said[name])
        assert counts.pop("n") == sum(counts.values())
    for value, low, high in [*said["rates"].values(), said["exact_lines"]]:
        assert value is None or 0 <= low <= value <= high <= 1
    json.dumps(said, allow_nan=False)


@given(st.lists(CHECKS, max_size=12), st.randoms())
def test_the_order_of_the_checks_does_not_matter(checks: list[ScoredCheck], random: object) -> None:
    shuffled = list(checks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert score(shuffled).as_json() == score(checks).as_json()


@given(st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_are_those_of_clopper_and_pearson(hits_of: tuple[int, int]) -> None:
    """Held against another implementation: these intervals decide whether a model is let out."""
    hits, total = hits_of
    share = Share.of(hits, total)
    if total == 0:
        assert share == Share(None, None, None)
        return
    other = binomtest(hits, total).proportion_ci(0.95, method="exact")
    assert (share.low, share.high) == pytest.approx((other.low, other.high), abs=1e-9)
    assert share.value == hits / total


def test_the_keys_are_those_that_the_documents_promise() -> None:
    """Dashboards and gates read them by name; what nobody measured is null, never zero."""
    said = Scores().as_json()
    assert {"wrong_orders", "right_orders", "rates", "exact_lines", "verdict_latency_s", "alert_lead_s"} <= set(said)
    assert set(said["wrong_orders"]) >= {"n", "caught", "amber", "escaped"}
    assert set(said["right_orders"]) == {"n", "match", "amber", "false_alarm"}
    assert set(said["rates"]) == {"caught", "escaped", "false_alarm", "right_match"}
    assert all(rate == [None, None, None] for rate in said["rates"].values())
    assert said["verdict_latency_s"] == said["alert_lead_s"] == {"p50": None, "p95": None}
    assert said["red_precision"] == {"3%": None, "12%": None}


def test_precision_of_reds_follows_bayes() -> None:
    """At 3 % wrong orders even few false alarms are most of the reds; at that share the crew lives."""
    scores = Scores(
        wrong=Counter({Outcome.CAUGHT: 8, Outcome.MISNAMED: 1, Outcome.AMBER: 1}),
        right=Counter({Outcome.FALSE_ALARM: 5, Outcome.MATCH: 95}),
    )
    assert scores.red_precision(0.03) == pytest.approx(0.03 * 0.9 / (0.03 * 0.9 + 0.97 * 0.05))
    assert Scores(wrong=Counter({Outcome.AMBER: 1}), right=Counter({Outcome.MATCH: 1})).red_precision(0.03) is None


def test_a_line_about_a_thing_that_is_not_there_is_no_exact_line() -> None:
    """Otherwise a model could see ghosts on every tray and still have every line right."""
    ghost = verdict("mismatch", plate="ok", bread="ok", drink="extra")
    scores = score([ScoredCheck(truth=RIGHT, given=ghost)])
    assert (scores.exact_lines, scores.lines) == (2, 3)


def test_lines_that_were_not_judged_or_judged_for_another_order_are_not_exact() -> None:
    for check in (ScoredCheck(truth=RIGHT, given=None), ScoredCheck(truth=RIGHT, given=RIGHT, right_order=False)):
        scores = score([check])
        assert (scores.exact_lines, scores.lines) == (0, 2)


def test_the_truth_may_be_told_by_class_or_by_sku() -> None:
    """The finer labels count dishes, the model sees classes."""
    of = menu(item("soup", "bowl"), item("salad", "bowl"), "bread")
    assert by_class(of, {"soup": 1, "salad": 2, "bread": 1}) == {"bowl": 3, "bread": 1}
    assert by_class(of, {"bowl": 3, "spoon": 1}) == {"bowl": 3, "spoon": 1}
    assert true_verdict(of, order("A", "soup", "bread"), {"soup": 1, "bread": 1}).kind is VerdictKind.MATCH


def test_a_class_name_that_is_also_a_sku_of_another_item_is_the_class() -> None:
    of = menu(item("tea", "cup"), item("cup", "mug"))
    assert by_class(of, {"cup": 2}) == {"cup": 2}


def test_perfect_eyes_see_what_is_wrong() -> None:
    said = true_verdict(OF, order("A", "plate", "bread"), {"plate": 1, "drink": 1})
    assert results(said) == {"plate": "ok", "bread": "missing", "drink": "extra"}


def test_nothing_is_missing_from_a_tray_that_is_not_the_last() -> None:
    of_two = order("A", "plate", "bread", parts=2)
    assert true_verdict(OF, of_two, {"plate": 1}, complete=False).kind is VerdictKind.UNSURE
    assert true_verdict(OF, of_two, {"plate": 1, "bread": 1}).kind is VerdictKind.MATCH


def test_what_perfect_eyes_cannot_see_makes_no_order_wrong() -> None:
    of = menu("plate", item("toy", "toy", visibility=Visibility.HIDDEN))
    assert true_verdict(of, order("A", "plate", "toy"), {"plate": 1}).kind is VerdictKind.MATCH


def test_confusion_counts_trays_by_true_and_seen_number() -> None:
    counted = [({"plate": 1}, contents(plate=1)), ({"plate": 2}, contents(plate=1)), ({}, contents(plate=1))]
    assert score((), counted).as_json()["confusion"] == {"plate": {"0->1": 1, "1->1": 1, "2->1": 1}}


def test_a_class_that_nobody_saw_stands_in_the_confusion() -> None:
    assert score((), [({"bread": 2}, Contents())]).as_json()["confusion"] == {"bread": {"2->0": 1}}


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [
        ([], None, None),
        ([1], 1, 1),
        ([2, 1], 1, 2),
        ([3, 1, 2], 2, 3),
        (range(1, 101), 50, 95),
        ([0.12345], 0.123, 0.123),
    ],
)
def test_percentiles_are_values_that_occurred(values: list[float], p50: float | None, p95: float | None) -> None:
    """Nearest rank: an interpolated latency is one that nobody waited."""
    assert percentiles(list(values)) == {"p50": p50, "p95": p95}


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_the_median_is_never_above_the_95th_percentile(values: list[float]) -> None:
    said = percentiles(values)
    assert said["p50"] is not None
    assert said["p95"] is not None
    assert round(min(values), 3) <= said["p50"] <= said["p95"] <= round(max(values), 3)
