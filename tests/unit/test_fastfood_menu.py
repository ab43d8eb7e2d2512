"""The burger house's menu: it has what makes menus hard, fits the generator's classes, and judges its own checks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_agent.domain.contents import Contents
from edge_agent.domain.matching import VerdictKind, compare
from edge_agent.domain.menu import HandedAt, Menu, Visibility, wanted
from edge_agent.formats.menu import load_menu
from edge_agent.formats.orders import order_from_json
from edge_agent.training.synth.catalogue import CLASSES
from edge_agent.training.synth.checks import checks_for
from tests.builders import contents, order

PATH = Path(__file__).resolve().parent.parent.parent / "configs" / "menus" / "fastfood.yaml"


@pytest.fixture(scope="module")
def menu() -> Menu:
    return load_menu(PATH, model_classes=CLASSES).menu


def test_it_knows_every_class_that_the_generator_makes(menu: Menu) -> None:
    assert set(menu.classes) == set(CLASSES)


def test_it_has_what_makes_menus_hard(menu: Menu) -> None:
    assert len(menu.items) >= 15
    assert len(menu.items_seen_as("burger_wrapped")) >= 3
    assert any(item.contains for item in menu.items)
    assert any(item.any_of for item in menu.items)
    assert any(item.visibility is Visibility.PRESENCE for item in menu.items)
    assert any(item.handed_at is HandedAt.ELSEWHERE for item in menu.items)
    toy = menu.find("toy")
    assert toy is not None
    assert toy.visibility is Visibility.HIDDEN
    assert menu.rule_for("add cheese") is not None


def test_a_combo_in_large_with_a_hidden_toy_is_judged_by_what_is_seen(menu: Menu) -> None:
    wants = wanted(menu, order("A-1", "menu-kids"))
    verdict = compare(menu, wants, contents(nuggets=1, fries_small=1, bottle=1))
    assert verdict.kind is VerdictKind.MATCH


counts = st.dictionaries(st.sampled_from(CLASSES), st.integers(1, 3), min_size=1, max_size=5)


@given(there=counts, seed=st.integers(0, 1000))
@hypothesis_settings(max_examples=60)
def test_the_checks_of_a_tray_are_judged_as_they_expect(there: dict[str, int], seed: int) -> None:
    """Checks that the perfect camera fails would measure the generator, not the detector."""
    menu = load_menu(PATH).menu
    for check in checks_for("t", there, menu, random.Random(seed)):
        verdict = compare(menu, wanted(menu, order_from_json(check["order"])), Contents.of(there))
        assert verdict.kind.value == check["expected"], check


def test_an_empty_tray_has_no_checks(menu: Menu) -> None:
    """An order of nothing is none that a till sends."""
    assert checks_for("t", {}, menu, random.Random(1)) == []
