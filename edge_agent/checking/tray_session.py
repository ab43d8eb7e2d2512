"""One tray in one slot, as far as it has been judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.checking.alert_desk import AlertDesk
from edge_agent.checking.known_verdicts import KnownVerdicts
from edge_agent.domain.association import Association
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.order import OrderKey

CERTAIN = (Association.EXACT, Association.MARKER, Association.ASSIGNED, Association.FIFO)
"""A tray that has its order in one of these ways keeps the order from trays in other slots."""


@dataclass(slots=True)
class TraySession:
    """One tray, from its arrival on.

    Attributes:
        reached: its last verdict; before the first (`judged` is False) one that says nothing.
        assigned: the orders that somebody said it is.
        known: what was found of it against each order.
    """

    session_id: str
    arrived_s: float
    desk: AlertDesk
    reached: VerdictReached
    assigned: tuple[OrderKey, ...] = ()
    judged: bool = False
    known: KnownVerdicts = field(default_factory=KnownVerdicts)

    @property
    def orders(self) -> tuple[OrderKey, ...]:
        return self.reached.orders

    @property
    def certain_orders(self) -> tuple[OrderKey, ...]:
        """The orders that it has for certain."""
        return self.reached.orders if self.reached.association in CERTAIN else ()
