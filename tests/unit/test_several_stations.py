"""Several stations of one box draw on the same orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.station import Station
from edge_agent.domain.detection import Detection, Observation
from edge_agent.domain.events import Event, SessionStarted, TrayLeft, VerdictReached
from edge_agent.domain.geometry import Polygon
from edge_agent.domain.order import Order
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from tests.builders import menu, order, tray

MENU = menu("plate", "drink", "fruit")


class Box:
    """A counter and a drive-in window under one roof, each with one slot over its whole picture."""

    def __init__(self, *, counter: Sequence[str] = (), drive: Sequence[str] = ()) -> None:
        whole = Polygon.rectangle(0, 0, 320, 480)
        self.checker = OrderChecker(
            menu=MENU,
            thresholds=Thresholds(),
            stations=[
                Station(station_id="counter", slots=(Slot(slot_id="c", polygon=whole),), channels=frozenset(counter)),
                Station(station_id="drive", slots=(Slot(slot_id="d", polygon=whole),), channels=frozenset(drive)),
            ],
        )
        self.now_s = 0.0
        self.events: list[Event] = []

    def put(self, *orders: Order) -> None:
        for each in orders:
            self.events += self.checker.put(each, self.now_s)

    def show(self, seconds: float, **seen: Sequence[Detection]) -> None:
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            for station, detections in seen.items():
                self.events += self.checker.observe(Observation(self.now_s, tuple(detections)), station=station)

    @property
    def verdicts(self) -> dict[str, tuple[str, str]]:
        """By slot the last verdict: the orders' ids, and its kind."""
        reached = [event for event in self.events if isinstance(event, VerdictReached)]
        return {e.slot_id: ("+".join(k.order_id for k in e.orders), e.verdict.kind.value) for e in reached}


def test_a_frame_of_one_station_says_nothing_about_another() -> None:
    """An empty counter must not end the session of the tray at the window."""
    box = Box()
    box.put(order("A", "plate"))
    box.show(2, drive=tray("plate"))
    box.show(2, counter=())
    assert box.verdicts == {"d": ("A", "match")}
    assert not [event for event in box.events if isinstance(event, TrayLeft)]


def test_an_order_that_lies_at_one_station_is_not_expected_at_another() -> None:
    box = Box()
    box.put(order("A", "plate"))
    box.show(2, counter=tray("plate"), drive=())
    box.show(2, counter=tray("plate"), drive=tray("plate"))
    assert box.verdicts["c"] == ("A", "match")
    assert box.verdicts["d"][0] == ""


def test_only_orders_of_a_stations_channels_queue_there() -> None:
    """A tray at the window that looks like the counter's order is not that order."""
    box = Box(counter=["counter"], drive=["drive"])
    box.put(replace(order("A", "plate"), channel="counter"), replace(order("B", "drink"), channel="drive"))
    box.show(2, drive=tray("plate"), counter=tray("plate"))
    assert box.verdicts["c"] == ("A", "match")
    assert box.verdicts["d"][0] != "A"


def test_an_order_that_names_a_station_queues_there_alone() -> None:
    box = Box()
    box.put(replace(order("A", "plate"), station="drive"))
    box.show(2, counter=tray("plate"), drive=())
    assert box.verdicts["c"][0] == ""
    box.show(2, counter=(), drive=tray("plate"))
    assert box.verdicts["d"] == ("A", "match")


def test_an_order_that_names_an_unknown_station_is_not_lost() -> None:
    """A till that was configured for another box still gets its orders checked."""
    box = Box()
    box.put(replace(order("A", "plate"), station="upstairs"))
    box.show(2, counter=tray("plate"))
    assert box.verdicts["c"] == ("A", "match")


@pytest.mark.parametrize("prefix", ["", "12-"])
def test_ids_begin_with_the_prefix_of_the_run(prefix: str) -> None:
    """The ids of two lives of the agent differ: nobody answers yesterday's alert by today's."""
    whole = Polygon.rectangle(0, 0, 320, 480)
    station = Station(slots=(Slot(slot_id="slot", polygon=whole),))
    checker = OrderChecker(menu=MENU, thresholds=Thresholds(), stations=[station], prefix=prefix)
    events = [e for n in range(4) for e in checker.observe(Observation(n / 10, tray("plate")))]
    [started] = [event for event in events if isinstance(event, SessionStarted)]
    assert started.session_id == f"{prefix}slot-0001"


def test_a_camera_of_another_size_ends_the_sessions_of_its_station_only() -> None:
    """What was seen is in pixels of another picture; the other station's tray is still the same."""
    box = Box()
    box.show(2, counter=tray("plate"), drive=tray("drink"))
    larger = Slot(slot_id="c", polygon=Polygon.rectangle(0, 0, 640, 960))
    events = box.checker.place("counter", [larger], box.now_s)
    assert [event.slot_id for event in events if isinstance(event, TrayLeft)] == ["c"]
    box.show(2, counter=tray("plate"), drive=tray("drink"))
    started = [event.slot_id for event in box.events if isinstance(event, SessionStarted)]
    assert started == ["c", "d", "c"]
