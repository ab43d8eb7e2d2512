"""Which day an order belongs to: a night shift's orders after midnight are still those of the evening."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from edge_agent.errors import BadInput

HOUR_S = 3_600
QUARTER_S = 900
"""Time is counted in quarters of an hour: every time zone in use is off UTC by a multiple (IANA tz database)."""

YEARS = range(1970, 2200)
"""A box whose clock was never set believes that it is 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `since` up to, not including, `until`; both aware.

    Raises:
        BadInput: one of them is naive, or the span is empty.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise BadInput("a span of time needs a time zone on both ends")
        if self.until <= self.since:
            raise BadInput(f"a span of time must end after it begins, not {self.since} to {self.until}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The restaurant's days.

    Attributes:
        zone: its time zone.
        starts_at: the local time at which its day begins; what comes before belongs to the day before.
    """

    zone: tzinfo = timezone.utc
    starts_at: time = time(4)

    def day_of(self, moment: datetime) -> str:
        """The business day at an aware moment, as `2026-01-31`."""
        return business_day(moment, zone=self.zone, starts_at=self.starts_at)

    def span_of(self, first: str, last: str | None = None) -> Span:
        """All of one business day, or of several in a row.

        Raises:
            BadInput: that is no day, or the last lies before the first.
        """
        begins, ends = _day(first), _day(first if last is None else last)
        if ends < begins:
            raise BadInput(f"the days {first} to {last} are the wrong way round")
        return Span(since=self._begin_of(begins), until=self._begin_of(ends + timedelta(days=1)))

    def days_of(self, span: Span) -> tuple[str, ...]:
        """The business days that a span touches, oldest first."""
        day = _day(self.day_of(span.since))
        last = _day(self.day_of(span.until - timedelta(microseconds=1)))
        return tuple((day + timedelta(days=n)).isoformat() for n in range((last - day).days + 1))

    def parts_of(self, span: Span) -> Iterator[tuple[Span, int]]:
        """The span in pieces within which the clock is not put forward or back, each with its seconds ahead of UTC."""
        since = span.since.astimezone(timezone.utc)
        end = span.until.astimezone(timezone.utc)
        while since < end:
            offset_s = self._offset_s(since)
            until = min(end, since + timedelta(days=1))
            while until < end and self._offset_s(until) == offset_s:
                until = min(end, until + timedelta(days=1))
            if self._offset_s(until) != offset_s:
                until = self._change_between(max(since, until - timedelta(days=1)), until, offset_s)
            yield Span(since=since, until=until), offset_s
            since = until

    def _change_between(self, before: datetime, after: datetime, offset_s: int) -> datetime:
        """The quarter of an hour from which the clock shows something else."""
        low, high = int(before.timestamp()) // QUARTER_S, -(-int(after.timestamp()) // QUARTER_S)
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset_s(datetime.fromtimestamp(middle * QUARTER_S, timezone.utc)) == offset_s:
                low = middle
            else:
                high = middle
        return datetime.fromtimestamp(high * QUARTER_S, timezone.utc)

    def _offset_s(self, moment: datetime) -> int:
        offset = moment.astimezone(self.zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    def _begin_of(self, day: date) -> datetime:
        return datetime.combine(day, self.starts_at, self.zone).astimezone(timezone.utc)


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


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"'{text[:20]}' is no day; write one like 2026-01-31") from None
    if day.year not in YEARS:
        raise BadInput(f"{day} is no day of this agent; its years are {YEARS[0]} to {YEARS[-1]}")
    return day
