"""What the till sells and the menu does not know: found among orders, and taught to a menu."""

from __future__ import annotations

import pytest

from edge_agent.domain.menu import Visibility
from edge_agent.domain.unknown_skus import Known, Meaning, menu_knowing, unknown_skus
from edge_agent.errors import BadInput
from tests.builders import item, line, menu, order

MENU = menu("plate", item("fries", "fries", aliases=("pommes",)))
CLASSES = ("plate", "fries", "cup")


def test_unknown_skus_are_counted_by_orders_the_most_frequent_first() -> None:
    orders = [
        order("3", line("99", name="Ketchup"), line("99")),
        order("2", "plate", line("99", name="Old name"), line("77")),
        order("1", "pommes", line("77")),
        order("0", line("99")),
    ]
    assert [(each.sku, each.name, each.orders) for each in unknown_skus(MENU, orders)] == [
        ("99", "Ketchup", 3),
        ("77", "", 2),
    ]


def test_children_count_voided_lines_and_test_orders_do_not() -> None:
    voided = line("gone", voided=True, children=(line("below-gone"),))
    orders = [order("1", line("plate", children=(line("child"),)), voided), order("2", "trial", test=True)]
    assert [each.sku for each in unknown_skus(MENU, orders)] == ["child"]


def test_a_menu_learns_of_another_name_of_a_look_and_of_what_is_checked_by_hand() -> None:
    said = [
        Known(sku="101", means=Meaning.ITEM, of="pommes"),
        Known(sku="102", means=Meaning.LOOKS, of="cup", name="Cola"),
        Known(sku="103", means=Meaning.BY_HAND, name="Ketchup"),
    ]
    knowing = menu_knowing(MENU, said, classes=CLASSES)
    found = {sku: knowing.find(sku) for sku in ("101", "102", "103")}
    assert all(found.values())
    assert found["101"] is knowing.find("fries")
    assert found["102"] is not None
    assert (found["102"].detects_as, found["102"].shown_name) == ("cup", "Cola")
    assert found["103"] is not None
    assert found["103"].visibility is Visibility.HIDDEN
    assert unknown_skus(knowing, [order("1", "101", "102", "103")]) == ()


@pytest.mark.parametrize(
    ("known", "complaint"),
    [
        (Known(sku="plate", means=Meaning.BY_HAND), "knows 'plate' already"),
        (Known(sku="pommes", means=Meaning.BY_HAND), "knows 'pommes' already"),
        (Known(sku="1", means=Meaning.ITEM, of="none"), "no 'none' on the menu"),
        (Known(sku="1", means=Meaning.LOOKS, of="soup"), "knows no 'soup'"),
    ],
)
def test_what_a_menu_cannot_learn_is_refused(known: Known, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        menu_knowing(MENU, [known], classes=CLASSES)


@pytest.mark.parametrize(
    ("sku", "means", "of", "name"),
    [
        ("", Meaning.BY_HAND, "", ""),
        (" 1", Meaning.BY_HAND, "", ""),
        ("1" * 65, Meaning.BY_HAND, "", ""),
        ("1", Meaning.BY_HAND, "plate", ""),
        ("1", Meaning.ITEM, "", ""),
        ("1", Meaning.BY_HAND, "", "n" * 201),
    ],
)
def test_what_is_said_of_a_sku_is_bounded(sku: str, means: Meaning, of: str, name: str) -> None:
    with pytest.raises(BadInput):
        Known(sku=sku, means=means, of=of, name=name)
