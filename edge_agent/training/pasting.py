"""Lay items of some photographs onto others, so that a student sees them in company and places that no tray had.

Cut and paste (Dwibedi, Misra, Hebert 2017, "Cut, Paste and Learn"); items are cut out of their boxes by GrabCut
(Rother, Kolmogorov, Blake 2004). A photograph takes items only from the same shot of other trays, which shares its
exposure and its distance; one whose name says no shot that others share stays as it is.
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
from edge_agent.training.boxed import BoxedPhotograph, label_lines, read_boxes
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

FILLS = (0.3, 0.95)
"""A cut-out fills this share of its box: less is a piece of the thing, more is the tray around it."""

SPANS = 0.8
"""A cut-out reaches over at least this share of its box, across and along."""

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

FULL, HALF = 255, 128
"""A mask where the thing is, and on its turned edge."""

PASTING: Mapping[str, float] = MappingProxyType({"most_pasted": MOST_PASTED, "covered": COVERED})
"""What pictures are made by; a fit that began with others is not gone on in."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A labelled thing that lies alone on its photograph: class index, and box in pixels."""

    photograph: BoxedPhotograph
    index: int
    box: Floats


def vary_repeats(
    photographs: Sequence[BoxedPhotograph],
    names: Sequence[str],
    into: Path,
    *,
    seed: int,
    read_photograph: Callable[[Path], Picture],
    on_picture: OnStep = nobody_looks,
) -> tuple[BoxedPhotograph, ...]:
    """Let each repetition of a photograph carry one or two further items, rare ones more often.

    Pictures and labels are written into the folder. A repetition on which nothing finds a place stays as it is.

    Args:
        photographs: some of them several times, as `repeating.evened` gives them.
        names: the classes, in the order of the labels.
        into: a folder for the pictures.
        seed: of all that is random; the same gives the same pictures.
        read_photograph: reads a photograph as uint8, (height, width, 3), blue, green, red.
        on_picture: told how many of the photographs are done.

    Raises:
        BadRecording: a photograph does not read.
        OSError: the folder cannot be written to, or the disk is full.
    """
    into.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(seed)
    shelf = _shelf(photographs, read_photograph)
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
            target = into / f"{_name(photograph)}-shown-{len(varied)}"
            made = _with_items(photograph, [of_others[k] for k in chosen], names, target, dice, read_photograph)
        shown[photograph.label_path] += 1
        varied.append(made or photograph)
        on_picture(len(varied), len(photographs))
    pasted = sum(one is not other for one, other in zip(varied, photographs, strict=True))
    logger.info("%d of %d photographs carry pasted items", pasted, len(varied))
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
                shelf[_shot(photograph)].append(_Item(photograph, labels[row][0], boxes[row]))
    return shelf


def _with_items(
    photograph: BoxedPhotograph,
    items: Sequence[_Item],
    names: Sequence[str],
    target: Path,
    dice: np.random.Generator,
    read_photograph: Callable[[Path], Picture],
) -> BoxedPhotograph | None:
    """The photograph with the first of the items that can be cut out and find a place, or None if none does."""
    picture = read_photograph(photograph.path).copy()
    size_px = (picture.shape[1], picture.shape[0])
    lying = [(index, np.array(box, np.float32)) for index, box in read_boxes(photograph, size_px)]
    before, most = len(lying), len(lying) + int(dice.integers(1, MOST_PASTED + 1))
    for item in items if lying else ():
        cut = _cut_out(read_photograph(item.photograph.path), item.box)
        if cut is None:
            continue
        thing, mask = _turned(*cut, dice)
        place = _free_place(mask, np.array([box for _, box in lying]), dice, size_px)
        if place is not None:
            _paste(picture, thing, mask, place)
            lying.append((item.index, place))
        if len(lying) == most:
            break
    if len(lying) == before:
        return None
    path, labels = target.with_name(f"{target.name}.jpg"), target.with_name(f"{target.name}.txt")
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    path.write_bytes(encoded.tobytes())
    labels.write_text(label_lines(lying, size_px), encoding="ascii")
    return BoxedPhotograph(path, labels, dict(Counter(names[index] for index, _ in lying)))


def _cut_out(picture: Picture, box: Floats) -> tuple[Picture, Mask] | None:
    """The thing in a box with what is around it, and its mask; None where the cut looks wrong."""
    left, top, right, bottom = (round(float(side)) for side in box)
    width, height = right - left, bottom - top
    if min(width, height) < 2 * AROUND_PX:
        return None
    part = picture[top - AROUND_PX : bottom + AROUND_PX, left - AROUND_PX : right + AROUND_PX].copy()
    labels = np.zeros(part.shape[:2], np.uint8)
    # Its colour models begin at random.
    cv2.setRNGSeed(0)
    frame = (AROUND_PX, AROUND_PX, width, height)
    cv2.grabCut(part, labels, frame, np.zeros((1, 65)), np.zeros((1, 65)), CUTS, cv2.GC_INIT_WITH_RECT)
    mask = np.where((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), FULL, 0).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    # The largest piece without its holes: a shine on a plate is plate.
    whole = cv2.drawContours(np.zeros_like(mask), [max(contours, key=cv2.contourArea)], -1, FULL, cv2.FILLED)
    _, _, across, along = cv2.boundingRect(whole)
    fills = np.count_nonzero(whole) / (width * height)
    good = FILLS[0] <= fills <= FILLS[1] and across >= SPANS * width and along >= SPANS * height
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
