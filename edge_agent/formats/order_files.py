"""Orders in files that a till drops: JSON, or CSV with one line per order line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.domain.order import MAX_LINES, Order
from edge_agent.errors import BadOrder
from edge_agent.formats.orders import order_from_json, parse_json

MAX_FILE_BYTES = 4_000_000
MAX_ENTRIES = 500

ORDER_COLUMNS = (
    "order_id",
    "source",
    "business_day",
    "revision",
    "display_number",
    "placed_at",
    "channel",
    "station",
    "parts",
    "notes",
    "test",
)
LINE_COLUMNS = ("sku", "quantity", "line_id", "name", "modifiers", "voided")
_NUMBERS = ("revision", "parts", "quantity")
_TRUTHS = ("test", "voided")
_MOST_DIGITS = 11
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """One thing that a file says: an order, or the name of one that is cancelled or ready. Exactly one of these."""

    order: Order | None = None
    cancel: str | None = None
    ready: str | None = None


def entries_from(raw: bytes, path: Path) -> tuple[OrderEntry, ...]:
    """Everything that a file says, in its order; its name's ending tells how it is written.

    Args:
        raw: what the file holds.
        path: its name, for its ending and for the error.

    Raises:
        BadOrder: it is too large, does not read, or one of its orders does not; then none of it counts.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise BadOrder(f"the file is larger than {MAX_FILE_BYTES:,} bytes", path=path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadOrder("the text is not UTF-8; save the file in that encoding", path=path) from error
    entries = tuple(_from_csv(text, path) if path.suffix.lower() == ".csv" else _from_json(text, path))
    if not entries:
        raise BadOrder("the file holds no order", path=path)
    if len(entries) > MAX_ENTRIES:
        raise BadOrder(f"the file holds more than {MAX_ENTRIES} orders", path=path)
    return entries


def _from_json(text: str, path: Path) -> Iterator[OrderEntry]:
    """One order, or a list of orders, cancellations and bumps."""
    value = parse_json(text, path=path, line=None, error=BadOrder)
    for each in value if isinstance(value, list) else [value]:
        yield _entry(each, path)


def _entry(value: Any, path: Path) -> OrderEntry:
    words = [word for word in ("cancel", "ready") if isinstance(value, dict) and word in value]
    if not words:
        return OrderEntry(order=order_from_json(value, path=path))
    named = value[words[0]]
    if len(value) != 1 or not isinstance(named, str) or not named:
        raise BadOrder(f"beside '{words[0]}' stands nothing else, and it names an order", path=path)
    return OrderEntry(cancel=named) if words[0] == "cancel" else OrderEntry(ready=named)


def _from_csv(text: str, path: Path) -> Iterator[OrderEntry]:
    """Rows that follow each other with the same order_id are one order; what it says of itself stands in its first."""
    rows = csv.reader(io.StringIO(text, newline=""), dialect=_dialect(text), strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        _check_header(header, path)
        order: dict[str, Any] | None = None
        began = 0
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            cells = _cells(header, row, path, rows.line_num)
            if order is None or cells["order_id"] != order["order_id"]:
                if order is not None:
                    yield OrderEntry(order=order_from_json(order, path=path, line=began))
                order, began = {**{k: v for k, v in cells.items() if k in ORDER_COLUMNS}, "lines": []}, rows.line_num
            if len(order["lines"]) >= MAX_LINES:
                raise BadOrder(f"an order has more than {MAX_LINES} lines", path=path, line=rows.line_num)
            order["lines"].append({k: v for k, v in cells.items() if k in LINE_COLUMNS})
        if order is not None:
            yield OrderEntry(order=order_from_json(order, path=path, line=began))
    except csv.Error as error:
        raise BadOrder(f"no valid CSV: {error}", path=path, line=rows.line_num) from error


def _dialect(text: str) -> type[csv.Dialect]:
    """Comma, or semicolon as spreadsheets of half the world write it: whichever the header has more of."""

    class Dialect(csv.excel):
        delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","

    return Dialect


def _check_header(header: Sequence[str], path: Path) -> None:
    known = (*ORDER_COLUMNS, *LINE_COLUMNS)
    for needed in ("order_id", "sku"):
        if needed not in header:
            raise BadOrder(f"the first line names the columns, and '{needed}' is not among them", path=path, line=1)
    strange = [name for name in header if name not in known]
    if strange:
        said = f"the column '{strange[0][:40]}' is not known; known are {', '.join(known)}"
        raise BadOrder(said, path=path, line=1)
    if len(set(header)) < len(header):
        raise BadOrder("a column stands twice in the first line", path=path, line=1)


def _cells(header: Sequence[str], row: Sequence[str], path: Path, line: int) -> dict[str, Any]:
    """A row as the JSON of an order has it; empty cells are left out."""
    if len(row) != len(header):
        raise BadOrder(f"the row has {len(row)} cells, the first line names {len(header)}", path=path, line=line)
    cells: dict[str, Any] = {}
    for name, cell in zip(header, (cell.strip() for cell in row), strict=True):
        if not cell:
            continue
        try:
            cells[name] = _value(name, cell)
        except ValueError as error:
            raise BadOrder(f"'{name}' is '{cell[:20]}', {error}", path=path, line=line) from error
    for needed in ("order_id", "sku"):
        if needed not in cells:
            raise BadOrder(f"'{needed}' is empty", path=path, line=line)
    return cells


def _value(name: str, cell: str) -> Any:
    if name in _NUMBERS:
        if not (cell.isascii() and cell.isdigit() and len(cell) <= _MOST_DIGITS):
            raise ValueError("which is no whole number")
        return int(cell)
    if name in _TRUTHS:
        if cell.lower() not in _WORDS:
            raise ValueError("write true or false")
        return _WORDS[cell.lower()]
    if name == "modifiers":
        return [part.strip() for part in cell.split("|") if part.strip()]
    return cell
