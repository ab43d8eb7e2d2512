"""A burger house for pictures of the screen: rendered trays, four weeks of made-up orders, an evening that goes on.

All of it is made up from a seed, and goes through the code that serves a real kitchen: the menu, the rules that judge a
tray, the database, the blind audit, the pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import ClassVar

import cv2
import numpy as np

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.app.stills import MOST_NAMES
from edge_agent.checking.audit_desk import AuditDesk
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.detection import Detection, Sighting
from edge_agent.domain.drawing import DrawnSlot
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderMoved,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.geometry import Box, Polygon
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind, compare
from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order, OrderLine, OrderState
from edge_agent.domain.record import Run, StaffRole
from edge_agent.domain.search import CheckSearch
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.evaluation.still import slot_still
from edge_agent.formats.menu import load_menu
from edge_agent.ports import Evidence, HealthFound, MenuSetup, ModelInUse, StationPicture
from tests.browser.kitchen import Kitchen, KitchenStations
from tests.builders import line, order
from tests.fakes_api import FakeInUse
from tests.fakes_store import FakeClock

HERE = Path(__file__).parent
MENU = load_menu(HERE.parent.parent / "configs" / "menus" / "fastfood.yaml").menu
NOW = datetime(2026, 3, 20, 19, 12, tzinfo=timezone.utc)
WEEKS = 4
WIDTH_PX, HEIGHT_PX = 640, 480
WHOLE = Polygon.rectangle(0, 0, WIDTH_PX, HEIGHT_PX)


@dataclass(frozen=True, slots=True)
class Scene:
    """A rendered tray: what is seen where, as (class, left, top, right, bottom), and what the till would have sold."""

    name: str
    things: tuple[tuple[str, int, int, int, int], ...]
    sold: tuple[str, ...]

    @property
    def picture(self) -> bytes:
        """The picture as JPEG."""
        return (HERE / "trays" / f"{self.name}.jpg").read_bytes()

    @property
    def seen(self) -> tuple[Detection, ...]:
        """What a detector would report."""
        return tuple(Detection(thing[0], 0.93, Box(*thing[1:])) for thing in self.things)

    @property
    def contents(self) -> Contents:
        """What lies there, without a doubt."""
        return Contents.of(Counter(thing[0] for thing in self.things))

    @property
    def sighting(self) -> Sighting:
        """What is kept of it with its picture."""
        return Sighting.within(WHOLE, self.seen, width_px=WIDTH_PX, height_px=HEIGHT_PX)

    def still(self) -> bytes:
        """As the pass shows it."""
        decoded = cv2.imdecode(np.frombuffer(self.picture, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        picture = np.asarray(decoded, dtype=np.uint8)
        slot = Slot(slot_id="slot", polygon=WHOLE)
        return slot_still(picture, slot, self.seen, thresholds=Thresholds(), name_of=self._called)

    def _called(self, class_name: str) -> str:
        """What a class is called on a still, as in the running agent: of look-alikes what was ordered."""
        items = MENU.items_seen_as(class_name)
        names = [item.shown_name for item in items if item.sku in self.sold] or [item.shown_name for item in items]
        return " / ".join(names[:MOST_NAMES])


SIX = Scene(
    "six",
    (
        ("burger", 426, 81, 594, 253),
        ("burger_box", 275, 203, 456, 385),
        ("bottle", 53, 299, 195, 414),
        ("cup_open", 210, 78, 339, 206),
        ("sundae", 484, 264, 619, 402),
        ("sauce_cup", 189, 235, 268, 316),
    ),
    ("burger", "big-box", "water", "iced-tea", "sundae", "mayonnaise"),
)
THREE = Scene(
    "three",
    (("sundae", 110, 318, 223, 433), ("fries_small", 360, 162, 473, 287), ("sauce_cup", 272, 236, 345, 309)),
    ("fries-s", "sundae", "mayonnaise"),
)
FOUR = Scene(
    "four",
    (
        ("burger", 255, 262, 404, 414),
        ("burger_wrapped", 98, 190, 246, 340),
        ("pie_sleeve", 46, 274, 186, 440),
        ("fries_small", 387, 172, 450, 269),
    ),
    ("burger", "cheeseburger", "fries-s", "apple-pie"),
)
SALAD = Scene(
    "salad",
    (("cup_large", 422, 258, 559, 384), ("salad", 297, 122, 456, 278), ("cup_small", 183, 194, 278, 290)),
    ("salad", "soda-s", "soda-l"),
)
SCENES = (SIX, THREE, FOUR, SALAD)
ALSO = ("soda-s", "fries-l", "sundae", "cookie", "salad", "water")
"""What is forgotten: it stands on the order, and does not lie there."""

CHANNELS = ("counter", "counter", "kiosk", "drive")


def judged(contents: Contents, *orders: Order) -> Verdict:
    """By the real rules and the real menu."""
    verdict = compare(MENU, wanted(MENU, *orders), contents)
    return replace(verdict, allergy=any(each.mentions_allergy for each in orders))


def without(contents: Contents, class_name: str, doubt: Doubt) -> Contents:
    """The same, but one of a class may be there or not."""
    counts = [each for each in contents.counts if each.class_name != class_name]
    unsure = ClassCount(class_name=class_name, surely=0, likely=0, possibly=1, doubt=doubt)
    return replace(contents, counts=(*counts, unsure))


class Past:
    """Four weeks of trays in a real database, up to a quarter of an hour before now, and half of their audits."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = SqliteStore(path=folder / "edge.sqlite", clock=self.clock)
        self.reporting = SqliteReporting(path=self.store.path, calendar=Calendar())
        self.audits = AuditDesk(reporting=self.reporting, store=self.store, menu=lambda: MENU)
        self._dice = Random(6)
        self._truths: list[Contents] = []
        self._number = 0
        self.clock.now = NOW - timedelta(weeks=WEEKS)
        run = Run(
            station="pass",
            tells=True,
            model_name="fastfood",
            model_version="1",
            model_sha256="3b7f" * 16,
            menu_sha256="a91c" * 16,
            agent_version="0.1.0",
            provider="cpu",
            slots={"place1": "pass"},
        )
        self._run = self.store.begin_run(run)
        for days_ago in range(7 * WEEKS, -1, -1):
            self._day(NOW - timedelta(days=days_ago))
        self.store.flush()
        self.clock.now = NOW

    def _day(self, day: datetime) -> None:
        for hour, trays in zip(range(11, 22), (4, 9, 8, 4, 3, 3, 5, 9, 10, 6, 3), strict=True):
            for number in range(trays + (2 if day.weekday() > 3 else 0)):
                minute = number * 60 // (trays + 2) + self._dice.randrange(3)
                at = day.replace(hour=hour, minute=min(minute, 59), second=self._dice.randrange(60))
                if at < NOW - timedelta(minutes=9):
                    self.clock.now = at
                    self._tray(keeps_picture=NOW - at < timedelta(hours=9))
        if timedelta(days=1) <= NOW - day < timedelta(days=12):
            self._audit(day.date().isoformat())

    def _tray(self, *, keeps_picture: bool) -> None:
        self._number += 1
        dice = self._dice
        scene = dice.choice(SCENES)
        fate = dice.choices(("right", "forgotten", "unsure", "false"), (87, 7, 5.4, 0.6))[0]
        sold = [*scene.sold, dice.choice(ALSO)] if fate == "forgotten" else list(scene.sold)
        extras = [line("toy")] if scene is THREE and dice.random() < 0.5 else []
        ordered = order(
            f"A-{self._number}",
            *(line(sku, name=called_on_menu(sku)) for sku in sold),
            *extras,
            business_day=self.clock.now.date().isoformat(),
            display_number=str(self._number % 300 + 1),
            channel=dice.choice(CHANNELS),
        )
        seen = scene.contents
        if fate == "unsure":
            doubt = dice.choice((Doubt.COVERED, Doubt.COVERED, Doubt.FAINT))
            seen = without(seen, dice.choice(scene.things)[0], doubt)
        if fate == "false":
            gone = dice.choice([thing[0] for thing in scene.things if thing[0] != "sauce_cup"])
            seen = Contents(tuple(each for each in seen.counts if each.class_name != gone))
        self._truths.append(scene.contents)
        evidence = [Evidence(session_id=self._session, at_s=2.0, jpeg=scene.picture, sighting=scene.sighting)]
        if not keeps_picture:
            evidence = []
        events = self._told(ordered, seen, scene.contents, fate)
        first = next(n for n, event in enumerate(events, start=1) if isinstance(event, VerdictReached))
        self.store.record(self._run, events[:first], evidence=evidence)
        self.store.record(self._run, events[first:])

    @property
    def _session(self) -> str:
        return f"place1-{self._number:04d}"

    def _told(self, ordered: Order, seen: Contents, truth: Contents, fate: str) -> list[Event]:
        took_s = 0.45 + self._dice.expovariate(9.0)
        first = self._reached(judged(seen, ordered), ordered, seen, at_s=1.0 + took_s)
        arrived = SessionStarted(at_s=0.5, slot_id="place1", session_id=self._session)
        settled = TraySettled(at_s=1.5, session_id=self._session, still_since_s=1.0)
        events: list[Event] = [OrderAccepted(at_s=0.0, order=ordered), arrived, settled, first]
        last = first
        if first.verdict.kind is VerdictKind.MISMATCH:
            alert = Alert(
                alert_id=f"{self._session}-alert-1",
                session_id=self._session,
                orders=first.orders,
                lines=first.verdict.faults,
                raised_at_s=2.5,
            )
            ends = Resolution.SYSTEM_WRONG
            if fate == "forgotten":
                ends = self._dice.choices((Resolution.FIXED, Resolution.TRAY_LEFT), (88, 12))[0]
            ended = AlertResolved(
                at_s=9.0,
                alert_id=alert.alert_id,
                resolution=ends,
                by_staff=ends is Resolution.SYSTEM_WRONG or self._dice.random() < 0.8,
            )
            events.append(AlertRaised(at_s=2.5, alert=alert, sounds=True))
            if ends is Resolution.FIXED:
                whole = Verdict(kind=VerdictKind.MATCH, lines=judged_as_right(first.verdict))
                last = self._reached(whole, ordered, truth, at_s=8.5)
                events.append(last)
            events.append(ended)
        left = TrayLeft(
            at_s=14.0, slot_id="place1", session_id=self._session, arrived_s=0.5, last_seen_s=13.5, final=last
        )
        return [*events, left, OrderMoved(at_s=14.0, key=ordered.key, state=OrderState.HANDED_OUT)]

    def _reached(self, verdict: Verdict, ordered: Order, seen: Contents, *, at_s: float) -> VerdictReached:
        return VerdictReached(
            at_s=at_s,
            slot_id="place1",
            session_id=self._session,
            still_since_s=1.0,
            orders=(ordered.key,),
            association=Association.EXACT,
            verdict=verdict,
            contents=seen,
        )

    def _audit(self, day: str) -> None:
        self.store.flush()
        for number in self.audits.day(day).open:
            counts = {each.class_name: each.surely for each in self._truths[number - 1].counts}
            self.audits.answer(day, number, role=StaffRole.MANAGER, contents=counts)


def judged_as_right(verdict: Verdict) -> tuple[CheckedLine, ...]:
    """The lines once what was missing was brought."""
    found = []
    for each in verdict.lines:
        is_fault = each in verdict.faults
        found.append(replace(each, result=LineResult.OK, seen=each.expected, off_by=0) if is_fault else each)
    return tuple(found)


def called_on_menu(sku: str) -> str:
    """The name of an item."""
    found = MENU.find(sku)
    assert found is not None
    return found.shown_name


class HouseStations(KitchenStations):
    """Each place shows a scene."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self.scenes: dict[str, Scene] = {}

    def still(self, station_id: str, slot_id: str) -> StationPicture | None:
        scene = self.scenes.get(slot_id)
        return None if scene is None else StationPicture(jpeg=scene.still(), age_s=0.08)


class HouseInUse(FakeInUse):
    """The burger house's menu and model."""

    def menu(self) -> Menu:
        return MENU

    def models(self) -> tuple[ModelInUse, ...]:
        (model,) = super().models()
        return (replace(model, name="fastfood", version="1", classes=MENU.classes),)


class HouseHealth:
    """A box that is well but for its clock."""

    FOUND: ClassVar = {
        "agent": ("ok", "takes orders and decides", ""),
        "cameras": ("ok", "camera pass: rtsp://192.0.2.20/stream1: online, 1280 x 720", ""),
        "model": ("ok", "fastfood 1, fp32, runs on cpu", ""),
        "disk": ("ok", "/var/lib/edge-agent: 41.3 of 58.0 GB free (ext4)", ""),
        "database": ("ok", "/var/lib/edge-agent/edge.sqlite, 18.4 MB, whole", ""),
        "clock": (
            "attention",
            "2026-03-20 19:12 in Europe/Berlin, not synchronised",
            "'timedatectl set-ntp true' with a time server in reach",
        ),
        "tokens": ("ok", "1 of role admin, 2 of role crew, 1 of role pos", ""),
    }

    NAMED: ClassVar = {
        "agent": "agent_well",
        "cameras": "camera_online",
        "model": "model_runs",
        "disk": "disk_room",
        "database": "database_whole",
        "clock": "clock_free",
        "tokens": "tokens_safe",
    }

    def parts(self) -> tuple[str, ...]:
        return tuple(self.FOUND)

    def look(self, part: str) -> tuple[HealthFound, ...]:
        state, said, do = self.FOUND[part]
        return (HealthFound(what=part, state=state, said=said, do=do, code=self.NAMED[part]),)


class BurgerHouse(Kitchen):
    """The house this evening, over its past. A context manager: inside, `url` answers."""

    def __init__(self, folder: Path, past: Past, *, slots: int = 1) -> None:
        stations = HouseStations(slots)
        super().__init__(
            folder,
            stations=stations,
            clock=past.clock,
            history=SqliteHistory(path=past.store.path),
            reporting=past.reporting,
            audits=past.audits,
            pictures=past.store.pictures,
            in_use=HouseInUse(),
            health=HouseHealth(),
            menu=MENU,
        )
        self.scenes = stations.scenes
        self._past = past.reporting
        camera = replace(self.agent.cameras.look, source="rtsp://192.0.2.20/stream1", width_px=640, height_px=480)
        self.agent.cameras.look = replace(camera, similarity=0.94)
        self.agent.cameras.newest = StationPicture(jpeg=FOUR.picture, age_s=0.1)
        tray = DrawnSlot("place1", ((0.04, 0.25), (0.75, 0.25), (0.79, 0.99), (0.02, 0.99)))
        setup = self.agent.setup
        setup.draw("pass", [tray], by=StaffRole.ADMIN)
        setup.take_reference("pass", by=StaffRole.ADMIN)
        setup.now = replace(setup.now, menu=MenuSetup(file="fastfood.yaml"), waiting=frozenset(), tried_at=NOW)

    @property
    def a_wrong_check(self) -> int:
        """The newest check on which something was missing, and of which a picture is kept."""
        search = CheckSearch(verdict=VerdictKind.MISMATCH)
        return next(each.check.check_id for each in self._past.find_checks(search).found if each.check.pictures)

    def waits(self, ordered: Order, *, minutes: float) -> Order:
        """An order that came so long ago."""
        known = self.order(replace(ordered, business_day=NOW.date().isoformat()))
        at = (NOW - timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
        self.book.standing[known.key] = replace(self.book.standing[known.key], received_at=at)
        return known

    def queue(self) -> None:
        """Three orders that wait behind those on the trays."""
        menu_line = line("menu-hamburger", name="Hamburger menu", children=(line("hamburger"), line("fries-s")))
        self.waits(named("221", menu_line, line("nuggets-9", modifiers=("no sauce",)), channel="drive"), minutes=1.6)
        self.waits(named("222", "salad", line("cookie", voided=True), "water", channel="counter"), minutes=0.9)
        self.waits(named("223", line("menu-kids", 2), "coffee", channel="kiosk"), minutes=0.2)

    def shows(self, look: str, *, slot: int = 1) -> None:
        """A place as it is while a tray is `wrong`, `right`, `unsure`, or has an `allergy` noted."""
        made = {"wrong": self._wrong, "right": self._right, "unsure": self._unsure, "allergy": self._allergy}
        made[look](slot)

    def _lies(self, scene: Scene, slot: int) -> Contents:
        self.scenes[f"place{slot}"] = scene
        return scene.contents

    def _wrong(self, slot: int) -> None:
        ordered = self.waits(named("217", *FOUR.sold, "soda-s", channel="counter"), minutes=4.2)
        self.red(self._lies(FOUR, slot), ordered, slot=slot)

    def _right(self, slot: int) -> None:
        ordered = self.waits(named("218", *THREE.sold, "toy", channel="kiosk"), minutes=3.4)
        self.tray(self._lies(THREE, slot), ordered, slot=slot)

    def _unsure(self, slot: int) -> None:
        ordered = self.waits(named("219", *SIX.sold, channel="counter"), minutes=2.9)
        self.tray(without(self._lies(SIX, slot), "bottle", Doubt.COVERED), ordered, slot=slot)

    def _allergy(self, slot: int) -> None:
        ordered = self.waits(named("220", *SALAD.sold, notes="Nut allergy!", channel="counter"), minutes=2.1)
        self.tray(self._lies(SALAD, slot), ordered, slot=slot)


def named(number: str, *lines: OrderLine | str, **more: str) -> Order:
    """An order with a number that the crew calls, its lines with the names of the menu."""
    full = [line(each) if isinstance(each, str) else each for each in lines]
    full = [replace(each, name=each.name or called_on_menu(each.sku)) for each in full]
    return order(f"A-{number}", *full, display_number=number, **more)
