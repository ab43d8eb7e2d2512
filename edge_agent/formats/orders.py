"""Orders as JSON: from a till, a file or a recording, read strictly into `domain.order.Order`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from edge_agent.domain.order import MAX_DEPTH, MAX_LINES, Order, OrderLine
from edge_agent.domain.said import say
from edge_agent.errors import BadInput, BadOrder
from edge_agent.formats.complaints import what_is_wrong
from edge_agent.formats.yaml_file import line_in, line_of_second_key

MAX_ORDER_BYTES = 256_000
"""A larger order is no order: 200 lines with names come to a tenth of this."""

MAX_DIGITS = 40
"""A longer whole number is no number that anyone meant."""

_SHOWN_PLACE = 80
_NO_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<number>NaN|-?Infinity|-?[0-9]{41,})')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _modifier_text(value: Any) -> Any:
    """Tills send a modifier as a text or as an object with a name; both are read."""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return value["name"]
    return value


class _Wire(BaseModel):
    """Unknown keys of a till are let pass: it sends prices and table numbers, and an order is never lost for those."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, value: Any) -> Any:
        """Many a till's library writes what it does not know as null; a quantity that is not known is refused."""
        if not isinstance(value, dict):
            return value
        return {key: given for key, given in value.items() if given is not None or key == "quantity"}


class WireLine(_Wire):
    """One order line as the till sends it."""

    sku: str
    quantity: int = 1
    line_id: str = ""
    name: str = ""
    modifiers: list[Annotated[str, BeforeValidator(_modifier_text)]] = Field(default=[], max_length=MAX_LINES)
    children: list[WireLine] = Field(default=[], max_length=MAX_LINES)
    voided: bool = False

    @model_validator(mode="after")
    def _is_in_bounds(self) -> WireLine:
        """Asked here too, so that the complaint knows its place in the order."""
        try:
            self._line(())
        except BadOrder as refusal:
            raise ValueError(refusal.message) from refusal
        return self

    def line(self) -> OrderLine:
        """The line as a domain value."""
        return self._line(tuple(child.line() for child in self.children))

    def _line(self, children: tuple[OrderLine, ...]) -> OrderLine:
        return OrderLine(
            sku=self.sku.strip(),
            quantity=self.quantity,
            line_id=self.line_id,
            name=self.name,
            modifiers=tuple(self.modifiers),
            children=children,
            voided=self.voided,
        )


class WireOrder(_Wire):
    """One order as the till sends it: a full snapshot."""

    order_id: str
    lines: list[WireLine] = Field(max_length=MAX_LINES)
    source: str = "till"
    business_day: str = ""
    revision: int = 1
    display_number: str = ""
    placed_at: str = ""
    channel: str = ""
    station: str | None = None
    parts: int = 1
    notes: str = ""
    test: bool = False

    def order(self) -> Order:
        """The order as a domain value.

        Raises:
            BadOrder: a field is out of bounds.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "lines"}
        return Order(**fields, lines=tuple(line.line() for line in self.lines))


def order_from_json(value: Any, *, path: Path | None = None, line: int | None = None) -> Order:
    """Read an order from parsed JSON.

    Args:
        value: what `json.loads` gave.
        path: the file it came from, for the error.
        line: the line in that file, counted from 1.

    Raises:
        BadOrder: one sentence that names the field, and the file and line where they are known.
    """
    try:
        return WireOrder.model_validate(value).order()
    except ValidationError as error:
        raise BadOrder(first_complaint(error), path=path, line=line) from error
    except BadOrder as error:
        raise BadOrder(error.message, path=path, line=line) from error


def read_order(path: Path) -> Order:
    """Read one order from a JSON file.

    Raises:
        BadOrder: the file is missing, too large, no JSON or no order; names file and line.
    """
    try:
        with path.open("rb") as file:  # never more than that, whatever the file says of its size
            raw = file.read(MAX_ORDER_BYTES + 1)
    except OSError as error:
        raise BadOrder(f"the order cannot be read: {error.strerror}", path=path) from error
    if len(raw) > MAX_ORDER_BYTES:
        raise BadOrder(f"the file is larger than an order can be ({MAX_ORDER_BYTES:,} bytes)", path=path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadOrder("the text is not UTF-8; save the file in that encoding", path=path, line=line) from error
    value = parse_json(text, path=path, line=None, error=BadOrder)
    try:
        return WireOrder.model_validate(value).order()
    except ValidationError as error:
        line_of_it = line_in(text, error.errors(include_url=False, include_input=False)[0]["loc"])
        raise BadOrder(first_complaint(error), path=path, line=line_of_it) from error
    except BadOrder as error:
        raise BadOrder(error.message, path=path) from error


def parse_json(text: str, *, path: Path, line: int | None, error: type[BadInput]) -> Any:
    """Parse JSON strictly: no NaN, no infinity, no key twice, no half character, no nesting that exhausts the stack.

    Raises:
        BadOrder: (or the given class) with file and line.
    """
    try:
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_int=_whole_number, object_pairs_hook=_no_key_twice
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as why:
        raise error(f"no valid JSON: {why.msg} at column {why.colno}", path=path, line=line or why.lineno) from why
    except UnicodeEncodeError as why:
        raise error("a text holds half of a character (a lone surrogate)", path=path, line=line) from why
    except ValueError as why:
        raise error(str(why), path=path, line=line or _line_refused(text)) from why
    except RecursionError as why:
        raise error("the JSON is nested too deep", path=path, line=line) from why
    return value


def first_complaint(error: ValidationError) -> str:
    """One sentence for the first thing that is wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return say("field_missing", "'{place}' is missing", place=place)
    if first["msg"].startswith("Recursion error"):
        return say("order_too_deep", "the lines are nested deeper than {most}", most=MAX_DEPTH)
    if first["type"] == "value_error":
        return what_is_wrong(first)
    if first["type"] in ("model_type", "dict_type"):
        if not place:
            return say("value_no_object", "the value should be an object: {{...}}")
        return say("field_no_object", "'{place}' should be an object", place=place)
    if len(place) > _SHOWN_PLACE:
        place = f"{place[:_SHOWN_PLACE]}..."
    said = what_is_wrong(first)
    return say("field_wrong", "'{place}': {said}", place=place, said=said) if place else said


def _line_refused(text: str) -> int | None:
    """The line of the first number that is none, or else of the first key that stands twice."""
    for found in _NO_NUMBER.finditer(text):
        if found["number"]:
            return text.count("\n", 0, found.start()) + 1
    return line_of_second_key(text)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that JSON knows")


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:MAX_DIGITS]!r} stands twice")
    return value
