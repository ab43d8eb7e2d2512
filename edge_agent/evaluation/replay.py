"""Replay a recording through the very checker that runs live; deterministic, and as fast as the machine can."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.scoring import Scores
from edge_agent.domain.detection import Observation
from edge_agent.domain.events import (
    AlertRaised,
    Event,
    OrderAccepted,
    OrderIgnored,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order
from edge_agent.evaluation.trays import Held, TrayRecord, held_against_truth, scores_of, tray_as_json
from edge_agent.formats.recordings import OrderEvent, Recording
from edge_agent.ports import Detector, Frame, FrameSource


class ReplayWatcher(Protocol):
    """Looks on while a recording is replayed: a progress bar, a painter, a store."""

    def saw(self, frame: Frame, observation: Observation, events: Sequence[Event]) -> None:
        """A frame was checked; `events` are what it, and the orders that came before it, brought about."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a recording; `closing` are the events after the last frame, which no watcher saw."""

    recording: Recording
    trays: tuple[TrayRecord, ...]
    orders: tuple[Order, ...]
    ignored: tuple[OrderIgnored, ...]
    held: tuple[Held, ...]
    scores: Scores
    frames: int
    duration_s: float
    elapsed_s: float
    provider: str
    problem: str | None = None
    closing: tuple[Event, ...] = ()

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def times_real_time(self) -> float:
        return self.duration_s / self.elapsed_s if self.elapsed_s else 0.0


def replay(  # noqa: PLR0913  the collaborators of a replay, each by its name
    recording: Recording,
    *,
    source: FrameSource,
    detector: Detector,
    checker: OrderChecker,
    menu: Menu,
    provider: str,
    watchers: Iterable[ReplayWatcher] = (),
    problem: Callable[[], str | None] = lambda: None,
) -> Replayed:
    """Play the frames and the till's messages, in the order of their times, to the checker.

    Args:
        recording: the video's files.
        source: its frames.
        detector: what looks at them.
        checker: a fresh checker.
        menu: the menu that the checker uses, for the score.
        provider: what the detector runs on, for the record.
        watchers: who looks on.
        problem: asked at the end; says in one sentence what was wrong with the source.
    """
    watchers = tuple(watchers)
    log = TrayLog()
    pending = deque(recording.orders)
    at_s, frames = 0.0, 0
    began_s = time.perf_counter()
    for frame in source.frames():
        at_s = frame.at_s
        events: list[Event] = []
        while pending and pending[0].at_s <= at_s:
            events += _tell(checker, pending.popleft())
        observation = Observation(at_s, detector.detect(frame.picture))
        events += checker.observe(observation)
        log.take(events)
        frames += 1
        for watcher in watchers:
            watcher.saw(frame, observation, events)
    closing = list(checker.finish(at_s))
    for event in pending:
        closing += _tell(checker, event)
    log.take(closing)
    elapsed_s = time.perf_counter() - began_s
    trays = tuple(log.trays.values())
    said = problem()
    if said is not None:  # what the video would have shown after it broke off is no tray that was missed
        recording = replace(recording, truth=tuple(true for true in recording.truth if true.enter_s <= at_s))
    held = held_against_truth(menu, trays, recording.truth, log.orders)
    return Replayed(
        recording=recording,
        trays=trays,
        orders=tuple(log.orders.values()),
        ignored=tuple(log.ignored),
        held=held,
        scores=scores_of(menu, held),
        frames=frames,
        duration_s=at_s,
        elapsed_s=elapsed_s,
        provider=provider,
        problem=said,
        closing=tuple(closing),
    )


def _tell(checker: OrderChecker, event: OrderEvent) -> tuple[Event, ...]:
    if event.order is not None:
        return checker.put(event.order, event.at_s)
    if event.cancel is not None:
        return checker.cancel(event.cancel, event.at_s)
    return checker.ready(event.ready or "", event.at_s)


class TrayLog:
    """Gathers the checker's events into one record per tray.

    Attributes:
        began_s: the stream time at which the recording began; times in the records count from there.
    """

    def __init__(self, *, began_s: float = 0.0) -> None:
        self.began_s = began_s
        self.trays: dict[str, TrayRecord] = {}
        self.orders: dict[str, Order] = {}
        self.ignored: list[OrderIgnored] = []

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, OrderAccepted):
                self.orders[event.order.order_id] = event.order
            elif isinstance(event, OrderIgnored):
                self.ignored.append(event)
            elif isinstance(event, SessionStarted):
                self.trays[event.session_id] = TrayRecord(
                    session_id=event.session_id, slot_id=event.slot_id, arrived_s=event.at_s - self.began_s
                )
            elif isinstance(event, SessionResumed):
                self.trays[event.session_id].left_s = None
            elif isinstance(event, TraySettled):
                tray = self.trays[event.session_id]
                tray.settled_s = event.still_since_s - self.began_s if tray.settled_s is None else tray.settled_s
            elif isinstance(event, VerdictReached):
                self._judged(self.trays[event.session_id], self._timed(event))
            elif isinstance(event, TrayLeft):
                self.trays[event.session_id].left_s = event.last_seen_s - self.began_s
                self.trays[event.session_id].reached = self._timed(event.final)
            elif isinstance(event, AlertRaised):
                raised_s = event.alert.raised_at_s - self.began_s
                self.trays[event.alert.session_id].alerts.append(replace(event.alert, raised_at_s=raised_s))

    def _timed(self, reached: VerdictReached) -> VerdictReached:
        began_s = self.began_s
        return replace(reached, at_s=reached.at_s - began_s, still_since_s=reached.still_since_s - began_s)

    @staticmethod
    def _judged(tray: TrayRecord, reached: VerdictReached) -> None:
        tray.reached = reached
        tray.verdicts.append(reached)
        tray.first_verdict_s = reached.at_s if tray.first_verdict_s is None else tray.first_verdict_s


def replay_as_json(replayed: Replayed) -> dict[str, Any]:
    """The object that `replay --json` prints."""
    return {
        **replayed.scores.as_json(),
        "frames_per_s": round(replayed.frames_per_s, 1),
        "times_real_time": round(replayed.times_real_time, 2),
        "provider": replayed.provider,
        "video": replayed.recording.video.name,
        "frames": replayed.frames,
        "duration_s": round(replayed.duration_s, 3),
        "problem": replayed.problem,
        "sessions_found": len(replayed.trays),
        "sessions_true": len(replayed.recording.truth) if replayed.recording.truth_path else None,
        "orders_ignored": [
            {"at_s": o.at_s, "order_id": o.key.order_id, "revision": o.revision, "known_revision": o.known_revision}
            for o in replayed.ignored
        ],
        "trays": [tray_as_json(tray) for tray in replayed.trays],
    }
