"""What a round of learning from orders learns from, and what it is measured on."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from edge_agent.training.alignment import Aligned
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.labelling import CountedTray, Naming, Taught
from edge_agent.training.rounds import _Lesson, _spared

TRAYS = [CountedTray(f"t-{n}", (Path(f"{n}/a.jpg"), Path(f"{n}/b.jpg")), {"plate": 1}) for n in range(21)]
UNUSED = cast(Aligned, None)
NAMING = Naming(("plate",), ("plate",), {"plate": ("plate",)}, ())


def taught_in(folder: str) -> Taught:
    """Every photograph but those of the first tray was believed, under labels of this round's own."""
    photographs = [
        BoxedPhotograph(path, Path(folder) / f"{tray.tray_id}-{path.stem}.txt", {"plate": 1})
        for tray in TRAYS[1:]
        for path in tray.photographs
    ]
    return Taught(tuple(photographs), (), UNUSED)


def test_without_boxes_whole_trays_measure() -> None:
    """The photographs of a tray are alike: one that teaches would give the answer to one that measures."""
    assert [each.path for each in _spared(taught_in("1"), TRAYS)] == [*TRAYS[1].photographs, *TRAYS[11].photographs]


def test_what_measures_teaches_in_no_round() -> None:
    """Each round writes labels of its own for the same photographs."""
    val = _spared(taught_in("round-1"), TRAYS)
    later = _Lesson(NAMING, taught_in("round-2"), ("plate",), (), val)
    assert len(later.photographs) == 36
    assert not {each.path for each in later.photographs} & {each.path for each in val}
