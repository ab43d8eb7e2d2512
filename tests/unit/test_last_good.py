"""A configuration that worked once is there when the present one does not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.app.last_good import keep_as_good, last_good, state_folders
from edge_agent.settings import StoreSettings, load_settings

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = f"""
site: corner
menu: menu.yaml
detector: {{pack: {REPOSITORY}/models/canteen}}
stations:
  - id: pass
    channels: [counter]
    camera: {{url: "rtsp://viewer:{{password}}@10.0.0.5/1", password_file: camera.password}}
store: {{path: state/edge.sqlite}}
mqtt: {{broker: 10.0.0.6, username: agent, password_env: MQTT_PASSWORD}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "menu.yaml").write_bytes((REPOSITORY / "configs" / "menus" / "canteen.yaml").read_bytes())
    (tmp_path / "camera.password").write_text("hunter2\n")
    path = tmp_path / "edge.yaml"
    path.write_text(TEXT)
    return path


def test_what_was_kept_is_what_was_configured_but_for_the_place_of_the_menu(config: Path) -> None:
    settings = load_settings(config)
    keep_as_good(settings)
    kept = last_good(config.parent / "state")
    assert kept is not None
    assert kept.menu.read_bytes() == settings.menu.read_bytes()
    assert kept.model_copy(update={"menu": settings.menu}) == settings


def test_no_secret_is_kept_with_it(config: Path) -> None:
    """The copy says where a password lies, never what it is; and only the agent reads it."""
    keep_as_good(load_settings(config))
    copy = config.parent / "state" / "last-good" / "edge.yaml"
    assert "hunter2" not in copy.read_text()
    assert copy.stat().st_mode & 0o077 == 0


def test_a_start_from_the_copy_keeps_it_as_it_is(config: Path) -> None:
    keep_as_good(load_settings(config))
    kept = last_good(config.parent / "state")
    assert kept is not None
    keep_as_good(kept)
    assert last_good(config.parent / "state") == kept


def test_the_state_of_a_configuration_that_does_not_read_is_looked_for_where_it_may_lie(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an installed box it lies in another folder than by default, and the file has only one misspelt key."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    by_default = (config.parent / StoreSettings().path).parent
    config.write_text("sight: corner\nstore: {path: /var/elsewhere/edge.sqlite}\n")
    assert state_folders(config) == [Path("/var/elsewhere"), by_default]
    config.write_text("store: {path: /var/elsewhere/edge.sqlite, keep: 3}\n")
    assert state_folders(config) == [Path("/var/elsewhere"), by_default]
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/edge-agent")
    assert state_folders(config) == [Path("/var/elsewhere"), Path("/var/lib/edge-agent"), by_default]
    for unreadable in ("site: [", "store: 4", ""):
        config.write_text(unreadable)
        assert state_folders(config) == [Path("/var/lib/edge-agent"), by_default]


def test_without_a_copy_or_with_a_broken_one_there_is_none(tmp_path: Path, config: Path) -> None:
    assert last_good(tmp_path / "state") is None
    keep_as_good(load_settings(config))
    (tmp_path / "state" / "last-good" / "edge.yaml").write_text("{")
    assert last_good(tmp_path / "state") is None


def test_a_state_folder_that_cannot_be_written_to_is_no_reason_not_to_start(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (config.parent / "state").write_text("a file in the place of the folder")
    keep_as_good(load_settings(config))
    assert "could not be kept" in caplog.text
