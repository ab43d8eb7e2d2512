"""Measure how fast a full store answers: its questions one by one, and what the running agent serves of it over HTTP.

Whoever adds a page or a route adds its address to `ADDRESSES`: nothing else is needed to have it measured.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.this_machine import cpu_name
from edge_agent.adapters.token_file import TokenFile
from edge_agent.app.live_process import AgentProcess, free_port
from edge_agent.app.made_store import CHANNELS, DAYS, ITEMS, SOURCE, STATIONS, make_store
from edge_agent.checking.audit_desk import draw
from edge_agent.checking.honest_numbers import read_numbers
from edge_agent.checking.scoring import percentiles
from edge_agent.checking.trends import read_trends
from edge_agent.domain.access import Role
from edge_agent.domain.alert import Resolution
from edge_agent.domain.business_day import Calendar, Span
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.search import AlertSearch, CheckSearch
from edge_agent.errors import BadInput, EdgeAgentError
from edge_agent.ports import EventHistory, Reporting
from edge_agent.ports.steps import OnWork, nobody_looks

BUDGET_MS = 200.0
"""Every page and call, p95 (DESIGN section 8)."""

_GOOD = (200, 503)
"""`/readyz` says 503 where no camera is there."""

LONGEST_DAYS = 90
"""No page looks back further at once."""

Ask = Callable[["Asked"], object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question may be about: chosen anew for each, so that it is not answered from what was read just before."""

    reporting: Reporting
    history: EventHistory
    dice: Random
    now: datetime
    checks: int

    def number(self) -> str:
        """A number that the crew knows an order by."""
        return str(self.dice.randint(1, 999))

    def day(self) -> str:
        """A business day of the last month."""
        return self.reporting.calendar.day_of(self.now - timedelta(days=self.dice.uniform(0, 30)))

    def last(self, days: float) -> Span:
        """Today and so many business days before."""
        calendar = self.reporting.calendar
        return calendar.span_of(calendar.day_of(self.now - timedelta(days=days)), calendar.day_of(self.now))

    def moment(self) -> datetime:
        """Some moment within all that is stored."""
        return self.now - timedelta(days=self.dice.uniform(0, DAYS))

    def check(self) -> int:
        """The number of some check."""
        return self.dice.randint(1, self.checks)


def _deep(asked: Asked) -> object:
    """A page from somewhere in the middle of a list."""
    first = asked.reporting.find_checks(CheckSearch(until=asked.moment()))
    return asked.reporting.find_checks(CheckSearch(), after=first.next)


def _audit(asked: Asked) -> object:
    day = asked.day()
    drawn = draw(asked.reporting.trays_of(asked.reporting.calendar.span_of(day)), seed=asked.reporting.store_id() + day)
    return [asked.reporting.shown_tray(each.tray.number) for each in drawn[:1]]


QUESTIONS: dict[str, Ask] = {
    "checks, newest": lambda a: a.reporting.find_checks(CheckSearch()),
    "checks, two pages from anywhere": _deep,
    "checks of a number": lambda a: a.reporting.find_checks(CheckSearch(number=a.number())),
    "checks of a number on a day": lambda a: a.reporting.find_checks(
        CheckSearch(number=a.number(), since=a.moment() - timedelta(days=1), until=a.moment())
    ),
    "checks of a channel": lambda a: a.reporting.find_checks(CheckSearch(channel=a.dice.choice(CHANNELS))),
    "checks of a verdict": lambda a: a.reporting.find_checks(CheckSearch(verdict=a.dice.choice(list(VerdictKind)))),
    "checks of an item": lambda a: a.reporting.find_checks(CheckSearch(item=a.dice.choice(ITEMS))),
    "checks of an item, a rare channel and a verdict": lambda a: a.reporting.find_checks(
        CheckSearch(item=a.dice.choice(ITEMS), channel=CHANNELS[-1], verdict=VerdictKind.MISMATCH)
    ),
    "checks of what there is none of": lambda a: a.reporting.find_checks(
        CheckSearch(item=a.dice.choice(ITEMS), channel=CHANNELS[-1], verdict=VerdictKind.MATCH)
    ),
    "alerts, newest": lambda a: a.reporting.find_alerts(AlertSearch()),
    "alerts of a number": lambda a: a.reporting.find_alerts(AlertSearch(number=a.number())),
    "alerts of an item that ended so": lambda a: a.reporting.find_alerts(
        AlertSearch(item=a.dice.choice(ITEMS), resolution=a.dice.choice(list(Resolution)))
    ),
    "alerts that are open": lambda a: a.reporting.find_alerts(AlertSearch(open_only=True)),
    "evidence of a check": lambda a: a.reporting.evidence(a.check()),
    "what can be searched for": lambda a: a.reporting.choices(),
    "trends of today": lambda a: read_trends(a.reporting, a.last(0)),
    "trends of 30 days": lambda a: read_trends(a.reporting, a.last(30)),
    "trends of 90 days": lambda a: read_trends(a.reporting, a.last(LONGEST_DAYS)),
    "trends of 30 days, one station": lambda a: read_trends(a.reporting, a.last(30), station=STATIONS[0]),
    "three numbers of today": lambda a: read_numbers(a.reporting, a.last(0)),
    "three numbers of 30 days": lambda a: read_numbers(a.reporting, a.last(30)),
    "three numbers of 90 days": lambda a: read_numbers(a.reporting, a.last(LONGEST_DAYS)),
    "the day's audit and its first tray": _audit,
    "API's list: checks": lambda a: a.history.checks(final=True),
    "API's list: checks of a verdict, from anywhere": lambda a: a.history.checks(
        verdict=a.dice.choice(list(VerdictKind)), before=a.check()
    ),
}
"""The store's questions, by name."""

ADDRESSES: dict[str, Callable[[Asked], str]] = {
    "GET /api/v1/checks": lambda _: "/api/v1/checks",
    "GET /api/v1/checks?limit=200": lambda _: "/api/v1/checks?limit=200",
    "GET /api/v1/checks?before&verdict&final": lambda a: (
        f"/api/v1/checks?before={a.check()}&verdict={a.dice.choice(list(VerdictKind)).value}&final=true"
    ),
    "GET /api/v1/checks/{id}": lambda a: f"/api/v1/checks/{a.check()}",
    "GET /api/v1/alerts": lambda a: f"/api/v1/alerts?after={a.dice.randint(0, 1_000)}",
    "GET /api/v1/orders": lambda _: "/api/v1/orders",
    "GET /api/v1/stations": lambda _: "/api/v1/stations",
    "GET /api/v1/menu": lambda _: "/api/v1/menu",
    "GET /api/v1/models": lambda _: "/api/v1/models",
    "GET /healthz": lambda _: "/healthz",
    "GET /readyz": lambda _: "/readyz",
    "GET /metrics": lambda _: "/metrics",
    "GET /pass": lambda _: "/pass",
    "GET /history": lambda _: "/history",
    "GET /history?number": lambda a: f"/history?number={a.number()}",
    "GET /history?item&channel&verdict": lambda a: (
        f"/history?item={a.dice.choice(ITEMS)}&channel={CHANNELS[-1]}&verdict={a.dice.choice(list(VerdictKind)).value}"
    ),
    "GET /history?show=alerts&item&ended": lambda a: (
        f"/history?show=alerts&item={a.dice.choice(ITEMS)}&ended={a.dice.choice(list(Resolution)).value}"
    ),
    "GET /history?first&last": lambda a: "/history?first={0}&last={0}".format(a.day()),
    "GET /history/{check_id}": lambda a: f"/history/{a.check()}",
    "GET /today?days=7": lambda _: "/today?days=7",
    "GET /today?days=28": lambda _: "/today?days=28",
    "GET /today?days=90": lambda _: "/today?days=90",
    "GET /today?days=90&station": lambda a: f"/today?days=90&station={a.dice.choice(STATIONS)}",
    "GET /audit": lambda _: "/audit",
    "GET /audit?day": lambda a: f"/audit?day={a.day()}",
    "GET /tablets": lambda _: "/tablets",
    "GET /setup": lambda _: "/setup",
    "GET /setup/cameras": lambda _: "/setup/cameras",
    "GET /setup/slots/{station_id}": lambda a: f"/setup/slots/{a.dice.choice(STATIONS)}",
    "GET /setup/menu": lambda _: "/setup/menu",
    "GET /setup/test": lambda _: "/setup/test",
    "GET /setup/slider": lambda _: "/setup/slider",
    "GET /setup/trial-run": lambda _: "/setup/trial-run",
    "GET /setup/tokens": lambda _: "/setup/tokens",
    "GET /setup/health": lambda _: "/setup/health",
}
"""What the running agent serves to an administrator, by name: the API, and the pages of the screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """How long one thing took, in milliseconds: median, 95th percentile (nearest rank), longest.

    `cpu` is the median of what this process itself worked: on a busy machine the rest is waiting for others. None where
    another process works.
    """

    p50: float
    p95: float
    longest: float
    cpu: float | None = None

    @classmethod
    def of(cls, times_ms: Sequence[float], cpu_ms: Sequence[float] = ()) -> Timed:
        found = percentiles(times_ms)
        return cls(
            p50=found["p50"] or 0.0,
            p95=found["p95"] or 0.0,
            longest=round(max(times_ms), 3),
            cpu=percentiles(cpu_ms)["p50"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreMeasured:
    """How fast a made-up store answers.

    Attributes:
        checks: how many it has.
        size_mb: of the database file.
        rounds: how often everything was asked, in turn.
        questions: of the store, within this process.
        addresses: of the running agent, over HTTP on this machine.
        notes: what was not measured, and why.
    """

    checks: int
    size_mb: float
    rounds: int
    questions: Mapping[str, Timed]
    addresses: Mapping[str, Timed] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    cpu: str = ""

    @property
    def over_budget(self) -> tuple[str, ...]:
        """What took longer than the budget."""
        return tuple(name for name, timed in self._all.items() if timed.p95 > BUDGET_MS)

    @property
    def _all(self) -> dict[str, Timed]:
        return {**self.questions, **self.addresses}

    def as_json(self) -> dict[str, Any]:
        """The object that `bench --store --json` prints."""

        def rows(timed: Mapping[str, Timed]) -> dict[str, dict[str, float | None]]:
            return {
                name: {"p50_ms": each.p50, "p95_ms": each.p95, "max_ms": each.longest, "cpu_p50_ms": each.cpu}
                for name, each in timed.items()
            }

        return {
            "store": SOURCE,
            "checks": self.checks,
            "size_mb": round(self.size_mb, 1),
            "rounds": self.rounds,
            "budget_ms": BUDGET_MS,
            "questions": rows(self.questions),
            "addresses": rows(self.addresses),
            "over_budget": list(self.over_budget),
            "notes": dict(self.notes),
            "cpu": self.cpu,
        }

    def as_lines(self) -> list[str]:
        """The same for people."""
        width = max(map(len, self._all))
        lines = [f"a store that is {SOURCE}: {self.checks:,} checks over {DAYS} days, {self.size_mb:,.0f} MB"]
        lines.append(f"{'milliseconds':{width}}      p50      p95  longest  p50 of CPU")
        for name, timed in self._all.items():
            over = "  over budget" if name in self.over_budget else ""
            cpu = "" if timed.cpu is None else f"{timed.cpu:.1f}"
            lines.append(f"{name:{width}}  {timed.p50:7.1f}  {timed.p95:7.1f}  {timed.longest:7.1f}  {cpu:>10}{over}")
        lines += [f"not measured: {name}: {why}" for name, why in self.notes.items()]
        lines.append(f"{self.rounds} rounds in turn; budget: p95 {BUDGET_MS:.0f} ms; CPU: {self.cpu}")
        return lines


def measure_store(
    checks: int,
    *,
    keep: Path | None = None,
    rounds: int = 30,
    pack: Path,
    menu: Path,
    on_work: OnWork = lambda _: nobody_looks,
) -> StoreMeasured:
    """Make a store with so many checks, and measure what it, and the agent that runs on it, answers.

    Args:
        checks: how many.
        keep: where the store is made, and left; one that is there already is taken as it is.
        rounds: how often everything is asked.
        pack: the model pack of the agent.
        menu: the menu of the agent.
        on_work: told of the pieces of work.

    Raises:
        BadInput: there is a store already, and it has not so many checks.
        StoreError: it cannot be made.
        EdgeAgentError: the agent does not start.
    """
    now = datetime.now(timezone.utc)
    with tempfile.TemporaryDirectory(prefix="edge-agent-bench-") as name:
        path = keep or Path(name) / "edge.sqlite"
        if not path.exists():
            make_store(path, checks, until=now, on_step=on_work("checks made"))
        asked = asked_of(path, now)
        if asked.checks < checks:
            raise BadInput(f"this store has {asked.checks} checks, not {checks}; name another file", path=path)
        step = on_work("rounds of questions")
        questions = in_turn(QUESTIONS, lambda ask: ask(asked), rounds, step, with_cpu=True)
        with _agent_on(path, Path(name), pack=pack.resolve(), menu=menu.resolve()) as get:
            step = on_work("rounds of addresses")
            addresses = in_turn(ADDRESSES, lambda address: get(address(asked)), rounds, step)
        return StoreMeasured(
            checks=asked.checks,
            size_mb=path.stat().st_size / 1e6,
            rounds=rounds,
            questions=questions,
            addresses=addresses,
            cpu=cpu_name(),
        )


def in_turn(
    sides: Mapping[str, Any],
    ask: Callable[[Any], object],
    rounds: int,
    on_round: Callable[[int, int], None],
    *,
    with_cpu: bool = False,
) -> dict[str, Timed]:
    """Time everything in turn, after one round that does not count: what disturbs the machine disturbs all alike."""
    times_ms: dict[str, list[float]] = {name: [] for name in sides}
    cpu_ms: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            began_s, cpu_began_s = time.perf_counter(), time.thread_time()
            ask(side)
            if number:
                times_ms[name].append((time.perf_counter() - began_s) * 1_000)
                cpu_ms[name].append((time.thread_time() - cpu_began_s) * 1_000)
        on_round(number, rounds)
    return {name: Timed.of(times_ms[name], cpu_ms[name] if with_cpu else ()) for name in sides}


def asked_of(path: Path, now: datetime) -> Asked:
    """What questions of a made-up store are about.

    Raises:
        BadInput: it was not made for measuring.
        StoreError: it does not read.
    """
    history = SqliteHistory(path=path)
    newest, first = history.checks(limit=1), history.runs(limit=1, before=2)
    if not newest or not first or first[0].run.source != SOURCE:
        raise BadInput("this is no store that was made for measuring; name another file", path=path)
    until = datetime.fromisoformat(newest[0].recorded_at)
    reporting = SqliteReporting(path=path, calendar=Calendar())
    return Asked(reporting, history, Random(0), min(now, until), newest[0].check_id)  # noqa: S311  no secret


def _serving(store: Path, folder: Path, *, pack: Path, menu: Path, port: int) -> dict[str, Any]:
    """An agent that works on this very store, sees nothing, and removes nothing."""
    return {
        "detector": {"pack": str(pack)},
        "menu": str(menu),
        "stations": [{"id": name, "slots": [{"id": name}]} for name in STATIONS],
        "store": {
            "path": str(store.resolve()),
            "spare_mb": 1,
            "right_hours": 87_600,
            "alert_days": 3_650,
            "record_days": 3_650,
            "most_gb": 10_000,
        },
        "api": {"port": port, "tokens": str(folder / "tokens.json")},
    }


@contextmanager
def _agent_on(store: Path, folder: Path, *, pack: Path, menu: Path) -> Iterator[Callable[[str], None]]:
    """The agent as a process of its own; yields what asks it for an address, as an administrator."""
    port = free_port()
    config = folder / "edge.yaml"
    config.write_text(json.dumps(_serving(store, folder, pack=pack, menu=menu, port=port)))
    tokens = TokenFile(path=folder / "tokens.json", clock=SystemClock())
    secret, _ = tokens.create(name="bench", role=Role.ADMIN, lasts=timedelta(hours=12))
    command = [sys.executable, "-m", "edge_agent", "run", "--config", str(config), "--strict"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,  # noqa: S603  our own program
    ):
        agent = AgentProcess(process, port=port, secret=secret, state=folder)
        try:
            agent.until_it_answers()
            yield partial(_get, port, secret)
        finally:
            process.terminate()
            process.wait(20)


def _get(port: int, secret: str, address: str) -> None:
    """Read an address to its end, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", address, headers={"Authorization": f"Bearer {secret}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status not in _GOOD:
            raise EdgeAgentError(f"{address} answers with {answer.status} {answer.reason}")
    finally:
        connection.close()
