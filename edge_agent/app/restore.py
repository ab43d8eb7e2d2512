"""Put a backup back: prove it whole, then change one file after the other, the database last; keep what was there."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.adapters.backup_archive import BackupArchive, open_archive
from edge_agent.adapters.file_in_use import nobody_else
from edge_agent.adapters.model_shelf import POINTER_NAME, shelf_folder
from edge_agent.adapters.picture_folder import PictureFolder
from edge_agent.adapters.sqlite_migrations import in_words, pending
from edge_agent.adapters.sqlite_store import pictures_beside
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.errors import BadInput, StoreError
from edge_agent.formats.backup import ACTIVE, CONFIG, DATABASE, MENU, SETUP_MEMBER, TOKENS
from edge_agent.formats.pack import MANIFEST_NAME
from edge_agent.formats.whole_file import sync_folder, whole_file
from edge_agent.formats.yaml_file import load_yaml
from edge_agent.settings import Settings
from edge_agent.settings.setup import FILE, FOLDER

NEW_MODES = {CONFIG: 0o640, MENU: 0o644, TOKENS: 0o600, ACTIVE: 0o644, DATABASE: 0o600}
"""Of files that were not there before; the others keep theirs."""

SETUP_MODE = 0o640
_CHOICES = f"{FOLDER}/{FILE}"

FOLLOWERS = ("-wal", "-shm")
"""What SQLite keeps beside a database: of another one, it would be written into the new one."""


@dataclass(slots=True, kw_only=True)
class Restored:
    """What went where, what was kept aside, and what still has to be done."""

    archive: Path
    created_at: str
    targets: dict[str, Path]
    pictures: int
    is_rehearsal: bool
    aside: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "archive": str(self.archive),
            "created_at": self.created_at,
            "dry_run": self.is_rehearsal,
            "files": {name: str(path) for name, path in self.targets.items()},
            "pictures": self.pictures,
            "kept_aside": [str(path) for path in self.aside],
            "notes": self.notes,
        }

    def as_lines(self) -> list[str]:
        would = "would go" if self.is_rehearsal else "went"
        lines = [f"{self.archive}, of {self.created_at}, is whole"]
        lines += [f"{name} {would} to {path}" for name, path in self.targets.items()]
        lines += [f"{self.pictures} pictures {would} beside the database"] if self.pictures else []
        return [*lines, *(f"kept aside: {path}" for path in self.aside), *self.notes]


def restore_from(archive: Path, config: Path, *, dry_run: bool = False) -> Restored:
    """Put a backup back. The configuration in it, read from the place of `config`, says where everything goes.

    Nothing is changed before the whole archive was held to its hashes and the database was found whole.

    A rehearsal (`dry_run`) changes nothing at all, and may be held beside a running agent.

    Raises:
        BadInput: the archive is damaged or holds what it must not, or a file cannot be written.
        Conflict: the agent runs.
        StoreError: the database in it is damaged, or of a newer version.
    """
    backup = open_archive(archive)
    settings = _settings_in(backup, config)
    store = settings.store.path
    done = Restored(
        archive=archive,
        created_at=backup.manifest.created_at.isoformat(timespec="seconds"),
        targets={
            name: path
            for name, path in {**_set_up(backup, store), **_places(settings, config)}.items()
            if name in backup.manifest.members
        },
        pictures=len(backup.pictures),
        is_rehearsal=dry_run,
    )
    _leave_out_absent_pack(done, backup, settings)
    if not dry_run:
        with _explained(), nobody_else(store):
            pass  # known before anything is copied
    with _explained(), _workplace(None if dry_run else store.parent) as place:
        fresh = place / DATABASE
        if DATABASE in done.targets:
            backup.copy_out(lambda name: fresh if name == DATABASE else None)
            _refuse_unfit(fresh)
        if not dry_run:
            _put_back(done, backup, fresh, store)
    return done


def _settings_in(backup: BackupArchive, config: Path) -> Settings:
    if CONFIG not in backup.small:
        raise BadInput("the archive holds no configuration; it is no backup of the agent", path=backup.path)
    with tempfile.TemporaryDirectory(prefix="edge-agent-restore-") as folder:
        copy = Path(folder) / CONFIG
        copy.write_bytes(backup.small[CONFIG])
        return load_yaml(copy, Settings).relative_to(config.parent)


def _places(settings: Settings, config: Path) -> dict[str, Path]:
    """Where each member goes, in the order in which they are replaced: the database, which is run on, last."""
    pointer = shelf_folder(settings.detector.pack) / POINTER_NAME
    return {
        CONFIG: config,
        MENU: settings.menu,
        TOKENS: settings.api.tokens,
        ACTIVE: pointer,
        DATABASE: settings.store.path,
    }


def _set_up(backup: BackupArchive, store: Path) -> dict[str, Path]:
    """Where what was chosen on the Set-up pages goes; the choices last, since they name the others."""
    names = sorted((name for name in backup.small if SETUP_MEMBER.fullmatch(name)), key=lambda name: name == _CHOICES)
    return {name: store.parent / name for name in names}


def _leave_out_absent_pack(done: Restored, backup: BackupArchive, settings: Settings) -> None:
    """A pointer to a pack that is not here would keep the agent from starting; packs are in no backup."""
    name = backup.small.get(ACTIVE, b"").decode("ascii", errors="replace").strip()
    folder = shelf_folder(settings.detector.pack)
    if ACTIVE in done.targets and not (folder / name / MANIFEST_NAME).is_file():
        del done.targets[ACTIVE]
        done.notes.append(
            f"the backup ran the model pack '{name}', which is not in {folder}: copy it there, then "
            f"'edge-agent models activate {folder / name}'"
        )


def _refuse_unfit(database: Path) -> None:
    """Raises StoreError where the database is damaged, none of ours, or of a newer version."""
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            pending(connection, database)
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as refusal:
        raise StoreError(in_words(database, refusal)) from refusal
    if verdict != "ok":
        raise StoreError(f"the database in the backup is damaged: {verdict}; nothing was put back")


def _put_back(done: Restored, backup: BackupArchive, fresh: Path, store: Path) -> None:
    stamp = f"before-restore-{SystemClock().now_utc():%Y%m%d-%H%M%S}"
    with nobody_else(store):
        _add_pictures(backup, store)
        _make_way_for_setup(done, store, stamp)
        for name, path in done.targets.items():
            if name != DATABASE:
                _replace(done, path, backup.small[name], NEW_MODES.get(name, SETUP_MODE), stamp)
        if DATABASE in done.targets:
            _as_before(store, fresh, NEW_MODES[DATABASE])
            _keep(done, store, stamp)
            for follower in FOLLOWERS:
                _keep(done, store.with_name(store.name + follower), stamp)
                store.with_name(store.name + follower).unlink(missing_ok=True)
            fresh.replace(store)
            sync_folder(store.parent)


def _make_way_for_setup(done: Restored, store: Path, stamp: str) -> None:
    """A backup from before anything was chosen means that nothing is chosen; else there must be a folder for it."""
    choices = store.parent / _CHOICES
    if _CHOICES not in done.targets:
        _keep(done, choices, stamp)
        choices.unlink(missing_ok=True)
    elif not choices.parent.is_dir():
        choices.parent.mkdir(mode=0o750, parents=True)
        _owned_like(store.parent.stat(), choices.parent)


def _add_pictures(backup: BackupArchive, store: Path) -> None:
    """Those that are not there; a name holds a part of its picture's hash, so the same name is the same picture."""
    folder = PictureFolder(folder=pictures_beside(store))
    made: list[Path] = []

    def wanted(name: str) -> Path | None:
        if not name.startswith("pictures/"):
            return None
        path = folder.path_of(name.removeprefix("pictures/"))
        if path.is_file() and path.stat().st_size == backup.manifest.members[name].bytes:
            return None
        for each in (folder.folder, path.parent):
            if not each.is_dir():
                each.mkdir()
                made.append(each)
        path.unlink(missing_ok=True)
        made.append(path)
        return path

    if backup.pictures:
        store.parent.mkdir(parents=True, exist_ok=True)
        backup.copy_out(wanted)
    for each in made:
        _owned_like(store.parent.stat(), each)


def _replace(done: Restored, path: Path, raw: bytes, mode: int, stamp: str) -> None:
    if path.is_file() and path.read_bytes() == raw:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path, mode=0o600) as fresh:
        fresh.write(raw)
        _as_before(path, fresh.fileno(), mode)
        _keep(done, path, stamp)


def _keep(done: Restored, path: Path, stamp: str) -> None:
    """The file under a second name, as it is; the first stays until the new one takes its place."""
    if not path.exists():
        return
    aside = _aside(path, stamp)
    os.link(path, aside)
    done.aside.append(aside)


def _aside(path: Path, stamp: str) -> Path:
    """`edge.sqlite-wal` becomes `edge.sqlite.STAMP-wal`, so that SQLite still knows whose it is."""
    for follower in FOLLOWERS:
        if path.name.endswith(follower):
            return path.with_name(f"{path.name.removesuffix(follower)}.{stamp}{follower}")
    return path.with_name(f"{path.name}.{stamp}")


def _as_before(old: Path, fresh: Path | int, mode: int) -> None:
    """The new file may be read and written by whom the old one could; else by whom the folder belongs to."""
    known = old.stat() if old.exists() else None
    os.chmod(fresh, mode if known is None else stat.S_IMODE(known.st_mode))  # noqa: PTH101 (or an open file's number)
    _owned_like(known or old.parent.stat(), fresh)


def _owned_like(known: os.stat_result, path: Path | int) -> None:
    if os.geteuid() == 0:  # only root may give files away
        os.chown(path, known.st_uid, known.st_gid)


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    """Room for the database, on the disk that it is to go to."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".edge-agent-restore-", dir=folder) as made:
        yield Path(made)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as refusal:
        place = refusal.filename if isinstance(refusal.filename, str) else None
        raise BadInput(f"it cannot be put back: {refusal.strerror or refusal}", path=place) from refusal
