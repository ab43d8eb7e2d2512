"""Which order is this tray? The first rule that applies decides, and the verdict says which one it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from edge_agent.domain.contents import Contents, added
from edge_agent.domain.matching import LineResult, Verdict, VerdictKind, compare
from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order, OrderKey

NEAREST_SHARE = 1 / 3
"""The nearest order is named only if at most this share of its pieces differs."""


class Association(str, Enum):
    """How a tray came by its order."""

    MARKER = "marker"
    ASSIGNED = "assigned"
    EXACT = "exact"
    ONLY = "only"
    FIFO = "fifo"
    NEAREST = "nearest"
    WHICH_ORDER = "which_order"
    NO_ORDER = "no_order"

    @property
    def is_told(self) -> bool:
        """Whether someone said so, rather than the contents suggesting it: only then can a tray be called swapped."""
        return self in (Association.MARKER, Association.ASSIGNED)


class AssociationRule(str, Enum):
    """Which rules a station uses."""

    CONTENTS = "contents"
    STRICT_FIFO = "strict_fifo"
    MARKER_ONLY = "marker_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An order that a tray may belong to.

    Attributes:
        before: the contents of the order's trays that went before this one.
        parts_before: how many they are.
        only_exactly: the order was presented already and did not leave as a match; only a tray that fits it takes it up.
    """

    order: Order
    before: Contents = Contents()
    parts_before: int = 0
    only_exactly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Associated:
    """The orders of a tray (several where its lines add up), how they were found, and the verdict against them."""

    how: Association
    orders: tuple[Order, ...] = ()
    verdict: Verdict = Verdict(kind=VerdictKind.UNSURE)

    @property
    def keys(self) -> tuple[OrderKey, ...]:
        return tuple(order.key for order in self.orders)


def associate(
    menu: Menu,
    contents: Contents,
    candidates: Sequence[Candidate],
    *,
    told: Sequence[Candidate] = (),
    told_by: Association = Association.ASSIGNED,
    rule: AssociationRule = AssociationRule.CONTENTS,
    current: OrderKey | None = None,
) -> Associated:
    """Find the order of a tray and judge the tray against it (DESIGN section 5, Association).

    Args:
        menu: the menu.
        contents: what lies on the tray.
        candidates: the orders that wait at this station, oldest first.
        told: the orders named by a marker or an assignment; they go before everything else.
        told_by: which of the two it was.
        rule: which rules the station uses.
        current: the order that the tray had a moment ago; preferred among equals so that the answer does not flicker.
    """
    if told:
        return Associated(how=told_by, orders=tuple(c.order for c in told), verdict=judge(menu, contents, *told))
    if rule is AssociationRule.MARKER_ONLY:
        return Associated(how=Association.WHICH_ORDER if candidates else Association.NO_ORDER)
    judged = [(candidate, judge(menu, contents, candidate)) for candidate in candidates]
    waiting = [(candidate, verdict) for candidate, verdict in judged if not candidate.only_exactly]
    if rule is AssociationRule.STRICT_FIFO:
        return _taken(*waiting[0], Association.FIFO) if waiting else Associated(how=Association.NO_ORDER)
    judged.sort(key=lambda pair: pair[0].order.key != current)
    for fits in (_fits_whole, _fits_as_part):
        for candidate, verdict in judged:
            if fits(candidate, verdict):
                return _taken(candidate, verdict, Association.EXACT)
    if len(waiting) == 1:
        return _taken(*waiting[0], Association.ONLY)
    waiting.sort(key=lambda pair: (*_distance(pair[1]), pair[0].order.key != current))
    for candidate, verdict in waiting:
        if verdict.differing_pieces <= NEAREST_SHARE * verdict.wanted_pieces:
            return _taken(candidate, verdict, Association.NEAREST)
    return Associated(how=Association.WHICH_ORDER if waiting else Association.NO_ORDER)


def judge(menu: Menu, contents: Contents, *candidates: Candidate) -> Verdict:
    """The verdict on a tray for the given orders, which share it, with what went before it counted in."""
    complete = all(c.parts_before + 1 >= c.order.parts for c in candidates)
    seen = added([contents, *(c.before for c in candidates)])
    verdict = compare(menu, wanted(menu, *(c.order for c in candidates)), seen, complete=complete)
    return replace(verdict, allergy=any(c.order.mentions_allergy for c in candidates))


def _fits_whole(_: Candidate, verdict: Verdict) -> bool:
    return verdict.kind is VerdictKind.MATCH


def _fits_as_part(candidate: Candidate, verdict: Verdict) -> bool:
    """Whether the tray can be one of several of its order: nothing on it is, or may be, too much."""
    surplus = any(not line.expected and line.result is LineResult.UNSURE for line in verdict.lines)
    return candidate.parts_before + 1 < candidate.order.parts and verdict.kind is VerdictKind.UNSURE and not surplus


def _distance(verdict: Verdict) -> tuple[int, int]:
    unsure = sum(line.result is LineResult.UNSURE for line in verdict.lines)
    return verdict.differing_pieces, unsure


def _taken(candidate: Candidate, verdict: Verdict, how: Association) -> Associated:
    return Associated(how=how, orders=(candidate.order,), verdict=verdict)
