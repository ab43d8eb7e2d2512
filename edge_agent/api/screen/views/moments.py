"""Moments as a page says them: for the browser to write in its own way, and a text in case it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: `iso` for the machine, `text` in the restaurant's own time."""

    iso: str
    text: str


def moment_of(recorded_at: str, zone: tzinfo) -> Moment:
    """The moment of a stored time (ISO 8601, aware)."""
    return _moment(datetime.fromisoformat(recorded_at), zone)


def later(recorded_at: str, by_s: float, zone: tzinfo) -> Moment:
    """So many seconds after, or before, a stored time."""
    return _moment(datetime.fromisoformat(recorded_at) + timedelta(seconds=by_s), zone)


def _moment(at: datetime, zone: tzinfo) -> Moment:
    return Moment(iso=at.isoformat(timespec="seconds"), text=f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}")
