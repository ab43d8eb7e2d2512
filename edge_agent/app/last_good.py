"""The last configuration that worked, for a start when the present one does not read."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from edge_agent.errors import BadConfig, BadInput
from edge_agent.formats.whole_file import write_whole
from edge_agent.settings import Settings, load_plain_settings

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


def last_good(state: Path) -> Settings | None:
    """The configuration that the agent started with last; None where there is none that still reads."""
    path = state / FOLDER / "edge.yaml"
    try:
        return load_plain_settings(path) if path.is_file() else None
    except (BadConfig, BadInput, OSError) as error:
        logger.warning("the last good configuration does not read either: %s", error)
        return None
