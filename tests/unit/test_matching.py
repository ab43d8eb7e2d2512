"""Comparing what should lie on a tray with what was seen there."""

from __future__ import annotations

import pytest

from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.matching import Verdict, VerdictKind, compare, signature
from edge_agent.domain.menu import Menu, MenuItem, wanted
from edge_agent.domain.order import Order
from tests.builders import contents, elsewhere, hidden, item, line, menu, order, presence, results


def check(of: Menu, asked: Order, saw: Contents, *, complete: bool = True) -> Verdict:
    return compare(of, wanted(of, asked), saw, complete=complete)


@pytest.mark.parametrize(
    ("asked", "surely", "possibly", "result", "off_by"),
    [
        (2, 2, 2, "ok", 0),
        (2, 1, 1, "missing", 1),
        (2, 0, 0, "missing", 2),
        (2, 3, 3, "extra", 1),
        (2, 1, 2, "unsure", 0),
        (2, 2, 3, "unsure", 0),
        (2, 1, 3, "unsure", 0),
        (2, 0, 1, "missing", 1),
        (2, 3, 5, "extra", 1),
    ],
)
def test_bounds_decide_a_line(asked: int, surely: int, possibly: int, result: str, off_by: int) -> None:
    """Red only beyond doubt, green only beyond doubt: the whole verdict rests on these rows."""
    verdict = check(menu("fries"), order("A", line("fries", asked)), contents(fries=(surely, possibly)))
    assert [(each.result.value, each.off_by) for each in verdict.lines] == [(result, off_by)]


def test_two_lines_of_one_sku_are_one_line_of_two() -> None:
    """A scar: `fries x1` + `fries x1` against two fries raised two false alarms."""
    verdict = check(menu("fries"), order("A", "fries", "fries"), contents(fries=2))
    assert verdict.kind is VerdictKind.MATCH
    assert [(each.expected, each.seen) for each in verdict.lines] == [(2, 2)]


@pytest.mark.parametrize("unclear", [Doubt.NOTHING_SEEN, Doubt.TOO_FEW_FRAMES, Doubt.COVERED])
@pytest.mark.parametrize("quantity", [1, 999])
def test_nothing_is_missing_without_a_clear_view(unclear: Doubt, quantity: int) -> None:
    """A scar: an empty picture read as "everything missing". Also of an order of two hundred thousand pieces."""
    lines = [line("fries", quantity)] * 200
    verdict = check(menu("fries", "cola"), order("A", *lines), contents(unclear))
    assert verdict.kind is VerdictKind.UNSURE
    assert [(each.result.value, each.reason) for each in verdict.lines] == [("unsure", unclear.value)]


def test_what_is_too_much_is_too_much_in_any_view() -> None:
    """Three fries seen beyond doubt are three, whatever else lies under a hand."""
    verdict = check(menu("fries"), order("A", "fries"), contents(Doubt.COVERED, fries=3))
    assert results(verdict) == {"fries": "extra"}


LOOK_ALIKES = menu(item("hamburger", "wrapped"), item("cheeseburger", "wrapped"), "fries")


def test_look_alikes_are_one_group_line() -> None:
    """Wrapped burgers look alike: two of them fill one of each, and nobody says which is which."""
    verdict = check(LOOK_ALIKES, order("A", "cheeseburger", "hamburger"), contents(wrapped=2))
    assert results(verdict) == {"hamburger|cheeseburger": "ok"}
    short = check(LOOK_ALIKES, order("A", "cheeseburger", "hamburger"), contents(wrapped=1))
    assert [(each.sku, each.off_by) for each in short.faults] == [("hamburger|cheeseburger", 1)]


def test_an_order_of_one_look_alike_is_named_as_that_one() -> None:
    assert results(check(LOOK_ALIKES, order("A", "hamburger"), contents())) == {"hamburger": "missing"}


def test_a_surplus_nobody_ordered_names_all_that_look_like_it() -> None:
    verdict = check(LOOK_ALIKES, order("A", "fries"), contents(fries=1, wrapped=1))
    assert results(verdict) == {"fries": "ok", "hamburger|cheeseburger": "extra"}


PRESENCE = menu(presence("sauce"), "fries")


@pytest.mark.parametrize(
    ("asked", "saw", "result"),
    [(1, 1, "ok"), (5, 1, "ok"), (1, 7, "ok"), (1, 0, "missing"), (1, (0, 1), "unsure")],
)
def test_of_mere_presence_one_stands_for_all(asked: int, saw: int | tuple[int, int], result: str) -> None:
    """What cannot be counted is there or is not; its boxes come and go in number."""
    verdict = check(PRESENCE, order("A", line("sauce", asked)), contents(sauce=saw))
    assert results(verdict) == {"sauce": result}


def test_a_presence_item_nobody_ordered_is_one_extra_however_many_boxes_it_has() -> None:
    verdict = check(PRESENCE, order("A", "fries"), contents(fries=1, sauce=4))
    assert [(each.sku, each.off_by) for each in verdict.faults] == [("sauce", 1)]


def test_hidden_items_are_left_to_the_crew() -> None:
    """Green says how much it covers."""
    verdict = check(menu("fries", hidden("toy")), order("A", "fries", "toy"), contents(fries=1))
    assert verdict.kind is VerdictKind.MATCH
    assert (verdict.checked_pieces, verdict.wanted_pieces) == (1, 2)
    assert [(each.name, each.reason) for each in verdict.by_hand] == [("toy", "hidden")]


@pytest.mark.parametrize("asked", [("fries", "toy"), ("fries",)])
def test_a_hidden_item_that_is_seen_all_the_same_is_not_an_extra(asked: tuple[str, ...]) -> None:
    """Hidden is never checked, even where the detector happens to know its class."""
    verdict = check(menu("fries", hidden("toy", "toy")), order("A", *asked), contents(fries=1, toy=2))
    assert verdict.kind is VerdictKind.MATCH


def test_an_item_handed_elsewhere_is_tolerated_in_its_number() -> None:
    """The cola comes from the machine; if it stands on the tray, it is no extra. Two of them are one too many."""
    of = menu("fries", elsewhere("cola"))
    asked = order("A", "fries", "cola")
    assert check(of, asked, contents(fries=1)).kind is VerdictKind.MATCH
    assert check(of, asked, contents(fries=1, cola=1)).kind is VerdictKind.MATCH
    assert check(of, asked, contents(fries=1, cola=2)).kind is VerdictKind.MISMATCH
    assert check(of, order("A", "fries"), contents(fries=1, cola=1)).kind is VerdictKind.MISMATCH


def test_an_unknown_sku_softens_extras_and_nothing_else() -> None:
    """The extra may be just the thing that the menu does not know; what is missing is missing."""
    asked = order("A", "fries", line("4711", name="Dip"))
    verdict = check(menu("fries", "cola"), asked, contents(fries=1, cola=1))
    assert verdict.kind is VerdictKind.UNSURE
    assert results(verdict) == {"fries": "ok", "4711": "not_checked", "cola": "unsure"}
    assert [each.name for each in verdict.by_hand] == ["Dip"]
    assert check(menu("fries", "cola"), asked, contents(cola=1)).kind is VerdictKind.MISMATCH


def test_an_order_of_nothing_that_can_be_seen_is_never_green() -> None:
    verdict = check(menu("fries", hidden("toy")), order("A", "toy"), contents())
    assert verdict.kind is VerdictKind.UNSURE
    assert verdict.nothing_to_see


def test_classes_that_no_item_shows_are_ignored() -> None:
    """The detector may know napkins; the menu does not sell them."""
    assert check(menu("fries"), order("A", "fries"), contents(fries=1, napkin=3)).kind is VerdictKind.MATCH


def test_nothing_is_missing_before_the_last_part_but_too_much_is_too_much() -> None:
    asked = order("A", "fries", "cola", parts=2)
    assert check(menu("fries", "cola"), asked, contents(fries=1), complete=False).kind is VerdictKind.UNSURE
    assert check(menu("fries", "cola"), asked, contents(fries=2), complete=False).kind is VerdictKind.MISMATCH


CHOICE = menu("cola", "water", "fries", MenuItem(sku="drink", any_of=("cola", "water")))


@pytest.mark.parametrize(
    ("asked", "saw", "expected"),
    [
        (("drink",), {"water": 1}, {"drink": "ok"}),
        (("drink",), {}, {"drink": "missing"}),
        (("drink", "cola"), {"cola": 2}, {"drink": "ok", "cola": "ok"}),
        (("drink", "cola"), {"cola": 1, "water": 1}, {"drink": "ok", "cola": "ok"}),
        (("drink", "cola"), {"water": 2}, {"drink": "ok", "cola": "missing", "water": "extra"}),
        (("drink", "cola"), {"cola": 1}, {"drink": "missing", "cola": "ok"}),
        (("drink", "drink"), {"cola": 1, "water": 1}, {"drink": "ok"}),
    ],
)
def test_a_choice_takes_whatever_of_it_is_there(
    asked: tuple[str, ...], saw: dict[str, int], expected: dict[str, str]
) -> None:
    assert results(check(CHOICE, order("A", *asked), contents(**saw))) == expected


def test_a_surplus_beside_a_choice_shows_how_many_were_seen() -> None:
    verdict = check(CHOICE, order("A", "drink", "cola"), contents(cola=3))
    assert [(each.sku, each.expected, each.seen, each.off_by) for each in verdict.faults] == [("cola", 1, 2, 1)]


def test_one_thing_in_the_place_of_another_differs_by_one() -> None:
    assert check(menu("fries", "cola"), order("A", "fries"), contents(cola=1)).differing_pieces == 1


def test_lines_stand_in_the_sequence_of_the_till_and_a_surplus_comes_last() -> None:
    """The crew reads the ticket and the screen side by side."""
    of = menu("a", "b", hidden("toy"), "c")
    verdict = check(of, order("A", "c", "toy", "b"), contents(a=1, b=1, c=1))
    assert [each.sku for each in verdict.lines] == ["c", "toy", "b", "a"]


def test_the_signature_does_not_depend_on_the_sequence_of_the_lines() -> None:
    """What sounded once does not sound again because the till sent its lines in another sequence."""
    one = check(LOOK_ALIKES, order("A", "cheeseburger", "hamburger", "fries"), contents())
    two = check(LOOK_ALIKES, order("A", "fries", "hamburger", "cheeseburger"), contents())
    assert signature(one.faults) == signature(two.faults)


def test_what_the_model_often_overlooks_is_never_missing_beyond_doubt() -> None:
    """Else every bottle that the model does not know turns a right tray red."""
    one, often = ClassCount.exactly("burger", 1), frozenset({"cola"})
    either = menu("burger", "cola")
    without = check(either, order("A", "burger", "cola"), Contents((one,), overlooked=often))
    assert [(each.sku, each.result.value, each.reason) for each in without.lines][1] == ("cola", "unsure", "overlooked")
    assert without.kind is VerdictKind.UNSURE
    both = Contents((one, ClassCount.exactly("cola", 1)), overlooked=often)
    assert check(either, order("A", "burger"), both).kind is VerdictKind.MISMATCH, "what is seen is seen"
