"""What the report of `evaluate` shows of single items: a table of classes, and the matrix of what was seen as what."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_agent.checking.item_scores import NOTHING, ClassItems, ItemScores
from edge_agent.checking.scoring import Share
from edge_agent.evaluation.report_charts import IntervalBar
from edge_agent.formats.shares import in_digits

MOST_MISTAKES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One class of the table; `bar` is its recall with the interval, None where none of it lay on a tray."""

    class_name: str
    trays: int
    items: int
    seen: int
    in_macro: bool
    recall: Share
    precision: Share
    exact: Share
    bar: IntervalBar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """So many items of the row's class were seen as the column's; `text` is empty for none, `heat` is 0 to 1."""

    text: str
    heat: float
    right: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The confusion of items: a row per true class and a column per seen one, `nothing` last on both sides."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[MatrixCell, ...]], ...]
    mistakes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsView:
    """Everything that the report says of single items."""

    rows: tuple[ItemRow, ...]
    macro: str
    matrix: Matrix


def items_view(items: ItemScores) -> ItemsView | None:
    """The scores of single items for the template; None where no tray was sure."""
    if not items.confusion:
        return None
    averaged = {each.class_name for each in items.in_macro}
    rows = tuple(_row(each, in_macro=each.class_name in averaged) for each in items.classes)
    return ItemsView(rows=rows, macro=macro_phrase(items), matrix=_matrix(items))


def macro_phrase(items: ItemScores) -> str:
    """The macro recall in one breath: its value, over which classes, and which of them could not be measured here."""
    chosen = f"classes that lie on at least {items.min_trays} sure trays of the folder"
    if items.macro_recall is None:
        return f"macro recall: not measured, there are no {chosen}, or none of them lies on these trays"
    absent = ", ".join(each.class_name for each in items.frequent if not each.items)
    without = f"; without those that lie on none of these trays: {absent}" if absent else ""
    surely = f"{in_digits(items.macro_recall_surely)} beyond doubt"
    return f"macro recall {in_digits(items.macro_recall)}, {surely} ({chosen}: {len(items.frequent)}{without})"


def _row(scored: ClassItems, *, in_macro: bool) -> ItemRow:
    return ItemRow(
        class_name=scored.class_name,
        trays=scored.trays,
        items=scored.items,
        seen=scored.seen,
        in_macro=in_macro,
        recall=scored.recall,
        precision=scored.precision,
        exact=scored.exact,
        bar=IntervalBar.of(scored.recall),
    )


def _matrix(items: ItemScores) -> Matrix:
    true = {pair[0] for pair in items.confusion}
    seen = {pair[1] for pair in items.confusion}
    names = [each.class_name for each in items.classes if each.class_name in true | seen]
    most_right = max((n for (a, b), n in items.confusion.items() if a == b), default=0.0)
    most_wrong = max((n for (a, b), n in items.confusion.items() if a != b), default=0.0)

    def cell(row: str, column: str) -> MatrixCell:
        count = items.confusion.get((row, column), 0.0)
        right = row == column != NOTHING
        return MatrixCell(
            text=_amount(count),
            heat=_heat(count, most_right if right else most_wrong),
            right=right,
            title=_mistake(row, column, count) if count else "",
        )

    columns = (*names, NOTHING)
    return Matrix(
        columns=columns,
        rows=tuple((row, tuple(cell(row, column) for column in columns)) for row in (*names, NOTHING)),
        mistakes=tuple(_mistake(*entry) for entry in items.mistaken[:MOST_MISTAKES]),
    )


def _mistake(true: str, seen: str, count: float) -> str:
    if true == seen:
        return f"{true} seen as such: {_amount(count)}"
    if seen == NOTHING:
        return f"{true} overlooked: {_amount(count)}"
    if true == NOTHING:
        return f"{seen} seen where nothing lay: {_amount(count)}"
    return f"{true} seen as {seen}: {_amount(count)}"


def _amount(count: float) -> str:
    """A number of items; a part of one has one decimal, since pairs may be shared out."""
    if not count:
        return ""
    if math.isclose(count, round(count), abs_tol=1e-9):
        return str(round(count))
    return f"{max(count, 0.1):.1f}"


def _heat(count: float, most: float) -> float:
    """Logarithmic; right and wrong cells have scales of their own, so that a few mistakes show beside hundreds."""
    return round(math.log1p(count) / math.log1p(most), 3) if count else 0.0
