"""A line in the log for each alert that is raised, and for its end."""

from __future__ import annotations

import logging

from edge_agent.domain.alert import in_words
from edge_agent.domain.events import AlertRaised, AlertResolved, Event
from edge_agent.ports import StationStatus

logger = logging.getLogger(__name__)


def note_alert(station: str, event: Event | StationStatus) -> None:
    """Told of everything that happens at a station; says what is an alert, or the end of one."""
    if isinstance(event, AlertRaised):
        alert = event.alert
        orders = ", ".join(key.order_id for key in alert.orders)
        late = ", late: the tray was leaving" if alert.late else ""
        said = "station %s: alert %s on order %s: %s (%s%s)"
        logger.info(said, station, alert.alert_id, orders, in_words(alert.lines), alert.severity.value, late)
    elif isinstance(event, AlertResolved):
        how = event.resolution.value.replace("_", " ")
        by = "staff" if event.by_staff else "what the camera sees"
        logger.info("station %s: alert %s has ended: %s, by %s", station, event.alert_id, how, by)
