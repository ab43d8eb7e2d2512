"""Looks at the kept pictures of the last trays once more, so that other thresholds can be tried on them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from edge_agent.domain.detection import Detection
from edge_agent.domain.looked_again import LookedAgain
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order
from edge_agent.domain.record import AuditAnswer, StoredCheck, StoredSession
from edge_agent.domain.said import said_of
from edge_agent.errors import EdgeAgentError
from edge_agent.ports import EventHistory, Pictures, SecondLookReport

logger = logging.getLogger(__name__)

TRAYS = 200
MOST_SESSIONS = 2_000
"""So far back trays are looked for."""

PAGE = 200
PAUSE_S = 0.1
"""Between two looks the stations have the detector to themselves."""


class SecondLooks:
    """A `SecondLook` on a thread of its own, which lives for one round. A context manager: leaving it ends the round.

    What was seen on a picture is remembered until the agent ends: the same picture is not looked at twice.

    Args:
        history: knows the trays.
        pictures: reads what was kept of them.
        look: everything that the detector reports on a JPEG; may raise.
        pause_s: the time between two looks.
    """

    def __init__(
        self,
        *,
        history: EventHistory,
        pictures: Pictures,
        look: Callable[[bytes], tuple[Detection, ...]],
        pause_s: float = PAUSE_S,
    ) -> None:
        self._history = history
        self._pictures = pictures
        self._look = look
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._report = SecondLookReport()
        self._seen: dict[str, tuple[Detection, ...]] = {}
        self._thread: threading.Thread | None = None

    def __enter__(self) -> SecondLooks:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, timeout_s: float = 2.0) -> None:
        """End a round that is under way."""
        self._stop.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def report(self) -> SecondLookReport:
        return self._report

    def begin(self) -> None:
        with self._lock:
            if self._report.is_running or self._stop.is_set():
                return
            self._report = SecondLookReport(is_running=True)
            self._thread = threading.Thread(target=self._run, name="second-look", daemon=True)
            self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of a round; whether it has ended."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return not self._report.is_running

    def _run(self) -> None:
        problem = ""
        try:
            self._look_at_all()
        except EdgeAgentError as error:
            problem = said_of(error)
            logger.warning("the second look at old trays ended early: %s", error)
        finally:
            self._report = replace(self._report, is_running=False, is_over=True, problem=problem)

    def _look_at_all(self) -> None:
        trays = list(self._trays())
        self._report = replace(self._report, of=len(trays))
        found: list[LookedAgain] = []
        for done, (check, orders, truth) in enumerate(trays, start=1):
            if self._stop.is_set():
                return
            seen = self._seen_on(check)
            if seen is not None:
                found.append(
                    LookedAgain(
                        check_id=check.check_id,
                        recorded_at=check.recorded_at,
                        orders=orders,
                        seen=seen,
                        truth=truth,
                    )
                )
            self._report = replace(self._report, done=done, trays=tuple(found), without_picture=done - len(found))
        kept = {name for check, _, _ in trays for name in check.pictures}
        self._seen = {name: seen for name, seen in self._seen.items() if name in kept}

    def _seen_on(self, check: StoredCheck) -> tuple[Detection, ...] | None:
        """What is to be seen on the newest picture of a check; None where it is gone."""
        if not check.pictures:
            return None
        name = check.pictures[-1]
        if name not in self._seen:
            jpeg = self._pictures.read(name)
            if jpeg is None:
                return None
            self._seen[name] = self._look(jpeg)
            self._stop.wait(self._pause_s)
        return self._seen[name]

    def _trays(self) -> Iterator[tuple[StoredCheck, tuple[Order, ...], VerdictKind | None]]:
        """The last trays that can be judged again, the newest first: each with one check, its orders and the truth."""
        left, before, walked = TRAYS, None, 0
        while left and walked < MOST_SESSIONS:
            page = self._history.sessions(limit=PAGE, before=before)
            if not page:
                return
            walked, before = walked + len(page), page[-1].number
            checks = {each.number: check for each in page if (check := shown_check(each)) is not None}
            judged = self._history.judged([check.check_id for check in checks.values()])
            for session in page:
                check = checks.get(session.number)
                orders = () if check is None else judged.get(check.check_id, ())
                if check is not None and left and (known := _fit(orders)):
                    left -= 1
                    yield check, known, _truth(session, check)


def shown_check(session: StoredSession) -> StoredCheck | None:
    """The check by which a tray that has left is looked at; None for one that is still there, or was never checked.

    As for an audit it is the first that was wrong, if there was an alert, else the last. Where that has no picture, it
    is the nearest one before it, or after it, that has.
    """
    if session.left_at_s is None or not session.checks:
        return None
    checks = session.checks
    at = len(checks) - 1
    if session.alerts:
        wrong = (n for n, each in enumerate(checks) if each.reached.verdict.kind is VerdictKind.MISMATCH)
        at = next(wrong, at)
    with_pictures = [*reversed(checks[: at + 1]), *checks[at + 1 :]]
    return next((each for each in with_pictures if each.pictures), checks[at])


def _fit(orders: Sequence[Order | None]) -> tuple[Order, ...]:
    """The orders, if a tray can be judged by them alone: all known, none a test, none on several trays."""
    known = tuple(order for order in orders if order is not None)
    fit = len(known) == len(orders) and not any(order.test or order.parts > 1 for order in known)
    return known if fit else ()


def _truth(session: StoredSession, check: StoredCheck) -> VerdictKind | None:
    """What an audit of this very check found."""
    for stored in reversed(session.audits):
        audit = stored.audit
        if audit.answer is AuditAnswer.TOLD and audit.check_id == check.check_id:
            return audit.found
    return None
