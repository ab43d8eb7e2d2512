"""What the store lets go of and when; what it never lets go of; and that no crash in between leaves a lie."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

import pytest

from edge_agent.adapters.sqlite_outbox import SqliteOutbox
from edge_agent.adapters.sqlite_retention import BITE_PICTURES, SqliteRetention
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import AlertResolved, Event, OrderMoved
from edge_agent.domain.order import OrderState
from edge_agent.domain.record import Run
from edge_agent.errors import StoreError
from edge_agent.ports import Evidence
from edge_agent.settings import StoreSettings
from tests.fakes_store import FakeClock
from tests.store_builders import JPEG, accepted, key, left, raised, reached

T = TypeVar("T")

PLENTY = 10**15
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)


class House:
    """A store on a clock that a test sets, with a disk of any size."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock(now=NOON)
        self.store = SqliteStore(path=path, clock=self.clock)
        self.run_id = self.store.begin_run(Run(slots={"left": "pass"}, tells=True))
        self.free = PLENTY

    def retention(self, **rules: float) -> SqliteRetention:
        return SqliteRetention(
            path=self.store.path,
            pictures=self.store.pictures,
            write=self.store.write,
            rules=StoreSettings(path=self.store.path, **rules),
            clock=self.clock,
            free_bytes=lambda _: self.free,
        )

    def tray(self, name: str, *more: Event, order: str = "A-1", jpeg: bytes = JPEG) -> None:
        """A tray with one verdict and one picture, and what else happened to it."""
        told = reached(name, orders=(key(order),))
        self.store.commit(
            self.run_id, [told, *more, left(told)], evidence=[Evidence(session_id=name, at_s=2.0, jpeg=jpeg)]
        )

    def resolve(self, alert_id: str) -> None:
        event = AlertResolved(at_s=9.0, alert_id=alert_id, resolution=Resolution.TRAY_LEFT)
        self.store.commit(self.run_id, [event])

    def later(self, **span: float) -> None:
        self.clock.now += timedelta(**span)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.store.path)) as connection:
            return connection.execute(sql).fetchall()

    def kept(self) -> list[str]:
        """The trays whose picture is still named; each name must lead to a file, and each file have a name."""
        named = self.rows(
            "SELECT s.session_id, e.path FROM evidence e JOIN sessions s ON s.id = e.session_row"
            " WHERE e.path IS NOT NULL ORDER BY e.id"
        )
        assert sorted(str(path) for _, path in named) == self.files()
        return [str(name) for name, _ in named]

    def files(self) -> list[str]:
        folder = self.store.pictures.folder
        return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "edge.sqlite")
    yield made
    made.store.close()


def drain(take: Callable[[], T]) -> list[T]:
    """All bites, without the empty one."""
    return list(iter(lambda: take() or None, None))


# Age


@pytest.mark.parametrize(("hours", "kept"), [(71.9, ["right", "wrong"]), (72.1, ["wrong"])])
def test_a_right_trays_picture_lasts_72_hours(house: House, hours: float, kept: list[str]) -> None:
    house.tray("right")
    house.tray("wrong", raised("one", session_id="wrong"))
    house.resolve("one")
    house.later(hours=hours)
    house.retention().expire()
    assert house.kept() == kept


@pytest.mark.parametrize(("days", "kept"), [(29.9, ["wrong"]), (30.1, [])])
def test_an_alerts_picture_lasts_30_days(house: House, days: float, kept: list[str]) -> None:
    house.tray("wrong", raised("one", session_id="wrong"))
    house.resolve("one")
    house.later(days=days)
    house.retention().expire()
    assert house.kept() == kept


def test_what_was_removed_is_said_with_the_reason(house: House) -> None:
    house.tray("right")
    house.later(days=4)
    house.retention().expire()
    [(path, at, why)] = house.rows("SELECT path, removed_at, removed_because FROM evidence")
    assert (path, at, why) == (None, house.clock.now.isoformat(timespec="milliseconds"), "expired")
    assert not list(house.store.pictures.folder.iterdir()), "a day without pictures needs no folder"


def test_evidence_of_an_open_alert_is_never_removed(house: House) -> None:
    """Neither by age nor for room, whatever the disk says: nobody has answered yet."""
    house.tray("wrong", raised("one", session_id="wrong"))
    house.later(days=3_000)
    house.free = 0
    retention = house.retention(most_gb=1e-9)
    assert not retention.expire()
    assert not retention.make_room(retention.excess_bytes())
    assert not retention.forget()
    assert house.kept() == ["wrong"]


def test_other_trays_of_an_open_alerts_order_are_its_evidence_too(house: House) -> None:
    """After a restart the alert stays with the old tray's row, and the new session adopts it by its order."""
    house.tray("before", raised("one", session_id="before"), order="A-1")
    house.tray("after", order="A-1")
    house.tray("stranger", order="A-2")
    house.later(days=40)
    house.retention().expire()
    assert house.kept() == ["before", "after"]


def test_bites_are_small_and_end(house: House) -> None:
    """The writer has orders to commit in between."""
    for number in range(2 * BITE_PICTURES + 1):
        house.tray(f"t{number}")
    house.later(days=4)
    bites = [bite.pictures for bite in drain(house.retention().expire)]
    assert bites == [BITE_PICTURES, BITE_PICTURES, 1]
    assert house.kept() == []


# Clocks


def test_a_picture_from_before_the_clock_was_set_is_not_old_for_that(house: House) -> None:
    """The box booted in 1970 and took it an hour ago; by its stamp it would be 56 years old."""
    house.clock.now = datetime(1970, 1, 1, 0, 5, tzinfo=timezone.utc)
    house.tray("early")
    house.clock.now = NOON
    house.tray("known")
    house.later(hours=71)
    assert not house.retention().expire()
    house.later(hours=2)
    drain(house.retention().expire)
    assert house.kept() == [], "now the tray after it is old, so it is too"


def test_a_clock_at_the_beginning_of_time_makes_nothing_old(house: House) -> None:
    house.tray("right")
    house.clock.now = datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert not house.retention(record_days=3_650).forget()
    assert not house.retention().expire()
    assert not house.retention().sweep()


# Room


def test_the_oldest_pictures_go_first_and_no_more_than_needed(house: House) -> None:
    for name in ("first", "second", "third"):
        house.tray(name, jpeg=name.encode().ljust(1_000, b"."))
        house.clock.now -= timedelta(days=1)  # the order in which they came counts, not what the clock said
    retention = house.retention(most_gb=2_500e-9)
    assert retention.excess_bytes() == 500
    assert retention.make_room(500).bytes == 1_000
    assert house.kept() == ["second", "third"]
    assert retention.excess_bytes() == 0
    assert house.rows("SELECT removed_because FROM evidence WHERE path IS NULL") == [("to make room",)]


def test_a_full_disk_asks_for_what_it_lacks(house: House) -> None:
    house.tray("right", jpeg=b"." * 5_000_000)
    house.free = 498_000_000
    assert house.retention(spare_mb=500).excess_bytes() == 2_000_000
    house.free = 0
    assert house.retention(spare_mb=500).excess_bytes() == 5_000_000, "more than all there is cannot go"


# Crashes


def test_a_crash_between_file_and_row_is_put_right_by_the_next_round(house: House) -> None:
    """The row still names the picture; readers find none, and it is still due."""
    house.tray("right")
    house.later(days=4)

    def never_commits(work: Callable[[sqlite3.Connection], T]) -> T:
        def fails_at_the_end(connection: sqlite3.Connection) -> T:
            work(connection)
            raise sqlite3.OperationalError("database or disk is full")

        return house.store.write(fails_at_the_end)

    crashing = house.retention()
    crashing._write = never_commits
    with pytest.raises(StoreError, match="full"):
        crashing.expire()
    assert house.files() == [], "on a full disk the space is free although no row could be written"
    assert house.rows("SELECT count(*) FROM evidence WHERE path IS NOT NULL") == [(1,)]
    assert house.retention().expire().pictures == 1
    assert house.kept() == []


def test_the_folder_is_on_the_disk_before_the_row_says_removed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut brings back a picture that the database calls removed."""
    house.tray("one")
    house.tray("two")
    house.later(days=4)
    happened: list[str] = []
    synced = os.fsync

    def fsync(number: int) -> None:
        happened.append("fsync")
        synced(number)

    monkeypatch.setattr(os, "fsync", fsync)

    def watched(work: Callable[[sqlite3.Connection], T]) -> T:
        def traced(connection: sqlite3.Connection) -> T:
            connection.set_trace_callback(lambda sql: happened.append(sql.split()[0]))
            try:
                return work(connection)
            finally:
                connection.set_trace_callback(None)

        return house.store.write(traced)

    retention = house.retention()
    retention._write = watched
    retention.expire()
    assert happened[-2:] == ["fsync", "UPDATE"]


def test_a_picture_that_cannot_be_removed_keeps_its_row(house: House) -> None:
    house.tray("right")
    house.tray("other")
    house.later(days=4)
    [stuck, _] = house.files()
    picture = house.store.pictures.folder / stuck
    picture.unlink()
    (picture / "a folder in its place").mkdir(parents=True)
    assert house.retention().expire().pictures == 1
    assert house.rows("SELECT path FROM evidence WHERE path IS NOT NULL") == [(stuck,)]


def test_files_that_no_record_names_go_when_their_day_is_over(house: House) -> None:
    """A kill between a picture and its row leaves one; it must not be kept for ever."""
    house.tray("wrong", raised("one", session_id="wrong"))
    day = house.store.pictures.folder / "2026-01-31"
    (day / "1-9-0123456789ab.jpg").write_bytes(JPEG)
    (day / "1-10-0123456789ab.tmp").write_bytes(JPEG)
    house.later(days=30)
    assert not house.retention().sweep()
    house.later(days=2)
    assert house.retention().sweep().pictures == 2
    assert house.kept() == ["wrong"]
    assert not house.retention().sweep()


# Records


def test_records_go_with_all_that_hangs_on_them(house: House) -> None:
    finished = OrderMoved(at_s=9.0, key=key(), state=OrderState.HANDED_OUT)
    house.store.commit(house.run_id, [accepted()])
    house.tray("old", raised("one", session_id="old"), finished)
    house.resolve("one")
    outbox = SqliteOutbox(store=house.store)
    house.store.delivered([step.seq for step in outbox.pending(10)])
    house.later(days=401)
    house.tray("new", order="A-2")
    drain(house.retention().expire)
    assert sum(bite.records for bite in drain(house.retention().forget)) == 2, "a tray and its order"
    for table in ("alerts", "alert_orders", "outbox", "order_revisions", "order_moves"):
        assert house.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert house.rows("SELECT session_id FROM sessions") == [("new",)]
    assert house.rows("SELECT order_id FROM orders") == [("A-2",)]
    assert house.rows("PRAGMA foreign_key_check") == []
    assert outbox.after(0, limit=10) == ()


def test_an_alert_that_nobody_heard_of_yet_is_not_forgotten(house: House) -> None:
    """The broker was away for a year; the outbox still owes it."""
    house.tray("old", raised("one", session_id="old"))
    house.resolve("one")
    house.later(days=500)
    drain(house.retention().expire)
    assert not house.retention().forget()
    assert len(SqliteOutbox(store=house.store).pending(10)) == 2


def test_records_stay_as_long_as_their_picture(house: House) -> None:
    house.tray("old")
    house.later(days=401)
    assert not house.retention().forget()
    drain(house.retention().expire)
    assert house.retention().forget().records == 1


def test_an_order_that_still_waits_is_never_forgotten(house: House) -> None:
    house.store.commit(house.run_id, [accepted()])
    house.later(days=3_000)
    assert not house.retention().forget()


def test_the_newest_records_time_is_known(house: House) -> None:
    assert house.retention().last_recorded_at() is None
    house.tray("right")
    assert house.retention().last_recorded_at() == NOON
