"""What happens, as it happens, for whoever watches: bounded per watcher, and nobody can slow the agent down."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections import deque
from datetime import timezone

from edge_agent.domain.events import AlertRaised, AlertResolved, Event
from edge_agent.errors import FellBehind, Overloaded
from edge_agent.ports import AlertNews, Clock, News, StationStatus

PLACES = 32
KEPT = 1_024
"""So many pieces of news are kept for watchers that come back; a busy station makes one or two a second."""


class LiveFeed:
    """An `EventFeed`. `publish` and `close` may be called from any thread and never wait for a watcher.

    Args:
        clock: for the wall time of what is published.
        places: so many may watch at a time.
        kept: so many pieces are kept for watchers that come back, and at most so many wait for a slow one.
    """

    def __init__(self, *, clock: Clock, places: int = PLACES, kept: int = KEPT) -> None:
        self._clock = clock
        self._places = places
        self._life = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._kept: deque[tuple[int, News]] = deque(maxlen=kept)
        self._number = 0
        self._watches: set[_Place] = set()
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return len(self._watches)

    def publish(self, station: str, event: Event | StationStatus | AlertNews) -> None:
        """Tell all watchers. What the checker says of alerts is let pass: they are told as `AlertNews`."""
        if isinstance(event, (AlertRaised, AlertResolved)):
            return
        at = self._clock.now_utc().astimezone(timezone.utc).isoformat(timespec="milliseconds")
        with self._lock:
            self._number += 1
            news = News(mark=f"{self._life}-{self._number}", station=station, at=at, event=event)
            self._kept.append((self._number, news))
            for place in self._watches:
                place.take(news)

    def watch(self, *, after: str | None = None) -> _Place:
        """Take a place; see `EventFeed.watch`. Raises Overloaded."""
        with self._lock:
            if len(self._watches) >= self._places:
                raise Overloaded(f"{self._places} watch already; close one of them, or try again later")
            place = _Place(self, self._lock, self._kept.maxlen or KEPT)
            if after is not None:
                place.begin_with(self._after(after))
            if self._closed:
                place.end()
            self._watches.add(place)
            return place

    def close(self) -> None:
        """The agent ends: every watcher is told so."""
        with self._lock:
            self._closed = True
            for place in self._watches:
                place.end()

    def leave(self, place: _Place) -> None:
        """Take a place back."""
        with self._lock:
            self._watches.discard(place)

    def _after(self, mark: str) -> list[News] | None:
        """What came after a mark; None where that is not known any more."""
        life, _, digits = mark.partition("-")
        if life != self._life or not (digits.isascii() and digits.isdigit() and len(digits) < 20):  # noqa: PLR2004
            return None
        number = int(digits)
        oldest = self._kept[0][0] if self._kept else self._number + 1
        if number > self._number or number + 1 < oldest:
            return None
        return [news for n, news in self._kept if n > number]


class _Place:
    """A `Watch` of the feed. What is not marked as the watcher's own is called with the feed's lock held."""

    def __init__(self, feed: LiveFeed, lock: threading.Lock, bound: int) -> None:
        self._feed = feed
        self._lock = lock
        self._bound = bound
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._waiting: deque[News] = deque()
        self._fell_behind = False
        self._ended = False

    @property
    def ended(self) -> bool:
        return self._ended

    def begin_with(self, news: list[News] | None) -> None:
        self._fell_behind = news is None
        self._waiting.extend(news or ())

    def take(self, news: News) -> None:
        if self._fell_behind:
            return
        if len(self._waiting) >= self._bound:
            self._fell_behind = True
            self._waiting.clear()
        else:
            self._waiting.append(news)
        self._rouse()

    def end(self) -> None:
        self._ended = True
        self._rouse()

    def _rouse(self) -> None:
        with contextlib.suppress(RuntimeError):  # the watcher's loop has ended, and the watcher with it
            self._loop.call_soon_threadsafe(self._wake.set)

    async def next(self, *, timeout_s: float) -> News | None:
        """The watcher's own: see `Watch.next`. Raises FellBehind."""
        for _ in range(2):
            with self._lock:
                if self._fell_behind:
                    raise FellBehind("read the state anew, then watch again")
                if self._waiting:
                    return self._waiting.popleft()
                if self._ended:
                    return None
                self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), timeout_s)
            except (asyncio.TimeoutError, TimeoutError):
                return None
        return None

    def close(self) -> None:
        """The watcher's own: give the place back."""
        self._feed.leave(self)
