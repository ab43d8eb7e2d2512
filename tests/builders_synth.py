"""A library of cut-outs made up of plain rectangles, where a rendered one would take hours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_agent.training.synth.catalogue import ITEMS, THINGS
from edge_agent.training.synth.cutouts import Cutout, Library, open_library, write_index

PX_PER_CM = 4.0


def cutout(root: Path, role: str, kind: str, size_cm: tuple[float, float], **more: object) -> Cutout:
    """A rectangle of one colour with its anchor in the middle, and its picture."""
    width, height = (round(side * PX_PER_CM) for side in size_cm)
    name = f"{kind}-{more.get('look', 0)}-{more.get('aside_cm', 0)}-{more.get('turn_rad', 0)}"
    bgra = (*more.pop("colour", (40, 90, 200)), 255)  # type: ignore[misc]
    cv2.imwrite(str(root / f"{name}.png"), np.full((height, width, 4), bgra, np.uint8))
    said = {
        "look": 0, "aside_cm": 0.0, "turn_rad": 0.0, "shadow": "", "tall_cm": 1.0, "file": f"{name}.png", "name": name,
        "area_px": float(width * height), "anchor_px": (width / 2, height / 2), "size_cm": size_cm, **more,
    }  # fmt: skip
    return Cutout(role=role, kind=kind, **said)  # type: ignore[arg-type]


def library_of_rectangles(root: Path) -> Library:
    """Every kind once; a tray with a rim, a counter, the two hands of one person."""
    cutouts = [cutout(root, "counter", "steel", (120, 100), colour=(90, 90, 90))]
    tray = cutout(root, "tray", "red", (45.2, 34.2), colour=(200, 200, 60))
    cutouts += [tray]
    cutouts += [cutout(root, "item", kind.name, (kind.width_cm, kind.depth_cm)) for kind in ITEMS]
    cutouts += [cutout(root, "thing", kind.name, (kind.width_cm, kind.depth_cm)) for kind in THINGS if kind.weight]
    for look, mirrored in enumerate((False, True)):
        traits = {"curl": 0.5, "mirrored": mirrored, "person": 0}
        anchor = (5 * PX_PER_CM, 60 * PX_PER_CM)
        cutouts.append(cutout(root, "arm", "arm", (10, 70), look=look, traits=traits, anchor_px=anchor))
    write_index(root, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=cutouts)
    return open_library(root)
