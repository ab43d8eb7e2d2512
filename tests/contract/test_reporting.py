"""What every `Reporting` must do: the fake that counts everything anew, and the real one that keeps counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_agent.domain.alert import Resolution, Severity
from edge_agent.domain.association import Association
from edge_agent.domain.business_day import Calendar, Span
from edge_agent.domain.detection import Detection, Sighting
from edge_agent.domain.events import AlertResolved, OrderAccepted, OrderMoved, SessionResumed
from edge_agent.domain.geometry import Box
from edge_agent.domain.matching import CheckedLine, LineResult, VerdictKind
from edge_agent.domain.order import OrderState
from edge_agent.domain.record import Audit, AuditAnswer, Confirmation, DrawnAs, StaffRole
from edge_agent.domain.search import AlertSearch, CheckSearch, PageMark
from edge_agent.domain.tally import Counted, Grouped, Tally, ToldEnd
from edge_agent.errors import BadInput
from edge_agent.ports import Evidence
from tests.reporting_builders import (
    BURGER,
    COLA,
    DAY,
    FRIES,
    SHADOW,
    House,
    house_of,
    left,
    raised,
    verdict,
)

MATCH, MISMATCH, UNSURE = VerdictKind.MATCH, VerdictKind.MISMATCH, VerdictKind.UNSURE
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)
TODAY = Calendar().span_of(DAY)


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with house_of(request.param, tmp_path) as made:
        yield made


def whole(house: House, counted: Counted, **more: str) -> dict[str, int]:
    tallies = house.reporting.tallies(TODAY, counted=(counted,), station=more.get("station"))
    return dict(tallies[0].of(counted)) if tallies else {}


def drawn(house: House, session_id: str, found: VerdictKind | None, drawn: DrawnAs = DrawnAs.RED) -> None:
    """Somebody audits a tray that was drawn."""
    answer = AuditAnswer.CANNOT_TELL if found is None else AuditAnswer.TOLD
    house.store.audit(
        Audit(
            run_id=house.run_id,
            session_id=session_id,
            role=StaffRole.MANAGER,
            answer=answer,
            drawn=drawn,
            found=found,
        )
    )


# Searching


def numbers(house: House, wanted: CheckSearch) -> list[int]:
    return [found.check.check_id for found in house.reporting.every_check(wanted)]


def test_checks_are_found_by_number_channel_verdict_item_and_time(house: House) -> None:
    house.tray(MATCH, order=house.order("A-1", number="17", channel="Drive"))
    house.at(NOON + timedelta(hours=1))
    house.tray(MISMATCH, order=house.order("B-2", number="99", channel="counter"))
    house.at(NOON + timedelta(hours=2))
    house.tray(UNSURE, order=house.order("C-3", number="17"))
    assert numbers(house, CheckSearch()) == [3, 2, 1]
    assert numbers(house, CheckSearch(number="17")) == [3, 1]
    assert numbers(house, CheckSearch(number="b-2")) == [2], "its id does too, in any letter case"
    assert numbers(house, CheckSearch(channel="drive")) == [1]
    assert numbers(house, CheckSearch(verdict=UNSURE)) == [3]
    assert numbers(house, CheckSearch(item="fries")) == [2]
    assert numbers(house, CheckSearch(item="diet")) == [3], "one of look-alikes"
    assert numbers(house, CheckSearch(item="burger")) == [], "nothing was wrong with it"
    assert numbers(house, CheckSearch(since=NOON + timedelta(hours=1))) == [3, 2]
    assert numbers(house, CheckSearch(until=NOON + timedelta(hours=1))) == [1]
    assert numbers(house, CheckSearch(number="17", verdict=MATCH, channel="drive")) == [1]
    assert numbers(house, CheckSearch(number="17", verdict=MATCH, channel="counter")) == []
    assert numbers(house, CheckSearch(number="1")) == [], "a number is no beginning of one"


def test_only_the_last_check_of_a_tray_that_has_left_is_listed_unless_all_are_wanted(house: House) -> None:
    house.tray(MISMATCH, then=MATCH)
    house.tray(MATCH, stays=True)
    assert numbers(house, CheckSearch()) == [2]
    assert numbers(house, CheckSearch(final=False)) == [3, 2, 1]


def test_a_found_check_comes_with_its_orders_alerts_and_station(house: House) -> None:
    order = house.order("A-1", number="17", test=True)
    session = house.tray(MISMATCH, order=order, alert=True, ends=Resolution.FIXED, slot="right")
    (found,) = house.reporting.find_checks(CheckSearch()).found
    assert (found.orders, found.station, found.tells, found.test) == ((order,), "drive", True, True)
    assert [(a.alert.session_id, a.resolution) for a in found.alerts] == [(session, Resolution.FIXED)]
    house.begin(SHADOW)
    house.tray(MATCH, association=Association.NO_ORDER)
    found = house.reporting.find_checks(CheckSearch()).found[0]
    assert (found.orders, found.alerts, found.tells, found.test) == ((), (), False, False)


def test_a_later_revision_changes_nothing_of_what_is_found(house: House) -> None:
    """The number under which the tray was handed out is the one that a guest asks for."""
    house.tray(MATCH, order=house.order("A-1", number="17"))
    house.commit(OrderAccepted(at_s=20.0, order=replace(house.order("A-1", number="18"), revision=2)))
    assert numbers(house, CheckSearch(number="17")) == [1]
    assert numbers(house, CheckSearch(number="18")) == []


@pytest.mark.parametrize("wanted", [CheckSearch(final=False), CheckSearch(number="42"), CheckSearch(verdict=MATCH)])
def test_pages_follow_on_each_other_without_gap_or_repetition(house: House, wanted: CheckSearch) -> None:
    """Several have the same time; the clock also jumps back, as that of a box does which was never set."""
    for n in range(7):
        house.tray(MATCH)
        if n == 3:
            house.at(datetime(1970, 1, 1, 0, 1, tzinfo=timezone.utc))
    found, after = [], None
    while True:
        page = house.reporting.find_checks(wanted, limit=2, after=after)
        found += [each.check.check_id for each in page.found]
        if page.next is None:
            break
        after = PageMark.parse(str(page.next))
    assert found == [4, 3, 2, 1, 7, 6, 5]


def test_what_comes_meanwhile_does_not_disturb_a_list_that_is_being_read(house: House) -> None:
    for _ in range(3):
        house.tray(MATCH)
    page = house.reporting.find_checks(CheckSearch(), limit=2)
    house.tray(MATCH)
    rest = house.reporting.find_checks(CheckSearch(), after=page.next)
    assert [f.check.check_id for f in (*page.found, *rest.found)] == [3, 2, 1]


def test_alerts_are_found_by_number_channel_item_severity_and_how_they_ended(house: House) -> None:
    house.tray(MISMATCH, order=house.order("A-1", number="17", channel="drive"), alert=True, ends=Resolution.FIXED)
    house.at(NOON + timedelta(hours=1))
    house.tray(MISMATCH, order=house.order("B-2", channel="counter"), alert=True)
    for wanted, expected in (
        (AlertSearch(), [2, 1]),
        (AlertSearch(number="17"), [1]),
        (AlertSearch(number="B-2"), [2]),
        (AlertSearch(channel="DRIVE"), [1]),
        (AlertSearch(item="fries"), [2, 1]),
        (AlertSearch(item="cola"), []),
        (AlertSearch(severity=Severity.CRITICAL), [2, 1]),
        (AlertSearch(severity=Severity.NOTICE), []),
        (AlertSearch(resolution=Resolution.FIXED), [1]),
        (AlertSearch(open_only=True), [2]),
        (AlertSearch(item="fries", open_only=True, channel="drive"), []),
        (AlertSearch(since=NOON + timedelta(hours=1)), [2]),
        (AlertSearch(until=NOON + timedelta(hours=1)), [1]),
    ):
        assert [found.stored.number for found in house.reporting.every_alert(wanted)] == expected, wanted
    found = house.reporting.find_alerts(AlertSearch(), limit=1)
    (alert,) = found.found
    assert (alert.check_id, alert.station, alert.tells, alert.test) == (2, "pass", True, False)
    assert [order and order.order_id for order in alert.orders] == ["B-2"]
    rest = house.reporting.find_alerts(AlertSearch(), after=found.next)
    assert [f.stored.number for f in rest.found] == [1]


def test_the_evidence_of_a_check_is_all_that_is_known_of_it(house: House) -> None:
    order = house.order("A-1")
    session = house.tray(MISMATCH, order=order, alert=True, ends=Resolution.FIXED, by_staff=True, then=MATCH, jpeg=b"J")
    house.commit(OrderAccepted(at_s=20.0, order=replace(order, revision=2, notes="later")))
    evidence = house.reporting.evidence(1)
    assert evidence is not None
    assert (evidence.check.reached.verdict.faults, evidence.orders, evidence.station) == ((FRIES,), (order,), "pass")
    assert evidence.run.run_id == house.run_id
    assert [c.check_id for c in evidence.session.checks] == [1, 2]
    assert [(a.resolution, a.by_staff) for a in evidence.session.alerts] == [(Resolution.FIXED, True)]
    assert evidence.session.session_id == session
    last = house.reporting.evidence(2)
    assert last is not None
    assert len(last.check.pictures) == 1
    assert house.reporting.evidence(3) is None


def test_what_can_be_searched_for_is_what_there_is(house: House) -> None:
    house.tray(MISMATCH, order=house.order("A-1", channel="drive"))
    house.tray(UNSURE, order=house.order("A-2", channel="Drive"))
    house.tray(UNSURE, order=house.order("A-3", channel="counter"))
    choices = house.reporting.choices()
    assert choices.channels == ("counter", "drive")
    assert choices.items == ("cola", "diet", "fries")
    assert choices.stations == ("drive", "pass")


@pytest.mark.parametrize("text", ["", "x", "2026_", "2026_x", "2026_-1", "2026_9999999999999999999", "y" * 100 + "_1"])
def test_a_mark_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no mark"):
        PageMark.parse(text)


def test_a_search_out_of_bounds_is_refused() -> None:
    with pytest.raises(BadInput, match="65 characters"):
        CheckSearch(number="x" * 65)
    with pytest.raises(BadInput, match="time zone"):
        AlertSearch(since=datetime(2026, 1, 31))  # noqa: DTZ001  that is what is refused


# Counting


def test_trays_are_counted_by_their_last_verdict(house: House) -> None:
    house.tray(MATCH)
    house.tray(MISMATCH, then=MATCH)
    house.tray(UNSURE)
    house.tray(UNSURE, association=Association.WHICH_ORDER)
    house.tray(UNSURE, association=Association.NO_ORDER)
    house.tray(MATCH, stays=True)
    expected = {"match": 2, "unsure": 1, "which_order": 1, "no_order": 1}
    assert whole(house, Counted.TRAY) == expected
    assert whole(house, Counted.FRAME) == {"random": 3}, "whose tray it was must be known to judge an answer"


def test_a_tray_that_comes_back_counts_once_as_it_leaves_at_last(house: House) -> None:
    session = house.tray(MISMATCH)
    house.commit(SessionResumed(at_s=10.0, session_id=session))
    assert whole(house, Counted.TRAY) == {}
    order = house.order("A-1")
    again = replace(verdict(session, MATCH, (order.key,)), at_s=12.0)
    house.commit(again, left(again))
    assert whole(house, Counted.TRAY) == {"match": 1}


def test_a_late_verdict_takes_the_place_of_the_one_before(house: House) -> None:
    session = house.tray(UNSURE, association=Association.NO_ORDER)
    house.commit(replace(verdict(session, MATCH, (house.order("A-1").key,)), at_s=12.0, late=True))
    assert whole(house, Counted.TRAY) == {"match": 1}
    assert whole(house, Counted.ORDER) == {"decided": 1}


def test_a_tray_that_never_lay_still_counts_nowhere(house: House) -> None:
    passing = verdict("left-0001", UNSURE, (), Association.NO_ORDER, lines=())
    house.commit(left(passing))
    assert house.reporting.tallies(TODAY) == ()


def test_trials_count_nowhere(house: House) -> None:
    """Also where the tray was taken for another order before or after."""
    trial, real = house.order("T-1", test=True), house.order("A-1")
    session = house.tray(MISMATCH, order=trial, alert=True, ends=Resolution.FIXED, by_staff=True)
    drawn(house, session, MATCH)
    assert house.reporting.tallies(TODAY) == ()
    assert house.reporting.trays_of(TODAY) == ()
    house.tray(MISMATCH, replace(verdict("left-0002", MATCH, (real.key,)), at_s=7.0), order=trial, stays=True)
    house.commit(left(replace(verdict("left-0002", MATCH, (real.key,)), at_s=7.0)))
    assert house.reporting.tallies(TODAY) == ()


def test_the_first_verdict_of_a_tray_says_how_long_it_took(house: House) -> None:
    house.tray(MISMATCH, took_s=0.549, then=MATCH)
    house.tray(MATCH, took_s=0.55)
    house.tray(MATCH, took_s=4.99)
    house.tray(MATCH, took_s=999.0)
    assert whole(house, Counted.LATENCY) == {"500": 1, "550": 1, "4900": 1, "60000": 1}


def test_alerts_count_by_severity_and_apart_where_nobody_was_told(house: House) -> None:
    house.tray(MISMATCH, alert=True, stays=True)
    house.begin(SHADOW)
    house.tray(MISMATCH, alert=True)
    assert whole(house, Counted.ALERT) == {"critical": 1, "shadow": 1}
    assert whole(house, Counted.TOLD) == {"open": 1}
    assert whole(house, Counted.FRAME) == {"red": 1}, "an alert of shadow mode is a red all the same"


def test_what_was_forgotten_counts_once_per_tray(house: House) -> None:
    session = house.tray(MISMATCH, alert=True, stays=True)
    order = house.order("A-1")
    again = raised(session, verdict(session, MISMATCH, (order.key,), lines=(FRIES, FRIES, BURGER)), at_s=7.0)
    house.commit(replace(again, alert=replace(again.alert, alert_id="again")))
    house.tray(MISMATCH, alert=True, ends=Resolution.TRAY_LEFT)
    assert whole(house, Counted.FORGOTTEN) == {"Fries": 2}


@pytest.mark.parametrize("ends", [Resolution.SYSTEM_WRONG, Resolution.ACCEPTED])
def test_what_was_there_after_all_was_not_forgotten(house: House, ends: Resolution) -> None:
    house.tray(MISMATCH, alert=True, ends=ends, by_staff=True)
    audited = house.tray(MISMATCH, alert=True, ends=Resolution.TRAY_LEFT)
    assert whole(house, Counted.FORGOTTEN) == {"Fries": 1}
    drawn(house, audited, MATCH)
    assert whole(house, Counted.FORGOTTEN) == {}


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ({"ends": Resolution.FIXED, "by_staff": True, "then": MATCH}, ToldEnd.FIXED_CREW),
        ({"ends": Resolution.FIXED, "by_staff": True, "then": UNSURE}, ToldEnd.FIXED_CREW),
        ({"ends": Resolution.FIXED, "then": MATCH}, ToldEnd.FIXED_SEEN),
        ({"ends": Resolution.FIXED, "by_staff": True, "then": MISMATCH}, ToldEnd.LEFT),
        ({"ends": Resolution.FIXED, "by_staff": True, "late": True}, ToldEnd.LATE),
        ({"ends": Resolution.SYSTEM_WRONG, "by_staff": True}, ToldEnd.SYSTEM_WRONG),
        ({"ends": Resolution.ACCEPTED, "by_staff": True}, ToldEnd.ACCEPTED),
        ({"ends": Resolution.TRAY_LEFT}, ToldEnd.LEFT),
        ({"ends": Resolution.TRAY_LEFT, "late": True}, ToldEnd.LATE),
        ({"ends": Resolution.CANCELLED}, ToldEnd.OTHER),
        ({"stays": True}, ToldEnd.OPEN),
    ],
)
def test_every_tray_that_people_were_told_of_has_one_end(house: House, told: dict[str, object], end: ToldEnd) -> None:
    house.tray(MISMATCH, alert=True, **told)  # type: ignore[arg-type]
    assert whole(house, Counted.TOLD) == {end.value: 1}


def test_an_audit_confirms_or_denies_what_the_checker_saw_put_right(house: House) -> None:
    wrong = house.tray(MISMATCH, alert=True, ends=Resolution.FIXED, then=MATCH)
    right = house.tray(MISMATCH, alert=True, ends=Resolution.FIXED, by_staff=True, then=MATCH)
    drawn(house, wrong, MISMATCH)
    drawn(house, right, MATCH)
    assert whole(house, Counted.TOLD) == {"fixed_audit": 1, "false_audit": 1}
    assert whole(house, Counted.AUDIT) == {"red:mismatch": 1, "red:match": 1}


def test_the_crew_confirms_by_calling_a_later_verdict_right(house: House) -> None:
    session = house.tray(MISMATCH, alert=True, ends=Resolution.FIXED, then=MATCH)
    for check_id, end in ((1, "fixed_seen"), (2, "fixed_crew")):
        said = Confirmation(run_id=house.run_id, session_id=session, check_id=check_id, role=StaffRole.CREW)
        house.store.confirm(said)
        assert whole(house, Counted.TOLD) == {end: 1}


def test_the_last_answer_of_an_audit_counts_and_what_was_skipped_or_not_drawn_does_not(house: House) -> None:
    session = house.tray(MATCH)
    assert whole(house, Counted.AUDIT) == {}
    drawn(house, session, MATCH, DrawnAs.RANDOM)
    drawn(house, session, MISMATCH, DrawnAs.RANDOM)
    told = Audit(run_id=house.run_id, session_id=session, role=StaffRole.CREW, contents={"burger": 1})
    house.store.audit(told)
    house.store.audit(replace(told, contents={}, answer=AuditAnswer.SKIPPED, drawn=DrawnAs.RANDOM))
    assert whole(house, Counted.AUDIT) == {"random:mismatch": 1}
    drawn(house, session, None, DrawnAs.RANDOM)
    assert whole(house, Counted.AUDIT) == {"random:unjudged": 1}


def test_an_alert_that_a_later_run_ends_counts_for_the_tray_that_raised_it(house: House) -> None:
    session = house.tray(MISMATCH, alert=True, stays=True)
    house.begin()
    house.commit(AlertResolved(at_s=1.0, alert_id=f"{session}-alert", resolution=Resolution.FIXED, by_staff=True))
    assert whole(house, Counted.TOLD) == {"fixed_crew": 1}


NOT_THERE = CheckedLine(skus=("x",), name="X", expected=1, seen=0, result=LineResult.UNSURE, reason="unknown_sku")


@pytest.mark.parametrize(
    ("kind", "lines", "why"),
    [
        (MATCH, (BURGER,), "decided"),
        (MISMATCH, (BURGER, FRIES), "decided"),
        (MISMATCH, (FRIES, COLA), "covered"),
        (UNSURE, (NOT_THERE, COLA), "unknown_sku"),
        (UNSURE, (BURGER,), "parts"),
        (UNSURE, (), "nothing_visible"),
    ],
)
def test_an_order_counts_as_decided_or_by_why_not(
    house: House, kind: VerdictKind, lines: tuple[CheckedLine, ...], why: str
) -> None:
    order = house.order("A-1")
    last = replace(verdict("left-0001", kind, (order.key,), lines=lines), at_s=7.0)
    house.tray(UNSURE, last, order=order, stays=True)
    assert whole(house, Counted.ORDER) == {"no_tray": 1}, "it was handed out, and its tray has no end yet"
    house.commit(left(last))
    assert whole(house, Counted.ORDER) == {why: 1}
    assert whole(house, Counted.ORDER, station="pass") == {why: 1}


def test_orders_count_once_they_are_finished_unless_cancelled(house: House) -> None:
    for number, state in enumerate(OrderState):
        order = house.order(f"A-{number}")
        house.commit(OrderAccepted(at_s=0.0, order=order), OrderMoved(at_s=1.0, key=order.key, state=state))
    assert whole(house, Counted.ORDER) == {"no_tray": 2}
    house.commit(OrderAccepted(at_s=5.0, order=replace(house.order("A-2", test=True), revision=2)))
    house.commit(OrderMoved(at_s=6.0, key=house.order("A-2").key, state=OrderState.HANDED_OUT))
    assert whole(house, Counted.ORDER) == {"no_tray": 1}, "one turned out to be a trial"


def test_the_last_tray_of_an_order_decides(house: House) -> None:
    order = house.order("A-1", parts=2)
    house.tray(UNSURE, order=order)
    house.tray(MATCH, order=order)
    assert whole(house, Counted.ORDER) == {"decided": 1}


def test_counts_can_be_had_of_one_station(house: House) -> None:
    house.tray(MATCH)
    house.tray(UNSURE, slot="right")
    assert whole(house, Counted.TRAY, station="drive") == {"unsure": 1}
    assert whole(house, Counted.TRAY, station="pass") == {"match": 1}


# Time


@pytest.fixture(params=["memory", "sqlite"])
def berlin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    calendar = Calendar(zone=ZoneInfo("Europe/Berlin"), starts_at=time(4))
    with house_of(request.param, tmp_path, calendar=calendar) as made:
        yield made


def keys(tallies: tuple[Tally, ...]) -> dict[str, int]:
    return {tally.key: sum(tally.of(Counted.TRAY).values()) for tally in tallies}


def test_days_begin_when_the_restaurants_do_also_when_the_clocks_change(berlin: House) -> None:
    """On 29 March 2026 it is 2 o'clock once less, on 25 October once more."""
    for local in (
        datetime(2026, 3, 28, 23, 30),  # noqa: DTZ001  made aware below
        datetime(2026, 3, 29, 1, 59),  # noqa: DTZ001
        datetime(2026, 3, 29, 3, 59),  # noqa: DTZ001
        datetime(2026, 3, 29, 4, 0),  # noqa: DTZ001
        datetime(2026, 10, 25, 3, 59),  # noqa: DTZ001
        datetime(2026, 10, 25, 4, 1),  # noqa: DTZ001
    ):
        berlin.at(local.replace(tzinfo=ZoneInfo("Europe/Berlin")))
        berlin.tray(MATCH)
    year = berlin.reporting.calendar.span_of("2026-01-01", "2026-12-31")
    assert keys(berlin.reporting.tallies(year, by=Grouped.DAY)) == {
        "2026-03-28": 3,
        "2026-03-29": 1,
        "2026-10-24": 1,
        "2026-10-25": 1,
    }
    assert keys(berlin.reporting.tallies(year, by=Grouped.HOUR)) == {"1": 1, "3": 2, "4": 2, "23": 1}
    assert keys(berlin.reporting.tallies(berlin.reporting.calendar.span_of("2026-03-28"))) == {"": 3}


def test_a_tray_belongs_to_the_quarter_of_an_hour_in_which_its_verdict_was_reached(house: House) -> None:
    house.at(datetime(2026, 1, 31, 12, 14, 59, 999_000, tzinfo=timezone.utc))
    house.tray(MATCH)
    for since, until, expected in ((0, 15, 1), (15, 30, 0), (1, 15, 0)):
        span = Span(since=NOON + timedelta(minutes=since), until=NOON + timedelta(minutes=until))
        assert sum(keys(house.reporting.tallies(span)).values()) == expected
        assert len(house.reporting.trays_of(span)) == expected


# Audits


def test_the_frame_of_an_audit_knows_reds_and_who_was_answered(house: House) -> None:
    red = house.tray(MISMATCH, alert=True, ends=Resolution.FIXED, then=MATCH)
    house.tray(MATCH)
    house.tray(UNSURE, association=Association.WHICH_ORDER)
    house.tray(MATCH, stays=True)
    drawn(house, red, MISMATCH)
    trays = {tray.number: (tray.red, tray.answered) for tray in house.reporting.trays_of(TODAY)}
    assert trays == {1: (True, True), 2: (False, False)}


def test_a_red_is_shown_as_it_was_when_people_were_told(house: House) -> None:
    order, other = house.order("A-1"), house.order("B-2")
    trial, gone = house.order("T-3", test=True), house.order("C-4")
    house.commit(*[OrderAccepted(at_s=0.0, order=each) for each in (other, trial, gone)])
    house.commit(OrderMoved(at_s=0.0, key=gone.key, state=OrderState.HANDED_OUT))
    house.tray(MISMATCH, order=order, alert=True, ends=Resolution.FIXED, then=MATCH, jpeg=b"J", handed_out=False)
    house.at(NOON + timedelta(minutes=1))
    house.commit(OrderMoved(at_s=70.0, key=other.key, state=OrderState.CANCELLED))
    shown = house.reporting.shown_tray(1)
    assert shown is not None
    assert (shown.check_id, shown.orders, shown.waiting) == (1, (order,), (other,))
    assert len(shown.pictures) == 1, "its own check has none, so the nearest picture of the tray is shown"
    assert house.reporting.shown_tray(2) is None


def test_where_a_tray_lies_in_its_picture_is_known_and_not_what_was_seen_on_it(house: House) -> None:
    session = house.tray()
    place = Sighting(width_px=640, height_px=480, slot=Box(0, 0, 320, 480))
    burger = Detection("burger", 0.9, Box(10, 10, 60, 60))
    seen, older = replace(place, seen=(burger,)), None
    evidence = [Evidence(session_id=session, at_s=2.0, jpeg=b"J", sighting=each) for each in (seen, older)]
    house.store.commit(house.run_id, [], evidence=evidence)
    shown = house.reporting.shown_tray(1)
    assert shown is not None
    assert [shown.places.get(name) for name in shown.pictures] == [place, None]


def test_another_tray_is_shown_as_it_left(house: House) -> None:
    house.tray(UNSURE, then=MATCH, association=Association.MARKER)
    house.commit(OrderAccepted(at_s=0.0, order=house.order("B-2")))
    shown = house.reporting.shown_tray(1)
    assert shown is not None
    assert (shown.check_id, shown.waiting) == (2, ()), "a marker says whose tray it is"


def test_the_store_has_a_name_of_its_own(house: House) -> None:
    assert house.reporting.store_id() == house.reporting.store_id() != ""
