"""Recordings from a script: grey frames, things that come and go at given times, orders and their truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.station import Station
from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box, Polygon
from edge_agent.domain.menu import Menu, MenuItem
from edge_agent.domain.order import Order, OrderLine
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.evaluation.replay import Replayed, ReplayWatcher, replay
from edge_agent.formats.recordings import OrderEvent, Recording, TrayTruth
from edge_agent.ports import Frame, Picture

WIDTH, HEIGHT = 320, 240
STEP_S = 0.1
MENU = Menu(tuple(MenuItem(sku=name, name=name.capitalize(), detects_as=name) for name in ("plate", "fries", "cola")))
WHOLE = Slot(slot_id="slot", polygon=Polygon.rectangle(0, 0, WIDTH, HEIGHT))


@dataclass(frozen=True)
class Shown:
    """What the camera sees between two times."""

    from_s: float
    to_s: float
    counts: Mapping[str, int]
    score: float = 0.9

    @property
    def detections(self) -> tuple[Detection, ...]:
        names = [name for name, n in self.counts.items() for _ in range(n)]
        return tuple(
            Detection(name, self.score, Box(20 + 70 * k, 60, 80 + 70 * k, 130)) for k, name in enumerate(names)
        )


@dataclass
class Scripted:
    """A frame source and a detector in one: the detector sees what the script shows at the time of its frame."""

    shown: Sequence[Shown]
    length_s: float
    picture: Picture = field(default_factory=lambda: np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8))
    classes: tuple[str, ...] = MENU.classes
    _now_s: float = 0.0

    def frames(self) -> Iterator[Frame]:
        for k in range(round(self.length_s / STEP_S)):
            self._now_s = round(k * STEP_S, 3)
            yield Frame(self._now_s, self.picture)

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        return next((s.detections for s in self.shown if s.from_s <= self._now_s < s.to_s), ())


def order(order_id: str, *skus: str, at_s: float = 0.0) -> OrderEvent:
    return OrderEvent(at_s=at_s, order=Order(order_id=order_id, lines=tuple(OrderLine(sku=sku) for sku in skus)))


def truth(order_id: str | None, enter_s: float, leave_s: float, **contents: int) -> TrayTruth:
    return TrayTruth(order_id=order_id, tray_id="t", enter_s=enter_s, leave_s=leave_s, contents=contents)


def replayed(
    shown: Sequence[Shown],
    orders: Sequence[OrderEvent],
    truths: Sequence[TrayTruth] = (),
    *,
    length_s: float = 10.0,
    watchers: Sequence[ReplayWatcher] = (),
    slots: Sequence[Slot] = (WHOLE,),
    problem: str | None = None,
) -> Replayed:
    """Play the script through the real checker."""
    script = Scripted(shown, length_s)
    recording = Recording(
        Path("lunch.mp4"), tuple(orders), tuple(truths), truth_path=Path("lunch.truth.jsonl") if truths else None
    )
    return replay(
        recording,
        source=script,
        detector=script,
        checker=OrderChecker(menu=MENU, thresholds=Thresholds(), stations=[Station(slots=tuple(slots))]),
        menu=MENU,
        provider="FakeProvider",
        watchers=watchers,
        problem=lambda: problem,
    )
