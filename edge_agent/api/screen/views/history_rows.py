"""The lists of the history: one row per check or alert, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.moments import Moment, moment_of
from edge_agent.api.screen.views.wording import faults_in_words, line_in_words
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.matching import LineResult, VerdictKind
from edge_agent.domain.order import Order, OrderKey
from edge_agent.domain.record import StoredAlert, StoredCheck
from edge_agent.domain.search import FoundAlert, FoundCheck

LOOKS = {VerdictKind.MATCH: "right", VerdictKind.MISMATCH: "wrong", VerdictKind.UNSURE: "unsure"}
"""The sign that stands at a verdict (`templates/sign.html`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a list.

    Attributes:
        check_id: whose evidence there is; None where the alert's check is not known.
        numbers: of the orders, as the crew calls them.
        look: the sign of the verdict.
        word: the verdict.
        said: what was wrong or in doubt.
        ended: how each alert of the tray ended, or this one.
        has_picture: whether there may be one to show.
        silent: nobody was told, since the agent ran on trial.
    """

    check_id: int | None
    at: Moment
    numbers: tuple[str, ...]
    channels: tuple[str, ...]
    station: str
    look: str
    word: str
    said: tuple[str, ...]
    ended: tuple[str, ...]
    has_picture: bool
    silent: bool
    test: bool


def check_row(texts: Texts, found: FoundCheck, zone: tzinfo) -> Row:
    """A check."""
    check = found.check
    reached = check.reached
    return Row(
        check_id=check.check_id,
        at=moment_of(check.recorded_at, zone),
        numbers=numbers_of(reached.orders, found.orders),
        channels=channels_of(found.orders),
        station=found.station,
        look=look_of(check),
        word=verdict_in_words(texts, check),
        said=(*faults_in_words(texts, reached.verdict), *doubts_in_words(texts, check)),
        ended=tuple(ended_in_words(texts, alert, tells=found.tells) for alert in found.alerts),
        has_picture=bool(check.pictures),
        silent=bool(found.alerts) and not found.tells,
        test=found.test,
    )


def alert_row(texts: Texts, found: FoundAlert, zone: tzinfo) -> Row:
    """An alert."""
    stored = found.stored
    return Row(
        check_id=found.check_id,
        at=moment_of(stored.recorded_at, zone),
        numbers=numbers_of(stored.alert.orders, found.orders),
        channels=channels_of(found.orders),
        station=found.station,
        look="wrong",
        word=texts(f"severity.{stored.alert.severity.value}"),
        said=tuple(line_in_words(texts, line) for line in stored.alert.lines),
        ended=(ended_in_words(texts, stored, tells=found.tells),),
        has_picture=found.check_id is not None,
        silent=not found.tells,
        test=found.test,
    )


def numbers_of(keys: Sequence[OrderKey], orders: Sequence[Order | None]) -> tuple[str, ...]:
    """What the crew calls the orders; their ids where nothing more is known of them."""
    known = [*orders, *([None] * (len(keys) - len(orders)))]
    return tuple(key.order_id if order is None else order.number for key, order in zip(keys, known, strict=False))


def channels_of(orders: Iterable[Order | None]) -> tuple[str, ...]:
    """The channels of the orders, each once."""
    return tuple(dict.fromkeys(order.channel for order in orders if order is not None and order.channel))


def look_of(check: StoredCheck) -> str:
    """The sign of a verdict."""
    if check.reached.association is Association.NO_ORDER:
        return "no_order"
    return LOOKS[check.reached.verdict.kind]


def verdict_in_words(texts: Texts, check: StoredCheck) -> str:
    """The verdict; of a tray that belonged to no order that."""
    how = check.reached.association
    if how in (Association.NO_ORDER, Association.WHICH_ORDER):
        return texts(f"found_by.{how.value}")
    return texts(f"word.{check.reached.verdict.kind.value}")


def doubts_in_words(texts: Texts, check: StoredCheck) -> tuple[str, ...]:
    """What the camera could not tell."""
    lines = check.reached.verdict.lines
    return tuple(line_in_words(texts, line) for line in lines if line.result is LineResult.UNSURE)


def ended_in_words(texts: Texts, stored: StoredAlert, *, tells: bool) -> str:
    """How an alert ended; whether a person said so or the camera saw it, never who."""
    if not tells:
        return texts("ended.silent")
    if stored.resolution is None:
        return texts("ended.open")
    if stored.resolution is Resolution.FIXED:
        return texts("ended.fixed_staff" if stored.by_staff else "ended.fixed_seen")
    if stored.resolution is Resolution.TRAY_LEFT and stored.alert.late:
        return texts("ended.late")
    return texts(f"ended.{stored.resolution.value}")
