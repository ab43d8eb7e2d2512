"""The outbox: the steps of alerts that people must be told of, in their order, and which of them were delivered."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from edge_agent.adapters import sqlite_queries as sql
from edge_agent.adapters.sqlite_history import bounded, reading
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.sqlite_values import stored_alerts
from edge_agent.ports import AlertNews


class SqliteOutbox:
    """An `Outbox` in the database of a store: the store writes its rows together with the alerts.

    Reading opens a connection of its own per question, so any thread may ask.
    """

    def __init__(self, *, store: SqliteStore) -> None:
        self._store = store
        self._path = store.path

    def pending(self, limit: int) -> tuple[AlertNews, ...]:
        return self._steps(sql.STEPS_PENDING, bounded(limit))

    def waiting(self) -> int:
        with reading(self._path) as connection:
            (number,) = connection.execute(sql.NUMBER_PENDING).fetchone()
        return int(number)

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        return self._steps(sql.STEPS_AFTER, seq, bounded(limit))

    def standing(self) -> tuple[AlertNews, ...]:
        return self._steps(sql.STEPS_STANDING)

    def told(self, told_id: str) -> AlertNews | None:
        with reading(self._path) as connection:
            rows = connection.execute(sql.STEPS_OF_ALERT, (told_id,)).fetchall()
            return next(iter(_news(connection, rows)), None)

    def last_seq(self) -> int:
        with reading(self._path) as connection:
            (seq,) = connection.execute(sql.LAST_STEP).fetchone()
        return int(seq)

    def delivered(self, seqs: Sequence[int]) -> None:
        self._store.delivered(seqs)

    def _steps(self, asked: str, *values: int) -> tuple[AlertNews, ...]:
        with reading(self._path) as connection:
            rows = connection.execute(asked, values).fetchall()
            return _news(connection, rows)


def _news(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[AlertNews, ...]:
    return tuple(
        AlertNews(
            seq=row["seq"],
            told_id=stored.alert.alert_id,
            station=row["station"],
            at=row["at"],
            stored=stored,
            resolved=row["step"] == "resolved",
        )
        for row, stored in zip(rows, stored_alerts(connection, rows), strict=True)
    )
