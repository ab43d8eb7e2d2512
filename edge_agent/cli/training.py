"""train, calibrate: make a model pack, and find its thresholds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli import common
from edge_agent.cli.common import (
    blocks_apart,
    blocks_from,
    configured_pack,
    extra_train,
    menu_from,
    pieces_of_work,
    progress,
    say,
    settings_from,
    typed,
    warn,
)
from edge_agent.cli.showing import show_gates
from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest


def calibrate(
    pack: Annotated[
        Path, typer.Argument(metavar="PACK_DIR", help="The model pack whose thresholds are to be found anew.")
    ],
    *,
    boxes: Annotated[
        Path | None,
        typer.Option(
            "--boxes",
            help="Boxed photographs; those under val are used where --calibrate-on has fewer than ten trays. "
            "TRAY-NUMBER.jpg says which tray it shows.",
            show_default=False,
        ),
    ] = None,
    trays: Annotated[
        Path | None, typer.Option("--trays", help="Trays of which the counts are known.", show_default=False)
    ] = None,
    calibrate_on: common.CalibrateOnOption = None,
    false_alarms: Annotated[
        float | None,
        typer.Option(
            "--false-alarms",
            min=0,
            max=100,
            help="Budget for the thresholds: per 100 right orders (1 if left out).",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            min=2,
            help="Write nothing; say how such thresholds do on trays that did not set them, dividing these into so "
            "many parts.",
            show_default=False,
        ),
    ] = None,
    same_as: Annotated[
        Path | None,
        typer.Option(
            "--as",
            metavar="ORIGINAL_DIR",
            help="Look at no trays: take over the thresholds of this pack, of which PACK_DIR is a faster copy.",
            show_default=False,
        ),
    ] = None,
    config: common.ConfigOption = None,
) -> None:
    """Find a pack's thresholds for a budget of false alarms, on labelled trays that its weights never saw."""
    from edge_agent.adapters.model_shelf import led_to
    from edge_agent.app.inputs import check_writable, refuse_in_service
    from edge_agent.app.making import calibrate_pack, cross_validate_pack, refuse_other_boxes, take_over_thresholds
    from edge_agent.app.plans import ThresholdPlan
    from edge_agent.training.thresholds import FEW_TRAYS

    blocks = blocks_from(calibrate_on, of=trays, option="--calibrate-on")
    if trays is not None and not blocks:
        raise BadInput("--trays needs --calibrate-on FROM:TO, which says on which of them the thresholds are found")
    others = {"--boxes": boxes, "--trays": trays, "--folds": folds, "--false-alarms": false_alarms}
    if same_as is not None and (given := [name for name, value in others.items() if value is not None]):
        raise BadInput(f"--as takes thresholds over as they are, and finds none: leave out it or {' and '.join(given)}")
    if folds is None:
        refuse_in_service(pack, configured_pack(config))
        check_writable([pack])
    pack = led_to(pack)
    if same_as is not None:
        taken = take_over_thresholds(pack, same_as)
        say(f"{pack}: its thresholds are those of {taken.name} {taken.version} now, in whose manner it gives scores.")
        _tell_next(pack)
        return
    if boxes is not None:
        refuse_other_boxes(pack, boxes)
    budget = 1.0 if false_alarms is None else false_alarms
    plan = ThresholdPlan(boxes=boxes, trays=trays, blocks=blocks, false_alarms=budget / 100)
    if folds is None:
        with progress("trays", hidden=False) as step:
            manifest = calibrate_pack(pack, plan, on_tray=step)
        _show_calibration(pack, manifest)
        if (number := int(manifest.metrics["calibration_trays"])) < FEW_TRAYS:
            warn(f"thresholds from {number} tray(s) are a guess: name more of them, {FEW_TRAYS} at the least")
        _tell_next(pack)
        return
    with progress("parts", hidden=False) as step:
        found = cross_validate_pack(pack, plan, folds=folds, on_part=step)
    say(
        f"{pack}: of {found.trays} trays, each judged by thresholds from the others ({folds} parts, mean of several "
        f"divisions), {found.decided:.1f} right orders called match, {found.false_alarms:.1f} false alarms; surprise "
        f"{found.surprise:.3f} per tray. Nothing was written."
    )


def _tell_next(pack: Path) -> None:
    quantize, score = (
        typed(f"edge-agent {command}", pack, "--trays", "DIR") for command in ("quantize", "models score")
    )
    say(f"8-bit forms and scores that it had were of its old thresholds. Next: '{quantize}', then '{score}'.")


def train(
    boxes: Annotated[
        Path | None,
        typer.Argument(
            metavar="[BOXES_DIR]",
            help="Boxed photographs: images/ and labels/, train and val. TRAY-NUMBER.jpg says which tray it shows.",
        ),
    ] = None,
    *,
    classes: Annotated[
        str,
        typer.Option("--classes", help="Class names in the order of the labels (or of --teacher), with commas."),
    ],
    pack: Annotated[Path, typer.Option("--pack", help="The model pack to write (a folder; its name names the model).")],
    run: Annotated[Path, typer.Option("--run", help="Where checkpoints and the run card go; the same folder resumes.")],
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=0,
            help="Passes over the boxed photographs (90 if left out). 0: the checkpoint of --architecture knows "
            "what lies on --trays already, and the first round goes on with it.",
            show_default=False,
        ),
    ] = None,
    image_size: Annotated[
        int, typer.Option("--image-size", min=64, help="Longer side of the network's input, in pixels.")
    ] = 320,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 20,
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture",
            help="An Ultralytics model definition, or a checkpoint to start from (yolo11n.yaml if left out).",
            show_default=False,
        ),
    ] = None,
    version: common.VersionOption = "1",
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
            help="A round of learning from --trays, so many passes long; repeatable (one of 24 if left out). One that "
            "is no better on --calibrate-on (ten trays or more) than the one before is the last, and is not taken.",
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
    held_out: common.HeldOutOption = None,
    calibrate_on: common.CalibrateOnOption = None,
    false_alarms: common.BudgetOption = 1.0,
    no_quantize: Annotated[
        bool, typer.Option("--no-quantize", help="Make no 8-bit forms of the pack; without --trays none are made.")
    ] = False,
    config: common.ConfigOption = None,
    menu: common.MenuOption = None,
) -> None:
    """Train a detector on boxed photographs, from random weights, and on orders; write a model pack (extra `train`).

    With --trays a teacher finds out which box is which item from the counts alone, and a student learns from that. The
    items of the trays may be finer than the boxed classes, or new. At the end the pack's 8-bit forms are made and held
    against fp32, by the checks of those trays and the menu. Typed again after a cut, the same command goes on.
    """
    from edge_agent.adapters.model_shelf import shelf_folder
    from edge_agent.app.inputs import refuse_to_write_over
    from edge_agent.app.making import train_pack
    from edge_agent.app.plans import QuantisingPlan, ThresholdPlan
    from edge_agent.training.fit import FitRecipe
    from edge_agent.training.plan import ROUNDS, LearningFromOrders, TrainingPlan
    from edge_agent.training.took_part import unseen_by

    if image_size % 32:
        raise BadInput(f"--image-size must be a multiple of 32 (the network's coarsest cell), not {image_size}")
    if not pack.name or not version:
        raise BadInput("--pack needs a folder with a name, and --version a text")
    if boxes is None and (epochs is not None or architecture is not None):
        raise BadInput("--epochs and --architecture are about boxed photographs; name their folder, or leave them out")
    if trays is None and (rounds or teacher is not None):
        raise BadInput("--round and --teacher are about learning from orders; name the trays with --trays")
    served = configured_pack(config)
    refuse_to_write_over(pack, served)
    names = _names_in(classes)
    kept, unseen = blocks_apart(calibrate_on, held_out, trays)
    learning, quantising, checked_by = None, None, menu
    if trays is not None:
        apart = (*unseen, *kept)
        learning = LearningFromOrders(trays=trays, apart=apart, rounds=tuple(rounds or ROUNDS), teacher=teacher)
        if no_quantize:
            checked_by = menu_from(config, menu)
        else:
            checked_by = settings_from(config, pack=pack, menu=menu).menu
            quantising = QuantisingPlan(pack=pack, trays=trays, held_out=unseen, menu=checked_by)
    plan = TrainingPlan(
        boxes=boxes,
        classes=names,
        run=run,
        pack=pack,
        recipe=FitRecipe(
            architecture=architecture or FitRecipe().architecture,
            epochs=FitRecipe().epochs if epochs is None else epochs,
            image_size_px=image_size,
            seed=seed,
        ),
        width_px=image_size,
        height_px=_height_for(image_size),
        version=version,
        orders=learning,
    )
    if plan.start is not None and plan.start.is_file():
        shelves = (pack.parent, *([] if served is None else [shelf_folder(served)]))
        plan = replace(plan, start_held_out=unseen_by(plan.start, *shelves))
    thresholds = ThresholdPlan(boxes=boxes, trays=trays, blocks=kept, false_alarms=false_alarms / 100)
    with extra_train("training"), pieces_of_work(hidden=False) as on_work:
        manifest = train_pack(
            plan, thresholds, "edge-agent train", quantising=quantising, menu=checked_by, on_work=on_work
        )
    _show_fit(pack, manifest)
    _show_calibration(pack, manifest)
    if quantising is None:
        quantize = typed("edge-agent quantize", pack, "--trays", "DIR")
        say(f"It runs in fp32. Next: '{quantize}' makes and judges its 8-bit forms.")
    else:
        show_gates(manifest)
    only = [word for block in unseen for word in ("--only", str(block))]
    given = (trays, *only) if unseen else ("DIR",)
    on_menu = () if checked_by is None or menu is config is None else ("--menu", checked_by)
    score = typed("edge-agent models score", pack, "--trays", *given, "--run", run, *on_menu)
    say(f"Next: '{score}' writes its scores into its card and this run's, with a picture of every failure.")
    if not unseen:
        say("DIR is a folder of trays that it has not seen: none were held out (--held-out FROM:TO).")


def _names_in(classes: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in classes.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise BadInput("--classes needs different names with commas between them, such as plate,fruit,drink")
    return names


def _show_fit(pack: Path, manifest: PackManifest) -> None:
    """Weights that were taken as they were given have been measured by nobody here."""
    if (val := manifest.metrics.get("val_map50")) is not None:
        say(f"{pack}: val mAP50 {val}")


def _show_calibration(pack: Path, manifest: PackManifest) -> None:
    from edge_agent.training.thresholds import CARE

    said = manifest.metrics
    say(
        f"{pack}: thresholds from {said['calibration_trays']} trays; there, of right orders, false alarms "
        f"{said['calibration_false_alarms']}, called match {said['calibration_decided']}; of wrong ones, caught "
        f"{said['calibration_caught']}"
    )
    if said.get("calibration_limit") == CARE:
        more = "a station's detector.eagerness is what makes it bolder"
        say(f"A larger budget would change nothing: no word is likelier than one in five to be wrong; {more}.")


def _height_for(width: int) -> int:
    """The cameras' 4:3, rounded up to the 32 pixels of the network's coarsest cell."""
    return math.ceil(width * 3 / 4 / 32) * 32
