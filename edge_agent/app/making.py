"""Put together what makes models: train, calibrate, merge, score."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.photograph import read_photograph
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.boxed import read_boxed
from edge_agent.training.card import write_model_card, write_run_card
from edge_agent.training.export import make_pack_fast
from edge_agent.training.making import TrainingPlan, make_pack
from edge_agent.training.merging import load_groups, merge_pack
from edge_agent.training.thresholds import boxed_trays, counted_blocks, find_thresholds

CHECKPOINT_NAME = "weights.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdPlan:
    """Which labelled trays thresholds are found on, and for which budget.

    Attributes:
        boxes: a folder of boxed photographs, of which `val` is used.
        trays: a folder of counted trays, of which those in `blocks` are used.
        false_alarms: the budget, as a share of right orders.
    """

    boxes: Path | None = None
    trays: Path | None = None
    blocks: tuple[TrayBlock, ...] = ()
    false_alarms: float = 0.01


def train_pack(plan: TrainingPlan, thresholds: ThresholdPlan, command: str) -> PackManifest:
    """Train, export, make the pack fast, find its thresholds, and write its cards.

    The weights are left in the run's folder (`weights.pt`), so that later training can go on from them.

    Raises:
        BadInput: no tray could show the thresholds of something that is to be learned.
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    _refuse_no_trays_for_thresholds(plan, thresholds)
    _, weights = make_pack(plan, command, read_photograph=read_photograph)
    shutil.copyfile(weights, plan.run / CHECKPOINT_NAME)
    make_pack_fast(plan.pack)
    manifest = calibrate_pack(plan.pack, thresholds)
    write_run_card(plan.run, {**manifest.provenance, **manifest.metrics})
    return manifest


def _refuse_no_trays_for_thresholds(plan: TrainingPlan, thresholds: ThresholdPlan) -> None:
    """Said before hours of training, not after them."""
    if plan.orders is None or thresholds.blocks:
        return
    ordered = {name for tray in open_trays(plan.orders.trays).trays.values() for name in tray.contents}
    new = sorted(ordered if plan.boxes is None else ordered - set(plan.classes))
    if new:
        said = f"nobody boxed '{new[0]}', so thresholds need trays of their own"
        raise BadInput(f"{said}: name some with --calibrate-on FROM:TO")


def calibrate_pack(pack: Path, plan: ThresholdPlan) -> PackManifest:
    """Find a pack's thresholds anew, and write them into its manifest and its card.

    Raises:
        BadInput: no tray was named, or none of the classes is boxed.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read; names file and line.
    """
    before = load_manifest(pack / MANIFEST_NAME)
    known = before.provenance.get("boxed_classes")
    boxed = tuple(str(name) for name in known) if isinstance(known, list) else before.classes
    trays = []
    if plan.boxes is not None and set(boxed) == set(before.classes):
        trays += boxed_trays(read_boxed(plan.boxes, "val", boxed))
    if plan.trays is not None:
        trays += counted_blocks(open_trays(plan.trays), plan.blocks)
    manifest = find_thresholds(
        pack, trays, false_alarms=plan.false_alarms, open_detector=_cpu_detector, read_photograph=read_photograph
    )
    write_model_card(pack, manifest)
    return manifest


def merge_classes(source: Path, groups: Path, target: Path, *, version: str) -> PackManifest:
    """Write a pack that reports groups of another pack's classes.

    Raises:
        BadInput: the groups do not read, or do not fit the pack.
        BadModelPack: the pack does not fit.
    """
    if source.resolve() == target.resolve():
        raise BadInput("the merged pack needs a folder of its own: name another one with --pack")
    manifest = merge_pack(source, load_groups(groups), target, version=version)
    write_model_card(target, manifest)
    return manifest


def _cpu_detector(folder: Path) -> OnnxDetector:
    return OnnxDetector(pack=ModelPack.load(folder), provider="cpu")
