"""Everything that is to be drawn at a time: trays, their things, and the hands that move both."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_agent.errors import BadInput
from edge_agent.training.synth.composition import Placed
from edge_agent.training.synth.cutouts import Cutout, Layer, Library
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.flat_scene import drawing_order, fitting, receipt_cutout
from edge_agent.training.synth.video.courses import ASPECT, tray_course
from edge_agent.training.synth.video.layout import TRAY_CM, lay_tray
from edge_agent.training.synth.video.motion import Pose, Wobble, between, eased
from edge_agent.training.synth.video.story import Change, Mishap, Pass, Story, Trouble, Visit, Way

GRIP_CM = 1.2
"""The knuckles of a hand that holds a tray are so far beyond the rim's inner edge."""

REACH_S = 0.75
"""A hand needs so long from outside of the picture to what it wants, and as long to withdraw."""

LET_GO_S = 0.2
HELD_CM = 9.0
"""So high over the tray a hand carries what it brings."""

FINGERS_CM = 4.0
"""From the knuckles to where the fingers hold something."""

SHOULDER_CM = 62.0
"""An arm points to a shoulder so far behind the hand."""

ELBOW_CM = 20.0
"""... and, of who holds a tray, so much further out: elbows stand off."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A cut-out in its pose.

    `number` is what the index of pixels gets, `layer` its picture where that is not the library's, `lifted_cm` how high
    it is over what its shadow falls on.
    """

    cutout: Cutout
    pose: Pose
    number: int = 0
    layer: Layer | None = None
    lifted_cm: float = 0.0


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing of a tray: where it lies at rest, its picture from there, and since when it lies there."""

    placed: Placed
    cutout: Cutout
    turn_rad: float
    layer: Layer | None
    change: Change | None


@dataclass(frozen=True, slots=True)
class Person:
    """The two hands of somebody, each in a picture that comes from above; `left` is the one at the left there."""

    left: Cutout
    right: Cutout

    def hand(self, side: int) -> Cutout:
        return self.left if side < 0 else self.right


class Cast:
    """The trays, things and people of a story, chosen from a library once and for all.

    Raises:
        BadInput: the library lacks something that the story needs.
    """

    def __init__(self, library: Library, story: Story) -> None:
        self._library = library
        self._story = story
        rng = dice("cast", story.name, story.seed)
        trays = library.of("tray")
        people = _people(library)
        if not trays or not people:
            raise BadInput(f"the library has no {'person' if trays else 'tray'} yet", path=library.root)
        usual = rng.sample(trays, min(2, len(trays)))
        rng.shuffle(people)
        crew, guests = people[: max(1, len(people) // 2)], people[len(people) // 2 :]
        self._scenes = [
            _TrayScene(library, visit, story.filmed, number, rng.choice(usual), _one(rng, crew), _one(rng, guests))
            for number, visit in enumerate(story.visits, start=1)
        ]
        self._strangers = {i: (_one(rng, guests), rng.random()) for i in range(len(story.mishaps))}

    def at(self, at_s: float) -> list[Sprite]:
        """What is drawn at that time, what lies below first."""
        below: list[Sprite] = []
        above: list[Sprite] = []
        for scene in self._scenes:
            lying, hands = scene.at(at_s)
            below += lying
            above += hands
        return [*below, *above, *self._reaching(at_s)]

    def _reaching(self, at_s: float) -> Iterator[Sprite]:
        """Arms of those who have no business there."""
        for number, mishap in enumerate(self._story.mishaps):
            if mishap.trouble is Trouble.ARM:
                person, chance = self._strangers[number]
                pose = _stray(mishap, self._story.filmed, chance, at_s)
                if pose is not None:
                    yield Sprite(person.hand(1 if chance < 0.5 else -1), pose)


class _TrayScene:
    """One tray's stay, acted out."""

    def __init__(
        self, library: Library, visit: Visit, filmed: Pass, number: int, tray: Cutout, crew: Person, guest: Person
    ) -> None:
        self._visit, self._filmed, self._number = visit, filmed, number
        self._tray, self._crew, self._guest = tray, crew, guest
        self._place = filmed.place(visit.slot_id)
        rng = dice("act", visit.seed)
        self._skew = rng.gauss(0, 0.012)
        self._grips = {(which, side): rng.uniform(-5, 5) for which in ("in", "out") for side in (-1, 1)}
        self._things = _things(library, visit, filmed)
        self._order = drawing_order(tuple(thing.placed for thing in self._things))
        self._begins_s = visit.comes_s - 2 * REACH_S
        self._ends_s = visit.gone_s + 2 * REACH_S

    def at(self, at_s: float) -> tuple[list[Sprite], list[Sprite]]:
        """What lies on the counter, and the hands over it."""
        if not self._begins_s <= at_s <= self._ends_s:
            return [], []
        course = tray_course(self._visit, self._filmed, at_s)
        lying = [] if course is None else list(self._lying(course, at_s))
        return lying, [*self._hands(at_s), *self._bringing(at_s)]

    def _lying(self, course: Pose, at_s: float) -> Iterator[Sprite]:
        tray = self._on_tray(Pose(turn_rad=self._skew), course)
        yield Sprite(self._tray, tray, self._number, lifted_cm=course.z_cm)
        for i in self._order:
            thing = self._things[i]
            if thing.change is None or at_s >= thing.change.at_s:
                pose = self._on_tray(self._rest_of(thing), course, turned=False)
                yield Sprite(thing.cutout, pose, self._number, thing.layer)

    def _rest_of(self, thing: Thing) -> Pose:
        """A thing's pose at rest, from the middle of its tray's place."""
        placed = thing.placed
        return Pose(placed.x_cm - self._place.x_cm, placed.y_cm - self._place.y_cm, placed.z_cm, thing.turn_rad)

    def _on_tray(self, rest: Pose, course: Pose, *, turned: bool = True) -> Pose:
        """Where what is at rest there is while its tray is off by `course`; `turned`: it lies as the place does."""
        c, s = math.cos(course.turn_rad), math.sin(course.turn_rad)
        return Pose(
            self._place.x_cm + course.x_cm + c * rest.x_cm - s * rest.y_cm,
            self._place.y_cm + course.y_cm + s * rest.x_cm + c * rest.y_cm,
            course.z_cm + rest.z_cm,
            rest.turn_rad + course.turn_rad + (self._place.turn_rad if turned else 0.0),
        )

    def _hands(self, at_s: float) -> Iterator[Sprite]:
        """Those that bring the tray and withdraw, and those that come to take it away."""
        visit = self._visit
        let_go_s = visit.rests_s + LET_GO_S
        if visit.comes_s <= at_s < let_go_s + REACH_S:
            withdrawn = eased(between(at_s, let_go_s, let_go_s + REACH_S))
            yield from self._holding("in", self._crew, at_s, withdrawn)
        grips_s = visit.goes_s - LET_GO_S / 2
        if grips_s - REACH_S < at_s <= visit.gone_s:
            withdrawn = 1 - eased(between(at_s, grips_s - REACH_S, grips_s))
            taker = self._crew if visit.way_out is Way.LEFT else self._guest
            yield from self._holding("out", taker, at_s, withdrawn)

    def _holding(self, which: str, person: Person, at_s: float, withdrawn: float) -> Iterator[Sprite]:
        """Two hands on the rim; `withdrawn` 1 is out of the picture."""
        visit = self._visit
        course = tray_course(visit, self._filmed, min(max(at_s, visit.comes_s), visit.gone_s)) or Pose()
        way = visit.way_in if which == "in" else visit.way_out
        below = way is Way.GUEST
        wide, deep = TRAY_CM if abs(math.cos(self._place.turn_rad)) > 0.5 else TRAY_CM[::-1]
        for side in (-1, 1):
            grip = Pose(side * (wide / 2 + GRIP_CM), self._grips[which, side] + (-4.0 if below else 4.0) * deep / 30)
            hand = self._on_tray(grip, course, turned=False)
            # Who moves a tray along stands on that side and reaches across; who lifts it stands behind it.
            out_cm = -ELBOW_CM if way is Way.LEFT else side * ELBOW_CM
            shoulder = (
                hand.x_cm + out_cm + 1.2 * self._grips[which, side],
                hand.y_cm + (-1 if below else 1) * SHOULDER_CM,
            )
            yield self._arm(person.hand(-side if below else side), hand, shoulder, withdrawn, at_s, (which, side))

    def _arm(
        self, cutout: Cutout, hand: Pose, shoulder: tuple[float, float], withdrawn: float, at_s: float, about: object
    ) -> Sprite:
        """An arm whose hand is there and points away from its shoulder; withdrawn, it is drawn back along itself."""
        x, y = shoulder[0] - hand.x_cm, shoulder[1] - hand.y_cm
        long = math.hypot(x, y)
        back_cm = withdrawn * (self._filmed.width_cm * ASPECT / 2 + 14 + abs(hand.y_cm))
        unrest = Wobble.of(0.35, self._visit.seed, about)
        pose = Pose(
            hand.x_cm + x / long * back_cm + unrest.at(at_s),
            hand.y_cm + y / long * back_cm + unrest.at(at_s + 7.7),
            hand.z_cm + 5.0 * eased(withdrawn * 3),
            math.atan2(-x, y) + 0.05 * unrest.at(at_s + 3.1),
        )
        return Sprite(cutout, pose, lifted_cm=max(0.0, pose.z_cm))

    def _bringing(self, at_s: float) -> Iterator[Sprite]:
        """A hand that lays something down: first what it carries, then the hand over it."""
        for thing in self._things:
            change = thing.change
            if change is None or not change.at_s - REACH_S - 0.1 <= at_s <= change.at_s + LET_GO_S + REACH_S:
                continue
            rng = dice("bring", self._visit.seed, change.at_s)
            rest = self._on_tray(self._rest_of(thing), Pose(), turned=False)
            side = 1 if rng.random() < 0.6 else -1
            shoulder = (self._place.x_cm + side * 10.0 + rng.gauss(0, 4), rest.y_cm + SHOULDER_CM)
            yield from self._carried(thing, rest, shoulder, side, at_s)

    def _carried(
        self, thing: Thing, rest: Pose, shoulder: tuple[float, float], side: int, at_s: float
    ) -> Iterator[Sprite]:
        assert thing.change is not None  # noqa: S101  for the type checker
        down_s = thing.change.at_s
        coming = eased(between(at_s, down_s - REACH_S - 0.1, down_s - 0.12))
        going = eased(between(at_s, down_s + LET_GO_S, down_s + LET_GO_S + REACH_S))
        lowered = eased(between(at_s, down_s - 0.38, down_s))
        x, y = shoulder[0] - rest.x_cm, shoulder[1] - rest.y_cm
        long = math.hypot(x, y)
        hold_cm = FINGERS_CM + 0.3 * min(thing.cutout.size_cm)
        far_cm = self._filmed.width_cm * ASPECT / 2 + 22 + abs(rest.y_cm)
        off_cm = far_cm * (1 - coming)
        lifted_cm = HELD_CM * (1 - lowered)
        if at_s < down_s:
            place = rest.plus(x / long * off_cm, y / long * off_cm, 0.3 * (1 - coming))
            pose = Pose(place.x_cm, place.y_cm, rest.z_cm + lifted_cm, place.turn_rad)
            yield Sprite(thing.cutout, pose, self._number, thing.layer, lifted_cm)
        back_cm = hold_cm + off_cm + far_cm * going
        held = Pose(rest.x_cm + x / long * back_cm, rest.y_cm + y / long * back_cm, rest.z_cm + lifted_cm + 2.0)
        yield self._arm(self._crew.hand(-side), held, shoulder, 0.0, at_s, ("bring", down_s))


def _things(library: Library, visit: Visit, filmed: Pass) -> list[Thing]:
    """The things of a tray with their pictures; what is brought later comes last, as in `lay_tray`."""
    laid = lay_tray(visit, filmed.place(visit.slot_id))
    changes: Sequence[Change | None] = [*(None for _ in visit.lying), *visit.changes]
    return [_thing(library, visit, placed, change) for placed, change in zip(laid, changes, strict=True)]


def _thing(library: Library, visit: Visit, placed: Placed, change: Change | None) -> Thing:
    if placed.kind == "receipt":
        lines = tuple(f"{n} {name.replace('_', ' ')}" for name, n in sorted(visit.sold.items()))
        tag = f"ORDER:{visit.order_id}"
        cutout, layer = receipt_cutout(dice(placed.look_seed), tag, lines, library.px_per_cm)
        return Thing(placed, cutout, placed.turn_rad, layer, change)
    cutout, turn = fitting(library, placed)
    return Thing(placed, cutout, turn, None, change)


def _people(library: Library) -> list[Person]:
    """Everybody of whom the library has both hands."""
    hands: dict[object, dict[bool, Cutout]] = {}
    for cutout in library.of("arm"):
        hands.setdefault(cutout.traits.get("person", 0), {})[bool(cutout.traits.get("mirrored"))] = cutout
    return [Person(left=pair[False], right=pair[True]) for pair in hands.values() if len(pair) == 2]


def _one(rng: random.Random, people: Sequence[Person]) -> Person:
    return people[rng.randrange(len(people))]


def _stray(mishap: Mishap, filmed: Pass, chance: float, at_s: float) -> Pose | None:
    """An arm from the guest's side that comes, lies over a part of the tray, and goes."""
    if not mishap.from_s <= at_s <= mishap.to_s:
        return None
    there = eased(between(at_s, mishap.from_s, mishap.from_s + REACH_S)) - eased(
        between(at_s, mishap.to_s - REACH_S, mishap.to_s)
    )
    outside_y = -filmed.width_cm * ASPECT / 2 - 16
    unrest = Wobble.of(0.9, "stray", chance)
    x = -9.0 + 18.0 * chance + unrest.at(at_s)
    return Pose(
        x, outside_y + (4.0 - outside_y) * there, 8.0, math.pi + (chance - 0.5) * 0.8 + 0.03 * unrest.at(at_s + 5)
    )
