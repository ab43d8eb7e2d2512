"""What things are made of. Colours are sRGB as "#rrggbb"; lengths of patterns in centimetres."""

from __future__ import annotations

from typing import TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

Material: TypeAlias = bpy.types.Material


def linear(colour: str) -> tuple[float, float, float, float]:
    """An sRGB colour as the linear RGBA that Cycles reckons with (IEC 61966-2-1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return r, g, b, 1.0


def plain(
    name: str,
    colour: str,
    roughness: float,
    *,
    metallic: float = 0.0,
    coat: float = 0.0,
    subsurface_cm: float = 0.0,
    glow: float = 0.0,
) -> Material:
    """One colour all over."""
    material, shader = _material(name)
    shader.inputs["Base Color"].default_value = linear(colour)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Metallic"].default_value = metallic
    shader.inputs["Coat Weight"].default_value = coat
    if subsurface_cm:
        shader.inputs["Subsurface Weight"].default_value = 1.0
        shader.inputs["Subsurface Radius"].default_value = (1.0, 0.45, 0.25)
        shader.inputs["Subsurface Scale"].default_value = subsurface_cm
    if glow:
        shader.inputs["Emission Color"].default_value = linear(colour)
        shader.inputs["Emission Strength"].default_value = glow
    return material


def mottled(  # noqa: PLR0913 (a pattern has that many sides)
    name: str,
    colours: tuple[str, ...],
    *,
    grain_cm: float,
    roughness: float,
    bump_cm: float = 0.0,
    bump_grain_cm: float | None = None,
    subsurface_cm: float = 0.0,
    coat: float = 0.0,
    detail: float = 4.0,
    contrast: float = 1.0,
) -> Material:
    """Colours that run into each other in patches of about `grain_cm`, on a surface with bumps."""
    material = plain(name, colours[0], roughness, subsurface_cm=subsurface_cm, coat=coat)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    noise = _noise(material, grain_cm, detail)
    ramp = nodes.new("ShaderNodeValToRGB")
    _fill_ramp(ramp, colours, contrast)
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    if bump_cm:
        _add_bump(material, _noise(material, bump_grain_cm or grain_cm, 6.0).outputs["Fac"], bump_cm)
    return material


def shaded_by_height(
    name: str,
    low: tuple[str, ...],
    high: tuple[str, ...],
    *,
    from_cm: float,
    to_cm: float,
    grain_cm: float,
    roughness: float,
) -> Material:
    """Mottled, with other colours below than above: a bun that is pale at its foot, toasted on its crown."""
    material = mottled(name, low, grain_cm=grain_cm, roughness=roughness, bump_cm=0.02, bump_grain_cm=0.25)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    lower = next(n for n in nodes if n.bl_idname == "ShaderNodeValToRGB")
    upper = nodes.new("ShaderNodeValToRGB")
    _fill_ramp(upper, high, 1.0)
    links.new(_noise(material, grain_cm * 1.7, 5.0).outputs["Fac"], upper.inputs["Fac"])
    place = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(place.outputs["Object"], split.inputs[0])
    span = nodes.new("ShaderNodeMapRange")
    span.interpolation_type = "SMOOTHSTEP"
    span.inputs["From Min"].default_value = from_cm
    span.inputs["From Max"].default_value = to_cm
    links.new(split.outputs["Z"], span.inputs["Value"])
    mix = nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    links.new(span.outputs["Result"], mix.inputs[0])
    links.new(lower.outputs["Color"], mix.inputs[6])
    links.new(upper.outputs["Color"], mix.inputs[7])
    links.new(mix.outputs[2], nodes["Principled BSDF"].inputs["Base Color"])
    return material


def printed(
    name: str,
    picture: NDArray[np.uint8],
    roughness: float,
    *,
    bump_cm: float = 0.0,
    grain_cm: float = 3.0,
    coat: float = 0.0,
) -> Material:
    """A print, placed by the mesh's UV; `picture` is (height, width, 3) sRGB, its first row at the top."""
    material = plain(name, "#ffffff", roughness, coat=coat)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    height, width = picture.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=False)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = picture[::-1].astype(np.float32) / 255
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.extension = "EXTEND"
    links.new(texture.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    if bump_cm:
        _add_bump(material, _noise(material, grain_cm, 5.0).outputs["Fac"], bump_cm)
    return material


def clear(name: str, tint: str = "#ffffff", *, haze: float = 0.12, roughness: float = 0.08) -> Material:
    """Thin clear plastic: light passes, its surface shines; `haze` is the share that it keeps of its own colour."""
    material, shader = _material(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader.inputs["Base Color"].default_value = linear(tint)
    shader.inputs["Roughness"].default_value = roughness
    through = nodes.new("ShaderNodeBsdfTransparent")
    through.inputs["Color"].default_value = linear(tint)
    facing = nodes.new("ShaderNodeLayerWeight")
    facing.inputs["Blend"].default_value = 0.2
    shine = nodes.new("ShaderNodeBsdfGlossy")
    shine.inputs["Roughness"].default_value = roughness
    skin = nodes.new("ShaderNodeMixShader")
    links.new(facing.outputs["Fresnel"], skin.inputs[0])
    links.new(through.outputs[0], skin.inputs[1])
    links.new(shine.outputs[0], skin.inputs[2])
    mix = nodes.new("ShaderNodeMixShader")
    mix.inputs[0].default_value = haze
    links.new(skin.outputs[0], mix.inputs[1])
    links.new(shader.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def speckled(name: str, ground: str, specks: tuple[str, ...], *, speck_cm: float, roughness: float) -> Material:
    """Terrazzo or the speckled laminate of trays: small cells, most of the ground's colour."""
    material = plain(name, ground, roughness)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    cells = nodes.new("ShaderNodeTexVoronoi")
    cells.inputs["Scale"].default_value = 1.0 / speck_cm
    links.new(_object_coordinates(material), cells.inputs["Vector"])
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.interpolation = "CONSTANT"
    _fill_ramp(ramp, (ground, *specks), 1.0)
    for position, element in zip((0.0, 0.5, 0.64, 0.74, 0.82), ramp.color_ramp.elements, strict=False):
        element.position = position
    split = nodes.new("ShaderNodeSeparateColor")
    links.new(cells.outputs["Color"], split.inputs[0])
    links.new(split.outputs[0], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return material


def brushed(name: str, colour: str, roughness: float) -> Material:
    """Brushed steel: its roughness runs in streaks along x."""
    material = plain(name, colour, roughness, metallic=1.0)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    noise = _noise(material, 1.0, 3.0, stretch=(0.02, 6.0, 1.0))
    span = nodes.new("ShaderNodeMapRange")
    span.inputs["To Min"].default_value = max(0.05, roughness - 0.15)
    span.inputs["To Max"].default_value = roughness + 0.2
    links.new(noise.outputs["Fac"], span.inputs["Value"])
    links.new(span.outputs["Result"], nodes["Principled BSDF"].inputs["Roughness"])
    return material


def wood(name: str, colours: tuple[str, ...], roughness: float) -> Material:
    """Wood grain along x."""
    material = plain(name, colours[0], roughness)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    noise = _noise(material, 3.0, 8.0, stretch=(0.06, 1.0, 1.0))
    ramp = nodes.new("ShaderNodeValToRGB")
    _fill_ramp(ramp, colours, 1.6)
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return material


def tiles(name: str, colour: str, joint: str, tile_cm: float) -> Material:
    """A floor of square tiles."""
    material = plain(name, colour, 0.35)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    brick = nodes.new("ShaderNodeTexBrick")
    brick.offset = 0.0
    brick.inputs["Color1"].default_value = linear(colour)
    brick.inputs["Color2"].default_value = linear(colour)
    brick.inputs["Mortar"].default_value = linear(joint)
    brick.inputs["Scale"].default_value = 1.0
    brick.inputs["Mortar Size"].default_value = 0.5
    brick.inputs["Brick Width"].default_value = tile_cm
    brick.inputs["Row Height"].default_value = tile_cm
    links.new(_object_coordinates(material), brick.inputs["Vector"])
    links.new(brick.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return material


def _material(name: str) -> tuple[Material, bpy.types.Node]:
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    return material, material.node_tree.nodes["Principled BSDF"]


def _object_coordinates(material: Material) -> bpy.types.NodeSocket:
    return material.node_tree.nodes.new("ShaderNodeTexCoord").outputs["Object"]


def _noise(
    material: Material, grain_cm: float, detail: float, stretch: tuple[float, float, float] | None = None
) -> bpy.types.Node:
    nodes, links = material.node_tree.nodes, material.node_tree.links
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 1.0 / grain_cm
    noise.inputs["Detail"].default_value = detail
    place = _object_coordinates(material)
    if stretch is not None:
        mapping = nodes.new("ShaderNodeMapping")
        mapping.inputs["Scale"].default_value = stretch
        links.new(place, mapping.inputs["Vector"])
        place = mapping.outputs["Vector"]
    links.new(place, noise.inputs["Vector"])
    return noise


def _fill_ramp(ramp: bpy.types.Node, colours: tuple[str, ...], contrast: float) -> None:
    """Noise lies mostly between 0.3 and 0.7, so the colours are spread over that."""
    elements = ramp.color_ramp.elements
    half = 0.22 / contrast
    while len(elements) < len(colours):
        elements.new(0.5)
    for i, colour in enumerate(colours):
        share = i / max(1, len(colours) - 1)
        elements[i].position = 0.5 - half + 2 * half * share
        elements[i].color = linear(colour)


def _add_bump(material: Material, height: bpy.types.NodeSocket, bump_cm: float) -> None:
    nodes, links = material.node_tree.nodes, material.node_tree.links
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = 1.0
    bump.inputs["Distance"].default_value = bump_cm
    links.new(height, bump.inputs["Height"])
    links.new(bump.outputs["Normal"], nodes["Principled BSDF"].inputs["Normal"])
