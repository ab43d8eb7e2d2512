"""What the API stands on, by hand: an order book, stations, alerts and the rest in memory; and a client to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry, Counter

from edge_agent.api.app import ApiParts, create_api
from edge_agent.api.live_feed import LiveFeed
from edge_agent.api.problems import Problem
from edge_agent.api.throttle import FailureThrottle
from edge_agent.checking.audit_desk import AuditDesk
from edge_agent.domain.access import Principal, Role, Token
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.contents import Contents
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import StaffRole, StoredAlert
from edge_agent.errors import BadRecording, Conflict, EdgeAgentError, StaleRevision, Unknown
from edge_agent.ports import (
    AlertNews,
    AnswerSaid,
    InUse,
    ModelInUse,
    OrderName,
    OrderPut,
    OrderStanding,
    PhotoChecked,
    ReadinessReport,
    SlotStatus,
    StationPicture,
    StationStatus,
    Trouble,
)
from tests.builders import menu as menu_of
from tests.fakes_reporting import MemoryReporting
from tests.fakes_setup import FakeCameras, FakeHealth, FakeSecondLook, FakeSetupBook
from tests.fakes_store import FakeClock, MemoryStore

TODAY = "2026-01-31"
JPEG = b"\xff\xd8 a picture \xff\xd9"
ONLINE = StationStatus(
    station_id="pass", camera="online", can_decide=True, frame_age_s=0.1, slots=(SlotStatus(slot_id="slot"),)
)
NEWEST = StationPicture(jpeg=JPEG, age_s=0.12)
READY = ReadinessReport(ready=True)


class FakeOrderBook:
    """An order book in memory; `refusal` makes it refuse every change with that error."""

    def __init__(self) -> None:
        self.standing: dict[OrderKey, OrderStanding] = {}
        self.assigned: dict[tuple[str, str], tuple[OrderKey, ...]] = {}
        self.refusal: EdgeAgentError | None = None

    def put(self, order: Order) -> OrderPut:
        self._refuse()
        order = order if order.business_day else replace(order, business_day=TODAY)
        known = self.standing.get(order.key)
        if known is not None and known.order == order:
            return OrderPut(key=order.key, revision=order.revision, changed=False)
        if known is not None and order.revision <= known.order.revision:
            raise StaleRevision(number=order.number, revision=order.revision, known_revision=known.order.revision)
        self.standing[order.key] = OrderStanding(
            order=order, state=OrderState.OPEN, received_at="2026-01-31T12:00:00+00:00"
        )
        return OrderPut(key=order.key, revision=order.revision, changed=True)

    def cancel(self, named: OrderName) -> OrderKey:
        return self._move(named, OrderState.CANCELLED, unless=OrderState.HANDED_OUT)

    def ready(self, named: OrderName) -> OrderKey:
        return self._move(named, OrderState.HANDED_OUT, unless=OrderState.CANCELLED)

    def reopen(self, named: OrderName) -> OrderKey:
        return self._move(named, OrderState.OPEN, unless=None)

    def assign(self, *, station: str, slot: str, named: Sequence[OrderName]) -> tuple[OrderKey, ...]:
        self._refuse()
        if (station, slot) != ("pass", "slot"):
            raise Unknown(f"there is no slot {slot!r} at a station {station!r}")
        keys = tuple(self._find(each) for each in named)
        self.assigned[station, slot] = keys
        return keys

    def waiting(self) -> tuple[OrderStanding, ...]:
        return tuple(s for s in self.standing.values() if s.state in (OrderState.OPEN, OrderState.PRESENTED))

    def state(self, order_id: str) -> str:
        """Where an order of this id stands."""
        return next(s.state.value for key, s in self.standing.items() if key.order_id == order_id)

    def _find(self, named: OrderName) -> OrderKey:
        for key in reversed(self.standing):
            if named in (key, key.order_id, str(key)):
                return key
        raise Unknown(f"there is no order {str(named)[:80]!r}")

    def _move(self, named: OrderName, state: OrderState, *, unless: OrderState | None) -> OrderKey:
        self._refuse()
        key = self._find(named)
        if self.standing[key].state is unless:
            raise Conflict(f"order {key} is {unless.value}")
        self.standing[key] = replace(self.standing[key], state=state)
        return key

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal


@dataclass(slots=True)
class FakeStations:
    """One station, `pass`, with one slot."""

    status: StationStatus = ONLINE
    newest: StationPicture | None = NEWEST

    def statuses(self) -> tuple[StationStatus, ...]:
        return (self.status,)

    def picture(self, station_id: str) -> StationPicture | None:
        if station_id != "pass":
            raise Unknown(f"there is no station {station_id!r}")
        return self.newest

    def still(self, station_id: str, slot_id: str) -> StationPicture | None:
        if slot_id not in {slot.slot_id for slot in self.status.slots}:
            raise Unknown(f"there is no slot {slot_id!r}")
        return self.picture(station_id)


@dataclass(slots=True)
class FakeAlerts:
    """The news of alerts, and who answered what."""

    news: list[AlertNews] = field(default_factory=list)
    answered: dict[str, tuple[Resolution, StaffRole]] = field(default_factory=dict)
    can_be_taken_back: dict[str, AnswerSaid] = field(default_factory=dict)
    now_s: float = 100.0

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        return tuple(each for each in self.news if each.seq > seq)[:limit]

    def standing(self) -> tuple[AlertNews, ...]:
        return tuple(each for each in self.news if each.told_id not in self.answered)

    def resolve(self, told_id: str, resolution: Resolution, *, role: StaffRole) -> None:
        if told_id not in {each.told_id for each in self.news}:
            raise Unknown(f"there is no alert {told_id!r}")
        before = self.answered.setdefault(told_id, (resolution, role))
        if before[0] is not resolution:
            raise Conflict(f"the alert ended already: {before[0].value}")

    def answer(self, told_id: str, resolution: Resolution, *, role: StaffRole, take_back_s: float) -> None:
        if told_id not in {each.told_id for each in self.standing()}:
            self.resolve(told_id, resolution, role=role)
            return
        said = AnswerSaid(told_id=told_id, resolution=resolution, until_s=self.now_s + take_back_s)
        self.can_be_taken_back[told_id] = said

    def take_back(self, told_id: str) -> None:
        if self.can_be_taken_back.pop(told_id, None) is None:
            raise Conflict("the answer holds already")

    def said(self) -> tuple[AnswerSaid, ...]:
        return tuple(self.can_be_taken_back.values())


def alert_news(seq: int, *, name: str = "Fries", key: OrderKey | None = None) -> AlertNews:
    """Fries are missing on A-101."""
    line = CheckedLine(skus=("fries",), name=name, expected=1, seen=0, result=LineResult.MISSING, off_by=1)
    alert = Alert(
        alert_id=f"slot-{seq:04d}-alert-1",
        session_id=f"slot-{seq:04d}",
        orders=(key or OrderKey("till", TODAY, "A-101"),),
        lines=(line,),
        raised_at_s=3.0,
    )
    stored = StoredAlert(number=seq, run_id=1, alert=alert, sounds=True, recorded_at="2026-01-31T12:00:00Z")
    return AlertNews(seq=seq, told_id=f"1-{alert.alert_id}", station="pass", at="2026-01-31T12:00:00Z", stored=stored)


class FakePhotoChecker:
    """Everything matches, unless a picture is not one."""

    def __init__(self) -> None:
        self.asked: list[tuple[Order, int]] = []

    def check(self, order: Order, photographs: Sequence[bytes]) -> PhotoChecked:
        if any(not photograph.startswith(b"\xff\xd8") for photograph in photographs):
            raise BadRecording("this is no picture that can be read")
        self.asked.append((order, len(photographs)))
        line = CheckedLine(skus=("plate",), name="Main dish", expected=1, seen=1, result=LineResult.OK)
        return PhotoChecked(verdict=Verdict(kind=VerdictKind.MATCH, lines=(line,)), contents=Contents())


@dataclass(slots=True)
class FakeReadiness:
    """Ready, until it is told otherwise."""

    now: ReadinessReport = READY

    def report(self) -> ReadinessReport:
        return self.now


@dataclass(slots=True)
class FakeTroubles:
    """All is well, until it is told otherwise."""

    now: tuple[Trouble, ...] = ()

    def troubles(self) -> tuple[Trouble, ...]:
        return self.now


class FakeInUse:
    """A small menu and one model."""

    def menu(self) -> Menu:
        return menu_of("plate", "drink")

    def models(self) -> tuple[ModelInUse, ...]:
        return (
            ModelInUse(
                name="canteen",
                version="2",
                sha256="0" * 64,
                precision="fp32",
                provider="cpu",
                classes=("plate",),
                stations=("pass",),
            ),
        )


class StoredPictures:
    """The pictures of a `MemoryStore`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def read(self, name: str) -> bytes | None:
        return self._store.pictures.get(name)


class FakeAuthenticator:
    """The token is the role: `Bearer pos`."""

    async def principal(self, request: Request, *, browsed: bool) -> Principal:
        scheme, _, word = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or word not in {role.value for role in Role}:
            raise Problem("unauthenticated", "send a token", headers={"WWW-Authenticate": "Bearer"})
        return Principal(name=f"a {word}", role=Role(word))

    async def known_by(self, request: Request, secret: str) -> Principal:
        if secret not in {role.value for role in Role}:
            raise Problem("unauthenticated", "send a token")
        return Principal(name=f"a {secret}", role=Role(secret))


class FakeTokenBook:
    """Tokens in memory; the secret of the first is `secret-1`."""

    def __init__(self) -> None:
        self.kept: list[Token] = []

    def create(self, *, name: str, role: Role, lasts: timedelta | None = None) -> tuple[str, Token]:
        if any(token.name == name for token in self.kept):
            raise Conflict(f"there is a token named {name!r} already")
        now = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)
        number = len(self.kept) + 1
        token = Token(token_id=f"{number:08x}", name=name, role=role, sha256="0" * 64, created_at=now)
        self.kept.append(token)
        return f"secret-{number}", token

    def tokens(self) -> tuple[Token, ...]:
        return tuple(self.kept)

    def revoke(self, token_id: str) -> Token:
        for token in self.kept:
            if token.token_id == token_id:
                self.kept.remove(token)
                return token
        raise Unknown(f"there is no token {token_id!r}")


class Agent:
    """An API over fakes, and all that it stands on."""

    def __init__(self, **parts: Any) -> None:
        self.clock = FakeClock()
        self.book = FakeOrderBook()
        self.store = MemoryStore(clock=self.clock)
        self.reporting = MemoryReporting(store=self.store)
        self.stations = FakeStations()
        self.alerts = FakeAlerts()
        self.photo_checker = FakePhotoChecker()
        self.readiness = FakeReadiness()
        self.tokens = FakeTokenBook()
        self.troubles = FakeTroubles()
        self.setup = FakeSetupBook()
        self.cameras = FakeCameras()
        self.second_look = FakeSecondLook()
        self.feed = LiveFeed(clock=self.clock)
        self.registry = CollectorRegistry()
        Counter("edge_agent_checks", "Verdicts.", ["station", "verdict"], registry=self.registry)
        in_use: InUse = parts.get("in_use") or FakeInUse()
        given: dict[str, Any] = {
            "orders": self.book,
            "history": self.store,
            "reporting": self.reporting,
            "audits": AuditDesk(reporting=self.reporting, store=self.store, menu=in_use.menu),
            "pictures": StoredPictures(self.store),
            "photo_checker": self.photo_checker,
            "alerts": self.alerts,
            "answers": self.alerts,
            "stations": self.stations,
            "in_use": in_use,
            "setup": self.setup,
            "cameras": self.cameras,
            "second_look": self.second_look,
            "health": FakeHealth(),
            "feed": self.feed,
            "readiness": self.readiness,
            "authenticator": FakeAuthenticator(),
            "tokens": self.tokens,
            "troubles": self.troubles,
            "throttle": FailureThrottle(),
            "clock": self.clock,
            "registry": self.registry,
        }
        self.app: FastAPI = create_api(ApiParts(**{**given, **parts}))

    def ask(self, method: str, path: str, *, role: str | None = "admin", **more: Any) -> httpx.Response:
        """One request, as somebody with this role; a path without a leading `/` is below `/api/v1/`."""
        headers = {**({"Authorization": f"Bearer {role}"} if role else {}), **more.pop("headers", {})}
        url = path if path.startswith("/") else f"/api/v1/{path}"
        return asyncio.run(_ask(self.app, method, url, headers, more))


async def _ask(app: FastAPI, method: str, url: str, headers: dict[str, str], more: dict[str, Any]) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://box") as client:
        return await client.request(method, url, headers=headers, **more)
