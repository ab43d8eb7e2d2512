"""Which order is this tray? Every rule, and what goes before what."""

from __future__ import annotations

import pytest

from edge_agent.domain.association import Association, AssociationRule, Candidate, associate, is_near
from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.matching import VerdictKind, compare
from edge_agent.domain.menu import wanted
from edge_agent.domain.order import Order
from tests.builders import contents, elsewhere, hidden, line, menu, order

MENU = menu("a", "b", "c", "d", "e", "f", hidden("toy"), elsewhere("cola"))
ABC, DEF = order("ABC", "a", "b", "c"), order("DEF", "d", "e", "f")


def found(saw: Contents, *orders: Order | Candidate, **more: object) -> tuple[str, str, str]:
    """The order's id, how it was found, and the verdict."""
    waiting = [each if isinstance(each, Candidate) else Candidate(order=each) for each in orders]
    result = associate(MENU, saw, waiting, **more)  # type: ignore[arg-type]
    return "+".join(key.order_id for key in result.keys), result.how.value, result.verdict.kind.value


@pytest.mark.parametrize(
    ("saw", "orders", "expected"),
    [
        (contents(a=1, b=1, c=1), (DEF, ABC), ("ABC", "exact", "match")),
        (contents(a=1, b=1), (ABC,), ("ABC", "only", "mismatch")),
        (contents(a=1, b=1), (DEF, ABC), ("ABC", "nearest", "mismatch")),
        (contents(a=1), (DEF, ABC), ("", "which_order", "unsure")),
        (contents(a=1), (), ("", "no_order", "unsure")),
        (contents(a=1, b=1, c=(0, 1)), (DEF, ABC), ("ABC", "nearest", "unsure")),
        (contents(Doubt.NOTHING_SEEN), (ABC,), ("ABC", "only", "unsure")),
        (contents(a=1, b=1, c=1), (order("old", "a", "b", "c"), ABC), ("old", "exact", "match")),
        (contents(a=1, b=1), (order("old", "a", "b", "d"), ABC), ("old", "nearest", "mismatch")),
        (contents(a=1, b=1), (order("toy", "toy"), ABC), ("ABC", "only", "mismatch")),
        (contents(a=1), (order("two", "a", "b"),), ("two", "only", "mismatch")),
        (contents(a=1), (ABC,), ("", "which_order", "unsure")),
        (contents(d=1), (order("one", "a"),), ("", "which_order", "unsure")),
        (contents(a=1), (order("toy", "toy"), order("none"), order("cola", "cola")), ("", "no_order", "unsure")),
    ],
)
def test_the_first_rule_that_applies_decides(
    saw: Contents, orders: tuple[Order, ...], expected: tuple[str, str, str]
) -> None:
    assert found(saw, *orders) == expected


@pytest.mark.parametrize(("wanted_pieces", "near"), [(2, False), (3, True), (4, True)])
def test_at_most_a_third_may_differ(wanted_pieces: int, near: bool) -> None:
    lines = ("a", "b", "c", "d")[:wanted_pieces]
    saw = contents(**dict.fromkeys(lines[1:], 1))
    assert is_near(compare(MENU, wanted(MENU, order("A", *lines)), saw)) is near


def test_what_is_told_goes_before_what_fits() -> None:
    """The ticket says DEF, the tray is ABC: that is a wrong tray, not another order."""
    told = [Candidate(order=DEF)]
    saw = contents(a=1, b=1, c=1)
    assert found(saw, ABC, DEF, told=told, told_by=Association.MARKER) == ("DEF", "marker", "mismatch")
    assert Association.MARKER.is_told
    assert not Association.EXACT.is_told


def test_the_order_of_a_moment_ago_is_preferred_among_equals_only() -> None:
    twins = (order("old", "a", "b", "c"), ABC)
    assert found(contents(a=1, b=1, c=1), *twins, current=ABC.key)[0] == "ABC"
    assert found(contents(a=1, b=1), *twins, current=ABC.key)[0] == "ABC"
    assert found(contents(a=1, b=1, d=1), order("ABD", "a", "b", "d"), ABC, current=ABC.key)[0] == "ABD"


def test_an_order_presented_before_is_taken_up_only_by_a_tray_that_fits() -> None:
    presented = Candidate(order=ABC, only_exactly=True)
    assert found(contents(a=1, b=1, c=1), presented) == ("ABC", "exact", "match")
    assert found(contents(a=1, b=1), presented) == ("", "no_order", "unsure")


def test_parts_add_up() -> None:
    pair = order("P", "a", "b", "c", parts=2)
    assert found(contents(a=1), DEF, pair) == ("P", "exact", "unsure")
    second = Candidate(order=pair, before=contents(a=1), parts_before=1)
    assert found(contents(b=1, c=1), DEF, second) == ("P", "exact", "match")
    assert found(contents(b=1), second) == ("P", "only", "mismatch")


PERHAPS_TWO = Contents((ClassCount(class_name="a", surely=1, likely=2, possibly=2),))


@pytest.mark.parametrize(
    "saw",
    [contents(), contents(a=(0, 1)), contents(a=1, d=(0, 1)), contents(a=2), contents(x=1), PERHAPS_TWO],
)
def test_a_part_is_claimed_only_by_what_surely_belongs_to_it(saw: Contents) -> None:
    """An exact claim keeps the order from other trays: nothing, faint things and strange things are not exact."""
    assert found(saw, DEF, order("P", "a", "b", "c", parts=2))[1] != "exact"


FIFO = AssociationRule.STRICT_FIFO


def test_strict_turn() -> None:
    saw = contents(d=1, e=1, f=1)
    put_right = Candidate(order=DEF, only_exactly=True)
    assert found(saw, ABC, DEF, rule=FIFO) == ("ABC", "fifo", "mismatch")
    assert found(saw, put_right, ABC, rule=FIFO) == ("DEF", "fifo", "match")
    assert found(contents(d=1), put_right, ABC, rule=FIFO) == ("ABC", "fifo", "mismatch")
    assert found(saw, order("toy", "toy"), DEF, rule=FIFO) == ("DEF", "fifo", "match")
    assert found(saw, rule=FIFO) == ("", "no_order", "unsure")


def test_an_allergy_is_said_with_the_verdict() -> None:
    asked = order("A", line("a"), notes="nut allergy!")
    assert associate(MENU, contents(a=1), [Candidate(order=asked)]).verdict.allergy
    assert not associate(MENU, contents(a=1), [Candidate(order=order("A", "a"))]).verdict.allergy
    assert associate(MENU, contents(a=1), [Candidate(order=asked)]).verdict.kind is VerdictKind.MATCH


def test_of_orders_that_fit_the_one_that_still_waits_goes_first() -> None:
    """Else the open twin of an order that was judged late stays behind, and turns the next tray red."""
    judged_late = Candidate(order=order("late", "a", "b"), only_exactly=True)
    assert found(contents(a=1, b=1), judged_late, order("twin", "a", "b")) == ("twin", "exact", "match")
    assert found(contents(a=1, b=1), judged_late) == ("late", "exact", "match")


def test_more_doubt_about_the_contents_makes_no_guess_red() -> None:
    """With c surely missing too the tray fits nobody; were doubt about c enough to name ABC, doubt made the red."""
    assert found(contents(a=1), DEF, ABC) == ("", "which_order", "unsure")
    assert found(contents(a=1, c=(0, 1)), DEF, ABC) == ("", "which_order", "unsure")
