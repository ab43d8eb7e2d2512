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


def test_weights_of_the_packs_own_classes_keep_their_names() -> None:
    own = manifest("ultralytics_raw", classes=("fruit", "bread"), occluders=())
    assert called_by(own, ("fruit", "bread"), Path("own.pt")) == ("fruit", "bread")


@pytest.mark.parametrize("provenance", [{}, GROUPS])
@pytest.mark.parametrize("names", [("bread", "fruit"), ("dog", "cat", "cow")])
def test_weights_of_another_pack_are_refused(provenance: dict[str, Any], names: tuple[str, ...]) -> None:
    """Scored under names that happen to stand in the same place, they would seem to see badly."""
    other = manifest("ultralytics_raw", classes=("fruit", "bread"), occluders=(), provenance=provenance)
    with pytest.raises(BadInput, match=r"other\.pt: these weights know"):
        called_by(other, names, Path("other.pt"))
