"""Put together what the Set-up pages talk to."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge_agent.adapters.photograph import jpeg_of, picture_from
from edge_agent.app.camera import limits_of
from edge_agent.app.health import BoxHealth
from edge_agent.app.photo_desk import look_between
from edge_agent.app.running import Running
from edge_agent.app.setting_up import SetupDesk
from edge_agent.domain.detection import Detection
from edge_agent.ports import Picture, Readiness
from edge_agent.runtime.live_cameras import CameraFacts, LiveCameras
from edge_agent.runtime.second_look import SecondLooks
from edge_agent.settings import Settings, StationSettings
from edge_agent.settings.setup import FOLDER, LaidOver, laid_over, load_choices, load_laid_over


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPages:
    """What they talk to."""

    desk: SetupDesk
    cameras: LiveCameras
    second_look: SecondLooks
    health: BoxHealth


def setup_pages(stack: ExitStack, of: Running, readiness: Readiness) -> SetupPages:
    """All of it; what runs ends with the stack."""
    cameras = LiveCameras(
        of.thread,
        facts={station.id: _facts(station) for station in of.settings.stations},
        captures=of.captures,
        encode=jpeg_of,
        clock=of.clock,
    )
    second_look = SecondLooks(history=of.kept.history, pictures=of.kept.store.pictures, look=partial(_look, of))
    health = BoxHealth(
        settings=of.settings,
        config=of.config,
        cameras=cameras,
        in_use=of.serving,
        readiness=readiness,
        clock=of.clock,
    )
    return SetupPages(
        desk=_desk(of, cameras), cameras=cameras, second_look=stack.enter_context(second_look), health=health
    )


def _desk(of: Running, cameras: LiveCameras) -> SetupDesk:
    def newest(station_id: str) -> Picture | None:
        found = cameras.newest(station_id)
        return None if found is None else found.frame.picture

    return SetupDesk(
        read=partial(_read, of.settings, of.config),
        running=of.settings,
        classes=of.eyes.detector.classes,
        thresholds=of.serving.thresholds,
        newest=newest,
        take_effect=lambda settings: of.serving.serve(settings, of.thread),
        restart=of.restart,
        clock=of.clock,
    )


def _read(settings: Settings, config: Path | None) -> LaidOver:
    if config is not None:
        return load_laid_over(config)
    folder = settings.store.path.parent / FOLDER
    return laid_over(settings, settings, load_choices(folder), folder)


def _look(of: Running, jpeg: bytes) -> tuple[Detection, ...]:
    """What lies there, to the detector; hands and the like are no thing on a tray."""
    seen = look_between(of.thread, of.eyes, picture_from(jpeg))
    return tuple(each for each in seen if each.class_name not in of.eyes.occluders)


def _facts(station: StationSettings) -> CameraFacts:
    if station.camera is None:
        return CameraFacts()
    return CameraFacts(source=station.camera.shown, limits=limits_of(station.camera))
