"""The geometry of the report's plots; the templates turn it into SVG. Lengths are in the units of the view box."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_agent.checking.scoring import Share
from edge_agent.evaluation.wording import Sign

WIDTH = 1000
LEFT, RIGHT = 70, 12
SPAN_S = 40.0
"""So much of a recording stands on one line of the timeline; longer ones go on below, as sheet music does."""

MOST_LINES = 30
MARK_LANES, MARK_HEIGHT = 3, 15
BAR_HEIGHT, BAR_GAP = 30, 10
AXIS_HEIGHT = 20
CHARACTER = 6.6
"""The mean width of a character of the plots' 12-unit font."""

BOLD_CHARACTER = 7.8

TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
MOST_TICKS = 14


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """A share and its interval on a track from 0 to 100."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, share: Share) -> IntervalBar | None:
        if share.value is None or share.low is None or share.high is None:
            return None
        return cls(100 * share.value, 100 * share.low, 100 * share.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened at a time; `kind` picks the glyph."""

    at_s: float
    kind: str
    label: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Something that lasted: a tray session, or a true tray; `row` names its line in the plot."""

    row: str
    start_s: float
    end_s: float
    sign: Sign
    label: str
    title: str
    href: str = ""
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment, placed."""

    x: float
    y: float
    kind: str
    label: str
    title: str
    label_left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A spell, or the part of it on this line, placed. `label` is empty where there is no room for it."""

    x: float
    y: float
    width: float
    height: float
    spell: Spell
    label: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineLine:
    """One line of the timeline, as long as a part of the recording."""

    start_s: float
    end_s: float
    height: float
    axis_y: float
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scale:
    start_s: float
    end_s: float

    def x(self, at_s: float) -> float:
        share = (at_s - self.start_s) / (self.end_s - self.start_s)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def holds(self, at_s: float) -> bool:
        return self.start_s <= at_s < self.end_s


def timeline(duration_s: float, arrivals: Sequence[Moment], spells: Sequence[Spell]) -> tuple[TimelineLine, ...]:
    """Lay out a recording over as many lines as it needs."""
    last_s = max([duration_s, 1.0, *(s.end_s for s in spells), *(m.at_s for m in arrivals)])
    count = min(MOST_LINES, max(1, math.ceil(last_s / SPAN_S)))
    span_s = math.floor(last_s / count) + 1  # more than a share, so that what happens at the very end has a place
    rows = tuple(dict.fromkeys(spell.row for spell in spells))
    scales = (_Scale(k * span_s, (k + 1) * span_s) for k in range(math.ceil(last_s / span_s)))
    return tuple(_line(scale, rows, arrivals, spells) for scale in scales)


def _line(scale: _Scale, rows: Sequence[str], arrivals: Sequence[Moment], spells: Sequence[Spell]) -> TimelineLine:
    marks = _placed_marks(scale, arrivals)
    top = MARK_LANES * MARK_HEIGHT + 6.0
    bars: list[Bar] = []
    labels = [(top / 2 + 4, "Orders")]
    for row in rows:
        here = [s for s in spells if s.row == row and s.start_s < scale.end_s and s.end_s > scale.start_s]
        lanes = _lanes(here)
        for spell, lane in zip(here, lanes, strict=True):
            bars.append(_bar(scale, spell, top + lane * (BAR_HEIGHT + BAR_GAP)))
        labels.append((top + BAR_HEIGHT / 2 + 4, row))
        top += (max(lanes, default=0) + 1) * (BAR_HEIGHT + BAR_GAP)
    return TimelineLine(
        start_s=scale.start_s,
        end_s=scale.end_s,
        height=top + AXIS_HEIGHT,
        axis_y=top,
        ticks=_ticks(scale),
        rows=tuple(labels),
        marks=tuple(marks),
        bars=tuple(bars),
    )


def _ticks(scale: _Scale) -> tuple[tuple[float, str], ...]:
    span_s = scale.end_s - scale.start_s
    step = next((s for s in TICK_STEPS_S if span_s / s <= MOST_TICKS), TICK_STEPS_S[-1])
    first = math.ceil(scale.start_s / step)
    last = math.floor(scale.end_s / step)
    return tuple((scale.x(k * step), f"{k * step} s") for k in range(first, last + 1))


def _lanes(spells: Sequence[Spell]) -> list[int]:
    """A lane for each spell so that none lies on another; the lowest that is free."""
    ends: list[float] = []
    lanes = []
    for spell in spells:
        lane = next((k for k, end_s in enumerate(ends) if end_s <= spell.start_s), len(ends))
        if lane == len(ends):
            ends.append(0.0)
        ends[lane] = spell.end_s
        lanes.append(lane)
    return lanes


def _bar(scale: _Scale, spell: Spell, y: float) -> Bar:
    left = scale.x(max(spell.start_s, scale.start_s))
    right = scale.x(min(spell.end_s, scale.end_s))
    width = max(3.0, right - left)
    room = width - 28
    label = spell.label if len(spell.label) * BOLD_CHARACTER <= room else ""
    marks = tuple(
        Mark(x=scale.x(m.at_s), y=y, kind=m.kind, label=m.label, title=m.title)
        for m in spell.moments
        if scale.holds(m.at_s)
    )
    return Bar(x=left, y=y, width=round(width, 1), height=BAR_HEIGHT, spell=spell, label=label, marks=marks)


def _placed_marks(scale: _Scale, moments: Sequence[Moment]) -> list[Mark]:
    """Marks with their labels in lanes; a label without room is left to the tooltip."""
    free_from = [0.0] * MARK_LANES
    marks = []
    for moment in sorted((m for m in moments if scale.holds(m.at_s)), key=lambda m: m.at_s):
        x, length = scale.x(moment.at_s), len(moment.label) * CHARACTER + 18
        fits = x + length <= WIDTH
        begins, ends = (x - 6, x + length) if fits else (x - length, x + 6)
        lane = next((k for k, until in enumerate(free_from) if until <= begins), None)
        label = moment.label if lane is not None else ""
        if lane is not None:
            free_from[lane] = ends
        y = ((MARK_LANES - 1) if lane is None else lane) * MARK_HEIGHT + MARK_HEIGHT - 3.0
        marks.append(
            Mark(x=x, y=y, kind=moment.kind, label=label, title=moment.title or moment.label, label_left=not fits)
        )
    return marks


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """How many trays with so many pieces were seen as so many; `heat` is 0 to 1."""

    count: int
    heat: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatTable:
    """The confusion of counts of one class: a row per true count, a column per seen count."""

    class_name: str
    seen: tuple[int, ...]
    rows: tuple[tuple[int, tuple[HeatCell, ...]], ...]
    exact: Share = field(default_factory=lambda: Share.of(0, 0))


def heat_tables(confusion: Mapping[str, Counter[tuple[int, int]]]) -> tuple[HeatTable, ...]:
    """One table per class, the class with the most wrong counts first."""
    ordered = sorted(confusion.items(), key=lambda entry: (-_wrong(entry[1]), entry[0]))
    return tuple(_heat_table(name, cells) for name, cells in ordered)


def _heat_table(class_name: str, cells: Counter[tuple[int, int]]) -> HeatTable:
    true, seen = _counts(pair[0] for pair in cells), _counts(pair[1] for pair in cells)
    most = max(cells.values(), default=1)
    rows = tuple(
        (t, tuple(HeatCell(count=cells[t, s], heat=_heat(cells[t, s], most), right=t == s) for s in seen)) for t in true
    )
    total = cells.total()
    return HeatTable(class_name=class_name, seen=seen, rows=rows, exact=Share.of(total - _wrong(cells), total))


def _counts(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted({0, 1, *numbers}))


def _heat(count: int, most: int) -> float:
    """Logarithmic, so that three wrong trays show beside a hundred right ones."""
    return round(math.log1p(count) / math.log1p(most), 3) if count else 0.0


def _wrong(cells: Counter[tuple[int, int]]) -> int:
    return sum(n for (true, seen), n in cells.items() if true != seen)
