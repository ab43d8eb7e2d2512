"""Burgers: open, wrapped in paper, in a cardboard box."""

from __future__ import annotations

import math
import random

import bpy
import numpy as np

from edge_agent.training.synth import prints
from edge_agent.training.synth.stage import materials as of
from edge_agent.training.synth.stage import shapes
from edge_agent.training.synth.stage.shapes import Lumps, Points

Parts = list[bpy.types.Object]

WRAPPER_MARKS = ("", "", "C", "D")
"""Four burgers in one paper: two tell nothing of themselves, two bear a small letter."""


CROWN = ((0.0, 0.2, 0.45, 0.66, 0.86), (1.0, 0.995, 0.96, 0.85, 0.68))
"""How high the upper bun is, of its height, at these shares of its radius: where seeds lie."""


def open_burger(rng: random.Random, _edition: prints.Edition) -> Parts:
    """Bun, salad, tomato, patty, cheese, bun."""
    radius = rng.uniform(4.7, 5.5)
    crust = of.shaded_by_height(
        "crust",
        ("#d9a45c", "#c98a3e"),
        ("#a85f1e", "#8a4512", "#b8702a"),
        from_cm=0.4,
        to_cm=2.2,
        grain_cm=3.0,
        roughness=0.38,
    )
    parts = [_half_bun(rng, radius, 1.7, crust, crown=False)]
    z = 1.5
    parts.append(_lettuce(rng, radius, z))
    parts += [_tomato(rng, radius, z + 0.35) for _ in range(rng.randint(0, 3))]
    z += 0.6
    double = rng.random() < 0.25
    for _ in range(2 if double else 1):
        parts += [_patty(rng, radius, z), _cheese(rng, radius, z + 1.15)]
        z += 1.35
    crown = rng.uniform(2.6, 3.2)
    top = _half_bun(rng, radius * rng.uniform(0.97, 1.03), crown, crust, crown=True)
    top.location = (rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5), z - 0.05)
    top.rotation_euler = (rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12), rng.uniform(0, 6))
    parts.append(top)
    if rng.random() < 0.75:
        seeds = _sesame(rng, radius, crown)
        seeds.parent = top
        parts.append(seeds)
    return parts


def _half_bun(rng: random.Random, radius: float, height: float, crust: of.Material, *, crown: bool) -> bpy.types.Object:
    lumps = Lumps(rng, 5.0)
    profile = (
        [
            (0, 0),
            (radius * 0.9, 0),
            (radius, height * 0.28),
            (radius * 0.86, height * 0.68),
            (radius * 0.45, height * 0.96),
            (0, height),
        ]
        if crown
        else [
            (0, 0),
            (radius * 0.93, 0.05),
            (radius, height * 0.55),
            (radius * 0.96, height),
            (radius * 0.9, height),
            (0, height),
        ]
    )

    def uneven(points: Points) -> Points:
        return np.asarray(points * (1 + 0.022 * lumps(points))[..., None])

    return shapes.turned("bun", profile, crust, bend=uneven)


def _lettuce(rng: random.Random, radius: float, z: float) -> bpy.types.Object:
    angles = np.linspace(0, 2 * math.pi, 160, endpoint=False)
    lumps, fine = Lumps(rng, 2.2), Lumps(rng, 0.9)
    rows = []
    for share in np.linspace(0.4, 1.0, 10):
        ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=-1) * radius * (0.2 + 0.98 * share)
        reach = share**3
        wave = lumps(ring) * 0.55 * reach + fine(ring) * 0.25 * reach
        ring[:, :2] *= (1 + 0.07 * lumps(ring * 1.3 + 7) * reach)[:, None]
        ring[:, 2] = z + 0.3 + wave - 0.5 * reach
        rows.append(ring)
    leaf = of.mottled("leaf", ("#5f8f2a", "#86b544", "#b9d27a"), grain_cm=1.2, roughness=0.45, bump_cm=0.05)
    return shapes.sheet("lettuce", np.stack(rows), leaf, ring=True, thick_cm=0.06)


def _tomato(rng: random.Random, radius: float, z: float) -> bpy.types.Object:
    flesh = of.mottled("tomato", ("#b3201a", "#d9442f"), grain_cm=0.8, roughness=0.22)
    slice_ = shapes.turned("tomato", [(0, 0), (3.0, 0), (3.15, 0.25), (3.0, 0.5), (0, 0.5)], flesh, segments=32)
    angle, out = rng.uniform(0, 6.3), radius * rng.uniform(0.3, 0.52)
    slice_.location = (out * math.cos(angle), out * math.sin(angle), z)
    slice_.rotation_euler = (rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.15), 0)
    return slice_


def _patty(rng: random.Random, radius: float, z: float) -> bpy.types.Object:
    meat = of.mottled(
        "meat", ("#2c1810", "#4a2a1a", "#6b4028"), grain_cm=0.7, roughness=0.55, bump_cm=0.12, bump_grain_cm=0.5
    )
    lumps = Lumps(rng, 1.6)
    r = radius * rng.uniform(1.0, 1.07)

    def rough(points: Points) -> Points:
        return np.asarray(points * (1 + 0.02 * lumps(points))[..., None] + np.array([0, 0, z]))

    return shapes.turned("patty", [(0, 0), (r * 0.95, 0), (r, 0.55), (r * 0.95, 1.15), (0, 1.15)], meat, bend=rough)


def _cheese(rng: random.Random, radius: float, z: float) -> bpy.types.Object:
    side = radius * rng.uniform(0.84, 1.0)
    axis = np.linspace(-side, side, 26)
    x, y = np.meshgrid(axis, axis)
    beyond = np.maximum(np.hypot(x, y) - radius * 0.95, 0)
    points = np.stack([x * (1 - 0.03 * beyond), y * (1 - 0.03 * beyond), z - 0.6 * beyond**1.15 + 0.1], axis=-1)
    turn = rng.uniform(0, math.pi / 2)
    points[..., :2] = points[..., :2] @ np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    melted = of.mottled("cheese", ("#e8a31c", "#f0b534"), grain_cm=3.0, roughness=0.3)
    return shapes.sheet("cheese", points, melted, thick_cm=0.16)


def _sesame(rng: random.Random, radius: float, crown: float) -> bpy.types.Object:
    """One mesh of many seeds on the crown; local to the upper bun."""
    unit = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    triangles = [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)]
    vertices: list[Points] = []
    faces: list[tuple[int, ...]] = []
    for _ in range(rng.randint(60, 130)):
        share, angle, turn = math.sqrt(rng.random()) * 0.82, rng.uniform(0, 6.3), rng.uniform(0, 6.3)
        height = crown * float(np.interp(share, *CROWN)) + 0.03
        seed = unit * np.array([0.26, 0.15, 0.08])
        c, s = math.cos(turn), math.sin(turn)
        seed = seed @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        seed[:, 2] -= share * seed[:, 0] * math.cos(angle) + share * seed[:, 1] * math.sin(angle)
        base = len(vertices)
        centre = np.array([share * radius * math.cos(angle), share * radius * math.sin(angle), height])
        vertices += list(seed + centre)
        faces += [tuple(base + i for i in triangle) for triangle in triangles]
    return shapes.mesh_object("sesame", np.array(vertices), faces, of.plain("sesame", "#ead9ae", 0.5))


def wrapped_burger(rng: random.Random, edition: prints.Edition) -> Parts:
    """A burger in paper: a creased puck; which burger it is, at most a small letter tells."""
    mark = WRAPPER_MARKS[rng.randrange(len(WRAPPER_MARKS))]
    paper = of.printed("wrapper", prints.wrapper(rng, edition, mark), 0.6, bump_cm=0.05, grain_cm=1.2)
    radius, height = rng.uniform(4.9, 5.8), rng.uniform(4.6, 6.2)
    up = np.linspace(-math.pi / 2, math.pi / 2, 72)[:, None]
    around = np.linspace(0, 2 * math.pi, 144, endpoint=False)[None, :]
    flat = np.sign(np.sin(up)) * np.abs(np.sin(up)) ** 0.62
    wide = np.abs(np.cos(up)) ** 0.5
    points = np.stack(
        [radius * wide * np.cos(around), radius * wide * np.sin(around), height / 2 * (flat + 0 * around)], axis=-1
    )
    square = 1 + 0.05 * np.cos(4 * around + rng.uniform(0, 6))
    points[..., :2] *= square[..., None]
    points = _creased(rng, points)
    points[..., 2] += height / 2
    points[..., 2] = np.maximum(points[..., 2], 0.0)
    return [shapes.sheet("wrapped", points, paper, ring=True, uv=shapes.from_above(points))]


def _creased(rng: random.Random, points: Points) -> Points:
    """Paper gives way in ridges: lumps whose valleys are sharp, and one or two edges where it was folded over."""
    ridges = np.zeros(points.shape[:-1])
    for size, height in ((5.0, 0.5), (2.4, 0.26), (1.2, 0.1)):
        ridges += (0.5 - np.abs(Lumps(rng, size)(points))) * height
    out = points / (np.linalg.norm(points, axis=-1, keepdims=True) + 1e-6)
    points = points + out * ridges[..., None]
    for _ in range(rng.randint(1, 3)):
        angle, place = rng.uniform(0, 6.3), rng.uniform(-2.0, 2.0)
        side = points[..., 0] * math.cos(angle) + points[..., 1] * math.sin(angle) - place
        lifted = 0.28 / (1 + np.exp(-side / 0.08)) * np.exp(-np.maximum(side, 0) / 2.5)
        points[..., 2] += np.where(points[..., 2] > 0.5, lifted, 0)
    return points


def burger_box(rng: random.Random, edition: prints.Edition) -> Parts:
    """A closed cardboard box."""
    side, height = rng.uniform(10.4, 11.6), rng.uniform(6.4, 7.6)
    board = of.plain("board", edition.main, 0.55)
    top = of.printed("lid", prints.box_lid(rng, edition, rng.choice(("BURGER", "THE BIG", "GRILL"))), 0.5)
    lumps = Lumps(rng, 9.0)

    def slack(points: Points) -> Points:
        return np.asarray(points + np.stack([0 * lumps(points), 0 * lumps(points), 0.08 * lumps(points)], axis=-1))

    rim = height * 0.52
    base = shapes.lofted(
        "base", [shapes.rounded(side * 0.84, side * 0.84, 0.9, 0.0), shapes.rounded(side, side, 0.9, rim)], board
    )
    lid = shapes.lofted(
        "lid",
        [
            shapes.rounded(side * 1.03, side * 1.03, 1.0, rim - 0.5),
            shapes.rounded(side * 1.04, side * 1.04, 1.0, rim),
            shapes.rounded(side * 0.86, side * 0.86, 0.9, height - 0.1),
            shapes.rounded(side * 0.84, side * 0.84, 0.9, height),
            shapes.rounded(side * 0.8, side * 0.8, 0.9, height + 0.02),
            shapes.rounded(side * 0.5, side * 0.5, 0.7, height + 0.12),
        ],
        top,
        bend=slack,
    )
    tab = shapes.block("tab", (3.2, 1.0, 0.12), board, 0.03)
    tab.location = (0, -side * 0.5, rim + 0.2)
    tab.rotation_euler = (0.7, 0, 0)
    return [base, lid, tab]
