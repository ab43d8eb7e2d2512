"""Put together what the Set-up pages change: choices over the configuration, checked before they are written."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edge_agent.adapters.picture_meter import PictureMeter, reference_png
from edge_agent.adapters.setup_folder import SetupFolder
from edge_agent.app.camera import meter_for
from edge_agent.checking.eagerness import FEWEST, MOST
from edge_agent.domain.drawing import DrawnSlot, drawing_fault
from edge_agent.domain.menu import Menu, MenuFault
from edge_agent.domain.record import StaffRole
from edge_agent.domain.said import said_of, say
from edge_agent.domain.unknown_skus import Known, menu_knowing
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadInput, Conflict, StoreBusy, Unknown
from edge_agent.formats.complaints import complaint_of
from edge_agent.formats.menu import load_menu, menu_as_yaml
from edge_agent.formats.menu_upload import menu_from
from edge_agent.formats.yaml_file import FileModel
from edge_agent.ports import Choice, Clock, MenuSetup, Picture, SetupShown, StationSetup, TrialEnd
from edge_agent.settings import Settings, SlotSettings, StationSettings
from edge_agent.settings.setup import (
    MOST_KNOWN,
    EagernessChosen,
    KnownEntry,
    LaidOver,
    MenuChosen,
    ReferenceTaken,
    ShadowEnded,
    SlotsChosen,
    TrialMade,
    laid_over,
    menu_print,
    reference_print,
    slots_print,
    value_print,
)

logger = logging.getLogger(__name__)

Change = Callable[[LaidOver], dict[str, Any]]
"""What changes of the choices, by the names of `SetupFile`; a file that belongs to them is put by it."""


class SetupDesk:
    """A `SetupBook` over the folder with the choices.

    Args:
        read: reads the configuration and the choices as they are now.
        running: what the agent was started with.
        classes: the model's.
        thresholds: the model's thresholds for a position of the slider.
        newest: the newest picture of a station, None where there is none that may be taken for now; raises Unknown.
        take_effect: lets the checker use the menu and the slider of these settings.
        restart: ends the agent so that it is started anew; None where nobody would start it.
        clock: tells when something was chosen.
    """

    def __init__(  # noqa: PLR0913  each is one thing that it stands on
        self,
        *,
        read: Callable[[], LaidOver],
        running: Settings,
        classes: Sequence[str],
        thresholds: Callable[[int], Thresholds],
        newest: Callable[[str], Picture | None],
        take_effect: Callable[[Settings], None],
        restart: Callable[[], None] | None,
        clock: Clock,
    ) -> None:
        self._read = read
        self._running = running
        self._classes = tuple(classes)
        self._thresholds = thresholds
        self._newest = newest
        self._take_effect = take_effect
        self._restart = restart
        self._clock = clock
        self._lock = threading.Lock()

    def shown(self) -> SetupShown:
        now = self._read()
        choices = now.choices
        ended = choices.shadow_ended
        return SetupShown(
            stations=tuple(self._shown_station(station, now) for station in now.settings.stations),
            menu=_shown_menu(now),
            eagerness=now.settings.detector.eagerness,
            moved_at=None if choices.eagerness is None or "slider" in now.set_aside else choices.eagerness.at,
            shadow=now.settings.shadow,
            ended=None
            if ended is None or now.settings.shadow
            else TrialEnd(
                at=ended.at, by=ended.by, audited_right=ended.audited_right, high=ended.high, early=ended.early
            ),
            tried_at=None if choices.trial is None else choices.trial.at,
            waiting=self._waiting(now.settings),
            can_restart=self._restart is not None,
            set_aside=now.set_aside,
        )

    def thresholds(self, eagerness: int) -> Thresholds:
        return self._thresholds(max(FEWEST, min(MOST, eagerness)))

    def draw(self, station_id: str, slots: Sequence[DrawnSlot], *, by: StaffRole) -> None:
        fault = drawing_fault(slots)
        if fault is not None:
            raise BadInput(say("slots_unusable", "these slots cannot be used: {why}", why=fault[0].value))

        def drawn(now: LaidOver) -> dict[str, Any]:
            written = _station(now.written, station_id)
            chosen = _made(
                SlotsChosen,
                **self._stamp(by, slots_print(written)),
                slots=[{"id": each.slot_id, "polygon": each.corners} for each in slots],
            )
            changed: dict[str, Any] = {"slots": {**now.choices.slots, station_id: chosen}}
            if station_id in now.choices.references and not _can_compare(now, station_id, chosen.slots):
                changed["references"] = _without(now.choices.references, station_id)
            return changed

        self._change(drawn)

    def take_reference(self, station_id: str, *, by: StaffRole) -> None:
        now = self._read()
        station = _station(now.settings, station_id)
        if station.camera is None:
            raise Conflict(say("station_no_camera", "the station '{station}' has no camera", station=station_id))
        picture = self._newest(station_id)
        if picture is None:
            raise Conflict(
                say("station_no_picture", "the camera of '{station}' gives no picture now", station=station_id)
            )
        if not _compares(picture, station.slots):
            said = say(
                "slots_too_large",
                "the slots leave too little of the picture to tell that the camera was moved; draw them closer",
            )
            raise Conflict(said)
        png = reference_png(picture)
        name = _named(f"reference-{station_id}", png, "png")

        def taken(now: LaidOver) -> dict[str, Any]:
            over = reference_print(_station(now.written, station_id))
            SetupFolder(now.folder).put(name, png)
            chosen = _made(ReferenceTaken, **self._stamp(by, over), file=name)
            return {"references": {**now.choices.references, station_id: chosen}}

        self._change(taken)

    def use_menu(self, raw: bytes, name: str, *, by: StaffRole) -> None:
        menu = menu_from(raw, name, model_classes=self._classes)
        shown = Path(name).name[:200]

        def uploaded(now: LaidOver) -> dict[str, Any]:
            return {"menu": self._menu_chosen(now, menu, by=by, uploaded=shown, known=())}

        self._change(uploaded)
        self._take_effect_of_all()

    def know(self, known: Sequence[Known], *, by: StaffRole) -> None:
        def learned(now: LaidOver) -> dict[str, Any]:
            before = now.choices.menu
            menu = load_menu(now.settings.menu, model_classes=self._classes).menu
            kept: tuple[KnownEntry, ...] = () if before is None else before.known
            said = list(known)
            if "menu" in now.set_aside:
                # The configured menu was changed since: what was said of SKUs is said of the new one too.
                new = {each.sku for each in known}
                again = [each.known for each in kept if menu.find(each.sku) is None and each.sku not in new]
                said, kept = [*again, *known], ()
            try:
                menu = menu_knowing(menu, said, classes=self._classes)
            except MenuFault as fault:
                raise BadInput(said_of(fault)) from fault
            entries = (*kept, *(KnownEntry(sku=k.sku, means=k.means, of=k.of, name=k.name) for k in said))
            if len(entries) > MOST_KNOWN:
                raise Conflict(
                    say("sku_too_many", "the menu has learned of {most} SKUs; put them into its file", most=MOST_KNOWN)
                )
            uploaded = "" if before is None or "menu" in now.set_aside else before.uploaded
            return {"menu": self._menu_chosen(now, menu, by=by, uploaded=uploaded, known=entries)}

        self._change(learned)
        self._take_effect_of_all()

    def move_slider(self, eagerness: int, *, by: StaffRole) -> None:
        def moved(now: LaidOver) -> dict[str, Any]:
            over = value_print(now.written.detector.eagerness)
            return {"eagerness": _made(EagernessChosen, **self._stamp(by, over), eagerness=eagerness)}

        self._change(moved)
        self._take_effect_of_all()

    def end_trial(self, *, audited_right: int, high: float | None, early: bool, by: StaffRole) -> None:
        def ended(now: LaidOver) -> dict[str, Any]:
            if not now.settings.shadow:
                raise Conflict(say("trial_over", "the trial has ended already"))
            stamp = self._stamp(by, value_print(now.written.shadow))
            return {"shadow_ended": _made(ShadowEnded, **stamp, audited_right=audited_right, high=high, early=early)}

        self._change(ended)

    def note_tried(self, station_id: str, *, by: StaffRole) -> None:
        def tried(now: LaidOver) -> dict[str, Any]:
            _station(now.settings, station_id)
            return {"trial": _made(TrialMade, at=self._now(), by=by, station=station_id)}

        self._change(tried)

    def forget(self, choice: Choice, station_id: str = "") -> None:
        def forgotten(now: LaidOver) -> dict[str, Any]:
            if choice is Choice.SLOTS:
                return {"slots": _without(now.choices.slots, station_id)}
            if choice is Choice.REFERENCE:
                return {"references": _without(now.choices.references, station_id)}
            return {{Choice.MENU: "menu", Choice.SLIDER: "eagerness", Choice.TRIAL_MODE: "shadow_ended"}[choice]: None}

        self._change(forgotten)
        if choice in (Choice.MENU, Choice.SLIDER):
            self._take_effect_of_all()

    def restart(self) -> None:
        if self._restart is None:
            raise Conflict(
                say("restart_nobody", "nobody would start the agent again: start it anew where it was started")
            )
        self._restart()

    def _change(self, change: Change) -> None:
        """Write choices, once they are known to make sense together; files that they name are written before."""
        with self._lock:
            now = self._read()
            choices = now.choices.model_copy(update=change(now))
            self._hold(laid_over(now.plain, now.written, choices, now.folder))
            folder = SetupFolder(now.folder)
            folder.write(choices)
            # The last good configuration names what the agent was started with.
            started_with = (_reference(station) for station in self._running.stations)
            folder.keep_only([*choices.files, *(path.name for path in started_with if path is not None)])

    def _hold(self, laid: LaidOver) -> None:
        """What is about to be written must let the agent start."""
        load_menu(laid.settings.menu, model_classes=self._classes)
        for station in laid.settings.stations:
            if station.id in laid.choices.references:
                meter_for(station)

    def _take_effect_of_all(self) -> None:
        try:
            self._take_effect(self._read().settings)
        except FutureTimeout as error:
            raise StoreBusy("the checker is busy; what was chosen holds from the next start on") from error

    def _waiting(self, settings: Settings) -> frozenset[Choice]:
        """What only a new start brings into force."""
        before = {station.id: station for station in self._running.stations}
        found = set()
        for station in settings.stations:
            ran = before.get(station.id)
            if ran is None or ran.slots != station.slots:
                found.add(Choice.SLOTS)
            if ran is not None and _reference(ran) != _reference(station):
                found.add(Choice.REFERENCE)
        if settings.shadow != self._running.shadow:
            found.add(Choice.TRIAL_MODE)
        return frozenset(found)

    def _shown_station(self, station: StationSettings, now: LaidOver) -> StationSetup:
        chosen = now.choices.slots.get(station.id)
        is_drawn = chosen is not None and f"slots of {station.id}" not in now.set_aside
        return StationSetup(
            station_id=station.id,
            has_camera=station.camera is not None,
            slots=tuple(DrawnSlot(slot.id, slot.polygon) for slot in station.slots),
            drawn_at=chosen.at if chosen is not None and is_drawn else None,
            has_reference=_reference(station) is not None,
        )

    def _menu_chosen(
        self, now: LaidOver, menu: Menu, *, by: StaffRole, uploaded: str, known: Sequence[KnownEntry]
    ) -> MenuChosen:
        content = menu_as_yaml(menu).encode()
        name = _named("menu", content, "yaml")
        SetupFolder(now.folder).put(name, content)
        stamp = self._stamp(by, menu_print(now.plain.menu))
        return MenuChosen(**stamp, file=name, uploaded=uploaded, known=tuple(known))

    def _stamp(self, by: StaffRole, over: str) -> dict[str, Any]:
        return {"at": self._now(), "by": by, "over": over}

    def _now(self) -> datetime:
        return self._clock.now_utc().replace(microsecond=0)


def _named(kind: str, content: bytes, ending: str) -> str:
    """A name that another content never has, so that nothing that a choice names is ever written over."""
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"


def _made(model: type[FileModel], **values: Any) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadInput(complaint_of(error)) from error


def _shown_menu(now: LaidOver) -> MenuSetup:
    chosen = now.choices.menu
    if chosen is None or "menu" in now.set_aside:
        return MenuSetup(file=now.settings.menu.name)
    return MenuSetup(
        file=chosen.uploaded or now.plain.menu.name,
        uploaded=bool(chosen.uploaded),
        known=tuple(entry.known for entry in chosen.known),
    )


def _station(settings: Settings, station_id: str) -> StationSettings:
    found = next((station for station in settings.stations if station.id == station_id), None)
    if found is None:
        raise Unknown(f"there is no station {station_id[:80]!r}")
    return found


def _reference(station: StationSettings) -> Path | None:
    return None if station.camera is None else station.camera.reference


def _can_compare(now: LaidOver, station_id: str, slots: tuple[SlotSettings, ...]) -> bool:
    """Whether the reference picture shows enough around these slots."""
    try:
        meter_for(_station(now.settings, station_id).model_copy(update={"slots": slots}))
    except BadInput:
        return False
    return True


def _compares(picture: Picture, slots: Sequence[SlotSettings]) -> bool:
    height_px, width_px = picture.shape[:2]
    return PictureMeter(reference=picture, slots=[slot.slot(width_px, height_px).polygon for slot in slots]).can_compare


def _without(of: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in of.items() if key != name}
