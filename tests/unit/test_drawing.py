"""Slots as somebody draws them: what can be used, and what is wrong with the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.domain.drawing import Corners, DrawingFault, DrawnSlot, drawing_fault
from edge_agent.settings import SlotSettings


def rectangle(left: float, top: float, right: float, bottom: float) -> Corners:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


LEFT, RIGHT = rectangle(0.05, 0.1, 0.45, 0.9), rectangle(0.55, 0.1, 0.95, 0.9)


def drawn(*corners: Corners) -> list[DrawnSlot]:
    return [DrawnSlot(f"slot-{n}", each) for n, each in enumerate(corners)]


def test_slots_side_by_side_can_be_used() -> None:
    assert drawing_fault(drawn(LEFT, RIGHT)) is None
    assert drawing_fault(drawn(rectangle(0, 0, 0.5, 1), rectangle(0.5, 0, 1, 1))) is None


@pytest.mark.parametrize(
    ("slots", "fault"),
    [
        ([], (DrawingFault.NONE_DRAWN, 0)),
        (drawn(*[rectangle(n / 7, 0, (n + 1) / 7, 1) for n in range(7)]), (DrawingFault.TOO_MANY, 6)),
        (drawn(((0, 0), (1, 1))), (DrawingFault.CORNERS, 0)),
        (drawn(tuple((n / 13, 0.5) for n in range(13))), (DrawingFault.CORNERS, 0)),
        (drawn(LEFT, rectangle(0.5, 0, 1.2, 1)), (DrawingFault.OUTSIDE, 1)),
        (drawn(rectangle(0.1, 0.1, 0.15, 0.15)), (DrawingFault.TOO_SMALL, 0)),
        (drawn(((0, 0), (1, 1), (1, 0), (0, 1))), (DrawingFault.CROSSED, 0)),
        (drawn(LEFT, rectangle(0.4, 0.1, 0.8, 0.9)), (DrawingFault.SHARED, 1)),
    ],
)
def test_what_is_wrong_is_said_of_the_first_slot_it_is_wrong_with(
    slots: list[DrawnSlot], fault: tuple[DrawingFault, int]
) -> None:
    assert drawing_fault(slots) == fault


SHARES = st.floats(0, 1).map(lambda share: round(share, 3))


@given(st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=8))
def test_what_can_be_used_can_be_configured(corners: list[tuple[float, float]]) -> None:
    """Nothing that the page takes may keep the agent from starting."""
    if drawing_fault(drawn(tuple(corners))) is None:
        assert SlotSettings(id="slot", polygon=tuple(corners)).polygon == tuple(corners)
