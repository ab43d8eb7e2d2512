"""Turn trained weights into a model pack (extra `train`)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of, write_manifest

MODEL_NAME = "model.onnx"
OPSET = 17
"""Understood by every ONNX Runtime since 1.12, that of JetPack 6 among them."""


def export_onnx(weights: Path, folder: Path, *, width_px: int, height_px: int) -> Path:
    """Export Ultralytics weights as a plain fp32 graph of a fixed input size into the pack's folder."""
    from ultralytics import YOLO

    folder.mkdir(parents=True, exist_ok=True)
    exported = YOLO(weights).export(
        format="onnx", imgsz=[height_px, width_px], opset=OPSET, simplify=True, dynamic=False, half=False, device="cpu"
    )
    target = folder / MODEL_NAME
    shutil.move(str(exported), target)
    return target


def write_pack(
    folder: Path,
    *,
    name: str,
    version: str,
    classes: tuple[str, ...],
    size_px: tuple[int, int],
    metrics: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> PackManifest:
    """Write the manifest for a freshly exported model of this (width, height), with thresholds still to be found."""
    manifest = PackManifest.model_validate(
        {
            "schema": 1,
            "name": name,
            "version": version,
            "classes": classes,
            "input": {"width": size_px[0], "height": size_px[1]},
            "output": "ultralytics_raw",
            "nms": {"iou": 0.6, "several_classes_per_box": True},
            "thresholds": {"default": {"present": 0.5, "possible": 0.05}},
            "files": {"fp32": {"file": MODEL_NAME, "sha256": sha256_of(folder / MODEL_NAME)}},
            "metrics": dict(metrics),
            "provenance": dict(provenance),
        }
    )
    write_manifest(manifest, folder / MANIFEST_NAME)
    return manifest


def revise_pack(folder: Path, changes: Mapping[str, Any]) -> PackManifest:
    """Replace some keys of a pack's manifest, in place."""
    path = folder / MANIFEST_NAME
    data = load_manifest(path).model_dump(mode="json", by_alias=True, exclude_none=True) | dict(changes)
    manifest = PackManifest.model_validate(data)
    write_manifest(manifest, path)
    return manifest
