"""Hands, sleeves and the person behind the tray."""

from __future__ import annotations

import math
import random

import bpy
import numpy as np

from edge_agent.training.synth.stage import materials as of
from edge_agent.training.synth.stage import shapes
from edge_agent.training.synth.stage.shapes import Lumps, Points

Parts = list[bpy.types.Object]

SKINS = (
    ("#e8b79a", "#d99a7c", "#f0c8b0"),
    ("#c98d68", "#b5764f", "#d9a582"),
    ("#8d5a3b", "#744429", "#a06c48"),
    ("#553322", "#42261a", "#6b4430"),
)
CLOTHS = ("#15161a", "#1d2740", "#2b3f8a", "#5a5d62", "#8a8f96", "#b9b4a8", "#6b1f24", "#d2c31e", "#ece9e2", "#3a2a22")

LIFT_CM = 2.6
"""The knuckles' height over the palm's."""

FINGERTIP_CM = 0.6
"""Bent fingers stand on their tips, and lift the hand."""

FINGERS = (  # name, knuckle (x, y), segment lengths, radius, spread: a right hand seen from above, wrist at the origin
    ("index", (2.5, -8.2), (4.3, 2.6, 2.1), 0.82, 0.05),
    ("middle", (0.7, -8.6), (4.7, 2.9, 2.2), 0.84, 0.0),
    ("ring", (-1.2, -8.2), (4.3, 2.7, 2.1), 0.79, -0.04),
    ("little", (-2.8, -7.5), (3.3, 2.0, 1.9), 0.68, -0.09),
)


def arm(rng: random.Random, *, curl: float, reach_cm: float, mirrored: bool) -> Parts:
    """A hand, palm down, fingers towards -y, and its sleeve behind it; `curl` 0 is flat, 1 a loose fist.

    The knuckles lie over the origin; the sleeve runs `reach_cm` back and rises.
    """
    skin = of.mottled(
        "skin",
        rng.choice(SKINS),
        grain_cm=4.0,
        roughness=0.55,
        bump_cm=0.02,
        bump_grain_cm=0.3,
        subsurface_cm=0.3,
        contrast=0.55,
    )
    hand = _hand(rng, skin, curl)
    parts = [hand, *_nails(curl)]
    rise = rng.uniform(0.15, 0.35)
    parts.append(_sleeve(rng, reach_cm, rise))
    if rng.random() < 0.2:
        watch = shapes.turned(
            "watch", [(2.7, -0.8), (2.95, -0.6), (2.95, 0.6), (2.7, 0.8)], of.plain("strap", rng.choice(CLOTHS), 0.5)
        )
        watch.location, watch.rotation_euler, watch.scale = (0, 2.4, 2.2), (math.pi / 2, 0, 0), (1.0, 0.75, 1.0)
        parts.append(watch)
    lowest = min(
        _finger(knuckle, lengths, 0.0, 1.1 * curl, LIFT_CM)[:, 2].min() for _, knuckle, lengths, _, _ in FINGERS
    )
    for part in parts:
        part.location.y += 7.5
        part.location.z += max(0.0, FINGERTIP_CM - lowest)
        if mirrored:
            part.scale.x *= -1
            part.location.x *= -1
    return parts


def _finger(
    knuckle: tuple[float, float], lengths: tuple[float, ...], spread: float, curl: float, lift: float
) -> Points:
    """The joints of a finger: each bends a little more than the one before."""
    place = np.array([knuckle[0], knuckle[1], lift])
    joints, dip = [place], 0.12 + 0.45 * curl
    for length in lengths:
        way = np.array([math.sin(spread) * math.cos(dip), -math.cos(spread) * math.cos(dip), -math.sin(dip)])
        place = place + way * length
        joints.append(place)
        dip += 0.2 + 0.75 * curl
    return np.array(joints)


def _hand(rng: random.Random, skin: of.Material, curl: float) -> bpy.types.Object:
    """Bones as tubes and a palm, melted into one skin by a voxel remesh."""
    parts = []
    lift = LIFT_CM
    palm = shapes.ball("palm", (4.1, 5.0, 1.65), skin, lumps=Lumps(rng, 6.0), height_cm=0.12)
    palm.location = (0.0, -4.6, lift - 0.2)
    parts.append(palm)
    for _, knuckle, lengths, radius, spread in FINGERS:
        bend = curl * rng.uniform(0.85, 1.15)
        joints = _finger(knuckle, lengths, spread, bend, lift)
        back = np.array([[knuckle[0] * 0.75, -3.0, lift]])
        line = _denser(np.concatenate([back, joints]))
        swell = np.interp(
            np.linspace(0, 1, len(line)), (0, 0.35, 0.55, 0.75, 0.93, 1.0), (1.1, 1.08, 0.98, 0.93, 0.86, 0.66)
        )
        parts.append(shapes.tube("finger", line, list(radius * swell), skin, sides=14))
    thumb = np.array(
        [[2.0, -2.6, lift - 0.3], [4.3, -4.6, lift - 0.5], [5.6, -7.0, lift - 0.9], [5.9, -9.3, lift - 1.5]]
    )
    line = _denser(thumb)
    parts.append(
        shapes.tube(
            "thumb",
            line,
            list(np.interp(np.linspace(0, 1, len(line)), (0, 0.4, 0.9, 1), (1.5, 1.05, 0.9, 0.5))),
            skin,
            sides=14,
        )
    )
    wrist = np.array([[0, -4.0, lift], [0, 0.5, lift], [0, 5.0, lift + 0.6]])
    parts.append(
        shapes.tube(
            "wrist",
            _denser(wrist),
            list(np.interp(np.linspace(0, 1, 15), (0, 0.4, 1), (3.2, 2.9, 2.8))),
            skin,
            sides=24,
            flat=0.72,
        )
    )
    return _melted(parts)


def _denser(line: Points) -> Points:
    at = np.linspace(0, len(line) - 1, 5 * len(line))
    return np.stack([np.interp(at, np.arange(len(line)), line[:, k]) for k in range(3)], axis=-1)


def _melted(parts: Parts) -> bpy.types.Object:
    bpy.context.view_layer.update()
    for part in parts:
        part.data.transform(part.matrix_world)
        part.matrix_world.identity()
    with bpy.context.temp_override(active_object=parts[0], selected_editable_objects=parts, object=parts[0]):
        bpy.ops.object.join()
    whole = parts[0]
    remesh = whole.modifiers.new("melt", "REMESH")
    remesh.mode, remesh.voxel_size, remesh.use_smooth_shade = "VOXEL", 0.24, True
    smooth = whole.modifiers.new("smooth", "SMOOTH")
    smooth.factor, smooth.iterations = 0.5, 12
    return whole


def _nails(curl: float) -> Parts:
    horn = of.plain("nail", "#e2b7a6", 0.25)
    parts = []
    for _, knuckle, lengths, radius, spread in FINGERS:
        joints = _finger(knuckle, lengths, spread, curl, LIFT_CM)
        nail = shapes.ball("nail", (radius * 0.62, radius * 0.85, 0.16), horn, rows=10)
        middle = joints[-1] * 0.72 + joints[-2] * 0.28
        nail.location = (middle[0], middle[1], middle[2] + radius * 0.72)
        way = joints[-1] - joints[-2]
        nail.rotation_euler = (math.atan2(way[2], -way[1]) * -1 if way[1] else 0, 0, spread)
        parts.append(nail)
    return parts


def _sleeve(rng: random.Random, reach_cm: float, rise: float) -> bpy.types.Object:
    cloth_colour = rng.choice(CLOTHS)
    cloth = of.mottled(
        "cloth", (cloth_colour, cloth_colour), grain_cm=2.0, roughness=0.95, bump_cm=0.03, bump_grain_cm=0.15
    )
    start = rng.uniform(1.0, 4.0)
    along = np.linspace(0, 1, 60)
    path = np.stack([0 * along, start + along * reach_cm, 2.6 + rise * along * reach_cm], axis=-1)
    wide = rng.uniform(3.6, 4.6)
    points = shapes.tube_points(path, list(wide + 2.4 * along), sides=40, flat=0.85)
    folds = Lumps(rng, 5.0)
    stretched = points * np.array([0.5, 1.0, 0.5])
    middle = np.concatenate([path[:1], path, path[-1:]])[:, None]
    points = (
        middle
        + (points - middle) * (1 + 0.13 * folds(stretched) - 0.05 * np.abs(Lumps(rng, 2.5)(stretched)))[..., None]
    )
    return shapes.sheet("sleeve", points[1:], cloth, ring=True, thick_cm=0.25)


def torso(rng: random.Random) -> Parts:
    """The body of whoever stands behind the tray: out of the camera's reach but for its front."""
    colour = rng.choice(CLOTHS[:6])
    cloth = of.mottled("cloth", (colour, colour), grain_cm=3.0, roughness=0.95, bump_cm=0.05, bump_grain_cm=0.4)
    body = shapes.ball("torso", (24.0, 13.0, 45.0), cloth, lumps=Lumps(rng, 14.0), height_cm=1.4, rows=40)
    return [body]
