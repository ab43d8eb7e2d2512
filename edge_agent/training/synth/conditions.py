"""What a camera meets: trays, counters, light, where it hangs, and its own faults. All drawn from a seed."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

TRAY_TONES = ("speckled", "brown", "black", "red", "slate", "wood")
COUNTERS = ("steel", "light", "dark", "wood", "stone")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrayLook:
    """A tray: its inner size, its material, whether a printed paper lies in it."""

    width_cm: float
    depth_cm: float
    tone: str
    has_liner: bool
    look_seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Lamps over the pass.

    `panels` are (x, y, side) in centimetres at `height_cm`, each as strong as `key`; `ambient` is light from
    everywhere; `warmth_k` the colour temperature in kelvin; `side` a window at the left (-1) or right (1), or none
    (0).
    """

    panels: tuple[tuple[float, float, float], ...]
    height_cm: float
    key: float
    ambient: float
    warmth_k: float
    side: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where the camera hangs and what its lens takes in.

    `width_cm` is what the picture is wide at the height of the tray; tilts in radians; `barrel` the first coefficient
    of radial distortion, by the half diagonal of the picture (negative: barrel).
    """

    height_cm: float
    width_cm: float
    x_cm: float
    y_cm: float
    tilt_x_rad: float
    tilt_y_rad: float
    roll_rad: float
    barrel: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What the camera does to the picture after the light has fallen in (`camera_finish.finish`).

    Blurs in pixels of a picture 640 wide; `exposure` in stops beside the automatic one; `noise` is the standard
    deviation of the sensor's noise in the middle tones, of 1; `jpeg` the quality.
    """

    exposure: float
    warmth: float
    contrast: float
    saturation: float
    defocus_px: float
    motion_px: float
    motion_rad: float
    noise: float
    sharpen: float
    vignette: float
    jpeg: int
    noise_seed: int


def draw_tray(rng: random.Random) -> TrayLook:
    """The trays of most chains are about 42 x 31 cm; some are smaller or larger."""
    width, depth = rng.choice(((41.0, 30.0), (41.0, 30.0), (43.0, 32.0), (38.0, 28.0), (36.0, 27.0)))
    return TrayLook(
        width_cm=width,
        depth_cm=depth,
        tone=rng.choice(TRAY_TONES),
        has_liner=rng.random() < 0.5,
        look_seed=rng.randrange(1 << 30),
    )


def draw_light(rng: random.Random) -> Light:
    """One to three panels of an office ceiling or a shop's lamps, and now and then a hard one that makes glare."""
    hard = rng.random() < 0.2
    panels = tuple(
        (rng.uniform(-70, 70), rng.uniform(-60, 80), rng.uniform(8, 16) if hard else rng.uniform(40, 90))
        for _ in range(rng.randint(1, 3))
    )
    return Light(
        panels=panels,
        height_cm=rng.uniform(130, 210),
        key=rng.uniform(0.7, 1.3),
        ambient=rng.uniform(0.05, 0.4) * (0.5 if hard else 1.0),
        warmth_k=rng.choice((2900, 3400, 4000, 4500, 5500, 6500)) + rng.uniform(-200, 200),
        side=rng.choice((0, 0, 0, -1, 1)),
    )


def draw_view(rng: random.Random, tray: TrayLook) -> View:
    """The tray takes up most of the picture, or half of it; the camera hangs a little aside, a little askew.

    Over a pass with several places it sees more, and the trays may lie upright.
    """
    wide = tray.width_cm * rng.uniform(1.22, 2.05)
    upright = rng.choice((0, 0, 0, 0, -1, 1)) if wide > tray.width_cm * 1.5 else 0
    return View(
        height_cm=rng.uniform(62, 110),
        width_cm=wide,
        x_cm=rng.gauss(0, 2.5),
        y_cm=rng.gauss(1.5, 2.5),
        tilt_x_rad=rng.gauss(0.03, 0.07),
        tilt_y_rad=rng.gauss(0, 0.035),
        roll_rad=rng.gauss(0, 0.035) + upright * math.pi / 2,
        barrel=-rng.choice((0.0, 0.0, 0.03, 0.06, 0.1, 0.14)) * rng.uniform(0.7, 1.2),
    )


def draw_finish(rng: random.Random) -> Finish:
    """Webcams and cheap IP cameras: clipped lights, too much sharpening, soft lenses, noise in the dark."""
    moving = rng.random() < 0.12
    return Finish(
        exposure=rng.gauss(0.1, 0.3),
        warmth=rng.gauss(0, 0.05),
        contrast=rng.uniform(1.0, 1.6),
        saturation=rng.uniform(0.8, 1.3),
        defocus_px=rng.choice((0.4, 0.6, 0.8, 1.0, 1.6)) * rng.uniform(0.7, 1.3),
        motion_px=rng.uniform(2, 9) if moving else 0.0,
        motion_rad=rng.uniform(0, 3.15),
        noise=rng.choice((0.004, 0.008, 0.014, 0.025)) * rng.uniform(0.7, 1.3),
        sharpen=rng.choice((0.0, 0.4, 0.9, 1.4)),
        vignette=rng.uniform(0, 0.35),
        jpeg=rng.randint(55, 94),
        noise_seed=rng.randrange(1 << 30),
    )
