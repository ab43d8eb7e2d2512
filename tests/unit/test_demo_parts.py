"""The till of a demonstration: sends what a recording's till said, at its times, in the till's own form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from edge_agent.app.demo_parts import Sent, Till, as_sent
from edge_agent.domain.order import Order, OrderLine
from edge_agent.errors import EdgeAgentError
from edge_agent.formats.orders import order_from_json
from edge_agent.formats.recordings import OrderEvent

PLAIN = Order(order_id="A/1", lines=(OrderLine(sku="plate"),))
RICH = Order(
    order_id="B-7",
    display_number="07",
    notes="nut allergy",
    channel="counter",
    lines=(
        OrderLine(sku="menu", quantity=2, modifiers=("no ice",), children=(OrderLine(sku="cola", voided=True),)),
        OrderLine(sku="toy", name="A toy", line_id="3"),
    ),
)


@pytest.mark.parametrize("order", [PLAIN, RICH])
def test_an_order_arrives_as_it_was(order: Order) -> None:
    assert order_from_json(json.loads(json.dumps(as_sent(order)))) == order


def test_what_goes_without_saying_is_not_sent() -> None:
    assert as_sent(PLAIN) == {"order_id": "A/1", "lines": [{"sku": "plate", "quantity": 1}]}


class Agent:
    """Remembers what it was asked; refuses what is on its list."""

    def __init__(self, *refused: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self._refused = refused

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> bytes:
        if path in self._refused:
            raise EdgeAgentError("no")
        self.asked.append((method, path))
        assert (body is not None) is (method == "PUT")
        return b"{}"


EVENTS = (
    OrderEvent(at_s=0.5, order=PLAIN),
    OrderEvent(at_s=2.0, order=RICH),
    OrderEvent(at_s=6.0, ready="B-7"),
    OrderEvent(at_s=8.0, cancel="A/1"),
)


def test_each_thing_is_sent_once_it_is_due_and_then_told() -> None:
    agent, told = Agent(), list[Sent]()
    till = Till(ask=agent.ask, events=EVENTS, told=told.append)
    till.send_due(0.4)
    assert (agent.asked, till.next_s) == ([], 0.5)
    till.send_due(2.0)
    till.send_due(2.0)
    assert agent.asked == [("PUT", "orders/A%2F1"), ("PUT", "orders/B-7")]
    till.send_due(100.0)
    assert agent.asked[2:] == [("POST", "orders/B-7/ready"), ("POST", "orders/A%2F1/cancel")]
    assert [each.at_s for each in told] == [0.5, 2.0, 6.0, 8.0]
    assert till.next_s is None


def test_an_order_that_the_agent_refuses_is_no_order_that_was_sent() -> None:
    agent, told = Agent("orders/B-7"), list[Sent]()
    till = Till(ask=agent.ask, events=EVENTS, told=told.append)
    with pytest.raises(EdgeAgentError, match="no"):
        till.send_due(3.0)
    assert [each.event for each in told] == [EVENTS[0]]
