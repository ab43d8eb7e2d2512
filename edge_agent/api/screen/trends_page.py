"""`/today`: the three honest numbers, of today while it goes on and of the last weeks, and how days and hours went."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, Viewer, viewer_of
from edge_agent.api.screen.stream import Streaming, shape_of
from edge_agent.api.screen.views.numbers import numbers_shown
from edge_agent.api.screen.views.plots import trends_shown
from edge_agent.checking import honest_numbers, trends
from edge_agent.checking.honest_numbers import FEWEST_TRAYS
from edge_agent.domain.order import MAX_ID
from edge_agent.domain.tally import Grouped
from edge_agent.errors import StoreError
from edge_agent.ports import Clock, Reporting

COUNTED_EVERY_S = 5.0
"""Today's numbers are counted anew no more often, however many look at them."""

SPANS = (7, 28, 90)

Days = Annotated[Literal["7", "28", "90"], Query()]
Station = Annotated[str, Query(max_length=MAX_ID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendsPorts:
    """What the page is made of."""

    reporting: Reporting
    clock: Clock


@dataclass(frozen=True, slots=True)
class Choice:
    """A span or a station to choose."""

    name: str
    address: str
    is_chosen: bool


class Remembered:
    """What was made a moment ago, by key, so that it is not made anew for everybody who looks. Safe from any thread."""

    def __init__(self, clock: Clock, *, every_s: float, most: int = 64) -> None:
        self._clock = clock
        self._every_s = every_s
        self._most = most
        self._lock = threading.Lock()
        self._made: dict[tuple[str, ...], tuple[float, str]] = {}

    def get(self, key: tuple[str, ...], make: Callable[[], str]) -> str:
        """What is known of the key, or what `make` gives now; where that raises StoreError, what was known before."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            known = self._made.get(key)
        if known is not None and now_s - known[0] < self._every_s:
            return known[1]
        try:
            made = make()
        except StoreError:
            if known is None:
                raise
            made = known[1]
        with self._lock:
            if len(self._made) >= self._most:
                self._made.clear()
            self._made[key] = (now_s, made)
        return made


def trends_routes(screen: Screen, streaming: Streaming, ports: TrendsPorts) -> APIRouter:
    """The page, and the stream of today's numbers."""
    router = screen_router()
    remembered = Remembered(ports.clock, every_s=COUNTED_EVERY_S)

    def regions(viewer: Viewer, station: str) -> Mapping[str, str]:
        day = ports.reporting.calendar.day_of(ports.clock.now_utc())
        key = (viewer.texts.language, station, day)
        return {"figures": remembered.get(key, lambda: _todays(screen, viewer, ports.reporting, day, station))}

    @router.get("/today")
    def today_page(request: Request, days: Days = "28", station: Station = "") -> Response:
        viewer = viewer_of(request)
        now_shown = regions(viewer, station)
        return screen.page(
            request,
            "today.html",
            here="today",
            stream=_address("/today/events", station=station),
            shape=shape_of(now_shown),
            regions=now_shown,
            **_weeks(viewer, ports, int(days), station),
        )

    @router.get("/today/events")
    async def today_events(request: Request, station: Station = "") -> Response:
        viewer = viewer_of(request)
        return streaming.of(request, lambda: regions(viewer, station), shape=shape_of(["figures"]))

    return router


def _todays(screen: Screen, viewer: Viewer, reporting: Reporting, day: str, station: str) -> str:
    numbers = honest_numbers.read_numbers(reporting, reporting.calendar.span_of(day), station=station or None)
    return screen.fragment(viewer, "figures.html", day=day, found=numbers_shown(viewer.texts, numbers))


def _weeks(viewer: Viewer, ports: TrendsPorts, days: int, station: str) -> dict[str, Any]:
    """The last so many days on the page, and what else can be chosen."""
    reporting, now = ports.reporting, ports.clock.now_utc()
    calendar = reporting.calendar
    today, first = calendar.day_of(now), calendar.day_of(now - timedelta(days=days - 1))
    span = calendar.span_of(first, today)
    # The numbers and the trends share most of what is counted by day: it is read once.
    counted = dict.fromkeys((*honest_numbers.COUNTED, *trends.COUNTED))
    by_day = reporting.tallies(span, by=Grouped.DAY, counted=tuple(counted), station=station or None)
    went = trends.read_trends(reporting, span, station=station or None, days=by_day)
    return {
        "today": today,
        "days": days,
        "first": first,
        "spans": [Choice(str(n), _address("/today", days=n, station=station), n == days) for n in SPANS],
        "stations": _stations(viewer, reporting, days, station),
        "found": numbers_shown(viewer.texts, honest_numbers.honest_numbers(by_day)),
        "trends": trends_shown(viewer.texts, went, calendar.days_of(span)),
        "fewest": FEWEST_TRAYS,
    }


def _stations(viewer: Viewer, reporting: Reporting, days: int, station: str) -> list[Choice]:
    """Nothing to choose where there is but one."""
    known = reporting.choices().stations
    if len(known) < 2:  # noqa: PLR2004  one is no choice
        return []
    every = Choice(viewer.texts("today.every_station"), _address("/today", days=days), not station)
    return [every, *(Choice(name, _address("/today", days=days, station=name), name == station) for name in known)]


def _address(path: str, **asked: int | str) -> str:
    given = {name: value for name, value in asked.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
