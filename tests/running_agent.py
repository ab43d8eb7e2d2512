"""The real agent as a child process, on a configuration of its own, and what a till and an operator ask of it."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.token_file import TokenFile
from edge_agent.domain.access import Role
from tests.mosquitto import free_port

REPOSITORY = Path(__file__).resolve().parent.parent
DEADLINE_S = 90.0


class RunningAgent:
    """`edge-agent run` in a folder. A context manager: inside, its API answers.

    Args:
        folder: for configuration, state and log.
        more: settings beside those that every test needs, as YAML reads them.
        before: a command that the agent runs under, such as strace.
        options: of the command `run`, after `--config`.
        environment: variables beside those of the test.
    """

    def __init__(
        self,
        folder: Path,
        *,
        more: Mapping[str, Any] | None = None,
        before: Sequence[str] = (),
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.config = folder / "configs" / "edge.yaml"
        self.store = folder / "state" / "edge.sqlite"
        self.log = folder / "log.txt"
        self._before, self.options = list(before), list(options)
        self.environment = {**os.environ, **(environment or {})}
        self.settings: dict[str, Any] = {
            "shadow": False,
            # One thread: tests share the cores, and of two threads one would spin for want of one.
            "detector": {"pack": str(REPOSITORY / "models" / "canteen"), "threads": 1},
            "menu": str(REPOSITORY / "configs" / "menus" / "canteen.yaml"),
            "store": {"path": str(self.store), "spare_mb": 1},
            "api": {"port": self.port, "tokens": str(folder / "state" / "tokens.json")},
            **(more or {}),
        }
        self.write_config()
        (folder / "state").mkdir(exist_ok=True)
        tokens = TokenFile(path=folder / "state" / "tokens.json", clock=SystemClock())
        self.secret, _ = tokens.create(name="test", role=Role.ADMIN, lasts=timedelta(hours=2))
        self.process: subprocess.Popen[bytes] | None = None

    def write_config(self) -> None:
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(json.dumps(self.settings, indent=1))

    def __enter__(self) -> RunningAgent:  # noqa: PYI034 - Self needs Python 3.11
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.end()

    def launch(self) -> None:
        """Start it, without waiting."""
        command = [*self._before, sys.executable, "-m", "edge_agent", "run", "--config", str(self.config)]
        command += self.options
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)

    def start(self) -> None:
        """Start it, and wait until its API answers."""
        self.launch()
        try:
            self.until(self.answers, "the API answers")
        except BaseException:
            self.kill()
            raise

    def end(self) -> int:
        """End it as systemd does; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        """End it without a warning."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def wait(self) -> int:
        """Until it ends by itself."""
        assert self.process is not None
        return self.process.wait(DEADLINE_S)

    def said(self) -> str:
        """What it logged."""
        return self.log.read_text(errors="replace")

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/healthz")[0] == http.client.OK
        except OSError:
            return False

    def until(self, condition: Any, what: str, *, timeout_s: float = DEADLINE_S) -> None:
        """Ask again and again until it is so; there is no event to wait for across processes."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert self.process is not None
            assert self.process.poll() is None, f"the agent ended: {self.said()[-2000:]}"
            assert time.monotonic() < deadline_s, f"never: {what}; {self.said()[-2000:]}"
            select.select([], [], [], 0.05)

    def ask(self, method: str, path: str, body: Any = None, *, secret: str | None = "") -> tuple[int, Any]:
        """One request; the status, and the JSON or the bytes of the answer. A path without `/` is below `/api/v1/`."""
        status, _, said = self.ask_in_full(method, path, body, secret=secret)
        return status, said

    def ask_in_full(
        self, method: str, path: str, body: Any = None, *, secret: str | None = ""
    ) -> tuple[int, HTTPMessage, Any]:
        """As `ask`, with the headers between."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {} if secret is None else {"Authorization": f"Bearer {secret or self.secret}"}
        sent = None if body is None else json.dumps(body).encode()
        if sent is not None:
            headers["Content-Type"] = "application/json"
        try:
            url = path if path.startswith("/") else f"/api/v1/{path}"
            connection.request(method, url, body=sent, headers=headers)
            answer = connection.getresponse()
            read = answer.read()
            is_json = "json" in (answer.getheader("content-type") or "")
            return answer.status, answer.headers, json.loads(read) if is_json else read
        finally:
            connection.close()

    def put(self, order_id: str, lines: Mapping[str, int], **more: Any) -> int:
        """The till sends an order; the status of the answer."""
        described = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
        return self.ask("PUT", f"orders/{order_id}", {"order_id": order_id, "lines": described, **more})[0]

    def camera(self, station: str = "pass") -> str:
        """How a station's camera does."""
        stations = self.ask("GET", "stations")[1]["stations"]
        return str(next(each["camera"] for each in stations if each["station_id"] == station))

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = self.ask("GET", "/metrics")[1].decode()
        lines = [line for line in text.splitlines() if line.startswith((name + "{", name + " "))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


def station(name: str = "pass", **camera: Any) -> dict[str, Any]:
    """A station with one slot over its whole picture."""
    return {"id": name, "slots": [{"id": f"{name}-slot"}], **({"camera": camera} if camera else {})}
