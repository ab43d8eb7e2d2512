"""How well single items are told apart: recall, precision and confusion of classes over trays whose contents are known.

Nobody drew boxes on these trays, so the scores come from counts alone: the *likely* counts that a session says against
the true ones. Of a class, `min(seen, true)` items of a tray were found; what is true beyond that was missed, what was
seen beyond it is surplus.

For the confusion, the missed and the surplus items of one tray are paired off, as many as there are of both: one missed
kiwi beside one surplus apple is a kiwi that was seen as an apple. With one missed and one surplus item the pair is
certain. With more of them the counts do not say which belong together; every way to pair them is then taken as equally
likely, and a cell gets the expected number of its pairs, `P * missed/M * surplus/S`, where M items were missed, S were
surplus and P = min(M, S). What finds no partner stands in the column, or the row, `nothing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_agent.checking.scoring import Share
from edge_agent.domain.contents import Contents

NOTHING = "nothing"
"""The column of items that were seen as no class at all, and the row of things seen where none lay."""

MIN_TRAYS = 30
"""A class enters the macro recall from so many sure trays on. With fewer, one tray moves its recall by too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassItems:
    """The items of one class over the trays that were scored.

    Attributes:
        trays: of the scored trays, those on which the class really lies.
        items: how many of it really lie there.
        seen: how many were seen.
        found: how many of those seen are really there.
        found_surely: how many of these are seen beyond doubt, as a verdict asks.
        exact_trays: the scored trays on which its count is right, be it none.
        scored_trays: all trays that were scored.
        trays_known: the trays by which it was chosen for the macro recall; see `item_scores`.
    """

    class_name: str
    trays: int
    items: int
    seen: int
    found: int
    found_surely: int
    exact_trays: int
    scored_trays: int
    trays_known: int

    @property
    def recall(self) -> Share:
        """Of the items that are there, the share found. The interval takes the items as independent."""
        return Share.of(self.found, self.items)

    @property
    def precision(self) -> Share:
        """Of the items seen, the share that is there."""
        return Share.of(self.found, self.seen)

    @property
    def exact(self) -> Share:
        """Of all scored trays, the share on which the count of this class is right; high by nature for a rare one."""
        return Share.of(self.exact_trays, self.scored_trays)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScores:
    """The scores of every class, those with the most known trays first.

    `confusion[true, seen]` is a number of items, not always whole; `NOTHING` may stand on either side. Its rows add up
    to the true items of a class, its columns to those seen.
    """

    classes: tuple[ClassItems, ...] = ()
    confusion: Mapping[tuple[str, str], float] = field(default_factory=dict)
    min_trays: int = MIN_TRAYS

    @property
    def frequent(self) -> tuple[ClassItems, ...]:
        """The classes with trays enough for the macro recall, whether or not they lie on any of the scored trays."""
        return tuple(each for each in self.classes if each.trays_known >= self.min_trays)

    @property
    def in_macro(self) -> tuple[ClassItems, ...]:
        """The classes of which the macro recall is the mean: frequent, and on the scored trays at least once."""
        return tuple(each for each in self.frequent if each.items)

    @property
    def macro_recall(self) -> float | None:
        """The mean recall of those classes, each with the same weight; None where there are none."""
        recalls = [each.found / each.items for each in self.in_macro]
        return sum(recalls) / len(recalls) if recalls else None

    @property
    def macro_recall_surely(self) -> float | None:
        """The same of what was found beyond doubt: never more than `macro_recall`."""
        recalls = [each.found_surely / each.items for each in self.in_macro]
        return sum(recalls) / len(recalls) if recalls else None

    @property
    def mistaken(self) -> tuple[tuple[str, str, float], ...]:
        """Every (true, seen, items) that is not right, the most frequent first."""
        wrong = ((true, seen, items) for (true, seen), items in self.confusion.items() if true != seen)
        return tuple(sorted(wrong, key=lambda entry: (-entry[2], entry[:2])))

    def as_json(self) -> dict[str, Any]:
        """The keys that `evaluate --json` adds."""
        macro, surely = self.macro_recall, self.macro_recall_surely
        averaged = {each.class_name for each in self.in_macro}
        rows: dict[str, dict[str, float]] = {}
        for (true, seen), items in sorted(self.confusion.items()):
            rows.setdefault(true, {})[seen] = round(items, 3)
        return {
            "classes": {
                each.class_name: {
                    "trays": each.trays,
                    "items": each.items,
                    "seen": each.seen,
                    "found": each.found,
                    "found_surely": each.found_surely,
                    "trays_known": each.trays_known,
                    "in_macro": each.class_name in averaged,
                    "recall": each.recall.as_json(),
                    "precision": each.precision.as_json(),
                    "exact": each.exact.as_json(),
                }
                for each in self.classes
            },
            "macro_recall": None if macro is None else round(macro, 4),
            "macro_recall_surely": None if surely is None else round(surely, 4),
            "item_confusion": rows,
        }


def item_scores(
    counted: Iterable[tuple[Mapping[str, int], Contents]],
    *,
    trays_known: Mapping[str, int] | None = None,
    min_trays: int = MIN_TRAYS,
) -> ItemScores:
    """Score the items of trays given as (true contents by class, seen contents).

    Args:
        counted: the trays; only such whose true contents are sure.
        trays_known: on how many trays each class really lies, by which the classes of the macro recall are chosen.
            Where the scored trays are a block held out of a larger set, count over the whole set: in the block itself
            hardly any class has trays enough, and chance would say which. Left out, the scored trays themselves count.
        min_trays: from so many of those trays on a class enters the macro recall.
    """
    counts = [(Counter(_positive(true)), seen) for true, seen in counted]
    scored = [(true, Counter(seen.likely)) for true, seen in counts]
    trays = trays_with(true for true, _ in scored)
    known = trays if trays_known is None else trays_known
    names = {name for pair in scored for counts in pair for name in counts} | {n for n, many in known.items() if many}
    confusion: dict[tuple[str, str], float] = {}
    for true, seen in scored:
        for cell, items in _cells(true, seen).items():
            confusion[cell] = confusion.get(cell, 0.0) + items
    classes = (
        ClassItems(
            class_name=name,
            trays=trays.get(name, 0),
            items=sum(true[name] for true, _ in scored),
            seen=sum(seen[name] for _, seen in scored),
            found=sum(min(true[name], seen[name]) for true, seen in scored),
            found_surely=sum(min(true[name], seen.of_class(name).surely) for true, seen in counts),
            exact_trays=sum(true[name] == seen[name] for true, seen in scored),
            scored_trays=len(scored),
            trays_known=known.get(name, 0),
        )
        for name in names
    )
    ordered = sorted(classes, key=lambda each: (-each.trays_known, each.class_name))
    return ItemScores(classes=tuple(ordered), confusion=confusion, min_trays=min_trays)


def trays_with(contents: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """On how many trays each class lies."""
    return dict(Counter(name for counts in contents for name in _positive(counts)))


def _positive(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 0}


def _cells(true: Counter[str], seen: Counter[str]) -> dict[tuple[str, str], float]:
    """What one tray adds to the confusion; see the module's text."""
    cells: dict[tuple[str, str], float] = {(name, name): float(count) for name, count in (true & seen).items()}
    missed, surplus = true - seen, seen - true
    total_missed, total_surplus = missed.total(), surplus.total()
    pairs = min(total_missed, total_surplus)
    for name, count in missed.items():
        for other, beyond in surplus.items():
            cells[name, other] = pairs * count * beyond / (total_missed * total_surplus)
        if total_missed > pairs:
            cells[name, NOTHING] = count * (total_missed - pairs) / total_missed
    if total_surplus > pairs:
        for other, beyond in surplus.items():
            cells[NOTHING, other] = beyond * (total_surplus - pairs) / total_surplus
    return cells
