"""One connection to the broker, from its success to its end: what is sent over it, in which order, and what was heard.

It belongs to one thread, which calls `step` whenever something is new or the time that the last call gave is over.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge_agent.domain.said import say
from edge_agent.errors import BadInput, BrokerLost, StoreError
from edge_agent.formats.mqtt_messages import (
    OFFLINE,
    ONLINE,
    Topics,
    alert_payload,
    read_answer,
    stats_payload,
)
from edge_agent.ports import AlertNews, BrokerLink, Clock, Message, Outbox
from edge_agent.runtime.answer_desk import AnswerDesk
from edge_agent.runtime.inbox import Inbox
from edge_agent.runtime.station_board import StationBoard

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much and how long.

    Attributes:
        most_in_flight: so many steps of alerts wait for the broker's acknowledgement at once; each is two messages.
        most_beside: so many other messages do.
        acknowledge_s: a broker that leaves a message unacknowledged for longer counts as gone.
        stats_s: from one message of figures to the next.
        retry_s: from one try to the next where the database refuses.
    """

    most_in_flight: int = 20
    most_beside: int = 20
    acknowledge_s: float = 20.0
    stats_s: float = 60.0
    retry_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Where what is told comes from, and where answers go."""

    topics: Topics
    outbox: Outbox
    board: StationBoard
    answers: AnswerDesk
    clock: Clock


class Conversation:
    """Sends over one link. Every method raises BrokerLost once the link is.

    Args:
        since_s: since when the agent runs, on the monotonic clock.
    """

    def __init__(self, *, link: BrokerLink, inbox: Inbox, said: Said, pace: Pace, since_s: float) -> None:
        self._link, self._inbox, self._said, self._pace = link, inbox, said, pace
        self._topics, self._outbox = said.topics, said.outbox
        self._since_s = since_s
        self._sent_s: dict[int, float] = {}
        self._steps: dict[int, int] = {}
        self._outstanding: Counter[int] = Counter()
        self._acknowledged: list[int] = []
        self._untold = True
        self._refused_s: float | None = None
        self._stats_due_s = self._now_s() + pace.stats_s

    def greet(self) -> None:
        """On every connection: say that the agent is there, and everything that the broker should keep."""
        self._link.subscribe([self._topics.every_answer, self._topics.every_alert])
        self._publish(Message(topic=self._topics.status, payload=ONLINE, retained=True))
        self._said.board.forget_published()
        for news in self._outbox.standing():
            self._publish(self._kept(news))

    def farewell(self) -> None:
        """The agent ends as it should: the broker is told, as no last will does it."""
        self._publish(Message(topic=self._topics.status, payload=OFFLINE, retained=True))

    def tell(self) -> None:
        """There are new steps in the outbox."""
        self._untold = True

    def step(self) -> float:
        """Send what there is room for, take in what came; the seconds until it must be called again at the latest."""
        heard = self._inbox.take()
        if heard.lost is not None:
            self._take_acknowledged(heard.tokens)
            self._keep_delivered()
            raise BrokerLost(heard.lost)
        self._take_acknowledged(heard.tokens)
        self._take_messages(heard.messages)
        if self._refused_s is None or self._now_s() >= self._refused_s:
            # That one cannot be marked is no reason not to tell the next.
            unmarked, unread = self._keep_delivered(), self._tell_steps()
            self._note(unmarked or unread)
        self._tell_beside()
        return self._wait_s()

    @property
    def is_quiet(self) -> bool:
        """Whether everything sent was acknowledged."""
        return not self._sent_s

    def _take_acknowledged(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._sent_s.pop(token, None)
            seq = self._steps.pop(token, None)
            if seq is None:
                continue
            self._outstanding[seq] -= 1
            if not self._outstanding[seq]:
                del self._outstanding[seq]
                self._acknowledged.append(seq)

    def _keep_delivered(self) -> StoreError | None:
        """Mark what the broker acknowledged. Where that fails it is tried again: told twice is better than never."""
        if self._acknowledged:
            try:
                self._outbox.delivered(self._acknowledged)
            except StoreError as refusal:
                return refusal
            self._acknowledged = []
        return None

    def _tell_steps(self) -> StoreError | None:
        """Publish the oldest pending steps that are not in flight, as far as there is room."""
        busy = self._outstanding.keys() | set(self._acknowledged)
        room = self._pace.most_in_flight - len(busy)
        if not self._untold or room <= 0:
            return None
        try:
            found = self._outbox.pending(self._pace.most_in_flight)
        except StoreError as refusal:
            return refusal
        fresh = [news for news in found if news.seq not in busy]
        for news in fresh[:room]:
            self._tell_step(news)
        # With fewer than asked for there are no more; else the next acknowledgement makes room for them.
        self._untold = len(found) >= self._pace.most_in_flight
        return None

    def _tell_step(self, news: AlertNews) -> None:
        feed = Message(topic=self._topics.alert_feed, payload=alert_payload(news, now=self._now()))
        for message in (self._kept(news), feed):
            token = self._publish(message)
            self._steps[token] = news.seq
            self._outstanding[news.seq] += 1

    def _kept(self, news: AlertNews) -> Message:
        """What the broker keeps of an alert: itself while it stands, nothing after. A lamp knows no other."""
        stands = not news.resolved and news.stored.resolution is None
        payload = alert_payload(news, now=self._now()) if stands else b""
        return Message(topic=self._topics.alert(news.told_id), payload=payload, retained=True)

    def _take_messages(self, messages: Sequence[Message]) -> None:
        kept: set[str] = set()
        for message in messages:
            told_id = self._topics.told_id(message.topic)
            if told_id is None:
                logger.debug("a message to %s names no alert", message.topic[:200])
            elif self._topics.is_answer(message.topic):
                self._take_answer(told_id, message)
            elif message.retained and message.payload:
                kept.add(told_id)
        if kept:
            self._sweep(kept)

    def _take_answer(self, told_id: str, message: Message) -> None:
        if message.retained:
            logger.warning("an answer to the alert %s is kept by the broker; buttons must not send retained", told_id)
            return
        try:
            resolution = read_answer(message.payload)
        except BadInput as refusal:
            logger.warning("a message to the alert %s is not taken: %s", told_id, refusal)
        else:
            self._said.answers.answer(told_id, resolution)

    def _sweep(self, kept: set[str]) -> None:
        """Take back what the broker keeps of alerts that have ended: it may have come back from an old state."""
        try:
            standing = {news.told_id for news in self._outbox.standing()}
        except StoreError as refusal:
            logger.warning("what the broker keeps is not compared with the open alerts: %s", refusal)
            return
        for told_id in sorted(kept - standing):
            self._publish(Message(topic=self._topics.alert(told_id), payload=b"", retained=True))

    def _tell_beside(self) -> None:
        """What may be lost: it takes turns with the alerts, and never their room."""
        if self._now_s() >= self._stats_due_s:
            self._stats_due_s = self._now_s() + self._pace.stats_s
            self._publish(Message(topic=self._topics.stats, payload=self._stats()))
        room = self._pace.most_beside - (len(self._sent_s) - len(self._steps))
        for message in self._said.board.take(max(0, room)):
            self._publish(message)

    def _stats(self) -> bytes:
        try:
            waiting = self._outbox.waiting()
        except StoreError:
            waiting = -1
        uptime_s = self._now_s() - self._since_s
        return stats_payload(self._said.board.figures(), outbox_pending=waiting, uptime_s=uptime_s, now=self._now())

    def _publish(self, message: Message) -> int:
        token = self._link.publish(message)
        self._sent_s[token] = self._now_s()
        return token

    def _wait_s(self) -> float:
        """Raises BrokerLost where the broker has been silent for too long."""
        now_s = self._now_s()
        due_s = [self._stats_due_s]
        if self._sent_s:
            silent_until_s = min(self._sent_s.values()) + self._pace.acknowledge_s
            if now_s >= silent_until_s:
                raise BrokerLost(
                    say(
                        "broker_unacknowledged",
                        "the broker has acknowledged nothing for {seconds:.0f} s",
                        seconds=self._pace.acknowledge_s,
                    )
                )
            due_s.append(silent_until_s)
        if self._refused_s is not None:
            due_s.append(self._refused_s)
        return max(0.0, min(due_s) - now_s)

    def _note(self, refusal: StoreError | None) -> None:
        """The database refused, or no more does; said aloud the first time."""
        if refusal is None:
            self._refused_s = None
            return
        said = logging.WARNING if self._refused_s is None else logging.DEBUG
        logger.log(said, "the outbox does not answer: %s; the next try is in %.0f s", refusal, self._pace.retry_s)
        self._refused_s = self._now_s() + self._pace.retry_s
        self._untold = True

    def _now_s(self) -> float:
        return self._said.clock.monotonic_s()

    def _now(self) -> datetime:
        return self._said.clock.now_utc()
