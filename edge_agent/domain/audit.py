"""Trays that somebody is to look at blindly: shown without their verdict, and without why they were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_agent.domain.detection import Sighting
from edge_agent.domain.order import Order
from edge_agent.domain.record import DrawnAs


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTray:
    """A tray from among which the day's audits are drawn.

    Attributes:
        number: that of its session in the store.
        red: whether it had an alert, also one that nobody was told of in shadow mode.
        answered: whether somebody answered when it was drawn; skipping it is no answer.
    """

    number: int
    red: bool
    answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTray:
    """A tray that was drawn, and as what."""

    tray: DayTray
    drawn: DrawnAs


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTray:
    """What is shown of a tray, and what the answer is held against.

    Attributes:
        check_id: the check that is looked at: the one that the tray's first alert was about, else its last.
        pictures: of that check, or where it has none, of the nearest one of its tray; names, oldest first.
        places: where the tray lies in them, by their names; of what was seen nothing. Not known of older pictures.
        orders: the snapshots that the check was judged by; None where there was none.
        waiting: the other orders that waited then, where only the contents say whose tray it was: it may be theirs.
    """

    number: int
    run_id: int
    session_id: str
    check_id: int
    pictures: tuple[str, ...] = ()
    places: Mapping[str, Sighting] = field(default_factory=dict)
    orders: tuple[Order | None, ...] = ()
    waiting: tuple[Order, ...] = ()
