"""Put together what makes models: train, calibrate, merge, score."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.photograph import read_photograph
from edge_agent.app.inputs import check_inputs, refuse_to_write_over
from edge_agent.app.plans import QuantisingPlan, ThresholdPlan
from edge_agent.app.quantising import quantise
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest
from edge_agent.formats.recordings import open_counted
from edge_agent.ports.steps import OnStep, OnWork, nobody_looks
from edge_agent.training.box_scores import score_boxes
from edge_agent.training.boxed import read_boxed
from edge_agent.training.card import rewrite_run_card, write_model_card
from edge_agent.training.cross_validation import CrossValidated
from edge_agent.training.export import make_pack_fast, revise_pack
from edge_agent.training.fingerprints import hash_of
from edge_agent.training.judging import Judge, judge_by
from edge_agent.training.making import make_pack
from edge_agent.training.merging import load_groups, merge_pack, refuse_groups
from edge_agent.training.plan import TrainingPlan
from edge_agent.training.rounds import Means
from edge_agent.training.thresholds import (
    FEW_TRAYS,
    LabelledShots,
    counted_blocks,
    cross_validated,
    find_thresholds,
    take_thresholds,
    val_trays,
)
from edge_agent.training.took_part import OTHER_BOXES, OWN_VAL, known_to_have_taught

logger = logging.getLogger(__name__)

CHECKPOINT_NAME = "weights.pt"


def train_pack(
    plan: TrainingPlan,
    thresholds: ThresholdPlan,
    command: str,
    *,
    quantising: QuantisingPlan | None = None,
    menu: Path | None = None,
    on_work: OnWork = lambda _: nobody_looks,
) -> PackManifest:
    """Train, export, make the pack fast, find its thresholds, make its 8-bit forms, and write its cards.

    All inputs are looked at first. The weights are left in the run's folder (`weights.pt`), so that later training can
    go on from them. Where the trays are counted by groups of the classes of the weights, the pack of these stays in the
    run's folder, and the pack is merged from it. Without a plan for 8-bit forms the pack runs in fp32. Where a menu is
    given, what lies on the trays must be on it.

    Raises:
        BadInput: as `check_inputs`, or the disk refuses while it trains.
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    check_inputs(plan, thresholds, quantising, menu=menu)
    apart = () if plan.orders is None else plan.orders.apart
    held_out = tuple(block for block in apart if block not in thresholds.blocks)
    groups = {} if plan.orders is None else plan.orders.groups
    fine = replace(plan, pack=plan.run / f"{plan.pack.name}-fine") if groups else plan
    with to_be_gone_on_with(plan.run):
        means = Means(read_photograph=read_photograph, on_work=on_work, judge=_judge(plan, thresholds))
        _, weights = make_pack(fine, command, held_out=held_out, means=means)
        shutil.copyfile(weights, plan.run / CHECKPOINT_NAME)
        make_pack_fast(fine.pack)
        if groups:
            merge_pack(fine.pack, groups, plan.pack, version=plan.version)
        manifest = calibrate_pack(plan.pack, thresholds, on_tray=on_work("looking at trays for thresholds"))
        if plan.boxes is not None and _drawn_in(plan.boxes, plan.classes) & set(manifest.classes):
            scores = met_boxes(plan.pack, plan.boxes, on_photograph=on_work("looking at boxed photographs"))
            manifest = revise_pack(plan.pack, {"metrics": {**manifest.metrics, **scores}})
            write_model_card(plan.pack, manifest)
        rewrite_run_card(plan.run, manifest)
        return manifest if quantising is None else quantise(quantising, on_work=on_work)


def _drawn_in(boxes: Path, classes: tuple[str, ...]) -> set[str]:
    """What was drawn on the photographs that measure."""
    return {name for photograph in read_boxed(boxes, "val", classes) for name in photograph.counts}


def _judge(plan: TrainingPlan, thresholds: ThresholdPlan) -> Judge | None:
    """What tells whether a round helped: the trays kept for thresholds, where they are enough.

    Trays that are counted by groups of the classes say too little of these.
    """
    if plan.orders is None or plan.orders.groups or thresholds.trays is None:
        return None
    return judge_by(
        open_counted(thresholds.trays),
        thresholds.blocks,
        size_px=(plan.width_px, plan.height_px),
        false_alarms=thresholds.false_alarms,
        open_detector=_cpu_detector,
        read_photograph=read_photograph,
    )


@contextmanager
def to_be_gone_on_with(run: Path) -> Iterator[None]:
    """Around hours of training: a cut, or what the system refuses, such as a full disk, costs one pass and no more.

    Raises:
        BadInput: the system refused; the text says how to go on.
        KeyboardInterrupt: somebody stopped it; the log says how to go on.
    """
    try:
        yield
    except KeyboardInterrupt:
        logger.warning("stopped: what it has learned so far lies in %s; the same command, typed again, goes on", run)
        raise
    except OSError as refusal:
        said = f"the training was cut off here: {refusal.strerror or refusal}"
        said = f"{said}. What it has learned so far lies in {run}: put that right, and type the same command again"
        raise BadInput(said, path=refusal.filename or run) from refusal


def calibrate_pack(pack: Path, plan: ThresholdPlan, *, on_tray: OnStep = nobody_looks) -> PackManifest:
    """Find a pack's thresholds anew, and write them into its manifest and its card.

    `on_tray` is told how many trays of how many the pack has looked at.

    Raises:
        BadInput: no tray was named, or none of the classes is boxed.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read; names file and line.
    """
    trays, told = _labels_for(pack, plan)
    manifest = find_thresholds(
        pack,
        trays,
        false_alarms=plan.false_alarms,
        open_detector=_cpu_detector,
        read_photograph=read_photograph,
        calibrated_on=told,
        on_tray=on_tray,
    )
    write_model_card(pack, manifest)
    return manifest


def take_over_thresholds(pack: Path, source: Path) -> PackManifest:
    """Take over the thresholds of the pack of which one is a faster copy, into its manifest and its card.

    Returns:
        The manifest of the pack that they are taken from.

    Raises:
        BadInput: the one is no copy of the other, or that one has no thresholds yet.
        BadModelPack: a pack does not fit.
    """
    before = load_manifest(led_to(source) / MANIFEST_NAME)
    write_model_card(pack, take_thresholds(pack, before))
    return before


def cross_validate_pack(
    pack: Path, plan: ThresholdPlan, *, folds: int, on_part: OnStep = nobody_looks
) -> CrossValidated:
    """What thresholds that are found in this way do on other trays like these; nothing is written.

    Raises:
        BadInput: there are fewer trays than parts.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read; names file and line.
    """
    trays, _ = _labels_for(pack, plan)
    return cross_validated(
        pack,
        trays,
        false_alarms=plan.false_alarms,
        folds=folds,
        open_detector=_cpu_detector,
        read_photograph=read_photograph,
        on_part=on_part,
    )


def _labels_for(pack: Path, plan: ThresholdPlan) -> tuple[list[LabelledShots], list[str]]:
    """The labelled trays of a plan for thresholds, and what the manifest calls them.

    Boxed photographs stand in where counted trays are too few: what lies on a tray is counted whole, and seen from all
    its photographs, as in service, while a box that somebody forgot to draw reads as something that is not there.
    """
    manifest = load_manifest(pack / MANIFEST_NAME)
    boxed = boxed_classes(manifest)
    counted: tuple[LabelledShots, ...] = ()
    if plan.trays is not None:
        folder = open_counted(plan.trays)
        counted = tuple(counted_blocks(folder, plan.blocks, manifest.classes))
        if taught := known_to_have_taught(manifest, folder, plan.blocks):
            said = "%d of these trays taught the weights, and by what these know by heart thresholds get too bold: %s"
            logger.warning(said, taught, "name others with --calibrate-on")
    trays, told = list(counted), [str(block) for block in plan.blocks]
    if plan.boxes is not None and len(counted) < FEW_TRAYS and set(boxed) == set(manifest.classes):
        return val_trays(plan.boxes, boxed) + trays, [_told_of(plan.boxes, manifest), *told]
    if plan.boxes is not None and trays:
        logger.warning(
            "%d counted trays set the thresholds, and no boxed photographs: these may lack boxes", len(trays)
        )
    return trays, told


def _told_of(boxes: Path, manifest: PackManifest) -> str:
    """What the manifest calls these boxed photographs: those that measured its own fit are known to teach nothing."""
    known = manifest.provenance.get("data_sha256")
    val = hash_of({"val": read_boxed(boxes, "val", boxed_classes(manifest))})["val"]
    return OWN_VAL if isinstance(known, dict) and known.get("val") == val else OTHER_BOXES


def met_boxes(pack: Path, boxes: Path, *, on_photograph: OnStep = nobody_looks) -> dict[str, float | int | str]:
    """How well what a pack finds meets the boxes under `val`, as a manifest keeps it; the pack stays as it is.

    Raises:
        BadInput: nothing was drawn there that the pack reports.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read; names file and line.
    """
    manifest = load_manifest(pack / MANIFEST_NAME)
    scores = score_boxes(
        pack,
        boxes,
        boxed_classes(manifest),
        open_detector=_cpu_detector,
        read_photograph=read_photograph,
        on_photograph=on_photograph,
    )
    return scores.as_metrics(_told_of(boxes, manifest))


def refuse_other_boxes(pack: Path, boxes: Path) -> None:
    """Whether boxed photographs can say what lies on them in the pack's own words.

    Raises:
        BadInput: the boxes were drawn under other classes than the pack reports.
        BadModelPack: the pack does not fit.
    """
    manifest = load_manifest(pack / MANIFEST_NAME)
    if set(drawn := boxed_classes(manifest)) != set(manifest.classes):
        said = f"these were boxed as {', '.join(drawn)}, and {manifest.name} reports {', '.join(manifest.classes)}"
        raise BadInput(f"{said}: name counted trays with --trays and --calibrate-on instead", path=boxes)


def boxed_classes(manifest: PackManifest) -> tuple[str, ...]:
    """The classes of the boxes that the pack was trained on, in the order of their labels."""
    known = manifest.provenance.get("boxed_classes")
    return tuple(str(name) for name in known) if isinstance(known, list) else manifest.classes


def merge_classes(
    source: Path, groups: Path, target: Path, *, version: str, configured: Path | None = None
) -> PackManifest:
    """Write a pack that reports groups of another pack's classes, anywhere but over the one that is `configured`.

    Raises:
        BadInput: the groups do not read, or do not fit the pack, or the pack to write is in service, or cannot be
            written.
        BadModelPack: the pack does not fit.
    """
    source = led_to(source)
    if source.resolve() == target.resolve():
        raise BadInput("the merged pack needs a folder of its own: name another one with --pack")
    refuse_to_write_over(target, configured)
    members = load_groups(groups)
    known = load_manifest(source / MANIFEST_NAME).classes
    refuse_groups(members, known, path=groups)
    grouped = {name for group in members.values() for name in group}
    if left_out := [name for name in known if name not in grouped]:
        logger.warning("%s: in no group stand %s: the merged pack will not report them", groups, ", ".join(left_out))
    manifest = merge_pack(source, members, target, version=version)
    write_model_card(target, manifest)
    return manifest


def _cpu_detector(folder: Path, manifest: PackManifest) -> OnnxDetector:
    return OnnxDetector(pack=replace(ModelPack.load(folder), manifest=manifest), provider="cpu")
