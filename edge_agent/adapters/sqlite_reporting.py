"""Looking back: searching, evidence, counts by time, trays to audit; while the database may be written to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

from edge_agent.adapters import sqlite_queries, sqlite_searches
from edge_agent.adapters.sqlite_history import bounded, reading
from edge_agent.adapters.sqlite_json import order_from_text, sighting_from_text
from edge_agent.adapters.sqlite_queries import Query
from edge_agent.adapters.sqlite_values import (
    judged_orders,
    stored_alerts,
    stored_checks,
    stored_runs,
    stored_sessions,
)
from edge_agent.domain.association import Association
from edge_agent.domain.audit import DayTray, ShownTray
from edge_agent.domain.business_day import HOUR_S, QUARTER_S, Calendar, Span
from edge_agent.domain.record import StoredAlert
from edge_agent.domain.search import (
    AlertSearch,
    CheckEvidence,
    CheckSearch,
    Choices,
    FoundAlert,
    FoundCheck,
    Page,
    PageMark,
    each_of,
)
from edge_agent.domain.tally import Counted, Grouped, Tally

T = TypeVar("T")

MOST_LOOKED_AT = 20_000
"""So many rows a search walks by for one page; what it found by then is the page, and a mark continues it."""

AT_ONCE = 500
"""So many a page has where all are read."""

WAITED_H = 6
"""An order that came longer ago is not taken to have waited: it has expired (20 min by default), or nobody can say."""


class SqliteReporting:
    """A `Reporting` of a database file, whether or not a `SqliteStore` writes to it at the same time.

    Every question opens a connection of its own that cannot write, so any thread may ask.

    Args:
        path: the database file, of this version of the agent.
        calendar: the restaurant's days.
        most_looked_at: so many rows a search walks by for one page.
        at_once: so many a page has where all are read.
    """

    def __init__(
        self, *, path: Path, calendar: Calendar, most_looked_at: int = MOST_LOOKED_AT, at_once: int = AT_ONCE
    ) -> None:
        self._path = path
        self._calendar = calendar
        self._most_looked_at = most_looked_at
        self._at_once = at_once

    @property
    def calendar(self) -> Calendar:
        return self._calendar

    def find_checks(self, wanted: CheckSearch, *, limit: int = 50, after: PageMark | None = None) -> Page[FoundCheck]:
        with self._reading() as connection:
            numbers, mark = self._walked(connection, sqlite_searches.checks(wanted, after=after), limit)
            return Page(found=_found_checks(connection, numbers), next=mark)

    def find_alerts(self, wanted: AlertSearch, *, limit: int = 50, after: PageMark | None = None) -> Page[FoundAlert]:
        with self._reading() as connection:
            numbers, mark = self._walked(connection, sqlite_searches.alerts(wanted, after=after), limit)
            return Page(found=_found_alerts(connection, numbers), next=mark)

    def every_check(self, wanted: CheckSearch) -> Iterator[FoundCheck]:
        return each_of(lambda after: self.find_checks(wanted, limit=self._at_once, after=after))

    def every_alert(self, wanted: AlertSearch) -> Iterator[FoundAlert]:
        return each_of(lambda after: self.find_alerts(wanted, limit=self._at_once, after=after))

    def evidence(self, check_id: int) -> CheckEvidence | None:
        with self._reading() as connection:
            row = connection.execute(sqlite_searches.FOUND_CHECKS, (json.dumps([check_id]),)).fetchone()
            if row is None:
                return None
            runs = connection.execute(sqlite_searches.RUN, (row["run_id"],)).fetchall()
            sessions = connection.execute(sqlite_searches.SESSION_BY_NUMBER, (row["session_row"],)).fetchall()
            sightings = connection.execute(sqlite_searches.SIGHTINGS, (check_id,)).fetchall()
            return CheckEvidence(
                check=stored_checks(connection, [row])[0],
                station=row["station"],
                orders=judged_orders(connection, [check_id])[check_id],
                run=stored_runs(connection, runs)[0],
                session=stored_sessions(connection, sessions)[0],
                sightings={path: sighting_from_text(text) for path, text in sightings},
            )

    def choices(self) -> Choices:
        with self._reading() as connection:
            stations = connection.execute(sqlite_searches.STATIONS).fetchall()
            return Choices(
                channels=_words(connection, sqlite_searches.CHANNEL),
                items=_words(connection, sqlite_searches.ITEM),
                stations=tuple(station for (station,) in stations if station),
            )

    def tallies(
        self,
        span: Span,
        *,
        by: Grouped = Grouped.WHOLE,
        counted: Collection[Counted] = tuple(Counted),
        station: str | None = None,
    ) -> tuple[Tally, ...]:
        cells: dict[int, dict[Counted, dict[str, int]]] = {}
        with self._reading() as connection:
            for part, offset_s in self._calendar.parts_of(span):
                for kind in counted:
                    for key, item, n in connection.execute(*self._counted(kind, part, offset_s, by, station)):
                        items = cells.setdefault(key, {}).setdefault(kind, {})
                        items[item] = items.get(item, 0) + n
        return tuple(Tally(key=_key(by, key), counts=cells[key]) for key in sorted(cells))

    def trays_of(self, span: Span) -> tuple[DayTray, ...]:
        between = (_stamp(_quarter(span.since)), _stamp(_quarter(span.until)))
        with self._reading() as connection:
            rows = connection.execute(sqlite_searches.TRAYS, between).fetchall()
        return tuple(
            DayTray(number=row["session_row"], red=bool(row["red"]), answered=bool(row["answered"])) for row in rows
        )

    def shown_tray(self, number: int) -> ShownTray | None:
        with self._reading() as connection:
            row = connection.execute(sqlite_searches.SHOWN, (number,)).fetchone()
            if row is None:
                return None
            check_id = row["id"]
            pictures = connection.execute(sqlite_searches.SHOWN_PICTURES, (number, check_id)).fetchall()
            waiting: Sequence[sqlite3.Row] = ()
            if not Association(row["association"]).is_told:
                at = row["recorded_at"]
                earliest = (datetime.fromisoformat(at) - timedelta(hours=WAITED_H)).isoformat(timespec="milliseconds")
                waiting = connection.execute(sqlite_searches.WAITED, (at, earliest, check_id)).fetchall()
            return ShownTray(
                number=number,
                run_id=row["run_id"],
                session_id=row["session_id"],
                check_id=check_id,
                pictures=tuple(path for path, _ in pictures),
                places={path: sighting_from_text(text).unseen for path, text in pictures if text is not None},
                orders=judged_orders(connection, [check_id])[check_id],
                waiting=tuple(order_from_text(snapshot) for (snapshot,) in waiting),
            )

    def store_id(self) -> str:
        with self._reading() as connection:
            (value,) = connection.execute(sqlite_searches.STORE_ID).fetchone()
        return str(value)

    def _counted(self, kind: Counted, part: Span, offset_s: int, by: Grouped, station: str | None) -> Query:
        """The question for one kind of counts, in a span within which the clock is not put forward or back."""
        shift_s = offset_s - (self._starts_s if by is Grouped.DAY else 0)
        since, until = _quarter(part.since) * QUARTER_S, _quarter(part.until) * QUARTER_S
        # Hours are a quarter of the rows, where nothing is cut within one.
        unit_s = QUARTER_S if since % HOUR_S or until % HOUR_S or shift_s % HOUR_S else HOUR_S
        return sqlite_searches.tallies(
            kind.value,
            unit_s=unit_s,
            since=since // unit_s,
            until=until // unit_s,
            station=station,
            key=_KEYS[by],
            shift_s=shift_s,
        )

    def _walked(self, connection: sqlite3.Connection, query: Query, limit: int) -> tuple[list[int], PageMark | None]:
        """The numbers of a page, and where the next one begins if there may be one."""
        numbers: list[int] = []
        for looked_at, (number, recorded_at, fits) in enumerate(connection.execute(*query), start=1):
            if fits:
                numbers.append(number)
            if len(numbers) >= bounded(limit) or looked_at >= self._most_looked_at:
                return numbers, PageMark(recorded_at, number)
        return numbers, None

    @property
    def _starts_s(self) -> int:
        starts = self._calendar.starts_at
        return starts.hour * 3_600 + starts.minute * 60 + starts.second

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        return reading(self._path)


_KEYS = {
    Grouped.WHOLE: sqlite_searches.WHOLE_KEY,
    Grouped.DAY: sqlite_searches.DAY_KEY,
    Grouped.HOUR: sqlite_searches.HOUR_KEY,
}


def _key(by: Grouped, value: int) -> str:
    if by is Grouped.DAY:
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    return str(value) if by is Grouped.HOUR else ""


def _quarter(moment: datetime) -> int:
    """The first quarter of an hour since 1970 that does not begin before the moment."""
    return -int(-moment.timestamp() // QUARTER_S)


def _stamp(quarter: int) -> str:
    return datetime.fromtimestamp(quarter * QUARTER_S, timezone.utc).isoformat(timespec="milliseconds")


def _found_checks(connection: sqlite3.Connection, numbers: Sequence[int]) -> tuple[FoundCheck, ...]:
    rows = connection.execute(sqlite_searches.FOUND_CHECKS, (json.dumps(numbers),)).fetchall()
    orders = judged_orders(connection, numbers)
    trays = json.dumps(list({row["session_row"]: None for row in rows}))
    of_trays = connection.execute(sqlite_queries.ALERTS_OF_SESSIONS, (trays,)).fetchall()
    alerts: dict[int, list[StoredAlert]] = {}
    for row, alert in zip(of_trays, stored_alerts(connection, of_trays), strict=True):
        alerts.setdefault(row["session_row"], []).append(alert)
    return tuple(
        FoundCheck(
            check=check,
            station=row["station"],
            orders=orders[check.check_id],
            alerts=tuple(alerts.get(row["session_row"], ())),
            tells=bool(row["tells"]),
        )
        for row, check in zip(rows, stored_checks(connection, rows), strict=True)
    )


def _found_alerts(connection: sqlite3.Connection, numbers: Sequence[int]) -> tuple[FoundAlert, ...]:
    rows = connection.execute(sqlite_searches.FOUND_ALERTS, (json.dumps(numbers),)).fetchall()
    orders = judged_orders(connection, [row["check_id"] for row in rows if row["check_id"] is not None])
    return tuple(
        FoundAlert(
            stored=alert,
            station=row["station"],
            check_id=row["check_id"],
            orders=orders.get(row["check_id"], ()),
            tells=bool(row["tells"]),
        )
        for row, alert in zip(rows, stored_alerts(connection, rows), strict=True)
    )


def _words(connection: sqlite3.Connection, kind: str) -> tuple[str, ...]:
    """Every word of a kind that a check has, without the kind."""
    # ';' follows ':', so the words of a kind lie between the two.
    found = connection.execute(sqlite_searches.CHOICES, (kind, kind[:-1] + ";")).fetchall()
    return tuple(word[len(kind) :] for (word,) in found)
