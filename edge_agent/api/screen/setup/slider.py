"""`/setup/slider`: from fewer alarms to more catches, with what that would have done to the last trays."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from edge_agent.api.access import SCREEN
from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, Viewer, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, back_to, note, role_of, setup_page, shown_or_none
from edge_agent.api.screen.stream import Streaming, shape_of
from edge_agent.api.screen.views.setup_slider import changed_trays, name_of_step, positions
from edge_agent.api.screen.views.spoken import in_words
from edge_agent.checking.eagerness import FEWEST, MOST
from edge_agent.checking.looked_again import Effect, changes, effect
from edge_agent.domain.looked_again import LookedAgain
from edge_agent.domain.menu import Menu
from edge_agent.ports import Choice

ALL = range(FEWEST, MOST + 1)
HAS_EVIDENCE = ("GET", "/history/{check_id}") in SCREEN

StepForm = Annotated[int, Form(ge=FEWEST, le=MOST)]
StepQuery = Annotated[int, Query(ge=FEWEST, le=MOST)]


class _Effects:
    """The effect of every position, reckoned once for the same trays and the same menu."""

    def __init__(self, ports: SetupPorts) -> None:
        self._ports = ports
        self._lock = threading.Lock()
        self._of: tuple[tuple[LookedAgain, ...], Menu] | None = None
        self._found: dict[int, Effect] = {}

    def now(self) -> Mapping[int, Effect]:
        """By position; none before the trays were looked at, or while they are."""
        report, menu = self._ports.second_look.report(), self._ports.in_use.menu()
        if report.is_running or not report.trays:
            return {}
        with self._lock:
            if self._of is None or self._of[0] is not report.trays or self._of[1] is not menu:
                thresholds = {step: self._ports.setup.thresholds(step) for step in ALL}
                self._found = {step: effect(menu, report.trays, thresholds[step]) for step in ALL}
                self._of = (report.trays, menu)
            return self._found


@dataclass(frozen=True, slots=True)
class _Page:
    """Makes the page."""

    screen: Screen
    ports: SetupPorts
    effects: _Effects

    def regions(self, viewer: Viewer) -> Mapping[str, str]:
        rows = positions(viewer.texts, self.effects.now(), self.stands())
        report = self.ports.second_look.report()
        return {
            "effect": self.screen.fragment(
                viewer, "setup_effect.html", report=report, rows=rows, problem=in_words(viewer.texts, report.problem)
            )
        }

    def stands(self) -> int:
        """Where the slider stands."""
        shown = shown_or_none(self.ports)
        return 0 if shown is None else shown.eagerness


def slider_routes(screen: Screen, streaming: Streaming, ports: SetupPorts) -> APIRouter:
    """The page, its stream, and what is moved on it."""
    router, page = screen_router(), _Page(screen, ports, _Effects(ports))

    @router.get("/setup/slider")
    def slider_page(request: Request) -> Response:
        shown = shown_or_none(ports)
        cards = page.regions(viewer_of(request))
        return setup_page(
            screen,
            request,
            ports,
            "setup_slider.html",
            stands=page.stands(),
            is_moved=shown is not None and shown.moved_at is not None,
            names=[(step, name_of_step(viewer_of(request).texts, step)) for step in ALL],
            regions=cards,
            shape=shape_of(cards),
        )

    @router.get("/setup/slider/events")
    async def slider_events(request: Request) -> Response:
        viewer = viewer_of(request)
        return streaming.of(request, lambda: page.regions(viewer), shape=shape_of(["effect"]))

    @router.get("/setup/slider/changes")
    def slider_changes(request: Request, eagerness: StepQuery = 0) -> Response:
        stands, thresholds = page.stands(), ports.setup.thresholds
        trays = ports.second_look.report().trays
        found = changes(ports.in_use.menu(), trays, thresholds(stands), thresholds(eagerness))
        texts = viewer_of(request).texts
        shown, name = changed_trays(texts, found), name_of_step(texts, eagerness)
        return screen.part(request, "setup_changes.html", trays=shown, count=len(found), name=name, links=HAS_EVIDENCE)

    _add_moves(router, ports)
    return router


def _add_moves(router: APIRouter, ports: SetupPorts) -> None:
    @router.post("/setup/slider/look")
    def look_again(request: Request) -> Response:
        ports.second_look.begin()
        note(request, "the last trays are looked at once more")
        return RedirectResponse("/setup/slider", status_code=303)

    @router.post("/setup/slider")
    def move_slider(request: Request, eagerness: StepForm) -> Response:
        ports.setup.move_slider(eagerness, by=role_of(request))
        note(request, "the slider was moved", eagerness)
        return back_to("/setup/slider", saved="slider")

    @router.post("/setup/slider/forget")
    def forget_slider(request: Request) -> Response:
        ports.setup.forget(Choice.SLIDER)
        note(request, "the slider is as configured again")
        return back_to("/setup/slider", saved="configured")
