"""Collect a restaurant's own labelled trays out of its store, as a folder that training and evaluation read."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.picture_folder import PictureFolder
from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_store import pictures_beside
from edge_agent.app.own_checks import OwnCheck, checks_of
from edge_agent.checking.labels import Label, LabelKind, NoLabel, label_of
from edge_agent.domain.menu import Menu
from edge_agent.errors import BadInput, StoreError
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest
from edge_agent.formats.recordings import MAX_PHOTOGRAPHS, PhotographedTray
from edge_agent.ports import EventHistory
from edge_agent.ports.steps import OnStep, nobody_looks

TRAY_NAME = "own"
"""Tray ids are NAME-NUMBER; the number is that of the session in the store, so it rises with time and never changes."""


@dataclass(frozen=True, slots=True)
class LabelledTray:
    """One tray with its label; `number` is its session's in the store."""

    number: int
    label: Label

    @property
    def tray_id(self) -> str:
        return f"{TRAY_NAME}-{self.number}"


WHAT_MAKES_A_LABEL = (
    "What makes a label: a blind audit of a tray's pictures, or the crew's word at the pass, "
    "an alert answered 'system wrong' or 'fixed'; a match that only the system saw is none"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a store has to teach.

    Attributes:
        into: the folder that was written; None where only a look was wanted.
        sessions: how many trays of the store were looked at.
        trays: labelled trays by kind of label.
        passed_over: the other trays, by why they have no label.
        classes: per class on how many labelled trays it lies, most frequent first.
        new_classes: those of them that the model does not know; None where no model was named.
        photographs: how many pictures the labelled trays have.
        checks: how many orders were written beside them, each with what a perfect model would say of it.
        made_up: how many of those nobody ordered: wrong orders, made up so that there are some to catch.
    """

    sessions: int
    trays: Mapping[LabelKind, int]
    passed_over: Mapping[NoLabel, int]
    classes: Mapping[str, int]
    new_classes: Mapping[str, int] | None
    photographs: int
    checks: int = 0
    made_up: int = 0
    into: Path | None = None

    @property
    def labelled(self) -> int:
        return sum(self.trays.values())

    @property
    def hard(self) -> int:
        """On how many trays the model is known to have been wrong."""
        return self.trays.get(LabelKind.SYSTEM_WRONG, 0)

    def as_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "into": None if self.into is None else str(self.into),
            "sessions": self.sessions,
            "labelled": self.labelled,
            "hard": self.hard,
            "photographs": self.photographs,
            "checks": self.checks,
            "made_up": self.made_up,
            "trays": {kind.value: count for kind, count in self.trays.items()},
            "passed_over": {why.name.lower(): count for why, count in self.passed_over.items()},
            "classes": dict(self.classes),
            "new_classes": None if self.new_classes is None else dict(self.new_classes),
        }


def collect(
    db: Path,
    menu: Path,
    into: Path | None,
    since: date | None = None,
    *,
    known: Collection[str] | None = None,
    on_tray: OnStep = nobody_looks,
    page: int = 500,
) -> Collected:
    """Write the labelled trays of a store as a folder of trays (`formats.recordings.open_trays`).

    Nothing of the store is changed, and nothing leaves the machine. The folder appears whole or not at all.

    Args:
        db: the store's database; its pictures lie beside it.
        menu: today's menu; it says how the items look.
        into: the folder to write, which does not exist or is empty; None only counts.
        since: trays stored before this day (UTC) are not looked at.
        known: the classes that the model knows, for `new_classes`.
        on_tray: told how many trays were looked at, of about how many.
        page: so many trays are in memory at a time.

    Raises:
        BadConfig: the menu does not read.
        BadInput: the database does not read, the folder cannot be written, or no tray has a label to write there.
    """
    if into is not None:
        _refuse_full(into)
    loaded = load_menu(menu).menu
    pictures = PictureFolder(folder=pictures_beside(db))
    trays, passed_over = _labelled(_looked_at(db, loaded, since, on_tray, page), pictures)
    if not trays and into is not None:
        raise BadInput(_no_label(passed_over, since), path=db)
    checks = [check for tray in trays for check in checks_of(tray.number, tray.tray_id, tray.label, loaded)]
    if into is not None:
        _write(into, trays, checks, pictures)
    counted = _counted(trays, passed_over, known)
    return replace(counted, into=into, checks=len(checks), made_up=sum(check.made_up for check in checks))


def _counted(trays: Sequence[LabelledTray], passed_over: Counter[NoLabel], known: Collection[str] | None) -> Collected:
    kinds = Counter(tray.label.kind for tray in trays)
    classes = dict(Counter(name for tray in trays for name in tray.label.contents).most_common())
    return Collected(
        sessions=len(trays) + passed_over.total(),
        trays={kind: kinds[kind] for kind in LabelKind if kinds[kind]},
        passed_over=dict(passed_over.most_common()),
        classes=classes,
        new_classes=None if known is None else {name: n for name, n in classes.items() if name not in known},
        photographs=sum(len(tray.label.pictures) for tray in trays),
    )


def classes_of(pack: Path) -> tuple[str, ...]:
    """The classes that a pack, or the active one, says it knows.

    Raises:
        BadModelPack: there is no such pack, or its manifest does not read.
    """
    return tuple(load_manifest(led_to(pack) / MANIFEST_NAME).classes)


def _labelled(
    looked_at: Iterable[tuple[int, Label | NoLabel]], pictures: PictureFolder
) -> tuple[list[LabelledTray], Counter[NoLabel]]:
    """The labelled trays, oldest first, and why the others have no label."""
    trays: list[LabelledTray] = []
    passed_over: Counter[NoLabel] = Counter()
    for number, label in looked_at:
        found = label if isinstance(label, NoLabel) else _with_pictures(label, pictures)
        if isinstance(found, NoLabel):
            passed_over[found] += 1
        else:
            trays.append(LabelledTray(number, found))
    return sorted(trays, key=lambda tray: tray.number), passed_over


def _looked_at(
    db: Path, menu: Menu, since: date | None, on_tray: OnStep, limit: int
) -> Iterator[tuple[int, Label | NoLabel]]:
    """Every tray of the store with its label, newest first, a page at a time: a year of them need not fit in memory."""
    done, before, total = 0, None, 0
    first_day = "" if since is None else since.isoformat()
    try:
        history: EventHistory = SqliteHistory(path=db)
        while page := history.sessions(limit=limit, before=before, since=first_day):
            judged = history.judged([check.check_id for session in page for check in session.checks])
            for session in page:
                yield session.number, label_of(session, judged, menu)
            done, before = done + len(page), page[-1].number
            total = total or page[0].number
            on_tray(done, max(total, done))
    except StoreError as error:
        raise BadInput(str(error)) from error


def _with_pictures(label: Label, pictures: PictureFolder) -> Label | NoLabel:
    """The label with the latest of its pictures that are there; one may have been deleted by hand."""
    there = tuple(name for name in label.pictures if pictures.path_of(name).is_file())
    return replace(label, pictures=there[-MAX_PHOTOGRAPHS:]) if there else NoLabel.NO_PICTURE


def _no_label(passed_over: Counter[NoLabel], since: date | None) -> str:
    reasons = "; ".join(f"{count} x {why.value}" for why, count in passed_over.most_common())
    none = "it has no tray" if since is None else f"it has no tray of {since} or later"
    found = f"none of its {passed_over.total()} trays has a label ({reasons})" if reasons else none
    return f"{found}. {WHAT_MAKES_A_LABEL}"


def _refuse_full(into: Path) -> None:
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise BadInput("this is there already; name a new folder, or empty this one", path=into)
    if not into.absolute().parent.is_dir():
        raise BadInput(f"the folder {into.absolute().parent} does not exist", path=into)


def _write(into: Path, trays: Sequence[LabelledTray], checks: Sequence[OwnCheck], pictures: PictureFolder) -> None:
    """Write beside the folder and rename, so that a full disk leaves no half of it."""
    try:
        with tempfile.TemporaryDirectory(dir=into.absolute().parent, prefix=f".{into.name}-") as scratch:
            unfinished = Path(scratch) / "trays"
            unfinished.mkdir()
            entries = [_tray(tray, pictures, unfinished) for tray in trays]
            _write_lines(unfinished / "trays.jsonl", entries)
            _write_lines(unfinished / "orders.jsonl", [check.as_json() for check in checks])
            unfinished.replace(into)
    except OSError as error:
        raise BadInput(f"the trays cannot be written: {error.strerror}", path=into) from error


def _tray(tray: LabelledTray, pictures: PictureFolder, root: Path) -> dict[str, Any]:
    images = tuple(f"photos/{tray.tray_id}/{n}.jpg" for n in range(len(tray.label.pictures)))
    (root / "photos" / tray.tray_id).mkdir(parents=True)
    for image, name in zip(images, tray.label.pictures, strict=True):
        _link(pictures.path_of(name), root / image)
    label = tray.label
    entry = PhotographedTray(
        tray_id=tray.tray_id, images=images, contents=dict(label.contents), hard=label.hard, note=label.kind.value
    )
    return entry.model_dump(mode="json")


def _link(picture: Path, to: Path) -> None:
    """A second name for the file where the disk can do that, else a copy."""
    try:
        os.link(picture, to)
    except OSError:
        shutil.copyfile(picture, to)


def _write_lines(path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry, allow_nan=False) + "\n" for entry in entries)
