"""How a day, an hour or a month went: verdicts, alerts, what was forgotten, how long a verdict took.

Nothing is told of a cell with fewer than twenty trays, and nothing of persons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_agent.checking.honest_numbers import FEWEST_TRAYS
from edge_agent.domain.business_day import Span
from edge_agent.domain.tally import SHADOW, Counted, Grouped, Tally, TrayVerdict, bin_width_ms
from edge_agent.ports import Reporting

MOST_FORGOTTEN = 10

COUNTED = (Counted.TRAY, Counted.LATENCY, Counted.ALERT)
"""What days and hours are told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From the moment a tray lies still to its first verdict: the median and the 95th percentile (nearest rank).

    Each is the upper edge of its bin: at most this long, and 50 ms shorter at most where it is below a second.
    """

    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is told of a cell with enough trays.

    Attributes:
        trays: how many were checked.
        verdicts: how many of them by their last verdict.
        alerts: of which people were told; `shadow_alerts`: of which nobody was.
        latency: None where no tray of the cell has one.
    """

    trays: int
    verdicts: Mapping[TrayVerdict, int]
    alerts: int
    shadow_alerts: int
    latency: Latency | None

    def share(self, verdict: TrayVerdict) -> float:
        """The share of the trays with this verdict, 0 to 1."""
        return self.verdicts[verdict] / self.trays


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One day (`2026-01-31`), one hour of the day (`0` to `23`), or the whole (empty).

    `shown` is None where something was counted, but too few trays stand behind it.
    """

    key: str
    shown: Shown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """On so many trays this was missing when people were told, or would have been but for shadow mode."""

    name: str
    trays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """A span of time; days and hours without a tray are left out. `forgotten` has the most frequent first."""

    whole: Trend
    days: tuple[Trend, ...]
    hours: tuple[Trend, ...]
    forgotten: tuple[Forgotten, ...]


def read_trends(
    reporting: Reporting, span: Span, *, station: str | None = None, days: Sequence[Tally] | None = None
) -> Trends:
    """How a span went, at all stations or at one. Raises StoreError.

    Args:
        reporting: has the counts.
        span: the days.
        station: of this one only.
        days: the counts of these days, one by one, where they were read already: `COUNTED`, perhaps among others.
    """
    if days is None:
        days = reporting.tallies(span, by=Grouped.DAY, counted=COUNTED, station=station)
    days = [day for day in days if any(day.of(kind) for kind in COUNTED)]
    hours = reporting.tallies(span, by=Grouped.HOUR, counted=COUNTED, station=station)
    missing = reporting.tallies(span, counted=(Counted.FORGOTTEN,), station=station)
    whole = trend(added(hours))
    return Trends(
        whole=whole,
        days=tuple(map(trend, days)),
        hours=tuple(map(trend, hours)),
        forgotten=() if whole.shown is None else forgotten(added(missing)),
    )


def trend(tally: Tally) -> Trend:
    """What is told of one cell."""
    verdicts = {verdict: tally.of(Counted.TRAY).get(verdict.value, 0) for verdict in TrayVerdict}
    trays = sum(verdicts.values())
    if trays < FEWEST_TRAYS:
        return Trend(key=tally.key, shown=None)
    alerts = dict(tally.of(Counted.ALERT))
    shadow = alerts.pop(SHADOW, 0)
    shown = Shown(
        trays=trays,
        verdicts=verdicts,
        alerts=sum(alerts.values()),
        shadow_alerts=shadow,
        latency=latency({int(lower): n for lower, n in tally.of(Counted.LATENCY).items()}),
    )
    return Trend(key=tally.key, shown=shown)


def latency(bins: Mapping[int, int]) -> Latency | None:
    """The percentiles of a histogram, given by the lower edges of its bins in milliseconds."""
    total = sum(bins.values())
    if not total:
        return None

    def at(share: float) -> float:
        rank, below = math.ceil(share * total), 0
        for lower_ms in sorted(bins):
            below += bins[lower_ms]
            if below >= rank:
                return (lower_ms + bin_width_ms(lower_ms)) / 1_000
        raise AssertionError(bins)

    return Latency(p50_s=at(0.50), p95_s=at(0.95))


def forgotten(tally: Tally, *, most: int = MOST_FORGOTTEN) -> tuple[Forgotten, ...]:
    """What was missing most often; by name among equals."""
    items = sorted(tally.of(Counted.FORGOTTEN).items(), key=lambda item: (-item[1], item[0]))
    return tuple(Forgotten(name=name, trays=trays) for name, trays in items[:most])


def added(tallies: tuple[Tally, ...]) -> Tally:
    """Several cells as one."""
    counts: dict[Counted, dict[str, int]] = {}
    for tally in tallies:
        for counted, items in tally.counts.items():
            sums = counts.setdefault(counted, {})
            for item, n in items.items():
                sums[item] = sums.get(item, 0) + n
    return Tally(key="", counts=counts)
