"""Where the trial with a wrong tray and a right one stands, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.wording import faults_in_words, line_in_words
from edge_agent.checking.staged_tray import Staged, Step, is_undecided
from edge_agent.domain.matching import LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order
from edge_agent.ports import StationStatus

LOOKS = {VerdictKind.MATCH: "right", VerdictKind.MISMATCH: "wrong", VerdictKind.UNSURE: "unsure"}


@dataclass(frozen=True, slots=True)
class Undecided:
    """A tray that waits for somebody to say whose it is."""

    station_id: str
    slot_id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingView:
    """What is shown.

    Attributes:
        step: wrong, right or done.
        put, leave_out: the names of what goes onto the tray now, and of what does not.
        look, said: the last verdict on a tray of this order: a shape, and words; empty where there was none.
        wrong_said: how the wrong tray was called.
        undecided: trays at the station of which nobody knows whose they are.
        cannot: why the station can decide nothing now, as the end of an id `camera_todo.…`; empty where it can.
    """

    step: str
    put: tuple[str, ...]
    leave_out: str
    look: str
    said: tuple[str, ...]
    wrong_said: tuple[str, ...]
    undecided: tuple[Undecided, ...]
    cannot: str


def staging_view(texts: Texts, order: Order, stands: Staged, stations: Sequence[StationStatus]) -> StagingView:
    """The view of one test order."""
    station = next((each for each in stations if each.station_id == order.station), None)
    names = {line.sku: line.name or line.sku for line in order.lines}
    is_wrong = stands.step is Step.WRONG
    return StagingView(
        step=stands.step.value,
        put=tuple(name for sku, name in names.items() if not is_wrong or sku != stands.left_out),
        leave_out=names[stands.left_out],
        look="" if stands.said is None else LOOKS[stands.said.kind],
        said=() if stands.said is None else _said(texts, stands.said),
        wrong_said=() if stands.wrong_said is None else tuple(faults_in_words(texts, stands.wrong_said)),
        undecided=() if station is None else _undecided(station),
        cannot="" if station is None or station.can_decide else _camera(station),
    )


def _said(texts: Texts, verdict: Verdict) -> tuple[str, ...]:
    if verdict.kind is VerdictKind.MATCH:
        return (texts("word.match"),)
    if verdict.kind is VerdictKind.MISMATCH:
        return tuple(faults_in_words(texts, verdict))
    doubtful = [line_in_words(texts, line) for line in verdict.lines if line.result is LineResult.UNSURE]
    return tuple(doubtful) or (texts("word.unsure"),)


def _undecided(station: StationStatus) -> tuple[Undecided, ...]:
    return tuple(
        Undecided(station.station_id, slot.slot_id, str(number))
        for number, slot in enumerate(station.slots, start=1)
        if slot.reached is not None and is_undecided(slot.reached)
    )


def _camera(station: StationStatus) -> str:
    return station.camera if station.camera != "online" else "starting"
