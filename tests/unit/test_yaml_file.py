"""The YAML reader: a file means what it looks like, and every complaint says where and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from edge_agent.errors import BadConfig, BadModelPack
from edge_agent.formats.yaml_file import MAX_BYTES, FileModel, dump_yaml, find_line, load_yaml


class Item(FileModel):
    """One thing that a shop sells."""

    sku: str
    detects_as: str
    price: float | None = Field(default=None, gt=0)


class Shop(FileModel):
    """Groups in lists, a mapping, defaults."""

    name: str
    open: bool = True
    items: tuple[Item, ...] = ()
    notes: Mapping[str, str] = {}


class Anything(FileModel):
    """Takes every value that YAML knows."""

    values: Mapping[str, str | int | float | bool | list[str] | None]


GOOD = """\
name: Canteen
items:
  - sku: plate
    detects_as: Plate
  - sku: bread
    detects_as: Bread
"""


def refusal(tmp_path: Path, text: str | bytes) -> str:
    """What the reader says about such a shop, without the folder."""
    path = tmp_path / "shop.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadConfig) as caught:
        load_yaml(path, Shop)
    assert caught.value.path == path
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_reads_a_file_into_its_model(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(GOOD)
    assert load_yaml(path, Shop).items[1] == Item(sku="bread", detects_as="Bread")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            GOOD.replace("detects_as: Bread", "detcts_as: Bread"),
            "shop.yaml:6: unknown key 'detcts_as'; did you mean 'detects_as'? (and 1 more)",
        ),
        (GOOD + "zzz: 1\n", "shop.yaml:7: unknown key 'zzz'; allowed here: items, name, notes, open"),
        (
            GOOD.replace("    detects_as: Plate\n", ""),
            "shop.yaml:3: the key 'detects_as' is missing in 'items.0'; add it",
        ),
        ("open: yes\n", "shop.yaml:1: the key 'name' is missing; add it"),
        (GOOD + "name: Again\n", "shop.yaml:7: the key 'name' stands here a second time; keep one of them"),
        (
            GOOD.replace("sku: bread", "sku: 4711"),
            "shop.yaml:5: items.1.sku should be a valid string, not 4711; put it in quotes",
        ),
        (GOOD + "    price: -2\n", "shop.yaml:7: items.1.price should be greater than 0, not -2"),
        ("name: x\nitems:\n  - plate\n", "shop.yaml:3: items.0 should be a group of keys, not 'plate'"),
        ("name: x\nitems: 3\n", "shop.yaml:2: items should be a list, not 3"),
        ("name:\n", "shop.yaml:1: name should be a valid string, not nothing"),
        ("name: [\n", "shop.yaml:1: while parsing a flow node did not find expected node content"),
        ("name: &a x\nopen: *a\n", "shop.yaml:2: aliases are not supported; write the value out"),
        ("name: x\n<<: {open: true}\n", "shop.yaml:2: unknown key '<<'; allowed here: items, name, notes, open"),
        ("name: x\nname2: !!python/name:os.system\n", "shop.yaml:2: tags are not supported; leave !!python/name:os"),
        ("name: !!bool x\n", "shop.yaml:1: tags are not supported; leave !!bool out, a value is what it looks like"),
        ("name: x\nopen: ! y\n", "shop.yaml:2: tags are not supported; leave ! out"),
        ("items:\n\t- sku: plate\n", "shop.yaml:2: a tab stands here; indent with spaces"),
        ("items:\n- sku: plate\n\t  name: x\n", "shop.yaml:3: a tab stands here; indent with spaces"),
        ("name: x\nnotes: @corner\n", "shop.yaml:2: no value may begin with @; put it in quotes"),
        ('name: "C:\\menus"\n', "shop.yaml:1: between double quotes a backslash is written twice"),
        (
            "name: x\nitems: [{sku: plate},\n\nopen: true\nnotes: y\n",
            "shop.yaml:5: while parsing a flow sequence that began in line 2 did not find expected",
        ),
        ("---\n", "shop.yaml:1: the file must hold keys with values, such as 'name: value'"),
        ("", "shop.yaml: the file is empty"),
        ("- a\n- b\n", "shop.yaml:1: the file must hold keys with values, such as 'name: value'"),
        ("name: a\n---\nname: b\n", "shop.yaml:2: expected a single document"),
        (b"name: a\nopen: \xff\n", "shop.yaml:2: the text is not UTF-8; save the file in that encoding"),
        (
            "# " + "ä" * 200 + "\nopen: \x07\n" + "\n" * 300,
            "shop.yaml:2: a character that YAML does not allow; remove it",
        ),
        ("name: a\nopen: \x07\n", "shop.yaml:2: a character that YAML does not allow; remove it"),
        ("name: " + "[" * 5000, "shop.yaml: the values are nested too deeply"),
        ("name: " + "9" * 5000, "shop.yaml: a value cannot be read: "),
        ("#" * (MAX_BYTES + 1), "shop.yaml: the file is larger than 1,000,000 bytes; is it the right one?"),
    ],
)
def test_says_where_and_what_to_do(tmp_path: Path, text: str | bytes, said: str) -> None:
    """The installer has this sentence and nothing else."""
    found = refusal(tmp_path, text)
    assert said in found
    assert "\n" not in found


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"none\.yaml: there is no such file"):
        load_yaml(tmp_path / "none.yaml", Shop)
    with pytest.raises(BadConfig, match="the file cannot be read"):
        load_yaml(tmp_path, Shop)


def test_raises_the_error_that_the_caller_names(tmp_path: Path) -> None:
    """A pack that does not read is a bad pack, not a bad configuration."""
    with pytest.raises(BadModelPack):
        load_yaml(tmp_path / "none.yaml", Shop, error=BadModelPack)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("04:00", "04:00"),
        ("no", "no"),
        ("0755", "0755"),
        ("2026-07-01", "2026-07-01"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("17", 17),
        ("-1.5", -1.5),
        ("1e-3", 0.001),
        ("true", True),
        ("~", None),
        ("", None),
    ],
)
def test_a_value_means_what_it_looks_like(tmp_path: Path, written: str, meant: object) -> None:
    """YAML 1.1 would read a time as 240, Norway as false and an article number as octal."""
    path = tmp_path / "values.yaml"
    path.write_text(f"values:\n  it: {written}\n")
    assert load_yaml(path, Anything).values["it"] == meant


def test_yes_and_no_still_switch_a_switch(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text("name: no\nopen: no\n")
    assert load_yaml(path, Shop) == Shop(name="no", open=False)


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    """Windows editors put one first."""
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\r\n")
    assert load_yaml(path, Shop).name == "x"


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        (("items", 1, "sku"), 5),
        (("items", 1), 5),
        (("items", 0, "detects_as"), 4),
        (("items",), 2),
        ((), 1),
        (("items", 1, "no such key"), 5),
        (("items", 9), 2),
    ],
)
def test_finds_the_line_of_a_place(tmp_path: Path, loc: tuple[str | int, ...], line: int) -> None:
    """Errors that show only later (two SKUs with one id) name a line, too."""
    path = tmp_path / "shop.yaml"
    path.write_text(GOOD)
    assert find_line(path, loc) == line


def test_finds_no_line_in_a_file_that_is_gone(tmp_path: Path) -> None:
    assert find_line(tmp_path / "none.yaml", ["items"]) is None


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALAR = TEXT | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(TEXT, SCALAR | st.lists(TEXT, max_size=3), max_size=5))
def test_what_is_written_reads_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]) -> None:
    """Training writes manifests that the agent reads."""
    path = tmp_path_factory.mktemp("yaml") / "values.yaml"
    path.write_text(dump_yaml({"values": values}), encoding="utf-8", newline="")
    assert dict(load_yaml(path, Anything).values) == values
