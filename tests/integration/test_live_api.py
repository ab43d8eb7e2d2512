"""The API of the running agent against its own description: with every role and with none, nothing fails or leaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.access import ACCESS, BROWSED, SCREEN
from edge_agent.domain.access import Role
from tests.blinking_tray import blinking
from tests.running_agent import RunningAgent

EXAMPLES = 2
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

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        status = box.ask(session, case, role)
        assert status < 500, f"{operation.label}: {status}"
        if allowed and role is None:
            assert status in (401, 429), f"{operation.label}: {status} without a token"
        elif allowed and Role(role) not in allowed:
            assert status == 403, f"{operation.label}: {status} for {role}"

    holds()
