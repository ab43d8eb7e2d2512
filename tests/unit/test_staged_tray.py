"""A test order, a tray that lacks one thing of it, then the whole tray: how far that is, by the real checker."""

from __future__ import annotations

from edge_agent.checking.staged_tray import Step, is_undecided, stageable, staged, staged_order
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import VerdictKind
from tests.builders import Stream, elsewhere, hidden, item, line, menu, order, tray

MENU = menu("plate", "drink", "fries", hidden("toy"), elsewhere("coffee"), item("a", "box"), item("b", "box"))
ITEMS = [each for each in stageable(MENU) if each.sku != "fries"]
ORDER = staged_order("T1", [*ITEMS, *[each for each in stageable(MENU) if each.sku == "fries"]], station="pass")


def test_only_what_the_camera_can_tell_from_all_else_is_staged() -> None:
    assert [each.sku for each in stageable(MENU)] == ["plate", "drink", "fries"]


def test_the_order_is_a_test_of_a_till_of_its_own() -> None:
    assert (ORDER.test, ORDER.source, ORDER.station) == (True, "setup", "pass")
    assert [each.sku for each in ORDER.lines] == ["plate", "drink", "fries"]


def test_a_wrong_tray_then_the_right_one_is_the_whole_trial() -> None:
    stream = Stream(MENU).put(ORDER)
    assert staged(ORDER, stream.of(VerdictReached)).step is Step.WRONG
    stream.show(3.0, tray("plate", "drink"))
    stands = staged(ORDER, stream.of(VerdictReached))
    assert stands.step is Step.RIGHT
    assert stands.wrong_said is not None
    assert [each.sku for each in stands.wrong_said.faults] == ["fries"]
    stream.show(3.0, tray("plate", "drink", "fries"))
    stands = staged(ORDER, stream.of(VerdictReached))
    assert stands.step is Step.DONE
    assert stands.said is not None
    assert stands.said.kind is VerdictKind.MATCH


def test_a_right_tray_alone_proves_nothing() -> None:
    stream = Stream(MENU).put(ORDER).show(3.0, tray("plate", "drink", "fries"))
    assert staged(ORDER, stream.of(VerdictReached)).step is Step.WRONG


def test_a_tray_that_lacks_something_else_is_not_the_one_that_was_staged() -> None:
    stream = Stream(MENU).put(ORDER).show(3.0, tray("plate", "fries"))
    assert staged(ORDER, stream.of(VerdictReached)).step is Step.WRONG


def test_trays_of_other_orders_do_not_count_and_an_undecided_tray_can_be_given_to_the_test() -> None:
    stream = Stream(MENU).put(order("other", line("plate", 3), "drink"), ORDER)
    stream.show(3.0, tray("plate"))
    reached = stream.of(VerdictReached)
    assert staged(ORDER, reached).said is None
    assert is_undecided(reached[-1])
