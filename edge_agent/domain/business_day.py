"""Which day an order belongs to: a night shift's orders after midnight are still those of the evening."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo


def business_day(now: datetime, *, zone: tzinfo, starts_at: time) -> str:
    """The business day at a moment, as `2026-01-31`.

    Args:
        now: the moment, aware.
        zone: the restaurant's time zone.
        starts_at: the local time at which its day begins; what comes before belongs to the day before.
    """
    local = now.astimezone(zone)
    day = local.date() if local.time() >= starts_at else local.date() - timedelta(days=1)
    return day.isoformat()
