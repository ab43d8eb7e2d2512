"""Answers from buttons: taken in from anywhere, given to the alerts on a thread of their own, since that may wait."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading

from edge_agent.domain.alert import Resolution
from edge_agent.domain.record import StaffRole
from edge_agent.errors import EdgeAgentError
from edge_agent.ports import Alerts

logger = logging.getLogger(__name__)

MOST_WAITING = 50
"""More answers than that are no people at buttons."""

END_S = 2.0


class AnswerDesk:
    """Resolves alerts as somebody at a button says. A context manager; a failure is logged, never raised.

    A button has no name and no login: whoever may publish to the broker counts as crew.
    """

    def __init__(self, *, alerts: Alerts) -> None:
        self._alerts = alerts
        self._waiting: queue.Queue[tuple[str, Resolution] | None] = queue.Queue(maxsize=MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="mqtt-answers", daemon=True)

    def __enter__(self) -> AnswerDesk:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # What still waits is answered first; a thread that hangs in an answer is a daemon, and left behind.
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=END_S)
        self._thread.join(END_S)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def answer(self, told_id: str, resolution: Resolution) -> None:
        """Somebody answered. Returns at once."""
        try:
            self._waiting.put_nowait((told_id, resolution))
        except queue.Full:
            logger.warning("an answer to the alert %s is dropped: %d wait already", told_id, MOST_WAITING)

    def _run(self) -> None:
        while (said := self._waiting.get()) is not None:
            told_id, resolution = said
            try:
                self._alerts.resolve(told_id, resolution, role=StaffRole.CREW)
            except EdgeAgentError as refusal:
                logger.warning("the answer '%s' to the alert %s is not taken: %s", resolution.value, told_id, refusal)
            except Exception:
                logger.exception("the answer '%s' to the alert %s failed", resolution.value, told_id)
            else:
                logger.info("the alert %s is answered by a button: %s", told_id, resolution.value)
