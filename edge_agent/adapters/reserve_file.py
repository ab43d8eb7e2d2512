"""Space on the disk that is kept for orders and alerts, and given up when the database finds no other."""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

RESERVE_BYTES = 32 * 1024 * 1024
"""Some ten thousand orders with all that is said of them, the write-ahead log included: days of a busy restaurant."""


OPENED_BYTES = 1024 * 1024
"""With less free a database cannot even be opened: its log and the index of it are files of their own."""


def reserve_beside(path: Path) -> Path:
    """The reserve that belongs to a database file."""
    return path.with_name(f"{path.name}.reserve")


class ReserveFile:
    """A file of nothing beside the database. `keep` belongs to one thread and `give_up` to another.

    Args:
        path: the file; its folder exists.
        spare_bytes: it is made only where so much stays free beside it.
        size_bytes: how much it holds.
    """

    def __init__(self, *, path: Path, spare_bytes: int, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._spare_bytes = spare_bytes
        self._size_bytes = size_bytes
        self._given_up = False

    @property
    def problem(self) -> str | None:
        """What there is to say of it, in a sentence; None while it was not needed."""
        if not self._given_up:
            return None
        return f"the disk was full, and the reserve for orders was given up: make room at {self._path.parent}"

    def start(self) -> None:
        """Before the database is opened: make it, or give it up at once where nothing could be opened. Never raises."""
        with suppress(OSError):
            if self._free_bytes() < OPENED_BYTES and self.give_up():
                return
        self.keep()

    def keep(self) -> None:
        """Make it, if it is not there and there is room for it. Cheap; called again and again. Never raises."""
        try:
            if self._is_whole():
                return
            if self._free_bytes() < self._size_bytes + self._spare_bytes:
                return
            self._make()
        except OSError as refusal:
            said = logging.DEBUG if refusal.errno in (errno.ENOSPC, errno.EROFS) else logging.WARNING
            logger.log(said, "the reserve %s cannot be made: %s", self._path, refusal.strerror)
            return
        if self._given_up:
            logger.info("there is room again: the reserve for orders is kept once more")
        self._given_up = False

    def give_up(self) -> bool:
        """The database found no space: leave it this; says whether that helps. Never raises."""
        try:
            if self._free_bytes() >= self._spare_bytes:
                return False
            self._path.unlink()
        except OSError:
            return False
        self._given_up = True
        logger.error("the disk is full: the reserve for orders is given up; make room")
        return True

    def _free_bytes(self) -> int:
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize

    def _is_whole(self) -> bool:
        with suppress(FileNotFoundError):
            return self._path.stat().st_size >= self._size_bytes
        return False

    def _make(self) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
            os.fsync(descriptor)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(descriptor)
