"""Put together a demonstration: a recording played through the agent of the restaurant, with a till and a listener.

Everything is the real thing: runtime, store, HTTP API with tokens, MQTT broker. Only the camera plays a recording, and
all of it lives in one process and a folder that is removed at the end.
"""

from __future__ import annotations

import contextlib
import json
import math
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from queue import Empty
from typing import Any

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.systemd_notify import SystemdNotify
from edge_agent.adapters.token_file import TokenFile
from edge_agent.app.demo_parts import Api, Listener, News, Sent, Till
from edge_agent.app.demo_show import QUIET_S, START_S, WAIT_S, Show, at_work, let_go, real_time, time_with_pictures
from edge_agent.app.eyes import Eyes
from edge_agent.app.http_server import server_for
from edge_agent.app.living import LiveAgent, live_agent
from edge_agent.app.seeing import used_by
from edge_agent.domain.access import Role
from edge_agent.domain.menu import Menu
from edge_agent.errors import EdgeAgentError
from edge_agent.evaluation.evidence import EVIDENCE_FOLDER, safe_name, write_into_report
from edge_agent.evaluation.photo_checks import refuse_unknown_classes
from edge_agent.evaluation.replay import Replayed
from edge_agent.evaluation.report import write_replay_report
from edge_agent.evaluation.trays import held_against_truth, scores_of
from edge_agent.formats.recordings import Recording, open_recording
from edge_agent.settings import ApiSettings, CameraSettings, MqttSettings, Settings, StoreSettings

STALLED_S = 60.0
TOKEN_LASTS = timedelta(hours=6)
PAGE = 200
HOST, USUAL_PORT = "127.0.0.1", 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What people need to look on: the address of the kitchen screen, a token to sign in with, what is sold."""

    address: str
    token: str
    menu: Menu


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDone:
    """What came of a demonstration, in the form of a replay; and how much went over the wires.

    Attributes:
        orders_sent: orders, and words about them, that the till sent.
        checks_heard, alerts_heard: messages that the listener got.
        dropped: frames that nobody took in time.
    """

    replayed: Replayed
    report_page: Path
    orders_sent: int
    checks_heard: int
    alerts_heard: int
    dropped: int

    def as_json(self) -> dict[str, Any]:
        """How much went over the wires."""
        return {name: getattr(self, name) for name in ("orders_sent", "checks_heard", "alerts_heard", "dropped")}


def play_demo(
    settings: Settings,
    video: Path,
    *,
    report: Path,
    fast: bool = False,
    on_stage: Callable[[Stage], None] = lambda _: None,
    on_news: Callable[[float, News], None] = lambda _s, _n: None,
) -> DemoDone:
    """Play a recording with its orders through the running agent; returns when it is over and all has been told.

    Args:
        settings: how the agent is configured; the first station's camera plays the recording. What is kept, and where
            it listens, is the demonstration's own.
        video: the recording.
        report: the folder for the page with pictures.
        fast: let time go on with the pictures, as fast as they are looked at, and not as in the world.
        on_stage: told where the agent answers.
        on_news: told what the till sent and what the listener heard, with the time in the recording, in this thread.

    Raises:
        BadRecording: the recording does not read.
        BadConfig: something cannot be used as it is configured.
        EdgeAgentError: the agent does not start, or does not take an order.
    """
    recording = open_recording(video)
    show = Show(video)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-agent-demo-")))
        listening = stack.enter_context(contextlib.closing(_listening_socket()))
        own = _own_settings(settings, video, folder, port=listening.getsockname()[1])
        api = {role: Api(port=own.api.port, secret=_token(own, role)) for role in (Role.POS, Role.MANAGER)}
        till = Till(ask=api[Role.POS].ask, events=recording.orders, told=show.news.put)
        clock, seams = time_with_pictures(show, till) if fast else real_time(show)
        agent = stack.enter_context(
            live_agent(own, notify=SystemdNotify(address=None), read_again=lambda: own, clock=clock, seams=seams)
        )
        stack.callback(let_go, show)
        refuse_unknown_classes(recording, agent.eyes.menu.menu, agent.eyes.pack.manifest.classes)
        stack.enter_context(_answering(agent, own.api, listening))
        stack.enter_context(Listener(port=_broker_port(own), site=own.site, news=show.news))
        address = f"http://{own.api.host}:{own.api.port}/"
        on_stage(Stage(address=address, token=api[Role.MANAGER].secret, menu=agent.eyes.menu.menu))
        began_s = time.perf_counter()
        show.curtain.set()
        if not fast:
            stack.enter_context(at_work(till, show, clock))
        counts = _look_on(show, agent, on_news)
        elapsed_s = time.perf_counter() - began_s
        till.send_due(math.inf)
        pictures = _fetch_pictures(api[Role.MANAGER], report)
    return _done(recording, show, agent.eyes, report=report, pictures=pictures, elapsed_s=elapsed_s, counts=counts)


def _own_settings(settings: Settings, video: Path, folder: Path, *, port: int) -> Settings:
    """The given configuration, but for what must not be shared with an agent that serves this machine."""
    station = settings.station().model_copy(update={"camera": CameraSettings(file=video.absolute())})
    return settings.model_copy(
        update={
            "shadow": False,
            "stations": (station,),
            "store": StoreSettings(path=folder / "edge.sqlite", spare_mb=1),
            "api": ApiSettings(port=port, tokens=folder / "tokens.json"),
            "mqtt": MqttSettings(port=_free_port()),
            "order_folder": None,
        }
    )


def _broker_port(own: Settings) -> int:
    assert own.mqtt is not None  # noqa: S101  for the type checker; `_own_settings` has set it
    return own.mqtt.port


def _token(own: Settings, role: Role) -> str:
    """A token that ends by itself, should the folder outlive the demonstration after all."""
    tokens = TokenFile(path=own.api.tokens, clock=SystemClock())
    return tokens.create(name=f"demo {role.value}", role=role, lasts=TOKEN_LASTS)[0]


@contextlib.contextmanager
def _answering(agent: LiveAgent, api: ApiSettings, listening: socket.socket) -> Iterator[None]:
    """The API on a thread of its own.

    Raises:
        EdgeAgentError: it does not begin to answer.
    """
    server = server_for(agent.api, api)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="demo-http")
    thread.start()
    try:
        deadline_s = time.monotonic() + START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline_s:
                raise EdgeAgentError("the agent's API does not begin to answer")
            thread.join(0.02)
        yield
    finally:
        agent.feed.close()
        server.should_exit = True
        thread.join()


def _look_on(show: Show, agent: LiveAgent, on_news: Callable[[float, News], None]) -> dict[str, int]:
    """Pass on what is sent and heard until all is quiet; says how much it was.

    Raises:
        EdgeAgentError: the show broke off.
    """
    counts = {"orders_sent": 0, "checks_heard": 0, "alerts_heard": 0}
    heard_s = moved_s = time.monotonic()
    frames = 0
    while True:
        if show.frames_seen != frames:
            frames, moved_s = show.frames_seen, time.monotonic()
        if not show.over.is_set() and time.monotonic() - moved_s > STALLED_S:
            raise EdgeAgentError("the demonstration stands still: no picture has been looked at for a minute")
        try:
            news = show.news.get(timeout=WAIT_S)
        except Empty:
            if show.failure is not None:
                raise show.failure from None
            if agent.ending.is_asked:
                raise EdgeAgentError(agent.ending.why) from None
            if show.is_quiet and time.monotonic() - heard_s > QUIET_S:
                return counts
            continue
        heard_s = time.monotonic()
        if isinstance(news, Sent):
            counts["orders_sent"] += 1
            on_news(news.at_s, news)
        else:
            counts["alerts_heard" if news.is_alert else "checks_heard"] += 1
            began_at = show.began_at or news.at
            on_news((news.at - began_at).total_seconds(), news)


def _done(
    recording: Recording,
    show: Show,
    eyes: Eyes,
    *,
    report: Path,
    pictures: Mapping[str, str],
    elapsed_s: float,
    counts: Mapping[str, int],
) -> DemoDone:
    """What happened, as if it had been replayed: the same scores and the same report are made of it."""
    problem = show.source.problem if show.source else None
    if problem is not None:
        recording = replace(recording, truth=tuple(true for true in recording.truth if true.enter_s <= show.length_s))
    menu = eyes.menu.menu
    trays = tuple(show.log.trays.values())
    held = held_against_truth(menu, trays, recording.truth, show.log.orders)
    replayed = Replayed(
        recording=recording,
        trays=trays,
        orders=tuple(show.log.orders.values()),
        ignored=tuple(show.log.ignored),
        held=held,
        scores=scores_of(menu, held),
        frames=show.frames_seen,
        duration_s=show.length_s,
        elapsed_s=elapsed_s,
        provider=eyes.detector.provider,
        problem=problem,
    )
    page = write_replay_report(report, replayed, pictures, used=used_by(eyes))
    dropped = sum(place.dropped for place in show.places)
    return DemoDone(replayed=replayed, report_page=page, dropped=dropped, **counts)


def _fetch_pictures(api: Api, report: Path) -> dict[str, str]:
    """The newest picture of every tray, asked of the agent; session id and path in the report's folder."""
    pictures: dict[str, str] = {}
    before = ""
    while True:
        page = json.loads(api.ask("GET", f"checks?limit={PAGE}{before}"))
        for check in page["checks"]:
            session_id = str(check["session_id"])
            if check["images"] and session_id not in pictures:
                name = f"{EVIDENCE_FOLDER}/{len(pictures) + 1:03d}-{safe_name(session_id)}.jpg"
                write_into_report(report / name, api.ask("GET", f"checks/{check['check_id']}/image.jpg"))
                pictures[session_id] = name
        if page["next_before"] is None:
            return pictures
        before = f"&before={page['next_before']}"


def _listening_socket() -> socket.socket:
    """A socket that listens on this machine, on the usual port where that is free."""
    for port in (USUAL_PORT, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError:
            listening.close()
        else:
            return listening
    raise EdgeAgentError("no port of this machine is free")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
