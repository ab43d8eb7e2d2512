"""Which of a restaurant's own trays teach, set thresholds, and judge."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.app.candidate import FEWEST_TRAYS, blocks_of
from edge_agent.errors import BadInput


def folder(root: Path, number: int) -> Path:
    """Trays own-10, own-20 …, in no order, the last of them not sure."""
    cv2.imwrite(str(root / "0.jpg"), np.zeros((48, 64, 3), np.uint8))
    rows = [
        {"tray_id": f"own-{10 * n}", "images": ["0.jpg"], "contents": {"plate": 1}, "sure": n < number}
        for n in (*range(number, 0, -2), *range(number - 1, 0, -2))
    ]
    order = {"order_id": "a", "lines": [{"sku": "plate", "quantity": 1}]}
    check = {"check_id": "a", "tray_id": "own-10", "order": order, "expected": "match"}
    (root / "trays.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "orders.jsonl").write_text(json.dumps(check) + "\n")
    return root


def test_the_newest_trays_judge_and_those_before_set_thresholds(tmp_path: Path) -> None:
    thresholds, judges = blocks_of(folder(tmp_path, 51))
    assert (str(thresholds), str(judges)) == ("own-310:own-400", "own-410:own-500")


def test_too_few_trays_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"39 labelled trays are too few .* Answer alerts and audit"):
        blocks_of(folder(tmp_path, FEWEST_TRAYS))
