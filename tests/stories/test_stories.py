"""The hard stories of the pass, as observation scripts at ten frames a second of stream time."""

from __future__ import annotations

import pytest

from edge_agent.checking.policy import Policy, StationKind
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import AssociationRule
from edge_agent.domain.contents import Doubt
from edge_agent.domain.events import (
    AlertRaised,
    OrderIgnored,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.order import Order
from tests.builders import Stream, line, menu, order, presence, seen, tray

MENU = menu("burger", "fries", "cola", "salad", "cake", "soup", presence("sauce"))
MEAL = tray("burger", "fries", "cola")
NO_FRIES = tray("burger", "", "cola")
OTHER = tray("", "", "", "salad", "cake", "soup")


def station(**more: object) -> Stream:
    return Stream(MENU, policy=Policy(**more))  # type: ignore[arg-type]


def meal(order_id: str = "A", **more: object) -> Order:
    return order(order_id, "burger", "fries", "cola", **more)


def other(order_id: str = "B", **more: object) -> Order:
    return order(order_id, "salad", "cake", "soup", **more)


def test_a_right_tray_is_green_and_silent() -> None:
    """The whole life of nearly every tray: one session, one verdict, no sound, and the order is done."""
    story = station().put(meal()).show(3, MEAL).show(1)
    assert story.verdicts == [("A", "exact", "match")]
    assert story.alerts == []
    assert story.states("A") == ["presented", "handed_out"]
    assert len(story.of(SessionStarted)) == len(story.of(TrayLeft)) == 1


def test_the_verdict_comes_as_soon_as_the_tray_has_lain_still_for_half_a_second() -> None:
    """The budget from still to verdict is a second: none of it may be lost by rounding."""
    story = station().put(meal()).show(3, MEAL)
    first = story.of(VerdictReached)[0]
    assert first.at_s - first.still_since_s == pytest.approx(0.5)


def test_a_missing_item_alerts_after_it_has_stood_for_seven_tenths() -> None:
    """Told before the tray leaves, but not by the first frame that says so."""
    story = station().put(meal()).show(3, NO_FRIES)
    assert story.alerts == ["raised A: fries missing sounds"]
    assert story.of(AlertRaised)[0].at_s - story.of(VerdictReached)[0].at_s == pytest.approx(0.7)


def test_a_tray_put_right_while_watched_is_fixed_with_one_sound() -> None:
    """The reason to be: the crew hears it once, adds the fries, and the alert goes by itself."""
    story = station().put(meal()).show(3, NO_FRIES).show(4, MEAL).show(1)
    assert story.alerts == ["raised A: fries missing sounds", "resolved fixed"]
    assert story.finals == [("A", "exact", "match")]


def test_an_alert_ends_when_its_tray_leaves_wrong() -> None:
    """An alert that stays open for a tray long gone hides the next one."""
    story = station().put(meal()).show(3, NO_FRIES).show(1)
    assert story.alerts == ["raised A: fries missing sounds", "resolved tray_left"]
    assert story.states("A") == ["presented"], "it may come back put right"


def test_a_mismatch_too_short_for_an_alert_is_told_late_and_silently_when_the_tray_leaves() -> None:
    """#42 left without fries: somebody may still run after the guest, but a buzzer helps nobody."""
    story = station().put(meal()).show(1.2, NO_FRIES).show(1)
    assert story.alerts == ["raised A: fries missing late", "resolved tray_left"]


def test_a_late_silent_alert_does_not_swallow_the_sound_of_a_later_one() -> None:
    """A tray shown for a moment, taken away and put back wrong must still sound: nobody has heard anything yet."""
    story = station().put(meal()).show(1.0, NO_FRIES).show(1).show(3, NO_FRIES)
    assert story.alerts == [
        "raised A: fries missing late",
        "resolved tray_left",
        "raised A: fries missing sounds",
    ]


def test_something_too_much_is_a_notice_without_sound() -> None:
    """A guest with an item too many complains to nobody: no buzzer."""
    story = station().put(meal()).show(3, tray("burger", "fries", "cola", "cake"))
    assert story.alerts == ["raised A: cake extra"]


def test_the_wrong_item_in_the_place_of_another_sounds() -> None:
    story = station().put(meal()).show(3, tray("burger", "fries", "soup"))
    assert story.alerts == ["raised A: cola missing, soup extra sounds"]


def test_two_slots_have_two_trays_and_each_its_order() -> None:
    """One camera over two trays: what lies in one slot says nothing about the other."""
    story = station().put(meal(), other()).show(3, MEAL, OTHER).show(1)
    assert sorted(story.finals) == [("A", "exact", "match"), ("B", "exact", "match")]
    assert story.alerts == []


def test_an_exact_claim_in_one_slot_keeps_the_order_from_the_other() -> None:
    """Two trays for one order: the second one has none; it is not a wrong copy of the first."""
    story = station().put(meal()).show(2, MEAL).show(3, MEAL, NO_FRIES).show(1)
    assert sorted(story.finals) == [("", "no_order", "unsure"), ("A", "exact", "match")]
    assert story.alerts == []


def test_a_tray_that_fits_takes_the_order_from_one_that_was_only_nearest() -> None:
    """Who comes second may be right; the order is presented all the while and does not flicker."""
    story = station().put(meal()).show(1, NO_FRIES).show(3, NO_FRIES, MEAL)
    assert story.verdicts[-1] == ("", "no_order", "unsure")
    assert story.states("A") == ["presented"]


def test_orders_out_of_turn_find_their_trays() -> None:
    """The kitchen is not a queue: the younger order may be ready first."""
    story = station().put(meal(), other()).show(2, OTHER).show(4).show(2, MEAL).show(1)
    assert story.finals == [("B", "exact", "match"), ("A", "exact", "match")]


def test_a_hard_cut_to_another_tray_ends_one_session_and_starts_the_next() -> None:
    """A swap faster than the camera: two trays, two verdicts, no alert for a mixture."""
    story = station().put(meal(), other()).show(3, MEAL).show(3, OTHER).show(1)
    assert story.finals == [("A", "exact", "match"), ("B", "exact", "match")]
    assert story.alerts == []
    first, _ = story.of(TrayLeft)
    assert first.last_seen_s == pytest.approx(3.0), "it left when the other came, not when that one settled"


def test_a_swap_without_a_gap_is_seen_though_the_slot_is_never_empty() -> None:
    """One tray is pushed out by the next: at every moment something lies there."""
    story = station().put(meal(), other()).show(2, MEAL)
    for step in range(1, 13):
        gone = [d for d in tray("burger", "fries", "cola", x=25.0 * step) if d.box.centre.x < 300]
        come = [d for d in tray("salad", "cake", "soup", y=80, x=-300 + 25.0 * step) if d.box.centre.x > 0]
        story.show(0.1, [*gone, *come])
    story.show(3, tray("salad", "cake", "soup", y=80)).show(1)
    assert story.finals == [("A", "exact", "match"), ("B", "exact", "match")]
    assert story.alerts == []


def test_a_swap_leaves_the_marker_of_the_old_tray_behind() -> None:
    """Else the next tray is judged against the last one's order, and called swapped."""
    story = station().put(meal(), other()).show(3, NO_FRIES, markers={"left": "A"}).show(3, OTHER).show(1)
    assert story.finals == [("A", "marker", "mismatch"), ("B", "exact", "match")]
    assert [a for a in story.alerts if "B" in a or "swapped" in a] == []


def test_two_trays_one_after_the_other_make_one_order() -> None:
    """Contents add up: nothing is missing before the last tray."""
    story = station().put(meal(parts=2)).show(2, tray("burger")).show(4).show(2, tray("", "fries", "cola")).show(1)
    assert story.finals == [("A", "exact", "unsure"), ("A", "exact", "match")]
    assert story.alerts == []
    assert story.states("A")[-1] == "handed_out"


def test_an_order_of_which_a_tray_is_gone_already_does_not_open_again() -> None:
    """A tray that looked like its second part and was not: the first part is out all the same."""
    story = station().put(order("A", "burger", "fries", "salad", parts=2), other()).show(2, tray("burger")).show(4)
    story.show(2, tray("", "", "", "salad")).show(4, OTHER)
    assert story.verdicts[-1] == ("B", "exact", "match")
    assert "A" in {ids for ids, *_ in story.verdicts}
    assert story.states("A") == ["presented"]


def test_what_two_trays_lack_together_is_missing_on_the_last() -> None:
    story = station().put(meal(parts=2)).show(2, tray("burger")).show(4).show(3, tray("", "", "cola"))
    assert story.alerts == ["raised A: fries missing sounds"]


@pytest.mark.parametrize("first_gone", ["left", "right"])
def test_two_trays_of_one_order_may_lie_side_by_side(first_gone: str) -> None:
    """The usual way to hand out an order of two trays; whichever is taken first, it is one order, and whole."""
    story = station().put(meal(parts=2)).show(1, tray("burger")).show(2, tray("burger"), tray("", "fries", "cola"))
    assert story.verdicts[-1] == ("A", "exact", "match")
    if first_gone == "left":
        story.show(2, (), tray("", "fries", "cola"))
    else:
        story.show(2, tray("burger"))
    story.show(1)
    assert story.finals[-1] == ("A", "exact", "match")
    assert story.alerts == []
    assert story.states("A")[-1] == "handed_out"


def test_the_first_tray_of_two_that_comes_back_is_not_counted_twice() -> None:
    """Lifted and put down again within moments: the contents of its order must not double."""
    pair = tray("burger", "salad")
    story = station().put(order("A", "burger", "salad", "fries", parts=2)).show(2, pair).show(1).show(2, pair)
    assert len(story.of(SessionResumed)) == 1
    assert story.alerts == []
    story.show(4).show(2, tray("", "", "fries")).show(1)
    assert story.finals[-1] == ("A", "exact", "match")


def test_a_doubtful_tray_does_not_claim_an_order_of_several_trays() -> None:
    """Faint shapes fit "some part of" any order; that is no exact fit."""
    story = station().put(meal(parts=2), other()).show(2, tray("burger", score=0.36)).show(1)
    assert all(how != "exact" for _, how, _ in story.finals)


def test_one_tray_for_two_orders_when_somebody_says_so() -> None:
    """A family orders twice and shares a tray: the lines of both add up."""
    both = tray("burger", "fries", "cola", "salad", "cake", "soup")
    story = station().put(meal(), other()).show(1, both)
    story.events += story.checker.assign("left", ["A", "B"], story.now_s)
    story.show(2, both).show(1)
    assert story.finals == [("A+B", "assigned", "match")]
    assert story.states("A")[-1] == story.states("B")[-1] == "handed_out"


def test_one_tray_for_two_orders_with_both_tickets_on_it() -> None:
    both = [*MEAL, *OTHER[:2]]
    story = station().put(meal(), other()).show(3, both, markers={"left": "A"}).show(0.2, both, markers={"left": "B"})
    story.show(3, both)
    assert story.verdicts[-1] == ("A+B", "marker", "mismatch")
    assert story.alerts[-1] == "raised A+B: soup missing sounds"


def test_a_tray_without_any_order_is_silent() -> None:
    """Staff meals and cleaning: no order, no alert."""
    story = station().show(3, MEAL).show(1)
    assert story.finals == [("", "no_order", "unsure")]
    assert story.alerts == []


def test_a_tray_that_may_be_either_order_is_amber() -> None:
    """Half of each: to pick one would be a guess, and a false red."""
    story = station().put(meal(), other()).show(3, tray("burger", "salad"))
    assert story.verdicts == [("", "which_order", "unsure")]
    assert story.alerts == []


def test_the_nearest_order_is_named_as_the_nearest() -> None:
    story = station().put(other(), meal()).show(3, NO_FRIES)
    assert story.verdicts == [("A", "nearest", "mismatch")]


def test_what_the_camera_cannot_check_brings_no_order_nearer() -> None:
    """Three unknown wishes beside one burger are not three quarters of a match."""
    wishes = line("burger", modifiers=("no onions", "no salt", "well done"))
    story = station().put(order("A", wishes), other()).show(3, tray("fries"))
    assert story.verdicts == [("", "which_order", "unsure")]


def test_an_order_that_the_camera_cannot_see_takes_no_tray() -> None:
    """A gift card waits for no tray: the tray of the next guest is not wrong for being no gift card."""
    story = station().put(order("A", "gift-card"), order("C")).show(3, MEAL).show(1)
    assert story.finals == [("", "no_order", "unsure")]
    assert story.alerts == []


@pytest.mark.parametrize(("late_s", "judged"), [(9.9, True), (10.0, True), (11.0, False)])
def test_an_order_may_come_ten_seconds_after_its_tray_left(late_s: float, judged: bool) -> None:
    """Tills are slow; a verdict for the books, and no sound for a tray that is gone."""
    story = station().show(2, MEAL).show(late_s - 0.1).put(meal())
    late = [v for v in story.of(VerdictReached) if v.late]
    assert [v.verdict.kind.value for v in late] == (["match"] if judged else [])
    assert story.alerts == []


def test_an_order_that_comes_while_its_tray_is_being_taken_is_judged() -> None:
    """Between the last sight and "gone" lie four frames: an order that comes in them must not fall through."""
    story = station().show(2, MEAL).show(0.2).put(meal()).show(1)
    assert story.finals == [("A", "exact", "match")]


def test_a_late_order_is_not_claimed_by_a_tray_that_was_never_still() -> None:
    """A passing shape fits anything by being unclear; the real tray comes later and needs its order."""
    story = station().show(0.3, MEAL).show(2).put(meal()).show(3, NO_FRIES)
    assert [v.late for v in story.of(VerdictReached)] == [False]
    assert story.alerts == ["raised A: fries missing sounds"]


def test_a_late_order_belongs_to_the_tray_before_the_camera_first() -> None:
    story = station().show(2, MEAL).show(4).show(2, MEAL).put(meal()).show(1, MEAL)
    assert story.verdicts[-1] == ("A", "exact", "match")
    assert not any(v.late for v in story.of(VerdictReached))


def test_an_order_nobody_collects_expires_and_claims_no_tray() -> None:
    """A forgotten order at the head of the queue would make every tray look wrong."""
    story = station().put(meal()).pause(20 * 60).show(0.1)
    assert story.states("A") == []
    story.show(0.2).show(3, NO_FRIES)
    assert story.states("A") == ["expired"]
    assert story.alerts == []


def test_an_expired_order_can_be_reopened() -> None:
    story = station().put(meal()).pause(20 * 60 + 1).show(0.1)
    story.events += story.checker.reopen("A", story.now_s)
    story.show(2, MEAL).show(1)
    assert story.states("A") == ["expired", "open", "presented", "handed_out"]


def test_a_reopened_order_queues_behind_those_that_wait() -> None:
    """Between equals the older one goes first, and what was put back just now is not old."""
    story = station().put(meal("A")).show(2, MEAL).show(4).put(meal("C"))
    story.events += story.checker.reopen("A", story.now_s)
    story.show(2, MEAL).show(1)
    assert story.finals[-1] == ("C", "exact", "match")


@pytest.mark.parametrize(("revision", "opens"), [(1, False), (2, False), (3, True)])
def test_a_refire_opens_a_handed_out_order_only_with_a_higher_revision(revision: int, opens: bool) -> None:
    """Tills send an order again and again; only a new snapshot is a new wish."""
    story = station().put(meal(revision=2)).show(2, MEAL).show(4).put(meal(revision=revision)).show(2, MEAL).show(1)
    assert len(story.of(OrderIgnored)) == (0 if opens else 1)
    assert story.finals[-1] == (("A", "exact", "match") if opens else ("", "no_order", "unsure"))
    assert story.states("A").count("open") == opens


def test_a_refire_of_an_order_that_left_wrong_waits_again() -> None:
    """The till changed it after its tray left wrong: the next tray is judged like that of any open order."""
    story = station().put(meal()).show(2, NO_FRIES).show(4)
    story.put(order("A", "burger", "cola", "salad", "fries", revision=2)).show(3, MEAL)
    assert story.alerts[-1] == "raised A: salad missing sounds"


def test_the_same_order_sent_again_leaves_its_alert_alone() -> None:
    story = station().put(meal()).show(3, NO_FRIES).put(meal()).show(2, NO_FRIES)
    assert story.alerts == ["raised A: fries missing sounds"]


def test_an_order_sent_again_is_not_claimed_by_a_tray_that_left() -> None:
    """It was known when that tray lay there, and was not its order then."""
    story = station().put(meal(), other()).show(2, tray("burger", "salad")).show(2).put(meal())
    assert not any(v.late for v in story.of(VerdictReached))


def test_a_new_revision_that_fits_ends_the_alert_as_superseded() -> None:
    """The order changed, not the tray: nothing was fixed."""
    story = station().put(meal()).show(3, NO_FRIES).put(order("A", "burger", "cola", revision=2)).show(3, NO_FRIES)
    assert story.alerts == ["raised A: fries missing sounds", "resolved superseded"]
    assert story.verdicts[-1] == ("A", "exact", "match")


def test_a_cancel_in_mid_check_ends_the_alert() -> None:
    story = station().put(meal()).show(3, NO_FRIES)
    story.events += story.checker.cancel("A", story.now_s)
    story.show(2, NO_FRIES).show(1)
    assert story.alerts == ["raised A: fries missing sounds", "resolved cancelled"]
    assert story.finals == [("", "no_order", "unsure")]
    assert story.states("A") == ["presented", "cancelled"]


def test_a_cancel_while_the_tray_is_taken_raises_nothing_late() -> None:
    """The tray is on its way out: "left without fries" about an order that is no more is a false alarm."""
    story = station().put(meal()).show(1, NO_FRIES)
    for step in (20, 40, 60):
        story.show(0.1, tray("burger", "", "cola", x=step))
    story.events += story.checker.cancel("A", story.now_s)
    story.show(2)
    assert story.alerts == []


def test_what_is_handed_out_cannot_be_cancelled_nor_a_cancelled_order_bumped() -> None:
    story = station().put(meal(), other()).show(2, MEAL).show(1)
    story.events += story.checker.cancel("A", story.now_s)
    story.events += story.checker.cancel("B", story.now_s)
    story.events += story.checker.ready("B", story.now_s)
    assert story.states("A")[-1] == "handed_out"
    assert story.states("B") == ["cancelled"]


def test_an_id_goes_before_a_number_that_reads_the_same() -> None:
    """Tills show short numbers that come round again: cancelling order 5 must not take back the one shown as 5."""
    story = station().put(meal("5", display_number="77"), other("93", display_number="5"))
    story.events += story.checker.cancel("5", story.now_s)
    story.events += story.checker.cancel("till/93", story.now_s)
    assert story.states("5") == story.states("93") == ["cancelled"]


def test_commands_about_unknown_orders_change_nothing() -> None:
    """Tills cancel what they never sent; screens hold what the box forgot."""
    checker = station().checker
    assert checker.cancel("nobody", 0.0) == checker.ready("nobody", 0.0) == checker.reopen("nobody", 0.0) == ()
    assert checker.assign("nowhere", ["A"], 0.0) == checker.resolve("none", Resolution.FIXED, 0.0) == ()


def test_a_tray_taken_away_and_brought_back_goes_on_with_its_session() -> None:
    """Lifted to wipe the counter: one tray, one check, one order."""
    story = station().put(meal()).show(2, MEAL).show(1).show(2, MEAL).show(5)
    assert len(story.of(SessionStarted)) == 1
    assert len(story.of(SessionResumed)) == 1
    assert story.states("A") == ["presented", "handed_out", "presented", "handed_out"], "told as it happened"
    assert story.finals[-1] == ("A", "exact", "match")


def test_a_tray_put_right_out_of_view_comes_back_as_the_same_tray() -> None:
    story = station().put(meal()).show(3, NO_FRIES).show(1).show(4, MEAL).show(5)
    assert len(story.of(SessionStarted)) == 1
    assert story.finals[-1] == ("A", "exact", "match")
    assert story.states("A")[-1] == "handed_out"


def test_a_tray_that_comes_back_later_than_that_is_found_by_what_lies_on_it() -> None:
    """A wrong tray went back to the kitchen for a minute: its order still waits for the tray that fits."""
    story = station().put(meal(), other()).show(3, NO_FRIES).show(60).show(2, MEAL).show(1)
    assert len(story.of(SessionStarted)) == 2
    assert story.finals[-1] == ("A", "exact", "match")


def test_another_tray_within_the_time_of_return_is_another_tray() -> None:
    story = station().put(meal(), other()).show(2, MEAL).show(1).show(2, OTHER).show(1)
    assert len(story.of(SessionStarted)) == 2
    assert story.finals == [("A", "exact", "match"), ("B", "exact", "match")]


def test_a_hand_that_rests_on_an_item_makes_it_unsure_not_missing() -> None:
    """Resting hands are normal; what lies under them is not gone."""
    story = station().put(meal()).show(2, MEAL).show(4, [*NO_FRIES, seen("hand", 140, 60, size=60)])
    last = story.of(VerdictReached)[-1]
    assert last.verdict.kind.value == "unsure"
    assert {each.reason for each in last.verdict.lines if each.result.value == "unsure"} == {Doubt.COVERED.value}
    assert story.alerts == []


def test_an_arm_from_outside_the_slot_covers_what_it_lies_on() -> None:
    """The middle of an arm lies far from the hand at its end."""
    arm = seen("hand", 290, -120, size=420)
    story = station().put(meal()).show(2, MEAL).show(4, [*tray("burger"), arm])
    assert story.alerts == []


def test_nothing_is_missing_from_a_tray_that_a_hand_was_on_from_the_start() -> None:
    """The fries came under a hand and were never seen: a red would be a guess, until the hand goes."""
    story = station().put(meal()).show(4, [*NO_FRIES, seen("hand", 140, 60, size=150)])
    assert {kind for *_, kind in story.verdicts} == {"unsure"}
    assert story.alerts == []
    story.show(4, NO_FRIES)
    assert story.alerts == ["raised A: fries missing sounds"]


def test_a_hand_over_the_whole_tray_does_not_end_its_session() -> None:
    story = station().put(meal()).show(2, MEAL).show(3, [seen("hand", 140, 60, size=280)]).show(2, MEAL).show(1)
    assert len(story.of(SessionStarted)) == len(story.of(TrayLeft)) == 1
    assert story.finals == [("A", "exact", "match")]


def test_a_bump_restarts_the_window_and_not_the_session() -> None:
    """Somebody knocks against the tray: it has to lie still anew, and it is the same tray."""
    story = station().put(meal()).show(2, MEAL).show(2, tray("burger", "fries", "cola", x=20, y=12)).show(1)
    assert len(story.of(SessionStarted)) == len(story.of(TrayLeft)) == 1
    assert [round(s.still_since_s, 1) for s in story.of(TraySettled)] == [0.1, 2.0]
    assert story.finals == [("A", "exact", "match")]


def test_a_frozen_second_of_the_stream_restarts_the_window() -> None:
    """Nobody knows what happened in it: no verdict from before and after the gap together."""
    story = station().put(meal()).show(0.4, MEAL).pause(1).show(0.5, MEAL)
    assert story.of(TraySettled) == []
    story.show(0.2, MEAL)
    assert story.of(TraySettled)[0].still_since_s == pytest.approx(1.4)


def test_a_slow_stream_settles_too() -> None:
    """A box that manages two frames a second is slow, not frozen; never a verdict would be a silent failure."""
    story = station().put(meal())
    for _ in range(6):
        story.show(0.1, MEAL).pause(0.4)
    assert story.verdicts == [("A", "exact", "match")]


def test_single_false_frames_start_no_session() -> None:
    story = station().put(meal())
    for _ in range(10):
        story.show(0.1, MEAL).show(0.3)
    assert story.of(SessionStarted) == []


def test_a_detector_that_misses_the_tray_for_three_frames_does_not_end_its_session() -> None:
    story = station().put(meal()).show(2, MEAL).show(0.3).show(2, MEAL).show(1)
    assert len(story.of(SessionStarted)) == len(story.of(TrayLeft)) == 1


def test_a_tray_that_never_lies_still_is_amber_for_too_few_frames() -> None:
    """Carried past the camera: it had a tray session, and nothing can be said about it."""
    story = station().put(meal())
    for step in range(12):
        story.show(0.1, tray("burger", "fries", x=10.0 * step))
    story.show(1)
    assert story.finals == [("", "no_order", "unsure")]
    assert story.of(TrayLeft)[0].final.contents.unclear is Doubt.TOO_FEW_FRAMES
    assert story.alerts == []


def test_an_empty_counter_is_never_everything_missing() -> None:
    """The worst scar of all: an empty picture read as a tray without a single item."""
    story = station().put(meal()).show(10).finish()
    assert story.of(VerdictReached) == []
    assert story.alerts == []


def test_flapping_between_red_and_amber_does_not_alert_again() -> None:
    """A hand comes and goes over the wrong tray: one alert, one sound, until it is put right or leaves."""
    story = station().put(meal()).show(3, NO_FRIES)
    for _ in range(4):
        story.show(1, [*tray("burger"), seen("hand", 220, 60, size=60)]).show(2, NO_FRIES)
    assert story.alerts == ["raised A: fries missing sounds"]


def test_an_assembly_station_is_silent_while_the_tray_is_filled() -> None:
    """Every tray lacks something until it is done; an alert for each step would be switched off by noon."""
    story = station(kind=StationKind.ASSEMBLY).put(meal())
    story.show(3, tray("burger")).show(3, tray("burger", "fries")).show(3, MEAL).show(1)
    assert story.alerts == []
    assert story.finals == [("A", "exact", "match")]


def test_an_assembly_station_alerts_when_the_order_is_bumped() -> None:
    """The crew says it is done: now what is missing counts."""
    story = station(kind=StationKind.ASSEMBLY).put(meal()).show(3, NO_FRIES)
    assert story.alerts == []
    story.events += story.checker.ready("A", story.now_s)
    assert story.alerts == ["raised A: fries missing sounds"]


def test_an_assembly_station_alerts_when_nobody_works_on_the_tray_any_more() -> None:
    story = station(kind=StationKind.ASSEMBLY).put(meal()).show(20, NO_FRIES)
    assert story.alerts == []
    story.show(2, NO_FRIES)
    assert story.alerts == ["raised A: fries missing sounds"]


def test_swapped_is_claimed_only_against_a_marker() -> None:
    """The ticket says A, the tray is B's: beyond doubt two trays were swapped."""
    story = station().put(meal(), other()).show(3, OTHER, markers={"left": "A"})
    assert len(story.alerts) == 1
    assert "swapped sounds" in story.alerts[0]


def test_swapped_is_not_claimed_without_marker_or_assignment() -> None:
    story = station().put(meal()).show(3, NO_FRIES)
    assert "swapped" not in story.alerts[0]


def test_in_strict_turn_the_oldest_order_has_the_tray() -> None:
    story = station(association=AssociationRule.STRICT_FIFO).put(other(), meal()).show(3, MEAL)
    assert story.verdicts == [("B", "fifo", "mismatch")]


def test_in_strict_turn_the_second_slot_has_the_second_order() -> None:
    """Else both trays are judged against the head of the queue, and one of them is always wrong."""
    story = station(association=AssociationRule.STRICT_FIFO).put(meal(), other())
    story.show(1, MEAL).show(3, MEAL, OTHER).show(1)
    assert sorted(story.finals) == [("A", "fifo", "match"), ("B", "fifo", "match")]


def test_in_strict_turn_a_tray_put_right_has_its_order_again() -> None:
    story = station(association=AssociationRule.STRICT_FIFO).put(meal(), other())
    story.show(3, NO_FRIES).show(10).show(3, MEAL).show(1)
    assert story.finals[-1] == ("A", "fifo", "match")


def test_with_markers_only_a_tray_without_one_has_no_order() -> None:
    story = station(association=AssociationRule.MARKER_ONLY).put(meal()).show(3, NO_FRIES)
    assert story.verdicts == [("", "which_order", "unsure")]
    story.show(3, NO_FRIES, markers={"left": "A"})
    assert story.alerts == ["raised A: fries missing sounds"]


@pytest.mark.parametrize("answer", [Resolution.SYSTEM_WRONG, Resolution.ACCEPTED])
def test_what_a_person_answered_is_not_raised_again_for_this_tray(answer: Resolution) -> None:
    """The crew looked and said so: to insist is to be switched off. A moment of doubt in between changes nothing."""
    story = station().put(meal()).show(3, NO_FRIES).show(0.8, [*tray("burger"), seen("hand", 220, 60, size=60)])
    alert_id = story.of(AlertRaised)[0].alert.alert_id
    story.events += story.checker.resolve(alert_id, answer, story.now_s)
    story.show(3, NO_FRIES).show(1)
    assert story.alerts == ["raised A: fries missing sounds", f"resolved {answer.value}"]


def test_one_line_twice_is_two_of_it() -> None:
    """A scar: `fries x1` + `fries x1` against two fries raised two false alarms."""
    story = station().put(order("A", "fries", "fries")).show(3, tray("fries", "fries")).show(1)
    assert story.finals == [("A", "exact", "match")]


def test_an_extra_that_resembles_an_ordered_item_is_not_dropped_as_a_duplicate() -> None:
    """A scar: two burgers side by side are two burgers."""
    story = station().put(meal()).show(3, [*MEAL, seen("burger", 80, 75)])
    assert story.alerts == ["raised A: burger extra"]


def test_the_end_of_the_stream_gives_every_tray_its_last_verdict() -> None:
    story = station().put(meal(), other()).show(2, MEAL, OTHER[:2]).finish()
    assert [how for _, how, _ in story.finals] == ["exact", "only"]
    assert story.alerts[-1] == "resolved tray_left"


def test_a_faint_tray_does_not_repeat_its_verdict_every_frame() -> None:
    """A tray of which nothing is likely enough to be possible has one verdict, not ten a second."""
    story = Stream(menu("burger"), policy=Policy(present_score=0.1)).put(order("A", "burger"))
    story.show(5, tray("burger", score=0.15))
    assert len(story.of(VerdictReached)) == 1


def tell_everything() -> Stream:
    story = station().put(meal(), other(), order("C", line("fries", 2)))
    story.show(2, NO_FRIES, OTHER).show(1, MEAL).show(0.2).show(2, MEAL, tray("fries", "fries", "sauce")).show(2)
    story.put(meal("D")).show(1, tray("burger"), MEAL)
    return story.finish()


def test_the_same_story_has_the_same_events() -> None:
    """A replay is evidence only if it can be repeated."""
    assert tell_everything().events == tell_everything().events


def test_a_day_of_trays_leaves_little_behind() -> None:
    """The box runs for months: what it remembers must not grow with what it has seen."""
    story = Stream(MENU)
    for number in range(300):
        story.put(meal(f"{number}")).show(1.4, NO_FRIES).show(0.5).pause(300)
        story.events.clear()
    checker = story.checker
    assert len(checker._orders._entries) <= 24 * 3600 / 300 + 1
    assert len(checker._told) <= 256
    assert len(checker._late._left) <= 16
    assert all(len(watch._ballots) <= 62 and len(watch._window) <= 8 for watch in checker._watches.values())
