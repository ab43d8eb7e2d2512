"""What strangers, broken tills and attackers send: every answer is a problem with a sentence, and never more."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge_agent.api.gate import Limits
from edge_agent.errors import DetectorError
from edge_agent.formats.orders import MAX_ORDER_BYTES
from tests.fakes_api import Agent, alert_news

JSON = {"Content-Type": "application/json"}
XSS = "<script>alert(1)</script>\"'&"


def lines(sku: str = "plate") -> dict[str, Any]:
    return {"lines": [{"sku": sku}]}


def test_every_answer_has_an_id_and_the_security_headers() -> None:
    for path in ("/healthz", "/nowhere", "orders", "/docs"):
        headers = Agent().ask("GET", path).headers
        assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])
        assert "default-src 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert "server" not in headers


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("till-7.42", True),
        ("a" * 65, False),
        ("a b", False),
        ("a\r\nSet-Cookie: x", False),
        ("<b>", False),
        ("ä", False),
    ],
)
def test_a_request_id_is_kept_only_if_it_can_stand_in_a_header(given: str, kept: bool) -> None:
    """Sent as a server would hand it over, raw: a client library would refuse some of these."""
    got = raw(Agent(), "GET", "/healthz", headers=[(b"x-request-id", given.encode("utf-8"))])
    told = dict(got[0]["headers"])[b"x-request-id"].decode()
    assert (told == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", told)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"lines": [], "lines": []}', 400),
        (b'{"lines": [{"sku": "a", "quantity": NaN}]}', 400),
        (b'{"lines": [{"sku": "a", "quantity": 1e400}]}', 422),
        (b'{"lines": [{"sku": "a", "quantity": %s}]}' % (b"9" * 5_000), 400),
        (b"[" * 100_000, 400),
        (b'{"lines": ' + b'[{"sku": "a", "children": ' * 400 + b"[]" + b"}]" * 400 + b"}", 422),
        (b"\xff\xfe", 400),
        (b'{"lines": [{"sku": "\\ud800"}]}', 400),
        (b'{"lines": [], "notes": "\\u0000"}', 200),
        (b"null", 422),
        (b"", 422),
    ],
)
def test_a_body_that_does_not_read_is_a_problem(body: bytes, status: int) -> None:
    answer = Agent().ask("PUT", "orders/A-1", content=body, headers=JSON)
    assert answer.status_code == status
    assert status == 200 or answer.json()["type"].startswith("urn:edge-agent:problem:")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_a_body_of_another_kind_is_refused_before_it_is_read(kind: str) -> None:
    """A page of another site can make a browser send these without asking; JSON it cannot."""
    answer = Agent().ask("PUT", "orders/A-1", content=b'{"lines": []}', headers={"Content-Type": kind})
    assert answer.status_code == 415


def test_an_announced_size_is_refused_before_a_byte_is_read() -> None:
    read = []

    async def endless() -> AsyncIterator[bytes]:
        read.append(1)
        yield b" "

    headers = {**JSON, "Content-Length": str(MAX_ORDER_BYTES + 1)}
    answer = Agent().ask("PUT", "orders/A-1", content=endless(), headers=headers)
    assert (answer.status_code, read, answer.headers["connection"]) == (413, [], "close")


@pytest.mark.parametrize("announced", [None, b"10", b"-1", b"x", b"1" * 30])
def test_a_body_is_cut_off_while_it_is_read_whatever_its_headers_say(announced: bytes | None) -> None:
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer pos")]
    headers += [] if announced is None else [(b"content-length", announced)]
    pieces: list[int] = []

    async def endless() -> dict[str, Any]:
        pieces.append(1)
        return {"type": "http.request", "body": b" " * 64_000, "more_body": True}

    [start, *_] = raw(Agent(), "PUT", "/api/v1/orders/A-1", headers=headers, receive=endless)
    assert start["status"] == 413
    assert len(pieces) <= MAX_ORDER_BYTES // 64_000 + 1


def test_a_body_that_trickles_is_given_up() -> None:
    """Slow bodies must not hold the places of those who have something to say."""

    async def nothing_more() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer pos")]
    agent = Agent(limits=Limits(body_s=0.01))
    [start, body] = raw(agent, "PUT", "/api/v1/orders/A-1", headers=headers, receive=nothing_more)
    assert (start["status"], json.loads(body["body"])["type"]) == (408, "urn:edge-agent:problem:timeout")


@pytest.mark.parametrize(
    "path",
    [
        "orders/..%2f..%2fetc%2fpasswd",
        "orders/%2e%2e/ready",
        "orders/%00",
        "orders/a%0d%0aSet-Cookie:x",
        "orders/%ff",
        "checks/..%2f1",
        "checks/1/..%2fimage.jpg",
        "stations/..%2f..%2fx/frame.jpg",
        "alerts/%2e%2e%2f/resolve",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_a_path_that_climbs_or_breaks_lines_leads_nowhere(method: str, path: str) -> None:
    body: dict[str, Any] = {} if method == "GET" else {"json": lines()}
    answer = Agent().ask(method, path, **body)
    assert answer.status_code in (200, 404, 405, 422)
    assert "set-cookie" not in answer.headers
    assert "root:" not in answer.text


def test_what_looks_like_a_page_stays_text() -> None:
    """Ids, names and notes are whatever the till says; they go out as JSON, which no browser takes for a page."""
    agent = Agent()
    told = agent.ask("PUT", "orders/A-1", json={"lines": [{"sku": XSS, "name": XSS, "modifiers": [XSS]}], "notes": XSS})
    assert told.status_code == 200
    agent.alerts.news = [alert_news(1, name=XSS)]
    for path in ("orders", "alerts"):
        answer = agent.ask("GET", path)
        assert XSS in json.dumps(answer.json(), ensure_ascii=False).replace('\\"', '"')
        assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (
            "application/json",
            "nosniff",
        )
    refused = agent.ask("PUT", "orders/A-1", json={"lines": [{"sku": "plate", XSS: 1, "quantity": XSS}]})
    assert refused.headers["content-type"] == "application/problem+json"


def test_what_was_sent_is_not_sent_back_with_the_complaint() -> None:
    answer = Agent().ask("PUT", "orders/A-1", json={"lines": [{"sku": "plate", "quantity": "secret-value"}]})
    assert "secret-value" not in answer.text


def test_half_a_character_in_a_key_breaks_no_answer() -> None:
    body = b'{"reason": "fixed", "\\ud800": 1}'
    assert Agent().ask("POST", "alerts/a/resolve", content=body, headers=JSON).status_code == 400


def test_a_fault_of_the_agent_is_a_problem_and_says_nothing_of_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def menu(self) -> None:
            raise ZeroDivisionError("the-inside")

    answer = Agent(in_use=Broken()).ask("GET", "menu", headers={"X-Request-ID": "till-1"})
    assert (answer.status_code, answer.json()["request_id"]) == (500, "till-1")
    assert "the-inside" not in answer.text
    assert "till-1" in caplog.text
    assert "the-inside" in caplog.text


def test_a_model_that_fails_is_told_as_something_to_try_again(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def check(self, order: object, photographs: object) -> None:
            raise DetectorError("out of memory at 0x7f")

    files = [("photo", ("a.jpg", b"x"))]
    answer = Agent(photo_checker=Broken()).ask(
        "POST", "check", files=files, data={"order": '{"order_id":"a","lines":[]}'}
    )
    assert answer.status_code == 503
    assert "0x7f" not in answer.text
    assert "0x7f" in caplog.text


def raw(agent: Agent, method: str, path: str, *, headers: list[tuple[bytes, bytes]], receive: Any = None) -> list[Any]:
    """A request as a server hands it over; gives the messages of the answer."""
    sent: list[Any] = []

    async def empty() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.7", 40_000),
        "server": ("box", 80),
    }
    asyncio.run(agent.app(scope, receive or empty, send))
    return sent
