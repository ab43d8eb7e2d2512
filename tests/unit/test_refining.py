"""Finer counts: of each thing that a merged pack reports, which of the classes behind it lies there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.errors import BadInput
from edge_agent.training.labelling import CountedTray
from edge_agent.training.refining import finer_counts
from tests.unit.test_labelling import CLASSES, TRAYS, Shelf

GROUPS = {"food": CLASSES, "can": ("can",)}
"""What the teacher calls a dish or a drink is food to the orders, and a can is new to it."""
FINE = {"soup": "dish", "salad": "dish", "drink": "drink", "can": "can"}


def things_on(tray: CountedTray) -> Counter[str]:
    """What really lies there, by the teacher's classes: `Shelf` keeps it in the names of the photographs."""
    return Counter(FINE[name] for name in tray.photographs[0].stem.split("-")[-1].split(".") if name in FINE)


def by_group(tray: CountedTray) -> CountedTray:
    counts = Counter("can" if name == "can" else "food" for name in things_on(tray).elements())
    return replace(tray, counts=dict(counts))


COARSE = tuple(by_group(tray) for tray in TRAYS)


def test_what_orders_call_by_one_name_is_told_apart_by_the_teacher() -> None:
    finer = finer_counts(COARSE, GROUPS, CLASSES, look=Shelf().look)
    assert [(tray.tray_id, tray.counts) for tray in finer] == [(tray.tray_id, things_on(tray)) for tray in TRAYS]


def test_a_tray_on_which_something_is_hidden_is_left_out_and_a_hard_one_stays_hard() -> None:
    """What lies there by finer classes is then not known."""
    hidden = CountedTray("t-99", (Path("a-soup.jpg"), Path("b-soup.jpg")), {"food": 1, "can": 1})
    seen_once = CountedTray("t-98", (Path("a-soup.jpg"), Path("b-soup.can.jpg")), {"food": 1, "can": 1}, hard=True)
    finer = finer_counts([*COARSE, hidden, seen_once], GROUPS, CLASSES, look=Shelf().look)
    assert [tray.tray_id for tray in finer][-2:] == [COARSE[-1].tray_id, "t-98"]
    assert (finer[-1].counts, finer[-1].hard) == ({"dish": 1, "can": 1}, True)


def test_a_new_class_that_no_photograph_shows_is_said_before_hours_of_training() -> None:
    """The weights would end without it, and could not be merged into what the trays are counted by."""
    kebab = [replace(COARSE[n], tray_id=f"k-{n}", counts={**COARSE[n].counts, "kebab": 1}) for n in range(2)]
    with pytest.raises(BadInput, match=r"'kebab' is new, .* could it be found \(k-0 and 1 more\): collect more"):
        finer_counts([*COARSE, *kebab], {**GROUPS, "kebab": ("kebab",)}, CLASSES, look=Shelf().look)


def test_weights_that_find_nothing_of_what_was_ordered_are_said_to_know_too_little() -> None:
    nothing = [replace(tray, counts={"food": 3, "can": 3}) for tray in COARSE]
    with pytest.raises(BadInput, match="of 40 trays 0 show all that their counts name"):
        finer_counts(nothing, GROUPS, CLASSES, look=Shelf().look)
