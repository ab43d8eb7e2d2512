"""The model card: what a user must know of where the weights come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge_agent.training.card import write_model_card
from edge_agent.training.export import revise_pack
from edge_agent.training.synth.scene_folder import SceneFolder, made_by
from tests.builders_detect import detect_export
from tests.builders_onnx import write_pack


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    write_pack(folder, detect_export(), "ultralytics_raw", thresholds={"default": {"present": 0.5, "possible": 0.3}})
    return folder


def card_of(pack: Path, provenance: Mapping[str, Any]) -> str:
    manifest = revise_pack(pack, {"provenance": dict(provenance)})
    return " ".join(write_model_card(pack, manifest).read_text().split())


def test_a_model_of_made_up_pictures_is_called_synthetic(pack: Path) -> None:
    card = card_of(pack, {"synthetic": "edge-agent synth compose, generator 1"})
    assert "**Synthetic:** all its photographs are made-up pictures, by `edge-agent synth compose, generator 1`" in card
    assert "never seen a photograph of a real tray" in card


def test_a_model_of_photographs_is_not(pack: Path) -> None:
    card = card_of(pack, {"recipe": {"architecture": "yolo11n.yaml"}})
    assert "ynthetic" not in card
    assert "trained from random weights" in card


def test_weights_that_went_on_from_others_are_not_called_new(pack: Path) -> None:
    card = card_of(pack, {"recipe": {"architecture": "models/checkpoints/first.pt"}})
    assert "trained from the weights of `first`" in card


def test_a_folder_of_made_pictures_says_who_made_it(tmp_path: Path) -> None:
    SceneFolder(tmp_path / "made", made_with={"generator": 3, "made_by": "compose"})
    assert made_by(tmp_path / "made") == "edge-agent synth compose, generator 3"
    assert made_by(tmp_path) is None
    (tmp_path / "about.json").write_text("[]")
    assert made_by(tmp_path) is None


def test_pasted_items_are_told_of_where_there_were_any(pack: Path) -> None:
    """A photograph onto which something was laid shows a tray that never was."""
    one = {"photographs_believed": 90, "photographs": 100, "photographs_shown": 140}
    assert "on 30 of these, items cut out" in card_of(pack, {"rounds": [{**one, "photographs_pasted_on": 30}]})
    assert "cut out" not in card_of(pack, {"rounds": [one]})


def test_a_model_that_no_box_taught_says_whose_weights_it_went_on_from(pack: Path) -> None:
    card = card_of(pack, {"teacher": "mine.pt", "photographs": {"train": 0, "val": 0}})
    assert "trained from the weights of `mine` by the counts of trays alone" in card
    assert "random" not in card
