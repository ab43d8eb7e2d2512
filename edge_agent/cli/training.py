"""train, calibrate, merge: make model packs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.common import blocks_from, screen
from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest

BudgetOption = Annotated[
    float, typer.Option("--false-alarms", min=0, max=100, help="Budget for the thresholds: per 100 right orders.")
]
CalibrateOnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--calibrate-on",
        metavar="FROM:TO",
        help="Trays of --trays on which thresholds are found, as in noon-2433:noon-2530; repeatable.",
    ),
]


def calibrate(
    pack: Annotated[
        Path, typer.Argument(metavar="PACK_DIR", help="The model pack whose thresholds are to be found anew.")
    ],
    *,
    boxes: Annotated[
        Path | None, typer.Option("--boxes", help="Boxed photographs; those under val are used.", show_default=False)
    ] = None,
    trays: Annotated[
        Path | None, typer.Option("--trays", help="Trays of which the counts are known.", show_default=False)
    ] = None,
    calibrate_on: CalibrateOnOption = None,
    false_alarms: BudgetOption = 1.0,
) -> None:
    """Find a pack's thresholds for a budget of false alarms, on labelled trays that its weights never saw."""
    from edge_agent.app.making import ThresholdPlan, calibrate_pack

    blocks = blocks_from(calibrate_on)
    plan = ThresholdPlan(boxes=boxes, trays=trays, blocks=blocks, false_alarms=false_alarms / 100)
    _show_calibration(pack, calibrate_pack(pack, plan))


def train(
    boxes: Annotated[
        Path | None,
        typer.Argument(metavar="[BOXES_DIR]", help="Boxed photographs: images/ and labels/, train and val."),
    ] = None,
    *,
    classes: Annotated[
        str,
        typer.Option("--classes", help="Class names in the order of the labels (or of --teacher), with commas."),
    ],
    pack: Annotated[Path, typer.Option("--pack", help="The model pack to write (a folder; its name names the model).")],
    run: Annotated[Path, typer.Option("--run", help="Where checkpoints and the run card go; the same folder resumes.")],
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the boxed photographs.")] = 90,
    image_size: Annotated[
        int, typer.Option("--image-size", min=64, help="Longer side of the network's input, in pixels.")
    ] = 320,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 20,
    architecture: Annotated[
        str, typer.Option("--architecture", help="An Ultralytics model definition, or a checkpoint to start from.")
    ] = "yolo11n.yaml",
    version: Annotated[str, typer.Option("--version", help="Version written into the pack.")] = "1",
    trays: Annotated[
        Path | None,
        typer.Option(
            "--trays", help="Also learn from these trays, of which only the counts are known.", show_default=False
        ),
    ] = None,
    rounds: Annotated[
        list[int] | None,
        typer.Option(
            "--round",
            metavar="EPOCHS",
            min=1,
            help="A round of learning from --trays, so many passes long; repeatable. [default: one of 24]",
            show_default=False,
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            "--teacher",
            help="A checkpoint that labels the trays in the first round, instead of what the boxes taught.",
            show_default=False,
        ),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", metavar="FROM:TO", help="Trays that take no part at all; repeatable."),
    ] = None,
    calibrate_on: CalibrateOnOption = None,
    false_alarms: BudgetOption = 1.0,
) -> None:
    """Train a detector on boxed photographs, from random weights, and on orders; write a model pack (extra `train`).

    With --trays a teacher finds out which box is which item from the counts alone, and a student learns from that. The
    items of the trays may be finer than the boxed classes, or new. Typed again after a cut, the same command goes on.
    """
    from edge_agent.app.making import ThresholdPlan, train_pack
    from edge_agent.training.fit import FitRecipe
    from edge_agent.training.making import ROUNDS, LearningFromOrders, TrainingPlan

    names = tuple(name.strip() for name in classes.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise BadInput("--classes needs different names with commas between them, such as plate,fruit,drink")
    if image_size % 32:
        raise BadInput(f"--image-size must be a multiple of 32 (the network's coarsest cell), not {image_size}")
    if not pack.name or not version:
        raise BadInput("--pack needs a folder with a name, and --version a text")
    kept = blocks_from(calibrate_on)
    learning = None
    if trays is not None:
        apart = (*blocks_from(held_out), *kept)
        learning = LearningFromOrders(trays=trays, apart=apart, rounds=tuple(rounds or ROUNDS), teacher=teacher)
    plan = TrainingPlan(
        boxes=boxes,
        classes=names,
        run=run,
        pack=pack,
        recipe=FitRecipe(architecture=architecture, epochs=epochs, image_size_px=image_size, seed=seed),
        width_px=image_size,
        height_px=_height_for(image_size),
        version=version,
        orders=learning,
    )
    thresholds = ThresholdPlan(boxes=boxes, trays=trays, blocks=kept, false_alarms=false_alarms / 100)
    try:
        manifest = train_pack(plan, thresholds, "edge-agent train")
    except ModuleNotFoundError as error:
        raise BadInput(f"training needs the extra 'train' ({error.name} is missing): pip install '.[train]'") from error
    screen.print(f"{pack}: val mAP50 {manifest.metrics.get('val_map50')}", highlight=False)
    _show_calibration(pack, manifest)


def merge(
    source: Annotated[Path, typer.Argument(metavar="PACK_DIR", help="A model pack of fine classes.")],
    *,
    groups: Annotated[Path, typer.Option("--groups", help="Which fine classes each coarse one is made of (YAML).")],
    pack: Annotated[Path, typer.Option("--pack", help="The model pack to write.")],
    version: Annotated[str, typer.Option("--version", help="Version written into the pack.")] = "1",
) -> None:
    """Write a pack that reports groups of another pack's classes (extra `train`); calibrate it next."""
    from edge_agent.app.making import merge_classes

    try:
        manifest = merge_classes(source, groups, pack, version=version)
    except ModuleNotFoundError as error:
        raise BadInput(f"merging needs the extra 'train' ({error.name} is missing): pip install '.[train]'") from error
    screen.print(f"{pack}: {', '.join(manifest.classes)}; find its thresholds with 'edge-agent calibrate {pack}'")


def _show_calibration(pack: Path, manifest: PackManifest) -> None:
    said = manifest.metrics
    screen.print(
        f"{pack}: thresholds from {said['calibration_trays']} trays; there, of right orders, false alarms "
        f"{said['calibration_false_alarms']}, called match {said['calibration_decided']}; of wrong ones, caught "
        f"{said['calibration_caught']}",
        highlight=False,
    )


def _height_for(width: int) -> int:
    """The cameras' 4:3, rounded up to the 32 pixels of the network's coarsest cell."""
    return math.ceil(width * 3 / 4 / 32) * 32
