"""The last configuration that worked, for a start when the present one does not read."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from edge_agent.errors import BadConfig, BadInput
from edge_agent.formats.whole_file import write_whole
from edge_agent.formats.yaml_file import load_yaml
from edge_agent.settings import Settings, StoreSettings, load_plain_settings

logger = logging.getLogger(__name__)

FOLDER = "last-good"


def keep_as_good(settings: Settings) -> None:
    """Remember a configuration, with its menu, that the agent has started with. A failure is logged, never raised."""
    folder = settings.store.path.parent / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        menu = folder / "menu.yaml"
        if settings.menu.resolve() != menu.resolve():
            write_whole(menu, settings.menu.read_bytes())
        kept = settings.relative_to(Path.cwd()).model_copy(update={"menu": menu.resolve()})
        # JSON is YAML too, so that the same strict reader reads it.
        write_whole(folder / "edge.yaml", json.dumps(kept.model_dump(mode="json"), indent=1), mode=0o600)
    except OSError as error:
        logger.warning("the configuration could not be kept as the last good one: %s", error)


class _OnlyPath(BaseModel):
    path: Path = StoreSettings().path


class _OnlyStore(BaseModel):
    """Where a configuration says that the database lies, whatever else is wrong with it."""

    store: _OnlyPath = _OnlyPath()


def state_folders(config: Path) -> list[Path]:
    """Where the database of a configuration that does not read may lie, the likeliest first.

    That is where the file says, if that much of it reads; the folder that systemd gives a service for its state; and
    the place by default.
    """
    try:
        said = [load_yaml(config, _OnlyStore).store.path]
    except BadConfig:
        said = []
    given = [Path(each) for each in os.environ.get("STATE_DIRECTORY", "").split(":") if each]
    return list(dict.fromkeys([*_beside(config, said), *given, *_beside(config, [StoreSettings().path])]))


def _beside(config: Path, stores: Sequence[Path]) -> list[Path]:
    """The folders of databases, of which a configuration names the path as seen from itself."""
    return [(config.parent / store).parent for store in stores]


def last_good(state: Path) -> Settings | None:
    """The configuration that the agent started with last; None where there is none that still reads."""
    path = state / FOLDER / "edge.yaml"
    try:
        return load_plain_settings(path) if path.is_file() else None
    except (BadConfig, BadInput, OSError) as error:
        logger.warning("the last good configuration does not read either: %s", error)
        return None
