"""Put together the health of the running box, part by part: what the doctor looks at, and nothing opened twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.this_machine import computed_otherwise, cpu_flags
from edge_agent.app.configuration import check_config
from edge_agent.app.detector import unmeasured_forms
from edge_agent.app.doctor import of_configuration
from edge_agent.app.doctor_box import look_at_clock, look_at_database, look_at_disk, look_at_service
from edge_agent.app.doctor_seeing import of_otherwise, of_unmeasured
from edge_agent.app.doctor_talking import look_at_broker, look_at_tokens
from edge_agent.app.finding import Finding, attention, ok, wrong
from edge_agent.domain.camera import CameraStatus
from edge_agent.domain.said import say
from edge_agent.errors import BadModelPack, Unknown
from edge_agent.formats.pack import Precision
from edge_agent.ports import Cameras, Clock, HealthFound, InUse, Readiness
from edge_agent.settings import DetectorSettings, Settings

Look = Callable[[], Sequence[Finding]]

CAMERA_DO = {
    CameraStatus.OFFLINE.value: say(
        "do_camera_offline", "power, cable, address; docs/cameras.md goes through what can be wrong"
    ),
    CameraStatus.FROZEN.value: say(
        "do_camera_frozen", "restart the camera, or use a smaller picture if the network is too slow for it"
    ),
    CameraStatus.DARK.value: say("do_camera_dark", "light, or a covered lens"),
    CameraStatus.BLURRED.value: say("do_camera_blurred", "clean the lens, or focus"),
    CameraStatus.MOVED.value: say("do_camera_moved", "put it back, or take a new reference and draw the slots anew"),
}


class BoxHealth:
    """A `Health` of the running agent.

    Args:
        settings: what it was started with.
        config: the configuration's file; None where there is none.
        cameras: how they do.
        in_use: the model that runs.
        readiness: what is not well in the agent itself.
        clock: the machine's.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        config: Path | None,
        cameras: Cameras,
        in_use: InUse,
        readiness: Readiness,
        clock: Clock,
    ) -> None:
        looks: dict[str, Look] = {
            "agent": partial(_look_at_agent, readiness),
            "cameras": partial(_look_at_cameras, cameras),
            "model": partial(_look_at_model, in_use, settings.detector),
        }
        if config is not None:
            looks["configuration"] = lambda: of_configuration(check_config(config))
        if settings.mqtt is not None:
            looks["broker"] = partial(look_at_broker, settings.mqtt)
        looks |= {
            "disk": partial(look_at_disk, settings),
            "database": partial(look_at_database, settings.store.path),
            "clock": partial(look_at_clock, settings, clock=clock),
            "tokens": partial(look_at_tokens, settings, clock=clock),
            "service": look_at_service,
        }
        self._looks: Mapping[str, Look] = looks

    def parts(self) -> tuple[str, ...]:
        return tuple(self._looks)

    def look(self, part: str) -> tuple[HealthFound, ...]:
        look = self._looks.get(part)
        if look is None:
            raise Unknown(f"there is no part {part[:40]!r} to look at")
        return tuple(
            HealthFound(what=found.what, state=found.state.value, said=found.said, do=found.do, code=found.code)
            for found in look()
        )


def _look_at_agent(readiness: Readiness) -> list[Finding]:
    report = readiness.report()
    do = say("do_agent", "if it does not go away: restart the agent")
    state = attention if report.ready else wrong
    found = [state("agent", said, do, code="agent_problem") for said in report.problems]
    return found or [ok("agent", say("agent_well", "takes orders and decides"), code="agent_well")]


def _look_at_cameras(cameras: Cameras) -> list[Finding]:
    found = []
    for look in cameras.looks():
        what = f"camera {look.station_id}"
        if not look.source:
            do = say("do_name_camera", "name one in the configuration")
            found.append(attention(what, say("camera_none", "the station has no camera"), do, code="camera_none"))
            continue
        how = look.problem or say(f"camera_{look.status}", look.status)
        said = say("at_place", "{place}: {said}", place=look.source, said=how)
        if look.width_px:
            size = f"{look.width_px} x {look.height_px}"
            said = say("camera_of_size", "{said}, {size}", said=said, size=size)
        if look.status == CameraStatus.ONLINE.value:
            found.append(ok(what, said, code="camera_online"))
        else:
            state = wrong if look.status == CameraStatus.OFFLINE.value else attention
            do = CAMERA_DO.get(look.status, CAMERA_DO[CameraStatus.OFFLINE.value])
            found.append(state(what, said, do, code=f"camera_{look.status}"))
    return found


def _look_at_model(in_use: InUse, detector: DetectorSettings) -> list[Finding]:
    forms = _unmeasured(detector)
    found = []
    for model in in_use.models():
        said = say(
            "model_runs",
            "{name} {version}, {precision}, runs on {provider}",
            name=model.name,
            version=model.version,
            precision=model.precision,
            provider=model.provider,
        )
        if why := computed_otherwise(model.precision, model.provider, cpu_flags()):
            found.append(of_otherwise(said, why))
        else:
            found.append(of_unmeasured(said, forms) if forms else ok("model", said, code="model_runs"))
    return found


def _unmeasured(detector: DetectorSettings) -> Sequence[Precision]:
    try:
        return unmeasured_forms(led_to(detector.pack), detector)
    except BadModelPack:
        return ()  # the one that runs was read when it was whole; 'configuration' tells of the damage
