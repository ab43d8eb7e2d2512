"""Find a pack's thresholds on labelled trays that its weights never saw, and write them into its manifest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.domain.detection import Detection
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadInput, BadRecording
from edge_agent.formats.pack import MANIFEST_NAME, STILL_TO_BE_FOUND, PackManifest, load_manifest
from edge_agent.formats.recordings import MAX_PHOTOGRAPHS, TRAYS_NAME, TrayFolder, open_counted
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Detector, Picture
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.training.boxed import BoxedPhotograph, read_boxed
from edge_agent.training.calibrate import LabelledTray, calibrate
from edge_agent.training.copied import refuse_no_copy
from edge_agent.training.cross_validation import CrossValidated, cross_validate
from edge_agent.training.export import TO_BE_FOUND, revise_pack, revised
from edge_agent.training.provenance import (
    CALIBRATED_ON,
    THRESHOLDS_OF,
    named,
    without_thresholds,
)

logger = logging.getLogger(__name__)

OpenDetector = Callable[[Path, PackManifest], Detector]
"""Opens the pack in a folder as another manifest says."""
ReadPhotograph = Callable[[Path], Picture]

FEW_TRAYS = 10
"""With fewer, somebody should look again at what is taken for a tray."""

NAMING = "name them TRAY-NUMBER, with as many TRAYs as there were trays"
"""How boxed photographs say which tray they show."""

BUDGET, CARE = "the budget of false alarms", "how likely a word may be wrong"
"""What keeps thresholds from being bolder: with the second a larger budget changes nothing (decision 0015)."""

LabelledShots = tuple[tuple[Path, ...], dict[str, int]]
"""The photographs of one tray, and what lay on it."""


def find_thresholds(
    pack: Path,
    trays: Sequence[LabelledShots],
    *,
    false_alarms: float,
    open_detector: OpenDetector,
    read_photograph: ReadPhotograph,
    calibrated_on: Sequence[str] = (),
    on_tray: OnStep = nobody_looks,
) -> PackManifest:
    """Find a pack's thresholds within a budget of false alarms (a share of right orders), and write them.

    `calibrated_on` names the trays in words, for the manifest (`training.took_part`). `on_tray` is told how many of
    them the pack has looked at.

    Raises:
        BadInput: no tray at all, or none of which the pack, which was calibrated before, could tell what lies there.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph does not read.
    """
    if not trays:
        raise BadInput(
            "thresholds cannot be found without a labelled tray: name --boxes, or --trays with --calibrate-on"
        )
    before = load_manifest(pack / MANIFEST_NAME)
    labelled, items = _looked_at(pack, before, trays, open_detector, read_photograph, on_tray)
    found = calibrate(labelled, items, false_alarms=false_alarms)
    if not found.decided and (before.metrics.get("calibration_decided") or THRESHOLDS_OF in before.provenance):
        said = "with thresholds for these labels it would call no right order match, and with those it has it does"
        do = "it was left as it was. Are they labels of this pack's classes, in its order?"
        raise BadInput(f"{said}; {do}", path=pack)
    metrics: dict[str, float | str] = {
        "calibration_budget": false_alarms,
        "calibration_trays": len(trays),
        "calibration_false_alarms": round(found.false_alarms, 4),
        "calibration_false_alarms_unavoidable": round(found.unavoidable, 4),
        "calibration_decided": round(found.decided, 4),
        "calibration_caught": round(found.caught, 4),
        "calibration_limit": BUDGET if found.is_at_budget else CARE,
    }
    return _written(pack, before, _as_data(found.thresholds), metrics, {CALIBRATED_ON: list(calibrated_on)})


def take_thresholds(pack: Path, source: PackManifest) -> PackManifest:
    """Take over the thresholds of the pack of which this one is a faster copy, and write them.

    A copy has learned to give its scores, and thresholds that are found anew on few trays differ from those by more
    than its scores do (docs/experiments.md, "A faster copy"). Of a pack whose classes were merged, a copy whose classes
    were merged in the same way takes them.

    Raises:
        BadInput: the pack is no copy of that one, reports other classes, or that one has no thresholds yet.
        BadModelPack: the pack does not fit.
    """
    before = load_manifest(pack / MANIFEST_NAME)
    refuse_no_copy(before, source, path=pack)
    if source.thresholds == STILL_TO_BE_FOUND:
        raise BadInput(f"the thresholds of {source.name} {source.version} are still to be found themselves", path=pack)
    taken = source.thresholds.model_dump(mode="json")
    found_on = {key: value for key, value in source.provenance.items() if key == CALIBRATED_ON}
    trays = {key: value for key, value in source.metrics.items() if key == "calibration_trays"}
    return _written(pack, before, taken, trays, {**found_on, THRESHOLDS_OF: named(source)})


def _written(
    pack: Path,
    before: PackManifest,
    thresholds: dict[str, Any],
    metrics: Mapping[str, float | str],
    provenance: Mapping[str, Any],
) -> PackManifest:
    """Write a pack's manifest with other thresholds; scores and gates under the old ones were another detector's."""
    kept = {name: value for name, value in before.metrics.items() if not name.startswith(("calibration_", "scored_"))}
    ungated = {
        precision: file.model_dump(mode="json", exclude={"gate", "gates_on"}, exclude_none=True)
        for precision, file in before.files.items()
    }
    changes = {
        "thresholds": thresholds,
        "metrics": {**kept, **metrics},
        "files": ungated,
        "refused": {},
        "provenance": {**without_thresholds(before), **provenance},
    }
    return revise_pack(pack, changes)


def cross_validated(
    pack: Path,
    trays: Sequence[LabelledShots],
    *,
    false_alarms: float,
    folds: int,
    open_detector: OpenDetector,
    read_photograph: ReadPhotograph,
    on_part: OnStep = nobody_looks,
) -> CrossValidated:
    """What thresholds that are found on such trays do on others; the pack stays as it is.

    Raises:
        BadInput: there are fewer trays than parts.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph does not read.
    """
    if len(trays) < folds:
        raise BadInput(f"{len(trays)} labelled trays cannot be divided into {folds} parts: ask for fewer with --folds")
    manifest = load_manifest(pack / MANIFEST_NAME)
    labelled, items = _looked_at(pack, manifest, trays, open_detector, read_photograph, nobody_looks)
    return cross_validate(labelled, items, false_alarms=false_alarms, folds=folds, on_part=on_part)


def _looked_at(
    pack: Path,
    manifest: PackManifest,
    trays: Sequence[LabelledShots],
    open_detector: OpenDetector,
    read_photograph: ReadPhotograph,
    on_tray: OnStep,
) -> tuple[list[LabelledTray], list[str]]:
    """What the detector sees on labelled trays whatever its thresholds are, and the classes that are items."""
    # The pack in the folder stays as it is until thresholds are found: it may be in service, and this can be cut off.
    detector = open_detector(pack, revised(manifest, {"thresholds": TO_BE_FOUND}))
    # What covers items is none: the checker takes it out of what it counts, and no order names it.
    items = [name for name in manifest.classes if name not in manifest.occluders]

    def seen(path: Path) -> tuple[Detection, ...]:
        return tuple(each for each in detector.detect(read_photograph(path)) if each.class_name in items)

    labelled = []
    for number, (shots, counts) in enumerate(trays, start=1):
        told = {name: count for name, count in counts.items() if name in items}
        labelled.append(LabelledTray(seen=tuple(seen(path) for path in shots), counts=told))
        on_tray(number, len(trays))
    return labelled, items


def val_trays(boxes: Path, names: tuple[str, ...]) -> list[LabelledShots]:
    """The trays of the boxed photographs that do not teach, with what lay on each.

    Raises:
        BadRecording: a photograph or a label does not read, or too many photographs are taken for one tray.
    """
    return boxed_trays(read_boxed(boxes, "val", names), listed=trays_listed_in(boxes))


def trays_listed_in(boxes: Path) -> dict[Path, str]:
    """Which tray each photograph shows, where the folder of boxes says so, as one of composed pictures does."""
    if not (boxes / TRAYS_NAME).is_file():
        return {}
    folder = open_counted(boxes)
    return {folder.root / image: tray.tray_id for tray in folder.trays.values() for image in tray.images}


def tray_shown_on(photograph: BoxedPhotograph, listed: Mapping[Path, str]) -> str:
    """The tray that a photograph shows: the one that is listed, else the name of its file up to the last dash."""
    stem = photograph.path.stem
    return listed.get(photograph.path) or stem.rpartition("-")[0] or stem


def boxed_trays(
    photographs: Sequence[BoxedPhotograph], *, listed: Mapping[Path, str] | None = None
) -> list[LabelledShots]:
    """Boxed photographs by tray.

    What lay on a tray is the most that is boxed on any of its photographs: a box that somebody forgot to draw on one
    stands on another. Photographs numbered through would all be one tray, with more on it than on any.

    Raises:
        BadRecording: more photographs are taken for one tray than a tray can have.
    """
    trays: dict[str, list[BoxedPhotograph]] = {}
    for photograph in photographs:
        trays.setdefault(tray_shown_on(photograph, listed or {}), []).append(photograph)
    for shots in trays.values():
        if len(shots) > MAX_PHOTOGRAPHS:
            said = f"by their names {len(shots)} photographs such as this one are one tray, which has {MAX_PHOTOGRAPHS}"
            raise BadRecording(f"{said} at most: {NAMING}", path=shots[0].path)
    if len(trays) < FEW_TRAYS:
        said = "by their names %d boxed photographs are %d tray(s), and thresholds from fewer than %d are a guess: %s"
        logger.warning(said, len(photographs), len(trays), FEW_TRAYS, NAMING)
    return [(tuple(shot.path for shot in shots), _most(shots)) for shots in trays.values()]


def counted_blocks(
    folder: TrayFolder,
    blocks: Sequence[TrayBlock],
    classes: Collection[str],
    *,
    said: str = "the model does not know",
) -> list[LabelledShots]:
    """The sure trays of some blocks; `said` is what is wrong with a name that is none of the classes.

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
    kept.refuse_unknown(classes.__contains__, said=said, advice=advice)
    return [(tuple(folder.root / image for image in tray.images), dict(tray.contents)) for tray in kept.trays.values()]


def _most(shots: Sequence[BoxedPhotograph]) -> dict[str, int]:
    return {name: max(shot.counts.get(name, 0) for shot in shots) for shot in shots for name in shot.counts}


def _as_data(thresholds: Thresholds) -> dict[str, Any]:
    def both(name: str) -> dict[str, float | bool]:
        limits = thresholds.of(name)
        return {"present": limits.present, "possible": limits.possible, "absence_tells": limits.absence_tells}

    default = {"present": thresholds.default.present, "possible": thresholds.default.possible}
    return {"default": default, "classes": {name: both(name) for name in sorted(thresholds.by_class)}}
