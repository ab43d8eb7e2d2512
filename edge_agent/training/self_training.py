"""Label unboxed trays from their orders, for a student to learn from (count-constrained self-training)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box
from edge_agent.formats.recordings import TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Detector, Picture
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.pseudo_labels import Acceptance, believed

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnboxedTray:
    """A tray of which only the photographs and the counts are known."""

    tray_id: str
    photographs: tuple[Path, ...]
    counts: dict[str, int]


def unboxed(folder: TrayFolder, held_out: Sequence[TrayBlock]) -> tuple[UnboxedTray, ...]:
    """The trays to learn from: those marked sure that are in no held-out block."""
    return tuple(
        UnboxedTray(tray.tray_id, tuple(folder.root / image for image in tray.images), dict(tray.contents))
        for tray in folder.trays.values()
        if tray.sure and not any(tray.tray_id in block for block in held_out)
    )


def label_from_orders(
    trays: Sequence[UnboxedTray],
    classes: Sequence[str],
    into: Path,
    *,
    detector: Detector,
    read_photograph: Callable[[Path], Picture],
    accept: Acceptance,
) -> tuple[BoxedPhotograph, ...]:
    """Write a label file for every believed photograph into the folder; returns those photographs.

    Raises:
        BadRecording: a photograph does not read.
    """
    into.mkdir(parents=True, exist_ok=True)
    labelled = []
    for tray in trays:
        pictures = [read_photograph(path) for path in tray.photographs]
        boxes = believed([detector.detect(picture) for picture in pictures], tray.counts, accept)
        for path, picture, found in zip(tray.photographs, pictures, boxes, strict=True):
            if found is not None:
                labels = into / f"{tray.tray_id}-{path.stem}.txt"
                labels.write_text(_as_yolo(found, classes, picture), encoding="ascii")
                labelled.append(BoxedPhotograph(path, labels, _counted(found)))
    photographs = sum(len(tray.photographs) for tray in trays)
    logger.info("%d of %d photographs of %d trays are believed", len(labelled), photographs, len(trays))
    return tuple(labelled)


def _counted(found: Sequence[Detection]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detection in found:
        counts[detection.class_name] = counts.get(detection.class_name, 0) + 1
    return counts


def _as_yolo(found: Sequence[Detection], classes: Sequence[str], picture: Picture) -> str:
    """Lines `class cx cy width height`, all but the class as shares of the picture."""
    height, width = picture.shape[:2]
    index: Mapping[str, int] = {name: number for number, name in enumerate(classes)}

    def line(class_name: str, box: Box) -> str:
        shares = (box.centre.x / width, box.centre.y / height, box.width_px / width, box.height_px / height)
        return f"{index[class_name]} " + " ".join(f"{share:.6f}" for share in shares)

    return "".join(f"{line(detection.class_name, detection.box)}\n" for detection in found)
