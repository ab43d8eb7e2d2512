"""Before a route runs: who calls, whether they may, and how much of a body is read. Nobody unknown is read at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from edge_agent.api.access import ACCESS, BROWSED, SCREEN, V1, Call
from edge_agent.api.auth import Authenticator
from edge_agent.api.browser import refuse_cross_site
from edge_agent.api.problems import Problem
from edge_agent.domain.access import Principal
from edge_agent.errors import BadOrder
from edge_agent.formats.orders import MAX_ORDER_BYTES, parse_json

MAX_BATCH_BYTES = 4_000_000
MAX_CHECK_BYTES = 48_000_000
"""A handful of photographs as phones take them."""

MAX_AUDIT_BYTES = 131_072
"""A number for everything on a long menu."""

MAX_MENU_BYTES = 1_100_000
"""A menu's file, and what a form has around it."""

MAX_PLAIN_BYTES = 16_384
"""Everything else is a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a body is read, by call, and how long it may take to arrive (seconds)."""

    body_s: float = 15.0
    plain_bytes: int = MAX_PLAIN_BYTES
    by_call: dict[Call, int] = field(
        default_factory=lambda: {
            ("PUT", f"{V1}/orders/{{order_id}}"): MAX_ORDER_BYTES,
            ("PUT", f"{V1}/orders/{{source}}/{{business_day}}/{{order_id}}"): MAX_ORDER_BYTES,
            ("POST", f"{V1}/orders"): MAX_BATCH_BYTES,
            ("POST", f"{V1}/check"): MAX_CHECK_BYTES,
            ("POST", "/setup/menu"): MAX_MENU_BYTES,
            ("POST", "/audit"): MAX_AUDIT_BYTES,
        }
    )

    def of(self, call: Call) -> int:
        return self.by_call.get(call, self.plain_bytes)


class LimitedRequest(Request):
    """A request whose JSON is read strictly: no key twice, no NaN, no nesting that exhausts the stack."""

    async def json(self) -> Any:
        body = await self.body()
        try:
            return parse_json(body.decode("utf-8"), path=Path("body"), line=None, error=BadOrder)
        except UnicodeDecodeError as error:
            raise Problem("bad-request", "the body is not UTF-8") from error
        except BadOrder as error:
            raise Problem("bad-request", error.message) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets calls through to their route, or not."""

    authenticator: Authenticator
    limits: Limits

    async def admit(self, request: Request, call: Call) -> Request:
        """The request as the route may read it; its principal is `request.state.principal`.

        Raises:
            Problem: nobody known calls, or somebody who may not, or another site's page made the browser call, or the
                body is announced to be too large.
        """
        if call in SCREEN:
            refuse_cross_site(request)
        roles = ACCESS[call]
        if roles:
            principal = await self.authenticator.principal(request, browsed=call in BROWSED)
            if principal.role not in roles:
                named = ", ".join(sorted(role.value for role in roles))
                raise Problem("forbidden", f"this token has the role {principal.role.value}; it takes one of: {named}")
            request.state.principal = principal
        limit = self.limits.of(call)
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
            raise too_large(limit)
        receive = limited(request.receive, limit_bytes=limit, limit_s=self.limits.body_s)
        return LimitedRequest(request.scope, receive)


class GuardedRoute(APIRoute):
    """A route behind the gate that stands in `app.state.gate`."""

    takes = "application/json"
    """The media type of a body, where the route reads one by its parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        call = (next(iter(self.methods or ())), self.path)
        takes_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            gate: Gate = request.app.state.gate
            admitted = await gate.admit(request, call)
            if takes_body:
                refuse_other_than(self.takes, request)
            return await handle(admitted)

        return guarded


def guarded_router(*tags: str, described: bool = True) -> APIRouter:
    """A router for programs: behind the gate, each call known in the API's description by its function's name."""
    return APIRouter(
        route_class=GuardedRoute,
        tags=list(tags),
        include_in_schema=described,
        generate_unique_id_function=lambda route: route.name,
    )


def principal_of(request: Request) -> Principal:
    """Who calls, on a route that the gate asked."""
    principal: Principal = request.state.principal
    return principal


def refuse_other_than(media_type: str, request: Request) -> None:
    """Refuse a body of another media type, before it is read.

    Raises:
        Problem: unsupported-media-type.
    """
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != media_type:
        raise Problem("unsupported-media-type", f"send the header 'Content-Type: {media_type}' and a body of that kind")


def too_large(limit_bytes: int) -> Problem:
    """The answer to a body that is too large; what is left of it is not read, so that the connection ends."""
    return Problem("too-large", f"at most {limit_bytes:,} bytes are taken here", headers={"Connection": "close"})


def limited(receive: Receive, *, limit_bytes: int, limit_s: float) -> Receive:
    """Receive a body of bounded size in bounded time, whatever its headers say of it.

    Raises:
        Problem: (from what is returned) too-large, or timeout.
    """
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + limit_s
    taken = 0
    whole = False

    async def received() -> Message:
        nonlocal taken, whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, ends_s - loop.time()))
        except (asyncio.TimeoutError, TimeoutError) as error:
            said = f"the body did not arrive within {limit_s:g} s"
            raise Problem("timeout", said, headers={"Connection": "close"}) from error
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > limit_bytes:
                raise too_large(limit_bytes)
        return message

    return received
