"""The real Mosquitto from Debian, as a child process; and a subscriber that is none of the agent's code."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import missing

DEADLINE_S = 40.0
PORTS_FROM, PORTS_EACH = 20_000, 1_000


def free_port() -> int:
    """A port on loopback that nobody listens on now, and that no other worker of pytest takes meanwhile.

    From 32768 on the kernel gives ports to whoever asks for any; some below are each worker's own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = PORTS_FROM + worker % 12 * PORTS_EACH
    for port in random.SystemRandom().sample(range(first, first + PORTS_EACH), PORTS_EACH):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def mosquitto_program(name: str = "mosquitto") -> str:
    """The path of a program of Mosquitto; Debian puts the broker where only root looks."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        missing(f"{name} is not installed (.ci/run installs it)")
        raise AssertionError(name)
    return path


class Mosquitto:
    """A broker on loopback, in a folder of its own. A context manager: inside, it listens.

    Args:
        more: further lines of its configuration.
        persists: whether it keeps what it retains, and the sessions, over a restart.
    """

    def __init__(self, folder: Path, *, more: Sequence[str] = (), persists: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self._program = mosquitto_program()
        self._configuration = folder / "mosquitto.conf"
        me = pwd.getpwuid(os.geteuid()).pw_name
        lines = [
            f"user {me}",  # else it gives up root, and with it the test's folder
            f"listener {self.port} 127.0.0.1",
            f"persistence {str(persists).lower()}",
            f"persistence_location {folder}/",
            "max_queued_messages 100000",
            "log_type none",
            *(more or ["allow_anonymous true"]),
        ]
        self._configuration.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Mosquitto:  # noqa: PYI034 - Self needs Python 3.11
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self.stop()

    def start(self) -> None:
        """Start, and wait until it listens."""
        self._process = subprocess.Popen([self._program, "-c", str(self._configuration)])
        deadline_s = time.monotonic() + DEADLINE_S
        while not self._listens():
            assert time.monotonic() < deadline_s, "Mosquitto does not listen"
            assert not self._ends(within_s=0.02), "Mosquitto ended at once"

    def stop(self) -> None:
        """End it as systemd does."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        self._process = None

    def kill(self) -> None:
        """End it without a warning."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(DEADLINE_S)
        self._process = None

    def freeze(self) -> None:
        """It stays where it is: connections last, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _ends(self, *, within_s: float) -> bool:
        assert self._process is not None
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Got:
    """One message as a subscriber got it."""

    topic: str
    payload: bytes
    retained: bool


class Subscriber:
    """Hears everything below a topic; connects again by itself, and keeps its session with the broker."""

    def __init__(self, port: int, topic: str = "edge-agent/#", *, name: str = "screen", **login: str) -> None:
        self.changed = threading.Condition()
        self.got: list[Got] = []
        self._topic, self._port = topic, port
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        if login:
            self._client.username_pw_set(login["username"], login["password"])
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take

    def __enter__(self) -> Subscriber:  # noqa: PYI034 - Self needs Python 3.11
        self._client.connect("127.0.0.1", self._port, 30)
        self._client.loop_start()
        assert self._subscribed.wait(DEADLINE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        del self._client  # only its end closes its own sockets, and it refers to us by its callbacks

    def until(self, condition: Callable[[], bool], *, timeout_s: float = DEADLINE_S) -> None:
        """Wait until something is so."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout_s), self.got[-10:]

    def hears_nothing_for(self, seconds: float) -> None:
        """Nothing comes for so long."""
        with self.changed:
            before = len(self.got)
            assert not self.changed.wait_for(lambda: len(self.got) > before, seconds), self.got[before:]

    def on(self, topic: str) -> list[bytes]:
        """What came on one topic."""
        return [got.payload for got in self.got if got.topic == topic]

    def last(self, topic: str) -> bytes | None:
        """What came on one topic last."""
        return next((got.payload for got in reversed(self.got) if got.topic == topic), None)

    def feed(self, topic: str = "edge-agent/r1/events/alerts") -> list[dict[str, Any]]:
        """The steps of alerts, as they came."""
        return [json.loads(payload) for payload in self.on(topic)]

    def seqs(self) -> set[int]:
        """The numbers of the steps that came."""
        return {step["seq"] for step in self.feed()}

    def known(self, base: str = "edge-agent/r1") -> set[int]:
        """The numbers of the steps that came at all: by the feed, or because the broker keeps an open alert."""
        topics = (f"{base}/events/alerts", f"{base}/alerts/")
        return {json.loads(got.payload)["seq"] for got in self.got if got.topic.startswith(topics) and got.payload}

    def _subscribe(self, *_: object) -> None:
        self._client.subscribe(self._topic, 1)

    def _take(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        with self.changed:
            self.got.append(Got(message.topic, bytes(message.payload), message.retain))
            self.changed.notify_all()
