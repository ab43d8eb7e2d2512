"""The renderer itself, as small as it goes (`make test-synth`): things fit their footprints, labels follow the seed."""

# ruff: noqa: E402 (what renders is imported only where Blender is)

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs the extra 'synth': make test-synth")

from edge_agent.formats.menu import load_menu
from edge_agent.formats.recordings import open_trays
from edge_agent.training.boxed import read_boxed
from edge_agent.training.synth import prints
from edge_agent.training.synth.catalogue import CLASSES, KINDS, LYING_BOTTLE, THINGS
from edge_agent.training.synth.composition import Placed, Scene, compose
from edge_agent.training.synth.conditions import View
from edge_agent.training.synth.cutouts import open_library
from edge_agent.training.synth.making import Batch, make_flat, make_scenes
from edge_agent.training.synth.rendered import seen_things
from edge_agent.training.synth.stage import blender, cutting, drinks, items, shapes, surroundings
from edge_agent.training.synth.stage.rendering import render_scene
from edge_agent.training.synth.stage.subjects import Subject

pytestmark = [
    pytest.mark.timeout(900),
    # Of Blender, not ours.
    pytest.mark.filterwarnings("ignore"),
]

MENU = Path(__file__).resolve().parent.parent.parent / "configs" / "menus" / "fastfood.yaml"
STRAIGHT_DOWN = View(height_cm=80, width_cm=64, x_cm=0, y_cm=0, tilt_x_rad=0, tilt_y_rad=0, roll_rad=0, barrel=0)
SLACK_CM = 0.8
"""A leaf over a bowl's rim, a corner of a cheese: footprints are for placing, not for millimetres."""


def span_cm(parts: list[object]) -> tuple[float, float, float, float]:
    """Half width, half depth, lowest and highest point of things around the origin."""
    made = shapes.group("thing", [p for p in parts if p.parent is None])  # type: ignore[attr-defined]
    bpy.context.view_layer.update()
    every = [surroundings.corners(p).reshape(-1, 3) for p in shapes.with_children(made) if p.type == "MESH"]
    points = np.concatenate(every)
    return (
        float(np.abs(points[:, 0]).max()),
        float(np.abs(points[:, 1]).max()),
        float(points[:, 2].min()),
        float(points[:, 2].max()),
    )


@pytest.mark.parametrize("name", sorted(items.BUILDERS))
def test_every_look_fits_the_footprint_that_it_is_placed_by(name: str) -> None:
    """What reaches beyond would stand in its neighbour."""
    kind = KINDS[name]
    for look in range(4):
        blender.empty_stage()
        parts = items.BUILDERS[name](random.Random(look), prints.EDITIONS[look % 3])
        wide, deep, low, high = span_cm(parts)
        assert wide <= kind.width_cm / 2 + SLACK_CM
        assert deep <= kind.depth_cm / 2 + SLACK_CM
        assert low >= -0.6
        assert high <= kind.tall_cm + 3.0


def test_a_bottle_lying_down_fits_its_other_footprint() -> None:
    blender.empty_stage()
    parts = drinks.bottle(random.Random(1), prints.EDITIONS[0])
    drinks.lay_down(parts)
    wide, deep, low, high = span_cm(parts)
    assert wide <= LYING_BOTTLE.width_cm / 2 + SLACK_CM
    assert deep <= LYING_BOTTLE.depth_cm / 2 + SLACK_CM
    assert low >= -0.3
    assert high <= LYING_BOTTLE.tall_cm + 0.5


def scene_of(*placed: Placed) -> Scene:
    return replace(compose(1, 1), placed=placed, arms=(), has_person=False, view=STRAIGHT_DOWN)


def test_boxes_lie_where_things_were_put() -> None:
    """10 px/cm: a pie 15 cm long, 10 cm right of the middle."""
    pie = Placed(kind="pie_sleeve", look_seed=1, x_cm=10.0, y_cm=0.0, z_cm=0.0, turn_rad=0.0)
    rendered = render_scene(scene_of(pie), width_px=640, height_px=480, samples=1)
    (seen,) = seen_things(rendered, 0.0)
    assert seen.box is not None
    left, top, right, bottom = seen.box
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((420, 240), abs=8)
    assert right - left == pytest.approx(136, abs=12)
    assert seen.share > 0.95


def test_what_is_half_hidden_shows_about_half_of_itself() -> None:
    """A cookie under a phone: the share is of what it would show alone."""
    cookie = Placed(kind="cookie", look_seed=1, x_cm=0.0, y_cm=0.0, z_cm=0.0, turn_rad=0.0)
    phone = Placed(kind="phone", look_seed=1, x_cm=3.65, y_cm=0.0, z_cm=1.3, turn_rad=0.0)
    rendered = render_scene(scene_of(cookie, phone), width_px=320, height_px=240, samples=1)
    hidden, above = seen_things(rendered, 0.0)
    assert hidden.share == pytest.approx(0.5, abs=0.12)
    assert above.share > 0.95


def test_a_batch_of_scenes_reads_everywhere_and_its_labels_follow_the_seed(tmp_path: Path) -> None:
    menu, batch = load_menu(MENU).menu, Batch(seed=2, count=2, width_px=96, height_px=72)
    for name in ("a", "b"):
        made = make_scenes(tmp_path / name, batch, menu, samples=1, threads=1, told=lambda *_: None)
        assert made.trays == 2
    again = make_scenes(tmp_path / "a", batch, menu, samples=1, threads=1, told=lambda *_: None)
    assert again.new == 0
    for file in ("trays.jsonl", "orders.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    for path in (tmp_path / "a" / "labels").rglob("*.txt"):
        assert path.read_text() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_text()
    assert len(open_trays(tmp_path / "a").trays) == 2
    assert read_boxed(tmp_path / "a", "val", CLASSES)


def test_a_cutout_has_its_anchor_shape_and_shadow(tmp_path: Path) -> None:
    studio = cutting.Studio(tmp_path, seed=1, turns=1, samples=1, threads=0)
    made = studio.cut(Subject(role="item", kind="cup_small", look=0))
    assert [c.aside_cm for c in made] == [0.0, 9.0, 18.0]
    middle = made[0]
    picture = np.asarray(cv2.imread(str(tmp_path / middle.file), cv2.IMREAD_UNCHANGED))
    shade = np.asarray(cv2.imread(str(tmp_path / middle.shadow), cv2.IMREAD_GRAYSCALE))
    assert picture.shape[:2] == shade.shape
    x, y = (round(c) for c in middle.anchor_px)
    assert picture[y, x, 3] > 250
    assert picture[0, 0, 3] < 5
    assert shade.max() > 20
    assert made[2].area_px > middle.area_px, "aside, its wall is seen too"


def test_a_library_of_every_role_makes_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [
        Subject(role="counter", kind="dark", look=0),
        Subject(role="tray", kind="red", look=0),
        Subject(role="arm", kind="arm", look=0),
        *(Subject(role="item", kind=name, look=0) for name in CLASSES),
        *(Subject(role="thing", kind=kind.name, look=0) for kind in THINGS if kind.weight),
    ]
    monkeypatch.setattr(cutting, "subjects", lambda looks: few[:looks])
    library = tmp_path / "library"
    for looks in (2, len(few)):
        cutting.make_cutouts(library, seed=1, looks=looks, turns=1, samples=1, threads=0, told=lambda *_: None)
    assert {c.role for c in open_library(library).cutouts} == {"counter", "tray", "arm", "item", "thing"}
    batch = Batch(seed=1, count=2, width_px=160, height_px=120)
    made = make_flat(tmp_path / "flat", batch, load_menu(MENU).menu, library=library, told=lambda *_: None)
    assert made.trays == 2
