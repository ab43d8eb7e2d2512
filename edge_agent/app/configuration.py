"""Hold a configuration against what it names: the menu, the pack, cameras, passwords, certificates, tokens."""

from __future__ import annotations

import importlib.util
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.adapters.camera_address import pipeline_of, url_of
from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.mqtt_client import read_password
from edge_agent.api.open_port import refuse_open_port
from edge_agent.app.camera import meter_for
from edge_agent.app.detector import choose
from edge_agent.app.tokens import open_tokens
from edge_agent.domain.said import said_of, say
from edge_agent.errors import BadConfig, BadInput, BadModelPack, BrokerRefused, CameraUnusable
from edge_agent.formats.menu import load_menu
from edge_agent.formats.yaml_file import Loc, faults_in, find_line
from edge_agent.settings import MqttSettings, Settings, StationSettings, TlsSettings
from edge_agent.settings.setup import FILE, LaidOver, load_laid_over


@dataclass(slots=True)
class ConfigChecked:
    """What is wrong with a configuration (faults), and what is allowed but perhaps not meant (notes).

    `settings` is None where the file itself does not read.
    """

    path: Path
    settings: Settings | None = None
    faults: list[BadInput] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, *loc: str | int) -> Iterator[None]:
        """A refusal in here is a fault; one that names no file is a fault of the key at `loc`."""
        try:
            yield
        except BadInput as refusal:
            self.faults.append(refusal if refusal.path is not None else self._fault(said_of(refusal), loc))
        except (BrokerRefused, CameraUnusable, OSError) as refusal:
            self.faults.append(self._fault(said_of(refusal), loc))

    def say(self, said: str, *loc: str | int) -> None:
        """A fault of the key at `loc`."""
        self.faults.append(self._fault(said, loc))

    def _fault(self, said: str, loc: Loc) -> BadConfig:
        return BadConfig(said, path=self.path, line=find_line(self.path, loc))


def check_config(path: Path) -> ConfigChecked:
    """All that is wrong with the configuration and the files it names, in one go. Opens no camera and no network."""
    checked = ConfigChecked(path)
    checked.faults.extend(faults_in(path, Settings))
    if checked.faults:
        return checked
    try:
        laid = load_laid_over(path)
    except BadInput as refusal:
        checked.faults.append(refusal)
        return checked
    settings = checked.settings = laid.settings
    checked.notes.extend(_chosen(laid))
    _check_model(checked, settings)
    for number, station in enumerate(settings.stations):
        _check_station(checked, station, number)
    _check_api(checked, settings)
    if settings.mqtt is None:
        checked.notes.append(say("note_no_mqtt", "no mqtt: alerts are stored and shown, but sent nowhere"))
    else:
        _check_mqtt(checked, settings.mqtt)
    _check_folders(checked, settings)
    if settings.shadow:
        checked.notes.append(
            say("note_shadow", "shadow: true: trays are checked and stored, and nobody is told of anything")
        )
    return checked


def _chosen(laid: LaidOver) -> Iterator[str]:
    """What was chosen on the Set-up page, and whether it holds."""
    where = laid.folder / FILE
    for what, choice in laid.choices.named().items():
        stands = (
            say("chosen_aside", "set aside, since the configuration was changed after it")
            if what in laid.set_aside
            else say("chosen_holds", "it holds")
        )
        yield say(
            "chosen",
            "{what}: chosen on the Set-up page on {at:%Y-%m-%d} by {by} ({where}): {stands}",
            what=_choice(what),
            at=choice.at,
            by=choice.by.value,
            where=where,
            stands=stands,
        )


def _choice(what: str) -> str:
    """What was chosen, such as `slots of pass`, by a name."""
    name, _, station = what.partition(" of ")
    if name == "slots":
        return say("choice_slots", "slots of {station}", station=station)
    if name == "reference":
        return say("choice_reference", "reference of {station}", station=station)
    if name == "end":
        return say("choice_trial", "end of the trial")
    return say("choice_menu", "menu") if name == "menu" else say("choice_slider", "slider")


def _check_model(checked: ConfigChecked, settings: Settings) -> None:
    classes = None
    with checked.at("detector", "pack"):
        folder = led_to(settings.detector.pack)
        classes = ModelPack.manifest_of(folder).classes
        try:
            ModelPack.load(folder, precision=choose(folder, settings.detector).precision)
        except BadModelPack as refusal:
            named = settings.detector.precision != "auto" and settings.detector.precision in refusal.message
            checked.say(refusal.message, "detector", "precision") if named else checked.faults.append(refusal)
    with checked.at("menu"):
        load_menu(settings.menu, model_classes=classes)


def _check_station(checked: ConfigChecked, station: StationSettings, number: int) -> None:
    here = ("stations", number, "camera")
    camera = station.camera
    if camera is None:
        checked.notes.append(say("note_no_camera", "station {station} has no camera", station=station.id))
        return
    if camera.file is not None and not camera.file.exists():
        checked.say(
            say("config_no_video", "there is no {file}; name a video, or a folder of pictures", file=camera.file),
            *here,
            "file",
        )
    with checked.at(*here, "password_env" if camera.password_env else "password_file"):
        url_of(camera)
        pipeline_of(camera)
    with checked.at(*here, "reference"):
        meter_for(station)


def _check_api(checked: ConfigChecked, settings: Settings) -> None:
    tokens = None
    with checked.at("api", "tokens"):
        tokens = open_tokens(settings.api.tokens).serving()
    if tokens is not None:
        with checked.at("api", "host"):
            refuse_open_port(settings.api.host, tokens=tokens)
    if settings.api.tls is not None:
        _check_tls(checked, settings.api.tls)


def _check_tls(checked: ConfigChecked, tls: TlsSettings) -> None:
    for name, path in (("certificate", tls.certificate), ("key", tls.key)):
        if not os.access(path, os.R_OK) or not path.is_file():
            checked.say(
                say(
                    "config_tls_file",
                    "{path} cannot be read; it must be a PEM file that the agent's user may read",
                    path=path,
                ),
                "api",
                "tls",
                name,
            )
            return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")  # else it would ask the terminal
    except (ssl.SSLError, ValueError):
        said = say(
            "config_tls_pair",
            "{certificate} and {key} are no certificate and its key without a passphrase, both as PEM",
            certificate=tls.certificate,
            key=tls.key,
        )
        checked.say(said, "api", "tls")


def _check_mqtt(checked: ConfigChecked, mqtt: MqttSettings) -> None:
    with checked.at("mqtt", "password_env" if mqtt.password_env else "password_file"):
        read_password(mqtt)
    if mqtt.is_embedded and importlib.util.find_spec("amqtt") is None:
        checked.say(
            say("config_no_broker", "it is to run inside of the agent, and needs the extra 'broker'"), "mqtt", "broker"
        )
    if mqtt.ca is not None:
        try:
            ssl.create_default_context(cafile=mqtt.ca)
        except (ssl.SSLError, OSError):
            checked.say(say("config_ca", "{ca} holds no certificates (PEM) that can be read", ca=mqtt.ca), "mqtt", "ca")


def _check_folders(checked: ConfigChecked, settings: Settings) -> None:
    """What does not exist yet is made by the agent, where it may."""
    folders = [(settings.store.path.parent, ("store", "path"))]
    if settings.order_folder is not None:
        folders.append((settings.order_folder.path, ("order_folder", "path")))
    for folder, loc in folders:
        there = _nearest(folder.absolute())
        if not there.is_dir():
            checked.say(say("config_no_folder", "{path} is no folder", path=there), *loc)
        elif not os.access(there, os.W_OK | os.X_OK):
            checked.say(say("config_locked", "nothing can be written to {path} as this user", path=there), *loc)


def _nearest(folder: Path) -> Path:
    """The folder, or what there is of the way to it."""
    return next(each for each in (folder, *folder.parents) if each.exists())
