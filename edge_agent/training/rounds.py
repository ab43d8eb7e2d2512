"""Learn from orders in rounds: a teacher labels trays by their counts, a student learns from that, then teaches."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput
from edge_agent.formats.pack import sha256_of
from edge_agent.formats.whole_file import write_whole
from edge_agent.ports import Picture
from edge_agent.ports.steps import OnWork
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.checkpoints import last_weights
from edge_agent.training.fingerprints import refuse_other
from edge_agent.training.fit import FitRecipe, curve, fit, measure
from edge_agent.training.judging import Judge
from edge_agent.training.labelling import CountedTray, Naming, Taught, label_trays, names_given, rename_boxes
from edge_agent.training.pasting import PASTING, vary_repeats
from edge_agent.training.plan import LearningFromOrders, TrainingPlan
from edge_agent.training.refining import finer_counts
from edge_agent.training.repeating import evened
from edge_agent.training.sightings import Teacher

ReadPhotograph = Callable[[Path], Picture]

logger = logging.getLogger(__name__)

FINISHED_NAME = "finished.json"
"""Lies in the folder of a round that is done."""

SURPRISE, VAL_MAP50 = "surprise", "val_map50"
"""What tells whether a round helped: of trays that a judge has looked at, or else of boxes that somebody drew."""

SPARED = 10
"""Without boxed photographs, those of each tenth labelled tray measure the fit instead of teaching."""

ROUND_RECIPE = FitRecipe(learning_rate=1e-3, close_mosaic=8, warmup_epochs=0)
"""A student starts from trained weights, so it needs fewer passes over its larger set, and no warm-up, in which the
library moves biases a hundred times as fast; its last eight are without mosaic, as trays are when they are judged (five
before; of neither was it measured alone which is better)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Weights, the classes they know, and what they score on `val`."""

    weights: Path
    classes: tuple[str, ...]
    measured: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a round learns from.

    Attributes:
        naming: which item a drawn class may be, and the items in the order of the labels.
        taught: the photographs of trays that were believed, and what their teacher calls the items.
        teacher_names: the classes of that teacher.
        boxed: the boxed photographs under the names of the items.
        val: the photographs that measure; none of them teaches.
    """

    naming: Naming
    taught: Taught
    teacher_names: tuple[str, ...]
    boxed: tuple[BoxedPhotograph, ...]
    val: tuple[BoxedPhotograph, ...]

    @property
    def photographs(self) -> tuple[BoxedPhotograph, ...]:
        """All that teaches."""
        measuring = {each.path for each in self.val}
        return (*self.boxed, *(each for each in self.taught.photographs if each.path not in measuring))


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the rounds need of the rest of the agent.

    Attributes:
        read_photograph: reads a photograph (height, width, 3; uint8; blue-green-red).
        on_work: told what is being done, and how far it is.
        judge: tells by trays that teach nothing whether a round helped; None where there are none to ask.
    """

    read_photograph: ReadPhotograph
    on_work: OnWork
    judge: Judge | None = None


def learn_from_orders(
    plan: TrainingPlan,
    orders: LearningFromOrders,
    splits: Mapping[str, Sequence[BoxedPhotograph]],
    trays: Sequence[CountedTray],
    first: Trained,
    means: Means,
) -> tuple[Trained, list[dict[str, Any]]]:
    """Let a student learn from what a teacher labels by the orders, and teach in turn: in rounds, while they help.

    At most as many rounds are made as were asked for. One that the judge finds no better than the one before, or than
    weights that it goes on with, is told of, not taken, and the last. Without a judge the first round is taken, and
    `val` says of the next ones whether they helped, where the items are the drawn classes. Where they are finer its
    labels come from counts too, it preferred a worse round (docs/experiments.md), and all rounds are taken.

    A student of the first round starts from the weights fitted on boxes, also where another teacher labels: what the
    teacher learned from trays that are kept apart must not come along.

    Returns:
        The best student, or what the first one began with where it was no better; and an account of each round.

    Raises:
        BadInput: the teacher cannot find what the orders name, or a round was begun with something else.
        BadRecording: a photograph or a label does not read.
    """
    best, labeller, rounds = first, orders.teacher or first.weights, list[dict[str, Any]]()
    school = _School(plan, orders, splits, trays, labeller, means)
    before: Mapping[str, Any] | None = None
    if means.judge is None:
        has_val = plan.boxes is not None and _counted_on(trays) <= set(plan.classes)
        does = "later rounds are taken while mAP50 on val rises" if has_val else "all rounds are taken"
        why = "as ten that are kept for thresholds would" if not orders.groups else "since they are counted by groups"
        logger.warning("no trays judge whether a round helps, %s: %s", why, does)
    elif plan.goes_on:
        looking = means.on_work("judging the weights to begin with: parts")
        before = means.judge.on(first.weights, first.classes, plan.run, looking)
    for number, epochs in enumerate(orders.rounds, start=1):
        run = plan.run / f"round-{number}"
        size, seed = plan.recipe.image_size_px, plan.recipe.seed + number
        recipe = replace(ROUND_RECIPE, epochs=epochs, image_size_px=size, seed=seed)
        done = _finished(run, recipe, best.weights)
        if done is None:
            student, account = _taught(school.lesson(number, labeller), school.trays, run, recipe, best.weights, means)
            given = number == 1 and (plan.boxes is None or plan.goes_on)
            account["teacher"] = labeller.name if given or (orders.teacher and number == 1) else _named(number - 1)
            account["began_with"] = first.weights.name if given else _named(number - 1)
            account["apart"] = [str(block) for block in orders.apart]
            _finish(run, student, account, began_with=best.weights)
            done = student, account
        student, account = done
        judged = _by_val(student, plan)
        if means.judge is not None:
            looking = means.on_work(f"round {number}, judging: parts")
            judged = means.judge.on(student.weights, student.classes, run, looking)
            account = {**account, "judged": judged}
        if judged and before and not _is_better(judged, before):
            than = "the one before" if number > 1 else "the weights that it began with"
            said = "round %d is no better than %s, by %s: %s"
            do = "the pack is made of what was there before it, and no further round is made"
            logger.warning(said, number, than, _compared(judged, before), do)
            rounds.append({**account, "taken": False})
            break
        before = judged
        best, labeller = student, student.weights
        rounds.append(account)
    return best, rounds


def _by_val(trained: Trained, plan: TrainingPlan) -> Mapping[str, Any] | None:
    """What the boxes say that somebody drew to measure; None where nobody drew boxes of such items."""
    drawn = plan.boxes is not None and trained.classes == plan.classes
    return trained.measured if drawn and VAL_MAP50 in trained.measured else None


def _is_better(judged: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    if SURPRISE in judged:
        return bool(judged[SURPRISE] < before[SURPRISE])
    return bool(judged[VAL_MAP50] > before[VAL_MAP50])


def _compared(judged: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    if SURPRISE in judged:
        return f"trays kept apart (surprise {before[SURPRISE]}, then {judged[SURPRISE]})"
    return f"the boxed photographs under val (mAP50 {before[VAL_MAP50]}, then {judged[VAL_MAP50]})"


def _counted_on(trays: Iterable[CountedTray]) -> set[str]:
    """What lies on any of the trays."""
    return {name for tray in trays for name, count in tray.counts.items() if count}


class _School:
    """Labels for one round after the other; what the first one finds out serves all.

    The first teacher knows the drawn classes, so it is asked for the finer counts, and which item a drawn class may be;
    and what each round is measured on must not change with the round's teacher. After a cut that is found out again,
    where a round is still to be made.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        orders: LearningFromOrders,
        splits: Mapping[str, Sequence[BoxedPhotograph]],
        trays: Sequence[CountedTray],
        labeller: Path,
        means: Means,
    ) -> None:
        self._plan, self._orders, self._splits, self._means = plan, orders, splits, means
        self._counted, self._first_labeller = trays, labeller

    def lesson(self, number: int, labeller: Path) -> _Lesson:
        """What the round of this number learns from, labelled by these weights.

        Raises:
            BadInput: too little could be labelled.
            BadRecording: a photograph does not read.
        """
        return self._first if number == 1 else self._labelled(number, labeller, self._first)

    @cached_property
    def trays(self) -> Sequence[CountedTray]:
        """The trays, counted in the classes that are to be learned."""
        if not self._orders.groups:
            return self._counted
        teacher, on_tray = self._teacher(self._first_labeller), self._means.on_work("finer counts: trays")
        return finer_counts(self._counted, self._orders.groups, teacher.names, look=teacher.look, on_tray=on_tray)

    @cached_property
    def _first(self) -> _Lesson:
        return self._labelled(1, self._first_labeller, None)

    def _labelled(self, number: int, labeller: Path, before: _Lesson | None) -> _Lesson:
        ordered = _counted_on(self.trays)
        classes = self._plan.classes
        named = classes if ordered <= set(classes) else tuple(sorted(ordered))
        teacher, run = self._teacher(labeller), self._plan.run / f"round-{number}"
        looking = self._means.on_work(f"round {number}, labelling: trays")
        accept = self._orders.accept
        taught = label_trays(self.trays, named, run / "labels", look=teacher.look, accept=accept, on_tray=looking)
        return self._made_of(taught, teacher, run, before)

    def _made_of(self, taught: Taught, teacher: Teacher, run: Path, before: _Lesson | None) -> _Lesson:
        """Name the boxes by the items; the naming and `val` stay those of the lesson before."""
        splits, trays = self._splits, self.trays
        naming = self._naming(taught, teacher) if before is None else before.naming
        renamed = partial(rename_boxes, naming=naming, look=teacher.look, taught=taught)
        boxed = renamed(splits["train"], into=run / "labels-train")
        val = before.val if before else renamed(splits["val"], into=run / "labels-val") or _spared(taught, trays)
        lesson = _Lesson(naming, taught, teacher.names, boxed, val)
        if not lesson.photographs or not val:
            photographs = sum(len(tray.photographs) for tray in trays)
            said = f"of {photographs} photographs {len(taught.photographs)} could be labelled by their counts"
            raise BadInput(f"{said}, too few to learn from: the teacher knows too little of what lies there")
        return lesson

    def _naming(self, taught: Taught, teacher: Teacher) -> Naming:
        drawn, items = self._plan.classes, taught.aligned.looks.names
        if teacher.names == drawn:
            return Naming.of(taught, drawn, items, keep=self._orders.keep)
        return Naming.of_boxes(self._splits["train"], drawn, items, teacher.names, look=teacher.look)

    def _teacher(self, weights: Path) -> Teacher:
        width_px, height_px = self._plan.width_px, self._plan.height_px
        read = self._means.read_photograph
        return Teacher(weights, width_px=width_px, height_px=height_px, read_photograph=read)


def _taught(
    lesson: _Lesson,
    trays: Sequence[CountedTray],
    run: Path,
    recipe: FitRecipe,
    start_from: Path,
    means: Means,
) -> tuple[Trained, dict[str, Any]]:
    """The student of a lesson, and an account of how it learned."""
    items, pasted = lesson.naming.items, run / "pasted"
    hard = {path for tray in trays if tray.hard for path in tray.photographs}
    shown = vary_repeats(
        evened(lesson.photographs, hard=hard),
        items,
        pasted,
        seed=recipe.seed,
        read_photograph=means.read_photograph,
        on_picture=means.on_work(f"{run.name.replace('-', ' ')}, pasting: pictures"),
    )
    weights = fit({"train": shown, "val": lesson.val}, items, run, recipe, start_from=start_from, pictures=PASTING)
    student = Trained(weights, items, measure(weights, run, recipe.image_size_px))
    calls = names_given(lesson.taught, lesson.teacher_names)
    account = {
        "recipe": _told(recipe),
        "trays": len(trays),
        "photographs": sum(len(tray.photographs) for tray in trays),
        "photographs_believed": len(lesson.taught.photographs),
        "boxed_photographs": len(lesson.boxed),
        "photographs_shown": len(shown),
        "photographs_pasted_on": sum(each.path.parent == pasted for each in shown),
        "called": {item: dict(names.most_common(3)) for item, names in calls.items()},
        VAL_MAP50: student.measured[VAL_MAP50],
        "val_map50_95": student.measured["val_map50_95"],
        "curve": curve(run),
    }
    return student, account


def _named(number: int) -> str:
    return f"round {number}" if number else "the fit on boxes"


def _told(recipe: FitRecipe) -> dict[str, Any]:
    """The recipe of a round, which starts from weights and not from an architecture."""
    return {name: value for name, value in asdict(recipe).items() if name != "architecture"}


def _spared(taught: Taught, trays: Sequence[CountedTray]) -> tuple[BoxedPhotograph, ...]:
    """Whole trays, since the photographs of one are alike."""
    believed = {each.path: each for each in taught.photographs}
    by_tray = [[believed[path] for path in tray.photographs if path in believed] for tray in trays]
    return tuple(each for shots in [shots for shots in by_tray if shots][::SPARED] for each in shots)


def _finish(run: Path, student: Trained, account: dict[str, Any], *, began_with: Path) -> None:
    """Keep what a round was made of and what came out of it, so that a command typed again tells of it as it was."""
    asked = {"recipe": account["recipe"], "start_from": sha256_of(began_with)}
    kept = {"asked": asked, "classes": student.classes, "measured": dict(student.measured), "account": account}
    write_whole(run / FINISHED_NAME, json.dumps(kept, indent=2) + "\n")
    _forget_pictures(run)


def _forget_pictures(run: Path) -> None:
    """They have taught; and what lay on one tray need not lie about on a hundred."""
    for made in ("pasted", "data"):
        shutil.rmtree(run / made, ignore_errors=True)


def _finished(run: Path, recipe: FitRecipe, start_from: Path) -> tuple[Trained, dict[str, Any]] | None:
    """A round that is done.

    Raises:
        BadInput: it was made by another recipe, or began with other weights than those of the round before.
    """
    path = run / FINISHED_NAME
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    refuse_other(run, kept.get("asked", {}), {"recipe": _told(recipe), "start_from": sha256_of(start_from)})
    _forget_pictures(run)  # it may have been cut off while it did so
    return Trained(last_weights(run), tuple(kept["classes"]), kept["measured"]), kept["account"]
