"""What a model card says of how its model was made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_agent.formats.pack import PackManifest
from edge_agent.training.card_limits import knows_no_photograph
from edge_agent.training.provenance import AVERAGED, BEGUN_WITH, CHOSEN_ON, DISTILLED, SYNTHETIC, all_made_up


def origin_of(manifest: PackManifest) -> list[str]:
    """The lines of the card: what it began with, what it learned from orders, what its weights were averaged with."""
    return [*_beginnings(manifest), *_rounds(manifest), *_averaged(manifest), *_distilled(manifest)]


def _beginnings(manifest: PackManifest) -> list[str]:
    provenance = manifest.provenance
    merged, groups = provenance.get("merged_from"), provenance.get("groups")
    command = provenance.get("command", "?")
    lines = [
        f"A detector of {len(manifest.classes)} classes, trained from {_beginning(provenance)}",
        _taught_by(provenance),
        f"Written by `{command}`; the recipe and the",
        "hashes of the data stand in `model.yaml` under `provenance`.",
    ]
    if (told := provenance.get(SYNTHETIC)) is not None:
        generators = ", ".join(f"`{each}`" for each in (told if isinstance(told, list) else [told]))
        lines += ["", f"**Synthetic:** {_whose_pictures(manifest)} are made-up pictures, by {generators}."]
    if isinstance(merged, dict) and isinstance(groups, dict):
        fine = sum(len(group) for group in groups.values() if isinstance(group, list))
        source = f"{merged.get('name')} {merged.get('version')}"
        lines += ["", f"Its classes are groups of {fine} finer ones: it is {source}, merged by `edge-agent merge`."]
    return lines


def _whose_pictures(manifest: PackManifest) -> str:
    if knows_no_photograph(manifest):
        return "all its photographs"
    return (
        "what taught the pack that it is a copy of" if all_made_up(manifest.provenance) else "some of its photographs"
    )


def _taught_by(provenance: Mapping[str, object]) -> str:
    photographs = provenance.get("photographs")
    seen = photographs if isinstance(photographs, dict) else {}
    if seen.get("train") == 0:
        return "by the counts of trays alone, without a boxed photograph."
    return f"on {seen.get('train', '?')} boxed photographs, {seen.get('val', '?')} others measured it."


def measured_on(provenance: Mapping[str, object]) -> str:
    """Whose boxes mAP was measured against while weights learned: only drawn ones are a judge."""
    photographs, rounds = provenance.get("photographs"), provenance.get("rounds")
    if not isinstance(photographs, dict) or not rounds:
        return "on `val`"
    if not photographs.get("val"):
        return (
            "on trays whose boxes it was taught by counts too: it says how well it learned them, not how right they are"
        )
    return "on `val`, whose boxes were renamed to the items that they look like"


def _beginning(provenance: Mapping[str, object]) -> str:
    """What the weights were before: an architecture is a definition (YAML), anything else a checkpoint."""
    recipe, teacher = provenance.get("recipe"), provenance.get("teacher")
    if recipe is None and teacher:
        return f"the weights of `{Path(str(teacher)).stem}`"
    began = str(recipe.get("architecture", "")) if isinstance(recipe, Mapping) else ""
    return "random weights" if not began or began.endswith(".yaml") else f"the weights of `{Path(began).stem}`"


def _rounds(manifest: PackManifest) -> list[str]:
    """What it learned from orders, round by round."""
    rounds = manifest.provenance.get("rounds")
    lines: list[str] = []
    for number, r in enumerate(rounds if isinstance(rounds, list) else [], start=1):
        if isinstance(r, dict):
            apart = r.get("apart")
            blocks = ", ".join(str(block) for block in apart) if isinstance(apart, list) else ""
            lines += [
                "",
                f"Round {number} of learning from orders: {r.get('photographs_believed')} of {r.get('photographs')}",
                f"photographs of {r.get('trays')} trays were labelled by their counts, together with",
                f"{r.get('boxed_photographs', 'the')} boxed ones; val mAP50 {r.get('val_map50')}, mAP50-95",
                f"{r.get('val_map50_95')}. Kept apart: {blocks or 'none'}.",
            ]
            if r.get("boxed_photographs") == 0:
                lines.append("No box of these was drawn by anybody: that mAP says how well labels were learned.")
            if isinstance(judged := r.get("judged"), dict):
                lines += [
                    f"Cross-validated on {judged.get('trays')} trays that teach nothing: {judged.get('match')} called",
                    f"match, {judged.get('false_alarms')} false alarms, surprise {judged.get('surprise')} per tray.",
                ]
            if r.get("taken") is False:
                before = "after the round before" if number > 1 else "the weights that it began with"
                lines.append(f"That is no better than {before}, so it was not taken.")
            if pasted := r.get("photographs_pasted_on"):
                lines += [
                    f"Those with rare items were shown several times, {r.get('photographs_shown')} in all; on {pasted}",
                    "of these, items cut out of other photographs lie too (synthetic in that).",
                ]
    return lines


def _averaged(manifest: PackManifest) -> list[str]:
    """How much of its weights is what that training ended with, and what chose them."""
    told, chosen_on = manifest.provenance.get(AVERAGED), manifest.provenance.get(CHOSEN_ON)
    lines = []
    if isinstance(told, dict):
        lines += [
            "",
            f"Its weights are an average, by `edge-agent average`: {told.get('share')} times those that this",
            "ended with, the rest those that it began with. What was measured meanwhile is of the former.",
        ]
    if isinstance(chosen_on, list):
        lines += ["", f"These weights were chosen among others by trays of {', '.join(map(str, chosen_on))}."]
    return lines


def _distilled(manifest: PackManifest) -> list[str]:
    """Of which pack it is a faster copy, and what that one showed it."""
    told = manifest.provenance.get(DISTILLED)
    if not isinstance(told, dict):
        return []
    source, apart, made_up = told.get("from"), told.get("apart"), told.get(SYNTHETIC)
    named = f"{source.get('name')} {source.get('version')}" if isinstance(source, dict) else "?"
    blocks = ", ".join(map(str, apart)) if isinstance(apart, list) else ""
    return [
        "",
        f"Its network is a faster copy of {named}, made by `edge-agent distil`: {told.get('activation')}. It",
        f"learned to give what that gives, on {told.get('photographs')} photographs of {told.get('trays')} trays and",
        f"{told.get('boxed_photographs')} boxed ones, without a label, in {_steps(told)}. Kept apart:",
        f"{blocks or 'none'}.",
        *([f"Of these, made-up pictures: {'; '.join(map(str, made_up))}."] if isinstance(made_up, list) else []),
    ]


def _steps(told: Mapping[str, Any]) -> str:
    """The steps of its own run, and of those before it that it began with."""
    steps: list[str] = []
    run: object = told
    while isinstance(run, Mapping):
        recipe = run.get("recipe")
        steps.insert(0, str(recipe.get("steps", "?")) if isinstance(recipe, Mapping) else "?")
        run = run.get(BEGUN_WITH)
    return f"{' and then '.join(steps)} steps"
