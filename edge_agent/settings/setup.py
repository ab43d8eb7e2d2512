"""What was chosen on the Set-up page, laid over the configuration: `setup/setup.yaml` beside the database.

The configuration belongs to the person who writes it and is never touched. Each choice says what it was laid over;
where the configuration says something else by now, the person was there later, so the choice is set aside, and that is
said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, JsonValue, ValidationError

from edge_agent.checking.eagerness import FEWEST, MOST
from edge_agent.domain.order import MAX_ID, MAX_TEXT
from edge_agent.domain.record import StaffRole
from edge_agent.domain.said import reason_of, say
from edge_agent.domain.unknown_skus import Known, Meaning
from edge_agent.errors import BadConfig
from edge_agent.formats.complaints import complaint_of
from edge_agent.formats.pack import FileName, Sha256
from edge_agent.formats.yaml_file import FileModel, load_yaml
from edge_agent.settings.bounds import Identifier
from edge_agent.settings.station import SlotSettings, StationSettings
from edge_agent.settings.whole import Settings

FOLDER = "setup"
FILE = "setup.yaml"

MOST_KNOWN = 2_000


class Chosen(FileModel):
    """One choice: when, by which role, and over what (a hash of what the configuration said then)."""

    at: AwareDatetime
    by: StaffRole
    over: Sha256


class SlotsChosen(Chosen):
    """The slots of one station, as they were drawn."""

    slots: Annotated[tuple[SlotSettings, ...], Field(min_length=1, max_length=6)]


class ReferenceTaken(Chosen):
    """The reference picture of one station: a small grey one, beside this file."""

    file: FileName


class KnownEntry(FileModel):
    """What somebody said about one SKU that the menu did not know."""

    sku: Annotated[str, Field(min_length=1, max_length=MAX_ID)]
    means: Meaning
    of: Annotated[str, Field(max_length=MAX_ID)] = ""
    name: Annotated[str, Field(max_length=MAX_TEXT)] = ""

    @property
    def known(self) -> Known:
        return Known(sku=self.sku, means=self.means, of=self.of, name=self.name)


class MenuChosen(Chosen):
    """A menu in the place of the configured one; `over` is the hash of that one's bytes.

    Attributes:
        file: its file, beside this one.
        uploaded: the name of the file that was uploaded; empty where the configured menu only learned of more SKUs.
        known: what it learned.
    """

    file: FileName
    uploaded: Annotated[str, Field(max_length=200)] = ""
    known: Annotated[tuple[KnownEntry, ...], Field(max_length=MOST_KNOWN)] = ()


class EagernessChosen(Chosen):
    """Where the slider between fewer alarms and more catches stands."""

    eagerness: Annotated[int, Field(ge=FEWEST, le=MOST)]


class ShadowEnded(Chosen):
    """The end of shadow mode, and what the audits said then.

    Attributes:
        audited_right: so many trays had been audited and found right.
        high: the upper end of the interval of false alarms per right tray; None where it was not measured.
        early: whether the numbers did not say yet that it may end.
    """

    audited_right: Annotated[int, Field(ge=0)]
    high: float | None = None
    early: bool = False


class TrialMade(FileModel):
    """A test order was sent, and a wrong tray and a right one of it were told apart."""

    at: AwareDatetime
    by: StaffRole
    station: Identifier


class SetupFile(FileModel):
    """All that was chosen; what does not stand here is as configured."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    slots: Mapping[Identifier, SlotsChosen] = {}
    references: Mapping[Identifier, ReferenceTaken] = {}
    menu: MenuChosen | None = None
    eagerness: EagernessChosen | None = None
    shadow_ended: ShadowEnded | None = None
    trial: TrialMade | None = None

    def named(self) -> dict[str, Chosen]:
        """Every choice by what it is called where people read of it."""
        single = {"menu": self.menu, "slider": self.eagerness, "end of the trial": self.shadow_ended}
        return {
            **{f"slots of {station}": choice for station, choice in self.slots.items()},
            **{f"reference of {station}": choice for station, choice in self.references.items()},
            **{name: choice for name, choice in single.items() if choice is not None},
        }

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that belong to the choices."""
        menu = () if self.menu is None else (self.menu.file,)
        return (*menu, *(taken.file for taken in self.references.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOver:
    """A configuration with the choices over it.

    Attributes:
        settings: what holds.
        plain: the configuration alone; `written`: the same, its paths as they are written.
        choices: all of them, also those that are set aside.
        folder: where they lie.
        set_aside: the choices that the configuration was changed over since: `slots of pass`, `menu` ...
    """

    settings: Settings
    plain: Settings
    written: Settings
    choices: SetupFile
    folder: Path
    set_aside: tuple[str, ...] = ()


def load_laid_over(path: Path) -> LaidOver:
    """Read a configuration, and what was chosen on the Set-up page over it.

    Raises:
        BadConfig: one sentence with file and line.
    """
    written = load_yaml(path, Settings)
    plain = written.relative_to(path.parent)
    folder = plain.store.path.parent / FOLDER
    return laid_over(plain, written, load_choices(folder), folder)


def load_choices(folder: Path) -> SetupFile:
    """The choices in a folder; none where there is no file. Raises BadConfig."""
    path = folder / FILE
    try:
        there = path.exists()
    except OSError as error:
        raise BadConfig(
            say("setup_unreadable", "what was set up cannot be read: {why}", why=reason_of(error)), path=path
        ) from error
    return load_yaml(path, SetupFile) if there else SetupFile()


def laid_over(plain: Settings, written: Settings, choices: SetupFile, folder: Path) -> LaidOver:
    """Lay the choices over a configuration.

    Raises:
        BadConfig: together they make no sense, such as two slots of one id.
    """
    aside: list[str] = []
    changed: dict[str, Any] = {"stations": _stations(plain, written, choices, folder, aside)}
    if choices.menu is not None and _stands(choices.menu, menu_print(plain.menu), "menu", aside):
        changed["menu"] = folder / choices.menu.file
    if choices.eagerness is not None:
        over = value_print(written.detector.eagerness)
        if _stands(choices.eagerness, over, "slider", aside):
            changed["detector"] = plain.detector.model_copy(update={"eagerness": choices.eagerness.eagerness})
    if choices.shadow_ended is not None and _stands(
        choices.shadow_ended, value_print(written.shadow), "end of the trial", aside
    ):
        changed["shadow"] = False
    try:
        settings = Settings.model_validate(plain.model_copy(update=changed).model_dump())
    except ValidationError as error:
        said = complaint_of(error)
        raise BadConfig(
            say("setup_unfit", "it does not fit the configuration: {why}", why=said), path=folder / FILE
        ) from error
    return LaidOver(
        settings=settings, plain=plain, written=written, choices=choices, folder=folder, set_aside=tuple(aside)
    )


def value_print(value: JsonValue) -> str:
    """The hash of a value of the configuration, as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def slots_print(station: StationSettings) -> str:
    """The hash of a station's slots as they are written."""
    return value_print([slot.model_dump(mode="json") for slot in station.slots])


def reference_print(station: StationSettings) -> str:
    """The hash of the name of a station's reference picture as it is written."""
    camera = station.camera
    return value_print(None if camera is None or camera.reference is None else str(camera.reference))


def menu_print(path: Path) -> str:
    """The hash of a menu's bytes; that of no bytes where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return hashlib.sha256(b"").hexdigest()


def _stations(
    plain: Settings, written: Settings, choices: SetupFile, folder: Path, aside: list[str]
) -> tuple[StationSettings, ...]:
    known = {station.id for station in written.stations}
    aside += [f"slots of {name}" for name in choices.slots if name not in known]
    aside += [f"reference of {name}" for name in choices.references if name not in known]
    found = []
    for station, as_written in zip(plain.stations, written.stations, strict=True):
        changed: dict[str, Any] = {}
        slots, reference = choices.slots.get(station.id), choices.references.get(station.id)
        if slots is not None and _stands(slots, slots_print(as_written), f"slots of {station.id}", aside):
            changed["slots"] = slots.slots
        if (
            reference is not None
            and station.camera is not None
            and _stands(reference, reference_print(as_written), f"reference of {station.id}", aside)
        ):
            changed["camera"] = station.camera.model_copy(update={"reference": folder / reference.file})
        found.append(station.model_copy(update=changed))
    return tuple(found)


def _stands(choice: Chosen, over: str, what: str, aside: list[str]) -> bool:
    """Whether the configuration says what it said when this was chosen."""
    if choice.over != over:
        aside.append(what)
    return choice.over == over
