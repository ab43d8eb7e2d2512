"""The stream of what happens: nothing waits for a slow watcher, and who comes back misses nothing unnoticed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from edge_agent.api.live_feed import LiveFeed
from edge_agent.api.telling import told
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderIgnored,
    OrderMoved,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.matching import Verdict, VerdictKind
from edge_agent.domain.order import OrderKey, OrderState
from edge_agent.errors import FellBehind, Overloaded
from edge_agent.ports import News, Watch
from tests.builders import order
from tests.fakes_api import ONLINE, Agent, alert_news
from tests.fakes_store import FakeClock

T = TypeVar("T")
KEY = OrderKey("till", "2026-01-31", "A-1")
REACHED = VerdictReached(
    at_s=1.0,
    slot_id="slot",
    session_id="slot-0001",
    still_since_s=0.5,
    orders=(KEY,),
    association=Association.EXACT,
    verdict=Verdict(kind=VerdictKind.MATCH),
    contents=Contents(),
)
EVENTS: list[Event] = [
    OrderAccepted(at_s=1.0, order=order("A-1", "plate", notes="a\nid: 1\r\n\r\ndata: x\u2028")),
    OrderIgnored(at_s=1.0, key=KEY, revision=1, known_revision=2),
    OrderMoved(at_s=1.0, key=KEY, state=OrderState.CANCELLED),
    SessionStarted(at_s=1.0, slot_id="slot", session_id="slot-0001"),
    SessionResumed(at_s=1.0, session_id="slot-0001"),
    TraySettled(at_s=1.0, session_id="slot-0001", still_since_s=0.5),
    REACHED,
    TrayLeft(at_s=1.0, slot_id="slot", session_id="s", arrived_s=0.0, last_seen_s=1.0, final=REACHED),
]


def moved(at_s: float) -> OrderMoved:
    return OrderMoved(at_s=at_s, key=KEY, state=OrderState.OPEN)


def run(told_by: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(told_by)


async def all_of(watch: Watch) -> list[float]:
    """Everything that waits, by stream time."""
    got = []
    while (news := await watch.next(timeout_s=0.0)) is not None:
        assert isinstance(news.event, OrderMoved)
        got.append(news.event.at_s)
    return got


def test_every_watcher_gets_what_happens_after_it_came() -> None:
    async def story() -> tuple[list[float], list[float]]:
        feed = LiveFeed(clock=FakeClock())
        first = feed.watch()
        feed.publish("pass", moved(1.0))
        second = feed.watch()
        feed.publish("pass", moved(2.0))
        return await all_of(first), await all_of(second)

    assert run(story()) == ([1.0, 2.0], [2.0])


def test_a_watcher_is_woken_from_another_thread() -> None:
    async def story() -> News | None:
        feed = LiveFeed(clock=FakeClock())
        watch = feed.watch()
        waiting = asyncio.create_task(watch.next(timeout_s=30.0), name="a watcher")
        await asyncio.sleep(0)
        publisher = threading.Thread(target=feed.publish, args=("pass", moved(1.0)), name="a checker")
        publisher.start()
        news = await waiting
        publisher.join()
        return news

    news = run(story())
    assert news is not None
    assert news.event == moved(1.0)


def test_who_comes_back_continues_where_it_was() -> None:
    async def story() -> list[float]:
        feed = LiveFeed(clock=FakeClock())
        watch = feed.watch()
        feed.publish("pass", moved(1.0))
        seen = await watch.next(timeout_s=0.0)
        watch.close()
        feed.publish("pass", moved(2.0))
        assert seen is not None
        return await all_of(feed.watch(after=seen.mark))

    assert run(story()) == [2.0]


@pytest.mark.parametrize("mark", ["", "x", "other-1", "{life}-99", "{life}-x", "{life}-1", "{life}-" + "9" * 30])
def test_who_asks_for_what_is_no_longer_kept_is_told_so(mark: str) -> None:
    """Also after a restart, when numbers begin anew: a watcher must not miss what happened in silence."""

    async def story() -> None:
        feed = LiveFeed(clock=FakeClock(), kept=2)
        for n in range(5):
            feed.publish("pass", moved(float(n)))
        probe = feed.watch()
        feed.publish("pass", moved(9.0))
        news = await probe.next(timeout_s=0.0)
        assert news is not None
        life = news.mark.partition("-")[0]
        await feed.watch(after=mark.format(life=life)).next(timeout_s=0.0)

    with pytest.raises(FellBehind):
        run(story())


def test_a_slow_watcher_falls_behind_and_holds_nothing() -> None:
    async def story() -> int:
        feed = LiveFeed(clock=FakeClock(), kept=3)
        slow, quick = feed.watch(), feed.watch()
        got = []
        for n in range(10):
            feed.publish("pass", moved(float(n)))
            got += await all_of(quick)
        with pytest.raises(FellBehind):
            await slow.next(timeout_s=0.0)
        return len(got)

    assert run(story()) == 10


def test_an_alert_is_told_under_the_id_that_it_is_answered_by() -> None:
    """The checker's own ids begin anew with every start: what it says of alerts is not passed on as it is."""
    news = alert_news(1)

    async def story() -> list[object]:
        feed = LiveFeed(clock=FakeClock())
        watch = feed.watch()
        feed.publish("pass", AlertRaised(at_s=1.0, alert=news.stored.alert, sounds=True))
        feed.publish("pass", AlertResolved(at_s=1.0, alert_id="a", resolution=Resolution.FIXED))
        feed.publish("pass", news)
        first, second = await watch.next(timeout_s=0.0), await watch.next(timeout_s=0.0)
        assert first is not None
        assert json.loads(told(first).decode().split("data: ")[1])["id"] == news.told_id
        return [first.event, second]

    assert run(story()) == [news, None]


def test_places_are_bounded_and_given_back() -> None:
    async def story() -> None:
        feed = LiveFeed(clock=FakeClock(), places=2)
        first, _ = feed.watch(), feed.watch()
        with pytest.raises(Overloaded):
            feed.watch()
        first.close()
        feed.watch()

    run(story())


def test_publishing_to_a_loop_that_has_ended_harms_nobody() -> None:
    feed = LiveFeed(clock=FakeClock())

    async def story() -> None:
        feed.watch()

    run(story())
    feed.publish("pass", moved(1.0))


@pytest.mark.parametrize("event", [*EVENTS, ONLINE, alert_news(1)], ids=lambda event: type(event).__name__)
def test_every_event_is_told_as_one_event_with_json(event: Event) -> None:
    """Nothing that a till writes can end an event early or begin another."""
    text = told(News(mark="ab-1", station="pass", at="2026-01-31T12:00:00Z", event=event)).decode("ascii")
    fields = [line.partition(": ") for line in text.removesuffix("\n\n").split("\n")]
    assert [name for name, _, _ in fields] == ["id", "event", "data"]
    assert json.loads(fields[2][2])["station"] == "pass"
    assert len(text.splitlines()) == 4


def stream(agent: Agent, path: str = "events", **headers: str) -> tuple[int, str]:
    answer = agent.ask("GET", path, role="crew", headers=headers)
    return answer.status_code, answer.text


def test_the_stream_tells_what_was_missed_and_says_goodbye_when_the_agent_ends() -> None:
    agent = Agent()
    agent.feed.publish("pass", moved(1.0))
    mark = agent.feed._kept[0][1].mark
    agent.feed.publish("pass", moved(2.0))
    agent.feed.close()
    status, text = stream(agent, **{"Last-Event-ID": mark})
    assert (status, text.count("event: order_moved"), text.endswith("event: goodbye\ndata: {}\n\n")) == (200, 1, True)
    assert agent.feed.watchers == 0


def test_the_stream_tells_a_watcher_to_read_the_state_anew() -> None:
    agent = Agent()
    status, text = stream(agent, "events?after=gone-1")
    assert (status, text) == (200, ": still here\n\nevent: resync\ndata: {}\n\n")
    assert agent.feed.watchers == 0


def test_a_stream_ends_after_a_while_so_that_a_revoked_token_does_not_watch_for_ever() -> None:
    agent = Agent(stream_s=0.02, keep_alive_s=0.001)
    status, text = stream(agent)
    assert status == 200
    assert set(text.split("\n\n")) == {": still here", ""}
    assert agent.feed.watchers == 0


def test_too_many_watchers_are_sent_away() -> None:
    feed = LiveFeed(clock=FakeClock(), places=0)
    assert stream(Agent(feed=feed))[0] == 503
