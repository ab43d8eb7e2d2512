"""Merging: a pack that reports groups of another pack's classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.errors import BadInput, BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest
from edge_agent.training.export import revise_pack
from edge_agent.training.merging import load_groups, merge_pack
from tests.builders_onnx import CLASSES, Row, constant_model, raw_output, write_pack

GROUPS = {"crockery": ("plate", "bread"), "hand": ("hand",)}
LOW = {"default": {"present": 0.5, "possible": 0.05}}


def merged(tmp_path: Path, output: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> OnnxDetector:
    """A detector whose pack reports `crockery` and `hand`, and whose network sees what is given."""
    write_pack(tmp_path / "fine", constant_model(output), "ultralytics_raw", thresholds=LOW, occluders=())
    merge_pack(tmp_path / "fine", GROUPS, tmp_path / "coarse", version="7")
    return OnnxDetector(pack=ModelPack.load(tmp_path / "coarse"), provider="cpu", threads=1)


def seen(detector: OnnxDetector) -> list[tuple[str, float]]:
    return [(d.class_name, round(d.score, 4)) for d in detector.detect(np.zeros((64, 64, 3), np.uint8))]


def test_a_thing_is_reported_under_the_name_of_its_group(tmp_path: Path) -> None:
    rows: list[Row] = [(8, 8, 24, 24, 0.9, CLASSES.index("bread")), (40, 40, 60, 60, 0.6, CLASSES.index("hand"))]
    assert seen(merged(tmp_path, raw_output(rows))) == [("crockery", 0.9), ("hand", 0.6)]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_doubt_between_two_of_a_group_is_no_doubt_about_the_group(
    tmp_path_factory: pytest.TempPathFactory, plate: float, bread: float
) -> None:
    """A half plate, half bread is something of crockery for three quarters."""
    output = raw_output([])
    output[0, :4, 3] = (20, 20, 16, 16)
    output[0, 4:6, 3] = (plate, bread)
    found = seen(merged(tmp_path_factory.mktemp("packs"), output))
    wanted = 1 - (1 - plate) * (1 - bread)
    assert dict(found).get("crockery", 0.0) == pytest.approx(wanted if wanted >= 0.05 else 0.0, abs=2e-3)


def test_gates_and_score_floor_of_the_finer_classes_do_not_come_along(tmp_path: Path) -> None:
    """Its thresholds are still to be found: nobody has measured any form of it, on any provider."""
    passed = {"passed": True, "tolerance": 0, "fp32": {"caught": 9}, "scores": {"caught": 9}}
    fine = write_pack(
        tmp_path / "fine",
        constant_model(raw_output([])),
        "ultralytics_raw",
        thresholds={"default": {"present": 0.5, "possible": 0.1}},
        nms={"score_floor": 0.06},
    )
    fp32 = load_manifest(fine / MANIFEST_NAME).files["fp32"].model_dump(mode="json", exclude_none=True)
    revise_pack(fine, {"files": {"fp32": {**fp32, "gate": passed, "gates_on": {"openvino": passed}}}})
    manifest = merge_pack(fine, GROUPS, tmp_path / "coarse", version="1")
    assert (manifest.gates, manifest.files["fp32"].gates_on) == ({}, {})
    assert manifest.score_floor == 0.05
    assert manifest == load_manifest(tmp_path / "coarse" / MANIFEST_NAME)


def test_forms_of_the_pack_that_was_there_before_go_with_it(tmp_path: Path) -> None:
    """Nothing would name them any more, and they would lie beside another network for ever."""
    write_pack(tmp_path / "fine", constant_model(raw_output([])), "ultralytics_raw", occluders=())
    old = write_pack(tmp_path / "coarse", constant_model(raw_output([])), "ultralytics_raw", occluders=())
    (old / "model.int8.onnx").write_bytes(b"a form of the old one")
    (old / "mine.onnx").write_bytes(b"somebody's own")
    entries = load_manifest(old / MANIFEST_NAME).model_dump(mode="json", exclude_none=True)["files"]
    revise_pack(old, {"files": {**entries, "int8": {"file": "model.int8.onnx", "sha256": "0" * 64}}})
    merge_pack(tmp_path / "fine", GROUPS, old, version="2")
    assert sorted(path.name for path in old.iterdir()) == ["mine.onnx", "model.onnx", "model.yaml"]


def test_a_pack_without_an_exact_network_is_refused(tmp_path: Path) -> None:
    form = {"file": "model.onnx", "sha256": "0" * 64}
    fine = write_pack(tmp_path / "fine", b"no network", "ultralytics_raw", files={"int8": form}, occluders=())
    with pytest.raises(BadModelPack, match="fine: the pack has no fp32 file"):
        merge_pack(fine, GROUPS, tmp_path / "coarse", version="1")


@pytest.mark.parametrize("name", ["model.fp32.onnx", "model.onnx"])
def test_nothing_is_made_of_a_damaged_network(tmp_path: Path, name: str) -> None:
    """The new pack would have hashes that fit, and hide it."""
    network = constant_model(raw_output([]))
    fine = write_pack(tmp_path / "fine", network, "ultralytics_raw", occluders=())
    (fine / "model.fp32.onnx").write_bytes(network)
    before = load_manifest(fine / MANIFEST_NAME)
    plain = {"file": "model.onnx", "sha256": before.files["fp32"].sha256, "input": before.input.model_dump(mode="json")}
    fast = {"fp32": {"file": "model.fp32.onnx", "sha256": before.files["fp32"].sha256}}
    revise_pack(fine, {"files": fast, "plain": plain})
    (fine / name).write_bytes(network[:-9])
    with pytest.raises(BadModelPack, match=rf"{name}: .*its sha256 is another"):
        merge_pack(fine, GROUPS, tmp_path / "coarse", version="1")
    assert not (tmp_path / "coarse").exists()


def test_the_merged_pack_says_where_it_comes_from(tmp_path: Path) -> None:
    manifest = merged(tmp_path, raw_output([])).pack.manifest
    assert (manifest.name, manifest.version, manifest.classes) == ("coarse", "7", ("crockery", "hand"))
    assert manifest.provenance["groups"] == {"crockery": ["plate", "bread"], "hand": ["hand"]}


def test_what_set_the_thresholds_of_the_finer_classes_is_not_said_to_have_set_those_of_the_groups(
    tmp_path: Path,
) -> None:
    """They are still to be found; and what taught the finer weights taught these."""
    told = {"calibrated_on": ["noon-1:noon-9"], "held_out": ["noon-20:noon-29"], "photographs_sha256": "ab" * 32}
    fine = write_pack(tmp_path / "fine", constant_model(raw_output([])), "ultralytics_raw", provenance=told)
    provenance = merge_pack(fine, GROUPS, tmp_path / "coarse", version="1").provenance
    assert "calibrated_on" not in provenance
    assert (provenance["held_out"], provenance["photographs_sha256"]) == (["noon-20:noon-29"], "ab" * 32)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"a": ("plate", "spoon")}, "'spoon', of 'a', is no class of"),
        ({"a": ("plate",), "b": ("plate", "hand")}, "'plate' stands in 'a' and in 'b'"),
    ],
)
def test_groups_that_do_not_fit_are_refused(tmp_path: Path, groups: dict[str, tuple[str, ...]], said: str) -> None:
    write_pack(tmp_path / "fine", constant_model(raw_output([])), "ultralytics_raw", thresholds=LOW, occluders=())
    with pytest.raises(BadInput, match=said):
        merge_pack(tmp_path / "fine", groups, tmp_path / "coarse", version="1")


def test_a_layout_without_class_rows_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path / "fine", constant_model(np.zeros((1, 20, 6), np.float32)), "end_to_end", thresholds=LOW)
    with pytest.raises(BadModelPack, match="end_to_end cannot be merged"):
        merge_pack(tmp_path / "fine", GROUPS, tmp_path / "coarse", version="1")


def test_the_groups_of_the_canteen_load() -> None:
    groups = load_groups(Path(__file__).parents[2] / "configs" / "groups" / "canteen.yaml")
    assert list(groups) == ["plate", "starter", "bread", "drink", "yogurt", "dessert", "fruit", "cheese"]
