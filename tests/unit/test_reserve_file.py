"""Space that is kept for orders, and given up when the disk is full."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.adapters.picture_folder import PictureFolder
from edge_agent.adapters.reserve_file import ReserveFile
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.sqlite_writer import Job, SqliteWriter
from edge_agent.domain.record import Run
from edge_agent.errors import StoreError
from tests.fakes_store import FakeClock
from tests.store_builders import accepted

SIZE = 64 * 1024
MORE_THAN_ANY_DISK = 2**62


def reserve(folder: Path, *, spare_bytes: int = 0) -> ReserveFile:
    return ReserveFile(path=folder / "reserve", spare_bytes=spare_bytes, size_bytes=SIZE)


def test_it_takes_its_room_at_once_and_keeps_it(tmp_path: Path) -> None:
    kept = reserve(tmp_path)
    kept.start()
    kept.keep()
    found = (tmp_path / "reserve").stat()
    assert found.st_size == SIZE
    assert found.st_blocks * 512 >= SIZE
    assert kept.problem is None


def test_it_is_not_made_where_too_little_would_be_left(tmp_path: Path) -> None:
    reserve(tmp_path, spare_bytes=MORE_THAN_ANY_DISK).start()
    assert not (tmp_path / "reserve").exists()


def test_given_up_it_says_so_until_it_is_kept_again(tmp_path: Path) -> None:
    # A reserve that was made while there was room, on a disk that has less now.
    reserve(tmp_path).keep()
    kept = reserve(tmp_path, spare_bytes=MORE_THAN_ANY_DISK)
    assert kept.give_up()
    assert not (tmp_path / "reserve").exists()
    assert "make room" in (kept.problem or "")
    assert not kept.give_up(), "there is nothing left to give"
    kept.keep()
    assert kept.problem, "there is no room yet"
    kept._spare_bytes = 0
    kept.keep()
    assert not kept.problem
    assert (tmp_path / "reserve").stat().st_size == SIZE


def test_it_is_not_given_up_while_there_is_room(tmp_path: Path) -> None:
    """A fault of the disk that looks like want of space is none."""
    kept = reserve(tmp_path)
    kept.keep()
    assert not kept.give_up()
    assert (tmp_path / "reserve").exists()


def test_half_a_reserve_of_a_life_that_was_killed_is_made_whole(tmp_path: Path) -> None:
    (tmp_path / "reserve").write_bytes(b"x" * 100)
    reserve(tmp_path).keep()
    assert (tmp_path / "reserve").stat().st_size == SIZE


def test_a_folder_that_is_not_there_is_no_reason_to_fail(tmp_path: Path) -> None:
    kept = reserve(tmp_path / "absent")
    kept.start()
    assert not kept.give_up()


class FullDisk:
    """A job that finds the disk full until somebody makes room."""

    def __init__(self) -> None:
        self.has_room = False
        self.tries = self.undone = 0

    def __call__(self, connection: sqlite3.Connection) -> int:
        self.tries += 1
        if not self.has_room:
            raise sqlite3.OperationalError("database or disk is full")
        return int(connection.execute("INSERT INTO things VALUES (1)").rowcount)

    def make_room(self) -> bool:
        self.has_room = True
        return True

    def undo(self) -> None:
        self.undone += 1


def writer(path: Path, make_room: Callable[[], bool]) -> SqliteWriter:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE things (n INTEGER)")
    return SqliteWriter(connection=connection, path=path, make_room=make_room)


def test_what_found_the_disk_full_is_written_once_room_was_made(tmp_path: Path) -> None:
    disk = FullDisk()
    writes = writer(tmp_path / "a.sqlite", disk.make_room)
    job = Job(work=disk, undo=disk.undo)
    assert writes.submit(job, awaited=True).result() == 1
    assert (disk.tries, disk.undone) == (2, 1), "what the first try left outside the database was taken back"
    writes.close()


def test_where_no_room_can_be_made_it_is_refused_in_words(tmp_path: Path) -> None:
    disk = FullDisk()
    writes = writer(tmp_path / "a.sqlite", lambda: False)
    with pytest.raises(StoreError, match="the disk is full; make room"):
        writes.wait(disk)
    assert disk.tries == 1
    writes.close()


def test_other_refusals_make_no_room(tmp_path: Path) -> None:
    disk = FullDisk()
    writes = writer(tmp_path / "a.sqlite", disk.make_room)
    with pytest.raises(StoreError, match="no such table"):
        writes.wait(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))
    assert not disk.has_room
    writes.close()


def test_a_picture_is_not_written_where_too_little_is_left(tmp_path: Path) -> None:
    folder = PictureFolder(folder=tmp_path / "pictures", spare_bytes=MORE_THAN_ANY_DISK)
    with pytest.raises(OSError, match="free on the disk"):
        folder.save(b"jpeg", day="2026-01-31", stem="1")
    assert not (tmp_path / "pictures").exists()


def test_a_store_is_as_ever_on_a_disk_with_room(tmp_path: Path) -> None:
    kept = reserve(tmp_path)
    with SqliteStore(path=tmp_path / "edge.sqlite", clock=FakeClock(), make_room=kept.give_up) as store:
        store.commit(store.begin_run(Run()), [accepted("A")])
        assert store.lost is None
