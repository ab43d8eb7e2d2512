"""What a library of cut-outs holds, and how each of it is put under the camera."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from edge_agent.training.synth import prints
from edge_agent.training.synth.catalogue import ITEMS, KINDS, LYING_BOTTLE, THINGS, ItemKind
from edge_agent.training.synth.conditions import COUNTERS, TRAY_TONES, TrayLook
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.stage import drinks, items, people, shapes, surroundings

CAMERA_CM = 80.0
TALL_CM = 3.5
"""From this height on a thing looks different from aside."""

ASIDES_CM = (0.0, 9.0, 18.0)
MARGIN_CM = 2.5
TRAY_CM = (41.0, 30.0)
COUNTER_CM = (116.0, 90.0)
CURLS = (0.3, 0.65, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something to be cut out, in one look."""

    role: str
    kind: str
    look: int

    @property
    def name(self) -> str:
        return f"{self.role}-{self.kind}-{self.look:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How it stands under the camera, and the part of the counter (left, bottom, right, top, cm) that is rendered."""

    aside_cm: float
    turn_rad: float
    window_cm: tuple[float, float, float, float]


def subjects(looks: int) -> list[Subject]:
    """All that a library holds; wrapped burgers come in half as many looks again."""
    made = [Subject(role="counter", kind=kind, look=0) for kind in COUNTERS]
    made += [Subject(role="tray", kind=tone, look=look) for tone in TRAY_TONES for look in range(2)]
    for kind in ITEMS:
        several = looks * 3 // 2 if kind.name == "burger_wrapped" else looks
        made += [Subject(role="item", kind=kind.name, look=look) for look in range(several)]
    made += [
        Subject(role="thing", kind=kind.name, look=look) for kind in THINGS if kind.weight for look in range(looks)
    ]
    made += [Subject(role="arm", kind="arm", look=look) for look in range(2 * looks)]
    return made


@dataclass(frozen=True, slots=True)
class Body:
    """A thing built for its picture, its sizes, and what else is known of it."""

    made: bpy.types.Object
    kind: ItemKind
    traits: dict[str, object]


def bodies(subject: Subject, seed: int) -> Iterator[Body]:
    """Build the thing in every way it may stand, one after the other; take each away before the next."""
    if subject.role == "tray":
        yield _tray(subject, seed)
    elif subject.role == "arm":
        yield _arm(subject, seed)
    else:
        yield _item(subject, seed, lies=False)
        if subject.kind == LYING_BOTTLE.name:
            yield _item(subject, seed, lies=True)


def _tray(subject: Subject, seed: int) -> Body:
    rng = dice("look", seed, subject.kind, subject.look)
    width, depth = TRAY_CM
    has_liner = subject.look % 2 == 1
    look_seed = rng.randrange(1 << 30)
    look = TrayLook(width_cm=width, depth_cm=depth, tone=subject.kind, has_liner=has_liner, look_seed=look_seed)
    kind = ItemKind(name=subject.kind, width_cm=width, depth_cm=depth, tall_cm=2.0)
    return Body(shapes.group("tray", surroundings.tray(look)), kind, {"has_liner": has_liner})


def _arm(subject: Subject, seed: int) -> Body:
    """Two looks are the two hands of one person."""
    person, mirrored = subject.look // 2, subject.look % 2 == 1
    curl = CURLS[person % len(CURLS)]
    parts = people.arm(dice("person", seed, person), curl=curl, reach_cm=42.0, mirrored=mirrored)
    kind = ItemKind(name="arm", width_cm=11, depth_cm=11, tall_cm=15)
    return Body(shapes.group("arm", parts), kind, {"curl": curl, "mirrored": mirrored, "person": person})


def _item(subject: Subject, seed: int, *, lies: bool) -> Body:
    rng = dice("look", seed, subject.kind, subject.look)
    parts = items.BUILDERS[subject.kind](rng, prints.EDITIONS[subject.look % len(prints.EDITIONS)])
    if lies:
        drinks.lay_down(parts)
    made = shapes.group(subject.kind, [part for part in parts if part.parent is None])
    return Body(made, LYING_BOTTLE if lies else KINDS[subject.kind], {"lies": lies})


def poses(subject: Subject, kind: ItemKind, turns: int, *, offset: float) -> list[Pose]:
    """Hands and trays lie one way; flat things too, since they may be turned; tall ones are seen from many sides."""
    if subject.role == "arm":
        return [Pose(aside_cm=0, turn_rad=0, window_cm=(-16, -14, 16, 62))]
    if subject.role == "tray":
        w, d = kind.width_cm / 2 + 5, kind.depth_cm / 2 + 5
        return [Pose(aside_cm=0, turn_rad=0, window_cm=(-w, -d, w, d))]
    is_tall = kind.tall_cm >= TALL_CM
    return [
        Pose(
            aside_cm=aside, turn_rad=(offset + 2 * math.pi * i / turns) % (2 * math.pi), window_cm=_window(kind, aside)
        )
        for aside in (ASIDES_CM if is_tall else ASIDES_CM[:1])
        for i in range(turns if is_tall else 1)
    ]


def _window(kind: ItemKind, aside_cm: float) -> tuple[float, float, float, float]:
    """Around the thing's foot and its top, which the camera sees larger and further out."""
    reach = kind.width_cm / 2 if kind.is_round else math.hypot(kind.width_cm, kind.depth_cm) / 2
    nearer = CAMERA_CM / (CAMERA_CM - kind.tall_cm)
    half = reach * nearer + MARGIN_CM
    return aside_cm - half, -half, (aside_cm + reach) * nearer + MARGIN_CM, half
