"""Fuse the detections of several frames into contents.

Each frame casts a ballot: per class, the scores of its pieces, best to worst. Ballots are averaged rank by rank (the
best piece of each frame with the best of the others, and so on), weighted by age; the k-th piece counts where the fused
k-th score reaches a threshold. Ranks need no identity across frames, so the four photographs of a tray, or a tray that
was bumped, fuse as well as a still picture.

Boxes of different classes on the same spot are one thing with two names. Where the second name is nearly as likely as
the first, the thing counts surely as neither and possibly as both: a look-alike is a doubt, not a missing item beside
an extra.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box

SAME_THING_IOU = 0.6
"""From this overlap on, boxes of two classes are one thing. Between neighbours on a tray it stays below 0.3."""

RIVAL_SHARE = 0.5
"""A second name counts as a rival from this share of the first name's score."""


@dataclass(frozen=True, slots=True)
class ClassThresholds:
    """From `present` on a piece counts; from `possible` on it makes its class unsure.

    Where `absence_tells` is False, the model overlooks the class so often that not seeing it means little.

    Raises:
        ValueError: not 0 < possible <= present < 1.
    """

    present: float
    possible: float
    absence_tells: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.possible <= self.present < 1.0:
            raise ValueError(f"thresholds must rise: 0 < possible ({self.possible}) <= present ({self.present}) < 1")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds of every class; `default` serves the classes that have none of their own."""

    default: ClassThresholds = field(default=ClassThresholds(0.5, 0.25))
    by_class: Mapping[str, ClassThresholds] = field(default_factory=dict)

    def of(self, class_name: str) -> ClassThresholds:
        return self.by_class.get(class_name, self.default)

    @property
    def overlooked(self) -> frozenset[str]:
        """The classes whose absence tells nothing."""
        return frozenset(name for name, limits in self.by_class.items() if not limits.absence_tells)


@dataclass(frozen=True, slots=True)
class Thing:
    """One physical thing in one frame, with every name that the detector gave it, likeliest first."""

    names: tuple[Detection, ...]

    @property
    def best(self) -> Detection:
        return self.names[0]

    @property
    def box(self) -> Box:
        return self.best.box

    @property
    def rivals(self) -> tuple[Detection, ...]:
        """Other names nearly as likely as the best."""
        return tuple(d for d in self.names[1:] if d.score >= RIVAL_SHARE * self.best.score)


def things_in(detections: Iterable[Detection]) -> tuple[Thing, ...]:
    """Group boxes of different classes that share a spot, best first; boxes of one class are different things."""
    groups: list[list[Detection]] = []
    for detection in sorted(detections, key=lambda d: -d.score):
        for group in groups:
            new_name = all(detection.class_name != named.class_name for named in group)
            if new_name and detection.box.iou(group[0].box) >= SAME_THING_IOU:
                group.append(detection)
                break
        else:
            groups.append([detection])
    return tuple(Thing(tuple(group)) for group in groups)


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one frame says: per class, scores from best to worst, once for what is sure of its name and once for all.

    `doubts` holds, for classes that are unsure for more than a faint score, the reason. A frame that is not `clear`,
    since a hand lies over the tray, cannot say that something is not there.
    """

    at_s: float
    sure: Mapping[str, tuple[float, ...]]
    may: Mapping[str, tuple[float, ...]]
    doubts: Mapping[str, Doubt]
    clear: bool = True


def ballot(at_s: float, things: Iterable[Thing], covered: Iterable[Detection] = (), *, clear: bool = True) -> Ballot:
    """The ballot of one frame; `covered` are pieces known from before on which something lies now, such as a hand."""
    sure: dict[str, list[float]] = {}
    may: dict[str, list[float]] = {}
    doubts: dict[str, Doubt] = {}
    for thing in things:
        rivals = thing.rivals
        if not rivals:
            sure.setdefault(thing.best.class_name, []).append(thing.best.score)
        for named in (thing.best, *rivals):
            may.setdefault(named.class_name, []).append(named.score)
            if rivals:
                doubts[named.class_name] = Doubt.LOOK_ALIKE
    for piece in covered:
        may.setdefault(piece.class_name, []).append(piece.score)
        doubts[piece.class_name] = Doubt.COVERED
    return Ballot(at_s, _falling(sure), _falling(may), doubts, clear)


@dataclass(frozen=True, slots=True)
class FusedScores:
    """What ballots agree on before any threshold is asked.

    Attributes:
        frames: how many ballots there were.
        sure: per class, the fused scores of what is sure of its name, best to worst.
        may: the same of all that may bear the name.
        doubts: for classes that are unsure for more than a faint score, the latest reason.
        clear: whether any frame can say that something is not there.
    """

    frames: int
    sure: Mapping[str, tuple[float, ...]]
    may: Mapping[str, tuple[float, ...]]
    doubts: Mapping[str, Doubt]
    clear: bool


def fuse(ballots: Sequence[Ballot], thresholds: Thresholds, *, half_life_s: float | None = None) -> Contents:
    """The contents that the ballots agree on; arguments as of `fused_scores` and `contents_of`."""
    return contents_of(fused_scores(ballots, half_life_s=half_life_s), thresholds)


def fused_scores(ballots: Sequence[Ballot], *, half_life_s: float | None = None) -> FusedScores:
    """The scores of the ballots, averaged rank by rank.

    Args:
        ballots: the latest last.
        half_life_s: the age at which a ballot weighs half as much as the latest; None weighs all alike.
    """
    now_s = ballots[-1].at_s if ballots else 0.0
    weights = [1.0 if half_life_s is None else 0.5 ** ((now_s - b.at_s) / half_life_s) for b in ballots]
    names = dict.fromkeys(name for b in ballots for name in b.may)
    doubts: dict[str, Doubt] = {}
    for each in ballots:
        doubts.update(each.doubts)
    return FusedScores(
        frames=len(ballots),
        sure={name: _fused([b.sure.get(name, ()) for b in ballots], weights) for name in names},
        may={name: _fused([b.may.get(name, ()) for b in ballots], weights) for name in names},
        doubts=doubts,
        clear=any(b.clear for b in ballots),
    )


def contents_of(fused: FusedScores, thresholds: Thresholds) -> Contents:
    """What lies there by the thresholds of each class; unclear where there was no frame, or nothing is seen."""
    if not fused.frames:
        return Contents(unclear=Doubt.TOO_FEW_FRAMES)
    counts = [_count(name, fused, thresholds.of(name)) for name in fused.may]
    counts = [count for count in counts if count.possibly]
    if not counts:
        return Contents(unclear=Doubt.NOTHING_SEEN)
    unclear = None if fused.clear else Doubt.COVERED
    return Contents(tuple(counts), unclear=unclear, overlooked=thresholds.overlooked)


def _count(name: str, fused: FusedScores, limits: ClassThresholds) -> ClassCount:
    sure, may = fused.sure[name], fused.may[name]
    surely = sum(score >= limits.present for score in sure)
    possibly = max(surely, sum(score >= limits.possible for score in may))
    middle = (limits.present + limits.possible) / 2
    likely = min(possibly, max(surely, sum(score >= middle for score in may)))
    return ClassCount(
        class_name=name,
        surely=surely,
        likely=likely,
        possibly=possibly,
        confidence=min(1.0, may[likely - 1] if likely else 0.0),
        doubt=fused.doubts.get(name, Doubt.FAINT) if possibly > surely else None,
    )


def _fused(rankings: Sequence[tuple[float, ...]], weights: Sequence[float]) -> tuple[float, ...]:
    """The weighted mean of the k-th best score, for each k; a frame with fewer pieces adds zero."""
    longest = max((len(ranking) for ranking in rankings), default=0)
    total = sum(weights)
    return tuple(
        sum(w * ranking[k] for ranking, w in zip(rankings, weights, strict=True) if k < len(ranking)) / total
        for k in range(longest)
    )


def _falling(scores: Mapping[str, list[float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(sorted(values, reverse=True)) for name, values in scores.items()}
