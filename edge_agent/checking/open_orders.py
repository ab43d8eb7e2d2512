"""The orders that wait for their trays, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    """One order; `trays` holds the contents of those of its trays that left."""

    order: Order
    arrived_s: float
    state: OrderState = OrderState.OPEN
    trays: list[Contents] = field(default_factory=list)
    _made: tuple[Order, list[Contents], Candidate] | None = None

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def left_unmatched(self) -> bool:
        """Whether its last tray left as something other than a match."""
        return self.waits and len(self.trays) >= self.order.parts

    @property
    def before(self) -> list[Contents]:
        """What went before the tray that is now to come: the last tray, if it left already, comes once more."""
        return self.trays[: self.order.parts - 1]

    @property
    def candidate(self) -> Candidate:
        """It as an association candidate; made anew only where it changed, as it is asked for with every frame."""
        if self._made is None or self._made[0] is not self.order or self._made[1] != self.trays:
            candidate = Candidate(
                order=self.order,
                before=added(self.before),
                parts_before=len(self.before),
                only_exactly=len(self.trays) >= self.order.parts,
            )
            self._made = self.order, list(self.trays), candidate
        return self._made[2]


class OpenOrders:
    """Every order of the day with its state; answers which of them a tray may belong to."""

    def __init__(self) -> None:
        self._entries: dict[OrderKey, _Entry] = {}

    def put(self, order: Order, at_s: float) -> tuple[Event, ...]:
        """Take in a snapshot. A lower or equal revision is ignored; a higher one of a finished order opens it again."""
        self._forget_yesterday(at_s)
        known = self._entries.get(order.key)
        if known is not None and order.revision <= known.order.revision:
            return (
                OrderIgnored(at_s=at_s, key=order.key, revision=order.revision, known_revision=known.order.revision),
            )
        accepted = OrderAccepted(at_s=at_s, order=order)
        if known is None:
            self._entries[order.key] = _Entry(order, at_s)
            return (accepted,)
        finished = not known.waits or known.left_unmatched
        known.order = order
        return (accepted, *(self.reopen(order.key, at_s) if finished else ()))

    def restore(self, order: Order, state: OrderState, arrived_s: float, trays: Iterable[Contents] = ()) -> None:
        """Take up an order as an earlier life of the agent left it, with what was on those of its trays that left."""
        self._entries[order.key] = _Entry(order, arrived_s, state, list(trays))

    def known(self, key: OrderKey) -> tuple[Order, OrderState] | None:
        """The latest snapshot of an order, and where it stands."""
        entry = self._entries.get(key)
        return None if entry is None else (entry.order, entry.state)

    def waiting(self) -> tuple[tuple[Order, OrderState], ...]:
        """The orders that wait, oldest first, and where they stand."""
        return tuple((entry.order, entry.state) for entry in self._entries.values() if entry.waits)

    def _forget_yesterday(self, at_s: float) -> None:
        self._entries = {key: e for key, e in self._entries.items() if e.waits or at_s - e.arrived_s <= FORGET_S}

    def find(self, text: str) -> OrderKey | None:
        """The order that a marker, a cancellation or a bump names, the newest of several.

        Its key goes before its id, and that before its number: the number of one order may be the id of another.
        """
        by_key = [key for key in self._entries if text == str(key)]
        by_id = [key for key in self._entries if text == key.order_id]
        by_number = [key for key, e in self._entries.items() if text == e.order.number]
        named = by_key or by_id or by_number
        waiting = [key for key in named if self._waits(key)]
        return next(reversed(waiting or named), None)

    def state_of(self, key: OrderKey) -> OrderState | None:
        """Where the order stands, or None if there is no such order."""
        entry = self._entries.get(key)
        return entry.state if entry else None

    def move(self, key: OrderKey, state: OrderState, at_s: float) -> tuple[Event, ...]:
        """Set an order's state; says so if it changed."""
        entry = self._entries.get(key)
        if entry is None or entry.state is state:
            return ()
        entry.state = state
        return (OrderMoved(at_s=at_s, key=key, state=state),)

    def reopen(self, key: OrderKey, at_s: float) -> tuple[Event, ...]:
        """Put an order back into the queue, at its end and with none of its trays gone."""
        entry = self._entries.pop(key)
        entry.arrived_s = at_s
        entry.trays.clear()
        self._entries[key] = entry
        return self.move(key, OrderState.OPEN, at_s)

    def present(self, keys: Iterable[OrderKey], at_s: float) -> tuple[Event, ...]:
        """Their tray lies in front of the camera."""
        return tuple(event for key in keys if self._waits(key) for event in self.move(key, OrderState.PRESENTED, at_s))

    def release(self, keys: Iterable[OrderKey], at_s: float) -> tuple[Event, ...]:
        """The tray turned out to be another order's: these wait again, unless another of their trays was presented."""
        untouched = [key for key in keys if self._waits(key) and not self._entries[key].trays]
        return tuple(event for key in untouched for event in self.move(key, OrderState.OPEN, at_s))

    def hand_out(self, key: OrderKey, contents: Contents, at_s: float, *, matched: bool) -> tuple[Event, ...]:
        """A tray of the order left. A match of the last part ends it; else only an exact fit takes it up again."""
        entry = self._entries.get(key)
        if entry is None or not entry.waits:
            return ()
        entry.trays = [*entry.before, contents]
        ends = matched and entry.left_unmatched
        return self.move(key, OrderState.HANDED_OUT if ends else OrderState.PRESENTED, at_s)

    def take_back(self, keys: Iterable[OrderKey], at_s: float) -> tuple[Event, ...]:
        """The tray of these orders came back: they are as they were before it left."""
        events: list[Event] = []
        for key in keys:
            entry = self._entries.get(key)
            if entry is not None and entry.trays and entry.state in (*WAITING, OrderState.HANDED_OUT):
                entry.trays.pop()
                events += self.move(key, OrderState.PRESENTED, at_s)
        return tuple(events)

    def expire(self, at_s: float, after_s: float, presented: Iterable[OrderKey]) -> tuple[Event, ...]:
        """Let go of orders that nobody collected."""
        kept = set(presented)
        stale = [
            key
            for key, e in self._entries.items()
            if e.state in WAITING and key not in kept and at_s - e.arrived_s > after_s
        ]
        return tuple(event for key in stale for event in self.move(key, OrderState.EXPIRED, at_s))

    def candidates(self) -> Iterator[tuple[OrderKey, Candidate]]:
        """The orders that wait, oldest first, each with what went before on other trays."""
        return ((key, entry.candidate) for key, entry in self._entries.items() if entry.waits)

    def candidate(self, key: OrderKey) -> Candidate:
        """One order as an association candidate, with what went before on other trays."""
        return self._entries[key].candidate

    def _waits(self, key: OrderKey) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry.waits
