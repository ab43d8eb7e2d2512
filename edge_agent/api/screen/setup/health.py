"""`/setup/health`: every part of the box, how it does, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, setup_page
from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.spoken import Words, in_words
from edge_agent.domain.said import placed
from edge_agent.errors import EdgeAgentError, Unknown
from edge_agent.ports import HealthFound

LOOKS = {"ok": "right", "attention": "unsure", "wrong": "wrong"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A finding: its sign, a sentence, and the details."""

    look: str
    said: str
    details: tuple[Words, ...]


def health_routes(screen: Screen, ports: SetupPorts) -> APIRouter:
    """The page, and each part by itself: one that takes long holds no other up."""
    router = screen_router()

    @router.get("/setup/health")
    def health_page(request: Request) -> Response:
        return setup_page(screen, request, ports, "setup_health.html", parts=ports.health.parts())

    @router.get("/setup/health/{part}")
    def look_at_part(request: Request, part: Annotated[str, Path(pattern=r"^[a-z-]{1,40}$")]) -> Response:
        if part not in ports.health.parts():
            raise Unknown("there is no such part")
        try:
            found = ports.health.look(part)
        except EdgeAgentError as refusal:
            found = (HealthFound(what=part, state="wrong", said=placed(refusal)),)
        texts = viewer_of(request).texts
        shown = [_Shown(LOOKS[each.state], _said(texts, each), _details(texts, each)) for each in found]
        return screen.part(request, "setup_part.html", part=part, found=shown, do=_do(texts, part, found))

    return router


def _details(texts: Texts, found: HealthFound) -> tuple[Words, ...]:
    """What belongs to it, and what to do about just that."""
    return tuple(words for words in (in_words(texts, found.said), in_words(texts, found.do)) if words)


def _said(texts: Texts, found: HealthFound) -> str:
    """What was found in the page's language: by its name, or else only how it does."""
    known = f"setup_found.{found.code}"
    return texts(known if known in texts.sentences else f"setup_health.{found.state}")


def _do(texts: Texts, part: str, found: Sequence[HealthFound]) -> str:
    """What to do about a part, in the page's language, if need be about just what was found; empty where it is well."""
    # A configuration may be just as it is meant, and is asked about all the same.
    serious = ("wrong",) if part == "configuration" else ("wrong", "attention")
    acute = [each for each in found if each.state in serious]
    known = [f"setup_do.{name}" for name in (*(each.code for each in acute), part)]
    return next((texts(each) for each in known if each in texts.sentences), "") if acute else ""
