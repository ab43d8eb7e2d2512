"""What the OpenAPI document says of answers that are no success."""

from __future__ import annotations

from typing import Any

from edge_agent.api.answers.outgoing import ProblemOut
from edge_agent.api.problems import KINDS, MEDIA_TYPE

ALWAYS = (401, 403, 429)
"""Any call may end so, before it begins. An answer of 500 is a fault of the agent; it is described all the same."""

WITH_BODY = (400, 408, 413, 415, 422)
Described = dict[int | str, dict[str, Any]]


def problems(*statuses: int, body: bool = False) -> Described:
    """The problems that a call may end with, besides those of every call."""
    wanted = {*ALWAYS, *statuses, 500, *(WITH_BODY if body else ())}
    return {status: _problem(status) for status in sorted(wanted)}


def _problem(status: int) -> dict[str, Any]:
    titles = "; ".join(title for code, title in KINDS.values() if code == status)
    return {
        "description": titles,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}}},
    }


def jpeg(description: str) -> Described:
    """A picture."""
    schema = {"type": "string", "contentMediaType": "image/jpeg"}
    return {200: {"description": description, "content": {"image/jpeg": {"schema": schema}}}}
