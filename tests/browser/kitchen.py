"""A kitchen for browsers: the API over fakes, served on a port, with trays and orders as a test puts them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import uvicorn

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.auth import TokenAuthenticator
from edge_agent.api.throttle import FailureThrottle
from edge_agent.domain.access import Role
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents, Doubt
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderMoved,
    SessionStarted,
    VerdictReached,
)
from edge_agent.domain.matching import Verdict, VerdictKind, compare
from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import Run, StoredAlert
from edge_agent.domain.tray import SessionState
from edge_agent.errors import Unknown
from edge_agent.ports import AlertNews, Clock, OrderName, SlotStatus, StationPicture, StationStatus
from tests.builders import elsewhere, hidden, item, menu
from tests.fakes_api import Agent, FakeInUse, FakeOrderBook

MENU = menu(
    item("burger", name="Burger"),
    item("cheese", "burger_wrapped", name="Cheeseburger"),
    item("veggie", "burger_wrapped", name="Veggie burger"),
    item("fries", name="Fries"),
    item("cola", name="Cola"),
    item("salad", name="Salad bowl"),
    item("nuggets", name="Nuggets"),
    replace(hidden("toy"), name="Toy"),
    replace(elsewhere("coffee"), name="Coffee"),
)


class KitchenBook(FakeOrderBook):
    """An order book whose orders came when the clock says."""

    def put(self, order: Order) -> object:  # type: ignore[override]
        put = super().put(order)
        if put.changed:
            standing = self.standing[put.key]
            self.standing[put.key] = replace(standing, received_at=now())
        return put

    def assign(self, *, station: str, slot: str, named: Sequence[OrderName]) -> tuple[OrderKey, ...]:
        keys = tuple(self._find(each) for each in named)
        self.assigned[station, slot] = keys
        return keys


class KitchenStations:
    """Stations as a test puts them; the still is a picture with a moving bar, so that a new one differs."""

    def __init__(self, slots: int = 1) -> None:
        self.names = [f"place{number}" for number in range(1, slots + 1)]
        slots_now = tuple(SlotStatus(slot_id=name) for name in self.names)
        self.status = StationStatus(
            station_id="pass", camera="online", can_decide=True, frame_age_s=0.1, slots=slots_now
        )
        self.age_s: float | None = 0.08
        self.asked = 0

    def statuses(self) -> tuple[StationStatus, ...]:
        return (self.status,)

    def picture(self, station_id: str) -> StationPicture | None:
        return None if self.age_s is None else StationPicture(jpeg=b"", age_s=self.age_s)

    def still(self, station_id: str, slot_id: str) -> StationPicture | None:
        if slot_id not in self.names:
            raise Unknown("there is no such slot")
        if self.age_s is None:
            return None
        self.asked += 1
        return StationPicture(jpeg=picture(self.asked), age_s=self.age_s)

    def put(self, slot: SlotStatus) -> None:
        """Replace what is known of a slot."""
        slots = tuple(slot if each.slot_id == slot.slot_id else each for each in self.status.slots)
        self.status = replace(self.status, slots=slots)


class KitchenInUse(FakeInUse):
    """The kitchen's menu."""

    def menu(self) -> Menu:
        return MENU


class Kitchen:
    """A context manager: inside, `url` answers. What a test changes is shown once it says `tell()`, or in a second.

    Args:
        folder: for the tokens.
        slots: how many places the station has.
        stations, clock, menu: other ones than usual.
        parts: of the API, instead of its fakes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        slots: int = 1,
        stations: KitchenStations | None = None,
        clock: Clock | None = None,
        menu: Menu = MENU,
        **parts: Any,
    ) -> None:
        self.clock = clock or SystemClock()
        self.menu = menu
        self.tokens = TokenFile(path=folder / "tokens.json", clock=self.clock)
        self.secrets = {role: self.tokens.create(name=role.value, role=role)[0] for role in Role}
        self.stations = stations or KitchenStations(slots)
        self.book = KitchenBook()
        throttle = FailureThrottle()
        given = {
            "authenticator": TokenAuthenticator(tokens=self.tokens, clock=self.clock, throttle=throttle),
            "throttle": throttle,
            "tokens": self.tokens,
            "clock": self.clock,
            "stations": self.stations,
            "orders": self.book,
            "in_use": KitchenInUse(),
        }
        self.agent = Agent(**{**given, **parts})
        self.alerts = self.agent.alerts
        self.sessions = 0
        self.url = ""

    def __enter__(self) -> Kitchen:  # noqa: PYI034 - Self needs Python 3.11
        self.start(0)
        return self

    def start(self, port: int) -> None:
        """Serve; on the port of before, after `stop`."""
        config = uvicorn.Config(self.agent.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="kitchen", daemon=True)
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve()

        asyncio.run(serve())

    def stop(self) -> None:
        """The agent is gone: no stream ends well."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10.0)

    def hang(self, until: threading.Event) -> None:
        """The agent's loop stands still: connections stay open, and nothing comes over them."""
        self._loop.call_soon_threadsafe(until.wait, 30.0)

    def __exit__(self, *_: object) -> None:
        self.agent.feed.close()
        self.stop()

    def tell(self) -> None:
        """Something happened: the screens look anew at once."""
        self.agent.feed.publish("pass", self.stations.status)

    def order(self, order: Order) -> Order:
        """The till sends an order."""
        put = self.book.put(order)
        self.tell()
        return replace(order, business_day=put.key.business_day)  # type: ignore[attr-defined]

    def tray(
        self,
        contents: Contents,
        *orders: Order,
        slot: int = 1,
        association: Association = Association.EXACT,
        session: str | None = None,
        state: SessionState = SessionState.SETTLED,
    ) -> VerdictReached:
        """A tray lies in a slot, judged by the real rules against its orders."""
        self.sessions += session is None
        session = session or f"1-place{slot}-{self.sessions:04d}"
        if orders:
            allergy = any(order.mentions_allergy for order in orders)
            verdict = replace(compare(self.menu, wanted(self.menu, *orders), contents), allergy=allergy)
        else:
            verdict = Verdict(kind=VerdictKind.UNSURE)
        reached = VerdictReached(
            at_s=self.clock.monotonic_s(),
            slot_id=f"place{slot}",
            session_id=session,
            still_since_s=0.0,
            orders=tuple(order.key for order in orders),
            association=association,
            verdict=verdict,
            contents=contents,
        )
        self.stations.put(SlotStatus(slot_id=f"place{slot}", session_id=session, state=state, reached=reached))
        self.tell()
        return reached

    def looking(self, *, slot: int = 1) -> None:
        """A tray has come and lies not still yet."""
        self.sessions += 1
        arriving = SlotStatus(
            slot_id=f"place{slot}", session_id=f"1-place{slot}-{self.sessions:04d}", state=SessionState.ARRIVING
        )
        self.stations.put(arriving)
        self.tell()

    def empty(self, *, slot: int = 1) -> None:
        """The tray is gone."""
        self.stations.put(SlotStatus(slot_id=f"place{slot}"))
        self.tell()

    def alert(self, reached: VerdictReached, *, sounds: bool = True) -> AlertNews:
        """People are told of a verdict."""
        number = len(self.alerts.news) + 1
        alert = Alert(
            alert_id=f"{reached.session_id}-alert-{number}",
            session_id=reached.session_id,
            orders=reached.orders,
            lines=reached.verdict.faults,
            raised_at_s=reached.at_s,
        )
        stored = StoredAlert(number=number, run_id=1, alert=alert, sounds=sounds, recorded_at=now())
        news = AlertNews(seq=number, told_id=alert.alert_id, station="pass", at=now(), stored=stored)
        self.alerts.news.append(news)
        self.alerts.now_s = self.clock.monotonic_s()
        self.tell()
        return news

    def answered(self, reached: VerdictReached, resolution: Resolution) -> None:
        """The history remembers an alert on this tray, and how somebody answered it."""
        store = self.agent.store
        run = store.begin_run(Run(station="pass", tells=True))
        alert = Alert(
            alert_id=f"{reached.session_id}-alert-1",
            session_id=reached.session_id,
            orders=reached.orders,
            lines=reached.verdict.faults,
            raised_at_s=reached.at_s,
        )
        raised = AlertRaised(at_s=1.0, alert=alert, sounds=True)
        ended = AlertResolved(at_s=2.0, alert_id=alert.alert_id, resolution=resolution, by_staff=True)
        arrived = SessionStarted(at_s=0.0, slot_id=reached.slot_id, session_id=reached.session_id)
        store.record(run, [arrived, reached, raised, ended])
        self.tell()

    def red(self, contents: Contents, *orders: Order, slot: int = 1, sounds: bool = True) -> AlertNews:
        """A tray that is wrong, and people are told."""
        return self.alert(self.tray(contents, *orders, slot=slot), sounds=sounds)


def seen(**counts: int) -> Contents:
    """What the camera sees, without a doubt."""
    return Contents.of(counts)


def in_doubt(contents: Contents, *doubtful: str, doubt: Doubt = Doubt.COVERED) -> Contents:
    """The same, and of these classes there may be one more."""
    from tests.builders import contents as contents_of

    extra = contents_of(**dict.fromkeys(doubtful, (0, 1))).counts
    return replace(contents, counts=(*contents.counts, *(replace(each, doubt=doubt) for each in extra)))


def picture(number: int) -> bytes:
    """A tray as a camera may show it, with a bar that moves."""
    drawn = np.full((360, 480, 3), (96, 104, 110), dtype=np.uint8)
    cv2.rectangle(drawn, (40, 40), (440, 320), (150, 170, 190), -1)
    cv2.circle(drawn, (150, 160), 70, (40, 120, 200), -1)
    cv2.circle(drawn, (320, 150), 45, (30, 30, 60), -1)
    cv2.rectangle(drawn, (75, 85), (225, 235), (255, 255, 255), 2)
    cv2.putText(drawn, "Burger", (78, 80), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    left = number * 12 % 460
    cv2.rectangle(drawn, (left, 350), (left + 20, 358), (255, 255, 255), -1)
    return cv2.imencode(".jpg", drawn)[1].tobytes()


def now() -> str:
    """As the store writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def remember(kitchen: Kitchen, orders: Iterable[Order]) -> None:
    """Let the history know that orders went out."""
    store = kitchen.agent.store
    events: list[Event] = []
    for each in orders:
        moved = OrderMoved(at_s=1.0, key=each.key, state=OrderState.HANDED_OUT)
        events += [OrderAccepted(at_s=0.0, order=each), moved]
    store.record(store.begin_run(Run(station="pass")), events)
