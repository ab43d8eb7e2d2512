"""Orders as files: a folder is watched, each file is taken once, and a bad one is set aside with its reason.

FOLDER/order.json         dropped by the till
FOLDER/taking/order.json  claimed, being put into the book; after a restart this is where it goes on
FOLDER/taken/…            in the book
FOLDER/bad/…              not in the book; beside it `….reason.txt`
"""

from __future__ import annotations

import itertools
import logging
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import BadInput, BadOrder, Conflict, StoreError, Unknown
from edge_agent.formats.order_files import MAX_FILE_BYTES, OrderEntry, entries_from
from edge_agent.ports import Clock, OrderBook

logger = logging.getLogger(__name__)

SUFFIXES = (".json", ".csv")
KEPT = 500
"""So many taken files and so many bad ones are kept, the newest: the folder must not fill the disk."""

MAX_WATCHED = 1_000
"""So many files are looked at in one round; the others wait for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file that was dealt with: how many things it said, or why it was set aside."""

    name: str
    entries: int = 0
    reason: str = ""


@dataclass(slots=True)
class _Seen:
    """A file as it was when it last changed."""

    size: int
    mtime_ns: int
    since_s: float


class OrderFolder:
    """Puts what a till drops into the order book. `poll` is called now and then, from one thread.

    A file is claimed by a rename before it is read, so that a till may write the next one under the same name. It
    counts as taken when all of it is committed; a crash in between puts it into the book again, which changes nothing.

    Args:
        folder: the folder; it is created, and only this agent may watch it.
        book: where orders go.
        clock: tells how long a file has not changed.
        settle_s: a file that has not changed for so long is whole.

    Raises:
        BadInput: the folder cannot be created or written to.
    """

    def __init__(self, *, folder: Path, book: OrderBook, clock: Clock, settle_s: float = 1.0) -> None:
        self._folder = folder
        self._book = book
        self._clock = clock
        self._settle_s = settle_s
        self._seen: dict[str, _Seen] = {}
        try:
            for name in ("taking", "taken", "bad"):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"the folder for orders cannot be used: {error.strerror}", path=folder) from error

    def poll(self) -> tuple[TakenFile, ...]:
        """Take every file that is whole, oldest first; gives what was dealt with.

        A store that refuses ends the round: the file stays claimed and is tried again in the next.
        """
        try:
            for name in self._whole():
                (self._folder / name).rename(self._free("taking", name))
            return tuple(self._deal_with(_files_in(self._folder / "taking")))
        except OSError as error:
            logger.warning("the folder for orders cannot be read: %s", error)
            return ()

    def _whole(self) -> list[str]:
        """The names of files that have not changed for long enough, oldest first."""
        now_s = self._clock.monotonic_s()
        seen: dict[str, _Seen] = {}
        whole: list[tuple[int, str]] = []
        for entry in _files_in(self._folder):
            found = entry.lstat()
            before = self._seen.get(entry.name)
            if before is None or (before.size, before.mtime_ns) != (found.st_size, found.st_mtime_ns):
                seen[entry.name] = _Seen(found.st_size, found.st_mtime_ns, now_s)
            elif now_s - before.since_s >= self._settle_s:
                whole.append((found.st_mtime_ns, entry.name))
            else:
                seen[entry.name] = before
        self._seen = seen
        return [name for _, name in sorted(whole)]

    def _deal_with(self, claimed: Iterable[Path]) -> Iterable[TakenFile]:
        for path in claimed:
            try:
                entries = entries_from(_read(path), path)
                refused = [said for entry in entries if (said := self._refusal_of(entry))]
            except StoreError as error:
                logger.warning("the order file %r waits: %s", path.name, error)
                return
            except BadInput as error:
                line = "" if error.line is None else f"line {error.line}: "
                yield self._set_aside(path, f"{line}{error.message}; nothing of the file was taken")
                continue
            if refused:
                yield self._set_aside(path, "\n".join((*refused, "the rest of the file was taken")))
            else:
                self._keep(path, "taken")
                yield TakenFile(name=path.name, entries=len(entries))

    def _refusal_of(self, entry: OrderEntry) -> str:
        """Put one thing; why the book did not want it, if it did not. The others of the file count all the same."""
        try:
            self._put(entry)
        except (Conflict, Unknown) as error:
            return str(error)
        return ""

    def _put(self, entry: OrderEntry) -> None:
        if entry.order is not None:
            self._book.put(entry.order)
        elif entry.cancel is not None:
            self._book.cancel(entry.cancel)
        elif entry.ready is not None:
            self._book.ready(entry.ready)

    def _set_aside(self, path: Path, reason: str) -> TakenFile:
        logger.warning("the order file %r was set aside: %s", path.name, reason)
        kept = self._keep(path, "bad")
        kept.with_name(kept.name + ".reason.txt").write_text(reason + "\n", encoding="utf-8", errors="replace")
        return TakenFile(name=path.name, reason=reason)

    def _keep(self, path: Path, place: str) -> Path:
        kept = self._free(place, path.name)
        path.rename(kept)
        files = sorted(_files_in(self._folder / place), key=lambda each: each.lstat().st_mtime_ns)
        for old in files[:-KEPT]:
            old.unlink(missing_ok=True)
            old.with_name(old.name + ".reason.txt").unlink(missing_ok=True)
        return kept

    def _free(self, place: str, name: str) -> Path:
        """A name that is not taken there: `order.json`, then `order-2.json`."""
        path = self._folder / place / name
        for number in itertools.count(2):
            if not os.path.lexists(path):
                return path
            path = path.with_name(f"{Path(name).stem[:200]}-{number}{Path(name).suffix}")
        raise AssertionError  # pragma: no cover  the numbers do not end


def _files_in(folder: Path) -> list[Path]:
    """The plain files that may hold orders, by their names. Links, pipes and what is still being written are left."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            fits = entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")
            if fits and entry.is_file(follow_symlinks=False):
                found.append(Path(entry.path))
            if len(found) >= MAX_WATCHED:
                break
    return sorted(found)


def _read(path: Path) -> bytes:
    """What the file holds, never more than an order file may; never through a link, never from a pipe."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BadOrder("this is no plain file", path=path)
        return file.read(MAX_FILE_BYTES + 1)
