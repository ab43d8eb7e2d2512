"""The one thread that writes to the database: a bounded queue of jobs, several of them to a transaction."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from edge_agent.adapters.sqlite_migrations import in_words
from edge_agent.errors import RowRefused, StoreBusy, StoreError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MAX_WAITING = 1_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
MAX_BATCH = 32
"""So many jobs share a transaction and its fsync; bounded, so that nobody waits long for the batch before his own."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[T]):
    """One thing to write, all or none of it.

    Attributes:
        work: writes through the connection, inside a transaction that it must not end.
        undo: takes back what `work` did outside the database, where that was not committed.
        size_bytes: what it holds in memory while it waits.
        done: its result or its StoreError, once that is certain.
    """

    work: Work[T]
    undo: Callable[[], None] = lambda: None
    size_bytes: int = 0
    done: Future[T] = field(default_factory=Future)


class _Waiting:
    """The jobs that wait, bounded by number and by size.

    Not a `queue.Queue` with a sentinel: a job that slips in behind the sentinel would never be answered. Here closing
    and putting exclude each other.
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._jobs: deque[Job[Any]] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, job: Job[Any], timeout_s: float) -> bool:
        """Add a job once there is room; False if there was none in time, or the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(job), timeout_s)
            if self._closed or not self._has_room(job):
                return False
            self._jobs.append(job)
            self._bytes += job.size_bytes
            self._changed.notify_all()
            return True

    def take(self, most: int) -> list[Job[Any]]:
        """Wait for jobs and take them, the oldest first; none at all once the queue is closed and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._jobs))
            batch = [self._jobs.popleft() for _ in range(min(most, len(self._jobs)))]
            self._bytes -= sum(job.size_bytes for job in batch)
            self._changed.notify_all()
            return batch

    def close(self) -> bool:
        """Refuse further jobs; False if that was so already."""
        with self._changed:
            was_closed, self._closed = self._closed, True
            self._changed.notify_all()
            return not was_closed

    @property
    def closed(self) -> bool:
        return self._closed

    def _has_room(self, job: Job[Any]) -> bool:
        fits = self._bytes + job.size_bytes <= self._most_bytes or not self._jobs
        return len(self._jobs) < self._most and fits


class SqliteWriter:
    """Owns the write connection and the thread that alone uses it.

    Each job runs in a savepoint, so that one that fails does not take its neighbours along; a commit that fails fails
    all of its jobs. No failure is lost: whoever waits for a job gets it, the others are raised by `flush` or `close`.

    Where the disk is full, `make_room` is asked for some; if it made any, what did not go in is tried once more.
    """

    def __init__(
        self,
        *,
        connection: sqlite3.Connection,
        path: Path,
        patience_s: float = 2.0,
        make_room: Callable[[], bool] = lambda: False,
        most_waiting: int = MAX_WAITING,
        most_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._connection = connection
        self._path = path
        self._patience_s = patience_s
        self._make_room = make_room
        self._waiting = _Waiting(most=most_waiting, most_bytes=most_waiting_bytes)
        self._first_lost: StoreError | None = None
        self._lost = 0
        self._lost_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; the watchdog asks."""
        return self._thread.is_alive()

    def submit(self, job: Job[T], *, awaited: bool) -> Future[T]:
        """Queue a job. Where nobody awaits its result, its failure is kept for `flush` or `close`.

        Raises:
            StoreBusy: the queue stayed full, or is closed; the job will not run.
        """
        if not awaited:
            job.done.add_done_callback(self._keep_failure)
        if not self._waiting.put(job, self._patience_s):
            job.done.cancel()
            why = "the store is closed" if self._waiting.closed else "too much waits to be written"
            raise StoreBusy(f"{self._path}: {why}; try again later")
        return job.done

    def wait(self, work: Work[T], *, undo: Callable[[], None] = lambda: None, size_bytes: int = 0) -> T:
        """Run a job and wait until it is committed.

        Raises:
            StoreBusy: the queue stayed full, or is closed.
            StoreError: it failed, and nothing of it is stored.
        """
        return self.submit(Job(work=work, undo=undo, size_bytes=size_bytes), awaited=True).result()

    def flush(self) -> None:
        """Wait for all jobs queued before; raises StoreError if one that nobody awaited failed since the last flush."""
        self.wait(lambda _: None)
        self._raise_lost()

    def close(self) -> None:
        """Write what waits, end the thread, close the connection. A second call does nothing.

        Raises:
            StoreError: something that nobody awaited could not be stored.
        """
        if self._waiting.close():
            self._thread.join()
            self._connection.close()
            self._raise_lost()

    def _run(self) -> None:
        while batch := self._waiting.take(MAX_BATCH):
            running = [job for job in batch if job.done.set_running_or_notify_cancel()]
            outcomes = self._outcomes(running)
            if any(map(_lacks_room, outcomes)) and self._make_room():
                outcomes = self._tried_again(running, outcomes)
            for job, outcome in zip(running, outcomes, strict=True):
                if isinstance(outcome, StoreError):
                    job.undo()
                    job.done.set_exception(outcome)
                else:
                    job.done.set_result(outcome)

    def _tried_again(self, jobs: list[Job[Any]], outcomes: list[Any]) -> list[Any]:
        """There is room now: write what found none; per job its result or its StoreError."""
        again = [job for job, outcome in zip(jobs, outcomes, strict=True) if _lacks_room(outcome)]
        for job in again:
            job.undo()
        found = iter(self._outcomes(again))
        return [next(found) if _lacks_room(outcome) else outcome for outcome in outcomes]

    def _outcomes(self, jobs: list[Job[Any]]) -> list[Any]:
        try:
            return self._write(jobs)
        except Exception as refusal:  # noqa: BLE001 - this thread must outlive all of them: the next order waits
            return [self._failure(refusal)] * len(jobs)

    def _write(self, jobs: list[Job[Any]]) -> list[Any]:
        """Run the jobs in one transaction and commit it; per job its result or its StoreError."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._write_one(job) for job in jobs]
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return outcomes

    def _write_one(self, job: Job[Any]) -> Any:
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            outcome = job.work(connection)
        except Exception as refusal:
            if not connection.in_transaction:
                # A full disk or an I/O error makes SQLite roll back everything: then no job of the batch is stored.
                raise
            connection.execute("ROLLBACK TO job")
            outcome = self._failure(refusal)
        connection.execute("RELEASE job")
        return outcome

    def _failure(self, refusal: Exception) -> StoreError:
        said = in_words(self._path, refusal) if isinstance(refusal, sqlite3.Error) else f"{self._path}: {refusal}"
        misfit = isinstance(refusal, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError)
        failure = RowRefused(said) if misfit else StoreError(said)
        failure.__cause__ = refusal
        return failure

    def _keep_failure(self, done: Future[Any]) -> None:
        failure = None if done.cancelled() else done.exception()
        if isinstance(failure, StoreError):
            with self._lost_lock:
                self._first_lost = self._first_lost or failure
                self._lost += 1
                said = logging.DEBUG if self._lost > 1 else logging.WARNING
            _log.log(said, "events could not be stored: %s", failure)

    def _raise_lost(self) -> None:
        with self._lost_lock:
            first, lost = self._first_lost, self._lost
            self._first_lost, self._lost = None, 0
        if first is not None:
            raise StoreError(f"{first} (so {lost} times)" if lost > 1 else str(first)) from first


def _lacks_room(outcome: Any) -> bool:
    """Whether a job failed for want of space. Growing the log's index says "disk I/O error" for that."""
    refusal = outcome.__cause__ if isinstance(outcome, StoreError) else None
    said = str(refusal) if isinstance(refusal, sqlite3.OperationalError) else ""
    return "disk is full" in said or "disk I/O error" in said
