"""A broker by hand: it acknowledges, keeps retained messages, refuses, falls silent and breaks as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_agent.domain.alert import Resolution
from edge_agent.domain.record import StaffRole
from edge_agent.errors import BrokerError, BrokerLost
from edge_agent.ports import AlertNews, BrokerLink, LinkListener, Message

DEADLINE_S = 20.0


class FakeBroker:
    """A `MessageBroker`. `arrived` holds every message that reached it, over all links; `kept` what it retains.

    Attributes:
        refusals: what the next connections fail with, one each.
        acknowledges: whether it acknowledges; what it does not is listed in `unacknowledged`.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.arrived: list[Message] = []
        self.kept: dict[str, bytes] = {}
        self.refusals: list[BrokerError] = []
        self.acknowledges = True
        self.links: list[FakeLink] = []
        self.unacknowledged: list[int] = []

    def connect(self, listener: LinkListener) -> BrokerLink:
        with self.changed:
            if self.refusals:
                refusal = self.refusals.pop(0)
                self.changed.notify_all()
                raise refusal
            link = FakeLink(broker=self, listener=listener)
            self.links.append(link)
            self.changed.notify_all()
        return link

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    def forget(self) -> None:
        """Start anew without anything retained."""
        self.kept.clear()

    def payloads(self, topic: str) -> list[bytes]:
        """What reached it on one topic."""
        with self.changed:
            return [message.payload for message in self.arrived if message.topic == topic]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE_S), self.arrived


@dataclass(slots=True)
class FakeLink:
    """A `BrokerLink`."""

    broker: FakeBroker
    listener: LinkListener
    subscribed: list[str] = field(default_factory=list)
    is_open: bool = True
    tokens: int = 0

    def subscribe(self, topics: Sequence[str]) -> None:
        self.subscribed += topics
        for topic, payload in list(self.broker.kept.items()):
            if any(_matches(pattern, topic) for pattern in topics):
                self.listener.received(Message(topic=topic, payload=payload, retained=True))

    def publish(self, message: Message) -> int:
        if not self.is_open:
            raise BrokerLost("the connection broke")
        with self.broker.changed:
            self.tokens += 1
            self.broker.arrived.append(message)
            if message.retained and message.payload:
                self.broker.kept[message.topic] = message.payload
            elif message.retained:
                self.broker.kept.pop(message.topic, None)
            if not self.broker.acknowledges:
                self.broker.unacknowledged.append(self.tokens)
            self.broker.changed.notify_all()
        if self.broker.acknowledges:
            self.listener.acknowledged(self.tokens)
        return self.tokens

    def say(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Somebody else publishes."""
        self.listener.received(Message(topic=topic, payload=payload, retained=retained))

    def acknowledge(self, number: int | None = None) -> None:
        """Acknowledge the oldest of what was left so, or all of it."""
        tokens = self.broker.unacknowledged[:number]
        del self.broker.unacknowledged[:number]
        for token in tokens:
            self.listener.acknowledged(token)

    def break_off(self, why: str = "the broker is gone") -> None:
        """The connection ends."""
        self.is_open = False
        self.broker.unacknowledged.clear()
        self.listener.lost(why)

    def close(self) -> None:
        self.is_open = False
        with self.broker.changed:
            self.broker.changed.notify_all()


def _matches(pattern: str, topic: str) -> bool:
    wanted, found = pattern.split("/"), topic.split("/")
    return len(wanted) == len(found) and all(w in ("+", f) for w, f in zip(wanted, found, strict=True))


@dataclass(slots=True)
class FakeAlerts:
    """`Alerts` whose answers are only noted. Where `refusal` is set, an answer raises it."""

    refusal: Exception | None = None
    answers: list[tuple[str, Resolution, StaffRole]] = field(default_factory=list)
    answered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        return ()

    def standing(self) -> tuple[AlertNews, ...]:
        return ()

    def resolve(self, told_id: str, resolution: Resolution, *, role: StaffRole) -> None:
        self.answers.append((told_id, resolution, role))
        self.answered.release()
        if self.refusal is not None:
            raise self.refusal
