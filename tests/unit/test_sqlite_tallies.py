"""The counts that are kept are those that one would count, whatever happens, in whatever order, also after failures."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.adapters import sqlite_tallies
from edge_agent.adapters.sqlite_migrations import MIGRATIONS, open_migrated
from edge_agent.adapters.sqlite_retention import _forget_orders, _forget_sessions
from edge_agent.adapters.sqlite_rows import EventRows, write_run
from edge_agent.adapters.sqlite_staff_rows import write_audit, write_confirmation
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderMoved,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderLine, OrderState
from edge_agent.domain.record import Audit, AuditAnswer, Confirmation, DrawnAs, Run, StaffRole
from edge_agent.errors import StoreError
from tests.fakes_reporting import MemoryReporting
from tests.fakes_store import FakeClock, MemoryStore
from tests.reporting_builders import RUN, SHADOW, house_of
from tests.tallies import kept_and_counted, words

SESSIONS = ("left-1", "left-2", "right-1")
ORDERS = ("A", "B", "C")


@pytest.fixture(scope="module")
def empty() -> Iterator[sqlite3.Connection]:
    """A database of the newest schema without a file; whoever uses it takes back what he did."""
    from sqlite_utils import Database

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for migration in MIGRATIONS:
            migration(Database(connection, execute_plugins=False))
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection


class Both:
    """The rows of a real store and a store in memory, told the same."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.clock = FakeClock()
        self.memory = MemoryStore(clock=self.clock)
        self.run_id = 0
        self.alerts: list[str] = []
        self.begin(tells=True)

    @property
    def now(self) -> str:
        return self.clock.now_utc().isoformat(timespec="milliseconds")

    def begin(self, *, tells: bool) -> None:
        run = RUN if tells else SHADOW
        started = {"started_at": self.now, "started_monotonic_s": 0.0}
        self.run_id = write_run(self.connection, run, started)
        assert self.memory.begin_run(run) == self.run_id

    def job(self, *events: Event) -> None:
        rows = EventRows(connection=self.connection, run_id=self.run_id, recorded_at=self.now, monotonic_s=0.0)
        for event in events:
            rows.write(event)
        rows.settle()
        self.memory.commit(self.run_id, events)

    def broken_job(self, *events: Event) -> None:
        """It fails at its end, as where the disk is full: the writer takes it back."""
        self.connection.execute("SAVEPOINT job")
        rows = EventRows(connection=self.connection, run_id=self.run_id, recorded_at=self.now, monotonic_s=0.0)
        for event in events:
            rows.write(event)
        rows.settle()
        self.connection.execute("ROLLBACK TO job")
        self.connection.execute("RELEASE job")

    def audit(self, audit: Audit) -> None:
        with suppress(StoreError):
            self.memory.audit(audit)
            write_audit(self.connection, audit, self.now)

    def confirm(self, session: str, check: int) -> None:
        said = Confirmation(run_id=self.run_id, session_id=session, check_id=check, role=StaffRole.CREW)
        with suppress(StoreError):
            self.memory.confirm(said)
            write_confirmation(self.connection, said, self.now)


@contextmanager
def both(empty: sqlite3.Connection) -> Iterator[Both]:
    empty.execute("BEGIN")
    try:
        yield Both(empty)
    finally:
        empty.execute("ROLLBACK")


# What may happen


def key(name: str) -> OrderKey:
    return OrderKey("till", "2026-01-31", name)


LINES = st.lists(
    st.builds(
        CheckedLine,
        skus=st.sampled_from([("fries",), ("cola", "diet"), ("b|ig",)]),
        name=st.sampled_from(["Fries", "Cola", "Fries"]),
        expected=st.just(1),
        seen=st.just(0),
        result=st.sampled_from(LineResult),
        reason=st.sampled_from(["covered", "faint"]),
    ),
    max_size=3,
).map(tuple)
SESSION, ORDER = st.sampled_from(SESSIONS), st.sampled_from(ORDERS)
AT_S = st.integers(1_000, 8_000).map(lambda ms: ms / 1_000)
VERDICTS = st.builds(
    lambda session, at_s, took_ms, orders, how, kind, lines, late: VerdictReached(
        at_s=at_s,
        slot_id=session.split("-")[0],
        session_id=session,
        still_since_s=at_s - took_ms / 1_000,
        orders=() if how in (Association.NO_ORDER, Association.WHICH_ORDER) else tuple(map(key, sorted(orders))),
        association=how,
        verdict=Verdict(kind=kind, lines=lines),
        contents=Contents(),
        late=late,
    ),
    SESSION,
    AT_S,
    st.integers(0, 70_000),
    st.sets(ORDER, min_size=1, max_size=2),
    st.sampled_from(Association),
    st.sampled_from(VerdictKind),
    LINES,
    st.booleans(),
)
EVENTS = st.one_of(
    st.builds(
        lambda name, revision, test, number, channel: OrderAccepted(
            at_s=0.0,
            order=Order(
                order_id=name,
                business_day="2026-01-31",
                revision=revision,
                test=test,
                display_number=number,
                channel=channel,
                lines=(OrderLine(sku="fries"),),
            ),
        ),
        ORDER,
        st.integers(1, 3),
        st.sampled_from([False, False, False, True]),
        st.sampled_from(["", "7", "A"]),
        st.sampled_from(["", "Drive", "drive"]),
    ),
    st.builds(lambda name, state: OrderMoved(at_s=1.0, key=key(name), state=state), ORDER, st.sampled_from(OrderState)),
    st.builds(lambda s: SessionStarted(at_s=0.5, slot_id=s.split("-")[0], session_id=s), SESSION),
    st.builds(lambda s: TraySettled(at_s=1.0, session_id=s, still_since_s=0.5), SESSION),
    st.builds(lambda s: SessionResumed(at_s=5.0, session_id=s), SESSION),
    VERDICTS,
    VERDICTS,
    st.builds(
        lambda final: TrayLeft(
            at_s=9.0,
            slot_id=final.slot_id,
            session_id=final.session_id,
            arrived_s=0.5,
            last_seen_s=8.5,
            final=final,
        ),
        VERDICTS,
    ),
)
Step = Callable[[Both], None]


def _raise(session: str, at_s: float, lines: tuple[CheckedLine, ...], late: bool, orders: set[str]) -> Step:
    def step(both: Both) -> None:
        both.alerts.append(f"alert-{len(both.alerts)}")
        alert = Alert(
            alert_id=both.alerts[-1],
            session_id=session,
            orders=tuple(map(key, sorted(orders))),
            lines=lines,
            raised_at_s=at_s,
            late=late,
        )
        both.job(AlertRaised(at_s=at_s, alert=alert, sounds=True))

    return step


def _resolve(number: int, how: Resolution, by_staff: bool) -> Step:
    def step(both: Both) -> None:
        if both.alerts:
            name = both.alerts[number % len(both.alerts)]
            both.job(AlertResolved(at_s=7.0, alert_id=name, resolution=how, by_staff=by_staff))

    return step


def _audit(session: str, answer: AuditAnswer, drawn: DrawnAs | None, found: VerdictKind | None) -> Step:
    def step(both: Both) -> None:
        both.audit(
            Audit(
                run_id=both.run_id,
                session_id=session,
                role=StaffRole.MANAGER,
                answer=answer,
                drawn=drawn,
                found=found if answer is AuditAnswer.TOLD else None,
            )
        )

    return step


def _whole(reached: VerdictReached) -> Step:
    """A tray from its coming to its leaving, as most are."""

    def step(both: Both) -> None:
        session, slot_id = reached.session_id, reached.slot_id
        both.job(
            SessionStarted(at_s=0.5, slot_id=slot_id, session_id=session),
            TraySettled(at_s=1.0, session_id=session, still_since_s=0.5),
            reached,
            TrayLeft(at_s=9.0, slot_id=slot_id, session_id=session, arrived_s=0.5, last_seen_s=8.5, final=reached),
        )

    return step


STEPS = st.one_of(
    VERDICTS.map(_whole),
    st.lists(EVENTS, min_size=1, max_size=4).map(lambda events: lambda both: both.job(*events)),
    st.lists(EVENTS, min_size=1, max_size=4).map(lambda events: lambda both: both.job(*events)),
    st.lists(EVENTS, min_size=1, max_size=4).map(lambda events: lambda both: both.broken_job(*events)),
    st.builds(_raise, SESSION, AT_S, LINES, st.booleans(), st.sets(ORDER, max_size=2)),
    st.builds(_resolve, st.integers(0, 9), st.sampled_from(Resolution), st.booleans()),
    st.builds(
        _audit,
        SESSION,
        st.sampled_from(AuditAnswer),
        st.none() | st.sampled_from(DrawnAs),
        st.none() | st.sampled_from(VerdictKind),
    ),
    st.builds(lambda session, check: lambda both: both.confirm(session, check), SESSION, st.integers(1, 9)),
    st.builds(lambda tells: lambda both: both.begin(tells=tells), st.booleans()),
    st.integers(1, 90).map(lambda minutes: lambda both: both.clock.advance(timedelta(minutes=minutes).total_seconds())),
)
MANY = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
TRAYS = st.lists(VERDICTS.map(_whole), min_size=2, max_size=4)
ENDINGS = st.lists(
    st.one_of(
        st.builds(_raise, SESSION, AT_S, LINES, st.booleans(), st.sets(ORDER, max_size=2)),
        st.builds(_resolve, st.integers(0, 9), st.sampled_from(Resolution), st.booleans()),
        st.builds(
            _audit,
            SESSION,
            st.sampled_from(AuditAnswer),
            st.none() | st.sampled_from(DrawnAs),
            st.none() | st.sampled_from(VerdictKind),
        ),
    ),
    min_size=4,
    max_size=8,
)
STORIES = st.builds(
    lambda trays, endings, more: [*trays, *endings, *more], TRAYS, ENDINGS, st.lists(STEPS, min_size=3, max_size=15)
)
"""Trays that came and left, what people said of them, and then anything."""


@MANY
@given(STORIES)
def test_what_is_kept_is_what_the_rows_say_and_what_one_would_count(
    empty: sqlite3.Connection, steps: list[Step]
) -> None:
    with both(empty) as told:
        for step in steps:
            step(told)
        kept, counted = kept_and_counted(told.connection)
        assert kept == counted
        plain = Counter(
            (c.counted.value, c.quarter, c.item, c.station) for c in MemoryReporting(store=told.memory).counts()
        )
        assert kept == plain
        checks, of_checks, alerts, of_alerts = words(told.connection)
        assert checks == of_checks
        assert alerts == of_alerts


@MANY
@given(STORIES, st.sets(st.integers(1, 6)), st.booleans())
def test_what_is_forgotten_counts_no_more(
    empty: sqlite3.Connection, steps: list[Step], trays: set[int], orders: bool
) -> None:
    with both(empty) as told:
        for step in steps:
            step(told)
        connection = told.connection
        ids = [row for (row,) in connection.execute("SELECT id FROM sessions") if row in trays]
        _forget_sessions(connection, ids)
        if orders:
            unused = (
                "SELECT id FROM orders WHERE id NOT IN (SELECT order_row FROM check_orders)"
                " AND id NOT IN (SELECT order_row FROM alert_orders)"
            )
            _forget_orders(connection, [row for (row,) in connection.execute(unused)])
        kept, counted = kept_and_counted(connection)
        assert kept == counted
        checks, of_checks, alerts, of_alerts = words(connection)
        assert checks == of_checks
        assert alerts == of_alerts


@pytest.mark.parametrize(
    "sql",
    [
        sqlite_tallies.OF_SESSION,
        sqlite_tallies.OF_ORDER,
        sqlite_tallies.ORDERS_OF_SESSION,
        sqlite_tallies.WORDS_OF_CHECK,
        sqlite_tallies.WORDS_OF_ALERT,
    ],
)
def test_counting_one_tray_reads_no_other(empty: sqlite3.Connection, sql: str) -> None:
    """It is done with every event: its cost must not grow with the store."""
    plan = [str(row[3]) for row in empty.execute(f"EXPLAIN QUERY PLAN {sql}", (1,))]
    scanned = [line for line in plan if line.startswith("SCAN") and "VIRTUAL TABLE" not in line]
    assert [line for line in scanned if line.split()[1] not in {"tray_counts", "order_counts"}] == []


def test_a_store_that_is_opened_again_goes_on_counting(tmp_path: Path) -> None:
    for _ in range(2):
        with house_of("sqlite", tmp_path) as house:
            house.tray(VerdictKind.MATCH)
    with closing(open_migrated(tmp_path / "edge.sqlite")) as connection:
        kept, counted = kept_and_counted(connection)
    assert kept == counted
    assert sum(n for (kind, *_), n in kept.items() if kind == "tray") == 2


def test_a_run_of_no_station_counts_under_none(tmp_path: Path) -> None:
    with house_of("sqlite", tmp_path) as house:
        house.begin(Run())
        house.tray(VerdictKind.MATCH)
    with closing(open_migrated(tmp_path / "edge.sqlite")) as connection:
        assert {station for _, _, _, station in kept_and_counted(connection)[0]} == {""}
