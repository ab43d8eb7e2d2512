"""Whether a round of learning from orders helped: by trays that teach nothing, those kept for thresholds.

Thresholds are cross-validated on these trays, and of what comes out the surprise decides, alone: with a few dozen
trays, matches and false alarms are counts too small to tell two rounds apart. It is that of the classes which are
learned, also where a pack is merged from them later.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.formats.pack import sha256_of
from edge_agent.formats.recordings import TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.whole_file import write_whole
from edge_agent.ports.steps import OnStep
from edge_agent.training.cross_validation import CrossValidated
from edge_agent.training.export import export_onnx, write_pack
from edge_agent.training.fingerprints import hash_of_trays
from edge_agent.training.labelling import CountedTray
from edge_agent.training.thresholds import FEW_TRAYS, OpenDetector, ReadPhotograph, counted_blocks, cross_validated

FOLDS = 7
"""Into so many parts the trays are divided."""

JUDGED_NAME = "cross-validated.json"
"""Lies in the folder of a round that was judged, and says by what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges weights by some trays.

    Attributes:
        by: what it judges by, as it is noted: blocks, a hash of their trays, how many parts, the budget.
        cross_validated: the judgement on weights that know these classes.
    """

    by: Mapping[str, Any]
    cross_validated: Callable[[Path, tuple[str, ...], OnStep], CrossValidated]

    def on(self, weights: Path, classes: tuple[str, ...], run: Path, on_part: OnStep) -> dict[str, Any]:
        """The judgement, which is kept in the run's folder, and given again while weights and trays are the same.

        Raises:
            BadRecording: a photograph does not read, or something lies there that the weights do not know.
        """
        path, by = run / JUDGED_NAME, {**self.by, "weights_sha256": sha256_of(weights)}
        if path.exists():
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if {name: kept.get(name) for name in by} == by:
                return kept
        found = self.cross_validated(weights, classes, on_part)
        told = {
            **by,
            "trays": found.trays,
            "match": round(found.decided, 1),
            "false_alarms": round(found.false_alarms, 1),
            "surprise": round(found.surprise, 4),
        }
        write_whole(path, json.dumps(told, indent=2) + "\n")
        return told


def judge_by(
    folder: TrayFolder,
    blocks: Sequence[TrayBlock],
    *,
    size_px: tuple[int, int],
    false_alarms: float,
    open_detector: OpenDetector,
    read_photograph: ReadPhotograph,
) -> Judge | None:
    """What judges by the sure trays of some blocks; None where they are too few to tell two rounds apart.

    Args:
        folder: the trays.
        blocks: those that teach nothing.
        size_px: width and height of the network's input.
        false_alarms: the budget of the thresholds.
        open_detector: opens a pack on the processor.
        read_photograph: reads a photograph (height, width, 3; uint8; blue-green-red).

    Raises:
        BadRecording: a block holds no tray.
    """
    kept = folder.only(blocks).part(lambda tray: tray.sure).trays.values() if blocks else ()
    if len(kept) < FEW_TRAYS:
        return None
    width_px, height_px = size_px

    def cross_validated_by(weights: Path, classes: tuple[str, ...], on_part: OnStep) -> CrossValidated:
        trays = counted_blocks(folder, blocks, classes)
        with tempfile.TemporaryDirectory() as desk:
            pack = Path(desk)
            export_onnx(weights, pack, width_px=width_px, height_px=height_px)
            write_pack(pack, name="student", version="0", classes=classes, size_px=size_px, metrics={}, provenance={})
            return cross_validated(
                pack,
                trays,
                false_alarms=false_alarms,
                folds=FOLDS,
                open_detector=open_detector,
                read_photograph=read_photograph,
                on_part=on_part,
            )

    counted = (
        CountedTray(tray.tray_id, tuple(folder.root / image for image in tray.images), tray.contents) for tray in kept
    )
    by = {
        "on": [str(block) for block in blocks],
        "trays_sha256": hash_of_trays(counted),
        "parts": FOLDS,
        "budget": false_alarms,
    }
    return Judge(by=by, cross_validated=cross_validated_by)
