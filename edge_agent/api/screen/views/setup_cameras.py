"""A camera as who sets it up sees it: how it does, what to do about light and focus, in words and as two bars."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.spoken import Words, in_words
from edge_agent.domain.camera_advice import CameraAdvice, Focus, Light
from edge_agent.ports import CameraLook

GOOD, LOOK, BAD = "good", "look", "bad"

_LIGHT = {Light.GOOD: GOOD, Light.DIM: LOOK, Light.GLARING: LOOK, Light.DARK: BAD}
_FOCUS = {Focus.SHARP: GOOD, Focus.BARELY: LOOK, Focus.PLAIN: LOOK, Focus.BLURRED: BAD}


@dataclass(frozen=True, slots=True)
class Gauge:
    """One measure: its state (good, look or bad), what to do, and how far it is (0 to 1), where it has a number."""

    name: str
    state: str
    said: str
    share: float | None


@dataclass(frozen=True, slots=True)
class CameraCard:
    """One camera.

    Attributes:
        state: good, look or bad.
        said: how it does, in a sentence with what to do.
        problem: what it says of itself.
    """

    station_id: str
    source: str
    state: str
    said: str
    problem: Words
    size: str
    gauges: tuple[Gauge, ...]


def camera_card(texts: Texts, look: CameraLook) -> CameraCard:
    """The card of one camera."""
    is_online = look.status == "online"
    said = texts("setup_camera.none") if not look.source else texts(f"setup_camera.{look.status}")
    return CameraCard(
        station_id=look.station_id,
        source=look.source,
        state=GOOD if is_online else (BAD if look.status in ("offline", "frozen") or not look.source else LOOK),
        said=said,
        problem=in_words(texts, look.problem),
        size=texts("setup_camera.size", width=look.width_px, height=look.height_px) if look.width_px else "",
        gauges=() if look.advice is None else _gauges(texts, look.advice, look.similarity),
    )


def _gauges(texts: Texts, advice: CameraAdvice, similarity: float | None) -> tuple[Gauge, ...]:
    light = Gauge("light", _LIGHT[advice.light], texts(f"setup_light.{advice.light.value}"), advice.brightness)
    sharpness = None if advice.sharpness is None else min(1.0, advice.sharpness / 2)
    focus = Gauge("focus", _FOCUS[advice.focus], texts(f"setup_focus.{advice.focus.value}"), sharpness)
    if similarity is None:
        return (light, focus)
    state = GOOD if similarity >= 0.5 else LOOK  # noqa: PLR2004  half of the surroundings
    return (light, focus, Gauge("place", state, texts(f"setup_place.{state}"), similarity))
