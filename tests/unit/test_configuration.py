"""config check names all that is wrong at once, with its line and no secret; the schema describes what is read."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from edge_agent.app.config_schema import settings_schema
from edge_agent.app.configuration import check_config
from edge_agent.settings import Settings, load_settings
from tests.builders_onnx import constant_model, raw_output, write_pack

REPOSITORY = Path(__file__).resolve().parents[2]
MENU = "items:\n  - {sku: plate, detects_as: plate}\n"
SECRET = "hunter2"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a pack and a menu that fit each other."""
    write_pack(tmp_path / "pack", constant_model(raw_output([])), "ultralytics_raw")
    (tmp_path / "menu.yaml").write_text(MENU)
    return tmp_path


def faults(here: Path, more: str) -> list[str]:
    """What is wrong with a configuration that ends so, without the folder."""
    (here / "edge.yaml").write_text(
        "detector: {pack: pack, provider: cpu}\nmenu: menu.yaml\nstore: {path: e.sqlite}\n" + more
    )
    return [str(fault).replace(f"{here}/", "") for fault in check_config(here / "edge.yaml").faults]


def test_a_configuration_in_order_has_no_fault(here: Path) -> None:
    assert faults(here, "") == []


def test_the_shipped_configurations_are_in_order() -> None:
    assert check_config(REPOSITORY / "configs" / "edge.yaml").faults == []
    box = load_settings(REPOSITORY / "deploy" / "edge.yaml")
    assert box.mqtt is not None
    assert box.api.host == "127.0.0.1"
    assert box.shadow


def test_everything_that_does_not_read_is_named_at_once(here: Path) -> None:
    found = faults(here, "menus: x\nstations:\n- timing: {settle_s: 0}\n- id: Pass 1\napi: {port: 99999}\n")
    assert [each.partition(": ")[0] for each in found] == [
        "edge.yaml:4",
        "edge.yaml:6",
        "edge.yaml:7",
        "edge.yaml:8",
    ]
    assert "did you mean 'menu'?" in found[0]


def test_everything_that_it_names_is_looked_at_at_once(here: Path) -> None:
    (here / "menu.yaml").write_text("items:\n  - {sku: soup, detects_as: soup}\n")
    (here / "empty.password").write_text("\n")
    (here / "tokens.json").write_text("[]")
    (here / "tls.crt").write_text("no certificate")
    (here / "tls.key").write_text("no key")
    found = faults(
        here,
        "stations:\n"
        "- camera:\n"
        "    url: rtsp://v:{password}@10.0.0.5/1\n"
        "    password_file: none.password\n"
        "- id: other\n"
        "  slots: [{id: b}]\n"
        "  camera: {file: none.mp4}\n"
        "api:\n"
        "  tokens: tokens.json\n"
        "  tls: {certificate: tls.crt, key: tls.key}\n"
        "mqtt: {broker: 10.0.0.9, username: box, password_file: empty.password}\n",
    )
    expected = ["menu.yaml:2", "edge.yaml:7", "edge.yaml:10", "tokens.json", "edge.yaml:13", "edge.yaml:14"]
    assert [each.partition(": ")[0] for each in found] == expected


def test_a_pack_that_is_not_whole_is_named(here: Path) -> None:
    (here / "pack" / "model.onnx").write_bytes(b"cut off")
    [fault] = faults(here, "")
    assert "sha256" in fault


def test_an_open_port_without_a_token_is_named_at_its_line(here: Path) -> None:
    [fault] = faults(here, "api:\n  host: 0.0.0.0\n")
    assert fault.startswith("edge.yaml:5: api.host is '0.0.0.0'")


@pytest.mark.parametrize(
    "mistake",
    [
        f"stations: [{{camera: {{url: 'rtsp://v:{SECRET}@10.0.0.5/1'}}}}]\n",
        f"stations: [{{camera: {{url: 'v:{SECRET}@10.0.0.5/1'}}}}]\n",
        f"stations: [{{camera: {{url: ['{SECRET}']}}}}]\n",
        f"stations: [{{camera: {{pipeline: 'rtspsrc user-pw={SECRET} ! appsink'}}}}]\n",
        f"stations: [{{camera: {{device: 0, password_env: '{SECRET}!'}}}}]\n",
        f"stations: [{{camera: {{device: 0, password: {SECRET}}}}}]\n",
        f"mqtt: {{username: box, password_env: '{SECRET} '}}\n",
        f"mqtt: {{username: box, password: {SECRET}}}\n",
    ],
)
def test_a_password_written_out_by_mistake_is_refused_and_not_repeated(here: Path, mistake: str) -> None:
    """What is printed here ends up in a ticket."""
    found = faults(here, mistake)
    assert found
    assert not any(SECRET in each for each in found)


def test_the_schema_takes_what_is_shipped_and_refuses_what_is_not_read() -> None:
    """An editor that underlines the shipped file, or takes a mistyped key, is worse than none."""
    import yaml

    validator = jsonschema_rs.validator_for(settings_schema())
    for shipped in ("configs/edge.yaml", "deploy/edge.yaml"):
        assert list(validator.iter_errors(yaml.safe_load((REPOSITORY / shipped).read_text()))) == []
    for wrong in ({"menus": "x"}, {"api": {"port": 0}}, {"day_starts_at": "25:00"}, {"stations": [{"id": "A B"}]}):
        assert not validator.is_valid(wrong)


def test_the_schema_knows_every_setting() -> None:
    schema = settings_schema()
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$defs"]["TimingSettings"]["properties"]["settle_s"]["description"].startswith("a tray is settled")


def test_an_embedded_broker_whose_extra_is_not_installed_is_a_fault(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent would refuse to start, and the check had said that all is in order."""
    embedded = "mqtt:\n  broker: embedded\n"
    assert faults(here, embedded) == []
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    [fault] = faults(here, embedded)
    assert fault.startswith("edge.yaml:5: it is to run inside of the agent, and needs the extra 'broker'")
