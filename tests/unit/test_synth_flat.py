"""Cut-outs laid together in two dimensions: where one says, with the boxes that follow."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_agent.errors import BadInput
from edge_agent.formats.menu import load_menu
from edge_agent.formats.recordings import open_trays
from edge_agent.training.boxed import read_boxed
from edge_agent.training.synth.catalogue import CLASSES, ITEMS, THINGS
from edge_agent.training.synth.composition import Placed
from edge_agent.training.synth.cutouts import Library, linear_from, open_library, srgb_from, write_index
from edge_agent.training.synth.flat_canvas import FlatCanvas, FlatView
from edge_agent.training.synth.flat_scene import compose_flat, drawing_order, fitting, receipt_cutout
from edge_agent.training.synth.making import Batch, make_flat
from edge_agent.training.synth.rendered import box_of
from tests.builders_synth import PX_PER_CM, cutout

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MENU = REPOSITORY / "configs" / "menus" / "fastfood.yaml"
VIEW = FlatView(width_px=80, height_px=60, px_per_cm=2.0)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Every kind once, as a rectangle; a tray, a counter, a hand."""
    root = tmp_path_factory.mktemp("library")
    cutouts = [cutout(root, "counter", "steel", (120, 100)), cutout(root, "tray", "red", (41, 30))]
    cutouts += [cutout(root, "item", kind.name, (kind.width_cm, kind.depth_cm)) for kind in ITEMS]
    cutouts += [cutout(root, "thing", kind.name, (kind.width_cm, kind.depth_cm)) for kind in THINGS if kind.weight]
    cutouts += [
        cutout(root, "arm", "arm", (10, 30), look=look, traits={"curl": 0.5, "mirrored": bool(look)}) for look in (0, 1)
    ]
    write_index(root, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=cutouts)
    return open_library(root)


def test_a_library_reads_as_it_was_written(library: Library) -> None:
    again = open_library(library.root)
    assert again == library
    assert {c.kind for c in again.of("item")} == set(CLASSES)
    assert again.of("item", "pie_sleeve")[0].size_cm == (15.0, 6.0)


def test_a_cutout_lies_where_it_was_put(library: Library) -> None:
    """10 cm right of and 5 cm above the middle, at 2 px/cm, is 20 px right and 10 px up."""
    canvas = FlatCanvas(library, VIEW)
    (pie,) = library.of("item", "pie_sleeve")
    area = canvas.lay(pie, 10.0, 5.0, 0.0, number=3)
    assert box_of(canvas.index == 3) == pytest.approx((60 - 15, 20 - 6, 60 + 15, 20 + 6), abs=1)
    assert area == pytest.approx(30 * 12)


def test_a_quarter_turn_stands_it_up(library: Library) -> None:
    canvas = FlatCanvas(library, VIEW)
    (pie,) = library.of("item", "pie_sleeve")
    canvas.lay(pie, 0.0, 0.0, math.pi / 2, number=1)
    assert box_of(canvas.index == 1) == pytest.approx((40 - 6, 30 - 15, 40 + 6, 30 + 15), abs=1)


def test_turns_are_counter_clockwise_as_seen(tmp_path: Path) -> None:
    """What points right points up after a quarter turn: pictures count rows downwards, trays do not."""
    long = cutout(tmp_path, "item", "burger", (10, 2), anchor_px=(0.0, 4.0))
    write_index(tmp_path, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=[long])
    canvas = FlatCanvas(open_library(tmp_path), VIEW)
    canvas.lay(long, 0.0, 0.0, math.pi / 2, number=1)
    assert box_of(canvas.index == 1) == pytest.approx((38, 10, 42, 30), abs=1)


@given(x=st.floats(-40, 40), y=st.floats(-40, 40), turn=st.floats(-4, 4))
@hypothesis_settings(max_examples=40)
def test_no_place_is_an_error_and_nothing_is_laid_outside(library: Library, x: float, y: float, turn: float) -> None:
    canvas = FlatCanvas(library, VIEW)
    area = canvas.lay(library.of("item", "cookie")[0], x, y, turn, number=1)
    assert (canvas.index == 1).sum() <= area * 1.1 + 8
    assert np.isfinite(canvas.light).all()


def test_what_is_laid_later_covers_what_was_there(library: Library) -> None:
    canvas = FlatCanvas(library, VIEW)
    canvas.lay(library.of("item", "cookie")[0], 0, 0, 0, number=1)
    canvas.lay(library.of("item", "burger")[0], 0, 0, 0, number=2)
    assert set(np.unique(canvas.index)) == {0, 2}


def test_what_is_lifted_grows(library: Library) -> None:
    canvas, lifted = FlatCanvas(library, VIEW), FlatCanvas(library, VIEW)
    (cookie,) = library.of("item", "cookie")
    assert lifted.lay(cookie, 0, 0, 0, number=1, grow=1.5) == pytest.approx(
        2.25 * canvas.lay(cookie, 0, 0, 0, number=1)
    )


def test_a_shadow_darkens_without_covering(tmp_path: Path) -> None:
    dark = cutout(tmp_path, "item", "burger", (4, 4), shadow="shade.png")
    wide = np.full((16, 16), 128, np.uint8)
    cv2.imwrite(str(tmp_path / "shade.png"), wide)
    cv2.imwrite(str(tmp_path / dark.file), np.zeros((16, 16, 4), np.uint8))
    write_index(tmp_path, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=[dark])
    canvas = FlatCanvas(open_library(tmp_path), VIEW)
    canvas.light += 1.0
    canvas.lay(dark, 0, 0, 0, number=1)
    assert canvas.light[30, 40, 0] == pytest.approx(0.5, abs=0.01)
    assert not (canvas.index == 1).any()


def test_the_cutout_nearest_to_how_it_is_seen_is_taken(tmp_path: Path) -> None:
    """Right of the middle, unturned, a cup shows its left side: the library has it 18 cm aside."""
    made = [
        cutout(tmp_path, "item", "cup_large", (5, 5), aside_cm=aside, turn_rad=turn)
        for aside in (0.0, 18.0)
        for turn in (0.0, math.pi / 2, math.pi)
    ]
    write_index(tmp_path, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=made)
    cup = Placed(kind="cup_large", look_seed=5, x_cm=0.0, y_cm=16.0, z_cm=0.0, turn_rad=math.pi)
    taken, turn = fitting(open_library(tmp_path), cup)
    assert taken.aside_cm == 18.0
    assert taken.turn_rad == pytest.approx(math.pi / 2)
    assert turn == pytest.approx(math.pi / 2)


def test_a_kind_that_the_library_lacks_is_named(tmp_path: Path) -> None:
    write_index(tmp_path, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=[])
    thing = Placed(kind="keys", look_seed=5, x_cm=0.0, y_cm=0.0, z_cm=0.0, turn_rad=0.0)
    with pytest.raises(BadInput, match="no cut-out of 'keys'"):
        fitting(open_library(tmp_path), thing)


def test_what_stands_further_out_is_drawn_first_and_what_is_stacked_last() -> None:
    def at(x: float, z: float) -> Placed:
        return Placed(kind="cup_small", look_seed=0, x_cm=x, y_cm=0, z_cm=z, turn_rad=0)

    assert drawing_order((at(1, 0), at(12, 0), at(5, 7.5))) == [1, 0, 2]


def test_what_lies_flat_is_drawn_first_wherever_it_lies() -> None:
    """A napkin in the middle of a tray lies below the box that stands on its edge, not over it."""
    napkin = Placed(kind="napkin", look_seed=0, x_cm=1.0, y_cm=0.0, z_cm=0.0, turn_rad=0.0)
    box = Placed(kind="burger_box", look_seed=0, x_cm=7.0, y_cm=0.0, z_cm=0.3, turn_rad=0.0)
    assert drawing_order((box, napkin)) == [1, 0]


def test_a_receipts_code_is_read_from_the_picture(library: Library) -> None:
    """The till's tag must survive being printed, laid down and seen at 20 px/cm."""
    from edge_agent.training.synth.dice import dice

    laid, layer = receipt_cutout(dice(1), "ORDER:A-117", ("1 burger",), 20.0)
    canvas = FlatCanvas(library, FlatView(width_px=480, height_px=480, px_per_cm=4.0 * 5))
    canvas.light += 0.2
    canvas.lay(laid, 0, 0, 0.1, layer=layer, grow=PX_PER_CM / 20.0)
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(srgb_from(canvas.light))
    assert text == "ORDER:A-117"


def test_a_folder_of_composed_pictures_reads_everywhere_and_is_the_same_again(library: Library, tmp_path: Path) -> None:
    menu = load_menu(MENU).menu
    batch = Batch(seed=3, count=6, width_px=160, height_px=120)
    steps: list[tuple[int, int]] = []
    made = make_flat(tmp_path / "a", batch, menu, library=library.root, told=lambda done, of: steps.append((done, of)))
    assert (made.new, made.trays) == (6, 6)
    assert steps[-1] == (6, 6)
    assert make_flat(tmp_path / "a", batch, menu, library=library.root, told=lambda *_: None).new == 0
    make_flat(tmp_path / "b", batch, menu, library=library.root, told=lambda *_: None)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    trays = open_trays(tmp_path / "a")
    boxed = [b for split in ("train", "val") for b in read_boxed(tmp_path / "a", split, CLASSES)]
    assert len(trays.trays) == len(boxed) == 6
    for photograph in boxed:
        tray = trays.trays[photograph.path.stem]
        assert all(photograph.counts.get(kind, 0) <= n for kind, n in tray.contents.items())
        assert not tray.sure or photograph.counts == tray.contents


def test_without_hands_nobody_reaches_over_the_trays_and_all_else_is_the_same(library: Library, tmp_path: Path) -> None:
    menu = load_menu(MENU).menu
    with_hands = Batch(seed=3, count=24, width_px=160, height_px=120)
    assert any(compose_flat(library, 3, number)[0].arms for number in with_hands.numbers)
    for name, batch in (("hands", with_hands), ("none", replace(with_hands, hands=False))):
        make_flat(tmp_path / name, batch, menu, library=library.root, told=lambda *_: None)
    hands, none = (records(tmp_path / name) for name in ("hands", "none"))
    assert [each["contents"] for each in hands] == [each["contents"] for each in none]
    shares = [[sum(thing["share"] for thing in each["things"]) for each in some] for some in (hands, none)]
    assert all(less <= more + 1e-3 for less, more in zip(*shares, strict=True))
    assert shares[0] != shares[1]
    with pytest.raises(BadInput, match="begun with"):
        make_flat(tmp_path / "none", with_hands, menu, library=library.root, told=lambda *_: None)


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((folder / "records").glob("*.json"))]


def test_a_batch_grows_by_further_numbers(library: Library, tmp_path: Path) -> None:
    menu = load_menu(MENU).menu
    for count in (2, 4):
        batch = Batch(seed=3, count=count, width_px=80, height_px=60)
        make_flat(tmp_path, batch, menu, library=library.root, told=lambda *_: None)
    assert len(list((tmp_path / "records").glob("*.json"))) == 4


def test_a_flat_scene_stands_on_the_librarys_tray(library: Library) -> None:
    scene, tray = compose_flat(library, 1, 2)
    assert (scene.tray.width_cm, scene.tray.depth_cm) == tray.size_cm
    assert scene.name == "flat-0001-00002"


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "does not read"), ('{"schema": 9}', "schema 9"), ('{"schema": 1}', "does not read")],
)
def test_a_library_that_does_not_read_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "library.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        open_library(tmp_path)


def test_a_role_that_does_not_exist_is_refused(library: Library, tmp_path: Path) -> None:
    told = json.loads((library.root / "library.json").read_text())
    told["cutouts"][0]["role"] = "ghost"
    (tmp_path / "library.json").write_text(json.dumps(told))
    with pytest.raises(BadInput, match="'ghost' is no role"):
        open_library(tmp_path)


def test_no_library_says_which_command_makes_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="synth cutouts"):
        open_library(tmp_path)


def test_light_and_bytes_are_each_others_inverse() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(srgb_from(linear_from(every)), every)


def test_a_shadow_runs_away_from_what_is_lifted_and_grows_faint(tmp_path: Path) -> None:
    """Else a hand would carry a burger with its shadow glued to it."""
    dark = cutout(tmp_path, "item", "burger", (12, 12), shadow="shade.png")
    shade = np.zeros((48, 48), np.uint8)
    shade[16:32, 16:32] = 200
    cv2.imwrite(str(tmp_path / "shade.png"), shade)
    cv2.imwrite(str(tmp_path / dark.file), np.zeros((48, 48, 4), np.uint8))
    write_index(tmp_path, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=[dark])
    opened = open_library(tmp_path)
    centres, darkest = [], []
    for lifted_cm in (0.0, 8.0):
        canvas = FlatCanvas(opened, VIEW)
        canvas.light += 1.0
        canvas.lay(dark, 0, 0, 0, lifted_cm=lifted_cm)
        taken = 1 - canvas.light[..., 0]
        centres.append(np.average(np.arange(80), weights=taken.sum(axis=0)))
        darkest.append(float(taken.max()))
    assert centres[0] == pytest.approx(39.5, abs=0.6)
    assert centres[1] > centres[0] + 2
    assert 0 < darkest[1] < 0.7 * darkest[0]


def test_a_shadow_ends_softly_where_its_picture_ends(tmp_path: Path) -> None:
    """A shadow that is cut off shows as a grey square around every cup."""
    cup = cutout(tmp_path, "item", "cup_open", (30, 30), shadow="shade.png")
    cv2.imwrite(str(tmp_path / "shade.png"), np.full((120, 120), 90, np.uint8))
    write_index(tmp_path, px_per_cm=PX_PER_CM, camera_height_cm=80.0, cutouts=[cup])
    shade = open_library(tmp_path).layer(cup).shade
    assert shade is not None
    assert shade[60, 60] == pytest.approx(90 / 255)
    assert max(shade[0].max(), shade[-1].max(), shade[:, 0].max(), shade[:, -1].max()) < 0.02
