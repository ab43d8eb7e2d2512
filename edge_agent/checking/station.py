"""What the checker must know of a station: its slots, how it decides, and whose orders queue there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from edge_agent.checking.policy import Policy
from edge_agent.domain.order import Order
from edge_agent.domain.tray import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One camera over one pass.

    Attributes:
        slots: where trays lie; no other station of the checker has a slot of the same id.
        channels: only orders of these channels queue here; empty: those of all.
    """

    station_id: str = "pass"
    slots: tuple[Slot, ...]
    policy: Policy = field(default_factory=Policy)
    channels: frozenset[str] = frozenset()

    def takes(self, order: Order, *, known: Collection[str]) -> bool:
        """Whether the order queues here; one that names a station, among those known, queues there alone."""
        if order.station in known:
            return order.station == self.station_id
        return not self.channels or order.channel in self.channels
