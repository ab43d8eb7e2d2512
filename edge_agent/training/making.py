"""Make a model pack: fit, export, measure, calibrate, and write what a user must know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from edge_agent.domain.voting import Thresholds
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Detector, Picture
from edge_agent.training.boxed import SPLITS, BoxedPhotograph, read_boxed
from edge_agent.training.calibrate import LabelledTray, calibrate
from edge_agent.training.card import write_model_card, write_run_card
from edge_agent.training.export import export_onnx, revise_pack, write_pack
from edge_agent.training.fit import FitRecipe, curve, fit, hash_of, measure
from edge_agent.training.pseudo_labels import Acceptance
from edge_agent.training.self_training import label_from_orders, unboxed

OpenDetector = Callable[[Path], Detector]
ReadPhotograph = Callable[[Path], Picture]

SEEING_ALL = {"default": {"present": 0.5, "possible": 0.05}}
"""The thresholds with which calibration looks: nothing that could matter is cut off."""


ROUNDS = (14, 30)
"""How many passes a round takes: the first labels are the worst, and not worth many."""

ROUND_RECIPE = FitRecipe(learning_rate=8e-4, close_mosaic=4, warmup_epochs=1)
"""A student starts from its teacher's weights, so it needs few passes over its larger set."""

TEACHING_FLOOR = {"default": {"present": 0.5, "possible": 0.02}}
"""The thresholds with which a teacher looks: the order, not the score, says how many boxes there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningFromOrders:
    """Trays with counts but without boxes, those of them that are kept apart, and how many passes each round takes."""

    trays: Path
    held_out: tuple[TrayBlock, ...]
    rounds: tuple[int, ...]
    accept: Acceptance = field(default_factory=Acceptance)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What `edge-agent train` is to do; `false_alarms` is a share of right orders."""

    boxes: Path
    classes: tuple[str, ...]
    run: Path
    pack: Path
    recipe: FitRecipe
    width_px: int
    height_px: int
    false_alarms: float
    version: str
    orders: LearningFromOrders | None = None


def make_pack(
    plan: TrainingPlan, command: str, *, open_detector: OpenDetector, read_photograph: ReadPhotograph
) -> PackManifest:
    """Fit on boxed photographs, export, calibrate on `val`, and write the pack with its cards.

    Raises:
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    splits = {split: read_boxed(plan.boxes, split, plan.classes) for split in SPLITS}
    weights = fit(splits, plan.classes, plan.run, plan.recipe)
    measured = measure(weights, plan.run, plan.recipe.image_size_px)
    taught: list[dict[str, Any]] = []
    if plan.orders is not None:
        teacher = _Taught(weights, measured)
        best, taught = _learn_from_orders(plan, plan.orders, splits, teacher, open_detector, read_photograph)
        weights, measured = best.weights, best.measured
    export_onnx(weights, plan.pack, width_px=plan.width_px, height_px=plan.height_px)
    provenance = {
        "command": command,
        "recipe": asdict(plan.recipe),
        "data_sha256": hash_of(splits),
        "photographs": {split: len(photographs) for split, photographs in splits.items()},
        "trained_with": f"ultralytics {metadata.version('ultralytics')}, torch {metadata.version('torch')}",
        "licence": "AGPL-3.0-or-later",
        **({"rounds": taught} if taught else {}),
    }
    write_pack(
        plan.pack,
        name=plan.pack.name,
        version=plan.version,
        classes=plan.classes,
        size_px=(plan.width_px, plan.height_px),
        metrics=measured,
        provenance=provenance,
    )
    manifest = calibrate_on(
        plan.pack,
        splits["val"],
        false_alarms=plan.false_alarms,
        open_detector=open_detector,
        read_photograph=read_photograph,
    )
    write_run_card(plan.run, {**provenance, **manifest.metrics, "curve": curve(plan.run)})
    return manifest


@dataclass(frozen=True, slots=True)
class _Taught:
    """Weights, and what they score on `val`."""

    weights: Path
    measured: dict[str, float]


def _learn_from_orders(
    plan: TrainingPlan,
    orders: LearningFromOrders,
    splits: Mapping[str, Sequence[BoxedPhotograph]],
    teacher: _Taught,
    open_detector: OpenDetector,
    read_photograph: ReadPhotograph,
) -> tuple[_Taught, list[dict[str, Any]]]:
    """Let a student learn from what the teacher labels by the orders, and teach in turn, while `val` improves."""
    trays = unboxed(open_trays(orders.trays), orders.held_out)
    rounds: list[dict[str, Any]] = []
    for number, epochs in enumerate(orders.rounds, start=1):
        run = plan.run / f"round-{number}"
        labelled = label_from_orders(
            trays,
            plan.classes,
            run / "labels",
            detector=open_detector(_teacher_pack(plan, teacher.weights, run / "teacher")),
            read_photograph=read_photograph,
            accept=orders.accept,
        )
        both = {**splits, "train": [*splits["train"], *labelled]}
        recipe = replace(
            ROUND_RECIPE, epochs=epochs, image_size_px=plan.recipe.image_size_px, seed=plan.recipe.seed + number
        )
        weights = fit(both, plan.classes, run, recipe, start_from=teacher.weights)
        student = _Taught(weights, measure(weights, run, recipe.image_size_px))
        better = student.measured["val_map50"] > teacher.measured["val_map50"]
        rounds.append(
            {
                "recipe": asdict(recipe),
                "trays": len(trays),
                "held_out": [f"{b.name}-{b.first}:{b.name}-{b.last}" for b in orders.held_out],
                "photographs_believed": len(labelled),
                "photographs": sum(len(tray.photographs) for tray in trays),
                "val_map50": student.measured["val_map50"],
                "val_map50_95": student.measured["val_map50_95"],
                "taken": better,
            }
        )
        if not better:
            break
        teacher = student
    return teacher, rounds


def _teacher_pack(plan: TrainingPlan, weights: Path, folder: Path) -> Path:
    export_onnx(weights, folder, width_px=plan.width_px, height_px=plan.height_px)
    write_pack(
        folder,
        name="teacher",
        version=plan.version,
        classes=plan.classes,
        size_px=(plan.width_px, plan.height_px),
        metrics={},
        provenance={},
    )
    revise_pack(folder, {"thresholds": TEACHING_FLOOR})
    return folder


def calibrate_on(
    pack: Path,
    photographs: Sequence[BoxedPhotograph],
    *,
    false_alarms: float,
    open_detector: OpenDetector,
    read_photograph: ReadPhotograph,
) -> PackManifest:
    """Find a pack's thresholds on labelled photographs, fused by tray, and write them and the model card.

    Raises:
        BadModelPack: the pack does not fit.
        BadRecording: a photograph does not read.
    """
    before = load_manifest(pack / MANIFEST_NAME)
    revise_pack(pack, {"thresholds": SEEING_ALL})
    detector = open_detector(pack)
    trays = [
        LabelledTray(seen=tuple(detector.detect(read_photograph(p.path)) for p in shots), counts=_most(shots))
        for shots in _by_tray(photographs)
    ]
    found = calibrate(trays, before.classes, false_alarms=false_alarms)
    metrics = {
        **before.metrics,
        "calibrated_for_false_alarms": false_alarms,
        "val_false_alarms": round(found.false_alarms, 4),
        "val_false_alarms_unavoidable": round(found.unavoidable, 4),
        "val_decided": round(found.decided, 4),
        "val_caught": round(found.caught, 4),
    }
    manifest = revise_pack(pack, {"thresholds": _as_data(found.thresholds), "metrics": metrics})
    write_model_card(pack, manifest)
    return manifest


def _by_tray(photographs: Sequence[BoxedPhotograph]) -> list[list[BoxedPhotograph]]:
    """The photographs of one tray share their names up to the last dash."""
    trays: dict[str, list[BoxedPhotograph]] = {}
    for photograph in photographs:
        trays.setdefault(photograph.path.stem.rpartition("-")[0] or photograph.path.stem, []).append(photograph)
    return list(trays.values())


def _most(shots: Sequence[BoxedPhotograph]) -> dict[str, int]:
    """What lay on a tray; a box that somebody forgot to draw on one photograph stands on another."""
    return {name: max(shot.counts.get(name, 0) for shot in shots) for shot in shots for name in shot.counts}


def _as_data(thresholds: Thresholds) -> dict[str, Any]:
    def both(name: str) -> dict[str, float | bool]:
        limits = thresholds.of(name)
        return {"present": limits.present, "possible": limits.possible, "absence_tells": limits.absence_tells}

    default = {"present": thresholds.default.present, "possible": thresholds.default.possible}
    return {"default": default, "classes": {name: both(name) for name in sorted(thresholds.by_class)}}
