"""Every page in German, refusals too: nothing on it is English."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from string import Formatter

import httpx
import pytest

from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.screen.texts import Plural, catalogue
from edge_agent.app.configuration import check_config
from edge_agent.app.doctor import of_configuration
from edge_agent.app.doctor_box import look_at_clock, look_at_database, look_at_disk
from edge_agent.app.finding import Finding, State
from edge_agent.domain.said import placed, say
from edge_agent.domain.unknown_skus import Known, Meaning, menu_knowing
from edge_agent.errors import BadInput, Conflict, EdgeAgentError, StoreBusy
from edge_agent.formats.menu_upload import menu_from
from edge_agent.ports import HealthFound, SecondLookReport
from edge_agent.settings import Settings
from edge_agent.settings.setup import load_laid_over
from tests.builders import item, menu, order
from tests.fakes_api import Agent
from tests.fakes_setup import LOOK, FakeHealth
from tests.fakes_store import FakeClock

GERMAN = {"Accept-Language": "de"}
FORM = {**GERMAN, "Origin": "http://box", "Content-Type": "application/x-www-form-urlencoded"}
PAGES = (
    *("/login", "/pair", "/tablets", "/pass", "/pass/recall", "/history", "/history?show=alerts", "/today", "/audit"),
    *(f"/setup{page}" for page in ("", "/cameras", "/slots/pass", "/menu", "/test", "/slider", "/trial-run")),
    *("/setup/tokens", "/setup/health"),
)


def english_phrases() -> dict[str, str]:
    """What English sentences say between their places, by the piece; none that German says just so."""
    german = " ".join(_forms("de"))
    found = {}
    for sentence in _forms("en"):
        for literal, *_ in Formatter().parse(sentence):
            piece = literal.strip(" ,;:.()'\"\N{EN DASH}")
            if len(piece) > 8 and " " in piece and piece not in german:
                found[piece] = sentence
    return found


def _forms(language: str) -> list[str]:
    sentences = catalogue()[language].sentences.values()
    return [form for each in sentences for form in ([each.one, each.other] if isinstance(each, Plural) else [each])]


PHRASES = english_phrases()


def hold_german(answer: httpx.Response) -> str:
    """What a page says, held against everything that is English; the examples of a CSV file are what they are."""
    text = re.sub(r"(?s)<(script|style|pre)\b.*?</\1>", "", answer.text)
    assert 'lang="en"' not in text.replace('value="en" lang="en"', "")
    said = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    said += " ".join(re.findall(r'(?:alt|title|aria-label|placeholder|data-say-\w+)="([^"]*)"', text))
    said = said.replace("&#39;", "'").replace("&quot;", '"')
    assert {piece: sentence for piece, sentence in PHRASES.items() if piece in said} == {}
    return said


def test_the_test_knows_english_when_it_sees_it() -> None:
    assert len(PHRASES) > 400
    answer = Agent().ask("GET", "/setup", headers={"Accept-Language": "en"})
    with pytest.raises(AssertionError):
        hold_german(answer)


@pytest.mark.parametrize("path", PAGES)
def test_a_page(path: str) -> None:
    hold_german(Agent().ask("GET", path, headers=GERMAN))


MENU = menu(item("burger", detects_as="burger"), item("cola", detects_as="cola"))


def upload(text: str, name: str = "menu.csv") -> EdgeAgentError:
    """Why an uploaded menu is refused."""
    with pytest.raises(BadInput) as refused:
        menu_from(text.encode("latin-1"), name, model_classes=("burger", "cola"))
    return refused.value


def said_of_sku(**values: str) -> EdgeAgentError:
    """Why something said of a SKU is refused."""
    with pytest.raises(BadInput) as refused:
        menu_knowing(MENU, [Known(means=Meaning.ITEM, **values)], classes=("burger",))
    return refused.value


REFUSALS = {
    "no column sku": lambda: upload("name\nBurger\n"),
    "strange column": lambda: upload("sku,price\n1,2\n"),
    "cells": lambda: upload("sku,name\n1\n"),
    "twice": lambda: upload("sku,sku\n1,1\n"),
    "nothing": lambda: upload("sku\n"),
    "not UTF-8": lambda: upload("sku\nK\xe4se\n"),
    "portion": lambda: upload("sku,contains\n1,x*fries\n"),
    "no such class": lambda: upload("sku,detects_as\n1,pizza\n"),
    "visibility": lambda: upload("sku,visibility\n1,sometimes\n"),
    "too long": lambda: upload(f"sku\n{'x' * 65}\n"),
    "unseen": lambda: upload("sku\n1\n"),
    "two items": lambda: upload("sku,detects_as\n1,cola\n1,cola\n"),
    "itself": lambda: upload("sku,contains\n1,1\n"),
    "no item": lambda: upload("sku,contains\n1,2\n"),
    "too large": lambda: upload("x" * 1_000_001),
    "empty": lambda: upload("", "menu.yaml"),
    "no keys": lambda: upload("- a\n", "menu.yaml"),
    "unknown key": lambda: upload("itemz: []\n", "menu.yaml"),
    "list wanted": lambda: upload("items: 1\n", "menu.yaml"),
    "number for text": lambda: upload("items: [{sku: 1}]\n", "menu.yaml"),
    "missing": lambda: upload("items: [{name: a}]\n", "menu.yaml"),
    "key twice": lambda: upload("items: []\nitems: []\n", "menu.yaml"),
    "alias": lambda: upload("items: &a []\nmodifiers: *a\n", "menu.yaml"),
    "known already": lambda: said_of_sku(sku="cola", of="burger"),
    "not on the menu": lambda: said_of_sku(sku="x", of="pizza"),
    "of what": lambda: said_of_sku(sku="x"),
    "no blank": lambda: said_of_sku(sku=" x", of="cola"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_why_a_menu_is_refused(name: str) -> None:
    agent = Agent()
    agent.setup.refusal = REFUSALS[name]()
    answer = agent.ask("POST", "/setup/menu/sku", headers=FORM, data={"sku": "9", "means": "by_hand"})
    assert answer.status_code == 422
    hold_german(answer)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/setup/menu/sku", {"sku": "9", "means": "sometimes"}),
        ("/setup/slots/pass", {"drawing": "no drawing"}),
        ("/setup/slots/pass", {"drawing": "[]"}),
        ("/setup/slots/pass", {"drawing": json.dumps([{"id": "a", "corners": [[0, 0], [1, 0], [1, 1]]}])}),
        ("/setup/reference/pass", {}),
        ("/setup/tokens", {"name": "\N{SNOWMAN}"}),
        ("/setup/tokens", {"name": "a", "days": "x"}),
        ("/setup/slider", {"eagerness": "9"}),
        ("/setup/test", {"sku": ["a"], "station": "pass"}),
        ("/setup/trial-run/end", {}),
        ("/pass/undo", {"region": "slot-1", "alert": "none"}),
        ("/pass/bump", {"order": "none"}),
        ("/pass/bump", {}),
        ("/login", {"token": "wrong"}),
        ("/pair", {"code": "wrong"}),
    ],
)
def test_why_a_form_is_refused(path: str, data: dict[str, str]) -> None:
    agent = Agent()
    said = say("station_no_picture", "the camera of '{station}' gives no picture now", station="pass")
    agent.setup.refusal = Conflict(said)
    answer = agent.ask("POST", path, headers=FORM, data=data)
    assert answer.status_code >= 400
    hold_german(answer)


@pytest.mark.parametrize("refusal", [StoreBusy("busy"), Conflict("anything"), BadInput("anything")])
def test_a_refusal_that_no_page_words_is_a_german_page_all_the_same(refusal: EdgeAgentError) -> None:
    agent = Agent()
    agent.setup.refusal = refusal
    hold_german(agent.ask("POST", "/setup/slider", headers=FORM, data={"eagerness": "1"}))


def shown(found: list[Finding]) -> None:
    """The page of a part of the box with these findings, held to be German."""

    def look(part: str) -> tuple[HealthFound, ...]:
        return tuple(HealthFound(what=part, state=f.state.value, said=f.said, do=f.do, code=f.code) for f in found)

    health = FakeHealth()
    health.look = look  # type: ignore[method-assign]
    hold_german(Agent(health=health).ask("GET", "/setup/health/disk", headers=GERMAN))


def test_what_the_doctor_finds(tmp_path: Path) -> None:
    """Of a box as it is, and of one on which much is wrong."""
    (tmp_path / "edge.yaml").write_text("menu: none.yaml\nmqtt: {broker: embedded}\nshadow: true\n")
    (tmp_path / "strange.yaml").write_text("menus: a\napi: {port: 0}\ntimezone: Nowhere\n")
    (tmp_path / "edge.sqlite").write_bytes(b"no database at all" * 100)
    settings = Settings().relative_to(tmp_path)
    found = [
        *of_configuration(check_config(tmp_path / "edge.yaml")),
        *of_configuration(check_config(tmp_path / "strange.yaml")),
        *of_configuration(check_config(tmp_path / "none.yaml")),
        *look_at_disk(settings),
        *look_at_database(tmp_path / "edge.sqlite"),
        *look_at_database(tmp_path / "none.sqlite"),
        *look_at_clock(settings, clock=FakeClock()),
    ]
    assert {each.state for each in found} >= {State.WRONG, State.ATTENTION}
    for each in found:
        shown([each])


def test_tokens_that_do_not_read(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("[")
    with pytest.raises(BadInput) as refused:
        TokenFile(path=tmp_path / "tokens.json", clock=FakeClock()).tokens()
    shown([Finding(what="tokens", state=State.WRONG, said=placed(refused.value), code="tokens_damaged")])


@pytest.mark.parametrize("page", ["", "/cameras", "/menu", "/slider", "/health"])
def test_a_configuration_that_does_not_read(tmp_path: Path, page: str) -> None:
    (tmp_path / "edge.yaml").write_text("stations:\n  - id: pass\n    camera: {url: 'ftp://x', fps: many}\n")
    with pytest.raises(BadInput) as refused:
        load_laid_over(tmp_path / "edge.yaml")
    agent = Agent()
    agent.setup.unreadable = refused.value
    said = hold_german(agent.ask("GET", f"/setup{page}", headers=GERMAN))
    assert f"{tmp_path / 'edge.yaml'}:3: " in said
    assert "muss eine ganze Zahl sein" in said or "muss eine Zahl sein" in said or "weitere" in said


def test_a_camera_that_gives_no_picture_says_why() -> None:
    agent = Agent()
    problem = say(
        "camera_silent",
        "{source}: the camera does not answer within {seconds:g} s, or sends no video",
        source="rtsp://cam",
        seconds=5.0,
    )
    agent.cameras.look = replace(LOOK, status="offline", problem=problem)
    assert "rtsp://cam: Die Kamera antwortet nicht in 5 s" in hold_german(
        agent.ask("GET", "/setup/cameras", headers=GERMAN)
    )


def test_a_second_look_that_ended_early_says_why() -> None:
    agent = Agent()
    problem = say("detector_needed", "the stations need the detector now; try again later")
    agent.second_look.now = SecondLookReport(is_over=True, problem=problem)
    assert "brauchen die Erkennung" in hold_german(agent.ask("GET", "/setup/slider", headers=GERMAN))


def test_an_address_that_was_mistyped_is_a_page_to_a_browser_and_a_problem_to_a_program() -> None:
    agent = Agent()
    page = agent.ask("GET", "/passs", headers={**GERMAN, "Accept": "text/html,*/*"})
    assert (page.status_code, "Hier ist nichts." in hold_german(page)) == (404, True)
    assert agent.ask("GET", "/passs").json()["type"] == "urn:edge-agent:problem:not-found"
    program = agent.ask("GET", "/api/v1/nowhere", headers={"Accept": "text/html"})
    assert program.headers["content-type"] == "application/problem+json"


def test_the_pass_with_an_order_on_it() -> None:
    agent = Agent()
    agent.book.put(order("A-101", "plate"))
    hold_german(agent.ask("GET", "/pass", headers=GERMAN))
