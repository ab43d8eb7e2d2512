"""Lay items of some photographs onto others, so that a student sees them in company and places that no tray had.

Cut and paste (Dwibedi, Misra, Hebert 2017, "Cut, Paste and Learn"); items are cut out of their boxes by GrabCut
(Rother, Kolmogorov, Blake 2004). A photograph takes items only from the same shot of other trays, which shares its
exposure and its distance; one whose name says no shot that others share stays as it is.

Distractors come along, without a label (the same paper): things that nobody ordered and that draw a teacher's score,
such as sachets and badges. Each lies on a tray or two, and is learned there by heart rather than as nothing.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.ports import Picture
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.training.boxed import BoxedPhotograph, Distractor, label_lines, read_boxes
from edge_agent.training.sightings import Floats, share_inside

logger = logging.getLogger(__name__)

Mask = npt.NDArray[np.uint8]
"""Shape (height, width); 255 where the thing is."""

MOST_PASTED = 2
"""A tray takes one or so many further items; more would not fit on most."""

ALONE = 0.05
"""A thing is cut out only where no other box covers more of its own than this share: else it takes a piece along."""

COVERED = 0.25
"""A pasted item covers at most this share of any box, or is covered. People stack more; a run with half was worse."""

DISTRACTED = 0.5
"""So often a repetition is to carry a distractor, where there is one that it can."""

MOST_SHOWN = 8
"""So often at most a distractor of a photograph is pasted: it may be an item all the same, that nobody counted."""

BESIDE = 0.5
"""A distractor may be covered by another thing's box by this share: only what is left of it is cut out."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """When a cut-out is taken for the thing.

    Attributes:
        fills: the share of its box that it fills: less is a piece of the thing, more is the tray around it.
        spans: it reaches over at least this share of its box, across and along.
    """

    fills: tuple[float, float]
    spans: float


WHOLE = _Cut((0.3, 0.95), 0.8)
PERHAPS_A_PIECE = _Cut((0.15, 0.95), 0.5)
"""Of a distractor the teacher's boxes are loose, and a piece of one distracts as well."""

AROUND_PX = 10
"""Pixels around a box that GrabCut takes for the tray."""

CUTS = 4
"""How often GrabCut goes over a thing; its edge hardly moves after that."""

SOFT_PX = 1.2
"""How softly a pasted edge melts into the picture (standard deviation)."""

TURNED_DEG, ZOOMED = 25.0, (0.9, 1.1)

PLACES = 30
"""So many places are tried for an item before it is left out."""

JPEG_QUALITY = 92

NO_BOXES = np.empty((0, 4), np.float32)

FULL, HALF = 255, 128
"""A mask where the thing is, and on its turned edge."""


PASTING: Mapping[str, float] = MappingProxyType(
    {"most_pasted": MOST_PASTED, "covered": COVERED, "distracted": DISTRACTED, "most_shown": MOST_SHOWN}
)
"""What pictures are made by; a fit that began with others is not gone on in."""


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """A thing that can be cut out: class index (None: a distractor), box in pixels, and what lies into that box."""

    photograph: BoxedPhotograph
    index: int | None
    box: Floats
    others: Floats


def vary_repeats(
    photographs: Sequence[BoxedPhotograph],
    names: Sequence[str],
    into: Path,
    *,
    seed: int,
    distractors: Sequence[Distractor] = (),
    read_photograph: Callable[[Path], Picture],
    on_picture: OnStep = nobody_looks,
) -> tuple[BoxedPhotograph, ...]:
    """Let each repetition of a photograph carry one or two further items, rare ones more often, and some a distractor.

    Pictures and labels are written into the folder. A repetition on which nothing finds a place stays as it is.

    Args:
        photographs: some of them several times, as `repeating.evened` gives them.
        names: the classes, in the order of the labels.
        into: a folder for the pictures.
        seed: of all that is random; the same gives the same pictures.
        distractors: things that are no items, and get no label.
        read_photograph: reads a photograph as uint8, (height, width, 3), blue, green, red.
        on_picture: told how many of the photographs are done.

    Raises:
        BadRecording: a photograph does not read.
        OSError: the folder cannot be written to, or the disk is full.
    """
    into.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(seed)
    shelf, distracting = _shelf(photographs, read_photograph), _Distracting(distractors, read_photograph)
    often = Counter(item.index for items in shelf.values() for item in items)
    shown = Counter[Path]()
    varied: list[BoxedPhotograph] = []
    for photograph in photographs:
        made = None
        if shown[photograph.label_path]:
            # By the root, as photographs are repeated: a thing that was boxed three times must not be everywhere.
            of_others = [item for item in shelf[_shot(photograph)] if _name(item.photograph) != _name(photograph)]
            weights = np.array([often[item.index] ** -0.5 for item in of_others])
            chosen = dice.choice(len(of_others), 2 * MOST_PASTED, p=weights / weights.sum()) if of_others else ()
            items = [of_others[k] for k in chosen]
            if distractors and dice.random() < DISTRACTED:
                items = [*distracting.drawn(photograph, dice), *items]
            target = into / f"{_name(photograph)}-shown-{len(varied)}"
            made = _with_items(photograph, items, names, target, dice, read_photograph)
        shown[photograph.label_path] += 1
        varied.append(made or photograph)
        on_picture(len(varied), len(photographs))
    pasted = sum(one is not other for one, other in zip(varied, photographs, strict=True))
    logger.info("on %d of %d photographs something is pasted", pasted, len(varied))
    return tuple(varied)


def _name(photograph: BoxedPhotograph) -> str:
    """Tray and shot; a photograph that was boxed and counted too has two label files of this name."""
    return photograph.label_path.stem


def _shot(photograph: BoxedPhotograph) -> str:
    """Which shot of its tray a photograph is, by its name: `TRAY/2.jpg` or `TRAY-2.jpg`."""
    return photograph.path.stem.rpartition("-")[2]


def _shelf(
    photographs: Sequence[BoxedPhotograph], read_photograph: Callable[[Path], Picture]
) -> Mapping[str, list[_Item]]:
    """All that lies alone, by the shot it stands on."""
    shelf: dict[str, list[_Item]] = defaultdict(list)
    for photograph in {each.label_path: each for each in photographs}.values():
        height, width = read_photograph(photograph.path).shape[:2]
        labels = read_boxes(photograph, (width, height))
        boxes = np.array([box for _, box in labels], np.float32).reshape(-1, 4)
        margins = np.concatenate([boxes[:, :2], np.array([width, height]) - boxes[:, 2:]], axis=1)
        inside = (margins > AROUND_PX).all(axis=1)
        for row in np.flatnonzero(inside):
            if share_inside(boxes[row], np.delete(boxes, row, axis=0)).max(initial=0.0) <= ALONE:
                shelf[_shot(photograph)].append(_Item(photograph, labels[row][0], boxes[row], NO_BOXES))
    return shelf


class _Distracting:
    """The distractors, by the shot they stand on; what cannot be cut out, or was shown enough, is taken off."""

    def __init__(self, distractors: Sequence[Distractor], read_photograph: Callable[[Path], Picture]) -> None:
        self._all, self._read = distractors, read_photograph
        self._shown = Counter[int]()
        self._shelf: dict[str, list[int]] = defaultdict(list)
        for number, each in enumerate(distractors):
            self._shelf[_shot(each.photograph)].append(number)

    def drawn(self, onto: BoxedPhotograph, dice: np.random.Generator) -> list[_Item]:
        """One of another photograph at random, if there is any."""
        shelf = self._shelf[_shot(onto)]
        while others := [number for number in shelf if _name(self._all[number].photograph) != _name(onto)]:
            number = others[int(dice.integers(len(others)))]
            item = self._item(self._all[number])
            self._shown[number] += 1
            if item is None or self._shown[number] == MOST_SHOWN:
                shelf.remove(number)
            if item is not None:
                return [item]
        return []

    def _item(self, distractor: Distractor) -> _Item | None:
        picture, box = self._read(distractor.photograph.path), np.array(distractor.box, np.float32)
        height, width = picture.shape[:2]
        labels = read_boxes(distractor.photograph, (width, height))
        others = np.array([other for _, other in labels], np.float32).reshape(-1, 4)
        if min(*box[:2], width - box[2], height - box[3]) <= AROUND_PX:
            return None
        if share_inside(box, others).max(initial=0.0) > BESIDE:
            return None
        item = _Item(distractor.photograph, None, box, others)
        return item if _cut_out(picture, item) is not None else None


def _with_items(
    photograph: BoxedPhotograph,
    items: Sequence[_Item],
    names: Sequence[str],
    target: Path,
    dice: np.random.Generator,
    read_photograph: Callable[[Path], Picture],
) -> BoxedPhotograph | None:
    """The photograph with the first one or two of the items that can be cut out and find a place, or None if none does.

    A distractor among them comes on top, and gets no label.
    """
    picture = read_photograph(photograph.path).copy()
    size_px = (picture.shape[1], picture.shape[0])
    lying: list[tuple[int | None, Floats]] = [
        (index, np.array(box, np.float32)) for index, box in read_boxes(photograph, size_px)
    ]
    before, most = len(lying), len(lying) + int(dice.integers(1, MOST_PASTED + 1))
    for item in items if lying else ():
        cut = _cut_out(read_photograph(item.photograph.path), item)
        if cut is None:
            continue
        thing, mask = _turned(*cut, dice)
        place = _free_place(mask, np.array([box for _, box in lying]), dice, size_px)
        if place is not None:
            _paste(picture, thing, mask, place)
            lying.append((item.index, place))
            most += item.index is None
        if len(lying) == most:
            break
    if len(lying) == before:
        return None
    path, labels = target.with_name(f"{target.name}.jpg"), target.with_name(f"{target.name}.txt")
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    path.write_bytes(encoded.tobytes())
    labelled = [(index, box) for index, box in lying if index is not None]
    labels.write_text(label_lines(labelled, size_px), encoding="ascii")
    return BoxedPhotograph(path, labels, dict(Counter(names[index] for index, _ in labelled)))


def _cut_out(picture: Picture, item: _Item) -> tuple[Picture, Mask] | None:
    """The thing in its box with what is around it, and its mask; None where the cut looks wrong.

    Of a distractor what lies in the boxes of others is left away.
    """
    left, top, right, bottom = (round(float(side)) for side in item.box)
    width, height = right - left, bottom - top
    if min(width, height) < 2 * AROUND_PX:
        return None
    part = picture[top - AROUND_PX : bottom + AROUND_PX, left - AROUND_PX : right + AROUND_PX].copy()
    labels = np.full(part.shape[:2], cv2.GC_BGD, np.uint8)
    labels[AROUND_PX : AROUND_PX + height, AROUND_PX : AROUND_PX + width] = cv2.GC_PR_FGD
    others = np.round(item.others - np.array(2 * [left - AROUND_PX, top - AROUND_PX])).clip(min=0).astype(int)
    for x1, y1, x2, y2 in others:
        labels[y1:y2, x1:x2] = cv2.GC_PR_BGD
    bounds = PERHAPS_A_PIECE if item.index is None else WHOLE
    if np.count_nonzero(labels == cv2.GC_PR_FGD) < bounds.fills[0] * width * height:
        return None
    # Its colour models begin at random.
    cv2.setRNGSeed(0)
    frame = (AROUND_PX, AROUND_PX, width, height)
    cv2.grabCut(part, labels, frame, np.zeros((1, 65)), np.zeros((1, 65)), CUTS, cv2.GC_INIT_WITH_MASK)
    mask = np.where((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), FULL, 0).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    # The largest piece without its holes: a shine on a plate is plate.
    whole = cv2.drawContours(np.zeros_like(mask), [max(contours, key=cv2.contourArea)], -1, FULL, cv2.FILLED)
    for x1, y1, x2, y2 in others:
        whole[y1:y2, x1:x2] = 0
    _, _, across, along = cv2.boundingRect(whole)
    fills = np.count_nonzero(whole) / (width * height)
    spans = min(across / width, along / height)
    good = bounds.fills[0] <= fills <= bounds.fills[1] and spans >= bounds.spans
    return (part, whole.astype(np.uint8)) if good else None


def _turned(thing: Picture, mask: Mask, dice: np.random.Generator) -> tuple[Picture, Mask]:
    """Turned a little, a little larger or smaller, perhaps mirrored; cut down to where the mask is."""
    height, width = mask.shape
    side = int(np.hypot(height, width) * ZOOMED[1]) + 2
    turn = cv2.getRotationMatrix2D(
        (width / 2, height / 2), float(dice.uniform(-TURNED_DEG, TURNED_DEG)), float(dice.uniform(*ZOOMED))
    )
    turn[:, 2] += [(side - width) / 2, (side - height) / 2]
    if dice.integers(2):
        turn[0] = [-turn[0, 0], -turn[0, 1], side - 1 - turn[0, 2]]
    turned = cv2.warpAffine(thing, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    covers = cv2.warpAffine(mask, turn, (side, side))
    x, y, across, along = cv2.boundingRect(cv2.inRange(covers, HALF, FULL))
    part = (slice(y, y + along), slice(x, x + across))
    return turned[part].astype(np.uint8), covers[part].astype(np.uint8)


def _free_place(mask: Mask, boxes: Floats, dice: np.random.Generator, size_px: tuple[int, int]) -> Floats | None:
    """A box for the thing within what the items span, which lies on the tray; None if there is no room."""
    size = np.array(mask.shape[::-1])
    for _ in range(PLACES):
        corner = np.round(dice.uniform(boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)) - size / 2)
        place = np.concatenate([corner, corner + size]).astype(np.float32)
        if (corner < 0).any() or (corner + size > size_px).any():
            continue
        covered = max(float(share_inside(box, place[None])[0]) for box in boxes)
        if max(covered, float(share_inside(place, boxes).max())) <= COVERED:
            return place
    return None


def _paste(picture: Picture, thing: Picture, mask: Mask, place: Floats) -> None:
    left, top, right, bottom = (int(side) for side in place)
    soft = cv2.GaussianBlur(mask.astype(np.float32) / FULL, (0, 0), SOFT_PX)[..., None]
    under = picture[top:bottom, left:right]
    under[:] = np.round(thing * soft + under * (1 - soft))
