"""Business days as spans of time, through the nights in which the clocks change."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.domain.business_day import QUARTER_S, Calendar, Span
from edge_agent.errors import BadInput

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
CALENDARS = st.builds(
    lambda zone, hour, minute: Calendar(zone=ZoneInfo(zone), starts_at=time(hour, minute)),
    st.sampled_from(ZONES),
    st.integers(3, 12),
    st.sampled_from([0, 15, 30]),
)
DAYS = st.dates(date(2024, 1, 2), date(2030, 12, 30))


@given(CALENDARS, DAYS)
def test_a_day_begins_and_ends_where_its_moments_do(calendar: Calendar, day: date) -> None:
    span = calendar.span_of(day.isoformat())
    tick = timedelta(microseconds=1)
    assert calendar.day_of(span.since) == calendar.day_of(span.until - tick) == day.isoformat()
    assert calendar.day_of(span.since - tick) < day.isoformat() < calendar.day_of(span.until)
    assert calendar.days_of(span) == (day.isoformat(),)


@given(CALENDARS, DAYS, st.integers(1, 500))
def test_a_span_falls_into_pieces_in_which_the_clock_runs_evenly(calendar: Calendar, day: date, length: int) -> None:
    last = min(day + timedelta(days=length), date(2031, 1, 1))
    span = calendar.span_of(day.isoformat(), last.isoformat())
    pieces = list(calendar.parts_of(span))
    assert pieces[0][0].since == span.since
    assert pieces[-1][0].until == span.until
    for (piece, _), (following, _) in pairwise(pieces):
        assert piece.until == following.since
        assert piece.until.timestamp() % QUARTER_S == 0
    for piece, offset_s in pieces:
        for moment in (piece.since, piece.until - timedelta(microseconds=1)):
            assert moment.astimezone(calendar.zone).utcoffset() == timedelta(seconds=offset_s)
    assert len(pieces) <= 2 + 2 * (length // 365 + 1)


@pytest.mark.parametrize("text", ["", "today", "2026-13-01", "2026-01-32", "9999-12-31", "0001-01-01"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no day"):
        Calendar().span_of(text)


def test_spans_that_make_no_sense_are_refused() -> None:
    now = datetime(2026, 1, 31, tzinfo=timezone.utc)
    with pytest.raises(BadInput, match="must end after"):
        Span(since=now, until=now)
    with pytest.raises(BadInput, match="time zone"):
        Span(since=datetime(2026, 1, 31), until=now)  # noqa: DTZ001  that is what is refused
    with pytest.raises(BadInput, match="wrong way round"):
        Calendar().span_of("2026-02-01", "2026-01-31")
