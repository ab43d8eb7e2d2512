"""A menu that somebody uploads: the YAML of `formats.menu`, or CSV as a till or a spreadsheet exports it."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edge_agent.domain.menu import Menu
from edge_agent.domain.said import say
from edge_agent.errors import BadConfig
from edge_agent.formats.menu import ItemEntry, MenuFile, load_menu, menu_of
from edge_agent.formats.orders import first_complaint
from edge_agent.formats.yaml_file import MAX_BYTES, Loc

COLUMNS = ("sku", "name", "aliases", "detects_as", "visibility", "handed_at", "contains", "any_of")
_LISTS = ("aliases", "any_of")
MAX_ITEMS = 5_000


def uploaded_path(name: str) -> Path:
    """What a complaint about an uploaded file of this name names as its path."""
    return Path(Path(name).name or "menu")


def menu_from(raw: bytes, name: str, *, model_classes: Iterable[str]) -> Menu:
    """The menu in an uploaded file; a name that ends in `.csv` is CSV, anything else YAML.

    CSV names its columns in the first line (`sku` is needed), several values in a cell are parted by `|`, and a combo's
    parts are written `2*fries`. The comma may be a semicolon.

    Raises:
        BadConfig: one sentence, with the line, and the name as the path.
    """
    path = uploaded_path(name)
    if len(raw) > MAX_BYTES:
        raise BadConfig(
            say("file_too_large", "the file is larger than {most:,} bytes; is it the right one?", most=MAX_BYTES),
            path=path,
        )
    if path.suffix.lower() == ".csv":
        return _from_csv(raw, path, model_classes)
    with tempfile.TemporaryDirectory(prefix="edge-agent-menu-") as folder:
        copy = Path(folder) / "menu.yaml"
        copy.write_bytes(raw)
        try:
            return load_menu(copy, model_classes=model_classes).menu
        except BadConfig as refusal:
            raise BadConfig(refusal.message, path=path, line=refusal.line) from refusal


def _from_csv(raw: bytes, path: Path, model_classes: Iterable[str]) -> Menu:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadConfig(
            say("file_not_utf8", "the text is not UTF-8; save the file in that encoding"), path=path
        ) from error
    entries: list[ItemEntry] = []
    lines: list[int] = []
    for line, cells in _rows(text, path):
        if len(entries) >= MAX_ITEMS:
            raise BadConfig(
                say("csv_too_many", "the file has more than {most} items", most=MAX_ITEMS), path=path, line=line
            )
        try:
            entries.append(ItemEntry.model_validate(cells))
        except ValidationError as error:
            raise BadConfig(first_complaint(error), path=path, line=line) from error
        lines.append(line)
    if not entries:
        raise BadConfig(say("csv_no_item", "the file holds no item"), path=path)

    def line_of(loc: Loc) -> int | None:
        return lines[loc[1]] if len(loc) > 1 and isinstance(loc[1], int) else None

    return menu_of(MenuFile(items=tuple(entries)), path=path, line_of=line_of, model_classes=model_classes)


def _rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [column.strip().lower() for column in next(rows, [])]
        _check_header(header, path)
        for row in rows:
            if any(cell.strip() for cell in row):
                if len(row) != len(header):
                    said = say(
                        "csv_cells",
                        "the row has {cells} cells, the first line names {columns}",
                        cells=len(row),
                        columns=len(header),
                    )
                    raise BadConfig(said, path=path, line=rows.line_num)
                yield rows.line_num, _cells(header, row, path, rows.line_num)
    except csv.Error as error:
        raise BadConfig(say("csv_invalid", "no valid CSV: {why}", why=error), path=path, line=rows.line_num) from error


def _check_header(header: Sequence[str], path: Path) -> None:
    if "sku" not in header:
        raise BadConfig(
            say("csv_no_sku", "the first line names the columns, and 'sku' is not among them"), path=path, line=1
        )
    strange = [column for column in header if column not in COLUMNS]
    if strange:
        said = say(
            "csv_strange_column",
            "the column '{column}' is not known; known are {known}",
            column=strange[0][:40],
            known=", ".join(COLUMNS),
        )
        raise BadConfig(said, path=path, line=1)
    if len(set(header)) < len(header):
        raise BadConfig(say("csv_column_twice", "a column stands twice in the first line"), path=path, line=1)


def _cells(header: Sequence[str], row: Sequence[str], path: Path, line: int) -> dict[str, Any]:
    """A row as an item of the YAML has it; empty cells are left out."""
    cells: dict[str, Any] = {}
    for column, cell in zip(header, (cell.strip() for cell in row), strict=True):
        if not cell:
            continue
        parts = [part.strip() for part in cell.split("|") if part.strip()]
        if column in _LISTS:
            cells[column] = parts
        elif column == "contains":
            cells[column] = [_portion(part, path, line) for part in parts]
        else:
            cells[column] = cell
    return cells


def _portion(text: str, path: Path, line: int) -> dict[str, Any]:
    number, star, sku = text.partition("*")
    if not star:
        return {"sku": text}
    if not (number.strip().isascii() and number.strip().isdigit() and len(number) <= 3):  # noqa: PLR2004  up to 999
        raise BadConfig(
            say("csv_portion", "'contains' has '{part}'; write a part as fries, or 2*fries", part=text[:40]),
            path=path,
            line=line,
        )
    return {"sku": sku.strip(), "quantity": int(number)}
