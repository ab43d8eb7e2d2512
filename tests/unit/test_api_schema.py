"""The OpenAPI document keeps its word: what fits it, or nearly, is answered as it says, with every role and none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from edge_agent.api.access import ACCESS
from edge_agent.domain.access import Role
from tests.fakes_api import Agent, _ask

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
AGENT = Agent(stream_s=0.0)
SCHEMA = schemathesis.openapi.from_dict(AGENT.app.openapi())
FOUND: list[Any] = list(SCHEMA.get_all_operations())
OPERATIONS: list[Any] = [each.ok() for each in FOUND]
EXAMPLES = 4
SENT = ("method", "url", "headers", "data", "json", "params", "files", "cookies")


@pytest.mark.parametrize("role", [*(role.value for role in Role), None])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_call_is_answered_as_the_document_says(operation: Any, role: str | None) -> None:
    allowed = ACCESS[operation.method.upper(), operation.path]

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        answer = asked(case, role)
        case.validate_response(answer, checks=CHECKS)
        if allowed and role is None:
            assert answer.status_code == 401
        elif allowed and Role(role) not in allowed:
            assert answer.status_code == 403

    holds()


def asked(case: Any, role: str | None) -> Any:
    """The case as a client would send it, with the token of the role instead of the one it made up."""
    wanted = case.as_transport_kwargs(base_url="http://box")
    request = requests.Request(**{name: value for name, value in wanted.items() if name in SENT}).prepare()
    headers = {name: str(value) for name, value in request.headers.items() if name.lower() != "authorization"}
    if role is not None:
        headers["Authorization"] = f"Bearer {role}"
    return asyncio.run(
        _ask(AGENT.app, str(request.method), str(request.url), headers, {"content": request.body or b""})
    )


def test_every_call_that_takes_json_shows_an_example() -> None:
    bare = []
    described = AGENT.app.openapi()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                schema = described["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                bare += [] if schema.get("examples") else [f"{method} {path}"]
    assert bare == []
