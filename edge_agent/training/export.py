"""Turn trained weights into a model pack (extra `train`)."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from edge_agent.errors import BadModelPack
from edge_agent.formats.orders import first_complaint
from edge_agent.formats.pack import (
    MANIFEST_NAME,
    STILL_TO_BE_FOUND,
    PackFile,
    PackManifest,
    PlainExport,
    Thresholds,
    load_manifest,
    sha256_of,
    write_manifest,
)
from edge_agent.training.graph import forget_origin, make_fast

MODEL_NAME = "model.onnx"
FAST_NAME = "model.fp32.onnx"
OPSET = 17
"""Understood by every ONNX Runtime since 1.12, that of JetPack 6 among them."""

TO_BE_FOUND = STILL_TO_BE_FOUND.model_dump(mode="json")


def export_onnx(weights: Path, folder: Path, *, width_px: int, height_px: int) -> Path:
    """Export Ultralytics weights as a plain fp32 graph of a fixed input size into the pack's folder."""
    from ultralytics import YOLO

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / MODEL_NAME
    # Ultralytics writes beside the weights: there may lie an export of the user's, or nothing may be written there.
    # Hidden, so that what a cut leaves is in nobody's way until it goes.
    for left_over in folder.glob(".export-*"):
        shutil.rmtree(left_over)
    with TemporaryDirectory(dir=folder, prefix=".export-") as place:
        copied = shutil.copyfile(weights, Path(place) / weights.name)
        with _without_advice():
            exported = YOLO(copied).export(
                format="onnx", imgsz=[height_px, width_px], opset=OPSET, simplify=True, dynamic=False, device="cpu"
            )
        Path(exported).replace(target)
    forget_origin(target)
    return target


@contextmanager
def _without_advice() -> Iterator[None]:
    """The library tells where its file lies and what may be done with it; that is gone a moment later."""
    library = logging.getLogger("ultralytics")
    level = library.level
    library.setLevel(logging.WARNING)
    try:
        yield
    finally:
        library.setLevel(level)


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
    """Write the manifest for a freshly exported model of this (width, height), with thresholds still to be found.

    Other files of a pack that was there before are deleted: they are forms of another network.
    """
    before = manifest_there(folder)
    manifest = PackManifest.model_validate(
        {
            "schema": 1,
            "name": name,
            "version": version,
            "classes": classes,
            "input": {"width": size_px[0], "height": size_px[1]},
            "output": "ultralytics_raw",
            "nms": {"iou": 0.6, "several_classes_per_box": True},
            "thresholds": TO_BE_FOUND,
            "files": {"fp32": {"file": MODEL_NAME, "sha256": sha256_of(folder / MODEL_NAME)}},
            "metrics": dict(metrics),
            "provenance": dict(provenance),
        }
    )
    write_manifest(manifest, folder / MANIFEST_NAME)
    drop_stale(folder, before, manifest)
    return manifest


def write_made_of(
    weights: Path, folder: Path, before: PackManifest, *, version: str, provenance: Mapping[str, Any]
) -> PackManifest:
    """Export weights that were made of those of another pack, and write theirs, in fp32 and made fast.

    It is like that one, but for what was measured with the other weights; its thresholds are still to be found.

    Raises:
        BadModelPack: the graph is not understood.
    """
    was_there = manifest_there(folder)
    export_onnx(weights, folder, width_px=before.input.width, height_px=before.input.height)
    changes = {
        "name": folder.name,
        "version": version,
        "input": {"width": before.input.width, "height": before.input.height},
        "thresholds": TO_BE_FOUND,
        "files": {"fp32": {"file": MODEL_NAME, "sha256": sha256_of(folder / MODEL_NAME)}},
        "refused": {},
        "plain": None,
        "metrics": {},
        "provenance": dict(provenance),
    }
    manifest = revised(before, changes)
    write_manifest(manifest, folder / MANIFEST_NAME)
    drop_stale(folder, was_there, manifest)
    return make_pack_fast(folder)


def manifest_there(folder: Path) -> PackManifest | None:
    """The manifest of the pack that a folder holds already; None where it holds none."""
    path = folder / MANIFEST_NAME
    return load_manifest(path) if path.exists() else None


def drop_stale(folder: Path, before: PackManifest | None, now: PackManifest) -> None:
    """Delete the files that a pack's manifest named before, and does not name any more."""
    for name in _named_by(before) - _named_by(now):
        (folder / name).unlink(missing_ok=True)


def _named_by(manifest: PackManifest | None) -> set[str]:
    if manifest is None:
        return set()
    plain = () if manifest.plain is None else (manifest.plain,)
    return {entry.file for entry in (*manifest.files.values(), *plain)}


def make_pack_fast(folder: Path) -> PackManifest:
    """Let a pack run a faster form of its plain export, which stays in it for benchmarks; quantised files are dropped.

    A pack that has both already is left as it is. Nothing is made of a file that is not the one that the manifest
    names: thresholds, scores and provenance would be those of another network, and the new hashes would hide it.

    Raises:
        BadModelPack: the pack has no plain fp32 export, one that is not whole, or one whose graph is not understood.
    """
    manifest = load_manifest(folder / MANIFEST_NAME)
    start = manifest.plain or manifest.files.get("fp32")
    if start is None:
        raise BadModelPack("the pack has no fp32 file to start from", path=folder)
    refuse_damaged(folder, start)
    fp32 = manifest.files.get("fp32")
    if manifest.plain is not None and fp32 is not None and _is_whole(folder, fp32):
        return manifest
    file, given = start.file, manifest.input if manifest.plain is None else manifest.plain.input
    plain = folder / file
    forget_origin(plain)
    taken = make_fast(plain, folder / FAST_NAME, given, manifest.output)
    changes = {
        "input": taken.model_dump(mode="json"),
        "plain": {"file": file, "sha256": sha256_of(plain), "input": given.model_dump(mode="json")},
        "files": {"fp32": {"file": FAST_NAME, "sha256": sha256_of(folder / FAST_NAME)}},
        "refused": {},
    }
    made = revise_pack(folder, changes)
    drop_stale(folder, manifest, made)
    return made


def refuse_damaged(folder: Path, entry: PackFile | PlainExport) -> None:
    """Whether a file is the one that the manifest names; what is made of another one would have a hash that fits.

    Raises:
        BadModelPack: it is not.
    """
    if not _is_whole(folder, entry):
        said = "it is not there, or not the file that model.yaml names (its sha256 is another)"
        raise BadModelPack(f"{said}: copy the whole pack once more, or make it anew", path=folder / entry.file)


def _is_whole(folder: Path, entry: PackFile | PlainExport) -> bool:
    path = folder / entry.file
    return path.exists() and sha256_of(path) == entry.sha256


def revise_pack(folder: Path, changes: Mapping[str, Any]) -> PackManifest:
    """Replace some keys of a pack's manifest, in place.

    Raises:
        BadModelPack: the manifest does not read or cannot be written, or the changes do not fit what stays.
    """
    path = folder / MANIFEST_NAME
    manifest = revised(load_manifest(path), changes)
    write_manifest(manifest, path)
    return manifest


def revised(manifest: PackManifest, changes: Mapping[str, Any]) -> PackManifest:
    """The manifest with some of its keys replaced; a score floor sinks with thresholds that would lie below it.

    Raises:
        BadModelPack: the changes do not fit what stays.
    """
    data = manifest.model_dump(mode="json", by_alias=True, exclude_none=True) | dict(changes)
    try:
        if "thresholds" in changes and manifest.nms.score_floor is not None:
            limits = Thresholds.model_validate(data["thresholds"])
            lowest = min(limits.of(name).possible for name in data["classes"])
            data["nms"] |= {"score_floor": min(manifest.nms.score_floor, lowest)}
        return PackManifest.model_validate(data)
    except ValidationError as error:
        raise BadModelPack(f"{manifest.name} cannot be written so: {first_complaint(error)}") from error
