"""How the running agent fares: what is wrong around it, in sentences with what to do."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Mapping, Sequence

from edge_agent.adapters.systemd_notify import SystemdNotify
from edge_agent.domain.said import say
from edge_agent.runtime.capture import CameraCapture
from edge_agent.runtime.telling import Teller
from edge_agent.settings import Settings

logger = logging.getLogger(__name__)


def free_bytes(settings: Settings) -> int | None:
    """Free on the disk of the store; None where it does not say."""
    try:
        return shutil.disk_usage(settings.store.path.parent).free
    except OSError:
        return None


def disk_problems(settings: Settings) -> Sequence[str]:
    """Whether the disk is nearly full."""
    free = free_bytes(settings)
    if free is None or free >= settings.store.spare_mb * 1_000_000:
        return ()
    where = settings.store.path.parent
    return (
        say("disk_left", "only {mb} MB are free on the disk of {where}: make room", mb=free // 1_000_000, where=where),
    )


def camera_problems(captures: Mapping[str, CameraCapture]) -> Sequence[str]:
    """Which cameras give no pictures, and why."""
    reports = ((name, capture.report()) for name, capture in captures.items())
    return [
        say("of_station", "station {station}: {said}", station=name, said=report.problem)
        for name, report in reports
        if report.problem is not None
    ]


def telling_problems(tellers: Sequence[Teller]) -> Sequence[str]:
    """Why nobody can be told by MQTT."""
    reports = (teller.report() for teller in tellers)
    return [
        say("of_broker", "MQTT: {said}; {n} alerts wait to be told", said=report.problem, n=report.pending or 0)
        for report in reports
        if report.problem
    ]


def sayer(notify: SystemdNotify) -> Callable[[str], None]:
    """What says how the agent fares: to systemd each time, to the log when the words change."""
    logged = ""

    def say(text: str) -> None:
        # A number in it that rises each second must not fill the log, least of all on a full disk.
        nonlocal logged
        words = re.sub(r"\d+", "", text)
        if words != logged:
            logged = words
            logger.info("%s", text)
        notify.status(text)

    return say
