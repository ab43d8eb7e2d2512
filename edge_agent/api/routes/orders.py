"""Orders from the till, and what the crew says of them. A success means that it is committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path

from edge_agent.api.access import ORDER, ORDER_IN_FULL, V1
from edge_agent.api.answers.orders import BatchOut, EntryOut, KeysOut, OrderPutOut, OrdersOut, StandingOut
from edge_agent.api.answers.outgoing import KeyOut, ProblemOut
from edge_agent.api.described import problems
from edge_agent.api.gate import guarded_router
from edge_agent.api.problems import RETRY_STORE_S, Problem, problem_of
from edge_agent.api.schemas import BatchIn, EntryIn, OrderBody, OrdersIn, SlotIn
from edge_agent.domain.order import MAX_ID, OrderKey
from edge_agent.errors import BadInput, EdgeAgentError, Unknown
from edge_agent.formats.orders import order_from_json
from edge_agent.ports import EventHistory, OrderBook, OrderName

PathName = Annotated[str, Path(min_length=1, max_length=MAX_ID)]

OK = 200
UNAVAILABLE = 503


def order_routes(book: OrderBook, history: EventHistory) -> APIRouter:
    """All routes under `orders`."""
    router = guarded_router("orders")
    _add_reading(router, book, history)
    _add_putting(router, book)
    _add_moving(router, "cancel", book.cancel, "Take an order back. Again is no error.")
    _add_moving(router, "ready", book.ready, "Bump an order: its tray is judged now. Again is no error.")
    _add_moving(router, "reopen", book.reopen, "Put a finished order back into the queue. Again is no error.")
    _add_assigning(router, book)
    return router


def _add_reading(router: APIRouter, book: OrderBook, history: EventHistory) -> None:
    @router.get(f"{V1}/orders", responses=problems(503))
    def list_orders() -> OrdersOut:
        """List the orders that wait for their trays, oldest first."""
        return OrdersOut(orders=[StandingOut.of(standing) for standing in book.waiting()])

    @router.get(ORDER_IN_FULL, responses=problems(404, 422, 503))
    def read_order(source: PathName, business_day: PathName, order_id: PathName) -> StandingOut:
        """Read one order as it stands, also when it is finished."""
        key = OrderKey(source, business_day, order_id)
        for standing in book.waiting():  # what is volatile is in no history yet
            if standing.order.key == key:
                return StandingOut.of(standing)
        stored = history.order(key)
        if stored is None:
            raise Unknown(f"there is no order {key}")
        return StandingOut.of_stored(stored)


def _add_putting(router: APIRouter, book: OrderBook) -> None:
    @router.put(ORDER, responses=problems(409, 503, body=True))
    def put_order(order_id: PathName, body: OrderBody) -> OrderPutOut:
        """Send an order, or a new revision of it, of today's business day. Sent again it changes nothing."""
        return OrderPutOut.of_put(book.put(body.order_at(order_id=order_id)))

    @router.put(ORDER_IN_FULL, responses=problems(409, 503, body=True))
    def put_order_in_full(source: PathName, business_day: PathName, order_id: PathName, body: OrderBody) -> OrderPutOut:
        """Send an order with its whole identity, or a new revision of it. Sent again it changes nothing."""
        order = body.order_at(source=source, business_day=business_day, order_id=order_id)
        return OrderPutOut.of_put(book.put(order))

    @router.post(f"{V1}/orders", responses=problems(503, body=True))
    def put_batch(body: BatchIn) -> BatchOut:
        """Say many things at once, such as after a break of the network; they are done in their order.

        Each entry gets the status that it would have got alone. Where one could not be stored the answer is 503, with
        the same results, and what came after it was not tried: send the whole batch again.
        """
        results: list[EntryOut] = []
        for entry in body.entries:
            results.append(_entry(book, entry))
            if results[-1].status == UNAVAILABLE:
                raise Problem(
                    "unavailable",
                    f"entry {len(results)} of {len(body.entries)} could not be stored: send the whole batch again",
                    headers={"Retry-After": str(RETRY_STORE_S)},
                    more={"results": [result.model_dump(mode="json") for result in results]},
                )
        return BatchOut(results=results)


def _entry(book: OrderBook, entry: EntryIn) -> EntryOut:
    """One thing of a batch."""
    try:
        return EntryOut(status=OK, order=KeyOut.of(_done(book, entry)))
    except EdgeAgentError as error:
        problem = problem_of(error)
        return EntryOut(status=problem.status_code, problem=ProblemOut.model_validate(problem.as_json()))


def _done(book: OrderBook, entry: EntryIn) -> OrderKey:
    given = [name for name in EntryIn.model_fields if getattr(entry, name) is not None]
    if len(given) != 1:
        raise BadInput("an entry has exactly one of 'order', 'cancel', 'ready' and 'reopen'")
    if entry.order is not None:
        return book.put(order_from_json(entry.order)).key
    moves: dict[str, Callable[[OrderName], OrderKey]] = {
        "cancel": book.cancel,
        "ready": book.ready,
        "reopen": book.reopen,
    }
    return moves[given[0]](getattr(entry, given[0]))


def _add_moving(router: APIRouter, word: str, move: Callable[[OrderName], OrderKey], said: str) -> None:
    @router.post(f"{ORDER}/{word}", name=f"{word}_order", description=said, responses=problems(404, 409, 422, 503))
    def move_order(order_id: PathName) -> KeyOut:
        return KeyOut.of(move(order_id))

    @router.post(
        f"{ORDER_IN_FULL}/{word}",
        name=f"{word}_order_in_full",
        description=said,
        responses=problems(404, 409, 422, 503),
    )
    def move_order_in_full(source: PathName, business_day: PathName, order_id: PathName) -> KeyOut:
        return KeyOut.of(move(OrderKey(source, business_day, order_id)))


def _add_assigning(router: APIRouter, book: OrderBook) -> None:
    @router.post(f"{ORDER}/assign", responses=problems(404, 409, 503, body=True))
    def assign_order(order_id: PathName, body: SlotIn) -> KeysOut:
        """Say that the tray in a slot is this order."""
        return _keys(book.assign(station=body.station, slot=body.slot, named=[order_id]))

    @router.post(f"{ORDER_IN_FULL}/assign", responses=problems(404, 409, 503, body=True))
    def assign_order_in_full(source: PathName, business_day: PathName, order_id: PathName, body: SlotIn) -> KeysOut:
        """Say that the tray in a slot is this order."""
        key = OrderKey(source, business_day, order_id)
        return _keys(book.assign(station=body.station, slot=body.slot, named=[key]))

    @router.put(f"{V1}/stations/{{station_id}}/slots/{{slot_id}}/orders", responses=problems(404, 409, 503, body=True))
    def assign_orders(station_id: PathName, slot_id: PathName, body: OrdersIn) -> KeysOut:
        """Say which orders the tray in a slot is; an empty list takes that back."""
        return _keys(book.assign(station=station_id, slot=slot_id, named=body.orders))


def _keys(keys: tuple[OrderKey, ...]) -> KeysOut:
    return KeysOut(orders=[KeyOut.of(key) for key in keys])
