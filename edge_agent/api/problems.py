"""Errors on the wire: RFC 9457 problems, one table of their kinds, and what every error of the agent becomes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException as StarletteHTTPException

from edge_agent.errors import (
    BadInput,
    Conflict,
    EdgeAgentError,
    OrderVolatile,
    Overloaded,
    StaleRevision,
    StoreBusy,
    Unknown,
)
from edge_agent.formats.complaints import what_is_wrong

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:edge-agent:problem:"

KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request does not read"),
    "unauthenticated": (401, "A token is needed"),
    "forbidden": (403, "The token's role may not do this"),
    "cross-site": (403, "This did not come from a page of this box"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "This cannot be done here"),
    "timeout": (408, "The request took too long to arrive"),
    "conflict": (409, "This cannot be, as things stand"),
    "stale-revision": (409, "A newer revision of the order is known"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "The request is not in a form that is read here"),
    "invalid": (422, "The request says something that cannot be"),
    "too-many-failures": (429, "Too many wrong tokens came from this address"),
    "internal": (500, "The agent failed"),
    "unavailable": (503, "This cannot be done now"),
    "volatile": (503, "The order is checked, but not stored yet"),
    "overloaded": (503, "Too much of this is going on already"),
    "not-ready": (503, "The agent cannot decide yet"),
    "no-picture": (503, "There is no picture now"),
}
"""Every kind of problem: its status and its title. `type` on the wire is `urn:edge-agent:problem:` and the kind."""

RETRY_BUSY_S = 1
RETRY_STORE_S = 5
MAX_COMPLAINTS = 20
MAX_TEXT = 300

_BY_STATUS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}


class Problem(HTTPException):
    """An answer that is no success; `more` are members of its own, such as the revision that is known."""

    def __init__(
        self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(status_code=KINDS[kind][0], detail=detail, headers=dict(headers or {}))
        self.kind = kind
        self.more = dict(more or {})

    def as_json(self) -> dict[str, Any]:
        """The members of the problem."""
        return {
            "type": TYPE_PREFIX + self.kind,
            "title": KINDS[self.kind][1],
            "status": self.status_code,
            "detail": str(self.detail)[:MAX_TEXT],
            **self.more,
        }


def answer(problem: Problem, request_id: str) -> Response:
    """The problem as a response, pure ASCII: half a character in what came in must not break what goes out."""
    body = json.dumps({**problem.as_json(), "request_id": request_id}).encode("ascii")
    return Response(body, status_code=problem.status_code, headers=problem.headers, media_type=MEDIA_TYPE)


def problem_of(error: EdgeAgentError) -> Problem:  # noqa: PLR0911  a table of classes, most special first
    """What an error of the agent is on the wire. What a database or a model said of itself is logged only."""
    if isinstance(error, StaleRevision):
        return Problem(
            "stale-revision",
            str(error),
            more={"revision": error.revision, "known_revision": error.known_revision},
        )
    if isinstance(error, Conflict):
        return Problem("conflict", str(error))
    if isinstance(error, Unknown):
        return Problem("not-found", str(error))
    if isinstance(error, BadInput):
        return Problem("invalid", error.message)
    if isinstance(error, Overloaded):
        return Problem("overloaded", str(error), headers={"Retry-After": str(RETRY_BUSY_S)})
    if isinstance(error, OrderVolatile):
        return Problem(
            "volatile",
            "trays are checked by it, but a restart would forget it: send it again",
            headers={"Retry-After": str(RETRY_STORE_S)},
            more={"volatile": True},
        )
    if isinstance(error, StoreBusy):
        said = "the store is busy and nothing was done: send it again"
        return Problem("unavailable", said, headers={"Retry-After": str(RETRY_BUSY_S)})
    logger.error("a request failed: %s", error)
    said = "a part of the agent refused and nothing was done; its log says why: send it again"
    return Problem("unavailable", said, headers={"Retry-After": str(RETRY_STORE_S)})


def problem_of_http(error: StarletteHTTPException) -> Problem:
    """What the framework refuses: an unknown path, a wrong method, a body that does not read."""
    if isinstance(error, Problem):
        return error
    kind = _BY_STATUS.get(error.status_code, "bad-request")
    detail = {
        "not-found": "there is nothing at this address; /docs lists what there is",
        "method-not-allowed": "this method is not known at this address; the header Allow names what is",
    }.get(kind, str(error.detail))
    return Problem(kind, detail, headers=error.headers)


def problem_of_validation(errors: Sequence[ErrorDetails]) -> Problem:
    """What is wrong with a request, place by place; what was sent is never sent back."""
    complaints = [{"where": _place(each["loc"]), "what": _said(each)} for each in errors[:MAX_COMPLAINTS]]
    first = complaints[0]
    return Problem("invalid", f"{first['where']}: {first['what']}", more={"errors": complaints})


def _place(loc: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in loc)[:MAX_TEXT]


def _said(error: ErrorDetails) -> str:
    return what_is_wrong(error)[:MAX_TEXT]


def request_id_of(request: Request) -> str:
    """The id that the envelope gave the request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def any_problem_of(error: Exception) -> Problem:
    """What a refusal of any kind is: of the agent, of the framework, or of the schema."""
    if isinstance(error, EdgeAgentError):
        return problem_of(error)
    if isinstance(error, RequestValidationError):
        return problem_of_validation(error.errors())
    assert isinstance(error, StarletteHTTPException)  # noqa: S101  there is no other kind
    return problem_of_http(error)


async def on_agent_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler of `EdgeAgentError`."""
    assert isinstance(error, EdgeAgentError)  # noqa: S101  registered for nothing else
    return answer(problem_of(error), request_id_of(request))


async def on_http_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler of what was refused with a status."""
    assert isinstance(error, StarletteHTTPException)  # noqa: S101  registered for nothing else
    return answer(problem_of_http(error), request_id_of(request))


async def on_validation_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler of a request that does not fit its schema."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for nothing else
    return answer(problem_of_validation(error.errors()), request_id_of(request))
