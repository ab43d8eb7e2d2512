"""Writes the stories: who orders what and when, what the kitchen gets wrong, which trays come when."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edge_agent.checking.policy import StationKind
from edge_agent.domain.menu import Menu
from edge_agent.errors import BadInput
from edge_agent.training.synth.catalogue import CLASSES
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.video.layout import lay_tray
from edge_agent.training.synth.video.orders import MEALS, Mistake, order_for, pieces, read, spoiled
from edge_agent.training.synth.video.rehearsal import is_as_meant
from edge_agent.training.synth.video.story import Change, Mishap, Pass, Place, Story, TillSays, Trouble, Visit, Way

DRAFTS = 400
"""Drafts that the checker could not tell from another truth are thrown away; one in a few is good."""

FIRST_ORDER = 101
END_S = 1.5


@dataclass(frozen=True, slots=True)
class Tray:
    """A tray to be: what is right, what lies on it when it comes, and what is brought when it is put right."""

    meal: int
    right: Counter[str]
    lying: Counter[str]
    brought: Counter[str]


def write_story(name: str, *, seed: int, menu: Menu) -> Story:
    """The story of that name. The same seed writes the same one.

    Raises:
        BadInput: there is no such story, or the menu sells too little for it.
    """
    if name not in PLOTS:
        raise BadInput(f"there is no video '{name}'; there are: {', '.join(PLOTS)}")
    for draft in range(DRAFTS):
        story = PLOTS[name](menu, dice("story", name, seed, draft), seed)
        if story is not None and _can_be_laid(story) and is_as_meant(story, menu):
            return story
    raise BadInput(f"no story '{name}' can be told with this menu and seed {seed}")


def _can_be_laid(story: Story) -> bool:
    try:
        for visit in story.visits:
            lay_tray(visit, story.filmed.place(visit.slot_id))
    except BadInput:
        return False
    return True


def _lunch_rush(menu: Menu, rng: random.Random, seed: int) -> Story | None:
    """Sixteen trays, one after the other; six come wrong, the third of all is put right before the camera."""
    mistakes = _shuffled(rng, [Mistake.MISSING] * 2 + [Mistake.EXTRA] * 2 + [Mistake.SIZE], among=13)
    mistakes = [Mistake.NONE, Mistake.NONE, Mistake.MISSING, *mistakes]
    trays = _trays(menu, rng, mistakes, put_right={2})
    if trays is None or not _shows_all(trays):
        return None
    filmed = Pass(station_id="pass", kind=StationKind.HANDOUT, width_cm=66.0, places=(Place(slot_id="slot"),))
    visits, at_s = [], 1.2
    for number, tray in enumerate(trays):
        visit = _handed_out(rng, number, tray, at_s, f"lunch-rush/{seed}/{rng.random()}")
        visits.append(visit)
        at_s = visit.gone_s + rng.uniform(0.25, 0.8)
    leads = [rng.uniform(7.0, 18.0) for _ in visits]
    for slow in rng.sample(range(4, len(visits)), 3):
        leads[slow] += 10.0
    return _told("lunch-rush", seed, filmed, visits, trays, leads)


def _trouble(menu: Menu, rng: random.Random, seed: int) -> Story | None:
    """Eight trays, and with most of them something that a camera over a pass must live with."""
    mistakes = [Mistake.NONE] * 2 + [Mistake.MISSING] + [Mistake.NONE] + [Mistake.EXTRA] + [Mistake.NONE] * 2
    trays = _trays(menu, rng, [*mistakes, Mistake.MISSING], put_right=set())
    if trays is None:
        return None
    filmed = Pass(station_id="pass", kind=StationKind.HANDOUT, width_cm=66.0, places=(Place(slot_id="slot"),))
    visits: list[Visit] = []
    mishaps: list[Mishap] = []
    at_s = 1.2
    course = (None, Trouble.ARM, Trouble.GLARE, Trouble.BUMP, Trouble.FREEZE, Trouble.DARK, Trouble.ARM, None)
    for number, (tray, trouble) in enumerate(zip(trays, course, strict=True)):
        visit = _handed_out(rng, number, tray, at_s, f"trouble/{seed}/{rng.random()}", longer_s=TROUBLED_S[trouble])
        if trouble is not None:
            begins_s = visit.rests_s + rng.uniform(1.0, 1.4)
            mishaps.append(Mishap(trouble=trouble, from_s=begins_s, to_s=begins_s + LASTS_S[trouble]))
        visits.append(visit)
        at_s = visit.gone_s + rng.uniform(0.3, 0.8)
    story = _told("trouble", seed, filmed, visits, trays, [rng.uniform(5.0, 9.0) for _ in visits])
    return replace(story, mishaps=tuple(mishaps))


LASTS_S = {Trouble.ARM: 2.6, Trouble.GLARE: 3.0, Trouble.BUMP: 0.8, Trouble.FREEZE: 1.0, Trouble.DARK: 2.6}
TROUBLED_S: dict[Trouble | None, float] = {None: 0.0, **{each: seconds + 1.2 for each, seconds in LASTS_S.items()}}
"""So much longer a tray stays, so that it can be judged after all."""


def _assembly(menu: Menu, rng: random.Random, seed: int) -> Story | None:
    """Two places; trays come empty, hands fill them item by item, and the crew bumps what is ready."""
    mistakes = _shuffled(rng, [Mistake.MISSING, Mistake.MISSING, Mistake.EXTRA], among=8)
    put_right = {mistakes.index(Mistake.MISSING)}
    trays = _trays(menu, rng, mistakes, put_right=put_right)
    if trays is None:
        return None
    places = tuple(
        Place(slot_id=s, x_cm=x, turn_rad=math.pi / 2, margin_cm=1.2) for s, x in (("left", -18.8), ("right", 18.8))
    )
    filmed = Pass(station_id="line", kind=StationKind.ASSEMBLY, width_cm=79.0, places=places)
    free_s = {"left": 0.8, "right": 4.6}
    visits, leads, ready = [], [], []
    for number, tray in enumerate(trays):
        slot_id = min(free_s, key=lambda s: free_s[s])
        visit, ready_s = _filled(rng, number, tray, slot_id, free_s[slot_id], f"assembly/{seed}/{rng.random()}")
        visits.append(visit)
        ready.append(ready_s)
        leads.append(rng.uniform(1.0, 5.0))
        free_s[slot_id] = visit.gone_s + rng.uniform(0.5, 1.0)
    story = _told("assembly", seed, filmed, visits, trays, leads)
    bumps = [TillSays(at_s=at_s, ready=v.order_id) for v, at_s in zip(story.visits, ready, strict=True)]
    return replace(story, till=tuple(sorted((*story.till, *bumps), key=lambda said: said.at_s)))


PLOTS: dict[str, Callable[[Menu, random.Random, int], Story | None]] = {
    "lunch-rush": _lunch_rush,
    "assembly": _assembly,
    "trouble": _trouble,
}


def _shuffled(rng: random.Random, mistakes: list[Mistake], *, among: int) -> list[Mistake]:
    every = mistakes + [Mistake.NONE] * (among - len(mistakes))
    rng.shuffle(every)
    return every


def _trays(menu: Menu, rng: random.Random, mistakes: Sequence[Mistake], *, put_right: set[int]) -> list[Tray] | None:
    """A meal for every tray, no two the same in a row; None where a meal does not allow its mistake."""
    meals = [n for _ in range(2) for n in rng.sample(range(len(MEALS)), len(MEALS))][: len(mistakes)]
    trays = []
    for number, (meal, mistake) in enumerate(zip(meals, mistakes, strict=True)):
        right = pieces(menu, read(order_for(MEALS[meal], FIRST_ORDER)), rng)
        lying = spoiled(right, mistake, menu, rng)
        if lying is None:
            return None
        brought = right - lying if number in put_right else Counter[str]()
        trays.append(Tray(meal, right, lying, brought))
    return trays


def _shows_all(trays: Sequence[Tray]) -> bool:
    """Whether every class of the catalogue comes to the pass."""
    return {name for tray in trays for name in tray.lying + tray.brought} == set(CLASSES)


def _handed_out(rng: random.Random, number: int, tray: Tray, at_s: float, seed: str, *, longer_s: float = 0.0) -> Visit:
    """A tray that comes complete, lies there for some seconds, and goes."""
    rests_s = at_s + rng.uniform(1.25, 1.6)
    goes_s = rests_s + rng.uniform(3.3, 4.0) + longer_s
    changes: list[Change] = []
    for kind in tray.brought.elements():
        changes.append(Change(at_s=(changes[-1].at_s if changes else rests_s + 2.6) + 1.9, kind=kind))
    if changes:
        goes_s = changes[-1].at_s + 4.6
    things = rng.choice(((), (), ("napkin",), ("receipt",), ("napkin", "receipt"), ("sachet",), ("cutlery",)))
    return Visit(
        tray_id=f"tray-{number + 1:02d}",
        order_id=None,
        slot_id="slot",
        lying=(*things, *tray.lying.elements()),
        comes_s=at_s,
        rests_s=rests_s,
        goes_s=goes_s,
        gone_s=goes_s + rng.uniform(1.1, 1.4),
        seed=seed,
        changes=tuple(changes),
        put_right_s=changes[-1].at_s if changes else None,
        way_in=rng.choice((Way.KITCHEN, Way.KITCHEN, Way.LEFT)),
        way_out=rng.choice((Way.GUEST, Way.GUEST, Way.LEFT)),
    )


def _filled(rng: random.Random, number: int, tray: Tray, slot_id: str, at_s: float, seed: str) -> tuple[Visit, float]:
    """A tray that comes empty and is filled by hands; also when the crew says that it is ready."""
    rests_s = at_s + rng.uniform(1.2, 1.5)
    changes, next_s = [], rests_s + rng.uniform(1.3, 1.8)
    for kind in rng.sample(sorted(tray.lying.elements()), tray.lying.total()):
        changes.append(Change(at_s=next_s, kind=kind))
        next_s += rng.uniform(1.8, 2.3)
    ready_s = next_s
    for kind in tray.brought.elements():
        next_s += 2.4
        changes.append(Change(at_s=next_s, kind=kind))
    goes_s = next_s + (4.4 if tray.brought else 3.0)
    visit = Visit(
        tray_id=f"tray-{number + 1:02d}",
        order_id=None,
        slot_id=slot_id,
        lying=(),
        comes_s=at_s,
        rests_s=rests_s,
        goes_s=goes_s,
        gone_s=goes_s + rng.uniform(1.1, 1.3),
        seed=seed,
        changes=tuple(changes),
        put_right_s=changes[-1].at_s if tray.brought else None,
    )
    return visit, ready_s


def _told(
    name: str, seed: int, filmed: Pass, visits: Sequence[Visit], trays: Sequence[Tray], leads_s: Sequence[float]
) -> Story:
    """The story with its orders: each is rung up some seconds before its tray comes, and numbered in that sequence."""
    times = [max(0.3 + 0.1 * n, v.comes_s - lead) for n, (v, lead) in enumerate(zip(visits, leads_s, strict=True))]
    numbers = {i: FIRST_ORDER + n for n, i in enumerate(sorted(range(len(visits)), key=lambda i: times[i]))}
    orders = [order_for(MEALS[tray.meal], numbers[i]) for i, tray in enumerate(trays)]
    said = [TillSays(at_s=round(at_s, 2), order=order) for at_s, order in zip(times, orders, strict=True)]
    whose = [replace(visit, order_id=str(order["order_id"])) for visit, order in zip(visits, orders, strict=True)]
    return Story(
        name=name,
        seed=seed,
        duration_s=max(visit.gone_s for visit in visits) + END_S,
        filmed=filmed,
        visits=tuple(whose),
        till=tuple(sorted(said, key=lambda each: each.at_s)),
    )
