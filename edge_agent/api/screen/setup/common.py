"""What every Set-up page has: its ports, what waits for a new start, who changed what in the log."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from edge_agent.api.gate import principal_of
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.spoken import in_words
from edge_agent.domain.record import StaffRole
from edge_agent.domain.said import placed
from edge_agent.errors import BadInput
from edge_agent.ports import (
    Cameras,
    Choice,
    Clock,
    EventHistory,
    Health,
    InUse,
    OrderBook,
    Readiness,
    Reporting,
    SecondLook,
    SetupBook,
    SetupShown,
    Stations,
    TokenBook,
)

logger = logging.getLogger(__name__)

SAVED = ("slots", "reference", "menu", "sku", "slider", "trial_run", "tested", "configured", "token", "revoked")
"""What a page says it has saved: the texts `setup_saved.…`."""

OF_A_STATION = (Choice.SLOTS.value, Choice.REFERENCE.value)
"""Choices of which each station has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPorts:
    """What the pages are made of."""

    setup: SetupBook
    cameras: Cameras
    second_look: SecondLook
    health: Health
    stations: Stations
    orders: OrderBook
    history: EventHistory
    reporting: Reporting
    in_use: InUse
    readiness: Readiness
    tokens: TokenBook
    clock: Clock


@dataclass(frozen=True, slots=True)
class Around:
    """What stands above each page.

    Attributes:
        waiting: what takes effect only with a new start, as ends of the ids `setup_waiting.…`.
        can_restart: whether a button can do that.
        set_aside: choices that the configuration was changed over, in the page's language.
        refused: why the configuration, or what was chosen, does not read; empty where it does.
        saved: what was just saved, as the end of an id `setup_saved.…`; empty for nothing.
    """

    waiting: tuple[str, ...] = ()
    can_restart: bool = False
    set_aside: tuple[str, ...] = ()
    refused: str = ""
    saved: str = ""


def setup_page(
    screen: Screen,
    request: Request,
    ports: SetupPorts,
    template: str,
    *,
    status: int = 200,
    detail: str = "",
    **values: object,
) -> Response:
    """One of the pages, with what stands above each. `detail` is why something was refused, as it was said."""
    texts = viewer_of(request).texts
    around = around_of(ports, saved=request.query_params.get("saved", ""))
    around = replace(around, set_aside=tuple(aside_in_words(texts, each) for each in around.set_aside))
    said = {"refused": in_words(texts, around.refused), "detail": in_words(texts, detail)}
    return screen.page(request, template, status=status, here="setup", around=around, **said, **values)


def around_of(ports: SetupPorts, *, saved: str = "") -> Around:
    """What stands above each page now."""
    known = saved if saved in SAVED else ""
    try:
        shown = ports.setup.shown()
    except BadInput as refusal:
        return Around(refused=placed(refusal), saved=known)
    return Around(
        waiting=tuple(choice.value for choice in Choice if choice in shown.waiting),
        can_restart=shown.can_restart,
        set_aside=shown.set_aside,
        saved=known,
    )


def aside_in_words(texts: Texts, what: str) -> str:
    """A choice that was set aside, such as `slots of pass`, in the page's language; one of a later version as it is."""
    name, _, station = what.partition(" of ")
    known = f"setup_waiting.{'trial_mode' if name == 'end' else name}"
    if known not in texts.sentences:
        return what
    return texts("setup.at_station", said=texts(known), name=station) if name in OF_A_STATION else texts(known)


def shown_or_none(ports: SetupPorts) -> SetupShown | None:
    """What was set up; None where it does not read, which stands above the page."""
    try:
        return ports.setup.shown()
    except BadInput:
        return None


def role_of(request: Request) -> StaffRole:
    """As what somebody chooses."""
    return StaffRole(principal_of(request).role.value)


def note(request: Request, what: str, *details: object) -> None:
    """Log who changed what; texts from outside come quoted and cut."""
    principal = principal_of(request)
    said = ", ".join(repr(str(each)[:80]) for each in details)
    logger.info("set-up: %s%s, by '%s' (%s)", what, f" {said}" if said else "", principal.name, principal.role.value)


def back_to(path: str, *, saved: str) -> Response:
    """After a change: the page as it is now, which says what was saved."""
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}saved={saved}", status_code=303)
