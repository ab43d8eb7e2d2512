"""Put together what looks and decides: a camera and an eye for each station, and the one checker that serves them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from edge_agent.adapters.qr_marker_reader import QrMarkerReader
from edge_agent.adapters.sampled import sampled
from edge_agent.adapters.slot_motion import SlotMotion
from edge_agent.app.camera import limits_of, meter_for, stuck_after_s
from edge_agent.app.eyes import Eyes, station_with
from edge_agent.checking.camera_watch import CameraWatch
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.detection import Detection
from edge_agent.domain.tray import Slot
from edge_agent.evaluation.recorder import slots_as_jpeg
from edge_agent.ports import Clock, Detector, LiveSource, Picture
from edge_agent.runtime.capture import CameraCapture
from edge_agent.runtime.capture_thread import CapturePlan
from edge_agent.runtime.checker_thread import NOMINAL_PX, Announce, CheckerThread, LiveStation
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.runtime.recorder import Recorder
from edge_agent.runtime.station_eye import StationEye
from edge_agent.settings import CameraSettings, Settings, StationSettings

Frames = Callable[[threading.Condition], LatestFrame]
"""Makes the place for a camera's newest frame; all places share what is notified of frames."""

MakeSource = Callable[[CameraSettings, Clock], Callable[[], LiveSource]]
"""Makes what makes a camera's source."""


def frames_of(settings: Settings, frames: Frames) -> dict[str, LatestFrame]:
    """A place for each station's newest frame; one thread waits for all of them."""
    arrived = threading.Condition()
    return {station.id: frames(arrived) for station in settings.stations}


def checker_of(settings: Settings, eyes: Eyes, *, prefix: str) -> OrderChecker:
    """The checker of all stations; it has seen nothing yet."""
    return OrderChecker(
        menu=eyes.menu.menu,
        thresholds=eyes.thresholds,
        stations=[station_with(each, _placed(each)(*NOMINAL_PX)) for each in settings.stations],
        occluders=eyes.occluders,
        prefix=prefix,
    )


def checker_thread(  # noqa: PLR0913  each is one thing that the thread stands on
    settings: Settings,
    eyes: Eyes,
    checker: OrderChecker,
    latest: Mapping[str, LatestFrame],
    *,
    recorder: Recorder,
    clock: Clock,
    announce: Announce,
    looked: Callable[[float], None],
) -> CheckerThread:
    """The thread that serves the stations; not started yet. `looked` is told how long each look took, in seconds."""
    detector = _Timed(eyes.detector, looked)
    return CheckerThread(
        checker,
        [_live_station(each, detector, latest[each.id], shadow=settings.shadow) for each in settings.stations],
        recorder=recorder,
        clock=clock,
        encode=slots_as_jpeg,
        announce=announce,
        arrived=latest[settings.stations[0].id].arrived,
    )


def capturing(
    stack: ExitStack, settings: Settings, latest: Mapping[str, LatestFrame], clock: Clock, make_source: MakeSource
) -> dict[str, CameraCapture]:
    """The cameras of the stations that have one, giving pictures until the stack ends."""
    captures = {}
    cameras = {station.id: station.camera for station in settings.stations if station.camera is not None}
    for name, camera in cameras.items():
        plan = CapturePlan(name=name, make_source=make_source(camera, clock), latest=latest[name], clock=clock)
        others = [other for other in cameras.values() if other is not camera]
        captures[name] = stack.enter_context(CameraCapture(plan, stuck_s=stuck_after_s(camera, others)))
    return captures


@dataclass(frozen=True, slots=True)
class _Timed:
    """A detector whose looks are timed."""

    detector: Detector
    looked: Callable[[float], None]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.detector.classes

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        began_s = time.perf_counter()
        seen = self.detector.detect(picture)
        self.looked(time.perf_counter() - began_s)
        return seen


def _live_station(station: StationSettings, detector: Detector, latest: LatestFrame, *, shadow: bool) -> LiveStation:
    limits = None if station.camera is None else limits_of(station.camera)
    eye = StationEye(
        detector=detector,
        sample=sampled,
        meter=meter_for(station),
        watch=CameraWatch() if limits is None else CameraWatch(limits),
        motion_for=lambda slots: SlotMotion(slots=slots),
        place=_placed(station),
        reader=QrMarkerReader(),
    )
    return LiveStation(station_id=station.id, eye=eye, latest=latest, shadow=shadow)


def _placed(station: StationSettings) -> Callable[[int, int], tuple[Slot, ...]]:
    return lambda width_px, height_px: tuple(slot.slot(width_px, height_px) for slot in station.slots)
