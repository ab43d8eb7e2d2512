"""The house as it goes out: stations and their slots, readiness, the menu, the models that run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from edge_agent.api.answers.checks import VerdictOut
from edge_agent.api.answers.outgoing import KeyOut, Outgoing
from edge_agent.domain.association import Association
from edge_agent.domain.menu import HandedAt, Menu, MenuItem, Visibility
from edge_agent.domain.tray import SessionState
from edge_agent.ports import ModelInUse, ReadinessReport, SlotStatus, StationStatus


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
