"""Who else takes part in a demonstration: a till that sends orders over HTTP, and a listener at the MQTT broker."""

from __future__ import annotations

import http.client
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from queue import SimpleQueue
from typing import Any
from urllib.parse import quote

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.domain.order import Order, OrderLine
from edge_agent.errors import BrokerLost, EdgeAgentError
from edge_agent.formats.mqtt_messages import Topics
from edge_agent.formats.recordings import OrderEvent

ANSWERED_S = 20.0
CONNECTED_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The till sent something at that time of the recording, and the agent took it."""

    at_s: float
    event: OrderEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message came from the broker: a check or a step of an alert, as `docs/reference/mqtt.md` describes them."""

    at: datetime
    is_alert: bool
    body: Mapping[str, Any]


News = Sent | Heard


class Api:
    """Asks the agent over HTTP, as somebody with that token."""

    def __init__(self, *, port: int, secret: str) -> None:
        self._port, self.secret = port, secret

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """What it answers.

        Raises:
            EdgeAgentError: it refuses, or does not answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWERED_S)
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1/{path}", body=sent, headers=headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise EdgeAgentError(f"the agent does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise EdgeAgentError(f"{method} {path}: the agent refuses it ({answer.status}): {said[:300]!r}")
        return said


class Till:
    """Sends what a recording's till said, each thing at its time.

    Args:
        ask: asks the agent, as `Api.ask` with the till's token.
        events: what is to be sent, by time.
        told: is told what was sent.
    """

    def __init__(
        self,
        *,
        ask: Callable[[str, str, Mapping[str, Any] | None], bytes],
        events: Sequence[OrderEvent],
        told: Callable[[Sent], None],
    ) -> None:
        self._ask = ask
        self._left = deque(events)
        self._told = told

    @property
    def next_s(self) -> float | None:
        """When the next thing is due, in seconds of the recording; None if nothing is left."""
        return self._left[0].at_s if self._left else None

    def send_due(self, at_s: float) -> None:
        """Send all that is due by that time of the recording.

        Raises:
            EdgeAgentError: the agent refuses an order, or does not answer.
        """
        while self._left and self._left[0].at_s <= at_s:
            event = self._left.popleft()
            if event.order is not None:
                self._ask("PUT", f"orders/{_quoted(event.order.order_id)}", as_sent(event.order))
            elif event.ready is not None:
                self._ask("POST", f"orders/{_quoted(event.ready)}/ready", None)
            elif event.cancel is not None:
                self._ask("POST", f"orders/{_quoted(event.cancel)}/cancel", None)
            self._told(Sent(at_s=event.at_s, event=event))


def _quoted(order_id: str) -> str:
    return quote(order_id, safe="")


def as_sent(order: Order) -> dict[str, Any]:
    """The order in the till's own form, without what goes without saying; the agent dates it by its own calendar."""
    usual = asdict(Order(order_id=order.order_id, lines=()))
    said = {key: value for key, value in asdict(order).items() if value != usual[key]}
    said.pop("business_day", None)
    return {"order_id": order.order_id, **said, "lines": [_line(line) for line in order.lines]}


def _line(line: OrderLine) -> dict[str, Any]:
    usual = asdict(OrderLine(sku=line.sku))
    plain = {key: value for key, value in asdict(line).items() if key != "children" and value != usual[key]}
    children = {"children": [_line(child) for child in line.children]} if line.children else {}
    return {"sku": line.sku, "quantity": line.quantity, **plain, **children}


class Listener:
    """A subscriber like a kitchen display or a lamp: hears checks and alerts. A context manager.

    Args:
        port: of the broker on this machine.
        site: whose topics it listens to.
        news: where what it hears is put.
    """

    def __init__(self, *, port: int, site: str, news: SimpleQueue[News]) -> None:
        self._port = port
        self._topics = Topics(site)
        self._news = news
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="demo-listener")
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self._topics.base}/#", 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _c, _d, message: self._hear(message)

    def __enter__(self) -> Listener:  # noqa: PYI034 - Self needs Python 3.11
        try:
            self._client.connect("127.0.0.1", self._port)
        except OSError as error:
            raise BrokerLost(f"the embedded broker does not answer: {error}") from error
        self._client.loop_start()
        if not self._subscribed.wait(CONNECTED_S):
            self.__exit__()
            raise BrokerLost("the embedded broker takes no subscription")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, message: paho.MQTTMessage) -> None:
        is_alert = message.topic == self._topics.alert_feed
        if message.payload and (is_alert or message.topic.endswith("/checks")):
            body = json.loads(message.payload)
            self._news.put(Heard(at=datetime.fromisoformat(body["at"]), is_alert=is_alert, body=body))
