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


def write_model_card(folder: Path, manifest: PackManifest, *, command: str, about: str) -> Path:
    """Write the pack's README: what it is, how it was made, what it scores where, what it cannot do."""
    metrics = manifest.metrics
    by_class = {key.removeprefix("val_map50_"): value for key, value in metrics.items() if key.startswith("val_map50_")}
    rows = []
    for name in manifest.classes:
        limits = manifest.thresholds.of(name)
        rows.append(f"| {name} | {by_class.get(name, 'not measured')} | {limits.present:.3f} | {limits.possible:.3f} |")
    text = "\n".join(
        [
            f"# {manifest.name} {manifest.version}",
            "",
            about,
            "",
            f"Made by `{command}`; the recipe and the hashes of the data stand in `model.yaml` under `provenance`.",
            "",
            "## On the photographs that chose it (`val`)",
            "",
            f"mAP50 {metrics.get('val_map50')}, mAP50-95 {metrics.get('val_map50_95_all')}.",
            "These photographs chose the best epoch and the thresholds, so the numbers flatter it a little.",
            "",
            "| class | mAP50 | `present` | `possible` |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Thresholds for a share of at most {metrics.get('calibrated_for_false_alarms')} false alarms;",
            f"on `val` itself the share is {metrics.get('val_false_alarms')}, and {metrics.get('val_decided')} of",
            "the trays are decided in every class.",
            "",
        ]
    )
    path = folder / CARD_NAME
    path.write_text(text, encoding="utf-8")
    return path
