"""A video filmed with a made-up library: its files read everywhere, its truth is what its pictures show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.checking.policy import StationKind
from edge_agent.errors import BadInput
from edge_agent.formats.recordings import open_recording
from edge_agent.settings import load_settings
from edge_agent.training.synth.conditions import Finish
from edge_agent.training.synth.cutouts import Library, write_index
from edge_agent.training.synth.video.acting import Cast
from edge_agent.training.synth.video.film_camera import FilmCamera
from edge_agent.training.synth.video.film_file import film_file
from edge_agent.training.synth.video.film_set import FilmSet
from edge_agent.training.synth.video.making import film_story, shots
from edge_agent.training.synth.video.motion import Pose
from edge_agent.training.synth.video.orders import MEALS, order_for
from edge_agent.training.synth.video.story import (
    FRAMES_PER_S,
    Change,
    Mishap,
    Pass,
    Place,
    Story,
    TillSays,
    Trouble,
    Visit,
    Way,
)
from tests.builders_synth import library_of_rectangles

WIDTH_PX, HEIGHT_PX = 160, 120
PASS = Pass(station_id="pass", kind=StationKind.HANDOUT, width_cm=66.0, places=(Place(slot_id="slot"),))
FIRST = Visit(
    tray_id="tray-01", order_id="B-101", slot_id="slot", lying=("burger", "cup_open"), comes_s=0.3, rests_s=0.9,
    goes_s=5.0, gone_s=5.6, seed="one", changes=(Change(at_s=2.0, kind="fries_small"),), put_right_s=2.0,
)  # fmt: skip
SECOND = Visit(
    tray_id="tray-02", order_id="B-102", slot_id="slot", lying=("salad", "napkin"), comes_s=6.0, rests_s=6.6,
    goes_s=7.4, gone_s=7.9, seed="two", way_in=Way.LEFT, way_out=Way.LEFT,
)  # fmt: skip
STORY = Story(
    name="short",
    seed=1,
    duration_s=8.5,
    filmed=PASS,
    visits=(FIRST, SECOND),
    till=(TillSays(at_s=0.1, order=order_for(MEALS[11], 101)), TillSays(at_s=0.2, order=order_for(MEALS[14], 102))),
)


def nobody(_done: int, _of: int) -> None:
    """Looks at no progress."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return library_of_rectangles(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def filmed(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("film")
    film_story(STORY, library, into, width_px=WIDTH_PX, told=nobody)
    return into / "short.mp4"


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    return [frame.picture for frame in VideoFileSource(path).frames()]


def test_a_recording_reads_as_any_other(filmed: Path) -> None:
    source = VideoFileSource(filmed)
    assert (source.width_px, source.height_px) == (WIDTH_PX, HEIGHT_PX)
    assert source.frames_per_s == FRAMES_PER_S
    frames = [frame.at_s for frame in source.frames()]
    assert len(frames) == STORY.frames
    assert source.problem is None
    assert frames[-1] == pytest.approx(8.5 - 1 / FRAMES_PER_S, abs=0.01)
    recording = open_recording(filmed)
    assert [event.at_s for event in recording.orders] == [0.1, 0.2]
    assert [true.tray_id for true in recording.truth] == ["tray-01", "tray-02"]


def test_the_truth_says_what_left_and_what_was_put_right(filmed: Path) -> None:
    first, second = open_recording(filmed).truth
    assert first.contents == {"burger": 1, "cup_open": 1, "fries_small": 1}
    assert first.was is not None
    assert (first.was.until_s, first.was.contents) == (2.0, {"burger": 1, "cup_open": 1})
    assert second.contents == {"salad": 1}
    assert second.was is None


def test_the_truth_says_when_a_tray_is_to_be_seen(library: Library, filmed: Path) -> None:
    """From the first picture that shows something of it to the last."""
    stage = FilmSet(library, STORY, width_px=WIDTH_PX)
    for number, true in enumerate(open_recording(filmed).truth, start=1):
        first, last = round(true.enter_s * FRAMES_PER_S), round(true.leave_s * FRAMES_PER_S)
        shown = [number in stage.at(frame / FRAMES_PER_S).index for frame in range(first - 3, last + 4)]
        assert shown == [False] * 3 + [True] * (last - first + 1) + [False] * 3


def test_the_plan_is_a_configuration_with_the_slot(filmed: Path) -> None:
    settings = load_settings(filmed.with_suffix(".plan.yaml"))
    (station,) = settings.stations
    assert station.kind is StationKind.HANDOUT
    (slot,) = station.slots
    assert 0.05 < slot.polygon[0][0] < 0.2
    assert settings.menu.name == "fastfood.yaml"


def test_the_same_story_has_the_same_pictures(library: Library) -> None:
    """Before they are packed; what x264 makes of them differs by a few bytes now and then."""
    runs = [shots(STORY, library, width_px=WIDTH_PX) for _ in range(2)]
    for one, two in zip(*runs, strict=True):
        assert (one.at_s, one.trays) == (two.at_s, two.trays)
        assert np.array_equal(one.picture, two.picture)


def test_nothing_jumps_and_at_rest_nothing_moves(library: Library) -> None:
    cast = Cast(library, STORY)

    def trays(at_s: float) -> dict[tuple[str, int], Pose]:
        return {(s.cutout.kind, s.number): s.pose for s in cast.at(at_s) if s.number}

    for frame in range(12 * STORY.frames):
        now, soon = trays(frame / 144), trays((frame + 1) / 144)
        for which in now.keys() & soon.keys():
            assert math.hypot(now[which].x_cm - soon[which].x_cm, now[which].y_cm - soon[which].y_cm) < 3, which
    assert cast.at(3.2) == cast.at(4.1)


def test_hands_bring_the_tray_lay_down_the_fries_and_take_it_away(library: Library) -> None:
    cast = Cast(library, STORY)

    def hands(at_s: float) -> int:
        return sum(sprite.cutout.role == "arm" for sprite in cast.at(at_s))

    def kinds(at_s: float) -> list[str]:
        return [sprite.cutout.kind for sprite in cast.at(at_s) if sprite.number == 1]

    assert (hands(0.6), hands(1.9), hands(5.2), hands(8.4)) == (2, 1, 2, 0)
    assert "fries_small" not in kinds(1.0)
    assert "fries_small" in kinds(1.9)
    assert "fries_small" in kinds(3.0)
    lifted = next(sprite for sprite in cast.at(1.5) if sprite.cutout.kind == "fries_small")
    laid = next(sprite for sprite in cast.at(3.0) if sprite.cutout.kind == "fries_small")
    assert lifted.lifted_cm > 4 > laid.lifted_cm == 0


def troubled(trouble: Trouble, from_s: float, to_s: float) -> Story:
    return replace(STORY, name="troubled", mishaps=(Mishap(trouble=trouble, from_s=from_s, to_s=to_s),))


def test_a_light_that_fails_and_comes_back(library: Library) -> None:
    stage = FilmSet(library, troubled(Trouble.DARK, 3.2, 4.1), width_px=WIDTH_PX)
    bright, dark, after = (float(stage.at(at_s).light.mean()) for at_s in (3.15, 3.45, 4.15))
    assert dark < 0.05 * bright
    assert after == pytest.approx(bright, rel=0.1)


def test_a_frozen_picture_is_the_same_to_the_last_bit(library: Library) -> None:
    """Noise is what tells a live picture from a frozen one."""
    story = troubled(Trouble.FREEZE, 3.1, 4.1)
    taken = [shot.picture for shot in shots(story, library, width_px=WIDTH_PX) if 3.0 < shot.at_s < 4.3]
    same = [np.array_equal(a, b) for a, b in pairwise(taken)]
    assert same == [True] * 12 + [False] * (len(same) - 12)


def test_a_camera_that_is_knocked_hangs_askew_from_then_on(library: Library) -> None:
    stage = FilmSet(library, troubled(Trouble.BUMP, 3.2, 3.9), width_px=WIDTH_PX)
    before, after, later = (stage.at(at_s).index for at_s in (3.15, 4.0, 4.15))
    assert (before != after).mean() > 0.03
    assert (after != later).mean() < 0.005


def test_an_arm_hides_a_part_of_the_tray_and_goes_again(library: Library) -> None:
    story = troubled(Trouble.ARM, 2.2, 4.2)
    stage, plain = (FilmSet(library, each, width_px=WIDTH_PX).at(3.2).index == 1 for each in (story, STORY))
    assert stage.sum() < 0.95 * plain.sum()
    assert Cast(library, story).at(4.22) == Cast(library, STORY).at(4.22)


def test_glare_is_brighter_than_the_tray_and_wanders(library: Library) -> None:
    stage, plain = (FilmSet(library, s, width_px=WIDTH_PX) for s in (troubled(Trouble.GLARE, 3.1, 4.3), STORY))
    spots = []
    for at_s in (3.4, 4.0):
        gleam = stage.at(at_s).light[..., 0] - plain.at(at_s).light[..., 0]
        assert gleam.max() > 1
        spots.append(np.unravel_index(int(gleam.argmax()), gleam.shape))
    assert math.dist(spots[0], spots[1]) > 5


CAMERA = Finish(
    exposure=0.0, warmth=0.0, contrast=1.0, saturation=1.0, defocus_px=0.5, motion_px=0.0, motion_rad=0.0, noise=0.01,
    sharpen=0.5, vignette=0.2, jpeg=90, noise_seed=3,
)  # fmt: skip


def camera() -> FilmCamera:
    return FilmCamera(width_px=64, height_px=48, faults=CAMERA, frames_per_s=FRAMES_PER_S, barrel=-0.03)


def test_a_camera_adapts_slowly_and_not_without_end() -> None:
    """The picture goes dark with the light, comes up a little, and is too bright when the light is back."""
    lens = camera()
    grey = np.full((48, 64, 3), 0.25, np.float32)
    usual = [float(lens.shoot(grey).mean()) for _ in range(20)][-1]
    dim = [float(lens.shoot(grey * np.float32(0.1)).mean()) for _ in range(20)]
    back = float(lens.shoot(grey).mean())
    assert dim[0] < dim[-1] < 0.75 * usual
    assert back > usual + 5


def test_no_two_pictures_are_the_same_and_light_alone_decides_their_look() -> None:
    lens = camera()
    grey = np.full((48, 64, 3), 0.25, np.float32)
    one, two = lens.shoot(grey), lens.shoot(grey)
    assert one.dtype == np.uint8
    assert (one != two).mean() > 0.2
    assert abs(float(one.mean()) - float(two.mean())) < 1.5
    assert one[20:28, 28:36].mean() > one[:6, :6].mean()


def test_a_film_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken(take: Callable[[NDArray[np.uint8]], None]) -> None:
        take(np.zeros((48, 64, 3), np.uint8))
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        film_file(tmp_path / "film.mp4", frames_per_s=12, width_px=64, height_px=48) as take,
    ):
        broken(take)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("role", ["tray", "counter", "arm"])
def test_a_library_without_trays_counters_or_people_is_refused(library: Library, tmp_path: Path, role: str) -> None:
    kept = [cutout for cutout in library.cutouts if cutout.role != role]
    write_index(tmp_path, px_per_cm=library.px_per_cm, camera_height_cm=80.0, cutouts=kept)
    lacking = replace(library, cutouts=tuple(kept))
    with pytest.raises(BadInput, match={"arm": "person"}.get(role, role)):
        film_story(STORY, lacking, tmp_path, width_px=WIDTH_PX, told=nobody)
    assert not (tmp_path / "short.mp4").exists()
