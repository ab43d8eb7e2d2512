"""Draws the moments of a story: what stands still once, what moves several times over while the shutter is open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import BadInput
from edge_agent.training.synth.cutouts import Cutout, Library
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.flat_canvas import FlatCanvas, FlatView
from edge_agent.training.synth.video.acting import Cast, Sprite
from edge_agent.training.synth.video.courses import ASPECT
from edge_agent.training.synth.video.light import Lighting
from edge_agent.training.synth.video.motion import Pose
from edge_agent.training.synth.video.story import Story

SHUTTER_S = 1 / 50
"""Indoors a cheap camera exposes for so long; what moves meanwhile is smeared."""

SMEAR_PX = 3.5
MOST_GLIMPSES = 6

Index = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Moment:
    """Light (height, width, 3; linear RGB) and, for every pixel, the number of the tray that it shows, or 0."""

    light: NDArray[np.float32]
    index: Index


class FilmSet:
    """The pass with all that happens on it.

    Args:
        library: the cut-outs.
        story: what happens.
        width_px, height_px: the size of the pictures.

    Raises:
        BadInput: the library lacks something.
    """

    def __init__(self, library: Library, story: Story, *, width_px: int) -> None:
        self._library = library
        self._cast = Cast(library, story)
        self._lighting = Lighting(story, width_px=width_px, height_px=round(width_px * ASPECT))
        self._story = story
        self._width_px = width_px
        self._props = _props(library, story)
        self._painted: tuple[FlatView, tuple[Sprite, ...]] | None = None
        self._below: Moment | None = None

    def at(self, at_s: float) -> Moment:
        """The moment as the lens sees it."""
        view = self._lighting.view(at_s)
        first, last = self._cast.at(at_s), self._cast.at(at_s + SHUTTER_S)
        still = tuple(sprite for sprite in first if sprite in last)
        below = self._standing(view, (*self._props, *still))
        count = self._glimpses(first, last, view)
        if not count:
            return Moment(self._lighting.lit(below.light, first, at_s), below.index)
        light, index = np.zeros_like(below.light), below.index
        for glimpse in range(count):
            canvas = FlatCanvas(self._library, view)
            canvas.light[:], canvas.index[:] = below.light, below.index
            for sprite in self._cast.at(at_s + SHUTTER_S * glimpse / count):
                if sprite not in still:
                    self._lay(canvas, sprite)
            light += canvas.light
            index = canvas.index
        light *= np.float32(1 / count)
        return Moment(self._lighting.lit(light, first, at_s), index)

    def _glimpses(self, first: Sequence[Sprite], last: Sequence[Sprite], view: FlatView) -> int:
        """How often the moving things are drawn: none moves further than `SMEAR_PX` from one time to the next."""
        if len(first) != len(last):
            return MOST_GLIMPSES // 2
        moved_cm = (
            math.hypot(a.pose.x_cm - b.pose.x_cm, a.pose.y_cm - b.pose.y_cm) if a != b else -1.0
            for a, b in zip(first, last, strict=True)
        )
        furthest_cm = max(moved_cm, default=-1.0)
        return 0 if furthest_cm < 0 else min(MOST_GLIMPSES, 1 + int(furthest_cm * view.px_per_cm / SMEAR_PX))

    def _standing(self, view: FlatView, sprites: tuple[Sprite, ...]) -> Moment:
        """What does not move, kept until it is something else."""
        if self._below is None or self._painted != (view, sprites):
            canvas = FlatCanvas(self._library, view)
            for sprite in sprites:
                self._lay(canvas, sprite)
            self._painted, self._below = (view, sprites), Moment(canvas.light, canvas.index)
        return self._below

    def _lay(self, canvas: FlatCanvas, sprite: Sprite) -> None:
        pose = sprite.pose
        high = self._library.camera_height_cm
        grow = high / (high - pose.z_cm)
        canvas.lay(
            sprite.cutout,
            pose.x_cm * grow,
            pose.y_cm * grow,
            pose.turn_rad,
            number=sprite.number,
            grow=grow,
            layer=sprite.layer,
            lifted_cm=sprite.lifted_cm,
        )


def _props(library: Library, story: Story) -> tuple[Sprite, ...]:
    """The counter, and what lies around on it, away from the trays."""
    rng = dice("props", story.name, story.seed)
    counters = library.of("counter")
    if not counters:
        raise BadInput("the library has no counter yet", path=library.root)
    props = [Sprite(rng.choice(counters), Pose())]
    edge = story.filmed.width_cm / 2
    if len(story.filmed.places) == 1:
        for kind, y in (("napkin", rng.uniform(8, 14)), ("cutlery", rng.uniform(-12, -6))):
            things = library.of("thing", kind)
            if things:
                thing: Cutout = rng.choice(things)
                turn = rng.gauss(0, 0.15) + (math.pi / 2 if kind == "cutlery" else 0.0)
                props.append(Sprite(thing, Pose(edge - rng.uniform(0, 3), y, 0.0, turn)))
    return tuple(props)
