"""The shipped model on real trays: what the README says of it must go on being true."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from edge_agent.app.eyes import Eyes
from edge_agent.app.seeing import evaluate_folder, replay_recording
from edge_agent.evaluation.photo_checks import evaluation_as_json
from edge_agent.evaluation.replay import replay_as_json
from edge_agent.formats.menu import load_menu
from edge_agent.formats.recordings import open_trays
from tests.golden_replays import CANTEEN, eyes_of

REPOSITORY = Path(__file__).resolve().parent.parent.parent
GOLDEN = REPOSITORY / "tests" / "golden"
RECORDINGS = ("canteen-short", "canteen-rush", "canteen-mixed")

# Fifteen hundred photographs and three recordings, on cores that other tests use at the same time.
pytestmark = [pytest.mark.real_data, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    return eyes_of(CANTEEN)


@pytest.fixture(scope="module")
def replay(eyes: Eyes, real_data: Path) -> Callable[[str], dict[str, Any]]:
    """Replays a recording."""
    return lambda name: replay_as_json(replay_recording(eyes, real_data / "videos" / f"{name}.mp4").replayed)


@pytest.fixture(scope="module")
def known(replay: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """What a replay of a recording said; it is replayed once."""
    return cache(replay)


@pytest.fixture(params=RECORDINGS)
def replayed(request: pytest.FixtureRequest, known: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return known(request.param)


def test_every_tray_is_found_and_given_a_verdict(replayed: dict[str, Any]) -> None:
    """A tray without a session is a tray that nobody checked."""
    assert replayed["sessions_found"] == replayed["sessions_true"]
    assert all(tray["settled_s"] is not None for tray in replayed["trays"])
    assert {tray["verdict"] for tray in replayed["trays"]} <= {"match", "mismatch", "unsure"}


def test_a_verdict_comes_within_half_a_second_of_stillness_and_a_frame(replayed: dict[str, Any]) -> None:
    """In stream time: the machine's own speed is not in it."""
    assert replayed["verdict_latency_s"]["p95"] <= 0.7


def test_verdicts_are_those_of_the_golden_replay(replayed: dict[str, Any]) -> None:
    """Other processors round otherwise, so one tray in ten may turn from or to unsure; none may turn over."""
    golden = json.loads((GOLDEN / f"{Path(replayed['video']).stem}.json").read_text())
    now = [(tray["order_id"], tray["verdict"]) for tray in replayed["trays"]]
    before = [(tray["order_id"], tray["verdict"]) for tray in golden["trays"]]
    assert len(now) == len(before)
    changed = [(old, new) for old, new in zip(before, now, strict=True) if old != new]
    assert len(changed) <= len(before) // 10, changed
    assert not [pair for pair in changed if {pair[0][1], pair[1][1]} == {"match", "mismatch"}]


def test_two_replays_say_the_same(
    replay: Callable[[str], dict[str, Any]], known: Callable[[str], dict[str, Any]]
) -> None:
    """A replay that differs from itself proves nothing about a model or a rule."""
    assert replay("canteen-short")["trays"] == known("canteen-short")["trays"]


def test_the_finer_menu_knows_everything_that_its_trays_and_orders_name(real_data: Path) -> None:
    """An SKU that the menu lacks would be left unchecked on every order, and excuse every surplus beside it."""
    folder = open_trays(real_data / "mealtray" / "dishes")
    finer = load_menu(REPOSITORY / "configs" / "menus" / "canteen-dishes.yaml").menu
    named = {line.sku for check in folder.checks for line in check.order.lines}
    named |= {name for tray in folder.trays.values() for name in tray.contents}
    assert named == {each.sku for each in finer.items}
    on_sure_trays = {name for tray in folder.trays.values() if tray.sure for name in tray.contents}
    assert on_sure_trays == set(finer.classes)


def test_the_scores_on_trays_are_not_worse_than_the_readme_says(eyes: Eyes, real_data: Path) -> None:
    """All 1,020 checks, with a margin of two hundredths for processors that round otherwise."""
    scores = evaluation_as_json(evaluate_folder(eyes, real_data / "mealtray" / "trays").evaluated, "")
    assert len(scores["results"]) == 1020
    golden = json.loads((GOLDEN / "trays.json").read_text())["rates"]
    rates = {name: share[0] for name, share in scores["rates"].items()}
    assert rates["caught"] >= golden["caught"][0] - 0.02
    assert rates["right_match"] >= golden["right_match"][0] - 0.02
    assert rates["escaped"] <= golden["escaped"][0] + 0.02
    assert rates["false_alarm"] <= golden["false_alarm"][0] + 0.02
