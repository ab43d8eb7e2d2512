"""Version 2: what the staff said: blind audits, confirmations, and whether it was a person who ended an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# The checker never says `system_wrong` or `accepted` by itself; of a `fixed` before this migration nobody knows who
# said it, so it counts as the checker's.
_SCHEMA = """
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


def m002_staff(db: Database) -> None:
    """What the staff said: blind audits, confirmations, and whether it was a person who ended an alert."""
    db.executescript(_SCHEMA)
