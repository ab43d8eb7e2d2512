"""The application: every route behind the gate, every error a problem, one description of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from edge_agent.api.access import ACCESS, BROWSED, SCREEN, V1, Call
from edge_agent.api.answers.outgoing import ProblemOut
from edge_agent.api.auth import Authenticator
from edge_agent.api.browser import SAFE_METHODS
from edge_agent.api.envelope import Envelope
from edge_agent.api.gate import Gate, GuardedRoute, Limits
from edge_agent.api.problems import any_problem_of, on_agent_error, on_http_error, on_validation_error
from edge_agent.api.routes.alerts import alert_routes
from edge_agent.api.routes.checks import check_routes
from edge_agent.api.routes.house import docs_routes, house_routes
from edge_agent.api.routes.orders import order_routes
from edge_agent.api.routes.stations import KEEP_ALIVE_S, STREAM_S, event_routes, station_routes
from edge_agent.api.screen.audit_page import AuditPorts, audit_routes
from edge_agent.api.screen.history_page import HistoryPorts, history_routes
from edge_agent.api.screen.login import login_routes, pairing_routes
from edge_agent.api.screen.pass_page import PassPorts, pass_routes
from edge_agent.api.screen.screen import Screen
from edge_agent.api.screen.setup.common import SetupPorts
from edge_agent.api.screen.setup.routes import setup_routes
from edge_agent.api.screen.static_routes import static_routes
from edge_agent.api.screen.stream import Streaming
from edge_agent.api.screen.trends_page import TrendsPorts, trends_routes
from edge_agent.api.throttle import FailureThrottle
from edge_agent.checking.audit_desk import AuditDesk
from edge_agent.errors import EdgeAgentError
from edge_agent.ports import (
    Alerts,
    Answers,
    Cameras,
    Clock,
    EventFeed,
    EventHistory,
    Health,
    InUse,
    OrderBook,
    PhotoChecker,
    Pictures,
    Readiness,
    Reporting,
    SecondLook,
    SetupBook,
    Stations,
    TokenBook,
    Troubles,
)

_DESCRIPTION = (
    "Orders go in, verdicts and alerts come out. Every call but `/healthz` needs a token: "
    "`Authorization: Bearer TOKEN`. An error is an RFC 9457 problem that says what to do."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """What the API and the screen stand on. All of it is the runtime's; the API owns nothing."""

    orders: OrderBook
    history: EventHistory
    reporting: Reporting
    audits: AuditDesk
    pictures: Pictures
    photo_checker: PhotoChecker
    alerts: Alerts
    answers: Answers
    stations: Stations
    in_use: InUse
    setup: SetupBook
    cameras: Cameras
    second_look: SecondLook
    health: Health
    feed: EventFeed
    readiness: Readiness
    troubles: Troubles
    authenticator: Authenticator
    tokens: TokenBook
    throttle: FailureThrottle
    clock: Clock
    registry: CollectorRegistry
    limits: Limits = field(default_factory=Limits)
    keep_alive_s: float = KEEP_ALIVE_S
    stream_s: float = STREAM_S


def create_api(parts: ApiParts) -> FastAPI:
    """Build the application. The synchronous ports are called from a pool of threads, the feed on the event loop.

    Whoever serves it turns the server's own header off, and closes the feed first when it ends.
    """
    app = _without_routes(parts)
    routers = (*_program_routes(parts), *_screen_routes(parts, app.state.screen))
    routes = [route for router in routers for route in router.routes]
    _hold_against_table(routes)
    # `include_router` would make each of them a second time, when the first call comes that might be for it.
    app.router.routes.extend(routes)
    description: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not description:
            description.update(_described(app))
        return description

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def _without_routes(parts: ApiParts) -> FastAPI:
    """The application with its gate, its envelope and what becomes of errors."""
    app = FastAPI(
        title="Edge Agent",
        description=_DESCRIPTION,
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.gate = Gate(authenticator=parts.authenticator, limits=parts.limits)
    app.state.screen = Screen(parts.reporting.calendar.zone)
    app.add_middleware(Envelope)
    app.add_exception_handler(EdgeAgentError, on_agent_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    return app


def _program_routes(parts: ApiParts) -> tuple[APIRouter, ...]:
    """What programs ask, each with the ports that it needs."""
    return (
        order_routes(parts.orders, parts.history),
        check_routes(parts.history, parts.pictures, parts.photo_checker),
        alert_routes(parts.alerts),
        station_routes(parts.stations, parts.in_use),
        event_routes(parts.feed, keep_alive_s=parts.keep_alive_s, stream_s=parts.stream_s),
        house_routes(parts.readiness, parts.registry),
        docs_routes(),
    )


async def _on_http_error(request: Request, error: Exception) -> Response:
    """What nothing answers: a page to a person who mistyped an address, a problem to a program."""
    is_page = request.method in SAFE_METHODS and "text/html" in request.headers.get("accept", "")
    if is_page and isinstance(error, HTTPException) and not request.url.path.startswith(V1):
        screen: Screen = request.app.state.screen
        return screen.refusal(request, any_problem_of(error))
    return await on_http_error(request, error)


def _screen_routes(parts: ApiParts, screen: Screen) -> tuple[APIRouter, ...]:
    """The pages of the screen, each with the ports that it needs."""
    streaming = Streaming(
        feed=parts.feed, clock=parts.clock, authenticator=parts.authenticator, stream_s=parts.stream_s
    )
    return (
        static_routes(),
        pass_routes(screen, streaming, _pass_ports(parts)),
        *_looking_back(parts, screen, streaming),
        *setup_routes(screen, streaming, _setup_ports(parts)),
        login_routes(screen, parts.authenticator),
        pairing_routes(screen, parts.tokens, parts.clock, parts.throttle),
    )


def _pass_ports(parts: ApiParts) -> PassPorts:
    return PassPorts(
        stations=parts.stations,
        orders=parts.orders,
        alerts=parts.alerts,
        answers=parts.answers,
        history=parts.history,
        in_use=parts.in_use,
        troubles=parts.troubles,
        clock=parts.clock,
    )


def _setup_ports(parts: ApiParts) -> SetupPorts:
    return SetupPorts(
        setup=parts.setup,
        cameras=parts.cameras,
        second_look=parts.second_look,
        health=parts.health,
        stations=parts.stations,
        orders=parts.orders,
        history=parts.history,
        reporting=parts.reporting,
        in_use=parts.in_use,
        readiness=parts.readiness,
        tokens=parts.tokens,
        clock=parts.clock,
    )


def _looking_back(parts: ApiParts, screen: Screen, streaming: Streaming) -> tuple[APIRouter, ...]:
    """What was, and what it was worth."""
    reporting, in_use, clock = parts.reporting, parts.in_use, parts.clock
    audits = AuditPorts(audits=parts.audits, pictures=parts.pictures, in_use=in_use, clock=clock)
    return (
        history_routes(screen, HistoryPorts(reporting=reporting, in_use=in_use, clock=clock)),
        trends_routes(screen, streaming, TrendsPorts(reporting=reporting, clock=clock)),
        audit_routes(screen, audits),
    )


def calls_of(route: APIRoute) -> list[Call]:
    """The calls that a route answers."""
    return [(method, route.path) for method in sorted(route.methods or ())]


def _hold_against_table(routes: Sequence[BaseRoute]) -> None:
    """A route that the table of access does not name is a fault in the program, found before anything is served."""
    served = {call for route in routes if isinstance(route, GuardedRoute) for call in calls_of(route)}
    unguarded = [route for route in routes if not isinstance(route, GuardedRoute)]
    if unguarded or served != set(ACCESS):
        raise RuntimeError(f"the routes and the table of access differ: {unguarded or served ^ set(ACCESS)}")


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: who may call what stands at each call."""
    described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas[ProblemOut.__name__] = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for (method, path), roles in ACCESS.items():
        if (method, path) in BROWSED or (method, path) in SCREEN:
            continue
        operation = described["paths"][path][method.lower()]
        named = ", ".join(sorted(role.value for role in roles))
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {named or 'none needed'}.".strip()
        operation["security"] = [{"token": []}] if roles else []
    return described
