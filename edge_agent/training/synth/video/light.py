"""The light over the pass and how the camera hangs: people who lean over it, glare, a lamp that fails, a knock."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.flat_canvas import FlatView
from edge_agent.training.synth.video.acting import Sprite
from edge_agent.training.synth.video.courses import ASPECT
from edge_agent.training.synth.video.motion import Wobble, between, eased
from edge_agent.training.synth.video.story import Mishap, Story, Trouble

COARSE_PX = 8
"""Light changes slowly over the picture: it is reckoned for squares of so many pixels."""

NIGHT = 0.012
"""What is left of the light when the lamps fail."""

KNOCK = (2.6, -1.6, 0.03)
"""How far (x, y in cm, turn in radians) the camera hangs askew after a knock."""

Light = NDArray[np.float32]


class Lighting:
    """Everything about light and camera that changes while the story goes on."""

    def __init__(self, story: Story, *, width_px: int, height_px: int) -> None:
        self._story = story
        self._size = (width_px, height_px)
        rng = dice("light", story.name, story.seed)
        half_w, half_h = story.filmed.width_cm / 2, story.filmed.width_cm * ASPECT / 2
        rows, columns = math.ceil(height_px / COARSE_PX), math.ceil(width_px / COARSE_PX)
        self._y, self._x = np.mgrid[half_h : -half_h : rows * 1j, -half_w : half_w : columns * 1j].astype(np.float32)
        way, slope = rng.uniform(0, 2 * math.pi), rng.uniform(0.1, 0.25)
        self._slope = 1 + slope * (self._x / half_w * math.cos(way) + self._y / half_h * math.sin(way))
        tint = (1 + rng.gauss(0, 0.03), 1.0, 1 + rng.gauss(0, 0.04))
        self._tint = np.array(tint, np.float32)
        self._half_h = half_h
        self._breath = Wobble.of(0.012, "light", story.name, story.seed)
        self._gleam_at = (rng.uniform(-12, 12), rng.uniform(-8, 8))

    def view(self, at_s: float) -> FlatView:
        """How the camera hangs: after a knock it swings, and stays where it comes to rest."""
        x = y = roll = 0.0
        for mishap in self._of(Trouble.BUMP):
            if at_s >= mishap.from_s:
                since_s = at_s - mishap.from_s
                swing = math.exp(-since_s * 5) * math.cos(since_s * 19)
                share = 1 - swing
                x, y, roll = (x + KNOCK[0] * share, y + KNOCK[1] * share, roll + KNOCK[2] * share)
        width_px, height_px = self._size
        return FlatView(
            width_px=width_px,
            height_px=height_px,
            px_per_cm=width_px / self._story.filmed.width_cm,
            x_cm=round(x, 3),
            y_cm=round(y, 3),
            roll_rad=round(roll, 5),
        )

    def lit(self, light: Light, sprites: Iterable[Sprite], at_s: float) -> Light:
        """The light as it falls at that time."""
        field = self._slope * np.float32(1 + self._breath.at(at_s))
        for sprite in sprites:
            if sprite.cutout.role == "arm":
                field = field * (1 - self._shade_of(sprite))
        field = field * np.float32(self._lamps(at_s))
        whole = cv2.resize(np.asarray(field, np.float32), self._size, interpolation=cv2.INTER_LINEAR)
        lit = light * (whole[..., None] * self._tint)
        gleam = self._gleam(at_s)
        return lit if gleam is None else np.asarray(lit + gleam[..., None], np.float32)

    def _shade_of(self, arm: Sprite) -> Light:
        """Whoever stretches out an arm leans over the pass, and takes some light away at that side."""
        from_above = math.cos(arm.pose.turn_rad) > 0
        edge_y = self._half_h if from_above else -self._half_h
        near = eased((self._half_h + 16 - arm.pose.y_cm * (1 if from_above else -1)) / 34)
        x = arm.pose.x_cm * 0.7
        return np.asarray(
            0.13 * near * np.exp(-(((self._x - x) / 17) ** 2) - ((self._y - edge_y) / 15) ** 2), np.float32
        )

    def _lamps(self, at_s: float) -> float:
        """1 while they burn; they go out at once, and come back flickering."""
        share = 1.0
        for mishap in self._of(Trouble.DARK):
            if mishap.from_s <= at_s < mishap.to_s:
                left_s = mishap.to_s - at_s
                flickers = left_s < 0.5 and math.sin(left_s * 55) > 0.4
                out = between(at_s, mishap.from_s, mishap.from_s + 0.12)
                share *= 0.55 if flickers else max(NIGHT, (1 - out) ** 2)
        return share

    def _gleam(self, at_s: float) -> Light | None:
        """The sun on something that is moved about: a bright spot that wanders over the tray."""
        total: Light | None = None
        for mishap in self._of(Trouble.GLARE):
            if not mishap.from_s <= at_s <= mishap.to_s:
                continue
            run = between(at_s, mishap.from_s, mishap.to_s)
            strength = math.sin(math.pi * run) ** 0.6 * 1.5
            x = self._gleam_at[0] + 16 * math.sin(2.2 * run * math.pi)
            y = self._gleam_at[1] + 10 * math.cos(1.3 * run * math.pi)
            square = (self._x - x) ** 2 / 30 + (self._y - y) ** 2 / 16
            spot = strength * (np.exp(-square) + 0.14 * np.exp(-square / 14))
            whole = cv2.resize(np.asarray(spot, np.float32), self._size, interpolation=cv2.INTER_CUBIC)
            total = np.asarray(whole if total is None else total + whole, np.float32)
        return total

    def _of(self, trouble: Trouble) -> list[Mishap]:
        return [mishap for mishap in self._story.mishaps if mishap.trouble is trouble]
