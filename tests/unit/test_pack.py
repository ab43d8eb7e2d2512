"""The manifest of a model pack, and a pack on disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, PackInput, Threshold, load_manifest, sha256_of, write_manifest
from tests.builders_onnx import manifest, write_pack

TEXT = f"""\
schema: 1
name: canteen
version: "1.10"
classes: [Plate, Bread, hand]
occluders: [hand]
input: {{width: 352, height: 256}}
output: ultralytics_raw
thresholds:
  default: {{present: 0.5, possible: 0.25}}
  classes:
    Bread: {{present: 0.6, possible: 0.1}}
nms:
  iou: 0.7
files:
  fp32:
    file: model.onnx
    sha256: {"a" * 64}
metrics: {{map50: 0.75, split: val}}
provenance: {{licence: AGPL-3.0, data: [{{name: boxes, photographs: 224}}]}}
"""


HALF = {"present": 0.5, "possible": 0.25}


def refusal(tmp_path: Path, old: str, new: str) -> str:
    """What is said about the manifest when `old` is replaced by `new`."""
    assert old in TEXT
    path = tmp_path / MANIFEST_NAME
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(BadModelPack) as caught:
        load_manifest(path)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_reads_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST_NAME
    path.write_text(TEXT)
    found = load_manifest(path)
    assert found.classes == ("Plate", "Bread", "hand")
    assert found.version == "1.10"
    assert found.input == PackInput(width=352, height=256)
    assert found.input.shape == (1, 3, 256, 352)
    assert found.thresholds.of("Bread") == Threshold(present=0.6, possible=0.1)
    assert found.thresholds.of("Plate") == Threshold(present=0.5, possible=0.25)
    assert found.files["fp32"].file == "model.onnx"
    assert found.metrics["map50"] == 0.75


def test_a_manifest_that_changes_is_read_anew_also_where_its_size_and_its_time_stay(tmp_path: Path) -> None:
    """The same text is not read twice; which text it is, is read each time."""
    path = tmp_path / MANIFEST_NAME
    path.write_text(TEXT)
    before, when = load_manifest(path), path.stat()
    assert load_manifest(path) is before
    path.write_text(TEXT.replace("present: 0.6", "present: 0.7"))
    os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns))
    assert load_manifest(path).thresholds.of("Bread").present == 0.7
    path.write_text(TEXT.replace("present: 0.6", "present: six"))
    with pytest.raises(BadModelPack, match="present"):
        load_manifest(path)


def test_reports_from_the_lowest_possible_threshold_on(tmp_path: Path) -> None:
    """A score below every `possible` tells the checker nothing."""
    path = tmp_path / MANIFEST_NAME
    path.write_text(TEXT)
    assert load_manifest(path).score_floor == 0.1
    path.write_text(TEXT.replace("iou: 0.7", "score_floor: 0.05"))
    assert load_manifest(path).score_floor == 0.05


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"thresholds": {"default": HALF, "classes": {"hand": {"present": 0.2, "possible": 0.2}}}},
        {"nms": {"score_floor": 0.01, "max_detections": 7}, "metrics": {"map50": 0.5, "n": 90, "day": "2026-07-01"}},
        {"provenance": {"licence": "no", "recipe": {"epochs": 90, "rates": [0.1, 1e-05]}, "seed": None}},
    ],
)
def test_a_written_manifest_reads_back(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Training writes what the agent reads."""
    written = manifest("yolox_grid", **changes)
    write_manifest(written, tmp_path / MANIFEST_NAME)
    assert load_manifest(tmp_path / MANIFEST_NAME) == written


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("occluders: [hand]", "occluders: [arm]", "model.yaml:5: occluders: 'arm' is no class of this model; its "),
        ("    Bread: {", "    Brad: {", "model.yaml:8: thresholds: 'Brad' is no class of this model; its "),
        ("possible: 0.25", "possible: 0.75", "model.yaml:9: thresholds.default: 'possible' (0.75) must not lie above"),
        ("present: 0.5", "present: 1.0", "model.yaml:9: thresholds.default.present should be less than 1, not 1.0"),
        ("Bread, hand]", "Plate, hand]", "model.yaml:4: classes: the class 'Plate' stands there twice"),
        ("classes: [Plate, Bread, hand]", "classes: []", "model.yaml:4: classes should have 1 or more entries"),
        ("width: 352", "width: 350", "model.yaml:6: input: width and height must be multiples of 32, not 350 and 256"),
        ("width: 352", "dtype: uint8, width: 352", "model.yaml:6: input: an input of uint8 holds 0 to 255; write "),
        ("output: ultralytics_raw", "output: raw", "model.yaml:7: output should be 'ultralytics_raw', 'end_to_end' o"),
        ("iou: 0.7", "score_floor: 0.3", "model.yaml:12: nms: score_floor (0.3) hides scores from the lowest "),
        ("  fp32:", "  fp31:", "model.yaml:15: files.fp31.[key] should be 'fp32', 'bf16', 'fp16', 'int8' or 'int8_c"),
        ("a" * 64, "abc", "model.yaml:17: files.fp32.sha256 should match pattern '^[0-9a-f]{64}$', not 'abc'"),
        ("file: model.onnx", "file: ../model.onnx", "model.yaml:16: files.fp32.file should match pattern "),
        ("schema: 1", "schema: 2", "model.yaml:1: schema should be 1, not 2"),
        ("schema: 1", "shema: 1", "model.yaml:1: unknown key 'shema'; did you mean 'schema'? (and 1 more)"),
        ("  iou: 0.7", "  IoU: 0.7", "model.yaml:13: unknown key 'IoU'; "),
        ('"1.10"', "1.10", "model.yaml:3: version should be a valid string, not 1.1; put it in quotes"),
        ("map50: 0.75", "map50: [1]", "model.yaml:18: metrics.map50"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Packs come from people who train models elsewhere."""
    assert refusal(tmp_path, old, new).startswith(said)


def test_loads_a_pack_whose_hash_fits(tmp_path: Path) -> None:
    pack = ModelPack.load(write_pack(tmp_path, b"any bytes", "end_to_end"))
    assert pack.precision == "fp32"
    assert pack.model_path.read_bytes() == b"any bytes"
    assert pack.sha256 == sha256_of(pack.model_path)


def test_takes_the_first_precision_unless_told(tmp_path: Path) -> None:
    """The order of the manifest is its author's preference."""
    (tmp_path / "fast.onnx").write_bytes(b"fast")
    (tmp_path / "exact.onnx").write_bytes(b"exact")
    files = {
        "int8": {"file": "fast.onnx", "sha256": sha256_of(tmp_path / "fast.onnx")},
        "fp32": {"file": "exact.onnx", "sha256": sha256_of(tmp_path / "exact.onnx")},
    }
    write_manifest(manifest("end_to_end", files=files), tmp_path / MANIFEST_NAME)
    assert ModelPack.load(tmp_path).model_path.name == "fast.onnx"
    assert ModelPack.load(tmp_path, precision="fp32").model_path.name == "exact.onnx"
    with pytest.raises(BadModelPack, match=r"model\.yaml:\d+: the pack has no fp16 file; it has int8, fp32"):
        ModelPack.load(tmp_path, precision="fp16")


def test_refuses_a_model_that_is_not_the_one_described(tmp_path: Path) -> None:
    """A half copied or exchanged file would decide differently from what was tested."""
    write_pack(tmp_path, b"any bytes", "end_to_end")
    (tmp_path / "model.onnx").write_bytes(b"other bytes")
    with pytest.raises(BadModelPack, match=r"model\.yaml:\d+: the sha256 of model\.onnx is .*; copy the pack again"):
        ModelPack.load(tmp_path)


def test_names_the_folder_the_manifest_or_the_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadModelPack, match=r"nowhere: there is no such folder; a model pack holds"):
        ModelPack.load(tmp_path / "nowhere")
    with pytest.raises(BadModelPack, match=r"model\.yaml: there is no such file"):
        ModelPack.load(tmp_path)
    write_pack(tmp_path, b"any bytes", "end_to_end")
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(BadModelPack, match=r"model\.yaml:\d+: the file model\.onnx that it names is missing from"):
        ModelPack.load(tmp_path)


def test_a_manifest_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw")
    manifest = load_manifest(pack / MANIFEST_NAME)
    files = {path.name: path.read_bytes() for path in pack.iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadModelPack, match=r"model\.yaml: the manifest cannot be written: No space left on device"):
        write_manifest(manifest.model_copy(update={"version": "2"}), pack / MANIFEST_NAME)
    assert {path.name: path.read_bytes() for path in pack.iterdir()} == files
