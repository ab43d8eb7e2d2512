"""How often a student is shown a photograph."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.repeating import MOST, evened


def photographs(**groups: int) -> list[BoxedPhotograph]:
    """So many photographs of each item, with a plate on every one."""
    return [
        BoxedPhotograph(Path(f"{name}-{n}.jpg"), Path(f"{name}-{n}.txt"), {"plate": 1, name: 1})
        for name, many in groups.items()
        for n in range(many)
    ]


def shown(**groups: int) -> dict[str, float]:
    counted = Counter(p.path.stem.split("-")[0] for p in evened(photographs(**groups)))
    return {name: counted[name] / many for name, many in groups.items()}


def test_a_rare_item_is_shown_more_often_the_rarer_the_more_and_never_without_bound() -> None:
    assert shown(bread=800, banana=75, can=20, kiwi=1) == {"bread": 1, "banana": 2, "can": 4, "kiwi": MOST}


def test_what_lies_everywhere_is_shown_once_and_nothing_is_lost() -> None:
    assert shown(bread=50, yogurt=50) == {"bread": 1, "yogurt": 1}


def test_an_empty_photograph_and_none_at_all_are_no_trouble() -> None:
    empty = BoxedPhotograph(Path("a.jpg"), Path("a.txt"), {})
    assert evened([empty]) == (empty,)
    assert evened([]) == ()


def test_what_the_model_was_wrong_about_is_shown_twice_as_often() -> None:
    usual = photographs(plate=10)
    hard = {usual[3].path}
    counted = Counter(photograph.path for photograph in evened(usual, hard=hard))
    assert counted == {each.path: 2 if each.path in hard else 1 for each in usual}
