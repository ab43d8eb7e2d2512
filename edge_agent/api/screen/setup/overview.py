"""`/setup`: the steps of a first hour, and starting the agent anew."""

from __future__ import annotations

from datetime import timezone

from fastapi import APIRouter, Request, Response

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, note, setup_page, shown_or_none
from edge_agent.api.screen.views.setup_steps import Known, SetupStep, steps_of
from edge_agent.checking.trial_mode import TrialProgress, same_since, trial_progress
from edge_agent.domain.unknown_skus import UnknownSku, unknown_skus
from edge_agent.ports import SetupShown

LATEST_ORDERS = 300
"""Among so many of the latest orders SKUs are looked for that the menu does not know: a day of a busy house. To read a
thousand takes an eighth of a second of a core, which two pages wait for."""

LATEST_RUNS = 200


def overview_routes(screen: Screen, ports: SetupPorts) -> APIRouter:
    """The page, and the new start."""
    router = screen_router()

    @router.get("/setup")
    def overview(request: Request) -> Response:
        shown = shown_or_none(ports)
        steps: tuple[SetupStep, ...] = ()
        if shown is not None:
            known = Known(
                shown=shown,
                looks=ports.cameras.looks(),
                unknown_skus=len(unknown_to_menu(ports)),
                progress=progress_of(ports, shown) if shown.shadow else None,
                tokens=[token for token in ports.tokens.tokens() if token.serves_at(ports.clock.now_utc())],
                problems=len(ports.readiness.report().problems),
            )
            steps = steps_of(viewer_of(request).texts, known)
        return setup_page(screen, request, ports, "setup.html", steps=steps)

    @router.post("/setup/restart")
    def restart(request: Request) -> Response:
        ports.setup.restart()
        note(request, "the agent is started anew")
        return screen.page(request, "setup_restart.html", here="setup")

    return router


def unknown_to_menu(ports: SetupPorts) -> tuple[UnknownSku, ...]:
    """What was ordered of late and the menu does not know. Raises StoreError."""
    orders = (stored.order for stored in ports.history.orders(limit=LATEST_ORDERS))
    return unknown_skus(ports.in_use.menu(), [order for order in orders if order is not None])


def progress_of(ports: SetupPorts, shown: SetupShown) -> TrialProgress:
    """How far the trial run is. Raises StoreError."""
    now = ports.clock.now_utc().astimezone(timezone.utc)
    runs = ports.history.runs(limit=LATEST_RUNS)
    return trial_progress(ports.reporting, same_since(runs, shown.moved_at, now), now)
