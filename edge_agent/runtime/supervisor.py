"""Watch over the threads: replace what hangs, feed the watchdog while all is well, say what is not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge_agent.domain.said import say
from edge_agent.ports import Clock, ReadinessReport, StationStatus
from edge_agent.runtime.capture import CameraCapture
from edge_agent.runtime.checker_thread import CheckerThread
from edge_agent.runtime.recorder import Recorder

logger = logging.getLogger(__name__)

EVERY_S = 1.0
STUCK_S = 10.0
"""The checker comes round several times a second; one that has not for so long hangs in native code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched.

    Attributes:
        captures: the camera of each station that has one.
        problems: says in sentences what else is not well; each with what to do.
        feed: called while the agent is well, to feed the service manager's watchdog.
        say: told in one line how the agent fares, when that changes.
        give_up: called once, when only a new process helps.
        tend: called every round; must be quick.
    """

    captures: Mapping[str, CameraCapture]
    checker: CheckerThread
    recorder: Recorder
    problems: Sequence[Callable[[], Sequence[str]]]
    feed: Callable[[], None]
    say: Callable[[str], None]
    give_up: Callable[[str], None]
    tend: Sequence[Callable[[], None]] = ()


class Supervisor:
    """Looks after everything each second. A context manager with a thread of its own; also says how ready the agent is.

    Args:
        watched: what is watched.
        clock: tells for how long something has hung.
        every_s: the time between two rounds.
    """

    def __init__(self, watched: Watched, *, clock: Clock, every_s: float = EVERY_S) -> None:
        self._watched = watched
        self._clock = clock
        self._every_s = every_s
        self._stop = threading.Event()
        self._said = ""
        self._gave_up = False
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def report(self) -> ReadinessReport:
        """A `Readiness`: what can be decided now. A camera takes its station away, never readiness."""
        stations = self._watched.checker.statuses
        stuck = self._what_is_stuck()
        problems = [*([stuck] if stuck else []), *(said for ask in self._watched.problems for said in ask())]
        recording = self._watched.recorder.report
        if recording.problem is not None:
            problems.append(
                say(
                    "events_wait",
                    "{n} events wait in memory, since the database refuses: {why}; make room on "
                    "the disk, or see that it can be written to",
                    n=recording.waiting,
                    why=recording.problem,
                )
            )
        problems += [
            say("of_station", "station {station}: {said}", station=each.station_id, said=each.why_not)
            for each in stations
            if each.why_not
        ]
        return ReadinessReport(ready=stuck is None, problems=tuple(problems), stations=stations)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.look()

    def look(self) -> None:
        """One round."""
        for name, capture in self._watched.captures.items():
            if capture.supervise().must_exit:
                self._give_up(f"station {name}: its camera's threads hang in native code; only a new process helps")
        for tend in self._watched.tend:
            tend()
        stuck = self._what_is_stuck()
        if stuck is None and not self._gave_up:
            self._watched.feed()
        report = self.report()
        said = "; ".join(report.problems) or _all_well(report.stations)
        if said != self._said:
            self._said = said
            self._watched.say(said)

    def _what_is_stuck(self) -> str | None:
        watched = self._watched
        silent_s = self._clock.monotonic_s() - watched.checker.beat_s
        if not watched.checker.is_alive or silent_s > STUCK_S:
            return say("checker_gone", "the checker does not run any more; the agent is started anew")
        if not watched.recorder.is_alive:
            return say("recorder_gone", "nothing is stored any more; the agent is started anew")
        return None

    def _give_up(self, why: str) -> None:
        if not self._gave_up:
            self._gave_up = True
            logger.critical("%s", why)
            self._watched.give_up(why)


def _all_well(stations: Sequence[StationStatus]) -> str:
    names = ", ".join(station.station_id for station in stations)
    return f"checking: {names}"
