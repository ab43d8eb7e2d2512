"""Boxes from orders: label files for trays of which only counts are known, and for boxes under coarser names.

A restaurant never draws boxes, but for every tray it knows how many of what should lie there. `alignment` says which
box is which item; here a photograph's story is believed, or left out, and written down for a student to learn from.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.formats.recordings import TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.training.alignment import Aligned, SeenTray, Story, align, is_part_of
from edge_agent.training.boxed import BoxedPhotograph, label_lines, read_boxes
from edge_agent.training.sightings import CLEARLY, Floats, Sighting, share_inside

logger = logging.getLogger(__name__)

OFTEN = 0.2
"""A coarser name that stands for at least this share of an item's clear sightings may be the name of its boxes."""
LIKELY, FAINT = 0.5, 0.1
"""A thing without a box that looks so much like an item nobody boxed is one; between the two nobody can tell."""

HARDLY = 0.6
"""Below this score the teacher may have drawn only a piece of the thing."""
PIECE_LOOKS, PIECE_SHARES = 0.3, 0.25
"""A piece looks like the thing with such a chance, and shares so much of its area, or of the chosen box's."""

PixelBox = tuple[float, float, float, float]


class Looks(Protocol):
    """Something that looks at photographs, such as `sightings.Teacher.look`."""

    def __call__(self, photograph: Path, *, also: Sequence[PixelBox] = ()) -> Sighting:
        """The candidates of one photograph, given boxes first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """When a photograph's story is believed.

    The bounds are loose, because the counts have ruled out most that could be wrong: of the pictures looked at, four in
    five were right even where the weakest box was given a chance of 0.02 to 0.15.

    Attributes:
        weakest: every box is its item with at least this chance.
        surplus: what nobody ordered is something with at most this chance.
        inside: no box lies in another one by more than this share (an item is rarely a part of another).
        agreeing: so many photographs of the tray must be believed, for any of them to be.
    """

    weakest: float = 0.05
    surplus: float = 0.6
    inside: float = 0.7
    agreeing: int = 2


@dataclass(frozen=True, slots=True)
class CountedTray:
    """A tray of which only the photographs and the counts are known."""

    tray_id: str
    photographs: tuple[Path, ...]
    counts: Mapping[str, int]
    hard: bool = False
    """The model is known to have been wrong about it."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What a teacher made of trays: the photographs with their label files, and how the items look."""

    photographs: tuple[BoxedPhotograph, ...]
    seen: tuple[SeenTray, ...]
    aligned: Aligned


def counted_trays(folder: TrayFolder, *, apart: Sequence[TrayBlock]) -> tuple[CountedTray, ...]:
    """The trays to learn from: those marked sure that are in none of the blocks kept apart.

    Raises:
        BadRecording: a block holds no tray; with a slip in it, trays that were to be kept apart would teach.
    """
    folder.refuse_empty(apart)
    return tuple(
        CountedTray(tray.tray_id, tuple(folder.root / image for image in tray.images), dict(tray.contents), tray.hard)
        for tray in folder.trays.values()
        if tray.sure and not any(tray.tray_id in block for block in apart)
    )


def label_trays(
    trays: Sequence[CountedTray],
    items: Sequence[str],
    into: Path,
    *,
    look: Looks,
    accept: Acceptance,
    on_tray: OnStep = nobody_looks,
) -> Taught:
    """Write a label file for every believed photograph into the folder; `on_tray` is told how many were looked at.

    Raises:
        BadRecording: a photograph does not read.
        ValueError: the trays are too few.
    """
    into.mkdir(parents=True, exist_ok=True)
    looked_at: list[SeenTray] = []
    for tray in trays:
        looked_at.append(SeenTray(tray.tray_id, tuple(map(look, tray.photographs)), tray.counts))
        on_tray(len(looked_at), len(trays))
    seen = tuple(looked_at)
    aligned = align(seen, items)
    labelled: list[BoxedPhotograph] = []
    for tray, shots, stories in zip(trays, seen, aligned.stories, strict=True):
        good = [_is_believed(shot, story, accept) for shot, story in zip(shots.shots, stories, strict=True)]
        if sum(good) < min(accept.agreeing, len(good)):
            continue
        shot_names = _shot_names(tray.photographs)
        for path, name, shot, story, believed in zip(
            tray.photographs, shot_names, shots.shots, stories, good, strict=True
        ):
            if believed:
                boxes = whole_boxes(shot, story, items, aligned.looks.chances(shot))
                labels = into / f"{tray.tray_id}-{name}.txt"
                labels.write_text(label_lines(boxes, shot.size_px), encoding="ascii")
                labelled.append(BoxedPhotograph(path, labels, dict(tray.counts)))
    total = sum(len(tray.photographs) for tray in trays)
    logger.info("%d of %d photographs of %d trays are believed", len(labelled), total, len(trays))
    return Taught(tuple(labelled), seen, aligned)


def _shot_names(photographs: Sequence[Path]) -> Sequence[str]:
    """What tells the photographs of a tray apart: the names of their files where those differ, else their numbers."""
    stems = [path.stem for path in photographs]
    return stems if len(set(stems)) == len(stems) else [str(number) for number in range(len(stems))]


@dataclass(frozen=True, slots=True)
class Naming:
    """How the classes of drawn boxes and the items of orders belong together.

    Attributes:
        classes: the drawn classes, in the order of their labels.
        items: the names to learn, in the order of the labels to write: the items of the orders, then the classes that
            none of those stands for.
        stands_for: for each class the names that its boxes may get.
        new: items that nobody drew under any name.
    """

    classes: tuple[str, ...]
    items: tuple[str, ...]
    stands_for: Mapping[str, tuple[str, ...]]
    new: tuple[str, ...]

    @classmethod
    def of(
        cls, taught: Taught, classes: Sequence[str], ordered: Sequence[str], *, keep: Collection[str] = ()
    ) -> Naming:
        """From what a teacher of those classes calls the things that orders name; `keep` are classes that stay."""
        calls = names_given(taught, classes)
        unknown = [item for item in ordered if item not in classes]
        clear = {item: sum(calls[item].values()) - calls[item]["?"] for item in unknown}
        stands_for = {
            # A class that no order names under any other name stays what it is.
            name: (() if name in ordered or name in keep else _called(name, unknown, clear, calls)) or (name,)
            for name in classes
        }
        kept = tuple(name for name in classes if name not in ordered and stands_for[name] == (name,))
        new = tuple(item for item in unknown if calls[item]["?"] > sum(calls[item].values()) / 2)
        return cls(tuple(classes), (*ordered, *kept), stands_for, new)

    @classmethod
    def of_boxes(
        cls,
        photographs: Sequence[BoxedPhotograph],
        classes: Sequence[str],
        items: Sequence[str],
        names: Sequence[str],
        *,
        look: Looks,
    ) -> Naming:
        """From what a teacher that knows the items already calls the things in drawn boxes.

        Args:
            photographs: those that were boxed under the classes.
            classes: the drawn classes, in the order of their labels.
            items: what orders name.
            names: the teacher's classes, in the order of its scores.
            look: the teacher.

        Raises:
            BadRecording: a photograph does not read.
        """
        drawn: dict[str, Counter[str]] = {item: Counter() for item in items}
        for photograph in photographs:
            given = read_boxes(photograph, look(photograph.path).size_px)
            shot = look(photograph.path, also=[box for _, box in given])
            for (index, _), scores in zip(given, shot.scores, strict=False):  # the given boxes come first
                called = names[int(scores.argmax())]
                if scores.max() >= CLEARLY and called in drawn:
                    drawn[called][classes[index]] += 1
        clear = {item: sum(under.values()) for item, under in drawn.items()}
        unknown = [item for item in items if item not in classes]
        stands_for = {
            name: (() if name in items else _called(name, unknown, clear, drawn)) or (name,) for name in classes
        }
        kept = tuple(name for name in classes if name not in items and stands_for[name] == (name,))
        return cls(tuple(classes), (*items, *kept), stands_for, tuple(item for item in unknown if not clear[item]))


def _called(
    name: str, unknown: Sequence[str], clear: Mapping[str, int], calls: Mapping[str, Counter[str]]
) -> tuple[str, ...]:
    return tuple(item for item in unknown if calls[item][name] >= OFTEN * clear[item] > 0)


def rename_boxes(
    photographs: Sequence[BoxedPhotograph], naming: Naming, into: Path, *, look: Looks, taught: Taught
) -> tuple[BoxedPhotograph, ...]:
    """Label boxed photographs by the items of the orders, where those are finer than the boxes' classes, or new.

    A box keeps its name where that is an item; else it becomes the likeliest of the items that its class stands for. A
    thing without a box that looks like an item nobody boxed gets one, and where it is hard to tell, the photograph is
    left out: else the student would learn that the new item is nothing.

    Raises:
        BadRecording: a photograph or a label does not read.
    """
    into.mkdir(parents=True, exist_ok=True)
    items = naming.items
    new = [items.index(item) for item in naming.new]
    renamed: list[BoxedPhotograph] = []
    for photograph in photographs:
        given = read_boxes(photograph, look(photograph.path).size_px)
        shot = look(photograph.path, also=[box for _, box in given])
        chances = taught.aligned.looks.chances(shot)
        boxes = []
        for row, (index, _) in enumerate(given):
            allowed = [items.index(item) for item in naming.stands_for[naming.classes[index]]]
            item = allowed[0] if len(allowed) == 1 else allowed[int(chances[row][allowed].argmax())]
            boxes.append((item, shot.boxes[row]))
        free = [row for row in range(len(given), len(shot.boxes)) if not is_part_of(shot, row, range(len(given)))]
        unboxed = [(row, *max((float(chances[row, item]), item) for item in new)) for row in free if new]
        if any(FAINT <= chance < LIKELY for _, chance, _ in unboxed):
            continue
        boxes += [(item, shot.boxes[row]) for row, chance, item in unboxed if chance >= LIKELY]
        labels = into / photograph.label_path.name
        labels.write_text(label_lines(boxes, shot.size_px), encoding="ascii")
        counts = Counter(items[item] for item, _ in boxes)
        renamed.append(BoxedPhotograph(photograph.path, labels, dict(counts)))
    return tuple(renamed)


def whole_boxes(
    shot: Sighting, story: Story, items: Sequence[str], chances: npt.NDArray[np.float64]
) -> list[tuple[int, Floats]]:
    """The index of each chosen item and its box, together with the pieces around it that look like it.

    A thing that the teacher hardly knows comes in pieces: two halves of a banana are two boxes, and neither is right.
    """
    taken = {item.candidate for item in story.chosen}
    boxes = []
    for item in story.chosen:
        if item.candidate is None:
            continue
        column, box = items.index(item.name), shot.boxes[item.candidate]
        if shot.scores[item.candidate].max() < HARDLY:
            alike = [int(row) for row in np.flatnonzero(chances[:, column] >= PIECE_LOOKS) if row not in taken]
            pieces = [row for row in alike if _share(shot.boxes[row], box) >= PIECE_SHARES]
            around = shot.boxes[[item.candidate, *pieces]]
            box = np.concatenate([around[:, :2].min(axis=0), around[:, 2:].max(axis=0)])
        boxes.append((column, box))
    return boxes


def _share(box: Floats, other: Floats) -> float:
    return float(max(share_inside(box, other[None])[0], share_inside(other, box[None])[0]))


def names_given(taught: Taught, classes: Sequence[str]) -> dict[str, Counter[str]]:
    """For each item, what a teacher of these classes clearly calls the things chosen for it; `?`: nothing clearly."""
    calls: dict[str, Counter[str]] = {name: Counter() for name in taught.aligned.looks.names}
    for tray, stories in zip(taught.seen, taught.aligned.stories, strict=True):
        for shot, story in zip(tray.shots, stories, strict=True):
            for item in story.chosen:
                if item.candidate is not None:
                    scores = shot.scores[item.candidate]
                    calls[item.name][classes[int(scores.argmax())] if scores.max() >= CLEARLY else "?"] += 1
    return calls


def _is_believed(shot: Sighting, story: Story, accept: Acceptance) -> bool:
    if story.weakest < accept.weakest or story.surplus > accept.surplus:
        return False
    boxes = shot.boxes[[item.candidate for item in story.chosen if item.candidate is not None]]
    return all(
        share_inside(box, np.delete(boxes, row, axis=0)).max(initial=0.0) <= accept.inside
        for row, box in enumerate(boxes)
    )
