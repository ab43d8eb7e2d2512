"""The alerts of the running agent, and the answers of its staff."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import Event
from edge_agent.domain.record import Confirmation, StaffRole, StoredAlert
from edge_agent.errors import Conflict, StoreBusy, StoreError, Unknown
from edge_agent.ports import AlertNews, AnswerSaid, Clock, EventHistory, EventStore, Outbox
from edge_agent.runtime.checker_thread import Answer, CheckerThread
from edge_agent.runtime.order_desk import ANSWERED_S, STORED_S

logger = logging.getLogger(__name__)

MOST_NEWS = 200


class LiveAlerts:
    """An `Alerts`, and its `Answers`, over the outbox and the checker's thread."""

    def __init__(
        self, checker: CheckerThread, *, outbox: Outbox, store: EventStore, history: EventHistory, clock: Clock
    ) -> None:
        self._checker = checker
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[str, AnswerSaid] = {}
        self._outbox = outbox
        self._store = store
        self._history = history

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        return self._outbox.after(seq, limit=limit)

    def standing(self) -> tuple[AlertNews, ...]:
        return self._outbox.standing()

    def resolve(self, told_id: str, resolution: Resolution, *, role: StaffRole) -> None:
        """See `Alerts.resolve`. "Fixed" for what the checker saw put right already confirms what it saw."""
        self._answer(told_id, resolution, role, take_back_s=0.0)

    def answer(self, told_id: str, resolution: Resolution, *, role: StaffRole, take_back_s: float) -> None:
        self._answer(told_id, resolution, role, take_back_s=take_back_s)

    def _answer(self, told_id: str, resolution: Resolution, role: StaffRole, *, take_back_s: float) -> None:
        def answer(checker: OrderChecker, at_s: float) -> tuple[bool, Sequence[Event]]:
            if take_back_s > 0 and checker.answer(told_id, resolution, at_s, take_back_s=take_back_s):
                self._keep(AnswerSaid(told_id=told_id, resolution=resolution, until_s=at_s + take_back_s))
                return True, ()
            self._drop(told_id)
            events = checker.resolve(told_id, resolution, at_s)
            return bool(events), events

        answered = self._ask(answer)
        answered.stored.wait(STORED_S)
        if not answered.value:
            self._hold_against_past(told_id, resolution, role)

    def take_back(self, told_id: str) -> None:
        def take(checker: OrderChecker, _at_s: float) -> tuple[bool, Sequence[Event]]:
            self._drop(told_id)
            return checker.take_back(told_id), ()

        if not self._ask(take).value:
            raise Conflict("the answer holds already, or there was none")

    def said(self) -> tuple[AnswerSaid, ...]:
        now_s = self._clock.monotonic_s()
        with self._lock:
            self._said = {told_id: each for told_id, each in self._said.items() if each.until_s > now_s}
            return tuple(self._said.values())

    def _keep(self, said: AnswerSaid) -> None:
        with self._lock:
            self._said[said.told_id] = said

    def _drop(self, told_id: str) -> None:
        with self._lock:
            self._said.pop(told_id, None)

    def _ask(self, question: Callable[[OrderChecker, float], tuple[bool, Sequence[Event]]]) -> Answer[bool]:
        asked = self._checker.ask(question)
        try:
            return asked.result(ANSWERED_S)
        except FutureTimeout as error:
            asked.cancel()
            raise StoreBusy("the checker does not answer; try again") from error

    def _hold_against_past(self, told_id: str, resolution: Resolution, role: StaffRole) -> None:
        news = self._outbox.told(told_id)
        if news is None:
            raise Unknown(f"there is no alert {told_id[:80]!r}")
        stored = news.stored
        if stored.resolution is None:
            raise Conflict("the alert is being taken up after a restart; answer again in a moment")
        if stored.resolution is not resolution:
            raise Conflict(f"the alert ended already: {stored.resolution.value.replace('_', ' ')}")
        if resolution is Resolution.FIXED and not stored.by_staff:
            self._confirm(stored, role)

    def _confirm(self, stored: StoredAlert, role: StaffRole) -> None:
        session = self._history.session(stored.run_id, stored.alert.session_id)
        if session is not None and session.checks:
            last = session.checks[-1]
            self._store.confirm(
                Confirmation(run_id=last.run_id, session_id=session.session_id, check_id=last.check_id, role=role)
            )


class AlertFeed:
    """Reads the outbox as it fills, and passes each step on. A context manager with a thread of its own.

    Args:
        outbox: where the steps are.
        publish: told of each, with its station; must not wait.
    """

    def __init__(self, outbox: Outbox, publish: Callable[[str, AlertNews], None]) -> None:
        self._outbox = outbox
        self._publish = publish
        self._filled = threading.Event()
        self._stopping = False
        self._seq = outbox.last_seq()
        self._thread = threading.Thread(target=self._run, name="alert-feed", daemon=True)

    def __enter__(self) -> AlertFeed:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._filled.set()
        self._thread.join(2.0)

    def filled(self) -> None:
        """Something was put into the outbox. Any thread may say so; never waits."""
        self._filled.set()

    def _run(self) -> None:
        while True:
            self._filled.wait()
            if self._stopping:
                return
            self._filled.clear()
            try:
                self._pass_on()
            except StoreError as error:
                logger.warning("the screens are not told of alerts now: %s", error)

    def _pass_on(self) -> None:
        while news := self._outbox.after(self._seq, limit=MOST_NEWS):
            for step in news:
                self._publish(step.station, step)
                self._seq = step.seq
