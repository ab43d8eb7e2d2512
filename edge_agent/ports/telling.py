"""What people must be told of, and whether they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_agent.ports.serving import AlertNews


class Outbox(Protocol):
    """The steps in the lives of alerts that people are told of, each committed together with what it tells.

    Synchronous, safe to call from any thread. All of its methods raise StoreError where the database does not answer.
    """

    def pending(self, limit: int) -> tuple[AlertNews, ...]:
        """The steps that were not delivered yet, oldest first."""
        ...

    def waiting(self) -> int:
        """How many steps were not delivered yet."""
        ...

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        """The steps that follow a number, delivered or not, oldest first."""
        ...

    def standing(self) -> tuple[AlertNews, ...]:
        """The alerts that nothing has ended yet, as they were raised, oldest first."""
        ...

    def told(self, told_id: str) -> AlertNews | None:
        """The latest step of the alert that people know by this id; None where nobody was told of one."""
        ...

    def last_seq(self) -> int:
        """The number of the newest step; 0 before the first."""
        ...

    def delivered(self, seqs: Sequence[int]) -> None:
        """Keep that these steps were delivered; committed on return. Again, or of a step never heard of, is no error.

        Raises:
            StoreBusy: too much is waiting already, or the store is closed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of MQTT, always of quality 1 (at least once).

    Attributes:
        retained: sent: the broker keeps it for those who come later, an empty one takes it back. Received: it was kept.
    """

    topic: str
    payload: bytes
    retained: bool = False


class LinkListener(Protocol):
    """Hears what comes over a link. Called on the link's own thread; must not wait, nor call the link."""

    def acknowledged(self, token: int) -> None:
        """The broker has the message of that token."""
        ...

    def received(self, message: Message) -> None:
        """A message came that was subscribed to."""
        ...

    def lost(self, why: str) -> None:
        """The connection is over; nothing more will come. What was not acknowledged counts as not delivered."""
        ...


class BrokerLink(Protocol):
    """One connection to a broker, from its success to its end. Used by one thread."""

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for messages. Raises BrokerLost."""
        ...

    def publish(self, message: Message) -> int:
        """Send a message; the token is what `acknowledged` will name. Does not wait. Raises BrokerLost."""
        ...

    def close(self) -> None:
        """Take leave of the broker, within a second or two; its last will is not executed. Allowed at any time."""
        ...


class MessageBroker(Protocol):
    """A broker that can be connected to, again and again; each link forgets what the one before had in flight."""

    def connect(self, listener: LinkListener) -> BrokerLink:
        """Connect and wait, for a bounded time, until the broker says yes.

        Raises:
            BrokerLost: it does not answer, or not in time.
            BrokerRefused: it says no, or what is needed to log in cannot be read.
        """
        ...
