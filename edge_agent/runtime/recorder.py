"""Hand what happens to the store, in its order, without waiting for it; while the store refuses, it is kept."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from edge_agent.domain.events import Event
from edge_agent.domain.said import said_of
from edge_agent.errors import OrderVolatile, RowRefused, StoreError
from edge_agent.ports import EventStore, Evidence

logger = logging.getLogger(__name__)

MOST_WAITING = 20_000
"""So many events are kept while the store refuses: hours of a busy station; after that the oldest verdicts go."""

MOST_PICTURES_BYTES = 32 * 1024 * 1024
"""Pictures that wait take at most so much; without room a verdict is kept without its picture."""

MOST_AT_ONCE = 64
RETRY_S = 1.0


@dataclass(slots=True, eq=False)
class Kept:
    """A promise that something will be on the disk; `is_stored` says whether it is."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    is_stored: bool = False
    refusal: StoreError | None = None

    def wait(self, timeout_s: float) -> None:
        """Wait until it is on the disk.

        Raises:
            OrderVolatile: the store refuses for now, or takes too long: it is kept, and stored as soon as that goes.
            RowRefused: it never will be stored.
        """
        with self.changed:
            self.changed.wait_for(lambda: self.is_stored or self.refusal is not None, timeout_s)
            if self.is_stored:
                return
            if isinstance(self.refusal, RowRefused):
                raise self.refusal
            why = f": {self.refusal}" if self.refusal else "; send it again"
            raise OrderVolatile(f"it is checked, but not on the disk yet{why}")


@dataclass(slots=True, eq=False)
class _Entry:
    """Events that belong together, and what is promised of them."""

    events: tuple[Event, ...]
    evidence: tuple[Evidence, ...]
    kept: Kept

    @property
    def size_bytes(self) -> int:
        return sum(len(piece.jpeg) for piece in self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderReport:
    """How the recording fares.

    Attributes:
        waiting: events that are not on the disk yet.
        problem: why not, in one sentence; None while all is well.
        pictures_lost: verdicts whose picture was not kept.
        events_lost: events that will never be stored.
    """

    waiting: int = 0
    problem: str | None = None
    pictures_lost: int = 0
    events_lost: int = 0


class Recorder:
    """Stores the events of one run on a thread of its own. A context manager: leaving it stores what waits.

    While the store refuses (a full disk), whoever waits for something is told so; it is kept all the same and tried
    again, and what came later never overtakes it.

    Args:
        store: where it goes.
        run_id: the run.
        retry_s: the time between two tries while the store refuses.
    """

    def __init__(self, store: EventStore, run_id: int, *, retry_s: float = RETRY_S) -> None:
        self._store = store
        self._run_id = run_id
        self._retry_s = retry_s
        self._changed = threading.Condition()
        self._entries: deque[_Entry] = deque()
        self._pictures_bytes = 0
        self._closing = False
        self._problem: str | None = None
        self._pictures_lost = self._events_lost = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def __enter__(self) -> Recorder:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def report(self) -> RecorderReport:
        """How it fares."""
        with self._changed:
            return RecorderReport(
                waiting=sum(len(entry.events) for entry in self._entries),
                problem=self._problem,
                pictures_lost=self._pictures_lost,
                events_lost=self._events_lost,
            )

    def take(self, events: Sequence[Event], evidence: Sequence[Evidence] = ()) -> Kept:
        """Keep these, without waiting for the disk."""
        entry = _Entry(tuple(events), tuple(evidence), Kept(self._changed))
        with self._changed:
            if self._problem is not None:
                # Whoever waits is told at once: a queue of callers must not grow while the disk is full.
                entry.kept.refusal = StoreError(self._problem)
            if self._pictures_bytes + entry.size_bytes > MOST_PICTURES_BYTES:
                self._pictures_lost += len(entry.evidence)
                entry.evidence = ()
            self._entries.append(entry)
            self._pictures_bytes += entry.size_bytes
            self._make_room()
            self._changed.notify_all()
        return entry.kept

    def close(self, *, timeout_s: float = 3.0) -> None:
        """Store what waits, for at most so long, and end; says how much could not be stored."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        report = self.report
        if report.waiting:
            logger.error("%d events could not be stored before the end: %s", report.waiting, report.problem)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._entries or self._closing)
                batch = list(islice(self._entries, MOST_AT_ONCE))
                if not batch:
                    return
            if not self._store_together(batch) and not self._store_one_by_one(batch):
                with self._changed:
                    if self._closing or self._changed.wait_for(lambda: self._closing, self._retry_s):
                        return

    def _store_together(self, batch: Sequence[_Entry]) -> bool:
        """Whether all of it went in as one; most of the time it does, and shares one wait for the disk."""
        events = [event for entry in batch for event in entry.events]
        evidence = [piece for entry in batch for piece in entry.evidence]
        try:
            recorded = self._store.commit(self._run_id, events, evidence=evidence)
        except StoreError:
            return False
        self._finish(batch)
        self._well(recorded.pictures_lost)
        return True

    def _store_one_by_one(self, batch: Sequence[_Entry]) -> bool:
        """Store what can be stored, in order, up to what the store refuses for now. False if it refused something."""
        for entry in batch:
            try:
                recorded = self._store.commit(self._run_id, entry.events, evidence=entry.evidence)
            except RowRefused as error:
                logger.exception("%d events do not fit the database and are lost", len(entry.events))
                with self._changed:
                    self._events_lost += len(entry.events)
                self._finish([entry], error)
            except StoreError as error:
                self._refused(error)
                return False
            else:
                self._finish([entry])
                self._well(recorded.pictures_lost)
        return True

    def _finish(self, batch: Sequence[_Entry], error: StoreError | None = None) -> None:
        """These are stored, or never will be."""
        with self._changed:
            for entry in batch:
                if self._entries and self._entries[0] is entry:
                    self._entries.popleft()
                    self._pictures_bytes -= entry.size_bytes
                entry.kept.is_stored, entry.kept.refusal = error is None, error
            self._changed.notify_all()

    def _refused(self, error: StoreError) -> None:
        """The store refuses for now: nobody waits any longer, and pictures give way to what must not be lost."""
        level = logging.DEBUG if self._problem else logging.ERROR
        logger.log(level, "what happens cannot be stored, and is kept in memory: %s", error)
        with self._changed:
            pictures = sum(len(entry.evidence) for entry in self._entries)
            for entry in self._entries:
                entry.evidence, entry.kept.refusal = (), error
            self._pictures_bytes = 0
            self._problem = said_of(error)
            self._pictures_lost += pictures
            self._changed.notify_all()

    def _well(self, pictures_lost: int) -> None:
        if self._problem is not None:
            logger.info("what happens is stored again")
        with self._changed:
            self._problem = None
            self._pictures_lost += pictures_lost

    def _make_room(self) -> None:
        """With far too much waiting, the oldest goes; the condition is held."""
        while len(self._entries) > MOST_WAITING:
            entry = self._entries.popleft()
            self._pictures_bytes -= entry.size_bytes
            self._events_lost += len(entry.events)
