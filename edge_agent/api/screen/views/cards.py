"""One card per slot: which order, one state, what is seen and what is not, and what can be answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.tickets import allergy_notes
from edge_agent.api.screen.views.wording import (
    absent,
    counted,
    doubt_in_words,
    faults_in_words,
    line_in_words,
    lines_in_words,
    name_of,
)
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order, OrderKey
from edge_agent.domain.record import StoredAlert
from edge_agent.domain.tray import SessionState
from edge_agent.ports import AlertNews, AnswerSaid, SlotStatus, StationStatus

MOST_OPEN = 2
"""So many lines in doubt are named in the headline; the list names them all."""

TAKE_BACK_S = 10.0


class Look(str, Enum):
    """The state of a card: its colour, its shape and, in the catalogue, its word."""

    BLIND = "blind"
    EMPTY = "empty"
    LOOKING = "looking"
    TRIAL = "trial"
    NO_ORDER = "no_order"
    FILLING = "filling"
    ANSWERED = "answered"
    UNSURE = "unsure"
    ALLERGY = "allergy"
    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of the order in one of the lists; `why` says what keeps the camera from telling."""

    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pieces:
    """One list: what is not seen, what is too much, not sure, by hand, seen. `kind` ends the id of its heading."""

    kind: str
    pieces: tuple[Piece, ...]


KINDS = ("not_seen", "too_many", "not_sure", "by_hand", "seen")
"""The lists in the order in which the crew needs them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertShown:
    """An alert that stands on a tray, and the lines it told of. `said` is an answer that can still be taken back."""

    told_id: str
    raised_at: str
    sounds: bool
    lines: tuple[CheckedLine, ...] = ()
    said: str = ""
    left_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What one slot shows.

    Attributes:
        region: the name of the card's place on the page.
        label: what people call the slot, by its place: 1, 2, 3.
        headline: the state in a few words.
        more: what else is wrong.
        numbers: of the orders that the tray is.
        keys: the same orders, as forms name them.
        guessed: whether the order is only the nearest of those that wait.
    """

    region: str
    station_id: str
    slot_id: str
    label: str
    look: Look
    headline: str
    more: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    guessed: bool = False
    session_id: str = ""
    lists: tuple[Pieces, ...] = ()
    allergy: bool = False
    allergy_notes: tuple[str, ...] = ()
    alert: AlertShown | None = None
    shows_still: bool = False

    @property
    def has_tray(self) -> bool:
        return bool(self.session_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known while the cards are made.

    Attributes:
        menu: what things are called that belong to no order.
        orders: the orders that wait, by their keys.
        standing: the alerts that nothing has ended yet.
        recent: the latest alerts, ended or not.
        said: the answers that can still be taken back.
        now_s: the monotonic clock.
    """

    menu: Menu
    orders: Mapping[OrderKey, Order] = field(default_factory=dict)
    standing: Sequence[AlertNews] = ()
    recent: Sequence[StoredAlert] = ()
    said: Sequence[AnswerSaid] = ()
    now_s: float = 0.0


def cards_of(texts: Texts, stations: Sequence[StationStatus], around: Around) -> tuple[Card, ...]:
    """All slots of the box, side by side, in the order of the configuration."""
    places = [(station, slot) for station in stations for slot in station.slots]
    return tuple(_card(texts, number, station, slot, around) for number, (station, slot) in enumerate(places, start=1))


def region_of(number: int) -> str:
    """The name of the region of the slot with this label."""
    return f"slot-{number}"


def _card(texts: Texts, number: int, station: StationStatus, slot: SlotStatus, around: Around) -> Card:
    bare = Card(
        region=region_of(number),
        station_id=station.station_id,
        slot_id=slot.slot_id,
        label=str(number),
        look=Look.EMPTY,
        headline=texts("pass.no_tray"),
    )
    if not station.can_decide:
        return replace(bare, look=Look.BLIND, headline=texts(f"camera.{camera_word(station)}"))
    if slot.session_id is None or slot.state is SessionState.LEFT:
        return bare
    tray = replace(bare, session_id=slot.session_id, shows_still=True)
    if slot.reached is None:
        return replace(tray, look=Look.LOOKING, headline=texts("pass.looking"))
    known = [(key, around.orders.get(key)) for key in slot.reached.orders]
    tray = replace(
        tray,
        numbers=tuple(key.order_id if order is None else order.number for key, order in known),
        keys=tuple(str(key) for key, _ in known),
    )
    if station.shadow:
        return replace(tray, look=Look.TRIAL, headline=texts("pass.trial"))
    return _judged(texts, tray, slot.reached, around)


def _judged(texts: Texts, tray: Card, reached: VerdictReached, around: Around) -> Card:
    alert = _alert_on(reached, tray.station_id, around)
    look = _look(reached, alert, around)
    verdict = reached.verdict
    said = _headlines(texts, look, verdict, alert)
    orders = [around.orders[key] for key in reached.orders if key in around.orders]
    return replace(
        tray,
        look=look,
        headline=said[0],
        more=tuple(said[1:]),
        guessed=reached.association is Association.NEAREST,
        alert=alert,
        allergy=verdict.allergy and bool(reached.orders),
        allergy_notes=tuple(note for order in orders for note in allergy_notes(order)),
        lists=_lists(texts, verdict) if reached.orders else _seen(texts, reached, around.menu),
    )


def _look(reached: VerdictReached, alert: AlertShown | None, around: Around) -> Look:
    """Red needs an alert: before it a mismatch may pass, at an assembly station it is a list that is not done yet."""
    if reached.association is Association.NO_ORDER:
        return Look.NO_ORDER
    if alert is not None:
        return Look.ANSWERED if alert.said else Look.WRONG
    if reached.verdict.kind is VerdictKind.MISMATCH:
        return Look.ANSWERED if _was_answered(reached, around) else Look.FILLING
    if reached.verdict.kind is VerdictKind.UNSURE:
        return Look.UNSURE
    return Look.ALLERGY if reached.verdict.allergy else Look.RIGHT


def _was_answered(reached: VerdictReached, around: Around) -> bool:
    ended = (Resolution.SYSTEM_WRONG, Resolution.ACCEPTED)
    return any(a.alert.session_id == reached.session_id and a.resolution in ended for a in around.recent)


def _alert_on(reached: VerdictReached, station_id: str, around: Around) -> AlertShown | None:
    """The alert on this tray: of its session, or, since before a restart, of its orders."""
    here = [news for news in around.standing if news.station == station_id]
    own = [news for news in here if news.stored.alert.session_id == reached.session_id]
    adopted = [news for news in here if reached.orders and news.stored.alert.orders == reached.orders]
    for news in own or adopted:
        said = next((each for each in around.said if each.told_id == news.told_id), None)
        return AlertShown(
            told_id=news.told_id,
            raised_at=news.at,
            lines=news.stored.alert.lines,
            sounds=news.stored.sounds and said is None,
            said="" if said is None else said.resolution.value,
            left_s=0 if said is None else max(0, round(said.until_s - around.now_s)),
        )
    return None


def _headlines(texts: Texts, look: Look, verdict: Verdict, alert: AlertShown | None) -> Sequence[str]:
    """The state in a few words, and what else there is to say of it."""
    if look is Look.NO_ORDER:
        return [texts("pass.no_order")]
    if look is Look.ANSWERED:
        said = texts("pass.answered") if alert is None else texts(f"pass.said_{alert.said}")
        return [said, *faults_in_words(texts, verdict)]
    if look is Look.WRONG and alert is not None and not verdict.faults:
        return lines_in_words(texts, alert.lines)  # while hands put it right nothing is beyond doubt; the alert stands
    if look in (Look.WRONG, Look.FILLING):
        return faults_in_words(texts, verdict)
    of = texts("pass.of", checked=verdict.checked_pieces, wanted=verdict.wanted_pieces)
    if look is Look.UNSURE:
        return _in_doubt(texts, verdict)
    return [texts("pass.check_allergy"), of] if look is Look.ALLERGY else [of]


def _in_doubt(texts: Texts, verdict: Verdict) -> Sequence[str]:
    if not verdict.lines:
        return [texts("pass.which")]
    open_lines = [line for line in verdict.lines if line.result is LineResult.UNSURE]
    if not open_lines:
        return [texts("pass.by_hand_only")]
    said = [line_in_words(texts, line) for line in open_lines[:MOST_OPEN]]
    left = len(open_lines) - len(said)
    return [*said, texts("word.more", n=left)] if left else said


def _seen(texts: Texts, reached: VerdictReached, menu: Menu) -> tuple[Pieces, ...]:
    """What lies on a tray that belongs to no order yet; look-alikes are called by what they may be."""
    found = []
    for class_name, count in reached.contents.likely.items():
        names = [item.shown_name for item in menu.items_seen_as(class_name)][:MOST_OPEN] or [class_name]
        found.append(Piece(counted(texts, count, f" {texts('word.or')} ".join(names))))
    return (Pieces("seen", tuple(found)),) if found else ()


def _lists(texts: Texts, verdict: Verdict) -> tuple[Pieces, ...]:
    """What is not seen, what is too much, what is unsure, what is left to the crew, and what is seen."""
    found: dict[str, list[Piece]] = {kind: [] for kind in KINDS}
    for line in verdict.lines:
        for kind, number, why in _told(texts, line):
            if number > 0:
                found[kind].append(Piece(counted(texts, number, name_of(texts, line)), why))
    return tuple(Pieces(kind, tuple(pieces)) for kind, pieces in found.items() if pieces)


def _told(texts: Texts, line: CheckedLine) -> Sequence[tuple[str, int, str]]:
    """In which lists a line stands, with how many pieces, and why."""
    if line.result is LineResult.NOT_CHECKED:
        return [("by_hand", line.expected, doubt_in_words(texts, line))]
    if line.result is LineResult.UNSURE:
        return [("not_sure", max(line.expected, line.seen), doubt_in_words(texts, line))]
    if line.result is LineResult.MISSING:
        faint = line.expected - absent(line) - line.seen
        return [("not_seen", absent(line), ""), ("not_sure", faint, texts("doubt.faint")), ("seen", line.seen, "")]
    if line.result is LineResult.EXTRA:
        return [("too_many", line.off_by, ""), ("seen", line.expected, "")]
    # Of what the camera does not count it only says that there is some: it stands without a number.
    return [("seen", line.expected if line.seen >= line.expected else 1, "")]


def camera_word(station: StationStatus) -> str:
    """What is the matter with a station's camera, as the end of an id `camera.…`."""
    return station.camera if station.camera != "online" else "starting"
