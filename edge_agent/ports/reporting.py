"""Reads what was stored for people who look back: searching, evidence, counts by time, and trays to audit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

from edge_agent.domain.audit import DayTray, ShownTray
from edge_agent.domain.business_day import Calendar, Span
from edge_agent.domain.search import (
    AlertSearch,
    CheckEvidence,
    CheckSearch,
    Choices,
    FoundAlert,
    FoundCheck,
    Page,
    PageMark,
)
from edge_agent.domain.tally import Counted, Grouped, Tally


class Reporting(Protocol):
    """Looks back, as of the last commit. Synchronous, safe to call from any thread.

    Lists begin with the newest by recorded time, and are paged by marks. All methods raise StoreError where the
    database does not answer.
    """

    @property
    def calendar(self) -> Calendar:
        """The days by which it counts."""
        ...

    def find_checks(self, wanted: CheckSearch, *, limit: int = 50, after: PageMark | None = None) -> Page[FoundCheck]:
        """A page of checks, answered in bounded time: see `Page.next`."""
        ...

    def find_alerts(self, wanted: AlertSearch, *, limit: int = 50, after: PageMark | None = None) -> Page[FoundAlert]:
        """A page of alerts, answered in bounded time: see `Page.next`."""
        ...

    def every_check(self, wanted: CheckSearch) -> Iterator[FoundCheck]:
        """All of them, however many: read a page at a time, and nothing of the database is held in between."""
        ...

    def every_alert(self, wanted: AlertSearch) -> Iterator[FoundAlert]:
        """All of them, however many: read a page at a time, and nothing of the database is held in between."""
        ...

    def evidence(self, check_id: int) -> CheckEvidence | None:
        """All about one check; None where there is none of this number."""
        ...

    def choices(self) -> Choices:
        """What there is to search for."""
        ...

    def tallies(
        self,
        span: Span,
        *,
        by: Grouped = Grouped.WHOLE,
        counted: Collection[Counted] = tuple(Counted),
        station: str | None = None,
    ) -> tuple[Tally, ...]:
        """The counts of a span, oldest day or first hour first; keys under which nothing was counted are left out.

        A span is cut at quarters of an hour, and a day that begins at another minute begins with the next quarter. An
        order that no tray was known to be of has no station, and is counted only where no station is named.
        """
        ...

    def trays_of(self, span: Span) -> tuple[DayTray, ...]:
        """The trays from among which audits are drawn, in no order: those of `Counted.FRAME`."""
        ...

    def shown_tray(self, number: int) -> ShownTray | None:
        """What is shown of one tray of the store; None where there is none, or it was never checked."""
        ...

    def store_id(self) -> str:
        """A random text that is this database's own, for ever: what is drawn is drawn by it."""
        ...
