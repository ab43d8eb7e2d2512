"""Renders the library of cut-outs: everything that may lie on a tray, trays, hands, counters."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import bpy
import cv2
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from edge_agent.formats.whole_file import write_whole
from edge_agent.training.synth.conditions import Light
from edge_agent.training.synth.cutouts import Cutout, srgb_from, write_index
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.stage import blender, materials, shapes, surroundings
from edge_agent.training.synth.stage.blender import Quality
from edge_agent.training.synth.stage.subjects import CAMERA_CM, COUNTER_CM, Body, Pose, Subject, bodies, poses, subjects

PX_PER_CM = 14.0
"""A 640-pixel camera over a tray has 9 to 13: cut-outs are made smaller, hardly ever larger."""

BRIGHT = 0.8
"""What a white sheet becomes in the pictures, as linear light: room for shine above it."""

LIGHT = Light(
    panels=((45, 45, 70), (-45, 45, 70), (45, -45, 70), (-45, -45, 70)),
    height_cm=170,
    key=1.0,
    ambient=0.35,
    warmth_k=5500,
    side=0,
)
"""The same from four sides, so that a cut-out may be turned."""

GROUND_LIGHT = replace(LIGHT, panels=((0, 240, 160), (0, -240, 160)), ambient=0.6)
"""Lamps that a shining counter does not mirror into its picture."""


def make_cutouts(
    root: Path, *, seed: int, looks: int, turns: int, samples: int, threads: int, told: Callable[[int, int], None]
) -> int:
    """Render what the library lacks; returns how many cut-outs it has. Every look is kept when it is done."""
    wanted = subjects(looks)
    (root / "parts").mkdir(parents=True, exist_ok=True)
    studio: Studio | None = None
    cutouts: list[Cutout] = []
    for done, subject in enumerate(wanted):
        told(done, len(wanted))
        part = root / "parts" / f"{subject.name}.json"
        if not part.is_file():
            studio = studio or Studio(root, seed=seed, turns=turns, samples=samples, threads=threads)
            write_whole(part, json.dumps([asdict(cutout) for cutout in studio.cut(subject)]))
        cutouts += [Cutout(**entry) for entry in json.loads(part.read_text(encoding="utf-8"))]
        write_index(root, px_per_cm=PX_PER_CM, camera_height_cm=CAMERA_CM, cutouts=cutouts)
    told(len(wanted), len(wanted))
    return len(cutouts)


class Studio:
    """A camera straight above, and a light that is the same from all sides."""

    def __init__(self, root: Path, *, seed: int, turns: int, samples: int, threads: int) -> None:
        self._root = root
        self._seed = seed
        self._turns = turns
        self._samples = samples
        self._threads = threads
        self._gain = _measured_gain()

    def cut(self, subject: Subject) -> list[Cutout]:
        """Render all cut-outs of a subject into the library."""
        rng = dice("cutout", self._seed, subject.name)
        blender.empty_stage()
        surroundings.lamps(GROUND_LIGHT if subject.role == "counter" else LIGHT)
        (self._root / subject.role / subject.kind).mkdir(parents=True, exist_ok=True)
        if subject.role == "counter":
            surroundings.counter(rng, subject.kind)
            return [self._ground(subject)]
        made = []
        for body in bodies(subject, self._seed):
            for pose in poses(subject, body.kind, self._turns, offset=rng.uniform(0, 2 * math.pi)):
                turn = Matrix.Rotation(pose.turn_rad, 4, "Z")
                body.made.matrix_basis = Matrix.Translation((pose.aside_cm, 0, 0)) @ turn
                made.append(self._portrait(subject, body, pose))
            for part in shapes.with_children(body.made):
                bpy.data.objects.remove(part)
        return made

    def _ground(self, subject: Subject) -> Cutout:
        """A counter fills its picture."""
        width, depth = COUNTER_CM
        aimed = self._aimed((-width / 2, -depth / 2, width / 2, depth / 2), see_through=False)
        quality = replace(aimed, samples=max(1, self._samples // 4))  # large, plain, and behind everything
        file = f"{subject.role}/{subject.kind}/{subject.name}.png"
        light = np.asarray(blender.render(quality).light[..., :3] * self._gain, np.float32)
        _write(self._root / file, srgb_from(light)[..., ::-1])
        middle = (quality.width_px / 2, quality.height_px / 2)
        return Cutout(
            name=subject.name, role=subject.role, kind=subject.kind, look=subject.look, aside_cm=0.0, turn_rad=0.0,
            file=file, shadow="", anchor_px=middle, size_cm=COUNTER_CM, tall_cm=0.0,
            area_px=float(quality.width_px * quality.height_px),
        )  # fmt: skip

    def _portrait(self, subject: Subject, body: Body, pose: Pose) -> Cutout:
        """A thing and its shadow, as two pictures."""
        quality = self._aimed(pose.window_cm, see_through=True)
        lying = "-lying" if body.traits.get("lies") else ""
        name = f"{subject.name}{lying}-a{pose.aside_cm:02.0f}-t{math.degrees(pose.turn_rad):03.0f}"
        file = f"{subject.role}/{subject.kind}/{name}"
        ground_z = -surroundings.FLOOR_CM if subject.role == "tray" else -0.05
        bgra, shade = self._two_passes(body.made, quality, ground_z)
        _write(self._root / f"{file}.png", bgra)
        _write(self._root / f"{file}.shadow.png", shade)
        left, _, right, top = pose.window_cm
        scale = quality.width_px / (right - left)
        return Cutout(
            name=name, role=subject.role, kind=subject.kind, look=subject.look, aside_cm=pose.aside_cm,
            turn_rad=pose.turn_rad, file=f"{file}.png", shadow=f"{file}.shadow.png",
            anchor_px=((pose.aside_cm - left) * scale, top * scale), size_cm=(body.kind.width_cm, body.kind.depth_cm),
            tall_cm=body.kind.tall_cm, area_px=float(bgra[..., 3].sum() / 255), traits=body.traits,
        )  # fmt: skip

    def _aimed(self, window_cm: Sequence[float], *, see_through: bool) -> Quality:
        left, bottom, right, top = window_cm
        _aim(window_cm)
        return Quality(
            width_px=round((right - left) * PX_PER_CM),
            height_px=round((top - bottom) * PX_PER_CM),
            samples=self._samples,
            threads=self._threads,
            see_through=see_through,
        )

    def _two_passes(
        self, body: bpy.types.Object, quality: Quality, ground_z: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The thing without its ground (BGRA, straight alpha), and its shadow without the thing (grey)."""
        ground = shapes.block("ground", (300, 300, 1), materials.plain("ground", "#a8a49c", 0.8), 0.01)
        ground.location = (0, 0, ground_z - 1)
        ground.visible_camera = False
        light = blender.render(quality).light
        alpha = np.clip(light[..., 3:], 0, 1)
        colour = srgb_from(np.asarray(light[..., :3] / np.maximum(alpha, 1e-3) * self._gain, np.float32))
        bgra = np.dstack([colour[..., ::-1], np.rint(alpha * 255).astype(np.uint8)])
        ground.visible_camera, ground.is_shadow_catcher = True, True
        parts = shapes.with_children(body)
        for part in parts:
            part.visible_camera = False
        softly = replace(quality, samples=max(1, quality.samples // 3))
        shade = np.clip(blender.render(softly).light[..., 3], 0, 1)
        for part in parts:
            part.visible_camera = True
        bpy.data.objects.remove(ground)
        return np.ascontiguousarray(bgra), np.rint(shade * 255).astype(np.uint8)


def _aim(window_cm: Sequence[float]) -> None:
    """A camera straight above the origin, shifted to the window and not turned: so the lean of things stays true."""
    left, bottom, right, top = window_cm
    if (old := bpy.context.scene.camera) is not None:
        bpy.data.objects.remove(old)
    data = bpy.data.cameras.new("camera")
    data.sensor_fit = "HORIZONTAL"
    data.lens_unit = "FOV"
    data.angle = 2 * math.atan((right - left) / 2 / CAMERA_CM)
    data.clip_end = 1000.0
    data.shift_x = (left + right) / 2 / (right - left)
    data.shift_y = (bottom + top) / 2 / (right - left)
    made = bpy.data.objects.new("camera", data)
    made.location = (0, 0, CAMERA_CM)
    bpy.context.scene.collection.objects.link(made)
    bpy.context.scene.camera = made


def _measured_gain() -> float:
    """From Blender's light to pictures in which white paper is BRIGHT: a white sheet under LIGHT is looked at."""
    blender.empty_stage()
    surroundings.lamps(LIGHT)
    shapes.block("sheet", (40, 40, 0.1), materials.plain("white", "#ffffff", 1.0), 0.01)
    _aim((-4, -4, 4, 4))
    seen = blender.render(Quality(width_px=16, height_px=16, samples=16)).light[..., :3]
    return BRIGHT / float(seen.mean())


def _write(path: Path, picture: NDArray[np.uint8]) -> None:
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path} could not be written")
