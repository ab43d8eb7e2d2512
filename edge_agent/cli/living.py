"""run: the agent that checks trays all day."""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer
from rich.markup import escape

from edge_agent.cli.common import ConfigOption, config_path, notes
from edge_agent.settings import Settings

_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
"""Of syslog, as journald reads them at the beginning of a line."""


def run(
    *,
    config: ConfigOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a configuration that does not read; no start with the last good.")
    ] = False,
) -> None:
    """Run the agent: read the cameras, take orders, decide, alert, store, serve the API. Ends on SIGTERM or Ctrl-C.

    SIGHUP reads the menu and the thresholds anew. With a configuration that does not read, the agent starts with the
    last one that did, and says so as long as it runs.
    """
    from edge_agent.app.serving import serve_agent

    _log_what_happens()
    why = serve_agent(config_path(config), strict=strict, on_address=_say_address)
    if why:
        notes.print(f"[red]edge-agent:[/] {escape(why)}", soft_wrap=True, highlight=False)
        raise typer.Exit(1)


def _say_address(address: str, settings: Settings) -> None:
    log = logging.getLogger(__name__)
    for station in settings.stations:
        if station.camera is None:
            log.warning(
                "station %s has no camera, so nothing is checked there: name one in the configuration", station.id
            )
    stations = ", ".join(station.id for station in settings.stations if station.camera is not None) or "nothing"
    shadow = "; shadow mode: nobody is alerted until 'shadow: false'" if settings.shadow else ""
    log.info("checking %s; the API answers at %s%s", stations, address, shadow)


class _JournalFormatter(logging.Formatter):
    """One line per message with its priority, as journald wants it; time and unit are added there."""

    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 6)
        lines = super().format(record).splitlines() or [""]
        return "\n".join(f"<{priority}>{line}" for line in lines)


def _log_what_happens() -> None:
    """An unattended agent says what it does: to the journal in its form, to a terminal with the time."""
    journal = "JOURNAL_STREAM" in os.environ
    form = "%(name)s: %(message)s" if journal else "%(asctime)s %(levelname)-7s %(message)s"
    handler = logging.StreamHandler()
    handler.setFormatter(_JournalFormatter(form) if journal else logging.Formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(min(root.level, logging.INFO))
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
