"""`/setup/cameras`: which cameras answer, their light and focus, and the reference picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from edge_agent.api.problems import Problem
from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, Viewer, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, back_to, note, role_of, setup_page, shown_or_none
from edge_agent.api.screen.stream import Streaming, shape_of
from edge_agent.api.screen.views.setup_cameras import camera_card
from edge_agent.domain.order import MAX_ID
from edge_agent.domain.said import said_of
from edge_agent.errors import BadInput, Conflict
from edge_agent.ports import Choice

StationPath = Annotated[str, Path(min_length=1, max_length=MAX_ID)]


@dataclass(frozen=True, slots=True)
class _Page:
    """Makes the page."""

    screen: Screen
    ports: SetupPorts

    def answer(self, request: Request, *, status: int = 200, wrong: str = "", detail: str = "") -> Response:
        """The page as it is now."""
        shown = shown_or_none(self.ports)
        cards = self.regions(viewer_of(request))
        return setup_page(
            self.screen,
            request,
            self.ports,
            "setup_cameras.html",
            status=status,
            stations=() if shown is None else shown.stations,
            regions=cards,
            shape=shape_of(cards),
            wrong=wrong,
            detail=detail,
        )

    def regions(self, viewer: Viewer) -> Mapping[str, str]:
        return {
            f"camera-{look.station_id}": self.screen.fragment(
                viewer, "setup_camera.html", card=camera_card(viewer.texts, look)
            )
            for look in self.ports.cameras.looks()
        }


def camera_routes(screen: Screen, streaming: Streaming, ports: SetupPorts) -> APIRouter:
    """The page, its stream, the whole pictures, and the reference."""
    router, page = screen_router(), _Page(screen, ports)

    @router.get("/setup/cameras")
    def cameras_page(request: Request) -> Response:
        return page.answer(request)

    @router.get("/setup/cameras/events")
    async def camera_events(request: Request) -> Response:
        viewer = viewer_of(request)
        names = [f"camera-{look.station_id}" for look in ports.cameras.looks()]
        return streaming.of(request, lambda: page.regions(viewer), shape=shape_of(names))

    @router.get("/setup/cameras/{station_id}/picture.jpg")
    def read_picture(station_id: StationPath) -> Response:
        """The whole picture, also of what lies outside the slots; it is kept nowhere."""
        picture = ports.cameras.picture(station_id)
        if picture is None:
            raise Problem("no-picture", "the camera gives no picture now")
        return Response(picture.jpeg, media_type="image/jpeg")

    _add_reference(router, page)
    return router


def _add_reference(router: APIRouter, page: _Page) -> None:
    setup = page.ports.setup

    @router.post("/setup/reference/{station_id}")
    def take_reference(request: Request, station_id: StationPath) -> Response:
        texts = viewer_of(request).texts
        if _is_unfit(page.ports, station_id):
            return page.answer(request, status=409, wrong=texts("setup.reference_unfit"))
        try:
            setup.take_reference(station_id, by=role_of(request))
        except (BadInput, Conflict) as refusal:
            return page.answer(request, status=409, wrong=texts("setup.not_saved"), detail=said_of(refusal))
        note(request, "a reference picture was taken", station_id)
        return back_to("/setup/cameras", saved="reference")

    @router.post("/setup/reference/{station_id}/forget")
    def forget_reference(request: Request, station_id: StationPath) -> Response:
        setup.forget(Choice.REFERENCE, station_id)
        note(request, "the reference picture was forgotten", station_id)
        return back_to("/setup/cameras", saved="configured")


def _is_unfit(ports: SetupPorts, station_id: str) -> bool:
    """Whether the picture is too dark or too blurred to be what the pass should look like."""
    look = next((each for each in ports.cameras.looks() if each.station_id == station_id), None)
    return look is not None and look.advice is not None and not look.advice.is_fit
