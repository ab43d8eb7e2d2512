"""The API of the running agent against its own description: with every role and with none, nothing fails or leaks.

`EDGE_AGENT_EXAMPLES=20` (`make soak`) makes more calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.access import ACCESS, BROWSED, SCREEN
from edge_agent.domain.access import Role
from tests.blinking_tray import blinking
from tests.running_agent import RunningAgent

EXAMPLES = int(os.environ.get("EDGE_AGENT_EXAMPLES", "1"))
"""So many calls that keep to the description, and as many that do not, of each operation and role."""

MOST_FOR = {Role.ADMIN.value: 4}
"""Who may do everything gets furthest in: so many times more."""

TIMEOUT_S = 240 * EXAMPLES

DESCRIBED = (status_code_conformance, content_type_conformance, response_schema_conformance)
"""Every answer is one that the description has for the call."""

SENT = ("method", "url", "headers", "data", "json", "params", "files", "cookies")
ENDLESS = ("GET", "/api/v1/events")
"""A stream: only its beginning is read."""


@dataclass(slots=True)
class Box:
    """The agent, with a token for each role."""

    agent: RunningAgent
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.agent.port}"

    def ask(self, session: requests.Session, case: Any, role: str | None) -> int:
        """Send a case with the token of a role instead of the one that was made up; the status."""
        wanted = case.as_transport_kwargs(base_url=self.address)
        request = requests.Request(**{name: value for name, value in wanted.items() if name in SENT})
        prepared = session.prepare_request(request)
        prepared.headers.pop("Authorization", None)
        if role is not None:
            prepared.headers["Authorization"] = f"Bearer {self.secrets[role]}"
        with session.send(prepared, timeout=30, stream=True) as answer:
            if answer.status_code != 200 or (case.operation.method.upper(), case.operation.path) != ENDLESS:
                assert answer.content is not None
                case.validate_response(answer, checks=DESCRIBED)
            return answer.status_code


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("live")
    agent = RunningAgent(folder / "agent", more=blinking(folder / "made"))
    tokens = TokenFile(path=Path(agent.settings["api"]["tokens"]), clock=SystemClock())
    with agent:
        box = Box(agent)
        for role in Role:
            box.secrets[role.value], _ = tokens.create(name=role.value, role=role, lasts=timedelta(hours=1))
        yield box
        assert agent.end() == 0
        assert "Traceback" not in agent.said()


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("role", [*(role.value for role in Role), None])
def test_no_call_fails_and_none_is_answered_to_who_may_not_make_it(box: Box, role: str | None) -> None:
    schema: Any = schemathesis.openapi.from_dict(box.agent.ask("GET", "/openapi.json")[1])
    called = set()
    with requests.Session() as session:
        for found in schema.get_all_operations():
            operation = found.ok()
            called.add((operation.method.upper(), operation.path))
            _hold(box, session, operation, role)
    assert called == ACCESS.keys() - BROWSED - SCREEN.keys()


def _hold(box: Box, session: requests.Session, operation: Any, role: str | None) -> None:
    allowed = ACCESS[operation.method.upper(), operation.path]
    most = EXAMPLES * MOST_FOR.get(role or "", 1)

    def holds(case: Any) -> None:
        status = box.ask(session, case, role)
        assert status < 500, f"{operation.label}: {status}"
        if allowed and role is None:
            assert status in (401, 429), f"{operation.label}: {status} without a token"
        elif allowed and Role(role) not in allowed:
            assert status == 403, f"{operation.label}: {status} for {role}"

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        bounded = settings(max_examples=most, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        # Of a call that takes nothing, none can be made that breaks its description.
        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
            bounded(given(case=operation.as_strategy(generation_mode=mode))(holds))()
