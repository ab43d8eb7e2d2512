"""Draw on a picture what the agent saw and thinks: boxes, names, scores, slots and the verdict. Pure functions.

All pictures are (height, width, 3), uint8, blue-green-red. Nothing is said by colour alone: each class has its name,
each verdict its shape and its word; a box that is too faint to count is thin and dashed.

`thresholds` are those that the checker uses: from `present` on a box is solid, from `possible` on dashed, and
below that it is not drawn.
"""

from __future__ import annotations

import colorsys
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from edge_agent.domain.detection import Detection, Observation
from edge_agent.domain.geometry import Box, Polygon
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.evaluation.slot_board import SlotState, Stage
from edge_agent.evaluation.wording import NO_ORDER, Shape, Sign, Tone, headline, sign_of
from edge_agent.ports import Picture

Colour = tuple[int, int, int]

BANNER_PX = 52
"""The height of the strip above a picture up to 960 px wide; wider pictures get twice, thrice … as much."""

INK: Colour = (28, 24, 22)
PAPER: Colour = (255, 255, 255)
MUTED: Colour = (190, 184, 178)
TONES: dict[Tone, Colour] = {
    Tone.GOOD: (96, 174, 39),
    Tone.BAD: (60, 60, 226),
    Tone.UNSURE: (32, 165, 245),
    Tone.CALM: (150, 140, 130),
}
CLASS_SHADES = ((0.70, 0.90), (0.50, 0.85), (0.82, 0.60))
"""Lightness and saturation of boxes: two classes of one hue still differ, and none is dark, as counters often are."""

MIDDLE_LUMA = 110

EMPTY_SIGN = Sign("No tray", Shape.SQUARE, Tone.CALM)
ARRIVING_SIGN = Sign("Tray comes", Shape.SQUARE, Tone.CALM)
LOOKING_SIGN = Sign("Looking", Shape.SQUARE, Tone.CALM)

_DEFAULT_THRESHOLDS = Thresholds()
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_READS_UNICODE = hasattr(cv2, "FontFace")  # OpenCV 5 draws every script; OpenCV 4 knows ASCII only


def paint(
    picture: Picture,
    observation: Observation,
    states: Sequence[SlotState],
    thresholds: Thresholds = _DEFAULT_THRESHOLDS,
) -> Picture:
    """The whole picture: slots outlined, what lies outside them black, boxes, and a banner above for every slot.

    Returns:
        a new picture, `banner_px(width)` higher than the given one.
    """
    slots = [state.slot for state in states]
    seen = [d for d in observation.detections if any(s.polygon.contains(d.box.centre) for s in slots)]
    drawn = paint_boxes(outside_blacked(picture, slots), seen, thresholds)
    if not _is_whole(slots, picture):
        for state in states:
            _outline(drawn, state)
    return with_banner(drawn, [_as_seen(state, observation, thresholds) for state in states], observation.at_s)


def _as_seen(state: SlotState, observation: Observation, thresholds: Thresholds) -> SlotState:
    """A slot whose next session is not announced yet (it may be the last one come back) is not empty to the eye."""
    inside = observation.within(state.slot.polygon).detections
    something = any(d.score >= thresholds.of(d.class_name).present for d in inside)
    return replace(state, stage=Stage.ARRIVING) if state.stage is Stage.EMPTY and something else state


def paint_slot(
    picture: Picture, observation: Observation, state: SlotState, thresholds: Thresholds = _DEFAULT_THRESHOLDS
) -> Picture:
    """Only one slot: cut to its bounds, black outside its polygon, with boxes and its banner."""
    inside = observation.within(state.slot.polygon)
    drawn = paint_boxes(outside_blacked(picture, [state.slot]), inside.detections, thresholds)
    return with_banner(_cut(drawn, state.slot.polygon.bounds), [state], observation.at_s)


def outside_blacked(picture: Picture, slots: Iterable[Slot]) -> Picture:
    """A copy that is black outside the slots: what happens around the trays is nobody's business."""
    slots = tuple(slots)
    if _is_whole(slots, picture):
        return np.array(picture)
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    for slot in slots:
        cv2.fillPoly(mask, [_corners(slot.polygon)], 255)
    return np.asarray(cv2.bitwise_and(picture, picture, mask=mask), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Mark:
    """How one detection is marked: what stands at its box, and in which colour."""

    text: str
    colour: Colour


def by_class(detection: Detection, *, faint: bool) -> Mark:
    """For who looks at the model: the class and the score, each class in a colour of its own."""
    del faint
    return Mark(f"{detection.class_name} {detection.score:.2f}", class_colour(detection.class_name))


Marking = Callable[..., Mark]
"""Called with a detection, and with `faint`: whether it is too faint to count."""


def paint_boxes(
    picture: Picture,
    detections: Iterable[Detection],
    thresholds: Thresholds = _DEFAULT_THRESHOLDS,
    marking: Marking = by_class,
    *,
    times: int = 1,
) -> Picture:
    """A copy with a box around every detection that may count, and what `marking` says of it; the likeliest on top.

    Lines and letters are as large as the picture's width asks for, and so many times that.
    """
    drawn: Picture = np.array(picture)
    unit = times * _unit(drawn.shape[1])
    visible = (d for d in detections if d.score >= thresholds.of(d.class_name).possible)
    rising = sorted(visible, key=lambda d: d.score)
    marked = []
    for detection in rising:
        faint = detection.score < thresholds.of(detection.class_name).present
        marked.append((detection.box, marking(detection, faint=faint)))
        _box(drawn, *marked[-1], unit, faint=faint)
    taken: list[tuple[int, int, int, int]] = []
    for box, mark in reversed(marked):
        _tag(drawn, box, mark, unit, taken)
    return drawn


def with_banner(picture: Picture, states: Sequence[SlotState], at_s: float) -> Picture:
    """The picture with a strip above it: per slot the verdict by colour, shape and word, the order, what is wrong."""
    width_px = picture.shape[1]
    banner = np.full((banner_px(width_px), width_px, 3), INK, dtype=np.uint8)
    clock = f"{at_s:.1f} s"
    unit = _unit(width_px)
    clock_px = _text_width(clock, 0.45 * unit) + 10 * unit
    left = 0
    for number, state in enumerate(states, start=1):
        right = width_px * number // len(states)
        label = state.slot.slot_id if len(states) > 1 else ""
        room_right = right - (clock_px if number == len(states) else 0)
        _status(banner, state, label, left, room_right)
        if number > 1:
            cv2.line(banner, (left, 0), (left, banner.shape[0]), MUTED, 1)
        left = right
    _write(banner, clock, (width_px - clock_px, 20 * unit), 0.45 * unit, MUTED)
    return np.concatenate([banner, picture]).astype(np.uint8, copy=False)


def banner_px(width_px: int) -> int:
    """How high the banner is above a picture of this width."""
    return BANNER_PX * _unit(width_px)


@lru_cache(maxsize=256)
def class_colour(class_name: str) -> Colour:
    """The colour of a class: the same in every picture, whatever else there is."""
    number = zlib.crc32(class_name.encode())
    red, green, blue = colorsys.hls_to_rgb(number % 359 / 359, *CLASS_SHADES[number // 359 % len(CLASS_SHADES)])
    return round(255 * blue), round(255 * green), round(255 * red)


def _unit(width_px: int) -> int:
    return max(1, round(width_px / 720))


def _is_whole(slots: Sequence[Slot], picture: Picture) -> bool:
    """Whether one slot, an upright rectangle, covers the whole picture."""
    height_px, width_px = picture.shape[:2]
    bounds = (slot.polygon.bounds for slot in slots if slot.polygon.area_px >= height_px * width_px)
    return any(b.left <= 0 and b.top <= 0 and b.right >= width_px and b.bottom >= height_px for b in bounds)


def _corners(polygon: Polygon) -> np.ndarray:
    return np.array([[round(c.x), round(c.y)] for c in polygon.corners], dtype=np.int32)


def _cut(picture: Picture, box: Box) -> Picture:
    top, left = max(0, int(box.top)), max(0, int(box.left))
    return np.ascontiguousarray(picture[top : max(top + 1, round(box.bottom)), left : max(left + 1, round(box.right))])


def _sign(state: SlotState) -> Sign:
    if state.stage is Stage.EMPTY:
        return EMPTY_SIGN
    if state.stage is Stage.ARRIVING:
        return ARRIVING_SIGN
    return sign_of(state.reached) if state.stage is Stage.JUDGED else LOOKING_SIGN


def _outline(picture: Picture, state: SlotState) -> None:
    unit = _unit(picture.shape[1])
    corners = [_corners(state.slot.polygon)]
    cv2.polylines(picture, corners, isClosed=True, color=INK, thickness=4 * unit, lineType=cv2.LINE_AA)
    cv2.polylines(
        picture, corners, isClosed=True, color=TONES[_sign(state).tone], thickness=2 * unit, lineType=cv2.LINE_AA
    )


def _status(banner: Picture, state: SlotState, label: str, left: int, right: int) -> None:
    """One slot's part of the banner: shape, word and number above, the phrase below."""
    unit = banner.shape[0] // BANNER_PX
    sign = _sign(state)
    size = 36 * unit
    _shape(banner, sign, left + 8 * unit + size // 2, banner.shape[0] // 2, size // 2)
    x = left + 16 * unit + size
    judged = state.stage is Stage.JUDGED
    numbers = "+".join(f"#{number}" for number in state.numbers) if judged else ""
    first = "  ".join(part for part in (label, sign.word, numbers, "ALERT" if state.alert_open else "") if part)
    _write(banner, _fitted(first, 0.62 * unit, right - x), (x, 22 * unit), 0.62 * unit, PAPER, bold=True)
    says = headline(state.reached) if judged and sign is not NO_ORDER else ""
    _write(banner, _fitted(says, 0.48 * unit, right - x), (x, 43 * unit), 0.48 * unit, PAPER)


def _shape(picture: Picture, sign: Sign, x: int, y: int, r: int) -> None:
    """A filled sign: circle with a tick, octagon with a cross, triangle with a question mark, square with a dash."""
    colour = TONES[sign.tone]
    pen = max(2, r // 5)
    ink = INK if sign.shape is Shape.TRIANGLE else PAPER
    if sign.shape is Shape.CIRCLE:
        cv2.circle(picture, (x, y), r, colour, -1, cv2.LINE_AA)
        tick = np.array([(x - r // 2, y), (x - r // 8, y + r // 3), (x + r // 2, y - r // 3)], dtype=np.int32)
        cv2.polylines(picture, [tick], isClosed=False, color=ink, thickness=pen, lineType=cv2.LINE_AA)
    elif sign.shape is Shape.OCTAGON:
        turns = np.pi / 8 + np.arange(8) * np.pi / 4
        corners = np.stack([x + r * np.cos(turns), y + r * np.sin(turns)], axis=1).round().astype(np.int32)
        cv2.fillPoly(picture, [corners], colour, cv2.LINE_AA)
        d = int(r * 0.42)
        cv2.line(picture, (x - d, y - d), (x + d, y + d), ink, pen, cv2.LINE_AA)
        cv2.line(picture, (x - d, y + d), (x + d, y - d), ink, pen, cv2.LINE_AA)
    elif sign.shape is Shape.TRIANGLE:
        corners = np.array([(x, y - r), (x + r, y + int(r * 0.8)), (x - r, y + int(r * 0.8))], dtype=np.int32)
        cv2.fillPoly(picture, [corners], colour, cv2.LINE_AA)
        scale = r / 20
        _write(picture, "?", (x - _text_width("?", scale) // 2, y + int(r * 0.62)), scale, ink, bold=True)
    else:
        cv2.rectangle(picture, (x - r, y - r), (x + r, y + r), colour, -1)
        cv2.line(picture, (x - r // 2, y), (x + r // 2, y), ink, pen, cv2.LINE_AA)


def _box(picture: Picture, box: Box, mark: Mark, unit: int, *, faint: bool) -> None:
    left, top, right, bottom = _rounded(box)
    if not faint:
        cv2.rectangle(picture, (left, top), (right, bottom), INK, 4 * unit)
        cv2.rectangle(picture, (left, top), (right, bottom), mark.colour, 2 * unit)
        return
    for start, end in _dashes(left, top, right, bottom, 8 * unit):
        cv2.line(picture, start, end, INK, 2 * unit)
        cv2.line(picture, start, end, mark.colour, unit)


def _dashes(
    left: int, top: int, right: int, bottom: int, dash_px: int
) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
    for x in range(left, right, 2 * dash_px):
        for y in (top, bottom):
            yield (x, y), (min(x + dash_px, right), y)
    for y in range(top, bottom, 2 * dash_px):
        for x in (left, right):
            yield (x, y), (x, min(y + dash_px, bottom))


def _tag(picture: Picture, box: Box, mark: Mark, unit: int, taken: list[tuple[int, int, int, int]]) -> None:
    """What is said of a box above it, inside it where there is no room, and never over another tag if avoidable."""
    left, top, _, bottom = _rounded(box)
    width, height = _text_width(mark.text, 0.45 * unit) + 8 * unit, 17 * unit
    x = max(0, min(left, picture.shape[1] - width))
    places = [top - height, top, bottom - height, bottom, top + height]
    inside = [y for y in places if 0 <= y <= picture.shape[0] - height] or [0]
    free = [y for y in inside if not any(_meet((x, y, x + width, y + height), other) for other in taken)]
    y = (free or inside)[0]
    taken.append((x, y, x + width, y + height))
    cv2.rectangle(picture, (x, y), (x + width, y + height), mark.colour, -1)
    cv2.rectangle(picture, (x, y), (x + width, y + height), INK, unit)
    _write(picture, mark.text, (x + 4 * unit, y + height - 5 * unit), 0.45 * unit, _readable_on(mark.colour))


def _meet(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _rounded(box: Box) -> tuple[int, int, int, int]:
    return round(box.left), round(box.top), round(box.right), round(box.bottom)


def _readable_on(colour: Colour) -> Colour:
    """Black or white, whichever stands out more (luma of ITU-R BT.601)."""
    blue, green, red = colour
    return INK if 0.114 * blue + 0.587 * green + 0.299 * red > MIDDLE_LUMA else PAPER


def _fitted(text: str, scale: float, room_px: int) -> str:
    """The text, shortened so that it fits."""
    if _text_width(text, scale) <= room_px:
        return text
    while text and _text_width(text + "...", scale) > room_px:
        text = text[: -max(1, len(text) // 20)]
    return text + "..." if text else ""


def _text_width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(_drawable(text), _FONT, scale, 1)[0][0])


def _write(
    picture: Picture, text: str, at: tuple[int, int], scale: float, colour: Colour, *, bold: bool = False
) -> None:
    cv2.putText(picture, _drawable(text), at, _FONT, scale, colour, 2 if bold else 1, cv2.LINE_AA)


def _drawable(text: str) -> str:
    """What the font can draw: no control characters, and plain letters for those that an older OpenCV lacks."""
    text = "".join(c for c in text if c.isprintable())
    if _READS_UNICODE:
        return text
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace").decode()
