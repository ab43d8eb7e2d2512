"""train, calibrate: make model packs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.common import blocks_from, screen
from edge_agent.errors import BadInput


def calibrate(
    pack: Annotated[
        Path, typer.Argument(metavar="PACK_DIR", help="The model pack whose thresholds are to be found anew.")
    ],
    *,
    boxes: Annotated[Path, typer.Option("--boxes", help="Boxed photographs; those under val are used.")],
    false_alarms: Annotated[
        float, typer.Option("--false-alarms", min=0, max=100, help="Budget: per 100 right orders.")
    ] = 10.0,
) -> None:
    """Find a pack's thresholds for a budget of false alarms, on labelled photographs."""
    from edge_agent.app.making import calibrate_pack

    manifest = calibrate_pack(pack, boxes, false_alarms=false_alarms / 100)
    reached, decided = manifest.metrics["val_false_alarms"], manifest.metrics["val_decided"]
    screen.print(f"{pack}: on val, false alarms {reached}, decided in every class {decided}", highlight=False)


def train(
    boxes: Annotated[
        Path, typer.Argument(metavar="BOXES_DIR", help="Boxed photographs: images/ and labels/, train and val.")
    ],
    *,
    classes: Annotated[str, typer.Option("--classes", help="Class names in the order of the labels, with commas.")],
    pack: Annotated[Path, typer.Option("--pack", help="The model pack to write (a folder; its name names the model).")],
    run: Annotated[Path, typer.Option("--run", help="Where checkpoints and the run card go; the same folder resumes.")],
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the photographs.")] = 90,
    image_size: Annotated[
        int, typer.Option("--image-size", min=64, help="Longer side of the network's input, in pixels.")
    ] = 320,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 20,
    architecture: Annotated[
        str, typer.Option("--architecture", help="An Ultralytics model definition, or a checkpoint to start from.")
    ] = "yolo11n.yaml",
    false_alarms: Annotated[
        float, typer.Option("--false-alarms", min=0, max=100, help="Budget for the thresholds: per 100 right orders.")
    ] = 10.0,
    version: Annotated[str, typer.Option("--version", help="Version written into the pack.")] = "1",
    trays: Annotated[
        Path | None,
        typer.Option(
            "--trays", help="Also learn from these trays, of which only the counts are known.", show_default=False
        ),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", metavar="FROM:TO", help="Trays kept apart, as in noon-2585:noon-2730; repeatable."),
    ] = None,
    rounds: Annotated[
        list[int] | None,
        typer.Option(
            "--round",
            metavar="EPOCHS",
            min=1,
            help="A round of learning from --trays, so many passes long; repeatable. [default: 14, then 30]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train a detector from random weights on boxed photographs and write a model pack (extra `train`).

    With --trays the detector then teaches a student: it boxes the trays by what their orders say lies there.
    """
    from edge_agent.app.making import train_pack
    from edge_agent.training.fit import FitRecipe
    from edge_agent.training.making import ROUNDS, LearningFromOrders, TrainingPlan

    names = tuple(name.strip() for name in classes.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise BadInput("--classes needs different names with commas between them, such as plate,fruit,drink")
    if image_size % 32:
        raise BadInput(f"--image-size must be a multiple of 32 (the network's coarsest cell), not {image_size}")
    if not pack.name or not version:
        raise BadInput("--pack needs a folder with a name, and --version a text")
    plan = TrainingPlan(
        boxes=boxes,
        classes=names,
        run=run,
        pack=pack,
        recipe=FitRecipe(architecture=architecture, epochs=epochs, image_size_px=image_size, seed=seed),
        width_px=image_size,
        height_px=_height_for(image_size),
        false_alarms=false_alarms / 100,
        version=version,
        orders=None
        if trays is None
        else LearningFromOrders(trays=trays, held_out=blocks_from(held_out), rounds=tuple(rounds or ROUNDS)),
    )
    try:
        manifest = train_pack(plan, "edge-agent train")
    except ModuleNotFoundError as error:
        raise BadInput(f"training needs the extra 'train' ({error.name} is missing): pip install '.[train]'") from error
    screen.print(f"{pack}: val mAP50 {manifest.metrics.get('val_map50')}")


def _height_for(width: int) -> int:
    """The cameras' 4:3, rounded up to the 32 pixels of the network's coarsest cell."""
    return math.ceil(width * 3 / 4 / 32) * 32
