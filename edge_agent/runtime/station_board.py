"""What the stations show by MQTT: the newest word of each, and the checks of late. What is lost here may be lost."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge_agent.domain.events import Event, SessionResumed, SessionStarted, TrayLeft, TraySettled, VerdictReached
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.tray import SessionState
from edge_agent.formats.mqtt_messages import Topics, check_payload
from edge_agent.ports import Clock, Message, StationStatus

MOST_CHECKS = 200
"""So many checks wait while the broker is away; older ones are dropped."""

IDLE, SETTLING = "idle", "settling"
LOUDEST_FIRST = (
    VerdictKind.MISMATCH.value,
    VerdictKind.UNSURE.value,
    VerdictKind.MATCH.value,
    SETTLING,
    IDLE,
)
"""The word of a station with several slots is the loudest of theirs."""


@dataclass(slots=True)
class _Place:
    """One slot: the tray that lies there, or lay there last, and its word."""

    session_id: str
    word: str


@dataclass(slots=True)
class _Station:
    camera: str | None = None
    places: dict[str, _Place] = field(default_factory=dict)
    trays: Counter[str] = field(default_factory=Counter)

    @property
    def word(self) -> str:
        words = {place.word for place in self.places.values()}
        return next((word for word in LOUDEST_FIRST if word in words), IDLE)


class StationBoard:
    """Takes in what happens, from any thread and without waiting, and says what is to be published of it.

    Args:
        stations: the ids of the stations; what is said of another is not taken.
        shadow: people are told of no verdict; the words that an earlier life left with the broker are taken back.
        changed: called when there is something new; must not wait.
    """

    def __init__(
        self, *, topics: Topics, stations: Sequence[str], shadow: bool, clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._topics = topics
        self._shadow = shadow
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._stations = {station_id: _Station() for station_id in stations}
        self._checks: deque[Message] = deque(maxlen=MOST_CHECKS)
        self._published: dict[str, bytes] = {}

    def announce(self, station_id: str, event: Event | StationStatus) -> None:
        """Something happened at a station. Never waits for the broker; what nothing is published of is let pass."""
        with self._lock:
            station = self._stations.get(station_id)
            if station is None:
                return
            self._take(station_id, station, event)
        self._changed()

    def take(self, most: int) -> list[Message]:
        """What is to be published now, at most so many: words that have changed, then checks, oldest first."""
        with self._lock:
            found: list[Message] = []
            for word in self._words():
                if len(found) < most and self._published.get(word.topic) != word.payload:
                    self._published[word.topic] = word.payload
                    found.append(word)
            while self._checks and len(found) < most:
                found.append(self._checks.popleft())
            return found

    def forget_published(self) -> None:
        """The broker may know nothing: every word counts as not published."""
        with self._lock:
            self._published.clear()

    def figures(self) -> dict[str, dict[str, Any]]:
        """By station: its camera's word, None where it is not known, and the trays that left, by their last verdict."""
        with self._lock:
            return {
                station_id: {
                    "camera": station.camera,
                    "trays": station.trays.total(),
                    **{kind.value: station.trays[kind.value] for kind in VerdictKind},
                }
                for station_id, station in self._stations.items()
            }

    def _words(self) -> list[Message]:
        words = []
        for station_id, station in self._stations.items():
            state = b"" if self._shadow else station.word.encode("ascii")
            words.append(Message(topic=self._topics.state(station_id), payload=state, retained=True))
            if station.camera is not None:
                camera = Message(
                    topic=self._topics.camera(station_id), payload=station.camera.encode("ascii"), retained=True
                )
                words.append(camera)
        return words

    def _take(self, station_id: str, station: _Station, event: Event | StationStatus) -> None:
        if isinstance(event, StationStatus):
            self._take_status(station, event)
        elif isinstance(event, SessionStarted):
            station.places[event.slot_id] = _Place(event.session_id, SETTLING)
        elif isinstance(event, SessionResumed | TraySettled):
            for place in station.places.values():
                if place.session_id == event.session_id and place.word == IDLE:
                    place.word = SETTLING
        elif isinstance(event, VerdictReached):
            if not event.late:
                station.places[event.slot_id] = _Place(event.session_id, event.verdict.kind.value)
            self._check(station_id, event, final=event.late)
        elif isinstance(event, TrayLeft):
            place = station.places.setdefault(event.slot_id, _Place(event.session_id, IDLE))
            if place.session_id == event.session_id:
                place.word = IDLE
            station.trays[event.final.verdict.kind.value] += 1
            self._check(station_id, event.final, final=True)

    def _take_status(self, station: _Station, status: StationStatus) -> None:
        station.camera = status.camera
        for slot in status.slots:
            if slot.session_id is None or slot.state is SessionState.LEFT:
                if slot.slot_id in station.places:
                    station.places[slot.slot_id].word = IDLE
            else:
                word = SETTLING if slot.reached is None else slot.reached.verdict.kind.value
                station.places[slot.slot_id] = _Place(slot.session_id, word)

    def _check(self, station_id: str, reached: VerdictReached, *, final: bool) -> None:
        if not self._shadow:
            payload = check_payload(reached, station_id=station_id, final=final, now=self._clock.now_utc())
            self._checks.append(Message(topic=self._topics.checks(station_id), payload=payload))
