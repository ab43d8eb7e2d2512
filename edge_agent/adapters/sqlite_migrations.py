"""The schema of the store as a row of migrations (sqlite-utils), and how a database is opened and brought up to date.

A migration, once released, is never edited: a later one changes what it made. `docs/reference/store.md` describes
the result.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.adapters.picture_folder import sync_folder
from edge_agent.errors import StoreError, StoreTooNew

if TYPE_CHECKING:
    from sqlite_utils import Database

MIGRATION_SET = "edge_agent"
BUSY_TIMEOUT_S = 5.0

_APPLIED = "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
_LEDGER = "_sqlite_migrations"
_IN_FORCE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
"""What the writer must run under: FULL (2) makes a commit survive a power cut, which WAL's usual NORMAL does not."""

_IN_WORDS = {
    "file is not a database": "this file is no SQLite database; point the agent at another file",
    "malformed": "the database is damaged ({said}); restore a backup, or move it away to start a new one",
    "unable to open": "the database cannot be opened: does it exist, and may this user read and write it?",
    "disk is full": "the disk is full; make room",
    "disk I/O error": "the disk does not do as it is told ({said}): is it full, or broken?",
    "readonly database": "the database cannot be written to: is the disk read-only, or the file another user's?",
    "locked": "another process keeps the database locked",
}
"""What SQLite says, by a sign in its text, and what that means."""


def m001_events(db: Database) -> None:
    """Runs, orders, sessions, checks, alerts, evidence."""
    db.executescript(_EVENTS)


def m002_staff(db: Database) -> None:
    """What the staff said: blind audits, confirmations, and whether it was a person who ended an alert."""
    db.executescript(_STAFF)


def m003_outbox(db: Database) -> None:
    """What people must be told of and whether they were; which station each slot of a run belongs to."""
    db.executescript(_OUTBOX)


MIGRATIONS: tuple[Callable[[Database], None], ...] = (m001_events, m002_staff, m003_outbox)
"""All of them, in their order; each is applied under the name of its function."""


def open_migrated(path: Path, *, migrations: Sequence[Callable[[Database], None]] = MIGRATIONS) -> sqlite3.Connection:
    """Open the database for writing, made or brought up to date where needed; an existing one is copied before that.

    The connection may be used by any thread, one at a time, and leaves transactions to its user.

    Raises:
        StoreTooNew: a newer version of the agent wrote it; nothing was changed.
        StoreError: it is no database, not ours, or cannot be opened, copied or changed; the sentence names the file.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist")
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        _migrate(connection, path, migrations)
        _put_in_force(connection, path)
    except sqlite3.Error as refusal:
        if connection is not None:
            connection.close()
        raise StoreError(in_words(path, refusal)) from refusal
    except StoreError:
        if connection is not None:
            connection.close()
        raise
    return connection


def pending(
    connection: sqlite3.Connection, path: Path, *, migrations: Sequence[Callable[[Database], None]] = MIGRATIONS
) -> list[str]:
    """The names of the migrations that the database lacks; changes nothing.

    Raises:
        StoreTooNew: it has some that this agent does not know.
        StoreError: it is an SQLite database of something else.
    """
    tables = {name for (name,) in connection.execute(_TABLES)}
    applied = [name for (name,) in connection.execute(_APPLIED, (MIGRATION_SET,))] if _LEDGER in tables else []
    names = [migration.__name__ for migration in migrations]
    if unknown := [name for name in applied if name not in names]:
        raise StoreTooNew(
            f"{path}: a newer version of the agent wrote this database (it has '{unknown[-1]}', this agent ends at "
            f"'{names[-1]}'): upgrade the agent, or point it at another file"
        )
    if not applied and tables - {_LEDGER}:
        raise StoreError(
            f"{path}: this is an SQLite database, but none of the agent's; point the agent at another file"
        )
    return [name for name in names if name not in applied]


def in_words(path: Path, refusal: sqlite3.Error) -> str:
    """One sentence that names the file, for what SQLite says about it."""
    said = str(refusal)
    if path.is_dir():
        return f"{path}: this is a folder, no database"
    meant = next((words for sign, words in _IN_WORDS.items() if sign in said), "the database refused: {said}")
    return f"{path}: {meant.format(said=said)}"


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Callable[[Database], None]]) -> None:
    missing = pending(connection, path, migrations=migrations)
    if not missing:
        return
    # Imported only now: it takes longer to load than all the rest, and starting fast is a budget.
    from sqlite_utils import Database, Migrations

    if len(missing) < len(migrations):
        _copy(connection, path, len(migrations) - len(missing) + 1)
    registered = Migrations(MIGRATION_SET)
    for migration in migrations:
        registered()(migration)
    # A migration may rebuild a table that others refer to, which foreign keys would turn into deleting their rows;
    # the pragma does nothing inside a transaction. What was rebuilt is held to the keys before it is committed.
    connection.execute("PRAGMA foreign_keys = OFF")
    # One transaction around all: two processes that start at once do not migrate twice, a crash leaves nothing half.
    connection.execute("BEGIN IMMEDIATE")
    try:
        registered.apply(Database(connection, execute_plugins=False))
        if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise StoreError(
                f"{path}: bringing the database up to date would break rows of '{broken[0]}'; nothing was changed"
            )
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _copy(connection: sqlite3.Connection, path: Path, number: int) -> None:
    """Keep the database as it is before migration `number`; the copy of an earlier attempt is replaced by this one."""
    copy = path.with_name(f"{path.name}.before-{number}.sqlite")
    unfinished = copy.with_name(f"{copy.name}.tmp")
    try:
        unfinished.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(copy)
        sync_folder(path.parent)
    except (OSError, sqlite3.Error) as refusal:
        unfinished.unlink(missing_ok=True)
        raise StoreError(
            f"{path}: it cannot be copied to {copy} before it is brought up to date: {refusal}"
        ) from refusal


def _put_in_force(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # After a burst the log would keep its largest size for ever.
    connection.execute("PRAGMA journal_size_limit = 16777216")
    for pragma, wanted in _IN_FORCE.items():
        with closing(connection.execute(f"PRAGMA {pragma}")) as answer:
            (found,) = answer.fetchone()
        if found != wanted:
            raise StoreError(
                f"{path}: SQLite answers {pragma}={found} where {wanted} is needed; is it on a network drive?"
            )


_EVENTS = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    station TEXT NOT NULL,
    source TEXT NOT NULL,
    model_name TEXT NOT NULL,
    model_version TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    menu_sha256 TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    provider TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    started_at TEXT NOT NULL,
    started_monotonic_s REAL NOT NULL,
    ended_at TEXT
) STRICT;

CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    business_day TEXT NOT NULL,
    order_id TEXT NOT NULL,
    state TEXT NOT NULL,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    revision_row INTEGER REFERENCES order_revisions (id),
    display_number TEXT NOT NULL DEFAULT '',
    channel TEXT NOT NULL DEFAULT '',
    test INTEGER NOT NULL DEFAULT 0,
    recorded_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (source, business_day, order_id)
) STRICT;
CREATE INDEX orders_by_state ON orders (state);
CREATE INDEX orders_by_revision ON orders (revision_row);

CREATE TABLE order_revisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_row INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    revision INTEGER NOT NULL,
    snapshot TEXT NOT NULL,
    at_s REAL NOT NULL,
    recorded_at TEXT NOT NULL,
    monotonic_s REAL NOT NULL
) STRICT;
CREATE INDEX order_revisions_by_order ON order_revisions (order_row);

CREATE TABLE order_moves (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_row INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    state TEXT NOT NULL,
    at_s REAL NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE INDEX order_moves_by_order ON order_moves (order_row);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    session_id TEXT NOT NULL,
    slot_id TEXT NOT NULL,
    arrived_s REAL NOT NULL,
    settled_at_s REAL,
    still_since_s REAL,
    last_seen_s REAL,
    left_at_s REAL,
    resumed INTEGER NOT NULL DEFAULT 0,
    recorded_at TEXT NOT NULL,
    UNIQUE (run_id, session_id)
) STRICT;

CREATE TABLE checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    session_row INTEGER NOT NULL REFERENCES sessions (id),
    is_final INTEGER NOT NULL DEFAULT 0,
    verdict TEXT NOT NULL,
    association TEXT NOT NULL,
    late INTEGER NOT NULL,
    allergy INTEGER NOT NULL,
    at_s REAL NOT NULL,
    still_since_s REAL NOT NULL,
    contents TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    monotonic_s REAL NOT NULL
) STRICT;
CREATE INDEX checks_by_run ON checks (run_id);
CREATE INDEX checks_by_run_and_verdict ON checks (run_id, verdict);
CREATE INDEX checks_by_session ON checks (session_row);
CREATE INDEX checks_by_verdict ON checks (verdict);
CREATE INDEX checks_final_by_verdict ON checks (verdict) WHERE is_final = 1;
CREATE INDEX checks_by_time ON checks (recorded_at);
CREATE UNIQUE INDEX checks_one_final ON checks (session_row) WHERE is_final = 1;

CREATE TABLE check_lines (
    check_id INTEGER NOT NULL REFERENCES checks (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    skus TEXT NOT NULL,
    name TEXT NOT NULL,
    expected INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    result TEXT NOT NULL,
    off_by INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (check_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_orders (
    order_row INTEGER NOT NULL REFERENCES orders (id),
    check_id INTEGER NOT NULL REFERENCES checks (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    revision_row INTEGER REFERENCES order_revisions (id),
    PRIMARY KEY (order_row, check_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_orders_by_check ON check_orders (check_id);
CREATE INDEX check_orders_by_revision ON check_orders (revision_row);

CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    alert_id TEXT NOT NULL,
    session_row INTEGER NOT NULL REFERENCES sessions (id),
    check_id INTEGER REFERENCES checks (id),
    severity TEXT NOT NULL,
    late INTEGER NOT NULL,
    swapped INTEGER NOT NULL,
    sounds INTEGER NOT NULL,
    lines TEXT NOT NULL,
    raised_at_s REAL NOT NULL,
    recorded_at TEXT NOT NULL,
    monotonic_s REAL NOT NULL,
    resolution TEXT,
    resolved_at_s REAL,
    resolved_at TEXT,
    UNIQUE (run_id, alert_id)
) STRICT;
CREATE INDEX alerts_by_session ON alerts (session_row);
CREATE INDEX alerts_by_check ON alerts (check_id);
CREATE INDEX alerts_by_time ON alerts (recorded_at);
CREATE INDEX alerts_by_name ON alerts (alert_id);
CREATE INDEX alerts_open ON alerts (resolution) WHERE resolution IS NULL;

CREATE TABLE alert_orders (
    order_row INTEGER NOT NULL REFERENCES orders (id),
    alert_row INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (order_row, alert_row)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_orders_by_alert ON alert_orders (alert_row);

CREATE TABLE evidence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_row INTEGER NOT NULL REFERENCES sessions (id),
    check_id INTEGER REFERENCES checks (id),
    at_s REAL NOT NULL,
    path TEXT,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    removed_at TEXT,
    removed_because TEXT
) STRICT;
CREATE INDEX evidence_by_session ON evidence (session_row);
CREATE INDEX evidence_by_check ON evidence (check_id);
CREATE INDEX evidence_kept ON evidence (recorded_at) WHERE path IS NOT NULL;
"""

# The checker never says `system_wrong` or `accepted` by itself; of a `fixed` before this migration nobody knows who
# said it, so it counts as the checker's.
_STAFF = """
ALTER TABLE alerts ADD COLUMN by_staff INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN resolved_run INTEGER REFERENCES runs (id);
UPDATE alerts SET by_staff = 1 WHERE resolution IN ('system_wrong', 'accepted');
CREATE INDEX alerts_by_resolved_run ON alerts (resolved_run);

CREATE TABLE audits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    session_row INTEGER NOT NULL REFERENCES sessions (id),
    check_id INTEGER REFERENCES checks (id),
    answer TEXT NOT NULL,
    contents TEXT NOT NULL,
    role TEXT NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE INDEX audits_by_session ON audits (session_row);
CREATE INDEX audits_by_check ON audits (check_id);
CREATE INDEX audits_by_time ON audits (recorded_at);

CREATE TABLE confirmations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    session_row INTEGER NOT NULL REFERENCES sessions (id),
    check_id INTEGER NOT NULL REFERENCES checks (id),
    role TEXT NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE INDEX confirmations_by_session ON confirmations (session_row);
CREATE INDEX confirmations_by_check ON confirmations (check_id);
"""

# Of an alert from before this migration nobody was told over the network, so it gets no row.
_OUTBOX = """
ALTER TABLE runs ADD COLUMN tells INTEGER NOT NULL DEFAULT 0;

CREATE TABLE run_slots (
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    slot_id TEXT NOT NULL,
    station TEXT NOT NULL,
    PRIMARY KEY (run_id, slot_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_row INTEGER NOT NULL REFERENCES alerts (id),
    step TEXT NOT NULL,
    station TEXT NOT NULL,
    at TEXT NOT NULL,
    delivered_at TEXT,
    UNIQUE (alert_row, step)
) STRICT;
CREATE INDEX outbox_pending ON outbox (seq) WHERE delivered_at IS NULL;
"""
