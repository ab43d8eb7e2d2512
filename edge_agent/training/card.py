"""The run card (everything about one training run, as JSON) and the model card (what a user must know, as Markdown)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_agent.formats.pack import PackManifest

CARD_NAME = "README.md"


def write_run_card(run: Path, card: Mapping[str, Any]) -> Path:
    """Write `card.json` into the run's folder."""
    path = run / "card.json"
    text = json.dumps(_sayable(card), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _sayable(value: Any) -> Any:
    """JSON has no word for the loss of a run that blew up (NaN, infinity): it becomes null."""
    if isinstance(value, Mapping):
        return {key: _sayable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_model_card(folder: Path, manifest: PackManifest) -> Path:
    """Write the pack's README: what it is, how it was made, what it scores on the photographs that chose it."""
    metrics, provenance = manifest.metrics, manifest.provenance
    photographs = provenance.get("photographs")
    seen = photographs if isinstance(photographs, dict) else {}
    lines = [
        f"# {manifest.name} {manifest.version}",
        "",
        f"A detector of {len(manifest.classes)} classes, trained from random weights on {seen.get('train', '?')} boxed",
        f"photographs and chosen on {seen.get('val', '?')} others. Written by `{provenance.get('command', '?')}`; the",
        "recipe and the hashes of the data stand in `model.yaml` under `provenance`.",
        *_rounds(manifest),
        "",
        "## On the photographs that chose it (`val`)",
        "",
        f"mAP50 {metrics.get('val_map50')}, mAP50-95 {metrics.get('val_map50_95')}. These photographs chose the best",
        "epoch and the thresholds, so the numbers flatter it a little.",
        "",
        "| class | mAP50 | `present` | `possible` | absence tells |",
        "|---|---|---|---|---|",
        *(_row(manifest, name) for name in manifest.classes),
        "",
        f"On `val`, tray by tray, a share of {metrics.get('val_false_alarms')} would be false alarms, of which",
        f"{metrics.get('val_false_alarms_unavoidable')} under any thresholds (the detector is sure and wrong);",
        f"{metrics.get('val_decided')} are decided in every class. Of wrong orders made from the labels,",
        f"{metrics.get('val_caught')} would be caught. A class whose absence tells nothing is never called missing.",
        "",
    ]
    path = folder / CARD_NAME
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _rounds(manifest: PackManifest) -> list[str]:
    """What it learned from orders, round by round."""
    rounds = manifest.provenance.get("rounds")
    lines: list[str] = []
    for number, r in enumerate(rounds if isinstance(rounds, list) else [], start=1):
        if isinstance(r, dict):
            held_out = r.get("held_out")
            blocks = ", ".join(str(block) for block in held_out) if isinstance(held_out, list) else ""
            lines += [
                "",
                f"Round {number} of learning from orders: {r.get('photographs_believed')} of {r.get('photographs')}",
                f"photographs of {r.get('trays')} trays were labelled by their counts; val mAP50 {r.get('val_map50')},",
                f"{'taken' if r.get('taken') else 'not taken'}. Kept apart: {blocks or 'none'}.",
            ]
    return lines


def _row(manifest: PackManifest, name: str) -> str:
    limits = manifest.thresholds.of(name)
    measured = manifest.metrics.get(f"val_map50_{name}", "not measured")
    tells = "yes" if limits.absence_tells else "no"
    return f"| {name} | {measured} | {limits.present:.3f} | {limits.possible:.3f} | {tells} |"
