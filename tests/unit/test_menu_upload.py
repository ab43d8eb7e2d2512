"""A menu that somebody uploads: YAML as ever, CSV as spreadsheets write it, and a menu as YAML again."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from edge_agent.domain.menu import HandedAt, Menu, MenuItem, ModifierRule, Portion, Visibility
from edge_agent.errors import BadConfig
from edge_agent.formats.menu import load_menu, menu_as_yaml
from edge_agent.formats.menu_upload import menu_from

CLASSES = ("plate", "cup", "box")
REPOSITORY = Path(__file__).resolve().parents[2]


def from_csv(text: str) -> Menu:
    return menu_from(text.encode(), "menu.csv", model_classes=CLASSES)


def test_csv_has_a_row_per_item() -> None:
    menu = from_csv(
        "sku,name,aliases,detects_as,visibility,handed_at,contains,any_of\n"
        "1,Plate,P|Q,plate,,,,\n"
        "2,Cola,,cup,,elsewhere,,\n"
        "\n"
        "3,Toy,,,hidden,,,\n"
        '4,"Meal, large",,,,,1|2*2,\n'
        "5,Drink,,,,,,2\n"
    )
    assert menu.find("Q") is menu.find("1")
    two, four, five = menu.find("2"), menu.find("4"), menu.find("5")
    assert two is not None
    assert two.handed_at is HandedAt.ELSEWHERE
    assert four is not None
    assert (four.name, four.contains) == ("Meal, large", (Portion(sku="1"), Portion(sku="2", quantity=2)))
    assert five is not None
    assert five.any_of == ("2",)


def test_a_semicolon_and_a_byte_order_mark_are_what_spreadsheets_write() -> None:
    menu = menu_from("\ufeffSKU;Name;detects_as\n1;Teller;plate\n".encode(), "Karte.CSV", model_classes=CLASSES)
    assert [item.shown_name for item in menu.items] == ["Teller"]


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("", 1, "'sku' is not among them"),
        ("name\nx\n", 1, "'sku' is not among them"),
        ("sku,price\n", 1, "column 'price' is not known"),
        ("sku,sku\n", 1, "stands twice"),
        ("sku,detects_as\n1,plate\n2\n", 3, "1 cells, the first line names 2"),
        ("sku,detects_as\n1,plate\n\n2,soup\n", 4, "knows only plate, cup, box"),
        ("sku,detects_as\n1,plate\n1,cup\n", 3, "names two items"),
        ("sku,visibility\n1,seen\n", 2, "visibility"),
        ("sku,detects_as\n1,\n", 2, "needs 'detects_as'"),
        ("sku,contains\n1,x*2\n", 2, "write a part as"),
        ("sku,detects_as\n,plate\n", 2, "sku"),
        ('sku,detects_as\n"1,plate\n', None, "CSV"),
        ("sku\n", None, "no item"),
    ],
)
def test_what_is_wrong_with_csv_is_said_with_its_line(text: str, line: int | None, complaint: str) -> None:
    with pytest.raises(BadConfig, match=complaint) as refusal:
        from_csv(text)
    assert line is None or refusal.value.line == line
    assert str(refusal.value.path) == "menu.csv"


@pytest.mark.parametrize(
    ("raw", "name", "complaint"),
    [
        (b"items: []\n", "menu.yaml", "items"),
        (b"items:\n- {sku: a, detects_as: soup}\n", "menu.yaml", "knows only"),
        (b"\xff\xfe", "menu.csv", "not UTF-8"),
        (b"\xff\xfe", "menu.yaml", "not UTF-8"),
        (b"x" * 1_000_001, "menu.csv", "larger"),
        (b"x" * 1_000_001, "menu.yaml", "larger"),
        (b"", "", "empty"),
    ],
)
def test_whatever_is_uploaded_is_refused_with_a_sentence(raw: bytes, name: str, complaint: str) -> None:
    with pytest.raises(BadConfig, match=complaint) as refusal:
        menu_from(raw, name, model_classes=CLASSES)
    assert "tmp" not in str(refusal.value)


def test_a_name_leads_nowhere() -> None:
    with pytest.raises(BadConfig) as refusal:
        menu_from(b"", "../../etc/passwd", model_classes=CLASSES)
    assert str(refusal.value.path) == "passwd"


@given(st.binary(max_size=60), st.sampled_from(["a.csv", "a.yaml"]))
def test_no_bytes_break_the_reader(raw: bytes, name: str) -> None:
    with contextlib.suppress(BadConfig):
        menu_from(raw, name, model_classes=CLASSES)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "configs" / "menus").glob("*.yaml")), ids=lambda p: p.name)
def test_a_shipped_menu_is_written_as_it_was_read(path: Path, tmp_path: Path) -> None:
    menu = load_menu(path).menu
    (tmp_path / "again.yaml").write_text(menu_as_yaml(menu))
    assert load_menu(tmp_path / "again.yaml").menu == menu


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(NAMES, st.sampled_from(Visibility), st.sampled_from(HandedAt)), min_size=1, max_size=4))
@given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_menu_is_read_back_as_it_was_written(
    tmp_path: Path, described: list[tuple[str, Visibility, HandedAt]]
) -> None:
    items = tuple(
        MenuItem(sku=f"{n}", name=name, detects_as="plate", visibility=visibility, handed_at=handed_at)
        for n, (name, visibility, handed_at) in enumerate(described)
    )
    rules = (ModifierRule(name="no onions", removes="0"), ModifierRule(name="swap", adds="0", removes="0"))
    menu = Menu(items, rules)
    (tmp_path / "menu.yaml").write_text(menu_as_yaml(menu), encoding="utf-8")
    assert load_menu(tmp_path / "menu.yaml").menu == menu
