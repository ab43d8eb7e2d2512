"""A pack with two precisions, and what was measured for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_agent.app.detector import measured_for
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest, sha256_of, write_manifest
from edge_agent.formats.tuning import Tuned
from tests.builders_onnx import constant_model, manifest, raw_output

GATE = {"tolerance": 1, "fp32": {"caught": 9}, "scores": {"caught": 9}}


def pack_in(folder: Path, *, passed: bool | None = True) -> Path:
    """A pack with fp32 and int8; `passed` is the verdict of int8's gate, None: it was never held."""
    folder.mkdir(exist_ok=True)
    files: dict[str, Any] = {}
    for precision, seen in (("fp32", 0.9), ("int8", 0.8)):
        path = folder / f"{precision}.onnx"
        path.write_bytes(constant_model(raw_output([(8, 8, 24, 32, seen, 0)])))
        files[precision] = {"file": path.name, "sha256": sha256_of(path)}
    if passed is not None:
        files["int8"]["gate"] = {"passed": passed, **GATE}
    write_manifest(manifest("ultralytics_raw", files=files), folder / MANIFEST_NAME)
    return folder


def tuned_for(folder: Path, **changes: Any) -> Tuned:
    fields = {"measured_for": measured_for(folder), "precision": "int8", "provider": "cpu", "threads": 1}
    return Tuned.model_validate(fields | {"median_ms": {"int8 on cpu, 1 threads": 9.5}} | changes)


def with_bfloat16(folder: Path) -> Path:
    """Such a pack that has bfloat16 too, whose gate was passed on the CPU's provider, which does not compute it."""
    files = load_manifest(folder / MANIFEST_NAME).model_dump(mode="json", exclude_none=True)["files"]
    bf16 = {key: files["fp32"][key] for key in ("file", "sha256")} | {"gate": {"passed": True, **GATE}}
    write_manifest(manifest("ultralytics_raw", files={**files, "bf16": bf16}), folder / MANIFEST_NAME)
    return folder
