"""The menu file: every mistake of the person who wrote it is named with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.domain.matching import compare
from edge_agent.domain.menu import HandedAt, Menu, MenuItem, ModifierRule, Portion, Visibility, wanted
from edge_agent.errors import BadConfig
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import sha256_of
from edge_agent.formats.yaml_file import dump_yaml
from tests.builders import contents, order, results

PLATE = "items:\n  - {sku: plate, detects_as: plate}\n"
REPOSITORY = Path(__file__).resolve().parent.parent.parent


def refusal(tmp_path: Path, text: str, classes: tuple[str, ...] | None = None) -> str:
    """What the reader says about such a menu, without the folder."""
    path = tmp_path / "menu.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig) as caught:
        load_menu(path, model_classes=classes)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def load(tmp_path: Path, text: str) -> Menu:
    path = tmp_path / "menu.yaml"
    path.write_text(text)
    return load_menu(path).menu


def test_the_shipped_menu_reads_and_fits_the_canteen_model() -> None:
    classes = ("plate", "starter", "bread", "drink", "yogurt", "dessert", "fruit", "cheese")
    path = REPOSITORY / "configs" / "menus" / "canteen.yaml"
    loaded = load_menu(path, model_classes=classes)
    assert loaded.menu.classes == classes
    assert loaded.sha256 == sha256_of(path)


DISHES = (
    *("apple", "banana", "bread", "cheese", "chocolate_cake", "citrus", "cold_cuts", "cream_dessert", "creme_brulee"),
    *("egg_mayo", "fish_starter", "fries_plate", "goat_cheese_tartlet", "green_salad", "kiwi", "main_plate"),
    *("mixed_salad", "other_starter", "pineapple", "pizza_slice", "soda_can", "sparkling_bottle", "takeaway_box"),
    *("water_bottle_large", "water_bottle_small", "yogurt"),
)
UNKNOWN_DISHES = ("other_dessert", "juice_or_other_drink")


def test_the_finer_menu_reads_and_fits_its_model() -> None:
    loaded = load_menu(REPOSITORY / "configs" / "menus" / "canteen-dishes.yaml", model_classes=DISHES)
    assert sorted(loaded.menu.classes) == sorted(DISHES)
    assert all(each.detects_as in (each.sku, None) for each in loaded.menu.items)
    assert [each.sku for each in loaded.menu.items if each.detects_as is None] == list(UNKNOWN_DISHES)


def test_a_dish_that_the_finer_model_does_not_know_is_left_to_the_crew() -> None:
    """It is never missing; what the model takes for another dish is extra, whether or not the unknown was ordered."""
    finer = load_menu(REPOSITORY / "configs" / "menus" / "canteen-dishes.yaml", model_classes=DISHES).menu
    ordered = wanted(finer, order("A", "main_plate", "other_dessert"))
    fits = compare(finer, ordered, contents(main_plate=1))
    assert results(fits) == {"main_plate": "ok", "other_dessert": "not_checked"}
    assert (fits.kind.value, fits.checked_pieces, fits.wanted_pieces) == ("match", 1, 2)
    taken = compare(finer, ordered, contents(main_plate=1, cream_dessert=1))
    assert results(taken) == {"main_plate": "ok", "other_dessert": "not_checked", "cream_dessert": "extra"}


def test_a_class_that_the_model_lacks_is_refused_with_its_line(tmp_path: Path) -> None:
    """The item would be called missing on every tray, for ever."""
    text = PLATE + "  - sku: soup\n    detects_as: bowl\n"
    said = refusal(tmp_path, text, ("plate", "bread"))
    assert said == "menu.yaml:4: 'soup' is to look like 'bowl', but the model knows only plate, bread"


def test_without_a_model_every_class_is_let_pass(tmp_path: Path) -> None:
    assert load(tmp_path, PLATE).classes == ("plate",)


@pytest.mark.parametrize(
    "second",
    ["{sku: plate, detects_as: plate}", "{sku: plate, detects_as: dish}", "{sku: x, aliases: [plate], detects_as: x}"],
    ids=["the same item", "another item", "an alias"],
)
def test_two_items_with_one_identifier_are_refused_at_the_second(tmp_path: Path, second: str) -> None:
    """Which of the two the till means cannot be known; the line is that of the one to change."""
    said = refusal(tmp_path, PLATE + "  - {sku: bread, detects_as: bread}\n  - " + second + "\n")
    assert said.startswith("menu.yaml:4: 'plate' names two items")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{sku: a}", "'a' needs 'detects_as'"),
        ("{sku: a, detects_as: a, colour: red}", "unknown key 'colour'"),
        ("{sku: a, detect_as: a}", "unknown key 'detect_as'; did you mean 'detects_as'?"),
        ("{sku: a, detects_as: a, visibility: sometimes}", "items.1.visibility"),
        ("{sku: 7, detects_as: a}", "put it in quotes"),
        ("{sku: a, contains: [{sku: ghost}]}", "'a' names 'ghost'"),
        ("{sku: a, any_of: [ghost]}", "'a' names 'ghost'"),
        ("{sku: a, contains: [{sku: a}]}", "contains itself"),
        ("{sku: a, contains: [{sku: plate, quantity: 0}]}", "items.1.contains.0.quantity"),
        ("{sku: a, contains: [{sku: plate, quantity: .inf}]}", "items.1.contains.0.quantity"),
        ("{sku: ' a', detects_as: a}", "begins or ends with a blank"),
        ("{sku: a, aliases: ['b '], detects_as: a}", "begins or ends with a blank"),
        ("{sku: a, aliases: [''], detects_as: a}", "items.1.aliases.0"),
        ("{sku: '', detects_as: a}", "items.1.sku"),
        ("{sku: a, sku: b, detects_as: a}", "stands here a second time"),
        ("plate", "items.1 should be a group of keys"),
    ],
)
def test_a_mistake_in_an_item_is_named_with_its_line(tmp_path: Path, entry: str, said: str) -> None:
    complaint = refusal(tmp_path, PLATE + f"  - {entry}\n")
    assert complaint.startswith("menu.yaml:3: ")
    assert said in complaint


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: plain}", "does nothing"),
        ("{name: x, adds: ghost}", "names 'ghost'"),
        ("{name: x, replaces: {plate: bread}, adds: plate}", "use one"),
        ("{name: ' BIG ', adds: plate}", "stands twice"),
        ("{name: x, replaces: {plate: bread, bread: plate}}", "modifiers.1.replaces"),
    ],
)
def test_a_mistake_in_a_modifier_is_named_with_its_line(tmp_path: Path, entry: str, said: str) -> None:
    text = PLATE + "  - {sku: bread, detects_as: bread}\nmodifiers:\n  - {name: big, adds: plate}\n  - " + entry + "\n"
    complaint = refusal(tmp_path, text)
    assert complaint.startswith("menu.yaml:6: ")
    assert said in complaint


@pytest.mark.parametrize("text", ["", "items: []\n", "modifiers: []\n", "- plate\n", "items:\n"])
def test_a_menu_without_an_item_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).startswith("menu.yaml")


def combos(levels: int, times: int) -> str:
    """Combos that each hold the next one so many times."""
    chain = [f"  - {{sku: c{n}, contains: [{', '.join([f'{{sku: c{n + 1}}}'] * times)}]}}\n" for n in range(levels)]
    return "items:\n" + "".join(chain) + f"  - {{sku: c{levels}, detects_as: x}}\n"


@pytest.mark.parametrize(("levels", "times"), [(1_100, 1), (40, 2), (7, 9)])
def test_combos_of_combos_without_end_are_refused_at_once(tmp_path: Path, levels: int, times: int) -> None:
    """Forty lines of a menu could otherwise keep the box busy for longer than it will stand there."""
    said = refusal(tmp_path, combos(levels, times))
    assert said.startswith("menu.yaml:")
    assert "deeper than" in said or "more than" in said


def test_combos_that_a_kitchen_sells_are_read(tmp_path: Path) -> None:
    assert len(load(tmp_path, combos(3, 2)).items) == 4


def test_a_combo_that_contains_itself_by_another_is_refused(tmp_path: Path) -> None:
    text = PLATE + "  - {sku: a, contains: [{sku: b}]}\n  - {sku: b, aliases: [bb], contains: [{sku: a}]}\n"
    assert refusal(tmp_path, text) == "menu.yaml:3: the combo 'a' contains itself: a > b > a"


def test_a_menu_with_many_modifiers_reads_in_time(tmp_path: Path) -> None:
    """The file is parsed once, not once for every modifier."""
    rules = "".join(f"  - {{name: m{n}, adds: plate}}\n" for n in range(400))
    assert len(load(tmp_path, PLATE + "modifiers:\n" + rules).modifiers) == 400


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12)


@st.composite
def menus(draw: st.DrawFn) -> Menu:
    """Menus with every kind of item and rule."""
    names = draw(st.lists(NAMES, min_size=4, max_size=8, unique=True))
    base = [
        MenuItem(
            sku=name,
            name=draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=10)),
            detects_as=draw(NAMES),
            visibility=draw(st.sampled_from([Visibility.COUNTABLE, Visibility.PRESENCE])),
            handed_at=draw(st.sampled_from(HandedAt)),
        )
        for name in names[:2]
    ]
    combo = MenuItem(sku=names[2], contains=(Portion(sku=names[0], quantity=draw(st.integers(1, 9))),))
    choice = MenuItem(sku=names[3], any_of=(names[0], names[1]), aliases=tuple(names[4:]))
    rules = draw(
        st.sampled_from(
            [
                (),
                (ModifierRule(name="big", adds=names[0]),),
                (ModifierRule(name="swap", adds=names[0], removes=names[1]), ModifierRule(name="no", removes=names[0])),
            ]
        )
    )
    return Menu((*base, combo, choice), rules)


def wire(menu: Menu) -> dict[str, Any]:
    """As a person would write it."""
    items = [
        {
            "sku": item.sku,
            "name": item.name,
            "aliases": list(item.aliases),
            "detects_as": item.detects_as,
            "visibility": item.visibility.value,
            "handed_at": item.handed_at.value,
            "contains": [{"sku": p.sku, "quantity": p.quantity} for p in item.contains],
            "any_of": list(item.any_of),
        }
        for item in menu.items
    ]
    rules = [
        {"name": rule.name, "replaces": {rule.removes: rule.adds}}
        if rule.adds and rule.removes
        else {"name": rule.name, "adds": rule.adds, "removes": rule.removes}
        for rule in menu.modifiers
    ]
    return {"items": items, "modifiers": rules}


@given(menus())
def test_a_menu_survives_being_written_and_read(tmp_path_factory: pytest.TempPathFactory, menu: Menu) -> None:
    path = tmp_path_factory.getbasetemp() / "any-menu.yaml"
    path.write_text(dump_yaml(wire(menu)), encoding="utf-8")
    assert load_menu(path).menu == menu
