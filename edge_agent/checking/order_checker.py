"""The order checker: observations and orders in, events out. Live and replay run this very class.

It owns no thread, no clock and no I/O; time is the stream time of what it is given, which must not run backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from edge_agent.checking.alert_desk import AlertDesk, Wrong, what_was_told
from edge_agent.checking.late_orders import LateOrders
from edge_agent.checking.left_open import LeftOpen
from edge_agent.checking.open_orders import WAITING, OpenOrders
from edge_agent.checking.pairing import Pairing
from edge_agent.checking.slot_watch import Change, SlotWatch
from edge_agent.checking.station import Station
from edge_agent.checking.tray_session import TraySession
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents, Doubt
from edge_agent.domain.detection import Observation
from edge_agent.domain.events import (
    AlertRaised,
    Event,
    OrderIgnored,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.matching import Verdict, VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order, OrderState
from edge_agent.domain.tray import SessionState, Slot
from edge_agent.domain.voting import Thresholds

UNFINISHED = (*WAITING, OrderState.EXPIRED)
"""An expired order may still be cancelled or bumped; what is handed out or cancelled has ended."""


class OrderChecker:
    """Checks the trays of a box's stations against the orders of its till.

    Args:
        menu: what the till can sell.
        thresholds: from which score on the detector is believed.
        stations: at least one; all of them draw on the same orders.
        occluders: classes that hide what lies below, such as hands.
        prefix: begins the ids of sessions and alerts, so that they are never given twice.
    """

    def __init__(
        self,
        *,
        menu: Menu,
        thresholds: Thresholds,
        stations: Sequence[Station],
        occluders: Iterable[str] = (),
        prefix: str = "",
    ) -> None:
        self._menu = menu
        self._prefix = prefix
        self._stations = {station.station_id: station for station in stations}
        self._at = {slot.slot_id: station for station in stations for slot in station.slots}
        self._expire_s = max(station.policy.expire_s for station in stations)
        self._thresholds = thresholds
        self._hidden_by = frozenset(occluders)
        self._watches = {slot.slot_id: self._watch(slot) for station in stations for slot in station.slots}
        self._sessions: dict[str, TraySession] = {}
        self._last: dict[str, TraySession] = {}
        self._orders = OpenOrders()
        self._pairing = Pairing(orders=self._orders, sessions=self._sessions, stations=self._stations, at=self._at)
        self._late = LateOrders(orders=self._orders, stations=self._stations, at=self._at)
        self._told: dict[Wrong, None] = {}
        self._left_open = LeftOpen()
        self._numbered = 0

    def serve(self, menu: Menu, thresholds: Thresholds, at_s: float) -> tuple[Event, ...]:
        """From now on another menu and other thresholds hold; trays that lie there are judged anew."""
        self._menu, self._thresholds = menu, thresholds
        for watch in self._watches.values():
            watch.thresholds = thresholds
        return self._refresh(at_s)

    def place(self, station_id: str, slots: Sequence[Slot], at_s: float) -> tuple[Event, ...]:
        """A station's pictures have another size than was thought: its slots, by their ids, are anew where these are.

        Trays that lie there have left: what was seen of them is in pixels of another picture.
        """
        station = self._stations[station_id]
        events = self._close([slot.slot_id for slot in slots], at_s)
        self._stations[station_id] = replace(station, slots=tuple(slots))
        for slot in slots:
            self._at[slot.slot_id] = self._stations[station_id]
            self._watches[slot.slot_id] = self._watch(slot)
        return events

    def restore(self, order: Order, state: OrderState, arrived_s: float, trays: Iterable[Contents] = ()) -> None:
        """Take up an order where an earlier life of the agent left it; nothing is said of it.

        `trays` is what lay on those of its trays that left, the oldest first.
        """
        self._orders.restore(order, state, arrived_s, trays)

    def adopt(self, alert: Alert, slot_id: str) -> None:
        """Take up an alert that an earlier life of the agent left open.

        The first tray that is found to be that order goes on with it, under its id; if none is, its tray left.
        """
        self._left_open.add(alert, slot_id)

    def heard(self, alert: Alert) -> None:
        """The crew was rung for this in an earlier life of the agent, whatever came of it: it does not sound again."""
        self._told[what_was_told(alert)] = None

    def station_of(self, event: Event) -> str:
        """The id of the station that an event speaks of; empty where it is about orders, or the end of an alert."""
        slot_id = getattr(event, "slot_id", None)
        if slot_id is None:
            named = event.alert.session_id if isinstance(event, AlertRaised) else getattr(event, "session_id", None)
            now = (slot for slot, session in self._sessions.items() if session.session_id == named)
            slot_id = next(now, None)
        return "" if slot_id is None else self._at[slot_id].station_id

    def order(self, named: str) -> tuple[Order, OrderState] | None:
        """The order that a text names, as it is known, and where it stands."""
        key = self._orders.find(named)
        return None if key is None else self._orders.known(key)

    def waiting(self) -> tuple[tuple[Order, OrderState], ...]:
        """The orders that are open or presented, oldest first, and where they stand."""
        return self._orders.waiting()

    def slots_now(self) -> tuple[tuple[str, SessionState, str, VerdictReached | None], ...]:
        """For each slot in which a tray lies: its id, how the tray is, its session, and its verdict, if it has one."""
        return tuple(
            (slot_id, self._watches[slot_id].state, session.session_id, session.reached if session.judged else None)
            for slot_id, session in self._sessions.items()
        )

    def put(self, order: Order, at_s: float) -> tuple[Event, ...]:
        """Take in an order or a new revision; an order that comes shortly after its tray left is judged, silently."""
        events = list(self._orders.put(order, at_s))
        if any(isinstance(event, OrderIgnored) for event in events):
            return tuple(events)
        for session in self._sessions.values():
            if order.key in session.orders:
                events += session.desk.resolve(Resolution.SUPERSEDED, at_s)
        events += self._left_open.end_order(order.key, Resolution.SUPERSEDED, at_s)
        return (*events, *self._refresh(at_s), *self._late.judge(order.key, self._menu, at_s))

    def cancel(self, named: str, at_s: float) -> tuple[Event, ...]:
        """The till takes an order back. An unknown one is no error: tills cancel what they never sent."""
        key = self._orders.find(named)
        if key is None or self._orders.state_of(key) not in UNFINISHED:
            return ()
        events = list(self._orders.move(key, OrderState.CANCELLED, at_s))
        for session in self._sessions.values():
            if key in session.orders:
                events += session.desk.resolve(Resolution.CANCELLED, at_s)
                session.assigned = tuple(k for k in session.assigned if k != key)
        events += self._left_open.end_order(key, Resolution.CANCELLED, at_s)
        return (*events, *self._refresh(at_s))

    def ready(self, named: str, at_s: float) -> tuple[Event, ...]:
        """The crew bumps an order: its tray, if it has one, is judged now; else the order is handed out."""
        key = self._orders.find(named)
        if key is None or self._orders.state_of(key) not in UNFINISHED:
            return ()
        lying = [session for session in self._sessions.values() if key in session.orders]
        if not lying:
            return self._orders.move(key, OrderState.HANDED_OUT, at_s)
        return tuple(e for session in lying for e in session.desk.look(session.reached, at_s, bumped=True))

    def reopen(self, named: str, at_s: float) -> tuple[Event, ...]:
        """Put a finished order back into the queue."""
        key = self._orders.find(named)
        return (*self._orders.reopen(key, at_s), *self._refresh(at_s)) if key else ()

    def assign(self, slot_id: str, named: Sequence[str], at_s: float) -> tuple[Event, ...]:
        """Someone says which order, or orders, the tray in the slot is; an empty list takes that back."""
        session = self._sessions.get(slot_id)
        if session is None:
            return ()
        found = (self._orders.find(text) for text in named)
        session.assigned = tuple(key for key in found if key is not None)
        return self._refresh(at_s)

    def resolve(self, alert_id: str, resolution: Resolution, at_s: float) -> tuple[Event, ...]:
        """A person answers an alert."""
        desk = self._desk_of(alert_id)
        if desk is not None:
            return desk.resolve(resolution, at_s, by_staff=True)
        return self._left_open.answer(alert_id, resolution, at_s)

    def answer(self, alert_id: str, resolution: Resolution, at_s: float, *, take_back_s: float) -> bool:
        """A person answers an alert and may take that back for so long; False where no tray has such an alert now."""
        desk = self._desk_of(alert_id)
        if desk is not None:
            desk.answer(resolution, at_s, take_back_s=take_back_s)
        return desk is not None

    def take_back(self, alert_id: str) -> bool:
        """A person takes an answer back; False where it is too late for that, or there was none."""
        desk = self._desk_of(alert_id)
        return desk is not None and desk.take_back()

    def _desk_of(self, alert_id: str) -> AlertDesk | None:
        desks = (session.desk for session in self._sessions.values())
        return next((d for d in desks if d.alert is not None and d.alert.alert_id == alert_id), None)

    def observe(self, observation: Observation, *, station: str | None = None) -> tuple[Event, ...]:
        """Take in what one frame of a station shows; of the only station, where none is named."""
        at_s = observation.at_s
        events = list(self.wait(at_s))
        looked = self._stations[station] if station else next(iter(self._stations.values()))
        seen = [slot.slot_id for slot in looked.slots]
        for slot_id in seen:
            watch = self._watches[slot_id]
            for change in watch.observe(observation):
                events += self._apply(change, slot_id, at_s)
            if watch.state is SessionState.SETTLED and watch.last_seen_s == at_s:
                events += self._check(slot_id, at_s)
        return (*events, *self._left_open.saw(seen, at_s, slots=self._watches))

    def wait(self, at_s: float) -> tuple[Event, ...]:
        """Time passes, whether or not anything is seen: orders that nobody collects expire, answers hold."""
        lying = [key for session in self._sessions.values() for key in session.orders]
        answered = [event for session in self._sessions.values() for event in session.desk.wait(at_s)]
        return (*answered, *self._orders.expire(at_s, self._expire_s, lying))

    def finish(self, at_s: float) -> tuple[Event, ...]:
        """The stream ends: trays that still lie there are given their last verdict."""
        return self._close(self._watches, at_s)

    def _watch(self, slot: Slot) -> SlotWatch:
        return SlotWatch(slot, self._at[slot.slot_id].policy, self._thresholds, self._hidden_by)

    def _close(self, slot_ids: Iterable[str], at_s: float) -> tuple[Event, ...]:
        """End the sessions in some slots."""
        return tuple(
            event
            for slot_id in slot_ids
            if self._watches[slot_id].state is not SessionState.LEFT
            for change in self._watches[slot_id].leave()
            for event in self._apply(change, slot_id, at_s)
        )

    def _apply(self, change: Change, slot_id: str, at_s: float) -> list[Event]:
        watch = self._watches[slot_id]
        if change is Change.STARTED:
            return self._start(slot_id, at_s)
        if change is Change.RESUMED:
            session = self._last[slot_id]
            self._sessions[slot_id] = session
            self._late.came_back(session.session_id)
            resumed = SessionResumed(at_s=at_s, session_id=session.session_id)
            return [resumed, *self._orders.take_back(session.orders, at_s)]
        if change is Change.SETTLED:
            settled = TraySettled(
                at_s=at_s, session_id=self._sessions[slot_id].session_id, still_since_s=watch.still_since_s
            )
            return [settled]
        if change is Change.SWAPPED:
            return [*self._leave(slot_id, at_s, watch.arrived_s), *self._start(slot_id, at_s)]
        if change is Change.LEFT:
            return self._leave(slot_id, at_s, watch.last_seen_s)
        return []

    def _start(self, slot_id: str, at_s: float) -> list[Event]:
        watch = self._watches[slot_id]
        self._numbered += 1
        session_id = f"{self._prefix}{slot_id}-{self._numbered:04d}"
        unjudged = VerdictReached(
            at_s=at_s,
            slot_id=slot_id,
            session_id=session_id,
            still_since_s=at_s,
            orders=(),
            association=Association.NO_ORDER,
            verdict=Verdict(kind=VerdictKind.UNSURE),
            contents=Contents(unclear=Doubt.TOO_FEW_FRAMES),
        )
        desk = AlertDesk(session_id, self._at[slot_id].policy, self._told)
        self._sessions[slot_id] = TraySession(session_id, watch.arrived_s, desk, unjudged)
        return [SessionStarted(at_s=watch.arrived_s, slot_id=slot_id, session_id=session_id)]

    def _leave(self, slot_id: str, at_s: float, last_seen_s: float) -> list[Event]:
        session = self._sessions.pop(slot_id)
        self._last[slot_id] = session
        final = session.reached
        left = TrayLeft(
            at_s=at_s,
            slot_id=slot_id,
            session_id=session.session_id,
            arrived_s=session.arrived_s,
            last_seen_s=last_seen_s,
            final=final,
        )
        events: list[Event] = list(session.desk.close(final, at_s))
        matched = final.verdict.kind is VerdictKind.MATCH
        for key in final.orders:
            events += self._orders.hand_out(key, final.contents, at_s, matched=matched)
        if not final.orders:
            self._late.remember(left)
        return [*events, left]

    def _refresh(self, at_s: float) -> tuple[Event, ...]:
        """The orders changed: judge again every tray that was judged, also one that is on its way out."""
        judged = [slot_id for slot_id, session in self._sessions.items() if session.judged]
        return tuple(event for slot_id in judged for event in self._check(slot_id, at_s))

    def _check(self, slot_id: str, at_s: float) -> list[Event]:
        """Judge one settled tray; says so if the verdict is a new one, and lets the alert desk look."""
        session, watch = self._sessions[slot_id], self._watches[slot_id]
        contents = watch.contents
        found = self._pairing.find(slot_id, contents, self._menu, markers=watch.markers)
        elsewhere = [key for other in self._sessions.values() if other is not session for key in other.orders]
        released = [key for key in session.orders if key not in (*found.keys, *elsewhere)]
        events = [*self._orders.release(released, at_s), *self._orders.present(found.keys, at_s)]
        before = session.reached
        session.reached = VerdictReached(
            at_s=at_s,
            slot_id=slot_id,
            session_id=session.session_id,
            still_since_s=watch.still_since_s,
            orders=found.keys,
            association=found.how,
            verdict=found.verdict,
            contents=contents,
        )
        if not session.judged or _said(before) != _said(session.reached):
            events.append(session.reached)
        session.judged = True
        if session.desk.alert is None:
            session.desk.alert = self._left_open.take_up(found.keys)
        is_told_wrong = found.how.is_told and found.verdict.kind is VerdictKind.MISMATCH
        swapped = is_told_wrong and self._pairing.fits_another(slot_id, contents, self._menu)
        return [*events, *session.desk.look(session.reached, at_s, swapped=swapped)]


def _said(reached: VerdictReached) -> tuple[object, ...]:
    """What of a verdict a person would notice a change of."""
    lines = tuple((line.sku, line.expected, line.seen, line.result, line.reason) for line in reached.verdict.lines)
    return (reached.orders, reached.association, reached.verdict.kind, lines)
