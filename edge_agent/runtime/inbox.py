"""What a link to the broker says, kept until the telling thread looks: bounded, and never waited for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.ports import Message

MOST_MESSAGES = 1_000
"""So many messages of others wait at most; whoever floods the broker loses his own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came since the last look; `lost` says why the connection is over, and is None while it lasts."""

    tokens: tuple[int, ...]
    messages: tuple[Message, ...]
    lost: str | None


class Inbox:
    """A `LinkListener` that keeps what it hears.

    Args:
        changed: called when there is something new; must not wait.
    """

    def __init__(self, *, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._tokens: list[int] = []  # bounded by what is in flight
        self._messages: deque[Message] = deque(maxlen=MOST_MESSAGES)
        self._lost: str | None = None

    def acknowledged(self, token: int) -> None:
        with self._lock:
            self._tokens.append(token)
        self._changed()

    def received(self, message: Message) -> None:
        with self._lock:
            self._messages.append(message)
        self._changed()

    def lost(self, why: str) -> None:
        with self._lock:
            self._lost = self._lost or why
        self._changed()

    def take(self) -> Heard:
        """All of it, once."""
        with self._lock:
            heard = Heard(tokens=tuple(self._tokens), messages=tuple(self._messages), lost=self._lost)
            self._tokens.clear()
            self._messages.clear()
            return heard
