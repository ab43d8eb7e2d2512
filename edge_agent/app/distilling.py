"""Put together what makes the faster copy of a pack."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.photograph import read_photograph
from edge_agent.app.inputs import (
    check_writable,
    refuse_boxes_apart,
    refuse_run_in_pack,
    refuse_run_of_others,
    refuse_to_write_over,
)
from edge_agent.app.making import boxed_classes, to_be_gone_on_with
from edge_agent.app.plans import DistillingPlan
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of
from edge_agent.formats.recordings import open_counted
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports.steps import OnWork, nobody_looks
from edge_agent.training.boxed import BoxedPhotograph, read_boxed
from edge_agent.training.card import rewrite_run_card, write_model_card
from edge_agent.training.distilling import RECIPE_NAME, SLOWER, WEIGHTS_NAME, DistilRecipe, distil, run_before
from edge_agent.training.export import write_made_of
from edge_agent.training.fingerprints import hash_of, hash_of_photographs
from edge_agent.training.labelling import CountedTray, counted_trays
from edge_agent.training.provenance import (
    BEGUN_WITH,
    DISTILLED,
    PHOTOGRAPHS_SHA256,
    WEIGHTS_SHA256,
    made_up,
    named,
    without_thresholds,
)
from edge_agent.training.sightings import names_in
from edge_agent.training.took_part import blocks_calibrated_on, blocks_held_out, blocks_kept_apart
from edge_agent.training.views import MOST, Views

logger = logging.getLogger(__name__)


def distil_pack(
    plan: DistillingPlan, *, configured: Path | None = None, on_work: OnWork = lambda _: nobody_looks
) -> tuple[PackManifest, Mapping[str, float]]:
    """Make a pack of the faster copy of another pack's weights, in fp32, its thresholds still to be found.

    All inputs are looked at first. The copy's weights are left in the run's folder (`weights.pt`), beside its card.

    Returns:
        The manifest, and how far the copy is from the pack in the end, by each loss.

    Raises:
        BadInput: the weights are not those of the pack, there is nothing to show, a boxed photograph shows a tray that
            is kept apart, the pack to write is in service, the run's folder is that of a training or was begun with
            something else, the run to begin with is of something else, a folder cannot be written, or the disk refuses
            meanwhile.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    source = led_to(plan.source)
    if source.resolve() == plan.pack.resolve():
        raise BadInput("the faster pack needs a folder of its own: name another one with --pack")
    refuse_to_write_over(plan.pack, configured)
    refuse_run_of_others(plan.run, RECIPE_NAME)
    refuse_run_in_pack(plan.run, plan.pack)
    if plan.begin_with is not None and plan.begin_with.resolve() == plan.run.resolve():
        raise BadInput("what it begins with lies here, and stays: name another folder with --run", path=plan.run)
    before = load_manifest(source / MANIFEST_NAME)
    _refuse_others(plan.weights, before)
    trays = counted_trays(open_counted(plan.trays), apart=plan.apart)
    boxed: tuple[BoxedPhotograph, ...] = ()
    if plan.boxes is not None:
        boxed = read_boxed(plan.boxes, "train", boxed_classes(before))
        refuse_boxes_apart(plan.boxes, boxed, plan.apart)
    _warn_of_forgotten(before, trays)
    photographs = [*(path for tray in trays for path in tray.photographs), *(each.path for each in boxed)]
    if not photographs:
        raise BadInput("no photograph is left to learn from, outside the blocks kept apart", path=plan.trays)
    check_writable((plan.run, plan.pack))
    size_px = before.input.width, before.input.height
    recipe = DistilRecipe(steps=plan.steps, seed=plan.seed, width_px=size_px[0], height_px=size_px[1])
    shown = _shown(plan, trays, boxed)
    begin_with = None
    if plan.begin_with is not None:
        begin_with = plan.begin_with / WEIGHTS_NAME, run_before(plan.begin_with, plan.weights, shown)
        recipe = replace(recipe, learning_rate=recipe.learning_rate * SLOWER)

    def open_views() -> Views:
        return Views(photographs, size_px, recipe.batch, seed=recipe.seed, read_photograph=read_photograph)

    with to_be_gone_on_with(plan.run):
        learning = on_work("learning: steps")
        made, curve = distil(
            plan.weights, open_views, plan.run, recipe, shown=shown, begin_with=begin_with, on_step=learning
        )
        account = {
            **shown,
            "from": named(before),
            "activation": "ReLU instead of SiLU",
            "recipe": asdict(recipe),
            **({} if begin_with is None else {BEGUN_WITH: begin_with[1]}),
            "curve": curve,
            "trained_with": f"ultralytics {metadata.version('ultralytics')}, torch {metadata.version('torch')}",
            WEIGHTS_SHA256: sha256_of(made),
        }
        manifest = write_made_of(
            made, plan.pack, before, version=plan.version, provenance=_provenance(plan, before, account)
        )
        write_model_card(plan.pack, manifest)
        rewrite_run_card(plan.run, manifest)
        return manifest, curve[-1]


def _refuse_others(weights: Path, before: PackManifest) -> None:
    if "merged_from" in before.provenance:
        said = f"{before.name} {before.version} was merged from a pack of finer classes"
        raise BadInput(f"{said}: make the copy of that one, and merge it then (edge-agent merge)")
    if DISTILLED in before.provenance:
        raise BadInput(f"{before.name} {before.version} is a faster copy already")
    if names_in(weights) != before.classes:
        raise BadInput(f"these weights know other classes than {before.name} {before.version}", path=weights)
    if before.provenance.get(WEIGHTS_SHA256) != sha256_of(weights):
        said = f"{before.name} {before.version} was not made of these weights, as its model.yaml says"
        raise BadInput(f"{said} (provenance, {WEIGHTS_SHA256})", path=weights)


def _warn_of_forgotten(before: PackManifest, trays: Sequence[CountedTray]) -> None:
    """Tell of blocks that the source kept apart and that are shown now: no score on them would prove anything."""
    kept = dict.fromkeys((*blocks_held_out(before), *blocks_kept_apart(before), *blocks_calibrated_on(before)))
    if forgotten := [str(block) for block in kept if any(tray.tray_id in block for tray in trays)]:
        logger.warning(
            "%s %s kept trays of %s apart, and the copy is shown them: where these are the same trays, they can "
            "neither score it nor set its thresholds (--held-out, --calibrate-on)",
            before.name,
            before.version,
            ", ".join(forgotten),
        )


def _shown(plan: DistillingPlan, trays: Sequence[CountedTray], boxed: Sequence[BoxedPhotograph]) -> dict[str, Any]:
    """What both networks are shown, by its bytes."""
    photographs = sum(len(tray.photographs) for tray in trays)
    folders = (plan.trays, *(() if plan.boxes is None else (plan.boxes,)))
    return {
        "trays": len(trays),
        "photographs": photographs,
        PHOTOGRAPHS_SHA256: hash_of_photographs(trays),
        "boxed_photographs": len(boxed),
        **({"data_sha256": hash_of({"train": boxed})} if boxed else {}),
        "photographs_shown": min(photographs + len(boxed), MOST),
        "apart": [str(block) for block in plan.apart],
        **made_up(folders),
    }


def _provenance(plan: DistillingPlan, before: PackManifest, account: dict[str, Any]) -> dict[str, Any]:
    """That of the source: what taught it has taught the copy too."""
    held_out = _in_both(blocks_held_out(before), plan.held_out)
    return {
        **without_thresholds(before),
        "held_out": [str(block) for block in held_out],
        DISTILLED: account,
    }


def _in_both(some: Sequence[TrayBlock], others: Sequence[TrayBlock]) -> tuple[TrayBlock, ...]:
    """The blocks of either side that lie in one of the other."""
    both = (block for mine, theirs in ((some, others), (others, some)) for block in mine if _lies_in_any(block, theirs))
    return tuple(dict.fromkeys(both))


def _lies_in_any(block: TrayBlock, others: Sequence[TrayBlock]) -> bool:
    return any(block.lies_in(other) for other in others)
