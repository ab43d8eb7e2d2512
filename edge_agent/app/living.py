"""Put together the agent that runs in the restaurant: cameras, checker, store, API, and what watches over them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timezone
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from edge_agent import __version__
from edge_agent.adapters.file_in_use import only_agent_on
from edge_agent.adapters.qr_marker_reader import QrMarkerReader
from edge_agent.adapters.reserve_file import RESERVE_BYTES, ReserveFile, reserve_beside
from edge_agent.adapters.slot_motion import SlotMotion
from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_outbox import SqliteOutbox
from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.sqlite_retention import SqliteRetention
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.system_clock import SystemClock, boot_id
from edge_agent.adapters.systemd_notify import SystemdNotify
from edge_agent.api.app import ApiParts, create_api
from edge_agent.api.auth import TokenAuthenticator
from edge_agent.api.live_feed import LiveFeed
from edge_agent.api.open_port import refuse_open_port
from edge_agent.api.throttle import FailureThrottle
from edge_agent.app.camera import limits_of, meter_for, source_maker, stuck_after_s
from edge_agent.app.eyes import Eyes, open_eyes, station_with
from edge_agent.app.faring import camera_problems, disk_problems, free_bytes, sayer, telling_problems
from edge_agent.app.order_intake import OrderIntake
from edge_agent.app.photo_desk import PhotoDesk
from edge_agent.app.serving_now import ServingNow
from edge_agent.app.setup_pages import Running, setup_pages
from edge_agent.app.stills import live_stations
from edge_agent.app.taking_up import take_up
from edge_agent.app.telling import telling
from edge_agent.app.tokens import open_tokens
from edge_agent.app.troubles import box_troubles
from edge_agent.checking.audit_desk import AuditDesk
from edge_agent.checking.camera_watch import CameraWatch
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.business_day import Calendar, business_day
from edge_agent.domain.detection import Detection
from edge_agent.domain.events import Event
from edge_agent.domain.order import OrderKey
from edge_agent.domain.record import Run
from edge_agent.domain.tray import Slot
from edge_agent.errors import EdgeAgentError, StoreError
from edge_agent.evaluation.recorder import slots_as_jpeg
from edge_agent.ports import Clock, Detector, LiveSource, Picture, StationStatus
from edge_agent.runtime.capture import CameraCapture
from edge_agent.runtime.capture_thread import CapturePlan
from edge_agent.runtime.checker_thread import NOMINAL_PX, CheckerThread, LiveStation
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.runtime.live_alerts import AlertFeed, LiveAlerts
from edge_agent.runtime.numbers import Facts, Numbers
from edge_agent.runtime.order_desk import OrderDesk
from edge_agent.runtime.recorder import Recorder
from edge_agent.runtime.retention import RetentionThread
from edge_agent.runtime.station_eye import StationEye
from edge_agent.runtime.supervisor import Supervisor, Watched
from edge_agent.runtime.telling import Bell, Teller
from edge_agent.runtime.till_watch import TillWatch
from edge_agent.settings import CameraSettings, Settings, StationSettings

logger = logging.getLogger(__name__)


class Ending:
    """Whether only a new process helps, and why."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.why = ""

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def begin_anew(self) -> None:
        """Somebody wants a new process, and all is well. Any thread may say so."""
        self._asked.set()

    def give_up(self, why: str) -> None:
        """Any thread may say so."""
        self.why = why
        self._asked.set()


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

    source: Callable[[CameraSettings, Clock], Callable[[], LiveSource]] = source_maker
    frames: Callable[[threading.Condition], LatestFrame] = lambda arrived: LatestFrame(arrived=arrived)
    listeners: Sequence[Callable[[str, Event | StationStatus], None]] = ()


@dataclass(frozen=True, slots=True)
class _Timed:
    """A detector whose looks are timed."""

    detector: Detector
    looked: Callable[[float], None]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.detector.classes

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        began_s = time.perf_counter()
        seen = self.detector.detect(picture)
        self.looked(time.perf_counter() - began_s)
        return seen


class _Announcer:
    """Passes what happens on to all who listen; none of them may wait."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[str, Event | StationStatus], None]] = []

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
    clock, seams = clock or SystemClock(), seams or Seams()
    tokens = open_tokens(settings.api.tokens)
    refuse_open_port(settings.api.host, tokens=tokens.serving())
    eyes = open_eyes(settings)
    with ExitStack() as stack:
        bell, announce = Bell(), _Announcer()
        on_told: list[Callable[[], None]] = [bell.ring_told]
        kept = _keeping(stack, settings, eyes, clock, on_told)
        serving = ServingNow(settings, eyes)
        captures: dict[str, CameraCapture] = {}
        latest = _frames_of(settings, seams)
        numbers = Numbers(facts=lambda: _facts(settings, thread, captures, kept, serving))
        checker = _checker(settings, eyes, prefix=f"{kept.run_id}-")
        received = take_up(checker, kept.history, clock)
        thread = CheckerThread(
            checker,
            [_live_station(each, eyes, latest[each.id], numbers, settings) for each in settings.stations],
            recorder=kept.recorder,
            clock=clock,
            encode=slots_as_jpeg,
            announce=announce,
            arrived=latest[settings.stations[0].id].arrived,
        )
        feed = LiveFeed(clock=clock)
        alert_feed = stack.enter_context(AlertFeed(kept.outbox, feed.publish))
        on_told.append(alert_feed.filled)
        till = TillWatch()
        announce.listeners += [numbers.count, feed.publish, till.announce, *seams.listeners]
        book = _order_desk(settings, thread, clock, received)
        alerts = LiveAlerts(thread, outbox=kept.outbox, store=kept.store, history=kept.history, clock=clock)
        tellers: list[Teller] = []
        if settings.mqtt is not None:
            teller = telling(settings, settings.mqtt, bell=bell, outbox=kept.outbox, alerts=alerts, clock=clock)
            tellers.append(stack.enter_context(teller))
            announce.listeners.append(tellers[0].announce)
        stack.enter_context(thread)
        retention = stack.enter_context(_retention(settings, kept.store, clock))
        captures.update(_capturing(stack, settings, latest, clock, seams))
        if settings.order_folder is not None:
            stack.enter_context(OrderIntake(settings.order_folder, book, clock))
        ending = Ending()
        watched = Watched(
            captures=captures,
            checker=thread,
            recorder=kept.recorder,
            problems=[
                lambda: complaints,
                partial(disk_problems, settings),
                partial(camera_problems, captures),
                partial(telling_problems, tellers),
                lambda: () if retention.problem is None else (retention.problem,),
                lambda: () if kept.reserve.problem is None else (kept.reserve.problem,),
                lambda: () if kept.store.lost is None else (kept.store.lost,),
            ],
            tend=[kept.reserve.keep],
            feed=notify.alive,
            say=sayer(notify),
            give_up=ending.give_up,
        )
        supervisor = stack.enter_context(Supervisor(watched, clock=clock))
        throttle = FailureThrottle()
        of_setup = Running(
            settings=settings,
            config=config,
            thread=thread,
            eyes=eyes,
            serving=serving,
            captures=captures,
            history=kept.history,
            pictures=kept.store.pictures,
            readiness=supervisor,
            clock=clock,
            restart=ending.begin_anew if notify.is_listening else None,
        )
        set_up = setup_pages(stack, of_setup)
        parts = ApiParts(
            orders=book,
            history=kept.history,
            reporting=kept.reporting,
            audits=AuditDesk(reporting=kept.reporting, store=kept.store, menu=serving.menu),
            pictures=kept.store.pictures,
            photo_checker=PhotoDesk(eyes, thread),
            alerts=alerts,
            answers=alerts,
            stations=live_stations(thread, latest, eyes, serving, clock),
            in_use=serving,
            setup=set_up.desk,
            cameras=set_up.cameras,
            second_look=set_up.second_look,
            health=set_up.health,
            feed=feed,
            readiness=supervisor,
            authenticator=TokenAuthenticator(tokens=tokens, clock=clock, throttle=throttle),
            troubles=box_troubles(
                settings,
                clock,
                supervisor=supervisor,
                recorder=kept.recorder,
                store=kept.store,
                history=kept.history,
                till=till,
                tellers=tellers,
            ),
            tokens=tokens,
            throttle=throttle,
            clock=clock,
            registry=numbers.registry,
        )
        yield LiveAgent(
            api=create_api(parts),
            feed=feed,
            ending=ending,
            reload=lambda: serving.reload(read_again, thread),
            eyes=eyes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The store, open for one run."""

    store: SqliteStore
    history: SqliteHistory
    reporting: SqliteReporting
    outbox: SqliteOutbox
    recorder: Recorder
    reserve: ReserveFile
    run_id: int


def _keeping(
    stack: ExitStack, settings: Settings, eyes: Eyes, clock: Clock, on_told: Sequence[Callable[[], None]]
) -> _Kept:
    def told() -> None:
        for each in on_told:
            each()

    path = settings.store.path
    spare_bytes = int(settings.store.spare_mb * 1_000_000)
    path.parent.mkdir(parents=True, exist_ok=True)
    stack.enter_context(only_agent_on(path))
    reserve = ReserveFile(path=reserve_beside(path), spare_bytes=spare_bytes)
    reserve.start()
    store = stack.enter_context(
        SqliteStore(
            path=path,
            clock=clock,
            on_told=told,
            # No picture takes what was given up for orders.
            spare_bytes=max(spare_bytes, RESERVE_BYTES),
            make_room=reserve.give_up,
        )
    )
    run_id = store.begin_run(_run_of(settings, eyes))
    stack.callback(_end_run, store, run_id)
    return _Kept(
        store=store,
        history=SqliteHistory(path=path),
        reporting=SqliteReporting(path=path, calendar=Calendar(zone=settings.zone, starts_at=settings.day_starts_at)),
        outbox=SqliteOutbox(store=store),
        recorder=stack.enter_context(Recorder(store, run_id)),
        reserve=reserve,
        run_id=run_id,
    )


def _frames_of(settings: Settings, seams: Seams) -> dict[str, LatestFrame]:
    """A place for each station's newest frame; one thread waits for all of them."""
    arrived = threading.Condition()
    return {station.id: seams.frames(arrived) for station in settings.stations}


def _checker(settings: Settings, eyes: Eyes, *, prefix: str) -> OrderChecker:
    return OrderChecker(
        menu=eyes.menu.menu,
        thresholds=eyes.thresholds,
        stations=[station_with(each, _placed(each)(*NOMINAL_PX)) for each in settings.stations],
        occluders=eyes.occluders,
        prefix=prefix,
    )


def _order_desk(settings: Settings, thread: CheckerThread, clock: Clock, received: dict[OrderKey, str]) -> OrderDesk:
    return OrderDesk(
        thread,
        today=lambda: business_day(clock.now_utc(), zone=settings.zone, starts_at=settings.day_starts_at),
        now=lambda: clock.now_utc().astimezone(timezone.utc).isoformat(timespec="milliseconds"),
        slots={each.id: tuple(slot.id for slot in each.slots) for each in settings.stations},
        received=received,
    )


def _capturing(
    stack: ExitStack, settings: Settings, latest: Mapping[str, LatestFrame], clock: Clock, seams: Seams
) -> dict[str, CameraCapture]:
    captures = {}
    cameras = {station.id: station.camera for station in settings.stations if station.camera is not None}
    for name, camera in cameras.items():
        plan = CapturePlan(name=name, make_source=seams.source(camera, clock), latest=latest[name], clock=clock)
        others = [other for other in cameras.values() if other is not camera]
        captures[name] = stack.enter_context(CameraCapture(plan, stuck_s=stuck_after_s(camera, others)))
    return captures


def _end_run(store: SqliteStore, run_id: int) -> None:
    try:
        store.end_run(run_id)
    except StoreError as error:
        logger.warning("the end of the run could not be stored: %s", error)


def _placed(station: StationSettings) -> Callable[[int, int], tuple[Slot, ...]]:
    return lambda width_px, height_px: tuple(slot.slot(width_px, height_px) for slot in station.slots)


def _live_station(
    station: StationSettings, eyes: Eyes, latest: LatestFrame, numbers: Numbers, settings: Settings
) -> LiveStation:
    limits = None if station.camera is None else limits_of(station.camera)
    eye = StationEye(
        detector=_Timed(eyes.detector, numbers.looked),
        meter=meter_for(station),
        watch=CameraWatch() if limits is None else CameraWatch(limits),
        motion_for=lambda slots: SlotMotion(slots=slots),
        place=_placed(station),
        reader=QrMarkerReader(),
    )
    return LiveStation(station_id=station.id, eye=eye, latest=latest, shadow=settings.shadow)


def _run_of(settings: Settings, eyes: Eyes) -> Run:
    manifest = eyes.pack.manifest
    cameras = [each.camera.shown for each in settings.stations if each.camera is not None]
    return Run(
        station=", ".join(each.id for each in settings.stations),
        source=", ".join(cameras)[:500],
        model_name=manifest.name,
        model_version=manifest.version,
        model_sha256=eyes.pack.sha256,
        menu_sha256=eyes.menu.sha256,
        agent_version=__version__,
        provider=eyes.detector.provider,
        boot_id=boot_id(),
        slots={slot.id: each.id for each in settings.stations for slot in each.slots},
        tells=not settings.shadow,
    )


def _facts(
    settings: Settings, thread: CheckerThread, captures: Mapping[str, CameraCapture], kept: _Kept, serving: ServingNow
) -> Facts:
    try:
        pending: int | None = kept.outbox.waiting()
    except EdgeAgentError:
        pending = None
    return Facts(
        stations=thread.statuses,
        dropped={name: capture.report().dropped for name, capture in captures.items()},
        stale=thread.stale,
        outbox_pending=pending,
        disk_free_bytes=free_bytes(settings),
        events_waiting=kept.recorder.report.waiting,
        models=serving.models(),
    )


def _retention(settings: Settings, store: SqliteStore, clock: Clock) -> RetentionThread:
    removing = SqliteRetention(
        path=store.path, pictures=store.pictures, write=store.write, rules=settings.store, clock=clock
    )
    return RetentionThread(retention=removing, clock=clock)
