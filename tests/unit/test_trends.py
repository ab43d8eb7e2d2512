"""Trends: what is told of a cell of time, and what is not."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.honest_numbers import honest_numbers, read_numbers
from edge_agent.checking.trends import Forgotten, forgotten, latency, read_trends, trend
from edge_agent.domain.alert import Resolution
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.tally import LAST_BIN_MS, Counted, Grouped, Tally, TrayVerdict, bin_ms, bin_width_ms
from tests.reporting_builders import DAY, house_of

MATCH, MISMATCH, UNSURE = VerdictKind.MATCH, VerdictKind.MISMATCH, VerdictKind.UNSURE


def test_a_cell_with_nineteen_trays_is_not_shown_and_one_with_twenty_is() -> None:
    alerts, verdicts = {"critical": 2, "notice": 1, "shadow": 4}, {"match": 15, "unsure": 4}
    few = Tally(key="7", counts={Counted.TRAY: verdicts, Counted.ALERT: alerts})
    assert (trend(few).key, trend(few).shown) == ("7", None)
    enough = Tally(key="7", counts={Counted.TRAY: {**verdicts, "no_order": 1}, Counted.ALERT: alerts})
    shown = trend(enough).shown
    assert shown is not None
    assert (shown.trays, shown.alerts, shown.shadow_alerts, shown.latency) == (20, 3, 4, None)
    assert (shown.share(TrayVerdict.MATCH), shown.verdicts[TrayVerdict.MISMATCH]) == (0.75, 0)


@pytest.mark.parametrize(
    ("took_ms", "lower", "width"),
    [
        (-5, 0, 50),
        (0, 0, 50),
        (49, 0, 50),
        (50, 50, 50),
        (999, 950, 50),
        (1_000, 1_000, 100),
        (4_999, 4_900, 100),
        (5_000, 5_000, 1_000),
        (59_999, 59_000, 1_000),
        (60_000, 60_000, 1_000),
        (10**9, LAST_BIN_MS, 1_000),
    ],
)
def test_latencies_are_kept_in_bins(took_ms: int, lower: int, width: int) -> None:
    assert (bin_ms(took_ms), bin_width_ms(bin_ms(took_ms))) == (lower, width)


@given(st.lists(st.integers(0, 59_999), min_size=1, max_size=200))
def test_percentiles_of_bins_are_those_of_the_values_to_within_a_bin(values: list[int]) -> None:
    found = latency(Counter(bin_ms(value) for value in values))
    assert found is not None
    ordered = sorted(values)
    for share, told_s in ((0.50, found.p50_s), (0.95, found.p95_s)):
        exact_ms = ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]
        lower = bin_ms(exact_ms)
        assert told_s == (lower + bin_width_ms(lower)) / 1_000
    assert latency({}) is None


def test_the_most_forgotten_come_first_and_no_more_than_are_wanted() -> None:
    tally = Tally(key="", counts={Counted.FORGOTTEN: {"Cola": 2, "Fries": 9, "Apple": 2}})
    assert forgotten(tally, most=2) == (Forgotten(name="Fries", trays=9), Forgotten(name="Apple", trays=2))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_day_is_told_from_what_was_stored(kind: str, tmp_path: Path) -> None:
    with house_of(kind, tmp_path) as house:
        for _ in range(19):
            house.tray(MATCH, took_s=0.5)
        house.tray(MISMATCH, alert=True, ends=Resolution.FIXED, by_staff=True, then=MATCH, took_s=0.9)
        house.clock.advance(timedelta(hours=2).total_seconds())
        house.tray(UNSURE, took_s=2.0)
        span = house.reporting.calendar.span_of(DAY)
        trends, numbers = read_trends(house.reporting, span), read_numbers(house.reporting, span)
        every = house.reporting.tallies(span, by=Grouped.DAY)
        assert read_trends(house.reporting, span, days=every) == trends, "the days may be read before, with all else"
        assert honest_numbers(every) == numbers
    assert [(each.key, each.shown is None) for each in trends.hours] == [("12", False), ("14", True)]
    assert [each.key for each in trends.days] == [DAY]
    assert trends.whole.shown is not None
    assert trends.whole.shown.trays == 21
    assert trends.whole.shown.latency is not None
    assert trends.whole.shown.latency.p95_s == 0.95
    assert trends.forgotten == (Forgotten(name="Fries", trays=1),)
    assert numbers.stopped is not None
    assert (numbers.trays, numbers.stopped.count, numbers.stopped.told) == (21, 1, 1)
    assert numbers.false_alarms is not None
    assert not numbers.false_alarms.is_measured


def test_a_day_on_which_only_orders_were_counted_is_no_day_of_a_trend(tmp_path: Path) -> None:
    with house_of("memory", tmp_path) as house:
        span = house.reporting.calendar.span_of(DAY)
        days = [Tally(key=DAY, counts={Counted.ORDER: {"decided": 3}})]
        assert read_trends(house.reporting, span, days=days).days == ()


def test_of_a_quiet_span_not_even_what_was_forgotten_is_told(tmp_path: Path) -> None:
    with house_of("memory", tmp_path) as house:
        house.tray(MISMATCH, alert=True)
        trends = read_trends(house.reporting, house.reporting.calendar.span_of(DAY))
    assert (trends.whole.shown, trends.forgotten) == (None, ())
