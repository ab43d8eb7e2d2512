"""Meshes from a few curves: turned, lofted, bent, lumpy. Lengths in centimetres; points are (…, 3) float arrays."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Bend = Callable[[Points], Points]


class Lumps:
    """Smooth noise in space: a sum of sines in random directions, in about [-1, 1].

    `size_cm` is how far apart two bumps lie.
    """

    def __init__(self, rng: random.Random, size_cm: float, waves: int = 9) -> None:
        directions = np.array([[rng.gauss(0, 1) for _ in range(3)] for _ in range(waves)])
        lengths = np.array([rng.uniform(0.6, 1.7) for _ in range(waves)])
        self._k = (
            directions / np.linalg.norm(directions, axis=1, keepdims=True) * (2 * math.pi / size_cm * lengths)[:, None]
        )
        self._phase = np.array([rng.uniform(0, 2 * math.pi) for _ in range(waves)])

    def __call__(self, points: Points) -> NDArray[np.float64]:
        waves = np.sin(points @ self._k.T + self._phase)
        return np.asarray(waves.sum(axis=-1) / math.sqrt(len(self._phase)) * 0.8)


def mesh_object(
    name: str,
    vertices: Points,
    faces: Sequence[Sequence[int]],
    material: bpy.types.Material,
    *,
    smooth: bool = True,
    uv: NDArray[np.float64] | None = None,
) -> bpy.types.Object:
    """An object of these vertices (n, 3) and faces; `uv` (n, 2) in [0, 1] places a print on it."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces)
    mesh.materials.append(material)
    if uv is not None:
        layer = mesh.uv_layers.new(name="print")
        corners = np.empty(len(mesh.loops), dtype=np.int32)
        mesh.loops.foreach_get("vertex_index", corners)
        layer.data.foreach_set("uv", uv[corners].astype(np.float32).ravel())
    if smooth:
        mesh.shade_smooth()
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def sheet(
    name: str,
    points: Points,
    material: bpy.types.Material,
    *,
    ring: bool = False,
    thick_cm: float = 0.0,
    uv: NDArray[np.float64] | None = None,
    smooth: bool = True,
) -> bpy.types.Object:
    """A surface through a grid of points (rows, columns, 3); with `ring` the last column joins the first."""
    rows, columns = points.shape[:2]
    wraps = columns if ring else columns - 1
    faces = [
        (r * columns + c, r * columns + (c + 1) % columns, (r + 1) * columns + (c + 1) % columns, (r + 1) * columns + c)
        for r in range(rows - 1)
        for c in range(wraps)
    ]
    flat_uv = None if uv is None else uv.reshape(-1, 2)
    made = mesh_object(name, points.reshape(-1, 3), faces, material, uv=flat_uv, smooth=smooth)
    if thick_cm:
        solid = made.modifiers.new("thick", "SOLIDIFY")
        solid.thickness = thick_cm
        solid.offset = 0.0
    return made


def turned(
    name: str,
    profile: Sequence[tuple[float, float]],
    material: bpy.types.Material,
    *,
    segments: int = 56,
    bend: Bend | None = None,
    steps: int = 6,
) -> bpy.types.Object:
    """A body of revolution from its profile, (radius, height) from below to above, smoothed by `steps` between two."""
    curve = _through(profile, steps)
    angles = np.linspace(0, 2 * math.pi, segments, endpoint=False)
    radius, height = curve[:, 0][:, None], curve[:, 1][:, None]
    points = np.stack(
        [radius * np.cos(angles), radius * np.sin(angles), np.broadcast_to(height, (len(curve), segments))], axis=-1
    )
    return sheet(name, bend(points) if bend else points, material, ring=True, uv=from_above(points))


def _through(profile: Sequence[tuple[float, float]], steps: int) -> NDArray[np.float64]:
    """Catmull-Rom through the profile; a point given twice makes an edge."""
    given = np.array([profile[0], *profile, profile[-1]], dtype=float)
    pieces = []
    for before, start, end, after in zip(given, given[1:], given[2:], given[3:], strict=False):
        t = np.linspace(0, 1, steps, endpoint=False)[:, None]
        pieces.append(
            0.5
            * (
                2 * start
                + (end - before) * t
                + (2 * before - 5 * start + 4 * end - after) * t**2
                + (3 * start - before - 3 * end + after) * t**3
            )
        )
    curve = np.concatenate([*pieces, given[-1:]])
    curve[:, 0] = np.maximum(curve[:, 0], 0.0)
    return curve


def from_above(points: Points) -> NDArray[np.float64]:
    """Where each point lies in the picture of a print that is laid on from above: the bounding square to [0, 1]."""
    flat = points[..., :2]
    low, high = flat.reshape(-1, 2).min(axis=0), flat.reshape(-1, 2).max(axis=0)
    side = float(max(*(high - low), 1e-6))
    return np.asarray((flat - (low + high) / 2) / side + 0.5)


def rounded(width: float, depth: float, radius: float, z: float, corner_steps: int = 7) -> Points:
    """A ring (4 * corner_steps, 3): a rectangle with round corners around the z axis, at height z."""
    radius = min(radius, width / 2, depth / 2)
    quarter = np.linspace(0, math.pi / 2, corner_steps)
    ring = [
        (
            sx * (width / 2 - radius) + radius * math.cos(a + turn),
            sy * (depth / 2 - radius) + radius * math.sin(a + turn),
            z,
        )
        for sx, sy, turn in ((1, 1, 0.0), (-1, 1, math.pi / 2), (-1, -1, math.pi), (1, -1, 3 * math.pi / 2))
        for a in quarter
    ]
    return np.array(ring)


def lofted(
    name: str,
    rings: Sequence[Points],
    material: bpy.types.Material,
    *,
    closed: tuple[bool, bool] = (True, True),
    bend: Bend | None = None,
    thick_cm: float = 0.0,
    smooth: bool = False,
) -> bpy.types.Object:
    """A body through rings of equally many points, from below to above; `closed` says whether bottom and top are."""
    layers = list(rings)
    if closed[0]:
        layers = [_shrunk(layers[0], 1e-3), _shrunk(layers[0], 0.96), *layers]
    if closed[1]:
        layers = [*layers, _shrunk(layers[-1], 0.96), _shrunk(layers[-1], 1e-3)]
    points = np.stack(layers)
    uv = from_above(points)
    made = sheet(name, bend(points) if bend else points, material, ring=True, uv=uv, thick_cm=thick_cm)
    if not smooth:
        made.data.set_sharp_from_angle(angle=math.radians(35))
    return made


def _shrunk(ring: Points, share: float) -> Points:
    """Towards its middle: a lid needs a ring near its edge, or the edge's normals bend its whole face."""
    return np.asarray(ring.mean(axis=0) + (ring - ring.mean(axis=0)) * share)


def block(
    name: str, size: tuple[float, float, float], material: bpy.types.Material, bevel_cm: float
) -> bpy.types.Object:
    """A box with bevelled edges, standing on z = 0."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    corners = np.array([(sx * x, sy * y, sz) for sz in (0.0, z) for sy in (-1, 1) for sx in (-1, 1)])
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    made = mesh_object(name, corners, faces, material, uv=from_above(corners))
    bevel = made.modifiers.new("edges", "BEVEL")
    bevel.width = bevel_cm
    bevel.segments = 2
    bevel.harden_normals = False
    return made


def ball(
    name: str,
    radii: tuple[float, float, float],
    material: bpy.types.Material,
    *,
    lumps: Lumps | None = None,
    height_cm: float = 0.0,
    rows: int = 18,
) -> bpy.types.Object:
    """An ellipsoid around the origin, roughened by lumps of that height."""
    up = np.linspace(-math.pi / 2, math.pi / 2, rows)[:, None]
    around = np.linspace(0, 2 * math.pi, 2 * rows, endpoint=False)[None, :]
    unit = np.stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up) + 0 * around], axis=-1)
    points = unit * np.array(radii)
    if lumps is not None:
        points = points + unit * (lumps(points) * height_cm)[..., None]
    return sheet(name, points, material, ring=True)


def tube(
    name: str, path: Points, radii: Sequence[float], material: bpy.types.Material, *, sides: int = 12, flat: float = 1.0
) -> bpy.types.Object:
    """A tube along a path (n, 3) with a radius at each point; `flat` squeezes it across."""
    return sheet(name, tube_points(path, radii, sides=sides, flat=flat), material, ring=True)


def tube_points(path: Points, radii: Sequence[float], *, sides: int = 12, flat: float = 1.0) -> Points:
    """The grid (n + 2, sides, 3) of a tube along a path; both ends are closed."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    side = np.cross(along, np.array([0.0, 0.0, 1.0]))
    weak = np.linalg.norm(side, axis=1) < 1e-3
    side[weak] = np.array([1.0, 0.0, 0.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    over = np.cross(side, along)
    angles = np.linspace(0, 2 * math.pi, sides, endpoint=False)
    ring = np.cos(angles)[None, :, None] * side[:, None] + np.sin(angles)[None, :, None] * over[:, None] * flat
    body = path[:, None] + ring * np.asarray(radii, dtype=float)[:, None, None]
    return np.concatenate([np.repeat(path[:1, None], sides, 1), body, np.repeat(path[-1:, None], sides, 1)])


def group(name: str, parts: Sequence[bpy.types.Object]) -> bpy.types.Object:
    """An empty that all parts follow."""
    empty = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(empty)
    for part in parts:
        part.parent = empty
    return empty


def with_children(parent: bpy.types.Object) -> list[bpy.types.Object]:
    """The object and all that follow it."""
    return [parent, *parent.children_recursive]
