"""Cups with and without lid, and the bottle."""

from __future__ import annotations

import math
import random

import bpy
import numpy as np
from mathutils import Matrix

from edge_agent.training.synth import prints
from edge_agent.training.synth.stage import materials as of
from edge_agent.training.synth.stage import shapes
from edge_agent.training.synth.stage.shapes import Lumps

Parts = list[bpy.types.Object]

SODAS = (("#1e0c06", "#38160a"), ("#c9761a", "#e09a34"), ("#d8c27a", "#e6d59a"), ("#5c2c12", "#7a4220"))
STRAWS = ("#f2f2ee", "#c8281e", "#1c1c1e", "#2f5d3a", "#f2b632")


def small_cup(rng: random.Random, edition: prints.Edition) -> Parts:
    """0.3 litres, lid and straw."""
    return _lidded(rng, edition, radius=3.95, height=10.0)


def large_cup(rng: random.Random, edition: prints.Edition) -> Parts:
    """0.5 litres, lid and straw."""
    return _lidded(rng, edition, radius=4.85, height=15.5)


def _lidded(rng: random.Random, edition: prints.Edition, *, radius: float, height: float) -> Parts:
    parts = [_wall(rng, edition, radius, height)]
    white = rng.random() < 0.55
    lid = of.plain("lid", "#eceae4", 0.3) if white else of.clear("lid", "#f4f6f6", haze=0.3, roughness=0.15)
    r = radius
    profile = [
        (r + 0.25, -0.5), (r + 0.25, -0.5), (r + 0.3, 0.0), (r + 0.2, 0.35), (r - 0.05, 0.4), (r - 0.2, 0.1),
        (r - 0.35, -0.35), (r - 0.6, -0.4), (r - 0.6, -0.4), (r - 0.8, -0.1), (r - 0.9, 0.0), (r * 0.5, 0.03),
        (0.8, 0.05), (0.5, -0.02), (0, -0.02),
    ]  # fmt: skip
    top = shapes.turned("lid", [(a, height + b) for a, b in profile], lid, steps=4)
    parts.append(top)
    for i in range(rng.choice((0, 3, 4))):
        dimple = shapes.ball("dimple", (0.55, 0.55, 0.22), lid, rows=10)
        angle = i * 1.57 + rng.uniform(0, 0.2)
        dimple.location = (r * 0.62 * math.cos(angle), r * 0.62 * math.sin(angle), height + 0.05)
        parts.append(dimple)
    if not white:
        parts.append(_surface(r - 0.35, height - rng.uniform(0.9, 1.8), rng.choice(SODAS)))
    parts.append(_straw(rng, height))
    return parts


def _wall(rng: random.Random, edition: prints.Edition, radius: float, height: float) -> bpy.types.Object:
    around = np.linspace(0, 2 * math.pi, 65)
    rows = []
    for share in np.linspace(0, 1, 8):
        r = radius * (0.72 + 0.28 * share)
        rows.append(np.stack([r * np.cos(around), r * np.sin(around), np.full_like(around, height * share)], axis=-1))
    points = np.stack(rows)
    uv = np.stack(np.broadcast_arrays((around / (2 * math.pi))[None, :], np.linspace(0, 1, 8)[:, None]), axis=-1)
    board = of.printed("cup", prints.cup_side(rng, edition), 0.45)
    return shapes.sheet("cup", points, board, uv=np.ascontiguousarray(uv))


def _surface(radius: float, z: float, colours: tuple[str, str]) -> bpy.types.Object:
    drink = of.mottled("drink", colours, grain_cm=2.5, roughness=0.06)
    return shapes.turned(
        "drink", [(radius * 0.98, z - 0.3), (radius, z), (radius * 0.97, z - 0.02), (0, z - 0.03)], drink, steps=3
    )


def _straw(rng: random.Random, height: float) -> bpy.types.Object:
    """Through the middle of the lid, leaning, with a bend or without."""
    lean, way = rng.uniform(0.05, 0.45), rng.uniform(0, 6.3)
    out = np.array([math.cos(way), math.sin(way), 0.0])
    foot, length = np.array([0, 0, height - 1.0]), rng.uniform(4.0, 7.0)
    path = [foot + (out * math.sin(lean) + np.array([0, 0, math.cos(lean)])) * length * t for t in np.linspace(0, 1, 6)]
    if rng.random() < 0.65:
        fall = rng.uniform(0.2, 1.1)
        path += [
            path[-1] + (out * math.cos(fall) + np.array([0, 0, math.sin(fall)])) * 3.0 * t for t in (0.3, 0.65, 1.0)
        ]
    straw = of.plain("straw", rng.choice(STRAWS), 0.4)
    return shapes.tube("straw", np.array(path), [0.34] * len(path), straw)


def open_cup(rng: random.Random, edition: prints.Edition) -> Parts:
    """No lid: the drink is seen, with ice or foam."""
    radius, height = rng.uniform(3.9, 4.3), rng.uniform(9.5, 11.5)
    wall = _wall(rng, edition, radius, height)
    rim = shapes.turned(
        "rim", [(radius - 0.12, height - 0.1), (radius, height + 0.15), (radius + 0.16, height), (radius, height -
        0.15)], of.plain("rim", "#efece4", 0.5), steps=3,
    )  # fmt: skip
    bare = of.plain("bare", "#ddd8cc", 0.6)
    inner = shapes.turned("inner", [(radius * 0.8, 1.0), (radius - 0.14, height)], bare, steps=6)
    level = height - rng.uniform(1.2, 2.6)
    parts = [wall, rim, inner, _surface(radius * 0.95, level, rng.choice(SODAS))]
    if rng.random() < 0.65:
        ice = of.clear("ice", "#dfe8ea", haze=0.25, roughness=0.12)
        for _ in range(rng.randint(3, 6)):
            cube = shapes.block("ice", (1.9, 1.8, 1.7), ice, 0.25)
            angle, out = rng.uniform(0, 6.3), rng.uniform(0.2, 0.62) * radius
            cube.location = (out * math.cos(angle), out * math.sin(angle), level - rng.uniform(0.8, 1.4))
            cube.rotation_euler = (rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6), rng.uniform(0, 6))
            parts.append(cube)
    else:
        foam = of.mottled("foam", ("#e8dcc4", "#c9b08a"), grain_cm=0.5, roughness=0.8, bump_cm=0.05)
        top = shapes.turned("foam", [(radius * 0.94, level), (radius * 0.6, level + 0.12), (0, level + 0.15)], foam)
        parts.append(top)
    return parts


def bottle(rng: random.Random, edition: prints.Edition) -> Parts:
    """Half a litre of water or lemonade, standing."""
    colour = rng.choice(("#2456a8", "#c8281e", "#2f7d4a", edition.main))
    tint = rng.choice(("#f2f8fa", "#eef6fa", "#d8f0d8"))
    body = [
        (0, 0.4), (2.4, 0.1), (2.4, 0.1), (3.2, 0.9), (3.2, 5.0), (3.05, 5.4), (3.2, 5.8), (3.2, 11.5),
        (3.05, 12.0), (3.2, 12.4), (2.9, 14.6), (1.7, 17.6), (1.35, 18.6), (1.35, 19.2),
    ]  # fmt: skip
    lumps = Lumps(rng, 4.0)

    def ribbed(points: np.ndarray) -> np.ndarray:
        wave = 1 + 0.018 * np.sin(points[..., 2] * 2 * math.pi / 1.6) + 0.012 * lumps(points)
        return np.asarray(points * np.stack([wave, wave, np.ones_like(wave)], axis=-1))

    parts = [shapes.turned("bottle", body, of.clear("pet", tint, haze=0.04, roughness=0.05), bend=ribbed, steps=5)]
    filled = of.clear("water", rng.choice(("#f2f8fa", "#f6eec8", tint)), haze=0.02, roughness=0.02)
    parts.append(shapes.turned("water", [(0, 0.6), (2.9, 1.0), (3.0, 11.0), (2.6, 14.0), (0, 14.0)], filled))
    parts.append(
        shapes.turned(
            "cap", [(1.5, 18.8), (1.55, 19.0), (1.55, 20.6), (1.4, 20.8), (0, 20.85)], of.plain("cap", colour, 0.35)
        )
    )
    around = np.linspace(0, 2 * math.pi, 49)
    rows = [
        np.stack([3.27 * np.cos(around), 3.27 * np.sin(around), np.full_like(around, z)], axis=-1) for z in (6.0, 11.4)
    ]
    uv = np.stack(np.broadcast_arrays((around / (2 * math.pi))[None, :], np.array([0.0, 1.0])[:, None]), axis=-1)
    band = of.printed("label", prints.label(rng, colour), 0.35)
    parts.append(shapes.sheet("label", np.stack(rows), band, uv=np.ascontiguousarray(uv)))
    return parts


def lay_down(parts: Parts) -> None:
    """Put a standing bottle on its side, its middle over the origin."""
    turn = Matrix.Translation((0, 10.4, 3.2)) @ Matrix.Rotation(math.pi / 2, 4, "X")
    for part in parts:
        part.matrix_basis = turn @ part.matrix_basis
