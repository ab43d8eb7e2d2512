"""Tokens over HTTP: who is let in, what the others are told, and how often."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.auth import TokenAuthenticator
from edge_agent.api.open_port import refuse_open_port
from edge_agent.api.throttle import FailureThrottle, peer_of
from edge_agent.domain.access import Role
from edge_agent.errors import BadConfig
from edge_agent.formats.network_address import is_loopback
from tests.fakes_api import Agent
from tests.fakes_store import FakeClock


class Box:
    """An agent with real tokens."""

    def __init__(self, folder: Path, *, failures: int = 3) -> None:
        self.clock = FakeClock()
        self.tokens = TokenFile(path=folder / "tokens.json", clock=self.clock)
        throttle = FailureThrottle(failures=failures, window_s=60.0)
        self.agent = Agent(authenticator=TokenAuthenticator(tokens=self.tokens, clock=self.clock, throttle=throttle))

    def ask(self, authorization: str | None, path: str = "orders") -> int:
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.agent.ask("GET", path, role=None, headers=headers).status_code


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_token_lets_in_until_it_is_revoked(box: Box) -> None:
    secret, token = box.tokens.create(name="till", role=Role.POS)
    assert box.ask(f"Bearer {secret}") == 200
    assert box.ask(f"bearer {secret}") == 200
    box.tokens.revoke(token.token_id)
    assert box.ask(f"Bearer {secret}") == 401


def test_a_token_made_by_another_process_is_known_at_once(box: Box) -> None:
    """The command line writes the file while the agent runs."""
    beside = TokenFile(path=box.tokens.path, clock=box.clock)
    assert box.ask("Bearer x") == 401
    secret, _ = beside.create(name="till", role=Role.POS)
    assert box.ask(f"Bearer {secret}") == 200


def test_a_token_expires(box: Box) -> None:
    secret, _ = box.tokens.create(name="till", role=Role.POS, lasts=timedelta(days=1))
    assert box.ask(f"Bearer {secret}") == 200
    box.clock.advance(86_400)
    assert box.ask(f"Bearer {secret}") == 401


@pytest.mark.parametrize("scheme", ["", "Bearer", "Bearer ", "Token {}", "Bearer {}x", "Bearer x{}", "Basic {}", "{}"])
def test_what_is_no_bearer_token_lets_nobody_in(box: Box, scheme: str) -> None:
    secret, _ = box.tokens.create(name="till", role=Role.POS)
    assert box.ask(scheme.format(secret)) == 401


def test_a_password_opens_the_pages_that_a_browser_asks_for_and_nothing_else(box: Box) -> None:
    """A browser sends it by itself to every page: what changes something must not take it."""
    secret, _ = box.tokens.create(name="office", role=Role.ADMIN)
    assert [box.ask(basic(secret), path) for path in ("/docs", "/openapi.json", "orders")] == [200, 200, 401]
    assert box.agent.ask("GET", "/docs", role=None).headers["www-authenticate"].startswith("Basic")
    assert [box.ask(wrong, "/docs") for wrong in (basic("x"), "Basic !!", "Basic w7/Dvw==")] == [401, 429, 429]


def test_too_many_wrong_tokens_are_put_off_and_a_right_one_is_not(box: Box) -> None:
    """A tablet with an old token must not lock out the till that stands behind the same proxy."""
    secret, _ = box.tokens.create(name="till", role=Role.POS)
    assert [box.ask("Bearer wrong") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert box.ask(f"Bearer {secret}") == 200
    told = box.agent.ask("GET", "orders", role=None)
    assert (told.status_code, told.headers["retry-after"]) == (429, "60")
    assert "and this one has none; try again in 60 s, with a right one at once" in told.json()["detail"]
    wrong = box.agent.ask("GET", "orders", role=None, headers={"Authorization": "Bearer wrong"})
    assert "and this one has a wrong one;" in wrong.json()["detail"]
    box.clock.advance(60.0)
    assert box.ask("Bearer wrong") == 401


def test_the_last_use_is_kept_to_the_hour_and_written_once_an_hour(box: Box) -> None:
    secret, _ = box.tokens.create(name="till", role=Role.POS)
    written = set()
    for _ in range(5):
        box.ask(f"Bearer {secret}")
        written.add(box.tokens.path.stat().st_mtime_ns)
        box.clock.advance(60)
    [token] = box.tokens.tokens()
    assert (str(token.last_used_at), len(written)) == ("2026-01-31 12:00:00+00:00", 1)


def test_a_disk_that_refuses_keeps_nobody_out(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    secret, token = box.tokens.create(name="till", role=Role.POS)
    (box.tokens.path.parent / ".tokens.json.new").mkdir()
    assert [box.ask(f"Bearer {secret}") for _ in range(3)] == [200, 200, 200]
    assert caplog.text.count("could not be kept") == 1
    assert secret not in caplog.text
    assert token.token_id in str(box.tokens.tokens())


def test_the_table_of_failures_is_bounded() -> None:
    throttle = FailureThrottle(failures=1, peers=100)
    for n in range(1_000):
        throttle.failed(f"10.0.{n // 256}.{n % 256}", 0.0)
    assert len(throttle) == 100


@pytest.mark.parametrize(
    ("client", "peer"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8::1", 1), "2001:db8::/64"),
        (("2001:db8::ffff", 1), "2001:db8::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("testclient", 1), "testclient"),
        (None, "local"),
    ],
)
def test_failures_are_counted_under_whom_they_come_from(client: tuple[str, int] | None, peer: str) -> None:
    assert peer_of(client) == peer


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST."])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    refuse_open_port(host, tokens=0)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "box.local", "fe80::1%eth0", "localhost.evil.org", ""]
)
def test_an_open_port_needs_a_token(host: str) -> None:
    with pytest.raises(BadConfig, match="edge-agent tokens create"):
        refuse_open_port(host, tokens=0)
    refuse_open_port(host, tokens=1)
