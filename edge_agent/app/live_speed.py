"""Measure the running agent from outside: a process of its own, a broker, and a subscriber that is none of its code."""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.app.live_measured import LiveMeasured, Load
from edge_agent.app.live_process import FPS, AgentProcess, Setting, free_port, running
from edge_agent.app.live_scenes import Scenes, scenes_of, write_film
from edge_agent.errors import BrokerLost
from edge_agent.formats.mqtt_messages import Topics
from edge_agent.formats.recordings import OrderEvent, open_recording
from edge_agent.ports.cores import usable_cores

STATIONS = (1, 2, 4, 6, 8)
"""So many at a time are tried, up to the first number that is too many; of 1, 2 and 4 all is told."""

ALWAYS = 4
SAMPLE_S = 20.0
"""So long CPU is measured; the agent has run for `SETTLE_S` by then."""
SETTLE_S = 5.0
ROUNDS = 25
"""So often a tray with a mismatch comes, to stop the time to its alert."""
GONE_S, THERE_S = 1.5, 2.6
STILL_S = 30.0
CONNECTED_S = 20.0
SOON = {"timing": {"resume_s": 0.0}}
"""A tray that is gone is gone: each time it comes back it is another."""

OnWork = Callable[[str], None]


def measure_live(video: Path, *, pack: Path, menu: Path, on_work: OnWork = lambda _: None) -> LiveMeasured:
    """Run the agent several times on a recording with orders, some minutes in all.

    Raises:
        BadRecording: the recording does not read.
        BadInput: it shows no empty counter, or no tray.
        EdgeAgentError: the agent does not start.
    """
    video = video.resolve()
    recording = open_recording(video)
    with tempfile.TemporaryDirectory(prefix="edge-agent-bench-") as name:
        setting = Setting(pack=pack.resolve(), menu=menu.resolve(), folder=Path(name))
        on_work("looking for an empty counter and a tray")
        scenes = scenes_of(video, setting)
        on_work("from still to the verdict at the subscriber")
        verdicts_ms = _measure_verdicts(video, recording.orders, setting)
        on_work("from still to the alert at the subscriber")
        alerts_ms = _measure_alerts(scenes, setting)
        on_work("the start")
        answer_ms, first_verdict_ms = _measure_start(scenes, setting)
        on_work("an idle station")
        idle = _measure_load([_still(scenes, setting)], setting)
        loads = {}
        for number in STATIONS:
            on_work(f"{number} station(s)")
            loads[number] = _measure_load([{"file": str(video), "loop": True}] * number, setting)
            if number >= ALWAYS and not loads[number].is_sustained:
                break
    return LiveMeasured(
        verdict_ms=_middle_and_tail(verdicts_ms),
        alert_ms=_middle_and_tail(alerts_ms),
        trays=len(verdicts_ms),
        alerts=len(alerts_ms),
        idle_core_share=idle.core_share,
        loads=loads,
        answer_ms=answer_ms,
        first_verdict_ms=first_verdict_ms,
        cores=usable_cores(),
    )


@dataclass(frozen=True, slots=True)
class _Came:
    """A message, and when it came, on the monotonic clock."""

    at_s: float
    topic: str
    body: dict[str, Any]


class _Subscriber:
    """Hears what is published of checks and alerts. `heard` is set with every message."""

    def __init__(self) -> None:
        self.came: list[_Came] = []
        self.heard = threading.Event()
        self._listens = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench")
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._listens.set()
        self._client.on_message = lambda _client, _data, message: self._note(message)

    def listen(self, port: int) -> None:
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._listens.wait(CONNECTED_S):
            raise BrokerLost("the embedded broker does not answer")

    def close(self) -> None:
        self._client.loop_stop()
        self._client.disconnect()

    def raised(self) -> list[_Came]:
        """The alerts that were raised before their tray was leaving."""
        told = [each for each in self.came if each.topic.endswith("/events/alerts")]
        return [each for each in told if each.body["step"] == "raised" and not each.body["leaving"]]

    def _subscribe(self, *_: object) -> None:
        self._client.subscribe(f"{Topics('restaurant').base}/#", 1)

    def _note(self, message: paho.MQTTMessage) -> None:
        if message.payload and message.topic.endswith(("/checks", "/events/alerts")):
            self.came.append(_Came(time.monotonic(), message.topic, json.loads(message.payload)))
            self.heard.set()


@contextmanager
def _listening(
    camera: Mapping[str, Any], setting: Setting, station: Mapping[str, Any] | None = None
) -> Iterator[tuple[AgentProcess, _Subscriber]]:
    """One station, its broker, and a subscriber that has heard everything from the beginning."""
    port = free_port()
    subscriber = _Subscriber()
    mqtt = {"broker": "embedded", "port": port}
    with running([camera], setting, station=station, mqtt=mqtt) as agent:
        agent.until_it_answers()
        subscriber.listen(port)
        try:
            yield agent, subscriber
        finally:
            subscriber.close()


def _measure_verdicts(video: Path, orders: Sequence[OrderEvent], setting: Setting) -> list[float]:
    """The recording once, with its orders."""
    over = threading.Event()
    with _listening({"file": str(video)}, setting) as (agent, subscriber):
        began_s = time.monotonic()
        for event in orders:
            if event.order is not None:
                over.wait(max(0.0, event.at_s - (time.monotonic() - began_s)))
                agent.order(event.order.order_id, {line.sku: line.quantity for line in event.order.lines})
        while "recording is over" not in str(agent.ask("GET", "/readyz")):
            over.wait(0.5)
        over.wait(1.0)
        came = [each for each in subscriber.came if each.topic.endswith("/checks") and not each.body.get("leaving")]
        return _after_still_ms(came, agent)


def _measure_alerts(scenes: Scenes, setting: Setting) -> list[float]:
    """A tray comes and goes, each time with an order that asks for one thing more."""
    gone, there = [scenes.empty] * round(GONE_S * FPS), [scenes.tray] * round(THERE_S * FPS)
    film = write_film(setting.folder / "comes-and-goes.mp4", [*gone, *there])
    with _listening({"file": str(film), "loop": True}, setting, SOON) as (agent, subscriber):
        until_s = time.monotonic() + 2 * ROUNDS * (GONE_S + THERE_S)
        ordered = 0
        while ordered <= ROUNDS and time.monotonic() < until_s:
            left = [each for each in subscriber.came if each.body.get("final")]
            if len(left) >= ordered:
                ordered += 1
                agent.order(f"B-{ordered}", scenes.short)
            subscriber.heard.clear()
            subscriber.heard.wait(0.5)
        # The first may have been ordered while the tray lay there.
        return _after_still_ms(subscriber.raised()[1:], agent)


def _after_still_ms(came: Sequence[_Came], agent: AgentProcess) -> list[float]:
    """How long after its tray lay still the first message on each session came."""
    still_s: dict[str, float] = {}
    for check in agent.checks():
        still_s.setdefault(check.session_id, check.still_since_s)
    took_ms: dict[str, float] = {}
    for each in came:
        session = each.body["session_id"]
        if session in still_s:
            took_ms.setdefault(session, (each.at_s - still_s[session]) * 1_000)
    return list(took_ms.values())


def _measure_start(scenes: Scenes, setting: Setting) -> tuple[float, float]:
    """Milliseconds to the first answer, and to the first verdict on a tray that lies there already."""
    film = write_film(setting.folder / "lies.mp4", [scenes.tray] * round(STILL_S * FPS))
    with running([{"file": str(film)}], setting) as agent:
        answer_ms = agent.until_it_answers()
        return answer_ms, (agent.until_first_verdict().at_s - agent.began_s) * 1_000


def _measure_load(cameras: Sequence[Mapping[str, Any]], setting: Setting) -> Load:
    with running(cameras, setting) as agent:
        agent.until_it_answers()
        time.sleep(SETTLE_S)
        used_s, began_s = agent.cpu_s(), time.monotonic()
        time.sleep(SAMPLE_S)
        share = (agent.cpu_s() - used_s) / (time.monotonic() - began_s)
        firsts: dict[str, float] = {}
        for check in agent.checks():
            firsts.setdefault(check.session_id, (check.at_s - check.still_since_s) * 1_000)
        frames = FPS * (time.monotonic() - began_s + SETTLE_S) * len(cameras)
        return Load(
            core_share=share,
            resident_mb=agent.resident_mb(),
            decided_ms=(_middle_and_tail(list(firsts.values())) or (0.0, None))[1],
            dropped_share=agent.metric("edge_agent_frames_dropped_total") / frames,
            stale_share=agent.metric("edge_agent_frames_stale_total") / frames,
        )


def _still(scenes: Scenes, setting: Setting) -> dict[str, Any]:
    """An empty counter, again and again."""
    film = write_film(setting.folder / "empty.mp4", [scenes.empty] * round(STILL_S * FPS))
    return {"file": str(film), "loop": True}


def _middle_and_tail(values: Sequence[float]) -> tuple[float, float] | None:
    """p50 and p95."""
    if not values:
        return None
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
