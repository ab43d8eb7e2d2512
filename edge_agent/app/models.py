"""The packs of a box: which there are, which is active, whether they are fit to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.model_shelf import ModelShelf, follows_pointer, led_to, shelf_folder
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.errors import BadInput, BadModelPack, DetectorError
from edge_agent.formats.activations import Activation, standing
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, Precision, load_manifest, sha256_of
from edge_agent.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box's packs: the settings that its agent runs with, and the folder of packs that is kept.

    `models` is the folder of packs; where it is None, that of the configured pack. Without settings (None) nothing is
    known of the menu, nor of what is configured.
    """

    settings: Settings | None = None
    models: Path | None = None

    @property
    def shelf(self) -> ModelShelf:
        """The folder of packs.

        Raises:
            BadInput: there is neither a folder nor a configuration, or the folder is a pack.
        """
        if self.models is not None:
            if (self.models / MANIFEST_NAME).exists():
                said = "this is a model pack itself: name the folder that it lies in with --models"
                raise BadInput(said, path=self.models)
            return ModelShelf(folder=self.models)
        if self.settings is None:
            raise BadInput("name the folder of packs with --models, or a configuration with --config")
        return ModelShelf(folder=shelf_folder(self.settings.detector.pack))

    def history(self, activations: Sequence[Activation] | None = None) -> tuple[str, ...]:
        """The packs in service one after the other, the last one now; a pack that is configured directly is the first.

        Empty where nothing is in service. Reads the journal, unless its activations are given.
        """
        shelf = self.shelf
        recorded = standing(shelf.activations() if activations is None else activations, shelf.pointed_at())
        return recorded or (() if self._configured is None else (shelf.name_of(self._configured),))

    @property
    def _configured(self) -> Path | None:
        """The pack of this shelf that the configuration names directly."""
        if self.settings is None:
            return None
        pack = self.settings.detector.pack
        is_here = pack.parent.resolve() == self.shelf.folder.resolve()
        return pack if is_here and (pack / MANIFEST_NAME).exists() else None

    @property
    def advice(self) -> str | None:
        """What to change in the configuration, where its agent does not run what is activated here."""
        if self.settings is None or follows_pointer(self.settings.detector.pack, self.shelf.folder):
            return None
        return (
            f"the configuration names {self.settings.detector.pack}, so the agent runs that one, whatever is active "
            f"here; let its 'detector.pack' lead to {self.shelf.pointer_path} (from the configuration's own folder)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOnShelf:
    """One pack as `models list` shows it; without a manifest where that does not read."""

    folder: Path
    manifest: PackManifest | None
    is_active: bool
    fault: str | None

    def as_json(self) -> dict[str, Any]:
        manifest = self.manifest
        told: dict[str, Any] = {"folder": str(self.folder), "active": self.is_active, "fault": self.fault}
        if manifest is None:
            return told
        return told | {
            "name": manifest.name,
            "version": manifest.version,
            "precisions": list(manifest.files),
            "classes": list(manifest.classes),
            "input": {"width": manifest.input.width, "height": manifest.input.height},
            "metrics": dict(manifest.metrics),
            "sha256": sha256_of(self.folder / MANIFEST_NAME),
        }


def packs_at(path: Path) -> tuple[Path, ...]:
    """The packs that a path names: one, which a pointer may lead to, or all of a folder of packs.

    Raises:
        BadModelPack: the folder cannot be read, or the pointer is damaged.
    """
    holds_packs = path.is_dir() and not (path / MANIFEST_NAME).exists()
    return (holds_packs and ModelShelf(folder=path).packs()) or (led_to(path),)


def list_packs(box: Box) -> tuple[PackOnShelf, ...]:
    """The packs of the shelf, by folder, each held to its hashes; the active one also where it is not there.

    Raises:
        BadModelPack: the folder cannot be read.
    """
    folders = box.shelf.packs()
    active = "".join(box.history()[-1:])
    if active and active not in {folder.name for folder in folders}:
        folders = (*folders, box.shelf.folder / active)
    return tuple(_on_shelf(folder, is_active=folder.name == active) for folder in folders)


def _on_shelf(folder: Path, *, is_active: bool) -> PackOnShelf:
    try:
        manifest = load_manifest(folder / MANIFEST_NAME)
    except BadModelPack as refusal:
        return PackOnShelf(folder=folder, manifest=None, is_active=is_active, fault=str(refusal))
    fault = next((said for said in (_broken(folder, each) for each in (*manifest.files, None)) if said), None)
    return PackOnShelf(folder=folder, manifest=manifest, is_active=is_active, fault=fault)


def _broken(folder: Path, precision: Precision | None) -> str | None:
    """What is wrong with one form of a pack, or (None) with its plain export."""
    try:
        if precision is None:
            ModelPack.load_plain(folder)
        else:
            ModelPack.load(folder, precision=precision)
    except BadModelPack as fault:
        return str(fault)
    return None


def faults_of(folder: Path) -> tuple[str, ...]:
    """What is wrong with a pack, one sentence each; none where it is fit to run.

    Every file is held to its hash, opened on the CPU, held against the manifest, and run on a grey picture.
    """
    try:
        manifest = load_manifest(folder / MANIFEST_NAME)
    except BadModelPack as fault:
        return (str(fault),)
    faults = [said for said in (_unfit(folder, precision) for precision in manifest.files) if said]
    try:
        ModelPack.load_plain(folder)
    except BadModelPack as fault:
        faults.append(str(fault))
    return tuple(dict.fromkeys(faults))


def _unfit(folder: Path, precision: Precision) -> str | None:
    try:
        pack = ModelPack.load(folder, precision=precision)
        detector = OnnxDetector(pack=pack, provider="cpu")
        height_px, width_px = pack.manifest.input.height, pack.manifest.input.width
        detector.detect(np.full((height_px, width_px, 3), 128, dtype=np.uint8))
    except (BadModelPack, DetectorError) as fault:
        return str(fault)
    return None
