"""A store in memory, by hand: what `SqliteStore` and `SqliteHistory` do, without threads, files or SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from edge_agent.domain.detection import Sighting
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderMoved,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import (
    Audit,
    Confirmation,
    Recorded,
    Run,
    StoredAlert,
    StoredAudit,
    StoredCheck,
    StoredConfirmation,
    StoredOrder,
    StoredRun,
    StoredSession,
)
from edge_agent.errors import StoreBusy, StoreError
from edge_agent.ports import AlertNews, Clock, Evidence


@dataclass(slots=True)
class FakeClock:
    """Stands still until it is told otherwise."""

    now: datetime = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)
    monotonic: float = 100.0

    def now_utc(self) -> datetime:
        return self.now

    def monotonic_s(self) -> float:
        return self.monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds


@dataclass(slots=True)
class _Kept:
    order: StoredOrder
    run_id: int
    revisions: list[Order] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    seq: int
    alert: int
    station: str
    at: str
    resolved: bool


class MemoryStore:
    """An `EventStore`, its `EventHistory` and its `Outbox` in one."""

    def __init__(self, *, clock: Clock, on_told: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._on_told = on_told
        self._steps: list[_Step] = []
        self._delivered: set[int] = set()
        self._closed = False
        self._runs: list[StoredRun] = []
        self._checks: list[StoredCheck] = []
        self._alerts: list[StoredAlert] = []
        self._sessions: dict[tuple[int, str], StoredSession] = {}
        self._orders: dict[OrderKey, _Kept] = {}
        self._judged: dict[int, tuple[Order | None, ...]] = {}
        self._audits: list[StoredAudit] = []
        self._confirmations: list[StoredConfirmation] = []
        self._accepted: list[tuple[str, Order]] = []
        self._moves: list[tuple[str, OrderKey, OrderState]] = []
        self._checks_of_alerts: list[int | None] = []
        self._lost: StoreError | None = None
        self.pictures: dict[str, bytes] = {}
        self.sightings: dict[str, Sighting] = {}

    def close(self) -> None:
        """Refuse what comes after."""
        self._closed = True

    def begin_run(self, run: Run) -> int:
        self._runs.append(StoredRun(run_id=len(self._runs) + 1, run=run, started_at=self._now()))
        return len(self._runs)

    def end_run(self, run_id: int) -> None:
        self._runs[run_id - 1] = replace(self._runs[run_id - 1], ended_at=self._now())

    def record(self, run_id: int, events: Sequence[Event], *, evidence: Sequence[Evidence] = ()) -> None:
        if self._closed:
            raise StoreBusy("the store is closed")
        try:
            self.commit(run_id, events, evidence=evidence)
        except StoreError as failure:
            self._lost = self._lost or failure

    def commit(self, run_id: int, events: Sequence[Event], *, evidence: Sequence[Evidence] = ()) -> Recorded:
        if self._closed:
            raise StoreBusy("the store is closed")
        if not 1 <= run_id <= len(self._runs):
            raise StoreError(f"there is no run {run_id}")
        before, told = len(self._checks), len(self._steps)
        for event in events:
            self._apply(run_id, event)
        for piece in evidence:
            name = f"{len(self.pictures)}.jpg"
            self.pictures[name] = piece.jpeg
            if piece.sighting is not None:
                self.sightings[name] = piece.sighting
            latest = self._latest(run_id, piece.session_id)
            if latest is not None:
                self._checks[latest] = replace(self._checks[latest], pictures=(*self._checks[latest].pictures, name))
        if len(self._steps) > told:
            self._on_told()
        numbers = tuple(check.check_id for check in self._checks[before:])
        return Recorded(check_ids=numbers, to_tell=len(self._steps) - told)

    def pending(self, limit: int) -> tuple[AlertNews, ...]:
        return tuple(self._news(step) for step in self._steps if step.seq not in self._delivered)[:limit]

    def waiting(self) -> int:
        return len(self._steps) - len(self._delivered)

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        return tuple(self._news(step) for step in self._steps if step.seq > seq)[:limit]

    def standing(self) -> tuple[AlertNews, ...]:
        steps = (step for step in self._steps if not step.resolved)
        return tuple(self._news(step) for step in steps if self._alerts[step.alert].resolution is None)

    def told(self, told_id: str) -> AlertNews | None:
        news = [self._news(step) for step in self._steps]
        return next((each for each in reversed(news) if each.told_id == told_id), None)

    def last_seq(self) -> int:
        return max((step.seq for step in self._steps), default=0)

    def delivered(self, seqs: Sequence[int]) -> None:
        if self._closed:
            raise StoreBusy("the store is closed")
        self._delivered |= {seq for seq in seqs if seq <= len(self._steps)}

    def _news(self, step: _Step) -> AlertNews:
        stored = self._alerts[step.alert]
        return AlertNews(
            seq=step.seq,
            told_id=stored.alert.alert_id,
            station=step.station,
            at=step.at,
            stored=stored,
            resolved=step.resolved,
        )

    def _tell(self, alert: int, station: str, *, resolved: bool) -> None:
        seq = len(self._steps) + 1
        self._steps.append(_Step(seq=seq, alert=alert, station=station, at=self._now(), resolved=resolved))

    def audit(self, audit: Audit) -> int:
        own = self._own(audit.run_id, audit.session_id, audit.check_id)
        shown = [c for c in own if c.pictures] or own
        if audit.check_id is None and shown:
            audit = replace(audit, check_id=shown[-1].check_id)
        self._audits.append(StoredAudit(number=len(self._audits) + 1, audit=audit, recorded_at=self._now()))
        return len(self._audits)

    def confirm(self, confirmation: Confirmation) -> int:
        self._own(confirmation.run_id, confirmation.session_id, confirmation.check_id)
        number = len(self._confirmations) + 1
        self._confirmations.append(
            StoredConfirmation(number=number, confirmation=confirmation, recorded_at=self._now())
        )
        return number

    def _own(self, run_id: int, session_id: str, check_id: int | None) -> list[StoredCheck]:
        if self._closed:
            raise StoreBusy("the store is closed")
        if (run_id, session_id) not in self._sessions:
            raise StoreError(f"run {run_id} had no tray '{session_id}'")
        own = [c for c in self._checks if (c.run_id, c.reached.session_id) == (run_id, session_id)]
        if check_id is not None and check_id not in [c.check_id for c in own]:
            raise StoreError(f"check {check_id} is none of that tray")
        return own

    def flush(self) -> None:
        lost, self._lost = self._lost, None
        if lost:
            raise lost

    def runs(self, *, limit: int = 50, before: int | None = None) -> tuple[StoredRun, ...]:
        return _newest(self._runs, lambda r: r.run_id, limit, before)

    def checks(
        self,
        *,
        limit: int = 50,
        before: int | None = None,
        run_id: int | None = None,
        order: OrderKey | None = None,
        verdict: VerdictKind | None = None,
        final: bool = False,
    ) -> tuple[StoredCheck, ...]:
        wanted = [
            c
            for c in self._checks
            if (run_id is None or c.run_id == run_id)
            and (order is None or order in c.reached.orders)
            and (verdict is None or c.reached.verdict.kind is verdict)
            and (c.final or not final)
        ]
        return _newest(wanted, lambda c: c.check_id, limit, before)

    def session(self, run_id: int, session_id: str) -> StoredSession | None:
        found = self._sessions.get((run_id, session_id))
        if found is None:
            return None
        checks = [c for c in self._checks if (c.run_id, c.reached.session_id) == (run_id, session_id)]
        alerts = [a for a in self._alerts if (a.run_id, a.alert.session_id) == (run_id, session_id)]
        audits = [u for u in self._audits if (u.audit.run_id, u.audit.session_id) == (run_id, session_id)]
        confirmed = [
            f for f in self._confirmations if (f.confirmation.run_id, f.confirmation.session_id) == (run_id, session_id)
        ]
        return replace(
            found,
            checks=tuple(checks),
            alerts=tuple(alerts),
            audits=tuple(audits),
            confirmations=tuple(confirmed),
        )

    def sessions(self, *, limit: int = 50, before: int | None = None, since: str = "") -> tuple[StoredSession, ...]:
        wanted = [s for s in self._sessions.values() if s.recorded_at >= since]
        page = _newest(wanted, lambda s: s.number, limit, before)
        whole = [self.session(s.run_id, s.session_id) for s in page]
        return tuple(s for s in whole if s is not None)

    def judged(self, check_ids: Sequence[int]) -> dict[int, tuple[Order | None, ...]]:
        return {check_id: self._judged.get(check_id, ()) for check_id in check_ids}

    def audits(self, *, limit: int = 50, before: int | None = None) -> tuple[StoredAudit, ...]:
        return _newest(self._audits, lambda u: u.number, limit, before)

    def orders(
        self, *, limit: int = 50, before: int | None = None, state: OrderState | None = None
    ) -> tuple[StoredOrder, ...]:
        wanted = [kept.order for kept in self._orders.values() if state is None or kept.order.state is state]
        return _newest(wanted, lambda o: o.number, limit, before)

    def order(self, key: OrderKey) -> StoredOrder | None:
        kept = self._orders.get(key)
        return kept.order if kept else None

    def revisions(self, key: OrderKey) -> tuple[Order, ...]:
        kept = self._orders.get(key)
        return tuple(kept.revisions) if kept else ()

    def alerts(self, *, limit: int = 50, before: int | None = None, open_only: bool = False) -> tuple[StoredAlert, ...]:
        wanted = [a for a in self._alerts if a.resolution is None or not open_only]
        return _newest(wanted, lambda a: a.number, limit, before)

    def _apply(self, run_id: int, event: Event) -> None:
        if isinstance(event, OrderAccepted):
            self._accept(run_id, event.order)
        elif isinstance(event, OrderMoved):
            kept = self._know(run_id, event.key)
            self._moves.append((self._now(), event.key, event.state))
            kept.order, kept.run_id = replace(kept.order, state=event.state, updated_at=self._now()), run_id
        elif isinstance(event, SessionStarted):
            self._open(run_id, event.session_id, event.at_s, event.slot_id)
        elif isinstance(event, SessionResumed):
            session = self._open(run_id, event.session_id, event.at_s)
            self._keep(replace(session, resumed=session.resumed + 1, left_at_s=None, last_seen_s=None))
            self._mark_final(run_id, event.session_id, None)
        elif isinstance(event, TraySettled):
            session = self._open(run_id, event.session_id, event.still_since_s)
            settled = event.at_s if session.settled_at_s is None else session.settled_at_s
            self._keep(replace(session, settled_at_s=settled, still_since_s=event.still_since_s))
        elif isinstance(event, VerdictReached):
            self._check(run_id, event)
        elif isinstance(event, TrayLeft):
            self._leave(run_id, event)
        elif isinstance(event, AlertRaised):
            self._raise(run_id, event)
        elif isinstance(event, AlertResolved):
            self._resolve(run_id, event)

    def _accept(self, run_id: int, order: Order) -> None:
        kept = self._know(run_id, order.key)
        stays = kept.order.state is OrderState.PRESENTED and kept.run_id == run_id
        state = kept.order.state if stays else OrderState.OPEN
        if kept.order.order != order:
            kept.revisions.append(order)
            self._accepted.append((self._now(), order))
        kept.order, kept.run_id = replace(kept.order, order=order, state=state, updated_at=self._now()), run_id

    def _know(self, run_id: int, key: OrderKey) -> _Kept:
        if key not in self._orders:
            now, number = self._now(), len(self._orders) + 1
            unknown = StoredOrder(
                number=number, key=key, state=OrderState.OPEN, order=None, recorded_at=now, updated_at=now
            )
            self._orders[key] = _Kept(unknown, run_id)
        return self._orders[key]

    def _open(self, run_id: int, session_id: str, arrived_s: float, slot_id: str = "") -> StoredSession:
        new = StoredSession(
            run_id=run_id,
            session_id=session_id,
            slot_id=slot_id,
            arrived_s=arrived_s,
            recorded_at=self._now(),
            number=len(self._sessions) + 1,
        )
        return self._sessions.setdefault((run_id, session_id), new)

    def _keep(self, session: StoredSession) -> None:
        self._sessions[session.run_id, session.session_id] = session

    def _check(self, run_id: int, reached: VerdictReached) -> None:
        self._open(run_id, reached.session_id, reached.still_since_s, reached.slot_id)
        for key in reached.orders:
            self._know(run_id, key)
        number = len(self._checks) + 1
        self._judged[number] = tuple(self._orders[key].order.order for key in reached.orders)
        self._checks.append(
            StoredCheck(check_id=number, run_id=run_id, recorded_at=self._now(), final=False, reached=reached)
        )
        if reached.late:
            self._mark_final(run_id, reached.session_id, number - 1)

    def _leave(self, run_id: int, left: TrayLeft) -> None:
        session = self._open(run_id, left.session_id, left.arrived_s, left.slot_id)
        self._keep(replace(session, arrived_s=left.arrived_s, last_seen_s=left.last_seen_s, left_at_s=left.at_s))
        if self._latest(run_id, left.session_id) is None:
            self._check(run_id, left.final)
        self._mark_final(run_id, left.session_id, self._latest(run_id, left.session_id))

    def _latest(self, run_id: int, session_id: str) -> int | None:
        own = [n for n, c in enumerate(self._checks) if (c.run_id, c.reached.session_id) == (run_id, session_id)]
        return own[-1] if own else None

    def _mark_final(self, run_id: int, session_id: str, index: int | None) -> None:
        for n, check in enumerate(self._checks):
            if (check.run_id, check.reached.session_id) == (run_id, session_id):
                self._checks[n] = replace(check, final=n == index)

    def _raise(self, run_id: int, event: AlertRaised) -> None:
        if any((a.run_id, a.alert.alert_id) == (run_id, event.alert.alert_id) for a in self._alerts):
            raise StoreError(f"the alert {event.alert.alert_id} was raised already")
        self._open(run_id, event.alert.session_id, event.alert.raised_at_s)
        for key in event.alert.orders:
            self._know(run_id, key)
        number = len(self._alerts) + 1
        latest = self._latest(run_id, event.alert.session_id)
        self._checks_of_alerts.append(None if latest is None else latest + 1)
        self._alerts.append(
            StoredAlert(number=number, run_id=run_id, alert=event.alert, sounds=event.sounds, recorded_at=self._now())
        )
        run = self._runs[run_id - 1].run
        if run.tells:
            slot_id = self._sessions[run_id, event.alert.session_id].slot_id
            self._tell(number - 1, run.slots.get(slot_id, run.station), resolved=False)

    def _resolve(self, run_id: int, event: AlertResolved) -> None:
        named = [n for n, a in enumerate(self._alerts) if a.alert.alert_id == event.alert_id]
        own = [n for n in named if self._alerts[n].run_id == run_id]
        for n in (own or [n for n in named if self._alerts[n].resolution is None])[-1:]:
            if self._alerts[n].resolution is None:
                self._alerts[n] = replace(
                    self._alerts[n],
                    resolution=event.resolution,
                    resolved_at_s=event.at_s,
                    resolved_run=run_id,
                    by_staff=event.by_staff,
                )
                for station in [step.station for step in self._steps if step.alert == n]:
                    self._tell(n, station, resolved=True)

    def _now(self) -> str:
        return self._clock.now_utc().isoformat(timespec="milliseconds")


def _newest(values: Iterable, number: Callable, limit: int, before: int | None) -> tuple:  # type: ignore[type-arg]
    ordered = sorted((v for v in values if before is None or number(v) < before), key=number, reverse=True)
    return tuple(ordered[:limit])
