"""Scores of single items: nothing is counted twice, nothing is lost, and nothing is known that counts cannot say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from edge_agent.checking.item_scores import NOTHING, ClassItems, ItemScores, item_scores, trays_with
from edge_agent.domain.contents import ClassCount, Contents
from tests.builders import contents

Counts = Mapping[str, int]

COUNTS = st.dictionaries(st.sampled_from(["kiwi", "apple", "bread", "soup"]), st.integers(0, 4))
TRAYS = st.lists(st.tuples(COUNTS, COUNTS), max_size=8)


def scored(*trays: tuple[Counts, Counts], known: Counts | None = None, min_trays: int = 1) -> ItemScores:
    """Trays as (true, seen)."""
    pairs = ((true, Contents.of(seen)) for true, seen in trays)
    return item_scores(pairs, trays_known=known, min_trays=min_trays)


def of(items: ItemScores, name: str) -> ClassItems:
    return next(each for each in items.classes if each.class_name == name)


def test_a_class_is_counted_tray_by_tray() -> None:
    """One too many on one tray makes up for nothing on another."""
    kiwi = of(scored(({"kiwi": 2}, {"kiwi": 1}), ({"kiwi": 1}, {"kiwi": 2}), ({}, {})), "kiwi")
    assert (kiwi.trays, kiwi.items, kiwi.seen, kiwi.found) == (2, 3, 3, 2)
    assert (kiwi.recall.value, kiwi.precision.value, kiwi.exact.value) == (2 / 3, 2 / 3, 1 / 3)


def test_the_interval_is_that_of_clopper_and_pearson() -> None:
    recall = of(scored(*[({"kiwi": 1}, {"kiwi": 1})] * 9, ({"kiwi": 1}, {})), "kiwi").recall
    expected = binomtest(9, 10).proportion_ci(0.95, "exact")
    assert recall.low == pytest.approx(expected.low)
    assert recall.high == pytest.approx(expected.high)


def test_the_likely_count_is_the_one_that_is_scored() -> None:
    """What is only possibly there is a doubt for the verdict, and no answer to "what is it"."""
    kiwi = of(item_scores([({"kiwi": 1}, contents(kiwi=(0, 1)))]), "kiwi")
    assert (kiwi.seen, kiwi.found) == (0, 0)


@pytest.mark.parametrize(
    ("true", "seen", "cells"),
    [
        ({"kiwi": 1}, {"apple": 1}, {("kiwi", "apple"): 1}),
        ({"kiwi": 1, "bread": 1}, {"apple": 1, "bread": 1}, {("kiwi", "apple"): 1, ("bread", "bread"): 1}),
        ({"kiwi": 1}, {}, {("kiwi", NOTHING): 1}),
        ({}, {"kiwi": 1}, {(NOTHING, "kiwi"): 1}),
        ({"kiwi": 2}, {"apple": 1}, {("kiwi", "apple"): 1, ("kiwi", NOTHING): 1}),
        ({"kiwi": 1}, {"apple": 1, "soup": 1}, {("kiwi", "apple"): 0.5, ("kiwi", "soup"): 0.5,
                                                (NOTHING, "apple"): 0.5, (NOTHING, "soup"): 0.5}),
        ({"kiwi": 1, "bread": 1}, {"apple": 1, "soup": 1}, {("kiwi", "apple"): 0.5, ("kiwi", "soup"): 0.5,
                                                            ("bread", "apple"): 0.5, ("bread", "soup"): 0.5}),
        ({"kiwi": 0}, {"apple": 0}, {}),
    ],
)  # fmt: skip
def test_missed_and_surplus_items_of_a_tray_are_paired_off(
    true: Counts, seen: Counts, cells: dict[tuple[str, str], float]
) -> None:
    assert scored((true, seen)).confusion == cells


def test_items_of_different_trays_are_never_paired() -> None:
    """A kiwi that is missed here cannot be the apple that is seen there."""
    assert scored(({"kiwi": 1}, {}), ({}, {"apple": 1})).confusion == {("kiwi", NOTHING): 1, (NOTHING, "apple"): 1}


@given(TRAYS)
def test_rows_add_up_to_what_is_there_and_columns_to_what_was_seen(trays: list[tuple[Counts, Counts]]) -> None:
    items = scored(*trays)
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (true, seen), count in items.confusion.items():
        assert count > 0
        rows[true] += count  # type: ignore[assignment]
        columns[seen] += count  # type: ignore[assignment]
    for each in items.classes:
        assert rows[each.class_name] == pytest.approx(each.items)
        assert columns[each.class_name] == pytest.approx(each.seen)
        assert items.confusion.get((each.class_name, each.class_name), 0) == each.found
    assert (NOTHING, NOTHING) not in items.confusion


@given(TRAYS)
def test_no_item_is_missed_while_a_surplus_one_of_its_tray_has_no_partner(trays: list[tuple[Counts, Counts]]) -> None:
    for tray in trays:
        cells = scored(tray).confusion
        assert not (any(seen == NOTHING for _, seen in cells) and any(true == NOTHING for true, _ in cells))


@given(TRAYS)
def test_truth_and_sight_exchanged_turn_the_matrix_over(trays: list[tuple[Counts, Counts]]) -> None:
    one, other = scored(*trays), scored(*[(seen, true) for true, seen in trays])
    assert {(b, a): n for (a, b), n in one.confusion.items()} == pytest.approx(dict(other.confusion))
    turned = {each.class_name: each for each in other.classes}
    for each in one.classes:
        if each.items or each.seen:
            assert each.recall == turned[each.class_name].precision
            assert each.exact == turned[each.class_name].exact


@given(st.lists(COUNTS, max_size=8))
def test_perfect_eyes_find_everything(trays: list[Counts]) -> None:
    items = scored(*[(counts, counts) for counts in trays])
    assert all(true == seen for true, seen in items.confusion)
    assert items.mistaken == ()
    assert items.macro_recall in (1.0, None)


@given(TRAYS)
def test_the_json_can_be_printed_and_says_all(trays: list[tuple[Counts, Counts]]) -> None:
    items = scored(*trays)
    said = items.as_json()
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert set(said["classes"]) == {each.class_name for each in items.classes}
    assert sum(map(len, said["item_confusion"].values())) == len(items.confusion)


def test_the_macro_recall_gives_every_class_the_same_weight() -> None:
    trays = [({"bread": 1}, {"bread": 1})] * 8 + [({"kiwi": 1}, {"kiwi": 1}), ({"kiwi": 1}, {})]
    assert scored(*trays).macro_recall == pytest.approx(0.75)
    assert scored(*trays, min_trays=3).macro_recall == pytest.approx(1.0)
    assert scored(*trays, min_trays=9).macro_recall is None


def test_what_is_seen_beyond_doubt_is_told_beside_it() -> None:
    """A verdict rests on what is sure; the likely kiwi of an unsure pair is no answer to the till."""
    unsure = ClassCount(class_name="kiwi", surely=1, possibly=3, likely=2)
    items = item_scores([({"kiwi": 2}, Contents((unsure,))), ({"kiwi": 2}, contents(kiwi=2))], min_trays=1)
    assert (of(items, "kiwi").found, of(items, "kiwi").found_surely) == (4, 3)
    assert (items.macro_recall, items.macro_recall_surely) == (1.0, 0.75)
    assert items.as_json()["macro_recall_surely"] == 0.75


def test_the_whole_folder_says_which_classes_enter_the_macro_recall() -> None:
    """A block that was held out is small: in it hardly any class would have trays enough."""
    trays = [({"bread": 1}, {"bread": 1}), ({"kiwi": 1}, {})]
    items = scored(*trays, known={"bread": 40, "kiwi": 29, "soup": 35}, min_trays=30)
    assert [each.class_name for each in items.classes] == ["bread", "soup", "kiwi"]
    assert [each.class_name for each in items.frequent] == ["bread", "soup"]
    assert [each.class_name for each in items.in_macro] == ["bread"], "of soup nothing can be said here"
    assert items.macro_recall == 1.0
    said = items.as_json()["classes"]
    assert {name: entry["in_macro"] for name, entry in said.items()} == {"bread": True, "soup": False, "kiwi": False}
    assert said["soup"]["recall"] == [None, None, None]


def test_thirty_trays_are_enough_and_twenty_nine_are_not() -> None:
    for many, chosen in ((29, 0), (30, 1)):
        assert len(item_scores([({"kiwi": 1}, contents(kiwi=1))] * many).in_macro) == chosen


def test_what_happens_most_often_is_named_first() -> None:
    items = scored(({"kiwi": 1}, {"apple": 1}), ({"bread": 1}, {}), ({"bread": 1}, {}))
    assert items.mistaken == (("bread", NOTHING, 2), ("kiwi", "apple", 1))


def test_without_trays_there_is_nothing_to_say() -> None:
    assert scored().as_json() == {
        "classes": {},
        "macro_recall": None,
        "macro_recall_surely": None,
        "item_confusion": {},
    }


def test_a_tray_counts_once_for_a_class_however_many_lie_there() -> None:
    assert trays_with([{"kiwi": 3, "apple": 0}, {"kiwi": 1}]) == {"kiwi": 2}
