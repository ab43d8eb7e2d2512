"""What the log says when the agent has started."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge_agent.cli.living import _say_address
from edge_agent.settings import load_settings

STATION = """
menu: menu.yaml
detector: {pack: pack}
stations:
"""


@pytest.mark.parametrize(
    ("stations", "warned", "checks"),
    [
        ("- {id: pass, camera: {url: 'rtsp://10.0.0.5/1'}}", [], "checking pass; "),
        (
            "- {id: pass, camera: {url: 'rtsp://10.0.0.5/1'}}\n- {id: bar, slots: [{id: bar-1}]}",
            ["bar"],
            "checking pass; ",
        ),
        ("- {id: bar}", ["bar"], "checking nothing; "),
    ],
)
def test_a_station_without_a_camera_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stations: str, warned: list[str], checks: str
) -> None:
    (tmp_path / "edge.yaml").write_text(STATION + stations + "\n")
    settings = load_settings(tmp_path / "edge.yaml")
    with caplog.at_level(logging.INFO):
        _say_address("http://127.0.0.1:1", settings)
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(said) == len(warned)
    assert all(f"station {name} has no camera" in line for name, line in zip(warned, said, strict=True))
    assert caplog.messages[-1].startswith(checks)
