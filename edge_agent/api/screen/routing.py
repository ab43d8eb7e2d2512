"""A route of the screen: behind the gate like any other, and what it refuses is a page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from edge_agent.api.gate import GuardedRoute
from edge_agent.api.problems import any_problem_of
from edge_agent.api.screen.screen import Screen
from edge_agent.errors import EdgeAgentError


class ScreenRoute(GuardedRoute):
    """A page, or what a form of one sends. The screen stands in `app.state.screen`."""

    takes = "application/x-www-form-urlencoded"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except (EdgeAgentError, HTTPException, RequestValidationError) as error:
                screen: Screen = request.app.state.screen
                return screen.refusal(request, any_problem_of(error))

        return shown


def screen_router() -> APIRouter:
    """A router for pages: none of them is part of the API's description."""
    return APIRouter(route_class=ScreenRoute, include_in_schema=False)
