"""The schema of the store as a row of migrations (sqlite-utils), one file per version.

A migration, once released, is never edited: a later one changes what it made. `docs/reference/store.md` describes
the result.
"""

from __future__ import annotations

from edge_agent.adapters.sqlite_migrations.opening import (
    BUSY_TIMEOUT_S,
    MIGRATION_SET,
    in_words,
    open_migrated,
    pending,
)
from edge_agent.adapters.sqlite_migrations.v001_events import m001_events
from edge_agent.adapters.sqlite_migrations.v002_staff import m002_staff
from edge_agent.adapters.sqlite_migrations.v003_outbox import m003_outbox
from edge_agent.adapters.sqlite_migrations.v004_reporting import m004_reporting
from edge_agent.adapters.sqlite_migrations.v005_sightings import m005_sightings
from edge_agent.adapters.sqlite_migrations.versions import MIGRATIONS

__all__ = [
    "BUSY_TIMEOUT_S",
    "MIGRATIONS",
    "MIGRATION_SET",
    "in_words",
    "m001_events",
    "m002_staff",
    "m003_outbox",
    "m004_reporting",
    "m005_sightings",
    "open_migrated",
    "pending",
]
