"""Blender itself: an empty scene, Cycles on the CPU, and one render as arrays."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rendered:
    """`light`: (height, width, 4) float32, linear RGB and alpha; `index`: (height, width) int32, the object there."""

    light: NDArray[np.float32]
    index: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Size of the picture in pixels, samples per pixel, and whether the background is left transparent."""

    width_px: int
    height_px: int
    samples: int
    seed: int = 0
    see_through: bool = False
    threads: int = 0


def empty_stage() -> None:
    """Nothing but a scene: whatever was there is gone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def render(quality: Quality) -> Rendered:
    """Render the scene as it stands.

    The index comes from each pixel's first ray, which meets the thing that lies there or, on an edge, either
    neighbour. What is see-through counts as the thing.
    """
    scene = bpy.context.scene
    _set_up(scene, quality)
    with tempfile.TemporaryDirectory(prefix="edge-agent-synth-") as folder, _quiet():
        _write_passes_to(scene, folder)
        bpy.ops.render.render(write_still=False)
        light, index = (_read(Path(folder) / f"{name}pass.exr") for name in ("light", "index"))
    return Rendered(light, np.rint(index[..., 0]).astype(np.int32))


def _set_up(scene: bpy.types.Scene, quality: Quality) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = quality.samples
    scene.cycles.seed = quality.seed % (1 << 31)
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_quality = scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.max_bounces, scene.cycles.diffuse_bounces, scene.cycles.glossy_bounces = 4, 2, 3
    scene.cycles.transparent_max_bounces = 10
    scene.cycles.use_light_tree = False  # made for scenes of many lamps; here are four at most
    scene.cycles.sample_clamp_indirect = 6.0
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.render.resolution_x, scene.render.resolution_y = quality.width_px, quality.height_px
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = quality.see_through
    scene.cycles.film_transparent_glass = quality.see_through
    scene.view_settings.view_transform = "Standard"
    scene.render.threads_mode = "FIXED" if quality.threads else "AUTO"
    if quality.threads:
        scene.render.threads = quality.threads
    layer = scene.view_layers[0]
    layer.use_pass_object_index = True
    layer.pass_alpha_threshold = 0.0


def _write_passes_to(scene: bpy.types.Scene, folder: str) -> None:
    tree = bpy.data.node_groups.new("passes", "CompositorNodeTree")
    scene.compositing_node_group = tree
    layers = tree.nodes.new("CompositorNodeRLayers")
    for name, socket, kind in (("light", "Image", "RGBA"), ("index", "Object Index", "FLOAT")):
        output = tree.nodes.new("CompositorNodeOutputFile")
        output.directory, output.file_name = folder, name
        output.format.media_type = "IMAGE"
        output.format.file_format, output.format.color_depth, output.format.color_mode = "OPEN_EXR", "32", "RGBA"
        output.save_as_render = False
        output.file_output_items.new(kind, "pass")
        tree.links.new(layers.outputs[socket], output.inputs[0])


def _read(path: Path) -> NDArray[np.float32]:
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return np.ascontiguousarray(values.reshape(height, width, 4)[::-1])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Blender prints from C++; its lines belong in no progress bar."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 1)
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
