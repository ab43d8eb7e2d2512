"""Version 1: runs, orders, sessions, checks, alerts, evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_SCHEMA = """
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


def m001_events(db: Database) -> None:
    """Runs, orders, sessions, checks, alerts, evidence."""
    db.executescript(_SCHEMA)
