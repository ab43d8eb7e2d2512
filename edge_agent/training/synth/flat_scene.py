"""A composed scene laid together from cut-outs: no Blender, a fraction of a second, boxes as exact as the cut-outs."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import cv2
import numpy as np

from edge_agent.errors import BadInput
from edge_agent.training.synth import prints
from edge_agent.training.synth.catalogue import KINDS
from edge_agent.training.synth.composition import Arm, Placed, Scene, compose
from edge_agent.training.synth.conditions import TrayLook
from edge_agent.training.synth.cutouts import Cutout, Layer, Library, linear_from
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.flat_canvas import FlatCanvas, FlatView
from edge_agent.training.synth.rendered import RenderedScene


def compose_flat(library: Library, seed: int, number: int) -> tuple[Scene, Cutout]:
    """A scene on one of the library's trays, and that tray."""
    rng = dice("flat", seed, number)
    tray = _one_of(library, "tray", None, rng)
    width, depth = tray.size_cm
    look = TrayLook(width_cm=width, depth_cm=depth, tone=tray.kind, has_liner=False, look_seed=0)
    scene = compose(seed, number, on=look)
    return replace(scene, name=scene.name.replace("scene-", "flat-", 1)), tray


def paint(library: Library, scene: Scene, tray: Cutout, *, width_px: int, height_px: int) -> RenderedScene:
    """Lay the scene together: counter, tray, things from the outermost inwards, hands over all."""
    view = FlatView(
        width_px=width_px,
        height_px=height_px,
        px_per_cm=width_px / scene.view.width_cm,
        x_cm=scene.view.x_cm,
        y_cm=scene.view.y_cm,
        roll_rad=scene.view.roll_rad,
    )
    canvas, rng = FlatCanvas(library, view), dice("paint", scene.look_seed)
    canvas.lay(_one_of(library, "counter", None, rng), scene.view.x_cm, scene.view.y_cm, 0.0)
    canvas.lay(tray, 0.0, 0.0, rng.gauss(0, 0.02))
    whole = [0.0] * len(scene.placed)
    for i in drawing_order(scene.placed):
        whole[i] = lay_thing(canvas, library, scene, scene.placed[i], number=i + 1)
    for arm in scene.arms:
        _lay_arm(canvas, library, arm)
    _light_field(canvas, rng)
    return RenderedScene(canvas.light, canvas.index, tuple(p.kind for p in scene.placed), tuple(whole))


def drawing_order(placed: tuple[Placed, ...]) -> list[int]:
    """What lies flat comes first, then what lies low, then what stands far out: it leans away from the middle."""

    def depth(i: int) -> tuple[bool, float, float]:
        thing = placed[i]
        is_flat = KINDS[thing.kind].flat
        return not is_flat, thing.z_cm if is_flat else round(thing.z_cm), -math.hypot(thing.x_cm, thing.y_cm)

    return sorted(range(len(placed)), key=depth)


def lay_thing(canvas: FlatCanvas, library: Library, scene: Scene, placed: Placed, *, number: int) -> float:
    """Lay one thing where the composition put it; returns the area it would cover, in pixels."""
    grow = library.camera_height_cm / (library.camera_height_cm - placed.z_cm)
    if placed.kind == "receipt":
        rng = dice(placed.look_seed)
        cutout, layer = receipt_cutout(rng, scene.order_tag, _lines(scene), library.px_per_cm)
        return canvas.lay(cutout, placed.x_cm, placed.y_cm, placed.turn_rad, number=number, grow=grow, layer=layer)
    cutout, turn = fitting(library, placed)
    return canvas.lay(cutout, placed.x_cm, placed.y_cm, turn, number=number, grow=grow)


def fitting(library: Library, placed: Placed) -> tuple[Cutout, float]:
    """The cut-out that shows this look as it is seen from there, and how far to turn it in the picture.

    Raises:
        BadInput: the library has none of this kind.
    """
    role = next((r for r in ("item", "thing") if library.of(r, placed.kind)), None)
    if role is None:
        raise BadInput(f"the library has no cut-out of '{placed.kind}'", path=library.root)
    same = [c for c in library.of(role, placed.kind) if bool(c.traits.get("lies")) is placed.lies] or library.of(
        role, placed.kind
    )
    looks = sorted({c.look for c in same})
    look = looks[placed.look_seed % len(looks)]
    out, way = math.hypot(placed.x_cm, placed.y_cm), math.atan2(placed.y_cm, placed.x_cm)
    of_look = [c for c in same if c.look == look]
    aside = min((c.aside_cm for c in of_look), key=lambda a: abs(a - out))
    near = [c for c in of_look if c.aside_cm == aside]
    if aside == 0 and len({c.aside_cm for c in of_look}) == 1:  # flat things look the same from everywhere
        cutout = near[placed.look_seed % len(near)]
        return cutout, placed.turn_rad - cutout.turn_rad
    return min(near, key=lambda c: _apart(c.turn_rad, placed.turn_rad - way)), way


def receipt_cutout(
    rng: random.Random, order_tag: str, lines: tuple[str, ...], px_per_cm: float
) -> tuple[Cutout, Layer]:
    """A receipt lying flat: its print is all there is to see."""
    picture = prints.receipt(rng, order_tag, lines)
    wide, long = prints.RECEIPT_CM
    size = (round(wide * px_per_cm * 2), round(long * px_per_cm * 2))
    picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    picture = np.asarray(cv2.resize(picture, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA), np.uint8)
    light = linear_from(picture) * np.float32(0.82)
    height, width = light.shape[:2]
    alpha = np.zeros((height, width), np.float32)
    alpha[1:-1, 1:-1] = 1
    layer = Layer(light, alpha, cv2.GaussianBlur(alpha, (0, 0), 3).astype(np.float32) * np.float32(0.18))
    cutout = Cutout(
        name="receipt", role="thing", kind="receipt", look=0, aside_cm=0.0, turn_rad=0.0, file="", shadow="",
        anchor_px=(width / 2, height / 2), size_cm=prints.RECEIPT_CM, tall_cm=0.3, area_px=float(alpha.sum()),
    )  # fmt: skip
    return cutout, layer


def _lay_arm(canvas: FlatCanvas, library: Library, arm: Arm) -> None:
    arms = [c for c in library.of("arm") if bool(c.traits.get("mirrored")) is arm.mirrored]
    if not arms:
        return
    looks = sorted({c.look for c in arms})
    look = looks[arm.look_seed % len(looks)]
    cutout = min((c for c in arms if c.look == look), key=lambda c: abs(float(c.traits.get("curl", 0.5)) - arm.curl))
    grow = library.camera_height_cm / (library.camera_height_cm - arm.z_cm)
    canvas.lay(cutout, arm.x_cm, arm.y_cm, arm.turn_rad, grow=grow)


def _light_field(canvas: FlatCanvas, rng: random.Random) -> None:
    """Cut-outs were all lit alike: brighter at one side, now and then a patch of glare, a cast of colour."""
    height, width = canvas.index.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    way, slope = rng.uniform(0, 6.3), rng.uniform(0, 0.35)
    field = 1 + slope * (x * math.cos(way) + y * math.sin(way))
    canvas.light *= field[..., None]
    if rng.random() < 0.15:
        away = ((x - rng.uniform(-0.8, 0.8)) ** 2 + (y - rng.uniform(-0.8, 0.8)) ** 2) / rng.uniform(0.02, 0.12)
        canvas.light += np.exp(-away)[..., None] * np.float32(rng.uniform(0.2, 0.8))
    tint = np.array([1 + rng.gauss(0, 0.06), 1.0, 1 + rng.gauss(0, 0.08)], np.float32)
    canvas.light *= tint


def _one_of(library: Library, role: str, kind: str | None, rng: random.Random) -> Cutout:
    found = library.of(role, kind)
    if not found:
        raise BadInput(f"the library has no {role}", path=library.root)
    return found[rng.randrange(len(found))]


def _lines(scene: Scene) -> tuple[str, ...]:
    return tuple(f"{n} {name.replace('_', ' ')}" for name, n in scene.contents.items())


def _apart(a: float, b: float) -> float:
    """The angle between two turns, in [0, pi]."""
    return abs((a - b + math.pi) % (2 * math.pi) - math.pi)
