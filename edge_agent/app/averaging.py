"""Put together what averages a pack's weights with those that its training began with."""

from __future__ import annotations

from pathlib import Path

from edge_agent.adapters.model_shelf import led_to
from edge_agent.app.inputs import check_writable, refuse_run_in_pack, refuse_run_of_others, refuse_to_write_over
from edge_agent.app.making import CHECKPOINT_NAME
from edge_agent.app.plans import AveragingPlan
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of
from edge_agent.training.averaging import average_weights
from edge_agent.training.card import rewrite_run_card, write_model_card
from edge_agent.training.export import write_made_of
from edge_agent.training.provenance import (
    AVERAGED,
    CHOSEN_ON,
    DISTILLED,
    WEIGHTS_SHA256,
    start_sha256,
    without_thresholds,
)
from edge_agent.training.sightings import names_in


def average_pack(plan: AveragingPlan, *, configured: Path | None = None) -> PackManifest:
    """Make a pack of the average of weights and those that their training began with, its thresholds still to be found.

    What took part in either took part in it: that is what the pack of the training says, since it says what it began
    with. The weights are left in the run's folder (`weights.pt`), beside its card.

    Raises:
        BadInput: the weights are not those of the pack, or not those that its training began with; the pack is merged,
            a faster copy or an average already; the pack to write is in service, other weights lie in the run's
            folder, or a folder cannot be written to.
        BadModelPack: the pack does not fit.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    source, target = led_to(plan.source), plan.run / CHECKPOINT_NAME
    if source.resolve() == plan.pack.resolve():
        raise BadInput("the averaged pack needs a folder of its own: name another one with --pack")
    refuse_to_write_over(plan.pack, configured)
    refuse_run_of_others(plan.run, None)
    refuse_run_in_pack(plan.run, plan.pack)
    before = load_manifest(source / MANIFEST_NAME)
    _refuse_others(plan, before)
    check_writable((plan.run, plan.pack))
    plan.run.mkdir(parents=True, exist_ok=True)
    average_weights(plan.weights, plan.began_with, target, share=plan.share)
    told = {"share": plan.share, WEIGHTS_SHA256: sha256_of(plan.weights), "with_sha256": sha256_of(plan.began_with)}
    provenance = {**without_thresholds(before), WEIGHTS_SHA256: sha256_of(target), AVERAGED: told}
    if plan.chosen_on:
        before_it = provenance.get(CHOSEN_ON)
        chosen_on = [*(before_it if isinstance(before_it, list) else ()), *map(str, plan.chosen_on)]
        provenance[CHOSEN_ON] = list(dict.fromkeys(chosen_on))
    manifest = write_made_of(target, plan.pack, before, version=plan.version, provenance=provenance)
    write_model_card(plan.pack, manifest)
    rewrite_run_card(plan.run, manifest)
    return manifest


def _refuse_others(plan: AveragingPlan, before: PackManifest) -> None:
    name = f"{before.name} {before.version}"
    began = _began_with(before, plan.source)
    for weights in (plan.weights, plan.began_with):
        if not weights.is_file():
            raise BadInput("there is no such checkpoint", path=weights)
    if before.provenance.get(WEIGHTS_SHA256) != sha256_of(plan.weights):
        said = f"{name} was not made of these weights, as its model.yaml says (provenance, {WEIGHTS_SHA256})"
        raise BadInput(said, path=plan.weights)
    if began != sha256_of(plan.began_with):
        said = f"the training of {name} did not begin with these weights, as its model.yaml says (provenance)"
        raise BadInput(f"{said}, so what they were taught is not known", path=plan.began_with)
    for weights in (plan.weights, plan.began_with):
        if names_in(weights) != before.classes:
            raise BadInput(f"these know other classes than {name}, or the same in another order", path=weights)


def _began_with(before: PackManifest, source: Path) -> object:
    """The hash of the weights that the training of a pack began with."""
    name, provenance = f"{before.name} {before.version}", before.provenance
    if "merged_from" in provenance:
        said = f"{name} was merged from a pack of finer classes: average that one, and merge it then (edge-agent merge)"
        raise BadInput(said, path=source)
    for key, is_one in ((DISTILLED, "a faster copy"), (AVERAGED, "an average already")):
        if key in provenance:
            raise BadInput(f"{name} is {is_one}, and no training ended with its weights", path=source)
    if (began := start_sha256(provenance)) is None:
        recipe = provenance.get("recipe")
        is_random = isinstance(recipe, dict) and not str(recipe.get("architecture", "")).endswith(".pt")
        said = "was trained from random weights" if is_random else "does not say by a hash what its training began with"
        raise BadInput(f"{name} {said}: there is nothing to average with", path=source)
    return began
