"""The menu, and what an order wants of it."""

from __future__ import annotations

import pytest

from edge_agent.domain.menu import Menu, MenuFault, MenuItem, ModifierRule, Portion, Visibility, wanted
from edge_agent.domain.order import Order
from tests.builders import hidden, item, line, menu, order, presence

COMBO = menu(
    "burger",
    "fries",
    "salad",
    "cola",
    MenuItem(sku="meal", contains=(Portion(sku="burger"), Portion(sku="fries", quantity=2))),
    MenuItem(sku="feast", contains=(Portion(sku="meal", quantity=2), Portion(sku="cola"))),
    modifiers=[
        ModifierRule(name="extra cola", adds="cola"),
        ModifierRule(name="no fries", removes="fries"),
        ModifierRule(name="salad for fries", removes="fries", adds="salad"),
        ModifierRule(name="just a note"),
    ],
)


def pieces(of: Menu, *orders: Order) -> dict[str, int]:
    return {want.sku: want.quantity for want in wanted(of, *orders)}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (line("meal"), {"burger": 1, "fries": 2}),
        (line("meal", 3), {"burger": 3, "fries": 6}),
        (line("feast", 2), {"burger": 4, "fries": 8, "cola": 2}),
        (line("meal", children=(line("salad"),)), {"salad": 1}),
        (line("meal", 2, children=(line("burger"), line("cola", 2))), {"burger": 2, "cola": 4}),
        (line("meal", children=(line("burger"), line("cola", voided=True))), {"burger": 1}),
        (line("meal", children=(line("burger", voided=True),)), {}),
        (line("meal", voided=True, children=(line("burger"),)), {}),
        (line("burger", voided=True), {}),
        (line("burger", modifiers=("extra cola",)), {"burger": 1, "cola": 1}),
        (line("meal", 2, modifiers=(" NO Fries ",)), {"burger": 2, "fries": 2}),
        (line("meal", modifiers=("salad for fries",)), {"burger": 1, "fries": 1, "salad": 1}),
        (line("meal", modifiers=("salad for fries",) * 2), {"burger": 1, "salad": 2}),
        (line("meal", children=(line("fries", 2, modifiers=("no fries",)),)), {}),
    ],
)
def test_a_line_wants_these_pieces(asked: object, expected: dict[str, int]) -> None:
    """Combos are their parts, children go before parts, modifiers change what there is, voided lines want nothing."""
    assert pieces(COMBO, order("A", asked)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("modifier", ["no fries", "salad for fries", "well done", "just a note"])
def test_a_wish_that_changes_no_piece_is_left_to_the_crew(modifier: str) -> None:
    """Nobody checked it: it must not vanish from the ticket."""
    (burger, wish) = wanted(COMBO, order("A", line("burger", 2, modifiers=(modifier,))))
    assert (burger.quantity, burger.left_to_crew) == (2, None)
    assert (wish.name, wish.quantity, wish.left_to_crew is None) == (modifier, 2, False)


def test_several_orders_of_one_tray_add_up() -> None:
    assert pieces(COMBO, order("A", "burger"), order("B", "burger", "cola")) == {"burger": 2, "cola": 1}


def test_an_alias_is_its_item() -> None:
    of = menu(MenuItem(sku="fries", aliases=("pommes", "47"), detects_as="fries"))
    assert pieces(of, order("A", "fries", "pommes", line("47", 2))) == {"fries": 4}


@pytest.mark.parametrize(
    ("items", "modifiers", "names"),
    [
        ([item("a"), item("a", "b")], [], "'a'"),
        ([item("a", aliases=("b",)), item("b")], [], "'b'"),
        ([MenuItem(sku="a")], [], "'a'"),
        ([MenuItem(sku="a", contains=(Portion(sku="x"),))], [], "'x'"),
        ([MenuItem(sku="a", any_of=("x",))], [], "'x'"),
        ([MenuItem(sku="a", contains=(Portion(sku="a"),))], [], "contains itself"),
        (
            [MenuItem(sku="a", contains=(Portion(sku="b"),)), MenuItem(sku="b", contains=(Portion(sku="a"),))],
            [],
            "a > b > a",
        ),
        ([item("b"), MenuItem(sku="a", contains=(Portion(sku="b", quantity=0),))], [], "'b'"),
        ([item("b"), item("a", any_of=("b",))], [], "any_of"),
        ([item("b"), MenuItem(sku="a", any_of=("b",), contains=(Portion(sku="b"),))], [], "any_of"),
        ([hidden("b", "b"), MenuItem(sku="a", any_of=("b",))], [], "hidden"),
        ([hidden("b"), MenuItem(sku="a", any_of=("b",))], [], "detects_as"),
        ([item("a")], [ModifierRule(name="m", adds="x")], "'x'"),
        ([item("a")], [ModifierRule(name="m"), ModifierRule(name=" M")], "twice"),
    ],
)
def test_a_menu_that_makes_no_sense_names_its_fault(
    items: list[MenuItem], modifiers: list[ModifierRule], names: str
) -> None:
    """The installer reads one sentence, not a stack."""
    with pytest.raises(MenuFault) as caught:
        Menu(tuple(items), tuple(modifiers))
    assert names in str(caught.value)
    assert caught.value.at in (*items, *modifiers)


def test_one_item_of_mere_presence_makes_its_whole_class_so() -> None:
    """What cannot be told apart cannot be counted apart."""
    of = menu(presence("sauce"), item("dip", "sauce"), "fries")
    assert not of.counts_pieces("sauce")
    assert of.counts_pieces("fries")


def test_a_class_is_checked_unless_all_that_looks_like_it_is_hidden() -> None:
    of = menu(hidden("toy", "toy"), hidden("lid", "cup"), item("cola", "cup"))
    assert [of.is_checked(name) for name in of.classes] == [False, True]
    assert of.items[0].visibility is Visibility.HIDDEN
