"""The stories of the sample videos: what is said to lie on a tray is the order and one mistake, and times are sane."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_agent.checking.policy import StationKind
from edge_agent.checking.scoring import true_verdict
from edge_agent.domain.matching import LineResult, VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.errors import BadInput
from edge_agent.formats.menu import load_menu
from edge_agent.training.synth.catalogue import CLASSES, KINDS
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.footprint import footprint, rectangle
from edge_agent.training.synth.video.courses import tray_course
from edge_agent.training.synth.video.layout import HIDDEN_SHARE, TRAY_CM, hidden_shares, lay_tray
from edge_agent.training.synth.video.motion import Pose, Wobble, arriving, between, eased, leaving
from edge_agent.training.synth.video.orders import MEALS, Mistake, order_for, pieces, read, spoiled
from edge_agent.training.synth.video.plot import PLOTS, write_story
from edge_agent.training.synth.video.rehearsal import is_as_meant, slot_corners, view_of
from edge_agent.training.synth.video.story import (
    FRAMES_PER_S,
    Change,
    Pass,
    Place,
    Story,
    TillSays,
    Trouble,
    Visit,
    Way,
)

MENU = Path(__file__).resolve().parent.parent.parent / "configs" / "menus" / "fastfood.yaml"
PASS = Pass(station_id="pass", kind=StationKind.HANDOUT, width_cm=66.0, places=(Place(slot_id="slot"),))
NAMES = tuple(PLOTS)


@pytest.fixture(scope="module")
def menu() -> Menu:
    return load_menu(MENU, model_classes=CLASSES).menu


@pytest.fixture(scope="module")
def stories(menu: Menu) -> dict[str, Story]:
    return {name: write_story(name, seed=1, menu=menu) for name in NAMES}


def visit(*lying: str, **more: object) -> Visit:
    said = {
        "tray_id": "tray-01", "order_id": "B-101", "slot_id": "slot", "comes_s": 1.0, "rests_s": 2.4, "goes_s": 6.0,
        "gone_s": 7.2, "seed": "any", **more,
    }  # fmt: skip
    return Visit(lying=lying, **said)  # type: ignore[arg-type]


def verdict(menu: Menu, story: Story, tray: Visit) -> VerdictKind:
    said = next(s.order for s in story.till if s.order is not None and s.order["order_id"] == tray.order_id)
    return true_verdict(menu, read(said), tray.sold).kind


@given(meal=st.sampled_from(MEALS), mistake=st.sampled_from(Mistake), seed=st.integers(0, 10_000))
@hypothesis_settings(max_examples=150)
def test_what_lies_there_is_the_order_and_the_mistake(
    menu: Menu, meal: tuple[dict[str, object], ...], mistake: Mistake, seed: int
) -> None:
    """The truth of a video is exact only if the verdict that perfect eyes give is the one that was meant."""
    rng = dice(seed)
    order = read(order_for(meal, 101))
    right = pieces(menu, order, rng)
    lying = spoiled(right, mistake, menu, rng)
    assert true_verdict(menu, order, right).kind is VerdictKind.MATCH
    if lying is None:
        assert mistake in (Mistake.SIZE, Mistake.MISSING)
        return
    said = true_verdict(menu, order, lying)
    faults = {line.result for line in said.faults}
    expected = {
        Mistake.NONE: set(),
        Mistake.MISSING: {LineResult.MISSING},
        Mistake.EXTRA: {LineResult.EXTRA},
        Mistake.SIZE: {LineResult.MISSING, LineResult.EXTRA},
    }
    assert faults == expected[mistake]
    assert said.differing_pieces == (mistake is not Mistake.NONE)
    gone, come = (right - lying).total(), (lying - right).total()
    assert (gone, come) == {"none": (0, 0), "missing": (1, 0), "extra": (0, 1), "size": (1, 1)}[mistake.value]


@given(
    lying=st.lists(st.sampled_from(sorted(KINDS)), max_size=5),
    brought=st.lists(st.tuples(st.floats(3, 5), st.sampled_from(sorted(KINDS))), max_size=4),
)
def test_a_tray_holds_what_it_came_with_and_what_was_brought(
    lying: list[str], brought: list[tuple[float, str]]
) -> None:
    changes = tuple(Change(at_s=at_s, kind=kind) for at_s, kind in sorted(brought))
    tray = visit(*lying, changes=changes)
    assert tray.sold_at(2.9) == Counter(kind for kind in lying if kind in CLASSES)
    assert tray.sold == Counter(kind for kind in (*lying, *(c.kind for c in changes)) if kind in CLASSES)


@pytest.mark.parametrize("name", NAMES)
def test_times_are_sane(stories: dict[str, Story], name: str) -> None:
    story = stories[name]
    for tray in story.visits:
        assert 0 < tray.comes_s < tray.rests_s < tray.goes_s < tray.gone_s < story.duration_s
        assert all(tray.rests_s < change.at_s < tray.goes_s - 1 for change in tray.changes)
        said = next(s for s in story.till if s.order is not None and s.order["order_id"] == tray.order_id)
        assert said.at_s < tray.rests_s
    for place in story.filmed.places:
        there = [tray for tray in story.visits if tray.slot_id == place.slot_id]
        assert all(one.gone_s < next_.comes_s for one, next_ in pairwise(there))
    assert list(story.till) == sorted(story.till, key=lambda s: s.at_s)
    assert [tray.comes_s for tray in story.visits] == sorted(tray.comes_s for tray in story.visits)
    assert len({tray.tray_id for tray in story.visits}) == len({t.order_id for t in story.visits}) == len(story.visits)


def test_the_lunch_rush_has_what_a_lunch_rush_has(stories: dict[str, Story], menu: Menu) -> None:
    story = stories["lunch-rush"]
    assert story.duration_s >= 90
    assert len(story.visits) >= 15
    came = [replace(t, changes=()) for t in story.visits]
    wrong = [t for t in came if verdict(menu, story, t) is VerdictKind.MISMATCH]
    assert 0.28 <= len(wrong) / len(came) <= 0.4
    put_right = [t for t in story.visits if t.put_right_s is not None]
    assert [verdict(menu, story, t) for t in put_right] == [VerdictKind.MATCH]
    assert {kind for t in story.visits for kind in t.sold} == set(CLASSES)
    numbers = [t.order_id for t in story.visits]
    assert numbers != sorted(numbers, key=str), "some orders must come out of turn"


def test_assembly_fills_trays_in_two_places_at_a_time(stories: dict[str, Story], menu: Menu) -> None:
    story = stories["assembly"]
    assert story.filmed.kind is StationKind.ASSEMBLY
    assert {t.slot_id for t in story.visits} == {p.slot_id for p in story.filmed.places} == {"left", "right"}
    assert all(not t.lying and len(t.changes) >= 3 for t in story.visits)
    ready = {s.ready: s.at_s for s in story.till if s.ready is not None}
    assert set(ready) == {t.order_id for t in story.visits}
    assert all(t.rests_s < ready[str(t.order_id)] < t.goes_s for t in story.visits)
    assert any(one.goes_s > two.rests_s for one, two in pairwise(story.visits)), "two trays must be filled at a time"


def test_trouble_has_every_trouble_while_a_tray_lies_there(stories: dict[str, Story]) -> None:
    story = stories["trouble"]
    assert {mishap.trouble for mishap in story.mishaps} == set(Trouble)
    for mishap in story.mishaps:
        assert any(t.rests_s < mishap.from_s < mishap.to_s < t.goes_s for t in story.visits)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_till_sends_is_on_the_menu(stories: dict[str, Story], menu: Menu, name: str) -> None:
    orders = [read(said.order) for said in stories[name].till if said.order is not None]
    lines = [line for order in orders for top in order.lines for _, line in top.walk()]
    assert all(menu.find(line.sku) is not None for line in lines)


def test_orders_have_all_that_makes_orders_hard(menu: Menu) -> None:
    orders = [read(order_for(meal, 101)) for meal in MEALS]
    tops = [line for order in orders for line in order.lines]
    assert any(line.children for line in tops)
    assert any(not line.children and (item := menu.find(line.sku)) and item.contains for line in tops)
    assert {rule is None for line in tops for m in line.modifiers for rule in (menu.rule_for(m),)} == {True, False}
    assert {"toy", "coffee", "small-dessert", "dip-bbq"} <= {line.sku for top in tops for _, line in top.walk()}


def test_the_same_seed_writes_the_same_story(stories: dict[str, Story], menu: Menu) -> None:
    assert write_story("trouble", seed=1, menu=menu) == stories["trouble"]
    assert write_story("trouble", seed=2, menu=menu) != stories["trouble"]


def test_a_story_that_perfect_eyes_would_not_understand_is_not_told(stories: dict[str, Story], menu: Menu) -> None:
    """Else a video would score the checker for what no checker can know."""
    story = stories["trouble"]
    first, *others = story.visits
    assert is_as_meant(story, menu)
    ordered = next(s.order for s in story.till if s.order is not None and s.order["order_id"] == first.order_id)
    twin = TillSays(at_s=0.1, order={**ordered, "order_id": "B-100"})
    assert not is_as_meant(replace(story, till=(twin, *story.till)), menu)
    hasty = replace(first, goes_s=first.rests_s + 0.1, gone_s=first.rests_s + 0.6)
    assert not is_as_meant(replace(story, visits=(hasty, *others)), menu)


def test_a_story_that_nobody_wrote_is_refused(menu: Menu) -> None:
    with pytest.raises(BadInput, match="there are: lunch-rush, assembly, trouble"):
        write_story("dinner", seed=1, menu=menu)


@pytest.mark.parametrize("turn_rad", [0.0, 1.5707963])
def test_things_lie_on_their_tray_and_can_be_seen(turn_rad: float) -> None:
    place = Place(slot_id="slot", x_cm=5.0, y_cm=-2.0, turn_rad=turn_rad)
    tray = visit("receipt", "burger", "fries_large", "cup_large", "sauce_cup", changes=(Change(at_s=4, kind="cookie"),))
    laid = lay_tray(tray, place)
    assert [p.kind for p in laid] == ["receipt", "burger", "fries_large", "cup_large", "sauce_cup", "cookie"]
    assert max(hidden_shares(laid)) <= HIDDEN_SHARE
    wide, deep = TRAY_CM if not turn_rad else TRAY_CM[::-1]
    for p in laid:
        there = footprint(KINDS[p.kind], p.x_cm - 5.0, p.y_cm + 2.0, p.turn_rad)
        assert there.within(rectangle(wide, deep)) > 0.85
    assert lay_tray(tray, place) == laid


def test_a_tray_with_too_much_on_it_is_refused() -> None:
    with pytest.raises(BadInput, match="no room for"):
        lay_tray(visit(*["salad"] * 7), Place(slot_id="slot"))


@pytest.mark.parametrize("way_in", Way)
@pytest.mark.parametrize("way_out", Way)
@given(seed=st.integers(0, 1000))
@hypothesis_settings(max_examples=15)
def test_trays_slide_in_lie_still_and_slide_out_without_a_jump(way_in: Way, way_out: Way, seed: int) -> None:
    tray = visit("burger", way_in=way_in, way_out=way_out, seed=str(seed))
    times = [tray.comes_s + i * (tray.gone_s - tray.comes_s) / 240 for i in range(241)]
    poses = [tray_course(tray, PASS, at_s) for at_s in times]
    assert tray_course(tray, PASS, 0.99) is None
    assert tray_course(tray, PASS, 7.21) is None
    assert None not in poses
    there = [pose for pose in poses if pose is not None]
    steps = [abs(a.x_cm - b.x_cm) + abs(a.y_cm - b.y_cm) for a, b in pairwise(there)]
    assert max(steps) < 8.0
    assert all(pose == Pose() for pose, at_s in zip(there, times, strict=True) if tray.rests_s <= at_s <= tray.goes_s)
    for end in (there[0], there[-1]):
        assert max(abs(end.x_cm) / 55, abs(end.y_cm) / 41) > 1, "a tray must begin and end out of the picture"


@given(share=st.floats(-1, 2), more=st.floats(0, 1))
@example(share=0.0, more=0.9999999999999999)
def test_movements_begin_at_nought_and_end_at_one_and_never_go_back(share: float, more: float) -> None:
    for way in (eased, arriving, leaving):
        assert 0 <= way(share) <= way(share + more) <= 1
        assert (way(0), way(1)) == (0, 1)
    assert between(share, 0.0, 1.0) == min(1.0, max(0.0, share))


@given(seed=st.integers(), at_s=st.floats(0, 1000))
def test_unrest_is_small(seed: int, at_s: float) -> None:
    assert abs(Wobble.of(0.35, seed).at(at_s)) <= 0.35 * 1.2


@pytest.mark.parametrize("name", NAMES)
def test_slots_lie_in_the_picture_and_hold_their_trays(stories: dict[str, Story], name: str) -> None:
    filmed = stories[name].filmed
    view = view_of(filmed)
    for place in filmed.places:
        corners = slot_corners(place, view)
        assert all(0 <= share <= 1 for corner in corners for share in corner)
        x, y = view.place_px(place.x_cm, place.y_cm)
        assert min(c[0] for c in corners) < x / view.width_px < max(c[0] for c in corners)
        assert min(c[1] for c in corners) < y / view.height_px < max(c[1] for c in corners)
    assert stories[name].frames == round(stories[name].duration_s * FRAMES_PER_S)
