"""What goes out on the wire: made from domain values here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from edge_agent.domain.alert import Resolution, Severity
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents, Doubt
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.menu import HandedAt, Menu, MenuItem, Visibility
from edge_agent.domain.order import Order, OrderKey, OrderLine, OrderState
from edge_agent.domain.record import StoredCheck, StoredOrder
from edge_agent.domain.tray import SessionState
from edge_agent.ports import AlertNews, ModelInUse, OrderPut, OrderStanding, ReadinessReport, SlotStatus, StationStatus


class Outgoing(BaseModel):
    """Base of what goes out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemOut(Outgoing):
    """An RFC 9457 problem. Some kinds have members of their own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""


class KeyOut(Outgoing):
    """The identity of an order."""

    source: str
    business_day: str
    order_id: str

    @classmethod
    def of(cls, key: OrderKey) -> KeyOut:
        return cls(source=key.source, business_day=key.business_day, order_id=key.order_id)


class OrderPutOut(KeyOut):
    """An order that is committed; `unchanged` where it was known just so."""

    revision: int
    outcome: Literal["accepted", "unchanged"]

    @classmethod
    def of_put(cls, put: OrderPut) -> OrderPutOut:
        outcome: Literal["accepted", "unchanged"] = "accepted" if put.changed else "unchanged"
        return cls(**KeyOut.of(put.key).model_dump(), revision=put.revision, outcome=outcome)


class OrderLineOut(Outgoing):
    """One line of an order."""

    sku: str
    quantity: int
    line_id: str
    name: str
    modifiers: list[str]
    children: list[OrderLineOut]
    voided: bool

    @classmethod
    def of(cls, line: OrderLine) -> OrderLineOut:
        return cls(
            sku=line.sku,
            quantity=line.quantity,
            line_id=line.line_id,
            name=line.name,
            modifiers=list(line.modifiers),
            children=[cls.of(child) for child in line.children],
            voided=line.voided,
        )


class OrderOut(Outgoing):
    """An order as the till sent it."""

    order_id: str
    source: str
    business_day: str
    revision: int
    display_number: str
    placed_at: str
    channel: str
    station: str | None
    parts: int
    notes: str
    test: bool
    lines: list[OrderLineOut]

    @classmethod
    def of(cls, order: Order) -> OrderOut:
        fields = {name: getattr(order, name) for name in cls.model_fields if name != "lines"}
        return cls(**fields, lines=[OrderLineOut.of(line) for line in order.lines])


class StandingOut(Outgoing):
    """An order and where it stands. `volatile`: a restart forgets it. `order` is null where only its key is known."""

    key: KeyOut
    state: OrderState
    order: OrderOut | None
    received_at: str
    volatile: bool = False

    @classmethod
    def of(cls, standing: OrderStanding) -> StandingOut:
        return cls(
            key=KeyOut.of(standing.order.key),
            state=standing.state,
            order=OrderOut.of(standing.order),
            received_at=standing.received_at,
            volatile=standing.volatile,
        )

    @classmethod
    def of_stored(cls, stored: StoredOrder) -> StandingOut:
        order = None if stored.order is None else OrderOut.of(stored.order)
        return cls(key=KeyOut.of(stored.key), state=stored.state, order=order, received_at=stored.recorded_at)


class OrdersOut(Outgoing):
    """The orders that wait, oldest first."""

    orders: list[StandingOut]


class EntryOut(Outgoing):
    """What came of one entry of a batch: the status that it would have got alone."""

    status: int
    order: KeyOut | None = None
    problem: ProblemOut | None = None


class BatchOut(Outgoing):
    """What came of each entry, in their order."""

    results: list[EntryOut]


class KeysOut(Outgoing):
    """The orders that something was said of."""

    orders: list[KeyOut]


class LineOut(Outgoing):
    """One line of a verdict."""

    skus: list[str]
    name: str
    expected: int
    seen: int
    result: LineResult
    off_by: int
    reason: str

    @classmethod
    def of(cls, line: CheckedLine) -> LineOut:
        fields = {name: getattr(line, name) for name in cls.model_fields if name != "skus"}
        return cls(**fields, skus=list(line.skus))


class VerdictOut(Outgoing):
    """A verdict; it covers `checked_pieces` of `wanted_pieces`, the rest is left to the crew."""

    kind: VerdictKind
    allergy: bool
    checked_pieces: int
    wanted_pieces: int
    lines: list[LineOut]

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictOut:
        return cls(
            kind=verdict.kind,
            allergy=verdict.allergy,
            checked_pieces=verdict.checked_pieces,
            wanted_pieces=verdict.wanted_pieces,
            lines=[LineOut.of(line) for line in verdict.lines],
        )


class CountOut(Outgoing):
    """How many of one class lie there: surely, likely, possibly."""

    class_name: str
    surely: int
    likely: int
    possibly: int
    doubt: Doubt | None


class ContentsOut(Outgoing):
    """What was seen; `unclear` says why all of it is in doubt."""

    counts: list[CountOut]
    unclear: Doubt | None

    @classmethod
    def of(cls, contents: Contents) -> ContentsOut:
        counts = [
            CountOut(**{name: getattr(count, name) for name in CountOut.model_fields}) for count in contents.counts
        ]
        return cls(counts=counts, unclear=contents.unclear)


class PhotoCheckOut(Outgoing):
    """What came of holding photographs against an order."""

    verdict: VerdictOut
    contents: ContentsOut


class CheckOut(Outgoing):
    """One verdict as it was reached. `final` marks the last of its tray; `images` can be asked for by their numbers."""

    check_id: int
    run_id: int
    recorded_at: str
    slot_id: str
    session_id: str
    at_s: float
    orders: list[KeyOut]
    association: Association
    final: bool
    late: bool
    verdict: VerdictOut
    contents: ContentsOut
    images: int

    @classmethod
    def of(cls, check: StoredCheck) -> CheckOut:
        reached = check.reached
        return cls(
            check_id=check.check_id,
            run_id=check.run_id,
            recorded_at=check.recorded_at,
            slot_id=reached.slot_id,
            session_id=reached.session_id,
            at_s=reached.at_s,
            orders=[KeyOut.of(key) for key in reached.orders],
            association=reached.association,
            final=check.final,
            late=reached.late,
            verdict=VerdictOut.of(reached.verdict),
            contents=ContentsOut.of(reached.contents),
            images=len(check.pictures),
        )


class ChecksOut(Outgoing):
    """A page of checks, newest first. `next_before` asks for the next page; null on the last."""

    checks: list[CheckOut]
    next_before: int | None


class AlertOut(Outgoing):
    """One step in the life of an alert, and the alert as it stands now."""

    seq: int
    step: Literal["raised", "resolved"]
    at: str
    id: str
    station: str
    session_id: str
    orders: list[KeyOut]
    severity: Severity
    sounds: bool
    late: bool
    swapped: bool
    lines: list[LineOut]
    resolution: Resolution | None
    by_staff: bool

    @classmethod
    def of(cls, news: AlertNews) -> AlertOut:
        stored, alert = news.stored, news.stored.alert
        return cls(
            seq=news.seq,
            step="resolved" if news.resolved else "raised",
            at=news.at,
            id=news.told_id,
            station=news.station,
            session_id=alert.session_id,
            orders=[KeyOut.of(key) for key in alert.orders],
            severity=alert.severity,
            sounds=stored.sounds,
            late=alert.late,
            swapped=alert.swapped,
            lines=[LineOut.of(line) for line in alert.lines],
            resolution=stored.resolution,
            by_staff=stored.by_staff,
        )


class AlertsOut(Outgoing):
    """Steps in the lives of alerts, oldest first. `next_after` continues after the last of them."""

    alerts: list[AlertOut]
    next_after: int


class SlotOut(Outgoing):
    """What goes on in one slot."""

    slot_id: str
    session_id: str | None
    state: SessionState | None
    orders: list[KeyOut]
    association: Association | None
    verdict: VerdictOut | None

    @classmethod
    def of(cls, slot: SlotStatus) -> SlotOut:
        reached = slot.reached
        return cls(
            slot_id=slot.slot_id,
            session_id=slot.session_id,
            state=slot.state,
            orders=[] if reached is None else [KeyOut.of(key) for key in reached.orders],
            association=None if reached is None else reached.association,
            verdict=None if reached is None else VerdictOut.of(reached.verdict),
        )


class StationOut(Outgoing):
    """What goes on at one station."""

    station_id: str
    camera: str
    can_decide: bool
    why_not: str
    shadow: bool
    frame_age_s: float | None
    slots: list[SlotOut]

    @classmethod
    def of(cls, status: StationStatus) -> StationOut:
        fields = {name: getattr(status, name) for name in cls.model_fields if name != "slots"}
        return cls(**fields, slots=[SlotOut.of(slot) for slot in status.slots])


class StationsOut(Outgoing):
    """All stations."""

    stations: list[StationOut]


class ReadyOut(Outgoing):
    """What can be decided now, station by station, and what is to be done about the rest."""

    ready: bool
    problems: list[str]
    stations: list[StationOut]

    @classmethod
    def of(cls, report: ReadinessReport) -> ReadyOut:
        stations = [StationOut.of(status) for status in report.stations]
        return cls(ready=report.ready, problems=list(report.problems), stations=stations)


class AliveOut(Outgoing):
    """The process answers; no more is said by it."""

    alive: Literal[True] = True


class PortionOut(Outgoing):
    """So many of one item."""

    sku: str
    quantity: int


class MenuItemOut(Outgoing):
    """One thing the till can sell, and how it is checked."""

    sku: str
    name: str
    aliases: list[str]
    detects_as: str | None
    visibility: Visibility
    handed_at: HandedAt
    contains: list[PortionOut]
    any_of: list[str]

    @classmethod
    def of(cls, item: MenuItem) -> MenuItemOut:
        return cls(
            sku=item.sku,
            name=item.shown_name,
            aliases=list(item.aliases),
            detects_as=item.detects_as,
            visibility=item.visibility,
            handed_at=item.handed_at,
            contains=[PortionOut(sku=part.sku, quantity=part.quantity) for part in item.contains],
            any_of=list(item.any_of),
        )


class ModifierOut(Outgoing):
    """What a modifier does to the items of its line."""

    name: str
    adds: str | None
    removes: str | None


class MenuOut(Outgoing):
    """The menu that orders are checked by."""

    items: list[MenuItemOut]
    modifiers: list[ModifierOut]

    @classmethod
    def of(cls, menu: Menu) -> MenuOut:
        modifiers = [ModifierOut(name=m.name, adds=m.adds, removes=m.removes) for m in menu.modifiers]
        return cls(items=[MenuItemOut.of(item) for item in menu.items], modifiers=modifiers)


class ModelOut(Outgoing):
    """A model that runs, and on what it really runs."""

    name: str
    version: str
    sha256: str
    precision: str
    provider: str
    classes: list[str]
    stations: list[str]

    @classmethod
    def of(cls, model: ModelInUse) -> ModelOut:
        fields: Mapping[str, Any] = {name: getattr(model, name) for name in cls.model_fields}
        return cls(**{**fields, "classes": list(model.classes), "stations": list(model.stations)})


class ModelsOut(Outgoing):
    """The models that run."""

    models: list[ModelOut]
