"""config check, config schema, doctor, backup, restore: what keeps a box in order."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from edge_agent.cli.common import ConfigOption, JsonOption, config_path, notes, print_json, say, screen, warn
from edge_agent.errors import BadInput

if TYPE_CHECKING:
    from edge_agent.app.finding import Finding

config_app = typer.Typer(no_args_is_help=True, help="Hold the configuration against what it names; describe its keys.")

COLOURS = {"ok": "green", "attention": "yellow", "wrong": "red"}


@config_app.command("check")
def check_config(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say all that is wrong with the configuration and the files it names, in one go; status 2 where something is."""
    from edge_agent.app.configuration import check_config

    checked = check_config(config_path(config))
    if as_json:
        faults = [
            {"path": None if fault.path is None else str(fault.path), "line": fault.line, "message": fault.message}
            for fault in checked.faults
        ]
        print_json({"config": str(checked.path), "faults": faults, "notes": checked.notes})
    else:
        for fault in checked.faults:
            notes.print(f"[red]edge-agent:[/] {escape(str(fault))}", soft_wrap=True, highlight=False)
        for note in checked.notes:
            warn(note)
        if not checked.faults:
            say(f"{checked.path} is in order")
    if checked.faults:
        sys.exit(2)


@config_app.command()
def schema() -> None:
    """Print the JSON schema of the configuration, for an editor that helps to write it."""
    from edge_agent.app.config_schema import settings_schema

    sys.stdout.write(json.dumps(settings_schema(), indent=2) + "\n")


def doctor(
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="WHAT", help="Look at this alone, such as disk or database; repeatable."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at cameras, model, broker, disk, clock and the rest, and say what to do; status 1 where one fails."""
    from edge_agent.app.doctor import examinations

    found: list[Finding] = []
    wanted = set(only or ())
    every = list(examinations(config_path(config)))
    if len(every) == 1:
        wanted.clear()  # the configuration does not read: nothing else can be looked at, and that is to be told
    elif unknown := sorted(wanted - {examination.what for examination in every}):
        there = ", ".join(dict.fromkeys(examination.what for examination in every))
        raise BadInput(
            f"'{unknown[0]}' is nothing that is looked at here; there is: {there} "
            "(cameras and a broker where the configuration has any)"
        )
    for examination in every:
        if wanted and examination.what not in wanted:
            continue
        with _looking_at(examination.what):
            new = examination.look()
        found.extend(new)
        if not as_json:
            for finding in new:
                _show(finding)
    if as_json:
        told = [{"what": f.what, "state": f.state.value, "said": f.said, "do": f.do or None} for f in found]
        print_json({"findings": told, "wrong": sum(f.state.value == "wrong" for f in found)})
    if any(finding.state.value == "wrong" for finding in found):
        sys.exit(1)


def _show(finding: Finding) -> None:
    state = finding.state.value
    said = f"[{COLOURS[state]}]{state:<9}[/]  {escape(finding.what)}: {escape(finding.said)}"
    screen.print(said, soft_wrap=True, highlight=False)
    if finding.do:
        say(f"           {finding.do}")


@contextmanager
def _looking_at(what: str) -> Iterator[None]:
    """A sign of life on a terminal: a camera may take seconds."""
    if not notes.is_terminal:
        yield
        return
    with notes.status(f"looking at: {escape(what)}"):
        yield


def backup(
    to: Annotated[Path, typer.Argument(metavar="TO", help="The archive to write, or a folder to write one into.")],
    *,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="With the evidence pictures; that may be many GB.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy database, configuration, menu, tokens and the choice of the model into one .tar, while the agent runs."""
    from edge_agent.app.backup import back_up

    done = back_up(config_path(config), to, with_pictures=pictures)
    if as_json:
        print_json(done.as_json())
        return
    for line in done.as_lines():
        say(line)


def restore(
    archive: Annotated[Path, typer.Argument(metavar="FROM", help="An archive that `edge-agent backup` wrote.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only hold the archive to its hashes, and say where it would go.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup back, once it is proved whole; what it replaces is kept aside. The agent must not run."""
    from edge_agent.app.restore import restore_from

    done = restore_from(archive, config or config_path(None), dry_run=dry_run)
    if as_json:
        print_json(done.as_json())
        return
    for line in done.as_lines():
        say(line)
