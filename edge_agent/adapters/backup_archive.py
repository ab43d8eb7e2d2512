"""Reading an archive that `edge-agent backup` wrote, without trusting it."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from edge_agent.errors import BadInput
from edge_agent.formats.backup import (
    ACTIVE,
    CONFIG,
    MANIFEST_MEMBER,
    MAX_MANIFEST_BYTES,
    MAX_SETUP_MEMBERS,
    MENU,
    PICTURE_MEMBER,
    SETUP_MEMBER,
    TOKENS,
    BackupManifest,
    is_known_member,
)
from edge_agent.formats.orders import first_complaint

CHUNK_BYTES = 1_000_000
MAX_SMALL_BYTES = 2_000_000
SMALL = (CONFIG, MENU, TOKENS, ACTIVE)
"""What is small enough to be held in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupArchive:
    """An archive whose every member was held to its hash; `small` has the contents of all but database and pictures."""

    path: Path
    manifest: BackupManifest
    small: dict[str, bytes]

    @property
    def pictures(self) -> list[str]:
        """The names of the pictures, below their folder."""
        return [name.removeprefix("pictures/") for name in self.manifest.members if PICTURE_MEMBER.fullmatch(name)]

    def copy_out(self, target_of: Callable[[str], Path | None]) -> None:
        """Write members to where `target_of` says; None leaves one out. Held to their hashes once more.

        Raises:
            BadInput: the archive changed meanwhile, or the disk refuses.
        """
        with _members(self.path) as members:
            for name, file in members:
                target = target_of(name) if name in self.manifest.members else None
                if target is None:
                    continue
                try:
                    with target.open("xb") as out:
                        digest = _pumped(file, out)
                except OSError as refusal:
                    raise BadInput(f"it cannot be written: {refusal.strerror}", path=target) from refusal
                if digest != self.manifest.members[name].sha256:
                    target.unlink()
                    raise BadInput(f"{name} changed while it was read; nothing was put back", path=self.path)


def open_archive(path: Path) -> BackupArchive:
    """Read the whole archive and hold it to its manifest.

    Raises:
        BadInput: it is no such archive, it is cut off or damaged, or it holds what a backup never does.
    """
    hashes: dict[str, tuple[int, str]] = {}
    small: dict[str, bytes] = {}
    manifest: BackupManifest | None = None
    with _members(path) as members:
        for name, file in members:
            if manifest is not None or name in hashes:
                raise BadInput(f"'{name}' stands where a backup has nothing; it was tampered with", path=path)
            if name == MANIFEST_MEMBER:
                manifest = _manifest(file.read(MAX_MANIFEST_BYTES + 1), path)
            elif name in SMALL or SETUP_MEMBER.fullmatch(name):
                if len(small) >= len(SMALL) + MAX_SETUP_MEMBERS:
                    raise BadInput("it holds more of the Set-up pages than a backup does", path=path)
                raw = small[name] = file.read(MAX_SMALL_BYTES + 1)
                hashes[name] = len(raw), hashlib.sha256(raw).hexdigest()
            elif is_known_member(name):
                nowhere = _Counting()
                digest = _pumped(file, nowhere)
                hashes[name] = nowhere.bytes, digest
            else:
                raise BadInput(f"'{name}' is no member of a backup; nothing was put back", path=path)
    if manifest is None:
        raise BadInput("the archive has no manifest: it was cut off, or is no backup of the agent", path=path)
    told = {name: (member.bytes, member.sha256) for name, member in manifest.members.items()}
    if wrong := sorted(name for name in {*told, *hashes} if told.get(name) != hashes.get(name)):
        raise BadInput(f"{wrong[0]} is not what the manifest says: the archive is damaged", path=path)
    return BackupArchive(path=path, manifest=manifest, small=small)


class _Counting:
    """Writes nowhere, and counts."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, chunk: bytes) -> int:
        self.bytes += len(chunk)
        return len(chunk)


def _manifest(raw: bytes, path: Path) -> BackupManifest:
    try:
        return BackupManifest.model_validate_json(raw[:MAX_MANIFEST_BYTES])
    except ValidationError as refusal:
        raise BadInput(f"the manifest does not read: {first_complaint(refusal)}", path=path) from refusal


def _pumped(source: IO[bytes], out: IO[bytes] | _Counting) -> str:
    """Copy to the end; gives the sha256."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        out.write(chunk)
    return digest.hexdigest()


@contextmanager
def _members(path: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The members, one after the other. Links, folders and devices are refused, whatever they are called."""
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            yield _regular(tar, path)
    except FileNotFoundError as refusal:
        raise BadInput("there is no such file", path=path) from refusal
    except (tarfile.TarError, EOFError) as refusal:
        raise BadInput(f"this is no archive that can be read: {refusal}", path=path) from refusal
    except OSError as refusal:
        raise BadInput(f"it cannot be read: {refusal.strerror or refusal}", path=path) from refusal


def _regular(tar: tarfile.TarFile, path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    while (member := tar.next()) is not None:
        file = tar.extractfile(member) if member.isreg() else None
        if file is None:
            raise BadInput(f"'{member.name}' is no plain file; nothing was put back", path=path)
        yield member.name, file
        tar.members = []  # type: ignore[attr-defined]  # a million pictures need no list of them
