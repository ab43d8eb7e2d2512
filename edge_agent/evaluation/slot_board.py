"""What stands in each slot at this moment, kept up from the checker's events; for whoever draws it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.order import OrderKey
from edge_agent.domain.tray import Slot


class Stage(str, Enum):
    """How far the tray in a slot is."""

    EMPTY = "empty"
    ARRIVING = "arriving"
    LOOKING = "looking"
    JUDGED = "judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotState:
    """One slot at one moment: `reached` is the verdict that stands, `numbers` what the crew calls its orders."""

    slot: Slot
    stage: Stage = Stage.EMPTY
    session_id: str = ""
    reached: VerdictReached | None = None
    numbers: tuple[str, ...] = ()
    alert_open: bool = False


@dataclass(slots=True)
class _Tray:
    """The latest tray of a slot; kept after it left, since it may come back."""

    session_id: str = ""
    stage: Stage = Stage.EMPTY
    reached: VerdictReached | None = None
    alert_id: str | None = None


class SlotBoard:
    """Follows the events; keeps one tray per slot and the numbers of the orders."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = tuple(slots)
        self._trays = {slot.slot_id: _Tray() for slot in slots}
        self._numbers: dict[OrderKey, str] = {}

    @property
    def states(self) -> tuple[SlotState, ...]:
        """Every slot, in the order they were given."""
        return tuple(self.state_of(slot) for slot in self._slots)

    def state_of(self, slot: Slot) -> SlotState:
        """One slot as it stands now."""
        tray = self._trays[slot.slot_id]
        orders = tray.reached.orders if tray.reached else ()
        return SlotState(
            slot=slot,
            stage=tray.stage,
            session_id=tray.session_id,
            reached=tray.reached,
            numbers=tuple(self._numbers.get(key, key.order_id) for key in orders),
            alert_open=tray.alert_id is not None,
        )

    def take(self, events: Iterable[Event]) -> None:
        """Take in what one frame brought about."""
        for event in events:
            if isinstance(event, OrderAccepted):
                self._numbers[event.order.key] = event.order.number
            elif isinstance(event, SessionStarted):
                self._trays[event.slot_id] = _Tray(event.session_id, Stage.ARRIVING)
            elif isinstance(event, AlertResolved):
                self._close_alert(event.alert_id)
            elif isinstance(event, AlertRaised):
                if (tray := self._tray(event.alert.session_id)) is not None:
                    tray.alert_id = event.alert.alert_id
            elif isinstance(event, (SessionResumed, TraySettled, VerdictReached, TrayLeft)):
                self._take_tray(event)

    def _take_tray(self, event: SessionResumed | TraySettled | VerdictReached | TrayLeft) -> None:
        tray = self._tray(event.session_id)
        if tray is None:
            return
        if isinstance(event, TrayLeft):
            tray.stage, tray.alert_id = Stage.EMPTY, None
        elif isinstance(event, VerdictReached):
            # A late verdict is about a tray that is gone: the slot stays empty.
            tray.reached = event
            tray.stage = tray.stage if event.late else Stage.JUDGED
        else:
            tray.stage = Stage.JUDGED if tray.reached else Stage.LOOKING

    def _tray(self, session_id: str) -> _Tray | None:
        return next((tray for tray in self._trays.values() if tray.session_id == session_id), None)

    def _close_alert(self, alert_id: str) -> None:
        for tray in self._trays.values():
            if tray.alert_id == alert_id:
                tray.alert_id = None
