"""Make a model pack: fit, learn from orders, export, and write down where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest, sha256_of
from edge_agent.formats.recordings import open_counted
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.boxed import SPLITS, BoxedPhotograph, read_boxed
from edge_agent.training.export import export_onnx, write_pack
from edge_agent.training.fingerprints import begin_or_go_on, hash_of, hash_of_photographs, hash_of_trays
from edge_agent.training.fit import curve, fit, measure
from edge_agent.training.labelling import CountedTray, counted_trays
from edge_agent.training.plan import TrainingPlan
from edge_agent.training.provenance import PHOTOGRAPHS_SHA256, START_HELD_OUT, WEIGHTS_SHA256, made_up
from edge_agent.training.rounds import Means, Trained, learn_from_orders
from edge_agent.training.sightings import names_in

PLAN_NAME = "plan.json"
"""Lies in the folder of a run, and says what it was begun with."""


def make_pack(
    plan: TrainingPlan,
    command: str,
    *,
    held_out: Sequence[TrayBlock] = (),
    means: Means,
) -> tuple[PackManifest, Path]:
    """Train, export, and write the pack with an account of where it comes from; its thresholds are still to be found.

    `held_out` are those of the trays kept apart that take no part later on either: scores are to be made on them.

    Returns:
        The manifest, and the weights.

    Raises:
        BadInput: there is nothing to start from, the teacher cannot find what the orders name, or the run's folder was
            begun with something else.
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    splits = {split: () if plan.boxes is None else read_boxed(plan.boxes, split, plan.classes) for split in SPLITS}
    trays = () if plan.orders is None else counted_trays(open_counted(plan.orders.trays), apart=plan.orders.apart)
    hashes = _hashes(plan, splits, trays)
    by_photographs = {PHOTOGRAPHS_SHA256: hash_of_photographs(trays)} if trays else {}
    groups = {} if plan.orders is None or not plan.orders.groups else {"groups": plan.orders.groups}
    asked = {**hashes, **groups, "classes": plan.classes, "size_px": (plan.width_px, plan.height_px), **_settings(plan)}
    begin_or_go_on(plan.run / PLAN_NAME, asked)
    trained = _first(plan, splits)
    curves = {} if plan.boxes is None or plan.goes_on else {"curve": curve(plan.run)}
    rounds: list[dict[str, Any]] = []
    if plan.orders is not None:
        trained, rounds = learn_from_orders(plan, plan.orders, splits, trays, trained, means)
    export_onnx(trained.weights, plan.pack, width_px=plan.width_px, height_px=plan.height_px)
    folders = [*(() if plan.boxes is None else (plan.boxes,)), *(() if plan.orders is None else (plan.orders.trays,))]
    provenance = {
        "command": command,
        **_settings(plan),
        **hashes,
        "photographs": {split: len(photographs) for split, photographs in splits.items()},
        "boxed_classes": list(plan.classes),
        **curves,
        "trained_with": f"ultralytics {metadata.version('ultralytics')}, torch {metadata.version('torch')}",
        WEIGHTS_SHA256: sha256_of(trained.weights),
        "licence": "AGPL-3.0-or-later",
        **({} if plan.orders is None else {"held_out": [str(block) for block in held_out]}),
        **by_photographs,
        **({} if plan.start is None else {START_HELD_OUT: [str(block) for block in plan.start_held_out]}),
        **({"rounds": rounds} if rounds else {}),
        **made_up(folders),
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


def _hashes(
    plan: TrainingPlan, splits: Mapping[str, Sequence[BoxedPhotograph]], trays: Sequence[CountedTray]
) -> dict[str, Any]:
    """What the weights come from, by its bytes."""
    teacher = None if plan.orders is None else plan.orders.teacher
    start = None if plan.boxes is None else plan.start
    return {
        **({} if plan.boxes is None else {"data_sha256": hash_of(splits)}),
        **({} if start is None else {"start_sha256": sha256_of(start)}),
        **({} if plan.orders is None else {"trays_sha256": hash_of_trays(trays)}),
        **({} if teacher is None else {"teacher_sha256": sha256_of(teacher)}),
    }


def _settings(plan: TrainingPlan) -> dict[str, Any]:
    """How the first fit was made, or whose weights stand in for it. The rounds tell of themselves."""
    told: dict[str, Any] = {"seed": plan.recipe.seed}
    if plan.boxes is not None:
        told["recipe"] = asdict(plan.recipe)
    if plan.orders is not None and plan.orders.teacher is not None:
        told["teacher"] = plan.orders.teacher.name
    return told


def _first(plan: TrainingPlan, splits: Mapping[str, Sequence[BoxedPhotograph]]) -> Trained:
    if plan.start is not None and plan.goes_on:
        return Trained(plan.start, names_in(plan.start), {})
    if plan.boxes is not None:
        weights = fit(splits, plan.classes, plan.run, plan.recipe)
        return Trained(weights, plan.classes, measure(weights, plan.run, plan.recipe.image_size_px))
    if plan.orders is None or plan.orders.teacher is None:
        raise BadInput("without boxed photographs training needs trays, and a teacher that knows something already")
    return Trained(plan.orders.teacher, plan.classes, {})
