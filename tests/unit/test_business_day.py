"""The business day: what a night shift sells after midnight belongs to the evening before."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone

import pytest

from edge_agent.domain.business_day import business_day

HERE = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("utc", "starts_at", "day"),
    [
        ("2026-01-31T12:00", time(4), "2026-01-31"),
        ("2026-02-01T02:59", time(4), "2026-01-31"),
        ("2026-02-01T03:00", time(4), "2026-02-01"),
        ("2026-01-31T22:59", time(0), "2026-01-31"),
        ("2026-01-31T23:00", time(0), "2026-02-01"),
    ],
)
def test_the_day_begins_when_the_restaurant_says(utc: str, starts_at: time, day: str) -> None:
    now = datetime.fromisoformat(utc).replace(tzinfo=timezone.utc)
    assert business_day(now, zone=HERE, starts_at=starts_at) == day
