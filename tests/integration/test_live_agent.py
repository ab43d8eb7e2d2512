"""The agent of the restaurant, whole: a camera over RTSP, orders over HTTP, alerts over MQTT; and what replay says."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from edge_agent.adapters.video_file import VideoFileSource
from tests.conftest import missing
from tests.mosquitto import Mosquitto, Subscriber, free_port
from tests.running_agent import DEADLINE_S, REPOSITORY, RunningAgent, station

VIDEO = "canteen-short.mp4"
LEAD_S = 5.0
FEED = "edge-agent/restaurant/events/alerts"
RTSP = REPOSITORY / "tests" / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"
NEEDED = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


@contextlib.contextmanager
def rtsp(port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """The RTSP server, listening."""
    if subprocess.run([SYSTEM_PYTHON, "-W", "ignore", "-c", NEEDED], check=False, capture_output=True).returncode:
        missing("gir1.2-gst-rtsp-server-1.0 and python3-gi are not installed (.ci/run installs them)")
    command = [SYSTEM_PYTHON, str(RTSP), str(port), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            assert select.select([server.stdout], [], [], DEADLINE_S)[0], "the RTSP server does not start"
            assert server.stdout.readline() == "ready\n"
            yield server
        finally:
            server.kill()


def begins(server: subprocess.Popen[str]) -> float:
    """Wait until somebody is shown the recording; when that was."""
    assert server.stdout is not None
    assert select.select([server.stdout], [], [], DEADLINE_S)[0], "nobody connects"
    assert server.stdout.readline() == "playing\n"
    return time.monotonic()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", persists=True) as started:
        yield started


def with_lead_in(video: Path, into: Path) -> Path:
    """The recording after some seconds of its first picture: whoever connects to a stream misses its beginning."""
    source = VideoFileSource(video)
    rate = Fraction(round(source.frames_per_s))
    with av.open(str(into), "w") as film:
        stream = film.add_stream("libx264", rate=rate, options={"crf": "16", "bf": "0", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = source.width_px, source.height_px, "yuv420p"
        pictures = [frame.picture for frame in source.frames()]
        for picture in [*[pictures[0]] * round(LEAD_S * rate), *pictures]:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        film.mux(stream.encode(None))
    return into


def orders_of(video: Path, *, spoiled: bool) -> list[dict[str, Any]]:
    """What the till said in a recording; spoiled, each second order asks for one drink more than it did."""
    events = [json.loads(line) for line in video.with_suffix(".orders.jsonl").read_text().splitlines()]
    for event in events:
        event["at_s"] += LEAD_S
    for event in events[::2] if spoiled else ():
        lines = event["order"]["lines"]
        drinks = [line for line in lines if line["sku"] == "drink"]
        if drinks:
            drinks[0]["quantity"] += 1
        else:
            lines.append({"sku": "drink", "quantity": 1})
    return events


def replayed_alerts(video: Path, orders: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    """The alerts that a replay of the same recording with the same orders raises: order, severity, whether late."""
    video.with_suffix(".orders.jsonl").write_text("".join(json.dumps(event) + "\n" for event in orders))
    command = [sys.executable, "-m", "edge_agent", "replay", str(video), "--json"]
    command += ["--config", str(REPOSITORY / "configs" / "edge.yaml"), "--pack", str(REPOSITORY / "models" / "canteen")]
    trays = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["trays"]
    return sorted((tray["order_id"], alert["severity"], alert["late"]) for tray in trays for alert in tray["alerts"])


@pytest.mark.alone
def test_over_the_network_people_are_told_what_a_replay_says(
    tmp_path: Path, real_data: Path, broker: Mosquitto
) -> None:
    """The whole way: RTSP, HTTP, checker, store, MQTT; the same alerts, each under one id."""
    orders = orders_of(real_data / "videos" / VIDEO, spoiled=True)
    video = with_lead_in(real_data / "videos" / VIDEO, tmp_path / VIDEO)
    expected = replayed_alerts(video, orders)
    assert expected, "the recording with spoiled orders must raise alerts, or this test says nothing"
    port = free_port()
    camera = {"url": f"rtsp://127.0.0.1:{port}/test"}
    more = {"stations": [station(**camera)], "mqtt": {"broker": "127.0.0.1", "port": broker.port}}
    with Subscriber(broker.port) as screen, RunningAgent(tmp_path / "agent", more=more) as agent:
        with rtsp(port, "--play", str(video.resolve())) as server:
            began_s = begins(server)
            for event in orders:
                threading.Event().wait(max(0.0, event["at_s"] - (time.monotonic() - began_s)))
                assert agent.ask("PUT", f"orders/{event['order']['order_id']}", event["order"])[0] in (200, 201)
            agent.until(lambda: "sends no pictures any more" in agent.said(), "the recording is over")
        agent.end()
        told = [step for step in screen.feed(FEED) if step["step"] == "raised"]
        assert sorted((s["orders"][0]["order_id"], s["severity"], s["leaving"]) for s in told) == expected
        assert len({step["id"] for step in told}) == len(told)
