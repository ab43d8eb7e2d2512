"""A folder of made pictures: boxes for the detector, trays and order checks for the scores. It can be filled in parts.

images/SPLIT/NAME.jpg   labels/SPLIT/NAME.txt   boxes, as `training.boxed` reads them
trays.jsonl             orders.jsonl            counts and checks, as `formats.recordings` reads them
records/NAME.json       everything known about one picture; written last, so that a cut leaves no half of one
about.json              what the folder was begun with
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput
from edge_agent.formats.whole_file import write_whole
from edge_agent.training.synth.catalogue import CLASSES
from edge_agent.training.synth.rendered import SeenThing

VAL_EVERY = 5
"""Every fifth picture is kept for validation."""

ABOUT = "about.json"


def made_by(root: Path) -> str | None:
    """Which generator made this folder, in a few words for a model card; None where it is none of ours."""
    try:
        about = json.loads((root / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(about, dict) or "generator" not in about:
        return None
    return f"edge-agent synth {about.get('made_by')}, generator {about['generator']}"


class SceneFolder:
    """Writes pictures with their labels; knows which are there already.

    Raises:
        BadInput: the folder holds pictures that were made with other settings.
    """

    def __init__(self, root: Path, *, made_with: Mapping[str, Any]) -> None:
        self.root = root
        about = {"classes": list(CLASSES), **made_with}
        path = root / ABOUT
        if path.is_file() and (old := json.loads(path.read_text(encoding="utf-8"))) != about:
            raise BadInput(f"this folder was begun with {old}, not with {about}; name another one", path=root)
        for folder in ("images/train", "images/val", "labels/train", "labels/val", "records"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(about, indent=1) + "\n")

    def has(self, name: str) -> bool:
        """Whether that picture was finished."""
        return (self.root / "records" / f"{name}.json").is_file()

    def add(
        self, name: str, number: int, jpeg: bytes, size_px: tuple[int, int], seen: Sequence[SeenThing], order_tag: str
    ) -> None:
        """Store a picture (JPEG) of that (width, height) and what it shows."""
        split = "val" if number % VAL_EVERY == 0 else "train"
        image = f"images/{split}/{name}.jpg"
        write_whole(self.root / image, jpeg)
        write_whole(self.root / "labels" / split / f"{name}.txt", boxes_text(seen, size_px))
        record = {**tray_line(name, image, seen), "order_tag": order_tag, "things": [_thing(thing) for thing in seen]}
        write_whole(self.root / "records" / f"{name}.json", json.dumps(record) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """The records of all finished pictures, by name."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((self.root / "records").glob("*.json"))]

    def write_trays(self) -> int:
        """Write `trays.jsonl` anew from the records; returns how many trays it lists."""
        records = self.records()
        keys = ("tray_id", "images", "contents", "sure")
        write_whole(self.root / "trays.jsonl", "".join(json.dumps({k: r[k] for k in keys}) + "\n" for r in records))
        return len(records)

    def write_checks(self, checks: Sequence[Mapping[str, Any]]) -> None:
        """Write `orders.jsonl` anew."""
        write_whole(self.root / "orders.jsonl", "".join(json.dumps(check) + "\n" for check in checks))


def boxes_text(seen: Sequence[SeenThing], size_px: tuple[int, int]) -> str:
    """Label lines `class cx cy width height`, all but the class as shares of the picture."""
    width, height = size_px
    lines = []
    for thing in seen:
        if thing.kind in CLASSES and thing.is_boxed and thing.box is not None:
            left, top, right, bottom = thing.box
            shares = (
                (left + right) / 2 / width,
                (top + bottom) / 2 / height,
                (right - left) / width,
                (bottom - top) / height,
            )
            lines.append(" ".join((str(CLASSES.index(thing.kind)), *(f"{share:.6f}" for share in shares))) + "\n")
    return "".join(lines)


def tray_line(name: str, image: str, seen: Sequence[SeenThing]) -> dict[str, Any]:
    """A tray of one photograph: what lies on it, whether seen or not; not sure where something shows too little."""
    sold = [thing for thing in seen if thing.kind in CLASSES]
    contents = {kind: n for kind in CLASSES if (n := sum(thing.kind == kind for thing in sold))}
    return {"tray_id": name, "images": [image], "contents": contents, "sure": all(thing.is_boxed for thing in sold)}


def _thing(thing: SeenThing) -> dict[str, Any]:
    return {"kind": thing.kind, "box": thing.box, "share": round(thing.share, 4)}
