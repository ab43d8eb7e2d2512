"""The SQLite store itself: what it runs under, what it refuses, what it survives."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.adapters import sqlite_json, sqlite_queries, sqlite_rows
from edge_agent.adapters.picture_folder import PictureFolder
from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_migrations import MIGRATIONS, m001_events, m002_staff, open_migrated
from edge_agent.adapters.sqlite_outbox import SqliteOutbox
from edge_agent.adapters.sqlite_queries import CheckFilter, Query
from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.sqlite_writer import MAX_BATCH, Job, SqliteWriter
from edge_agent.adapters.system_clock import SystemClock, boot_id
from edge_agent.domain.alert import Resolution
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.events import (
    AlertResolved,
    Event,
    OrderIgnored,
    OrderMoved,
    SessionResumed,
    SessionStarted,
    TraySettled,
)
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order, OrderLine, OrderState
from edge_agent.domain.record import Audit, Run, StaffRole
from edge_agent.domain.search import CheckSearch
from edge_agent.errors import StoreBusy, StoreError, StoreTooNew
from edge_agent.ports import Evidence
from tests.fakes_store import FakeClock
from tests.reporting_builders import house_of
from tests.store_builders import JPEG, accepted, key, left, order, raised, reached
from tests.tallies import kept_and_counted, words

if TYPE_CHECKING:
    from sqlite_utils import Database

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "edge.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path=path, clock=FakeClock()) as opened:
        yield opened


def rows(path: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()


def numbers(path: Path, table: str) -> int:
    ((count,),) = rows(path, f"SELECT count(*) FROM {table}")
    assert isinstance(count, int)
    return count


# What it runs under


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_the_pragmas_are_in_force_on_the_connection_that_writes(store: SqliteStore, pragma: str, value: object) -> None:
    """A pragma that does not take is silent in SQLite: a typing error here costs the orders of a power cut."""
    assert store._writer._connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_foreign_keys_are_really_refused(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.commit(999, [accepted()])


def test_the_writer_has_a_name_and_ends_with_the_store(path: Path) -> None:
    with SqliteStore(path=path, clock=FakeClock()) as store:
        assert "store-writer" in [thread.name for thread in threading.enumerate()]
        assert store.is_alive
    assert "store-writer" not in [thread.name for thread in threading.enumerate()]
    assert not store.is_alive


def test_reading_cannot_write(store: SqliteStore) -> None:
    with SqliteHistory(path=store.path)._reading() as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("DELETE FROM runs")


def test_the_real_clock_tells_utc() -> None:
    assert SystemClock().now_utc().utcoffset() is not None
    assert SystemClock().monotonic_s() <= SystemClock().monotonic_s()
    assert boot_id() == boot_id()


# What it refuses


def test_a_newer_schema_is_refused_in_one_sentence_and_left_alone(path: Path) -> None:
    SqliteStore(path=path, clock=FakeClock()).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('edge_agent', 'm999_later', '')"
        )
    before = path.read_bytes()
    for opening in (lambda: SqliteStore(path=path, clock=FakeClock()), lambda: SqliteHistory(path=path)):
        with pytest.raises(StoreTooNew, match=r"edge\.sqlite: a newer version.*m999_later.*upgrade") as refusal:
            opening()
        assert "\n" not in str(refusal.value)
    assert path.read_bytes() == before
    assert list(path.parent.glob("*.before-*")) == []


def _text_file(path: Path) -> None:
    path.write_text("this is no database, whatever its name says\n" * 100)


def _folder(path: Path) -> None:
    path.mkdir()


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def _damaged(path: Path) -> None:
    SqliteStore(path=path, clock=FakeClock()).close()
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 4_000 + content[4_100:])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_text_file, "no SQLite database"),
        (_folder, "is a folder"),
        (_foreign, "none of the agent's"),
        (_damaged, "damaged"),
    ],
)
def test_a_file_that_is_no_database_of_ours_is_named(path: Path, make: Callable[[Path], None], said: str) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    for opening in (lambda: SqliteStore(path=path, clock=FakeClock()), lambda: SqliteHistory(path=path)):
        with pytest.raises(StoreError, match=said) as refusal:
            opening()
        assert str(path) in str(refusal.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the folder .*nowhere does not exist"):
        SqliteStore(path=tmp_path / "nowhere" / "edge.sqlite", clock=FakeClock())


def test_history_of_nothing_makes_no_file(path: Path) -> None:
    with pytest.raises(StoreError, match="does it exist"):
        SqliteHistory(path=path)
    assert not path.exists()


def test_a_path_with_the_signs_of_an_address_is_only_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "50 % off? #1&mode=rwc.sqlite"
    SqliteStore(path=odd, clock=FakeClock()).close()
    assert SqliteHistory(path=odd).runs() == ()


# Migrations


def m002_tables(db: Database) -> None:
    db.executescript("CREATE TABLE tables (number INTEGER) STRICT; INSERT INTO tables VALUES (7);")


def m002_fails(db: Database) -> None:
    db.executescript("CREATE TABLE tables (number INTEGER) STRICT; DELETE FROM orders;")
    raise sqlite3.OperationalError("half way")


def m002_breaks_rows(db: Database) -> None:
    db.executescript("DELETE FROM runs;")


def _one_order(path: Path) -> None:
    """A database of version 1, as its agent left it."""
    open_migrated(path, migrations=(m001_events,)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_A_RUN)
        connection.execute(
            "INSERT INTO orders VALUES (NULL, 'till', '2026-01-31', 'A-1', 'open', 1, NULL, '', '', 0, '', '')"
        )


def test_a_new_database_needs_no_copy(path: Path) -> None:
    SqliteStore(path=path, clock=FakeClock()).close()
    assert [file.name for file in path.parent.iterdir()] == ["edge.sqlite"]


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    SqliteStore(path=path, clock=FakeClock()).close()
    assert SqliteHistory(path=path).orders() == ()


def test_opening_again_changes_nothing(path: Path) -> None:
    SqliteStore(path=path, clock=FakeClock()).close()
    schema = rows(path, "SELECT sql FROM sqlite_master ORDER BY name")
    SqliteStore(path=path, clock=FakeClock()).close()
    assert rows(path, "SELECT sql FROM sqlite_master ORDER BY name") == schema
    assert rows(path, "SELECT name FROM _sqlite_migrations") == [(m.__name__,) for m in MIGRATIONS]


def test_a_database_is_copied_before_it_is_migrated(path: Path) -> None:
    _one_order(path)
    open_migrated(path, migrations=(m001_events, m002_tables)).close()
    copy = path.with_name("edge.sqlite.before-2.sqlite")
    assert rows(copy, "SELECT order_id FROM orders") == [("A-1",)]
    assert rows(copy, "SELECT name FROM _sqlite_migrations") == [("m001_events",)]
    assert rows(path, "SELECT number FROM tables") == [(7,)]
    assert numbers(path, "orders") == 1
    with pytest.raises(StoreTooNew):
        SqliteStore(path=path, clock=FakeClock())


def test_a_database_of_version_1_is_copied_and_brought_up_to_date(path: Path) -> None:
    """Who ended an alert is known of what only people say; an old `fixed` counts as the checker's own."""
    _one_order(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO sessions VALUES (1, 1, 'left-0001', 'left', 0, 0, 0, 0, 9, 0, '')")
        for number, resolution in enumerate(("fixed", "system_wrong", "accepted", None)):
            connection.execute(
                "INSERT INTO alerts VALUES (NULL, 1, ?, 1, NULL, 'critical', 0, 0, 1, '[]', 1, '', 0, ?, 2, '')",
                (f"a{number}", resolution),
            )
    with pytest.raises(StoreError, match="older version"):
        SqliteHistory(path=path)
    with SqliteStore(path=path, clock=FakeClock()) as store:
        number = store.audit(Audit(run_id=1, session_id="left-0001", role=StaffRole.CREW, contents={"plate": 1}))
    history = SqliteHistory(path=path)
    said = [(a.resolution and a.resolution.value, a.by_staff, a.resolved_run) for a in reversed(history.alerts())]
    assert said == [
        ("fixed", False, None),
        ("system_wrong", True, None),
        ("accepted", True, None),
        (None, False, None),
    ]
    assert [o.key for o in history.orders()] == [key()]
    assert [a.number for a in history.audits()] == [number]
    copy = path.with_name("edge.sqlite.before-2.sqlite")
    assert rows(copy, "SELECT name FROM _sqlite_migrations") == [("m001_events",)]
    assert rows(copy, "SELECT count(*) FROM alerts") == [(4,)]
    assert rows(path, "PRAGMA foreign_key_check") == []


def test_a_database_of_version_2_is_copied_and_its_alerts_were_told_to_nobody(path: Path) -> None:
    """An alert of last week must not sound because the box was upgraded; its next one must."""
    open_migrated(path, migrations=(m001_events, m002_staff)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_A_RUN)
        connection.execute("INSERT INTO sessions VALUES (1, 1, 'left-0001', 'left', 0, 0, 0, 0, 9, 0, '')")
        connection.execute(
            "INSERT INTO alerts (run_id, alert_id, session_row, severity, late, swapped, sounds, lines, raised_at_s,"
            " recorded_at, monotonic_s) VALUES (1, 'old', 1, 'critical', 0, 0, 1, '[]', 1, '', 0)"
        )
    with SqliteStore(path=path, clock=FakeClock()) as store:
        outbox = SqliteOutbox(store=store)
        ended = AlertResolved(at_s=1.0, alert_id="old", resolution=Resolution.FIXED)
        store.commit(store.begin_run(Run(tells=True)), [ended, raised("new")])
        assert [(news.seq, news.told_id) for news in outbox.after(0, limit=9)] == [(1, "new")]
    assert [(r.run.tells, r.run.slots) for r in SqliteHistory(path=path).runs()] == [(True, {}), (False, {})]
    assert rows(path.with_name("edge.sqlite.before-3.sqlite"), "SELECT alert_id FROM alerts") == [("old",)]
    assert rows(path, "PRAGMA foreign_key_check") == []


def test_a_database_of_version_3_is_counted_and_made_searchable(path: Path, tmp_path: Path) -> None:
    """What was stored before is in the trends and in the history as if it had been counted from the beginning."""
    (tmp_path / "new").mkdir()
    with house_of("sqlite", tmp_path / "new") as house:
        house.tray(VerdictKind.MISMATCH, alert=True, ends=Resolution.FIXED, by_staff=True, then=VerdictKind.MATCH)
        house.tray(VerdictKind.UNSURE, order=house.order("B-2", number="7", channel="Drive"), slot="right")
        house.tray(VerdictKind.MATCH, order=house.order("T-3", test=True))
        house.tray(VerdictKind.MATCH, stays=True)
    newest = tmp_path / "new" / "edge.sqlite"
    _as_of_version_3(newest, path)
    SqliteStore(path=path, clock=FakeClock()).close()
    with closing(sqlite3.connect(path)) as migrated, closing(sqlite3.connect(newest)) as told:
        assert kept_and_counted(migrated) == kept_and_counted(told)
        assert words(migrated) == words(told)
        assert kept_and_counted(told)[0] != {}
    assert rows(path.with_name("edge.sqlite.before-4.sqlite"), "SELECT count(*) FROM sessions") == [(4,)]
    reporting = SqliteReporting(path=path, calendar=Calendar())
    assert [found.check.check_id for found in reporting.every_check(CheckSearch(channel="drive"))] == [3]
    assert len(reporting.store_id()) == 32


def test_a_store_without_a_clock_is_counted_all_the_same(path: Path) -> None:
    """A row whose time is empty must not make a database that no version of the agent opens."""
    open_migrated(path, migrations=MIGRATIONS[:3]).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_A_RUN)
        connection.execute("INSERT INTO orders VALUES (1, 'till', 'x', 'A', 'expired', 1, NULL, '', '', 0, '', '')")
    SqliteStore(path=path, clock=FakeClock()).close()
    told = "SELECT counted, at, item, station, n FROM tallies"
    assert rows(path, told) == [("order", 0, "no_tray", "", 1)] * 2, "by quarters and by hours"


def _as_of_version_3(newest: Path, path: Path) -> None:
    """The same rows, as the agent of version 3 left them."""
    open_migrated(path, migrations=MIGRATIONS[:3]).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS new", (str(newest),))
        tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite%'"
        for (table,) in connection.execute(tables).fetchall():
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
        connection.commit()


def test_a_listener_that_fails_does_not_end_the_writer(path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with SqliteStore(path=path, clock=FakeClock(), on_told=fail) as store:
        run_id = store.begin_run(Run(tells=True))
        assert store.commit(run_id, [raised()]).to_tell == 1
        assert store.commit(run_id, [raised("another")]).to_tell == 1


@pytest.mark.parametrize("migration", [m002_fails, m002_breaks_rows])
def test_a_migration_that_fails_leaves_the_database_as_it_was(
    path: Path, migration: Callable[[Database], None]
) -> None:
    """Twice: the second attempt replaces the copy of the first."""
    _one_order(path)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"edge\.sqlite: "):
            open_migrated(path, migrations=(m001_events, migration))
    assert rows(path, "SELECT name FROM _sqlite_migrations") == [("m001_events",)]
    assert numbers(path, "orders") == numbers(path, "runs") == 1
    assert sorted(file.name for file in path.parent.iterdir()) == ["edge.sqlite", "edge.sqlite.before-2.sqlite"]


def test_two_processes_that_open_at_once_migrate_once(path: Path) -> None:
    """Here two threads, held back until both are about to begin."""
    together, failures = threading.Barrier(2, timeout=30), []

    def start() -> None:
        together.wait()
        try:
            open_migrated(path).close()
        except StoreError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert numbers(path, "_sqlite_migrations") == len(MIGRATIONS)


# The writer


class Gate:
    """A job that keeps the writer busy until it is opened."""

    def __init__(self, writer: SqliteWriter) -> None:
        self._entered, self._open = threading.Event(), threading.Event()
        writer.submit(Job(work=self._work), awaited=False)
        assert self._entered.wait(30)

    def _work(self, _: sqlite3.Connection) -> None:
        self._entered.set()
        self._open.wait(30)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def writer(path: Path) -> Iterator[SqliteWriter]:
    connection = open_migrated(path)
    made = SqliteWriter(connection=connection, path=path, patience_s=0.01, most_waiting=5, most_waiting_bytes=1_000)
    yield made
    made.close()


def test_a_full_queue_is_busy_and_what_it_took_is_stored(writer: SqliteWriter, path: Path) -> None:
    gate = Gate(writer)

    def add(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO orders VALUES (NULL, 'till', '', hex(randomblob(8)), 'open', 1, NULL, '', '', 0, '', '')"
        )

    writer.submit(Job(work=lambda c: c.execute(_A_RUN).rowcount), awaited=False)
    taken = [writer.submit(Job(work=add), awaited=True) for _ in range(4)]
    with pytest.raises(StoreBusy, match="try again"):
        writer.submit(Job(work=add), awaited=False)
    gate.open()
    for done in taken:
        done.result(30)
    writer.flush()
    assert numbers(path, "orders") == 4


_A_RUN = (
    "INSERT INTO runs (id, station, source, model_name, model_version, model_sha256, menu_sha256, agent_version,"
    " provider, boot_id, started_at, started_monotonic_s) VALUES (1, '', '', '', '', '', '', '', '', '', '', 0)"
)


def test_pictures_that_wait_are_bounded_by_their_size(writer: SqliteWriter) -> None:
    gate = Gate(writer)
    writer.submit(Job(work=lambda _: None, size_bytes=900), awaited=False)
    with pytest.raises(StoreBusy):
        writer.submit(Job(work=lambda _: None, size_bytes=200), awaited=False)
    writer.submit(Job(work=lambda _: None, size_bytes=100), awaited=False)
    gate.open()
    writer.flush()
    writer.submit(Job(work=lambda _: None, size_bytes=5_000), awaited=False)


def test_what_waits_shares_a_transaction(path: Path) -> None:
    connection = open_migrated(path)
    writer = SqliteWriter(connection=connection, path=path)
    gate = Gate(writer)
    said: list[str] = []
    connection.set_trace_callback(said.append)
    waiting = [writer.submit(Job(work=lambda _: None), awaited=True) for _ in range(MAX_BATCH + 1)]
    gate.open()
    for done in waiting:
        done.result(30)
    writer.close()
    assert said.count("BEGIN IMMEDIATE") == 2
    assert said.count("COMMIT") == 3, "that of the gate, too"


def test_closing_writes_what_waits(path: Path) -> None:
    with SqliteStore(path=path, clock=FakeClock()) as store:
        gate = Gate(store._writer)
        for n in range(100):
            store._writer.submit(Job(work=_numbered(n)), awaited=False)
        gate.open()
    assert rows(path, "SELECT count(*), max(id) FROM runs") == [(100, 100)]


def _numbered(n: int) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(_A_RUN.replace("(1,", "(?,"), (n + 1,)).rowcount


@pytest.mark.parametrize("error", [ValueError("odd"), sqlite3.IntegrityError("odd"), KeyError("odd")])
def test_the_writer_outlives_whatever_a_job_raises(writer: SqliteWriter, error: Exception) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise error

    with pytest.raises(StoreError, match="odd") as failure:
        writer.wait(fail)
    assert failure.value.__cause__ is error
    assert writer.wait(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)


def test_leaving_the_store_raises_what_was_lost(path: Path) -> None:
    store = SqliteStore(path=path, clock=FakeClock())
    for _ in range(2):
        store.record(999, [accepted()])
    with pytest.raises(StoreError, match="2 times"), store:
        pass


def test_leaving_the_store_does_not_hide_the_error_that_ended_it(path: Path) -> None:
    store = SqliteStore(path=path, clock=FakeClock())
    store.record(999, [accepted()])
    with pytest.raises(ZeroDivisionError), store:
        raise ZeroDivisionError


def test_events_are_stored_all_or_none(store: SqliteStore) -> None:
    run_id = store.begin_run(Run())
    store.commit(run_id, [raised()])
    with pytest.raises(StoreError, match="UNIQUE"):
        store.commit(run_id, [accepted("B-1"), raised()])
    assert SqliteHistory(path=store.path).order(key("B-1")) is None


def test_a_full_disk_fails_the_order_and_not_the_next_one(store: SqliteStore) -> None:
    """`max_page_count` makes SQLite say what it says on a full disk, and roll back by itself."""
    run_id, connection = store.begin_run(Run()), store._writer._connection
    connection.execute("PRAGMA max_page_count = 1")
    too_much = [replace(accepted(), order=replace(order(f"full-{n}"), notes="x" * 2_000)) for n in range(100)]
    with pytest.raises(StoreError, match="full"):
        store.commit(run_id, too_much)
    assert SqliteHistory(path=store.path).orders() == ()
    connection.execute("PRAGMA max_page_count = 1000000")
    store.commit(run_id, [accepted("B-1")])
    assert SqliteHistory(path=store.path).order(key("B-1")) is not None


def test_every_kind_of_event_can_be_stored(store: SqliteStore) -> None:
    """A new kind of event that the store does not know would vanish without a word."""
    events: list[Event] = [
        accepted(),
        OrderIgnored(at_s=1.0, key=key(), revision=1, known_revision=1),
        OrderMoved(at_s=1.0, key=key(), state=OrderState.PRESENTED),
        SessionStarted(at_s=1.0, slot_id="left", session_id="left-0001"),
        SessionResumed(at_s=1.0, session_id="left-0001"),
        TraySettled(at_s=1.0, session_id="left-0001", still_since_s=0.5),
        reached(),
        raised(),
        AlertResolved(at_s=1.0, alert_id="left-0001-alert-1", resolution=Resolution.ACCEPTED),
        left(reached()),
    ]
    assert {type(event) for event in events} == set(get_args(Event))
    store.commit(store.begin_run(Run()), events)
    assert rows(store.path, "SELECT state FROM order_moves") == [("presented",)]


def test_a_check_keeps_the_revision_it_was_judged_against(store: SqliteStore) -> None:
    run_id = store.begin_run(Run())
    store.commit(run_id, [accepted(revision=1), reached(), accepted(revision=2, sku="bowl"), reached()])
    judged = "SELECT r.revision FROM check_orders AS co JOIN order_revisions AS r ON r.id = co.revision_row"
    assert rows(store.path, f"{judged} ORDER BY co.check_id") == [(1,), (2,)]


def test_a_snapshot_can_be_read_with_the_tools_of_sqlite(store: SqliteStore) -> None:
    store.commit(store.begin_run(Run()), [accepted()])
    asked = "SELECT json_extract(snapshot, '$.lines[0].sku'), json_extract(snapshot, '$.notes') FROM order_revisions"
    assert rows(store.path, asked) == [("plate", "no nuts")]


# Pictures


def test_a_picture_is_whole_named_by_us_and_described(store: SqliteStore) -> None:
    run_id = store.begin_run(Run())
    session = "../../etc/passwd"
    store.commit(run_id, [reached(session)], evidence=[Evidence(session_id=session, at_s=2.5, jpeg=JPEG)])
    (file,) = [f for f in store.path.parent.rglob("*") if f.suffix in {".jpg", ".tmp"}]
    ((name, size, sha256),) = rows(store.path, "SELECT path, bytes, sha256 FROM evidence")
    assert file == store.path.with_name("edge.sqlite.pictures") / str(name)
    assert (file.read_bytes(), file.parent.name) == (JPEG, "2026-01-31")
    assert (size, sha256) == (len(JPEG), hashlib.sha256(JPEG).hexdigest())


@pytest.mark.parametrize("name", ["../edge.sqlite", "/etc/passwd", "2026-01-31/../../x.jpg", "", "."])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="is no picture"):
        PictureFolder(folder=tmp_path / "pictures").path_of(name)


def test_a_picture_that_cannot_be_written_costs_no_verdict(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.pictures.folder.write_text("in the way")
    run_id, picture = store.begin_run(Run()), Evidence(session_id="left-0001", at_s=2.5, jpeg=JPEG)
    for _ in range(2):
        assert store.commit(run_id, [reached()], evidence=[picture]).pictures_lost == 1
    assert [c.pictures for c in SqliteHistory(path=store.path).checks()] == [(), ()]
    assert rows(store.path, "SELECT path, removed_because LIKE 'not written: %' FROM evidence") == [(None, 1)] * 2
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1, "the first failure is said, once"


def test_a_picture_of_what_was_not_stored_is_taken_back(store: SqliteStore) -> None:
    picture = Evidence(session_id="left-0001", at_s=2.5, jpeg=JPEG)
    run_id = store.begin_run(Run())
    store.commit(run_id, [raised()])
    with pytest.raises(StoreError):
        store.commit(run_id, [reached()], evidence=[picture, replace(picture, at_s=float("nan"))])
    assert list(store.path.parent.rglob("*.jpg")) == []


# Speed: by plan, since time depends on the machine


def _filters() -> list[CheckFilter]:
    some = {"before": 9, "run_id": 1, "order": key(), "verdict": VerdictKind.MATCH, "final": True}
    assert set(some) == {f.name for f in fields(CheckFilter)}
    return [CheckFilter(**{n: some[n] for n in names}) for names in _subsets(list(some))]  # type: ignore[arg-type]


def _subsets(names: list[str]) -> list[list[str]]:
    return [[n for i, n in enumerate(names) if bits >> i & 1] for bits in range(2 ** len(names))]


@pytest.mark.parametrize("wanted", _filters(), ids=str)
def test_no_page_of_checks_reads_or_sorts_the_whole_table(store: SqliteStore, wanted: CheckFilter) -> None:
    """Reading the table from its newest end is fine: the page ends it. Sorting reads all of it first."""
    plan = _plan(store.path, sqlite_queries.newest_checks(wanted, limit=50))
    assert "TEMP B-TREE" not in plan
    if wanted.order is not None:
        assert "SEARCH co USING PRIMARY KEY" in plan
    elif wanted.verdict is not None and wanted.run_id is not None:
        assert "checks_by_run_and_verdict (run_id=? AND verdict=?" in plan
    elif wanted.verdict is not None or wanted.run_id is not None:
        assert "SEARCH c USING INDEX" in plan
    elif wanted.before is not None:
        assert "SEARCH c USING INTEGER PRIMARY KEY" in plan


@pytest.mark.parametrize(
    ("query", "uses"),
    [
        (sqlite_queries.newest_orders(limit=50, before=None, state=OrderState.OPEN), "orders_by_state"),
        (sqlite_queries.newest_orders(limit=50, before=9, state=OrderState.OPEN), "orders_by_state"),
        (sqlite_queries.newest_alerts(limit=50, before=None, open_only=True), "alerts_open"),
        (sqlite_queries.newest_alerts(limit=50, before=9, open_only=False), "SEARCH a USING INTEGER PRIMARY KEY"),
        (sqlite_queries.newest_runs(limit=50, before=9), "SEARCH runs USING INTEGER PRIMARY KEY"),
        ((sqlite_queries.SESSION, (1, "a")), "sqlite_autoindex_sessions"),
        (sqlite_queries.newest_audits(limit=50, before=9), "SEARCH u USING INTEGER PRIMARY KEY"),
        (sqlite_queries.newest_sessions(limit=50, before=9, since=""), "SEARCH sessions USING INTEGER PRIMARY KEY"),
        ((sqlite_queries.ORDER, ("a", "b", "c")), "sqlite_autoindex_orders"),
        ((sqlite_queries.REVISIONS, ("a", "b", "c")), "order_revisions_by_order"),
        ((sqlite_queries.STEPS_PENDING, (50,)), "outbox_pending"),
        ((sqlite_queries.NUMBER_PENDING, ()), "outbox_pending"),
        ((sqlite_queries.STEPS_AFTER, (9, 50)), "SEARCH x USING INTEGER PRIMARY KEY (rowid>?)"),
        ((sqlite_queries.STEPS_STANDING, ()), "alerts_open"),
        ((sqlite_rows.TELL_RESOLVED, ("", 1)), "sqlite_autoindex_outbox"),
    ],
)
def test_other_questions_use_their_index_without_sorting(store: SqliteStore, query: Query, uses: str) -> None:
    plan = _plan(store.path, query)
    assert uses in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "sql",
    [
        sqlite_queries.LINES_OF_CHECKS,
        sqlite_queries.ORDERS_OF_CHECKS,
        sqlite_queries.PICTURES_OF_CHECKS,
        sqlite_queries.ORDERS_OF_ALERTS,
        sqlite_queries.CHECKS_OF_SESSIONS,
        sqlite_queries.ALERTS_OF_SESSIONS,
        sqlite_queries.AUDITS_OF_SESSIONS,
        sqlite_queries.CONFIRMATIONS_OF_SESSIONS,
        sqlite_queries.SNAPSHOTS_OF_CHECKS,
        sqlite_queries.SLOTS_OF_RUNS,
    ],
)
def test_what_belongs_to_a_page_is_looked_up_row_by_row(store: SqliteStore, sql: str) -> None:
    """Only the page's own numbers may be scanned."""
    plan = _plan(store.path, (sql, ("[1,2]",)))
    assert [line.split()[1] for line in plan.splitlines() if line.startswith("SCAN")] == ["n"]


def _plan(path: Path, query: Query) -> str:
    sql, values = query
    return "\n".join(str(row[3]) for row in rows(path, f"EXPLAIN QUERY PLAN {sql}", *values))


# Round trips


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).map(str.strip).filter(bool)
lines = st.recursive(
    st.builds(OrderLine, sku=names, quantity=st.integers(1, 999), name=names, voided=st.booleans()),
    lambda below: st.builds(
        OrderLine,
        sku=names,
        children=st.lists(below, max_size=2).map(tuple),
        modifiers=st.lists(names, max_size=2).map(tuple),
    ),
    max_leaves=3,
)


@given(st.builds(Order, order_id=names, lines=st.lists(lines, max_size=3).map(tuple), notes=names, test=st.booleans()))
def test_every_snapshot_comes_back_as_it_was(value: Order) -> None:
    assert sqlite_json.order_from_text(sqlite_json.order_to_text(value)) == value


def test_a_short_snapshot_is_read_once_and_a_long_one_anew() -> None:
    """A thousand orders as large as the API takes would fill the memory of a box."""
    longest = sqlite_json.order_to_text(order("41")).ljust(sqlite_json.LONGEST_KEPT)
    assert sqlite_json.order_from_text(longest) is sqlite_json.order_from_text(longest)
    longer = longest + " "
    assert sqlite_json.order_from_text(longer) is not sqlite_json.order_from_text(longer)
    assert sqlite_json.order_from_text(longer) == sqlite_json.order_from_text(longest)


counts = st.builds(
    lambda name, low, mid, high, confidence, doubt: ClassCount(
        class_name=name, surely=low, likely=low + mid, possibly=low + mid + high, confidence=confidence, doubt=doubt
    ),
    names,
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.floats(0, 1),
    st.none() | st.sampled_from(Doubt),
)


@given(st.builds(Contents, st.lists(counts, max_size=4).map(tuple), unclear=st.none() | st.sampled_from(Doubt)))
def test_all_contents_come_back_as_they_were(value: Contents) -> None:
    assert sqlite_json.contents_from_text(sqlite_json.contents_to_text(value)) == value


# Killed


def test_whatever_was_acknowledged_survives_kill_9(path: Path) -> None:
    """Three times on one database, each time at another moment. A kill is no power cut: strace tests those."""
    acknowledged: list[str] = []
    for wanted in (1, 23, 60):
        acknowledged += _kill_after(path, wanted)
        history = SqliteHistory(path=path)
        assert {name for name in acknowledged if history.order(key(name)) is None} == set()
        for name in acknowledged:
            (check,) = history.checks(order=key(name))
            (picture,) = check.pictures
            assert (path.with_name("edge.sqlite.pictures") / picture).read_bytes() == JPEG * 1_000
        named = {o.order_id for a in history.alerts(limit=1_000) for o in a.alert.orders}
        assert len(history.alerts(limit=1_000)) >= len(acknowledged), named
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        assert rows(path, "PRAGMA foreign_key_check") == []
        with closing(sqlite3.connect(path)) as connection:
            kept, counted = kept_and_counted(connection)
            found = words(connection)
        assert kept == counted, "the counts are committed with what they count"
        assert sum(n for (kind, *_), n in kept.items() if kind == "tray") >= len(acknowledged)
        assert found[0::2] == found[1::2]


def _kill_after(path: Path, rounds: int) -> list[str]:
    command = [sys.executable, "-m", "tests.store_victim", str(path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        said = [victim.stdout.readline() for _ in range(rounds)]
        victim.kill()
        said += victim.stdout.readlines()
    assert victim.returncode == -9
    return [line.strip() for line in said if line.endswith("\n")]
