"""What there is to say of a camera's light and focus, in one word each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Light(str, Enum):
    """What there is to say of the light."""

    GOOD = "good"
    DIM = "dim"
    DARK = "dark"
    GLARING = "glaring"


class Focus(str, Enum):
    """What there is to say of the focus; `PLAIN`: the picture shows too little to tell."""

    SHARP = "sharp"
    BARELY = "barely"
    BLURRED = "blurred"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraAdvice:
    """Light and focus of a camera, each in one word.

    Attributes:
        sharpness: the measured one as a share of what is `SHARP` from 1 on; None where it cannot be told.
        brightness: the mean grey level as a share of white, 0 to 1.
    """

    light: Light
    focus: Focus
    brightness: float
    sharpness: float | None

    @property
    def is_fit(self) -> bool:
        """Whether a reference picture may be taken, and trays be judged."""
        return self.light is not Light.DARK and self.focus is not Focus.BLURRED
