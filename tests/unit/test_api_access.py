"""Who may call what: the table of access, walked over with every role and with none."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute

from edge_agent.api.access import ACCESS, BROWSED, SCREEN, V1, Call
from edge_agent.api.app import calls_of
from edge_agent.domain.access import Role
from tests.fakes_api import Agent

CALLS = sorted(ACCESS)
API_CALLS = sorted(ACCESS.keys() - SCREEN.keys())
OWN_PAGE = {"Origin": "http://box"}
OTHER_METHODS = ("DELETE", "PATCH")


def filled(path: str) -> str:
    """The path with something in each place."""
    places = {
        "asset": "docs.js",
        "name:path": "screen.css",
        "check_id": "1",
        "station_id": "pass",
        "slot_id": "slot",
        "business_day": "2026-01-31",
        "part": "disk",
    }
    for name in (
        "name:path",
        "asset",
        "check_id",
        "station_id",
        "slot_id",
        "business_day",
        "source",
        "order_id",
        "alert_id",
        "part",
    ):
        path = path.replace(f"{{{name}}}", places.get(name, "x1"))
    return path


def body_for(call: Call) -> dict[str, Any]:
    """Something that is read as JSON, or as a form, where that is read."""
    if call in SCREEN:
        return {"headers": OWN_PAGE} if call[0] == "GET" else {"headers": OWN_PAGE, "data": {}}
    return {} if call[0] == "GET" else {"json": {}}


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_only_the_roles_of_the_table_get_in(call: Call) -> None:
    agent = Agent(stream_s=0.0)
    method, path = call[0], filled(call[1])
    refused = {
        role for role in Role if agent.ask(method, path, role=role.value, **body_for(call)).status_code in (401, 403)
    }
    assert refused == (set(Role) - ACCESS[call] if ACCESS[call] else set())


@pytest.fixture(scope="module")
def locked() -> Agent:
    """An agent that nobody asks whom it knows, so that nothing in it changes."""
    return Agent(stream_s=0.0)


@pytest.mark.parametrize("call", sorted(SCREEN), ids=" ".join)
def test_whoever_is_not_signed_in_is_led_to_sign_in(locked: Agent, call: Call) -> None:
    answer = locked.ask(call[0], filled(call[1]), role=None, **body_for(call))
    is_led_there = answer.status_code == 303 and answer.headers["location"].startswith("/login?next=/")
    assert is_led_there is bool(SCREEN[call])


@pytest.mark.parametrize("call", API_CALLS, ids=" ".join)
def test_without_a_token_only_healthz_answers(locked: Agent, call: Call) -> None:
    answer = locked.ask(call[0], filled(call[1]), role=None, **body_for(call))
    assert answer.status_code == (200 if call == ("GET", "/healthz") else 401)
    assert answer.status_code == 200 or "www-authenticate" in answer.headers


def test_nobody_unknown_makes_the_agent_read_a_body() -> None:
    """What a stranger sends is not even looked at: neither its form nor its size nor its kind is complained of."""
    agent = Agent()
    assert agent.ask("PUT", "orders/A-1", role=None, content=b"{" * 10_000_000).status_code == 401
    assert agent.ask("POST", "check", role="pos", content=b"no form at all").status_code == 403


def test_every_route_stands_in_the_table_and_every_line_of_it_is_served() -> None:
    app = Agent().app
    assert all(isinstance(route, APIRoute) for route in app.routes)
    assert {call for route in app.routes if isinstance(route, APIRoute) for call in calls_of(route)} == set(ACCESS)
    operations = {
        (method.upper(), path): described
        for path, methods in app.openapi()["paths"].items()
        for method, described in methods.items()
    }
    assert operations.keys() == set(ACCESS) - BROWSED - SCREEN.keys()
    # Clients are generated from these names, so no path or method may creep into them.
    named = {call: route.name for route in app.routes if isinstance(route, APIRoute) for call in calls_of(route)}
    assert [each["operationId"] for each in operations.values()] == [named[call] for call in operations]
    assert named["PUT", f"{V1}/orders/{{order_id}}"] == "put_order"


def test_a_browsed_page_only_reads() -> None:
    """A browser sends the password of HTTP Basic by itself, also when another site makes it ask."""
    assert {method for method, _ in BROWSED} == {"GET"}


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_a_method_that_is_not_known_is_a_problem_with_allow(method: str) -> None:
    answer = Agent().ask(method, "/healthz", role=None)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"] == "application/problem+json"
