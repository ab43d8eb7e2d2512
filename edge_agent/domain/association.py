"""Which order is this tray? The first rule that applies decides, and the verdict says which one it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from edge_agent.domain.contents import Contents, added
from edge_agent.domain.matching import LineResult, Verdict, VerdictKind, compare
from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order, OrderKey

NEAREST_SHARE = 1 / 3
"""The nearest order is named only if at most this share of its checked pieces differs."""

_NOTHING_BEFORE = Contents()
_UNDECIDED = Verdict(kind=VerdictKind.UNSURE)


ONLY_SHARE = 1 / 2
"""The only open order is taken for the tray's if at most this share of its pieces differs (decision 0005)."""


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
        only_exactly: the order was presented and did not leave as a match; only a tray that fits it takes it up.
    """

    order: Order
    before: Contents = _NOTHING_BEFORE
    parts_before: int = 0
    only_exactly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Associated:
    """The orders of a tray (several where its lines add up), how they were found, and the verdict against them."""

    how: Association
    orders: tuple[Order, ...] = ()
    verdict: Verdict = _UNDECIDED

    @property
    def keys(self) -> tuple[OrderKey, ...]:
        return tuple(order.key for order in self.orders)


def associate(  # noqa: PLR0913  each rule has its own word
    menu: Menu,
    contents: Contents,
    candidates: Sequence[Candidate],
    *,
    told: Sequence[Candidate] = (),
    told_by: Association = Association.ASSIGNED,
    rule: AssociationRule = AssociationRule.CONTENTS,
    current: OrderKey | None = None,
    judged_on: Callable[[Candidate], Judged] | None = None,
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
        judged_on: what `judged` says of this menu, these contents and one order, for who remembers that.
    """
    if told:
        return Associated(how=told_by, orders=tuple(c.order for c in told), verdict=judge(menu, contents, *told))
    judged_on = judged_on or partial(judged, menu, contents)
    held = [each for each in map(judged_on, candidates) if each.has_something_to_see]
    if rule is AssociationRule.MARKER_ONLY:
        return _in_doubt(held)
    if rule is AssociationRule.STRICT_FIFO:
        return _first_in_line(held)
    sighted = any(contents.of_class(name).likely for name in menu.classes)
    return _by_contents(sorted(held, key=lambda each: each.key != current), sighted=sighted)


def _by_contents(judged: Sequence[Judged], *, sighted: bool) -> Associated:
    whole = sorted((each for each in judged if each.fits_whole), key=lambda each: each.candidate.only_exactly)
    as_part = [each for each in judged if sighted and each.fits_as_part]
    if whole or as_part:
        return (whole + as_part)[0].taken(Association.EXACT)
    waiting = [each for each in judged if not each.candidate.only_exactly]
    if len(waiting) == 1:
        return waiting[0].taken(Association.ONLY) if waiting[0].may_be_the_only_one else _in_doubt(waiting)
    nearest = min((each for each in waiting if each.may_be_named), key=lambda each: each.distance, default=None)
    if nearest is not None:
        return nearest.taken(Association.NEAREST)
    return _in_doubt(waiting)


def judge(menu: Menu, contents: Contents, *candidates: Candidate) -> Verdict:
    """The verdict on a tray for the given orders, which share it, with what went before it counted in."""
    complete = all(c.parts_before + 1 >= c.order.parts for c in candidates)
    seen = added([contents, *(c.before for c in candidates)])
    verdict = compare(menu, wanted(menu, *(c.order for c in candidates)), seen, complete=complete)
    return replace(verdict, allergy=any(c.order.mentions_allergy for c in candidates))


def is_near(verdict: Verdict) -> bool:
    """Whether so little differs that the order may be named. What is not checked cannot make a tray look nearer."""
    return verdict.differing_pieces <= NEAREST_SHARE * verdict.checked_pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An order held against a tray, and what the rules ask of that: worked out once, asked for with every frame.

    Attributes:
        key: the order's.
        verdict: the verdict on the tray for this order.
        has_something_to_see: the order wants something that the camera checks.
        fits_whole: the tray is the order, or the rest of it.
        fits_as_part: it can be one of several of its order: nothing on it is, or may be, too much.
        distance: how many pieces differ beyond doubt, and how many lines are in doubt.
        may_be_the_only_one: at least half of the order is there; a tray that shares less is likelier somebody else's.
        may_be_named: the tray is near; a red needs that to hold also if every line in doubt should turn out to differ.
    """

    candidate: Candidate
    key: OrderKey
    verdict: Verdict
    has_something_to_see: bool
    fits_whole: bool
    fits_as_part: bool
    distance: tuple[int, int]
    may_be_the_only_one: bool
    may_be_named: bool

    def taken(self, how: Association) -> Associated:
        return Associated(how=how, orders=(self.candidate.order,), verdict=self.verdict)


def judged(menu: Menu, contents: Contents, candidate: Candidate) -> Judged:
    """Hold one order against a tray."""
    verdict = judge(menu, contents, candidate)
    unsure = [line for line in verdict.lines if line.result is LineResult.UNSURE]
    surplus = any(not line.expected or line.seen > line.expected for line in unsure)
    more_to_come = candidate.parts_before + 1 < candidate.order.parts
    is_unsure = verdict.kind is VerdictKind.UNSURE
    differing, checked = verdict.differing_pieces, verdict.checked_pieces
    return Judged(
        candidate=candidate,
        key=candidate.order.key,
        verdict=verdict,
        has_something_to_see=not verdict.nothing_to_see,
        fits_whole=verdict.kind is VerdictKind.MATCH,
        fits_as_part=more_to_come and is_unsure and not surplus,
        distance=(differing, len(unsure)),
        may_be_the_only_one=differing <= ONLY_SHARE * checked,
        may_be_named=differing + (0 if is_unsure else len(unsure)) <= NEAREST_SHARE * checked,
    )


def _in_doubt(waiting: Sequence[Judged]) -> Associated:
    return Associated(how=Association.WHICH_ORDER if waiting else Association.NO_ORDER)


def _first_in_line(judged: Sequence[Judged]) -> Associated:
    """The head of the queue; a tray that does not fit it may be one presented before, which was put right."""
    head = [each for each in judged if not each.candidate.only_exactly][:1]
    put_right = [each for each in judged if each.candidate.only_exactly and each.fits_whole]
    chosen = [each for each in head if each.fits_whole] or put_right or head
    return chosen[0].taken(Association.FIFO) if chosen else Associated(how=Association.NO_ORDER)
