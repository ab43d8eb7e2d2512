"""What looks in every command, the running agent's too: a detector with the menu it serves.

Nothing here imports reports or statistics: the running agent must start fast.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.app.detector import open_detector
from edge_agent.checking.eagerness import shifted
from edge_agent.checking.station import Station
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import ClassThresholds, Thresholds
from edge_agent.formats.menu import LoadedMenu, load_menu
from edge_agent.formats.pack import PackManifest
from edge_agent.settings import Settings, StationSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """A detector with the menu it serves: loaded together, since each must fit the other."""

    settings: Settings
    detector: OnnxDetector
    menu: LoadedMenu
    thresholds: Thresholds
    occluders: tuple[str, ...]

    @property
    def pack(self) -> ModelPack:
        return self.detector.pack


def open_eyes(settings: Settings) -> Eyes:
    """Load the pack and the menu that the settings name, and hold them against each other.

    Raises:
        BadModelPack: the pack does not fit, or the pointer to the active one is damaged.
        BadConfig: the menu does not read, or names a class that the model lacks.
    """
    folder = led_to(settings.detector.pack)
    manifest = ModelPack.manifest_of(folder)
    menu = load_menu(settings.menu, model_classes=manifest.classes)
    detector = open_detector(folder, settings.detector)
    pack = detector.pack
    logger.info("model %s %s, %s, runs on %s", manifest.name, manifest.version, pack.precision, detector.provider)
    return Eyes(
        settings=settings,
        detector=detector,
        menu=menu,
        thresholds=thresholds_of(pack.manifest, eagerness=settings.detector.eagerness),
        occluders=pack.manifest.occluders,
    )


def thresholds_of(manifest: PackManifest, *, eagerness: int = 0) -> Thresholds:
    """The manifest's thresholds as domain values, so far towards more catches (`checking.eagerness`)."""

    def both(name: str) -> ClassThresholds:
        limits = manifest.thresholds.of(name)
        return ClassThresholds(present=limits.present, possible=limits.possible, absence_tells=limits.absence_tells)

    default = manifest.thresholds.default
    calibrated = Thresholds(
        default=ClassThresholds(present=default.present, possible=default.possible),
        by_class={name: both(name) for name in manifest.classes},
    )
    return shifted(calibrated, eagerness, floor=manifest.score_floor)


def station_with(station: StationSettings, slots: Sequence[Slot]) -> Station:
    """A station as the checker knows it, its slots in pixels."""
    return Station(
        station_id=station.id, slots=tuple(slots), policy=station.policy, channels=frozenset(station.channels)
    )
