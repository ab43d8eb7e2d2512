"""What lies on trays and is not sold: receipt, napkin, cutlery, phone, keys, sachets."""

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


def receipt(rng: random.Random, order_tag: str, lines: tuple[str, ...]) -> Parts:
    """Thermal paper that still remembers its roll; the code faces up."""
    wide, long = prints.RECEIPT_CM
    u, v = np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 1, 40))
    curl = rng.uniform(0.1, 1.2)
    z = 0.08 + curl * (2 * np.abs(v - 0.45)) ** 3 + 0.05 * np.sin(6 * v + rng.uniform(0, 6))
    points = np.stack([(u - 0.5) * wide, (v - 0.5) * long, z], axis=-1)
    paper = of.printed("receipt", prints.receipt(rng, order_tag, lines), 0.5)
    return [shapes.sheet("receipt", points, paper, thick_cm=0.01, uv=np.stack([u, v], axis=-1))]


def napkin(rng: random.Random, _edition: prints.Edition) -> Parts:
    """A folded one, or a used one."""
    tone = rng.choice(("#f2f1ee", "#e9e6df", "#c8a878"))
    paper = of.mottled("napkin", (tone, tone), grain_cm=3.0, roughness=0.9, bump_cm=0.03, bump_grain_cm=0.2)
    side = rng.uniform(9.5, 13.0)
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 60), np.linspace(-0.5, 0.5, 60))
    points = np.stack([u * side, v * side * rng.choice((1.0, 0.5)), 0 * u], axis=-1)
    if rng.random() < 0.35:
        points[..., :2] *= 0.62
        points[..., 2] = (
            1.4 + 1.0 * (0.6 - np.abs(Lumps(rng, 4.0)(points))) + 0.5 * (0.5 - np.abs(Lumps(rng, 1.9)(points)))
        )
        points[..., 2] = np.maximum(points[..., 2], 0.05)
    else:
        points[..., 2] = 0.16 + 0.08 * Lumps(rng, 7.0)(points)
    return [shapes.sheet("napkin", points, paper, thick_cm=0.12)]


def cutlery(rng: random.Random, _edition: prints.Edition) -> Parts:
    """A fork, a knife or a spoon of wood, plastic or steel."""
    material = rng.choice(
        (
            of.wood("birch", ("#d9b98a", "#c9a472", "#e2c89e"), 0.6),
            of.plain("plastic", "#f0f0ec", 0.25),
            of.plain("steel", "#c8c8c8", 0.22, metallic=1.0),
        )
    )
    kind = rng.choice(("fork", "knife", "spoon"))
    along = np.linspace(0, 1, 40)
    half = 0.42 + 0.12 * np.cos(along * math.pi * 2)
    head = along > 0.72
    if kind == "spoon":
        half = np.where(head, 1.45 * np.sqrt(np.clip(1 - ((along - 0.86) / 0.145) ** 2, 0.02, 1)), half)
    elif kind == "fork":
        half = np.where(head, 0.55 + 0.55 * np.clip((along - 0.72) / 0.1, 0, 1), half)
    else:
        half = np.where(along > 0.5, 0.75 * np.sqrt(np.clip(1 - ((along - 0.5) / 0.51) ** 3, 0.02, 1)), half)
    across = np.linspace(-1, 1, 16)
    points = np.stack(
        [np.broadcast_to(((along - 0.5) * 16)[:, None], (40, 16)), half[:, None] * across, np.zeros((40, 16))], axis=-1
    )
    bowl = 0.5 if kind == "spoon" else 0.2
    points[..., 2] = (
        0.45 + 0.25 * np.sin(along * 5)[:, None] - bowl * np.where(head, 1, 0)[:, None] * (1 - across**2) * 0.8
    )
    made = shapes.sheet(kind, points, material, thick_cm=0.16)
    if kind == "fork":
        _cut_tines(made, columns=16)
    return [made]


def _cut_tines(fork: bpy.types.Object, columns: int) -> None:
    """Take out every third strip of the head."""
    import bmesh

    edit = bmesh.new()
    edit.from_mesh(fork.data)
    edit.faces.ensure_lookup_table()
    gaps = {3, 4, 7, 10, 11}
    gone = [f for f in edit.faces if f.index // (columns - 1) >= 31 and f.index % (columns - 1) in gaps]
    bmesh.ops.delete(edit, geom=gone, context="FACES")
    edit.to_mesh(fork.data)
    edit.free()


def phone(rng: random.Random, _edition: prints.Edition) -> Parts:
    """Face up, lit or dark, or face down in its case."""
    size = (7.3, 15.2)
    case = of.plain("case", rng.choice(("#121214", "#1c2a44", "#8a2030", "#d8d4cc", "#3a4a3c")), 0.4)
    body = [
        shapes.rounded(*size, 1.0, 0.0),
        shapes.rounded(*size, 1.0, 0.75),
        shapes.rounded(size[0] - 0.3, size[1] - 0.3, 0.9, 0.85),
    ]
    parts = [shapes.lofted("phone", body, case)]
    if rng.random() < 0.65:
        lit = rng.random() < 0.4
        glass = (
            of.printed("screen", prints.screen(rng), 0.05, coat=1.0)
            if lit
            else of.plain("glass", "#08090b", 0.05, coat=1.0)
        )
        face = [shapes.rounded(6.9, 14.7, 0.8, 0.86), shapes.rounded(6.9, 14.7, 0.8, 0.88)]
        parts.append(shapes.lofted("screen", face, glass))
    else:
        island = [shapes.rounded(3.2, 3.4, 0.6, 0.85), shapes.rounded(3.2, 3.4, 0.6, 1.05)]
        bump = shapes.lofted("island", island, of.plain("island", "#0c0c0e", 0.2))
        bump.location = (-1.6, 5.2, 0)
        parts.append(bump)
    return parts


def keys(rng: random.Random, _edition: prints.Edition) -> Parts:
    """A ring, two or three keys, and a tag."""
    steel, brass = of.plain("steel", "#b8b8ba", 0.25, metallic=1.0), of.plain("brass", "#b08d3c", 0.3, metallic=1.0)
    turn = np.linspace(0, 2 * math.pi, 40)
    ring = np.stack([1.3 * np.cos(turn), 1.3 * np.sin(turn), 0 * turn + 0.4], axis=-1)
    parts = [shapes.tube("ring", ring, [0.1] * 40, steel, sides=8)]
    for _ in range(rng.randint(2, 3)):
        angle, metal = rng.uniform(0, 6.3), rng.choice((steel, brass))
        head = shapes.turned(
            "head", [(0.4, 0), (1.2, 0), (1.2, 0.22), (0.4, 0.22), (0.4, 0)], metal, segments=24, steps=3
        )
        blade = shapes.block("blade", (3.2, 0.8, 0.22), metal, 0.05)
        for part, out in ((head, 2.3), (blade, 4.8)):
            part.location = (out * math.cos(angle), out * math.sin(angle), rng.uniform(0.1, 0.5))
            part.rotation_euler = (0, 0, angle)
            parts.append(part)
    tag = shapes.block("tag", (2.2, 3.6, 0.3), of.plain("tag", rng.choice(("#b3261e", "#1f3a7a", "#222222")), 0.5), 0.1)
    tag.location, tag.rotation_euler = (-2.2, -1.4, 0.2), (0, 0, rng.uniform(0, 3))
    return [*parts, tag]


def sachet(rng: random.Random, _edition: prints.Edition) -> Parts:
    """Ketchup, mayonnaise, salt or sugar in a flat sachet."""
    wide, long = rng.choice(((4.2, 7.6), (3.0, 5.2), (2.4, 6.0)))
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 24), np.linspace(-0.5, 0.5, 32))
    points = np.stack([u * wide, v * long, 0 * u], axis=-1)
    full = np.clip(1 - (2 * np.abs(u)) ** 4, 0, 1) * np.clip(1 - (2.3 * np.abs(v)) ** 4, 0, 1)
    points[..., 2] = 0.06 + full * rng.uniform(0.15, 0.7) + 0.06 * Lumps(rng, 1.5)(points) * full
    colour = rng.choice(("#b81f16", "#e9e4d4", "#d8a018", "#f4f4f2"))
    foil = of.printed("sachet", prints.dip_lid(rng, colour), 0.3, bump_cm=0.03, grain_cm=0.8)
    return [shapes.sheet("sachet", points, foil, thick_cm=0.05, uv=np.stack([u + 0.5, v + 0.5], axis=-1))]


def rough_ball(rng: random.Random, edition: prints.Edition) -> Parts:
    """A crumpled paper: of a wrapper, but no burger in it."""
    paper = of.printed("crumpled", prints.wrapper(rng, edition, ""), 0.7, bump_cm=0.06, grain_cm=0.8)
    lumps, fine = Lumps(rng, 2.2), Lumps(rng, 0.9)
    made = shapes.ball("crumpled", (2.2, 1.9, 1.5), paper, rows=44)
    count = len(made.data.vertices)
    flat = np.empty(count * 3)
    made.data.vertices.foreach_get("co", flat)
    points: Points = flat.reshape(-1, 3)
    points = points * (1 + 0.28 * (0.5 - np.abs(lumps(points))) + 0.12 * (0.5 - np.abs(fine(points))))[:, None]
    points[:, 2] = np.maximum(points[:, 2] + 1.3, 0.05)
    made.data.vertices.foreach_set("co", points.ravel())
    return [made]
