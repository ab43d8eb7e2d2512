"""Whether another process has a database open, and keeping others from it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import Conflict, StoreError

SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
"""The bytes that SQLite locks of an open database (os.h; sqlite.org/lockingv3.html). In WAL mode a connection holds its
shared lock for as long as it is open, so whoever can lock them alone knows that nobody has the database open."""


@contextmanager
def nobody_else(path: Path) -> Iterator[None]:
    """In here no other process opens the database. Works on a damaged file too; changes nothing in it.

    The lock is this process's: it is lost when the process closes the file, so no connection may be opened in here.

    Raises:
        Conflict: somebody has it open.
        OSError: it cannot be opened for writing.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
        except BlockingIOError as refusal:
            raise Conflict(
                f"{path} is open in another process: stop the agent first (sudo systemctl stop edge-agent)"
            ) from refusal
        yield
    finally:
        os.close(descriptor)


@contextmanager
def only_agent_on(path: Path) -> Iterator[None]:
    """In here this is the only agent on a database: SQLite lets several write, and each would tell of the same alerts.

    A lock on a file beside it, which ends with the process however that ends. Whoever merely reads needs none.

    Raises:
        Conflict: another agent works on it.
        StoreError: the folder takes no file.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as refusal:
        raise StoreError(f"{lock}: the file cannot be made: {refusal.strerror}") from refusal
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as refusal:
            raise Conflict(
                f"{path}: another agent works on this database; stop that one, or give this one a store.path of its own"
            ) from refusal
        yield
    finally:
        os.close(descriptor)
