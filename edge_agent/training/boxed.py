"""Boxed photographs in YOLO's format: `images/SPLIT/NAME.jpg` beside `labels/SPLIT/NAME.txt`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import BadRecording

SPLITS = ("train", "val")
MAX_LABEL_BYTES = 1_000_000
CLASSES_NAME = "classes.txt"
"""Many drawing programs lay a list of the classes beside the labels."""
SHARES = ("cx", "cy", "width", "height")


@dataclass(frozen=True, slots=True)
class BoxedPhotograph:
    """A photograph and how many things of each class are boxed on it."""

    path: Path
    label_path: Path
    counts: dict[str, int]


def read_boxed(root: Path, split: str, names: tuple[str, ...]) -> tuple[BoxedPhotograph, ...]:
    """Read one split; `names` are the classes in the order of the label files' indices.

    Raises:
        BadRecording: the split is empty, a photograph has no label file or the reverse, or a label does not read; names
            file and line.
    """
    folder = root / "images" / split
    photographs = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not photographs:
        raise BadRecording("there is no photograph in this folder", path=folder)
    labels = root / "labels" / split
    stems: dict[str, Path] = {}
    for path in photographs:
        if (other := stems.setdefault(path.stem, path)) is not path:
            raise BadRecording(f"'{other.name}' and this one would share one label file; rename one", path=path)
    for path in sorted(labels.glob("*.txt")):
        if path.stem not in stems and path.name != CLASSES_NAME:
            raise BadRecording(f"the photograph of this label file is not in {folder}", path=path)
    return tuple(_boxed(path, labels / f"{path.stem}.txt", names) for path in photographs)


def _boxed(photograph: Path, labels: Path, names: tuple[str, ...]) -> BoxedPhotograph:
    try:
        with labels.open("rb") as file:
            raw = file.read(MAX_LABEL_BYTES + 1)
        if len(raw) > MAX_LABEL_BYTES:
            raise BadRecording(f"the file is larger than labels can be ({MAX_LABEL_BYTES:,} bytes)", path=labels)
        lines = raw.decode("ascii").splitlines()
    except FileNotFoundError as error:
        said = "the photograph has no label file here (an empty one says: nothing on it)"
        raise BadRecording(said, path=labels) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadRecording("the labels cannot be read", path=labels) from error
    counts: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            counts[names[_class_of(line, labels, number, len(names))]] += 1
    return BoxedPhotograph(photograph, labels, dict(counts))


def _class_of(line: str, path: Path, number: int, classes: int) -> int:
    """The class index of a label line `class cx cy width height`, all but the class as shares of the picture."""
    fields = line.split()
    try:
        index, shares = int(fields[0]), [float(field) for field in fields[1:]]
    except ValueError as error:
        raise BadRecording(f"'{line[:60]}' is no label (class cx cy width height)", path=path, line=number) from error
    if len(shares) != len(SHARES) or not all(math.isfinite(share) and 0 <= share <= 1 for share in shares):
        raise BadRecording(f"'{line[:60]}' needs four shares between 0 and 1 after its class", path=path, line=number)
    if not (shares[2] and shares[3]):
        raise BadRecording(f"'{line[:60]}' is a box without area", path=path, line=number)
    if not 0 <= index < classes:
        raise BadRecording(f"the class {index} is out of range: 0 to {classes - 1} are named", path=path, line=number)
    return index


def read_boxes(
    photograph: BoxedPhotograph, size_px: tuple[int, int]
) -> list[tuple[int, tuple[float, float, float, float]]]:
    """The class index and the box (left, top, right, bottom, pixels) of every label of a photograph already read."""
    width, height = size_px
    boxes = []
    for line in photograph.label_path.read_text(encoding="ascii").splitlines():
        if line.strip():
            index, *shares = line.split()
            cx, cy, w, h = (float(share) for share in shares)
            box = ((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
            boxes.append((int(index), box))
    return boxes


def label_lines(boxes: Iterable[tuple[int, Iterable[float]]], size_px: tuple[int, int]) -> str:
    """Lines `class cx cy width height`, all but the class as shares of the picture: what `read_boxes` reads back."""
    width, height = size_px
    lines = []
    for index, box in boxes:
        left, top, right, bottom = (float(side) for side in box)
        shares = (
            (left + right) / 2 / width,
            (top + bottom) / 2 / height,
            (right - left) / width,
            (bottom - top) / height,
        )
        lines.append(f"{index} " + " ".join(f"{share:.6f}" for share in shares) + "\n")
    return "".join(lines)
