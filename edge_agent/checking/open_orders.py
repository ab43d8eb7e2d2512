"""The orders that wait for their trays, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_agent.domain.association import Candidate
from edge_agent.domain.contents import Contents, added
from edge_agent.domain.events import Event, OrderAccepted, OrderIgnored, OrderMoved
from edge_agent.domain.order import Order, OrderKey, OrderState

WAITING = (OrderState.OPEN, OrderState.PRESENTED)

FORGET_S = 24 * 3600.0
"""A finished order is forgotten after a day: the memory is bounded, and by then the till counts anew."""


@dataclass(slots=True)
class _Entry:
    order: Order
    arrived_s: float
    state: OrderState = OrderState.OPEN
    parts: list[Contents] = field(default_factory=list)
    left_unmatched: bool = False


class OpenOrders:
    """Every order of the day with its state; answers which of them a tray may belong to."""

    def __init__(self) -> None:
        self._entries: dict[OrderKey, _Entry] = {}

    def put(self, order: Order, at_s: float) -> tuple[Event, ...]:
        """Take in a snapshot. A lower or equal revision is ignored; a higher one of a finished order opens it again."""
        known = self._entries.get(order.key)
        if known is not None and order.revision <= known.order.revision:
            return (
                OrderIgnored(at_s=at_s, key=order.key, revision=order.revision, known_revision=known.order.revision),
            )
        if known is None:
            self._entries[order.key] = _Entry(order, at_s)
        else:
            known.order = order
            if known.state not in WAITING:
                known.state, known.arrived_s, known.left_unmatched = OrderState.OPEN, at_s, False
                known.parts.clear()
        return (OrderAccepted(at_s=at_s, order=order),)

    def find(self, text: str) -> OrderKey | None:
        """The order that a marker, a cancellation or a bump names: by key, id or number; the newest if there are several."""
        named = [
            key for key, e in self._entries.items() if text in (str(key), key.order_id, e.order.number)
        ]
        waiting = [key for key in named if self._entries[key].state in WAITING]
        return next(reversed(waiting or named), None)

    def state_of(self, key: OrderKey) -> OrderState | None:
        """Where the order stands, or None if there is no such order."""
        entry = self._entries.get(key)
        return entry.state if entry else None

    def move(self, key: OrderKey, state: OrderState, at_s: float) -> tuple[Event, ...]:
        """Set an order's state; says so if it changed."""
        entry = self._entries[key]
        if entry.state is state:
            return ()
        entry.state = state
        if state is OrderState.OPEN:
            entry.left_unmatched = False
            entry.arrived_s = at_s
        return (OrderMoved(at_s=at_s, key=key, state=state),)

    def present(self, keys: Iterable[OrderKey], at_s: float) -> tuple[Event, ...]:
        """Their tray lies in front of the camera."""
        return tuple(
            event for key in keys if self._waits(key) for event in self.move(key, OrderState.PRESENTED, at_s)
        )

    def release(self, keys: Iterable[OrderKey], at_s: float) -> tuple[Event, ...]:
        """The tray turned out to be another order's: these wait again."""
        events: list[Event] = []
        for key in keys:
            entry = self._entries[key]
            if entry.state is OrderState.PRESENTED and not entry.left_unmatched:
                entry.state = OrderState.OPEN
                events.append(OrderMoved(at_s=at_s, key=key, state=OrderState.OPEN))
        return tuple(events)

    def hand_out(self, key: OrderKey, contents: Contents, at_s: float, *, matched: bool) -> tuple[Event, ...]:
        """A tray of the order left. The last part of a match ends the order; else only an exact fit takes it up again."""
        entry = self._entries[key]
        if entry.state not in WAITING:
            return ()
        if len(entry.parts) + 1 < entry.order.parts:
            entry.parts.append(contents)
            return self.move(key, OrderState.PRESENTED, at_s)
        if matched:
            return self.move(key, OrderState.HANDED_OUT, at_s)
        entry.left_unmatched = True
        return self.move(key, OrderState.PRESENTED, at_s)

    def take_back(self, keys: Iterable[OrderKey]) -> None:
        """The tray of these orders came back: they are as they were before it left."""
        for key in keys:
            entry = self._entries[key]
            if entry.state in (*WAITING, OrderState.HANDED_OUT):
                entry.state, entry.left_unmatched = OrderState.PRESENTED, False

    def expire(self, at_s: float, after_s: float, presented: Iterable[OrderKey]) -> tuple[Event, ...]:
        """Let go of orders that nobody collected, and forget those of yesterday."""
        self._entries = {
            key: e for key, e in self._entries.items() if e.state in WAITING or at_s - e.arrived_s <= FORGET_S
        }
        kept = set(presented)
        stale = [
            key
            for key, e in self._entries.items()
            if e.state in WAITING and key not in kept and at_s - e.arrived_s > after_s
        ]
        return tuple(event for key in stale for event in self.move(key, OrderState.EXPIRED, at_s))

    def candidates(self, taken: Iterable[OrderKey] = ()) -> tuple[Candidate, ...]:
        """The orders that a tray may belong to, oldest first, without those that lie in another slot for certain."""
        excluded = set(taken)
        return tuple(self.candidate(key) for key in self._entries if key not in excluded and self._waits(key))

    def candidate(self, key: OrderKey) -> Candidate:
        """One order as an association candidate, with what went before on other trays."""
        entry = self._entries[key]
        return Candidate(
            order=entry.order,
            before=added(entry.parts),
            parts_before=len(entry.parts),
            only_exactly=entry.left_unmatched,
        )

    def _waits(self, key: OrderKey) -> bool:
        return self._entries[key].state in WAITING
