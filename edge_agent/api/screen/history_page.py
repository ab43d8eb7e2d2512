"""`/history`: checks and alerts by time, number, channel, verdict and item; as a file, and each with its evidence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from edge_agent.api.access import ADMINS
from edge_agent.api.gate import principal_of
from edge_agent.api.screen.download import AT_A_TIME, Download
from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.evidence import evidence_shown
from edge_agent.api.screen.views.history_rows import Row, alert_row, check_row
from edge_agent.api.screen.views.moments import Moment, moment_of
from edge_agent.api.screen.views.spreadsheet import (
    ALERT_COLUMNS,
    CHECK_COLUMNS,
    alert_cells,
    check_cells,
    pieces,
)
from edge_agent.domain.alert import Resolution
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import MAX_ID
from edge_agent.domain.search import MAX_NUMBER, AlertSearch, CheckSearch, Page, PageMark
from edge_agent.errors import BadInput, Unknown
from edge_agent.ports import Clock, InUse, Reporting

T = TypeVar("T")

ROWS = 50
OPEN = "open"
"""What is chosen of how an alert ended where it has not."""

CheckId = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
Word = Annotated[str, Field(max_length=MAX_ID)]


class Asked(BaseModel):
    """What the form of the history was filled in with; empty is anything.

    Attributes:
        show: checks or alerts.
        first, last: business days; one of them alone means that day.
        number, channel, item: see `CheckSearch`.
        verdict: of checks only; `ended`, how it did, of alerts only.
        each: every check of a tray, not just its last.
        after: where the page before ended.
    """

    model_config = ConfigDict(frozen=True)

    show: Literal["checks", "alerts"] = "checks"
    first: Word = ""
    last: Word = ""
    number: Word = ""
    channel: Word = ""
    item: Word = ""
    verdict: Literal["", "match", "mismatch", "unsure"] = ""
    ended: Literal["", "open", "fixed", "system_wrong", "accepted", "tray_left", "cancelled", "superseded"] = ""
    each: Literal["", "yes"] = ""
    after: Annotated[str, Field(max_length=2 * MAX_ID)] = ""

    def address(self, path: str = "/history", **other: str) -> str:
        """The address that asks this, with some things otherwise."""
        given = {name: value for name, value in {**self.model_dump(), **other}.items() if value}
        if given.get("show") == "checks":
            given.pop("show")
        return f"{path}?{urlencode(given)}" if given else path

    def between(self, calendar: Calendar) -> tuple[datetime | None, datetime | None]:
        """From when until when. Raises BadInput."""
        if not (self.first or self.last):
            return None, None
        span = calendar.span_of(self.first or self.last, self.last or self.first)
        return span.since, span.until

    def checks(self, calendar: Calendar) -> CheckSearch:
        """As a search for checks. Raises BadInput."""
        since, until = self.between(calendar)
        return CheckSearch(
            since=since,
            until=until,
            number=self.number.strip(),
            channel=self.channel,
            verdict=VerdictKind(self.verdict) if self.verdict else None,
            item=self.item,
            final=not self.each,
        )

    def alerts(self, calendar: Calendar) -> AlertSearch:
        """As a search for alerts. Raises BadInput."""
        since, until = self.between(calendar)
        return AlertSearch(
            since=since,
            until=until,
            number=self.number.strip(),
            channel=self.channel,
            item=self.item,
            resolution=Resolution(self.ended) if self.ended not in ("", OPEN) else None,
            open_only=self.ended == OPEN,
        )


Asking = Annotated[Asked, Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPorts:
    """What the pages are made of."""

    reporting: Reporting
    in_use: InUse
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of the list. `next` continues it; `down_to` says how far a list came that found nothing yet."""

    rows: tuple[Row, ...] = ()
    next: str = ""
    down_to: Moment | None = None
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What can be chosen in the form: channels, items with their names, and days by name with their addresses."""

    channels: tuple[str, ...]
    items: tuple[tuple[str, str], ...]
    days: tuple[tuple[str, str, bool], ...]


def history_routes(screen: Screen, ports: HistoryPorts) -> APIRouter:
    """The list, its files, and the evidence of each check."""
    router = screen_router()
    _add_list(router, screen, ports)
    _add_files(router, ports)
    _add_evidence(router, screen, ports)
    return router


def _add_list(router: APIRouter, screen: Screen, ports: HistoryPorts) -> None:
    @router.get("/history")
    def history_page(request: Request, asked: Asking) -> Response:
        texts = viewer_of(request).texts
        listed = _listed(texts, ports.reporting, asked)
        return screen.page(
            request,
            "history.html",
            status=422 if listed.wrong else 200,
            here="history",
            asked=asked,
            listed=listed,
            offered=_offered(texts, ports, asked),
            file=asked.address(f"/history/{asked.show}.csv", after="") if principal_of(request).role in ADMINS else "",
        )


def _add_files(router: APIRouter, ports: HistoryPorts) -> None:
    reporting, places = ports.reporting, threading.BoundedSemaphore(AT_A_TIME)

    @router.get("/history/checks.csv")
    def download_checks(request: Request, asked: Asking) -> Response:
        texts, zone = viewer_of(request).texts, reporting.calendar.zone
        rows = (check_cells(texts, found, zone) for found in reporting.every_check(asked.checks(reporting.calendar)))
        return _file(places, "checks", pieces(texts, CHECK_COLUMNS, rows))

    @router.get("/history/alerts.csv")
    def download_alerts(request: Request, asked: Asking) -> Response:
        texts, zone = viewer_of(request).texts, reporting.calendar.zone
        rows = (alert_cells(texts, found, zone) for found in reporting.every_alert(asked.alerts(reporting.calendar)))
        return _file(places, "alerts", pieces(texts, ALERT_COLUMNS, rows))


def _add_evidence(router: APIRouter, screen: Screen, ports: HistoryPorts) -> None:
    @router.get("/history/{check_id}")
    def evidence_page(request: Request, check_id: CheckId) -> Response:
        evidence = ports.reporting.evidence(check_id)
        if evidence is None:
            raise Unknown(f"there is no check {check_id}")
        zone = ports.reporting.calendar.zone
        shown = evidence_shown(viewer_of(request).texts, evidence, ports.in_use.menu(), zone)
        return screen.page(request, "evidence.html", here="history", shown=shown)


def _file(places: threading.BoundedSemaphore, name: str, found: Iterator[bytes]) -> Response:
    """The file as it comes. Its beginning is asked for before anything is sent, so that a refusal is still a page."""
    begin = list(islice(found, 2))
    return Download(places, f"{name}.csv", chain(begin, found))


def _listed(texts: Texts, reporting: Reporting, asked: Asked) -> Listed:
    calendar = reporting.calendar
    try:
        after = PageMark.parse(asked.after) if asked.after else None
        if asked.show == "alerts":
            wanted = asked.alerts(calendar)
            alerts = reporting.find_alerts(wanted, limit=ROWS, after=after)
            return _page_of(asked, alerts, lambda found: alert_row(texts, found, calendar.zone), calendar)
        searched = asked.checks(calendar)
        checks = reporting.find_checks(searched, limit=ROWS, after=after)
        return _page_of(asked, checks, lambda found: check_row(texts, found, calendar.zone), calendar)
    except BadInput:
        return Listed(wrong=texts("history.wrong"))


def _page_of(asked: Asked, page: Page[T], row_of: Callable[[T], Row], calendar: Calendar) -> Listed:
    return Listed(
        rows=tuple(row_of(found) for found in page.found),
        next=asked.address(after=str(page.next)) if page.next else "",
        down_to=moment_of(page.next.recorded_at, calendar.zone) if page.next and not page.found else None,
    )


def _offered(texts: Texts, ports: HistoryPorts, asked: Asked) -> Offered:
    choices, menu = ports.reporting.choices(), ports.in_use.menu()
    items = [(sku, sku if (item := menu.find(sku)) is None else item.shown_name) for sku in choices.items]
    now, day_of = ports.clock.now_utc(), ports.reporting.calendar.day_of
    today, yesterday, week = (day_of(now - timedelta(days=n)) for n in (0, 1, 6))
    days = (
        ("history.today", today, today),
        ("history.yesterday", yesterday, yesterday),
        ("history.week", week, today),
    )
    return Offered(
        channels=choices.channels,
        items=tuple(sorted(items, key=lambda item: item[1].casefold())),
        days=tuple(
            (
                texts(text_id),
                asked.address(first=first, last=last, after=""),
                (asked.first, asked.last) == (first, last),
            )
            for text_id, first, last in days
        ),
    )
