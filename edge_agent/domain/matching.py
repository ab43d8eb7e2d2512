"""Compare what should lie on a tray with what was seen there. Pure: no camera, no clock, no state.

The contents give each class a lower and an upper bound, so the question has a sharp answer. A line is *missing* only
when even the upper bounds cannot fill it, something is *extra* only when even the lower bounds cannot be used up, and a
line is *ok* only when the lower bounds fill it and the upper bounds leave nothing over; whatever lies between is
*unsure*. Choices (`any_of`) make this an assignment of seen pieces to wanted ones: a maximum flow on a graph of a few
nodes (Ford and Fulkerson 1956), filled in order of narrowness, which names the line that goes short.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.menu import Menu, NotChecked, Wanted

UNBOUNDED = 10**30
"""More pieces than any order can want; stands for "any number" so that the arithmetic stays in whole numbers."""


class LineResult(str, Enum):
    """What came of one line."""

    OK = "ok"
    MISSING = "missing"
    EXTRA = "extra"
    UNSURE = "unsure"
    NOT_CHECKED = "not_checked"


class VerdictKind(str, Enum):
    """What came of the whole tray."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLine:
    """One line of a verdict.

    Attributes:
        skus: the SKUs checked together; more than one are look-alikes or share a choice.
        expected: how many the order wants; 0 for a surplus that no line wants.
        seen: the best guess of how many lie there.
        off_by: how many are missing or extra beyond doubt; 0 otherwise.
        reason: why the line is unsure or not checked; empty otherwise.
    """

    skus: tuple[str, ...]
    name: str
    expected: int
    seen: int
    result: LineResult
    off_by: int = 0
    reason: str = ""

    @property
    def sku(self) -> str:
        """One text for the line: look-alikes joined by a bar."""
        return "|".join(self.skus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A verdict with all its lines."""

    kind: VerdictKind
    lines: tuple[CheckedLine, ...] = ()
    allergy: bool = False

    @property
    def by_hand(self) -> tuple[CheckedLine, ...]:
        """The lines that the camera leaves to the crew."""
        return tuple(line for line in self.lines if line.result is LineResult.NOT_CHECKED)

    @property
    def wanted_pieces(self) -> int:
        return sum(line.expected for line in self.lines)

    @property
    def checked_pieces(self) -> int:
        """How many of the wanted pieces the verdict covers: "5 of 7 checked"."""
        return self.wanted_pieces - sum(line.expected for line in self.by_hand)

    @property
    def faults(self) -> tuple[CheckedLine, ...]:
        """The lines that are wrong beyond doubt."""
        return tuple(line for line in self.lines if line.result in (LineResult.MISSING, LineResult.EXTRA))

    @property
    def differing_pieces(self) -> int:
        """How many pieces differ beyond doubt; one thing in the place of another counts once."""
        missing = sum(line.off_by for line in self.faults if line.result is LineResult.MISSING)
        extra = sum(line.off_by for line in self.faults if line.result is LineResult.EXTRA)
        return max(missing, extra)

    @property
    def nothing_to_see(self) -> bool:
        """Whether the order wants nothing that the camera checks."""
        return not self.checked_pieces


def signature(lines: Iterable[CheckedLine]) -> tuple[tuple[str, str], ...]:
    """What is wrong on these lines, in a form that can be compared."""
    return tuple(sorted((line.sku, line.result.value) for line in lines))


@dataclass(slots=True)
class _Demand:
    """Wanted SKUs that accept the same classes; look-alikes end up in one demand."""

    skus: list[str]
    names: list[str]
    expected: int
    classes: frozenset[str]
    tolerated: bool
    counts_pieces: bool

    @property
    def needed(self) -> int:
        """How many pieces fill it: of what is only ever present or absent, one stands for all."""
        return self.expected if self.counts_pieces else 1


def compare(menu: Menu, wants: Iterable[Wanted], contents: Contents, *, complete: bool = True) -> Verdict:
    """The verdict on a tray.

    Args:
        menu: the menu; classes that none of its items shows are ignored.
        wants: what should lie there, as `domain.menu.wanted` gives it.
        contents: what was seen.
        complete: False while further trays of the order are to come; nothing is missing before the last.
    """
    wants = tuple(wants)
    lines = [_left_to_crew(want) for want in wants if want.left_to_crew]
    unknown = any(want.left_to_crew is NotChecked.UNKNOWN_SKU for want in wants)
    demands = _demands(menu, wants)
    unclear = contents.unclear if complete else contents.unclear or Doubt.TOO_FEW_FRAMES
    for component in _components(demands, [c for c in menu.classes if menu.is_checked(c)]):
        lines += _judge(menu, *component, contents, unclear)
    if unknown:
        lines = [_softened(line) for line in lines]
    mentioned = {want.sku: place for place, want in reversed(list(enumerate(wants)))}
    lines.sort(key=lambda line: min(mentioned.get(sku, len(wants)) for sku in line.skus))
    return Verdict(kind=_kind(lines, complete=complete), lines=tuple(lines))


def _kind(lines: Sequence[CheckedLine], *, complete: bool) -> VerdictKind:
    results = {line.result for line in lines}
    if results & {LineResult.MISSING, LineResult.EXTRA}:
        return VerdictKind.MISMATCH
    if LineResult.UNSURE in results or not results & {LineResult.OK} or not complete:
        return VerdictKind.UNSURE
    return VerdictKind.MATCH


def _left_to_crew(want: Wanted) -> CheckedLine:
    return CheckedLine(
        skus=(want.sku,),
        name=want.name,
        expected=want.quantity,
        seen=0,
        result=LineResult.NOT_CHECKED,
        reason=want.left_to_crew.value if want.left_to_crew else "",
    )


def _softened(line: CheckedLine) -> CheckedLine:
    """A surplus on an order with an unknown SKU may be just that SKU."""
    if line.result is not LineResult.EXTRA:
        return line
    return replace(line, result=LineResult.UNSURE, off_by=0, reason=NotChecked.UNKNOWN_SKU.value)


def _demands(menu: Menu, wants: Sequence[Wanted]) -> list[_Demand]:
    """Merge what looks alike. The narrowest demand comes first: it is filled first, so a shortage falls to a choice.

    Among equals the menu decides, not the till: the same order in another sequence gets the same verdict.
    """
    listed = {item.sku: place for place, item in enumerate(menu.items)}
    merged: dict[tuple[frozenset[str], bool], _Demand] = {}
    for want in sorted((want for want in wants if want.classes), key=lambda want: listed[want.sku]):
        tolerated = want.left_to_crew is not None
        demand = merged.get((want.classes, tolerated))
        if demand is None:
            counted = any(menu.counts_pieces(c) for c in want.classes)
            merged[want.classes, tolerated] = _Demand(
                [want.sku], [want.name], want.quantity, want.classes, tolerated, counted
            )
        else:
            demand.skus.append(want.sku)
            demand.names.append(want.name)
            demand.expected += want.quantity
    return sorted(merged.values(), key=lambda d: (d.tolerated, len(d.classes)))


def _components(demands: Sequence[_Demand], classes: Sequence[str]) -> list[tuple[list[_Demand], list[str]]]:
    """Split into parts that share no class; each class of the menu stands in exactly one part."""
    parts: list[tuple[list[_Demand], set[str]]] = []
    for demand in demands:
        touching = [part for part in parts if part[1] & demand.classes]
        parts = [part for part in parts if not part[1] & demand.classes]
        joined = sorted(
            [*(d for part in touching for d in part[0]), demand], key=lambda d: (d.tolerated, len(d.classes))
        )
        parts.append((joined, set().union(demand.classes, *(part[1] for part in touching))))
    split = [(part, [c for c in classes if c in own]) for part, own in parts]
    wanted_classes = set().union(*(own for _, own in parts))
    return split + [([], [c]) for c in classes if c not in wanted_classes]


def _judge(
    menu: Menu, demands: list[_Demand], classes: list[str], contents: Contents, unclear: Doubt | None
) -> list[CheckedLine]:
    """Judge demands that share classes. See the module's text for the rule."""
    counts = {name: contents.of_class(name) for name in classes}
    untold = set(classes) if unclear else contents.overlooked & set(classes)
    doubts = [unclear, *(count.doubt for count in counts.values()), Doubt.OVERLOOKED if untold else Doubt.FAINT]
    doubt = next(each for each in doubts if each)
    uncounted = {c for c in classes if not menu.counts_pieces(c)}
    endless = uncounted if demands else set()
    at_least = {
        name: _supply(count.surely, uncounted=name in uncounted, wanted=bool(demands)) for name, count in counts.items()
    }
    at_most = {
        name: _supply(count.possibly, uncounted=name in uncounted, wanted=bool(demands))
        for name, count in counts.items()
    }
    sure_fill, sure_left = _fill(demands, at_least)
    best_fill, _ = _fill(demands, {**at_most, **dict.fromkeys(untold, UNBOUNDED)})
    _, possible_left = _fill(demands, at_most)
    for name in endless:
        sure_left[name] = possible_left[name] = 0
    lines = []
    for number, demand in enumerate(demands):
        if demand.tolerated:
            continue
        seen = _seen(demand, demands, counts)
        result, off_by = LineResult.OK, 0
        own = next(iter(demand.classes)) if len(demand.classes) == 1 else ""
        if best_fill[number] < demand.needed:
            result, off_by = LineResult.MISSING, demand.needed - best_fill[number]
        elif sure_left.get(own, 0):
            result, off_by = LineResult.EXTRA, sure_left.pop(own)
        elif sure_fill[number] < demand.needed or possible_left.get(own, 0):
            result = LineResult.UNSURE
        possible_left.pop(own, None)
        lines.append(
            CheckedLine(
                skus=tuple(demand.skus),
                name=" or ".join(demand.names),
                expected=demand.expected,
                seen=seen,
                result=result,
                off_by=off_by,
                reason=doubt.value if result is LineResult.UNSURE else "",
            )
        )
    return lines + _surplus(menu, counts, sure_left, possible_left, doubt)


def _supply(count: int, *, uncounted: bool, wanted: bool) -> int:
    """A class of mere presence that is there fills any demand and is never too much; unwanted, it is one thing."""
    if not (uncounted and count):
        return count
    return UNBOUNDED if wanted else 1


def _fill(demands: Sequence[_Demand], supplies: dict[str, int]) -> tuple[list[int], dict[str, int]]:
    """Assign supplies to demands, as many as possible, earlier demands first.

    Returns:
        how many pieces each demand got, and how many of each class are left over.
    """
    left = dict(supplies)
    given: list[dict[str, int]] = [{} for _ in demands]
    for number, demand in enumerate(demands):
        need = demand.needed
        while need > 0 and (step := _path(number, demands, given, left)):
            amount = min(need, _capacity(step, given, left))
            _move(step, amount, given, left)
            need -= amount
    return [sum(g.values()) for g in given], left


def _path(
    start: int, demands: Sequence[_Demand], given: Sequence[dict[str, int]], left: dict[str, int]
) -> list[tuple[int, str]]:
    """The shortest chain that frees a piece for `start`: (demand, class it takes), each taking it from the next."""
    chains: list[list[tuple[int, str]]] = [[(start, c)] for c in sorted(demands[start].classes)]
    reached = set(demands[start].classes)
    while chains:
        chain = chains.pop(0)
        _, wants_class = chain[-1]
        if left.get(wants_class, 0) > 0:
            return chain
        for other, holding in enumerate(given):
            if holding.get(wants_class, 0) > 0:
                for name in sorted(demands[other].classes - reached):
                    reached.add(name)
                    chains.append([*chain, (other, name)])
    return []


def _capacity(chain: Sequence[tuple[int, str]], given: Sequence[dict[str, int]], left: dict[str, int]) -> int:
    passed_on = [given[other][taken] for (_, taken), (other, _) in pairwise(chain)]
    return min([left[chain[-1][1]], *passed_on])


def _move(chain: Sequence[tuple[int, str]], amount: int, given: Sequence[dict[str, int]], left: dict[str, int]) -> None:
    for position, (demand, name) in enumerate(chain):
        given[demand][name] = given[demand].get(name, 0) + amount
        if position + 1 < len(chain):
            given[chain[position + 1][0]][name] -= amount
    left[chain[-1][1]] -= amount


def _seen(demand: _Demand, demands: Sequence[_Demand], counts: dict[str, ClassCount]) -> int:
    """The best guess for one demand: all of its classes where it alone wants them, else its share of the best guess.

    A surplus of a class that one line names by itself is shown on that line.
    """
    shared = any(d is not demand and d.classes & demand.classes for d in demands)
    if not shared:
        return sum(counts[name].likely for name in demand.classes)
    fill, left = _fill(demands, {name: count.likely for name, count in counts.items()})
    first = next(d for d in demands if d.classes == demand.classes)
    over = left[min(demand.classes)] if len(demand.classes) == 1 and first is demand else 0
    return fill[demands.index(demand)] + over


def _surplus(
    menu: Menu, counts: dict[str, ClassCount], sure_left: dict[str, int], possible_left: dict[str, int], doubt: Doubt
) -> list[CheckedLine]:
    """Lines for pieces that no line wants."""
    lines = []
    for name, count in counts.items():
        surely, possibly = sure_left.get(name, 0), possible_left.get(name, 0)
        if not (surely or possibly):
            continue
        items = menu.items_seen_as(name)
        lines.append(
            CheckedLine(
                skus=tuple(item.sku for item in items),
                name=" or ".join(item.shown_name for item in items),
                expected=0,
                seen=max(surely, min(count.likely, possibly)),
                result=LineResult.EXTRA if surely else LineResult.UNSURE,
                off_by=surely,
                reason="" if surely else (count.doubt or doubt).value,
            )
        )
    return lines
