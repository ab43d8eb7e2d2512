"""The folder of a box's model packs, with a small file that says which one is active, and a journal beside it.

    models/
        canteen/            a pack
        canteen-3/          another
        active              one line: the name of the active pack's folder
        activations.jsonl   what was activated when and why, only ever added to

Decision 0007 says why the pointer is a file.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_agent.domain.said import reason_of, say
from edge_agent.errors import BadInput, BadModelPack
from edge_agent.formats.activations import Activation, activation_line, read_activation
from edge_agent.formats.pack import MANIFEST_NAME
from edge_agent.formats.whole_file import sync_folder, write_whole

logger = logging.getLogger(__name__)

POINTER_NAME = "active"
JOURNAL_NAME = "activations.jsonl"

MAX_POINTER_BYTES = 1_000
MAX_JOURNAL_LINE_BYTES = 100_000

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def led_to(path: Path) -> Path:
    """The pack's folder that a configured path leads to.

    The path may be a pack itself, the pointer `models/active`, or a folder with such a pointer and no manifest. Any
    other path is returned as it is, for `ModelPack.load` to complain about.

    Raises:
        BadModelPack: the pointer is damaged, or what it names is not there.
    """
    if (path / MANIFEST_NAME).exists():
        return path
    if path.is_dir() and (path / POINTER_NAME).is_file():
        return ModelShelf(folder=path).active_pack()
    if path.name == POINTER_NAME and not path.is_dir():
        return ModelShelf(folder=path.parent).active_pack()
    return path


def shelf_folder(configured: Path) -> Path:
    """The folder of packs that a configured path belongs to."""
    holds_pointer = not (configured / MANIFEST_NAME).exists() and (configured / POINTER_NAME).is_file()
    return configured if holds_pointer else configured.parent


def follows_pointer(configured: Path, shelf: Path) -> bool:
    """Whether an agent configured with this path runs what the pointer of `shelf` says."""
    if (configured / MANIFEST_NAME).exists():
        return False
    here = configured if configured.is_dir() else configured.parent if configured.name == POINTER_NAME else None
    return here is not None and here.resolve() == shelf.resolve()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShelf:
    """The folder, its pointer and its journal."""

    folder: Path

    @property
    def pointer_path(self) -> Path:
        return self.folder / POINTER_NAME

    @property
    def journal_path(self) -> Path:
        return self.folder / JOURNAL_NAME

    def packs(self) -> tuple[Path, ...]:
        """The folders that hold a manifest, by name.

        Raises:
            BadModelPack: there is no such folder.
        """
        try:
            return tuple(sorted(path for path in self.folder.iterdir() if (path / MANIFEST_NAME).exists()))
        except OSError as refusal:
            said = f"the folder of model packs cannot be read: {refusal.strerror}"
            raise BadModelPack(said, path=self.folder) from refusal

    def name_of(self, pack: Path) -> str:
        """The name by which the pointer can name this pack.

        Raises:
            BadModelPack: the pack lies elsewhere, or its folder's name could not be told from damage.
        """
        whole = Path(os.path.abspath(pack))  # noqa: PTH100  resolve() would follow a pack that is itself a link
        if whole.parent.resolve() != self.folder.resolve():
            said = f"the pack does not lie in {self.folder.resolve()}; copy the folder there first, then name the copy"
            raise BadModelPack(said, path=pack)
        if not _FOLDER_NAME.fullmatch(whole.name):
            said = "the folder's name needs letters, digits, dots, dashes and underscores only; rename it"
            raise BadModelPack(said, path=pack)
        return whole.name

    def active(self) -> str | None:
        """The name of the active pack's folder; None where nothing was activated yet.

        Raises:
            BadModelPack: the pointer does not read.
        """
        mend = say(
            "do_activate", "activate a pack again with 'edge-agent models activate' (on an installed box with sudo)"
        )
        try:
            with self.pointer_path.open("rb") as file:
                raw = file.read(MAX_POINTER_BYTES)
        except FileNotFoundError:
            return None
        except OSError as refusal:
            raise BadModelPack(
                say("pointer_unreadable", "it cannot be read: {why}; {do}", why=reason_of(refusal), do=mend),
                path=self.pointer_path,
            ) from refusal
        name = raw.decode("ascii", errors="replace").strip()
        if not _FOLDER_NAME.fullmatch(name):
            said = say(
                "pointer_line", "it should hold one line, the name of a pack's folder, and does not; {do}", do=mend
            )
            raise BadModelPack(said, path=self.pointer_path)
        return name

    def active_pack(self) -> Path:
        """The folder of the active pack.

        Raises:
            BadModelPack: nothing is active, or the pointer is damaged, or what it names is not there.
        """
        name = self.active()
        if name is None:
            said = say(
                "pointer_none",
                "no pack is active yet; name one with 'edge-agent models activate PACK_DIR' "
                "(on an installed box with sudo)",
            )
            raise BadModelPack(said, path=self.pointer_path)
        if not (self.folder / name / MANIFEST_NAME).exists():
            said = say(
                "pointer_astray",
                "it names '{name}', but {folder} holds no {manifest}; copy that pack back, or go back with "
                "'edge-agent models rollback' (on an installed box with sudo)",
                name=name,
                folder=self.folder / name,
                manifest=MANIFEST_NAME,
            )
            raise BadModelPack(said, path=self.pointer_path)
        return self.folder / name

    def pointed_at(self) -> str | None:
        """As `active`, and None with a warning where the pointer does not read: for what mends it."""
        try:
            return self.active()
        except BadModelPack as damage:
            logger.warning("%s", damage)
            return None

    def activations(self) -> tuple[Activation, ...]:
        """The journal, oldest first, without the lines that do not read."""
        try:
            with self.journal_path.open("rb") as file:
                return tuple(self._read(file))
        except FileNotFoundError:
            return ()
        except OSError as refusal:
            raise BadInput(f"the journal cannot be read: {refusal.strerror}", path=self.journal_path) from refusal

    def switch(self, activation: Activation) -> None:
        """Write the journal, then move the pointer. Whatever breaks in, one of the two packs is active, and whole.

        Raises:
            BadInput: another pack was activated meanwhile, or the folder cannot be written.
        """
        try:
            with self._journal_locked() as journal:
                now = self.pointed_at()
                if now not in (None, activation.from_pack):
                    said = f"meanwhile '{now}' was activated; nothing was changed, compare with that one"
                    raise BadInput(said, path=self.pointer_path)
                _append(journal, activation_line(activation).encode())
                sync_folder(self.folder)  # the journal may be new
                self._point_at(activation.to_pack)
        except OSError as refusal:
            raise BadInput(f"it cannot be written: {refusal.strerror}", path=self.folder) from refusal

    def _point_at(self, name: str) -> None:
        write_whole(self.pointer_path, f"{name}\n")

    @contextmanager
    def _journal_locked(self) -> Iterator[BinaryIO]:
        with self.journal_path.open("a+b") as journal:
            fcntl.flock(journal, fcntl.LOCK_EX)  # given back when the file is closed, also by a kill
            yield journal

    def _read(self, file: BinaryIO) -> Iterator[Activation]:
        for number, raw in enumerate(iter(lambda: file.readline(MAX_JOURNAL_LINE_BYTES), b""), start=1):
            if not raw.strip():
                continue
            try:
                yield read_activation(raw, path=self.journal_path, line=number)
            except BadInput as damage:
                logger.warning("%s; the line is passed over", damage)


def _append(file: BinaryIO, line: bytes) -> None:
    """Add a line; after a torn one on a line of its own."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            line = b"\n" + line
    file.write(line)
    file.flush()
    os.fsync(file.fileno())
