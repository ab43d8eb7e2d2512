"""What a round of learning from orders learns from, and what it is measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from edge_agent.ports.steps import nobody_looks
from edge_agent.training import rounds
from edge_agent.training.alignment import Aligned
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.cross_validation import CrossValidated
from edge_agent.training.fit import FitRecipe
from edge_agent.training.judging import Judge
from edge_agent.training.labelling import CountedTray, Naming, Taught
from edge_agent.training.pasting import PASTING
from edge_agent.training.plan import LearningFromOrders, TrainingPlan
from edge_agent.training.rounds import Means, Trained, _Lesson, _spared, learn_from_orders

TRAYS = [CountedTray(f"t-{n}", (Path(f"{n}/a.jpg"), Path(f"{n}/b.jpg")), {"plate": 1}) for n in range(21)]
UNUSED = cast(Aligned, None)
NAMING = Naming(("plate",), ("plate",), {"plate": ("plate",)}, ())


def taught_in(folder: str) -> Taught:
    """Every photograph but those of the first tray was believed, under labels of this round's own."""
    photographs = [
        BoxedPhotograph(path, Path(folder) / f"{tray.tray_id}-{path.stem}.txt", {"plate": 1})
        for tray in TRAYS[1:]
        for path in tray.photographs
    ]
    return Taught(tuple(photographs), (), UNUSED)


def test_without_boxes_whole_trays_measure() -> None:
    """The photographs of a tray are alike: one that teaches would give the answer to one that measures."""
    assert [each.path for each in _spared(taught_in("1"), TRAYS)] == [*TRAYS[1].photographs, *TRAYS[11].photographs]


def test_what_measures_teaches_in_no_round() -> None:
    """Each round writes labels of its own for the same photographs."""
    val = _spared(taught_in("round-1"), TRAYS)
    later = _Lesson(NAMING, taught_in("round-2"), ("plate",), (), val)
    assert len(later.photographs) == 36
    assert not {each.path for each in later.photographs} & {each.path for each in val}


def test_a_fit_notes_how_its_pictures_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit that was cut off goes on with pictures made alike, or not at all."""
    fitted: list[Any] = []

    def fit(*_: object, pictures: Any, **__: object) -> Path:
        fitted.append(pictures)
        return tmp_path / "last.pt"

    monkeypatch.setattr(rounds, "vary_repeats", lambda shown, *_, **__: shown)
    monkeypatch.setattr(rounds, "fit", fit)
    monkeypatch.setattr(rounds, "measure", lambda *_: {"val_map50": 0.9, "val_map50_95": 0.6})
    monkeypatch.setattr(rounds, "curve", lambda _: [])
    monkeypatch.setattr(rounds, "names_given", lambda *_: {})
    means = Means(read_photograph=lambda _: np.zeros((8, 8, 3), np.uint8), on_work=lambda _: nobody_looks)
    lesson = _Lesson(NAMING, taught_in("round-1"), ("plate",), (), taught_in("round-1").photographs[-2:])
    rounds._taught(lesson, TRAYS, tmp_path, FitRecipe(), tmp_path / "before.pt", means)
    assert fitted == [PASTING]


@pytest.fixture
def val() -> dict[str, float]:
    """What mAP50 each round has on the photographs that measure, where it was measured."""
    return {}


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch, val: dict[str, float]) -> list[tuple[int, str, str]]:
    """Which round was taught, who labelled for it, and whose weights it began with; nothing is fitted."""
    known: list[tuple[int, str, str]] = []

    def lesson(_: object, number: int, labeller: Path) -> Any:
        return number, labeller.name

    def teach(lesson: Any, _trays: object, run: Path, recipe: FitRecipe, start: Path, _: Means) -> Any:
        known.append((*lesson, start.name))
        run.mkdir(parents=True, exist_ok=True)
        for made in ("pasted", "data/images"):
            (run / made).mkdir(parents=True)
            (run / made / "a.jpg").write_bytes(b"a badge")
        weights = run / f"{run.name}.pt"
        weights.write_bytes(run.name.encode())
        return Trained(weights, ("plate",), _measured(val.get(run.name))), {"recipe": rounds._told(recipe)}

    monkeypatch.setattr(rounds._School, "lesson", lesson)
    monkeypatch.setattr(rounds, "_taught", teach)
    monkeypatch.setattr(rounds, "last_weights", lambda run: run / f"{run.name}.pt")
    return known


def _measured(map50: float | None) -> dict[str, float]:
    return {} if map50 is None else {"val_map50": map50}


def learned(
    root: Path,
    judge: Judge | None,
    passes: tuple[int, ...] = (1, 1, 1),
    *,
    epochs: int = 9,
    drawn: tuple[str, ...] = ("plate",),
    map50: float | None = None,
) -> tuple[Trained, list[Any]]:
    orders = LearningFromOrders(trays=root, rounds=passes)
    plan = TrainingPlan(
        boxes=root, classes=drawn, run=root / "run", pack=root / "pack", recipe=FitRecipe(epochs=epochs),
        width_px=64, height_px=64, version="1", orders=orders,
    )  # fmt: skip
    (root / "boxes.pt").write_bytes(b"from boxes")
    plan.run.mkdir(exist_ok=True)
    means = Means(read_photograph=lambda _: np.zeros((8, 8, 3), np.uint8), on_work=lambda _: nobody_looks, judge=judge)
    return learn_from_orders(plan, orders, {}, TRAYS, Trained(root / "boxes.pt", drawn, _measured(map50)), means)


def telling(*surprises: float, by: str = "these trays") -> Judge:
    """Finds one student after the other so far from what lies on the trays."""
    left = iter(surprises)
    return Judge(by={"trays_sha256": by}, cross_validated=lambda *_: CrossValidated(30, 20.0, 1.0, next(left)))


ALL = [(1, "boxes.pt", "boxes.pt"), (2, "round-1.pt", "round-1.pt"), (3, "round-2.pt", "round-2.pt")]


@pytest.mark.parametrize("judge", [lambda: None, lambda: telling(0.3, 0.2, 0.1)], ids=["nobody asked", "better"])
def test_each_round_teaches_the_next(
    tmp_path: Path, taught: list[tuple[int, str, str]], judge: Callable[[], Judge | None]
) -> None:
    best, accounts = learned(tmp_path, judge())
    assert taught == ALL
    assert best.weights.name == "round-3.pt"
    assert not any("taken" in each for each in accounts)
    assert not [*(tmp_path / "run").rglob("*.jpg")], "pictures that were made go when they have taught"


@pytest.mark.parametrize(("epochs", "began"), [(9, "the fit on boxes"), (0, "boxes.pt")])
def test_an_account_says_who_labelled_and_what_the_student_began_with(
    tmp_path: Path, taught: list[tuple[int, str, str]], epochs: int, began: str
) -> None:
    _, accounts = learned(tmp_path, None, (1, 1), epochs=epochs)
    assert [(each["teacher"], each["began_with"]) for each in accounts] == [(began, began), ("round 1", "round 1")]


@pytest.mark.parametrize(("teacher", "asked"), [(("plate",), "counts"), (("soup", "salad"), "boxes")])
def test_what_was_drawn_under_a_class_says_a_teacher_that_knows_the_items_or_else_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, teacher: tuple[str, ...], asked: str
) -> None:
    monkeypatch.setattr(Naming, "of", lambda *_, **__: "counts")
    monkeypatch.setattr(Naming, "of_boxes", lambda *_, **__: "boxes")
    plan: Any = SimpleNamespace(classes=("plate",))
    splits: Any = {"train": ()}
    orders = LearningFromOrders(trays=tmp_path)
    school: Any = rounds._School(plan, orders, splits, TRAYS, Path("a.pt"), cast(Means, None))
    looking: Any = SimpleNamespace(names=teacher, look=None)
    plates = cast(Aligned, SimpleNamespace(looks=SimpleNamespace(names=("plate",))))
    assert school._naming(replace(taught_in("round-1"), aligned=plates), looking) == asked


def test_what_lies_on_no_tray_is_no_item_to_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script may write every item of the menu with its count, most of them 0."""
    asked: list[Any] = []
    monkeypatch.setattr(rounds, "label_trays", lambda _, items, *__, **___: asked.append(items))
    monkeypatch.setattr(rounds._School, "_teacher", lambda *_: SimpleNamespace(look=None))
    monkeypatch.setattr(rounds._School, "_made_of", lambda *_: None)
    plan: Any = SimpleNamespace(classes=("plate", "bread"), run=tmp_path)
    means = Means(read_photograph=lambda _: np.zeros((8, 8, 3), np.uint8), on_work=lambda _: nobody_looks)
    for lies, named in (
        ({"plate": 1, "napkin": 0}, ("plate", "bread")),
        ({"plate": 1, "napkin": 1}, ("napkin", "plate")),
    ):
        trays = [CountedTray("t-1", (), lies)]
        school = rounds._School(plan, LearningFromOrders(trays=tmp_path), {}, trays, Path("a.pt"), means)
        school.lesson(1, Path("a.pt"))
        assert asked.pop() == named


def test_pictures_go_also_where_a_cut_came_between_the_end_of_their_round_and_that(
    tmp_path: Path, taught: list[tuple[int, str, str]]
) -> None:
    learned(tmp_path, None, (1,))
    left = tmp_path / "run" / "round-1" / "pasted" / "a.jpg"
    left.parent.mkdir()
    left.write_bytes(b"a badge")
    learned(tmp_path, None, (1,))
    assert not left.parent.exists()
    assert taught == ALL[:1]


@pytest.mark.parametrize(("first", "taken"), [(0.29, "round-1.pt"), (0.3, "boxes.pt"), (0.4, "boxes.pt")])
def test_a_first_round_that_is_no_better_than_what_it_went_on_with_is_not_taken(
    tmp_path: Path, taught: list[tuple[int, str, str]], caplog: pytest.LogCaptureFixture, first: float, taken: str
) -> None:
    """Hours of training would else replace weights that were better, without a word."""
    best, accounts = learned(tmp_path, telling(0.3, first), (1,), epochs=0)
    assert best.weights.name == taken
    assert [each.get("taken", True) for each in accounts] == [taken == "round-1.pt"]
    said = f"round 1 is no better than the weights that it began with, by trays kept apart (surprise 0.3, then {first})"
    assert (said in caplog.text) == (taken == "boxes.pt")
    # Typed again, nothing is taught, nor judged, and the same weights come out.
    assert learned(tmp_path, telling(), (1,), epochs=0) == (best, accounts)
    assert taught == ALL[:1]


@pytest.mark.parametrize("second", [0.2, 0.3])
def test_rounds_end_with_the_first_that_is_no_better_and_the_one_before_is_taken(
    tmp_path: Path, taught: list[tuple[int, str, str]], caplog: pytest.LogCaptureFixture, second: float
) -> None:
    best, accounts = learned(tmp_path, telling(0.2, second))
    assert best.weights.name == "round-1.pt"
    told = [(each["judged"]["surprise"], each.get("taken", True)) for each in accounts]
    assert told == [(0.2, True), (second, False)]
    assert f"round 2 is no better than the one before, by trays kept apart (surprise 0.2, then {second})" in (
        caplog.text
    )
    # Typed again, nothing is taught, nor judged, and the same weights come out.
    again, told_again = learned(tmp_path, telling())
    assert (again, told_again) == (best, accounts)
    assert taught == ALL[:2]


@pytest.mark.parametrize(("second", "taken"), [(0.9, [True, True, False]), (0.8, [True, False])])
def test_where_no_tray_judges_the_drawn_boxes_say_whether_a_later_round_helped(
    tmp_path: Path,
    taught: list[tuple[int, str, str]],
    val: dict[str, float],
    caplog: pytest.LogCaptureFixture,
    second: float,
    taken: list[bool],
) -> None:
    """The first is taken whatever they say: they mind how tightly a box lies, and counts do not."""
    val.update({"round-1": 0.8, "round-2": second, "round-3": 0.85})
    best, accounts = learned(tmp_path, None, map50=0.95)
    assert [each.get("taken", True) for each in accounts] == taken
    assert best.weights.name == f"round-{sum(taken)}.pt"
    assert "no better than the one before, by the boxed photographs under val (mAP50 " in caplog.text
    assert (
        "no trays judge whether a round helps, as ten that are kept for thresholds would: later rounds" in caplog.text
    )


def test_where_items_are_finer_than_the_boxes_val_says_nothing_and_that_is_told(
    tmp_path: Path, taught: list[tuple[int, str, str]], val: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    """Its labels come from counts then, as what is learned does."""
    val.update({"round-1": 0.8, "round-2": 0.7, "round-3": 0.6})
    best, _ = learned(tmp_path, None, drawn=("crockery",), map50=0.9)
    assert best.weights.name == "round-3.pt"
    assert "no trays judge whether a round helps, as ten that are kept for thresholds would: all rounds" in caplog.text


def test_a_round_that_is_added_is_held_against_those_that_nobody_had_judged(
    tmp_path: Path, taught: list[tuple[int, str, str]]
) -> None:
    """The folder of an older version says nothing of them; their weights lie there."""
    learned(tmp_path, None, (1,))
    best, accounts = learned(tmp_path, telling(0.3, 0.9), (1, 1))
    assert best.weights.name == "round-1.pt"
    assert [each["judged"]["surprise"] for each in accounts] == [0.3, 0.9]


def test_rounds_are_judged_anew_where_other_trays_judge(tmp_path: Path, taught: list[tuple[int, str, str]]) -> None:
    """Else trays that are held out now would have chosen the weights, or labels that were wrong."""
    assert learned(tmp_path, telling(0.3, 0.2), (1, 1))[0].weights.name == "round-2.pt"
    best, accounts = learned(tmp_path, telling(0.4, 0.5, by="others"), (1, 1))
    assert best.weights.name == "round-1.pt"
    assert [each["judged"]["trays_sha256"] for each in accounts] == ["others"] * 2
    assert taught == ALL[:2]


def test_what_the_first_round_finds_out_is_found_out_once_also_after_a_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A teacher of a later round does not know the drawn classes any more."""
    labelled: list[Any] = []

    def label(school: Any, number: int, labeller: Path, before: Any) -> Any:
        labelled.append((number, labeller.name, before))
        return f"lesson {number}"

    monkeypatch.setattr(rounds._School, "_labelled", label)
    plan, orders = cast(TrainingPlan, None), LearningFromOrders(trays=tmp_path)
    school: Any = rounds._School(plan, orders, {}, TRAYS, Path("boxes.pt"), cast(Means, None))
    assert [school.lesson(n, Path(f"{n}.pt")) for n in (2, 3, 1)] == ["lesson 2", "lesson 3", "lesson 1"]
    assert labelled == [(1, "boxes.pt", None), (2, "2.pt", "lesson 1"), (3, "3.pt", "lesson 1")]
