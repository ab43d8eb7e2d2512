"""Looking back at a database: that no question reads all of it, and none holds it up."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from datetime import datetime, timezone
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from edge_agent.adapters import sqlite_searches
from edge_agent.adapters.sqlite_queries import Query
from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.domain.alert import Resolution, Severity
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.search import AlertSearch, CheckSearch, PageMark
from edge_agent.errors import StoreError
from tests.fakes_store import FakeClock
from tests.reporting_builders import DAY, House, house_of

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)
MARK = PageMark("2026-01-31T12:00:00.000+00:00", 9)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with house_of("sqlite", tmp_path) as made:
        yield made


def looking(house: House, **bounds: int) -> SqliteReporting:
    """A look at the house's database, with bounds of its own."""
    store = house.store
    assert isinstance(store, SqliteStore)
    return SqliteReporting(path=store.path, calendar=Calendar(), **bounds)


# How much a question reads


def subsets(given: dict[str, Any]) -> list[dict[str, Any]]:
    names = chain.from_iterable(combinations(given, n) for n in range(len(given) + 1))
    return [{name: given[name] for name in chosen} for chosen in names]


CHECKS = {
    "since": NOW,
    "until": NOW,
    "number": "42",
    "channel": "drive",
    "verdict": VerdictKind.MATCH,
    "item": "fries",
    "final": False,
}
ALERTS = {
    "since": NOW,
    "until": NOW,
    "number": "42",
    "channel": "drive",
    "item": "fries",
    "severity": Severity.CRITICAL,
    "resolution": Resolution.FIXED,
    "open_only": True,
}
assert set(CHECKS) == {field.name for field in fields(CheckSearch)}
assert set(ALERTS) == {field.name for field in fields(AlertSearch)}
MARKS = (None, MARK)
SEARCHES = [sqlite_searches.checks(CheckSearch(**given), after=mark) for given in subsets(CHECKS) for mark in MARKS]
SEARCHES += [sqlite_searches.alerts(AlertSearch(**given), after=mark) for given in subsets(ALERTS) for mark in MARKS]


def test_every_search_walks_an_index_in_its_order_and_sorts_nothing(house: House) -> None:
    """Then whoever reads may stop after a page; sorting would read all of it first."""
    for query in SEARCHES:
        plan = plan_of(house, query)
        few = "x.resolution IS NULL" in query[0]
        assert few or "TEMP B-TREE" not in "\n".join(plan), query[0]
        by_word = plan[0].startswith("SEARCH t USING PRIMARY KEY (term=?")
        assert by_word or re.match(r"(SEARCH|SCAN) x USING (COVERING )?INDEX (\w+_by_time|alerts_open)", plan[0])
        assert not [line for line in plan[1:] if line.startswith("SCAN")], query[0]


def test_a_span_and_a_mark_narrow_what_is_walked(house: House) -> None:
    query = sqlite_searches.checks(CheckSearch(number="1", since=NOW, until=NOW), after=MARK)
    assert plan_of(house, query)[0].startswith("SEARCH t USING PRIMARY KEY (term=? AND recorded_at>? AND recorded_at<?")
    query = sqlite_searches.checks(CheckSearch(since=NOW, until=NOW), after=None)
    assert "checks_by_time (recorded_at>? AND recorded_at<?)" in plan_of(house, query)[0]


@pytest.mark.parametrize(
    ("sql", "values", "uses"),
    [
        (sqlite_searches.FOUND_CHECKS, ("[]",), "SEARCH c USING INTEGER PRIMARY KEY"),
        (sqlite_searches.FOUND_ALERTS, ("[]",), "SEARCH a USING INTEGER PRIMARY KEY"),
        (sqlite_searches.SHOWN_PICTURES, (1, 2), "evidence_by_session"),
        (sqlite_searches.SHOWN, (1,), "SEARCH s USING INTEGER PRIMARY KEY"),
        (sqlite_searches.TRAYS, ("a", "b"), "checks_by_time (recorded_at>? AND recorded_at<?)"),
        (sqlite_searches.WAITED, ("a", "b", 3), "orders_by_time (recorded_at>? AND recorded_at<?)"),
        (sqlite_searches.CHOICES, ("a", "b"), "SEARCH check_terms USING PRIMARY KEY (term>? AND term<?)"),
    ],
)
def test_other_questions_look_up_what_they_need(house: House, sql: str, values: tuple[object, ...], uses: str) -> None:
    plan = plan_of(house, (sql, values))
    assert uses in "\n".join(plan)
    scanned = [line.split()[1] for line in plan if line.startswith("SCAN")]
    assert set(scanned) <= {"n", "w", "words", "CONSTANT"}


def test_counts_are_read_by_kind_and_time(house: House) -> None:
    query = sqlite_searches.tallies(
        "tray", unit_s=900, since=1, until=2, station=None, key=sqlite_searches.DAY_KEY, shift_s=0
    )
    assert "SEARCH tallies USING PRIMARY KEY (counted=? AND unit_s=? AND at>? AND at<?)" in plan_of(house, query)


def plan_of(house: House, query: Query) -> list[str]:
    store = house.store
    assert isinstance(store, SqliteStore)
    sql, values = query
    with closing(sqlite3.connect(store.path)) as connection:
        return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def test_a_page_that_would_take_long_ends_early_and_is_continued(house: House) -> None:
    """Here nobody looks at more than three rows at a time; one of eight fits."""
    for n in range(8):
        house.tray(VerdictKind.MATCH, order=house.order(f"A-{n}", channel="drive" if n == 1 else "counter"))
    reporting = looking(house, most_looked_at=3)
    wanted = CheckSearch(number="42", channel="drive")
    found, pages, after = [], 0, None
    while pages == 0 or after is not None:
        page = reporting.find_checks(wanted, after=after)
        found += [each.check.check_id for each in page.found]
        pages, after = pages + 1, page.next
    assert (found, pages) == ([2], 3)
    assert [each.check.check_id for each in reporting.every_check(wanted)] == [2]


# Whom it holds up


def test_reading_everything_holds_no_transaction_between_its_pages(house: House) -> None:
    """A reader that stays lets the log grow for as long: an export to a slow line would fill the disk."""
    for _ in range(6):
        house.tray(VerdictKind.MISMATCH, alert=True)
    reporting = looking(house, at_once=2)
    everything = (reporting.every_check(CheckSearch()), reporting.every_alert(AlertSearch()))
    for reading in everything:
        next(reading)
    house.tray(VerdictKind.MATCH)
    store = house.store
    assert isinstance(store, SqliteStore)
    with closing(sqlite3.connect(store.path)) as connection:
        (busy, left_over, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, left_over) == (0, 0)
    assert [len(list(reading)) for reading in everything] == [5, 5]


def test_a_database_that_does_not_answer_is_an_error_of_the_store(tmp_path: Path) -> None:
    reporting = SqliteReporting(path=tmp_path / "nowhere.sqlite", calendar=Calendar())
    with pytest.raises(StoreError, match=r"nowhere\.sqlite"):
        reporting.find_checks(CheckSearch())
    with pytest.raises(StoreError, match=r"nowhere\.sqlite"):
        reporting.tallies(Calendar().span_of(DAY))


def test_what_is_looked_for_is_no_sql(house: House) -> None:
    house.tray(VerdictKind.MATCH, order=house.order("x' OR 1=1 --", number="%"))
    house.tray(VerdictKind.MATCH, order=house.order("A-2"))
    assert len(list(house.reporting.every_check(CheckSearch(number="x' OR 1=1 --")))) == 1
    for odd in ("' OR 1=1 --", "%", "_", "*", "\x00", "\N{SNOWMAN}"):
        expected = 1 if odd == "%" else 0
        assert len(list(house.reporting.every_check(CheckSearch(number=odd)))) == expected
        assert list(house.reporting.every_check(CheckSearch(item=odd, channel=odd))) == []


def test_two_stores_have_different_names(tmp_path: Path) -> None:
    names = set()
    for n in range(2):
        SqliteStore(path=tmp_path / f"{n}.sqlite", clock=FakeClock()).close()
        names.add(SqliteReporting(path=tmp_path / f"{n}.sqlite", calendar=Calendar()).store_id())
    assert len(names) == 2
