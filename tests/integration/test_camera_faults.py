"""Of several stations some are dead: the others check as if they were alone."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median

import pytest

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.app.camera import source_maker, stuck_after_s
from edge_agent.runtime.capture import CameraCapture
from edge_agent.runtime.capture_thread import CapturePlan, CaptureState
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.settings import CameraSettings
from tests.blinking_tray import FRAMES_PER_S, WRONG, blinking
from tests.running_agent import RunningAgent, station
from tests.videos import write_video

TRAYS = 4
DEADLINE_S = 60.0
SHORT = {"open_timeout_s": 2.0, "read_timeout_s": 2.0}
CAN_DO = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n"


def latencies_s(agent: RunningAgent, station_id: str) -> list[float]:
    """From the moment a tray lay still to its first verdict, in stream time, of every tray of a station."""
    asked = """
        SELECT c.at_s - c.still_since_s FROM sessions AS s JOIN checks AS c ON c.session_row = s.id
        WHERE s.slot_id = ? GROUP BY s.id HAVING c.id = min(c.id)
    """
    with closing(sqlite3.connect(agent.store)) as connection:
        return [found for (found,) in connection.execute(asked, (f"{station_id}-slot",))]


@pytest.mark.alone
def test_the_latency_of_a_station_does_not_change_when_others_are_dead(tmp_path: Path) -> None:
    alone = blinking(tmp_path / "made")
    with RunningAgent(tmp_path / "alone", more=alone) as agent:
        checks_trays(agent)
        assert agent.end() == 0
    before = latencies_s(agent, "pass")

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never says a word
        short = alone["stations"][0]["camera"]["file"]
        dead = [
            station("ends", file=short),
            station("silent", url=f"rtsp://127.0.0.1:{silent.getsockname()[1]}/dead", open_timeout_s=2.0),
            station("absent", url="rtsp://127.0.0.1:9/dead", open_timeout_s=2.0),
        ]
        with RunningAgent(tmp_path / "agent", more={**alone, "stations": [*alone["stations"], *dead]}) as agent:
            agent.until(lambda: agent.camera("ends") == "offline", "the recording is over")
            checks_trays(agent)
            assert [agent.camera(name) for name in ("pass", "silent", "absent")] == ["online", "offline", "offline"]
            status, ready = agent.ask("GET", "/readyz")
            assert status == 200, "a dead camera takes its station away, and nothing else"
            for name in ("ends", "silent", "absent"):
                assert any(problem.startswith(f"station {name}: ") for problem in ready["problems"])
            assert agent.end() == 0
    assert median(latencies_s(agent, "pass")) <= median(before) + 1.5 / FRAMES_PER_S


def checks_trays(agent: RunningAgent) -> None:
    """Until a few more trays got a verdict."""
    assert agent.put("A-1", WRONG) in (200, 201)
    enough = agent.metric("edge_agent_verdict_latency_seconds_count") + TRAYS
    agent.until(lambda: agent.metric("edge_agent_verdict_latency_seconds_count") >= enough, "more trays are judged")


def test_cameras_that_fall_silent_when_they_are_to_play_hold_others_up_for_their_time_out_and_no_longer(
    tmp_path: Path,
) -> None:
    """OpenCV connects to one stream at a time. Whoever waits for that does not hang, and its turn comes."""
    video = write_video(tmp_path / "good.mp4", [number / 10 for number in range(20)])
    good = CameraSettings.model_validate({"file": video, "loop": True})
    with falls_silent() as port, ExitStack() as stack:
        url = f"rtsp://127.0.0.1:{port}/stream"
        silent = [CameraSettings.model_validate({"url": url, **SHORT}) for _ in range(4)]
        captures = [stack.enter_context(capturing(camera, silent)) for camera in [*silent, good]]
        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            *others, streaming = [capture.supervise() for capture in captures]
            assert [report.abandoned for report in (*others, streaming)] == [0] * 5
            if streaming.frames and all(report.state is CaptureState.WAITING for report in others):
                break
            assert time.monotonic() < deadline_s, [streaming, *others]
            threading.Event().wait(0.02)
        assert streaming.state is CaptureState.STREAMING
        assert all("does not answer within 2 s" in str(report.problem) for report in others)


def capturing(camera: CameraSettings, others: list[CameraSettings]) -> CameraCapture:
    clock = SystemClock()
    plan = CapturePlan(
        name="camera",
        make_source=source_maker(camera, clock),
        latest=LatestFrame(),
        clock=clock,
        wait=lambda stop, _wait_s: stop.wait(DEADLINE_S),  # one try is enough
    )
    return CameraCapture(plan, stuck_s=stuck_after_s(camera, [each for each in others if each is not camera]))


@contextmanager
def falls_silent() -> Iterator[int]:
    """A camera that says what it can do to whoever asks, and not a word when it is asked for its stream; its port."""
    callers: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            caller = listening.accept()[0]
            callers.append(caller)
            question = caller.recv(4096)
            if not question:
                return
            caller.sendall(CAN_DO)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        with socket.create_connection(listening.getsockname()) as last:
            last.shutdown(socket.SHUT_WR)
            thread.join()
        for each in (*callers, listening):
            each.close()
