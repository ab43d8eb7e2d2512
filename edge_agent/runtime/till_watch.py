"""Notices when the till has fallen silent: trays come and go, and no order comes any more."""

from __future__ import annotations

import threading

from edge_agent.domain.association import Association
from edge_agent.domain.events import Event, OrderAccepted, TrayLeft
from edge_agent.ports import StationStatus

ORDERLESS_TRAYS = 3
"""One tray without an order is a colleague's lunch; three in a row are guests whose orders are missing."""


class TillWatch:
    """Listens to what happens; never waits, may be told from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orderless = 0

    @property
    def is_silent(self) -> bool:
        """Whether several trays in a row found no order at all, and none has come since."""
        return self._orderless >= ORDERLESS_TRAYS

    def announce(self, _station: str, event: Event | StationStatus) -> None:
        """Something happened at a station."""
        with self._lock:
            if isinstance(event, OrderAccepted):
                self._orderless = 0
            elif isinstance(event, TrayLeft) and event.final.contents.counts:
                is_orderless = event.final.association is Association.NO_ORDER
                self._orderless = self._orderless + 1 if is_orderless else 0
