"""A thing on a tray is called what the menu calls it, and of look-alikes what was ordered."""

from __future__ import annotations

from edge_agent.domain.calling import names_of_class
from edge_agent.domain.matching import CheckedLine, LineResult
from tests.builders import item, menu

MENU = menu(
    item("1", name="Hamburger", detects_as="burger_wrapped"),
    item("2", name="Cheeseburger", detects_as="burger_wrapped"),
    item("3", name="Pommes", detects_as="fries_carton"),
)


def ordered(*skus: str, expected: int = 1) -> CheckedLine:
    return CheckedLine(skus=skus, name="", expected=expected, seen=1, result=LineResult.OK)


def test_the_only_item_that_looks_so_gives_its_name() -> None:
    assert names_of_class(MENU, "fries_carton") == ("Pommes",)


def test_of_look_alikes_the_one_that_was_ordered_is_named() -> None:
    assert names_of_class(MENU, "burger_wrapped", [ordered("2"), ordered("3")]) == ("Cheeseburger",)


def test_look_alikes_that_were_both_ordered_or_not_at_all_are_named_together() -> None:
    both = ("Hamburger", "Cheeseburger")
    assert names_of_class(MENU, "burger_wrapped", [ordered("1", "2")]) == both
    assert names_of_class(MENU, "burger_wrapped") == both
    assert names_of_class(MENU, "burger_wrapped", [ordered("2", expected=0)]) == both, "too much of what nobody ordered"


def test_items_of_one_name_are_named_once() -> None:
    """A till may sell the same cup under two SKUs; "Cola / Cola" says nothing."""
    twice = menu(item("1", name="Cola", detects_as="cup"), item("2", name="Cola", detects_as="cup"))
    assert names_of_class(twice, "cup") == ("Cola",)
    assert names_of_class(twice, "cup", [ordered("1", "2")]) == ("Cola",)


def test_what_is_on_no_menu_has_no_name() -> None:
    assert names_of_class(MENU, "hand") == ()
