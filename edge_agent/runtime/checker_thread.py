"""The one thread that looks and decides: it owns the detector and the checker, and serves every station in turn."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.detection import Detection, Sighting
from edge_agent.domain.events import Event, VerdictReached
from edge_agent.domain.order import Order, OrderState
from edge_agent.domain.tray import SessionState, Slot
from edge_agent.errors import DetectorError, StoreBusy
from edge_agent.ports import Clock, Evidence, LiveFrame, Picture, SlotStatus, StationStatus
from edge_agent.runtime.latest_frame import LatestFrame
from edge_agent.runtime.recorder import Kept, Recorder
from edge_agent.runtime.station_eye import StationEye

logger = logging.getLogger(__name__)

T = TypeVar("T")

MOST_ASKED = 500
"""So many questions may wait for the thread; at fifty orders a second that is ten seconds."""

AT_ONCE = 64
"""So many are answered before the stations are served again."""

TICK_S = 0.25
"""Without frames and questions the thread wakes so often: cameras go offline, orders expire."""

NOMINAL_PX = (640, 480)
"""Until its first frame comes, a camera's pictures are taken to be of this size."""

Encode = Callable[[Picture, Sequence[Slot]], bytes]
Announce = Callable[[str, Event | StationStatus], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStation:
    """One station as the thread serves it.

    Attributes:
        eye: makes observations.
        latest: where its camera's frames come.
        shadow: whether it tells nobody, for what is shown.
    """

    station_id: str
    eye: StationEye
    latest: LatestFrame
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came of a question, and what is done once its events are on the disk."""

    value: T
    stored: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestPicture:
    """The newest frame of a station, its slots in pixels, what was seen in it, if it was looked at, and its figures."""

    frame: LiveFrame
    slots: tuple[Slot, ...]
    seen: tuple[Detection, ...] = ()
    figures: FrameFigures | None = None


class CheckerThread:
    """Feeds the checker, and answers questions about it. A context manager.

    Nobody else may touch the checker or the detector. What it shows (`statuses`, `waiting`, `newest`) is replaced as a
    whole and may be read from any thread.

    Args:
        checker: decides.
        stations: in the order of the configuration; their `latest` share `arrived`.
        recorder: keeps what happens.
        clock: stream time is its monotonic time.
        encode: makes the evidence picture of slots.
        announce: told of every event and every change of a station; must not wait.
        arrived: notified of frames; wakes the thread.
    """

    def __init__(
        self,
        checker: OrderChecker,
        stations: Sequence[LiveStation],
        *,
        recorder: Recorder,
        clock: Clock,
        encode: Encode,
        announce: Announce,
        arrived: threading.Condition,
    ) -> None:
        self._checker = checker
        self._stations = {station.station_id: station for station in stations}
        self._recorder = recorder
        self._clock = clock
        self._encode = encode
        self._announce = announce
        self._arrived = arrived
        self._asked: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._at_s = clock.monotonic_s()
        self._newest: dict[str, NewestPicture] = {}
        self.statuses: tuple[StationStatus, ...] = ()
        self.waiting: tuple[tuple[Order, OrderState], ...] = ()
        self.beat_s = self._at_s
        self._show()
        self._thread = threading.Thread(target=self._run, name="checker", daemon=True)

    def __enter__(self) -> CheckerThread:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, timeout_s: float = 2.0) -> None:
        """Stop deciding. Trays that lie there keep their sessions open: the next life of the agent finds them."""
        with self._arrived:
            self._stopping = True
            self._arrived.notify_all()
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def stale(self) -> dict[str, int]:
        """How many frames of each station were too old to be checked."""
        return {name: station.eye.counts.stale for name, station in self._stations.items()}

    @property
    def newest(self) -> Mapping[str, NewestPicture]:
        """The newest frame of each station that has had one."""
        return self._newest

    def ask(self, question: Callable[[OrderChecker, float], tuple[T, Sequence[Event]]]) -> Future[Answer[T]]:
        """Have something done with the checker at the stream time of now; its events are stored and told.

        Raises:
            StoreBusy: too much waits already, or the thread ends; nothing will be done.
        """
        answer: Future[Answer[T]] = Future()

        def work() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                value, events = question(self._checker, self._now_s())
            except Exception as error:  # noqa: BLE001  it belongs to whoever asked
                answer.set_exception(error)
            else:
                answer.set_result(Answer(value, self._take(events)))

        with self._arrived:
            if self._stopping or len(self._asked) >= MOST_ASKED:
                raise StoreBusy("the agent ends" if self._stopping else "too much is asked at a time; try again later")
            self._asked.append(work)
            self._arrived.notify_all()
        return answer

    def _run(self) -> None:
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: self._stopping or self._asked or self._has_frame(), TICK_S)
                if self._stopping:
                    return
                asked = [self._asked.popleft() for _ in range(min(AT_ONCE, len(self._asked)))]
            for work in asked:
                work()
            if asked:
                self.waiting = self._checker.waiting()
            for station in self._stations.values():
                self._serve(station)
            self._take(self._checker.wait(self._now_s()))
            self._show()
            self.beat_s = self._clock.monotonic_s()

    def _has_frame(self) -> bool:
        return any(station.latest.has_frame for station in self._stations.values())

    def _now_s(self) -> float:
        """Stream time: it never runs backwards, though frames of several cameras come in any order."""
        self._at_s = max(self._at_s, self._clock.monotonic_s())
        return self._at_s

    def _serve(self, station: LiveStation) -> None:
        frame = station.latest.take()
        eye = station.eye
        now_s = self._now_s()
        if frame is None:
            eye.watch.wait(now_s)
            return
        events: tuple[Event, ...] = ()
        if eye.sizes_up(frame):
            events = self._checker.place(station.station_id, eye.slots, now_s)
        seen: tuple[Detection, ...] = ()
        if eye.judge(frame, now_s):
            try:
                observation = eye.look(frame, now_s)
                seen = observation.detections
                events += self._checker.observe(observation, station=station.station_id)
            except DetectorError:
                logger.exception("station %s: the detector failed on a picture", station.station_id)
        newest = NewestPicture(frame=frame, slots=eye.slots, seen=seen, figures=eye.figures)
        self._newest[station.station_id] = newest
        self._take(events, newest)

    def _take(self, events: Sequence[Event], newest: NewestPicture | None = None) -> Kept:
        """Keep events and tell of them."""
        if not events:
            return NOTHING
        evidence = [] if newest is None else [self._evidence(newest, event) for event in _shown(events, newest.slots)]
        stored = self._recorder.take(events, evidence)
        for event in events:
            self._announce(self._checker.station_of(event), event)
        self.waiting = self._checker.waiting()
        return stored

    def _evidence(self, newest: NewestPicture, reached: VerdictReached) -> Evidence:
        picture = newest.frame.picture
        slot = next(slot for slot in newest.slots if slot.slot_id == reached.slot_id)
        height_px, width_px = picture.shape[:2]
        sighting = Sighting.within(slot.polygon, newest.seen, width_px=width_px, height_px=height_px)
        return Evidence(
            session_id=reached.session_id,
            at_s=reached.at_s,
            jpeg=self._encode(picture, [slot]),
            sighting=sighting if sighting.seen else None,
        )

    def _show(self) -> None:
        """Replace what is shown, and announce stations that changed."""
        before = {status.station_id: status for status in self.statuses}
        lying = {
            slot_id: (state, session_id, reached) for slot_id, state, session_id, reached in self._checker.slots_now()
        }
        now_s = self._clock.monotonic_s()
        self.statuses = tuple(self._status(station, lying, now_s) for station in self._stations.values())
        for status in self.statuses:
            known = before.get(status.station_id)
            if known is None or _said(known) != _said(status):
                self._announce(status.station_id, status)

    def _status(
        self,
        station: LiveStation,
        lying: Mapping[str, tuple[SessionState, str, VerdictReached | None]],
        now_s: float,
    ) -> StationStatus:
        eye, newest = station.eye, self._newest.get(station.station_id)
        slots = []
        for slot in eye.slots or eye.place(*NOMINAL_PX):
            state, session_id, reached = lying.get(slot.slot_id, (None, None, None))
            slots.append(SlotStatus(slot_id=slot.slot_id, session_id=session_id, state=state, reached=reached))
        return StationStatus(
            station_id=station.station_id,
            camera=eye.watch.status.value,
            can_decide=eye.watch.can_decide,
            why_not=eye.why_not,
            shadow=station.shadow,
            frame_age_s=None if newest is None else max(0.0, now_s - newest.frame.at_s),
            slots=tuple(slots),
        )


def _shown(events: Sequence[Event], slots: Sequence[Slot]) -> list[VerdictReached]:
    """The verdicts that the frame shows: those on trays in its slots."""
    ids = {slot.slot_id for slot in slots}
    return [each for each in events if isinstance(each, VerdictReached) and not each.late and each.slot_id in ids]


def _said(status: StationStatus) -> tuple[object, ...]:
    return (status.camera, status.can_decide, status.why_not, status.shadow)


NOTHING = Kept(is_stored=True)
"""What had to be stored where nothing had to."""
