"""Put together what is watched of the running agent, and the figures that are collected of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from edge_agent.adapters.systemd_notify import SystemdNotify
from edge_agent.app.ending import Ending
from edge_agent.app.faring import camera_problems, disk_problems, free_bytes, sayer, telling_problems
from edge_agent.app.running import Running
from edge_agent.errors import EdgeAgentError
from edge_agent.runtime.numbers import Facts
from edge_agent.runtime.retention import RetentionThread
from edge_agent.runtime.supervisor import Watched


def watched(
    of: Running, *, retention: RetentionThread, complaints: Sequence[str], notify: SystemdNotify, ending: Ending
) -> Watched:
    """What the supervisor looks after; `complaints` are said as long as the agent runs."""
    kept = of.kept
    return Watched(
        captures=of.captures,
        checker=of.thread,
        recorder=kept.recorder,
        problems=[
            lambda: complaints,
            partial(disk_problems, of.settings),
            partial(camera_problems, of.captures),
            partial(telling_problems, of.tellers),
            _said(lambda: of.serving.problem),
            _said(lambda: retention.problem),
            _said(lambda: kept.reserve.problem),
            _said(lambda: kept.store.lost),
        ],
        tend=[kept.reserve.keep],
        feed=notify.alive,
        say=sayer(notify),
        give_up=ending.give_up,
    )


def facts(of: Running) -> Facts:
    """What is so at this moment."""
    try:
        pending: int | None = of.kept.outbox.waiting()
    except EdgeAgentError:
        pending = None
    return Facts(
        stations=of.thread.statuses,
        dropped={name: capture.report().dropped for name, capture in of.captures.items()},
        stale=of.thread.stale,
        outbox_pending=pending,
        disk_free_bytes=free_bytes(of.settings),
        events_waiting=of.kept.recorder.report.waiting,
        models=of.serving.models(),
    )


def _said(problem: Callable[[], str | None]) -> Callable[[], Sequence[str]]:
    """The one problem that a part may have, as a list."""

    def said() -> Sequence[str]:
        found = problem()
        return () if found is None else (found,)

    return said
