"""Version 5: what was seen in each picture, so that whoever looks back sees where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def m005_sightings(db: Database) -> None:
    """Boxes beside the pictures; of pictures from before nobody knows them."""
    db.execute("ALTER TABLE evidence ADD COLUMN sighting TEXT")
