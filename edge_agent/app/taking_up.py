"""Take up what earlier lives of the agent left: the orders of the day, the alerts that are open, and what sounded."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.checking.alert_desk import REMEMBERED_SOUNDS
from edge_agent.checking.open_orders import FORGET_S
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.contents import Contents
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import StoredAlert, StoredOrder
from edge_agent.ports import Clock

PAGE = 500


def take_up(checker: OrderChecker, history: SqliteHistory, clock: Clock) -> dict[OrderKey, str]:
    """Give the checker what the store remembers; returns when each order came.

    The wall clock says how long ago that was; one that was set back since makes the order new.

    Raises:
        StoreError: the database does not answer.
    """
    now, now_s = clock.now_utc(), clock.monotonic_s()
    received = {}
    for stored in _orders_of_a_day(history, now):
        if stored.order is None:
            continue
        age_s = min(max((now - datetime.fromisoformat(stored.recorded_at)).total_seconds(), 0.0), FORGET_S)
        trays: list[Contents] = []
        state = stored.state
        if state is OrderState.PRESENTED:
            trays = _trays_that_left(history, stored.order)
            # Whether its last tray still lies there is found out anew.
            state = state if len(trays) >= stored.order.parts else OrderState.OPEN
        checker.restore(stored.order, state, now_s - age_s, trays)
        received[stored.key] = stored.recorded_at
    for alert in _open_alerts(history):
        session = history.session(alert.run_id, alert.alert.session_id)
        checker.adopt(alert.alert, "" if session is None else session.slot_id)
    for alert in _sounded(history):
        checker.heard(alert.alert)
    return received


def _orders_of_a_day(history: SqliteHistory, now: datetime) -> list[StoredOrder]:
    """The orders that came within a day, oldest first."""
    since = now - timedelta(seconds=FORGET_S)
    found: list[StoredOrder] = []
    before = None
    while page := history.orders(limit=PAGE, before=before):
        recent = [each for each in page if datetime.fromisoformat(each.recorded_at) >= since]
        found += recent
        if len(recent) < len(page):
            break
        before = page[-1].number
    return found[::-1]


def _trays_that_left(history: SqliteHistory, order: Order) -> list[Contents]:
    """What lay on the order's trays that left, as the checker keeps it; never one that may still be there."""
    latest = history.checks(order=order.key, limit=1)
    left = [check.reached.contents for check in history.checks(order=order.key, limit=order.parts, final=True)][::-1]
    return left if latest and latest[0].final else left[: order.parts - 1]


def _open_alerts(history: SqliteHistory) -> list[StoredAlert]:
    found: list[StoredAlert] = []
    before = None
    while page := history.alerts(limit=PAGE, before=before, open_only=True):
        found += page
        before = page[-1].number
    return found[::-1]


def _sounded(history: SqliteHistory) -> list[StoredAlert]:
    """The newest alerts that the crew was rung for, oldest first: as many as the checker remembers while it lives."""
    told = {run.run_id for run in history.runs(limit=PAGE) if run.run.tells}
    newest = history.alerts(limit=REMEMBERED_SOUNDS)
    return [alert for alert in newest if alert.sounds and alert.run_id in told][::-1]
