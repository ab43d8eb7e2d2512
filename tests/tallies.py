"""What a database keeps of counts and words, beside what its rows say."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

OF_VIEWS = (
    "SELECT counted, quarter, item, station, count(*) FROM (SELECT counted, quarter, item, station FROM tray_counts"
    " UNION ALL SELECT counted, quarter, item, station FROM order_counts) GROUP BY 1, 2, 3, 4"
)
KEPT = "SELECT counted, at, item, station, n FROM tallies WHERE unit_s = ?"


def kept_and_counted(connection: sqlite3.Connection) -> tuple[dict[Any, int], dict[Any, int]]:
    """What `tallies` says by quarters, and what the rows say. What it says by hours is held to the quarters here."""
    quarters = {tuple(row[:4]): row[4] for row in connection.execute(KEPT, (900,))}
    hours: Counter[Any] = Counter()
    for (counted, at, item, station), n in quarters.items():
        hours[counted, at // 4, item, station] += n
    assert {tuple(row[:4]): row[4] for row in connection.execute(KEPT, (3600,))} == hours
    return quarters, {tuple(row[:4]): row[4] for row in connection.execute(OF_VIEWS)}


def words(connection: sqlite3.Connection) -> list[set[Any]]:
    """What `check_terms` and `alert_terms` say, each beside what the rows say."""
    asked = (
        "SELECT term, recorded_at, check_id FROM check_terms",
        "SELECT term, recorded_at, check_id FROM check_words",
        "SELECT term, recorded_at, alert_row FROM alert_terms",
        "SELECT term, recorded_at, alert_row FROM alert_words",
    )
    return [{tuple(row) for row in connection.execute(sql)} for sql in asked]
