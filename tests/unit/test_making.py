"""What the manifest of a trained pack says of the weights that the training began with."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from edge_agent.app import inputs
from edge_agent.app.making import _judge
from edge_agent.app.plans import ThresholdPlan
from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest, sha256_of
from edge_agent.formats.recordings import open_counted
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports.steps import nobody_looks
from edge_agent.training import judging, making
from edge_agent.training.fingerprints import hash_of_photographs
from edge_agent.training.fit import FitRecipe
from edge_agent.training.judging import Judge
from edge_agent.training.labelling import counted_trays
from edge_agent.training.plan import LearningFromOrders, TrainingPlan
from edge_agent.training.rounds import Means, Trained
from tests.builders_onnx import CLASSES, SIDE_PX, constant_model, raw_output
from tests.unit.test_cli import SEEN

KNOWN = (TrayBlock("own", 5, 6), TrayBlock("own", 7, 8))
TOLD = ["own-5:own-6", "own-7:own-8"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A teacher, weights to start from, trays and boxes; nothing is fitted, and what is exported sees nothing."""

    def exported(_weights: Path, folder: Path, **_size: int) -> None:
        folder.mkdir()
        (folder / "model.onnx").write_bytes(constant_model(raw_output([])))

    def fitted(_splits: object, _classes: object, run: Path, _recipe: object) -> Path:
        (run / "fitted.pt").write_bytes(b"fitted")
        return run / "fitted.pt"

    def learned(*given: Any) -> tuple[Trained, list[dict[str, Any]]]:
        first = next(each for each in given if isinstance(each, Trained))
        return first, [{"apart": TOLD}]

    for name, instead in (("export_onnx", exported), ("fit", fitted), ("learn_from_orders", learned)):
        monkeypatch.setattr(making, name, instead)
    monkeypatch.setattr(making, "measure", lambda *_: {})
    monkeypatch.setattr(making, "curve", lambda _: [])
    monkeypatch.setattr(making, "metadata", SimpleNamespace(version=lambda _: "1"))
    for name in ("teacher", "start"):
        (tmp_path / f"{name}.pt").write_bytes(name.encode())
    photograph = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    for split in ("train", "val"):
        for kind, name, content in (("images", "a.jpg", photograph), ("labels", "a.txt", b"0 0.5 0.5 0.1 0.1\n")):
            folder = tmp_path / "boxes" / kind / split
            folder.mkdir(parents=True)
            (folder / name).write_bytes(content)
    (tmp_path / "0.jpg").write_bytes(photograph)
    rows = (f'{{"tray_id": "own-{n}", "images": ["0.jpg"], "contents": {{"plate": 1}}}}\n' for n in range(1, 9))
    (tmp_path / "trays.jsonl").write_text("".join(rows))
    order = '{"order_id": "a", "lines": [{"sku": "plate"}]}'
    check = f'{{"check_id": "a", "tray_id": "own-1", "order": {order}, "expected": "match"}}\n'
    (tmp_path / "orders.jsonl").write_text(check)
    return tmp_path


def made(root: Path, *, boxed: bool, architecture: str, teacher: bool, epochs: int = 9) -> PackManifest:
    plan = TrainingPlan(
        boxes=root / "boxes" if boxed else None,
        classes=CLASSES,
        run=root / "run",
        pack=root / "pack",
        recipe=FitRecipe(architecture=architecture, epochs=epochs),
        width_px=64,
        height_px=64,
        version="1",
        orders=LearningFromOrders(trays=root, apart=KNOWN, teacher=root / "teacher.pt" if teacher else None),
        start_held_out=KNOWN,
    )
    manifest, _ = making.make_pack(
        plan,
        "edge-agent train",
        held_out=KNOWN[1:],
        means=Means(read_photograph=lambda _: np.zeros((8, 8, 3), np.uint8), on_work=lambda _: nobody_looks),
    )
    return manifest


@pytest.mark.parametrize(
    ("boxed", "architecture", "teacher"),
    [
        (False, "yolo11n.yaml", True),
        (True, "start.pt", False),
        (True, "start.pt", True),
        (True, "yolo11n.yaml", False),
        (True, "mine.yml", False),
        (True, "yolo11n.yaml", True),
    ],
)
def test_a_pack_says_what_the_weights_that_it_began_with_never_saw(
    root: Path, monkeypatch: pytest.MonkeyPatch, *, boxed: bool, architecture: str, teacher: bool
) -> None:
    """Beside boxes a teacher only labels: what it learned does not come along. Random weights have seen nothing."""
    monkeypatch.chdir(root)
    provenance = made(root, boxed=boxed, architecture=architecture, teacher=teacher).provenance
    begins = not boxed or architecture.endswith(".pt")
    assert provenance.get("start_held_out") == (TOLD if begins else None)
    assert provenance["held_out"] == TOLD[1:]
    teaching = counted_trays(open_counted(root), apart=KNOWN)
    assert provenance["photographs_sha256"] == hash_of_photographs(teaching)
    # The hash of weights that were named to start from stands beside that of a teacher, which has its own.
    assert provenance.get("start_sha256") == (sha256_of(root / "start.pt") if boxed and begins else None)
    assert provenance.get("teacher_sha256") == (sha256_of(root / "teacher.pt") if teacher else None)


def test_without_a_pass_over_the_boxes_the_weights_named_are_what_the_rounds_begin_with(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr(making, "names_in", lambda _: ("plate", "soup", "salad"))
    monkeypatch.setattr(making, "fit", None)
    manifest = made(root, boxed=True, architecture="start.pt", teacher=False, epochs=0)
    assert manifest.classes == ("plate", "soup", "salad")
    assert manifest.provenance["start_sha256"] == manifest.provenance["weights_sha256"] == sha256_of(root / "start.pt")
    assert "curve" not in manifest.provenance, "nothing was fitted"


@pytest.mark.parametrize(
    ("architecture", "teacher", "said"),
    [
        ("start.pt", False, None),
        ("start.pt", True, None),
        ("yolo11n.yaml", False, r"name a checkpoint \(\.pt\) with --architecture"),
        ("blind.pt", False, "blind.pt: it does not know 'plate', which lies on the trays: with --epochs 1 or more"),
        ("teacher.pt", True, None),
        (
            "start.pt",
            "blind",
            "blind.pt: it does not know 'plate', .*: name another one with --teacher, or leave it out",
        ),
    ],
)
def test_without_a_pass_over_the_boxes_weights_know_what_lies_on_the_trays(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    architecture: str,
    teacher: bool | str,
    said: str | None,
) -> None:
    """Else the new items would be learned by weights that cannot say where they lie."""
    known = {"start.pt": ("plate", "soup"), "teacher.pt": ("soup", "plate"), "blind.pt": ("soup",)}
    monkeypatch.setattr(inputs, "names_in", lambda weights: known[weights.name])
    monkeypatch.setattr(inputs, "check_architecture", lambda _: None)
    monkeypatch.setattr(inputs, "refuse_faster_copy", lambda _: None)
    labels = Path("blind.pt" if teacher == "blind" else "teacher.pt") if teacher else None
    plan = TrainingPlan(
        boxes=tmp_path, classes=("crockery",), run=tmp_path, pack=tmp_path,
        recipe=FitRecipe(architecture=architecture, epochs=0), width_px=64, height_px=64, version="1",
        orders=LearningFromOrders(trays=tmp_path, teacher=labels),
    )  # fmt: skip
    with nullcontext() if said is None else pytest.raises(BadInput, match=said):
        inputs._check_weights(plan, {"plate"})
    assert ("knows soup, and no tray that teaches has any" in caplog.text) == (said is None)
    with pytest.raises(BadInput, match="name their trays with --trays"):
        inputs._check_weights(replace(plan, orders=None), set())


def judge_of(root: Path, *blocks: str, **more: Any) -> Judge | None:
    orders = LearningFromOrders(trays=root, **more)
    plan = TrainingPlan(
        boxes=None, classes=CLASSES, run=root / "run", pack=root / "pack", recipe=FitRecipe(), width_px=SIDE_PX,
        height_px=SIDE_PX, version="1", orders=orders,
    )  # fmt: skip
    return _judge(plan, ThresholdPlan(trays=root, blocks=tuple(map(TrayBlock.parse, blocks))))


def count(root: Path, plates: int) -> None:
    row = '{{"tray_id": "own-{}", "images": ["0.jpg"], "contents": {{"plate": {}, "bread": 1}}, "sure": {}}}\n'
    rows = (row.format(n, plates, "true" if n < 12 else "false") for n in range(1, 22))
    (root / "trays.jsonl").write_text("".join(rows))


def test_rounds_are_judged_where_enough_trays_are_kept_for_thresholds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trays that set thresholds teach nothing; a student that sees what lies on them surprises less."""

    def exported(weights: Path, folder: Path, **_size: int) -> None:
        rows = [] if weights.stem == "blind" else SEEN
        (folder / "model.onnx").write_bytes(constant_model(raw_output(rows)))

    monkeypatch.setattr(judging, "export_onnx", exported)
    cv2.imwrite(str(tmp_path / "0.jpg"), np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
    count(tmp_path, plates=1)
    judge = judge_of(tmp_path, "own-2:own-11")
    assert judge is not None
    parts: list[tuple[int, int]] = []

    def on(name: str) -> Any:
        (tmp_path / f"{name}.pt").write_bytes(name.encode())
        return judge.on(tmp_path / f"{name}.pt", CLASSES, tmp_path, lambda *step: parts.append(step))

    blind, seeing = on("blind"), on("seeing")
    assert 0 < seeing["surprise"] < blind["surprise"]
    assert (seeing["on"], seeing["trays"], seeing["budget"]) == (["own-2:own-11"], 10, 0.01)
    assert parts == [(n, 21) for n in range(1, 22)] * 2
    assert on("seeing") == seeing
    assert len(parts) == 42, "what is known is not judged again"
    count(tmp_path, plates=2)
    other = judge_of(tmp_path, "own-2:own-11")
    assert other is not None
    assert other.by != judge.by, "a label was put right"
    assert judge_of(tmp_path) is None, "no trays were kept for it"
    assert judge_of(tmp_path, "own-3:own-20") is None, "nine sure trays tell too little"
    assert judge_of(tmp_path, "own-2:own-11", groups={"plate": ("plate",)}) is None
