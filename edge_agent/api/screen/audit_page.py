"""`/audit`: the day's alerts and twenty other trays, blind: what lies on this tray?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from edge_agent.api.gate import principal_of
from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.views.audit_sheet import (
    MOST_PIECES,
    AuditShown,
    Sheet,
    countables,
    next_tray,
    sheet,
    tray_after,
)
from edge_agent.checking.audit_desk import AuditDay, AuditDesk
from edge_agent.domain.order import MAX_ID, MAX_LINES
from edge_agent.domain.record import AuditAnswer, StaffRole
from edge_agent.domain.search import MAX_NUMBER
from edge_agent.errors import BadInput, Unknown
from edge_agent.ports import Clock, InUse, Pictures

DAYS_BACK = 3
"""Pictures of trays without an alert are kept for 72 hours by default: older days cannot be audited."""

Day = Annotated[str, Query(max_length=10)]
Tray = Annotated[int, Query(ge=1, le=MAX_NUMBER)]
MaybeTray = Annotated[int | None, Query(ge=1, le=MAX_NUMBER)]

PICTURE_KEPT = "private, max-age=3600"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPorts:
    """What the page is made of."""

    audits: AuditDesk
    pictures: Pictures
    in_use: InUse
    clock: Clock


@dataclass(frozen=True, slots=True)
class DayChoice:
    """A business day that can be audited."""

    day: str
    address: str
    is_chosen: bool


def audit_routes(screen: Screen, ports: AuditPorts) -> APIRouter:
    """The page, its pictures, and what is answered on it."""
    router = screen_router()
    _add_page(router, screen, ports)
    _add_picture(router, ports)
    _add_answer(router, screen, ports)
    return router


def _add_page(router: APIRouter, screen: Screen, ports: AuditPorts) -> None:
    @router.get("/audit")
    def audit_page(
        request: Request, day: Day = "", tray: MaybeTray = None, again: MaybeTray = None, saved: MaybeTray = None
    ) -> Response:
        stands = ports.audits.day(day or _today(ports))
        number = again or next_tray(stands, tray)
        asked = None if number is None else _sheet(request, ports, stands, number)
        return _page(request, screen, ports, AuditShown(stands=stands, sheet=asked, saved=saved))


def _add_picture(router: APIRouter, ports: AuditPorts) -> None:
    @router.get("/audit/picture")
    def read_picture(day: Day, tray: Tray, n: Annotated[int, Query(ge=0, le=1_000)] = 0) -> Response:
        """By the tray's number, never by its check's: that could be looked up."""
        names = ports.audits.question(day, tray).pictures
        found = ports.pictures.read(names[n]) if n < len(names) else None
        if found is None:
            raise Unknown("this picture is no longer kept")
        return Response(found, media_type="image/jpeg", headers={"Cache-Control": PICTURE_KEPT})


def _add_answer(router: APIRouter, screen: Screen, ports: AuditPorts) -> None:
    @router.post("/audit")
    def take_answer(
        request: Request,
        *,
        day: Annotated[str, Form(max_length=10)],
        tray: Annotated[int, Form(ge=1, le=MAX_NUMBER)],
        answer: Annotated[Literal["told", "empty", "cannot_tell", "skipped"], Form()],
        what: Annotated[list[Annotated[str, Form(max_length=MAX_ID)]] | None, Form(max_length=MAX_LINES)] = None,
        count: Annotated[list[Annotated[str, Form(max_length=4)]] | None, Form(max_length=MAX_LINES)] = None,
    ) -> Response:
        seen = {each.class_name for each in countables(viewer_of(request).texts, ports.in_use.menu())}
        counts = _counts(what or [], count or [], seen)
        stands = ports.audits.day(day)
        if answer == "told" and not counts:
            # A finger that slipped would count as a tray on which everything was missing.
            asked = AuditShown(stands=stands, sheet=_sheet(request, ports, stands, tray), is_empty=True)
            return _page(request, screen, ports, asked, status=422)
        ports.audits.answer(
            day,
            tray,
            role=StaffRole(principal_of(request).role.value),
            answer=AuditAnswer.TOLD if answer == "empty" else AuditAnswer(answer),
            contents=counts if answer == "told" else None,
        )
        then = tray_after(stands.open, tray)
        goes_on = {"day": day, "tray": then, "saved": None if answer == "skipped" else tray}
        query = urlencode({name: value for name, value in goes_on.items() if value is not None})
        return RedirectResponse(f"/audit?{query}#asked", status_code=303)


def _page(request: Request, screen: Screen, ports: AuditPorts, shown: AuditShown, *, status: int = 200) -> Response:
    days = _days(ports, shown.stands.day)
    return screen.page(request, "audit.html", status=status, here="audit", shown=shown, days=days)


def _sheet(request: Request, ports: AuditPorts, stands: AuditDay, number: int) -> Sheet:
    question = ports.audits.question(stands.day, number)
    return sheet(viewer_of(request).texts, ports.in_use.menu(), stands, question)


def _counts(what: Sequence[str], count: Sequence[str], seen: Collection[str]) -> dict[str, int]:
    """How many of what, as it was typed; what was left out does not lie there.

    Raises:
        BadInput: there is not one number for each name, something that is no number, or what the menu does not have.
    """
    if len(what) != len(count):
        raise BadInput("an audit needs one number for each thing")
    counts = {}
    for name, typed in zip(what, count, strict=True):
        text = typed.strip() or "0"
        if not (text.isascii() and text.isdigit() and int(text) <= MOST_PIECES):
            raise BadInput(f"'{text}' is no number of things on a tray; write one from 0 to {MOST_PIECES}")
        if name not in seen:
            raise BadInput(f"the menu has nothing that looks like '{name}', or not any more; begin this tray anew")
        if int(text):
            counts[name] = int(text)
    return counts


def _today(ports: AuditPorts) -> str:
    return ports.audits.calendar.day_of(ports.clock.now_utc())


def _days(ports: AuditPorts, chosen: str) -> list[DayChoice]:
    now = ports.clock.now_utc()
    recent = [ports.audits.calendar.day_of(now - timedelta(days=n)) for n in range(DAYS_BACK + 1)]
    days = dict.fromkeys([*recent, chosen])
    return [DayChoice(day, f"/audit?{urlencode({'day': day})}", day == chosen) for day in days]
