"""The configuration, `configs/edge.yaml`: frozen values, unknown keys refused, no I/O beyond reading the files."""

from __future__ import annotations

from pathlib import Path

from edge_agent.formats.yaml_file import load_yaml
from edge_agent.settings.camera import CameraLimitSettings, CameraSettings
from edge_agent.settings.keeping import StoreSettings
from edge_agent.settings.serving import ApiSettings, MqttSettings, OrderFolderSettings, TlsSettings
from edge_agent.settings.setup import load_laid_over
from edge_agent.settings.station import SlotSettings, StationSettings, TimingSettings
from edge_agent.settings.whole import DetectorSettings, Settings

__all__ = [
    "ApiSettings",
    "CameraLimitSettings",
    "CameraSettings",
    "DetectorSettings",
    "MqttSettings",
    "OrderFolderSettings",
    "Settings",
    "SlotSettings",
    "StationSettings",
    "StoreSettings",
    "TimingSettings",
    "TlsSettings",
    "load_plain_settings",
    "load_settings",
]


def load_settings(path: Path) -> Settings:
    """Read a configuration, with what was chosen on the Set-up page laid over it.

    Raises:
        BadConfig: one sentence with file and line.
    """
    return load_laid_over(path).settings


def load_plain_settings(path: Path) -> Settings:
    """Read a configuration as it is written, whatever was chosen on the Set-up page.

    Raises:
        BadConfig: one sentence with file and line.
    """
    return load_yaml(path, Settings).relative_to(path.parent)
