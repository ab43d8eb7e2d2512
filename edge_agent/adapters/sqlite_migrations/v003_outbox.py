"""Version 3: what people must be told of and whether they were; which station each slot of a run belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# Of an alert from before this migration nobody was told over the network, so it gets no row.
_SCHEMA = """
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


def m003_outbox(db: Database) -> None:
    """What people must be told of and whether they were; which station each slot of a run belongs to."""
    db.executescript(_SCHEMA)
