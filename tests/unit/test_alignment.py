"""Alignment: from counts alone, which box is which item."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_agent.training.alignment import INSIDE, Aligned, SeenTray, align
from edge_agent.training.sightings import Sighting, share_inside

CLASSES = 4
LOOKS = {name: row for row, name in enumerate(("soup", "salad", "banana", "can", "hand", "sachet", "plate", "food"))}
NAMED = {
    "soup": (0, 0.8),
    "salad": (0, 0.7),
    "banana": (1, 0.05),
    "can": (2, 0.5),
    "hand": (2, 0.3),
    "sachet": (1, 0.2),
    "plate": (3, 0.8),
    "food": (1, 0.2),
}
"""What a teacher that never saw a banana calls things, and how loud: soup and salad are one class to it."""


def shot(things: list[str], dice: np.random.Generator) -> Sighting:
    """Things in a row, each with the look of its kind; the teacher's scores as above."""
    boxes, scores, looks = [], [], []
    for place, name in enumerate(things):
        left = 40.0 * place + (dice.uniform(0, 400) if name == "hand" else dice.uniform(-2, 2))
        boxes.append((left - 38, 25.0, left - 14, 55.0) if name == "food" else (left, 20.0, left + 30, 60.0))
        named, loud = NAMED[name]
        row = np.full(CLASSES, 0.01)
        row[named] = np.clip(loud + dice.normal(0, 0.05), 0.01, 0.99)
        scores.append(row)
        look = dice.normal(0, 0.3, 8)
        look[LOOKS[name]] += 2.0
        looks.append(look)
    return Sighting(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32).reshape(-1, CLASSES),
        np.array(looks, np.float32).reshape(-1, 8),
        (640, 480),
    )


def trays(number: int, seed: int = 0) -> tuple[list[SeenTray], list[list[str]]]:
    """Trays with one to three items, and hands and sachets that no order names; and what really lies at each place."""
    dice = np.random.default_rng(seed)
    made, truth = [], []
    for n in range(number):
        items = list(dice.choice(["soup", "salad", "banana", "can"], size=dice.integers(1, 4), replace=False))
        things = [*items, *(["sachet"] if dice.random() < 0.5 else []), "hand"]
        made.append(SeenTray(f"t-{n}", tuple(shot(things, dice) for _ in range(3)), Counter(items)))
        truth.append(things)
    return made, truth


def right(aligned: Aligned, truth: list[list[str]]) -> float:
    """The share of items whose box lies on the item."""
    hits = [
        item.candidate is not None and things[item.candidate] == item.name
        for things, stories in zip(truth, aligned.stories, strict=True)
        for story in stories
        for item in story.chosen
    ]
    return sum(hits) / len(hits)


ITEMS = ("banana", "can", "salad", "soup")


@pytest.mark.parametrize("seed", range(3))
def test_items_are_found_that_the_teacher_was_never_taught(seed: int) -> None:
    """The banana is the faintest box on every tray, under a wrong name; soup and salad are one class to the teacher."""
    made, truth = trays(40, seed)
    assert right(align(made, ITEMS), truth) > 0.97


@pytest.mark.parametrize("seed", range(3))
def test_what_lies_on_every_tray_is_told_from_hands_by_what_the_teacher_calls_it(seed: int) -> None:
    """It keeps no company, as hands keep none; nobody says which of the teacher's names is the item's."""
    dice = np.random.default_rng(seed)
    made, truth = [], []
    for tray, things in zip(*trays(60, seed), strict=True):
        with_plate = [*things, "plate"]
        shots = tuple(shot(with_plate, dice) for _ in tray.shots)
        made.append(SeenTray(tray.tray_id, shots, {**tray.counts, "a plate": 1}))
        truth.append([*things, "a plate"])
    assert right(align(made, (*ITEMS, "a plate")), truth) > 0.97


def test_what_lies_on_a_plate_is_no_further_item() -> None:
    """The teacher sees the food on a plate too; a can that no box was found for must not become that."""
    dice = np.random.default_rng(3)
    made = []
    for n in range(60):
        things = [*(["can"] if n % 2 and dice.random() < 0.6 else []), "plate", "food", "hand"]
        counts = {"plate": 1, **({"can": 1} if n % 2 else {})}
        made.append(SeenTray(f"t-{n}", tuple(shot(things, dice) for _ in range(3)), counts))
    for tray, stories in zip(made, align(made, ("can", "plate")).stories, strict=True):
        for seen, story in zip(tray.shots, stories, strict=True):
            boxes = seen.boxes[[item.candidate for item in story.chosen if item.candidate is not None]]
            assert all(
                share_inside(box, np.delete(boxes, n, axis=0)).max(initial=0.0) < INSIDE for n, box in enumerate(boxes)
            )


def test_what_was_learned_names_things_without_an_order() -> None:
    looks = align(trays(40)[0], ITEMS).looks
    fresh = shot(["banana", "hand", "soup"], np.random.default_rng(9))
    named = [(*ITEMS, "nothing")[column] for column in looks.chances(fresh).argmax(axis=1)]
    assert named == ["banana", "nothing", "soup"]


def test_an_item_that_lies_nowhere_is_said_to_be_hidden() -> None:
    made, _ = trays(40)
    made[7] = SeenTray("t-7", tuple(shot([], np.random.default_rng(n)) for n in range(3)), {"soup": 1})
    stories = align(made, ITEMS).stories[7]
    assert [[item.candidate for item in story.chosen] for story in stories] == [[None]] * 3
    assert {story.weakest for story in stories} == {0.0}


def test_a_thing_that_nobody_ordered_is_told() -> None:
    made, truth = trays(40)
    row = next(n for n, things in enumerate(truth) if "can" in things and "banana" in things)
    without = {name: count for name, count in made[row].counts.items() if name != "can"}
    usual = align(made, ITEMS).stories[row]
    made[row] = SeenTray("t", made[row].shots, without)
    told = align(made, ITEMS).stories[row]
    assert min(story.surplus for story in told) > 0.8 > max(story.surplus for story in usual)


def test_no_two_items_share_a_box() -> None:
    made, _ = trays(30)
    for stories in align(made, ITEMS).stories:
        for story in stories:
            taken = [item.candidate for item in story.chosen if item.candidate is not None]
            assert len(taken) == len(set(taken))


def test_a_handful_of_trays_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        align(trays(3)[0], ITEMS)
