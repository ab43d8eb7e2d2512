"""The store's questions as SQL. Only constant fragments are put together; every value is a parameter.

Each filter has an index that also gives the order (newest first), so that a page costs the same with a million checks;
a test asks SQLite for the plan of each.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import OrderKey, OrderState

Query = tuple[str, tuple[object, ...]]

_CHECKS = "SELECT c.*, s.session_id, s.slot_id FROM checks AS c JOIN sessions AS s ON s.id = c.session_row"
_CHECKS_OF_ORDER = (
    "SELECT c.*, s.session_id, s.slot_id FROM check_orders AS co JOIN checks AS c ON c.id = co.check_id"
    " JOIN sessions AS s ON s.id = c.session_row"
)
_ALERTS = "SELECT a.*, s.session_id FROM alerts AS a JOIN sessions AS s ON s.id = a.session_row"
_AUDITS = "SELECT u.*, s.session_id FROM audits AS u JOIN sessions AS s ON s.id = u.session_row"
_ORDERS = "SELECT o.*, r.snapshot FROM orders AS o LEFT JOIN order_revisions AS r ON r.id = o.revision_row"
_OF_KEY = "o.source = ? AND o.business_day = ? AND o.order_id = ?"
_OF_ORDER = f"co.order_row = (SELECT o.id FROM orders AS o WHERE {_OF_KEY})"  # noqa: S608 - constants only

SESSION = "SELECT * FROM sessions WHERE run_id = ? AND session_id = ?"
ORDER = f"{_ORDERS} WHERE {_OF_KEY}"
REVISIONS = (
    "SELECT r.snapshot FROM orders AS o JOIN order_revisions AS r ON r.order_row = o.id"  # noqa: S608 - constants only
    f" WHERE {_OF_KEY} ORDER BY r.id"
)
CHECKS_OF_SESSIONS = (
    "SELECT c.*, s.session_id, s.slot_id FROM json_each(?) AS n JOIN sessions AS s ON s.id = n.value"
    " JOIN checks AS c ON c.session_row = s.id ORDER BY c.id"
)
ALERTS_OF_SESSIONS = (
    "SELECT a.*, s.session_id FROM json_each(?) AS n JOIN sessions AS s ON s.id = n.value"
    " JOIN alerts AS a ON a.session_row = s.id ORDER BY a.id"
)
AUDITS_OF_SESSIONS = (
    "SELECT u.*, s.session_id FROM json_each(?) AS n JOIN sessions AS s ON s.id = n.value"
    " JOIN audits AS u ON u.session_row = s.id ORDER BY u.id"
)
CONFIRMATIONS_OF_SESSIONS = (
    "SELECT f.*, s.session_id FROM json_each(?) AS n JOIN sessions AS s ON s.id = n.value"
    " JOIN confirmations AS f ON f.session_row = s.id ORDER BY f.id"
)
SNAPSHOTS_OF_CHECKS = (
    "SELECT co.check_id, r.snapshot FROM json_each(?) AS n JOIN check_orders AS co ON co.check_id = n.value"
    " LEFT JOIN order_revisions AS r ON r.id = co.revision_row ORDER BY co.check_id, co.position"
)
LINES_OF_CHECKS = (
    "SELECT l.* FROM json_each(?) AS n JOIN check_lines AS l ON l.check_id = n.value ORDER BY l.check_id, l.position"
)
ORDERS_OF_CHECKS = (
    "SELECT co.check_id, o.source, o.business_day, o.order_id FROM json_each(?) AS n"
    " JOIN check_orders AS co ON co.check_id = n.value JOIN orders AS o ON o.id = co.order_row"
    " ORDER BY co.check_id, co.position"
)
PICTURES_OF_CHECKS = (
    "SELECT e.check_id, e.path FROM json_each(?) AS n JOIN evidence AS e ON e.check_id = n.value"
    " WHERE e.path IS NOT NULL ORDER BY e.id"
)
ORDERS_OF_ALERTS = (
    "SELECT ao.alert_row, o.source, o.business_day, o.order_id FROM json_each(?) AS n"
    " JOIN alert_orders AS ao ON ao.alert_row = n.value JOIN orders AS o ON o.id = ao.order_row"
    " ORDER BY ao.alert_row, ao.position"
)
SLOTS_OF_RUNS = (
    "SELECT p.* FROM json_each(?) AS n JOIN run_slots AS p ON p.run_id = n.value ORDER BY p.run_id, p.slot_id"
)

_STEPS = (
    "SELECT x.seq, x.step, x.station, x.at, a.*, s.session_id FROM outbox AS x"
    " JOIN alerts AS a ON a.id = x.alert_row JOIN sessions AS s ON s.id = a.session_row"
)
STEPS_PENDING = f"{_STEPS} WHERE x.delivered_at IS NULL ORDER BY x.seq LIMIT ?"
STEPS_AFTER = f"{_STEPS} WHERE x.seq > ? ORDER BY x.seq LIMIT ?"
STEPS_STANDING = (
    "SELECT x.seq, x.step, x.station, x.at, a.*, s.session_id FROM alerts AS a"
    " JOIN outbox AS x ON x.alert_row = a.id AND x.step = 'raised' JOIN sessions AS s ON s.id = a.session_row"
    " WHERE a.resolution IS NULL ORDER BY a.id"
)
STEPS_OF_ALERT = f"{_STEPS} WHERE a.alert_id = ? ORDER BY x.seq DESC LIMIT 1"
LAST_STEP = "SELECT coalesce(max(seq), 0) FROM outbox"
NUMBER_PENDING = "SELECT count(*) FROM outbox WHERE delivered_at IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFilter:
    """Which checks are wanted; what is None or False does not restrict."""

    before: int | None = None
    run_id: int | None = None
    order: OrderKey | None = None
    verdict: VerdictKind | None = None
    final: bool = False


def newest_checks(wanted: CheckFilter, *, limit: int) -> Query:
    """Checks with their session's name, newest first."""
    order = wanted.order
    # An order's checks stand in check_orders by their numbers: its column must lead, or SQLite sorts them.
    number = "c.id" if order is None else "co.check_id"
    where: list[tuple[str, tuple[object, ...]]] = []
    if order is not None:
        key = (order.source, order.business_day, order.order_id)
        where.append((_OF_ORDER, key))
    if wanted.before is not None:
        where.append((f"{number} < ?", (wanted.before,)))
    if wanted.run_id is not None:
        where.append(("c.run_id = ?", (wanted.run_id,)))
    if wanted.verdict is not None:
        where.append(("c.verdict = ?", (wanted.verdict.value,)))
    if wanted.final:
        where.append(("c.is_final = 1", ()))
    return _newest(_CHECKS if order is None else _CHECKS_OF_ORDER, number, where, limit)


def newest_orders(*, limit: int, before: int | None, state: OrderState | None) -> Query:
    """Orders with their latest snapshot, newest first."""
    where = _before("o.id", before)
    if state is not None:
        where.append(("o.state = ?", (state.value,)))
    return _newest(_ORDERS, "o.id", where, limit)


def newest_alerts(*, limit: int, before: int | None, open_only: bool) -> Query:
    """Alerts with their session's name, newest first."""
    where = _before("a.id", before)
    if open_only:
        where.append(("a.resolution IS NULL", ()))
    return _newest(_ALERTS, "a.id", where, limit)


def newest_audits(*, limit: int, before: int | None) -> Query:
    """Audits with their session's name, newest first."""
    return _newest(_AUDITS, "u.id", _before("u.id", before), limit)


def newest_sessions(*, limit: int, before: int | None, since: str) -> Query:
    """Sessions, newest first, by their numbers: the clock of a box that boots in 1970 would mix them."""
    where = _before("id", before)
    if since:
        where.append(("recorded_at >= ?", (since,)))
    return _newest("SELECT * FROM sessions", "id", where, limit)


def newest_runs(*, limit: int, before: int | None) -> Query:
    """Runs, newest first."""
    return _newest("SELECT * FROM runs", "id", _before("id", before), limit)


def _before(number: str, before: int | None) -> list[tuple[str, tuple[object, ...]]]:
    return [] if before is None else [(f"{number} < ?", (before,))]


def _newest(select: str, number: str, where: list[tuple[str, tuple[object, ...]]], limit: int) -> Query:
    conditions = " AND ".join(text for text, _ in where)
    values = tuple(value for _, given in where for value in given)
    return (
        f"{select}{' WHERE ' if where else ''}{conditions} ORDER BY {number} DESC LIMIT ?",
        (*values, limit),
    )
