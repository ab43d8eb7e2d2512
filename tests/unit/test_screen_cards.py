"""The cards and tickets of the pass, without HTTP: what is said of a tray, in which words, and when it is red."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings

from edge_agent.api.screen.texts import catalogue
from edge_agent.api.screen.views.banners import banners_of, left_wrong
from edge_agent.api.screen.views.cards import Around, Card, Look, cards_of
from edge_agent.api.screen.views.tickets import MOST_LINES, MOST_TICKETS, Ticket, queue_of
from edge_agent.api.screen.views.wording import line_in_words
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind, compare
from edge_agent.domain.menu import wanted
from edge_agent.domain.order import Order, OrderLine, OrderState
from edge_agent.domain.record import StoredAlert
from edge_agent.domain.tray import SessionState
from edge_agent.ports import AlertNews, AnswerSaid, OrderStanding, SlotStatus, StationStatus, Trouble
from tests.builders import contents, hidden, item, line, menu, order, presence
from tests.unit.test_matching_properties import RICH, rich_contents, rich_lines

EN, DE = catalogue()["en"], catalogue()["de"]
MENU = menu("burger", "fries", item("ham", "wrap", name="Ham"), item("veg", "wrap", name="Veg"), hidden("toy"))
NOW = "2026-01-31T12:00:00+00:00"


def judged(lies: Contents, *orders: Order, how: Association = Association.EXACT) -> VerdictReached:
    verdict = compare(MENU, wanted(MENU, *orders), lies) if orders else Verdict(kind=VerdictKind.UNSURE)
    verdict = replace(verdict, allergy=any(each.mentions_allergy for each in orders))
    return VerdictReached(
        at_s=1.0,
        slot_id="a",
        session_id="a-1",
        still_since_s=0.5,
        orders=tuple(each.key for each in orders),
        association=how,
        verdict=verdict,
        contents=lies,
    )


def station(reached: VerdictReached | None = None, **fields: object) -> StationStatus:
    slot = SlotStatus(slot_id="a")
    if reached is not None:
        slot = SlotStatus(slot_id="a", session_id="a-1", state=SessionState.SETTLED, reached=reached)
    given = {"station_id": "pass", "camera": "online", "can_decide": True, "slots": (slot,), **fields}
    return StationStatus(**given)  # type: ignore[arg-type]


def alert_on(reached: VerdictReached, *, session_id: str = "a-1", resolution: Resolution | None = None) -> StoredAlert:
    alert = Alert(
        alert_id="alert-1",
        session_id=session_id,
        orders=reached.orders,
        lines=reached.verdict.faults,
        raised_at_s=1.0,
        late=session_id == "gone",
    )
    return StoredAlert(number=1, run_id=1, alert=alert, sounds=True, recorded_at=NOW, resolution=resolution)


def told(stored: StoredAlert) -> AlertNews:
    return AlertNews(seq=1, told_id="alert-1", station="pass", at=NOW, stored=stored)


def card(reached: VerdictReached, *orders: Order, **around: object) -> Card:
    known = {each.key: each for each in orders}
    given = Around(menu=MENU, orders=known, **around)  # type: ignore[arg-type]
    return cards_of(EN, [station(reached)], given)[0]


ORDER = order("A-1", "burger", "fries", display_number="41")
SHORT = judged(Contents.of({"burger": 1}), ORDER)


def test_red_needs_an_alert() -> None:
    """Before people are told, a mismatch may pass; at an assembly station it is a list that is not done yet."""
    assert card(SHORT, ORDER).look is Look.FILLING
    red = card(SHORT, ORDER, standing=[told(alert_on(SHORT))])
    assert (red.look, red.headline, red.numbers) == (Look.WRONG, "fries missing", ("41",))
    assert red.alert is not None
    assert red.alert.sounds


@pytest.mark.parametrize(
    "now",
    [
        judged(contents(burger=1, fries=(0, 1)), ORDER),
        judged(Contents.of({"burger": 1, "fries": 1}), ORDER),
        judged(Contents.of({"burger": 1}), how=Association.WHICH_ORDER),
    ],
    ids=["covered", "put right just now", "unclear whose it is"],
)
def test_red_says_what_it_was_raised_for_until_the_alert_ends(now: VerdictReached) -> None:
    """While hands put a tray right nothing of it is beyond doubt, and the alert stands all the same."""
    red = card(now, ORDER, standing=[told(alert_on(SHORT))])
    assert (red.look, red.headline, red.more) == (Look.WRONG, "fries missing", ())


def test_an_alert_of_before_a_restart_is_found_by_its_orders() -> None:
    assert card(SHORT, ORDER, standing=[told(alert_on(SHORT, session_id="earlier"))]).look is Look.WRONG
    other = judged(Contents(), order("B-2", "fries"))
    assert card(SHORT, ORDER, standing=[told(alert_on(other, session_id="earlier"))]).look is Look.FILLING


def test_an_answer_calms_the_card_and_its_sound() -> None:
    said = AnswerSaid(told_id="alert-1", resolution=Resolution.SYSTEM_WRONG, until_s=107.4)
    shown = card(SHORT, ORDER, standing=[told(alert_on(SHORT))], said=[said], now_s=100.0)
    assert (shown.look, shown.more) == (Look.ANSWERED, ("fries missing",))
    assert shown.alert is not None
    assert (shown.alert.said, shown.alert.left_s, shown.alert.sounds) == ("system_wrong", 7, False)


@pytest.mark.parametrize(
    ("ended", "look"),
    [
        (Resolution.SYSTEM_WRONG, Look.ANSWERED),
        (Resolution.ACCEPTED, Look.ANSWERED),
        (Resolution.FIXED, Look.FILLING),
        (None, Look.FILLING),
    ],
)
def test_what_the_crew_called_right_stays_calm(ended: Resolution | None, look: Look) -> None:
    assert card(SHORT, ORDER, recent=[alert_on(SHORT, resolution=ended)]).look is look


def test_green_says_how_much_it_covers() -> None:
    ordered = order("A-1", "burger", "fries", line("toy", 2))
    green = card(judged(Contents.of({"burger": 1, "fries": 1}), ordered), ordered)
    assert (green.look, green.headline) == (Look.RIGHT, "2 of 4")
    assert [(each.kind, [piece.name for piece in each.pieces]) for each in green.lists] == [
        ("by_hand", ["2 \N{MULTIPLICATION SIGN} toy"]),
        ("seen", ["burger", "fries"]),
    ]


SAUCE = menu(presence("sauce"), "fries")
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.mark.parametrize(
    ("asked", "lies", "lists"),
    [
        (3, contents(sauce=0), {"not_seen": ["3 x sauce"]}),
        (3, contents(sauce=1), {"seen": ["sauce"]}),
        (1, contents(sauce=4), {"seen": ["sauce"]}),
    ],
)
def test_of_what_is_only_ever_there_or_not_no_number_is_told_that_was_not_seen(
    asked: int, lies: Contents, lists: dict[str, list[str]]
) -> None:
    ordered = order("A-1", line("sauce", asked))
    reached = replace(judged(lies, ordered), verdict=compare(SAUCE, wanted(SAUCE, ordered), lies))
    shown = card(reached, ordered).lists
    assert {each.kind: [piece.name.replace(TIMES, "x") for piece in each.pieces] for each in shown} == lists


def test_what_may_lie_beside_what_is_missing_is_not_sure() -> None:
    """Three are wanted, one lies there, there may be a second: one is missing beyond doubt."""
    ordered = order("A-1", line("fries", 3))
    shown = card(judged(contents(fries=(1, 2)), ordered), ordered)
    assert [(each.kind, [piece.name for piece in each.pieces]) for each in shown.lists] == [
        ("not_seen", ["fries"]),
        ("not_sure", ["fries"]),
        ("seen", ["fries"]),
    ]


def told_in(shown: Card, *kinds: str) -> Counter[str]:
    """How many pieces of what stand in these lists."""
    found: Counter[str] = Counter()
    for each in shown.lists:
        for piece in each.pieces if each.kind in kinds else ():
            number, times, name = piece.name.rpartition(f" {TIMES} ")
            found[name] += int(number) if times else 1
    return found


@settings(max_examples=60)
@given(rich_lines, rich_contents)
def test_the_card_never_calls_more_seen_than_was_seen(lines: list[OrderLine], lies: Contents) -> None:
    ordered = order("A-1", *lines)
    verdict = compare(RICH, wanted(RICH, ordered), lies)
    shown = card(replace(judged(lies, ordered), verdict=verdict), ordered)
    seen, whole = told_in(shown, "seen"), told_in(shown, "not_seen", "not_sure", "seen", "too_many")
    by_name: Counter[str] = Counter()
    for each in verdict.lines:
        by_name[each.name] += each.seen
    assert all(number <= by_name[name] for name, number in seen.items())
    for each in verdict.faults:
        assert whole[each.name] >= max(each.expected, each.off_by)
        assert told_in(shown, "not_seen" if each.result is LineResult.MISSING else "too_many")[each.name] > 0


def test_nothing_checked_is_never_green() -> None:
    ordered = order("A-1", "toy")
    shown = card(judged(Contents.of({}), ordered), ordered)
    assert (shown.look, shown.headline) == (Look.UNSURE, "Check by hand")


def test_an_allergy_is_never_plain_green() -> None:
    ordered = order("A-1", line("burger", modifiers=("NUT ALLERGY",)))
    shown = card(judged(Contents.of({"burger": 1}), ordered), ordered)
    assert (shown.look, shown.headline) == (Look.ALLERGY, "Check allergy")
    assert shown.allergy_notes == ("NUT ALLERGY",)


def test_doubt_names_what_to_look_at() -> None:
    ordered = order("A-1", "burger", "fries", "ham")
    shown = card(judged(contents(burger=(0, 1), fries=(0, 1), wrap=(0, 1)), ordered), ordered)
    assert (shown.headline, shown.more) == ("Look: burger?", ("Look: fries?", "and 1 more"))


@pytest.mark.parametrize(
    ("how", "look", "says"),
    [
        (Association.WHICH_ORDER, Look.UNSURE, "Which order?"),
        (Association.NO_ORDER, Look.NO_ORDER, "No order for this tray"),
    ],
)
def test_a_tray_without_its_order_shows_what_lies_there(how: Association, look: Look, says: str) -> None:
    shown = card(judged(Contents.of({"burger": 2, "wrap": 1, "stone": 1}), how=how))
    assert (shown.look, shown.headline) == (look, says)
    assert [piece.name for piece in shown.lists[0].pieces] == [
        "2 \N{MULTIPLICATION SIGN} burger",
        "Ham or Veg",
        "stone",
    ]


def test_the_nearest_order_is_called_a_guess() -> None:
    assert card(replace(SHORT, association=Association.NEAREST), ORDER).guessed


def test_a_place_without_eyes_or_without_a_tray_says_so() -> None:
    around = Around(menu=MENU)
    blind = cards_of(EN, [station(SHORT, camera="dark", can_decide=False)], around)[0]
    assert (blind.look, blind.headline, blind.has_tray) == (Look.BLIND, "Too dark", False)
    assert cards_of(EN, [station()], around)[0].look is Look.EMPTY
    trial = cards_of(EN, [station(SHORT, shadow=True)], around)[0]
    assert (trial.look, trial.lists, trial.alert) == (Look.TRIAL, (), None)


def test_places_are_numbered_over_all_stations() -> None:
    cards = cards_of(EN, [station(), station(SHORT)], Around(menu=MENU))
    assert [(each.region, each.label) for each in cards] == [("slot-1", "1"), ("slot-2", "2")]


def fault(name: str, result: LineResult, *, expected: int, off_by: int, seen: int = 0) -> CheckedLine:
    return CheckedLine(skus=("x",), name=name, expected=expected, seen=seen, result=result, off_by=off_by)


@pytest.mark.parametrize(
    ("checked", "english", "german"),
    [
        (fault("Fries", LineResult.MISSING, expected=1, off_by=1), "Fries missing", "Fehlt: Fries"),
        (fault("Fries", LineResult.MISSING, expected=3, off_by=1, seen=2), "Fries: 1 missing", "Fehlt: 1 x Fries"),
        (fault("Napkins", LineResult.MISSING, expected=3, off_by=1), "Napkins: 3 missing", "Fehlt: 3 x Napkins"),
        (fault("Fries", LineResult.EXTRA, expected=0, off_by=1), "Fries too many", "Zu viel: Fries"),
        (fault("Fries", LineResult.EXTRA, expected=0, off_by=2), "Fries: 2 too many", "Zu viel: 2 x Fries"),
        (fault("Ham or Veg", LineResult.UNSURE, expected=1, off_by=0), "Look: Ham or Veg?", "Prüfen: Ham oder Veg?"),
        (
            fault("A or B or C or D or E", LineResult.MISSING, expected=1, off_by=1),
            "A, B, C, and 2 more missing",
            "Fehlt: A, B, C, und 2 weitere",
        ),
    ],
)
def test_a_line_in_words(checked: CheckedLine, english: str, german: str) -> None:
    assert line_in_words(EN, checked) == english
    assert line_in_words(DE, checked).replace("\N{MULTIPLICATION SIGN}", "x") == german


def ticket(ordered: Order, state: OrderState = OrderState.OPEN, at: str = "") -> Ticket:
    standing = OrderStanding(order=ordered, state=state, received_at=NOW)
    lying = {ordered.key: at} if at else {}
    return queue_of([standing], name_of=lambda sku: sku.upper(), lying=lying).tickets[0]


def test_what_was_voided_takes_what_belongs_to_it_along() -> None:
    children = (line("fries"), line("cola", children=(line("ice"),)))
    shown = ticket(order("A", line("menu", children=children, voided=True), line("burger", 2, name="The Big")))
    assert [(each.name, each.depth, each.voided) for each in shown.lines] == [
        ("MENU", 0, True),
        ("FRIES", 1, True),
        ("COLA", 1, True),
        ("ICE", 2, True),
        ("The Big", 0, False),
    ]


def test_a_tray_that_was_here_and_went_away_wrong_is_remembered() -> None:
    assert ticket(ORDER, OrderState.PRESENTED).again
    assert not ticket(ORDER, OrderState.PRESENTED, at="2").again
    assert not ticket(ORDER).again


def test_a_long_order_and_a_long_queue_are_cut_and_counted() -> None:
    long = ticket(order("A", *(line(f"sku{number}") for number in range(MOST_LINES + 3))))
    assert (len(long.lines), long.left_out) == (MOST_LINES, 3)
    standing = [OrderStanding(order=order(str(n), "x"), state=OrderState.OPEN, received_at=NOW) for n in range(30)]
    queue = queue_of(standing, name_of=str, lying={})
    assert (len(queue.tickets), queue.more, queue.tickets[0].number) == (MOST_TICKETS, 6, "0")


def test_each_trouble_and_each_camera_has_its_sentence() -> None:
    words = ("offline", "frozen", "dark", "blurred", "moved", "online")
    for texts in catalogue().values():
        cameras = [station(camera=word, can_decide=False) for word in words]
        said = banners_of(texts, cameras, list(Trouble))
        assert len({banner.text for banner in said}) == len(words) + len(Trouble)
    assert banners_of(EN, [station()], []) == ()
    assert [each.kind for each in banners_of(EN, [station(shadow=True)], [])] == ["trial"]


def test_one_station_needs_no_name() -> None:
    dark = station(camera="dark", can_decide=False)
    assert not banners_of(EN, [dark], [])[0].text.startswith("pass:")
    assert banners_of(EN, [dark, station()], [])[0].text.startswith("pass: ")


@pytest.mark.parametrize(("after_s", "shown"), [(0, 1), (119, 1), (121, 0), (-5, 0)])
def test_a_tray_that_left_wrong_is_called_after_for_two_minutes(after_s: int, shown: int) -> None:
    left = alert_on(SHORT, session_id="gone", resolution=Resolution.TRAY_LEFT)
    now = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc).timestamp() + after_s
    found = left_wrong(EN, [left], {ORDER.key: ORDER}, datetime.fromtimestamp(now, tz=timezone.utc))
    assert [each.numbers for each in found] == [("41",)] * shown
    answered = replace(left, resolution=Resolution.SYSTEM_WRONG)
    assert left_wrong(EN, [answered], {}, datetime.fromisoformat(NOW)) == ()
