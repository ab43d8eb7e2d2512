"""The screen's catalogue: every language says the same, nothing is said outside of it, nothing in it is unused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment

import edge_agent.api.screen
from edge_agent.api.problems import KINDS
from edge_agent.api.screen.texts import catalogue, chosen
from edge_agent.domain.camera import CameraStatus

SCREEN = Path(edge_agent.api.screen.__file__).parent
TEMPLATES = sorted((SCREEN / "templates").glob("*.html"))
CODE = sorted(SCREEN.rglob("*.py"))
APP = SCREEN.parent.parent / "app"
LANGUAGES = sorted(catalogue())

PUT_TOGETHER = (
    "column.",
    "csv.",
    "drawing.",
    "end.",
    "ended.",
    "found_by.",
    "history.show_",
    "plot.outcomes_",
    "result.",
    "setup.state_",
    "severity.",
    "story.audit_",
    "why.",
    "said.",
    "setup_camera.",
    "setup_do.",
    "setup_focus.",
    "setup_found.",
    "setup_gauge.",
    "setup_health.",
    "setup_item.",
    "setup_light.",
    "setup_part.",
    "setup_place.",
    "setup_role.",
    "setup_saved.",
    "setup_step.",
    "setup_waiting.",
    "app.theme_",
    "camera.",
    "camera_todo.",
    "doubt.",
    "keys.",
    "login.",
    "nav.",
    "pair.",
    "pass.said_",
    "problem.",
    "trouble.",
    "word.",
)
"""Ids that begin so are also put together by the program: `t("nav." ~ place.name)`."""


def test_every_language_has_the_same_texts_with_the_same_places() -> None:
    english = {text_id: catalogue()["en"].places(text_id) for text_id in catalogue()["en"].sentences}
    for code in LANGUAGES:
        assert {i: catalogue()[code].places(i) for i in catalogue()[code].sentences} == english


def test_every_text_says_something_and_has_no_markup() -> None:
    for texts in catalogue().values():
        for text_id, sentence in texts.sentences.items():
            forms = [sentence] if isinstance(sentence, str) else [sentence.one, sentence.other]
            assert all(form.strip() == form and form for form in forms), text_id
            assert not any(re.search(r"<\w|&\w+;", form) for form in forms), text_id


def test_every_text_is_used_and_every_text_that_is_used_exists() -> None:
    known = set(catalogue()["en"].sentences)
    read = "\n".join(path.read_text() for path in (*TEMPLATES, *CODE))
    called = set(re.findall(r"""\b(?:t|texts)\(\s*["']([a-z_]+\.[a-z0-9_-]+)["']""", read))
    named = {text_id for text_id in known if re.search(rf"""["']{re.escape(text_id)}["']""", read)}
    assert {text_id for text_id in called - known if text_id not in PUT_TOGETHER} == set()
    lists = {f"pass.{kind}" for kind in ("seen", "not_seen", "not_sure", "too_many", "by_hand")}
    assert {text_id for text_id in known - named - lists if not text_id.startswith(PUT_TOGETHER)} == set()


def test_everything_that_the_doctor_may_find_has_a_sentence_and_no_other_has() -> None:
    sources = "".join(path.read_text() for path in [*APP.glob("doctor*.py"), APP / "health.py"])
    cameras = {f"camera_{status.value}" for status in CameraStatus}
    worded = {i.partition(".")[2] for i in catalogue()["en"].sentences if i.startswith("setup_found.")}
    assert {*re.findall(r'code="([a-z_]+)"', sources), *cameras} <= worded
    assert worded <= {*re.findall(r'"([a-z]+_[a-z_]+)"', sources), *cameras}


def test_every_problem_that_a_page_words_is_a_kind_of_problem() -> None:
    worded = {i.partition(".")[2] for i in catalogue()["en"].sentences if i.startswith("problem.")}
    assert worded - {"title", "back", "other"} <= KINDS.keys()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_words_of_its_own(template: Path) -> None:
    """What stands in a template cannot be translated."""
    text = re.sub(r"\{% block body_class %\}.*?\{% endblock %\}", "", template.read_text())
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    said = re.findall(r'(?:alt|title|aria-label|placeholder|data-say-\w+)="([^"]*)"', text)
    said.append(re.sub(r"<[^>]*>", "", text))
    assert re.findall(r"[^\W\d_]{2,}", " ".join(said)) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_script_and_no_style_and_trusts_nothing(template: Path) -> None:
    """Our policy would refuse them; what is unescaped would be anybody's."""
    text = template.read_text()
    assert re.findall(r"<style|\sstyle=|\son\w+=|hx-on|hx-vals=.?js|javascript:|<script(?![^>]*src=)", text) == []
    assert re.findall(r"\|\s*safe|autoescape", text) == []
    Environment(autoescape=True).parse(text)


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "de", "de"),
        (None, "de-AT,en;q=0.5", "de"),
        (None, "en;q=0.5, de;q=0.9", "de"),
        (None, "fr, de;q=0", "en"),
        (None, "fr", "en"),
        ("de", "en", "de"),
        ("../de", "en", "en"),
        (None, ";;;,q=,de;q=x,\x00", "en"),
    ],
)
def test_a_language_is_chosen_else_what_the_browser_wants_else_english(
    cookie: str | None, accepted: str, language: str
) -> None:
    assert chosen(cookie, accepted).language == language


def test_a_number_chooses_between_singular_and_plural() -> None:
    german = catalogue()["de"]
    plural = next(
        (i for i in german.sentences if "n" in german.places(i) and not isinstance(german.sentences[i], str)), ""
    )
    if plural:
        fill = dict.fromkeys(german.places(plural), "x")
        assert german(plural, **{**fill, "n": 1}) != german(plural, **{**fill, "n": 2})
