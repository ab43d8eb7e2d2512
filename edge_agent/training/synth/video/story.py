"""What happens in a video, before anything of it is drawn: trays, what is done to them, the till, what goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from edge_agent.checking.policy import StationKind
from edge_agent.training.synth.catalogue import CLASSES

FRAMES_PER_S = 12


class Way(str, Enum):
    """Where a tray comes from, or goes to, as the picture shows it; the kitchen is above, the guest below."""

    KITCHEN = "kitchen"
    LEFT = "left"
    GUEST = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place for a tray: its middle, how a tray lies there, and how much around it belongs to the slot."""

    slot_id: str
    x_cm: float = 0.0
    y_cm: float = 0.0
    turn_rad: float = 0.0
    margin_cm: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The pass that is filmed: how wide the picture is at the counter, and the places on it."""

    station_id: str
    kind: StationKind
    width_cm: float
    places: tuple[Place, ...]

    def place(self, slot_id: str) -> Place:
        """The place of that id; KeyError if there is none."""
        return {place.slot_id: place for place in self.places}[slot_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A hand lays something down on a tray, at that time."""

    at_s: float
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One tray's stay.

    It comes into the picture after `comes_s`, lies still from `rests_s` to `goes_s`, and is out of it by `gone_s`.

    Attributes:
        lying: the kinds of things on it when it comes, sold or not.
        changes: what hands do to it while it lies there, by time.
        order_id: whose it is; None: nobody's.
        put_right_s: when the last change put right what people could have been told of; None: nothing was put right.
        seed: decides how its things lie and what they look like.
    """

    tray_id: str
    order_id: str | None
    slot_id: str
    lying: tuple[str, ...]
    comes_s: float
    rests_s: float
    goes_s: float
    gone_s: float
    seed: str
    changes: tuple[Change, ...] = ()
    put_right_s: float | None = None
    way_in: Way = Way.KITCHEN
    way_out: Way = Way.GUEST

    def sold_at(self, at_s: float) -> Counter[str]:
        """What of the menu lies on it at that time."""
        brought = (change.kind for change in self.changes if change.at_s <= at_s)
        return Counter(name for name in (*self.lying, *brought) if name in CLASSES)

    @property
    def sold(self) -> Counter[str]:
        """What of the menu lies on it when it leaves."""
        return self.sold_at(self.goes_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class TillSays:
    """What the till sends at that time: an order in its own form, or that one is ready, or cancelled."""

    at_s: float
    order: Mapping[str, Any] | None = None
    ready: str | None = None
    cancel: str | None = None

    def as_json(self) -> dict[str, Any]:
        """A line of `NAME.orders.jsonl`."""
        said = {"order": self.order, "ready": self.ready, "cancel": self.cancel}
        return {"at_s": round(self.at_s, 2), **{key: value for key, value in said.items() if value is not None}}


class Trouble(str, Enum):
    """What a camera over a pass must live with."""

    ARM = "arm"  # somebody reaches over the tray and stays
    GLARE = "glare"  # the sun, mirrored by something that passes
    BUMP = "bump"  # the camera is knocked and hangs a little askew from then on
    FREEZE = "freeze"  # the same picture for a while, though time goes on
    DARK = "dark"  # the light fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """A trouble and how long it lasts."""

    trouble: Trouble
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A whole video. Visits are in the order of their coming, and what the till says in that of its times."""

    name: str
    seed: int
    duration_s: float
    filmed: Pass
    visits: tuple[Visit, ...]
    till: tuple[TillSays, ...]
    mishaps: tuple[Mishap, ...] = ()

    @property
    def frames(self) -> int:
        return round(self.duration_s * FRAMES_PER_S)
