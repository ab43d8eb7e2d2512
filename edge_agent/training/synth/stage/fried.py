"""Fries in their cartons, nuggets in their box."""

from __future__ import annotations

import math
import random

import bpy
import numpy as np
from mathutils import Euler, Matrix

from edge_agent.training.synth import prints
from edge_agent.training.synth.stage import materials as of
from edge_agent.training.synth.stage import shapes
from edge_agent.training.synth.stage.shapes import Lumps

Parts = list[bpy.types.Object]


def small_fries(rng: random.Random, edition: prints.Edition) -> Parts:
    """A small carton."""
    return _fries(rng, edition, large=False)


def large_fries(rng: random.Random, edition: prints.Edition) -> Parts:
    """A large carton."""
    return _fries(rng, edition, large=True)


def _fries(rng: random.Random, edition: prints.Edition, *, large: bool) -> Parts:
    """Standing, as it is filled, or lying on its back, as it ends on most trays."""
    wide, deep, tall = (10.2, 4.8, 12.5) if large else (7.2, 3.8, 9.0)
    front = of.printed("carton", prints.carton_front(rng, edition, large=large), 0.5)
    parts = [_carton(wide, deep, tall, front), _inside(wide, deep, tall)]
    crisp = of.mottled(
        "fries", ("#d79a33", "#eac069", "#f2d48c"), grain_cm=1.6, roughness=0.5, bump_cm=0.04, bump_grain_cm=0.4
    )
    dark = of.mottled("browner", ("#b9782a", "#dba550"), grain_cm=1.2, roughness=0.5, bump_cm=0.04, bump_grain_cm=0.4)
    count = rng.randint(46, 62) if large else rng.randint(26, 36)
    parts += [_one_fry(rng, wide, deep, tall, dark if rng.random() < 0.12 else crisp) for _ in range(count)]
    if rng.random() < 0.65:
        _lay_down(parts, rng, deep)
    return parts


def _carton(wide: float, deep: float, tall: float, front: of.Material) -> bpy.types.Object:
    """A cup of board: narrow and flat at its foot, its front scooped out, its back drawn up."""
    angles = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    rows = []
    for share in np.linspace(0, 1, 14):
        rim = np.where(np.sin(angles) < 0, 0.66 + 0.14 * np.abs(np.cos(angles)) ** 1.5, 0.8 + 0.2 * np.sin(angles))
        z = tall * share * rim
        grow = 0.62 + 0.38 * (z / tall)
        thick = 0.35 + 0.65 * (z / tall) ** 0.7
        rows.append(
            np.stack([wide / 2 * grow * _squarer(np.cos(angles)), deep / 2 * thick * np.sin(angles), z], axis=-1)
        )
    points = np.stack(rows)
    uv = np.stack([points[..., 0] / wide + 0.5, points[..., 2] / tall], axis=-1)
    return shapes.sheet("carton", points, front, ring=True, thick_cm=0.07, uv=uv)


def _squarer(cosine: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(cosine) * np.abs(cosine) ** 0.7)


def _inside(wide: float, deep: float, tall: float) -> bpy.types.Object:
    """What lies too deep to be seen as single fries."""
    gloom = of.mottled("deep", ("#8a5a1e", "#c08a3a"), grain_cm=0.9, roughness=0.7, bump_cm=0.1)
    made = shapes.ball("deep", (wide * 0.4, deep * 0.34, tall * 0.2), gloom)
    made.location = (0, 0, tall * 0.42)
    return made


def _one_fry(rng: random.Random, wide: float, deep: float, tall: float, material: of.Material) -> bpy.types.Object:
    length, thick = rng.uniform(0.5, 0.85) * tall, rng.uniform(0.62, 0.85)
    steps = np.linspace(0, 1, 6)
    bow = rng.uniform(-0.45, 0.45)
    ring = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * thick / 2
    rings = []
    for t in steps:
        shrink = 0.85 if t in (0.0, 1.0) else 1.0
        layer = np.column_stack([ring * shrink, np.full(4, t * length)])
        layer[:, 0] += bow * math.sin(math.pi * t)
        rings.append(layer)
    made = shapes.lofted("fry", rings, material)
    edges = made.modifiers.new("edges", "BEVEL")
    edges.width, edges.segments = 0.1, 2
    x, y = rng.uniform(-0.44, 0.44) * wide, rng.uniform(-0.2, 0.4) * deep
    top = tall * rng.uniform(0.84, 1.1) + 0.14 * tall * (y / deep)
    foot = max(0.6, top - length)
    narrow = 0.35 + 0.65 * (foot / tall) ** 0.7
    made.rotation_euler = (-y / deep * rng.uniform(0.05, 0.3), x / wide * rng.uniform(0.2, 0.7), rng.uniform(0, 6.3))
    made.location = (x * (0.5 + 0.3 * foot / tall), y * narrow, foot)
    return made


def _lay_down(parts: Parts, rng: random.Random, deep: float) -> None:
    """On its back, the front up, and the opening a little higher than the foot."""
    turn = Matrix.Rotation(math.radians(-rng.uniform(74, 82)), 4, "X")
    lift = Matrix.Translation((0, -5.0, deep * 0.36))
    for part in parts:
        part.matrix_basis = lift @ turn @ part.matrix_basis


def nuggets(rng: random.Random, edition: prints.Edition) -> Parts:
    """An open box of six or nine, its lid folded back."""
    wide, deep, tall = rng.uniform(11.5, 13.0), rng.uniform(8.0, 9.2), 3.8
    outer = of.plain("board", edition.accent, 0.55)
    inner = of.mottled("bare", ("#d9cdb4", "#c9b894"), grain_cm=4.0, roughness=0.7)
    rings = [shapes.rounded(wide - 0.8, deep - 0.8, 0.6, 0.08), shapes.rounded(wide, deep, 0.6, tall)]
    walls = shapes.lofted("walls", rings, outer, closed=(True, False), thick_cm=0.08)
    lining = [
        shapes.rounded(wide - 1.0, deep - 1.0, 0.6, 0.15),
        shapes.rounded(wide - 0.2, deep - 0.2, 0.6, tall - 0.02),
    ]
    parts = [walls, shapes.lofted("lining", lining, inner, closed=(True, False))]
    parts += _flap(rng, (wide, deep, tall), inner)
    crust = of.mottled(
        "crumb", ("#b97a2c", "#d59a45", "#e6b96a"), grain_cm=1.0, roughness=0.6, bump_cm=0.1, bump_grain_cm=0.3
    )
    count = rng.choice((6, 6, 9))
    columns = 3
    for i in range(count):
        made = shapes.ball("nugget", (2.1, 1.55, 0.95), crust, lumps=Lumps(rng, 2.6), height_cm=0.22)
        column, row = i % columns, i // columns
        x = (column - 1) * wide * 0.28 + rng.uniform(-0.5, 0.5)
        y = (row - (count // columns - 1) / 2) * deep * (0.36 if count == 6 else 0.26) + rng.uniform(-0.4, 0.4)
        made.location = (x, y, 1.1 + rng.uniform(0, 0.9))
        made.rotation_euler = Euler((rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5), rng.uniform(0, 6.3)))
        parts.append(made)
    for part in parts:  # the lid stands out behind: the middle is that of both
        part.location.y -= 1.7
    return parts


def _flap(rng: random.Random, size: tuple[float, float, float], inner: of.Material) -> Parts:
    wide, deep, tall = size
    if rng.random() < 0.5:
        return []  # a box without a lid
    lid = shapes.block("flap", (wide * 0.96, deep * 0.8, 0.1), inner, 0.02)
    lean = rng.uniform(0.9, 1.45)
    lid.location = (0, deep / 2 + deep * 0.4 * math.cos(lean), tall + deep * 0.4 * math.sin(lean))
    lid.rotation_euler = (lean, 0, 0)
    return [lid]
