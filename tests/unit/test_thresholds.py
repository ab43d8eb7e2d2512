"""Which labelled trays thresholds are found on."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from edge_agent.errors import BadInput
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.thresholds import boxed_trays, find_thresholds


def never(path: Path) -> NoReturn:
    raise AssertionError(path)


def boxed(name: str, **counts: int) -> BoxedPhotograph:
    return BoxedPhotograph(Path(f"{name}.jpg"), Path(f"{name}.txt"), counts)


def test_photographs_of_one_tray_are_one_tray_and_a_forgotten_box_stands_on_another() -> None:
    found = boxed_trays([boxed("noon-1-0", plate=1), boxed("noon-1-1", plate=1, bread=2), boxed("noon-2-0")])
    assert found == [
        ((Path("noon-1-0.jpg"), Path("noon-1-1.jpg")), {"plate": 1, "bread": 2}),
        ((Path("noon-2-0.jpg"),), {}),
    ]


def test_without_a_tray_there_is_a_sentence_and_the_pack_stays_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--calibrate-on"):
        find_thresholds(
            tmp_path,
            [],
            false_alarms=0.01,
            open_detector=never,
            read_photograph=never,
        )
    assert list(tmp_path.iterdir()) == []
