"""The blind audit: who is asked about, that asking again asks the same, and what an answer is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.audit_desk import RANDOM_TRAYS, AuditDesk, draw, found_on
from edge_agent.checking.honest_numbers import read_numbers
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.audit import DayTray, ShownTray
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order
from edge_agent.domain.record import AuditAnswer, DrawnAs, StaffRole
from edge_agent.errors import BadInput, Unknown
from tests.builders import hidden, item, menu
from tests.builders import order as order_of
from tests.reporting_builders import DAY, House, house_of

MATCH, MISMATCH, UNSURE = VerdictKind.MATCH, VerdictKind.MISMATCH, VerdictKind.UNSURE
MENU = menu("burger", "fries", item("soda", detects_as="cup"), hidden("toy"))


def trays(others: int, reds: int = 0, *, answered: set[int] = frozenset()) -> list[DayTray]:  # type: ignore[assignment]
    return [DayTray(number=n, red=n < reds, answered=n in answered) for n in range(reds + others)]


def numbers(drawn: tuple[object, ...]) -> list[int]:
    return [each.tray.number for each in drawn]  # type: ignore[attr-defined]


# The draw


@given(st.integers(0, 60), st.integers(0, 30), st.text(max_size=5), st.randoms())
def test_all_reds_and_twenty_others_are_drawn_the_same_whenever_one_asks(
    others: int, reds: int, seed: str, dice: object
) -> None:
    population = trays(others, reds)
    drawn = draw(population, seed=seed)
    assert (
        Counter(each.drawn for each in drawn)
        == Counter({DrawnAs.RED: reds, DrawnAs.RANDOM: min(others, RANDOM_TRAYS)}) - Counter()
    )
    assert {each.tray.number for each in drawn if each.drawn is DrawnAs.RED} == set(range(reds))
    assert len(set(numbers(drawn))) == len(drawn)
    dice.shuffle(population)  # type: ignore[attr-defined]
    assert draw(population, seed=seed) == drawn


def test_another_day_and_another_store_draw_others() -> None:
    population = trays(500)
    draws = [frozenset(numbers(draw(population, seed=seed))) for seed in ("store day-1", "store day-2", "other day-1")]
    assert len(set(draws)) == 3


def test_every_tray_has_the_same_chance() -> None:
    """A draw that prefers early trays would say how the system does in the morning."""
    drawn = Counter(n for day in range(2_000) for n in numbers(draw(trays(100), seed=f"store {day}")))
    assert len(drawn) == 100
    assert all(300 < times < 500 for times in drawn.values()), "400 are expected; five standard deviations are 89"


def test_the_place_in_the_row_says_nothing() -> None:
    """The reds do not stand together, nor come first."""
    places = Counter(
        place for day in range(300) for place, each in enumerate(draw(trays(50, 5), seed=f"{day}")) if each.tray.red
    )
    assert set(places) == set(range(25))
    average = sum(place * times for place, times in places.items()) / places.total()
    assert 11 < average < 13, "12 is expected; five standard deviations are 0.9"


def test_a_tray_that_was_answered_stays_while_the_day_goes_on() -> None:
    early = draw(trays(30), seed="s")
    answered = set(numbers(early))
    later = draw(trays(3_000, answered=answered), seed="s")
    assert answered <= set(numbers(later))


# What an answer is worth


def shown(*orders: Order | None, waiting: tuple[Order, ...] = ()) -> ShownTray:
    return ShownTray(number=1, run_id=1, session_id="s", check_id=1, orders=orders, waiting=waiting)


MEAL = order_of("A", "burger", "fries")


@pytest.mark.parametrize(
    ("tray", "contents", "found"),
    [
        (shown(MEAL), {"burger": 1, "fries": 1}, MATCH),
        (shown(MEAL), {"burger": 1}, MISMATCH),
        (shown(MEAL), {"burger": 1, "fries": 1, "soda": 1}, MISMATCH),
        (shown(MEAL), {}, MISMATCH),
        (shown(MEAL, order_of("B", "soda")), {"burger": 1, "fries": 1, "cup": 1}, MATCH),
        (shown(MEAL, waiting=(order_of("B", "soda"),)), {"soda": 1}, MATCH),
        (shown(MEAL, waiting=(order_of("B", "soda"),)), {"burger": 1}, MISMATCH),
        (shown(MEAL, waiting=(order_of("B", "soda", parts=2),)), {"soda": 1}, MISMATCH),
        (shown(order_of("A", "toy")), {}, None),
        (shown(order_of("A", "burger", parts=2)), {"burger": 1}, None),
        (shown(), {"burger": 1}, None),
        (shown(None), {"burger": 1}, None),
        (shown(MEAL, None), {"burger": 1, "fries": 1}, None),
    ],
)
def test_an_answer_is_held_against_the_orders_of_the_tray(
    tray: ShownTray, contents: dict[str, int], found: VerdictKind | None
) -> None:
    assert found_on(MENU, tray, contents) is found


# The desk


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with house_of(request.param, tmp_path) as made:
        yield made


def desk_of(house: House) -> AuditDesk:
    return AuditDesk(reporting=house.reporting, store=house.store, menu=lambda: MENU)


def test_a_day_is_audited_from_the_first_question_to_the_number(house: House) -> None:
    """One of two reds was right, and so were all others: one false alarm on 21 right trays."""
    for _ in range(20):
        house.tray(MATCH, jpeg=b"J")
    wrong = house.tray(MISMATCH, alert=True, ends=Resolution.FIXED, then=MATCH, jpeg=b"J")
    house.tray(MISMATCH, alert=True, ends=Resolution.TRAY_LEFT, jpeg=b"J")
    desk = desk_of(house)
    day = desk.day(DAY)
    assert (day.drawn, day.answered, len(day.open)) == (22, 0, 22)
    for number in day.open:
        question = desk.question(DAY, number)
        assert (question.number, len(question.pictures)) == (number, 1)
        is_wrong = number == int(wrong.rpartition("-")[2])
        contents = {"burger": 1} if is_wrong else {"burger": 1, "fries": 1}
        desk.answer(DAY, number, role=StaffRole.MANAGER, contents=contents)
    assert desk.day(DAY).open == ()
    told = read_numbers(house.reporting, house.reporting.calendar.span_of(DAY))
    assert told.false_alarms is not None
    assert told.false_alarms.rate.value == pytest.approx(1 / 21)
    assert told.false_alarms.audited_right == 21
    assert told.stopped is not None
    assert told.stopped.count == 1, "the audit confirms what the checker saw put right"


def test_an_answer_is_a_label_for_training_too(house: House) -> None:
    house.tray(MATCH, jpeg=b"J")
    number = desk_of(house).answer(DAY, 1, role=StaffRole.MANAGER, contents={"burger": 2})
    assert number == 1


def test_what_was_skipped_is_asked_again_and_what_nobody_can_tell_is_not(house: House) -> None:
    for _ in range(2):
        house.tray(MATCH)
    desk = desk_of(house)
    first, second = desk.day(DAY).open
    desk.answer(DAY, first, role=StaffRole.CREW, answer=AuditAnswer.SKIPPED)
    assert desk.day(DAY).open == (first, second)
    desk.answer(DAY, first, role=StaffRole.CREW, answer=AuditAnswer.CANNOT_TELL)
    assert desk.day(DAY).open == (second,)


def test_only_what_was_drawn_for_the_day_can_be_asked_and_answered(house: House) -> None:
    house.tray(MATCH)
    house.tray(UNSURE, association=Association.NO_ORDER)
    house.tray(MATCH, order=house.order("T-1", test=True))
    house.clock.advance(timedelta(days=1).total_seconds())
    house.tray(MATCH)
    desk = desk_of(house)
    assert desk.day(DAY).open == (1,)
    for number in (2, 3, 4, 99):
        with pytest.raises(Unknown, match=f"tray {number} "):
            desk.question(DAY, number)
        with pytest.raises(Unknown):
            desk.answer(DAY, number, role=StaffRole.MANAGER)
    with pytest.raises(BadInput, match="no day"):
        desk.day("yesterday")


def test_contents_out_of_bounds_are_refused(house: House) -> None:
    house.tray(MATCH)
    with pytest.raises(BadInput, match="0 to 999"):
        desk_of(house).answer(DAY, 1, role=StaffRole.MANAGER, contents={"burger": 1_000})
    assert desk_of(house).day(DAY).answered == 0
