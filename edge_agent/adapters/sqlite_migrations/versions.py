"""All versions of the schema, in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_agent.adapters.sqlite_migrations.v001_events import m001_events
from edge_agent.adapters.sqlite_migrations.v002_staff import m002_staff
from edge_agent.adapters.sqlite_migrations.v003_outbox import m003_outbox
from edge_agent.adapters.sqlite_migrations.v004_reporting import m004_reporting
from edge_agent.adapters.sqlite_migrations.v005_sightings import m005_sightings

if TYPE_CHECKING:
    from sqlite_utils import Database

MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    m001_events,
    m002_staff,
    m003_outbox,
    m004_reporting,
    m005_sightings,
)
"""Each is applied under the name of its function."""
