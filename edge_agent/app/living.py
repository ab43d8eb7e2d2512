"""Put together the agent that runs in the restaurant: cameras, checker, store, API, and what watches over them."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.systemd_notify import SystemdNotify
from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.live_feed import LiveFeed
from edge_agent.api.open_port import refuse_open_port
from edge_agent.app.camera import source_maker
from edge_agent.app.ending import Ending
from edge_agent.app.eyes import Eyes, open_eyes
from edge_agent.app.keeping import keeping, removing
from edge_agent.app.order_intake import OrderIntake
from edge_agent.app.running import Running
from edge_agent.app.serving_now import ServingNow
from edge_agent.app.stations import Frames, MakeSource, capturing, checker_of, checker_thread, frames_of
from edge_agent.app.supervising import facts, watched
from edge_agent.app.taking_up import take_up
from edge_agent.app.telling import telling
from edge_agent.app.tokens import open_tokens
from edge_agent.domain.business_day import business_day
from edge_agent.domain.events import Event
from edge_agent.domain.order import OrderKey
from edge_agent.ports import Clock, Readiness, StationStatus
from edge_agent.runtime.alert_log import AlertLog
from edge_agent.runtime.checker_thread import Announce, CheckerThread
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.runtime.live_alerts import AlertFeed, LiveAlerts
from edge_agent.runtime.numbers import Numbers
from edge_agent.runtime.order_desk import OrderDesk
from edge_agent.runtime.supervisor import Supervisor
from edge_agent.runtime.telling import Bell, Teller
from edge_agent.runtime.till_watch import TillWatch
from edge_agent.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgent:
    """The agent while it runs.

    Attributes:
        api: what answers over HTTP.
        feed: what watchers listen to; closed first when the agent ends.
        ending: asked for when only a new process helps.
        reload: reads menu and thresholds anew; says what came of it.
        eyes: what it looks with.
    """

    api: FastAPI
    feed: LiveFeed
    ending: Ending
    reload: Callable[[], str]
    eyes: Eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """What a demonstration may put in the place of the usual parts.

    Attributes:
        source: makes what makes a camera's source.
        frames: makes the place for a camera's newest frame; all places share what is notified of frames.
        listeners: told of everything that happens, with its station; they must not wait.
    """

    source: MakeSource = source_maker
    frames: Frames = lambda arrived: LatestFrame(arrived=arrived)
    listeners: Sequence[Announce] = ()


class _Announcer:
    """Passes what happens on to all who listen; none of them may wait."""

    def __init__(self) -> None:
        self.listeners: list[Announce] = []

    def __call__(self, station: str, event: Event | StationStatus) -> None:
        for listener in self.listeners:
            listener(station, event)


@contextmanager
def live_agent(
    settings: Settings,
    *,
    notify: SystemdNotify,
    read_again: Callable[[], Settings],
    complaints: Sequence[str] = (),
    config: Path | None = None,
    clock: Clock | None = None,
    seams: Seams | None = None,
) -> Iterator[LiveAgent]:
    """The agent, running; leaving the context ends it within a few seconds.

    Args:
        settings: how it is configured.
        notify: the service manager.
        read_again: reads the configuration anew, when it is told to reload.
        complaints: what was wrong at the start, said as long as it runs.
        config: the configuration's file, over which choices of the Set-up pages are laid.
        clock: the machine's, unless a test gives another.
        seams: what else is not as usual.

    Raises:
        BadConfig: a file does not read, or a port would be open without a token.
        BadModelPack: the model does not fit.
        StoreError: the database cannot be opened.
    """
    clock = clock or SystemClock()
    tokens = open_tokens(settings.api.tokens)
    refuse_open_port(settings.api.host, tokens=tokens.serving())
    answering = threading.Thread(target=_import_answering, name="imports", daemon=True)
    answering.start()
    eyes, ending = open_eyes(settings), Ending()
    # Before the cameras begin: a tray that is seen while no order can come is judged as one that nobody ordered.
    answering.join()
    with ExitStack() as stack:
        running = _running(
            stack,
            settings,
            eyes,
            clock,
            seams or Seams(),
            config=config,
            tokens=tokens,
            restart=ending.begin_anew if notify.is_listening else None,
        )
        retention = stack.enter_context(removing(settings, running.kept.store, clock))
        if settings.order_folder is not None:
            stack.enter_context(OrderIntake(settings.order_folder, running.orders, clock))
        seen = watched(running, retention=retention, complaints=complaints, notify=notify, ending=ending)
        supervisor = stack.enter_context(Supervisor(seen, clock=clock))
        yield LiveAgent(
            api=_api(stack, running, supervisor),
            feed=running.feed,
            ending=ending,
            reload=lambda: running.serving.reload(read_again, running.thread),
            eyes=eyes,
        )


def _import_answering() -> None:
    """What answers over HTTP takes most of a second to import on a slow box: done while the model is opened."""
    with contextlib.suppress(ImportError):  # whoever needs it says so
        for name in ("edge_agent.app.answering", "edge_agent.app.http_server"):
            importlib.import_module(name)


def _api(stack: ExitStack, running: Running, readiness: Readiness) -> FastAPI:
    from edge_agent.api.app import create_api
    from edge_agent.app.answering import api_parts

    return create_api(api_parts(stack, running, readiness))


def _running(  # noqa: PLR0913  each is one thing that was decided before
    stack: ExitStack,
    settings: Settings,
    eyes: Eyes,
    clock: Clock,
    seams: Seams,
    *,
    config: Path | None,
    tokens: TokenFile,
    restart: Callable[[], None] | None,
) -> Running:
    """All that checks, keeps and tells, at work until the stack ends."""
    bell, announce, feed = Bell(), _Announcer(), LiveFeed(clock=clock)
    on_told: list[Callable[[], None]] = [bell.ring_told]
    kept = stack.enter_context(keeping(settings, eyes, clock, on_told))
    numbers = Numbers(facts=lambda: facts(running))
    checker = checker_of(settings, eyes, prefix=f"{kept.run_id}-")
    received = take_up(checker, kept.history, clock)
    latest = frames_of(settings, seams.frames)
    thread = checker_thread(
        settings,
        eyes,
        checker,
        latest,
        recorder=kept.recorder,
        clock=clock,
        announce=announce,
        looked=numbers.looked,
    )
    alert_feed = stack.enter_context(AlertFeed(kept.outbox, feed.publish))
    on_told.append(alert_feed.filled)
    till, alert_log = TillWatch(), AlertLog(shadow=settings.shadow)
    announce.listeners += [numbers.count, feed.publish, till.announce, alert_log.note, *seams.listeners]
    alerts = LiveAlerts(thread, outbox=kept.outbox, store=kept.store, history=kept.history, clock=clock)
    tellers: list[Teller] = []
    if settings.mqtt is not None:
        teller = telling(settings, settings.mqtt, bell=bell, outbox=kept.outbox, alerts=alerts, clock=clock)
        tellers.append(stack.enter_context(teller))
        announce.listeners.append(tellers[0].announce)
    stack.enter_context(thread)
    running = Running(
        settings=settings,
        config=config,
        clock=clock,
        eyes=eyes,
        serving=ServingNow(settings, eyes),
        kept=kept,
        thread=thread,
        captures=capturing(stack, settings, latest, clock, seams.source),
        orders=_order_desk(settings, thread, clock, received),
        alerts=alerts,
        till=till,
        tellers=tellers,
        feed=feed,
        numbers=numbers,
        tokens=tokens,
        restart=restart,
    )
    return running


def _order_desk(settings: Settings, thread: CheckerThread, clock: Clock, received: dict[OrderKey, str]) -> OrderDesk:
    return OrderDesk(
        thread,
        today=lambda: business_day(clock.now_utc(), zone=settings.zone, starts_at=settings.day_starts_at),
        now=lambda: clock.now_utc().astimezone(timezone.utc).isoformat(timespec="milliseconds"),
        slots={each.id: tuple(slot.id for slot in each.slots) for each in settings.stations},
        received=received,
    )
