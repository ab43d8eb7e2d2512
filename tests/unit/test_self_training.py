"""Trays without boxes become training data: which of them, and how their labels are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import BadInput, BadRecording
from edge_agent.formats.recordings import PhotographedTray, TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.boxed import read_boxed
from edge_agent.training.pseudo_labels import Acceptance
from edge_agent.training.self_training import UnboxedTray, label_from_orders, unboxed
from tests.builders import seen
from tests.fakes import ScriptedDetector

NAMES = ("plate", "fruit")


def folder(**sure: bool) -> TrayFolder:
    trays = {
        name.replace("_", "-"): PhotographedTray(
            tray_id=name.replace("_", "-"), images=("0.jpg",), contents={"plate": 1}, sure=is_sure
        )
        for name, is_sure in sure.items()
    }
    return TrayFolder(Path("trays"), trays)


@pytest.mark.parametrize(
    ("tray_id", "inside"),
    [
        ("noon-2585", True),
        ("noon-2730", True),
        ("noon-2584", False),
        ("noon-2731", False),
        ("eve-2600", False),
        ("noon", False),
        ("noon-x", False),
    ],
)
def test_a_block_holds_its_trays_with_both_ends(tray_id: str, inside: bool) -> None:
    assert (tray_id in TrayBlock.parse("noon-2585:noon-2730")) is inside


@pytest.mark.parametrize(
    "text", ["", "noon-1", "noon-1:eve-2", "noon:noon", "noon-1:noon-2:noon-3", "-1:-2", "a-x:a-y"]
)
def test_what_is_no_block_is_refused_with_an_example(text: str) -> None:
    """A block that silently held nothing out would let the score be made on the trays it was trained on."""
    with pytest.raises(BadInput, match="noon-2585:noon-2730"):
        TrayBlock.parse(text)


def test_doubtful_and_held_out_trays_teach_nothing() -> None:
    found = unboxed(folder(noon_1=True, noon_2=False, noon_3=True), [TrayBlock.parse("noon-3:noon-9")])
    assert [tray.tray_id for tray in found] == ["noon-1"]


def test_a_score_on_some_blocks_uses_no_other_tray() -> None:
    some = folder(noon_1=True, noon_3=True)
    assert list(some.only([TrayBlock.parse("noon-3:noon-9")]).trays) == ["noon-3"]
    assert some.only([]) is some
    with pytest.raises(BadRecording, match="none of its trays"):
        some.only([TrayBlock.parse("eve-1:eve-2")])


def test_labels_written_from_orders_read_back_as_boxes(tmp_path: Path) -> None:
    """What the teacher labelled must be what the student reads: same classes, same places."""
    pictures = [seen("plate", 320, 240, size=64), seen("fruit", 100, 100, size=32)]
    trays = [UnboxedTray("noon-1", (tmp_path / "0.jpg", tmp_path / "1.jpg"), {"plate": 1, "fruit": 1})]
    detector = ScriptedDetector(classes=NAMES, script=[tuple(pictures), tuple(pictures)])
    labelled = label_from_orders(
        trays,
        NAMES,
        tmp_path / "labels" / "train",
        detector=detector,
        read_photograph=lambda path: np.zeros((480, 640, 3), dtype=np.uint8),
        accept=Acceptance(),
    )
    assert [photograph.label_path.name for photograph in labelled] == ["noon-1-0.txt", "noon-1-1.txt"]
    lines = sorted(labelled[0].label_path.read_text().splitlines())
    assert lines == ["0 0.500000 0.500000 0.100000 0.133333", "1 0.156250 0.208333 0.050000 0.066667"]
    images = tmp_path / "images" / "train"
    images.mkdir(parents=True)
    for photograph in labelled:
        (images / f"{photograph.label_path.stem}.jpg").touch()
    assert [each.counts for each in read_boxed(tmp_path, "train", NAMES)] == [{"plate": 1, "fruit": 1}] * 2


def test_a_tray_that_is_not_believed_is_left_out(tmp_path: Path) -> None:
    trays = [UnboxedTray("noon-1", (tmp_path / "0.jpg",), {"plate": 1, "fruit": 1})]
    labelled = label_from_orders(
        trays,
        NAMES,
        tmp_path / "labels",
        detector=ScriptedDetector(classes=NAMES, script=[(seen("plate", 320, 240),)]),
        read_photograph=lambda path: np.zeros((480, 640, 3), dtype=np.uint8),
        accept=Acceptance(),
    )
    assert labelled == ()
