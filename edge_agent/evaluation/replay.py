"""Replay a recording through the very checker that runs live; deterministic, and as fast as the machine can."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.scoring import ScoredCheck, Scores, by_class, score, true_verdict
from edge_agent.domain.alert import Alert, in_words
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
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order
from edge_agent.evaluation.photo_checks import line_as_json
from edge_agent.formats.recordings import OrderEvent, Recording, TrayTruth
from edge_agent.ports import Detector, Frame, FrameSource


@dataclass(slots=True, kw_only=True)
class TrayRecord:
    """One tray session of a recording, as it went."""

    session_id: str
    slot_id: str
    arrived_s: float
    settled_s: float | None = None
    first_verdict_s: float | None = None
    left_s: float | None = None
    reached: VerdictReached | None = None
    alerts: list[Alert] = field(default_factory=list)
    truth: TrayTruth | None = None

    @property
    def order_ids(self) -> tuple[str, ...]:
        return tuple(key.order_id for key in self.reached.orders) if self.reached else ()

    @property
    def verdict(self) -> VerdictKind:
        return self.reached.verdict.kind if self.reached else VerdictKind.UNSURE

    @property
    def association(self) -> str:
        return self.reached.association.value if self.reached else "no_order"

    @property
    def verdict_latency_s(self) -> float | None:
        """From the moment the tray lay still to the first verdict, in stream time."""
        if self.settled_s is None or self.first_verdict_s is None:
            return None
        return self.first_verdict_s - self.settled_s

    @property
    def alert_lead_s(self) -> float | None:
        """From the alert to the tray leaving; None without an alert."""
        if not self.alerts or self.left_s is None:
            return None
        return max(0.0, self.left_s - self.alerts[0].raised_at_s)


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
    log = _Log()
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
    _lay_beside(trays, recording.truth)
    return Replayed(
        recording=recording,
        trays=trays,
        orders=tuple(log.orders.values()),
        ignored=tuple(log.ignored),
        scores=_score(menu, trays, recording.truth, log.orders),
        frames=frames,
        duration_s=at_s,
        elapsed_s=elapsed_s,
        provider=provider,
        problem=problem(),
        closing=tuple(closing),
    )


def _tell(checker: OrderChecker, event: OrderEvent) -> tuple[Event, ...]:
    if event.order is not None:
        return checker.put(event.order, event.at_s)
    if event.cancel is not None:
        return checker.cancel(event.cancel, event.at_s)
    return checker.ready(event.ready or "", event.at_s)


class _Log:
    """Gathers the checker's events into one record per tray."""

    def __init__(self) -> None:
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
                    session_id=event.session_id, slot_id=event.slot_id, arrived_s=event.at_s
                )
            elif isinstance(event, SessionResumed):
                self.trays[event.session_id].left_s = None
            elif isinstance(event, TraySettled):
                tray = self.trays[event.session_id]
                tray.settled_s = event.still_since_s if tray.settled_s is None else tray.settled_s
            elif isinstance(event, VerdictReached):
                tray = self.trays[event.session_id]
                tray.reached = event
                tray.first_verdict_s = event.at_s if tray.first_verdict_s is None else tray.first_verdict_s
            elif isinstance(event, TrayLeft):
                self.trays[event.session_id].left_s = event.last_seen_s
                self.trays[event.session_id].reached = event.final
            elif isinstance(event, AlertRaised):
                self.trays[event.alert.session_id].alerts.append(event.alert)


def _lay_beside(trays: Sequence[TrayRecord], truth: Sequence[TrayTruth]) -> None:
    """Give each session the true tray that it shares the most time with; each true tray goes to one session."""

    def shared_s(tray: TrayRecord, true: TrayTruth) -> float:
        left_s = tray.left_s if tray.left_s is not None else true.leave_s
        return min(left_s, true.leave_s) - max(tray.arrived_s, true.enter_s)

    pairs = sorted(
        ((shared_s(tray, true), i, j) for i, tray in enumerate(trays) for j, true in enumerate(truth)), reverse=True
    )
    taken: set[int] = set()
    for seconds, i, j in pairs:
        if seconds > 0 and trays[i].truth is None and j not in taken:
            trays[i].truth = truth[j]
            taken.add(j)


def _score(menu: Menu, trays: Sequence[TrayRecord], truth: Sequence[TrayTruth], orders: dict[str, Order]) -> Scores:
    """Every true tray counts once, also where no session was found for it; a session beyond them is nobody's tray."""
    found = {id(tray.truth): tray for tray in trays if tray.truth is not None}
    lying: dict[str, Counter[str]] = {}
    parts: Counter[str] = Counter()
    checks = []
    for true in sorted(truth, key=lambda t: t.enter_s):
        tray = found.get(id(true))
        order = orders.get(true.order_id) if true.order_id is not None else None
        truly = None
        if order is not None:  # the trays of one order add up, and nothing is missing before the last
            parts[order.order_id] += 1
            together = lying.setdefault(order.order_id, Counter()) if order.parts > 1 else Counter()
            together.update(true.contents)
            truly = true_verdict(menu, order, together, complete=parts[order.order_id] >= order.parts)
        checks.append(
            ScoredCheck(
                truth=truly,
                given=tray.reached.verdict if tray and tray.reached else None,
                right_order=order is not None and tray is not None and order.order_id in tray.order_ids,
                verdict_latency_s=tray.verdict_latency_s if tray else None,
                alert_lead_s=tray.alert_lead_s if tray else None,
            )
        )
    if truth:
        checks += [ScoredCheck(truth=None, given=t.reached.verdict) for t in trays if t.truth is None and t.reached]
    counted = [
        (by_class(menu, t.truth.contents), t.reached.contents) for t in trays if t.truth is not None and t.reached
    ]
    return score(checks, counted)


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


def tray_as_json(tray: TrayRecord) -> dict[str, Any]:
    """One tray of `replay --json`."""
    reached = tray.reached
    return {
        "session_id": tray.session_id,
        "slot_id": tray.slot_id,
        "order_id": "+".join(tray.order_ids) or None,
        "association": tray.association,
        "verdict": tray.verdict.value,
        "late": reached.late if reached else False,
        "lines": [line_as_json(line) for line in reached.verdict.lines] if reached else [],
        "contents": reached.contents.likely if reached else {},
        "arrived_s": _rounded(tray.arrived_s),
        "settled_s": _rounded(tray.settled_s),
        "left_s": _rounded(tray.left_s),
        "alerts": [
            {"alert_id": a.alert_id, "raised_s": _rounded(a.raised_at_s), "severity": a.severity.value, "late": a.late}
            for a in tray.alerts
        ],
        "says": in_words(reached.verdict) if reached else "",
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
