"""A story before perfect eyes: only one that the checker then understands is worth filming."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.policy import Policy
from edge_agent.checking.scoring import true_verdict
from edge_agent.checking.station import Station
from edge_agent.domain.alert import Resolution
from edge_agent.domain.detection import Detection, Observation
from edge_agent.domain.events import AlertRaised, AlertResolved, Event, SessionStarted, TrayLeft
from edge_agent.domain.geometry import Box, Point, Polygon
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.training.synth.catalogue import CLASSES
from edge_agent.training.synth.flat_canvas import FlatView
from edge_agent.training.synth.video.courses import ASPECT, tray_course
from edge_agent.training.synth.video.layout import TRAY_CM, lay_tray, outline
from edge_agent.training.synth.video.orders import read
from edge_agent.training.synth.video.story import FRAMES_PER_S, Pass, Place, Story, Visit

WIDTH_PX = 640
RIM_CM = 2.1
SURE = 0.95


@dataclass(slots=True)
class Played:
    """What the checker made of one tray: its last word, and how its alerts ended."""

    left: TrayLeft | None = None
    raised_s: list[float] = field(default_factory=list)
    resolved: list[Resolution] = field(default_factory=list)


def is_as_meant(story: Story, menu: Menu) -> bool:
    """Whether perfect eyes lead to the true verdict on every tray, and to no alarm on a right one."""
    played = rehearse(story, menu)
    orders = {said.order["order_id"]: read(said.order) for said in story.till if said.order is not None}
    if len(played) != len(story.visits):
        return False
    by_leaving = sorted(story.visits, key=lambda visit: visit.comes_s)
    return all(_is_right(p, visit, orders, menu) for p, visit in zip(played, by_leaving, strict=True))


def _is_right(played: Played, visit: Visit, orders: dict[str, Order], menu: Menu) -> bool:
    if played.left is None or visit.order_id is None:
        return False
    order, final = orders[visit.order_id], played.left.final
    truly = true_verdict(menu, order, visit.sold).kind
    if final.orders != (order.key,) or final.verdict.kind is not truly or final.slot_id != visit.slot_id:
        return False
    if visit.put_right_s is not None:
        fixed = bool(played.resolved) and played.resolved[-1] is Resolution.FIXED
        return fixed and played.raised_s[0] < visit.put_right_s
    return bool(played.raised_s) == (truly is VerdictKind.MISMATCH)


def rehearse(story: Story, menu: Menu) -> list[Played]:
    """What the checker says of each tray that it sees, in the order of their coming."""
    view = view_of(story.filmed)
    checker = OrderChecker(
        menu=menu, thresholds=Thresholds(), stations=[_station(story.filmed, view)], occluders=(), prefix=""
    )
    till = list(story.till)
    trays: dict[str, Played] = {}
    boxes = {visit.tray_id: list(_boxes(visit, story.filmed)) for visit in story.visits}
    for frame in range(story.frames):
        at_s = frame / FRAMES_PER_S
        events: list[Event] = []
        while till and till[0].at_s <= at_s:
            said = till.pop(0)
            if said.order is not None:
                events += checker.put(read(said.order), at_s)
            elif said.ready is not None:
                events += checker.ready(said.ready, at_s)
        seen = [d for visit in story.visits for d in _seen(visit, boxes[visit.tray_id], story.filmed, view, at_s)]
        _note(trays, (*events, *checker.observe(Observation(at_s, tuple(seen)))))
    _note(trays, checker.finish(story.duration_s))
    return list(trays.values())


def _note(trays: dict[str, Played], events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, SessionStarted):
            trays[event.session_id] = Played()
        elif isinstance(event, TrayLeft):
            trays[event.session_id].left = event
        elif isinstance(event, AlertRaised):
            trays[event.alert.session_id].raised_s.append(event.at_s)
        elif isinstance(event, AlertResolved):
            trays[event.alert_id.rpartition("-alert-")[0]].resolved.append(event.resolution)


def view_of(filmed: Pass, width_px: int = WIDTH_PX) -> FlatView:
    """The picture of the pass, before anybody knocks at the camera."""
    return FlatView(width_px=width_px, height_px=round(width_px * ASPECT), px_per_cm=width_px / filmed.width_cm)


def slot_corners(place: Place, view: FlatView) -> tuple[tuple[float, float], ...]:
    """The slot around a place for trays, in shares of the picture's width and height; never beyond the picture."""
    wide, deep = (side / 2 + RIM_CM + place.margin_cm for side in TRAY_CM)
    c, s = math.cos(place.turn_rad), math.sin(place.turn_rad)
    corners = []
    for x, y in ((-wide, deep), (wide, deep), (wide, -deep), (-wide, -deep)):
        px, py = view.place_px(place.x_cm + c * x - s * y, place.y_cm + s * x + c * y)
        corners.append((_share(px / view.width_px), _share(py / view.height_px)))
    return tuple(corners)


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)


def _station(filmed: Pass, view: FlatView) -> Station:
    slots = []
    for place in filmed.places:
        corners = tuple(Point(x * view.width_px, y * view.height_px) for x, y in slot_corners(place, view))
        slots.append(Slot(slot_id=place.slot_id, polygon=Polygon(corners)))
    return Station(station_id=filmed.station_id, slots=tuple(slots), policy=Policy(kind=filmed.kind))


def _boxes(visit: Visit, filmed: Pass) -> Iterator[tuple[str, float, tuple[float, float, float, float]]]:
    """What is sold and ever lies there: its class, from when on, and its box in centimetres while the tray rests."""
    laid = lay_tray(visit, filmed.place(visit.slot_id))
    since = [*(visit.comes_s for _ in visit.lying), *(change.at_s for change in visit.changes)]
    for placed, from_s in zip(laid, since, strict=True):
        if placed.kind in CLASSES:
            xs, ys = zip(*outline(placed), strict=True)
            yield placed.kind, from_s, (min(xs), min(ys), max(xs), max(ys))


def _seen(
    visit: Visit,
    boxes: list[tuple[str, float, tuple[float, float, float, float]]],
    filmed: Pass,
    view: FlatView,
    at_s: float,
) -> Iterator[Detection]:
    course = tray_course(visit, filmed, at_s)
    if course is None:
        return
    for kind, from_s, (left, bottom, right, top) in boxes:
        if from_s > at_s:
            continue
        x1, y1 = view.place_px(left + course.x_cm, top + course.y_cm)
        x2, y2 = view.place_px(right + course.x_cm, bottom + course.y_cm)
        if 0 <= (x1 + x2) / 2 <= view.width_px and 0 <= (y1 + y2) / 2 <= view.height_px:
            yield Detection(kind, SURE, Box(x1, y1, x2, y2))
