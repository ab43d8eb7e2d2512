"""`/setup/tokens`: who may use the box: making tokens, listing and revoking them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, back_to, note, setup_page
from edge_agent.domain.access import Role, Token
from edge_agent.errors import BadInput, Conflict, Unknown

MOST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Made:
    """A token that was just made: its secret is shown this once."""

    secret: str
    token: Token


def token_routes(screen: Screen, ports: SetupPorts) -> APIRouter:
    """The page, and its two buttons."""
    router = screen_router()

    def page(
        request: Request, *, status: int = 200, made: Made | None = None, wrong: str = "", name: str = ""
    ) -> Response:
        return setup_page(
            screen,
            request,
            ports,
            "setup_tokens.html",
            status=status,
            tokens=sorted(ports.tokens.tokens(), key=lambda each: (list(Role).index(each.role), each.name)),
            roles=list(Role),
            now=ports.clock.now_utc(),
            made=made,
            wrong=wrong,
            name=name,
        )

    @router.get("/setup/tokens")
    def tokens_page(request: Request) -> Response:
        return page(request)

    @router.post("/setup/tokens")
    def make_token(
        request: Request,
        name: Annotated[str, Form(max_length=60)] = "",
        role: Annotated[Role, Form()] = Role.CREW,
        days: Annotated[str, Form(max_length=5)] = "",
    ) -> Response:
        texts = viewer_of(request).texts
        if days and not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS):
            return page(request, status=422, wrong=texts("setup_tokens.wrong_days", most=MOST_DAYS), name=name)
        lasts = timedelta(days=int(days)) if days else None
        try:
            secret, token = ports.tokens.create(name=name.strip(), role=role, lasts=lasts)
        except Conflict:
            return page(request, status=409, wrong=texts("setup_tokens.taken"), name=name)
        except BadInput:
            return page(request, status=422, wrong=texts("setup_tokens.wrong_name"), name=name)
        note(request, "a token was made", token.name, token.role.value)
        return page(request, made=Made(secret, token))

    @router.post("/setup/tokens/revoke")
    def revoke_token(request: Request, token_id: Annotated[str, Form(max_length=16)] = "") -> Response:
        tokens = ports.tokens.tokens()
        token = next((each for each in tokens if each.token_id == token_id), None)
        if token is None:
            raise Unknown("there is no such token")
        admins = [each for each in tokens if each.role is Role.ADMIN and each.serves_at(ports.clock.now_utc())]
        if admins == [token]:
            return page(request, status=409, wrong=viewer_of(request).texts("setup_tokens.last_admin"))
        ports.tokens.revoke(token_id)
        note(request, "a token was revoked", token.name, token.role.value)
        return back_to("/setup/tokens", saved="revoked")

    return router
