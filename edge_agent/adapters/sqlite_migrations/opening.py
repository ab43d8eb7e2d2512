"""How a database is opened for writing, and brought up to date, with a copy of it as it was before."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.adapters.sqlite_migrations.versions import MIGRATIONS
from edge_agent.domain.said import named, say
from edge_agent.errors import StoreError, StoreTooNew
from edge_agent.formats.whole_file import sync_folder

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
    "file is not a database": (
        "no_database",
        "{path}: this file is no SQLite database; point the agent at another file",
    ),
    "malformed": (
        "database_malformed",
        "{path}: the database is damaged ({said}); restore a backup, or move it away to start a new one",
    ),
    "unable to open": (
        "database_closed",
        "{path}: the database cannot be opened: does it exist, and may this user read and write it?",
    ),
    "disk is full": ("database_disk_full", "{path}: the disk is full; make room"),
    "disk I/O error": (
        "database_disk",
        "{path}: the disk does not do as it is told ({said}): is it full, or broken?",
    ),
    "readonly database": (
        "database_locked",
        "{path}: the database cannot be written to: is the disk read-only, or the file another user's?",
    ),
    "locked": ("database_busy", "{path}: another process keeps the database locked"),
}
"""What SQLite says, by a sign in its text, and what that means."""


def open_migrated(path: Path, *, migrations: Sequence[Callable[[Database], None]] = MIGRATIONS) -> sqlite3.Connection:
    """Open the database for writing, made or brought up to date where needed; an existing one is copied before that.

    The connection may be used by any thread, one at a time, and leaves transactions to its user.

    Raises:
        StoreTooNew: a newer version of the agent wrote it; nothing was changed.
        StoreError: it is no database, not ours, or cannot be opened, copied or changed; the sentence names the file.
    """
    if not path.parent.is_dir():
        raise StoreError(
            say("database_no_folder", "{path}: the folder {folder} does not exist", path=path, folder=path.parent)
        )
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
            say(
                "database_newer",
                "{path}: a newer version of the agent wrote this database (it has '{has}', "
                "this agent ends at '{ends}'): upgrade the agent, or point it at another file",
                path=path,
                has=unknown[-1],
                ends=names[-1],
            )
        )
    if not applied and tables - {_LEDGER}:
        raise StoreError(
            say(
                "database_foreign",
                "{path}: this is an SQLite database, but none of the agent's; point the agent at another file",
                path=path,
            )
        )
    return [name for name in names if name not in applied]


def in_words(path: Path, refusal: sqlite3.Error) -> str:
    """One sentence that names the file, for what SQLite says about it."""
    said = str(refusal)
    if path.is_dir():
        return say("database_folder", "{path}: this is a folder, no database", path=path)
    refused = ("database_refused", "{path}: the database refused: {said}")
    name, words = next((meant for sign, meant in _IN_WORDS.items() if sign in said), refused)
    return named(name, words.format(path=path, said=said), {"path": path, "said": said})


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
