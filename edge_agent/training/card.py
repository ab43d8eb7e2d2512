"""The run card (everything about one training run, as JSON) and the model card (what a user must know, as Markdown)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.checking.item_scores import ItemScores
from edge_agent.checking.scoring import Scores
from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest, PrecisionGate
from edge_agent.formats.shares import NOT_MEASURED, in_digits, with_interval
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.whole_file import write_whole
from edge_agent.training.box_scores import BOXED
from edge_agent.training.card_limits import SCORED_NUMBER, limits_of
from edge_agent.training.card_origin import measured_on, origin_of
from edge_agent.training.provenance import (
    CALIBRATED_ON,
    COPY,
    DISTILLED,
    THRESHOLDS_OF,
    WEIGHTS_SHA256,
)
from edge_agent.training.took_part import (
    doubts_of_scores,
    is_calibrated_unseen,
)

CARD_NAME = "README.md"
CARD_JSON_NAME = "card.json"

MISTAKEN = "scored_item_"
"""Begins the names of the scores that stand beside the diagonal of the confusion matrix: `scored_item_kiwi->apple`."""

SCORED = "scored_"
"""Begins the names of what a pack scored on trays."""
SCORED_ON, TOOK_PART = f"{SCORED}on", f"{SCORED}took_part"
"""On which trays that was, and how many of them are known to have taken part in its making, where any is."""

AP_OF_WEIGHTS = "val_map50_"
"""Begins the names of average precisions that were measured while the weights learned (`training.fit.measure`)."""


def write_run_card(run: Path, card: Mapping[str, Any]) -> Path:
    """Write `card.json` into the run's folder."""
    path = run / CARD_JSON_NAME
    text = json.dumps(_sayable(card), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, text + "\n")
    return path


def run_card_of(run: Path, manifest: PackManifest) -> dict[str, Any]:
    """The card of the run that made the weights of a pack; a pack that was merged has those of its finer one.

    Of a faster copy that is the run that made the copy.

    Raises:
        BadInput: there is no card, it does not read, or it tells of other weights, or the pack of none.
    """
    path = run / CARD_JSON_NAME
    named = f"{manifest.name} {manifest.version}"
    if manifest.provenance.get(WEIGHTS_SHA256) is None:
        raise BadInput(f"model.yaml of {named} does not say of which weights it was made, so no run is known to be its")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = "there is no run card that reads; is this the --run of a training that has ended?"
        raise BadInput(said, path=path) from error
    if not isinstance(card, dict) or _weights_named_in(card) != _weights_named_in(manifest.provenance):
        raise BadInput(f"this run did not make the weights of {named}", path=path)
    return card


def _weights_named_in(told: Mapping[str, Any]) -> tuple[object, object]:
    """The weights that learning goes on from, and those of the faster copy; None where there is none."""
    distilled = told.get(DISTILLED)
    return told.get(WEIGHTS_SHA256), distilled.get(WEIGHTS_SHA256) if isinstance(distilled, Mapping) else None


def note_scores(run: Path, manifest: PackManifest) -> None:
    """Write a pack's scores into the card of its run, beside those of other packs that were made of its weights.

    The thresholds stand beside them: found anew, they make another detector, and the scores here stay.

    Raises:
        BadInput: as `run_card_of`, or it cannot be written.
    """
    card = run_card_of(run, manifest)
    kinds = (SCORED, BOXED)
    scores: dict[str, Any] = {name: told for name, told in manifest.metrics.items() if name.startswith(kinds)}
    scores["thresholds"] = manifest.thresholds.model_dump(mode="json")
    scored = {**_scores_in(card), f"{manifest.name} {manifest.version}": scores}
    try:
        write_run_card(run, {**card, "scores": scored})
    except OSError as refusal:
        said = f"the scores cannot be written here: {refusal.strerror}; the pack has them"
        raise BadInput(said, path=run / CARD_JSON_NAME) from refusal


def rewrite_run_card(run: Path, manifest: PackManifest) -> None:
    """Write the card of a run that has made a pack; the scores of packs that were made of the same weights stay."""
    try:
        scored = _scores_in(run_card_of(run, manifest))
    except BadInput:  # the first card of this run, or one of other weights
        scored = {}
    write_run_card(run, {**manifest.provenance, **manifest.metrics, **({"scores": scored} if scored else {})})


def _scores_in(card: Mapping[str, Any]) -> Mapping[str, Any]:
    scored = card.get("scores")
    return scored if isinstance(scored, Mapping) else {}


def _sayable(value: Any) -> Any:
    """JSON has no word for the loss of a run that blew up (NaN, infinity): it becomes null."""
    if isinstance(value, Mapping):
        return {key: _sayable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def scored_metrics(scores: Scores, items: ItemScores, only: Sequence[TrayBlock]) -> dict[str, float | int | str]:
    """What a manifest keeps of scores: shares with their intervals, as text, and which items were taken for which."""
    said = scores.as_json()
    shares = {f"scored_{name}": with_interval(share) for name, share in scores.rates.items()}
    recalls = {f"scored_recall_{each.class_name}": with_interval(each.recall) for each in items.classes}
    precisions = {f"scored_precision_{each.class_name}": with_interval(each.precision) for each in items.classes}
    numbers = {f"{SCORED_NUMBER}{each.class_name}": each.items for each in items.classes}
    mistaken = {f"{MISTAKEN}{true}->{seen}": round(number, 2) for true, seen, number in items.mistaken}
    return {
        SCORED_ON: ", ".join(str(block) for block in only) or "all trays of the folder",
        "scored_wrong_orders": said["wrong_orders"]["n"],
        "scored_right_orders": said["right_orders"]["n"],
        **shares,
        "scored_macro_recall": in_digits(items.macro_recall),
        "scored_macro_recall_surely": in_digits(items.macro_recall_surely),
        **numbers,
        **recalls,
        **precisions,
        **mistaken,
    }


def write_model_card(folder: Path, manifest: PackManifest) -> Path:
    """Write the pack's README: what it is, how it was made, what it scores, where it ends.

    Raises:
        BadInput: it cannot be written.
    """
    lines = [
        f"# {manifest.name} {manifest.version}",
        "",
        *origin_of(manifest),
        *_calibration(manifest),
        *_scores(manifest),
        *_gates(manifest),
        "",
        "## Classes",
        "",
        "Recall is the share of the items on the scored trays that were found, precision the share of what was found",
        "that is there, both by the likeliest counts and with their 95 % intervals. AP50 is the average precision of",
        "its boxes at an overlap of 0.5, on boxed photographs. `absence tells: no` marks a class that is overlooked so",
        "often that it is never called missing.",
        *_on_boxes(manifest),
        "",
        "| class | items | recall | precision | AP50 | `present` | `possible` | absence tells |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(manifest, name) for name in manifest.classes),
        "",
        "## Limits",
        "",
        *limits_of(manifest),
        "",
    ]
    path = folder / CARD_NAME
    try:
        write_whole(path, "\n".join(lines))
    except OSError as refusal:
        raise BadInput(f"the card cannot be written: {refusal.strerror}", path=path) from refusal
    return path


def _calibration(manifest: PackManifest) -> list[str]:
    said, taken = manifest.metrics, manifest.provenance.get(THRESHOLDS_OF)
    unseen = is_calibrated_unseen(manifest)
    known = "that the weights never saw" if unseen else "(whether the weights saw them is not known)"
    if isinstance(taken, dict):
        found_on = manifest.provenance.get(CALIBRATED_ON)
        named = ", ".join(map(str, found_on)) if isinstance(found_on, list) and found_on else "trays it does not name"
        return [
            "",
            f"Its thresholds are those of {taken.get('name')} {taken.get('version')}, whose scores it has learned to",
            "give (`edge-agent calibrate --as`). They were found there, on",
            f"{said.get('calibration_trays', '?')} labelled trays {known}: {named}.",
        ]
    if "calibration_trays" not in said:
        return ["", "Its thresholds are still to be found (`edge-agent calibrate`)."]
    budget = f"{float(said['calibration_budget']) * 100:g}"
    return [
        "",
        f"Thresholds were found on {said['calibration_trays']} labelled trays {known}, for a budget",
        f"of {budget} false alarm(s) per 100 right orders. There, alarms are {said['calibration_false_alarms']} of",
        f"the right orders ({said['calibration_false_alarms_unavoidable']} under any thresholds), matches",
        f"{said['calibration_decided']}; of wrong orders made from the labels {said['calibration_caught']} are caught.",
    ]


def _scores(manifest: PackManifest) -> list[str]:
    said = manifest.metrics
    if SCORED_ON not in said:
        return ["", "Not scored yet on trays that took no part (`edge-agent models score`)."]
    shares = ("caught", "escaped", "false_alarm", "right_match")
    surely = said.get("scored_macro_recall_surely", "not measured")
    doubts = _doubts(manifest)
    return [
        "",
        "## On photographed trays" if doubts else "## On trays that took no part",
        "",
        *doubts,
        f"{said[SCORED_ON]}: {said['scored_wrong_orders']} wrong orders, {said['scored_right_orders']} right ones,",
        f"in {said.get('scored_form', 'a form that is not said')}.",
        "",
        "| share | value and 95 % interval |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {said.get(f'scored_{name}', 'not measured')} |" for name in shares),
        f"| macro recall (classes on 30 trays or more), by the likeliest counts | {said['scored_macro_recall']} |",
        f"| the same by what is seen beyond doubt | {surely} |",
        *_mistaken(said),
    ]


def _doubts(manifest: PackManifest) -> list[str]:
    """What is to be said before the scores, where nobody can prove that their trays took no part."""
    doubts = doubts_of_scores(manifest)
    if took_part := manifest.metrics.get(TOOK_PART):
        return [
            f"**{took_part} of these trays taught it, or set its thresholds**: the scores say what it remembers; do",
            "not expect as much of new trays.",
            "",
        ]
    if doubts:
        return [
            "**Whether these trays took part in its making is not known.** What `model.yaml` says of that under",
            f"`provenance`: {'; '.join(doubts)}.",
            "",
        ]
    return []


def _on_boxes(manifest: PackManifest) -> list[str]:
    """Where AP50 was measured, and what it is of all classes together."""
    said = manifest.metrics
    measured = {name for name in manifest.classes if f"{BOXED}ap50_{name}" in said}
    of_weights = {name for name in manifest.classes if f"{AP_OF_WEIGHTS}{name}" in said} - measured
    lines = []
    if measured:
        lines += [
            "",
            f"AP50 is of the {said[f'{BOXED}on']}, with intervals from drawing those trays",
            "anew; a class that is right on all of its trays has none. All such classes:",
            f"mAP50 {said[f'{BOXED}map50']}, mAP50-95 {said[f'{BOXED}map50_95']}. What lies there and was not",
            "boxed counts against it.",
        ]
    if of_weights:
        which = "Where it has no number of boxes it" if measured else "It"
        lines.append(f"{which} is that of the weights while they learned, {measured_on(manifest.provenance)}.")
    return lines


def _mistaken(said: Mapping[str, float | int | str]) -> list[str]:
    """The confusion matrix beside its diagonal, most items first."""
    cells = [(name.removeprefix(MISTAKEN), float(items)) for name, items in said.items() if name.startswith(MISTAKEN)]
    if not cells:
        return []
    rows = (f"| {name.replace('->', ' | ')} | {items:g} |" for name, items in sorted(cells, key=lambda each: -each[1]))
    return [
        "",
        "Items that were mistaken (`nothing`: overlooked, or seen where nothing lay):",
        "",
        "| lay there | seen as | items |",
        "|---|---|---|",
        *rows,
    ]


def _gates(manifest: PackManifest) -> list[str]:
    """What the faster forms did beside fp32, those that were left out among them."""
    gates = manifest.gates
    if not gates:
        return []
    first = next(iter(gates.values()))
    wrong, right = (first.fp32.get(kind, "?") for kind in ("wrong", "right"))
    counts = ("caught", "escaped", "right_match", "false_alarm")

    def row(name: str, scores: Mapping[str, int], result: str) -> str:
        return f"| {name} | " + " | ".join(str(scores.get(count, "?")) for count in counts) + f" | {result} |"

    return [
        "",
        "## Faster forms",
        "",
        f"Held against fp32 on {wrong} wrong orders and {right} right ones; a count may be worse by {first.tolerance}.",
        *_copies(manifest),
        "",
        "| form | caught | escaped | called match | false alarms | |",
        "|---|---|---|---|---|---|",
        row("fp32", first.fp32, ""),
        *(
            row(
                name,
                gate.scores,
                _verdict(gate, "not passed, left out" if name in manifest.refused else "not passed, not offered"),
            )
            for name, gate in gates.items()
        ),
        *(
            row(f"{name} on {provider}", gate.scores, _verdict(gate, "not passed, not offered there"))
            for name, file in manifest.files.items()
            for provider, gate in file.gates_on.items()
        ),
    ]


def _copies(manifest: PackManifest) -> list[str]:
    """Which forms are of a faster copy's network, and of which one."""
    made_of: dict[str, list[str]] = {}
    quantised = {name: form.quantised for name, form in manifest.refused.items()}
    quantised |= {name: form.quantised for name, form in manifest.files.items()}
    for name, told in quantised.items():
        copy = None if told is None else told.get(COPY)
        if isinstance(copy, dict):
            made_of.setdefault(f"{copy.get('name')} {copy.get('version')}", []).append(name)
    return [
        f"{' and '.join(names)}: of the network of {copy}, a faster copy of this pack (`edge-agent distil`) that has"
        " learned to see what its fp32 file sees."
        for copy, names in made_of.items()
    ]


def _verdict(gate: PrecisionGate, not_passed: str) -> str:
    if gate.passed:
        return "passed (held on x86 without VNNI)" if gate.bytes_saturated else "passed"
    return not_passed


def _row(manifest: PackManifest, name: str) -> str:
    limits = manifest.thresholds.of(name)
    said = manifest.metrics
    on_boxes = said.get(f"{BOXED}ap50_{name}", said.get(f"{AP_OF_WEIGHTS}{name}", NOT_MEASURED))
    kinds = (SCORED_NUMBER, "scored_recall_", "scored_precision_")
    scores = " | ".join(str(each) for each in (*(said.get(f"{kind}{name}", NOT_MEASURED) for kind in kinds), on_boxes))
    tells = "yes" if limits.absence_tells else "no"
    return f"| {name} | {scores} | {limits.present:.3f} | {limits.possible:.3f} | {tells} |"
