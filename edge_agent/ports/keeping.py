"""What takes away what was kept for long enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What one bite took away. Nothing at all means that nothing (more) could go."""

    pictures: int = 0
    bytes: int = 0
    records: int = 0

    def __bool__(self) -> bool:
        return bool(self.pictures or self.records)

    def __add__(self, other: Removed) -> Removed:
        return Removed(
            pictures=self.pictures + other.pictures,
            bytes=self.bytes + other.bytes,
            records=self.records + other.records,
        )


class Retention(Protocol):
    """Removes what has lasted long enough, and pictures where there are too many; in bites that block nobody for long.

    Evidence of open alerts is never touched. All of its methods raise StoreError where the database does not answer,
    and StoreBusy where too much is waiting to be written.
    """

    def excess_bytes(self) -> int:
        """By how much the pictures are too many, for their limit or for the disk; 0 where they are not."""
        ...

    def make_room(self, owed_bytes: int) -> Removed:
        """Remove some of the oldest pictures, by the order in which they came, until that much is gone."""
        ...

    def expire(self) -> Removed:
        """Remove some pictures that are too old, by the wall clock."""
        ...

    def forget(self) -> Removed:
        """Remove some records that are too old, by the wall clock."""
        ...

    def sweep(self) -> Removed:
        """Remove some files that a crash left, which no record names and which are too old, by the wall clock."""
        ...

    def last_recorded_at(self) -> datetime | None:
        """The wall time of the newest record, as the box believed it; None where there is none."""
        ...
