"""The orders that a restaurant's own trays are held against: what was ordered, and wrong orders made up beside it.

Nearly every tray that people vouched for is what its order wants. On right orders alone nobody can tell whether a model
still catches a wrong one, and no gate opens (`checking.gate`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge_agent.checking.labels import Label
from edge_agent.checking.scoring import true_verdict
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.menu import HandedAt, Menu, MenuItem, Visibility
from edge_agent.domain.order import MAX_LINES, Order, OrderLine

MADE_UP = "made-up"
"""Stands in the ids of a check that nobody ordered, and of its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCheck:
    """One order held against one tray, as a line of `orders.jsonl`."""

    check_id: str
    tray_id: str
    order: Order
    expected: VerdictKind
    made_up: bool = False

    def as_json(self) -> dict[str, Any]:
        """The line, with what an order needs and nothing that the till wrote about a guest."""
        sent = asdict(self.order)
        kept = {"order_id": sent["order_id"], "lines": sent["lines"]}
        expected = "match" if self.expected is VerdictKind.MATCH else "mismatch"
        return {"check_id": self.check_id, "tray_id": self.tray_id, "order": kept, "expected": expected}


def checks_of(number: int, tray_id: str, label: Label, menu: Menu) -> Iterator[OwnCheck]:
    """The tray's own order, and wrong ones: of each only those of which a model that sees everything is sure.

    Args:
        number: the tray's; what the made-up orders are wrong in follows from it, so that the same trays give the same
            checks whenever they are collected.
        tray_id: the tray's name in the folder.
        label: what lies there, and who ordered it.
        menu: today's menu.
    """
    lines = _lines_wanted(label, menu)
    order = None if lines is None else _order(tray_id, lines)
    if order is not None and (expected := _known_verdict(menu, order, label.contents)) is not None:
        yield OwnCheck(check_id=f"{tray_id}-own", tray_id=tray_id, order=order, expected=expected)
    for how, contents in _made_wrong(number, label.contents, menu):
        name = f"{tray_id}-{MADE_UP}-{how}"
        wrong = _order(name, _lines_for(contents, menu))
        if wrong is not None and _known_verdict(menu, wrong, label.contents) is VerdictKind.MISMATCH:
            yield OwnCheck(check_id=name, tray_id=tray_id, order=wrong, expected=VerdictKind.MISMATCH, made_up=True)


def _made_wrong(number: int, contents: Mapping[str, int], menu: Menu) -> Iterator[tuple[str, dict[str, int]]]:
    """What orders would want that this tray does not fulfil: one thing was forgotten, or lies there too much."""
    if not contents or not all(_can_be_ordered(name, menu) for name in contents):
        return
    lying, orderable = sorted(contents), sorted(name for name in menu.classes if _can_be_ordered(name, menu))
    more, less = Counter(contents), Counter(contents)
    more[orderable[number % len(orderable)]] += 1
    less[lying[number % len(lying)]] -= 1
    yield "forgotten", dict(more)
    if +less:  # nobody orders nothing
        yield "surplus", dict(+less)


def _order(name: str, lines: tuple[OrderLine, ...]) -> Order | None:
    """The order; None where several orders together are longer than one may be."""
    return Order(order_id=name, lines=lines) if sum(1 for line in lines for _ in line.walk()) <= MAX_LINES else None


def _known_verdict(menu: Menu, order: Order, contents: Mapping[str, int]) -> VerdictKind | None:
    """What a model that sees everything says of an order; None where even that one would be unsure."""
    kind = true_verdict(menu, order, contents).kind
    return None if kind is VerdictKind.UNSURE else kind


def _lines_wanted(label: Label, menu: Menu) -> tuple[OrderLine, ...] | None:
    """What the tray's orders want together; where nobody ordered it, what lies there, if that can be ordered."""
    if label.orders:
        return tuple(_bare(line, menu) for order in label.orders for line in order.lines)
    return _lines_for(label.contents, menu) if all(_can_be_ordered(name, menu) for name in label.contents) else None


def _bare(line: OrderLine, menu: Menu) -> OrderLine:
    """What a line wants, without the texts of the till: a name or a free remark may speak of a guest."""
    return OrderLine(
        sku=line.sku,
        quantity=line.quantity,
        modifiers=tuple(modifier for modifier in line.modifiers if menu.rule_for(modifier) is not None),
        children=tuple(_bare(child, menu) for child in line.children),
        voided=line.voided,
    )


def _lines_for(contents: Mapping[str, int], menu: Menu) -> tuple[OrderLine, ...]:
    """An order for these pieces, of classes that can be ordered alone."""
    skus = {name: next(item.sku for item in menu.items_seen_as(name) if _is_plain(item)) for name in contents}
    return tuple(OrderLine(sku=skus[name], quantity=count) for name, count in contents.items())


def _can_be_ordered(name: str, menu: Menu) -> bool:
    """Whether some item is just a counted piece of this class."""
    return menu.counts_pieces(name) and any(_is_plain(item) for item in menu.items_seen_as(name))


def _is_plain(item: MenuItem) -> bool:
    return item.visibility is Visibility.COUNTABLE and item.handed_at is HandedAt.HERE and not item.contains
