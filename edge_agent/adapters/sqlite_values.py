"""Rows of the database as the values that a store gives back. Everything of a page is read at once, by its numbers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import TypeVar

from edge_agent.adapters import sqlite_queries as sql
from edge_agent.adapters.sqlite_json import (
    contents_from_text,
    counts_from_text,
    lines_from_text,
    order_from_text,
    skus_from_text,
)
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import (
    Audit,
    AuditAnswer,
    Confirmation,
    DrawnAs,
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

T = TypeVar("T")


def stored_runs(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredRun, ...]:
    """Rows of `runs`, with their slots."""
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


def stored_sessions(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredSession, ...]:
    """Rows of `sessions`, each with its whole story."""
    numbers = (json.dumps([row["id"] for row in rows]),)
    found = connection.execute(sql.CHECKS_OF_SESSIONS, numbers).fetchall()
    checks = _by_session(found, stored_checks(connection, found))
    found = connection.execute(sql.ALERTS_OF_SESSIONS, numbers).fetchall()
    alerts = _by_session(found, stored_alerts(connection, found))
    found = connection.execute(sql.AUDITS_OF_SESSIONS, numbers).fetchall()
    audits = _by_session(found, [stored_audit(row) for row in found])
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


def stored_checks(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[StoredCheck, ...]:
    """Rows of `checks`, each with `session_id` and `slot_id` of its session."""
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


def stored_audit(row: sqlite3.Row) -> StoredAudit:
    """A row of `audits` with its `session_id`."""
    audit = Audit(
        run_id=row["run_id"],
        session_id=row["session_id"],
        role=StaffRole(row["role"]),
        answer=AuditAnswer(row["answer"]),
        contents=counts_from_text(row["contents"]),
        check_id=row["check_id"],
        drawn=None if row["drawn"] is None else DrawnAs(row["drawn"]),
        found=None if row["found"] is None else VerdictKind(row["found"]),
    )
    return StoredAudit(number=row["id"], audit=audit, recorded_at=row["recorded_at"])


def _confirmation(row: sqlite3.Row) -> StoredConfirmation:
    confirmation = Confirmation(
        run_id=row["run_id"], session_id=row["session_id"], check_id=row["check_id"], role=StaffRole(row["role"])
    )
    return StoredConfirmation(number=row["id"], confirmation=confirmation, recorded_at=row["recorded_at"])


def stored_order(row: sqlite3.Row) -> StoredOrder:
    """A row of `orders` with its latest `snapshot`."""
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


def judged_orders(connection: sqlite3.Connection, check_ids: Sequence[int]) -> dict[int, tuple[Order | None, ...]]:
    """The snapshots that checks were reached by, by the numbers of the checks; None where there was none."""
    found: dict[int, list[Order | None]] = {check_id: [] for check_id in check_ids}
    for row in connection.execute(sql.SNAPSHOTS_OF_CHECKS, (json.dumps(list(found)),)):
        snapshot = row["snapshot"]
        found[row["check_id"]].append(None if snapshot is None else order_from_text(snapshot))
    return {check_id: tuple(orders) for check_id, orders in found.items()}
