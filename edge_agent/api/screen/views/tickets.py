"""The orders that wait, as tickets: what the till sent, in its own order and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edge_agent.domain.order import Order, OrderKey, OrderLine, OrderState
from edge_agent.ports import OrderStanding

MOST_TICKETS = 24
"""More would be a wall; the rest is counted."""

MOST_LINES = 14
LINES_IN_SIGHT = 3

NameOf = Callable[[str], str]
"""What the menu calls a SKU; the SKU itself where it does not know it."""


@dataclass(frozen=True, slots=True)
class TicketLine:
    """One line: `depth` is 0 for what was ordered, more for what belongs to it."""

    quantity: int
    name: str
    depth: int
    voided: bool
    modifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order as the crew sees it.

    Attributes:
        key: names it in forms: `source/day/id`.
        at: the label of the slot in which its tray lies; empty where none does.
        left_out: how many lines are not shown.
        again: whether a tray of it was here and went away wrong, or in doubt.
    """

    key: str
    number: str
    revision: int
    received_at: str
    channel: str
    lines: tuple[TicketLine, ...]
    left_out: int
    notes: str
    allergy: bool
    test: bool
    volatile: bool
    at: str
    again: bool

    @property
    def is_long(self) -> bool:
        """Whether the smallest ticket, that of three places on a tablet, may not show all its lines at once."""
        return self.lines_in_all > LINES_IN_SIGHT

    @property
    def lines_in_all(self) -> int:
        return len(self.lines) + self.left_out


@dataclass(frozen=True, slots=True)
class Queue:
    """The tickets, the oldest first, and how many more wait."""

    tickets: tuple[Ticket, ...]
    more: int


def queue_of(waiting: Sequence[OrderStanding], *, name_of: NameOf, lying: dict[OrderKey, str]) -> Queue:
    """The queue. `lying` gives the label of the slot for each order whose tray lies in one."""
    tickets = tuple(ticket_of(each, name_of=name_of, at=lying.get(each.order.key, "")) for each in waiting)
    return Queue(tickets[:MOST_TICKETS], more=max(0, len(tickets) - MOST_TICKETS))


def ticket_of(standing: OrderStanding, *, name_of: NameOf, at: str) -> Ticket:
    """One order."""
    order = standing.order
    lines = tuple(_lines(order.lines, name_of))
    return Ticket(
        key=str(order.key),
        number=order.number,
        revision=order.revision,
        received_at=standing.received_at,
        channel=order.channel,
        lines=lines[:MOST_LINES],
        left_out=max(0, len(lines) - MOST_LINES),
        notes=order.notes,
        allergy=order.mentions_allergy,
        test=order.test,
        volatile=standing.volatile,
        at=at,
        again=standing.state is OrderState.PRESENTED and not at,
    )


def allergy_notes(order: Order) -> tuple[str, ...]:
    """What the order says of itself in free words, where it smells of an allergy."""
    if not order.mentions_allergy:
        return ()
    modifiers = (m for line in order.lines for _, below in line.walk() for m in below.modifiers)
    return tuple(text for text in (order.notes, *modifiers) if text.strip())


def _lines(lines: Iterable[OrderLine], name_of: NameOf) -> Iterable[TicketLine]:
    for line in lines:
        voided_above: list[int] = []
        for depth, below in line.walk():
            voided_above = [d for d in voided_above if d < depth]
            voided = below.voided or bool(voided_above)
            if below.voided:
                voided_above.append(depth)
            yield TicketLine(below.quantity, below.name or name_of(below.sku), depth - 1, voided, below.modifiers)
