"""Reading the store: every question opens a connection that cannot write, and sees one moment of the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from edge_agent.adapters import sqlite_queries as sql
from edge_agent.adapters.sqlite_json import contents_from_text, lines_from_text, order_from_text, skus_from_text
from edge_agent.adapters.sqlite_migrations import BUSY_TIMEOUT_S, in_words, pending
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import Run, StoredAlert, StoredCheck, StoredOrder, StoredRun, StoredSession
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
            rows = connection.execute(*sql.newest_runs(limit=_bounded(limit), before=before)).fetchall()
        return tuple(
            StoredRun(
                run_id=row["id"],
                run=Run(**{name: row[name] for name in Run.__dataclass_fields__}),
                started_at=row["started_at"],
                ended_at=row["ended_at"],
            )
            for row in rows
        )

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
            rows = connection.execute(*sql.newest_checks(wanted, limit=_bounded(limit))).fetchall()
            return _checks(connection, rows)

    def session(self, run_id: int, session_id: str) -> StoredSession | None:
        with self._reading() as connection:
            row = connection.execute(sql.SESSION, (run_id, session_id)).fetchone()
            if row is None:
                return None
            checks = _checks(connection, connection.execute(sql.CHECKS_OF_SESSION, (row["id"],)).fetchall())
            alerts = _alerts(connection, connection.execute(sql.ALERTS_OF_SESSION, (row["id"],)).fetchall())
        return StoredSession(
            run_id=run_id,
            session_id=session_id,
            slot_id=row["slot_id"],
            arrived_s=row["arrived_s"],
            recorded_at=row["recorded_at"],
            settled_at_s=row["settled_at_s"],
            still_since_s=row["still_since_s"],
            last_seen_s=row["last_seen_s"],
            left_at_s=row["left_at_s"],
            resumed=row["resumed"],
            checks=checks,
            alerts=alerts,
        )

    def orders(
        self, *, limit: int = 50, before: int | None = None, state: OrderState | None = None
    ) -> tuple[StoredOrder, ...]:
        with self._reading() as connection:
            rows = connection.execute(*sql.newest_orders(limit=_bounded(limit), before=before, state=state)).fetchall()
        return tuple(_order(row) for row in rows)

    def order(self, key: OrderKey) -> StoredOrder | None:
        with self._reading() as connection:
            row = connection.execute(sql.ORDER, _key_values(key)).fetchone()
        return None if row is None else _order(row)

    def revisions(self, key: OrderKey) -> tuple[Order, ...]:
        with self._reading() as connection:
            rows = connection.execute(sql.REVISIONS, _key_values(key)).fetchall()
        return tuple(order_from_text(row["snapshot"]) for row in rows)

    def alerts(self, *, limit: int = 50, before: int | None = None, open_only: bool = False) -> tuple[StoredAlert, ...]:
        asked = sql.newest_alerts(limit=_bounded(limit), before=before, open_only=open_only)
        with self._reading() as connection:
            return _alerts(connection, connection.execute(*asked).fetchall())

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own, cheap and free of any other thread's; its transaction sees one moment."""
        try:
            address = f"{self.path.absolute().as_uri()}?mode=ro"
            opened = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            with closing(opened) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("BEGIN")
                yield connection
        except sqlite3.Error as refusal:
            raise StoreError(in_words(self.path, refusal)) from refusal


def _checks(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredCheck, ...]:
    numbers = (json.dumps([row["id"] for row in rows]),)
    lines: dict[int, list[CheckedLine]] = {}
    for line in connection.execute(sql.LINES_OF_CHECKS, numbers):
        lines.setdefault(line["check_id"], []).append(_line(line))
    orders: dict[int, list[OrderKey]] = {}
    for key in connection.execute(sql.ORDERS_OF_CHECKS, numbers):
        orders.setdefault(key["check_id"], []).append(_key(key))
    pictures: dict[int, list[str]] = {}
    for picture in connection.execute(sql.PICTURES_OF_CHECKS, numbers):
        pictures.setdefault(picture["check_id"], []).append(picture["path"])
    return tuple(
        StoredCheck(
            check_id=row["id"],
            run_id=row["run_id"],
            recorded_at=row["recorded_at"],
            final=bool(row["is_final"]),
            reached=_reached(row, orders.get(row["id"], ()), lines.get(row["id"], ())),
            pictures=tuple(pictures.get(row["id"], ())),
        )
        for row in rows
    )


def _reached(row: sqlite3.Row, orders: Sequence[OrderKey], lines: Sequence[CheckedLine]) -> VerdictReached:
    kind = VerdictKind(row["verdict"])
    return VerdictReached(
        at_s=row["at_s"],
        slot_id=row["slot_id"],
        session_id=row["session_id"],
        still_since_s=row["still_since_s"],
        orders=tuple(orders),
        association=Association(row["association"]),
        verdict=Verdict(kind=kind, lines=tuple(lines), allergy=bool(row["allergy"])),
        contents=contents_from_text(row["contents"]),
        late=bool(row["late"]),
    )


def _alerts(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredAlert, ...]:
    orders: dict[int, list[OrderKey]] = {}
    for key in connection.execute(sql.ORDERS_OF_ALERTS, (json.dumps([row["id"] for row in rows]),)):
        orders.setdefault(key["alert_row"], []).append(_key(key))
    return tuple(
        StoredAlert(
            number=row["id"],
            run_id=row["run_id"],
            alert=Alert(
                alert_id=row["alert_id"],
                session_id=row["session_id"],
                orders=tuple(orders.get(row["id"], ())),
                lines=lines_from_text(row["lines"]),
                raised_at_s=row["raised_at_s"],
                late=bool(row["late"]),
                swapped=bool(row["swapped"]),
            ),
            sounds=bool(row["sounds"]),
            recorded_at=row["recorded_at"],
            resolution=None if row["resolution"] is None else Resolution(row["resolution"]),
            resolved_at_s=row["resolved_at_s"],
        )
        for row in rows
    )


def _order(row: sqlite3.Row) -> StoredOrder:
    return StoredOrder(
        number=row["id"],
        key=_key(row),
        state=OrderState(row["state"]),
        order=None if row["snapshot"] is None else order_from_text(row["snapshot"]),
        recorded_at=row["recorded_at"],
        updated_at=row["updated_at"],
    )


def _line(row: sqlite3.Row) -> CheckedLine:
    return CheckedLine(
        skus=skus_from_text(row["skus"]),
        name=row["name"],
        expected=row["expected"],
        seen=row["seen"],
        result=LineResult(row["result"]),
        off_by=row["off_by"],
        reason=row["reason"],
    )


def _key(row: sqlite3.Row) -> OrderKey:
    return OrderKey(row["source"], row["business_day"], row["order_id"])


def _key_values(key: OrderKey) -> tuple[str, str, str]:
    return (key.source, key.business_day, key.order_id)


def _bounded(limit: int) -> int:
    return max(0, min(limit, MAX_LIMIT))
