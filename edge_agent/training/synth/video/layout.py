"""How the things of a tray lie: all of them, without going through each other, and each to be seen from above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from edge_agent.errors import BadInput
from edge_agent.training.synth.catalogue import KINDS, LYING_BOTTLE
from edge_agent.training.synth.composition import Placed, lay_out
from edge_agent.training.synth.conditions import TrayLook
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.flat_scene import drawing_order
from edge_agent.training.synth.footprint import Corners, area_of, clip, footprint
from edge_agent.training.synth.video.story import Place, Visit

TRAY_CM = (41.0, 30.0)
"""Inside of the rim; the library's trays are of this size."""

CAMERA_CM = 80.0
LAYOUTS = 60
HIDDEN_SHARE = 0.3
"""So much of a thing may lie behind others in a layout that is taken at once."""

_TRAY = TrayLook(width_cm=TRAY_CM[0], depth_cm=TRAY_CM[1], tone="", has_liner=False, look_seed=0)


def lay_tray(visit: Visit, place: Place) -> tuple[Placed, ...]:
    """Everything that ever lies on the tray, in its place before the camera (not: on the tray).

    What lies there from the beginning comes first, in the sequence of `visit.lying`, then what hands bring, by time. Of
    several layouts the one that hides least is taken.

    Raises:
        BadInput: the tray has no room for it all.
    """
    kinds = [*visit.lying, *(change.kind for change in visit.changes)]
    best: tuple[float, tuple[Placed, ...]] | None = None
    for attempt in range(LAYOUTS):
        drawn = lay_out(dice("lay", visit.seed, attempt), _TRAY, [KINDS[kind] for kind in _large_first(kinds)])
        laid = _in_sequence(drawn, kinds)
        if laid is None:
            continue
        there = tuple(_moved(placed, place) for placed in laid)
        hidden = max(hidden_shares(there), default=0.0)
        if best is None or hidden < best[0]:
            best = hidden, there
        if hidden <= HIDDEN_SHARE:
            break
    if best is None:
        raise BadInput(f"the tray '{visit.tray_id}' has no room for {', '.join(kinds)}")
    return best[1]


def _large_first(kinds: Sequence[str]) -> list[str]:
    """What lies flat comes first, then what needs most room: so more trays can be laid."""
    return sorted(kinds, key=lambda k: (not KINDS[k].flat, -KINDS[k].width_cm * KINDS[k].depth_cm))


def _in_sequence(laid: Sequence[Placed], kinds: Sequence[str]) -> tuple[Placed, ...] | None:
    """The things in the sequence of the kinds; None if one found no room, or the wrong one stands on another."""
    free = list(laid)
    found: list[Placed] = []
    for kind in kinds:
        placed = next((p for p in free if p.kind == kind), None)
        if placed is None or (placed.z_cm > 1.0):
            return None
        free.remove(placed)
        found.append(placed)
    return tuple(found)


def _moved(placed: Placed, place: Place) -> Placed:
    c, s = math.cos(place.turn_rad), math.sin(place.turn_rad)
    return replace(
        placed,
        x_cm=place.x_cm + c * placed.x_cm - s * placed.y_cm,
        y_cm=place.y_cm + s * placed.x_cm + c * placed.y_cm,
        turn_rad=placed.turn_rad + place.turn_rad,
    )


def hidden_shares(placed: Sequence[Placed]) -> list[float]:
    """For each thing, the largest share of its outline that one other, drawn later, lies over."""
    outlines = [outline(each) for each in placed]
    order = drawing_order(tuple(placed))
    hidden = [0.0] * len(placed)
    for nth, i in enumerate(order):
        whole = area_of(outlines[i])
        for j in order[nth + 1 :]:
            hidden[i] = max(hidden[i], area_of(clip(outlines[i], outlines[j])) / whole)
    return hidden


def outline(placed: Placed) -> Corners:
    """What the thing covers in the picture: its foot and its top, which is seen larger and further out; convex."""
    kind = LYING_BOTTLE if placed.lies else KINDS[placed.kind]
    foot = footprint(kind, placed.x_cm, placed.y_cm, placed.turn_rad).corners
    bottom, top = (CAMERA_CM / (CAMERA_CM - z) for z in (placed.z_cm, placed.z_cm + kind.tall_cm))
    return _hull([(x * nearer, y * nearer) for nearer in (bottom, top) for x, y in foot])


def _hull(points: Sequence[tuple[float, float]]) -> Corners:
    """The convex hull, counter-clockwise (Andrew 1979)."""
    ordered = sorted(set(points))

    def half(run: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for x, y in run:
            while len(kept) > 1 and _turns_right(kept[-2], kept[-1], (x, y)):
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    return (*half(ordered), *half(ordered[::-1]))


def _turns_right(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0
