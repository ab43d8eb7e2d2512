"""`/pass`: what the crew looks at, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Query, Request, Response

from edge_agent.api.browser import PAIRED_FOR, keep_signed_in
from edge_agent.api.gate import principal_of
from edge_agent.api.problems import Problem
from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.screen import Screen, Viewer, viewer_of
from edge_agent.api.screen.stream import Streaming, shape_of
from edge_agent.api.screen.views.banners import banners_of, left_wrong
from edge_agent.api.screen.views.cards import TAKE_BACK_S, Around, cards_of
from edge_agent.api.screen.views.tickets import NameOf, queue_of, ticket_of
from edge_agent.domain.access import Role
from edge_agent.domain.alert import Resolution
from edge_agent.domain.order import MAX_ID, OrderState
from edge_agent.domain.record import StaffRole
from edge_agent.errors import Conflict, StoreError, Unknown
from edge_agent.ports import (
    Alerts,
    Answers,
    Clock,
    EventHistory,
    InUse,
    OrderBook,
    OrderStanding,
    Stations,
    Trouble,
    Troubles,
)

LATEST_ALERTS = 20
LATEST_ORDERS = 200
"""Among so many of the latest orders those are looked for that can be recalled."""

MOST_RECALLED = 8
FINISHED = (OrderState.HANDED_OUT, OrderState.EXPIRED)

OrderText = Annotated[str, Form(min_length=1, max_length=3 * MAX_ID + 2)]
SlotText = Annotated[str, Form(min_length=1, max_length=MAX_ID)]
RegionText = Annotated[str, Form(pattern=r"^slot-[1-9][0-9]?$")]
AlertText = Annotated[str, Form(min_length=1, max_length=128)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPorts:
    """What the page is made of."""

    stations: Stations
    orders: OrderBook
    alerts: Alerts
    answers: Answers
    history: EventHistory
    in_use: InUse
    troubles: Troubles
    clock: Clock


def pass_routes(screen: Screen, streaming: Streaming, ports: PassPorts) -> APIRouter:
    """The page, its stream, its stills, and what is answered on it."""
    router = screen_router()
    _add_page(router, screen, streaming, ports)
    _add_answers(router, screen, ports)
    _add_orders(router, screen, ports)
    return router


def _add_page(router: APIRouter, screen: Screen, streaming: Streaming, ports: PassPorts) -> None:
    @router.get("/pass")
    def pass_page(request: Request) -> Response:
        regions = _regions(screen, viewer_of(request), ports)
        slots = [(each.station_id, slot.slot_id) for each in ports.stations.statuses() for slot in each.slots]
        answer = screen.page(request, "pass.html", here="pass", regions=regions, slots=slots, shape=shape_of(regions))
        if principal_of(request).role is Role.CREW:
            keep_signed_in(answer, request, lasts=PAIRED_FOR)
        return answer

    @router.get("/pass/events")
    async def pass_events(request: Request) -> Response:
        viewer = viewer_of(request)
        names = ["banner", "left", "queue", *(f"slot-{n}" for n in range(1, _slot_count(ports) + 1))]
        return streaming.of(request, lambda: _regions(screen, viewer, ports), shape=shape_of(names))

    @router.get("/pass/still/{station_id}/{slot_id}")
    def read_still(
        station_id: Annotated[str, Path(min_length=1, max_length=MAX_ID)],
        slot_id: Annotated[str, Path(min_length=1, max_length=MAX_ID)],
    ) -> Response:
        still = ports.stations.still(station_id, slot_id)
        if still is None:
            raise Problem("no-picture", "the camera gives no picture now")
        headers = {"X-Picture-Age-Ms": str(round(still.age_s * 1_000))}
        return Response(still.jpeg, media_type="image/jpeg", headers=headers)


def _add_answers(router: APIRouter, screen: Screen, ports: PassPorts) -> None:
    def card(request: Request, region: str) -> Response:
        """The card as it is after an answer: whoever pressed sees at once what came of it."""
        return screen.ready_part(_regions(screen, viewer_of(request), ports).get(region, ""))

    @router.post("/pass/answer")
    def answer_alert(
        request: Request,
        region: RegionText,
        alert: AlertText,
        said: Annotated[Literal["fixed", "system_wrong"], Form()],
    ) -> Response:
        role = StaffRole(principal_of(request).role.value)
        ports.answers.answer(alert, Resolution(said), role=role, take_back_s=TAKE_BACK_S)
        return card(request, region)

    @router.post("/pass/undo")
    def take_back(request: Request, region: RegionText, alert: AlertText) -> Response:
        ports.answers.take_back(alert)
        return card(request, region)

    @router.post("/pass/assign")
    def assign(station: SlotText, slot: SlotText, session: AlertText, order: OrderText) -> Response:
        _same_tray(ports, station, slot, session)
        ports.orders.assign(station=station, slot=slot, named=[order])
        return _done()


def _add_orders(router: APIRouter, screen: Screen, ports: PassPorts) -> None:
    @router.post("/pass/bump")
    def bump(order: OrderText) -> Response:
        ports.orders.ready(order)
        return _done()

    @router.post("/pass/recall")
    def recall(order: Annotated[str, Form(max_length=3 * MAX_ID + 2)] = "") -> Response:
        latest = _finished(ports)[:1]
        named = order or (str(latest[0].order.key) if latest else "")
        if not named:
            raise Unknown("there is no order to recall")
        ports.orders.reopen(named)
        return _done()

    @router.get("/pass/recall")
    def what_to_recall(request: Request) -> Response:
        tickets = [ticket_of(each, name_of=_name_of(ports), at="") for each in _finished(ports)]
        return screen.part(request, "pass_recall.html", tickets=tickets)

    @router.get("/pass/assign")
    def what_to_assign(
        request: Request,
        station: Annotated[str, Query(max_length=MAX_ID)],
        slot: Annotated[str, Query(max_length=MAX_ID)],
        session: Annotated[str, Query(max_length=128)],
    ) -> Response:
        queue = queue_of(ports.orders.waiting(), name_of=_name_of(ports), lying={})
        place = {"station": station, "slot": slot, "session": session}
        return screen.part(request, "pass_assign.html", queue=queue, place=place)


def _regions(screen: Screen, viewer: Viewer, ports: PassPorts) -> Mapping[str, str]:
    """Everything on the page that changes, by the name of its place."""
    texts, stations, waiting = viewer.texts, ports.stations.statuses(), ports.orders.waiting()
    troubles = ports.troubles.troubles()
    orders = {each.order.key: each.order for each in waiting}
    try:
        standing, recent = ports.alerts.standing(), ports.history.alerts(limit=LATEST_ALERTS)
    except StoreError:
        standing, recent = (), ()
        troubles = (*troubles, *([Trouble.STORE] if Trouble.STORE not in troubles else []))
    cards = cards_of(
        texts,
        stations,
        Around(
            menu=ports.in_use.menu(),
            orders=orders,
            standing=standing,
            recent=recent,
            said=ports.answers.said(),
            now_s=ports.clock.monotonic_s(),
        ),
    )
    lying = {key: card.label for card in cards for key in orders if str(key) in card.keys}
    queue = queue_of(waiting, name_of=_name_of(ports), lying=lying)
    left = left_wrong(texts, recent, orders, ports.clock.now_utc())
    regions = {
        "banner": screen.fragment(viewer, "pass_banner.html", banners=banners_of(texts, stations, troubles)),
        "left": screen.fragment(viewer, "pass_left.html", left=left),
        "queue": screen.fragment(viewer, "pass_queue.html", queue=queue),
    }
    several = len(cards) > 1
    for card in cards:
        regions[card.region] = screen.fragment(viewer, "pass_card.html", card=card, several=several)
    return regions


def _finished(ports: PassPorts) -> list[OrderStanding]:
    """The orders that went out last, the latest first; those of the till's tests too, for whoever sets it up."""
    ended = [each for each in ports.history.orders(limit=LATEST_ORDERS) if each.state in FINISHED and each.order]
    ended.sort(key=lambda each: each.updated_at, reverse=True)
    return [
        OrderStanding(order=each.order, state=each.state, received_at=each.recorded_at)
        for each in ended[:MOST_RECALLED]
        if each.order is not None
    ]


def _slot_count(ports: PassPorts) -> int:
    return sum(len(station.slots) for station in ports.stations.statuses())


def _same_tray(ports: PassPorts, station: str, slot: str, session: str) -> None:
    """Between the look and the finger the tray may have been changed: an answer must not land on another."""
    slots = [s for each in ports.stations.statuses() if each.station_id == station for s in each.slots]
    if not any(s.slot_id == slot and s.session_id == session for s in slots):
        raise Conflict("another tray lies there now")


def _name_of(ports: PassPorts) -> NameOf:
    menu = ports.in_use.menu()

    def name_of(sku: str) -> str:
        item = menu.find(sku)
        return sku if item is None else item.shown_name

    return name_of


def _done() -> Response:
    """The stream shows what came of it."""
    return Response(status_code=204)
