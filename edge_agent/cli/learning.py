"""learn: what a restaurant's own trays have to teach."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from edge_agent.cli.common import (
    ConfigOption,
    JsonOption,
    MenuOption,
    PackOption,
    notes,
    print_json,
    progress,
    screen,
    settings_from,
)
from edge_agent.cli.models import show_comparison
from edge_agent.cli.training import BudgetOption
from edge_agent.errors import BadInput
from edge_agent.settings import Settings

if TYPE_CHECKING:
    from edge_agent.app.learning import Collected


def learn(
    *,
    db: Annotated[Path, typer.Option("--db", help="The store: the SQLite file, its pictures beside it.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="The folder of trays to write; new or empty.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="Only trays stored on or after this day (UTC), as 2026-01-31."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; write nothing.")] = False,
    candidate: Annotated[
        Path | None,
        typer.Option("--candidate", metavar="DIR", help="Also train: the model pack to write.", show_default=False),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="With --candidate: the active pack's weights (.pt).", show_default=False),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="With --candidate: passes over the trays.")] = 24,
    false_alarms: BudgetOption = 1.0,
    config: ConfigOption = None,
    pack: PackOption = None,
    menu: MenuOption = None,
    as_json: JsonOption = False,
) -> None:
    """Collect the trays of a store whose contents people vouched for, as a folder to train and score with.

    With --candidate it goes on: the older trays teach, newer ones set the thresholds, and on the newest the candidate
    is held against the active pack. Nothing is put into service: that is `edge-agent models activate`.
    """
    from edge_agent.app.learning import classes_of, collect

    if candidate is not None and (checkpoint is None or into is None or dry_run):
        raise BadInput("--candidate needs --into, the folder of trays, and --checkpoint, the weights to go on from")
    if into is None and not dry_run:
        raise BadInput("--into names the folder to write; with --dry-run none is needed")
    first_day = _day(since)
    settings = settings_from(config, pack=pack, menu=menu, provider=None)
    with progress("trays", hidden=as_json) as step:
        collected = collect(
            db,
            settings.menu,
            None if dry_run else into,
            first_day,
            known=classes_of(settings.detector.pack),
            on_tray=step,
        )
    if as_json:
        print_json(collected.as_json())
    else:
        _show(collected)
    if candidate is not None and checkpoint is not None and into is not None:
        _train(settings, into, checkpoint, candidate, epochs, false_alarms / 100)


def _train(settings: Settings, trays: Path, checkpoint: Path, pack: Path, epochs: int, false_alarms: float) -> None:
    from edge_agent.app.candidate import CandidatePlan, make_candidate

    plan = CandidatePlan(
        trays=trays,
        checkpoint=checkpoint,
        pack=pack,
        run=pack.with_name(f"{pack.name}.run"),
        epochs=epochs,
        false_alarms=false_alarms,
    )
    try:
        made = make_candidate(settings, plan)
    except ModuleNotFoundError as error:
        raise BadInput(f"training needs the extra 'train' ({error.name} is missing): pip install '.[train]'") from error
    if made.comparison is None:
        said = "The active pack lacks a class of this menu, so the two cannot be compared"
        notes.print(f"[yellow]{said}; the candidate's card has its scores.[/]", soft_wrap=True)
    else:
        show_comparison(made.comparison)
    screen.print(f"{pack} is a candidate, judged by the trays {made.judged_by}; its checkpoints are in {plan.run}.")


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"--since '{text}' is no day; write it like 2026-01-31") from error


def _show(collected: Collected) -> None:
    labels = Table("label", "trays", box=None)
    for kind, count in collected.trays.items():
        labels.add_row(kind.value.replace("_", " "), str(count))
    passed_over = Table("passed over", "trays", box=None)
    for why, count in collected.passed_over.items():
        passed_over.add_row(why.value, str(count))
    classes = Table("class", "on trays", "", box=None)
    new = collected.new_classes or {}
    for name, count in collected.classes.items():
        classes.add_row(escape(name), str(count), "new to the model" if name in new else "")
    for table in (labels, passed_over, classes):
        if table.row_count:
            screen.print(table)
            screen.print()
    what = (
        f"{collected.labelled} of {collected.sessions} trays have a label ({collected.hard} hard), "
        f"with {collected.photographs} photographs and {collected.checks} checks."
    )
    screen.print(what, soft_wrap=True, highlight=False)
    if collected.into is not None:
        screen.print(f"Written to {escape(str(collected.into))}.", soft_wrap=True, highlight=False)
    if new:
        said = f"The model has never seen {', '.join(new)}; only one trained on these trays can."
        notes.print(f"[yellow]{escape(said)}[/]", soft_wrap=True, highlight=False)
