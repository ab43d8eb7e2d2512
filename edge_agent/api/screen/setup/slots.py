"""`/setup/slots`: the places for trays, drawn on the live picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, back_to, note, role_of, setup_page
from edge_agent.domain.drawing import MOST_CORNERS, MOST_SLOTS, DrawnSlot, drawing_fault
from edge_agent.domain.order import MAX_ID
from edge_agent.domain.said import said_of
from edge_agent.errors import BadInput, Conflict, Unknown
from edge_agent.ports import Choice, StationSetup

MAX_DRAWING = 8_000

StationPath = Annotated[str, Path(min_length=1, max_length=MAX_ID)]
Share = Annotated[float, Field(allow_inf_nan=False)]


class _SlotIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    corners: Annotated[list[tuple[Share, Share]], Field(max_length=64)]


_DRAWING: TypeAdapter[list[_SlotIn]] = TypeAdapter(Annotated[list[_SlotIn], Field(max_length=20)])


@dataclass(frozen=True, slots=True)
class _Page:
    """Makes the page."""

    screen: Screen
    ports: SetupPorts

    def answer(
        self,
        request: Request,
        station: StationSetup,
        slots: Sequence[DrawnSlot],
        *,
        status: int = 200,
        wrong: str = "",
        detail: str = "",
    ) -> Response:
        """The page with a drawing on it, which is not always the one that is saved."""
        stations = self.ports.setup.shown().stations
        taken = [slot.slot_id for each in stations if each.station_id != station.station_id for slot in each.slots]
        return setup_page(
            self.screen,
            request,
            self.ports,
            "setup_slots.html",
            status=status,
            station=station,
            stations=[each.station_id for each in stations],
            drawing=[{"id": slot.slot_id, "corners": slot.corners} for slot in slots],
            taken=taken,
            most={"slots": MOST_SLOTS, "corners": MOST_CORNERS},
            wrong=wrong,
            detail=detail,
        )


def slot_routes(screen: Screen, ports: SetupPorts) -> APIRouter:
    """The page and what is drawn on it."""
    router, page = screen_router(), _Page(screen, ports)

    @router.get("/setup/slots/{station_id}")
    def slots_page(request: Request, station_id: StationPath) -> Response:
        station = _station(ports, station_id)
        return page.answer(request, station, station.slots)

    @router.post("/setup/slots/{station_id}")
    def save_slots(
        request: Request, station_id: StationPath, drawing: Annotated[str, Form(max_length=MAX_DRAWING)] = "[]"
    ) -> Response:
        station, texts = _station(ports, station_id), viewer_of(request).texts
        slots = _drawn(drawing)
        if slots is None:
            return page.answer(request, station, station.slots, status=422, wrong=texts("drawing.unreadable"))
        fault = drawing_fault(slots)
        if fault is not None:
            said = texts(f"drawing.{fault[0].value}", place=fault[1] + 1, most=MOST_SLOTS)
            return page.answer(request, station, slots, status=422, wrong=said)
        try:
            ports.setup.draw(station_id, slots, by=role_of(request))
        except (BadInput, Conflict) as refusal:
            wrong = texts("setup.not_saved")
            return page.answer(request, station, slots, status=422, wrong=wrong, detail=said_of(refusal))
        note(request, "slots were drawn", station_id, len(slots))
        return back_to(f"/setup/slots/{station_id}", saved="slots")

    @router.post("/setup/slots/{station_id}/forget")
    def forget_slots(request: Request, station_id: StationPath) -> Response:
        _station(ports, station_id)
        ports.setup.forget(Choice.SLOTS, station_id)
        note(request, "the slots are as configured again", station_id)
        return back_to(f"/setup/slots/{station_id}", saved="configured")

    return router


def _drawn(text: str) -> list[DrawnSlot] | None:
    """What was drawn; None where it is no drawing."""
    try:
        return [DrawnSlot(slot.id, tuple(slot.corners)) for slot in _DRAWING.validate_json(text)]
    except ValidationError:
        return None


def _station(ports: SetupPorts, station_id: str) -> StationSetup:
    for station in ports.setup.shown().stations:
        if station.station_id == station_id:
            return station
    raise Unknown(f"there is no station {station_id[:80]!r}")
