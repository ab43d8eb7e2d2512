"""Renders the library of cut-outs: everything that may lie on a tray, trays, hands, counters."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import bpy
import cv2
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from edge_agent.training.synth import prints
from edge_agent.training.synth.catalogue import ITEMS, THINGS, ItemKind
from edge_agent.training.synth.conditions import COUNTERS, TRAY_TONES, Light, TrayLook
from edge_agent.training.synth.cutouts import Cutout, srgb_from, write_index
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.stage import blender, drinks, items, materials, people, shapes, surroundings
from edge_agent.training.synth.stage.blender import Quality

PX_PER_CM = 14.0
"""A 640-pixel camera over a tray has 9 to 13: cut-outs are always made smaller, never larger."""

CAMERA_CM = 80.0
TALL_CM = 3.5
"""From this height on a thing looks different from aside."""

ASIDES_CM = (0.0, 9.0, 18.0)
MARGIN_CM = 2.5
COUNTER_CM = (116.0, 90.0)
BRIGHT = 0.8
"""What white paper on the tray becomes in the pictures, as linear light: room for shine above it."""

LIGHT = Light(
    panels=((45, 45, 70), (-45, 45, 70), (45, -45, 70), (-45, -45, 70)),
    height_cm=170,
    key=1.0,
    ambient=0.35,
    warmth_k=5500,
    side=0,
)
"""The same from four sides, so that a cut-out may be turned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something to be cut out, in one look."""

    role: str
    kind: str
    look: int

    @property
    def name(self) -> str:
        return f"{self.role}-{self.kind}-{self.look:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How it stands under the camera, and the part of the counter (left, bottom, right, top, cm) that is rendered."""

    aside_cm: float
    turn_rad: float
    window_cm: tuple[float, float, float, float]


def subjects(looks: int) -> list[Subject]:
    """All that a library holds; wrapped burgers come in half as many looks again."""
    made = [Subject(role="counter", kind=kind, look=0) for kind in COUNTERS]
    made += [Subject(role="tray", kind=tone, look=look) for tone in TRAY_TONES for look in range(2)]
    for kind in ITEMS:
        several = looks * 3 // 2 if kind.name == "burger_wrapped" else looks
        made += [Subject(role="item", kind=kind.name, look=look) for look in range(several)]
    made += [
        Subject(role="thing", kind=kind.name, look=look) for kind in THINGS if kind.weight for look in range(looks)
    ]
    made += [Subject(role="arm", kind="arm", look=look) for look in range(2 * looks)]
    return made


def make_cutouts(
    root: Path, *, seed: int, looks: int, turns: int, samples: int, threads: int, told: Callable[[int, int], None]
) -> int:
    """Render what the library lacks; returns how many cut-outs it has. Every look is kept when it is done."""
    wanted = subjects(looks)
    (root / "parts").mkdir(parents=True, exist_ok=True)
    cutouts: list[Cutout] = []
    for done, subject in enumerate(wanted):
        told(done, len(wanted))
        part = root / "parts" / f"{subject.name}.json"
        if not part.is_file():
            made = _cut(root, subject, seed=seed, turns=turns, samples=samples, threads=threads)
            beside = part.with_suffix(".part")
            beside.write_text(json.dumps([asdict(cutout) for cutout in made]), encoding="utf-8")
            beside.replace(part)
        cutouts += [Cutout(**entry) for entry in json.loads(part.read_text(encoding="utf-8"))]
        write_index(root, px_per_cm=PX_PER_CM, camera_height_cm=CAMERA_CM, cutouts=cutouts)
    told(len(wanted), len(wanted))
    return len(cutouts)


def _cut(root: Path, subject: Subject, *, seed: int, turns: int, samples: int, threads: int) -> list[Cutout]:
    rng = dice("cutout", seed, subject.name)
    blender.empty_stage()
    surroundings.lamps(LIGHT)
    if subject.role == "counter":
        surroundings.counter(rng, subject.kind)
        w, h = COUNTER_CM
        return [
            _shoot(
                root,
                subject,
                Pose(aside_cm=0, turn_rad=0, window_cm=(-w / 2, -h / 2, w / 2, h / 2)),
                None,
                samples,
                threads,
            )
        ]
    made = []
    for lies in (False, True) if subject.kind == "bottle" else (False,):
        body, kind, traits = _body(subject, seed, lies=lies)
        for pose in _poses(subject, kind, turns, offset=rng.uniform(0, 2 * math.pi)):
            body.matrix_basis = Matrix.Translation((pose.aside_cm, 0, 0)) @ Matrix.Rotation(pose.turn_rad, 4, "Z")
            made.append(_shoot(root, subject, pose, body, samples, threads, kind=kind, traits=traits))
        for part in shapes.with_children(body):
            bpy.data.objects.remove(part)
    return made


def _body(subject: Subject, seed: int, *, lies: bool) -> tuple[bpy.types.Object, ItemKind, dict[str, object]]:
    """The thing itself, its sizes, and what else is known of it."""
    rng = dice("look", seed, subject.kind, subject.look)
    if subject.role == "tray":
        look = TrayLook(
            width_cm=41.0,
            depth_cm=30.0,
            tone=subject.kind,
            has_liner=subject.look % 2 == 1,
            look_seed=rng.randrange(1 << 30),
        )
        kind = ItemKind(name=subject.kind, width_cm=look.width_cm, depth_cm=look.depth_cm, tall_cm=2.0)
        return shapes.group("tray", surroundings.tray(look)), kind, {"has_liner": look.has_liner}
    if subject.role == "arm":
        curl, mirrored = (0.25, 0.55, 0.85)[subject.look // 2 % 3], subject.look % 2 == 1
        parts = people.arm(dice("person", seed, subject.look // 2), curl=curl, reach_cm=42.0, mirrored=mirrored)
        kind = ItemKind(name="arm", width_cm=11, depth_cm=11, tall_cm=15)
        return shapes.group("arm", parts), kind, {"curl": curl, "mirrored": mirrored}
    parts = items.BUILDERS[subject.kind](rng, prints.EDITIONS[subject.look % len(prints.EDITIONS)])
    kind = next(k for k in (*ITEMS, *THINGS) if k.name == subject.kind)
    if lies:
        drinks.lay_down(parts)
        kind = ItemKind(name=kind.name, width_cm=7.0, depth_cm=21.8, tall_cm=6.6)
    return shapes.group(subject.kind, [p for p in parts if p.parent is None]), kind, {"lies": lies}


def _poses(subject: Subject, kind: ItemKind, turns: int, *, offset: float) -> list[Pose]:
    if subject.role == "arm":
        return [Pose(aside_cm=0, turn_rad=0, window_cm=(-16, -14, 16, 62))]
    if subject.role == "tray":
        w, d = kind.width_cm / 2 + 5, kind.depth_cm / 2 + 5
        return [Pose(aside_cm=0, turn_rad=0, window_cm=(-w, -d, w, d))]
    round_ = math.hypot(kind.width_cm, kind.depth_cm) / 2 if not kind.is_round else kind.width_cm / 2
    poses = []
    for aside in ASIDES_CM if kind.tall_cm >= TALL_CM else ASIDES_CM[:1]:
        for i in range(turns if kind.tall_cm >= TALL_CM else 1):
            nearer = CAMERA_CM / (CAMERA_CM - kind.tall_cm)
            left, right = (aside - round_) * min(1, nearer) - MARGIN_CM, (aside + round_) * nearer + MARGIN_CM
            window = (
                min(left, -round_ * nearer + aside - MARGIN_CM),
                -round_ * nearer - MARGIN_CM,
                right,
                round_ * nearer + MARGIN_CM,
            )
            poses.append(
                Pose(aside_cm=aside, turn_rad=(offset + 2 * math.pi * i / turns) % (2 * math.pi), window_cm=window)
            )
    return poses


def _shoot(  # noqa: PLR0913 (one picture has that many sides)
    root: Path,
    subject: Subject,
    pose: Pose,
    body: bpy.types.Object | None,
    samples: int,
    threads: int,
    *,
    kind: ItemKind | None = None,
    traits: dict[str, object] | None = None,
) -> Cutout:
    left, bottom, right, top = pose.window_cm
    size = (max(16, round((right - left) * PX_PER_CM)), max(16, round((top - bottom) * PX_PER_CM)))
    _aim(pose.window_cm)
    lies = "-lying" if traits and traits.get("lies") else ""
    name = f"{subject.name}{lies}-a{pose.aside_cm:02.0f}-t{math.degrees(pose.turn_rad):03.0f}"
    file = f"{subject.role}/{subject.kind}/{name}"
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    quality = Quality(
        width_px=size[0], height_px=size[1], samples=samples, threads=threads, see_through=body is not None
    )
    if body is None:
        _write(root / f"{file}.png", srgb_from(blender.render(quality).light[..., :3] * _gain())[..., ::-1])
        area, shadow = float(size[0] * size[1]), ""
    else:
        bgra, shade = _two_passes(body, quality, ground_z=-surroundings.FLOOR_CM if subject.role == "tray" else -0.05)
        _write(root / f"{file}.png", bgra)
        _write(root / f"{file}.shadow.png", shade)
        area, shadow = float(bgra[..., 3].sum() / 255), f"{file}.shadow.png"
    anchor = ((pose.aside_cm - left) * size[0] / (right - left), (top - 0.0) * size[1] / (top - bottom))
    span = (kind.width_cm, kind.depth_cm) if kind else (right - left, top - bottom)
    return Cutout(
        name=name, role=subject.role, kind=subject.kind, look=subject.look, aside_cm=pose.aside_cm,
        turn_rad=pose.turn_rad, file=f"{file}.png", shadow=shadow, anchor_px=anchor, size_cm=span, tall_cm=kind.tall_cm
        if kind else 0.0, area_px=area, traits=dict(traits or {}),
    )  # fmt: skip


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


def _two_passes(
    body: bpy.types.Object, quality: Quality, *, ground_z: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The thing without its ground (BGRA, straight alpha), and its shadow without the thing (grey)."""
    ground = shapes.block("ground", (300, 300, 1), materials.plain("ground", "#a8a49c", 0.8), 0.01)
    ground.location = (0, 0, ground_z - 1)
    ground.visible_camera = False
    light = blender.render(quality).light
    alpha = np.clip(light[..., 3:], 0, 1)
    colour = srgb_from(np.asarray(light[..., :3] / np.maximum(alpha, 1e-3) * _gain(), np.float32))
    bgra = np.dstack([colour[..., ::-1], np.rint(alpha * 255).astype(np.uint8)])
    ground.visible_camera, ground.is_shadow_catcher = True, True
    parts = shapes.with_children(body)
    for part in parts:
        part.visible_camera = False
    shade = np.clip(blender.render(quality).light[..., 3], 0, 1)
    for part in parts:
        part.visible_camera = True
    bpy.data.objects.remove(ground)
    return np.ascontiguousarray(bgra), np.rint(shade * 255).astype(np.uint8)


def _gain() -> float:
    """From Blender's light to pictures in which white paper is BRIGHT: measured once on a white sheet under LIGHT."""
    return BRIGHT / WHITE_SHEET


WHITE_SHEET = 1.0


def _write(path: Path, picture: NDArray[np.uint8]) -> None:
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path} could not be written")
