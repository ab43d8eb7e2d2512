"""Boxes of turned things: what labels pictures that a fit turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.training.fit import turned_boxes

ANGLES = st.floats(-180, 180)
SIDES = st.floats(2, 300)
PLACES = st.floats(-500, 500)


def turning(degrees: float, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    angle = np.deg2rad(degrees)
    across, along = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[across, -along, shift[0]], [along, across, shift[1]], [0, 0, 1]])


@given(left=PLACES, top=PLACES, width=SIDES, height=SIDES, degrees=ANGLES, scale=st.floats(0.3, 3), right=PLACES)
def test_a_box_lies_close_around_the_turned_ellipse(
    left: float, top: float, width: float, height: float, degrees: float, scale: float, right: float
) -> None:
    moved = turning(degrees, scale, (right, -right))
    [found] = turned_boxes(np.array([[left, top, left + width, top + height]]), moved)
    around = np.linspace(0, 2 * np.pi, 2000)
    edge = np.stack([left + width / 2 * (1 + np.cos(around)), top + height / 2 * (1 + np.sin(around))])
    points = moved[:2, :2] @ edge + moved[:2, 2:]
    seen = np.concatenate([points.min(axis=1), points.max(axis=1)])
    assert found == pytest.approx(seen, abs=1e-3 * scale * max(width, height))


@given(side=SIDES, degrees=ANGLES)
def test_the_box_of_a_plate_does_not_grow_by_turning(side: float, degrees: float) -> None:
    """A student's boxes are the next one's labels: what grows once grows with every round."""
    [box] = turned_boxes(np.array([[0, 0, side, side]]), turning(degrees))
    assert (box[2] - box[0], box[3] - box[1]) == pytest.approx((side, side))


def test_no_boxes_stay_none_and_numbers_stay_as_wide() -> None:
    assert turned_boxes(np.zeros((0, 4), np.float32), turning(12)).shape == (0, 4)
    assert turned_boxes(np.zeros((3, 4), np.float32), turning(12)).dtype == np.float32
