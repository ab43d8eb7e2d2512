"""The courses of trays: in from a side, at rest, and out again."""

from __future__ import annotations

import math

from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.video.layout import TRAY_CM
from edge_agent.training.synth.video.motion import Pose, Wobble, arriving, between, eased, leaving
from edge_agent.training.synth.video.story import Pass, Visit, Way

ASPECT = 3 / 4
"""Height of the picture to its width."""

BEYOND_CM = 7.0
"""A tray is out of the picture when its rim and what leans over it are so far beyond the edge."""

CARRIED_CM = 5.0
"""So high over the counter a tray is carried before it is set down."""


def tray_course(visit: Visit, filmed: Pass, at_s: float) -> Pose | None:
    """How far the tray is from where it rests; None while it is out of the picture."""
    if not visit.comes_s <= at_s <= visit.gone_s:
        return None
    if at_s < visit.rests_s:
        share = between(at_s, visit.comes_s, visit.rests_s)
        return _on_its_way(visit, filmed, visit.way_in, "in", arriving(share), at_s)
    if at_s > visit.goes_s:
        share = between(at_s, visit.goes_s, visit.gone_s)
        return _on_its_way(visit, filmed, visit.way_out, "out", 1 - leaving(share), at_s)
    return Pose()


def _on_its_way(visit: Visit, filmed: Pass, way: Way, which: str, nearness: float, at_s: float) -> Pose:
    """A place on the way: 0 is out of the picture, 1 at rest. The tray turns and sways, and comes to rest square."""
    rng = dice("way", visit.seed, which)
    outside = _outside(visit, filmed, way, aside_cm=rng.gauss(0, 3.0), turn_rad=rng.gauss(0, 0.09))
    pose = outside.toward(Pose(), nearness)
    unrest = 1 - nearness
    sway = Wobble.of(1.0, visit.seed, which).at(at_s) * unrest
    bow_cm = rng.gauss(0, 2.5) * math.sin(math.pi * nearness)
    is_carried = way is not Way.LEFT and rng.random() < 0.5
    height_cm = CARRIED_CM * eased(unrest * 2.2) if is_carried else 0.0
    sideways = (bow_cm + sway, 0.0) if way is not Way.LEFT else (0.0, bow_cm + sway)
    return Pose(pose.x_cm + sideways[0], pose.y_cm + sideways[1], height_cm, pose.turn_rad + 0.02 * sway)


def _outside(visit: Visit, filmed: Pass, way: Way, *, aside_cm: float, turn_rad: float) -> Pose:
    """Where the tray is just out of the picture, from its place."""
    place = filmed.place(visit.slot_id)
    c, s = abs(math.cos(place.turn_rad)), abs(math.sin(place.turn_rad))
    half_w, half_d = ((c * w + s * d) / 2 for w, d in (TRAY_CM, TRAY_CM[::-1]))
    up = filmed.width_cm * ASPECT / 2 + half_d + BEYOND_CM
    along = filmed.width_cm / 2 + half_w + BEYOND_CM
    if way is Way.LEFT:
        return Pose(-along - place.x_cm, aside_cm, 0.0, turn_rad)
    return Pose(aside_cm, (up if way is Way.KITCHEN else -up) - place.y_cm, 0.0, turn_rad)
