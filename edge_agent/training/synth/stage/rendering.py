"""A composed scene becomes light on a sensor, and a mask for each thing."""

from __future__ import annotations

import bpy
import cv2
import numpy as np
from mathutils import Matrix

from edge_agent.training.synth import prints
from edge_agent.training.synth.composition import Arm, Placed, Scene
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.rendered import RenderedScene
from edge_agent.training.synth.stage import blender, drinks, items, people, shapes, surroundings, things
from edge_agent.training.synth.stage.blender import Quality

PARTS_AWAY = 3
"""A silhouette is drawn on a canvas so many times the picture, so that what lies outside counts as not seen."""


def render_scene(scene: Scene, *, width_px: int, height_px: int, samples: int, threads: int = 0) -> RenderedScene:
    """Build and render it. Needs some hundred megabytes, and seconds to minutes."""
    blender.empty_stage()
    surroundings.counter(dice(scene.look_seed), scene.counter)
    surroundings.tray(scene.tray)
    surroundings.crumbs(dice("crumbs", scene.look_seed), scene.tray)
    edition = prints.EDITIONS[scene.edition]
    groups = [_put(placed, edition, scene) for placed in scene.placed]
    for number, made in enumerate(groups, start=1):
        for part in shapes.with_children(made):
            part.pass_index = number
    for arm in scene.arms:
        put_arm(arm)
    if scene.has_person:
        _put_person(scene)
    surroundings.lamps(scene.light)
    surroundings.camera(scene.view)
    bpy.context.view_layer.update()
    whole = tuple(silhouette_px(made, width_px, height_px) for made in groups)
    done = blender.render(
        Quality(width_px=width_px, height_px=height_px, samples=samples, seed=scene.look_seed, threads=threads)
    )
    return RenderedScene(
        np.ascontiguousarray(done.light[..., :3]), done.index, tuple(p.kind for p in scene.placed), whole
    )


def _put(placed: Placed, edition: prints.Edition, scene: Scene) -> bpy.types.Object:
    rng = dice(placed.look_seed)
    if placed.kind == "receipt":
        lines = tuple(f"{n} {name.replace('_', ' ')}" for name, n in scene.contents.items())
        parts = things.receipt(rng, scene.order_tag, lines)
    else:
        parts = items.BUILDERS[placed.kind](rng, edition)
    if placed.lies:
        drinks.lay_down(parts)
    made = shapes.group(placed.kind, [part for part in parts if part.parent is None])
    made.location = (placed.x_cm, placed.y_cm, placed.z_cm + 0.12)
    made.rotation_euler = (0, 0, placed.turn_rad)
    return made


def put_arm(arm: Arm) -> bpy.types.Object:
    """A hand with its sleeve."""
    rng = dice(arm.look_seed)
    made = shapes.group("arm", people.arm(rng, curl=arm.curl, reach_cm=38.0, mirrored=arm.mirrored))
    made.matrix_basis = Matrix.Translation((arm.x_cm, arm.y_cm, arm.z_cm)) @ Matrix.Rotation(arm.turn_rad, 4, "Z")
    return made


def _put_person(scene: Scene) -> None:
    rng = dice(scene.arms[0].look_seed if scene.arms else scene.look_seed)
    body = shapes.group("person", people.torso(rng))
    body.location = (rng.uniform(-6, 6), scene.tray.depth_cm / 2 + rng.uniform(17, 29), -24)


def silhouette_px(made: bpy.types.Object, width_px: int, height_px: int) -> float:
    """The area of a thing's outline through the scene's camera, were it alone: every triangle projected and filled."""
    eye = bpy.context.scene.camera
    focal_px = width_px / 2 / np.tan(eye.data.angle / 2)
    to_eye = np.array(eye.matrix_world.inverted())
    canvas = np.zeros((height_px * PARTS_AWAY, width_px * PARTS_AWAY), np.uint8)
    for part in shapes.with_children(made):
        if part.type != "MESH":
            continue
        triangles = surroundings.corners(part)
        seen = triangles @ to_eye[:3, :3].T + to_eye[:3, 3]
        depth = np.maximum(-seen[..., 2:], 1.0)
        flat = seen[..., :2] / depth * focal_px * np.array([1, -1]) + np.array([canvas.shape[1], canvas.shape[0]]) / 2
        for triangle in np.rint(flat * 16).astype(np.int32):
            cv2.fillConvexPoly(canvas, triangle, 1, shift=4)
    return float(canvas.sum())
