"""How days and hours went, as plots and as the tables beside them, and what was forgotten most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.wording import JOINED_BY_THE_CHECKER
from edge_agent.checking.trends import Forgotten, Shown, Trend, Trends
from edge_agent.domain.tally import TrayVerdict

PER = 100

Measure = Callable[[Shown], float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot; None where a cell is not shown. `shape` chooses its colour, its dashes and its dots."""

    label: str
    shape: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One plot. Its data go to `static/plots.js` as they are.

    Attributes:
        name: names its place on the page.
        title: what it shows, and which way is good.
        along: `days` (x are seconds since 1970 of the days' beginnings in UTC) or `hours` (0 to 23).
    """

    name: str
    title: str
    along: str
    x_label: str
    y_label: str
    x: tuple[int, ...]
    series: tuple[Series, ...]

    @property
    def is_empty(self) -> bool:
        return all(value is None for each in self.series for value in each.values)

    @property
    def data(self) -> dict[str, object]:
        """What the script draws."""
        return {
            "along": self.along,
            "xLabel": self.x_label,
            "yLabel": self.y_label,
            "x": list(self.x),
            "series": [{"label": s.label, "shape": s.shape, "values": list(s.values)} for s in self.series],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """A day or an hour in a table. `shown` is None where too few trays stand behind it."""

    key: str
    label: str
    shown: Shown | None

    @property
    def cells(self) -> tuple[int, ...]:
        """Trays, right, wrong, unsure, without an order, alerts."""
        if self.shown is None:
            return ()
        of = self.shown.verdicts
        return (
            self.shown.trays,
            of[TrayVerdict.MATCH],
            of[TrayVerdict.MISMATCH],
            of[TrayVerdict.UNSURE] + of[TrayVerdict.WHICH_ORDER],
            of[TrayVerdict.NO_ORDER],
            self.shown.alerts + self.shown.shadow_alerts,
        )

    @property
    def seconds(self) -> tuple[float | None, float | None]:
        """Until the verdict: of half of the trays, of nineteen in twenty."""
        if self.shown is None or self.shown.latency is None:
            return (None, None)
        return (self.shown.latency.p50_s, self.shown.latency.p95_s)


@dataclass(frozen=True, slots=True)
class ForgottenShown:
    """A bar: how many trays, and how long it is beside the longest, in percent."""

    name: str
    trays: int
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendsShown:
    """What a span of time looked like; `plots` are empty where there is nothing to be shown."""

    plots: tuple[Plot, ...]
    days: tuple[CellRow, ...]
    hours: tuple[CellRow, ...]
    forgotten: tuple[ForgottenShown, ...]
    whole: Shown | None


def trends_shown(texts: Texts, found: Trends, days: Sequence[str]) -> TrendsShown:
    """What a span looked like.

    Args:
        texts: the catalogue.
        found: what was counted.
        days: all days of the span, oldest first; those without a tray have none in `found`.
    """
    by_day = {trend.key: trend for trend in found.days}
    all_days = [by_day.get(day, Trend(key=day, shown=None)) for day in days]
    hours = _hours(found.hours)
    plots = (
        _outcomes(texts, "days", all_days),
        _outcomes(texts, "hours", hours),
        _latency(texts, all_days),
    )
    return TrendsShown(
        plots=tuple(plot for plot in plots if not plot.is_empty),
        days=tuple(CellRow(key=trend.key, label=trend.key, shown=trend.shown) for trend in reversed(found.days)),
        hours=tuple(CellRow(key=trend.key, label=_hour(trend.key), shown=trend.shown) for trend in found.hours),
        forgotten=_forgotten(texts, found.forgotten),
        whole=found.whole.shown,
    )


def _hours(found: Sequence[Trend]) -> list[Trend]:
    """Every hour from the first to the last that had a tray."""
    if not found:
        return []
    by_hour = {int(trend.key): trend for trend in found}
    return [by_hour.get(n, Trend(key=str(n), shown=None)) for n in range(min(by_hour), max(by_hour) + 1)]


def _outcomes(texts: Texts, along: str, trends: Sequence[Trend]) -> Plot:
    """Of a hundred trays: alerts, left wrong, not decided. Less is better, of all three."""
    measures: tuple[tuple[str, Measure], ...] = (
        ("plot.alerts", lambda shown: PER * (shown.alerts + shown.shadow_alerts) / shown.trays),
        ("plot.left_wrong", lambda shown: PER * shown.share(TrayVerdict.MISMATCH)),
        ("plot.unsure", lambda shown: PER * (shown.share(TrayVerdict.UNSURE) + shown.share(TrayVerdict.WHICH_ORDER))),
    )
    return Plot(
        name=f"outcomes-{along}",
        title=texts(f"plot.outcomes_{along}"),
        along=along,
        x_label=texts(f"plot.{along}"),
        y_label=texts("plot.of_hundred"),
        x=_places(along, trends),
        series=tuple(
            Series(texts(label), shape, _values(trends, measure))
            for shape, (label, measure) in enumerate(measures, start=1)
        ),
    )


def _latency(texts: Texts, trends: Sequence[Trend]) -> Plot:
    def half(shown: Shown) -> float | None:
        return None if shown.latency is None else shown.latency.p50_s

    def most(shown: Shown) -> float | None:
        return None if shown.latency is None else shown.latency.p95_s

    return Plot(
        name="latency-days",
        title=texts("plot.latency"),
        along="days",
        x_label=texts("plot.days"),
        y_label=texts("plot.seconds"),
        x=_places("days", trends),
        series=(
            Series(texts("plot.half"), 1, _values(trends, half)),
            Series(texts("plot.most"), 2, _values(trends, most)),
        ),
    )


def _values(trends: Sequence[Trend], measure: Measure) -> tuple[float | None, ...]:
    found = (None if trend.shown is None else measure(trend.shown) for trend in trends)
    return tuple(None if value is None else round(value, 2) for value in found)


def _places(along: str, trends: Sequence[Trend]) -> tuple[int, ...]:
    if along == "hours":
        return tuple(int(trend.key) for trend in trends)
    return tuple(_seconds(trend.key) for trend in trends)


def _seconds(day: str) -> int:
    parsed = date.fromisoformat(day)
    return int(datetime(parsed.year, parsed.month, parsed.day, tzinfo=timezone.utc).timestamp())


def _hour(key: str) -> str:
    return f"{int(key):02d}:00"


def _forgotten(texts: Texts, found: Sequence[Forgotten]) -> tuple[ForgottenShown, ...]:
    most = max((each.trays for each in found), default=1)
    joined = f" {texts('word.or')} "
    return tuple(
        ForgottenShown(
            joined.join(each.name.split(JOINED_BY_THE_CHECKER)), each.trays, max(1, round(PER * each.trays / most))
        )
        for each in found
    )
