"""One stream of server-sent events per page: the page's regions as HTML, each sent anew when it changes, and a beat.

A region replaces what stood there before, so a page that is open for a day does not grow, and whoever comes late, or
comes back, is sent everything as it is now. `static/live.js` is the other end.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from edge_agent.api.auth import Authenticator
from edge_agent.api.problems import Problem
from edge_agent.api.screen.static_files import build
from edge_agent.errors import FellBehind
from edge_agent.ports import Clock, EventFeed, Watch

BEAT_S = 0.8
"""The page says that the connection is lost when it has heard nothing for 2.2 s: a beat may be late, two may not."""

GATHER_S = 0.05
"""What happens together is told together."""

STREAM_S = 900.0
"""A stream ends after so long; the page comes back by itself."""

ASK_AGAIN_S = 10.0
"""A browser whose token was revoked watches no longer than this."""

Regions = Callable[[], Mapping[str, str]]
"""Makes the regions of a page as they are now, by name. Called in a thread; may ask ports that wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """What every stream of the screen stands on."""

    feed: EventFeed
    clock: Clock
    authenticator: Authenticator
    beat_s: float = BEAT_S
    stream_s: float = STREAM_S

    def of(self, request: Request, regions: Regions, *, shape: str) -> RegionStream:
        """The stream of one page. Called on the event loop.

        Args:
            request: who watches; asked again and again whether they still may.
            regions: makes what is shown.
            shape: as `shape_of` gave it for the page; a page of another shape loads itself anew.

        Raises:
            Overloaded: too many watch already.
        """
        return RegionStream(self, request, regions, shape)


def shape_of(names: Iterable[str]) -> str:
    """Tells pages apart that have other regions, or that another version of the agent made."""
    return hashlib.sha256("\n".join([build(), *sorted(names)]).encode()).hexdigest()[:12]


def event(name: str, data: str) -> bytes:
    """One event. Whatever ends a line in the data begins a new line of it, so nothing in it can end the event."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode("utf-8", "replace")


class RegionStream(StreamingResponse):
    """Sends regions until the watcher goes, the agent ends or the time is over; gives its place back in any case."""

    def __init__(self, streaming: Streaming, request: Request, regions: Regions, shape: str) -> None:
        self._streaming = streaming
        self._request = request
        self._regions = regions
        self._shape = shape
        self._watch: Watch = streaming.feed.watch()
        super().__init__(self._told(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watch.close()

    async def _told(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self._streaming.stream_s
        ask_again_s = loop.time() + ASK_AGAIN_S
        shown: dict[str, str] = {}
        yield b"retry: 1000\n\n"
        while True:
            for name, html in (await run_in_threadpool(self._regions)).items():
                if shown.get(name) != html:
                    shown[name] = html
                    yield event(name, html)
            yield event("beat", self._beat(self._streaming.clock.now_utc()))
            if not await self._wait() or loop.time() >= ends_s:
                return
            if loop.time() >= ask_again_s:
                ask_again_s = loop.time() + ASK_AGAIN_S
                if not await self._may_watch():
                    return

    async def _wait(self) -> bool:
        """Wait until something happened, or it is time for a beat; False when the agent ends."""
        try:
            if await self._watch.next(timeout_s=self._streaming.beat_s) is not None:
                await asyncio.sleep(GATHER_S)
                while await self._watch.next(timeout_s=0.0) is not None:
                    pass
        except FellBehind:
            # All is read anew in any case: what was missed is not needed.
            self._watch.close()
            self._watch = self._streaming.feed.watch()
        return not self._watch.ended

    async def _may_watch(self) -> bool:
        try:
            await self._streaming.authenticator.principal(self._request, browsed=False)
        except Problem:
            return False
        return True

    def _beat(self, now: datetime) -> str:
        return json.dumps({"now_ms": round(now.timestamp() * 1_000), "shape": self._shape})
