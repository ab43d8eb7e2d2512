"""What happened, as it is told to watchers: server-sent events with a name, a mark and JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from edge_agent.api.answers.checks import AlertOut, ContentsOut, VerdictOut
from edge_agent.api.answers.orders import OrderOut
from edge_agent.api.answers.outgoing import KeyOut, Outgoing
from edge_agent.api.answers.stations import StationOut
from edge_agent.domain.events import (
    Event,
    OrderAccepted,
    OrderIgnored,
    OrderMoved,
    TrayLeft,
    VerdictReached,
)
from edge_agent.ports import AlertNews, News, StationStatus

RESYNC = b"event: resync\ndata: {}\n\n"
"""Told to a watcher that was too slow, or comes back too late: read the state anew."""

STILL_HERE = b": still here\n\n"
GOODBYE = b"event: goodbye\ndata: {}\n\n"

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def told(news: News) -> bytes:
    """One piece of news as a server-sent event. Its JSON is ASCII on one line: nothing in it can end the event."""
    event = news.event
    said = {"station": news.station, "at": news.at, **_said(event)}
    name = name_of(type(event))
    return f"id: {news.mark}\nevent: {name}\ndata: {json.dumps(said)}\n\n".encode("ascii")


def name_of(kind: type) -> str:
    """The name under which such a piece of news is told."""
    return {StationStatus: "station", AlertNews: "alert"}.get(kind) or _WORD.sub("_", kind.__name__).lower()


def _said(event: Event | StationStatus | AlertNews) -> dict[str, Any]:  # noqa: PLR0911  a table of classes
    if isinstance(event, StationStatus):
        return _json(StationOut.of(event))
    if isinstance(event, AlertNews):
        return _json(AlertOut.of(event))
    said: dict[str, Any] = {"at_s": event.at_s}
    if isinstance(event, OrderAccepted):
        return {**said, "order": _json(OrderOut.of(event.order))}
    if isinstance(event, OrderMoved):
        return {**said, "order": _json(KeyOut.of(event.key)), "state": event.state.value}
    if isinstance(event, OrderIgnored):
        revisions = {"revision": event.revision, "known_revision": event.known_revision}
        return {**said, "order": _json(KeyOut.of(event.key)), **revisions}
    if isinstance(event, VerdictReached):
        return {**said, **_verdict(event)}
    if isinstance(event, TrayLeft):
        return {**said, "arrived_s": event.arrived_s, "last_seen_s": event.last_seen_s, "final": _verdict(event.final)}
    plain = ("slot_id", "session_id", "still_since_s")
    return {**said, **{name: getattr(event, name) for name in plain if hasattr(event, name)}}


def _verdict(reached: VerdictReached) -> dict[str, Any]:
    return {
        "slot_id": reached.slot_id,
        "session_id": reached.session_id,
        "orders": [_json(KeyOut.of(key)) for key in reached.orders],
        "association": reached.association.value,
        "late": reached.late,
        "verdict": _json(VerdictOut.of(reached.verdict)),
        "contents": _json(ContentsOut.of(reached.contents)),
    }


def _json(value: Outgoing) -> dict[str, Any]:
    return value.model_dump(mode="json")
