"""Reading the store: every question opens a connection that cannot write, and sees one moment of the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from edge_agent.adapters import sqlite_queries as sql
from edge_agent.adapters.sqlite_json import (
    contents_from_text,
    counts_from_text,
    lines_from_text,
    order_from_text,
    skus_from_text,
)
from edge_agent.adapters.sqlite_migrations import BUSY_TIMEOUT_S, in_words, pending
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import (
    Audit,
    AuditAnswer,
    Confirmation,
    Run,
    StaffRole,
    StoredAlert,
    StoredAudit,
    StoredCheck,
    StoredConfirmation,
    StoredOrder,
    StoredRun,
    StoredSession,
)
from edge_agent.errors import StoreError

T = TypeVar("T")

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
            return _runs(connection, rows)

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
            return _checks(connection, rows)

    def session(self, run_id: int, session_id: str) -> StoredSession | None:
        with self._reading() as connection:
            row = connection.execute(sql.SESSION, (run_id, session_id)).fetchone()
            if row is None:
                return None
            return _sessions(connection, [row])[0]

    def sessions(self, *, limit: int = 50, before: int | None = None, since: str = "") -> tuple[StoredSession, ...]:
        asked = sql.newest_sessions(limit=bounded(limit), before=before, since=since)
        with self._reading() as connection:
            return _sessions(connection, connection.execute(*asked).fetchall())

    def judged(self, check_ids: Sequence[int]) -> dict[int, tuple[Order | None, ...]]:
        found: dict[int, list[Order | None]] = {check_id: [] for check_id in check_ids}
        with self._reading() as connection:
            for row in connection.execute(sql.SNAPSHOTS_OF_CHECKS, (json.dumps(list(found)),)):
                snapshot = row["snapshot"]
                found[row["check_id"]].append(None if snapshot is None else order_from_text(snapshot))
        return {check_id: tuple(orders) for check_id, orders in found.items()}

    def audits(self, *, limit: int = 50, before: int | None = None) -> tuple[StoredAudit, ...]:
        asked = sql.newest_audits(limit=bounded(limit), before=before)
        with self._reading() as connection:
            return tuple(_audit(row) for row in connection.execute(*asked))

    def orders(
        self, *, limit: int = 50, before: int | None = None, state: OrderState | None = None
    ) -> tuple[StoredOrder, ...]:
        with self._reading() as connection:
            rows = connection.execute(*sql.newest_orders(limit=bounded(limit), before=before, state=state)).fetchall()
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


def _runs(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredRun, ...]:
    slots: dict[int, dict[str, str]] = {}
    for slot in connection.execute(sql.SLOTS_OF_RUNS, (json.dumps([row["id"] for row in rows]),)):
        slots.setdefault(slot["run_id"], {})[slot["slot_id"]] = slot["station"]
    plain = [name for name in Run.__dataclass_fields__ if name not in {"slots", "tells"}]
    return tuple(
        StoredRun(
            run_id=row["id"],
            run=Run(**{name: row[name] for name in plain}, slots=slots.get(row["id"], {}), tells=bool(row["tells"])),
            started_at=row["started_at"],
            ended_at=row["ended_at"],
        )
        for row in rows
    )


def _sessions(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredSession, ...]:
    numbers = (json.dumps([row["id"] for row in rows]),)
    found = connection.execute(sql.CHECKS_OF_SESSIONS, numbers).fetchall()
    checks = _by_session(found, _checks(connection, found))
    found = connection.execute(sql.ALERTS_OF_SESSIONS, numbers).fetchall()
    alerts = _by_session(found, stored_alerts(connection, found))
    found = connection.execute(sql.AUDITS_OF_SESSIONS, numbers).fetchall()
    audits = _by_session(found, [_audit(row) for row in found])
    found = connection.execute(sql.CONFIRMATIONS_OF_SESSIONS, numbers).fetchall()
    confirmations = _by_session(found, [_confirmation(row) for row in found])
    return tuple(
        StoredSession(
            run_id=row["run_id"],
            session_id=row["session_id"],
            slot_id=row["slot_id"],
            arrived_s=row["arrived_s"],
            recorded_at=row["recorded_at"],
            settled_at_s=row["settled_at_s"],
            still_since_s=row["still_since_s"],
            last_seen_s=row["last_seen_s"],
            left_at_s=row["left_at_s"],
            resumed=row["resumed"],
            number=row["id"],
            checks=tuple(checks.get(row["id"], ())),
            alerts=tuple(alerts.get(row["id"], ())),
            audits=tuple(audits.get(row["id"], ())),
            confirmations=tuple(confirmations.get(row["id"], ())),
        )
        for row in rows
    )


def _by_session(rows: Sequence[sqlite3.Row], values: Sequence[T]) -> dict[int, list[T]]:
    of: dict[int, list[T]] = {}
    for row, value in zip(rows, values, strict=True):
        of.setdefault(row["session_row"], []).append(value)
    return of


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


def stored_alerts(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredAlert, ...]:
    """Rows of `alerts`, each with its `session_id`, as values; an alert may come several times, once for each step."""
    orders: dict[int, list[OrderKey]] = {}
    for key in connection.execute(sql.ORDERS_OF_ALERTS, (json.dumps(list({row["id"]: None for row in rows})),)):
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
            resolved_run=row["resolved_run"],
            by_staff=bool(row["by_staff"]),
        )
        for row in rows
    )


def _audit(row: sqlite3.Row) -> StoredAudit:
    audit = Audit(
        run_id=row["run_id"],
        session_id=row["session_id"],
        role=StaffRole(row["role"]),
        answer=AuditAnswer(row["answer"]),
        contents=counts_from_text(row["contents"]),
        check_id=row["check_id"],
    )
    return StoredAudit(number=row["id"], audit=audit, recorded_at=row["recorded_at"])


def _confirmation(row: sqlite3.Row) -> StoredConfirmation:
    confirmation = Confirmation(
        run_id=row["run_id"], session_id=row["session_id"], check_id=row["check_id"], role=StaffRole(row["role"])
    )
    return StoredConfirmation(number=row["id"], confirmation=confirmation, recorded_at=row["recorded_at"])


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


def bounded(limit: int) -> int:
    """A number of rows that may be read at once."""
    return max(0, min(limit, MAX_LIMIT))
