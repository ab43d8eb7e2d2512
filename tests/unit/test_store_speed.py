"""The benchmark of the store: what it makes is a true store, and what it says can be read by a person and a program."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.app.made_store import SOURCE, make_store
from edge_agent.app.store_speed import BUDGET_MS, QUESTIONS, StoreMeasured, Timed, asked_of, in_turn
from edge_agent.errors import BadInput
from tests.fakes_store import FakeClock
from tests.tallies import kept_and_counted, words

UNTIL = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "edge.sqlite"
    make_store(path, 400, until=UNTIL)
    return path


def test_a_made_store_is_one_that_the_agent_could_have_written(made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection:
        kept, counted = kept_and_counted(connection)
        checks, of_checks, alerts, of_alerts = words(connection)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        (number,) = connection.execute("SELECT count(*) FROM checks").fetchone()
    assert kept == counted
    assert (checks, alerts) == (of_checks, of_alerts)
    assert number >= 400
    assert {kind for kind, *_ in kept} >= {"tray", "latency", "frame", "alert", "told", "order"}


def test_it_says_that_it_is_made_up_and_lies_in_the_past(made: Path) -> None:
    history = SqliteHistory(path=made)
    assert {stored.run.source for stored in history.runs()} == {SOURCE}
    stamps = [datetime.fromisoformat(check.recorded_at) for check in history.checks(limit=1_000)]
    assert max(stamps) <= UNTIL
    assert UNTIL - min(stamps) > timedelta(days=390)


def test_the_same_seed_makes_the_same_checks(made: Path, tmp_path: Path) -> None:
    make_store(tmp_path / "again.sqlite", 400, until=UNTIL)
    again, before = (SqliteHistory(path=path).checks(limit=1_000) for path in (tmp_path / "again.sqlite", made))
    assert again == before


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered(made: Path, name: str) -> None:
    QUESTIONS[name](asked_of(made, UNTIL))


def test_a_real_store_is_never_taken_for_a_made_one(tmp_path: Path) -> None:
    SqliteStore(path=tmp_path / "edge.sqlite", clock=FakeClock()).close()
    with pytest.raises(BadInput, match="no store that was made"):
        asked_of(tmp_path / "edge.sqlite", UNTIL)


def test_everything_is_asked_in_turn_and_the_first_round_does_not_count() -> None:
    asked: list[str] = []
    told: list[tuple[int, int]] = []
    timed = in_turn({"a": "A", "b": "B"}, asked.append, 2, lambda *step: told.append(step), with_cpu=True)
    assert asked == ["A", "B"] * 3
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert list(timed) == ["a", "b"]
    assert all(each.cpu is not None for each in timed.values())


MEASURED = StoreMeasured(
    checks=1_000,
    size_mb=1.7,
    rounds=3,
    questions={"quick": Timed.of([1.0, 2.0, 3.0], [0.5, 0.6, 0.7])},
    addresses={"GET /slow": Timed.of([BUDGET_MS, BUDGET_MS + 1])},
    cpu="a processor",
)


def test_what_is_over_the_budget_is_named() -> None:
    assert MEASURED.over_budget == ("GET /slow",)
    assert "over budget" in next(line for line in MEASURED.as_lines() if line.startswith("GET /slow"))
    assert replace(MEASURED, addresses={}).over_budget == ()


def test_the_result_says_that_the_store_is_made_up_and_is_plain_json() -> None:
    said = MEASURED.as_json()
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert (said["store"], said["checks"], said["budget_ms"]) == (SOURCE, 1_000, BUDGET_MS)
    assert said["questions"]["quick"] == {"p50_ms": 2.0, "p95_ms": 3.0, "max_ms": 3.0, "cpu_p50_ms": 0.6}
    assert said["addresses"]["GET /slow"]["cpu_p50_ms"] is None
    assert SOURCE in MEASURED.as_lines()[0]
