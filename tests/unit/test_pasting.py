"""Items of some trays laid onto others: what is labelled lies there, and nothing else has changed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_agent.adapters.photograph import read_photograph
from edge_agent.training.boxed import BoxedPhotograph, label_lines, read_boxes
from edge_agent.training.pasting import COVERED, MOST_PASTED, vary_repeats
from edge_agent.training.sightings import share_inside

NAMES = ("plate", "tomato", "plum")
COLOURS = {"plate": (235, 235, 235), "tomato": (40, 40, 210), "plum": (150, 40, 60)}
SIZE = (320, 240)
RADIUS = {"plate": 45, "tomato": 20, "plum": 20}

Lying = tuple[str, int, int]
"""What lies there, and where its middle is."""


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
    spacious = tray(folder, "noon-1-0", ("plate", 80, 120), ("plum", 280, 60))
    return spacious, tray(folder, "noon-2-0", ("plate", 90, 110), ("tomato", 220, 150))


def varied(photographs: list[BoxedPhotograph], into: Path, seed: int = 3) -> tuple[BoxedPhotograph, ...]:
    return vary_repeats(photographs, NAMES, into, seed=seed, read_photograph=read_photograph)


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
    one, other = (varied(photographs, tmp_path / name, seed=4)[-1] for name in ("one", "other"))
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.label_path.read_text() == other.label_path.read_text()


def test_where_no_photograph_is_repeated_nothing_is_made(tmp_path: Path) -> None:
    photographs = two_trays(tmp_path)
    assert varied([*photographs], tmp_path / "made") == photographs
    assert not [*(tmp_path / "made").iterdir()]
