"""The trial of an installer: a test order, a tray that lacks one thing of it on purpose, then the whole tray."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from edge_agent.domain.association import Association
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import LineResult, Verdict, VerdictKind
from edge_agent.domain.menu import HandedAt, Menu, MenuItem, Visibility
from edge_agent.domain.order import Order, OrderLine

SOURCE = "setup"
"""The till of test orders: no real till has the name, and no number of theirs can be one of it."""

FEWEST, MOST = 2, 6
"""A tray with one thing that lacks it is an empty tray; more than six are a nuisance to lay out."""


class Step(str, Enum):
    """How far the trial is: first the wrong tray, then the right one."""

    WRONG = "wrong"
    RIGHT = "right"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """Where the trial of one order stands.

    Attributes:
        left_out: the SKU that the first tray lacks.
        said: what was said last of a tray that was taken for this order; None where nothing was.
        wrong_said: how the wrong tray was called, once it was found out.
    """

    step: Step
    left_out: str
    said: Verdict | None = None
    wrong_said: Verdict | None = None


def stageable(menu: Menu) -> tuple[MenuItem, ...]:
    """The items with which a trial can be made: those that the camera can tell from all others, in the menu's order."""
    return tuple(
        item
        for item in menu.items
        if item.detects_as is not None
        and item.visibility is not Visibility.HIDDEN
        and item.handed_at is HandedAt.HERE
        and len(menu.items_seen_as(item.detects_as)) == 1
    )


def staged_order(order_id: str, items: Sequence[MenuItem], *, station: str) -> Order:
    """The order of a trial: one of each; the last is the one that is left out first."""
    return Order(
        order_id=order_id,
        source=SOURCE,
        display_number=order_id,
        station=station,
        test=True,
        lines=tuple(OrderLine(sku=item.sku, name=item.shown_name) for item in items),
    )


def staged(order: Order, reached: Iterable[VerdictReached]) -> Staged:
    """How far the trial is.

    Args:
        order: the test order.
        reached: every verdict on a tray that was taken for it, the oldest first.
    """
    left_out = order.lines[-1].sku
    wrong: Verdict | None = None
    last: Verdict | None = None
    for each in reached:
        if order.key not in each.orders:
            continue
        last = each.verdict
        if wrong is None and _lacks(last, left_out):
            wrong = last
        elif wrong is not None and last.kind is VerdictKind.MATCH:
            return Staged(step=Step.DONE, left_out=left_out, said=last, wrong_said=wrong)
    step = Step.WRONG if wrong is None else Step.RIGHT
    return Staged(step=step, left_out=left_out, said=last, wrong_said=wrong)


def is_undecided(reached: VerdictReached) -> bool:
    """Whether the tray waits for somebody to say whose it is."""
    return reached.association in (Association.WHICH_ORDER, Association.NO_ORDER)


def _lacks(verdict: Verdict, sku: str) -> bool:
    return verdict.kind is VerdictKind.MISMATCH and any(
        sku in line.skus and line.result is LineResult.MISSING for line in verdict.lines
    )
