"""One station: its slots, its times, its camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from edge_agent.checking.policy import Policy, StationKind
from edge_agent.domain.association import AssociationRule
from edge_agent.domain.geometry import Point, Polygon
from edge_agent.domain.said import say
from edge_agent.domain.tray import Slot
from edge_agent.formats.yaml_file import FileModel
from edge_agent.settings.bounds import Corners, Identifier, Seconds
from edge_agent.settings.camera import CameraSettings

SMALLEST_SLOT = 0.01
"""A slot takes at least this share of the picture; a tray does."""

_GRID = 1_000
"""The shares are held against a picture of so many pixels on each side."""

_POLICY = Policy()


class SlotSettings(FileModel):
    """A place for one tray: a polygon whose corners are shares of the picture's width and height, (0, 0) upper left."""

    id: Identifier = "slot"
    polygon: Corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))

    @field_validator("polygon")
    @classmethod
    def _has_area(cls, corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        area = Polygon(tuple(Point(x * _GRID, y * _GRID) for x, y in corners)).area_px / _GRID**2
        if area < SMALLEST_SLOT:
            raise ValueError(
                say(
                    "slot_too_small",
                    "the slot takes {area:.2%} of the picture; it needs {least:.0%} at least",
                    area=area,
                    least=SMALLEST_SLOT,
                )
            )
        return corners

    def slot(self, width_px: int, height_px: int) -> Slot:
        """The slot in pixels of a picture of this size."""
        return Slot(
            slot_id=self.id, polygon=Polygon(tuple(Point(x * width_px, y * height_px) for x, y in self.polygon))
        )


class TimingSettings(FileModel):
    """The times of `checking.policy.Policy`; each is explained there. Seconds."""

    settle_s: Seconds = _POLICY.settle_s
    gone_s: Seconds = _POLICY.gone_s
    resume_s: Annotated[float, Field(ge=0, le=600)] = _POLICY.resume_s
    vote_half_life_s: Seconds = _POLICY.vote_half_life_s
    alert_after_s: Seconds = _POLICY.alert_after_s
    clear_after_s: Seconds = _POLICY.clear_after_s
    dwell_s: Seconds = _POLICY.dwell_s
    late_order_s: Annotated[float, Field(ge=0, le=600)] = _POLICY.late_order_s
    expire_s: Seconds = _POLICY.expire_s


class StationSettings(FileModel):
    """One camera over one pass.

    Attributes:
        channels: only orders of these channels queue here (`drive`, `counter` ...); empty: those of all channels. An
            order that names a station queues there alone.
    """

    id: Identifier = "pass"
    kind: StationKind = StationKind.HANDOUT
    association: AssociationRule = AssociationRule.CONTENTS
    channels: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    slots: Annotated[tuple[SlotSettings, ...], Field(min_length=1, max_length=6)] = (SlotSettings(),)
    timing: TimingSettings = TimingSettings()
    camera: CameraSettings | None = None

    @field_validator("slots")
    @classmethod
    def _ids_differ(cls, slots: tuple[SlotSettings, ...]) -> tuple[SlotSettings, ...]:
        if len({slot.id for slot in slots}) < len(slots):
            raise ValueError(say("slot_id_twice", "two slots have the same id; give each its own"))
        return slots

    @property
    def policy(self) -> Policy:
        """How this station decides."""
        return Policy(kind=self.kind, association=self.association, **self.timing.model_dump())

    def relative_to(self, folder: Path) -> StationSettings:
        """The same settings with every path resolved against `folder`."""
        return self.model_copy(update={"camera": self.camera and self.camera.relative_to(folder)})
