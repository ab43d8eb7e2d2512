"""A real RTSP server that stalls, dies, comes back and turns to garbage: the pictures come again each time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.adapters.opencv_camera import OpenCvCamera
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.errors import CameraRefused
from edge_agent.runtime.backoff import Backoff
from edge_agent.runtime.capture import CameraCapture, CaptureReport
from edge_agent.runtime.capture_thread import CapturePlan, CaptureState
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.settings import CameraSettings
from tests.conftest import missing
from tests.mosquitto import free_port

SERVER = Path(__file__).resolve().parent.parent / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"
NEEDED = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
DEADLINE_S = 40.0


@pytest.fixture(scope="module", autouse=True)
def gstreamer() -> None:
    asked = subprocess.run([SYSTEM_PYTHON, "-W", "ignore", "-c", NEEDED], check=False, capture_output=True)
    if asked.returncode:
        missing("gir1.2-gst-rtsp-server-1.0 and python3-gi are not installed (.ci/run installs them)")


@contextlib.contextmanager
def serving(port: int, *credentials: str) -> Iterator[subprocess.Popen[str]]:
    """The server, listening; killed at the end whatever its state."""
    command = [SYSTEM_PYTHON, str(SERVER), str(port), *credentials]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            assert select.select([server.stdout], [], [], DEADLINE_S)[0], "the RTSP server does not start"
            assert server.stdout.readline() == "ready\n"
            yield server
        finally:
            server.kill()


def camera(port: int, **more: object) -> CameraSettings:
    said = {"url": f"rtsp://127.0.0.1:{port}/test", "open_timeout_s": 4.0, "read_timeout_s": 1.0, **more}
    return CameraSettings.model_validate(said)


@contextlib.contextmanager
def capturing(port: int) -> Iterator[CameraCapture]:
    clock = SystemClock()
    plan = CapturePlan(
        name="pass",
        make_source=lambda: OpenCvCamera(camera(port), clock=clock),
        latest=LatestFrame(),
        clock=clock,
        make_backoff=lambda: Backoff(first_s=0.1, longest_s=0.5),
    )
    with CameraCapture(plan) as capture:
        capture.latest = plan.latest  # type: ignore[attr-defined]
        yield capture
        capture.close(timeout_s=DEADLINE_S)


def until(capture: CameraCapture, condition: Callable[[CaptureReport], bool]) -> CaptureReport:
    """Take frames, as the inference thread does, until the report is as wished."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition(report := capture.supervise()):
        assert time.monotonic() < deadline_s, report
        capture.latest.take(timeout_s=0.1)  # type: ignore[attr-defined]
    return report


def streams(report: CaptureReport) -> bool:
    return report.state is CaptureState.STREAMING


def fails(report: CaptureReport) -> bool:
    return report.problem is not None


def test_a_stream_that_stalls_dies_and_returns_is_taken_up_again() -> None:
    port = free_port()
    with capturing(port) as capture:
        assert "does not answer" in str(until(capture, lambda r: r.state is CaptureState.WAITING).problem)
        with serving(port) as server:
            until(capture, lambda r: streams(r) and r.frames > 5)
            os.kill(server.pid, signal.SIGSTOP)
            until(capture, fails)
            os.kill(server.pid, signal.SIGCONT)
            until(capture, streams)
        until(capture, fails)
        with serving(port):
            report = until(capture, streams)
    assert report.connections >= 3
    assert report.abandoned == 0


@pytest.mark.alone
def test_frames_are_taken_as_old_as_they_are_after_connecting() -> None:
    """FFmpeg studies a stream for seconds before it gives the first frame, which is then seconds old."""
    port, clock = free_port(), SystemClock()
    with serving(port):
        source = OpenCvCamera(camera(port, read_timeout_s=4.0), clock=clock)
        source.open()
        frames = [source.read() for _ in range(15)]
        source.close()
    assert all(frame.picture.shape == (240, 320, 3) for frame in frames)
    times = [(frame.at_s, frame.source_s) for frame in frames]
    assert all(source_s is not None for _, source_s in times)
    spans = [at_s - (source_s or 0) for at_s, source_s in times]
    assert max(spans) - min(spans) < 0.5


def test_a_wrong_password_and_a_wrong_path_are_refusals_and_the_right_one_lets_in(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    url = f"rtsp://viewer:{{password}}@127.0.0.1:{port}"
    with serving(port, "viewer", "s3cret/p@ss"):
        for password, path in (("wr0ng", "test"), ("s3cret/p@ss", "none")):
            monkeypatch.setenv("CAMERA_PASSWORD", password)
            wrong = camera(port, url=f"{url}/{path}", password_env="CAMERA_PASSWORD")
            source = OpenCvCamera(wrong, clock=SystemClock())
            with pytest.raises(CameraRefused, match="password and the path") as caught:
                source.open()
            assert password not in str(caught.value)
        source = OpenCvCamera(camera(port, url=f"{url}/test", password_env="CAMERA_PASSWORD"), clock=SystemClock())
        source.open()
        assert source.read().picture.any()
        source.close()
    output = capfd.readouterr()
    assert "s3cret" not in output.out + output.err
    assert "wr0ng" not in output.out + output.err


def test_a_stream_that_turns_to_garbage_is_left_and_taken_up_when_it_is_clean_again() -> None:
    port = free_port()
    with serving(port), spoiling(port) as (spoiled_port, spoil), capturing(spoiled_port) as capture:
        until(capture, lambda r: streams(r) and r.frames > 5)
        spoil.set()
        until(capture, fails)
        spoil.clear()
        until(capture, streams)


@contextlib.contextmanager
def spoiling(port: int) -> Iterator[tuple[int, threading.Event]]:
    """A relay before the server. While the event is set, what it sends on from the camera are random bytes."""
    spoil, stop = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = threading.Thread(target=_relay, args=(listener, port, spoil, stop), name="relay")
        relay.start()
        try:
            yield int(listener.getsockname()[1]), spoil
        finally:
            stop.set()
            relay.join(DEADLINE_S)


def _relay(listener: socket.socket, port: int, spoil: threading.Event, stop: threading.Event) -> None:
    pairs: dict[socket.socket, socket.socket] = {}
    from_camera: set[socket.socket] = set()
    while not stop.is_set():
        for ready in select.select([listener, *pairs], [], [], 0.1)[0]:
            if ready is listener:
                client, server = listener.accept()[0], socket.create_connection(("127.0.0.1", port))
                pairs.update({client: server, server: client})
                from_camera.add(server)
            elif ready in pairs:
                _pass_on(ready, pairs, spoiled=ready in from_camera and spoil.is_set())
    for each in pairs:
        each.close()


def _pass_on(ready: socket.socket, pairs: dict[socket.socket, socket.socket], *, spoiled: bool) -> None:
    other = pairs[ready]
    with contextlib.suppress(OSError):
        data = ready.recv(65536)
        if data:
            other.sendall(os.urandom(len(data)) if spoiled else data)
            return
    for each in (ready, other):
        del pairs[each]
        each.close()
