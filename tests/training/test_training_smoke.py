"""The whole way from photographs to a pack, with the real library, as small as it goes (`make test-train`)."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.cli import app

pytest.importorskip("ultralytics", reason="needs the extra 'train': make test-train")

pytestmark = [
    pytest.mark.timeout(600),
    # Of the training libraries, not ours.
    pytest.mark.filterwarnings("ignore"),
]

SIDE_PX = 96
COLOURS = {"plate": (230, 230, 230), "fruit": (0, 140, 255), "can": (40, 40, 200)}


def photograph(path: Path, things: list[str], seed: int) -> list[str]:
    """A tray of coloured squares; returns the labels of those that have a box drawn."""
    dice = np.random.default_rng(seed)
    picture = dice.integers(60, 80, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    labels = []
    for place, name in enumerate(things):
        left, top = 8 + 44 * (place % 2), 8 + 44 * (place // 2)
        cv2.rectangle(picture, (left, top), (left + 30, top + 30), COLOURS[name], -1)
        labels.append(f"{list(COLOURS).index(name)} {(left + 15) / SIDE_PX} {(top + 15) / SIDE_PX} 0.3125 0.3125")
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)
    return labels


def boxes(root: Path) -> Path:
    """Boxed photographs of plates and fruit."""
    for split, number in (("train", 6), ("val", 3)):
        (root / "labels" / split).mkdir(parents=True)
        for n in range(number):
            labels = photograph(root / "images" / split / f"a-{n}.jpg", ["plate", "fruit"][: 1 + n % 2], n)
            (root / "labels" / split / f"a-{n}.txt").write_text("\n".join(labels) + "\n")
    return root


def trays(root: Path) -> Path:
    """Counted trays, two photographs each, some with a can that nobody boxed."""
    rows, checks = [], []
    for n in range(12):
        things = [["plate"], ["plate", "can"], ["fruit", "can"]][n % 3]
        images = [f"t-{n}/{shot}.jpg" for shot in range(2)]
        for shot, image in enumerate(images):
            photograph(root / image, things, 100 * n + shot)
        contents = {name: things.count(name) for name in things}
        rows.append({"tray_id": f"t-{n}", "images": images, "contents": contents, "sure": True})
        lines = [{"sku": name, "quantity": 1} for name in things]
        check = {"check_id": f"c-{n}", "tray_id": f"t-{n}", "expected": "match"}
        checks.append(check | {"order": {"order_id": f"o-{n}", "lines": lines}})
    (root / "trays.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "orders.jsonl").write_text("".join(json.dumps(check) + "\n" for check in checks))
    return root


def train(tmp_path: Path, *more: str) -> None:
    words = ["train", str(boxes(tmp_path / "boxes")), "--pack", str(tmp_path / "pack"), "--run", str(tmp_path / "run")]
    small = ["--epochs", "1", "--image-size", "96", "--classes", "plate,fruit,can"]
    done = CliRunner().invoke(app, [*words, *small, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_boxes_become_a_pack_that_loads_and_looks(tmp_path: Path) -> None:
    train(tmp_path)
    detector = OnnxDetector(pack=ModelPack.load(tmp_path / "pack"), provider="cpu")
    assert detector.classes == ("plate", "fruit", "can")
    detector.detect(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
    assert (tmp_path / "pack" / "README.md").read_text().startswith("# pack 1")
    assert (tmp_path / "run" / "card.json").exists()


def test_orders_teach_two_rounds_and_a_second_run_goes_on(tmp_path: Path) -> None:
    """Whatever a detector of one epoch sees, the rounds must run through, and typed again nothing is trained anew."""
    learning = ["--trays", str(trays(tmp_path / "trays")), "--round", "1", "--round", "1", "--calibrate-on", "t-9:t-11"]
    train(tmp_path, *learning)
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert [each["trays"] for each in card["rounds"]] == [9, 9]
    weights = tmp_path / "run" / "round-2" / "fit" / "weights" / "last.pt"
    before = weights.stat().st_mtime_ns
    words = ["train", str(tmp_path / "boxes"), "--pack", str(tmp_path / "pack"), "--run", str(tmp_path / "run")]
    small = ["--epochs", "1", "--image-size", "96", "--classes", "plate,fruit,can"]
    again = CliRunner().invoke(app, [*words, *small, *learning], catch_exceptions=False)
    assert again.exit_code == 0, again.output
    assert weights.stat().st_mtime_ns == before
