"""What a damaged write-ahead log cost is counted; what a crash merely cut short is not called a loss."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.adapters.sqlite_log import WrittenLog
from edge_agent.adapters.sqlite_migrations import open_migrated
from edge_agent.adapters.sqlite_store import SqliteStore
from tests.fakes_store import FakeClock

ROWS = 10
FRAME = 4096 + 24


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A database as a crash leaves it: its last transactions, one row each, stand in the log alone."""
    made, left = tmp_path / "made" / "edge.sqlite", tmp_path / "left" / "edge.sqlite"
    made.parent.mkdir()
    left.parent.mkdir()
    with closing(open_migrated(made)) as connection:
        connection.execute("CREATE TABLE things (n INTEGER)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(ROWS):
            connection.execute("INSERT INTO things VALUES (?)", (number,))
        for each in made.parent.glob("edge.sqlite*"):
            if not each.name.endswith("-shm"):
                shutil.copy(each, left.parent)
    return left


def lost_after(path: Path, spoil: Callable[[bytearray], None]) -> tuple[int, int]:
    """After that was done to the log: how many transactions are called lost, and how many rows are there."""
    log = path.with_name(f"{path.name}-wal")
    raw = bytearray(log.read_bytes())
    spoil(raw)
    log.write_bytes(raw)
    written = WrittenLog.beside(path)
    with closing(sqlite3.connect(path)) as connection:
        return written.lost(connection), connection.execute("SELECT count(*) FROM things").fetchone()[0]


def flip(at: int) -> Callable[[bytearray], None]:
    def spoil(raw: bytearray) -> None:
        raw[at] ^= 0xFF

    return spoil


def cut(raw: bytearray) -> None:
    del raw[5 * FRAME :]


def test_a_whole_log_comes_back_whole(crashed: Path) -> None:
    assert lost_after(crashed, lambda _: None) == (0, ROWS)


@pytest.mark.parametrize("row", [0, 4, ROWS - 3])
@pytest.mark.parametrize("place", [8, 24 + 100], ids=["the frame's head", "its page"])
def test_what_followed_a_damaged_frame_is_counted_as_lost(crashed: Path, row: int, place: int) -> None:
    assert lost_after(crashed, flip(32 + row * FRAME + place)) in ((ROWS - row, row), (ROWS - row - 1, row))


@pytest.mark.parametrize("place", [2, 17, 30], ids=["magic number", "salt", "checksum"])
def test_a_damaged_head_costs_all_of_the_log(crashed: Path, place: int) -> None:
    assert lost_after(crashed, flip(place)) == (ROWS, 0)


@pytest.mark.parametrize("spoil", [cut, flip(-100)], ids=["cut short", "the last page torn"])
def test_an_unfinished_end_is_what_a_crash_leaves_and_no_loss(
    crashed: Path, spoil: Callable[[bytearray], None]
) -> None:
    lost, rows = lost_after(crashed, spoil)
    assert lost == 0
    assert rows < ROWS


def test_what_is_left_over_in_a_log_that_was_begun_anew_is_no_loss(tmp_path: Path) -> None:
    path = tmp_path / "edge.sqlite"
    with closing(open_migrated(path)) as connection:
        connection.execute("CREATE TABLE things (n INTEGER)")
        for number in range(ROWS):
            connection.execute("INSERT INTO things VALUES (?)", (number,))
        connection.execute("PRAGMA wal_checkpoint(FULL)")
        connection.execute("INSERT INTO things VALUES (99)")
        written = WrittenLog.beside(path)
        assert sum(written.ends) == 1
        assert written.lost(connection) == 0


@pytest.mark.parametrize("log", [None, b"", b"short", bytes(32)])
def test_without_a_log_nothing_is_lost(tmp_path: Path, log: bytes | None) -> None:
    path = tmp_path / "edge.sqlite"
    open_migrated(path).close()
    if log is not None:
        path.with_name("edge.sqlite-wal").write_bytes(log)
    written = WrittenLog.beside(path)
    with closing(sqlite3.connect(path)) as connection:
        assert written.lost(connection) == 0


def test_the_store_says_what_was_lost(crashed: Path) -> None:
    log = crashed.with_name("edge.sqlite-wal")
    raw = bytearray(log.read_bytes())
    flip(32 + 4 * FRAME + 100)(raw)
    log.write_bytes(raw)
    with SqliteStore(path=crashed, clock=FakeClock()) as store:
        assert store.lost is not None
        assert "the last 6 things" in store.lost
