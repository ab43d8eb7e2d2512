"""Reading the store: every question opens a connection that cannot write, and sees one moment of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from edge_agent.adapters import sqlite_queries as sql
from edge_agent.adapters.sqlite_json import order_from_text
from edge_agent.adapters.sqlite_migrations import BUSY_TIMEOUT_S, in_words, pending
from edge_agent.adapters.sqlite_values import (
    judged_orders,
    stored_alerts,
    stored_audit,
    stored_checks,
    stored_order,
    stored_runs,
    stored_sessions,
)
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import (
    StoredAlert,
    StoredAudit,
    StoredCheck,
    StoredOrder,
    StoredRun,
    StoredSession,
)
from edge_agent.errors import StoreError

MAX_LIMIT = 1_000
"""No list is longer: whoever wants more asks again, with `before`."""


class SqliteHistory:
    """An `EventHistory` of a database file, whether or not a `SqliteStore` writes to it at the same time.

    Args:
        path: the database file.

    Raises:
        StoreTooNew: a newer version of the agent wrote it.
        StoreError: it does not exist, is no database of the agent, or an older one that was not brought up to date.
    """

    def __init__(self, *, path: Path) -> None:
        self.path = path
        with self._reading() as connection:
            missing = pending(connection, path)
        if missing:
            raise StoreError(f"{path}: the database is of an older version; start the agent on it once")

    def runs(self, *, limit: int = 50, before: int | None = None) -> tuple[StoredRun, ...]:
        with self._reading() as connection:
            rows = connection.execute(*sql.newest_runs(limit=bounded(limit), before=before)).fetchall()
            return stored_runs(connection, rows)

    def checks(
        self,
        *,
        limit: int = 50,
        before: int | None = None,
        run_id: int | None = None,
        order: OrderKey | None = None,
        verdict: VerdictKind | None = None,
        final: bool = False,
    ) -> tuple[StoredCheck, ...]:
        wanted = sql.CheckFilter(before=before, run_id=run_id, order=order, verdict=verdict, final=final)
        with self._reading() as connection:
            rows = connection.execute(*sql.newest_checks(wanted, limit=bounded(limit))).fetchall()
            return stored_checks(connection, rows)

    def session(self, run_id: int, session_id: str) -> StoredSession | None:
        with self._reading() as connection:
            row = connection.execute(sql.SESSION, (run_id, session_id)).fetchone()
            if row is None:
                return None
            return stored_sessions(connection, [row])[0]

    def sessions(self, *, limit: int = 50, before: int | None = None, since: str = "") -> tuple[StoredSession, ...]:
        asked = sql.newest_sessions(limit=bounded(limit), before=before, since=since)
        with self._reading() as connection:
            return stored_sessions(connection, connection.execute(*asked).fetchall())

    def judged(self, check_ids: Sequence[int]) -> dict[int, tuple[Order | None, ...]]:
        with self._reading() as connection:
            return judged_orders(connection, check_ids)

    def audits(self, *, limit: int = 50, before: int | None = None) -> tuple[StoredAudit, ...]:
        asked = sql.newest_audits(limit=bounded(limit), before=before)
        with self._reading() as connection:
            return tuple(stored_audit(row) for row in connection.execute(*asked))

    def orders(
        self, *, limit: int = 50, before: int | None = None, state: OrderState | None = None
    ) -> tuple[StoredOrder, ...]:
        with self._reading() as connection:
            rows = connection.execute(*sql.newest_orders(limit=bounded(limit), before=before, state=state)).fetchall()
        return tuple(stored_order(row) for row in rows)

    def order(self, key: OrderKey) -> StoredOrder | None:
        with self._reading() as connection:
            row = connection.execute(sql.ORDER, _key_values(key)).fetchone()
        return None if row is None else stored_order(row)

    def revisions(self, key: OrderKey) -> tuple[Order, ...]:
        with self._reading() as connection:
            rows = connection.execute(sql.REVISIONS, _key_values(key)).fetchall()
        return tuple(order_from_text(row["snapshot"]) for row in rows)

    def alerts(self, *, limit: int = 50, before: int | None = None, open_only: bool = False) -> tuple[StoredAlert, ...]:
        asked = sql.newest_alerts(limit=bounded(limit), before=before, open_only=open_only)
        with self._reading() as connection:
            return stored_alerts(connection, connection.execute(*asked).fetchall())

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        return reading(self.path)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own, cheap and free of any other thread's; its transaction sees one moment.

    Raises:
        StoreError: the database does not answer.
    """
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        opened = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        with closing(opened) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as refusal:
        raise StoreError(in_words(path, refusal)) from refusal


def _key_values(key: OrderKey) -> tuple[str, str, str]:
    return (key.source, key.business_day, key.order_id)


def bounded(limit: int) -> int:
    """A number of rows that may be read at once."""
    return max(0, min(limit, MAX_LIMIT))
