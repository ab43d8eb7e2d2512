"""What is read anew while the agent runs: what cannot be taken up is said, and is a problem until something is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_agent.app import serving_now
from edge_agent.app.eyes import open_eyes
from edge_agent.app.serving_now import ServingNow
from edge_agent.errors import StoreBusy
from edge_agent.settings import Settings, load_settings
from tests.builders_onnx import constant_model, raw_output, write_pack

MENU = "items: [{sku: plate, detects_as: plate}]\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_pack(tmp_path / "pack", constant_model(raw_output([])), "ultralytics_raw")
    (tmp_path / "menu.yaml").write_text(MENU)
    (tmp_path / "edge.yaml").write_text("detector: {pack: pack, provider: cpu}\nmenu: menu.yaml\n")
    return load_settings(tmp_path / "edge.yaml")


def checker(answer: Callable[[], Future[Any]]) -> Any:
    return SimpleNamespace(ask=lambda question: answer())


def busy() -> Future[Any]:
    raise StoreBusy("too much waits already")


def done() -> Future[Any]:
    answer: Future[Any] = Future()
    answer.set_result(None)
    return answer


@pytest.mark.parametrize(
    ("answer", "said"), [(busy, "too much waits already"), (Future, "the checker did not answer in 0 s")]
)
def test_a_checker_that_takes_nothing_up_is_a_problem_until_it_does(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Future[Any]], said: str
) -> None:
    now = ServingNow(settings, open_eyes(settings))
    monkeypatch.setattr(serving_now, "RELOADED_S", 0.0)
    assert now.reload(lambda: settings, checker(answer)) == now.problem == f"nothing was reloaded: {said}"
    assert now.reload(lambda: settings, checker(done)) == "menu and thresholds were reloaded"
    assert now.problem is None
