"""Measure the running agent from outside: a process of its own, a broker, and a subscriber that is none of its code."""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.token_file import TokenFile
from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.domain.access import Role
from edge_agent.domain.events import VerdictReached
from edge_agent.errors import EdgeAgentError
from edge_agent.formats.mqtt_messages import Topics
from edge_agent.formats.recordings import OrderEvent, open_recording

STATIONS = (1, 2, 4)
START_S = 60.0
SAMPLE_S = 15.0
"""So long CPU is measured; the agent has run for `SETTLE_S` by then."""
SETTLE_S = 5.0
FPS = 10.0

OnWork = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeasured:
    """What the running agent costs and how fast it is; milliseconds, shares of one core, megabytes.

    Attributes:
        verdict_ms, alert_ms: from the moment the tray lies still to the message at a subscriber, p50 and p95.
        trays, alerts: how many of each these rest on.
        idle_core_share: CPU of one station whose counter is empty and at rest.
        resident_mb: by number of stations that play the recording.
        core_share: the same.
        decided_ms: p95 from still to the verdict inside, by number of stations.
        dropped_share: frames that nobody took in time, by number of stations.
        start_ms: from the start of the process to the first answer of its API.
    """

    verdict_ms: tuple[float, float] | None
    alert_ms: tuple[float, float] | None
    trays: int
    alerts: int
    idle_core_share: float
    resident_mb: Mapping[int, float]
    core_share: Mapping[int, float]
    decided_ms: Mapping[int, float | None]
    dropped_share: Mapping[int, float]
    start_ms: float

    def as_json(self) -> dict[str, Any]:
        """The object that `bench --live --json` prints."""
        by_number = ("resident_mb", "core_share", "decided_ms", "dropped_share")
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in by_number}
        return {**plain, **{name: {str(n): v for n, v in getattr(self, name).items()} for name in by_number}}

    def as_lines(self) -> list[str]:
        """For people."""

        def pair(values: tuple[float, float] | None) -> str:
            return "not measured" if values is None else f"p50 {values[0]:.0f} ms, p95 {values[1]:.0f} ms"

        lines = [
            f"tray still -> verdict at a subscriber: {pair(self.verdict_ms)} ({self.trays} trays; budget p95 1000)",
            f"tray still -> alert at a subscriber: {pair(self.alert_ms)} ({self.alerts} alerts)",
            f"idle station (10 pictures a second, nothing moves): {self.idle_core_share:.1%} of one core (budget 5 %)",
            f"start to first answer: {self.start_ms:.0f} ms (budget: first verdict within 3000)",
        ]
        for number, resident_mb in self.resident_mb.items():
            decided = self.decided_ms[number]
            took = "not measured" if decided is None else f"{decided:.0f} ms"
            lines.append(
                f"{number} station(s) that play the recording: {resident_mb:.0f} MB, "
                f"{self.core_share[number]:.0%} of one core, {self.dropped_share[number]:.1%} of the pictures dropped, "
                f"still -> verdict p95 {took}"
            )
        return lines


def measure_live(video: Path, *, pack: Path, menu: Path, on_work: OnWork = lambda _: None) -> LiveMeasured:
    """Run the agent several times on a recording with orders, some minutes in all.

    Raises:
        BadRecording: the recording does not read.
        EdgeAgentError: the agent does not start.
    """
    recording = open_recording(video)
    with tempfile.TemporaryDirectory(prefix="edge-agent-bench-") as name:
        folder = Path(name)
        setting = _Setting(pack=pack.resolve(), menu=menu.resolve(), folder=folder)
        on_work("one station: from still to the subscriber")
        told = _measure_telling(recording.video.resolve(), recording.orders, setting)
        on_work("an idle station")
        idle = _measure_load([_still_of(video, folder)], setting)
        loads = {}
        for number in STATIONS:
            on_work(f"{number} station(s)")
            playing: list[dict[str, Any]] = [{"file": str(video.resolve()), "loop": True}] * number
            loads[number] = _measure_load(playing, setting)
    return LiveMeasured(
        verdict_ms=_middle_and_tail(told.verdicts_ms),
        alert_ms=_middle_and_tail(told.alerts_ms),
        trays=len(told.verdicts_ms),
        alerts=len(told.alerts_ms),
        idle_core_share=idle.core_share,
        resident_mb={number: load.resident_mb for number, load in loads.items()},
        core_share={number: load.core_share for number, load in loads.items()},
        decided_ms={number: (_middle_and_tail(load.decided_ms) or (0.0, None))[1] for number, load in loads.items()},
        dropped_share={number: load.dropped_share for number, load in loads.items()},
        start_ms=told.start_ms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What is run, and where it may write."""

    pack: Path
    menu: Path
    folder: Path


@dataclass(slots=True)
class _Told:
    start_ms: float
    verdicts_ms: list[float] = field(default_factory=list)
    alerts_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Load:
    core_share: float
    resident_mb: float
    decided_ms: list[float]
    dropped_share: float


class _Agent:
    """The agent as a process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, secret: str, store: Path) -> None:
        self._process, self._port, self._secret, self._store = process, port, secret, store

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            sent = None if body is None else json.dumps(body)
            headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
            connection.request(method, path, body=sent, headers=headers)
            answer = connection.getresponse()
            read = answer.read()
            return json.loads(read) if "json" in (answer.getheader("content-type") or "") else read.decode()
        finally:
            connection.close()

    def checks(self) -> list[VerdictReached]:
        """The verdicts so far, oldest first; at most the newest 500."""
        stored = SqliteHistory(path=self._store).checks(limit=500)
        return [check.reached for check in reversed(stored)]

    def cpu_s(self) -> float:
        """What it has used of the CPU."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@contextmanager
def _running(
    cameras: Sequence[Mapping[str, Any]], setting: _Setting, *, mqtt: int | None = None
) -> Iterator[tuple[_Agent, float]]:
    """The agent, answering, and how many milliseconds that took."""
    state = Path(tempfile.mkdtemp(dir=setting.folder))
    port = _free_port()
    settings: dict[str, Any] = {
        "shadow": False,
        "detector": {"pack": str(setting.pack)},
        "menu": str(setting.menu),
        "stations": [
            {"id": f"s{number}", "slots": [{"id": f"slot{number}"}], "camera": {"fps": FPS, **camera}}
            for number, camera in enumerate(cameras)
        ],
        "store": {"path": str(state / "edge.sqlite"), "spare_mb": 1},
        "api": {"port": port, "tokens": str(state / "tokens.json")},
    }
    if mqtt is not None:
        settings["mqtt"] = {"broker": "embedded", "port": mqtt}
    (state / "edge.yaml").write_text(json.dumps(settings))
    tokens = TokenFile(path=state / "tokens.json", clock=SystemClock())
    secret, _ = tokens.create(name="bench", role=Role.ADMIN, lasts=timedelta(hours=1))
    began_s = time.monotonic()
    command = [sys.executable, "-m", "edge_agent", "run", "--config", str(state / "edge.yaml"), "--strict"]
    with (
        (state / "log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  our own program
            command, stdout=log, stderr=log
        ) as process,
    ):
        agent = _Agent(process, port, secret, state / "edge.sqlite")
        try:
            _until_it_answers(agent, process, began_s, state / "log")
            yield agent, (time.monotonic() - began_s) * 1_000
        finally:
            process.terminate()
            process.wait(20)


def _until_it_answers(agent: _Agent, process: subprocess.Popen[bytes], began_s: float, log: Path) -> None:
    while True:
        try:
            agent.ask("GET", "/healthz")
        except OSError:
            late = time.monotonic() - began_s > START_S
            if process.poll() is not None or late:
                raise EdgeAgentError(f"the agent does not start: {log.read_text()[-500:]}") from None
            time.sleep(0.02)
        else:
            return


def _measure_telling(video: Path, orders: Sequence[OrderEvent], setting: _Setting) -> _Told:
    """The recording once, with a drink too many in every order, so that there is something to tell."""
    port = _free_port()
    came: list[tuple[float, str, dict[str, Any]]] = []
    over = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench")
    client.on_connect = lambda *_: _listen(client)
    client.on_message = lambda _c, _d, m: _note(came, m)
    with _running([{"file": str(video)}], setting, mqtt=port) as (agent, start_ms):
        client.connect("127.0.0.1", port)
        client.loop_start()
        began_s = time.monotonic()
        for event in orders:
            if event.order is not None:
                over.wait(max(0.0, event.at_s - (time.monotonic() - began_s)))
                lines = [{"sku": line.sku, "quantity": line.quantity + 1} for line in event.order.lines]
                agent.ask("PUT", f"/api/v1/orders/{event.order.order_id}", _order(event.order.order_id, lines))
        while "recording is over" not in str(agent.ask("GET", "/readyz")):
            over.wait(0.5)
        over.wait(1.0)
        checks = agent.checks()
        client.loop_stop()
        client.disconnect()
    return _told_in(came, checks, start_ms)


def _listen(client: paho.Client) -> None:
    client.subscribe(f"{Topics('restaurant').base}/#", 1)


def _order(order_id: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {"order_id": order_id, "lines": lines}


def _note(came: list[tuple[float, str, dict[str, Any]]], message: paho.MQTTMessage) -> None:
    topic = message.topic
    if message.payload and topic.endswith(("/checks", "/events/alerts")):
        came.append((time.monotonic(), topic, json.loads(message.payload)))


def _told_in(came: list[tuple[float, str, dict[str, Any]]], checks: list[VerdictReached], start_ms: float) -> _Told:
    """Monotonic time is the same in every process of a machine: what came is held against when the tray lay still."""
    still_s: dict[str, float] = {}
    for check in checks:
        still_s.setdefault(check.session_id, check.still_since_s)
    told = _Told(start_ms)
    seen: set[tuple[str, str]] = set()
    for at_s, topic, body in came:
        kind, session = topic.rpartition("/")[2], body["session_id"]
        first = (kind, session) not in seen
        seen.add((kind, session))
        if not first or session not in still_s or body.get("leaving") or body.get("step") == "resolved":
            continue
        took_ms = (at_s - still_s[session]) * 1_000
        (told.alerts_ms if kind == "alerts" else told.verdicts_ms).append(took_ms)
    return told


def _measure_load(cameras: Sequence[Mapping[str, Any]], setting: _Setting) -> _Load:
    with _running(cameras, setting) as (agent, _):
        time.sleep(SETTLE_S)
        used_s, began_s = agent.cpu_s(), time.monotonic()
        time.sleep(SAMPLE_S)
        share = (agent.cpu_s() - used_s) / (time.monotonic() - began_s)
        firsts: dict[str, float] = {}
        for check in agent.checks():
            firsts.setdefault(check.session_id, (check.at_s - check.still_since_s) * 1_000)
        metrics = agent.ask("GET", "/metrics")
        frames = FPS * (SETTLE_S + SAMPLE_S) * len(cameras)
        return _Load(share, agent.resident_mb(), list(firsts.values()), _dropped(metrics) / frames)


def _dropped(metrics: str) -> float:
    lines = [line for line in metrics.splitlines() if line.startswith("edge_agent_frames_dropped_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _still_of(video: Path, folder: Path) -> dict[str, Any]:
    """The first picture of the recording, again and again: an empty counter."""
    stills = folder / "still"
    stills.mkdir()
    first = next(iter(VideoFileSource(video).frames()))
    cv2.imwrite(str(stills / "still.png"), first.picture)
    return {"file": str(stills), "loop": True}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _middle_and_tail(values: Sequence[float]) -> tuple[float, float] | None:
    """p50 and p95."""
    if not values:
        return None
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
