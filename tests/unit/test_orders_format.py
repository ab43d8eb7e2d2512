"""Orders as JSON: what a till means is read, what no till can mean gets one sentence with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.domain.order import MAX_QUANTITY, Order, OrderLine
from edge_agent.errors import BadOrder, BadRecording
from edge_agent.formats.orders import MAX_ORDER_BYTES, order_from_json, parse_json, read_order

ORDER = '{"order_id": "A-1",\n "lines": [\n  {"sku": "bread"},\n  {"sku": "plate", "quantity": %s}]}'


def refusal(tmp_path: Path, text: str | bytes) -> str:
    """What the reader says about such a file, without the folder; always one line."""
    path = tmp_path / "order.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadOrder) as caught:
        read_order(path)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 400
    return said.removeprefix(f"{tmp_path}/")


def read(tmp_path: Path, text: str | bytes) -> Order:
    path = tmp_path / "order.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_order(path)


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "NaN", "Infinity", "-Infinity", "1e999", '"2"', "1.0"])
def test_a_quantity_that_no_till_can_mean_is_refused_with_its_line(tmp_path: Path, quantity: str) -> None:
    """Each of these, believed, would be a red on a right tray; the installer must find it in the file."""
    assert refusal(tmp_path, ORDER % quantity).startswith("order.json:4: ")


@pytest.mark.parametrize("quantity", ["true", "null", "[]", "{}", "1e2", "2.5", "9" * 5_000])
def test_a_quantity_of_another_kind_is_refused_with_its_line(tmp_path: Path, quantity: str) -> None:
    assert refusal(tmp_path, ORDER % quantity).startswith("order.json:4: ")


@pytest.mark.parametrize("quantity", [1, 2, MAX_QUANTITY])
def test_a_quantity_in_bounds_is_read(tmp_path: Path, quantity: int) -> None:
    assert read(tmp_path, ORDER % quantity).lines[1].quantity == quantity


def test_the_text_nan_inside_a_name_is_no_number(tmp_path: Path) -> None:
    """The complaint names the line of the number, not that of a dish called NaN."""
    said = refusal(
        tmp_path, '{"order_id": "A", "lines": [\n{"sku": "a", "name": "NaN bread"},\n{"sku": "b", "quantity": NaN}]}'
    )
    assert said == "order.json:3: NaN is no number that JSON knows"


def test_a_name_of_a_megabyte_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    assert "larger than an order can be" in refusal(tmp_path, ORDER.replace("bread", "x" * 1_000_000))


def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    """A device file says that it has no bytes; believing it would fill the memory."""
    with pytest.raises(BadOrder, match="larger than an order can be"):
        read_order(Path("/dev/zero"))


def test_a_long_name_is_quoted_in_part(tmp_path: Path) -> None:
    said = refusal(tmp_path, '{"order_id": "A", "lines": [\n{"sku": "a", "name": "%s"}]}' % ("x" * 100_000))
    assert said.startswith("order.json:2: 'name' is 100000 characters long")


@pytest.mark.parametrize("depth", [5, 50, 300, 900, 4_000])
def test_lines_nested_without_end_are_refused(tmp_path: Path, depth: int) -> None:
    """No stack may run out, whatever the depth: Python's, pydantic's and the parser's own limits all differ."""
    text = '{"order_id": "A", "lines": [' + '{"sku": "a", "children": [' * depth + '{"sku": "a"}' + "]}" * depth + "]}"
    assert "nested" in refusal(tmp_path, text)


def test_brackets_nested_without_end_are_refused(tmp_path: Path) -> None:
    assert "nested too deep" in refusal(tmp_path, "[" * 100_000)


def test_a_key_that_stands_twice_is_refused_with_the_line_of_the_second(tmp_path: Path) -> None:
    """Of two quantities one was meant; guessing which is a false red every other time."""
    said = refusal(tmp_path, '{"order_id": "A",\n"lines": [],\n"order_id": "B"}')
    assert said == "order.json:3: the key 'order_id' stands twice"


@pytest.mark.parametrize("indent", ["", "\t"])
def test_the_line_is_found_beyond_an_emoji_that_a_till_has_escaped(tmp_path: Path, indent: str) -> None:
    """Python's `json.dumps` writes it as two halves of a character."""
    burger = json.dumps({"name": "\U0001f354"})[1:-1]
    head = f'{{"order_id": "A",\n{indent}"notes": "\\ud83c\\udf54",\n{indent}"lines": ['
    assert refusal(tmp_path, f'{head}\n{{"sku": "a", {burger}, "quantity": 0}}]}}').startswith("order.json:4: ")
    twice = refusal(tmp_path, f'{head}],\n{indent}"lines": []}}')
    assert twice == "order.json:4: the key 'lines' stands twice"


def test_no_line_is_said_rather_than_a_wrong_one(tmp_path: Path) -> None:
    """Lines are found by YAML, which has no keys of a thousand letters."""
    said = refusal(tmp_path, f'{{"{"k" * 1100}": 1,\n"lines": [],\n"lines": []}}')
    assert said == "order.json: the key 'lines' stands twice"


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + (ORDER % 2).encode(),
        (ORDER % 2).replace("\n", "\r\n").encode(),
        (ORDER % 2).replace("\n", "\n\t").encode(),
        (ORDER % 2).encode() + b"\n\n",
    ],
    ids=["byte order mark", "CRLF", "tabs", "blank lines at the end"],
)
def test_what_editors_do_to_a_file_does_not_matter(tmp_path: Path, raw: bytes) -> None:
    assert [line.quantity for line in read(tmp_path, raw).lines] == [1, 2]


@pytest.mark.parametrize("quantity", ["0", '"2"'])
def test_a_line_is_found_also_in_a_file_indented_with_tabs(tmp_path: Path, quantity: str) -> None:
    assert refusal(tmp_path, (ORDER % quantity).replace("\n", "\n\t")).startswith("order.json:4: ")


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b'{"order_id":\n "\xff"}', 2),
        ((ORDER % 1).encode("utf-16"), 1),
        ('{"order_id":\n\n"Caf\xe9"}'.encode("latin-1"), 3),
    ],
)
def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path, raw: bytes, line: int) -> None:
    assert refusal(tmp_path, raw) == f"order.json:{line}: the text is not UTF-8; save the file in that encoding"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "order.json:1: no valid JSON: Expecting value at column 1"),
        ('{"order_id": "A",\n', "order.json:2: no valid JSON"),
        ("[]", "order.json:1: the value should be an object"),
        ("null", "order.json:1: the value should be an object"),
        ("3", "order.json:1: the value should be an object"),
        ('{"order_id": "A"}', "order.json:1: 'lines' is missing"),
        ('{"lines": []}', "order.json:1: 'order_id' is missing"),
        ('{"order_id": 7,\n"lines": []}', "order.json:1: 'order_id': should be a valid string"),
        ('{"order_id": "A",\n"lines": {}}', "order.json:2: 'lines': should be a list"),
        ('{"order_id": "A",\n"lines": [\n3]}', "order.json:3: 'lines.0' should be an object"),
        ('{"order_id": "A",\n"lines": [\n{"quantity": 1}]}', "order.json:3: 'lines.0.sku' is missing"),
        ('{"order_id": "A",\n"lines": [\n{"sku": " "}]}', "order.json:3: 'sku' is empty"),
        ('{"order_id": " ", "lines": []}', "order.json: 'order_id' is empty"),
        (
            '{"order_id": "A", "lines": [],\n"revision": "2"}',
            "order.json:2: 'revision': should be a valid integer",
        ),
        ('{"order_id": "A", "lines": [],\n"test": 1}', "order.json:2: 'test': should be a valid boolean"),
    ],
)
def test_what_is_no_order_is_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


@pytest.mark.parametrize("field", ["parts", "revision"])
@pytest.mark.parametrize("value", [-1, 2**31 + 1, True, 1.0, "1"])
def test_numbers_of_an_order_are_held_to_their_bounds(field: str, value: Any) -> None:
    with pytest.raises(BadOrder):
        order_from_json({"order_id": "A", "lines": [], field: value})


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    """A lone surrogate can neither be stored nor printed: it would break the box long after it was accepted."""
    assert "half of a character" in refusal(tmp_path, r'{"order_id": "\ud83c", "lines": []}')
    assert read(tmp_path, r'{"order_id": "\ud83c\udf55", "lines": []}').order_id == "🍕"


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(BadOrder, match="lines"):
        order_from_json({"order_id": "A", "lines": [{"sku": "a"}] * 201})


def test_the_place_of_an_order_in_a_recording_is_named() -> None:
    with pytest.raises(BadOrder, match=r"^day\.jsonl:7: the quantity of 'a' must lie between 1 and 999, not 0$"):
        order_from_json({"order_id": "A", "lines": [{"sku": "a", "quantity": 0}]}, path=Path("day.jsonl"), line=7)


@pytest.mark.parametrize("path", ["/nowhere/order.json", "/", "/proc/self/mem"])
def test_a_file_that_cannot_be_read_says_why(path: str) -> None:
    with pytest.raises(BadOrder, match=r"^.*: the order cannot be read: "):
        read_order(Path(path))


def test_what_a_till_sends_besides_is_let_pass() -> None:
    """An order is never lost because the till also sends prices and table numbers."""
    order = order_from_json({"order_id": "A", "table": 4, "lines": [{"sku": "a", "price": {"eur": 3.5}}]})
    assert order == Order(order_id="A", lines=(OrderLine(sku="a"),))


def test_null_means_left_out() -> None:
    """Many a till's library writes null for what it does not know; that is no reason to lose the order."""
    sent = {"order_id": "A", "notes": None, "parts": None, "lines": [{"sku": "a", "name": None, "children": None}]}
    assert order_from_json(sent) == Order(order_id="A", lines=(OrderLine(sku="a"),))
    with pytest.raises(BadOrder, match="'order_id' is missing"):
        order_from_json({"order_id": None, "lines": []})


def test_modifiers_are_texts_or_objects_with_a_name() -> None:
    sent = {"order_id": "A", "lines": [{"sku": "a", "modifiers": ["no salt", {"name": "big", "price": 1}]}]}
    assert order_from_json(sent).lines[0].modifiers == ("no salt", "big")


def test_blanks_around_a_sku_do_not_make_it_another_item() -> None:
    assert order_from_json({"order_id": "A", "lines": [{"sku": " plate "}]}).lines[0].sku == "plate"


def test_json_is_refused_as_the_error_that_was_asked_for() -> None:
    with pytest.raises(BadRecording, match=r"^x:9: "):
        parse_json("[1, NaN]", path=Path("x"), line=9, error=BadRecording)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.filter(lambda text: bool(text.strip()))
LINES = st.recursive(
    st.builds(
        OrderLine,
        sku=NAMES.map(str.strip),
        quantity=st.integers(1, MAX_QUANTITY),
        line_id=TEXTS,
        name=TEXTS,
        modifiers=st.lists(NAMES, max_size=2).map(tuple),
        voided=st.booleans(),
    ),
    lambda lines: st.builds(
        OrderLine, sku=NAMES.map(str.strip), quantity=st.integers(1, 9), children=st.lists(lines, max_size=2).map(tuple)
    ),
    max_leaves=4,
).filter(lambda line: max(depth for depth, _ in line.walk()) <= 4)
ORDERS = st.builds(
    Order,
    order_id=NAMES,
    lines=st.lists(LINES, max_size=4).map(tuple),
    source=NAMES,
    business_day=TEXTS,
    revision=st.integers(0, 2**31),
    display_number=TEXTS,
    placed_at=TEXTS,
    channel=TEXTS,
    station=st.none() | TEXTS,
    parts=st.integers(1, 20),
    notes=TEXTS,
    test=st.booleans(),
)


def wire(value: Order | OrderLine) -> dict[str, Any]:
    """As a till would send it."""
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
    nested = "lines" if isinstance(value, Order) else "children"
    return {**fields, nested: [wire(line) for line in fields[nested]]}


@given(ORDERS, st.booleans())
def test_an_order_survives_the_way_over_the_wire(order: Order, ascii_only: bool) -> None:
    """What the till means is what is checked: no field is dropped, turned or trimmed on the way."""
    text = json.dumps(wire(order), ensure_ascii=ascii_only)
    assert order_from_json(parse_json(text, path=Path("x"), line=1, error=BadOrder)) == order


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_are_an_order_or_one_clear_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """Whatever stands in the file, nothing but BadOrder comes out."""
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(raw)
    with pytest.raises(BadOrder, match=r"any\.json"):
        read_order(path)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*Order.__slots__, "sku"]), inner),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"order_id": TEXTS, "lines": st.lists(JSON_VALUES, max_size=3)}) | JSON_VALUES)
def test_any_json_is_an_order_or_one_clear_error(value: Any) -> None:
    """A complaint quotes what is wrong, never all of it."""
    said = ""
    try:
        order_from_json(value)
    except BadOrder as refused:
        said = str(refused)
    assert len(said) < 400
    assert "\n" not in said


def test_a_file_just_within_the_size_is_read(tmp_path: Path) -> None:
    text = ORDER % 1
    assert read(tmp_path, text + " " * (MAX_ORDER_BYTES - len(text.encode()))).order_id == "A-1"
    assert "larger" in refusal(tmp_path, text + " " * (MAX_ORDER_BYTES - len(text.encode()) + 1))


def test_defaults_stated_twice_agree() -> None:
    """A scar: what is left out must mean the same to the reader and to the value it makes."""
    read = order_from_json({"order_id": "A", "lines": [{"sku": "plate"}]})
    assert read == Order(order_id="A", lines=(OrderLine(sku="plate"),))
