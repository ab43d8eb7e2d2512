"""How a camera fares, and the few figures of a frame by which that is judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CameraStatus(str, Enum):
    """What people are told of a camera; `docs/cameras.md` says what to do about each."""

    ONLINE = "online"
    OFFLINE = "offline"
    FROZEN = "frozen"
    DARK = "dark"
    BLURRED = "blurred"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFigures:
    """What a small grey copy of one frame says.

    Attributes:
        at_s: when the frame was taken, in stream time.
        source_s: the source's own time of the frame, where it has one.
        luminance: the mean grey level, 0 (black) to 255 (white).
        clipped: the share of pixels that are quite black or quite white, 0 to 1; `white` is that of the white ones.
        sharpness: fine detail as a share of coarse detail; None where the picture is too plain to tell.
        change: the mean difference of grey levels to the frame before; 0 means identical; None for the first frame.
        similarity: the share of the surroundings that look as on the reference picture, 0 to 1; None without one.
    """

    at_s: float
    source_s: float | None = None
    luminance: float = 128.0
    clipped: float = 0.0
    white: float = 0.0
    sharpness: float | None = None
    change: float | None = None
    similarity: float | None = None
