"""Evidence pictures as files beside the database."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edge_agent.errors import StoreError
from edge_agent.formats.whole_file import sync_folder, write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPicture:
    """A picture on the disk: its name below the folder, its size and its SHA-256."""

    name: str
    bytes: int
    sha256: str


class PictureFolder:
    """A folder with one sub-folder per day. Names are made here, never from anything that came from outside.

    Args:
        folder: made with the first picture; the folder that it is in exists.
        spare_bytes: with less than this free on the disk nothing is written.
    """

    def __init__(self, *, folder: Path, spare_bytes: int = 0) -> None:
        self.folder = folder
        self._spare_bytes = spare_bytes

    def save(self, jpeg: bytes, *, day: str, stem: str) -> SavedPicture:
        """Write a picture so that after a power cut it is there whole, or not at all.

        Args:
            jpeg: the file's content.
            day: the sub-folder, `2026-01-31`.
            stem: makes the name unique together with the content.

        Raises:
            OSError: the disk refused, or has too little left.
        """
        self._refuse_without_room()
        sha256 = hashlib.sha256(jpeg).hexdigest()
        name = f"{day}/{stem}-{sha256[:12]}.jpg"
        path = self.path_of(name)
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(path.parent.parent)
            sync_folder(self.folder.parent)
        write_whole(path, jpeg)
        return SavedPicture(name=name, bytes=len(jpeg), sha256=sha256)

    def read(self, name: str) -> bytes | None:
        """The picture of this name; None where it is gone.

        Raises:
            StoreError: the name leads out of the folder, or the disk refused.
        """
        try:
            return self.path_of(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as refusal:
            raise StoreError(f"the picture '{name}' cannot be read: {refusal.strerror}") from refusal

    def path_of(self, name: str) -> Path:
        """Where the picture of this name lies.

        Raises:
            StoreError: the name leads out of the folder; the database was tampered with.
        """
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts or not relative.parts:
            raise StoreError(f"'{name}' is no picture of {self.folder}")
        return self.folder / relative

    def discard(self, name: str) -> None:
        """Remove a picture that is no longer wanted; that it is gone already, or cannot be removed, is no error."""
        try:
            self.path_of(name).unlink(missing_ok=True)
        except OSError:
            return

    def _refuse_without_room(self) -> None:
        found = os.statvfs(self.folder.parent)
        if found.f_bavail * found.f_frsize < self._spare_bytes:
            raise OSError(errno.ENOSPC, f"less than {self._spare_bytes // 1_000_000} MB are free on the disk")
