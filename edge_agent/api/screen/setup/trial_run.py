"""`/setup/trial-run`: how far the trial run (shadow mode) is, its end, and the way back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, back_to, note, role_of, setup_page, shown_or_none
from edge_agent.api.screen.setup.overview import progress_of
from edge_agent.checking.trial_mode import ENOUGH_RIGHT, MOST_FALSE
from edge_agent.domain.said import said_of
from edge_agent.errors import BadInput, Conflict
from edge_agent.ports import Choice


def trial_run_routes(screen: Screen, ports: SetupPorts) -> APIRouter:
    """The page, and its two buttons."""
    router = screen_router()

    def page(request: Request, *, status: int = 200, wrong: str = "", detail: str = "") -> Response:
        shown = shown_or_none(ports)
        progress = None if shown is None else progress_of(ports, shown)
        return setup_page(
            screen,
            request,
            ports,
            "setup_trial_run.html",
            status=status,
            shown=shown,
            progress=progress,
            enough=ENOUGH_RIGHT,
            most_false=round(MOST_FALSE * 100),
            wrong=wrong,
            detail=detail,
        )

    @router.get("/setup/trial-run")
    def trial_run_page(request: Request) -> Response:
        return page(request)

    @router.post("/setup/trial-run/end")
    def end_trial_run(request: Request, early: Annotated[str, Form(max_length=3)] = "") -> Response:
        shown = ports.setup.shown()
        progress = progress_of(ports, shown)
        if not progress.may_end and not early:
            return page(request, status=409, wrong=viewer_of(request).texts("setup_trial_run.say_so"))
        try:
            ports.setup.end_trial(
                audited_right=progress.audited_right,
                high=progress.high,
                early=not progress.may_end,
                by=role_of(request),
            )
        except (BadInput, Conflict) as refusal:
            texts = viewer_of(request).texts
            return page(request, status=409, wrong=texts("setup.not_saved"), detail=said_of(refusal))
        note(request, "the trial run was ended", f"{progress.audited_right} audited right", progress.high)
        return back_to("/setup/trial-run", saved="trial_run")

    @router.post("/setup/trial-run/begin")
    def begin_trial_run(request: Request) -> Response:
        ports.setup.forget(Choice.TRIAL_MODE)
        note(request, "the trial run begins again")
        return back_to("/setup/trial-run", saved="configured")

    return router
