"""The store: what happened, in one SQLite file, with the evidence pictures in a folder beside it."""

from __future__ import annotations

import itertools
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import timezone
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from edge_agent.adapters.picture_folder import PictureFolder, SavedPicture
from edge_agent.adapters.sqlite_log import WrittenLog
from edge_agent.adapters.sqlite_migrations import open_migrated
from edge_agent.adapters.sqlite_rows import EventRows, write_delivered, write_run
from edge_agent.adapters.sqlite_staff_rows import write_audit, write_confirmation
from edge_agent.adapters.sqlite_writer import Job, SqliteWriter
from edge_agent.domain.events import Event
from edge_agent.domain.record import Audit, Confirmation, Recorded, Run
from edge_agent.errors import StoreError
from edge_agent.ports import Clock, Evidence

_log = logging.getLogger(__name__)

T = TypeVar("T")


def pictures_beside(path: Path) -> Path:
    """The folder of the evidence pictures that belongs to a database file."""
    return path.with_name(f"{path.name}.pictures")


class SqliteStore:
    """An `EventStore` in a file, which `SqliteHistory` reads. A context manager: leaving it writes what waits.

    Args:
        path: the database file; made if it does not exist, brought up to date if it is older (and copied before that).
        clock: stamps what is stored.
        patience_s: how long to wait for room in the writer's queue before `StoreBusy`.
        on_told: called on the writer's thread after a commit that put something into the outbox; must not wait.
        spare_bytes: with less than this free on the disk no picture is written.
        make_room: asked on the writer's thread when the disk is full; says whether it made room.

    Raises:
        StoreTooNew: a newer version of the agent wrote the file.
        StoreError: the file is no database of the agent, or cannot be opened.

    Attributes:
        lost: what an earlier life had stored and is not there any more, in a sentence; None where nothing is missing.
    """

    def __init__(
        self,
        *,
        path: Path,
        clock: Clock,
        patience_s: float = 2.0,
        on_told: Callable[[], None] = lambda: None,
        spare_bytes: int = 0,
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self.path = path
        self.pictures = PictureFolder(folder=pictures_beside(path), spare_bytes=spare_bytes)
        self._clock = clock
        self._on_told = on_told
        self._numbers = itertools.count(1)
        self._pictures_failing = False
        log = WrittenLog.beside(path)
        connection = open_migrated(path)
        self.lost = _what_was_lost(path, log.lost(connection))
        self._writer = SqliteWriter(connection=connection, path=path, patience_s=patience_s, make_room=make_room)

    def __enter__(self) -> SqliteStore:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except StoreError:
            if error is None:
                raise
            _log.exception("while another error ended the store")

    def close(self) -> None:
        """Write what waits, then end the writer. A second call does nothing.

        Raises:
            StoreError: something recorded could not be stored.
        """
        self._writer.close()

    @property
    def is_alive(self) -> bool:
        """Whether the writer runs; the watchdog asks."""
        return self._writer.is_alive

    def begin_run(self, run: Run) -> int:
        """Open a run and return its number; committed on return. Raises StoreError or StoreBusy."""
        started = {"started_at": self._now(), "started_monotonic_s": self._clock.monotonic_s()}
        return self._writer.wait(lambda connection: write_run(connection, run, started))

    def end_run(self, run_id: int) -> None:
        """Say that a run ended as it should; committed on return. Raises StoreError or StoreBusy."""
        now = self._now()
        self._writer.wait(lambda c: c.execute("UPDATE runs SET ended_at = ? WHERE id = ?", (now, run_id)).rowcount)

    def record(self, run_id: int, events: Sequence[Event], *, evidence: Sequence[Evidence] = ()) -> None:
        """Store events soon, in their order and all or none. See `EventStore.record`. Raises StoreBusy."""
        self._writer.submit(self._job(run_id, events, evidence), awaited=False)

    def commit(self, run_id: int, events: Sequence[Event], *, evidence: Sequence[Evidence] = ()) -> Recorded:
        """Store events; they are on the disk on return. See `EventStore.commit`. Raises StoreError or StoreBusy."""
        return self._writer.submit(self._job(run_id, events, evidence), awaited=True).result()

    def audit(self, audit: Audit) -> int:
        """Keep what a blind look found; committed on return. See `EventStore.audit`. Raises StoreError or StoreBusy."""
        now = self._now()
        return self._writer.wait(lambda connection: write_audit(connection, audit, now))

    def confirm(self, confirmation: Confirmation) -> int:
        """Keep that the staff called a tray right; committed on return. Raises StoreError or StoreBusy."""
        now = self._now()
        return self._writer.wait(lambda connection: write_confirmation(connection, confirmation, now))

    def delivered(self, seqs: Sequence[int]) -> None:
        """Keep that these steps reached the broker; committed on return. Raises StoreError or StoreBusy."""
        now = self._now()
        self._writer.wait(lambda connection: write_delivered(connection, seqs, now))

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a short job of another adapter on the writer; committed on return. Raises StoreError or StoreBusy."""
        return self._writer.wait(work)

    def flush(self) -> None:
        """Wait until all that was recorded before is on the disk; raises StoreError if some of it is lost."""
        self._writer.flush()

    def _job(self, run_id: int, events: Sequence[Event], evidence: Sequence[Evidence]) -> Job[Recorded]:
        recorded_at, monotonic_s = self._now(), self._clock.monotonic_s()
        saved: list[SavedPicture] = []

        def work(connection: sqlite3.Connection) -> Recorded:
            rows = EventRows(connection=connection, run_id=run_id, recorded_at=recorded_at, monotonic_s=monotonic_s)
            for event in events:
                rows.write(event)
            rows.settle()
            lost = 0
            for piece in evidence:
                try:
                    saved.append(self._save(piece, run_id, recorded_at))
                except OSError as refusal:
                    # A full disk costs the picture, never the verdict.
                    lost += 1
                    self._say_picture_lost(refusal)
                    rows.picture(piece.session_id, piece.at_s, None, lost=f"not written: {refusal.strerror}")
                else:
                    self._pictures_failing = False
                    rows.picture(piece.session_id, piece.at_s, saved[-1], sighting=piece.sighting)
            return Recorded(check_ids=tuple(rows.check_ids), pictures_lost=lost, to_tell=rows.to_tell)

        def undo() -> None:
            for picture in saved:
                self.pictures.discard(picture.name)

        job = Job(work=work, undo=undo, size_bytes=sum(len(piece.jpeg) for piece in evidence))
        job.done.add_done_callback(self._say_told)
        return job

    def _say_told(self, done: Future[Recorded]) -> None:
        if not done.cancelled() and done.exception() is None and done.result().to_tell:
            self._on_told()

    def _save(self, piece: Evidence, run_id: int, recorded_at: str) -> SavedPicture:
        stem = f"{run_id}-{next(self._numbers)}"
        return self.pictures.save(piece.jpeg, day=recorded_at[:10], stem=stem)

    def _say_picture_lost(self, refusal: OSError) -> None:
        said = logging.DEBUG if self._pictures_failing else logging.WARNING
        self._pictures_failing = True
        _log.log(said, "evidence pictures cannot be written to %s: %s", self.pictures.folder, refusal)

    def _now(self) -> str:
        return self._clock.now_utc().astimezone(timezone.utc).isoformat(timespec="milliseconds")


def _what_was_lost(path: Path, transactions: int) -> str | None:
    if not transactions:
        return None
    said = (
        f"{path}-wal was damaged: the last {transactions} things that were stored before the restart are lost, such as "
        "orders and alerts; send the orders of the last hours again, and have the disk looked at"
    )
    _log.error("%s", said)
    return said
