"""Who is calling: an `Authenticator` makes a `Principal` of a request, or refuses."""

from __future__ import annotations

import base64
import binascii
import logging
from datetime import timedelta
from typing import Protocol

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from edge_agent.api.browser import refuse_cross_site, secret_in_cookie
from edge_agent.api.problems import Problem
from edge_agent.api.throttle import FailureThrottle, peer_of
from edge_agent.domain.access import Principal, Token
from edge_agent.ports import Clock, TokenKeeper

logger = logging.getLogger(__name__)

LAST_USED_EVERY = timedelta(hours=1)
MAX_HEADER = 512
"""A longer header holds no token of ours."""


class Authenticator(Protocol):
    """Makes a principal of a request: by the token in a header, or by the one in the cookie of a browser."""

    async def principal(self, request: Request, *, browsed: bool) -> Principal:
        """Who calls.

        Args:
            request: nothing of its body may be read.
            browsed: whether it is for a page that a browser opens by itself, and that only reads.

        Raises:
            Problem: unauthenticated, too-many-failures, or cross-site where a browser was made to ask by another site.
        """
        ...

    async def known_by(self, request: Request, secret: str) -> Principal:
        """Whose token this is, which somebody typed into a form.

        Raises:
            Problem: unauthenticated or too-many-failures.
        """
        ...


class TokenAuthenticator:
    """Knows callers by the token in `Authorization: Bearer`, on browsed pages also as a Basic password.

    Without that header a browser is known by its cookie, which holds a token too: revoking it signs the browser out.
    What a browser sends by itself another site can make it send, so with the cookie a change must come from our pages.

    A right token always passes, also from an address with too many failures: tokens cannot be guessed, and a tablet
    with an old one must not lock out the till behind the same proxy. What is put off are the failures.
    """

    def __init__(self, *, tokens: TokenKeeper, clock: Clock, throttle: FailureThrottle | None = None) -> None:
        self._tokens = tokens
        self._clock = clock
        self._throttle = FailureThrottle() if throttle is None else throttle

    async def principal(self, request: Request, *, browsed: bool) -> Principal:
        secret = _secret_in(request, browsed=browsed)
        if "authorization" not in request.headers and (secret := secret_in_cookie(request)) is not None:
            refuse_cross_site(request)
        return await self._known(request, secret, browsed=browsed)

    async def known_by(self, request: Request, secret: str) -> Principal:
        return await self._known(request, secret, browsed=False)

    async def _known(self, request: Request, secret: str | None, *, browsed: bool) -> Principal:
        token = self._tokens.find(secret) if secret and len(secret) <= MAX_HEADER else None
        if token is None:
            raise self._refusal(request, browsed=browsed, given=secret is not None)
        await self._note_use(token)
        return token.principal

    async def _note_use(self, token: Token) -> None:
        now = self._clock.now_utc()
        if token.last_used_at is None or abs(now - token.last_used_at) >= LAST_USED_EVERY:
            await run_in_threadpool(self._tokens.note_use, token)

    def _refusal(self, request: Request, *, browsed: bool, given: bool) -> Problem:
        peer = peer_of(None if request.client is None else (request.client.host, request.client.port))
        wait_s = self._throttle.failed(peer, self._clock.monotonic_s())
        logger.debug("a request from %s came with %s token", peer, "a wrong" if given else "no")
        if wait_s is not None:
            this = "a wrong one" if given else "none"
            said = f"too many requests of this address had no right token, and this one has {this}"
            said = f"{said}; try again in {wait_s} s, with a right one at once"
            return Problem("too-many-failures", said, headers={"Retry-After": str(wait_s)})
        challenge = 'Basic realm="edge-agent", charset="UTF-8"' if browsed else 'Bearer realm="edge-agent"'
        said = (
            "the token is not known, or no longer: ask for a new one"
            if given
            else "send a token as 'Authorization: Bearer TOKEN'; 'edge-agent tokens create' makes one"
        )
        return Problem("unauthenticated", said, headers={"WWW-Authenticate": challenge})


def _secret_in(request: Request, *, browsed: bool) -> str | None:
    """The token that a request carries; None where it carries none, or more than one header for it."""
    headers = request.headers.getlist("authorization")
    if len(headers) != 1 or len(headers[0]) > MAX_HEADER:
        return None
    scheme, _, rest = headers[0].strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if browsed and scheme.lower() == "basic":
        return _password_in(rest.strip())
    return None


def _password_in(encoded: str) -> str | None:
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return pair.partition(":")[2] or None
