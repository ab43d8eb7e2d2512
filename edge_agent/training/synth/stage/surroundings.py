"""Tray, liner, counter, floor, lamps and camera."""

from __future__ import annotations

import math
import random

import bpy
import numpy as np

from edge_agent.training.synth import prints
from edge_agent.training.synth.conditions import Light, TrayLook, View
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.stage import materials as of
from edge_agent.training.synth.stage import shapes
from edge_agent.training.synth.stage.shapes import Lumps, Points

FLOOR_CM = 0.45
"""The tray's floor lies so much over the counter; the origin of a scene is on it."""

Parts = list[bpy.types.Object]


def _tray_material(rng: random.Random, tone: str) -> of.Material:
    if tone == "speckled":
        ground, specks = rng.choice(
            (("#bcc0c4", ("#a2a8ae", "#cfd2d5", "#868d94")), ("#c4beb2", ("#a39a8c", "#d6d0c4", "#8c8476")))
        )
        return of.speckled("tray", ground, specks, speck_cm=rng.uniform(0.09, 0.16), roughness=0.4)
    if tone == "wood":
        return of.wood("tray", ("#8a5a34", "#a9754a", "#6f4526"), 0.4)
    colour = {"brown": "#4a2c1c", "black": "#1b1b1d", "red": "#8f1f1a", "slate": "#4c545c"}[tone]
    worn = {"brown": "#55372a", "black": "#242427", "red": "#9a2b24", "slate": "#58616a"}[tone]
    return of.mottled("tray", (colour, worn), grain_cm=7.0, roughness=0.42, bump_cm=0.015, bump_grain_cm=0.12)


def tray(look: TrayLook) -> Parts:
    """A tray with a raised rim, and its paper."""
    rng = dice(look.look_seed)
    material = _tray_material(rng, look.tone)
    w, d, r = look.width_cm, look.depth_cm, 3.5
    rings = [
        shapes.rounded(w + 1.2, d + 1.2, r + 0.6, -FLOOR_CM, 10),
        shapes.rounded(w + 4.0, d + 4.0, r + 2.0, 1.35, 10),
        shapes.rounded(w + 4.2, d + 4.2, r + 2.1, 1.6, 10),
        shapes.rounded(w + 3.4, d + 3.4, r + 1.7, 1.75, 10),
        shapes.rounded(w + 2.4, d + 2.4, r + 1.2, 1.5, 10),
        shapes.rounded(w + 0.8, d + 0.8, r + 0.4, 0.15, 10),
        shapes.rounded(w - 0.2, d - 0.2, r, 0.0, 10),
        shapes.rounded(w - 0.8, d - 0.8, r - 0.3, 0.0, 10),
        shapes.rounded(w - 2.0, d - 2.0, r - 0.9, 0.0, 10),
    ]
    parts = [shapes.lofted("tray", rings, material, smooth=True)]
    if look.has_liner:
        parts.append(_liner(rng, w, d))
    return parts


def crumbs(rng: random.Random, look: TrayLook) -> Parts:
    """Salt, crumbs and flakes that fell: trays are never as clean as they are modelled."""
    unit = np.array([[1, 0, 0], [-0.5, 0.8, 0], [-0.6, -0.7, 0], [0, 0, 0.8]], float)
    sides = [(0, 1, 3), (1, 2, 3), (2, 0, 3)]
    vertices: list[Points] = []
    faces: list[tuple[int, ...]] = []
    for _ in range(rng.choice((0, 0, 12, 30, 70))):
        size, turn = rng.uniform(0.04, 0.22), rng.uniform(0, 6.3)
        spin = np.array([[math.cos(turn), math.sin(turn), 0], [-math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
        x, y = rng.gauss(0, 0.22) * look.width_cm, rng.gauss(0, 0.22) * look.depth_cm
        if abs(x) < look.width_cm / 2 - 1 and abs(y) < look.depth_cm / 2 - 1:
            base = len(vertices)
            vertices += list(unit @ spin * size + np.array([x, y, 0.22]))
            faces += [tuple(base + i for i in side) for side in sides]
    if not faces:
        return []
    crust = of.plain("crumbs", rng.choice(("#d9b070", "#f0ece4", "#8a5a2c")), 0.8)
    return [shapes.mesh_object("crumbs", np.array(vertices), faces, crust, smooth=False)]


def _liner(rng: random.Random, width: float, depth: float) -> bpy.types.Object:
    edition = rng.choice(prints.EDITIONS)
    u, v = np.meshgrid(np.linspace(0, 1, 70), np.linspace(0, 1, 54))
    lumps = Lumps(rng, 9.0)
    points = np.stack([(u - 0.5) * (width - 1.2), (v - 0.5) * (depth - 1.2), 0 * u], axis=-1)
    away = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    points[..., 2] = 0.06 + 0.09 * (lumps(points) + 1) * np.clip(away * 8, 0.2, 1)
    turn = rng.gauss(0, 0.025)
    points[..., :2] = points[..., :2] @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    paper = of.printed("liner", prints.liner(rng, edition), 0.75, bump_cm=0.02, grain_cm=1.5)
    return shapes.sheet("liner", points, paper, thick_cm=0.02, uv=np.stack([u, v], axis=-1))


def counter(rng: random.Random, kind: str) -> Parts:
    """The pass under the tray, and the floor behind it where the guest stands."""
    material = {
        "steel": lambda: of.brushed("counter", "#b4b6b8", 0.35),
        "light": lambda: of.speckled(
            "counter", "#cfcbc3", ("#bdb8ae", "#dad7d0", "#a9a49a"), speck_cm=0.16, roughness=0.3
        ),
        "dark": lambda: of.plain("counter", "#1d1d20", 0.3),
        "wood": lambda: of.wood("counter", ("#a37448", "#c09468", "#8a5e38"), 0.35),
        "stone": lambda: of.mottled("counter", ("#4a4846", "#5c5955", "#3c3a3c"), grain_cm=1.2, roughness=0.2),
    }[kind]()
    depth = rng.uniform(48, 62)
    top = shapes.block("counter", (400, depth, 4), material, 0.8)
    top.location = (0, rng.uniform(-4, 2), -4 - FLOOR_CM)
    tile = of.tiles(
        "floor", rng.choice(("#8a8a86", "#a59a88", "#5c5f63", "#c8c2b6")), "#4a4a48", rng.choice((30.0, 45.0, 20.0))
    )
    ground = shapes.block("floor", (600, 600, 1), tile, 0.1)
    ground.location = (0, 0, -95)
    parts = [top, ground]
    if rng.random() < 0.4:
        rail = of.plain("rail", rng.choice(("#1a1a1c", "#8a8c90")), 0.35)
        for side in (-1, 1):
            bar = shapes.block("rail", (400, 2.2, 2.0), rail, 0.8)
            bar.location = (0, side * rng.uniform(20, 24), -FLOOR_CM)
            parts.append(bar)
    return parts


def lamps(light: Light) -> None:
    """Area lamps facing down, light from all around, and a window if there is one."""
    warm = _of_temperature(light.warmth_k)
    for x, y, side in light.panels:
        _area(warm, (x, y, light.height_cm), side, light.key * 9.0e5 / len(light.panels), towards=(x * 0.3, y * 0.3, 0))
    if light.side:
        _area(_of_temperature(6800), (light.side * 190, 30, 120), 90, 6.0e5, towards=(0, 0, 0))
    world = bpy.data.worlds.new("around")
    if world.node_tree is None:
        world.use_nodes = True
    ground = world.node_tree.nodes["Background"]
    ground.inputs["Color"].default_value = (*warm, 1.0)
    ground.inputs["Strength"].default_value = light.ambient
    bpy.context.scene.world = world


def _area(
    colour: tuple[float, float, float],
    place: tuple[float, float, float],
    side: float,
    power: float,
    *,
    towards: tuple[float, float, float],
) -> None:
    from mathutils import Vector

    data = bpy.data.lights.new("lamp", "AREA")
    data.shape, data.size, data.size_y = "RECTANGLE", side, side * 0.5
    data.energy, data.color = power, colour
    lamp = bpy.data.objects.new("lamp", data)
    lamp.location = place
    lamp.rotation_euler = (Vector(towards) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(lamp)


def _of_temperature(kelvin: float) -> tuple[float, float, float]:
    """Linear RGB of a black body between 2,000 and 8,000 K, half-way to white: cameras balance, never wholly.

    A fit by eye to the Planckian locus, brightest channel 1.
    """
    t = (kelvin - 6500) / 4500
    red, green, blue = 1.0, 1 + 0.38 * min(t, 0) + 0.05 * max(t, 0), 1 + 0.95 * min(t, 0) + 0.3 * max(t, 0)
    top = max(red, green, blue)
    return tuple(0.5 + 0.5 * max(0.05, c) / top for c in (red, green, blue))  # type: ignore[return-value]


def camera(view: View) -> bpy.types.Object:
    """A pinhole over the tray; its lens's distortion comes later (`camera_finish`)."""
    data = bpy.data.cameras.new("camera")
    data.sensor_fit = "HORIZONTAL"
    data.lens_unit = "FOV"
    data.angle = 2 * math.atan(view.width_cm / 2 / view.height_cm)
    data.clip_start, data.clip_end = 1.0, 1000.0
    made = bpy.data.objects.new("camera", data)
    made.location = (
        view.x_cm + math.tan(view.tilt_y_rad) * view.height_cm,
        view.y_cm - math.tan(view.tilt_x_rad) * view.height_cm,
        view.height_cm,
    )
    made.rotation_euler = (view.tilt_x_rad, view.tilt_y_rad, view.roll_rad)
    bpy.context.scene.collection.objects.link(made)
    bpy.context.scene.camera = made
    return made


def corners(made: bpy.types.Object) -> Points:
    """The corners (n, 3) of all triangles' vertices of an object in the scene's space, as rendered."""
    whole = made.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = whole.to_mesh()
    mesh.calc_loop_triangles()
    flat = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", flat)
    triangles = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    whole.to_mesh_clear()
    local = np.column_stack([flat.reshape(-1, 3), np.ones(len(flat) // 3)])
    world = local @ np.array(made.matrix_world).T
    return np.asarray(world[triangles.reshape(-1, 3)][..., :3])
