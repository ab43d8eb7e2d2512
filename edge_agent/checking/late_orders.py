"""Orders that come after their tray left: the trays without one are remembered for a moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edge_agent.checking.open_orders import OpenOrders
from edge_agent.checking.station import Station
from edge_agent.domain.association import Association, AssociationRule, is_near, judge
from edge_agent.domain.events import Event, TrayLeft
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order, OrderKey, OrderState

REMEMBERED_TRAYS = 16
"""So many trays that left without an order are remembered for an order that comes late."""


@dataclass(slots=True, kw_only=True)
class LateOrders:
    """The trays that left without an order. What it is given is the checker's, and changes under it.

    Attributes:
        orders: those of the till.
        stations: by their ids.
        at: the station of each slot.
    """

    orders: OpenOrders
    stations: Mapping[str, Station]
    at: Mapping[str, Station]
    _left: deque[TrayLeft] = field(default_factory=lambda: deque(maxlen=REMEMBERED_TRAYS))

    def remember(self, left: TrayLeft) -> None:
        """A tray left without an order."""
        self._left.append(left)

    def came_back(self, session_id: str) -> None:
        """A tray lies there again."""
        self._left = deque((left for left in self._left if left.session_id != session_id), REMEMBERED_TRAYS)

    def judge(self, key: OrderKey, menu: Menu, at_s: float) -> tuple[Event, ...]:
        """An order came: is it that of a tray that left a moment ago? Never where a tray before the camera fits it."""
        if self.orders.state_of(key) is not OrderState.OPEN:
            return ()
        candidate = self.orders.candidate(key)
        recent = [left for left in reversed(self._left) if self._may_be_late(left, candidate.order, at_s)]
        judged = [(left, judge(menu, left.final.contents, candidate)) for left in recent]
        exact = [pair for pair in judged if pair[1].kind is VerdictKind.MATCH]
        near = [
            pair
            for pair in judged
            if pair[0].final.association is Association.NO_ORDER
            and not pair[0].final.contents.unclear
            and is_near(pair[1])
        ]
        for left, verdict in (exact + near)[:1]:
            self._left.remove(left)
            how = Association.EXACT if (left, verdict) in exact else Association.NEAREST
            late = replace(left.final, at_s=at_s, orders=(key,), association=how, verdict=verdict, late=True)
            return (*self.orders.hand_out(key, left.final.contents, at_s, matched=False), late)
        return ()

    def _may_be_late(self, left: TrayLeft, order: Order, at_s: float) -> bool:
        station = self.at[left.slot_id]
        by_contents = station.policy.association is AssociationRule.CONTENTS
        recently = at_s - left.last_seen_s <= station.policy.late_order_s
        return by_contents and recently and station.takes(order, known=self.stations)
