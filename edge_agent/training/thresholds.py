"""Find a pack's thresholds on labelled trays that its weights never saw, and write them into its manifest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.domain.detection import Detection
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadInput, BadRecording
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest
from edge_agent.formats.recordings import TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Detector, Picture
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.calibrate import LabelledTray, calibrate
from edge_agent.training.export import TO_BE_FOUND, revise_pack, revised

OpenDetector = Callable[[Path, PackManifest], Detector]
"""Opens the pack in a folder as another manifest says."""
ReadPhotograph = Callable[[Path], Picture]

LabelledShots = tuple[tuple[Path, ...], dict[str, int]]
"""The photographs of one tray, and what lay on it."""


def find_thresholds(
    pack: Path,
    trays: Sequence[LabelledShots],
    *,
    false_alarms: float,
    open_detector: OpenDetector,
    read_photograph: ReadPhotograph,
) -> PackManifest:
    """Find a pack's thresholds within a budget of false alarms (a share of right orders), and write them.

    Raises:
        BadInput: no tray at all.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph does not read.
    """
    if not trays:
        raise BadInput(
            "thresholds cannot be found without a labelled tray: name --boxes, or --trays with --calibrate-on"
        )
    before = load_manifest(pack / MANIFEST_NAME)
    # The pack in the folder stays as it is until thresholds are found: it may be in service, and this can be cut off.
    detector = open_detector(pack, revised(before, {"thresholds": TO_BE_FOUND}))
    # What covers items is none: the checker takes it out of what it counts, and no order names it.
    items = [name for name in before.classes if name not in before.occluders]

    def seen(path: Path) -> tuple[Detection, ...]:
        return tuple(each for each in detector.detect(read_photograph(path)) if each.class_name in items)

    labelled = [
        LabelledTray(
            seen=tuple(seen(path) for path in shots),
            counts={name: count for name, count in counts.items() if name in items},
        )
        for shots, counts in trays
    ]
    found = calibrate(labelled, items, false_alarms=false_alarms)
    metrics = {
        # Scores under other thresholds would be those of another detector.
        **{name: value for name, value in before.metrics.items() if not name.startswith(("calibration_", "scored_"))},
        "calibration_budget": false_alarms,
        "calibration_trays": len(trays),
        "calibration_false_alarms": round(found.false_alarms, 4),
        "calibration_false_alarms_unavoidable": round(found.unavoidable, 4),
        "calibration_decided": round(found.decided, 4),
        "calibration_caught": round(found.caught, 4),
    }
    # So would gates that the files were held against, on whatever provider.
    ungated = {
        precision: file.model_dump(mode="json", exclude={"gate", "gates_on"}, exclude_none=True)
        for precision, file in before.files.items()
    }
    changes = {"thresholds": _as_data(found.thresholds), "metrics": metrics, "files": ungated, "refused": {}}
    return revise_pack(pack, changes)


def boxed_trays(
    photographs: Sequence[BoxedPhotograph], *, listed: Mapping[Path, str] | None = None
) -> list[LabelledShots]:
    """Boxed photographs by tray: the one that `listed` names, else the name of the file up to its last dash.

    What lay on a tray is the most that is boxed on any of its photographs: a box that somebody forgot to draw on one
    stands on another.
    """
    trays: dict[str, list[BoxedPhotograph]] = {}
    for photograph in photographs:
        stem = photograph.path.stem
        tray_id = (listed or {}).get(photograph.path) or stem.rpartition("-")[0] or stem
        trays.setdefault(tray_id, []).append(photograph)
    return [(tuple(shot.path for shot in shots), _most(shots)) for shots in trays.values()]


def counted_blocks(folder: TrayFolder, blocks: Sequence[TrayBlock], classes: Collection[str]) -> list[LabelledShots]:
    """The sure trays of some blocks.

    Raises:
        BadRecording: a block holds no tray, all are marked as not sure, or one holds something that is no class of
            the pack: its thresholds would be found on labels that say less than what lies there.
    """
    if not blocks:
        return []
    kept = folder.only(blocks).part(lambda tray: tray.sure)
    if not kept.trays:
        blocked = ", ".join(str(block) for block in blocks)
        raise BadRecording(f"none of the trays in {blocked} is marked sure", path=folder.trays_path)
    advice = "correct the name, or keep those trays out of the blocks that set thresholds"
    kept.refuse_unknown(classes.__contains__, said="the model does not know", advice=advice)
    return [(tuple(folder.root / image for image in tray.images), dict(tray.contents)) for tray in kept.trays.values()]


def _most(shots: Sequence[BoxedPhotograph]) -> dict[str, int]:
    return {name: max(shot.counts.get(name, 0) for shot in shots) for shot in shots for name in shot.counts}


def _as_data(thresholds: Thresholds) -> dict[str, Any]:
    def both(name: str) -> dict[str, float | bool]:
        limits = thresholds.of(name)
        return {"present": limits.present, "possible": limits.possible, "absence_tells": limits.absence_tells}

    default = {"present": thresholds.default.present, "possible": thresholds.default.possible}
    return {"default": default, "classes": {name: both(name) for name in sorted(thresholds.by_class)}}
