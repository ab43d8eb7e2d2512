"""`/setup/test`: a test order, a tray that lacks one thing of it on purpose, then the whole tray."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, Viewer, viewer_of
from edge_agent.api.screen.setup.common import SetupPorts, back_to, note, role_of, setup_page
from edge_agent.api.screen.stream import Streaming, shape_of
from edge_agent.api.screen.views.setup_staging import staging_view
from edge_agent.checking.staged_tray import FEWEST, MOST, SOURCE, Staged, Step, stageable, staged, staged_order
from edge_agent.domain.order import MAX_ID, Order, OrderKey
from edge_agent.errors import Conflict, Unknown

MOST_VERDICTS = 200

NumberText = Annotated[str, Query(max_length=MAX_ID)]
NumberForm = Annotated[str, Form(min_length=1, max_length=MAX_ID)]


@dataclass(frozen=True, slots=True)
class _Page:
    """Makes the page."""

    screen: Screen
    ports: SetupPorts

    def answer(self, request: Request, order: Order | None, *, status: int = 200, wrong: str = "") -> Response:
        """The page of one test order; without one, that on which a test begins."""
        return setup_page(
            self.screen,
            request,
            self.ports,
            "setup_test.html",
            status=status,
            order=order,
            regions={} if order is None else self.regions(viewer_of(request), order),
            shape=shape_of(["staging"]),
            stream="" if order is None else f"/setup/test/events?{_asked(order.key)}",
            items=stageable(self.ports.in_use.menu()),
            stations=[each.station_id for each in self.ports.stations.statuses()],
            fewest=FEWEST,
            most=MOST,
            wrong=wrong,
        )

    def regions(self, viewer: Viewer, order: Order) -> Mapping[str, str]:
        view = staging_view(viewer.texts, order, self.stands(order), self.ports.stations.statuses())
        return {"staging": self.screen.fragment(viewer, "setup_staging.html", shown=view, order=order)}

    def stands(self, order: Order) -> Staged:
        """How far the test is. Raises StoreError."""
        checks = self.ports.history.checks(order=order.key, limit=MOST_VERDICTS)
        return staged(order, [check.reached for check in reversed(checks)])

    def order(self, order_id: str, day: str) -> Order:
        """The test order. Raises Unknown."""
        stored = self.ports.history.order(OrderKey(SOURCE, day, order_id))
        if stored is None or stored.order is None:
            raise Unknown("there is no such test order")
        return stored.order


def staging_routes(screen: Screen, streaming: Streaming, ports: SetupPorts) -> APIRouter:
    """The page, its stream, and its three buttons."""
    router, page = screen_router(), _Page(screen, ports)

    @router.get("/setup/test")
    def test_page(request: Request, order: NumberText = "", day: NumberText = "") -> Response:
        return page.answer(request, page.order(order, day) if order else None)

    @router.get("/setup/test/events")
    async def test_events(request: Request, order: NumberText = "", day: NumberText = "") -> Response:
        viewer = viewer_of(request)

        def shown() -> Mapping[str, str]:
            try:
                return page.regions(viewer, page.order(order, day))
            except Unknown:
                return {}

        return streaming.of(request, shown, shape=shape_of(["staging"]))

    _add_beginning(router, page)
    _add_end(router, page)
    return router


def _add_beginning(router: APIRouter, page: _Page) -> None:
    ports = page.ports

    @router.post("/setup/test")
    def begin_test(
        request: Request,
        sku: Annotated[list[str] | None, Form(max_length=50)] = None,
        station: Annotated[str, Form(max_length=MAX_ID)] = "",
    ) -> Response:
        items = [item for item in stageable(ports.in_use.menu()) if item.sku in (sku or ())]
        known = station in {each.station_id for each in ports.stations.statuses()}
        if not FEWEST <= len(items) <= MOST or not known:
            wrong = viewer_of(request).texts("setup_test.choose", fewest=FEWEST, most=MOST)
            return page.answer(request, None, status=422, wrong=wrong)
        put = ports.orders.put(staged_order(f"T{ports.clock.now_utc():%H%M%S}", items, station=station))
        note(request, "a test order was sent", put.key)
        return RedirectResponse(f"/setup/test?{_asked(put.key)}", status_code=303)

    @router.post("/setup/test/assign")
    def assign_tray(
        request: Request, order: NumberForm, day: NumberForm, station: NumberForm, slot: NumberForm
    ) -> Response:
        key = OrderKey(SOURCE, day, order)
        ports.orders.assign(station=station, slot=slot, named=[key])
        note(request, "a tray was said to be the test order's", slot)
        return RedirectResponse(f"/setup/test?{_asked(key)}", status_code=303)


def _add_end(router: APIRouter, page: _Page) -> None:
    ports = page.ports

    @router.post("/setup/test/end")
    def end_test(request: Request, order: NumberForm, day: NumberForm) -> Response:
        known = page.order(order, day)
        is_done = page.stands(known).step is Step.DONE
        with suppress(Conflict, Unknown):  # its tray went away as it should, or nobody knows it any more
            ports.orders.cancel(known.key)
        if is_done and known.station is not None:
            ports.setup.note_tried(known.station, by=role_of(request))
        note(request, "a test ended", known.key, "wrong and right told apart" if is_done else "not finished")
        return back_to("/setup", saved="tested") if is_done else RedirectResponse("/setup/test", status_code=303)


def _asked(key: OrderKey) -> str:
    return urlencode({"order": key.order_id, "day": key.business_day})
