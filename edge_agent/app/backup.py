"""Copy what makes a box this box into one archive, consistently, while the agent runs."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from edge_agent import __version__
from edge_agent.adapters.model_shelf import POINTER_NAME, shelf_folder
from edge_agent.adapters.picture_folder import PictureFolder
from edge_agent.adapters.sqlite_migrations import in_words
from edge_agent.adapters.sqlite_store import pictures_beside
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.errors import BadInput, StoreError
from edge_agent.formats.backup import (
    ACTIVE,
    CONFIG,
    DATABASE,
    MANIFEST_MEMBER,
    MENU,
    TOKENS,
    BackupManifest,
    BackupMember,
)
from edge_agent.formats.whole_file import whole_file
from edge_agent.settings import Settings
from edge_agent.settings.setup import FILE, FOLDER, LaidOver, load_laid_over

MODE = 0o600
"""Of the archive: it says what was ordered, and shows trays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What was written where."""

    archive: Path
    manifest: BackupManifest
    left_out: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        told = self.manifest.model_dump(mode="json", by_alias=True, exclude={"members"})
        pictures = sum(name.startswith("pictures/") for name in self.manifest.members)
        files = [name for name in self.manifest.members if not name.startswith("pictures/")]
        return {"archive": str(self.archive), "files": files, "pictures": pictures, "left_out": self.left_out, **told}

    def as_lines(self) -> list[str]:
        told = self.as_json()
        size_mb = self.archive.stat().st_size / 1e6
        lines = [f"{self.archive}: {', '.join(told['files'])}, {told['pictures']} pictures, {size_mb:.1f} MB"]
        if self.left_out:
            lines.append(f"left out, copy them yourself and keep them apart: {', '.join(self.left_out)}")
        return lines


@dataclass(slots=True)
class _Archive:
    """The tar that is being written, with the hashes of what it holds so far."""

    tar: tarfile.TarFile
    made_at: datetime
    members: dict[str, BackupMember] = field(default_factory=dict)

    def add(self, name: str, path: Path) -> None:
        """Copy a file as it is now; one that grows or shrinks meanwhile raises OSError. Raises FileNotFoundError."""
        with path.open("rb") as file:
            reader = _Hashing(file)
            self.tar.addfile(self._info(name, os.fstat(file.fileno()).st_size), reader)
        self.members[name] = BackupMember(bytes=reader.bytes, sha256=reader.sha256.hexdigest())

    def close_with(self, manifest: BackupManifest) -> None:
        """The manifest is the last member."""
        raw = manifest.model_dump_json(by_alias=True, indent=1).encode()
        self.tar.addfile(self._info(MANIFEST_MEMBER, len(raw)), io.BytesIO(raw))

    def _info(self, name: str, size_bytes: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size_bytes, MODE, int(self.made_at.timestamp())
        return info


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.sha256.update(chunk)
        self.bytes += len(chunk)
        return chunk


def back_up(config: Path, to: Path, *, with_pictures: bool) -> BackedUp:
    """Write an archive; a folder gets one named by the time. It is there whole, or not at all.

    The database is one moment of it (VACUUM INTO), also while the agent writes. Passwords and TLS keys are left out: a
    backup lies where they should not.

    Raises:
        BadInput: the configuration does not read, or the archive cannot be written, is there already, or is to lie in a
            folder that is not there.
        StoreError: the database cannot be copied.
    """
    laid = load_laid_over(config)
    settings = laid.plain
    now = SystemClock().now_utc()
    archive = to / f"edge-agent-{settings.site}-{now:%Y%m%d-%H%M%S}.tar" if to.is_dir() else to
    if archive is to and archive.suffix != ".tar" and not archive.exists():
        raise BadInput("there is no such folder: make it, or name a file that ends in .tar", path=archive)
    if archive.exists():
        raise BadInput("there is such a file already; a backup never replaces one, name another", path=archive)
    try:
        with (
            whole_file(archive, mode=MODE) as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            writing = _Archive(tar, now)
            for name, path in (*_files(settings, config), *_set_up(laid)):
                if path.exists():
                    writing.add(name, path)
            missing = _add_database(writing, settings.store.path, archive.parent, with_pictures=with_pictures)
            manifest = BackupManifest(
                created_at=now,
                agent_version=__version__,
                site=settings.site,
                pictures_missing=missing,
                members=writing.members,
            )
            writing.close_with(manifest)
    except OSError as refusal:
        raise BadInput(f"the backup cannot be written: {refusal.strerror or refusal}", path=archive) from refusal
    return BackedUp(archive=archive, manifest=manifest, left_out=tuple(map(str, _secrets(settings))))


def _files(settings: Settings, config: Path) -> list[tuple[str, Path]]:
    pointer = shelf_folder(settings.detector.pack) / POINTER_NAME
    return [(CONFIG, config), (MENU, settings.menu), (TOKENS, settings.api.tokens), (ACTIVE, pointer)]


def _set_up(laid: LaidOver) -> list[tuple[str, Path]]:
    """What was chosen on the Set-up pages."""
    return [(f"{FOLDER}/{name}", laid.folder / name) for name in (FILE, *laid.choices.files)]


def _secrets(settings: Settings) -> list[Path]:
    """The files with passwords and keys that the configuration names."""
    cameras = [station.camera.password_file for station in settings.stations if station.camera is not None]
    broker = None if settings.mqtt is None else settings.mqtt.password_file
    key = None if settings.api.tls is None else settings.api.tls.key
    return [path for path in (*cameras, broker, key) if path is not None]


def _add_database(writing: _Archive, path: Path, beside: Path, *, with_pictures: bool) -> int:
    """A copy of the database, and the pictures that this copy names; gives how many of those were gone."""
    if not path.exists():
        return 0
    missing, pictures = 0, PictureFolder(folder=pictures_beside(path))
    with tempfile.TemporaryDirectory(prefix=".edge-agent-backup-", dir=beside) as folder:
        copy = Path(folder) / DATABASE
        _vacuum_into(path, copy)
        writing.add(DATABASE, copy)
        if with_pictures:
            for name in _named_pictures(copy):
                try:
                    writing.add(f"pictures/{name}", pictures.path_of(name))
                except FileNotFoundError:
                    missing += 1
    return missing


def _vacuum_into(path: Path, copy: Path) -> None:
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=30.0, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as refusal:
        raise StoreError(in_words(path, refusal)) from refusal


def _named_pictures(copy: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        for (name,) in connection.execute("SELECT path FROM evidence WHERE path IS NOT NULL ORDER BY id"):
            yield str(name)
