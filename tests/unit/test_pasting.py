"""Items of some trays laid onto others: what is labelled lies there, and nothing else has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.adapters.photograph import read_photograph
from edge_agent.training.boxed import BoxedPhotograph, Distractor, label_lines, read_boxes
from edge_agent.training.pasting import COVERED, MOST_PASTED, MOST_SHOWN, vary_repeats
from edge_agent.training.sightings import share_inside

NAMES = ("plate", "tomato", "plum")
COLOURS = {"plate": (235, 235, 235), "tomato": (40, 40, 210), "plum": (150, 40, 60)}
SIZE = (320, 240)
RADIUS = {"plate": 45, "tomato": 20, "plum": 20}

SACHET = (40, 200, 40)

Lying = tuple[str, int, int]
"""What lies there, and where its middle is."""


ROOM: tuple[Lying, ...] = (("plate", 80, 120), ("plum", 280, 60))


def tray(folder: Path, name: str, *lying: Lying) -> BoxedPhotograph:
    folder.mkdir(parents=True, exist_ok=True)
    drawn = np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)
    for item, x, y in lying:
        cv2.circle(drawn, (x, y), RADIUS[item], COLOURS[item], -1)
    grain = np.random.default_rng(1).integers(-20, 21, drawn.shape)
    picture = np.clip(cv2.GaussianBlur(drawn, (0, 0), 4) + grain, 0, 255).astype(np.uint8)
    path, labels = folder / f"{name}.png", folder / f"{name}.txt"
    cv2.imwrite(str(path), picture)
    around = [(NAMES.index(item), (x - r, y - r, x + r, y + r)) for item, x, y in lying for r in [RADIUS[item]]]
    labels.write_text(label_lines(around, SIZE), encoding="ascii")
    return BoxedPhotograph(path, labels, {item: [each for each, _, _ in lying].count(item) for item, _, _ in lying})


def two_trays(folder: Path) -> tuple[BoxedPhotograph, BoxedPhotograph]:
    """One with a lot of room, and one of which a tomato can be taken."""
    spacious = tray(folder, "noon-1-0", *ROOM)
    return spacious, tray(folder, "noon-2-0", ("plate", 90, 110), ("tomato", 220, 150))


def varied(
    photographs: list[BoxedPhotograph], into: Path, seed: int = 3, distractors: Sequence[Distractor] = ()
) -> tuple[BoxedPhotograph, ...]:
    return vary_repeats(photographs, NAMES, into, seed=seed, distractors=distractors, read_photograph=read_photograph)


def with_sachet(folder: Path, name: str, *lying: Lying, at: tuple[int, int] = (220, 150), r: int = 20) -> Distractor:
    """A tray with a green thing on it that has no label."""
    photograph = tray(folder, name, *lying)
    picture = read_photograph(photograph.path)
    x, y = at
    drawn = picture.copy()
    cv2.circle(drawn, (x, y), r, SACHET, -1)
    soft = cv2.GaussianBlur(drawn, (0, 0), 2)
    under = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(under, (x, y), r + 6, 255, -1)
    picture[under > 0] = soft[under > 0]
    cv2.imwrite(str(photograph.path), picture)
    return Distractor(photograph, (x - r, y - r, x + r, y + r), 0)


def greens(photograph: BoxedPhotograph) -> int:
    """How many pixels are as green as the sachet."""
    picture = cv2.blur(read_photograph(photograph.path), (5, 5)).astype(int)
    return int((np.abs(picture - SACHET).max(axis=2) < 60).sum())


def test_a_repetition_carries_further_items_and_what_was_there_before_keeps_its_label(tmp_path: Path) -> None:
    spacious, other = two_trays(tmp_path)
    first, same, again = varied([spacious, other, spacious], tmp_path / "made")
    assert (first, same) == (spacious, other)
    before, after = read_boxes(spacious, SIZE), read_boxes(again, SIZE)
    assert after[: len(before)] == before
    assert 1 <= len(after) - len(before) <= MOST_PASTED
    assert sum(again.counts.values()) == len(after)
    assert again.counts["plum"] == 1


def test_the_new_box_holds_the_thing_and_the_rest_of_the_picture_is_as_it_was(tmp_path: Path) -> None:
    spacious, other = two_trays(tmp_path)
    for seed in range(5):
        again = varied([spacious, other, spacious], tmp_path / f"{seed}", seed)[-1]
        old, new = (read_photograph(each.path).astype(int) for each in (spacious, again))
        untouched = np.ones(SIZE[::-1], bool)
        for index, box in read_boxes(again, SIZE)[2:]:
            left, top, right, bottom = (round(side) for side in box)
            middle = new[(top + bottom) // 2, (left + right) // 2]
            assert np.abs(middle - COLOURS[NAMES[index]]).max() < 45, "the thing lies in the middle of its box"
            untouched[max(top - 9, 0) : bottom + 9, max(left - 9, 0) : right + 9] = False
        # Written as JPEG, so grain may differ, but not what is seen.
        change = cv2.blur((new - old).astype(np.float32), (9, 9))
        assert np.abs(change).max(axis=2)[untouched].max() < 8


def test_nothing_is_hidden_under_a_pasted_item(tmp_path: Path) -> None:
    full = tray(tmp_path, "noon-1-0", *(("plum", x, y) for x in (60, 140, 220) for y in (60, 140)))
    _, other = two_trays(tmp_path)
    for seed in range(8):
        crowded = varied([full, other, full], tmp_path / f"{seed}", seed)[-1]
        boxes = np.array([box for _, box in read_boxes(crowded, SIZE)])
        for row, box in enumerate(boxes):
            assert share_inside(box, np.delete(boxes, row, axis=0)).max() <= COVERED + 0.02


def test_a_thing_that_touches_another_is_not_taken_nor_one_of_another_shot(tmp_path: Path) -> None:
    spacious, _ = two_trays(tmp_path)
    crowded = tray(tmp_path, "noon-3-0", ("plate", 120, 120), ("tomato", 130, 130))
    elsewhere = tray(tmp_path, "noon-4-1", ("plate", 90, 110), ("tomato", 220, 150))
    assert varied([spacious, crowded, elsewhere, spacious], tmp_path / "made")[-1] == spacious


def test_a_photograph_that_is_boxed_and_counted_takes_nothing_of_itself_and_each_copy_has_files_of_its_own(
    tmp_path: Path,
) -> None:
    boxed, counted = (tray(tmp_path / kind, "noon-1-0", ("plate", 80, 120), ("tomato", 250, 60)) for kind in "bc")
    other = tray(tmp_path, "noon-2-0", ("plate", 90, 110))
    for seed in range(4):
        made = varied([boxed, counted, other, boxed, counted, boxed], tmp_path / f"{seed}", seed)[3:]
        assert len({each.path for each in made} | {each.label_path for each in made}) == 2 * len(made)
        for each in made:
            assert each.counts["tomato"] == 1, "the only other tomato is its own"
            assert sum(each.counts.values()) == len(read_boxes(each, SIZE))


def test_the_same_seed_gives_the_same_pictures(tmp_path: Path) -> None:
    """Also where OpenCV's own random numbers have been used before."""
    photographs = [*two_trays(tmp_path), two_trays(tmp_path)[0]]
    sachets = [with_sachet(tmp_path, f"noon-{n}-0", ("plate", 80, 120)) for n in (5, 6)]
    one, other = (varied(photographs, tmp_path / name, 4, sachets)[-1] for name in ("one", "other"))
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.label_path.read_text() == other.label_path.read_text()


def test_where_no_photograph_is_repeated_nothing_is_made(tmp_path: Path) -> None:
    photographs = two_trays(tmp_path)
    assert varied([*photographs], tmp_path / "made") == photographs
    assert not [*(tmp_path / "made").iterdir()]


def test_a_distractor_comes_along_without_a_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.training.pasting.DISTRACTED", 1.0)
    spacious, other = two_trays(tmp_path)
    sachet = with_sachet(tmp_path, "noon-5-0", ("plate", 80, 120))
    for seed in range(6):
        again = varied([spacious, other, spacious], tmp_path / f"{seed}", seed, [sachet])[-1]
        boxes = read_boxes(again, SIZE)
        assert greens(again) > 400, "it lies there"
        assert 1 <= len(boxes) - 2 <= MOST_PASTED, "beside as many items as ever"
        picture = cv2.blur(read_photograph(again.path), (5, 5)).astype(int)
        for _, box in boxes:
            middle = picture[round((box[1] + box[3]) / 2), round((box[0] + box[2]) / 2)]
            assert np.abs(middle - SACHET).max() > 60, "and no box is its own"


def test_about_half_the_repetitions_carry_a_distractor(tmp_path: Path) -> None:
    spacious, other = two_trays(tmp_path)
    sachets = [with_sachet(tmp_path, f"noon-{n}-0", ("plate", 80, 120)) for n in range(5, 9)]
    made = varied([spacious, other, *[spacious] * 40], tmp_path / "made", distractors=sachets)[2:]
    assert 10 <= sum(greens(each) > 400 for each in made) <= 30


def test_a_distractor_is_not_everywhere(tmp_path: Path) -> None:
    """It may be an item that somebody forgot to count."""
    spacious, other = two_trays(tmp_path)
    sachet = with_sachet(tmp_path, "noon-5-0", ("plate", 80, 120))
    made = varied([spacious, other, *[spacious] * 40], tmp_path / "made", distractors=[sachet])[2:]
    assert sum(greens(each) > 400 for each in made) == MOST_SHOWN


def test_a_distractor_that_its_neighbours_cover_between_them_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.training.pasting.DISTRACTED", 1.0)
    spacious = tray(tmp_path, "noon-1-0", *ROOM)
    covered = tray(tmp_path, "noon-5-0", ("plate", 80, 120), ("plate", 170, 120))
    between = Distractor(covered, (105.0, 90.0, 145.0, 150.0), 0)
    assert varied([spacious, spacious], tmp_path / "made", distractors=[between])[-1] == spacious


def test_a_distractor_alone_makes_a_repetition_another_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.training.pasting.DISTRACTED", 1.0)
    spacious = tray(tmp_path, "noon-1-0", *ROOM)
    sachet = with_sachet(tmp_path, "noon-5-0", ("plate", 80, 120))
    again = varied([spacious, spacious], tmp_path / "made", distractors=[sachet])[-1]
    assert again != spacious
    assert read_boxes(again, SIZE) == read_boxes(spacious, SIZE)


def test_a_distractor_stays_on_its_shot_and_off_its_own_photograph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.training.pasting.DISTRACTED", 1.0)
    spacious = tray(tmp_path, "noon-1-0", *ROOM)
    elsewhere = with_sachet(tmp_path, "noon-5-1", ("plate", 80, 120))
    own = with_sachet(tmp_path, "noon-6-0", *ROOM)
    assert varied([spacious, spacious], tmp_path / "a", distractors=[elsewhere])[-1] == spacious
    assert varied([own.photograph, own.photograph], tmp_path / "b", distractors=[own])[-1] == own.photograph


def test_what_lies_on_a_distractor_does_not_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.training.pasting.DISTRACTED", 1.0)
    spacious = tray(tmp_path, "noon-1-0", *ROOM)
    sachet = with_sachet(tmp_path, "noon-5-0", ("tomato", 220, 150), r=34)
    over = read_photograph(sachet.photograph.path).copy()
    cv2.circle(over, (220, 150), RADIUS["tomato"], COLOURS["tomato"], -1)
    cv2.imwrite(str(sachet.photograph.path), over)
    again = varied([spacious, spacious], tmp_path / "made", distractors=[sachet])[-1]
    picture = cv2.blur(read_photograph(again.path), (5, 5)).astype(int)
    assert greens(again) > 250
    assert (np.abs(picture - COLOURS["tomato"]).max(axis=2) < 60).sum() == 0


@pytest.mark.parametrize("at", [(25, 25), (98, 120)], ids=["at the edge", "under a plate"])
def test_a_distractor_that_is_hardly_seen_whole_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: tuple[int, int]
) -> None:
    monkeypatch.setattr("edge_agent.training.pasting.DISTRACTED", 1.0)
    spacious = tray(tmp_path, "noon-1-0", *ROOM)
    sachet = with_sachet(tmp_path, "noon-5-0", ("plate", 80, 120), at=at)
    assert varied([spacious, spacious], tmp_path / "made", distractors=[sachet])[-1] == spacious
