"""A line in the log for each alert that is raised, and for its end."""

from __future__ import annotations

import logging

from edge_agent.domain.alert import Resolution, in_words
from edge_agent.domain.events import AlertRaised, AlertResolved, Event
from edge_agent.ports import StationStatus

logger = logging.getLogger(__name__)

SEEN_TO_END = frozenset({Resolution.FIXED, Resolution.TRAY_LEFT})
"""What the camera tells; the others come from the till or from people."""


class AlertLog:
    """Told of everything that happens at the stations; says what is an alert, or the end of one.

    Where nobody is alerted (shadow mode), each line says so.
    """

    def __init__(self, *, shadow: bool = False) -> None:
        """Begin with no alert known."""
        self._only_noted = " (shadow mode: nobody was told)" if shadow else ""
        self._raised_at: dict[str, str] = {}

    def note(self, station: str, event: Event | StationStatus) -> None:
        """Write the line of an event, if it has one; `station` is empty for the end of an alert."""
        if isinstance(event, AlertRaised):
            alert = event.alert
            self._raised_at[alert.alert_id] = station
            orders = ", ".join(key.order_id for key in alert.orders)
            late = ", late: the tray was leaving" if alert.late else ""
            said = "station %s: alert %s on order %s: %s (%s%s)%s"
            what = _in_a_line(in_words(alert.lines))
            severity, only = alert.severity.value, self._only_noted
            logger.info(said, station, alert.alert_id, _in_a_line(orders), what, severity, late, only)
        elif isinstance(event, AlertResolved):
            # Of one that an earlier life of the agent left open nothing but its id is known.
            at = self._raised_at.pop(event.alert_id, "")
            how = event.resolution.value.replace("_", " ")
            seen = ", by what the camera sees" if event.resolution in SEEN_TO_END else ""
            by = ", by staff" if event.by_staff else seen
            logger.info("%salert %s has ended: %s%s", f"station {at}: " if at else "", event.alert_id, how, by)


def _in_a_line(text: str) -> str:
    """What tills call orders and items, without line breaks and the like, which would begin lines of their own."""
    return "".join(each if each.isprintable() else "?" for each in text)
