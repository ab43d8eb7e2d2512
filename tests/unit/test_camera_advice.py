"""Light and focus in one word each."""

from __future__ import annotations

import pytest

from edge_agent.checking.camera_advice import advise
from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.camera_advice import Focus, Light


@pytest.mark.parametrize(
    ("luminance", "white", "light"),
    [
        (7.9, 0.0, Light.DARK),
        (8.0, 0.0, Light.DIM),
        (39.9, 0.0, Light.DIM),
        (40.0, 0.0, Light.GOOD),
        (120.0, 0.099, Light.GOOD),
        (120.0, 0.1, Light.GLARING),
        (5.0, 0.5, Light.DARK),
    ],
)
def test_the_light(luminance: float, white: float, light: Light) -> None:
    assert advise(FrameFigures(at_s=0.0, luminance=luminance, white=white), CameraLimits()).light is light


@pytest.mark.parametrize(
    ("sharpness", "focus", "is_fit"),
    [
        (None, Focus.PLAIN, True),
        (0.059, Focus.BLURRED, False),
        (0.06, Focus.BARELY, True),
        (0.119, Focus.BARELY, True),
        (0.12, Focus.SHARP, True),
    ],
)
def test_the_focus(sharpness: float | None, focus: Focus, is_fit: bool) -> None:
    advice = advise(FrameFigures(at_s=0.0, sharpness=sharpness), CameraLimits())
    assert (advice.focus, advice.is_fit) == (focus, is_fit)


def test_the_bar_is_full_where_it_is_sharp_and_a_limit_of_zero_has_none() -> None:
    assert advise(FrameFigures(at_s=0.0, sharpness=0.12), CameraLimits()).sharpness == 1.0
    assert advise(FrameFigures(at_s=0.0, sharpness=0.12), CameraLimits(blurred_sharpness=0.0)).sharpness is None
