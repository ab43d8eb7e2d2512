"""What a tray of the store may teach: only what a person said, and never more than the order determines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.checking.labels import Label, LabelKind, NoLabel, counts_wanted, label_of
from edge_agent.domain.alert import Resolution
from edge_agent.domain.contents import MOST_OF_A_CLASS, Contents
from edge_agent.domain.events import AlertRaised, AlertResolved, Event, VerdictReached
from edge_agent.domain.matching import VerdictKind, compare
from edge_agent.domain.menu import Menu, MenuItem, ModifierRule, Portion, wanted
from edge_agent.domain.order import Order, OrderLine
from edge_agent.domain.record import Audit, AuditAnswer, Confirmation, Run, StaffRole
from edge_agent.ports import Evidence
from tests.builders import Stream, elsewhere, hidden, item, line, menu, order, presence, tray
from tests.fakes_store import FakeClock, MemoryStore
from tests.unit.test_matching_properties import RICH, RICH_CLASSES, rich_lines

MENU = menu("burger", "fries", "cola", "salad", hidden("toy"))
RIGHT = tray("burger", "fries", "cola")
NO_FRIES = tray("burger", "", "cola")
MEAL = {"burger": 1, "fries": 1, "cola": 1}


def meal(order_id: str = "A", **more: object) -> Order:
    return order(order_id, "burger", "fries", "cola", **more)


class Kitchen:
    """The real checker before a store, with a picture per verdict; people can say something in between."""

    def __init__(self, *orders: Order) -> None:
        self.stream = Stream(MENU)
        self.store = MemoryStore(clock=FakeClock())
        self.run_id = self.store.begin_run(Run())
        self._kept = 0
        self.stream.put(*orders)

    def show(self, seconds: float, *things: object) -> Kitchen:
        self.stream.show(seconds, *things)  # type: ignore[arg-type]
        return self._keep()

    def answer(self, resolution: Resolution) -> Kitchen:
        """The crew answers the last alert."""
        alert_id = self.stream.of(AlertRaised)[-1].alert.alert_id
        answered = self.stream.checker.resolve(alert_id, resolution, self.stream.now_s)
        assert answered, "there is no open alert to answer"
        self.stream.events += answered
        return self._keep()

    def confirm(self) -> Kitchen:
        """The crew says of the tray as it was judged last that it is right."""
        check = self.store.checks(limit=1)[0]
        said = Confirmation(
            run_id=self.run_id,
            session_id=check.reached.session_id,
            check_id=check.check_id,
            role=StaffRole.CREW,
        )
        self.store.confirm(said)
        return self

    def audit(self, answer: AuditAnswer = AuditAnswer.TOLD, /, **contents: int) -> Kitchen:
        """Somebody looks at the last picture, blind."""
        session_id = self.store.sessions(limit=1)[0].session_id
        self.store.audit(
            Audit(run_id=self.run_id, session_id=session_id, role=StaffRole.MANAGER, answer=answer, contents=contents)
        )
        return self

    def leave(self) -> Kitchen:
        return self.show(6)

    def label(self, of: Menu = MENU) -> Label | NoLabel:
        """The label of the only tray."""
        (session,) = self.store.sessions()
        return label_of(session, self.store.judged([check.check_id for check in session.checks]), of)

    @property
    def verdicts(self) -> list[VerdictKind]:
        return [check.reached.verdict.kind for check in reversed(self.store.checks())]

    def _keep(self) -> Kitchen:
        for event in self.stream.events[self._kept :]:
            self.store.commit(self.run_id, [event], evidence=_picture(event))
        self._kept = len(self.stream.events)
        return self


def _picture(event: Event) -> list[Evidence]:
    if not isinstance(event, VerdictReached) or event.late:
        return []
    return [Evidence(session_id=event.session_id, at_s=event.at_s, jpeg=event.verdict.kind.value.encode())]


def shown(kitchen: Kitchen, label: Label | NoLabel) -> list[str]:
    """What the checker said when each of the label's pictures was taken."""
    assert isinstance(label, Label), label
    return [kitchen.store.pictures[name].decode() for name in label.pictures]


def kind(label: Label | NoLabel) -> LabelKind:
    assert isinstance(label, Label), label
    return label.kind


def test_a_match_that_only_the_system_declared_is_no_label() -> None:
    """Learning from its own verdicts, a model learns its own mistakes."""
    assert Kitchen(meal()).show(3, RIGHT).leave().label() is NoLabel.SYSTEM_ONLY


def test_a_match_that_the_crew_confirmed_is_what_its_order_wants() -> None:
    kitchen = Kitchen(meal()).show(3, RIGHT).confirm().leave()
    label = kitchen.label()
    assert (kind(label), shown(kitchen, label)) == (LabelKind.CONFIRMED, ["match"])
    assert isinstance(label, Label)
    assert (label.contents, label.orders, label.hard) == (MEAL, (meal(),), False)


def test_a_tray_that_still_lies_there_has_no_label_yet() -> None:
    assert Kitchen(meal()).show(3, RIGHT).confirm().label() is NoLabel.NOT_GONE


def test_a_confirmed_tray_that_was_changed_afterwards_shows_what_it_was_before() -> None:
    """The picture of a tray from which something was taken must not be learned as complete."""
    kitchen = Kitchen(meal()).show(3, RIGHT).confirm().show(0.5, NO_FRIES).show(3, RIGHT).leave()
    label = kitchen.label()
    assert set(shown(kitchen, label)) == {"match"}


def test_an_alert_after_the_confirmation_takes_it_back() -> None:
    kitchen = Kitchen(meal()).show(3, RIGHT).confirm().show(4, NO_FRIES).leave()
    assert kitchen.stream.of(AlertRaised)
    assert kitchen.label() is NoLabel.UNANSWERED


def test_an_alert_that_nobody_answered_is_no_label() -> None:
    assert Kitchen(meal()).show(3, NO_FRIES).leave().label() is NoLabel.UNANSWERED


def test_where_the_system_was_wrong_the_order_is_the_label_and_a_hard_one() -> None:
    kitchen = Kitchen(meal()).show(3, NO_FRIES).answer(Resolution.SYSTEM_WRONG).show(1, NO_FRIES).leave()
    label = kitchen.label()
    assert isinstance(label, Label)
    assert (label.kind, label.contents, label.hard) == (LabelKind.SYSTEM_WRONG, MEAL, True)
    assert set(shown(kitchen, label)) == {"mismatch"}


def test_a_system_wrong_about_an_order_that_was_only_guessed_says_nothing_of_the_contents() -> None:
    """It may have been another order."""
    kitchen = Kitchen(meal(), order("B", "salad", "salad", "salad"))
    kitchen.show(3, NO_FRIES)
    assert [each[1] for each in kitchen.stream.verdicts][-1] == "nearest"
    assert kitchen.answer(Resolution.SYSTEM_WRONG).leave().label() is NoLabel.ORDER_GUESSED


def test_an_accepted_tray_is_what_its_order_wants_but_no_hard_example() -> None:
    label = Kitchen(meal()).show(3, NO_FRIES).answer(Resolution.ACCEPTED).leave().label()
    assert isinstance(label, Label)
    assert (label.kind, label.contents, label.hard) == (LabelKind.ACCEPTED, MEAL, False)


def test_after_a_fix_only_pictures_from_then_on_show_what_the_order_wants() -> None:
    kitchen = Kitchen(meal()).show(3, NO_FRIES).answer(Resolution.FIXED).show(3, RIGHT).leave()
    assert kitchen.verdicts[0] is VerdictKind.MISMATCH
    label = kitchen.label()
    assert isinstance(label, Label)
    assert (label.kind, label.contents) == (LabelKind.FIXED, MEAL)
    assert set(shown(kitchen, label)) == {"match"}


def test_a_fix_that_no_check_followed_is_no_label() -> None:
    kitchen = Kitchen(meal()).show(3, NO_FRIES).answer(Resolution.FIXED).leave()
    assert kitchen.label() is NoLabel.UNANSWERED, "the tray was still wrong, so it was told once more"
    (session,) = kitchen.store.sessions()
    only_answered = replace(session, alerts=session.alerts[:1])
    assert label_of(only_answered, kitchen.store.judged([1]), MENU) is NoLabel.NOT_SEEN_PUT_RIGHT


def test_a_fix_that_only_the_system_saw_is_no_label() -> None:
    """The checker ends an alert by itself when it sees the tray put right; nobody has said that it is."""
    kitchen = Kitchen(meal()).show(3, NO_FRIES).show(4, RIGHT).leave()
    assert [e.resolution for e in kitchen.stream.of(AlertResolved)] == [Resolution.FIXED]
    assert kitchen.label() is NoLabel.SYSTEM_ONLY


def test_a_fix_that_the_system_saw_and_the_crew_confirmed_is_a_label() -> None:
    kitchen = Kitchen(meal()).show(3, NO_FRIES).show(4, RIGHT).confirm().leave()
    label = kitchen.label()
    assert (kind(label), set(shown(kitchen, label))) == (LabelKind.CONFIRMED, {"match"})


def test_a_fix_told_in_another_run_says_nothing_about_the_times_of_this_one() -> None:
    """Stream time begins anew with every run, so "after" means nothing across them."""
    kitchen = Kitchen(meal()).show(3, NO_FRIES).answer(Resolution.FIXED).show(3, RIGHT).leave()
    (session,) = kitchen.store.sessions()
    elsewhere_answered = replace(session, alerts=tuple(replace(each, resolved_run=99) for each in session.alerts))
    judged = kitchen.store.judged([check.check_id for check in session.checks])
    assert isinstance(label_of(session, judged, MENU), Label)
    assert label_of(elsewhere_answered, judged, MENU) is NoLabel.NOT_SEEN_PUT_RIGHT


def test_an_audit_goes_before_what_was_said_at_the_pass() -> None:
    kitchen = Kitchen(meal()).show(3, NO_FRIES).answer(Resolution.SYSTEM_WRONG).leave()
    label = kitchen.audit(burger=1, cola=1, fries=0).label()
    assert isinstance(label, Label)
    assert (label.kind, label.contents, label.orders) == (LabelKind.AUDITED, {"burger": 1, "cola": 1}, (meal(),))


def test_the_last_audit_counts_and_a_skipped_one_says_nothing() -> None:
    kitchen = Kitchen(meal()).show(3, RIGHT).leave().audit(burger=2).audit(burger=1, fries=1).audit(AuditAnswer.SKIPPED)
    label = kitchen.label()
    assert isinstance(label, Label)
    assert label.contents == {"burger": 1, "fries": 1}


def test_what_the_auditor_could_not_tell_is_no_label_whatever_the_crew_said() -> None:
    """A picture on which a person cannot tell is a poor teacher."""
    kitchen = Kitchen(meal()).show(3, RIGHT).confirm().leave().audit(AuditAnswer.CANNOT_TELL)
    assert kitchen.label() is NoLabel.CANNOT_TELL


def test_an_audit_needs_no_order_and_no_end() -> None:
    kitchen = Kitchen().show(3, RIGHT).audit(burger=1, fries=1, cola=1)
    label = kitchen.label()
    assert isinstance(label, Label)
    assert (label.contents, label.orders) == (MEAL, ())


@pytest.mark.parametrize(
    ("of", "told", "contents"),
    [
        (menu(item("cheeseburger", "burger"), "fries"), {"cheeseburger": 1, "burger": 1}, {"burger": 2}),
        (menu("burger", hidden("toy")), {"burger": 1, "toy": 3}, {"burger": 1}),
        (menu("burger", presence("sauce")), {"burger": 1, "sauce": 3}, {"burger": 1, "sauce": 3}),
        (menu("burger"), {}, {}),
        (menu("burger"), {"burger": 1, "umbrella": 0}, {"burger": 1}),
        (menu("burger"), {"burger": 1, "umbrella": 1}, NoLabel.AUDIT_NOT_ON_MENU),
        (menu("a", "b", MenuItem(sku="a or b", any_of=("a", "b"))), {"a or b": 1}, NoLabel.AUDIT_NOT_ON_MENU),
        (menu("a", MenuItem(sku="box", contains=(Portion(sku="a"),))), {"box": 1}, NoLabel.AUDIT_NOT_ON_MENU),
    ],
)
def test_an_auditor_counts_by_class_or_by_sku(
    of: Menu, told: dict[str, int], contents: dict[str, int] | NoLabel
) -> None:
    label = Kitchen(meal()).show(3, RIGHT).leave().audit(**told).label(of)
    assert (label.contents if isinstance(label, Label) else label) == contents


@pytest.mark.parametrize("said", ["confirm", "audit"])
def test_test_orders_never_teach(said: str) -> None:
    kitchen = Kitchen(meal(test=True)).show(3, RIGHT)
    (kitchen.confirm() if said == "confirm" else kitchen.audit(burger=1)).leave()
    assert kitchen.label() is NoLabel.TEST_ORDER


def test_one_tray_of_several_is_not_what_the_order_wants() -> None:
    kitchen = Kitchen(meal(parts=2)).show(3, NO_FRIES).confirm().leave()
    assert kitchen.label() is NoLabel.PART_OF_ORDER


def test_a_tray_of_nobody_that_is_confirmed_has_no_contents_to_learn() -> None:
    assert Kitchen().show(3, RIGHT).confirm().leave().label() is NoLabel.NO_ORDER


def test_a_picture_that_expired_teaches_nothing() -> None:
    kitchen = Kitchen(meal()).show(3, RIGHT).confirm().leave()
    (session,) = kitchen.store.sessions()
    bare = replace(session, checks=tuple(replace(check, pictures=()) for check in session.checks))
    assert label_of(bare, kitchen.store.judged([1]), MENU) is NoLabel.NO_PICTURE


def test_a_revision_that_came_after_the_confirmation_changes_what_later_pictures_show() -> None:
    kitchen = Kitchen(meal()).show(3, RIGHT).confirm()
    kitchen.stream.put(meal(revision=2, notes="quickly"))
    label = kitchen.show(1, RIGHT).leave().label()
    assert isinstance(label, Label)
    assert label.orders == (meal(),)
    assert len(label.pictures) == 1


COUNTED = menu(
    item("cheeseburger", "burger"),
    item("hamburger", "burger"),
    "fries",
    hidden("toy"),
    hidden("napkin", "napkin"),
    presence("sauce"),
    elsewhere("cola"),
    MenuItem(sku="any burger", any_of=("cheeseburger", "hamburger")),
    MenuItem(sku="side", any_of=("fries", "cheeseburger")),
    MenuItem(sku="meal", contains=(Portion(sku="hamburger"), Portion(sku="fries"))),
    modifiers=[ModifierRule(name="no fries", removes="fries"), ModifierRule(name="extra fries", adds="fries")],
)


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        (["cheeseburger", "hamburger"], {"burger": 2}),
        (["any burger", "toy"], {"burger": 1}),
        ([line("meal", 2)], {"burger": 2, "fries": 2}),
        ([line("meal", modifiers=("no fries", "not too hot"))], {"burger": 1}),
        ([line("meal", modifiers=("extra fries",))], {"burger": 1, "fries": 2}),
        (["fries", line("hamburger", 5, voided=True)], {"fries": 1}),
        (["fries", line("umbrella", voided=True)], {"fries": 1}),
        (["fries", "umbrella"], NoLabel.UNKNOWN_SKU),
        (["fries", "napkin"], NoLabel.HIDDEN),
        (["fries", "sauce"], NoLabel.NOT_COUNTED),
        (["fries", "cola"], NoLabel.ELSEWHERE),
        (["fries", "side"], NoLabel.CHOICE),
        (["toy"], NoLabel.NOTHING_VISIBLE),
        ([line("fries", voided=True)], NoLabel.NOTHING_VISIBLE),
    ],
)
def test_an_order_gives_counts_where_it_determines_every_class(
    lines: list[OrderLine | str], counts: dict[str, int] | NoLabel
) -> None:
    assert counts_wanted(COUNTED, [order("A", *lines)]) == counts


def test_an_order_of_more_than_any_tray_can_hold_teaches_nothing() -> None:
    """A number that the format of trays refuses would spoil the whole folder."""
    huge = order("A", line("burger", MOST_OF_A_CLASS + 1))
    kitchen = Kitchen(huge).show(3, RIGHT)
    (session,) = kitchen.confirm().leave().store.sessions()
    checks = tuple(
        replace(check, reached=replace(check.reached, orders=(huge.key,)), check_id=1) for check in session.checks[:1]
    )
    assert label_of(replace(session, checks=checks), {1: (huge,)}, MENU) is NoLabel.TOO_MANY


few = settings(max_examples=60)


@few
@given(rich_lines)
def test_a_tray_with_those_counts_matches_its_order_and_no_other_tray_does(lines: list[OrderLine]) -> None:
    """Determined means: one piece more or less of anything, and it is not this order."""
    asked = order("A", *lines)
    counts = counts_wanted(RICH, [asked])
    if isinstance(counts, NoLabel):
        return
    wants = wanted(RICH, asked)
    assert compare(RICH, wants, Contents.of(counts)).kind is VerdictKind.MATCH
    for name in RICH_CLASSES:
        for step in (-1, 1):
            changed = {**counts, name: counts.get(name, 0) + step}
            if changed[name] >= 0:
                assert compare(RICH, wants, Contents.of(changed)).kind is VerdictKind.MISMATCH


@few
@given(rich_lines, rich_lines)
def test_orders_on_one_tray_add_up(one: list[OrderLine], two: list[OrderLine]) -> None:
    first, second = order("A", *one), order("B", *two)
    apart = [counts_wanted(RICH, [first]), counts_wanted(RICH, [second])]
    together = counts_wanted(RICH, [first, second])
    assert together == counts_wanted(RICH, [second, first]) or isinstance(together, NoLabel)
    known = [each for each in apart if not isinstance(each, NoLabel)]
    if len(known) == len(apart):
        assert together == dict(sum(map(Counter, known), Counter[str]()))
    if any(each in (NoLabel.UNKNOWN_SKU, NoLabel.HIDDEN, NoLabel.NOT_COUNTED, NoLabel.CHOICE) for each in apart):
        assert isinstance(together, NoLabel), "what one order leaves open another cannot close"


@few
@given(rich_lines, st.integers(0, 6), st.sampled_from(("a", "p", "unknown", "combo")))
def test_a_voided_line_changes_nothing(lines: list[OrderLine], place: int, sku: str) -> None:
    voided = [*lines[:place], line(sku, 3, voided=True), *lines[place:]]
    assert counts_wanted(RICH, [order("A", *voided)]) == counts_wanted(RICH, [order("A", *lines)])


said = st.sampled_from(["confirm", "fixed", "system_wrong", "accepted", "nothing"])
steps = st.lists(st.tuples(st.sampled_from([RIGHT, NO_FRIES, tray("burger")]), said), min_size=1, max_size=3)


@settings(max_examples=12)
@given(steps)
def test_without_a_person_there_is_no_label_and_pictures_are_the_trays_own(story: list[tuple[object, str]]) -> None:
    kitchen, heard = Kitchen(meal()), []
    for things, words in story:
        kitchen.show(3, things)
        is_open = bool(kitchen.store.alerts(open_only=True))
        if words == "confirm":
            kitchen.confirm()
        elif is_open and words != "nothing":
            kitchen.answer(Resolution(words))
        else:
            continue
        heard.append(words)
    label = kitchen.leave().label()
    if not heard:
        assert isinstance(label, NoLabel)
    if isinstance(label, Label):
        assert label.contents == MEAL
        assert label.pictures == tuple(sorted(set(label.pictures), key=lambda name: int(name.split(".")[0])))
        assert set(label.pictures) <= set(kitchen.store.pictures)
