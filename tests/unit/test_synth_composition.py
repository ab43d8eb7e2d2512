"""Scenes are drawn from a seed: the same again, nothing through anything else, nothing off the tray."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_agent.training.synth.catalogue import CLASSES, ITEMS, KINDS, LYING_BOTTLE, THINGS, ItemKind
from edge_agent.training.synth.composition import TOUCHING, Placed, compose
from edge_agent.training.synth.conditions import TrayLook
from edge_agent.training.synth.footprint import Footprint, area_of, clip, footprint, rectangle

numbers = st.integers(0, 100_000)
turns = st.floats(-math.pi, math.pi)
BOX = ItemKind(name="box", width_cm=4, depth_cm=2, tall_cm=1)
ROUND = ItemKind(name="round", width_cm=4, depth_cm=4, tall_cm=1, is_round=True)
TRAY = TrayLook(width_cm=41.0, depth_cm=30.0, tone="red", has_liner=False, look_seed=0)


def shape_of(placed: Placed) -> ItemKind:
    return LYING_BOTTLE if placed.lies else KINDS[placed.kind]


def place_of(placed: Placed) -> Footprint:
    return footprint(shape_of(placed), placed.x_cm, placed.y_cm, placed.turn_rad)


@given(seed=numbers, number=numbers)
@hypothesis_settings(max_examples=15)
def test_the_same_seed_and_number_give_the_same_scene(seed: int, number: int) -> None:
    assert compose(seed, number) == compose(seed, number)


def test_another_number_or_seed_gives_another_scene() -> None:
    assert len({repr(compose(seed, number)) for seed in (1, 2) for number in range(4)}) == 8


@given(number=numbers)
@hypothesis_settings(max_examples=25)
def test_standing_things_do_not_go_through_each_other(number: int) -> None:
    """Two meshes in one place would be a picture of something that cannot be."""
    standing = [p for p in compose(3, number).placed if not KINDS[p.kind].flat]
    for i, one in enumerate(standing):
        for other in standing[i + 1 :]:
            a, b = place_of(one), place_of(other)
            if one.z_cm + shape_of(one).tall_cm <= other.z_cm or other.z_cm + shape_of(other).tall_cm <= one.z_cm:
                continue
            assert a.shared_cm2(b) <= TOUCHING * min(a.area_cm2, b.area_cm2) + 1e-6


@given(number=numbers)
@hypothesis_settings(max_examples=25)
def test_everything_stands_on_the_tray(number: int) -> None:
    scene = compose(4, number, on=TRAY)
    floor = rectangle(TRAY.width_cm, TRAY.depth_cm)
    assert scene.tray == TRAY
    assert all(place_of(p).within(floor) > 0.85 for p in scene.placed)


def test_what_lies_upon_a_box_stands_on_its_lid() -> None:
    """Only small things, and on nothing but what bears them or lies flat."""
    raised = [(scene, p) for scene in (compose(5, n) for n in range(60)) for p in scene.placed if p.z_cm > 2.5]
    assert raised, "sixty scenes have at least one dip on a box"
    for scene, placed in raised:
        assert KINDS[placed.kind].small
        below = [p for p in scene.placed if KINDS[p.kind].bears and place_of(placed).within(place_of(p)) > 0.9]
        assert below


def test_the_contents_are_what_is_sold_and_nothing_else() -> None:
    scene = compose(1, 7)
    assert sum(scene.contents.values()) == sum(p.kind in CLASSES for p in scene.placed)
    assert not set(scene.contents) & {thing.name for thing in THINGS}


def test_every_class_comes_up_within_a_hundred_scenes() -> None:
    seen = {kind for number in range(100) for kind in compose(6, number).contents}
    assert seen == {kind.name for kind in ITEMS}


@given(x=st.floats(-5, 5), y=st.floats(-5, 5), turn=turns)
def test_two_footprints_share_the_same_area_either_way(x: float, y: float, turn: float) -> None:
    one, other = footprint(BOX, 0, 0, 0.3), footprint(ROUND, x, y, turn)
    shared = one.shared_cm2(other)
    assert shared == pytest.approx(other.shared_cm2(one), abs=1e-9)
    assert -1e-9 <= shared <= min(one.area_cm2, other.area_cm2) + 1e-9


@given(x=st.floats(-9, 9), y=st.floats(-9, 9), turn=turns)
def test_a_footprint_keeps_its_area_wherever_it_is_put(x: float, y: float, turn: float) -> None:
    placed = footprint(BOX, x, y, turn)
    assert placed.area_cm2 == pytest.approx(8)
    assert placed.within(placed) == pytest.approx(1)


@pytest.mark.parametrize(
    ("x", "shared"),
    [(0.0, 8.0), (1.0, 6.0), (3.999, 0.002), (4.0, 0.0), (9.0, 0.0)],
    ids=["the same place", "a quarter aside", "just touching", "edge to edge", "far off"],
)
def test_shared_area_at_the_boundaries(x: float, shared: float) -> None:
    assert footprint(BOX, 0, 0, 0).shared_cm2(footprint(BOX, x, 0, 0)) == pytest.approx(shared, abs=1e-6)


def test_a_line_has_no_area() -> None:
    assert area_of(((0.0, 0.0), (1.0, 1.0))) == 0.0
    assert clip(((5.0, 5.0), (6.0, 5.0), (6.0, 6.0)), rectangle(2, 2).corners) == ()
