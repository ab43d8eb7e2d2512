"""Orders: what is refused, who they are, what they say."""

from __future__ import annotations

import pytest

from edge_agent.domain.order import MAX_DEPTH, MAX_LINES, OrderKey, OrderLine
from edge_agent.errors import BadOrder
from tests.builders import line, order


@pytest.mark.parametrize("quantity", [0, -1, 1000, 10**9, True, 1.0, float("nan"), float("inf"), "2", None])
def test_a_quantity_that_no_till_can_mean_is_refused(quantity: object) -> None:
    """Accepted nonsense is a false alarm at the pass; the sentence says which line."""
    with pytest.raises(BadOrder, match="fries"):
        line("fries", quantity)  # type: ignore[arg-type]


@pytest.mark.parametrize("quantity", [1, 999])
def test_quantities_at_the_bounds_are_taken(quantity: int) -> None:
    assert line("fries", quantity).quantity == quantity


@pytest.mark.parametrize("field", ["sku", "name", "line_id"])
def test_a_line_with_a_megabyte_of_text_is_refused_in_a_short_sentence(field: str) -> None:
    """An error that repeats the megabyte fills the log."""
    with pytest.raises(BadOrder) as caught:
        OrderLine(**{"sku": "fries", field: "x" * 1_000_000})  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "field",
    ["order_id", "source", "business_day", "display_number", "placed_at", "channel", "station", "notes"],
)
def test_an_order_with_a_megabyte_of_text_is_refused(field: str) -> None:
    with pytest.raises(BadOrder):
        order(**{"order_id": "A", field: "x" * 1_000_000})


@pytest.mark.parametrize(
    "fields",
    [
        {"revision": -1},
        {"revision": float("nan")},
        {"revision": 2**31 + 1},
        {"revision": True},
        {"parts": 0},
        {"parts": 21},
        {"parts": 1.5},
        {"order_id": " "},
        {"source": ""},
    ],
)
def test_fields_out_of_bounds_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadOrder):
        order(**{"order_id": "A", **fields})  # type: ignore[arg-type]


def test_too_many_lines_are_refused() -> None:
    order("A", *["fries"] * MAX_LINES)
    with pytest.raises(BadOrder, match="too many"):
        order("A", *["fries"] * (MAX_LINES + 1))


@pytest.mark.parametrize(("depth", "taken"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (50_000, False)])
def test_lines_nested_too_deep_are_refused(depth: int, taken: bool) -> None:
    """Nested without end is an attack or a bug of the till: a sentence, not an exhausted stack."""
    nested = line("fries")
    for _ in range(depth - 1):
        nested = line("menu", children=(nested,))
    if taken:
        assert order("A", nested).lines == (nested,)
    else:
        with pytest.raises(BadOrder, match="nested"):
            order("A", nested)
    while nested.children:  # so that its parts are let go one by one
        nested = nested.children[0]


def test_the_same_number_on_another_day_or_till_is_another_order() -> None:
    """Tills count anew each morning."""
    keys = {
        order("42", business_day="2026-01-01").key,
        order("42", business_day="2026-01-02").key,
        order("42", business_day="2026-01-02", source="drive").key,
    }
    assert len(keys) == 3
    assert str(OrderKey("till", "", "42")) == "till/42"


@pytest.mark.parametrize(
    ("notes", "modifier", "smells"),
    [
        ("ALLERGIE: Nüsse!", "x", True),
        ("", "gluten free", True),
        ("Zöliakie", "x", True),
        ("lactose intolerant", "x", True),
        ("coeliac", "x", True),
        ("bitte schnell", "no onions", False),
    ],
)
def test_a_note_that_smells_of_allergy_is_heard(notes: str, modifier: str, smells: bool) -> None:
    """No camera can check an allergy: it must never look checked. Also in a line within a line."""
    nested = line("menu", children=(line("fries", modifiers=(modifier,)),))
    assert order("A", nested, notes=notes).mentions_allergy is smells


def test_half_a_character_is_refused() -> None:
    """JSON may carry it, but no database stores it: better refused at the door than lost behind it."""
    with pytest.raises(BadOrder, match="half a character"):
        OrderLine(sku="fries", name="\ud800")
