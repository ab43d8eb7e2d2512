"""A scene before it is rendered: what lies where. The same seed and number give the same scene, on any machine."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge_agent.training.synth.catalogue import ITEMS, KINDS, LYING_BOTTLE, THINGS, ItemKind
from edge_agent.training.synth.conditions import (
    COUNTERS,
    Finish,
    Light,
    TrayLook,
    View,
    draw_finish,
    draw_light,
    draw_tray,
    draw_view,
)
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.footprint import Footprint, footprint, rectangle

TRIES = 60
TOUCHING = 0.015
"""Standing things may share so much of the smaller footprint: cartons are not as stiff as polygons."""

BOTTLE_LIES = 0.3
EMPTY_TRAYS = 0.04
CROWDED = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A thing in its place: middle of its footprint, height of what it stands on, turned counter-clockwise."""

    kind: str
    look_seed: int
    x_cm: float
    y_cm: float
    z_cm: float
    turn_rad: float
    lies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A hand with its sleeve: the place of its knuckles, where the arm comes from (0: above in the picture)."""

    look_seed: int
    x_cm: float
    y_cm: float
    z_cm: float
    turn_rad: float
    curl: float
    mirrored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that a picture is made of; `order_tag` is the text of the receipt's code, where one lies there."""

    name: str
    tray: TrayLook
    edition: int
    counter: str
    placed: tuple[Placed, ...]
    arms: tuple[Arm, ...]
    has_person: bool
    light: Light
    view: View
    finish: Finish
    order_tag: str
    look_seed: int

    @property
    def contents(self) -> dict[str, int]:
        """How many of each class lie in it, hidden or not."""
        return dict(Counter(p.kind for p in self.placed if p.kind in CLASS_NAMES))


CLASS_NAMES = frozenset(kind.name for kind in ITEMS)


def compose(seed: int, number: int, *, on: TrayLook | None = None) -> Scene:
    """Draw the scene of that number, on a given tray if there is one."""
    rng = dice("scene", seed, number)
    drawn = draw_tray(rng)
    tray = on or drawn
    placed = lay_out(rng, tray, _chosen(rng))
    has_person = rng.random() < 0.7
    return Scene(
        name=f"scene-{seed:04d}-{number:05d}",
        tray=tray,
        edition=rng.randrange(3),
        counter=rng.choice(COUNTERS),
        placed=placed,
        arms=draw_arms(rng, tray, has_person=has_person),
        has_person=has_person,
        light=draw_light(rng),
        view=draw_view(rng, tray),
        finish=draw_finish(rng),
        order_tag=f"ORDER:{rng.choice('ABCDEFGH')}-{rng.randint(100, 999)}",
        look_seed=rng.randrange(1 << 30),
    )


def draw_arms(rng: random.Random, tray: TrayLook, *, has_person: bool) -> tuple[Arm, ...]:
    """Two hands that hold the tray, one that reaches over it, or none."""
    if not has_person:
        return ()
    arms: list[Arm] = []
    if rng.random() < 0.6:
        arms = [_holding(rng, tray, side) for side in (-1, 1) if rng.random() < 0.9]
    elif rng.random() < 0.55:
        arms.append(
            Arm(
                look_seed=rng.randrange(1 << 30),
                x_cm=rng.uniform(-0.4, 0.4) * tray.width_cm,
                y_cm=rng.uniform(-2, 14),
                z_cm=rng.uniform(3, 10),
                turn_rad=rng.uniform(-0.6, 0.6),
                curl=rng.uniform(0.15, 0.7),
                mirrored=rng.random() < 0.5,
            )
        )
    return tuple(replace(arm, look_seed=arms[0].look_seed) for arm in arms)


def _holding(rng: random.Random, tray: TrayLook, side: int) -> Arm:
    """A hand on the rim, at the left (-1) or right (1)."""
    return Arm(
        look_seed=rng.randrange(1 << 30),
        x_cm=side * (tray.width_cm / 2 + rng.uniform(-1.5, 3.5)),
        y_cm=rng.uniform(-6, 9),
        z_cm=rng.uniform(0, 1.2),
        turn_rad=side * -rng.uniform(0.05, 0.5),
        curl=rng.uniform(0.5, 1.0),
        mirrored=side > 0,
    )


def _chosen(rng: random.Random) -> list[ItemKind]:
    """The kinds on a tray, flat things first: what is laid down first lies beneath."""
    if rng.random() < EMPTY_TRAYS:
        return _drawn(rng, THINGS, rng.randint(0, 2))
    count = rng.randint(7, 11) if rng.random() < CROWDED else rng.choice((1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7))
    items = _drawn(rng, ITEMS, count)
    things = _drawn(rng, THINGS, rng.choice((0, 0, 1, 1, 2, 3)))
    if rng.random() < 0.45:
        things.append(KINDS["receipt"])
    things.sort(key=lambda kind: not kind.flat)
    large_first = sorted(items, key=lambda kind: kind.small)
    return [*(t for t in things if t.flat), *large_first, *(t for t in things if not t.flat)]


def _drawn(rng: random.Random, kinds: Sequence[ItemKind], count: int) -> list[ItemKind]:
    had: Counter[str] = Counter()
    drawn: list[ItemKind] = []
    while len(drawn) < count:
        kind = rng.choices(kinds, weights=[k.weight for k in kinds])[0]
        if had[kind.name] < kind.at_most:
            had[kind.name] += 1
            drawn.append(kind)
    return drawn


def lay_out(rng: random.Random, tray: TrayLook, kinds: Sequence[ItemKind]) -> tuple[Placed, ...]:
    """Put one after the other where there is room; what finds none is left out."""
    floor = rectangle(tray.width_cm, tray.depth_cm)
    laid: list[tuple[ItemKind, Footprint, Placed]] = []
    for kind in kinds:
        lies = kind.name == "bottle" and rng.random() < BOTTLE_LIES
        shape = LYING_BOTTLE if lies else kind
        seed = rng.randrange(1 << 30)
        for _ in range(TRIES):
            x = rng.uniform(-0.5, 0.5) * tray.width_cm
            y = rng.uniform(-0.5, 0.5) * tray.depth_cm
            turn = _turn(rng, kind)
            print_ = footprint(shape, x, y, turn)
            height = _height_there(rng, shape, print_, laid, floor)
            if height is not None:
                found = Placed(kind=kind.name, look_seed=seed, x_cm=x, y_cm=y, z_cm=height, turn_rad=turn, lies=lies)
                laid.append((shape, print_, found))
                break
    return tuple(placed for _, _, placed in laid)


def _turn(rng: random.Random, kind: ItemKind) -> float:
    """Receipts lie roughly upright, so that their code is in reach of a reader; the rest as it comes."""
    if kind.name == "receipt":
        return rng.choice((0, math.pi / 2, math.pi)) + rng.gauss(0, 0.3)
    return rng.uniform(-math.pi, math.pi)


def _height_there(
    rng: random.Random,
    kind: ItemKind,
    place: Footprint,
    laid: Sequence[tuple[ItemKind, Footprint, Placed]],
    floor: Footprint,
) -> float | None:
    """The height on which it would stand there, or None where it cannot.

    Things may stand on flat things; small ones now and then wholly on a box. Nothing hangs over the rim by more than a
    little; standing things do not go through each other.
    """
    if place.within(floor) < (0.86 if kind.flat else 0.985):
        return None
    height = 0.0
    for other, other_place, other_placed in laid:
        shared = place.shared_cm2(other_place)
        if shared <= TOUCHING * min(place.area_cm2, other_place.area_cm2):
            continue
        top = other_placed.z_cm + other.tall_cm
        if other.flat or (other.bears and kind.small and place.within(other_place) > 0.9 and rng.random() < 0.3):
            height = max(height, top)
            continue
        return None
    return height
