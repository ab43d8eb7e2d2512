"""Make a model pack: fit, learn from orders, export, calibrate, and write what a user must know."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.whole_file import write_whole
from edge_agent.ports import Picture
from edge_agent.training.boxed import SPLITS, BoxedPhotograph, read_boxed
from edge_agent.training.export import export_onnx, write_pack
from edge_agent.training.fit import FitRecipe, curve, fit, hash_of, last_weights, measure
from edge_agent.training.labelling import Acceptance, Naming, counted_trays, label_trays, names_given, rename_boxes
from edge_agent.training.pasting import vary_repeats
from edge_agent.training.repeating import evened
from edge_agent.training.sightings import Teacher
from edge_agent.training.synth.scene_folder import made_by

ReadPhotograph = Callable[[Path], Picture]

ROUNDS = (24,)
"""How many passes each round takes. More than one round pays where the first teacher is weak."""

FINISHED_NAME = "finished.json"
"""Lies in the folder of a round that is done."""

SPARED = 10
"""Without boxed photographs, each tenth labelled one measures the fit instead of teaching."""

ROUND_RECIPE = FitRecipe(learning_rate=1e-3, close_mosaic=8, warmup_epochs=0)
"""A student starts from trained weights, so it needs fewer passes over its larger set, and no warm-up, in which the
library moves biases a hundred times as fast; its last eight are without mosaic, as trays are when they are judged (five
before; of neither was it measured alone which is better)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningFromOrders:
    """Trays with counts but without boxes, and how to learn from them.

    Attributes:
        trays: the folder.
        apart: blocks that take no part: held out for scores, or kept for thresholds.
        rounds: how many passes each round takes.
        teacher: weights that label in the first round, instead of those fitted on boxes.
        accept: when a photograph's labels are believed.
    """

    trays: Path
    apart: tuple[TrayBlock, ...] = ()
    rounds: tuple[int, ...] = ROUNDS
    teacher: Path | None = None
    accept: Acceptance = field(default_factory=Acceptance)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What `edge-agent train` is to do; without boxes it goes on from the teacher of the orders."""

    boxes: Path | None
    classes: tuple[str, ...]
    run: Path
    pack: Path
    recipe: FitRecipe
    width_px: int
    height_px: int
    version: str
    orders: LearningFromOrders | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """Weights, the classes they know, and what they score on `val`."""

    weights: Path
    classes: tuple[str, ...]
    measured: Mapping[str, float]


def train_weights(plan: TrainingPlan, *, read_photograph: ReadPhotograph) -> tuple[Trained, list[dict[str, Any]]]:
    """Fit on boxed photographs, then on what orders teach; returns the best weights and an account of the rounds.

    Raises:
        BadInput: there is nothing to start from, or the teacher cannot find what the orders name.
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    splits = _splits(plan)
    if plan.boxes is None:
        if plan.orders is None or plan.orders.teacher is None:
            raise BadInput("without boxed photographs training needs trays, and a teacher that knows something already")
        trained = Trained(plan.orders.teacher, plan.classes, {})
    else:
        weights = fit(splits, plan.classes, plan.run, plan.recipe)
        trained = Trained(weights, plan.classes, measure(weights, plan.run, plan.recipe.image_size_px))
    if plan.orders is None:
        return trained, []
    return _learn_from_orders(plan, plan.orders, splits, trained, read_photograph)


def _splits(plan: TrainingPlan) -> dict[str, tuple[BoxedPhotograph, ...]]:
    return {split: () if plan.boxes is None else read_boxed(plan.boxes, split, plan.classes) for split in SPLITS}


def make_pack(plan: TrainingPlan, command: str, *, read_photograph: ReadPhotograph) -> tuple[PackManifest, Path]:
    """Train, export, and write the pack with an account of where it comes from; its thresholds are still to be found.

    Returns:
        The manifest, and the weights.

    Raises:
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    trained, rounds = train_weights(plan, read_photograph=read_photograph)
    export_onnx(trained.weights, plan.pack, width_px=plan.width_px, height_px=plan.height_px)
    splits = _splits(plan)
    synthetic = None if plan.boxes is None else made_by(plan.boxes)
    provenance = {
        "command": command,
        "recipe": asdict(plan.recipe),
        "data_sha256": hash_of(splits),
        "photographs": {split: len(photographs) for split, photographs in splits.items()},
        "boxed_classes": list(plan.classes),
        "trained_with": f"ultralytics {metadata.version('ultralytics')}, torch {metadata.version('torch')}",
        "licence": "AGPL-3.0-or-later",
        **({"rounds": rounds} if rounds else {}),
        **({"synthetic": synthetic} if synthetic else {}),
    }
    manifest = write_pack(
        plan.pack,
        name=plan.pack.name,
        version=plan.version,
        classes=trained.classes,
        size_px=(plan.width_px, plan.height_px),
        metrics=trained.measured,
        provenance=provenance,
    )
    return manifest, trained.weights


def _learn_from_orders(
    plan: TrainingPlan,
    orders: LearningFromOrders,
    splits: Mapping[str, Sequence[BoxedPhotograph]],
    first: Trained,
    read_photograph: ReadPhotograph,
) -> tuple[Trained, list[dict[str, Any]]]:
    """Let a student learn from what a teacher labels by the orders, and teach in turn, in as many rounds as asked for.

    A student of the first round starts from the weights fitted on boxes, also where another teacher labels: what the
    teacher learned from trays that are kept apart must not come along. What `val` says of a round is told, and decides
    nothing: where items are finer its labels come from counts too, and it preferred a worse round (docs/model.md).
    """
    trays = counted_trays(open_trays(orders.trays), apart=orders.apart)
    ordered = {name for tray in trays for name in tray.counts}
    named = plan.classes if ordered <= set(plan.classes) else tuple(sorted(ordered))
    best, labeller, rounds = first, orders.teacher or first.weights, list[dict[str, Any]]()
    val: Sequence[BoxedPhotograph] = ()
    naming: Naming | None = None
    for number, epochs in enumerate(orders.rounds, start=1):
        run = plan.run / f"round-{number}"
        teacher = Teacher(labeller, width_px=plan.width_px, height_px=plan.height_px, read_photograph=read_photograph)
        taught = label_trays(trays, named, run / "labels", look=teacher.look, accept=orders.accept)
        # Which item a drawn class may be is asked of the first teacher, which knows the drawn classes.
        naming = naming or Naming.of(taught, teacher.names, named)
        renamed = partial(rename_boxes, naming=naming, look=teacher.look, taught=taught)
        boxed = renamed(splits["train"], into=run / "labels-train")
        # Named once: what each round is measured on must not change with the round's teacher.
        val = val or renamed(splits["val"], into=run / "labels-val") or taught.photographs[::SPARED]
        learned = [each for each in taught.photographs if each not in val]
        if not (boxed or learned) or not val:
            photographs = sum(len(tray.photographs) for tray in trays)
            said = f"of {photographs} photographs {len(taught.photographs)} could be labelled by their counts"
            raise BadInput(f"{said}, too few to learn from: the teacher knows too little of what lies there")
        recipe = replace(
            ROUND_RECIPE, epochs=epochs, image_size_px=plan.recipe.image_size_px, seed=plan.recipe.seed + number
        )
        if (finished := _finished(run)) is not None:
            student, account = finished
            rounds.append(account)
            best, labeller = student, student.weights
            continue
        shown = vary_repeats(
            evened((*boxed, *learned)),
            naming.items,
            run / "pasted",
            seed=recipe.seed,
            read_photograph=read_photograph,
        )
        weights = fit({"train": shown, "val": val}, naming.items, run, recipe, start_from=best.weights)
        student = Trained(weights, naming.items, measure(weights, run, recipe.image_size_px))
        account = {
            "recipe": asdict(recipe),
            "teacher": labeller.name if orders.teacher and number == 1 else f"round {number - 1}",
            "trays": len(trays),
            "apart": [str(block) for block in orders.apart],
            "photographs": sum(len(tray.photographs) for tray in trays),
            "photographs_believed": len(taught.photographs),
            "boxed_photographs": len(boxed),
            "photographs_shown": len(shown),
            "photographs_pasted_on": sum(each.path.parent == run / "pasted" for each in shown),
            "called": {item: dict(calls.most_common(3)) for item, calls in names_given(taught, teacher.names).items()},
            "val_map50": student.measured["val_map50"],
            "val_map50_95": student.measured["val_map50_95"],
            "curve": curve(run),
        }
        _finish(run, student, account)
        rounds.append(account)
        best, labeller = student, student.weights
    return best, rounds


def _finish(run: Path, student: Trained, account: dict[str, Any]) -> None:
    """Keep what a round was made of and what came out of it, so that a command typed again tells of it as it was."""
    kept = {"classes": student.classes, "measured": dict(student.measured), "account": account}
    write_whole(run / FINISHED_NAME, json.dumps(kept, indent=2) + "\n")


def _finished(run: Path) -> tuple[Trained, dict[str, Any]] | None:
    path = run / FINISHED_NAME
    if not path.exists():
        return None
    kept = json.loads(path.read_text())
    return Trained(last_weights(run), tuple(kept["classes"]), kept["measured"]), kept["account"]
