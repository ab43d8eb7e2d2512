"""Which box is which item, found from counts alone: the orders say what lies on each tray, not where.

The first guess is the company that a look keeps: what looks like a banana lies mostly on trays whose orders name one,
while hands and cutlery lie on all of them (a tray is a bag of boxes of which only the sum is known: multiple-instance
learning, Dietterich et al. 1997). A plate lies on all of them too, and keeps no company; but the teacher may have a
name for it, and which name stands for which item is found from the counts as well.

From there on choices teach looks and looks make choices: a softmax regression learns from the boxes chosen so far how
each item looks, and how nothing looks, and on every photograph the boxes are chosen anew, so that the whole story is
likeliest in which each ordered item has a box of its own and every other box is nothing. A tray is always judged by a
regression that never saw it (five folds), so that a wrong choice is not believed because it was learned by heart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment, minimize
from scipy.special import log_softmax

from edge_agent.training.sightings import CLEARLY, Sighting, overlaps, share_inside

Doubles = npt.NDArray[np.float64]

FOLDS = 5
PASSES = 5
"""How often boxes are chosen anew; choices hardly change after the fourth."""
COMPONENTS = 64
"""Principal components of the looks that the regression is given."""
RIDGE = 3.0
"""Weight of the squared coefficients against the likelihood."""
UNSEEN = -6.0
"""Log-odds at which an item is rather said to be hidden than given a box that looks like nothing."""
SAME_THING = 0.3
"""From this overlap on, boxes on two photographs of a tray are one thing that did not move."""
STRAY = 0.01
"""Of all boxes of a name, the share that no item needs to explain."""
NAMING_PASSES = 200
"""Far beyond where the rates still change; a pass is three small products."""
FORBIDDEN = -100.0
"""Log-odds of a box that an item must not have."""
INSIDE = 0.7
"""A box of which so much lies in a chosen one is part of that thing."""


@dataclass(frozen=True, slots=True)
class SeenTray:
    """The candidates on each photograph of a tray, and how many of what lie on it."""

    tray_id: str
    shots: tuple[Sighting, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One item's box on one photograph: the candidate's index (None: hidden), and how likely it is the item."""

    name: str
    candidate: int | None
    chance: float


@dataclass(frozen=True, slots=True)
class Story:
    """What lies where on one photograph, and how sure the weakest part of that is (0 to 1).

    `surplus` is the largest chance that a box nobody ordered is something.
    """

    chosen: tuple[Chosen, ...]
    surplus: float

    @property
    def weakest(self) -> float:
        return min((item.chance if item.candidate is not None else 0.0 for item in self.chosen), default=1.0)


@dataclass(frozen=True, slots=True)
class _Space:
    """What a regression is given of each candidate: principal components of its look, its scores, its size."""

    mean: Doubles
    spread: Doubles
    axes: Doubles

    @classmethod
    def of_trays(cls, trays: Sequence[SeenTray]) -> _Space:
        every = np.concatenate([shot.looks for tray in trays for shot in tray.shots]).astype(np.float64)
        mean, spread = every.mean(axis=0), every.std(axis=0) + 1e-6
        standard = (every - mean) / spread
        strengths, directions = np.linalg.eigh(standard.T @ standard / len(standard))
        order = np.argsort(-strengths)[:COMPONENTS]
        return cls(mean, spread, directions[:, order] / np.sqrt(strengths[order] + 1e-9))

    def of(self, shot: Sighting) -> Doubles:
        components = ((shot.looks - self.mean) / self.spread) @ self.axes
        scores = np.clip(shot.scores.astype(np.float64), 1e-4, 1 - 1e-4)
        # A quarter of the log-odds is about as wide as a component: the ridge weighs all columns alike.
        logits = np.log(scores / (1 - scores)) / 4
        sides = (shot.boxes[:, 2:] - shot.boxes[:, :2]) / shot.size_px
        return np.hstack([components, logits, np.log(np.clip(sides, 1e-3, 1)), np.ones((len(sides), 1))])


@dataclass(frozen=True, slots=True)
class Looks:
    """How each item looks, as learned: turns a sighting into chances."""

    names: tuple[str, ...]
    space: _Space
    weights: Doubles

    def chances(self, sighting: Sighting) -> Doubles:
        """For each candidate (rows) its chance to be each of `names`, and, last, nothing."""
        return np.exp(log_softmax(self.space.of(sighting) @ self.weights, axis=1))


@dataclass(frozen=True, slots=True)
class Aligned:
    """For each tray and photograph the likeliest story, and what was learned from all of them."""

    stories: tuple[tuple[Story, ...], ...]
    looks: Looks


def align(trays: Sequence[SeenTray], names: Sequence[str]) -> Aligned:
    """Find which box is which item.

    Args:
        trays: at least as many as there are folds.
        names: every item that an order may name.

    Raises:
        ValueError: too few trays.
    """
    if len(trays) < FOLDS:
        raise ValueError(f"{len(trays)} trays are too few to learn from; it takes {FOLDS} at least")
    space = _Space.of_trays(trays)
    features = [[space.of(shot) for shot in tray.shots] for tray in trays]
    company, named = _by_company(trays, names, features), _by_teacher(trays, names)
    guessed = [[_guess(*pair) for pair in zip(*rows, strict=True)] for rows in zip(company, named, strict=True)]
    stories = _told(trays, names, _agreed(trays, guessed))
    learned: list[Doubles | None] = [None] * FOLDS
    for _ in range(PASSES):
        stories = _told(trays, names, _agreed(trays, _by_looks(trays, names, stories, features, learned)))
    weights = _learned(trays, names, stories, features, frozenset(), learned[0])
    return Aligned(stories, Looks(tuple(names), space, weights))


def _by_company(
    trays: Sequence[SeenTray], names: Sequence[str], features: Sequence[Sequence[Doubles]]
) -> list[list[Doubles]]:
    """For each candidate (rows) how much its look speaks for each item.

    A ridge regression from looks to what the orders name; each tray is judged by what was learned on the others.
    """
    ordered = np.array([[tray.counts.get(name, 0) > 0 for name in names] for tray in trays], np.float64)
    chances: list[list[Doubles]] = [[] for _ in trays]
    for fold in np.array_split(np.arange(len(trays)), FOLDS):
        apart = set(fold.tolist())
        rest = [number for number in range(len(trays)) if number not in apart]
        inputs = np.concatenate([rows for number in rest for rows in features[number]])
        usual = ordered[rest].mean(axis=0)
        named = np.concatenate([np.tile(ordered[n] - usual, (len(rows), 1)) for n in rest for rows in features[n]])
        weights = np.linalg.solve(inputs.T @ inputs + RIDGE * np.eye(inputs.shape[1]), inputs.T @ named)
        for number in apart:
            for rows in features[number]:
                chances[number].append(rows @ weights)
    return chances


def _by_teacher(trays: Sequence[SeenTray], names: Sequence[str]) -> list[list[Doubles]]:
    """For each candidate (rows) how much of what the teacher calls it speaks for each item.

    How many boxes of each of the teacher's names come with one piece of each item: a Poisson regression without
    negative weights, fitted by expectation maximisation (Shepp and Vardi 1982). What an item explains needs no other.
    """
    ordered = np.array([[tray.counts.get(name, 0) for name in names] for tray in trays], np.float64)
    called = np.array(
        [np.mean([_clearly_named(shot).sum(axis=0) for shot in tray.shots], axis=0) for tray in trays], np.float64
    )
    stray = STRAY * called.mean(axis=0) + 1e-9
    rates = np.tile(called.mean(axis=0), (len(names), 1)) + 1e-9
    for _ in range(NAMING_PASSES):
        explained = called / (ordered @ rates + stray)
        rates *= (ordered.T @ explained) / np.maximum(ordered.sum(axis=0), 1.0)[:, None]
    shares = [count[:, None] * rates / (count @ rates + stray) for count in ordered]
    return [[_clearly_named(shot) @ share.T for shot in tray.shots] for tray, share in zip(trays, shares, strict=True)]


def _clearly_named(shot: Sighting) -> Doubles:
    """The teacher's scores, but for those candidates (rows) that it calls nothing clearly."""
    return np.where(shot.scores.max(axis=1, initial=0.0)[:, None] >= CLEARLY, shot.scores, 0.0).astype(np.float64)


def _guess(company: Doubles, named: Doubles) -> Doubles:
    """Chances of each candidate (rows) to be each item, or nothing (last)."""
    chances = np.clip(np.maximum(company, named), 1e-3, 1.0)
    return np.hstack([chances, np.clip(1 - chances.max(axis=1, keepdims=True), 0.05, 1.0)])


def _told(
    trays: Sequence[SeenTray], names: Sequence[str], chances: Sequence[Sequence[Doubles]]
) -> tuple[tuple[Story, ...], ...]:
    index = {name: number for number, name in enumerate(names)}
    return tuple(
        tuple(_story(shot, tray.counts, index, rows) for shot, rows in zip(tray.shots, by_shot, strict=True))
        for tray, by_shot in zip(trays, chances, strict=True)
    )


def _story(shot: Sighting, counts: Mapping[str, int], index: Mapping[str, int], chances: Doubles) -> Story:
    """Give every ordered item a box of its own, or none, so that the whole is likeliest and none lies within another.

    What lies on a plate is seen as a thing as well, and is no further item; of two such boxes the less likely goes.
    """
    items = [name for name, count in sorted(counts.items()) for _ in range(count)]
    columns = [index[name] for name in items]
    logs = np.log(np.clip(chances, 1e-9, 1.0))
    odds = logs[:, columns].T - logs[:, -1] if items else np.zeros((0, len(logs)))
    taken = _assigned(odds)
    while (worst := _within_another(shot, taken, chances[:, columns])) is not None:
        odds[worst, taken[worst]] = FORBIDDEN
        taken = _assigned(odds)
    chosen = tuple(
        Chosen(name, None, 0.0) if row is None else Chosen(name, row, float(chances[row, column]))
        for name, row, column in zip(items, taken, columns, strict=True)
    )
    lying = [row for row in taken if row is not None]
    free = [i for i in range(len(logs)) if i not in lying and not is_part_of(shot, i, lying)]
    return Story(chosen, max((1.0 - float(chances[i, -1]) for i in free), default=0.0))


def _assigned(odds: Doubles) -> list[int | None]:
    """For each item (rows of the log-odds) its candidate, or None where it is rather hidden."""
    hidden = np.full((len(odds), len(odds)), UNSEEN)
    _, columns = linear_sum_assignment(np.hstack([odds, hidden]), maximize=True)
    return [int(column) if column < odds.shape[1] else None for column in columns]


def _within_another(shot: Sighting, taken: Sequence[int | None], chances: Doubles) -> int | None:
    """The least likely of the items that lie within another one's box, or around it; None where there is none."""
    rows = [(item, row) for item, row in enumerate(taken) if row is not None]
    boxes = shot.boxes[[row for _, row in rows]]
    entangled = set()
    for place, box in enumerate(boxes):
        shares = share_inside(box, boxes)
        shares[place] = 0.0
        if shares.max(initial=0.0) >= INSIDE:
            entangled |= {place, int(shares.argmax())}
    return min((rows[place] for place in entangled), key=lambda each: chances[each[1], each[0]], default=(None,))[0]


def is_part_of(shot: Sighting, candidate: int, taken: Sequence[int]) -> bool:
    """Whether a candidate is a part, or a wider view, of a thing that has its box already."""
    if not taken:
        return False
    box, others = shot.boxes[candidate], shot.boxes[list(taken)]
    covers = max(float(share_inside(other, box[None])[0]) for other in others)
    return bool(
        overlaps(box, others).max() >= SAME_THING or share_inside(box, others).max() >= INSIDE or covers >= INSIDE
    )


def _by_looks(
    trays: Sequence[SeenTray],
    names: Sequence[str],
    stories: Sequence[Sequence[Story]],
    features: Sequence[Sequence[Doubles]],
    learned: list[Doubles | None],
) -> list[list[Doubles]]:
    """Chances of every candidate by how it looks, each tray judged by what was learned on the others.

    `learned` holds each fold's weights from the pass before, and then those of this one.
    """
    chances: list[list[Doubles]] = [[] for _ in trays]
    # Trays that follow each other are alike, so whole stretches are kept apart, not every fifth tray.
    for part, fold in enumerate(np.array_split(np.arange(len(trays)), FOLDS)):
        apart = frozenset(fold.tolist())
        weights = learned[part] = _learned(trays, names, stories, features, apart, learned[part])
        for number in apart:
            chances[number] = [np.exp(log_softmax(rows @ weights, axis=1)) for rows in features[number]]
    return chances


def _learned(
    trays: Sequence[SeenTray],
    names: Sequence[str],
    stories: Sequence[Sequence[Story]],
    features: Sequence[Sequence[Doubles]],
    apart: frozenset[int],
    start: Doubles | None,
) -> Doubles:
    index = {name: number for number, name in enumerate(names)}
    inputs, labels = [], []
    for number, tray in enumerate(trays):
        if number not in apart:
            for shot, (candidates, meant) in enumerate(_lessons(tray, stories[number], index)):
                inputs.append(features[number][shot][candidates])
                labels.append(meant)
    return _softmax_regression(np.concatenate(inputs), np.concatenate(labels), len(names) + 1, start)


def _lessons(
    tray: SeenTray, stories: Sequence[Story], index: Mapping[str, int]
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Per photograph the candidates that teach something, and what each is: an item, or nothing (the last index)."""
    result = []
    for shot, story in zip(tray.shots, stories, strict=True):
        meant = {c.candidate: index[c.name] for c in story.chosen if c.candidate is not None}
        taken = list(meant)
        for candidate in range(len(shot.boxes)):
            if candidate not in meant and not is_part_of(shot, candidate, taken):
                meant[candidate] = len(index)
        result.append((np.array(list(meant), np.int64), np.array(list(meant.values()), np.int64)))
    return result


def _softmax_regression(inputs: Doubles, labels: npt.NDArray[np.int64], kinds: int, start: Doubles | None) -> Doubles:
    width = inputs.shape[1]
    rows = np.arange(len(labels))

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(width, kinds)
        logs = log_softmax(inputs @ weights, axis=1)
        slope = np.exp(logs)
        slope[rows, labels] -= 1
        penalty = weights.copy()
        penalty[-1] = 0
        total = -logs[rows, labels].sum() + RIDGE / 2 * float((penalty**2).sum())
        return float(total), (inputs.T @ slope + RIDGE * penalty).ravel()

    begin = np.zeros(width * kinds) if start is None else start.ravel()
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    weights: Doubles = found.x.reshape(width, kinds)
    return weights


def _agreed(trays: Sequence[SeenTray], chances: Sequence[Sequence[Doubles]]) -> list[list[Doubles]]:
    """Each candidate's chances averaged with those at the same spot on the tray's other photographs."""
    result = []
    for tray, by_shot in zip(trays, chances, strict=True):
        rows = []
        for shot, own in zip(tray.shots, by_shot, strict=True):
            total, votes = own.copy(), np.ones((len(own), 1))
            for other, theirs in zip(tray.shots, by_shot, strict=True):
                if other is shot or not len(other.boxes):
                    continue
                for row, box in enumerate(shot.boxes):
                    shared = overlaps(box, other.boxes)
                    if shared.max() >= SAME_THING:
                        total[row] += theirs[int(shared.argmax())]
                        votes[row] += 1
            rows.append(total / votes)
        result.append(rows)
    return result
