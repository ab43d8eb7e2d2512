"""The stream of a page: everything at first, then what changed, a beat, and an end when it is over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest
from fastapi import Request

from edge_agent.api.live_feed import LiveFeed
from edge_agent.api.problems import Problem
from edge_agent.api.screen import stream as module
from edge_agent.api.screen.stream import RegionStream, Streaming
from edge_agent.domain.access import Principal, Role
from edge_agent.errors import Overloaded
from tests.fakes_api import ONLINE
from tests.fakes_store import FakeClock

WAIT_S = 20.0


@dataclass
class Door:
    """Lets in until it is shut."""

    shut: bool = False

    async def principal(self, request: Request, *, browsed: bool) -> Principal:
        if self.shut:
            raise Problem("unauthenticated", "no longer")
        return Principal(name="tablet 1", role=Role.CREW)

    async def known_by(self, request: Request, secret: str) -> Principal:
        return await self.principal(request, browsed=False)


@dataclass
class Page:
    """A page with regions, and its stream."""

    regions: dict[str, str] = field(default_factory=lambda: {"queue": "<p>none</p>", "banner": ""})
    door: Door = field(default_factory=Door)
    beat_s: float = 0.01
    stream_s: float = 900.0
    kept: int = 1_024

    def __post_init__(self) -> None:
        self.feed = LiveFeed(clock=FakeClock(), kept=self.kept)

    def stream(self) -> RegionStream:
        streaming = Streaming(
            feed=self.feed,
            clock=FakeClock(),
            authenticator=self.door,
            beat_s=self.beat_s,
            stream_s=self.stream_s,
        )
        request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""})
        return streaming.of(request, self.now, shape="abc")

    def now(self) -> Mapping[str, str]:
        return dict(self.regions)


async def heard(stream: RegionStream, beats: int) -> list[str]:
    """The names of the events up to so many beats; shorter where the stream ends."""
    names: list[str] = []
    source: AsyncIterator[bytes] = stream._told()
    async for piece in source:
        names += re.findall(r"(?m)^event: (\S+)$", piece.decode())
        if names.count("beat") >= beats:
            break
    return names


def run(page: Page, beats: int) -> list[str]:
    async def listen() -> list[str]:
        return await asyncio.wait_for(heard(page.stream(), beats), WAIT_S)

    return asyncio.run(listen())


def test_everything_is_sent_at_first_then_only_beats() -> None:
    assert run(Page(), 3) == ["queue", "banner", "beat", "beat", "beat"]


def test_what_changed_is_sent_and_nothing_else() -> None:
    page = Page()

    async def listen() -> list[str]:
        stream = page.stream()
        names = await heard(stream, 1)
        page.regions["queue"] = "<p>one</p>"
        page.feed.publish("pass", ONLINE)
        return [*names, "|", *await heard(stream, 1)]

    # A second hearing begins anew, as a page does that comes back: it is sent everything.
    assert asyncio.run(listen()) == ["queue", "banner", "beat", "|", "queue", "banner", "beat"]


def test_news_wakes_it_before_the_beat_and_many_are_told_as_one() -> None:
    page = Page(beat_s=WAIT_S)

    async def listen() -> list[str]:
        told: list[str] = []
        async for piece in page.stream()._told():
            told += re.findall(r"(?m)^event: (\S+)$", piece.decode())
            if told.count("beat") == 1 and told[-1] == "beat":
                page.regions["queue"] = "<p>one</p>"
                for _ in range(100):
                    page.feed.publish("pass", ONLINE)
            if told.count("beat") == 2:
                break
        return told

    told = asyncio.run(asyncio.wait_for(listen(), WAIT_S))
    assert told == ["queue", "banner", "beat", "queue", "beat"]


def test_a_watcher_that_fell_behind_goes_on_with_what_is_now() -> None:
    page = Page(kept=4, beat_s=WAIT_S)

    async def listen() -> list[str]:
        told: list[str] = []
        async for piece in page.stream()._told():
            told += re.findall(r"(?m)^event: (\S+)$", piece.decode())
            if told.count("beat") == 3:
                break
            if told[-1:] == ["beat"]:
                page.regions["queue"] += "x"
                for _ in range(20):
                    page.feed.publish("pass", ONLINE)
        return told

    told = asyncio.run(asyncio.wait_for(listen(), WAIT_S))
    assert told == ["queue", "banner", "beat", "queue", "beat", "queue", "beat"]
    assert page.feed.watchers <= 1


def test_it_ends_when_the_agent_does() -> None:
    page = Page()

    async def listen() -> list[str]:
        stream = page.stream()
        page.feed.close()
        return await heard(stream, 100)

    assert asyncio.run(asyncio.wait_for(listen(), WAIT_S)) == ["queue", "banner", "beat"]


def test_it_ends_soon_after_the_token_was_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_AGAIN_S", 0.0)
    assert len(run(Page(), 5)) == 2 + 5
    assert run(Page(door=Door(shut=True)), 5) == ["queue", "banner", "beat"]


def test_too_many_watchers_are_told_so_before_anything_is_sent() -> None:
    async def open_all() -> None:
        page = Page()
        page.feed = LiveFeed(clock=FakeClock(), places=1)
        page.stream()
        with pytest.raises(Overloaded):
            page.stream()

    asyncio.run(open_all())
