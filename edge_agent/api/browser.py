"""What a browser sends by itself: the cookie that it is signed in by, and where a request comes from."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request, Response

from edge_agent.api.problems import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SIGNED_IN_FOR = timedelta(days=30)
PAIRED_FOR = timedelta(days=365)
"""Browsers forget a cookie after 400 days, whatever it says."""

_COOKIE = "edge_agent"
_SECURE_PREFIX = "__Host-"
"""A browser takes a cookie of such a name from this very host only, and only over TLS."""


def secret_in_cookie(request: Request) -> str | None:
    """The token by which a browser is signed in; None where it is not."""
    return request.cookies.get(_cookie_name(request)) or None


def sign_in(response: Response, request: Request, secret: str, *, lasts: timedelta) -> None:
    """Let the browser send a token with every request. Scripts cannot read it, other sites cannot have it sent."""
    response.set_cookie(
        _cookie_name(request),
        secret,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def keep_signed_in(response: Response, request: Request, *, lasts: timedelta) -> None:
    """Let the browser keep its cookie for longer: a tablet that is used stays paired."""
    secret = secret_in_cookie(request)
    if secret is not None:
        sign_in(response, request, secret, lasts=lasts)


def sign_out(response: Response, request: Request) -> None:
    """Let the browser forget the token. The token itself goes on: only revoking ends it."""
    response.delete_cookie(
        _cookie_name(request), path="/", secure=_is_secure(request), httponly=True, samesite="strict"
    )


def refuse_cross_site(request: Request) -> None:
    """Refuse what would change something unless a page of this very box sent it.

    A browser says where a request comes from: by `Sec-Fetch-Site`, which it sends to hosts it trusts (TLS, or the
    machine itself), else by `Origin`. Neither can be set by another site's script.

    Raises:
        Problem: cross-site.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site == "same-origin":
            return
    else:
        origin = request.headers.get("origin", "")
        host = request.headers.get("host", "")
        if host and origin.partition("://")[2].lower() == host.lower():
            return
    raise Problem("cross-site", "this came from another site's page, or from no page at all: use the pages of this box")


def _cookie_name(request: Request) -> str:
    return (_SECURE_PREFIX if _is_secure(request) else "") + _COOKIE


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
