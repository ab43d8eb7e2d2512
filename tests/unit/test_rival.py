"""Whose weights Ultralytics is measured with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_agent.errors import BadInput
from edge_agent.training.rival import called_by
from tests.builders_onnx import manifest

GROUPS: dict[str, Any] = {"groups": {"fruit": ["apple", "pear"], "bread": ["bun"]}}


def test_finer_weights_are_scored_under_the_names_of_the_merged_pack() -> None:
    merged = manifest("ultralytics_raw", classes=("fruit", "bread"), occluders=(), provenance=GROUPS)
    names = ("apple", "bun", "pear", "napkin")
    assert called_by(merged, names, Path("fine.pt")) == ("fruit", "bread", "fruit", None)


def test_weights_of_as_many_classes_are_the_packs_own() -> None:
    merged = manifest("ultralytics_raw", classes=("fruit", "bread"), occluders=(), provenance=GROUPS)
    assert called_by(merged, ("class0", "class1"), Path("model.onnx")) == ("fruit", "bread")


def test_weights_of_another_pack_are_refused() -> None:
    other = manifest("ultralytics_raw", classes=("fruit", "bread"), occluders=())
    with pytest.raises(BadInput, match=r"fine\.pt: these weights know 3 classes"):
        called_by(other, ("apple", "bun", "pear"), Path("fine.pt"))
