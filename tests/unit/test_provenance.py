"""What a manifest says of pictures that were made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.training.provenance import all_made_up, made_up

SYNTH = "edge-agent synth compose, generator 2"


def folder(root: Path, *, synthetic: bool) -> Path:
    root.mkdir()
    if synthetic:
        (root / "about.json").write_text(json.dumps({"generator": 2, "made_by": "compose"}))
    return root


@pytest.mark.parametrize(
    ("boxes", "trays", "told"),
    [
        (False, False, {}),
        (True, False, {"synthetic": [SYNTH], "all_synthetic": False}),
        (False, True, {"synthetic": [SYNTH], "all_synthetic": False}),
        (True, True, {"synthetic": [SYNTH], "all_synthetic": True}),
    ],
)
def test_both_boxes_and_trays_are_asked_what_made_them(
    tmp_path: Path, boxes: bool, trays: bool, told: dict[str, Any]
) -> None:
    folders = [folder(tmp_path / "boxes", synthetic=boxes), folder(tmp_path / "trays", synthetic=trays)]
    assert made_up(folders) == told
    assert all_made_up(made_up(folders)) is (boxes and trays)


def test_an_older_pack_of_made_up_boxes_that_learned_from_trays_too_is_not_all_made_up() -> None:
    assert all_made_up({"synthetic": SYNTH})
    assert not all_made_up({"synthetic": SYNTH, "rounds": [{}]})
