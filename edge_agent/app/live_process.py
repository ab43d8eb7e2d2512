"""The agent as a process of its own, on a configuration of its own, and what a benchmark asks of it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.token_file import TokenFile
from edge_agent.domain.access import Role
from edge_agent.domain.events import VerdictReached
from edge_agent.errors import EdgeAgentError, StoreError

FPS = 10.0
START_S = 60.0
LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is run, and where it may write."""

    pack: Path
    menu: Path
    folder: Path


class AgentProcess:
    """The agent, started; `began_s` is when, on the monotonic clock, which is the same in every process."""

    def __init__(self, process: subprocess.Popen[bytes], *, port: int, secret: str, state: Path) -> None:
        self.began_s = time.monotonic()
        self._process, self._port, self._secret, self._state = process, port, secret, state

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the JSON or the text of the answer. Raises OSError where nobody answers."""
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

    def order(self, order_id: str, lines: Mapping[str, int]) -> None:
        """The till sends an order: how many of each SKU."""
        described = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
        self.ask("PUT", f"/api/v1/orders/{order_id}", {"order_id": order_id, "lines": described})

    def until_it_answers(self) -> float:
        """Milliseconds from its start to the first answer of its API.

        Raises:
            EdgeAgentError: it ends before that, or does not come to it.
        """
        while True:
            try:
                self.ask("GET", "/healthz")
            except OSError:
                self._look_after()
            else:
                return (time.monotonic() - self.began_s) * 1_000

    def until_first_verdict(self) -> VerdictReached:
        """The first verdict.

        Raises:
            EdgeAgentError: there is none within a minute.
        """
        while True:
            try:
                checks = self.checks()
            except StoreError:  # the database is still being made
                checks = []
            if checks:
                return checks[0]
            self._look_after()

    def checks(self) -> list[VerdictReached]:
        """The verdicts so far, oldest first; at most the newest 500."""
        stored = SqliteHistory(path=self._state / "edge.sqlite").checks(limit=500)
        return [check.reached for check in reversed(stored)]

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = [line for line in str(self.ask("GET", "/metrics")).splitlines() if line.startswith(name + "{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def cpu_s(self) -> float:
        """What it has used of the CPU."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Its resident memory."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def _look_after(self) -> None:
        if self._process.poll() is not None or time.monotonic() - self.began_s > START_S:
            said = (self._state / "log").read_text(errors="replace")[-500:]
            raise EdgeAgentError(f"the agent does not come up, or sees no tray: {said}")
        time.sleep(LOOK_EVERY_S)


@contextmanager
def running(
    cameras: Sequence[Mapping[str, Any]],
    setting: Setting,
    *,
    station: Mapping[str, Any] | None = None,
    mqtt: Mapping[str, Any] | None = None,
) -> Iterator[AgentProcess]:
    """The agent with a station for each of the cameras, just started.

    Its byte code is kept, so that every start but the first finds it, as on a box where pip has compiled what it
    installed.

    Args:
        cameras: their settings.
        setting: what is run.
        station: settings of each station beside its camera.
        mqtt: the broker; None: nobody is told.
    """
    state = Path(tempfile.mkdtemp(dir=setting.folder))
    port = free_port()
    settings: dict[str, Any] = {
        "shadow": False,
        "detector": {"pack": str(setting.pack)},
        "menu": str(setting.menu),
        "stations": [
            {"id": f"s{n}", "slots": [{"id": f"slot{n}"}], "camera": {"fps": FPS, **camera}, **(station or {})}
            for n, camera in enumerate(cameras)
        ],
        "store": {"path": str(state / "edge.sqlite"), "spare_mb": 1},
        "api": {"port": port, "tokens": str(state / "tokens.json")},
        **({} if mqtt is None else {"mqtt": dict(mqtt)}),
    }
    (state / "edge.yaml").write_text(json.dumps(settings))
    tokens = TokenFile(path=state / "tokens.json", clock=SystemClock())
    secret, _ = tokens.create(name="bench", role=Role.ADMIN, lasts=timedelta(hours=1))
    command = [sys.executable, "-m", "edge_agent", "run", "--config", str(state / "edge.yaml"), "--strict"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(setting.folder / "bytecode")
    with (
        (state / "log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  our own program
            command, stdout=log, stderr=log, env=environment
        ) as process,
    ):
        try:
            yield AgentProcess(process, port=port, secret=secret, state=state)
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
