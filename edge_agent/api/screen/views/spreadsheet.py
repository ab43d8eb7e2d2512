"""What a spreadsheet is given of checks and alerts: rows of cells that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import islice

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.history_rows import (
    channels_of,
    ended_in_words,
    numbers_of,
    verdict_in_words,
)
from edge_agent.api.screen.views.wording import absent, counted, name_of
from edge_agent.domain.matching import CheckedLine, LineResult
from edge_agent.domain.order import OrderKey
from edge_agent.domain.search import FoundAlert, FoundCheck

Cells = Sequence[str]

STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins so is worked out, not shown (OWASP, CSV Injection)."""

ROWS_AT_ONCE = 200
"""So many rows are written into one piece of the answer."""

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""By it a spreadsheet knows that the file is UTF-8."""

_COMMON = ("time", "time_utc", "station", "number", "order", "day", "channel")
_JUDGED = ("verdict", "found_by", "checked", "wanted", "missing", "extra", "unsure", "by_hand")
CHECK_COLUMNS = ("check", *_COMMON, *_JUDGED, "ended", "test")
ALERT_COLUMNS = ("alert", *_COMMON, "severity", "missing", "extra", "late", "ended", "check", "test")


def harmless(text: str) -> str:
    """The text as a cell that is shown as it is: an apostrophe before what would start a formula."""
    return "'" + text if text.startswith(STARTS_FORMULA) or text.lstrip().startswith(STARTS_FORMULA) else text


def pieces(texts: Texts, columns: Sequence[str], rows: Iterable[Cells]) -> Iterator[bytes]:
    """A file of comma-separated values, piece by piece, as its rows come: never more than one piece is in memory.

    Args:
        texts: says what stands above the columns, and what separates cells where this language is spoken.
        columns: their names.
        rows: as many cells each.
    """
    yield _written(texts, [[texts(f"csv.{column}") for column in columns]], first=BOM)
    remaining = iter(rows)
    while batch := list(islice(remaining, ROWS_AT_ONCE)):
        yield _written(texts, batch)


def check_cells(texts: Texts, found: FoundCheck, zone: tzinfo) -> Cells:
    """A check, in the order of `CHECK_COLUMNS`."""
    check, verdict = found.check, found.check.reached.verdict
    return [
        str(check.check_id),
        *_times(check.recorded_at, zone),
        found.station,
        _joined(numbers_of(check.reached.orders, found.orders)),
        *_keys(check.reached.orders),
        _joined(channels_of(found.orders)),
        verdict_in_words(texts, check),
        texts(f"found_by.{check.reached.association.value}"),
        str(verdict.checked_pieces),
        str(verdict.wanted_pieces),
        *_faults(texts, verdict.lines),
        _joined(_named(texts, verdict.lines, LineResult.UNSURE)),
        _joined(_named(texts, verdict.lines, LineResult.NOT_CHECKED)),
        _joined(ended_in_words(texts, alert, tells=found.tells) for alert in found.alerts),
        _yes(texts, is_so=found.test),
    ]


def alert_cells(texts: Texts, found: FoundAlert, zone: tzinfo) -> Cells:
    """An alert, in the order of `ALERT_COLUMNS`."""
    stored = found.stored
    return [
        str(stored.number),
        *_times(stored.recorded_at, zone),
        found.station,
        _joined(numbers_of(stored.alert.orders, found.orders)),
        *_keys(stored.alert.orders),
        _joined(channels_of(found.orders)),
        texts(f"severity.{stored.alert.severity.value}"),
        *_faults(texts, stored.alert.lines),
        _yes(texts, is_so=stored.alert.late),
        ended_in_words(texts, stored, tells=found.tells),
        "" if found.check_id is None else str(found.check_id),
        _yes(texts, is_so=found.test),
    ]


def _written(texts: Texts, rows: Iterable[Cells], *, first: str = "") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=texts("csv.delimiter"), lineterminator="\r\n")
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return (first + text.getvalue()).encode("utf-8", "replace")


def _times(recorded_at: str, zone: tzinfo) -> tuple[str, str]:
    at = datetime.fromisoformat(recorded_at)
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}", recorded_at


def _keys(keys: Sequence[OrderKey]) -> tuple[str, str]:
    return _joined(key.order_id for key in keys), _joined(dict.fromkeys(key.business_day for key in keys))


def _faults(texts: Texts, lines: Sequence[CheckedLine]) -> list[str]:
    """What is missing, and what is too many."""
    return [_joined(_named(texts, lines, result)) for result in (LineResult.MISSING, LineResult.EXTRA)]


def _named(texts: Texts, lines: Sequence[CheckedLine], result: LineResult) -> list[str]:
    """The lines of which this came, and how many pieces of each it is about."""
    found = [line for line in lines if line.result is result]
    return [counted(texts, _pieces(line), name_of(texts, line)) for line in found]


def _pieces(line: CheckedLine) -> int:
    return absent(line) if line.result is LineResult.MISSING else line.off_by or max(line.expected, line.seen)


def _joined(words: Iterable[str]) -> str:
    return " + ".join(words)


def _yes(texts: Texts, *, is_so: bool) -> str:
    return texts("csv.yes") if is_so else ""
