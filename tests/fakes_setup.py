"""What the Set-up pages talk to, by hand: choices in memory, one camera, a second look that is done at once, health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from edge_agent.checking.eagerness import shifted
from edge_agent.domain.camera_advice import CameraAdvice, Focus, Light
from edge_agent.domain.drawing import DrawnSlot
from edge_agent.domain.record import StaffRole
from edge_agent.domain.unknown_skus import Known
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import Conflict, EdgeAgentError, Unknown
from edge_agent.ports import (
    CameraLook,
    Choice,
    HealthFound,
    MenuSetup,
    SecondLookReport,
    SetupShown,
    StationPicture,
    StationSetup,
    TrialEnd,
)

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
GOOD = CameraAdvice(light=Light.GOOD, focus=Focus.SHARP, brightness=0.5, sharpness=1.4)
LOOK = CameraLook(
    station_id="pass", source="device 0", status="online", width_px=640, height_px=480, advice=GOOD, similarity=None
)


class FakeSetupBook:
    """Choices in memory; `refusal` makes it refuse every change with that error. `told` is what was done, in words."""

    def __init__(self) -> None:
        station = StationSetup(station_id="pass", has_camera=True, slots=(DrawnSlot("slot", WHOLE),))
        self.now = SetupShown(stations=(station,), menu=MenuSetup(file="canteen.yaml"), eagerness=0)
        self.refusal: EdgeAgentError | None = None
        self.unreadable: EdgeAgentError | None = None
        self.told: list[str] = []

    def shown(self) -> SetupShown:
        if self.unreadable is not None:
            raise self.unreadable
        return self.now

    def thresholds(self, eagerness: int) -> Thresholds:
        return shifted(Thresholds(), eagerness)

    def draw(self, station_id: str, slots: Sequence[DrawnSlot], *, by: StaffRole) -> None:
        self._note(f"slots of {station_id} by {by.value}")
        station = replace(self.now.stations[0], slots=tuple(slots), drawn_at=NOW)
        self._change(stations=(station,), waiting=self.now.waiting | {Choice.SLOTS})

    def take_reference(self, station_id: str, *, by: StaffRole) -> None:
        self._note(f"reference of {station_id} by {by.value}")
        self._change(stations=(replace(self.now.stations[0], has_reference=True),))

    def use_menu(self, raw: bytes, name: str, *, by: StaffRole) -> None:
        self._note(f"menu {name} of {len(raw)} bytes by {by.value}")
        self._change(menu=MenuSetup(file=name, uploaded=True))

    def know(self, known: Sequence[Known], *, by: StaffRole) -> None:
        self._note(f"know {[each.sku for each in known]} by {by.value}")
        self._change(menu=replace(self.now.menu, known=(*self.now.menu.known, *known)))

    def move_slider(self, eagerness: int, *, by: StaffRole) -> None:
        self._note(f"slider {eagerness} by {by.value}")
        self._change(eagerness=eagerness, moved_at=NOW)

    def end_trial(self, *, audited_right: int, high: float | None, early: bool, by: StaffRole) -> None:
        self._note(f"trial ended{' early' if early else ''} by {by.value}")
        ended = TrialEnd(at=NOW, by=by, audited_right=audited_right, high=high, early=early)
        self._change(shadow=False, ended=ended, waiting=self.now.waiting | {Choice.TRIAL_MODE})

    def note_tried(self, station_id: str, *, by: StaffRole) -> None:
        self._note(f"tried at {station_id} by {by.value}")
        self._change(tried_at=NOW)

    def forget(self, choice: Choice, station_id: str = "") -> None:
        self._note(f"forget {choice.value} {station_id}".strip())
        if choice is Choice.TRIAL_MODE:
            self._change(shadow=True, ended=None)

    def restart(self) -> None:
        if not self.now.can_restart:
            raise Conflict("nobody would start the agent again")
        self._note("restart")

    def _note(self, what: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.told.append(what)

    def _change(self, **what: object) -> None:
        self.now = replace(self.now, **what)  # type: ignore[arg-type]


@dataclass(slots=True)
class FakeCameras:
    """The camera of the station `pass`."""

    look: CameraLook = LOOK
    newest: StationPicture | None = field(default_factory=lambda: StationPicture(jpeg=b"\xff\xd8 whole", age_s=0.1))

    def looks(self) -> tuple[CameraLook, ...]:
        return (self.look,)

    def picture(self, station_id: str) -> StationPicture | None:
        if station_id != "pass":
            raise Unknown(f"there is no station {station_id!r}")
        return self.newest


@dataclass(slots=True)
class FakeSecondLook:
    """Has looked at what a test says."""

    now: SecondLookReport = field(default_factory=SecondLookReport)
    begun: int = 0

    def begin(self) -> None:
        self.begun += 1

    def report(self) -> SecondLookReport:
        return self.now


class FakeHealth:
    """The disk is well, the clock is not, the model cannot be looked at."""

    def parts(self) -> tuple[str, ...]:
        return ("disk", "clock", "model", "service")

    def look(self, part: str) -> tuple[HealthFound, ...]:
        if part == "model":
            raise Conflict("the model is gone")
        if part == "service":
            return ()
        state, do = ("ok", "") if part == "disk" else ("wrong", "set it")
        return (HealthFound(what=part, state=state, said=f"this is the {part}", do=do),)
