"""Boxed photographs: a label that does not read stops the training before it begins, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import BadRecording
from edge_agent.training.boxed import MAX_LABEL_BYTES, read_boxed

NAMES = ("plate", "bread")


def lay_out(tmp_path: Path, labels: bytes | None = b"", photograph: str = "a.jpg") -> Path:
    for kind in ("images", "labels"):
        (tmp_path / kind / "train").mkdir(parents=True, exist_ok=True)
    (tmp_path / "images" / "train" / photograph).write_bytes(b"")
    if labels is not None:
        (tmp_path / "labels" / "train" / Path(photograph).with_suffix(".txt")).write_bytes(labels)
    return tmp_path


def refusal(root: Path) -> str:
    with pytest.raises(BadRecording) as caught:
        read_boxed(root, "train", NAMES)
    return str(caught.value).removeprefix(f"{root}/")


def test_boxes_are_counted_by_class(tmp_path: Path) -> None:
    root = lay_out(tmp_path, b"0 0.5 0.5 0.2 0.2\r\n\n1 .1 .1 1e-2 1\n1 0 0 1 1")
    [read] = read_boxed(root, "train", NAMES)
    assert read.counts == {"plate": 1, "bread": 2}


def test_photographs_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """The same folder gives the same run on every machine."""
    for name in ("b.jpg", "a.PNG", "c.jpeg"):
        lay_out(tmp_path, b"", name)
    (tmp_path / "images" / "train" / "notes.txt").write_text("no photograph")
    assert [read.path.name for read in read_boxed(tmp_path, "train", NAMES)] == ["a.PNG", "b.jpg", "c.jpeg"]


def test_an_empty_label_file_says_that_nothing_is_there(tmp_path: Path) -> None:
    assert read_boxed(lay_out(tmp_path), "train", NAMES)[0].counts == {}


def test_a_photograph_without_labels_is_refused(tmp_path: Path) -> None:
    """Taken as empty, it would teach the model that nothing lies there."""
    assert refusal(lay_out(tmp_path, None)).startswith("labels/train/a.txt: the photograph has no label file")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (b"plate 0.5 0.5 0.2 0.2", "is no label"),
        (b"0.0 0.5 0.5 0.2 0.2", "is no label"),
        (b"0 0.5 0.5 0.2 x", "is no label"),
        (b"0 0.5 0.5 0.2", "needs four shares"),
        (b"0 0.5 0.5 0.2 0.2 0.9", "needs four shares"),
        (b"0 0.5 0.5 0.2 1.2", "needs four shares"),
        (b"0 -0.1 0.5 0.2 0.2", "needs four shares"),
        (b"0 nan 0.5 0.2 0.2", "needs four shares"),
        (b"0 inf 0.5 0.2 0.2", "needs four shares"),
        (b"0 0.5 0.5 0 0.2", "without area"),
        (b"2 0.5 0.5 0.2 0.2", "out of range: 0 to 1 are named"),
        (b"-1 0.5 0.5 0.2 0.2", "out of range"),
        (b"9" * 5_000 + b" 0.5 0.5 0.2 0.2", "is no label"),
    ],
)
def test_a_label_that_does_not_read_is_named(tmp_path: Path, label: bytes, said: str) -> None:
    complaint = refusal(lay_out(tmp_path, b"0 0.5 0.5 0.2 0.2\n" + label + b"\n"))
    assert complaint.startswith("labels/train/a.txt:2: ")
    assert said in complaint
    assert len(complaint) < 200


@pytest.mark.parametrize("raw", [b"\xff\xfe0", b"0" * (MAX_LABEL_BYTES + 1)])
def test_a_label_file_of_another_kind_is_refused(tmp_path: Path, raw: bytes) -> None:
    assert refusal(lay_out(tmp_path, raw)).startswith("labels/train/a.txt: the ")


def test_two_photographs_that_would_share_one_label_file_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, b"", "a.jpg")
    assert "'a.jpg'" in refusal(lay_out(tmp_path, b"", "a.png"))


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_without_photographs_is_refused(tmp_path: Path, split: str) -> None:
    with pytest.raises(BadRecording, match="there is no photograph"):
        read_boxed(tmp_path, split, NAMES)
