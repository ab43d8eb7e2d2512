"""Remove what has lasted long enough, little by little, on a thread of its own; and not while the clock is in doubt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from edge_agent.errors import EdgeAgentError
from edge_agent.ports import Clock
from edge_agent.ports.keeping import Removed, Retention

logger = logging.getLogger(__name__)

FIRST_YEAR = 2024
"""An earlier year is that of a box whose clock was not set yet."""

JUMP_S = 60.0
"""By so much wall time and monotonic time may drift apart between two looks; NTP slews far slower."""

SHORTEST_DOUBT_S, LONGEST_DOUBT_S = 3_600.0, 86_400.0
"""After a jump nothing is called old for as long as it was, within these: meanwhile a wrong clock is noticed."""

FIRST_LOOK_S = 600.0
"""... nor in the first minutes of the process: on a box that boots, the time may yet come from the network."""

JUST_STARTED = "the agent has just started"

EVERY_S = 60.0
RECORDS_EVERY_S = 3_600.0
BITE_GAP_S = 0.2
"""Between two bites the writer serves others."""


class ClockWatch:
    """Says whether the wall clock may be asked how old something is.

    Args:
        clock: the clock that is watched.
        last_recorded: the wall time of the newest record; a clock that is far from it has jumped between two lives.
    """

    def __init__(self, *, clock: Clock, last_recorded: datetime | None = None) -> None:
        self._clock = clock
        self._ahead_s = self._now_ahead_s()
        self._until_s = clock.monotonic_s() + FIRST_LOOK_S
        self._why = JUST_STARTED
        gap_s = 0.0 if last_recorded is None else (clock.now_utc() - last_recorded).total_seconds()
        if abs(gap_s) > LONGEST_DOUBT_S:  # a day without records is a Monday
            self._note_jump(gap_s, "the newest record")

    def doubt(self) -> str | None:
        """Why ages cannot be told now, in a few words; None where they can. Call it every minute or so."""
        ahead_s = self._now_ahead_s()
        jumped_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        if abs(jumped_s) > JUMP_S:
            self._note_jump(jumped_s, "what it was a minute ago")
        year = self._clock.now_utc().year
        if year < FIRST_YEAR:
            return f"the clock says {year}"
        return self._why if self._clock.monotonic_s() < self._until_s else None

    def _note_jump(self, jumped_s: float, before: str) -> None:
        wait_s = min(max(abs(jumped_s), SHORTEST_DOUBT_S), LONGEST_DOUBT_S)
        self._until_s = max(self._until_s, self._clock.monotonic_s() + wait_s)
        self._why = f"the clock is {_duration(jumped_s)} {'ahead of' if jumped_s > 0 else 'behind'} {before}"

    def _now_ahead_s(self) -> float:
        return self._clock.now_utc().timestamp() - self._clock.monotonic_s()


class RetentionThread:
    """Rounds of removal, for as long as it is entered. A round that fails is said, and tried again a minute later.

    Space is made in any case, by the order in which pictures came, which needs no clock.

    Args:
        retention: what removes.
        clock: watched for jumps, and for the hours between two looks at the records.
        wait: waits so many seconds for the stop event, and says whether it is set.
    """

    def __init__(
        self,
        *,
        retention: Retention,
        clock: Clock,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self._retention = retention
        self._clock = clock
        self._wait = wait
        self._watch: ClockWatch | None = None
        self._records_due_s = clock.monotonic_s()
        self._doubt: str | None = None
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def __enter__(self) -> RetentionThread:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, timeout_s: float = 2.0) -> None:
        """Stop after the bite that is being taken."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def paused(self) -> str | None:
        """Why nothing is removed by its age at present; None where all is as usual."""
        return self._doubt

    @property
    def problem(self) -> str | None:
        """What keeps pictures from being removed, in a sentence; None where nothing does."""
        return self._problem

    def round(self) -> Removed:
        """One round, for tests and for the thread; raises what the store raises."""
        if self._watch is None:
            self._watch = ClockWatch(clock=self._clock, last_recorded=self._retention.last_recorded_at())
        removed = self._make_room()
        self._say_doubt(self._watch.doubt())
        if self._doubt is not None:
            return removed
        removed += self._drained(self._retention.expire, "their time was over")
        if self._clock.monotonic_s() >= self._records_due_s:
            removed += self._drained(self._retention.forget, "their time was over")
            removed += self._drained(self._retention.sweep, "no record named them")
            self._records_due_s = self._clock.monotonic_s() + RECORDS_EVERY_S
        return removed

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.round()
            except EdgeAgentError as refusal:
                self._say_problem(f"nothing can be removed: {refusal}")
            if self._wait(self._stop, EVERY_S):
                return

    def _make_room(self) -> Removed:
        owed_bytes = self._retention.excess_bytes()
        removed = Removed()
        while owed_bytes > 0 and (bite := self._retention.make_room(owed_bytes)):
            removed += bite
            owed_bytes -= bite.bytes
            if self._wait(self._stop, BITE_GAP_S):
                break
        _say(removed, "there was no room")
        stuck = owed_bytes > 0 and not self._stop.is_set()
        self._say_problem("the disk is nearly full, and no picture is left that may go" if stuck else None)
        return removed

    def _drained(self, take: Callable[[], Removed], why: str) -> Removed:
        removed = Removed()
        while bite := take():
            removed += bite
            if self._wait(self._stop, BITE_GAP_S):
                break
        _say(removed, why)
        return removed

    def _say_doubt(self, doubt: str | None) -> None:
        if (doubt is None) != (self._doubt is None):
            said = "ages count again" if doubt is None else f"nothing is removed by its age for now: {doubt}"
            logger.log(logging.INFO if doubt in (None, JUST_STARTED) else logging.WARNING, "retention: %s", said)
        self._doubt = doubt

    def _say_problem(self, problem: str | None) -> None:
        if problem is not None:
            logger.log(logging.DEBUG if self._problem else logging.WARNING, "retention: %s", problem)
        elif self._problem is not None:
            logger.info("retention: it works again")
        self._problem = problem


def _say(removed: Removed, why: str) -> None:
    if removed:
        said = "retention: removed %d pictures (%.1f MB) and %d records, since %s"
        logger.info(said, removed.pictures, removed.bytes / 1e6, removed.records, why)


def _duration(seconds: float) -> str:
    hours = abs(seconds) / 3_600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours" if hours >= 1 else f"{abs(seconds):.0f} s"  # noqa: PLR2004
