"""Orders as they go out: as the till sent them, and where they stand."""

from __future__ import annotations

from typing import Literal

from edge_agent.api.answers.outgoing import KeyOut, Outgoing, ProblemOut
from edge_agent.domain.order import Order, OrderLine, OrderState
from edge_agent.domain.record import StoredOrder
from edge_agent.ports import OrderPut, OrderStanding


class OrderPutOut(KeyOut):
    """An order that is committed; `unchanged` where it was known just so."""

    revision: int
    outcome: Literal["accepted", "unchanged"]

    @classmethod
    def of_put(cls, put: OrderPut) -> OrderPutOut:
        outcome: Literal["accepted", "unchanged"] = "accepted" if put.changed else "unchanged"
        return cls(**KeyOut.of(put.key).model_dump(), revision=put.revision, outcome=outcome)


class OrderLineOut(Outgoing):
    """One line of an order."""

    sku: str
    quantity: int
    line_id: str
    name: str
    modifiers: list[str]
    children: list[OrderLineOut]
    voided: bool

    @classmethod
    def of(cls, line: OrderLine) -> OrderLineOut:
        return cls(
            sku=line.sku,
            quantity=line.quantity,
            line_id=line.line_id,
            name=line.name,
            modifiers=list(line.modifiers),
            children=[cls.of(child) for child in line.children],
            voided=line.voided,
        )


class OrderOut(Outgoing):
    """An order as the till sent it."""

    order_id: str
    source: str
    business_day: str
    revision: int
    display_number: str
    placed_at: str
    channel: str
    station: str | None
    parts: int
    notes: str
    test: bool
    lines: list[OrderLineOut]

    @classmethod
    def of(cls, order: Order) -> OrderOut:
        fields = {name: getattr(order, name) for name in cls.model_fields if name != "lines"}
        return cls(**fields, lines=[OrderLineOut.of(line) for line in order.lines])


class StandingOut(Outgoing):
    """An order and where it stands. `volatile`: a restart forgets it. `order` is null where only its key is known."""

    key: KeyOut
    state: OrderState
    order: OrderOut | None
    received_at: str
    volatile: bool = False

    @classmethod
    def of(cls, standing: OrderStanding) -> StandingOut:
        return cls(
            key=KeyOut.of(standing.order.key),
            state=standing.state,
            order=OrderOut.of(standing.order),
            received_at=standing.received_at,
            volatile=standing.volatile,
        )

    @classmethod
    def of_stored(cls, stored: StoredOrder) -> StandingOut:
        order = None if stored.order is None else OrderOut.of(stored.order)
        return cls(key=KeyOut.of(stored.key), state=stored.state, order=order, received_at=stored.recorded_at)


class OrdersOut(Outgoing):
    """The orders that wait, oldest first."""

    orders: list[StandingOut]


class EntryOut(Outgoing):
    """What came of one entry of a batch: the status that it would have got alone."""

    status: int
    order: KeyOut | None = None
    problem: ProblemOut | None = None


class BatchOut(Outgoing):
    """What came of each entry, in their order."""

    results: list[EntryOut]


class KeysOut(Outgoing):
    """The orders that something was said of."""

    orders: list[KeyOut]
