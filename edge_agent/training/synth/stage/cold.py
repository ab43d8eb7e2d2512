"""Salad, sauces, sundae, cookie and pie."""

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

FLAVOURS = ("#7a2a16", "#d8a018", "#e8e2cc", "#b3261e", "#5a7a2a")
SAUCES = (("#8e1410", "#b0241a"), ("#efe6cc", "#f6f0de"), ("#d89a1c", "#e8b23a"), ("#5a2410", "#74341a"))


def salad(rng: random.Random, _edition: prints.Edition) -> Parts:
    """Leaves, tomatoes, carrots and onions in a bowl, under a clear lid or open."""
    radius, height = rng.uniform(6.4, 7.4), rng.uniform(4.6, 5.8)
    kind = rng.choice(("clear", "black", "kraft"))
    wall = {
        "clear": of.clear("bowl", "#eef4f2", haze=0.16),
        "black": of.plain("bowl", "#17181a", 0.3),
        "kraft": of.mottled("bowl", ("#b98d5e", "#c9a172"), grain_cm=2.0, roughness=0.7),
    }[kind]
    profile = [
        (0, 0),
        (radius * 0.62, 0),
        (radius * 0.7, 0.4),
        (radius * 0.98, height),
        (radius * 1.05, height + 0.1),
        (radius * 1.05, height - 0.1),
    ]
    parts = [shapes.turned("bowl", profile, wall)]
    bed = of.mottled("shade", ("#2f4a18", "#4f7226"), grain_cm=1.0, roughness=0.7)
    parts.append(
        shapes.turned("bed", [(radius * 0.88, height * 0.62), (radius * 0.5, height * 0.8), (0, height * 0.85)], bed)
    )
    greens = [
        of.mottled("leaf", colours, grain_cm=1.0, roughness=0.42, bump_cm=0.06, bump_grain_cm=0.6)
        for colours in (("#4d7d22", "#7fae3c", "#a9cc66"), ("#8fb955", "#c4dc8c", "#e0ecb8"), ("#355c1c", "#5c8a2e"))
    ]
    purple = of.mottled("radicchio", ("#4a1030", "#7a2a50", "#d8c0cc"), grain_cm=0.9, roughness=0.4)
    for _ in range(rng.randint(26, 36)):
        leaf = _leaf(rng, purple if rng.random() < 0.08 else rng.choice(greens))
        parts.append(_strewn(rng, leaf, radius * 0.78, height))
    parts += _toppings(rng, radius, height)
    if rng.random() < 0.3:
        lid = of.clear("dome", "#f6f8f8", haze=0.06, roughness=0.04)
        dome = [
            (radius * 1.08, height),
            (radius * 1.06, height + 0.4),
            (radius * 0.9, height + 2.2),
            (radius * 0.6, height + 2.6),
            (0, height + 2.6),
        ]
        parts.append(shapes.turned("dome", dome, lid))
    return parts


def _strewn(rng: random.Random, piece: bpy.types.Object, reach: float, height: float) -> bpy.types.Object:
    share, angle = math.sqrt(rng.random()), rng.uniform(0, 6.3)
    z = height * (0.98 - 0.16 * share**2) + rng.uniform(-0.3, 0.7)
    piece.location = (reach * share * math.cos(angle), reach * share * math.sin(angle), z)
    piece.rotation_euler = (rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6), rng.uniform(0, 6.3))
    return piece


def _leaf(rng: random.Random, material: of.Material) -> bpy.types.Object:
    long, wide = rng.uniform(1.8, 3.4), rng.uniform(1.2, 2.2)
    u, v = np.meshgrid(np.linspace(-1, 1, 14), np.linspace(-1, 1, 12))
    outline = np.sqrt(np.clip(1 - u**2 * 0.95, 0, 1)) * (1 + 0.18 * np.sin(9 * u + rng.uniform(0, 6)))
    points = np.stack([u * long, v * wide * outline, 0 * u], axis=-1)
    points[..., 2] = 0.5 * Lumps(rng, 2.6)(points) + 0.18 * Lumps(rng, 0.9)(points) + 0.12 * (v * wide) ** 2
    return shapes.sheet("leaf", points, material, thick_cm=0.05)


def _toppings(rng: random.Random, radius: float, height: float) -> Parts:
    red = of.mottled("tomato", ("#b81c14", "#d83a26"), grain_cm=0.9, roughness=0.18)
    pieces = [shapes.ball("tomato", (1.15, 1.15, 0.75), red) for _ in range(rng.randint(2, 5))]
    carrot = of.plain("carrot", "#dd7a20", 0.5)
    pieces += [
        shapes.block("carrot", (rng.uniform(1.6, 3.2), 0.22, 0.2), carrot, 0.04) for _ in range(rng.randint(8, 26))
    ]
    if rng.random() < 0.5:
        onion = of.mottled("onion", ("#e6d8e0", "#a04a78"), grain_cm=0.7, roughness=0.3)
        ring = [(1.3, 0), (1.45, 0.12), (1.6, 0), (1.45, -0.12), (1.3, 0)]
        pieces += [shapes.turned("onion", ring, onion, segments=28, steps=3) for _ in range(rng.randint(2, 5))]
    if rng.random() < 0.5:
        crouton = of.mottled("crouton", ("#b07a34", "#d8aa62"), grain_cm=0.6, roughness=0.7, bump_cm=0.06)
        pieces += [shapes.block("crouton", (1.1, 1.0, 0.9), crouton, 0.15) for _ in range(rng.randint(4, 9))]
    return [_strewn(rng, piece, radius * 0.68, height + 0.6) for piece in pieces]


def sauce(rng: random.Random, _edition: prints.Edition) -> Parts:
    """A dip: square under foil, round under a clear lid, or an open paper cup."""
    kind = rng.choice(("foil", "foil", "clear", "open"))
    if kind == "foil":
        foil = of.printed("foil", prints.dip_lid(rng, rng.choice(FLAVOURS)), 0.28, bump_cm=0.05, grain_cm=1.5)
        tub = of.plain("tub", "#e9e6de", 0.35)
        wide, deep = 5.6, 4.4
        rings = [shapes.rounded(wide * 0.78, deep * 0.78, 0.7, 0), shapes.rounded(wide * 0.92, deep * 0.92, 0.8, 1.9)]
        top = [
            shapes.rounded(wide, deep, 1.0, 1.9),
            shapes.rounded(wide, deep, 1.0, 2.0),
            shapes.rounded(wide * 0.7, deep * 0.7, 0.6, 2.02),
        ]
        return [shapes.lofted("tub", rings, tub), shapes.lofted("foil", top, foil)]
    radius, height = rng.uniform(2.5, 3.0), rng.uniform(2.2, 3.0)
    wall = of.clear("tub", "#f4f4f2", haze=0.2) if kind == "clear" else of.plain("tub", "#f0eee8", 0.6)
    tub = shapes.turned(
        "tub",
        [(0, 0), (radius * 0.72, 0), (radius, height), (radius * 1.07, height + 0.05), (radius * 1.0, height - 0.05)],
        wall,
    )
    cream = of.mottled("sauce", rng.choice(SAUCES), grain_cm=1.5, roughness=0.18, bump_cm=0.06, bump_grain_cm=2.0)
    level = height * rng.uniform(0.68, 0.85)
    filled = shapes.turned("sauce", [(radius * 0.9, level), (radius * 0.6, level - 0.08), (0, level)], cream)
    if kind == "open":
        return [tub, filled]
    lid = of.clear("lid", "#f8f8f8", haze=0.1)
    return [
        tub,
        filled,
        shapes.turned(
            "lid",
            [
                (radius * 1.1, height - 0.2),
                (radius * 1.1, height + 0.25),
                (radius * 0.9, height + 0.1),
                (0, height + 0.1),
            ],
            lid,
        ),
    ]


def sundae(rng: random.Random, _edition: prints.Edition) -> Parts:
    """Soft ice in a clear cup, with sauce."""
    radius, height = 4.3, 7.4
    cup = of.clear("cup", "#f2f6f6", haze=0.14)
    parts = [
        shapes.turned(
            "cup",
            [
                (0, 0),
                (2.6, 0),
                (2.9, 0.5),
                (radius, height),
                (radius * 1.06, height + 0.1),
                (radius * 1.05, height - 0.1),
            ],
            cup,
        )
    ]
    ice = of.mottled("ice", ("#efe4c8", "#f7f0de"), grain_cm=2.0, roughness=0.45, bump_cm=0.03, subsurface_cm=0.25)
    parts.append(
        shapes.turned(
            "fill", [(0, 0.3), (2.6, 0.5), (radius * 0.93, height - 0.4), (radius * 0.5, height), (0, height)], ice
        )
    )
    turns = np.linspace(0, 1, 90)
    reach = (radius - 1.5) * (1 - turns) ** 0.8
    angle = turns * 2 * math.pi * 2.7 + rng.uniform(0, 6)
    path = np.stack([reach * np.cos(angle), reach * np.sin(angle), height + 0.3 + 3.4 * turns**1.2], axis=-1)
    parts.append(shapes.tube("swirl", path, list(1.35 * (1 - turns) ** 0.55 + 0.12), ice, sides=16))
    if rng.random() < 0.85:
        parts.append(_poured(rng, radius, path))
    if rng.random() < 0.25:
        lid = of.clear("dome", "#f8fafa", haze=0.05, roughness=0.03)
        dome = [
            (radius * 1.1, height),
            (radius * 1.08, height + 2),
            (radius * 0.8, height + 4.4),
            (radius * 0.3, height + 5),
            (0, height + 5),
        ]
        parts.append(shapes.turned("dome", dome, lid))
    return parts


def _poured(rng: random.Random, radius: float, path: Points) -> bpy.types.Object:
    """Sauce over the swirl: a few turns that follow the ice loosely."""
    syrup = of.plain("syrup", rng.choice(("#2a0f06", "#a85a14", "#a01420")), 0.12, coat=0.5)
    angle = np.linspace(0, rng.uniform(9, 15), 80)
    reach = radius * (0.25 + 0.5 * np.abs(np.sin(angle * rng.uniform(0.5, 0.9))))
    height = path[0, 2] + 3.9 - reach / radius * 3.0
    line = np.stack([reach * np.cos(angle), reach * np.sin(angle), height], axis=-1)
    return shapes.tube("syrup", line, [rng.uniform(0.35, 0.55)] * len(line), syrup, sides=10, flat=0.6)


def cookie(rng: random.Random, _edition: prints.Edition) -> Parts:
    """Pale with dark chips, or dark with pale ones."""
    radius = rng.uniform(3.9, 4.7)
    dark = rng.random() < 0.3
    colours = ("#2c170d", "#43261a", "#563524") if dark else ("#a8702f", "#c48d48", "#d9ab68")
    dough = of.mottled("dough", colours, grain_cm=1.4, roughness=0.7, bump_cm=0.12, bump_grain_cm=0.5)
    lumps, fine = Lumps(rng, 3.0), Lumps(rng, 1.0)

    def baked(points: Points) -> Points:
        points = points * (1 + 0.03 * lumps(points))[..., None]
        points[..., 2] *= 1 + 0.14 * lumps(points * 1.4) + 0.1 * fine(points)
        return points

    profile = [(0, 0), (radius * 0.95, 0), (radius, 0.4), (radius * 0.9, 0.85), (radius * 0.5, 1.1), (0, 1.15)]
    parts = [shapes.turned("cookie", profile, dough, bend=baked, steps=9)]
    chips = of.plain("chips", rng.choice(("#e8dcc0", "#d8c49a")) if dark else "#2a140a", 0.35)
    for _ in range(rng.randint(9, 18)):
        share, angle = math.sqrt(rng.random()) * 0.86, rng.uniform(0, 6.3)
        chip = shapes.ball(
            "chip",
            (rng.uniform(0.3, 0.55), rng.uniform(0.3, 0.5), 0.32),
            chips,
            lumps=Lumps(rng, 0.8),
            height_cm=0.1,
            rows=9,
        )
        chip.location = (share * radius * math.cos(angle), share * radius * math.sin(angle), 1.12 - 0.42 * share**2)
        parts.append(chip)
    return parts


def pie(rng: random.Random, edition: prints.Edition) -> Parts:
    """A pie in its cardboard sleeve, one end looking out."""
    long, wide, tall = 13.0, 5.6, 2.9
    board = of.printed("sleeve", prints.sleeve(rng, edition), 0.5)
    rings = []
    for share in np.linspace(0, 1, 5):
        ring = shapes.rounded(wide, tall, 0.5, 0.0)
        bulge = 1 + 0.06 * math.sin(math.pi * share)
        placed = np.column_stack([np.full(len(ring), (share - 0.5) * long), ring[:, 0], ring[:, 1] * bulge + tall / 2])
        rings.append(placed)
    parts = [shapes.lofted("sleeve", rings, board, closed=(False, False), thick_cm=0.06)]
    crust = of.mottled(
        "crust", ("#b5772c", "#d69c4a", "#e4b970"), grain_cm=1.2, roughness=0.6, bump_cm=0.1, bump_grain_cm=0.4
    )
    filling = shapes.block("pie", (long - 0.6, wide - 0.7, tall - 0.6), crust, 0.5)
    filling.location = (rng.choice((-1, 1)) * rng.uniform(0.4, 1.1), 0, 0.3)
    return [*parts, filling]
