"""What stands above all cards: what is not well, and what left wrong, in words a cook understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.cards import camera_word
from edge_agent.api.screen.views.wording import line_in_words
from edge_agent.domain.alert import Resolution
from edge_agent.domain.order import Order, OrderKey
from edge_agent.domain.record import StoredAlert
from edge_agent.ports import StationStatus, Trouble

SHOWN_FOR = timedelta(minutes=2)
"""So long the crew can still run after a tray that left wrong."""

MOST_LEFT = 3


@dataclass(frozen=True, slots=True)
class Banner:
    """One sentence. `kind` is `trouble` for what is not well, `trial` for shadow mode."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class LeftWrong:
    """A tray that was gone before anybody could be told."""

    told_id: str
    numbers: tuple[str, ...]
    faults: tuple[str, ...]
    at: str


def banners_of(texts: Texts, stations: Sequence[StationStatus], troubles: Sequence[Trouble]) -> tuple[Banner, ...]:
    """What is not well now. A station is named only where there are several."""
    said = [Banner("trouble", texts(f"trouble.{trouble.value}")) for trouble in troubles]
    for station in stations:
        if not station.can_decide:
            text = texts(f"camera_todo.{camera_word(station)}")
            several = len(stations) > 1
            said.append(
                Banner("trouble", texts("pass.at_station", station=station.station_id, said=text) if several else text)
            )
    if any(station.shadow for station in stations):
        said.append(Banner("trial", texts("pass.trial_banner")))
    return tuple(said)


def left_wrong(
    texts: Texts, recent: Sequence[StoredAlert], orders: Mapping[OrderKey, Order], now: datetime
) -> tuple[LeftWrong, ...]:
    """The trays that left wrong a moment ago, the latest first; what the crew answered itself is no news to it."""
    found = []
    for stored in recent:
        age = now - datetime.fromisoformat(stored.recorded_at)
        if stored.alert.late and stored.resolution is Resolution.TRAY_LEFT and timedelta(0) <= age <= SHOWN_FOR:
            known = [(key, orders.get(key)) for key in stored.alert.orders]
            numbers = tuple(key.order_id if order is None else order.number for key, order in known)
            faults = tuple(line_in_words(texts, line) for line in stored.alert.lines)
            found.append(LeftWrong(stored.alert.alert_id, numbers, faults, stored.recorded_at))
    return tuple(found[:MOST_LEFT])
