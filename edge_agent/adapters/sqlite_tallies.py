"""Keeping the counts by time true while rows change. Runs inside the writer's transaction, like `sqlite_rows`.

What a tray or an order counts as is said by the views `tray_counts` and `order_counts` alone. Before its rows change it
is taken out of `tallies` as it counts then, and after that it is put back as it counts now: so the table always says
what the views would, and no kind of event needs arithmetic of its own.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

from edge_agent.domain.business_day import HOUR_S, QUARTER_S

OF_SESSION = "SELECT counted, quarter, item, station FROM tray_counts WHERE session_row = ?"
OF_ORDER = "SELECT counted, quarter, item, station FROM order_counts WHERE order_row = ?"
ORDERS_OF_SESSION = (
    "SELECT DISTINCT co.order_row FROM checks AS c JOIN check_orders AS co ON co.check_id = c.id"
    " WHERE c.session_row = ?"
)
WORDS_OF_CHECK = (
    "INSERT OR IGNORE INTO check_terms (term, recorded_at, check_id)"
    " SELECT term, recorded_at, check_id FROM check_words WHERE check_id = ?"
)
WORDS_OF_ALERT = (
    "INSERT OR IGNORE INTO alert_terms (term, recorded_at, alert_row)"
    " SELECT term, recorded_at, alert_row FROM alert_words WHERE alert_row = ?"
)
_COUNT = (
    "INSERT INTO tallies (counted, unit_s, at, item, station, n) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (counted, unit_s, at, item, station) DO UPDATE SET n = n + excluded.n"
)
_CLEAR = "DELETE FROM tallies WHERE counted = ? AND unit_s = ? AND at = ? AND item = ? AND station = ? AND n = 0"


@dataclass(slots=True)
class Recount:
    """What changes in one job of the writer. Name each tray and order before it changes, and `settle` at the end."""

    connection: sqlite3.Connection
    _difference: Counter[tuple[str, int, str, str]] = field(default_factory=Counter)
    _sessions: set[int] = field(default_factory=set)
    _orders: set[int] = field(default_factory=set)

    def session(self, row: int) -> None:
        """This tray is about to change: its checks, alerts, audits or confirmations; so are what its orders count."""
        if row in self._sessions:
            return
        self._sessions.add(row)
        self._difference.subtract(self.connection.execute(OF_SESSION, (row,)).fetchall())
        for (order,) in self.connection.execute(ORDERS_OF_SESSION, (row,)).fetchall():
            self.order(order)

    def new_session(self, row: int) -> None:
        """This tray was just made, and counts nowhere yet."""
        self._sessions.add(row)

    def order(self, row: int) -> None:
        """This order is about to change, or a check is about to be reached on it."""
        if row in self._orders:
            return
        self._orders.add(row)
        self._difference.subtract(self.connection.execute(OF_ORDER, (row,)).fetchall())

    def new_order(self, row: int) -> None:
        """This order was just made, and counts nowhere yet."""
        self._orders.add(row)

    def settle(self) -> None:
        """Bring `tallies` up to date with what has changed."""
        for row in self._sessions:
            self._difference.update(self.connection.execute(OF_SESSION, (row,)).fetchall())
        for row in self._orders:
            self._difference.update(self.connection.execute(OF_ORDER, (row,)).fetchall())
        changed: Counter[tuple[str, int, int, str, str]] = Counter()
        for (counted, quarter, item, station), n in self._difference.items():
            changed[counted, QUARTER_S, quarter, item, station] += n
            changed[counted, HOUR_S, quarter * QUARTER_S // HOUR_S, item, station] += n
        self.connection.executemany(_COUNT, [(*key, n) for key, n in changed.items() if n])
        self.connection.executemany(_CLEAR, [key for key, n in changed.items() if n < 0])
        self._difference.clear()
        self._sessions.clear()
        self._orders.clear()


def forget_words(connection: sqlite3.Connection, session: int) -> None:
    """Remove the words by which the checks and alerts of this tray are found; called while they are still there."""
    for (check,) in connection.execute("SELECT id FROM checks WHERE session_row = ?", (session,)).fetchall():
        words = connection.execute("SELECT term, recorded_at, check_id FROM check_words WHERE check_id = ?", (check,))
        connection.executemany(
            "DELETE FROM check_terms WHERE term = ? AND recorded_at = ? AND check_id = ?", words.fetchall()
        )
    for (alert,) in connection.execute("SELECT id FROM alerts WHERE session_row = ?", (session,)).fetchall():
        words = connection.execute("SELECT term, recorded_at, alert_row FROM alert_words WHERE alert_row = ?", (alert,))
        connection.executemany(
            "DELETE FROM alert_terms WHERE term = ? AND recorded_at = ? AND alert_row = ?", words.fetchall()
        )
