"""Signing in by a token or a code, and what a browser may be made to send by others."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.auth import TokenAuthenticator
from edge_agent.api.screen.pairing import LASTS_S, MOST, PairingCodes
from edge_agent.api.screen.screen import local_path
from edge_agent.api.throttle import FailureThrottle
from edge_agent.domain.access import Role
from tests.fakes_api import Agent
from tests.fakes_store import FakeClock


class Box:
    """An agent with real tokens, and a browser before it."""

    def __init__(self, folder: Path, *, failures: int = 3) -> None:
        self.clock = FakeClock()
        self.tokens = TokenFile(path=folder / "tokens.json", clock=self.clock)
        throttle = FailureThrottle(failures=failures, window_s=60.0)
        authenticator = TokenAuthenticator(tokens=self.tokens, clock=self.clock, throttle=throttle)
        self.agent = Agent(
            authenticator=authenticator, tokens=self.tokens, throttle=throttle, clock=self.clock, stream_s=0.0
        )
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, *, base: str = "http://box", **more: object) -> httpx.Response:
        """As a browser asks: with its cookies, and with the origin of the page that a form stands on."""
        headers = {"Origin": base, **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
        answer = asyncio.run(self._ask(method, base + path, {k: v for k, v in headers.items() if v}, more))
        self.cookies.update(answer.cookies)
        return answer

    async def _ask(self, method: str, url: str, headers: dict[str, str], more: dict[str, object]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.agent.app, client=("192.0.2.7", 40_000))
        async with httpx.AsyncClient(transport=transport, cookies=self.cookies) as client:
            return await client.request(method, url, headers=headers, **more)  # type: ignore[arg-type]

    def sign_in(self, role: Role = Role.CREW, *, base: str = "http://box") -> httpx.Response:
        secret, _ = self.tokens.create(name=role.value, role=role)
        return self.ask("POST", "/login", base=base, data={"token": secret})


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_token_signs_a_browser_in_until_it_is_revoked(box: Box) -> None:
    assert box.ask("GET", "/pass").headers["location"] == "/login?next=/pass"
    assert box.sign_in().headers["location"] == "/"
    assert box.ask("GET", "/").headers["location"] == "/pass"
    assert box.ask("GET", "/pass").status_code == 200
    box.tokens.revoke(box.tokens.tokens()[0].token_id)
    assert box.ask("GET", "/pass").status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(box: Box) -> None:
    cookie = box.sign_in().headers["set-cookie"]
    assert cookie.startswith("edge_agent=ea_")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie


def test_over_tls_the_cookie_belongs_to_this_host_and_to_tls_alone(box: Box) -> None:
    cookie = box.sign_in(base="https://box").headers["set-cookie"]
    assert cookie.startswith("__Host-edge_agent=ea_")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert box.ask("GET", "/pass", base="https://box").status_code == 200


def test_signing_out_makes_the_browser_forget(box: Box) -> None:
    box.sign_in()
    gone = box.ask("POST", "/logout")
    assert gone.headers["location"] == "/login"
    assert "Max-Age=0" in gone.headers["set-cookie"]


def test_a_wrong_token_is_told_so_and_too_many_are_put_off(box: Box) -> None:
    assert [box.ask("POST", "/login", data={"token": "x"}).status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    assert box.sign_in().status_code == 303  # a right one always passes


def test_a_tills_token_does_not_open_the_screen(box: Box) -> None:
    refused = box.sign_in(Role.POS)
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)


@pytest.mark.parametrize(
    ("asked", "goes_to"),
    [
        ("/history?verdict=match", "/history?verdict=match"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/ /evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "x" * 600, "/"),
        ("", "/"),
    ],
)
def test_signing_in_never_leads_away_from_the_box(asked: str, goes_to: str) -> None:
    assert local_path(asked) == goes_to


def test_after_signing_in_one_is_where_one_wanted_to_be(box: Box) -> None:
    led = box.ask("GET", "/tablets?x=1").headers["location"]
    assert led == "/login?next=/tablets%3Fx%3D1"
    assert 'value="/tablets?x=1"' in box.ask("GET", led).text
    secret, _ = box.tokens.create(name="office", role=Role.ADMIN)
    assert (
        box.ask("POST", "/login", data={"token": secret, "next": "/tablets?x=1"}).headers["location"] == "/tablets?x=1"
    )


OTHERS = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://box", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://box", "Sec-Fetch-Site": "same-site"},
    {"Origin": "http://box", "Sec-Fetch-Site": "none"},
    {"Origin": "http://box:81"},
]


@pytest.mark.parametrize("headers", OTHERS, ids=str)
@pytest.mark.parametrize("path", ["/tablets", "/login", "/logout", "/look", "/pair"])
def test_what_another_site_makes_the_browser_send_to_a_page_is_refused(
    box: Box, path: str, headers: dict[str, str]
) -> None:
    box.sign_in(Role.ADMIN)
    assert box.ask("POST", path, headers=headers, data={"a": "1"}).status_code == 403


@pytest.mark.parametrize("headers", OTHERS, ids=str)
def test_what_another_site_makes_the_browser_send_to_the_api_is_refused(box: Box, headers: dict[str, str]) -> None:
    """The cookie opens the API too, for pictures and streams: a change by it must come from our own pages."""
    box.sign_in(Role.ADMIN)
    assert box.ask("POST", "/api/v1/orders/A-1/ready", headers=headers).status_code == 403
    assert box.ask("POST", "/api/v1/orders/A-1/ready").status_code == 404
    assert box.ask("GET", "/api/v1/orders", headers=headers).status_code == 200


def test_a_header_wins_over_the_cookie(box: Box) -> None:
    box.sign_in(Role.ADMIN)
    assert box.ask("GET", "/api/v1/orders", headers={"Authorization": "Bearer x"}).status_code == 401


def test_the_same_origin_is_believed_from_either_header(box: Box) -> None:
    box.sign_in(Role.ADMIN)
    assert box.ask("POST", "/tablets", headers={"Origin": "", "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert box.ask("POST", "/tablets", headers={"Origin": "http://BOX"}).status_code == 200


def test_htmx_is_led_to_sign_in_as_a_whole_page(box: Box) -> None:
    answer = box.ask("POST", "/tablets", headers={"HX-Request": "true"})
    assert answer.headers["hx-redirect"] == "/login"


def test_a_stream_is_refused_with_a_status_not_with_a_page(box: Box) -> None:
    assert box.ask("GET", "/pass/events", headers={"Accept": "text/event-stream"}).status_code == 401


def code_on(answer: httpx.Response) -> str:
    found = re.search(r'class="code">([0-9A-Z]{4}-[0-9A-Z]{4})<', answer.text)
    assert found
    return found[1]


def test_a_code_pairs_one_tablet_as_crew_for_a_year(box: Box) -> None:
    box.sign_in(Role.MANAGER)
    code = code_on(box.ask("POST", "/tablets"))
    box.cookies.clear()
    paired = box.ask("POST", "/pair", data={"code": code.lower().replace("-", " ")})
    assert paired.headers["location"] == "/pass"
    assert "Max-Age=31536000" in paired.headers["set-cookie"]
    assert [(token.name, token.role) for token in box.tokens.tokens()][1:] == [("tablet 1", Role.CREW)]
    assert box.ask("GET", "/pass").status_code == 200
    assert box.ask("POST", "/pair", data={"code": code}).status_code == 401


def test_a_code_ends_after_ten_minutes_and_guessing_is_put_off(box: Box) -> None:
    secret, _ = box.tokens.create(name="office", role=Role.MANAGER)
    box.ask("POST", "/login", data={"token": secret})
    code = code_on(box.ask("POST", "/tablets"))
    assert [box.ask("POST", "/pair", data={"code": "AAAA-AAAA"}).status_code for _ in range(4)] == [401, 401, 401, 429]
    assert box.ask("POST", "/pair", data={"code": code}).status_code == 429  # not even the right one is looked at
    box.clock.advance(61.0)
    assert box.ask("POST", "/pair", data={"code": code}).status_code == 303
    box.ask("POST", "/login", data={"token": secret})
    late = code_on(box.ask("POST", "/tablets"))
    box.clock.advance(LASTS_S)
    assert box.ask("POST", "/pair", data={"code": late}).status_code == 401


def test_the_tablets_of_the_house_are_numbered_on(box: Box) -> None:
    for number in (1, 2, 3):
        box.tokens.create(name=f"tablet {number}", role=Role.CREW)
    box.tokens.revoke(box.tokens.tokens()[0].token_id)
    box.sign_in(Role.MANAGER)
    code = code_on(box.ask("POST", "/tablets"))
    box.ask("POST", "/pair", data={"code": code})
    assert box.tokens.tokens()[-1].name == "tablet 4"


def test_codes_are_few_and_have_no_look_alikes() -> None:
    codes = PairingCodes(clock=FakeClock())
    made = [codes.make() for _ in range(MOST + 1)]
    assert not set("01ILOU-") & {c for code in made for c in code.replace("-", "")}
    assert [codes.take(code) for code in made] == [False, *[True] * MOST]


def test_language_and_colours_are_chosen_and_kept(box: Box) -> None:
    answer = box.ask("POST", "/look", data={"language": "de", "next": "/login"})
    assert answer.headers["location"] == "/login"
    box.ask("POST", "/look", data={"theme": "dark", "next": "/login"})
    page = box.ask("GET", "/login").text
    assert '<html lang="de" data-theme="dark"' in page
    box.ask("POST", "/look", data={"theme": '"><script>', "language": "xx"})
    assert box.ask("GET", "/login").text == page
