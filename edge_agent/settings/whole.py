"""The whole configuration, `configs/edge.yaml`."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from edge_agent.checking.eagerness import FEWEST, MOST
from edge_agent.domain.said import say
from edge_agent.errors import BadInput
from edge_agent.formats.pack import Precision
from edge_agent.formats.yaml_file import FileModel
from edge_agent.settings.bounds import Identifier
from edge_agent.settings.keeping import StoreSettings
from edge_agent.settings.serving import ApiSettings, MqttSettings, OrderFolderSettings
from edge_agent.settings.station import StationSettings


class DetectorSettings(FileModel):
    """Which model runs, and on what. What is `auto`, or 0, is as `edge-agent tune` measured it.

    Without a measurement: the pack's first precision, the best provider that works, all cores.

    `pack` is a pack's folder, or `models/active`: then `edge-agent models activate` decides which pack runs.

    Attributes:
        eagerness: from -3 (fewer alarms) to 3 (more catches); 0 is as the pack was calibrated.
    """

    pack: Path = Path("../models/active")
    precision: Literal["auto"] | Precision = "auto"
    provider: Literal["auto", "tensorrt", "cuda", "openvino", "cpu"] = "auto"
    threads: Annotated[int, Field(ge=0, le=64)] = 0
    eagerness: Annotated[int, Field(ge=FEWEST, le=MOST)] = 0


class Settings(FileModel, hide_input_in_errors=True):
    """The whole configuration. Paths are read from the folder of the file that names them.

    Attributes:
        site: names the restaurant in the topics of MQTT: `edge-agent/SITE`.
        timezone: of the restaurant, such as Europe/Berlin; an order's business day is reckoned in it.
        day_starts_at: what comes before this local time belongs to the business day before.
        shadow: decide and store, but tell nobody, until the operator trusts it.
    """

    site: Identifier = "restaurant"
    timezone: Annotated[str, Field(max_length=64)] = "UTC"
    day_starts_at: time = time(4)
    shadow: bool = True
    detector: DetectorSettings = DetectorSettings()
    menu: Path = Path("menus/canteen.yaml")
    stations: Annotated[tuple[StationSettings, ...], Field(min_length=1, max_length=8)] = (StationSettings(),)
    store: StoreSettings = StoreSettings()
    api: ApiSettings = ApiSettings()
    mqtt: MqttSettings | None = None
    order_folder: OrderFolderSettings | None = None

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (LookupError, ValueError, OSError) as error:
            raise ValueError(
                say(
                    "timezone_unknown",
                    "'{name}' is no time zone that this machine knows; write one like Europe/Berlin",
                    name=name,
                )
            ) from error
        return name

    @field_validator("stations")
    @classmethod
    def _names_differ(cls, stations: tuple[StationSettings, ...]) -> tuple[StationSettings, ...]:
        if len({station.id for station in stations}) < len(stations):
            raise ValueError(say("station_id_twice", "two stations have the same id; give each its own"))
        slots = [slot.id for station in stations for slot in station.slots]
        if len(set(slots)) < len(slots):
            raise ValueError(
                say(
                    "slot_id_twice_on_box", "two stations have a slot of the same id; give each slot of the box its own"
                )
            )
        return stations

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def station(self, name: str | None = None) -> StationSettings:
        """The station of that id; without one the first.

        Raises:
            BadInput: there is none of that id.
        """
        for station in self.stations:
            if name is None or station.id == name:
                return station
        known = ", ".join(station.id for station in self.stations)
        raise BadInput(f"the configuration has no station '{name}'; it has: {known}")

    def relative_to(self, folder: Path) -> Settings:
        """The same settings with every path resolved against `folder`."""
        return self.model_copy(
            update={
                "detector": self.detector.model_copy(update={"pack": folder / self.detector.pack}),
                "menu": folder / self.menu,
                "stations": tuple(station.relative_to(folder) for station in self.stations),
                "store": self.store.model_copy(update={"path": folder / self.store.path}),
                "api": self.api.relative_to(folder),
                "mqtt": self.mqtt and self.mqtt.relative_to(folder),
                "order_folder": self.order_folder
                and self.order_folder.model_copy(update={"path": folder / self.order_folder.path}),
            }
        )
