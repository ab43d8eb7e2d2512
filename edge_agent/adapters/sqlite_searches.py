"""What people look for as SQL. Only constant fragments are put together; every value is a parameter.

A search walks one index from its newest end: that of the rarest word that was asked for, or that of time. Every row it
comes by says whether it `fits` what else was asked for. Who reads decides when it is enough: see `sqlite_reporting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from edge_agent.adapters.sqlite_queries import Query
from edge_agent.domain.search import AlertSearch, CheckSearch, PageMark

NUMBER, ITEM, CHANNEL, VERDICT, SEVERITY = "number:", "item:", "channel:", "verdict:", "severity:"
"""What a word begins with (views `check_words`, `alert_words`), the rarest kind first."""

_FOLDED = (NUMBER, CHANNEL)
"""Letter case of these is left aside: that of A to Z, as SQLite's lower() does it."""

Part = tuple[str, tuple[object, ...]]
"""A condition, and the values of its places."""

CHOICES = (
    "WITH RECURSIVE words (term) AS (SELECT min(term) FROM check_terms WHERE term >= ?1 AND term < ?2"
    " UNION ALL SELECT (SELECT min(t.term) FROM check_terms AS t WHERE t.term > w.term AND t.term < ?2)"
    " FROM words AS w WHERE w.term IS NOT NULL) SELECT term FROM words WHERE term IS NOT NULL LIMIT 1000"
)
"""The words of one kind, jumping from each to the next: reading all of a million would take long."""

STATIONS = (
    "SELECT station FROM run_slots UNION SELECT station FROM runs AS r"
    " WHERE NOT EXISTS (SELECT 1 FROM run_slots AS p WHERE p.run_id = r.id) ORDER BY 1 LIMIT 1000"
)


@dataclass(frozen=True, slots=True)
class _Table:
    """What is searched: its rows, its words, and their columns."""

    rows: str
    terms: str
    number: str


_CHECKS = _Table("checks", "check_terms", "check_id")
_ALERTS = _Table("alerts", "alert_terms", "alert_row")


def checks(wanted: CheckSearch, *, after: PageMark | None) -> Query:
    """Rows of (id, recorded_at, fits), newest first, without end."""
    words = [(NUMBER, wanted.number), (ITEM, wanted.item), (CHANNEL, wanted.channel)]
    words.append((VERDICT, wanted.verdict.value if wanted.verdict else ""))
    fits = [("x.is_final = 1", ())] if wanted.final else []
    return _search(_CHECKS, words, fits, [], since=wanted.since, until=wanted.until, after=after)


def alerts(wanted: AlertSearch, *, after: PageMark | None) -> Query:
    """Rows of (id, recorded_at, fits), newest first, without end."""
    words = [(NUMBER, wanted.number), (ITEM, wanted.item), (CHANNEL, wanted.channel)]
    words.append((SEVERITY, wanted.severity.value if wanted.severity else ""))
    fits = [] if wanted.resolution is None else [("x.resolution = ?", (wanted.resolution.value,))]
    # Few are open, and they have an index: rather sort them than walk by all the others.
    where = [("x.resolution IS NULL", ())] if wanted.open_only else []
    return _search(_ALERTS, words, fits, where, since=wanted.since, until=wanted.until, after=after)


def _search(
    table: _Table,
    words: list[tuple[str, str]],
    fits: Sequence[Part],
    where: Sequence[Part],
    *,
    since: datetime | None,
    until: datetime | None,
    after: PageMark | None,
) -> Query:
    terms = [kind + (_lowered(word) if kind in _FOLDED else word) for kind, word in words if word]
    walked, others = terms[:1], terms[1:]
    row = ("t." + table.number) if walked else "x.id"
    at = "t.recorded_at" if walked else "x.recorded_at"
    probe = (
        f"EXISTS (SELECT 1 FROM {table.terms} AS o WHERE o.term = ? AND o.recorded_at = {at}"  # noqa: S608
        f" AND o.{table.number} = {row})"
    )
    fits = [*fits, *((probe, (term,)) for term in others)]
    where = [*(("t.term = ?", (term,)) for term in walked), *where]
    where += [] if since is None else [(f"{at} >= ?", (_stamp(since),))]
    where += [] if until is None else [(f"{at} < ?", (_stamp(until),))]
    where += [] if after is None else [(f"({at}, {row}) < (?, ?)", (after.recorded_at, after.number))]
    joined = f"{table.terms} AS t CROSS JOIN {table.rows} AS x ON x.id = t.{table.number}"
    sql = (
        f"SELECT {row} AS id, {at} AS recorded_at, {_all_of(fits)} AS fits"  # noqa: S608
        f" FROM {joined if walked else f'{table.rows} AS x'} WHERE {_all_of(where)} ORDER BY {at} DESC, {row} DESC"
    )
    return sql, tuple(value for _, given in (*fits, *where) for value in given)


def _all_of(parts: Sequence[Part]) -> str:
    return " AND ".join(text for text, _ in parts) or "1"


def _stamp(moment: datetime) -> str:
    """A moment as it is stamped on records."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")


def _lowered(text: str) -> str:
    return "".join(character.lower() if character.isascii() else character for character in text)


FOUND_CHECKS = (
    "SELECT c.*, s.session_id, s.slot_id, coalesce(p.station, r.station) AS station, r.tells"
    " FROM json_each(?) AS n JOIN checks AS c ON c.id = n.value JOIN sessions AS s ON s.id = c.session_row"
    " JOIN runs AS r ON r.id = s.run_id LEFT JOIN run_slots AS p ON p.run_id = s.run_id AND p.slot_id = s.slot_id"
    " ORDER BY n.key"
)
FOUND_ALERTS = (
    "SELECT a.*, s.session_id, coalesce(p.station, r.station) AS station, r.tells"
    " FROM json_each(?) AS n JOIN alerts AS a ON a.id = n.value JOIN sessions AS s ON s.id = a.session_row"
    " JOIN runs AS r ON r.id = s.run_id LEFT JOIN run_slots AS p ON p.run_id = s.run_id AND p.slot_id = s.slot_id"
    " ORDER BY n.key"
)
RUN = "SELECT * FROM runs WHERE id = ?"
SESSION_BY_NUMBER = "SELECT * FROM sessions WHERE id = ?"

TRAYS = (
    "SELECT t.session_row, t.red, EXISTS (SELECT 1 FROM drawn_audits AS u WHERE u.session_row = t.session_row)"
    " AS answered FROM trays AS t WHERE t.recorded_at >= ? AND t.recorded_at < ?"
    " AND (t.red OR t.association NOT IN ('which_order', 'no_order'))"
)
SHOWN = (
    "SELECT c.id, c.association, c.recorded_at, s.run_id, s.session_id FROM sessions AS s JOIN checks AS c ON c.id ="
    " coalesce((SELECT a.check_id FROM alerts AS a WHERE a.session_row = s.id ORDER BY a.id LIMIT 1),"
    " (SELECT max(f.id) FROM checks AS f WHERE f.session_row = s.id)) WHERE s.id = ?"
)
"""The check that a tray's first alert was about, else its last."""

SIGHTINGS = "SELECT path, sighting FROM evidence WHERE check_id = ? AND path IS NOT NULL AND sighting IS NOT NULL"

SHOWN_PICTURES = (
    "SELECT e.path, e.sighting FROM evidence AS e WHERE e.session_row = ?1 AND e.path IS NOT NULL AND e.check_id ="
    " (SELECT n.check_id FROM evidence AS n WHERE n.session_row = ?1 AND n.path IS NOT NULL AND n.check_id IS NOT NULL"
    " ORDER BY abs(n.check_id - ?2), n.check_id DESC LIMIT 1) ORDER BY e.id"
)
WAITED = (
    "SELECT v.snapshot FROM orders AS o JOIN order_revisions AS v ON v.id = (SELECT max(n.id) FROM order_revisions AS n"
    " WHERE n.order_row = o.id AND n.recorded_at <= ?1) WHERE o.recorded_at > ?2 AND o.recorded_at <= ?1 AND o.test = 0"
    " AND o.id NOT IN (SELECT co.order_row FROM check_orders AS co WHERE co.check_id = ?3)"
    " AND coalesce((SELECT m.state FROM order_moves AS m WHERE m.order_row = o.id AND m.recorded_at <= ?1"
    " ORDER BY m.id DESC LIMIT 1), 'open') IN ('open', 'presented') ORDER BY o.id DESC LIMIT 200"
)
"""The orders that waited at a moment, beside those of a check, as they were then."""

STORE_ID = "SELECT value FROM about WHERE name = 'store_id'"


def tallies(counted: str, *, unit_s: int, since: int, until: int, station: str | None, key: str, shift_s: int) -> Query:
    """Rows of (key, item, n) for the units of time from `since` up to `until`.

    Args:
        counted: one kind of counts: several in one question take half as long again, since all are sorted together.
        unit_s: a quarter of an hour or an hour; both are kept.
        since: in units since 1970.
        until: the same; not included.
        station: of this one only.
        key: what they are put together by: `WHOLE_KEY`, `DAY_KEY` or `HOUR_KEY`.
        shift_s: what is added to UTC to get the local time, or to get the business day.
    """
    shifts = (shift_s,) * key.count("?")
    only = "" if station is None else " AND station = ?"
    sql = (
        f"SELECT {key} AS key, item, sum(n) AS n FROM tallies WHERE counted = ?"  # noqa: S608
        f" AND unit_s = ? AND at >= ? AND at < ?{only} GROUP BY 1, 2"
    )
    return sql, (*shifts, counted, unit_s, since, until, *(() if station is None else (station,)))


WHOLE_KEY = "0"
DAY_KEY = "(at * unit_s + ?) / 86400"
"""Days since 1970."""
HOUR_KEY = "((at * unit_s + ?) % 86400) / 3600"
