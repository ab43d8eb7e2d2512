"""What is not well around the stations, in words that the kitchen screen has sentences for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.app.faring import disk_problems, telling_problems
from edge_agent.ports import Clock, EventHistory, Readiness, Trouble
from edge_agent.runtime.recorder import Recorder
from edge_agent.runtime.telling import Teller
from edge_agent.runtime.till_watch import TillWatch
from edge_agent.settings import Settings

WRITTEN_IN = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""No right clock says that it is earlier than when the agent was written: a box without a battery begins in 1970."""

SET_BACK = timedelta(hours=1)
"""Clocks are corrected by minutes; one that is set back by more was wrong, or is now."""


@dataclass(frozen=True, slots=True)
class AskedTroubles:
    """A `Troubles` that asks each part; `asked` says what to ask for each, what matters most first."""

    asked: Sequence[tuple[Trouble, Callable[[], bool]]]

    def troubles(self) -> tuple[Trouble, ...]:
        return tuple(trouble for trouble, is_so in self.asked if is_so())


def box_troubles(  # noqa: PLR0913  each is one thing that can be not well
    settings: Settings,
    clock: Clock,
    *,
    supervisor: Readiness,
    recorder: Recorder,
    store: SqliteStore,
    history: EventHistory,
    till: TillWatch,
    tellers: Sequence[Teller],
) -> AskedTroubles:
    """What is asked on a box. Raises StoreError."""
    return AskedTroubles(
        [
            (Trouble.CHECKER, lambda: not supervisor.report().ready),
            (Trouble.STORE, lambda: recorder.report.problem is not None or store.lost is not None),
            (Trouble.DISK, lambda: bool(disk_problems(settings))),
            (Trouble.TILL, lambda: till.is_silent),
            (Trouble.BROKER, lambda: bool(telling_problems(tellers))),
            (Trouble.CLOCK, clock_doubt(clock, history)),
        ]
    )


def clock_doubt(clock: Clock, history: EventHistory) -> Callable[[], bool]:
    """Says whether the wall clock cannot be right: it is before the agent's making, or before the last run's beginning.

    Raises:
        StoreError: the database does not answer.
    """
    before = [datetime.fromisoformat(run.started_at) for run in history.runs(limit=2)[1:]]
    earliest = max([WRITTEN_IN, *(started - SET_BACK for started in before)])
    return lambda: clock.now_utc() < earliest
