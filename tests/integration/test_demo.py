"""The demonstration, whole and fast: the running agent says what a replay says, and nothing outlives it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running_agent import REPOSITORY

VIDEO = "canteen-short.mp4"
DEADLINE_S = 500
ON = ["--config", str(REPOSITORY / "configs" / "edge.yaml"), "--pack", str(REPOSITORY / "models" / "canteen")]


def edge_agent(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command line, with a folder for all that is only kept for a while."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(folder), "COLUMNS": "200"}
    command = [sys.executable, "-m", "edge_agent", *words]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=DEADLINE_S, cwd=folder.parent
    )


@pytest.fixture(scope="module")
def video(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real recording; every second order asks for a drink too many, so that there is something to be told of."""
    folder = tmp_path_factory.mktemp("recording")
    for path in (real_data / "videos").glob("canteen-short.*"):
        shutil.copy(path, folder)
    orders = folder / "canteen-short.orders.jsonl"
    events = [json.loads(line) for line in orders.read_text().splitlines()]
    for event in events[::2]:
        event["order"]["lines"].append({"sku": "drink", "quantity": 2})
    orders.chmod(0o600)
    orders.write_text("".join(json.dumps(event) + "\n" for event in events))
    return folder / VIDEO


def trays(said: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What is said of each tray, but for the names that a run gives."""
    return [
        (t["order_id"], t["verdict"], sorted(a["severity"] for a in t["alerts"]), t["contents"]) for t in said["trays"]
    ]


@pytest.mark.timeout(2 * DEADLINE_S)
def test_the_running_agent_says_what_a_replay_says_and_nothing_outlives_it(video: Path, tmp_path: Path) -> None:
    """Real HTTP, a real broker, a real subscriber; only time is not real, and no picture is lost on a slow machine."""
    kept = tmp_path / "kept"
    done = edge_agent("demo", str(video), "--fast", "--json", "--report", str(tmp_path / "report"), *ON, folder=kept)
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    replayed = edge_agent("replay", str(video), "--json", *ON, folder=kept)
    expected = json.loads(replayed.stdout)
    assert trays(said) == trays(expected)
    for name in ("wrong_orders", "right_orders", "rates", "sessions_found", "frames", "confusion"):
        assert said[name] == expected[name], name
    assert said["orders_sent"] == len(video.with_suffix(".orders.jsonl").read_text().splitlines())
    alerts = [alert for tray in said["trays"] for alert in tray["alerts"]]
    assert alerts, "the recording with spoiled orders must raise alerts, or this test says nothing"
    assert said["alerts_heard"] >= len(alerts)
    assert said["dropped"] == 0
    assert not list(kept.iterdir()), "what the demonstration kept must be gone"
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", _port(done.stderr)), timeout=2):
        pass
    page = (tmp_path / "report" / "index.html").read_text()
    pictures = re.findall(r'src="(evidence/[^"]+\.jpg)"', page)
    assert len(set(pictures)) == said["sessions_found"]
    assert all((tmp_path / "report" / picture).is_file() for picture in pictures)
    _shows_all_as_it_happens(done.stderr)


def _port(said: str) -> int:
    return int(re.findall(r"http://127\.0\.0\.1:(\d+)/", said)[0])


def _shows_all_as_it_happens(said: str) -> None:
    times = [float(found) for found in re.findall(r"^ *(\d+\.\d) s  ", said, re.MULTILINE)]
    assert len(times) > 12
    for what in ("order ", "match", "mismatch", "ALERT", "resolved", "tray left", "Plate, Yogurt", "missing"):
        assert what in said, what


def test_a_recording_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = edge_agent("demo", str(tmp_path / "lunch.mp4"), *ON, folder=tmp_path / "kept")
    assert done.returncode == 2
    assert "there is no such video" in " ".join(done.stderr.split())
    assert not (tmp_path / "report").exists()


def test_an_order_that_the_agent_refuses_ends_the_demonstration_with_a_sentence(video: Path, tmp_path: Path) -> None:
    """A demonstration that goes on without its orders would look like an agent that catches nothing."""
    for path in video.parent.iterdir():
        shutil.copy(path, tmp_path)
    line = {"at_s": 0.1, "ready": "never-ordered"}
    orders = tmp_path / "canteen-short.orders.jsonl"
    orders.write_text(json.dumps(line) + "\n" + orders.read_text())
    done = edge_agent("demo", str(tmp_path / VIDEO), "--fast", *ON, folder=tmp_path / "kept")
    assert done.returncode == 1
    assert "never-ordered" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "kept").iterdir())


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C, and so do their children: not here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_demonstration_that_is_broken_off_leaves_nothing(video: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle of it: no process, no port, no database, no token."""
    kept = tmp_path / "kept"
    kept.mkdir()
    command = [sys.executable, "-m", "edge_agent", "demo", str(video), *ON]
    environment = {**os.environ, "TMPDIR": str(kept)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "  order " in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert not list(kept.iterdir())
    assert not (tmp_path / "report").exists()
