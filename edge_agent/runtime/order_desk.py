"""The order book of the running agent: each change is the checker's, and answered once it is on the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace
from typing import TypeVar

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.events import Event, OrderIgnored
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.errors import Conflict, StaleRevision, StoreBusy, Unknown
from edge_agent.ports import OrderName, OrderPut, OrderStanding
from edge_agent.runtime.checker_thread import NOTHING, Answer, CheckerThread
from edge_agent.runtime.recorder import Kept

T = TypeVar("T")

ANSWERED_S = 3.0
"""The checker answers between two pictures; one that has not by then is stuck."""

STORED_S = 5.0
"""A disk that has not taken an order by then is in trouble."""

MOST_REMEMBERED = 20_000
"""So many orders' times of arrival are kept: several days of the busiest restaurant."""

Question = Callable[[OrderChecker, float], tuple[T, Sequence[Event]]]


@dataclass(frozen=True, slots=True)
class _Received:
    """When an order came, and what is done once its latest snapshot is on the disk."""

    at: str
    stored: Kept


class OrderDesk:
    """An `OrderBook` over the checker's thread.

    Args:
        checker: the thread.
        today: gives the business day of now.
        now: gives the time of now, UTC in ISO 8601.
        slots: the slots of each station.
        received: when the orders came that the checker was given at the start.
    """

    def __init__(
        self,
        checker: CheckerThread,
        *,
        today: Callable[[], str],
        now: Callable[[], str],
        slots: dict[str, tuple[str, ...]],
        received: dict[OrderKey, str],
    ) -> None:
        self._checker = checker
        self._today = today
        self._now = now
        self._slots = slots
        self._received = {key: _Received(at, NOTHING) for key, at in received.items()}

    def put(self, order: Order) -> OrderPut:
        order = order if order.business_day else replace(order, business_day=self._today())

        def take_in(checker: OrderChecker, at_s: float) -> tuple[OrderPut, Sequence[Event]]:
            events = checker.put(order, at_s)
            ignored = [event for event in events if isinstance(event, OrderIgnored)]
            if not ignored:
                return OrderPut(key=order.key, revision=order.revision, changed=True), events
            known = checker.order(str(order.key))
            if known is None or known[0] != order:
                raise StaleRevision(
                    number=order.number, revision=order.revision, known_revision=ignored[0].known_revision
                )
            return OrderPut(key=order.key, revision=order.revision, changed=False), ()

        answer = self._ask(take_in)
        before = self._received.get(order.key)
        stored = answer.stored if answer.value.changed or before is None else before.stored
        self._received[order.key] = _Received(self._now() if before is None else before.at, stored)
        self._forget()
        stored.wait(STORED_S)
        return answer.value

    def cancel(self, named: OrderName) -> OrderKey:
        return self._change(named, lambda checker, text, at_s: checker.cancel(text, at_s), unless=OrderState.HANDED_OUT)

    def ready(self, named: OrderName) -> OrderKey:
        return self._change(named, lambda checker, text, at_s: checker.ready(text, at_s), unless=OrderState.CANCELLED)

    def reopen(self, named: OrderName) -> OrderKey:
        def put_back(checker: OrderChecker, text: str, at_s: float) -> Sequence[Event]:
            known = checker.order(text)
            waits = known is not None and known[1] in (OrderState.OPEN, OrderState.PRESENTED)
            return () if waits else checker.reopen(text, at_s)

        return self._change(named, put_back)

    def assign(self, *, station: str, slot: str, named: Sequence[OrderName]) -> tuple[OrderKey, ...]:
        if slot not in self._slots.get(station, ()):
            raise Unknown(f"there is no slot {slot!r} at a station {station!r}")

        def say(checker: OrderChecker, at_s: float) -> tuple[tuple[OrderKey, ...], Sequence[Event]]:
            if slot not in (lying for lying, *_ in checker.slots_now()):
                raise Conflict(f"no tray lies in the slot {slot!r}")
            keys = tuple(_found(checker, each) for each in named)
            return keys, checker.assign(slot, [str(key) for key in keys], at_s)

        return self._done(say)

    def waiting(self) -> tuple[OrderStanding, ...]:
        return tuple(self._standing(order, state) for order, state in self._checker.waiting)

    def _standing(self, order: Order, state: OrderState) -> OrderStanding:
        received = self._received.get(order.key)
        volatile = received is not None and not received.stored.is_stored
        return OrderStanding(order=order, state=state, received_at=received.at if received else "", volatile=volatile)

    def _change(
        self,
        named: OrderName,
        change: Callable[[OrderChecker, str, float], Sequence[Event]],
        *,
        unless: OrderState | None = None,
    ) -> OrderKey:
        def do(checker: OrderChecker, at_s: float) -> tuple[OrderKey, Sequence[Event]]:
            key = _found(checker, named)
            known = checker.order(str(key))
            if known is not None and known[1] is unless:
                raise Conflict(f"order {key} is {unless.value.replace('_', ' ')}")
            return key, change(checker, str(key), at_s)

        return self._done(do)

    def _done(self, question: Question[T]) -> T:
        answer = self._ask(question)
        answer.stored.wait(STORED_S)
        return answer.value

    def _ask(self, question: Question[T]) -> Answer[T]:
        asked = self._checker.ask(question)
        try:
            return asked.result(ANSWERED_S)
        except FutureTimeout as error:
            asked.cancel()
            raise StoreBusy("the checker does not answer; try again") from error

    def _forget(self) -> None:
        """Keep no more than a day's orders: the oldest go first, and only those that wait for nothing."""
        while len(self._received) > MOST_REMEMBERED:
            del self._received[next(iter(self._received))]


def _found(checker: OrderChecker, named: OrderName) -> OrderKey:
    known = checker.order(str(named))
    if known is None:
        raise Unknown(f"there is no order {str(named)[:80]!r}")
    return known[0].key
