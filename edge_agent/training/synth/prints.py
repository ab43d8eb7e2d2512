"""What is printed on paper and cardboard of the made-up house "Pass & Bun"; the receipt. sRGB (height, width, 3)."""

from __future__ import annotations

import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Print = NDArray[np.uint8]
FONT = cv2.FONT_HERSHEY_DUPLEX
HOUSE = "PASS&BUN"

RECEIPT_CM = (8.0, 15.0)
"""Width and length of the paper: the 80 mm roll of most ticket printers."""

QR_CM = 6.2
"""Side of the code with its quiet zone. A 640-pixel camera over a tray has about 11 px/cm: 2.7 px per module."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The colours of the packaging of one season ("#rrggbb")."""

    name: str
    main: str
    accent: str
    paper: str
    ink: str


EDITIONS = (
    Edition("classic", "#b3261e", "#f2b632", "#f4efe4", "#5a2a1c"),
    Edition("green", "#2f5d3a", "#e8c25a", "#f1eee2", "#27402d"),
    Edition("kraft", "#7a4a26", "#d8562b", "#c39a6b", "#3a2416"),
)


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour as three bytes."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def filled(colour: str, size_px: tuple[int, int] = (512, 512)) -> Print:
    """A print of one colour; the size is (width, height)."""
    return np.full((size_px[1], size_px[0], 3), rgb(colour), np.uint8)


def wrapper(rng: random.Random, edition: Edition, mark: str) -> Print:
    """Burger paper with a repeated motif; `mark` is the small letter that tells one burger from another, or ""."""
    picture = filled(edition.paper)
    step, turn = rng.randint(70, 110), rng.uniform(0, 180)
    motif = rng.choice(("name", "bun", "check"))
    for y in range(-step, 512 + step, step):
        for x in range(-step, 512 + step, step):
            shift = step // 2 if (y // step) % 2 else 0
            _motif(picture, motif, (x + shift, y), edition)
    matrix = cv2.getRotationMatrix2D((256, 256), turn, 1.35)
    picture = np.asarray(cv2.warpAffine(picture, matrix, (512, 512), borderMode=cv2.BORDER_REFLECT), np.uint8)
    if mark:
        centre = (rng.randint(190, 320), rng.randint(190, 320))
        cv2.circle(picture, centre, 34, rgb(edition.accent), -1, cv2.LINE_AA)
        cv2.putText(picture, mark, (centre[0] - 17, centre[1] + 17), FONT, 1.6, rgb(edition.ink), 3, cv2.LINE_AA)
    return picture


def _motif(picture: Print, motif: str, at: tuple[int, int], edition: Edition) -> None:
    x, y = at
    if motif == "name":
        cv2.putText(picture, HOUSE, (x - 40, y), FONT, 0.55, rgb(edition.main), 1, cv2.LINE_AA)
    elif motif == "bun":
        cv2.ellipse(picture, (x, y), (16, 12), 0, 180, 360, rgb(edition.main), -1, cv2.LINE_AA)
        cv2.rectangle(picture, (x - 16, y + 4), (x + 16, y + 8), rgb(edition.accent), -1)
    else:
        cv2.rectangle(picture, (x - 17, y - 17), (x + 17, y + 17), rgb(edition.main), -1)


def box_lid(rng: random.Random, edition: Edition, title: str) -> Print:
    """The top of a cardboard box."""
    picture = filled(edition.main)
    style = rng.choice(("band", "ring", "frame"))
    if style == "band":
        cv2.rectangle(picture, (0, 190), (512, 322), rgb(edition.accent), -1)
    elif style == "ring":
        cv2.circle(picture, (256, 256), 170, rgb(edition.accent), 26, cv2.LINE_AA)
    else:
        cv2.rectangle(picture, (60, 60), (452, 452), rgb(edition.paper), 16)
    _centred(picture, title, 256, 1.9, edition.paper if style != "band" else edition.ink, 4)
    _centred(picture, HOUSE, 330 if style != "band" else 372, 0.9, edition.paper, 2)
    return picture


def carton_front(rng: random.Random, edition: Edition, *, large: bool) -> Print:
    """The front of a fries carton; the large one has a broad band."""
    picture = filled(edition.main)
    if large:
        cv2.rectangle(picture, (0, 300), (512, 400), rgb(edition.accent), -1)
    else:
        for x in range(0, 512, 64):
            cv2.rectangle(picture, (x, 0), (x + 26, 512), rgb(edition.paper), -1)
    cv2.circle(picture, (256, 250), 92, rgb(edition.accent if not large else edition.paper), -1, cv2.LINE_AA)
    cv2.putText(picture, "P&B", (190, 272), FONT, 2.0, rgb(edition.main), 4, cv2.LINE_AA)
    if rng.random() < 0.3:
        picture = np.asarray(np.flip(picture, 1), np.uint8)
    return picture


def cup_side(rng: random.Random, edition: Edition) -> Print:
    """What runs around a cup, unrolled."""
    picture = filled(rng.choice((edition.paper, edition.main)))
    ink = edition.main if picture[0, 0, 0] == rgb(edition.paper)[0] else edition.paper
    for x in range(30, 512, 170):
        cv2.putText(picture, HOUSE, (x - 20, 250), FONT, 0.8, rgb(ink), 2, cv2.LINE_AA)
    cv2.rectangle(picture, (0, 380), (512, 430), rgb(edition.accent), -1)
    return picture


def sleeve(rng: random.Random, edition: Edition) -> Print:
    """The top of an apple-pie sleeve."""
    picture = filled(edition.accent)
    for offset in range(-512, 1024, 88):
        cv2.line(picture, (offset, 130), (offset + 250, 390), rgb(edition.main), 12, cv2.LINE_AA)
    cv2.rectangle(picture, (110, 205), (402, 305), rgb(edition.paper), -1)
    _centred(picture, rng.choice(("APPLE PIE", "HOT PIE")), 256, 1.5, edition.main, 3)
    return picture


def dip_lid(rng: random.Random, flavour: str) -> Print:
    """The foil of a sauce cup; the flavour is its colour."""
    picture = filled(flavour)
    cv2.ellipse(picture, (256, 256), (190, 120), rng.uniform(0, 360), 0, 360, (245, 240, 228), -1, cv2.LINE_AA)
    _centred(picture, rng.choice(("BBQ", "DIP", "MAYO", "CURRY", "SOUR")), 256, 2.2, "#301810", 5)
    return picture


def label(rng: random.Random, colour: str) -> Print:
    """A bottle's label."""
    picture = filled(colour)
    cv2.rectangle(picture, (0, 60), (512, 110), (240, 240, 240), -1)
    for x in range(0, 512, 256):
        cv2.putText(
            picture, rng.choice(("SPRING", "AQUA", "LEMON")), (x + 20, 280), FONT, 1.7, (240, 240, 240), 4, cv2.LINE_AA
        )
    return picture


def liner(rng: random.Random, edition: Edition) -> Print:
    """The paper on a tray, 4:3, and the spots of grease on it."""
    picture = filled(rng.choice((edition.paper, "#f7f5f0", "#efe7d6")), (1024, 768))
    if rng.random() < 0.3:
        step = rng.randint(60, 120)
        for y in range(0, 768, step):
            for x in range((y // step) % 2 * step // 2, 1024, step):
                _motif(picture, rng.choice(("name", "bun")), (x, y), edition)
    for _ in range(rng.randint(3, 9)):
        at = (rng.randint(40, 900), rng.randint(60, 720))
        _advert(picture, rng, at, rgb(rng.choice((edition.main, edition.accent, edition.ink))))
    return _stained(picture, rng)


def _advert(picture: Print, rng: random.Random, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    kind = rng.choice(("text", "text", "disc", "block", "frame"))
    if kind == "text":
        text = rng.choice((HOUSE, "fresh today", "taste the pass", "2 for 1", "since 1998", "NEW", "free wifi"))
        cv2.putText(picture, text, at, FONT, rng.uniform(0.8, 3.2), colour, rng.randint(1, 5), cv2.LINE_AA)
    elif kind == "disc":
        cv2.circle(picture, at, rng.randint(20, 130), colour, rng.choice((-1, 6)), cv2.LINE_AA)
    elif kind == "frame":
        end = (at[0] + rng.randint(120, 400), at[1] + rng.randint(60, 260))
        cv2.rectangle(picture, at, end, colour, rng.choice((-1, 4)))
    else:
        for row in range(rng.randint(4, 9)):
            y = at[1] + 14 * row
            cv2.line(picture, (at[0], y), (at[0] + rng.randint(120, 200), y), colour, 3)


def _stained(picture: Print, rng: random.Random) -> Print:
    """Grease makes paper darker where it soaks in."""
    height, width = picture.shape[:2]
    soaked = np.zeros((height, width), np.float32)
    for _ in range(rng.choice((0, 2, 5, 9))):
        at, size = (rng.randint(0, width), rng.randint(0, height)), (rng.randint(6, 60), rng.randint(6, 40))
        cv2.ellipse(soaked, at, size, rng.uniform(0, 180), 0, 360, rng.uniform(0.05, 0.22), -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(soaked, (0, 0), 2.5)
    tone = 1 - soft[..., None] * np.array([0.75, 0.9, 1.3], np.float32)
    return np.asarray(np.clip(picture * tone, 0, 255), np.uint8)


def receipt(rng: random.Random, order_tag: str, lines: tuple[str, ...]) -> Print:
    """The till's receipt with the order's tag as a QR code (`formats.marker` says what the text means)."""
    per_cm = 50
    width, height = (round(side * per_cm) for side in RECEIPT_CM)
    picture = np.full((height, width, 3), 246, np.uint8)
    _centred(picture, HOUSE, 55, 1.3, "#222222", 3)
    y = 110
    for text in lines[:7]:
        cv2.putText(picture, text[:18], (24, y), FONT, 0.75, (50, 50, 52), 2, cv2.LINE_AA)
        cv2.putText(
            picture, f"{rng.randint(1, 9)}.{rng.choice(('20', '50', '90'))}", (315, y), FONT, 0.75, (50, 50, 52), 2
        )
        y += 36
    side = round(QR_CM * per_cm)
    code = cv2.QRCodeEncoder.create().encode(order_tag)
    code = cv2.resize(np.asarray(code), (side, side), interpolation=cv2.INTER_NEAREST)
    left, top = (width - side) // 2, height - side - 24
    picture[top : top + side, left : left + side] = np.where(code[..., None] > 0, 246, 30)
    return picture


def screen(rng: random.Random) -> Print:
    """A phone's lit screen."""
    picture = filled(rng.choice(("#101418", "#e8ecf2", "#20324a", "#f6f6f6")))
    for row in range(rng.randint(3, 7)):
        colour = tuple(rng.randint(60, 220) for _ in range(3))
        cv2.rectangle(picture, (60, 60 + 60 * row), (rng.randint(240, 460), 96 + 60 * row), colour, -1)
    return picture


def _centred(picture: Print, text: str, y: int, scale: float, colour: str, thick: int) -> None:
    (width, height), _ = cv2.getTextSize(text, FONT, scale, thick)
    at = ((picture.shape[1] - width) // 2, y + height // 2)
    cv2.putText(picture, text, at, FONT, scale, rgb(colour), thick, cv2.LINE_AA)
