"""What the Set-up pages talk to: cameras as they are now, what was chosen, a second look at old trays, health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from edge_agent.domain.camera_advice import CameraAdvice
from edge_agent.domain.drawing import DrawnSlot
from edge_agent.domain.looked_again import LookedAgain
from edge_agent.domain.record import StaffRole
from edge_agent.domain.unknown_skus import Known
from edge_agent.domain.voting import Thresholds
from edge_agent.ports.serving import StationPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLook:
    """One station's camera as it is now.

    Attributes:
        source: what people may see of its address; empty where the station has no camera.
        status: one word: online, offline, frozen, dark, blurred, moved.
        problem: why it gives no pictures, in an English sentence without any secret; empty while it does.
        width_px, height_px: of its newest picture; 0 where there is none.
        advice: on light and focus; None where there is no picture.
        similarity: the share of the surroundings that look as on the reference picture; None without one.
    """

    station_id: str
    source: str
    status: str
    problem: str = ""
    width_px: int = 0
    height_px: int = 0
    advice: CameraAdvice | None = None
    similarity: float | None = None


class Cameras(Protocol):
    """The cameras, for who sets them up. Synchronous, quick, safe to call from any thread."""

    def looks(self) -> tuple[CameraLook, ...]:
        """All of them, in the order of the configuration."""
        ...

    def picture(self, station_id: str) -> StationPicture | None:
        """The whole of the newest picture, also what lies outside the slots: never stored, and for admins alone.

        None where there is none, or only one that is too old to be shown as new.

        Raises:
            Unknown: there is no such station.
        """
        ...


class Choice(str, Enum):
    """What can be chosen on the Set-up pages."""

    SLOTS = "slots"
    REFERENCE = "reference"
    MENU = "menu"
    SLIDER = "slider"
    TRIAL_MODE = "trial_mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSetup:
    """What holds for one station, once the agent was started anew.

    Attributes:
        has_camera: whether the configuration names one.
        drawn_at: when its slots were drawn; None where they are as configured.
        has_reference: whether there is a reference picture.
    """

    station_id: str
    has_camera: bool
    slots: tuple[DrawnSlot, ...]
    drawn_at: datetime | None = None
    has_reference: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuSetup:
    """The menu that is in force.

    Attributes:
        file: the name of its file.
        uploaded: whether it was uploaded.
        known: what it learned of SKUs that it did not know.
    """

    file: str
    uploaded: bool = False
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnd:
    """How the trial (shadow mode) was ended; `high` is the upper end of the interval of false alarms then."""

    at: datetime
    by: StaffRole
    audited_right: int
    high: float | None
    early: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupShown:
    """What was set up.

    Attributes:
        eagerness: where the slider stands; `moved_at`: when it was moved; None where it is as configured.
        shadow: whether people are told of nothing, once the agent was started anew.
        ended: how the trial was ended on the Set-up page; None where it was not.
        tried_at: when a wrong tray and a right one were last told apart in a test.
        waiting: what was chosen and takes effect only with a new start.
        can_restart: whether the agent would be started anew if it ended.
        set_aside: choices that do not hold, since the configuration was changed after them; in English.
    """

    stations: tuple[StationSetup, ...]
    menu: MenuSetup
    eagerness: int
    moved_at: datetime | None = None
    shadow: bool = True
    ended: TrialEnd | None = None
    tried_at: datetime | None = None
    waiting: frozenset[Choice] = frozenset()
    can_restart: bool = False
    set_aside: tuple[str, ...] = ()


class SetupBook(Protocol):
    """What was chosen, kept beside the database; the configuration itself is never touched.

    Synchronous, safe to call from any thread; waits for the disk. On return of a change it is on the disk, and the menu
    and the slider are in force. Every method that changes something raises:
        BadInput: what was chosen makes no sense, or the configuration does not read, or nothing can be written.
        Unknown: there is no such station.
        Conflict: it cannot be now.
        StoreBusy: the checker is too busy; the choice is kept, and holds from the next start on.
    """

    def shown(self) -> SetupShown:
        """As it is now. Raises BadInput where the configuration does not read."""
        ...

    def thresholds(self, eagerness: int) -> Thresholds:
        """The model's thresholds with the slider there."""
        ...

    def draw(self, station_id: str, slots: Sequence[DrawnSlot], *, by: StaffRole) -> None:
        """Use these slots. A reference picture that leaves nothing to compare around them is dropped."""
        ...

    def take_reference(self, station_id: str, *, by: StaffRole) -> None:
        """Keep the newest picture, small and grey, as what the surroundings of the slots look like."""
        ...

    def use_menu(self, raw: bytes, name: str, *, by: StaffRole) -> None:
        """Use the menu in a file that somebody uploaded."""
        ...

    def know(self, known: Sequence[Known], *, by: StaffRole) -> None:
        """Let the menu learn of SKUs."""
        ...

    def move_slider(self, eagerness: int, *, by: StaffRole) -> None:
        """Fewer alarms, or more catches."""
        ...

    def end_trial(self, *, audited_right: int, high: float | None, early: bool, by: StaffRole) -> None:
        """Tell people of alerts, from the next start on."""
        ...

    def note_tried(self, station_id: str, *, by: StaffRole) -> None:
        """A wrong tray and a right one were told apart."""
        ...

    def forget(self, choice: Choice, station_id: str = "") -> None:
        """Let the configuration decide again; of slots and reference, those of a station."""
        ...

    def restart(self) -> None:
        """End the agent, so that it is started anew. Raises Conflict where nobody would start it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLookReport:
    """How far the second look is.

    Attributes:
        is_running: whether it is under way; `is_over`: whether it has come to its end.
        done: how many trays were looked at; `of`: how many there are; both 0 before the first look.
        trays: what was seen, the newest tray first.
        without_picture: trays that cannot be looked at: their pictures have expired, or were never kept.
        problem: why it ended before its end, in English; empty where it did not.
    """

    is_running: bool = False
    is_over: bool = False
    done: int = 0
    of: int = 0
    trays: tuple[LookedAgain, ...] = ()
    without_picture: int = 0
    problem: str = ""


class SecondLook(Protocol):
    """Looks at the kept pictures of the last trays once more, between the stations' pictures. Safe from any thread."""

    def begin(self) -> None:
        """Begin, unless it is under way."""
        ...

    def report(self) -> SecondLookReport:
        """How far it is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFound:
    """What was found of one part.

    Attributes:
        state: ok, attention or wrong.
        said, do: English sentences.
        code: names what was found, for words of another language; empty where it has no name.
    """

    what: str
    state: str
    said: str
    do: str = ""
    code: str = ""


class Health(Protocol):
    """Looks at the parts of the box, one at a time. Synchronous, safe to call from any thread."""

    def parts(self) -> tuple[str, ...]:
        """What can be looked at: words of `a` to `z` and hyphens."""
        ...

    def look(self, part: str) -> tuple[HealthFound, ...]:
        """Look at one part; may take seconds.

        Raises:
            Unknown: there is no such part.
        """
        ...
