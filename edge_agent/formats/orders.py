"""Orders as JSON: from a till, a file or a recording, read strictly into `domain.order.Order`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from edge_agent.domain.order import MAX_LINES, Order, OrderLine
from edge_agent.errors import BadInput, BadOrder

MAX_ORDER_BYTES = 256_000
"""A larger order is no order: 200 lines with names come to a tenth of this."""


def _modifier_text(value: Any) -> Any:
    """Tills send a modifier as a text or as an object with a name; both are read."""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return value["name"]
    return value


class _Wire(BaseModel):
    """Unknown keys of a till are let pass: it sends prices and table numbers, and an order is never lost for those."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, strict=True)


class WireLine(_Wire):
    """One order line as the till sends it."""

    sku: str
    quantity: int = 1
    line_id: str = ""
    name: str = ""
    modifiers: list[Annotated[str, BeforeValidator(_modifier_text)]] = Field(default=[], max_length=MAX_LINES)
    children: list[WireLine] = Field(default=[], max_length=MAX_LINES)
    voided: bool = False

    def line(self) -> OrderLine:
        """The line as a domain value."""
        return OrderLine(
            sku=self.sku.strip(),
            quantity=self.quantity,
            line_id=self.line_id,
            name=self.name,
            modifiers=tuple(self.modifiers),
            children=tuple(child.line() for child in self.children),
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
        BadOrder: the file is missing, too large, no JSON or no order.
    """
    try:
        if path.stat().st_size > MAX_ORDER_BYTES:
            raise BadOrder(f"the file is larger than an order can be ({MAX_ORDER_BYTES} bytes)", path=path)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadOrder(f"the order cannot be read: {_why(error)}", path=path) from error
    return order_from_json(parse_json(text, path=path, line=None, error=BadOrder), path=path)


def parse_json(text: str, *, path: Path, line: int | None, error: type[BadInput]) -> Any:
    """Parse JSON as the standard has it: no NaN, no infinity, no key twice, no nesting that exhausts the stack.

    Raises:
        BadOrder: (or the given class) with file and line.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_no_key_twice)
    except json.JSONDecodeError as why:
        raise error(f"no valid JSON: {why.msg} at column {why.colno}", path=path, line=line or why.lineno) from why
    except ValueError as why:
        raise error(str(why), path=path, line=line) from why
    except RecursionError as why:
        raise error("the JSON is nested too deep", path=path, line=line) from why


def first_complaint(error: ValidationError) -> str:
    """One sentence for the first thing that is wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the value"
    if first["type"] == "missing":
        return f"'{place}' is missing"
    return f"'{place}': {first['msg'][:1].lower()}{first['msg'][1:]}"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that JSON knows")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key '{twice}' stands twice")
    return value


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
