"""Look at everything that the agent needs, piece by piece, and say of each how it does and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.app.configuration import ConfigChecked, check_config
from edge_agent.app.doctor_box import look_at_clock, look_at_database, look_at_disk, look_at_service
from edge_agent.app.doctor_seeing import look_at_camera, look_at_model
from edge_agent.app.doctor_talking import look_at_api, look_at_broker, look_at_tokens
from edge_agent.app.finding import Examination, Finding, attention, ok, wrong
from edge_agent.domain.said import placed, say


def examinations(config: Path) -> Iterator[Examination]:
    """What to look at, one after the other. The configuration is first: without it there is nothing else."""
    checked = check_config(config)
    yield Examination(what="configuration", look=partial(of_configuration, checked))
    settings = checked.settings
    if settings is None:
        return
    clock = SystemClock()
    yield Examination(what="model", look=partial(look_at_model, settings, clock=clock))
    for station in settings.stations:
        if station.camera is not None:
            what = f"camera {station.id}"
            yield Examination(what=what, look=partial(look_at_camera, station, station.camera, clock=clock))
    if settings.mqtt is not None:
        yield Examination(what="broker", look=partial(look_at_broker, settings.mqtt))
    yield Examination(what="disk", look=partial(look_at_disk, settings))
    yield Examination(what="database", look=partial(look_at_database, settings.store.path))
    yield Examination(what="clock", look=partial(look_at_clock, settings, clock=clock))
    yield Examination(what="tokens", look=partial(look_at_tokens, settings, clock=clock))
    yield Examination(what="API", look=partial(look_at_api, settings.api))
    yield Examination(what="service", look=look_at_service)


def of_configuration(checked: ConfigChecked) -> list[Finding]:
    """What was found of a configuration that was checked."""
    what, mend = "configuration", say("do_mend", "mend it there")
    meant = say("do_if_meant", "change that in the configuration, unless it is meant")
    faults = [wrong(what, placed(fault), mend, code="configuration_wrong") for fault in checked.faults]
    notes = [attention(what, note, meant, code="configuration_note") for note in checked.notes]
    fits = ok(
        what, say("config_fits", "{path} and what it names fit together", path=checked.path), code="configuration_fits"
    )
    return [*(faults or [fits]), *notes]
