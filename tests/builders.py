"""Builders from plain lists: what a test is about stands in one line of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.policy import Policy
from edge_agent.checking.station import Station
from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.detection import Detection, Marker, Observation
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderMoved,
    TrayLeft,
    VerdictReached,
)
from edge_agent.domain.geometry import Box, Polygon
from edge_agent.domain.matching import Verdict
from edge_agent.domain.menu import HandedAt, Menu, MenuItem, ModifierRule, Visibility
from edge_agent.domain.order import Order, OrderLine
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds

AnyEvent = TypeVar("AnyEvent", bound=Event)

FRAME_S = 0.1
SLOT_WIDTH_PX = 300.0


def box(x: float, y: float, size: float = 40.0) -> Box:
    """A square box around a centre."""
    return Box(x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def seen(class_name: str, x: float = 100.0, y: float = 100.0, score: float = 0.9, size: float = 40.0) -> Detection:
    """One detection."""
    return Detection(class_name, score, box(x, y, size))


def observation(at_s: float, *detections: Detection, markers: Sequence[Marker] = ()) -> Observation:
    """One frame."""
    return Observation(at_s, detections, tuple(markers))


def item(sku: str, detects_as: str | None = None, **more: object) -> MenuItem:
    """An item that the camera counts, as a class of its own name; presence, hidden and elsewhere are spelt out."""
    return MenuItem(sku=sku, detects_as=detects_as or sku, **more)  # type: ignore[arg-type]


def presence(sku: str) -> MenuItem:
    """An item of which the camera can only say that there is some."""
    return MenuItem(sku=sku, detects_as=sku, visibility=Visibility.PRESENCE)


def hidden(sku: str, detects_as: str | None = None) -> MenuItem:
    """An item that the camera cannot check."""
    return MenuItem(sku=sku, detects_as=detects_as, visibility=Visibility.HIDDEN)


def elsewhere(sku: str) -> MenuItem:
    """An item that the guest gets elsewhere, and that may stand on the tray all the same."""
    return MenuItem(sku=sku, detects_as=sku, handed_at=HandedAt.ELSEWHERE)


def menu(*items: MenuItem | str, modifiers: Sequence[ModifierRule] = ()) -> Menu:
    """A menu; a bare name is a countable item with a class of its own."""
    return Menu(tuple(item(each) if isinstance(each, str) else each for each in items), tuple(modifiers))


def line(sku: str, quantity: int = 1, **more: object) -> OrderLine:
    """One order line."""
    return OrderLine(sku=sku, quantity=quantity, **more)  # type: ignore[arg-type]


def order(order_id: str, *lines: OrderLine | str, **more: object) -> Order:
    """An order; a bare SKU is a line of one."""
    full = tuple(line(each) if isinstance(each, str) else each for each in lines)
    return Order(order_id=order_id, lines=full, **more)  # type: ignore[arg-type]


def contents(unclear: Doubt | None = None, /, **bounds: int | tuple[int, int]) -> Contents:
    """Contents from exact counts or (surely, possibly) bounds; the best guess is the lower one."""
    counts = []
    for name, bound in bounds.items():
        low, high = (bound, bound) if isinstance(bound, int) else bound
        doubt = Doubt.FAINT if low < high else None
        counts.append(ClassCount(class_name=name, surely=low, likely=low, possibly=high, doubt=doubt))
    return Contents(tuple(counts), unclear)


def results(verdict: Verdict) -> dict[str, str]:
    """What came of each line, by SKU."""
    return {line.sku: line.result.value for line in verdict.lines}


def tray(*names: str, x: float = 0.0, y: float = 0.0, score: float = 0.9) -> tuple[Detection, ...]:
    """Things on a grid of three columns, 80 px apart; "" leaves a place empty. `x` and `y` shift the tray."""
    return tuple(
        seen(name, 60 + 80 * (place % 3) + x, 60 + 80 * (place // 3) + y, score)
        for place, name in enumerate(names)
        if name
    )


def shifted(detections: Iterable[Detection], x: float) -> tuple[Detection, ...]:
    """The same things further to the right."""
    return tuple(replace(d, box=Box(d.box.left + x, d.box.top, d.box.right + x, d.box.bottom)) for d in detections)


class Stream:
    """A station with two slots, `left` and `right`, told its story at ten frames a second of stream time."""

    def __init__(self, of: Menu, *, policy: Policy | None = None, occluders: Iterable[str] = ("hand",)) -> None:
        slots = (
            Slot(slot_id="left", polygon=Polygon.rectangle(0, 0, SLOT_WIDTH_PX, 480)),
            Slot(slot_id="right", polygon=Polygon.rectangle(340, 0, 340 + SLOT_WIDTH_PX, 480)),
        )
        station = Station(slots=slots, policy=policy or Policy())
        self.checker = OrderChecker(menu=of, thresholds=Thresholds(), stations=[station], occluders=occluders)
        self.frames = 0
        self.events: list[Event] = []

    @property
    def now_s(self) -> float:
        return self.frames * FRAME_S

    def put(self, *orders: Order) -> Stream:
        """Orders come from the till now."""
        for each in orders:
            self.events += self.checker.put(each, self.now_s)
        return self

    def show(
        self,
        seconds: float,
        left: Sequence[Detection] = (),
        right: Sequence[Detection] = (),
        *,
        markers: Mapping[str, str] | None = None,
    ) -> Stream:
        """Show the same picture for so long; `markers` are texts by slot."""
        tags = [Marker(text, box(30 if slot == "left" else 370, 400)) for slot, text in (markers or {}).items()]
        for _ in range(round(seconds / FRAME_S)):
            now = observation(self.now_s, *left, *shifted(right, 340), markers=tags)
            self.events += self.checker.observe(now)
            self.frames += 1
        return self

    def pause(self, seconds: float) -> Stream:
        """The stream gives no frames for so long."""
        self.frames += round(seconds / FRAME_S)
        return self

    def finish(self) -> Stream:
        """The stream ends."""
        self.events += self.checker.finish(self.now_s)
        return self

    def of(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        """All events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        """Every verdict as (order ids joined by a plus, how it was found, kind), repetitions left out."""
        said = [
            ("+".join(key.order_id for key in v.orders), v.association.value, v.verdict.kind.value)
            for v in self.of(VerdictReached)
        ]
        return [each for number, each in enumerate(said) if number == 0 or each != said[number - 1]]

    @property
    def finals(self) -> list[tuple[str, str, str]]:
        """The last verdict of every tray that left: (order ids, how it was found, kind)."""
        return [
            ("+".join(k.order_id for k in t.final.orders), t.final.association.value, t.final.verdict.kind.value)
            for t in self.of(TrayLeft)
        ]

    @property
    def alerts(self) -> list[str]:
        """What people were told, in words: "raised A: fries missing sounds", "resolved fixed"."""
        words = []
        for event in self.events:
            if isinstance(event, AlertRaised):
                wrong = ", ".join(f"{each.sku} {each.result.value}" for each in event.alert.lines)
                ids = "+".join(key.order_id for key in event.alert.orders)
                marks = [" late"] * event.alert.late + [" swapped"] * event.alert.swapped + [" sounds"] * event.sounds
                words.append(f"raised {ids}: {wrong}{''.join(marks)}")
            elif isinstance(event, AlertResolved):
                words.append(f"resolved {event.resolution.value}")
        return words

    def states(self, order_id: str) -> list[str]:
        """The life of an order so far, as far as it was told."""
        return [e.state.value for e in self.of(OrderMoved) if e.key.order_id == order_id]
