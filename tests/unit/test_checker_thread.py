"""The thread that looks and decides, with cameras and a detector by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest

from edge_agent.checking.camera_watch import CameraLimits, CameraWatch
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.station import Station
from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.detection import Detection
from edge_agent.domain.events import Event, VerdictReached
from edge_agent.domain.geometry import Polygon
from edge_agent.domain.matching import CheckedLine
from edge_agent.domain.record import Run
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import DetectorError, StoreBusy, Unknown
from edge_agent.ports import AlertNews, LiveFrame, Picture, StationStatus
from edge_agent.runtime.checker_thread import CheckerThread, LiveStation
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.runtime.live_stations import LiveStations
from edge_agent.runtime.recorder import Recorder
from edge_agent.runtime.station_eye import StationEye
from tests.builders import menu, order, tray
from tests.fakes_camera import HandClock
from tests.fakes_store import MemoryStore

WAIT_S = 20.0
PICTURE = np.zeros((480, 320, 3), dtype=np.uint8)


def still(picture: Picture, slot: Slot, seen: Sequence[Detection], lines: Sequence[CheckedLine]) -> bytes:
    things, names = [each.class_name for each in seen], [line.name for line in lines]
    return f"{picture.shape} {slot.slot_id} {things} {names}".encode()


LIMITS = CameraLimits(good_for_s=0.0, identical_s=None)


@dataclass
class Scene:
    """A detector that sees what it is told, and a meter that finds every picture bright."""

    seen: tuple[Detection, ...] = ()
    fails: bool = False
    luminance: float = 128.0
    classes: tuple[str, ...] = ("plate", "drink")

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        del picture
        if self.fails:
            raise DetectorError("the model failed")
        return self.seen

    def measure(self, frame: LiveFrame) -> FrameFigures:
        return FrameFigures(at_s=frame.at_s, luminance=self.luminance)


class AlwaysMoving:
    """A slot in which something changes in every picture."""

    def changes(self, picture: Picture) -> tuple[float, ...]:
        del picture
        return (255.0,)

    def keep(self) -> None:
        return


@dataclass
class Pass:
    """Two stations, `a` and `b`, and all that is told of them."""

    clock: HandClock
    store: MemoryStore
    scenes: dict[str, Scene]
    latest: dict[str, LatestFrame]
    thread: CheckerThread
    stations: LiveStations
    told: list[tuple[str, Event | StationStatus | AlertNews]]
    heard: threading.Condition
    recorder: Recorder

    def frame(self, station: str, *, age_s: float = 0.0) -> None:
        """A frame comes, and the thread has dealt with it when this returns."""
        self.clock.now_s += 0.1
        self.latest[station].put(LiveFrame(PICTURE, self.clock.now_s - age_s))
        self.settled()

    def frames(self, station: str, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.frame(station)

    def settled(self) -> None:
        """Questions are answered before frames are looked at: after two of them the frame of before was served."""
        for _ in range(2):
            self.thread.ask(lambda _checker, _at_s: (None, ())).result(WAIT_S)

    def end(self) -> None:
        """The thread has ended, and what it had stored is stored."""
        self.thread.close(timeout_s=WAIT_S)
        self.recorder.close(timeout_s=WAIT_S)

    def await_told(self, what: Callable[[str, object], bool]) -> None:
        with self.heard:
            assert self.heard.wait_for(lambda: any(what(*each) for each in self.told), WAIT_S)

    def verdicts(self, station: str) -> list[str]:
        events = [event for at, event in self.told if at == station and isinstance(event, VerdictReached)]
        return [event.verdict.kind.value for event in events]


@pytest.fixture
def box() -> Iterator[Pass]:
    clock, told, heard, arrived = HandClock(), [], threading.Condition(), threading.Condition()
    store = MemoryStore(clock=clock)
    scenes = {name: Scene() for name in "ab"}
    latest = {name: LatestFrame(arrived=arrived) for name in "ab"}
    slots = {name: Slot(slot_id=name, polygon=Polygon.rectangle(0, 0, 320, 480)) for name in "ab"}

    def announce(station: str, event: Event | StationStatus | AlertNews) -> None:
        with heard:
            told.append((station, event))
            heard.notify_all()

    def encode(picture: Picture, of: Sequence[Slot]) -> bytes:
        return f"{picture.shape} {[slot.slot_id for slot in of]}".encode()

    def station(name: str) -> LiveStation:
        eye = StationEye(
            detector=scenes[name],
            sample=lambda picture: picture,
            meter=scenes[name],
            watch=CameraWatch(LIMITS),
            motion_for=lambda _slots: AlwaysMoving(),
            place=lambda _width_px, _height_px: (slots[name],),
        )
        return LiveStation(station_id=name, eye=eye, latest=latest[name])

    checker = OrderChecker(
        menu=menu("plate", "drink"),
        thresholds=Thresholds(),
        stations=[Station(station_id=name, slots=(slots[name],)) for name in "ab"],
    )
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(store, store.begin_run(Run())))
        thread = CheckerThread(
            checker,
            [station(name) for name in "ab"],
            recorder=recorder,
            clock=clock,
            encode=encode,
            announce=announce,
            arrived=arrived,
        )
        stack.enter_context(thread)
        stations = LiveStations(thread, known="ab", encode=encode, still=still, clock=clock)
        yield Pass(clock, store, scenes, latest, thread, stations, told, heard, recorder)


def put(box: Pass, order_id: str, *skus: str) -> None:
    box.thread.ask(lambda checker, at_s: (None, checker.put(order(order_id, *skus), at_s))).result(WAIT_S)


def test_a_tray_is_judged_told_of_and_stored_with_its_picture(box: Pass) -> None:
    put(box, "A", "plate", "drink")
    box.scenes["a"].seen = tray("plate")
    box.frames("a", 2)
    assert box.verdicts("a") == ["mismatch"]
    box.end()
    [check, *_] = box.store.checks()
    assert [box.store.pictures[name] for name in check.pictures] == [b"(480, 320, 3) ['a']"]
    (sighting,) = (box.store.sightings[name] for name in check.pictures)
    assert (sighting.width_px, sighting.height_px) == (320, 480)
    assert [seen.class_name for seen in sighting.seen] == ["plate"]


def test_a_still_is_drawn_with_what_was_said_of_the_tray_in_its_slot(box: Pass) -> None:
    """So that of things that look alike the one that was ordered can be named."""
    put(box, "A", "plate", "drink")
    box.scenes["a"].seen = tray("plate")
    box.frame("a")
    before = box.stations.still("a", "a")
    assert before is not None
    assert before.jpeg == b"(480, 320, 3) a ['plate'] []"
    box.frames("a", 2)
    after = box.stations.still("a", "a")
    assert after is not None
    assert b"'plate', 'drink'" in after.jpeg or b"'drink', 'plate'" in after.jpeg
    with pytest.raises(Unknown):
        box.stations.still("a", "b")


def test_each_station_sees_its_own_trays(box: Pass) -> None:
    put(box, "A", "plate")
    box.scenes["b"].seen = tray("plate")
    for _ in range(20):
        box.frame("a")
        box.frame("b")
    assert (box.verdicts("a"), box.verdicts("b")) == ([], ["match"])


def test_a_frame_that_is_too_old_is_never_judged(box: Pass) -> None:
    """A verdict on it would speak of a tray that may be gone."""
    box.scenes["a"].seen = tray("plate")
    for _ in range(20):
        box.frame("a", age_s=0.6)
    assert box.verdicts("a") == []


def test_a_dark_picture_is_never_judged_and_the_station_says_why(box: Pass) -> None:
    box.scenes["a"].seen, box.scenes["a"].luminance = tray("plate"), 1.0
    box.frames("a", 4)
    assert box.verdicts("a") == []
    status = next(each for each in box.thread.statuses if each.station_id == "a")
    assert (status.camera, status.can_decide) == ("dark", False)
    assert "dark" in status.why_not


def test_a_model_that_fails_on_a_picture_does_not_end_the_agent(box: Pass) -> None:
    box.scenes["a"].seen, box.scenes["a"].fails = tray("plate"), True
    box.frames("a", 1)
    box.scenes["a"].fails = False
    put(box, "A", "plate")
    box.frames("a", 2)
    assert box.verdicts("a")[-1] == "match"


def test_a_camera_that_falls_silent_is_told_of_without_a_frame(box: Pass) -> None:
    box.frames("a", 1)
    box.clock.now_s += LIMITS.offline_s + 1
    box.await_told(lambda at, event: at == "a" and isinstance(event, StationStatus) and event.camera == "offline")


def test_a_camera_of_another_size_has_its_slots_elsewhere(box: Pass) -> None:
    """A camera was exchanged: the tray that lies there is a new session, not one that jumped."""
    put(box, "A", "plate")
    box.scenes["a"].seen = tray("plate")
    box.frames("a", 2)
    box.clock.now_s += 0.1
    box.latest["a"].put(LiveFrame(np.zeros((240, 160, 3), dtype=np.uint8), box.clock.now_s))
    box.settled()
    box.frames("a", 2)
    box.end()
    assert len(box.store.sessions()) > 1


def test_the_newest_picture_is_shown_only_while_it_is_new(box: Pass) -> None:
    assert box.stations.picture("a") is None
    box.frame("a")
    newest = box.stations.picture("a")
    assert newest is not None
    assert newest.jpeg.endswith(b"['a']")
    box.clock.now_s += 5
    assert box.stations.picture("a") is None


def test_an_order_that_expires_does_so_without_a_camera(box: Pass) -> None:
    """The camera is broken: the queue must not grow for ever."""
    put(box, "A", "plate")
    assert len(box.thread.waiting) == 1
    box.clock.now_s += 3600
    box.await_told(lambda _at, event: type(event).__name__ == "OrderMoved")
    box.settled()
    assert len(box.thread.waiting) == 0


def test_what_is_asked_wrongly_is_the_askers_error(box: Pass) -> None:
    def wrong(_checker: OrderChecker, _at_s: float) -> tuple[None, Sequence[Event]]:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        box.thread.ask(wrong).result(WAIT_S)
    box.settled()


def test_nothing_is_asked_of_a_thread_that_ends(box: Pass) -> None:
    box.thread.close()
    with pytest.raises(StoreBusy):
        box.thread.ask(lambda _checker, _at_s: (None, ()))
