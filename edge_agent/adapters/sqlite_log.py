"""Whether all that stood in the write-ahead log of a database came back when it was opened after a crash.

SQLite takes a log up to the first frame that is damaged, and silently drops the rest. The unfinished end of a log is
what a crash leaves: nobody was promised that. But a transaction is written only when the one before it is on the disk,
so where frames follow after a whole transaction that did not come back, what was promised is lost.
The format is that of sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct(">8I")
"""Magic number, version, page size, number of the checkpoint, two salts, two checksums."""

_FRAME = struct.Struct(">6I")
"""Page, size of the database in pages where a transaction ends here (else 0), two salts, two checksums."""

_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""The byte order in which the checksums are reckoned; written they always are with the high byte first."""


@dataclass(frozen=True, slots=True)
class WrittenLog:
    """The frames of a log as its last user wrote them: for each, whether a transaction ends with it."""

    ends: tuple[bool, ...]

    @classmethod
    def beside(cls, path: Path) -> WrittenLog:
        """The log of a database that nobody has open; an empty one where there is none, or it cannot be read."""
        try:
            with path.with_name(f"{path.name}-wal").open("rb") as log:
                header = log.read(_HEADER.size)
                is_sane = _is_sane(header)
                page_bytes = _HEADER.unpack(header)[2] if is_sane else _page_bytes(path)
                frames = list(_frames(log, page_bytes))
        except OSError:
            return cls(())
        if not frames:
            return cls(())
        # Frames with other salts are left over from before the log was begun anew: those are in the database. Of a log
        # whose header is broken most frames tell.
        salts = _HEADER.unpack(header)[4:6] if is_sane else Counter(own for own, _ in frames).most_common(1)[0][0]
        return cls(tuple(ends and own == salts for own, ends in frames))

    def lost(self, connection: sqlite3.Connection) -> int:
        """How many transactions did not come back, though they were on the disk; once the database is open."""
        if not self.ends:
            return 0
        with closing(connection.execute("PRAGMA wal_checkpoint(PASSIVE)")) as answer:
            _, came_back, _ = answer.fetchone()
        missing = self.ends[max(0, came_back) :]
        is_proven = True in missing[:-1]
        return sum(missing) if is_proven else 0


def _frames(log: BinaryIO, page_bytes: int) -> Iterator[tuple[tuple[int, int], bool]]:
    """The salts of each frame from here on, and whether a transaction ends with it."""
    while len(frame := log.read(_FRAME.size)) == _FRAME.size:
        _, size_pages, first_salt, second_salt, *_ = _FRAME.unpack(frame)
        yield (first_salt, second_salt), size_pages > 0
        log.seek(page_bytes, 1)


def _is_sane(header: bytes) -> bool:
    """Whether the header's checksums are those of its first 24 bytes."""
    if len(header) < _HEADER.size:
        return False
    magic, *_, first, second = _HEADER.unpack(header)
    if magic not in _MAGIC:
        return False
    a = b = 0
    for x, y in struct.iter_unpack(f"{_MAGIC[magic]}2I", header[:24]):
        a = (a + x + b) & 0xFFFFFFFF
        b = (b + y + a) & 0xFFFFFFFF
    return (a, b) == (first, second)


def _page_bytes(path: Path) -> int:
    """The size of the database's pages (fileformat2.html, section 1.3.2)."""
    with path.open("rb") as file:
        said = int.from_bytes(file.read(18)[16:], "big")
    return 65_536 if said == 1 else max(said, 512)
