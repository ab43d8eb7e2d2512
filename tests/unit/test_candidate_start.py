"""Whose weights a candidate goes on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_agent.app.candidate_start import Start, refuse_other_weights
from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest, sha256_of
from edge_agent.formats.tray_block import TrayBlock
from tests.builders_onnx import manifest

COARSE, FINE = ("fruit", "bread"), ("apple", "bun", "pear", "napkin")
MERGED = {
    "groups": {"fruit": ["apple", "pear"], "bread": ["bun"]},
    "merged_from": {"name": "canteen-dishes", "version": "4"},
}


def pack(**provenance: Any) -> PackManifest:
    return manifest("ultralytics_raw", classes=COARSE, occluders=(), provenance=provenance)


def start(*, active: PackManifest, names: tuple[str, ...]) -> Start:
    return Start(active=active, names=names, is_certain=False)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "weights.pt").write_bytes(b"weights")
    return tmp_path / "weights.pt"


def test_a_merged_pack_goes_on_from_the_finer_weights_behind_it(weights: Path) -> None:
    refuse_other_weights(pack(**MERGED), FINE, weights)
    assert start(active=pack(**MERGED), names=FINE).groups_with({"fruit"}) == {
        "fruit": ("apple", "pear"),
        "bread": ("bun",),
    }


def test_weights_of_before_the_merging_are_refused_though_their_names_are_the_packs(weights: Path) -> None:
    """They are of another network: the candidate would begin four versions back, and nobody would know."""
    with pytest.raises(BadInput, match=r"weights\.pt: .*they know fruit, bread, and .*merged from .*canteen-dishes 4"):
        refuse_other_weights(pack(**MERGED), COARSE, weights)


def test_weights_of_another_version_are_refused_where_the_pack_says_whose_it_is(weights: Path) -> None:
    refuse_other_weights(pack(weights_sha256=sha256_of(weights)), COARSE, weights)
    refuse_other_weights(pack(**MERGED, weights_sha256=sha256_of(weights)), FINE, weights)
    with pytest.raises(BadInput, match=r"though they know the same classes: its model\.yaml has another sha256"):
        refuse_other_weights(pack(weights_sha256="0" * 64), COARSE, weights)


@pytest.mark.parametrize("provenance", [{}, MERGED])
def test_weights_of_other_classes_are_refused(provenance: dict[str, Any], weights: Path) -> None:
    with pytest.raises(BadInput, match=r"not the weights of the active pack tiny 1.*they know dog, cat"):
        refuse_other_weights(pack(**provenance), ("dog", "cat"), weights)


def test_a_pack_that_was_not_merged_has_no_groups(weights: Path) -> None:
    refuse_other_weights(pack(), COARSE, weights)
    assert start(active=pack(), names=COARSE).groups_with({"fruit", "soup"}) == {}


def test_a_new_class_becomes_a_group_of_its_own(weights: Path) -> None:
    groups = start(active=pack(**MERGED), names=FINE).groups_with({"fruit", "soup"})
    assert list(groups) == ["fruit", "bread", "soup"]
    assert groups["soup"] == ("soup",)


def test_a_new_class_that_is_a_part_of_an_old_one_is_refused() -> None:
    """The trays of before call an apple a fruit, and nobody could tell what their orders meant."""
    with pytest.raises(BadInput, match="has a class 'apple', which the active pack tiny reports as fruit"):
        start(active=pack(**MERGED), names=FINE).groups_with({"apple"})


@pytest.mark.parametrize(
    ("provenance", "known"),
    [
        ({}, True),
        ({"command": "edge-agent train", "rounds": [{"apart": ["noon-1:noon-9"]}]}, True),
        ({"command": "edge-agent train", "rounds": [{"apart": ["own-31:own-39"]}]}, False),
        ({"command": "edge-agent learn", "rounds": [{"apart": ["own-31:own-39", "own-40:own-49"]}]}, True),
        ({"command": "edge-agent learn", "rounds": [{"apart": ["own-41:own-49"]}]}, False),
    ],
)
def test_trays_that_judge_are_new_to_the_weights_only_where_that_is_known(
    provenance: dict[str, Any], known: bool
) -> None:
    """`learn` taught with all trays before those that it kept apart, and with none after them."""
    judges = TrayBlock("own", 40, 49)
    begun = Start(active=pack(**provenance), names=COARSE, is_certain=True)
    assert begun.held_out(judges) == ((judges,) if known else ())
    assert start(active=pack(**provenance), names=COARSE).held_out(judges) == (), "weights of another version may have"


def test_trays_from_the_first_that_learn_kept_apart_on_are_new_to_its_weights() -> None:
    """The block that set the thresholds then may set them again; a tray before it taught."""
    active = pack(command="edge-agent learn", rounds=[{"apart": ["own-31:own-39", "own-40:own-49"]}])
    begun = Start(active=active, names=COARSE, is_certain=True)
    for first, known in ((30, False), (31, True), (35, True), (50, True)):
        block = TrayBlock("own", first, 59)
        assert begun.held_out(block) == ((block,) if known else ()), first
