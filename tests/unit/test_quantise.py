"""Quantising: what stays in float, what the manifest says of it, and which precisions are offered."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, PrecisionGate, load_manifest
from edge_agent.training.card import write_model_card
from edge_agent.training.export import make_pack_fast, revise_pack
from edge_agent.training.export import write_pack as write_trained
from edge_agent.training.quantise import evenly, keep_passed, kept_in_float, note_gates, quantise_pack
from tests.builders_detect import detect_export
from tests.builders_onnx import write_pack

PHOTOGRAPHS = tuple(Path(f"{n}.jpg") for n in range(4))


def noise(path: Path) -> npt.NDArray[np.uint8]:
    """Stands for a letterboxed photograph."""
    return np.random.default_rng(int(path.stem)).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantised") / "tiny"
    write_pack(folder, detect_export(), "ultralytics_raw", thresholds={"default": {"present": 0.5, "possible": 0.3}})
    make_pack_fast(folder)
    quantise_pack(folder, PHOTOGRAPHS, noise)
    return folder


@pytest.fixture
def pack(quantised: Path, tmp_path: Path) -> Path:
    """A quantised pack of one's own."""
    return Path(shutil.copytree(quantised, tmp_path / "tiny"))


def test_the_ends_of_the_network_stay_in_float(pack: Path) -> None:
    """They lose most: the input has three channels, and a box is a mean over a softmax."""
    graph = onnx.load(pack / "model.fp32.onnx").graph
    kept = kept_in_float(graph)
    convolutions = {node.name for node in graph.node if node.op_type == "Conv"}
    assert {name for name in convolutions - kept if name.startswith("/model.0/")} == set()
    assert "/model.0/act/Mul" in kept
    assert "/model.1/conv/Conv" not in kept
    assert not any("/cv3." in name or name.endswith(".2/Conv") for name in convolutions - kept)
    assert all(node.name in kept for node in graph.node if node.name.startswith("best/"))
    assert len(convolutions - kept) == 7  # four of the body, the first of each box branch


def test_both_placements_run_and_see_much_the_same(pack: Path) -> None:
    manifest = load_manifest(pack / MANIFEST_NAME)
    assert list(manifest.files) == ["fp32", "bf16", "int8", "int8_convs"]
    picture = noise(Path("9.jpg"))[0]
    exact = OnnxDetector(pack=ModelPack.load(pack), provider="cpu", threads=1)
    wanted = exact.run(exact.prepare(picture)[0])[0]
    for precision in ("int8", "int8_convs"):
        quantised = OnnxDetector(pack=ModelPack.load(pack, precision=precision), provider="cpu", threads=1)
        found = quantised.run(quantised.prepare(picture)[0])[0]
        assert found.shape == wanted.shape
        assert not np.array_equal(found, wanted)
        assert np.abs(np.sort(found[4:].max(axis=0)) - np.sort(wanted[4:].max(axis=0))).max() < 0.1


def test_bfloat16_is_the_fp32_file_under_a_gate_of_its_own(pack: Path) -> None:
    """Nothing is made for it, and nobody has measured yet that it keeps the score."""
    manifest = load_manifest(pack / MANIFEST_NAME)
    assert manifest.files["bf16"] == manifest.files["fp32"]
    assert not any("bf16" in manifest.offered_on(provider) for provider in ("cpu", "openvino"))
    noted = note_gates(pack, "openvino", {"bf16": gate(passed=True)})
    assert noted.offered_on("openvino") == ("fp32", "bf16")
    assert noted.files["fp32"].gate_on("openvino") is None
    assert "bf16" not in quantise_pack(pack, PHOTOGRAPHS, noise).offered_on("openvino"), "its gate was of the old forms"


def test_the_manifest_says_how_it_was_calibrated_and_the_same_photographs_give_the_same_bytes(pack: Path) -> None:
    """The pack is the result of a command."""
    first = load_manifest(pack / MANIFEST_NAME)
    told = first.files["int8"].quantised
    assert told is not None
    assert told["photographs"] == 4
    assert quantise_pack(pack, PHOTOGRAPHS, noise) == first
    other = quantise_pack(pack, PHOTOGRAPHS[:3], noise).files["int8"].quantised
    assert other is not None
    assert other["inputs_sha256"] != told["inputs_sha256"]


def test_a_precision_is_offered_only_when_its_gate_was_passed(pack: Path) -> None:
    """`auto` must never take a file whose score nobody measured, or that lost some."""
    assert load_manifest(pack / MANIFEST_NAME).offered_on("cpu") == ("fp32",)
    assert gated(pack, int8=True, int8_convs=False).offered_on("cpu") == ("fp32", "int8")
    assert load_manifest(pack / MANIFEST_NAME).offered_on("cpu") == ("fp32", "int8")


def test_a_gate_that_was_passed_on_one_provider_says_nothing_of_another(pack: Path) -> None:
    """Providers round otherwise: what keeps its score on the CPU may lose it on OpenVINO, and the other way round."""
    gated(pack, int8=True, int8_convs=True)
    noted = note_gates(pack, "openvino", {"int8": gate(passed=False), "int8_convs": gate(passed=True)})
    assert noted.offered_on("cpu") == ("fp32", "int8", "int8_convs")
    assert noted.offered_on("openvino") == ("fp32", "int8_convs")
    assert noted.offered_on("cuda") == ("fp32",)
    again = note_gates(pack, "cuda", {"int8": gate(passed=True)})
    assert again == load_manifest(pack / MANIFEST_NAME)
    assert (again.offered_on("openvino"), again.offered_on("cuda")) == (("fp32", "int8_convs"), ("fp32", "int8"))
    write_model_card(pack, again)
    assert "| int8 on openvino | 21 | 0 | 7 | 0 | not passed, not offered there |" in (pack / "README.md").read_text()


def gated(pack: Path, **passed: bool) -> PackManifest:
    files = load_manifest(pack / MANIFEST_NAME).model_dump(mode="json", exclude_none=True)["files"]
    for name, verdict in passed.items():
        files[name]["gate"] = {"passed": verdict, "tolerance": 1, "fp32": {"caught": 9}, "scores": {"caught": 9}}
    return revise_pack(pack, {"files": files})


def gate(*, passed: bool) -> PrecisionGate:
    before = {"wrong": 30, "right": 10, "caught": 28, "escaped": 0, "right_match": 7, "false_alarm": 0}
    return PrecisionGate(passed=passed, tolerance=1, fp32=before, scores=before | {"caught": 28 if passed else 21})


def test_a_form_that_did_not_pass_leaves_its_score_and_no_file(pack: Path) -> None:
    """A file that nobody may run only makes the pack larger; what was measured of it is worth knowing."""
    keep_passed(pack, {"int8": gate(passed=False), "int8_convs": gate(passed=True)})
    manifest = load_manifest(pack / MANIFEST_NAME)
    assert (list(manifest.files), manifest.offered_on("cpu")) == (
        ["fp32", "bf16", "int8_convs"],
        ("fp32", "int8_convs"),
    )
    assert sorted(path.name for path in pack.glob("*.onnx")) == [
        "model.fp32.onnx", "model.int8_convs.onnx", "model.onnx",
    ]  # fmt: skip
    assert manifest.gates["int8"].scores["caught"] == 21
    assert manifest.refused["int8"].quantised is not None
    write_model_card(pack, manifest)
    rows = (pack / "README.md").read_text().splitlines()
    assert "| int8 | 21 | 0 | 7 | 0 | not passed, left out |" in rows
    assert "| int8_convs | 28 | 0 | 7 | 0 | passed |" in rows
    assert "| fp32 | 28 | 0 | 7 | 0 |  |" in rows


def test_a_form_that_was_left_out_can_be_made_again(pack: Path) -> None:
    keep_passed(pack, {"int8": gate(passed=False), "int8_convs": gate(passed=True)})
    manifest = quantise_pack(pack, PHOTOGRAPHS, noise)
    assert (set(manifest.files), manifest.refused) == ({"fp32", "bf16", "int8", "int8_convs"}, {})


def test_a_new_export_takes_the_forms_of_the_old_one_out_of_the_pack(pack: Path) -> None:
    classes = ("a", "b", "c")
    write_trained(pack, name="tiny", version="2", classes=classes, size_px=(64, 64), metrics={}, provenance={})
    assert [path.name for path in pack.glob("*.onnx")] == ["model.onnx"]


def test_without_photographs_nothing_is_calibrated(pack: Path) -> None:
    with pytest.raises(BadModelPack, match="without a photograph nothing can be calibrated"):
        quantise_pack(pack, (), noise)


@pytest.mark.parametrize(
    ("wanted", "expected"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (10, [*range(10)]), (99, [*range(10)])]
)
def test_photographs_are_taken_evenly(wanted: int, expected: list[int]) -> None:
    """Trays that follow each other are alike."""
    paths = [Path(str(n)) for n in range(10)]
    assert [int(path.name) for path in evenly(paths, wanted)] == expected
