"""From an index of pixels to labels that the rest of the house reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_agent.errors import BadInput
from edge_agent.formats.recordings import open_trays
from edge_agent.training.boxed import read_boxed, read_boxes
from edge_agent.training.synth.camera_finish import bend, finish, packed
from edge_agent.training.synth.catalogue import CLASSES
from edge_agent.training.synth.composition import compose
from edge_agent.training.synth.rendered import RenderedScene, SeenThing, box_of, seen_things
from edge_agent.training.synth.scene_folder import SceneFolder, boxes_text, tray_line

SIZE = (64, 48)
FINISH = replace(compose(1, 1).finish, noise=0.01, defocus_px=0.5, motion_px=4.0)


def scene(*rectangles: tuple[str, tuple[int, int, int, int], float]) -> RenderedScene:
    """Things as rectangles (left, top, right, bottom), later ones over earlier ones, with their whole areas."""
    index = np.zeros((SIZE[1], SIZE[0]), np.int32)
    for number, (_, (left, top, right, bottom), _) in enumerate(rectangles, start=1):
        index[top:bottom, left:right] = number
    light = np.repeat((index > 0).astype(np.float32)[..., None], 3, axis=2)
    return RenderedScene(light, index, tuple(r[0] for r in rectangles), tuple(r[2] for r in rectangles))


def test_a_thing_is_boxed_around_what_is_seen_of_it() -> None:
    """A box around what is hidden would teach the detector to guess."""
    seen = seen_things(scene(("burger", (10, 10, 30, 20), 200), ("phone", (20, 5, 40, 25), 400)), 0.0)
    assert [(t.kind, t.box, t.share) for t in seen] == [
        ("burger", (10, 10, 20, 20), 0.5),
        ("phone", (20, 5, 40, 25), 1.0),
    ]


def test_a_thing_wholly_hidden_has_no_box() -> None:
    seen = seen_things(scene(("cookie", (10, 10, 20, 20), 100), ("burger", (5, 5, 30, 30), 625)), 0.0)
    assert (seen[0].box, seen[0].share, seen[0].is_boxed) == (None, 0.0, False)


@pytest.mark.parametrize(("share", "boxed"), [(0.199, False), (0.2, True), (1.0, True)])
def test_what_shows_too_little_of_itself_is_not_boxed(share: float, boxed: bool) -> None:
    assert SeenThing(kind="burger", box=(0, 0, 20, 20), share=share).is_boxed is boxed


@pytest.mark.parametrize(("side", "boxed"), [(3, False), (4, True)])
def test_a_sliver_is_not_boxed(side: int, boxed: bool) -> None:
    assert SeenThing(kind="burger", box=(0, 0, 40, side), share=1.0).is_boxed is boxed


def test_a_tray_with_something_hidden_is_not_sure_but_still_counts_it() -> None:
    """The order is right even where the camera sees too little: its truth is what lies there."""
    seen = (
        SeenThing(kind="burger", box=(0, 0, 20, 20), share=1.0),
        SeenThing(kind="burger", box=None, share=0.0),
        SeenThing(kind="phone", box=None, share=0.0),
    )
    line = tray_line("t1", "images/train/t1.jpg", seen)
    assert (line["contents"], line["sure"]) == ({"burger": 2}, False)
    assert tray_line("t2", "x.jpg", (seen[0], seen[2]))["sure"] is True


def test_labels_read_back_as_the_boxes_they_were(tmp_path: Path) -> None:
    folder = SceneFolder(tmp_path, made_with={"size_px": list(SIZE)})
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    seen = (
        SeenThing(kind="cup_small", box=(3, 4, 40, 30), share=0.9),
        SeenThing(kind="napkin", box=(0, 0, 9, 9), share=1.0),
        SeenThing(kind="bottle", box=(0, 0, 64, 48), share=0.1),
    )
    folder.add("scene-0001-00001", 1, packed(picture, 80), SIZE, seen, "ORDER:A-1")
    (boxed,) = read_boxed(tmp_path, "train", CLASSES)
    assert boxed.counts == {"cup_small": 1}
    ((index, box),) = read_boxes(boxed, SIZE)
    assert CLASSES[index] == "cup_small"
    assert box == pytest.approx((3, 4, 40, 30), abs=1e-3)


def test_a_folder_reads_as_trays_with_checks(tmp_path: Path) -> None:
    folder = SceneFolder(tmp_path, made_with={})
    seen = (SeenThing(kind="cookie", box=(0, 0, 20, 20), share=1.0),)
    folder.add("scene-0001-00005", 5, b"jpeg", SIZE, seen, "ORDER:A-1")
    assert folder.write_trays() == 1
    order = {"order_id": "o", "lines": [{"sku": "cookie", "quantity": 1}]}
    folder.write_checks(
        [{"check_id": "c", "tray_id": "scene-0001-00005", "order": order, "expected": "match"}],
    )
    read = open_trays(tmp_path)
    assert read.trays["scene-0001-00005"].contents == {"cookie": 1}
    assert read.trays["scene-0001-00005"].images == ("images/val/scene-0001-00005.jpg",)


def test_a_picture_counts_as_made_only_when_its_record_is_there(tmp_path: Path) -> None:
    """A cut between picture and labels leaves a picture without truth: it is made again."""
    folder = SceneFolder(tmp_path, made_with={})
    folder.add("scene-0001-00001", 1, b"jpeg", SIZE, (), "ORDER:A-1")
    assert folder.has("scene-0001-00001")
    (tmp_path / "records" / "scene-0001-00001.json").unlink()
    assert not SceneFolder(tmp_path, made_with={}).has("scene-0001-00001")
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    """Pictures of two sizes in one folder would be two data sets under one name."""
    SceneFolder(tmp_path, made_with={"samples": 24})
    with pytest.raises(BadInput, match="begun with"):
        SceneFolder(tmp_path, made_with={"samples": 8})
    assert json.loads((tmp_path / "about.json").read_text())["samples"] == 24


def test_a_label_line_is_class_and_shares() -> None:
    text = boxes_text((SeenThing(kind="burger_wrapped", box=(16, 12, 48, 36), share=1.0),), SIZE)
    assert text == f"{CLASSES.index('burger_wrapped')} 0.500000 0.500000 0.500000 0.500000\n"


@given(left=st.integers(2, 40), top=st.integers(2, 30), barrel=st.floats(-0.17, -0.001), side=st.integers(8, 16))
@hypothesis_settings(max_examples=30)
def test_the_lens_bends_light_and_boxes_alike(left: int, top: int, barrel: float, side: int) -> None:
    straight = scene(("burger", (left, top, min(left + side, 62), min(top + side, 46)), 1.0))
    light, index = bend(straight.light, straight.index, barrel)
    from_light, from_index = box_of(light[..., 0] > 0.5), box_of(index == 1)
    assert from_light is not None
    assert from_index is not None
    assert from_index == pytest.approx(from_light, abs=1)


def test_a_straight_lens_changes_nothing() -> None:
    straight = scene(("burger", (5, 5, 20, 20), 225))
    assert straight.bent(0.0).index is straight.index


def test_the_finish_follows_from_its_seed() -> None:
    light = scene(("burger", (5, 5, 20, 20), 225)).light * 0.4 + 0.1
    picture = finish(light, FINISH)
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, finish(light, FINISH))
    assert not np.array_equal(picture, finish(light, replace(FINISH, noise_seed=FINISH.noise_seed + 1)))


def test_automatic_exposure_makes_light_and_dark_scenes_alike() -> None:
    light = scene(("burger", (5, 5, 40, 40), 1.0)).light * 0.4 + 0.1
    dark, bright = finish(light * 0.01, FINISH), finish(light * 3, FINISH)
    assert abs(float(dark.mean()) - float(bright.mean())) < 6


def test_black_is_no_error() -> None:
    assert finish(np.zeros((48, 64, 3), np.float32), FINISH).mean() < 60
