"""Looking back at a `MemoryStore`: everything is counted anew for each question, in plain words and without SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.audit import DayTray, ShownTray
from edge_agent.domain.business_day import QUARTER_S, Calendar, Span
from edge_agent.domain.matching import LineResult, VerdictKind
from edge_agent.domain.order import Order, OrderState
from edge_agent.domain.record import Audit, AuditAnswer, DrawnAs, StoredAlert, StoredCheck, StoredSession
from edge_agent.domain.search import (
    AlertSearch,
    CheckEvidence,
    CheckSearch,
    Choices,
    FoundAlert,
    FoundCheck,
    Page,
    PageMark,
)
from edge_agent.domain.tally import (
    DECIDED,
    NO_TRAY,
    NOTHING_VISIBLE,
    PARTS,
    SHADOW,
    Counted,
    Grouped,
    Tally,
    ToldEnd,
    audited,
    bin_ms,
)
from tests.fakes_store import MemoryStore

AT_FAULT = (LineResult.MISSING, LineResult.EXTRA, LineResult.UNSURE)
NOT_WRONG = (Resolution.SYSTEM_WRONG, Resolution.ACCEPTED)
UNKNOWN_ORDER = (Association.WHICH_ORDER, Association.NO_ORDER)


@dataclass(frozen=True, slots=True)
class Count:
    """One thing that counts once."""

    counted: Counted
    item: str
    quarter: int
    station: str


class MemoryReporting:
    """A `Reporting` of a `MemoryStore`."""

    def __init__(self, *, store: MemoryStore, calendar: Calendar | None = None) -> None:
        self._store = store
        self.calendar = calendar or Calendar()

    # Searching

    def find_checks(self, wanted: CheckSearch, *, limit: int = 50, after: PageMark | None = None) -> Page[FoundCheck]:
        fitting = [
            check
            for check in self._store._checks
            if _between(check.recorded_at, wanted.since, wanted.until)
            and (not wanted.number or wanted.number.lower() in self._numbers(check))
            and (not wanted.channel or wanted.channel.lower() in self._channels(check.check_id))
            and (wanted.verdict in (None, check.reached.verdict.kind))
            and (not wanted.item or wanted.item in _items_at_fault(check))
            and (check.final or not wanted.final)
        ]
        page = sorted(fitting, key=lambda c: (c.recorded_at, c.check_id), reverse=True)
        page = [c for c in page if after is None or (c.recorded_at, c.check_id) < (after.recorded_at, after.number)]
        shown = page[:limit]
        mark = PageMark(shown[-1].recorded_at, shown[-1].check_id) if len(page) > limit else None
        return Page(found=tuple(map(self._found_check, shown)), next=mark)

    def find_alerts(self, wanted: AlertSearch, *, limit: int = 50, after: PageMark | None = None) -> Page[FoundAlert]:
        fitting = [
            stored
            for stored in self._store._alerts
            if _between(stored.recorded_at, wanted.since, wanted.until)
            and (not wanted.number or wanted.number.lower() in self._numbers_of_alert(stored))
            and (not wanted.channel or wanted.channel.lower() in self._channels(self._check_of(stored)))
            and (not wanted.item or any(wanted.item in line.skus for line in stored.alert.lines))
            and (wanted.severity in (None, stored.alert.severity))
            and (wanted.resolution in (None, stored.resolution))
            and (stored.resolution is None or not wanted.open_only)
        ]
        page = sorted(fitting, key=lambda a: (a.recorded_at, a.number), reverse=True)
        page = [a for a in page if after is None or (a.recorded_at, a.number) < (after.recorded_at, after.number)]
        shown = page[:limit]
        mark = PageMark(shown[-1].recorded_at, shown[-1].number) if len(page) > limit else None
        return Page(found=tuple(map(self._found_alert, shown)), next=mark)

    def every_check(self, wanted: CheckSearch) -> Iterator[FoundCheck]:
        return iter(self.find_checks(wanted, limit=10**6).found)

    def every_alert(self, wanted: AlertSearch) -> Iterator[FoundAlert]:
        return iter(self.find_alerts(wanted, limit=10**6).found)

    def evidence(self, check_id: int) -> CheckEvidence | None:
        check = next((c for c in self._store._checks if c.check_id == check_id), None)
        if check is None:
            return None
        session = self._store.session(check.run_id, check.reached.session_id)
        assert session is not None
        return CheckEvidence(
            check=check,
            station=self._station(session),
            orders=self._judged(check_id),
            run=self._store._runs[check.run_id - 1],
            session=session,
            sightings={name: self._store.sightings[name] for name in check.pictures if name in self._store.sightings},
        )

    def choices(self) -> Choices:
        checks = self._store._checks
        stations = {name for run in self._store._runs for name in (run.run.slots.values() or [run.run.station])}
        return Choices(
            channels=tuple(sorted({name for check in checks for name in self._channels(check.check_id)})),
            items=tuple(sorted({sku for check in checks for sku in _items_at_fault(check)})),
            stations=tuple(sorted(stations - {""})),
        )

    # Counting

    def tallies(
        self,
        span: Span,
        *,
        by: Grouped = Grouped.WHOLE,
        counted: Collection[Counted] = tuple(Counted),
        station: str | None = None,
    ) -> tuple[Tally, ...]:
        cells: dict[str, Counter[tuple[Counted, str]]] = {}
        for each in self.counts():
            begins = datetime.fromtimestamp(each.quarter * QUARTER_S, timezone.utc)
            if span.since <= begins < span.until and each.counted in counted and station in (None, each.station):
                cells.setdefault(self._key(by, begins), Counter())[each.counted, each.item] += 1
        keys = sorted(cells, key=int) if by is Grouped.HOUR else sorted(cells)
        return tuple(Tally(key=key, counts=_nested(cells[key])) for key in keys)

    def counts(self) -> list[Count]:
        """All that counts."""
        trays = [each for session in self._sessions() for each in self._counts_of_tray(session)]
        orders = [each for kept in list(self._store._orders) for each in self._counts_of_order(kept)]
        return trays + orders

    def trays_of(self, span: Span) -> tuple[DayTray, ...]:
        trays = []
        for session in self._sessions():
            final = self._in_frame(session)
            if final is None:
                continue
            begins = datetime.fromtimestamp(_quarter(final.recorded_at) * QUARTER_S, timezone.utc)
            if span.since <= begins < span.until:
                answered = _drawn_audit(session) is not None
                trays.append(DayTray(number=session.number, red=bool(session.alerts), answered=answered))
        return tuple(trays)

    def shown_tray(self, number: int) -> ShownTray | None:
        session = next((s for s in self._sessions() if s.number == number), None)
        if session is None or not session.checks:
            return None
        first = self._check_of(session.alerts[0]) if session.alerts else None
        check = next((c for c in session.checks if c.check_id == first), session.checks[-1])
        pictured = [c for c in session.checks if c.pictures]
        nearest = min(pictured, key=lambda c: (abs(c.check_id - check.check_id), -c.check_id), default=None)
        pictures, known = () if nearest is None else nearest.pictures, self._store.sightings
        return ShownTray(
            number=number,
            run_id=session.run_id,
            session_id=session.session_id,
            check_id=check.check_id,
            pictures=pictures,
            places={name: known[name].unseen for name in pictures if name in known},
            orders=self._judged(check.check_id),
            waiting=() if check.reached.association.is_told else self._waited(check),
        )

    def store_id(self) -> str:
        return "a store in memory"

    # One tray, one order

    def _counts_of_tray(self, session: StoredSession) -> Iterator[Count]:
        station = self._station(session)
        if self._is_tested(session):
            return
        final = next((check for check in session.checks if check.final), None)
        if final is not None and session.settled_at_s is not None:
            reached, quarter = final.reached, _quarter(final.recorded_at)
            unknown = reached.association in UNKNOWN_ORDER
            item = reached.association.value if unknown else reached.verdict.kind.value
            yield Count(Counted.TRAY, item, quarter, station)
            first = session.checks[0].reached
            if not first.late:
                took_ms = bin_ms(round((first.at_s - first.still_since_s) * 1_000))
                yield Count(Counted.LATENCY, str(took_ms), quarter, station)
        if (framed := self._in_frame(session)) is not None:
            drawn = DrawnAs.RED if session.alerts else DrawnAs.RANDOM
            yield Count(Counted.FRAME, drawn.value, _quarter(framed.recorded_at), station)
            if (audit := _drawn_audit(session)) is not None and audit.drawn is not None:
                item = audited(audit.drawn.value, audit.found and audit.found.value)
                yield Count(Counted.AUDIT, item, _quarter(framed.recorded_at), station)
        yield from self._counts_of_alerts(session, station)

    def _counts_of_alerts(self, session: StoredSession, station: str) -> Iterator[Count]:
        tells = self._store._runs[session.run_id - 1].run.tells
        audit = _drawn_audit(session)
        red = audit.found if audit is not None and audit.drawn is DrawnAs.RED else None
        named: set[str] = set()
        for stored in session.alerts:
            quarter = _quarter(stored.recorded_at)
            yield Count(Counted.ALERT, stored.alert.severity.value if tells else SHADOW, quarter, station)
            if stored.resolution in NOT_WRONG or red is VerdictKind.MATCH:
                continue
            missing = {line.name for line in stored.alert.lines if line.result is LineResult.MISSING}
            for name in missing - named:
                yield Count(Counted.FORGOTTEN, name, quarter, station)
            named |= missing
        if session.alerts and tells:
            end = _end(session, red)
            yield Count(Counted.TOLD, end.value, _quarter(session.alerts[0].recorded_at), station)

    def _counts_of_order(self, key: object) -> Iterator[Count]:
        stored = self._store._orders[key].order  # type: ignore[index]
        is_test = stored.order is not None and stored.order.test
        if stored.state not in (OrderState.HANDED_OUT, OrderState.EXPIRED) or is_test:
            return
        own = [check for check in self._store._checks if check.final and key in check.reached.orders]
        if not own:
            yield Count(Counted.ORDER, NO_TRAY, _quarter(stored.recorded_at), "")
            return
        last = own[-1]
        session = self._store.session(last.run_id, last.reached.session_id)
        assert session is not None
        yield Count(Counted.ORDER, _why(last), _quarter(stored.recorded_at), self._station(session))

    def _in_frame(self, session: StoredSession) -> StoredCheck | None:
        """The last check of a tray that may be audited."""
        final = next((check for check in session.checks if check.final), None)
        if final is None or session.settled_at_s is None or self._is_tested(session):
            return None
        known = final.reached.association not in UNKNOWN_ORDER
        return final if session.alerts or known else None

    def _is_tested(self, session: StoredSession) -> bool:
        orders = [order for check in session.checks for order in self._judged(check.check_id)]
        return any(order is not None and order.test for order in orders)

    # What belongs to what

    def _sessions(self) -> list[StoredSession]:
        whole = [self._store.session(s.run_id, s.session_id) for s in self._store._sessions.values()]
        return [session for session in whole if session is not None]

    def _station(self, session: StoredSession) -> str:
        run = self._store._runs[session.run_id - 1].run
        return run.slots.get(session.slot_id, run.station)

    def _judged(self, check_id: int | None) -> tuple[Order | None, ...]:
        return () if check_id is None else self._store._judged.get(check_id, ())

    def _numbers(self, check: StoredCheck) -> set[str]:
        shown = {o.display_number for o in self._judged(check.check_id) if o is not None and o.display_number}
        return {text.lower() for text in shown | {key.order_id for key in check.reached.orders}}

    def _numbers_of_alert(self, stored: StoredAlert) -> set[str]:
        judged = self._judged(self._check_of(stored))
        shown = {o.display_number for o in judged if o is not None and o.display_number}
        return {text.lower() for text in shown | {key.order_id for key in stored.alert.orders}}

    def _channels(self, check_id: int | None) -> set[str]:
        return {o.channel.lower() for o in self._judged(check_id) if o is not None and o.channel}

    def _check_of(self, stored: StoredAlert) -> int | None:
        return self._store._checks_of_alerts[stored.number - 1]

    def _waited(self, check: StoredCheck) -> tuple[Order, ...]:
        at = check.recorded_at
        earliest = (datetime.fromisoformat(at) - timedelta(hours=6)).isoformat(timespec="milliseconds")
        waited = []
        for key, kept in self._store._orders.items():
            then = [order for when, order in self._store._accepted if order.key == key and when <= at]
            moves = [state for when, moved, state in self._store._moves if moved == key and when <= at]
            state = moves[-1] if moves else OrderState.OPEN
            is_waiting = state in (OrderState.OPEN, OrderState.PRESENTED) and key not in check.reached.orders
            is_test = kept.order.order is not None and kept.order.order.test
            if then and is_waiting and not is_test and earliest < kept.order.recorded_at <= at:
                waited.append(then[-1])
        return tuple(reversed(waited))

    def _found_check(self, check: StoredCheck) -> FoundCheck:
        session = self._store.session(check.run_id, check.reached.session_id)
        assert session is not None
        return FoundCheck(
            check=check,
            station=self._station(session),
            orders=self._judged(check.check_id),
            alerts=session.alerts,
            tells=self._store._runs[check.run_id - 1].run.tells,
        )

    def _found_alert(self, stored: StoredAlert) -> FoundAlert:
        session = self._store.session(stored.run_id, stored.alert.session_id)
        assert session is not None
        check_id = self._check_of(stored)
        return FoundAlert(
            stored=stored,
            station=self._station(session),
            check_id=check_id,
            orders=self._judged(check_id),
            tells=self._store._runs[stored.run_id - 1].run.tells,
        )

    def _key(self, by: Grouped, moment: datetime) -> str:
        if by is Grouped.DAY:
            return self.calendar.day_of(moment)
        return str(moment.astimezone(self.calendar.zone).hour) if by is Grouped.HOUR else ""


def _end(session: StoredSession, red: VerdictKind | None) -> ToldEnd:
    alerts = session.alerts
    final = next((check for check in session.checks if check.final), None)
    left_wrong = final is not None and final.reached.verdict.kind is VerdictKind.MISMATCH
    fixed = [a for a in alerts if a.resolution is Resolution.FIXED and not a.alert.late and not left_wrong]
    confirmed = {each.confirmation.check_id for each in session.confirmations}
    at_s = [check.reached.at_s for check in session.checks if check.check_id in confirmed]
    if red is VerdictKind.MATCH:
        return ToldEnd.FALSE_AUDIT
    if any(a.by_staff or any(each > a.alert.raised_at_s for each in at_s) for a in fixed):
        return ToldEnd.FIXED_CREW
    if fixed:
        return ToldEnd.FIXED_AUDIT if red is VerdictKind.MISMATCH else ToldEnd.FIXED_SEEN
    ends = {a.resolution for a in alerts}
    for end, is_so in (
        (ToldEnd.SYSTEM_WRONG, Resolution.SYSTEM_WRONG in ends),
        (ToldEnd.ACCEPTED, Resolution.ACCEPTED in ends),
        (ToldEnd.OPEN, None in ends),
        (ToldEnd.LATE, all(a.alert.late for a in alerts)),
        (ToldEnd.LEFT, bool(ends & {Resolution.TRAY_LEFT, Resolution.FIXED})),
    ):
        if is_so:
            return end
    return ToldEnd.OTHER


def _why(check: StoredCheck) -> str:
    verdict = check.reached.verdict
    unsure = [line.reason for line in verdict.lines if line.result is LineResult.UNSURE]
    if verdict.kind is VerdictKind.MATCH:
        return DECIDED
    if unsure:
        return unsure[0]
    if verdict.kind is VerdictKind.MISMATCH:
        return DECIDED
    return PARTS if any(line.result is LineResult.OK for line in verdict.lines) else NOTHING_VISIBLE


def _drawn_audit(session: StoredSession) -> Audit | None:
    drawn = [a.audit for a in session.audits if a.audit.drawn and a.audit.answer is not AuditAnswer.SKIPPED]
    return drawn[-1] if drawn else None


def _items_at_fault(check: StoredCheck) -> set[str]:
    return {sku for line in check.reached.verdict.lines if line.result in AT_FAULT for sku in line.skus}


def _between(recorded_at: str, since: datetime | None, until: datetime | None) -> bool:
    at = datetime.fromisoformat(recorded_at)
    return (since is None or since <= at) and (until is None or at < until)


def _quarter(recorded_at: str) -> int:
    return int(datetime.fromisoformat(recorded_at).timestamp()) // QUARTER_S


def _nested(cell: Counter[tuple[Counted, str]]) -> dict[Counted, dict[str, int]]:
    counts: dict[Counted, dict[str, int]] = {}
    for (counted, item), n in cell.items():
        counts.setdefault(counted, {})[item] = n
    return counts
