"""The API's pages are complete and true: every route, role, problem, setting; and the commands do what they say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from edge_agent.api.access import ACCESS, SCREEN, Call
from edge_agent.api.problems import KINDS
from edge_agent.api.telling import name_of
from edge_agent.domain.access import Role
from edge_agent.domain.events import AlertRaised, AlertResolved, Event
from edge_agent.formats.order_files import LINE_COLUMNS, ORDER_COLUMNS, entries_from
from edge_agent.ports import AlertNews, StationStatus
from edge_agent.settings import ApiSettings, OrderFolderSettings, TlsSettings
from tests.fakes_api import JPEG, Agent

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
API = (DOCS / "reference" / "api.md").read_text()
PAGES = (DOCS / "screen.md").read_text()
TILL = (DOCS / "integrate.md").read_text()
FORMATS = (DOCS / "reference" / "formats.md").read_text()


def curl_commands(page: str) -> list[list[str]]:
    """Every curl command to the agent in the page's shell blocks, as its words."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", page)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("curl ") and "$BOX/" in line]


def typed(agent: Agent, words: list[str], token: str) -> Any:
    """What the command would get; a word that curl has and this has not is an error."""
    method, url, headers, body, form = "GET", "", {}, None, []
    rest = iter(word.replace("$BOX", "http://box").replace("$TOKEN", token) for word in words[1:])
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        elif word == "-F":
            name, _, value = next(rest).partition("=")
            form.append((name, ("tray.jpg", JPEG) if value.startswith("@") else (None, value.encode())))
        elif word.startswith("http://box/"):
            url = word.removeprefix("http://box")
        else:
            raise AssertionError(f"{word!r} is not understood here")
    more: dict[str, Any] = {} if body is None else {"content": body}
    return agent.ask(method, url, role=None, headers=headers, **({"files": form} if form else more))


def test_the_commands_for_the_till_work_as_they_are_printed() -> None:
    """One after the other, as somebody who follows the page types them, with a till's token."""
    agent = Agent()
    commands = curl_commands(TILL)
    assert len(commands) >= 8
    for words in commands:
        answer = typed(agent, words, "pos")
        assert answer.status_code == 200, (words, answer.text)
        assert "problem" not in json.dumps([r for r in answer.json().get("results", []) if r["problem"]])
    waiting = [standing.order.order_id for standing in agent.book.waiting()]
    assert waiting == ["A-103", "A-105"], "any other would leave open whose the tray is, and no alert would come"
    assert (agent.book.state("A-102"), len(agent.book.standing)) == ("cancelled", 5)


def test_the_commands_of_the_reference_work_as_they_are_printed() -> None:
    for words in curl_commands(API):
        assert typed(Agent(), words, "admin").status_code == 200


def documented_in(page: str) -> dict[Call, str]:
    """The calls in a page's table, and what stands in the column of their roles."""
    rows = re.findall(r"(?m)^\| `(GET|PUT|POST) (/[^`]*)` \| ([^|]+) \|", page)
    return {(method, path): roles.strip() for method, path, roles in rows}


def named(roles: frozenset[Role]) -> str:
    """Roles as the tables name them."""
    if not roles:
        return "no token"
    return "all" if roles == frozenset(Role) else ", ".join(role.value for role in Role if role in roles)


def test_every_call_is_documented_with_its_roles() -> None:
    assert documented_in(API) == {call: named(roles) for call, roles in ACCESS.items() if call not in SCREEN}


def test_every_page_of_the_screen_is_documented_with_its_roles() -> None:
    assert documented_in(PAGES) == {call: named(roles) for call, roles in SCREEN.items()}


def test_every_kind_of_problem_is_documented_with_its_status() -> None:
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (\d{3}) \|", API)
    assert {kind: int(status) for kind, status in rows} == {kind: status for kind, (status, _) in KINDS.items()}


TOLD = {*Event.__args__, StationStatus, AlertNews} - {AlertRaised, AlertResolved}


@pytest.mark.parametrize("name", sorted(map(name_of, TOLD)))
def test_every_event_of_the_stream_is_documented(name: str) -> None:
    assert f"`{name}`" in API


def test_every_setting_is_documented() -> None:
    names = [f"api.{name}" for name in ApiSettings.model_fields if name != "tls"]
    names += [f"api.tls.{name}" for name in TlsSettings.model_fields]
    names += [f"order_folder.{name}" for name in OrderFolderSettings.model_fields]
    assert [name for name in names if f"`{name}`" not in API] == []


def test_the_columns_of_an_order_file_are_documented_and_its_example_reads() -> None:
    assert [name for name in (*ORDER_COLUMNS, *LINE_COLUMNS) if f"`{name}`" not in FORMATS] == []
    [example] = re.findall(r"(?m)((?:^    (?:order_id|A-101),.*\n)+)", FORMATS)
    [entry] = entries_from(re.sub("(?m)^    ", "", example).encode(), Path("a.csv"))
    assert entry.order is not None
    assert [line.quantity for line in entry.order.lines] == [1, 2]
