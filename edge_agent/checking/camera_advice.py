"""Judge a camera's light and focus by the figures of its newest frame, for who sets it up."""

from __future__ import annotations

from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.camera_advice import CameraAdvice, Focus, Light

DIM = 40.0
"""Below this mean grey level a cheap sensor's noise hides fine detail. The counter of the canteen recordings, which is
dark and plain, has 15 to 17 and is checked all the same: it is advice, not a limit."""

GLARING = 0.10
"""From this share of quite white pixels on, a part of the picture holds nothing any more. The canteen recordings, with
white plates and a lamp's shine on cutlery, have at most 0.023."""

BARELY_SHARP = 2.0
"""So many times the limit of sharpness: below, a little grease or heat is enough for `blurred`."""


def advise(figures: FrameFigures, limits: CameraLimits) -> CameraAdvice:
    """The advice on one frame."""
    sharp_from = limits.blurred_sharpness * BARELY_SHARP
    return CameraAdvice(
        light=_light(figures, limits),
        focus=_focus(figures.sharpness, limits.blurred_sharpness),
        brightness=figures.luminance / 255,
        sharpness=None if figures.sharpness is None or not sharp_from else figures.sharpness / sharp_from,
    )


def _light(figures: FrameFigures, limits: CameraLimits) -> Light:
    if figures.luminance < limits.dark_luminance:
        return Light.DARK
    if figures.white >= GLARING:
        return Light.GLARING
    return Light.DIM if figures.luminance < DIM else Light.GOOD


def _focus(sharpness: float | None, limit: float) -> Focus:
    if sharpness is None:
        return Focus.PLAIN
    if sharpness < limit:
        return Focus.BLURRED
    return Focus.BARELY if sharpness < limit * BARELY_SHARP else Focus.SHARP
