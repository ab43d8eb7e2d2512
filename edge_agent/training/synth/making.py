"""From a seed to a folder of pictures: rendered ones, and ones laid together from cut-outs. Cut short, both go on."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.domain.menu import Menu
from edge_agent.errors import BadInput
from edge_agent.training.synth.camera_finish import finish, packed
from edge_agent.training.synth.catalogue import CLASSES
from edge_agent.training.synth.checks import Check, checks_for
from edge_agent.training.synth.composition import Scene, compose
from edge_agent.training.synth.cutouts import open_library
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.flat_scene import compose_flat, paint
from edge_agent.training.synth.rendered import RenderedScene, seen_things
from edge_agent.training.synth.scene_folder import SceneFolder

GENERATOR = 2
"""Rises when the same seed no longer gives the same pictures."""

BLENDER_PYTHON = (3, 11)
OLDEST_BLENDER = (5, 0)

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Which pictures to make: `count` of them from number `first`, of that size in pixels.

    Without `hands` the trays lie as they are judged: nobody reaches over them.
    """

    seed: int
    count: int
    first: int = 0
    width_px: int = 640
    height_px: int = 480
    hands: bool = True

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + self.count)

    def staged(self, scene: Scene) -> Scene:
        return scene if self.hands else replace(scene, arms=())


@dataclass(frozen=True, slots=True)
class Made:
    """How many pictures were made now, and how many trays the folder lists in all."""

    new: int
    trays: int


def need_blender() -> None:
    """Refuse in a sentence where Blender is not there.

    Raises:
        BadInput: another Python than Blender is built for, no `bpy`, or one that is too old.
    """
    if sys.version_info[:2] != BLENDER_PYTHON:
        wanted, here = (".".join(str(n) for n in v) for v in (BLENDER_PYTHON, sys.version_info[:2]))
        raise BadInput(f"rendering needs Python {wanted}, for which Blender is built; this is {here}")
    if importlib.util.find_spec("bpy") is None:
        raise BadInput("rendering needs the extra 'synth' (Blender as a package): pip install '.[synth]'")
    import bpy

    if bpy.app.version < OLDEST_BLENDER:
        raise BadInput(f"rendering needs Blender 5.0 or newer; this is {bpy.app.version_string}")


def make_scenes(into: Path, batch: Batch, menu: Menu, *, samples: int, threads: int, told: Told) -> Made:
    """Render the pictures of a batch that the folder lacks.

    Raises:
        BadInput: Blender is missing, or the folder was begun with other settings.
    """
    need_blender()
    from edge_agent.training.synth.stage.rendering import render_scene

    def rendered(number: int) -> tuple[Scene, RenderedScene]:
        scene = batch.staged(compose(batch.seed, number))
        size = {"width_px": batch.width_px, "height_px": batch.height_px}
        return scene, render_scene(scene, **size, samples=samples, threads=threads)

    return _fill(into, batch, menu, {"made_by": "scenes", "samples": samples}, "scene", rendered, told)


def make_flat(into: Path, batch: Batch, menu: Menu, *, library: Path, told: Told) -> Made:
    """Lay the pictures of a batch together from a library of cut-outs.

    Raises:
        BadInput: the library does not read, or the folder was begun with other settings.
    """
    opened = open_library(library)

    def laid(number: int) -> tuple[Scene, RenderedScene]:
        composed, tray = compose_flat(opened, batch.seed, number)
        scene = batch.staged(composed)
        return scene, paint(opened, scene, tray, width_px=batch.width_px, height_px=batch.height_px)

    about = {"made_by": "compose", "cutouts": len(opened.cutouts)}
    return _fill(into, batch, menu, about, "flat", laid, told)


def _fill(
    into: Path,
    batch: Batch,
    menu: Menu,
    about: dict[str, object],
    prefix: str,
    picture: Callable[[int], tuple[Scene, RenderedScene]],
    told: Told,
) -> Made:
    size = (batch.width_px, batch.height_px)
    made_with = {"generator": GENERATOR, "size_px": list(size), **about, **({} if batch.hands else {"hands": False})}
    folder = SceneFolder(into, made_with=made_with)
    missing = [n for n in batch.numbers if not folder.has(f"{prefix}-{batch.seed:04d}-{n:05d}")]
    for done, number in enumerate(missing):
        told(done, len(missing))
        scene, straight = picture(number)
        seen = seen_things(straight, scene.view.barrel)
        jpeg = packed(finish(straight.bent(scene.view.barrel).light, scene.finish), scene.finish.jpeg)
        folder.add(scene.name, number, jpeg, size, seen, scene.order_tag)
    told(len(missing), len(missing))
    trays = folder.write_trays()
    folder.write_checks(_checks(folder, menu))
    return Made(len(missing), trays)


def _checks(folder: SceneFolder, menu: Menu) -> list[Check]:
    """Checks of every tray; a tray's own name decides its mistakes."""
    unknown = [name for name in CLASSES if not menu.items_seen_as(name)]
    if unknown:
        raise BadInput(f"the menu has no item that looks like {', '.join(unknown)}")
    checks: list[Check] = []
    for record in folder.records():
        checks += checks_for(record["tray_id"], record["contents"], menu, dice("checks", record["tray_id"]))
    return checks
