"""The steps of a first hour: which are done, which are not, and what to say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.spoken import Spoken, day, speak
from edge_agent.checking.trial_mode import ENOUGH_RIGHT, TrialProgress
from edge_agent.domain.access import Role, Token
from edge_agent.domain.camera_advice import Focus, Light
from edge_agent.ports import CameraLook, SetupShown, StationSetup

DONE, LOOK, TODO = "done", "look", "todo"

WHOLE_PICTURE = {(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)}


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One step. `name` is the end of the id `setup_step.…`; `state` is done, look or todo."""

    name: str
    path: str
    state: str
    said: str | Spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the steps are judged by.

    Attributes:
        unknown_skus: how many SKUs the menu does not know.
        progress: how far the trial run is; None where that cannot be told.
        problems: how many things are not well.
    """

    shown: SetupShown
    looks: Sequence[CameraLook]
    unknown_skus: int
    progress: TrialProgress | None
    tokens: Sequence[Token]
    problems: int


def steps_of(texts: Texts, known: Known) -> tuple[SetupStep, ...]:
    """All of them, in their order."""
    return (
        _cameras(texts, known.looks),
        _slots(texts, known.shown.stations),
        _light(texts, known.looks),
        _reference(texts, known.shown.stations),
        _menu(texts, known.unknown_skus),
        _test(texts, known.shown),
        _slider(texts, known.shown),
        _trial_run(texts, known.shown, known.progress),
        _tokens(texts, known.tokens),
        _health(texts, known.problems),
    )


def _cameras(texts: Texts, looks: Sequence[CameraLook]) -> SetupStep:
    answering = sum(look.status not in ("offline", "frozen") for look in looks)
    state = DONE if answering == len(looks) else LOOK
    return SetupStep("cameras", "/setup/cameras", state, texts("setup.cameras", n=answering, all=len(looks)))


def _slots(texts: Texts, stations: Sequence[StationSetup]) -> SetupStep:
    slots = [slot for station in stations for slot in station.slots]
    undrawn = [slot for slot in slots if set(slot.corners) == WHOLE_PICTURE]
    said = texts("setup.slots_whole") if undrawn else texts("setup.slots", n=len(slots))
    return SetupStep("slots", f"/setup/slots/{stations[0].station_id}", TODO if undrawn else DONE, said)


def _light(texts: Texts, looks: Sequence[CameraLook]) -> SetupStep:
    advice = [look.advice for look in looks if look.advice is not None]
    if len(advice) < len(looks):
        return SetupStep("light", "/setup/cameras", LOOK, texts("setup.light_unseen"))
    is_good = all(each.light is Light.GOOD and each.focus in (Focus.SHARP, Focus.PLAIN) for each in advice)
    said = texts("setup.light_good") if is_good else texts("setup.light_look")
    return SetupStep("light", "/setup/cameras", DONE if is_good else LOOK, said)


def _reference(texts: Texts, stations: Sequence[StationSetup]) -> SetupStep:
    missing = [each for each in stations if each.has_camera and not each.has_reference]
    said = texts("setup.reference_none") if missing else texts("setup.reference")
    return SetupStep("reference", "/setup/cameras", TODO if missing else DONE, said)


def _menu(texts: Texts, unknown: int) -> SetupStep:
    said = texts("setup.menu_unknown", n=unknown) if unknown else texts("setup.menu")
    return SetupStep("menu", "/setup/menu", LOOK if unknown else DONE, said)


def _test(texts: Texts, shown: SetupShown) -> SetupStep:
    if shown.tried_at is None:
        return SetupStep("test", "/setup/test", TODO, texts("setup.test_none"))
    return SetupStep("test", "/setup/test", DONE, speak(texts, "setup.test", day=day(shown.tried_at)))


def _slider(texts: Texts, shown: SetupShown) -> SetupStep:
    steps = shown.eagerness
    said = texts("setup.slider_middle")
    if steps:
        said = texts("setup.slider_catches", n=steps) if steps > 0 else texts("setup.slider_alarms", n=-steps)
    return SetupStep("slider", "/setup/slider", DONE, said)


def _trial_run(texts: Texts, shown: SetupShown, progress: TrialProgress | None) -> SetupStep:
    if not shown.shadow:
        return SetupStep("trial_run", "/setup/trial-run", DONE, texts("setup.trial_over"))
    if progress is not None and progress.may_end:
        return SetupStep("trial_run", "/setup/trial-run", LOOK, texts("setup.trial_may_end"))
    right = 0 if progress is None else progress.audited_right
    return SetupStep("trial_run", "/setup/trial-run", TODO, texts("setup.trial", n=right, enough=ENOUGH_RIGHT))


def _tokens(texts: Texts, tokens: Sequence[Token]) -> SetupStep:
    tills = sum(token.role is Role.POS for token in tokens)
    crew = sum(token.role is Role.CREW for token in tokens)
    state = DONE if tills and crew else TODO
    return SetupStep("tokens", "/setup/tokens", state, texts("setup.tokens", tills=tills, tablets=crew))


def _health(texts: Texts, problems: int) -> SetupStep:
    said = texts("setup.health_look", n=problems) if problems else texts("setup.health")
    return SetupStep("health", "/setup/health", LOOK if problems else DONE, said)
