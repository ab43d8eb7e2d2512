"""What is removed from the store: pictures and records whose time is over, and pictures that no longer fit.

The file goes before its row. A crash between the two leaves a row whose picture is gone: readers find nothing, and the
next round puts the row right, since it is still due. The other order would leave a picture that no record names, kept
beyond its time; and on a full disk, where no row can be written, it could not free a byte. The folder is forced to the
disk before the row, so that no power cut brings a file back which the row calls removed.

Due rows are looked for on a reading connection, which blocks nobody. They are removed by short jobs of the one writer:
it also writes alerts and pictures, so nothing can become evidence, or appear, between the last look and the removal.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from edge_agent.adapters.picture_folder import PictureFolder
from edge_agent.adapters.sqlite_history import reading
from edge_agent.adapters.sqlite_tallies import Recount, forget_words
from edge_agent.errors import StoreError
from edge_agent.formats.whole_file import sync_folder
from edge_agent.ports import Clock
from edge_agent.ports.keeping import Removed
from edge_agent.settings import StoreSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")

BITE_PICTURES = 16
BITE_SESSIONS = 20
BITE_ORDERS = 100
"""So much in one job of the writer: some milliseconds, and one fsync per folder."""

PLAUSIBLE = "2024"
"""An earlier stamp is of a box whose clock was not set yet. It tells no age; the records after it do."""

EXPIRED, NO_ROOM = "expired", "to make room"
"""What a removed picture's row says."""

_GB, _MB = 10**9, 10**6

_PROTECTED = """
    SELECT session_row FROM alerts WHERE resolution IS NULL
    UNION
    SELECT c.session_row FROM alerts AS a JOIN alert_orders AS ao ON ao.alert_row = a.id
    JOIN check_orders AS co ON co.order_row = ao.order_row JOIN checks AS c ON c.id = co.check_id
    WHERE a.resolution IS NULL
"""
"""Trays of open alerts, and all other trays of their orders: after a restart a new session adopts the alert."""

_OLD_BEFORE = "SELECT id FROM checks WHERE recorded_at >= ? AND recorded_at < ? ORDER BY recorded_at DESC LIMIT 1"
"""A check known to be old: what came before it is older, whatever its own stamp says."""

_CHECK = (
    "coalesce(e.check_id, (SELECT n.check_id FROM evidence AS n WHERE n.id > e.id AND n.check_id IS NOT NULL"
    " ORDER BY n.id LIMIT 1))"
)
"""The check that a picture belongs to, or that of the next picture."""

_EXPIRED = f"""
    SELECT e.id FROM evidence AS e WHERE e.path IS NOT NULL AND e.recorded_at < max(:right, :alert)
    AND (CASE WHEN EXISTS (SELECT 1 FROM alerts AS a WHERE a.session_row = e.session_row)
        THEN e.recorded_at < :alert AND (e.recorded_at >= :plausible OR {_CHECK} <= :alert_check)
        ELSE e.recorded_at < :right AND (e.recorded_at >= :plausible OR {_CHECK} <= :right_check) END)
    AND e.session_row NOT IN ({_PROTECTED}) ORDER BY e.recorded_at LIMIT {BITE_PICTURES}
"""  # noqa: S608 - constants only

_OLDEST = f"""
    SELECT e.id, e.bytes FROM evidence AS e WHERE e.path IS NOT NULL
    AND e.session_row NOT IN ({_PROTECTED}) ORDER BY e.id LIMIT {BITE_PICTURES}
"""  # noqa: S608 - constants only

_KEPT_BYTES = "SELECT coalesce(sum(bytes), 0) FROM evidence WHERE path IS NOT NULL"

_STILL_FREE = f"""
    SELECT e.id, e.path, e.bytes FROM json_each(?) AS n JOIN evidence AS e ON e.id = n.value
    WHERE e.path IS NOT NULL AND e.session_row NOT IN ({_PROTECTED})
"""  # noqa: S608 - constants only

_OLD_SESSIONS = f"""
    SELECT DISTINCT c.session_row FROM checks AS c WHERE c.recorded_at < :cutoff
    AND (c.recorded_at >= :plausible OR c.id <= :check)
    AND NOT EXISTS (SELECT 1 FROM checks AS n WHERE n.session_row = c.session_row AND n.recorded_at >= :cutoff)
    AND NOT EXISTS (SELECT 1 FROM evidence AS e WHERE e.session_row = c.session_row AND e.path IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM alerts AS a LEFT JOIN outbox AS o ON o.alert_row = a.id
        WHERE a.session_row = c.session_row
        AND (a.resolution IS NULL OR (o.seq IS NOT NULL AND o.delivered_at IS NULL)))
    LIMIT {BITE_SESSIONS}
"""  # noqa: S608 - constants only

_OLD_ORDERS = f"""
    SELECT o.id FROM orders AS o WHERE o.updated_at < :cutoff AND o.state NOT IN ('open', 'presented')
    AND (o.updated_at >= :plausible OR o.id <
        (SELECT max(id) FROM orders WHERE updated_at >= :plausible AND updated_at < :cutoff))
    AND NOT EXISTS (SELECT 1 FROM check_orders AS co WHERE co.order_row = o.id)
    AND NOT EXISTS (SELECT 1 FROM alert_orders AS ao WHERE ao.order_row = o.id)
    ORDER BY o.id LIMIT {BITE_ORDERS}
"""  # noqa: S608 - constants only

_FORGET_SESSIONS = (
    """DELETE FROM outbox WHERE alert_row IN
    (SELECT id FROM alerts WHERE session_row IN (SELECT value FROM json_each(?)))""",
    "DELETE FROM audits WHERE session_row IN (SELECT value FROM json_each(?))",
    "DELETE FROM confirmations WHERE session_row IN (SELECT value FROM json_each(?))",
    "DELETE FROM evidence WHERE session_row IN (SELECT value FROM json_each(?))",
    "DELETE FROM alerts WHERE session_row IN (SELECT value FROM json_each(?))",
    "DELETE FROM checks WHERE session_row IN (SELECT value FROM json_each(?))",
    "DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(?))",
)
"""Lines and orders of checks and alerts go with them (ON DELETE CASCADE). Runs stay: they are few, and say nothing of
anybody."""


class Write(Protocol):
    """Runs a job on the writer's thread, in a transaction; committed on return. Raises StoreError or StoreBusy."""

    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> T: ...


def free_bytes_at(folder: Path) -> int:
    """What may still be written to the disk that the folder is on."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class SqliteRetention:
    """A `Retention` of a store's database and pictures.

    Args:
        path: the database.
        pictures: the folder of the evidence.
        write: what runs jobs on the store's writer.
        rules: how long and how much.
        clock: tells what is too old.
        free_bytes: tells how much of the disk is free, by a folder on it.
    """

    def __init__(
        self,
        *,
        path: Path,
        pictures: PictureFolder,
        write: Write,
        rules: StoreSettings,
        clock: Clock,
        free_bytes: Callable[[Path], int] = free_bytes_at,
    ) -> None:
        self._path = path
        self._pictures = pictures
        self._write = write
        self._rules = rules
        self._clock = clock
        self._free_bytes = free_bytes

    def excess_bytes(self) -> int:
        with reading(self._path) as connection:
            (kept,) = connection.execute(
                "SELECT coalesce(sum(bytes), 0) FROM evidence WHERE path IS NOT NULL"
            ).fetchone()
        try:
            free = self._free_bytes(self._path.parent)
        except OSError as refusal:
            raise StoreError(
                f"{self._path.parent}: the disk does not say what is free: {refusal.strerror}"
            ) from refusal
        over = int(kept) - int(self._rules.most_gb * _GB)
        lacking = int(self._rules.spare_mb * _MB) - free
        return max(0, over, min(lacking, int(kept)))

    def make_room(self, owed_bytes: int) -> Removed:
        with reading(self._path) as connection:
            oldest = connection.execute(_OLDEST).fetchall()
        chosen: list[int] = []
        for row in oldest:
            if owed_bytes <= 0:
                break
            chosen.append(row["id"])
            owed_bytes -= row["bytes"]
        return self._remove(chosen, NO_ROOM)

    def expire(self) -> Removed:
        right, alert = self._ago(hours=self._rules.right_hours), self._ago(days=self._rules.alert_days)
        with reading(self._path) as connection:
            asked = {
                "right": right,
                "alert": alert,
                "plausible": PLAUSIBLE,
                "right_check": _old_check(connection, right),
                "alert_check": _old_check(connection, alert),
            }
            due = connection.execute(_EXPIRED, asked).fetchall()
        return self._remove([row["id"] for row in due], EXPIRED)

    def forget(self) -> Removed:
        cutoff = self._ago(days=self._rules.record_days)
        with reading(self._path) as connection:
            asked = {"cutoff": cutoff, "plausible": PLAUSIBLE, "check": _old_check(connection, cutoff)}
            sessions = [row[0] for row in connection.execute(_OLD_SESSIONS, asked)]
            orders = [] if sessions else [row[0] for row in connection.execute(_OLD_ORDERS, asked)]
        if sessions:
            return self._write(lambda connection: _forget_sessions(connection, sessions))
        if orders:
            return self._write(lambda connection: _forget_orders(connection, orders))
        return Removed()

    def sweep(self) -> Removed:
        longest = max(timedelta(hours=self._rules.right_hours), timedelta(days=self._rules.alert_days))
        before = (self._clock.now_utc() - longest).date().isoformat()
        for folder in self._folders():
            if PLAUSIBLE <= folder.name < before and (swept := self._write(partial(_sweep, folder=folder))):
                return swept
        return Removed()

    def last_recorded_at(self) -> datetime | None:
        with reading(self._path) as connection:
            row = connection.execute("SELECT recorded_at FROM checks ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else datetime.fromisoformat(row["recorded_at"])

    def _remove(self, numbers: Sequence[int], because: str) -> Removed:
        if not numbers:
            return Removed()
        now = self._ago()
        return self._write(lambda connection: self._remove_on(connection, numbers, because, now))

    def _remove_on(self, connection: sqlite3.Connection, numbers: Sequence[int], because: str, now: str) -> Removed:
        gone: dict[int, int] = {}
        folders: set[Path] = set()
        for number, name, size_bytes in connection.execute(_STILL_FREE, (json.dumps(list(numbers)),)).fetchall():
            try:
                picture = self._pictures.path_of(name)
                picture.unlink(missing_ok=True)
            except (OSError, StoreError) as refusal:
                logger.warning("a picture whose time is over cannot be removed: %s", refusal)
                continue
            gone[number] = size_bytes
            folders.add(picture.parent)
        for folder in folders:
            _settle(folder)
        connection.execute(
            "UPDATE evidence SET path = NULL, sighting = NULL, removed_at = ?, removed_because = ?"
            " WHERE id IN (SELECT value FROM json_each(?))",
            (now, because, json.dumps(list(gone))),
        )
        return Removed(pictures=len(gone), bytes=sum(gone.values()))

    def _folders(self) -> list[Path]:
        try:
            return sorted(each for each in self._pictures.folder.iterdir() if each.is_dir())
        except FileNotFoundError:
            return []
        except OSError as refusal:
            said = f"{self._pictures.folder}: the pictures cannot be listed: {refusal.strerror}"
            raise StoreError(said) from refusal

    def _ago(self, *, days: float = 0, hours: float = 0) -> str:
        """The wall time then, as it is stamped on records."""
        now = self._clock.now_utc().astimezone(timezone.utc)
        try:
            then = now - timedelta(days=days, hours=hours)
        except OverflowError:
            then = datetime.min.replace(tzinfo=timezone.utc)
        return then.isoformat(timespec="milliseconds")


def _old_check(connection: sqlite3.Connection, cutoff: str) -> int:
    """The number of a check that is surely older than `cutoff`; 0 where none is."""
    found = connection.execute(_OLD_BEFORE, (PLAUSIBLE, cutoff)).fetchone()
    return 0 if found is None else int(found[0])


def _forget_sessions(connection: sqlite3.Connection, sessions: Sequence[int]) -> Removed:
    recount = Recount(connection)
    for session in sessions:
        recount.session(session)
        forget_words(connection, session)
    for statement in _FORGET_SESSIONS:
        connection.execute(statement, (json.dumps(list(sessions)),))
    recount.settle()
    return Removed(records=len(sessions))


def _forget_orders(connection: sqlite3.Connection, orders: Sequence[int]) -> Removed:
    numbers = json.dumps(list(orders))
    recount = Recount(connection)
    for order in orders:
        recount.order(order)
    done = connection.execute("DELETE FROM orders WHERE id IN (SELECT value FROM json_each(?))", (numbers,))
    recount.settle()
    return Removed(records=done.rowcount)


def _sweep(connection: sqlite3.Connection, folder: Path) -> Removed:
    """Remove files of one day that no row names. On the writer's thread no picture is half way between file and row."""
    day = folder.name
    known = connection.execute(
        "SELECT path FROM evidence WHERE path IS NOT NULL AND recorded_at >= ? AND recorded_at < ?", (day, f"{day}~")
    )
    names = {Path(path).name for (path,) in known}
    stray = [each for each in sorted(folder.iterdir()) if each.name not in names and each.is_file()][:BITE_PICTURES]
    size_bytes = sum(each.stat().st_size for each in stray)
    for each in stray:
        each.unlink()
    if stray or not names:
        _settle(folder)
    return Removed(pictures=len(stray), bytes=size_bytes)


def _settle(folder: Path) -> None:
    """Let removals last; a day without pictures needs no folder."""
    with suppress(OSError):
        sync_folder(folder)
        folder.rmdir()
