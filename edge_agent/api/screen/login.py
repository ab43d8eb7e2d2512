"""Signing in and out: with a token, or, for a tablet of the crew, with a code that a manager reads out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from edge_agent.api.access import STAFF
from edge_agent.api.auth import MAX_HEADER, Authenticator
from edge_agent.api.browser import PAIRED_FOR, SIGNED_IN_FOR, sign_in, sign_out
from edge_agent.api.gate import principal_of
from edge_agent.api.problems import Problem
from edge_agent.api.screen.navigation import HOME
from edge_agent.api.screen.pairing import LASTS_S, PairingCodes
from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, Screen, local_path
from edge_agent.api.screen.texts import catalogue
from edge_agent.api.throttle import FailureThrottle, peer_of
from edge_agent.domain.access import Role, Token
from edge_agent.errors import Conflict
from edge_agent.ports import Clock, TokenBook

MAX_CODE = 40
CHOSEN_FOR_S = 365 * 86_400
_TABLET = re.compile(r"tablet ([1-9][0-9]{0,5})")

Next = Annotated[str, Form(max_length=2_000)]


@dataclass(frozen=True, slots=True)
class Given:
    """A code as it is shown, for how long it holds, and where it is typed."""

    code: str
    lasts_min: int
    address: str


def login_routes(screen: Screen, authenticator: Authenticator) -> APIRouter:
    """`/`, `/login`, `/logout`, and `/look` for language and colours."""
    router = screen_router()

    @router.get("/")
    def home(request: Request) -> Response:
        return RedirectResponse(HOME[principal_of(request).role], status_code=303)

    @router.get("/login")
    def login_page(request: Request, next: Annotated[str, Query(max_length=2_000)] = "/") -> Response:  # noqa: A002
        return screen.page(request, "login.html", next=local_path(next), wrong="")

    @router.post("/login")
    async def log_in(
        request: Request,
        token: Annotated[str, Form(max_length=MAX_HEADER)] = "",
        next: Next = "/",  # noqa: A002  the usual name of it in addresses
    ) -> Response:
        secret, goes_to = token.strip(), local_path(next)
        try:
            principal = await authenticator.known_by(request, secret)
        except Problem as problem:
            return screen.page(
                request, "login.html", status=problem.status_code, next=goes_to, wrong=f"login.{problem.kind}"
            )
        if principal.role not in STAFF:
            return screen.page(request, "login.html", status=403, next=goes_to, wrong="login.forbidden")
        answer = RedirectResponse(goes_to, status_code=303)
        sign_in(answer, request, secret, lasts=SIGNED_IN_FOR)
        return answer

    @router.post("/logout")
    def log_out(request: Request) -> Response:
        answer = RedirectResponse("/login", status_code=303)
        sign_out(answer, request)
        return answer

    @router.post("/look")
    def choose_look(
        language: Annotated[str, Form(max_length=8)] = "",
        theme: Annotated[str, Form(max_length=8)] = "",
        next: Next = "/",  # noqa: A002
    ) -> Response:
        answer = RedirectResponse(local_path(next), status_code=303)
        for name, value, known in ((LANGUAGE_COOKIE, language, catalogue()), (THEME_COOKIE, theme, THEMES)):
            if value in known:
                answer.set_cookie(name, value, max_age=CHOSEN_FOR_S, path="/", httponly=True, samesite="strict")
        return answer

    return router


def pairing_routes(screen: Screen, tokens: TokenBook, clock: Clock, throttle: FailureThrottle) -> APIRouter:
    """`/pair` on the tablet, `/tablets` for who looks after them."""
    router = screen_router()
    codes = PairingCodes(clock=clock)

    @router.get("/pair")
    def pair_page(request: Request) -> Response:
        return screen.page(request, "pair.html", wrong="")

    @router.post("/pair")
    async def pair(request: Request, code: Annotated[str, Form(max_length=MAX_CODE)] = "") -> Response:
        peer = peer_of(None if request.client is None else (request.client.host, request.client.port))
        if throttle.wait_s(peer, clock.monotonic_s()) is not None:
            return screen.page(request, "pair.html", status=429, wrong="pair.too-many-failures")
        if not codes.take(code):
            throttle.failed(peer, clock.monotonic_s())
            return screen.page(request, "pair.html", status=401, wrong="pair.unauthenticated")
        secret, _ = await run_in_threadpool(_new_tablet, tokens)
        answer = RedirectResponse(HOME[Role.CREW], status_code=303)
        sign_in(answer, request, secret, lasts=PAIRED_FOR)
        return answer

    @router.get("/tablets")
    def tablets_page(request: Request) -> Response:
        return screen.page(request, "tablets.html", here="tablets", given=None, tablets=_tablets(tokens.tokens()))

    @router.post("/tablets")
    def make_code(request: Request) -> Response:
        given = Given(codes.make(), lasts_min=round(LASTS_S / 60), address=f"{request.url.netloc}/pair")
        return screen.page(request, "tablets.html", here="tablets", given=given, tablets=_tablets(tokens.tokens()))

    return router


def _new_tablet(tokens: TokenBook) -> tuple[str, Token]:
    """A token of the crew with the next name; another process may take a name between two looks."""
    for _ in range(3):
        numbers = [int(found[1]) for each in tokens.tokens() if (found := _TABLET.fullmatch(each.name))]
        try:
            return tokens.create(name=f"tablet {max(numbers, default=0) + 1}", role=Role.CREW)
        except Conflict:
            continue
    raise Problem("unavailable", "no token could be made for the tablet; try again")


def _tablets(tokens: Iterable[Token]) -> list[Token]:
    return [token for token in tokens if _TABLET.fullmatch(token.name) and token.role is Role.CREW]
