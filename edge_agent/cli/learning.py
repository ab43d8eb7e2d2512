"""learn: what a restaurant's own trays have to teach."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from edge_agent.cli import common
from edge_agent.cli.common import (
    extra_train,
    pieces_of_work,
    print_json,
    progress,
    say,
    screen,
    settings_from,
    table_of,
    typed,
    warn,
)
from edge_agent.cli.models import show_comparison
from edge_agent.errors import BadInput
from edge_agent.formats.recordings import TRAYS_NAME
from edge_agent.settings import Settings

if TYPE_CHECKING:
    from edge_agent.app.candidate import CandidatePlan
    from edge_agent.app.learning import Collected


EPOCHS = 24
"""Passes of a candidate over the trays."""


def learn(
    *,
    db: Annotated[
        Path | None,
        typer.Option(
            "--db",
            help="The store: the SQLite file, its pictures beside it (not needed where --into was collected before).",
            show_default=False,
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="DIR",
            help="The folder of trays to write; new or empty (with --candidate: or collected before).",
            show_default=False,
        ),
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
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, help="With --candidate: passes over the trays (24 if left out).", show_default=False
        ),
    ] = None,
    false_alarms: common.BudgetOption = 1.0,
    config: common.ConfigOption = None,
    pack: common.PackOption = None,
    menu: common.MenuOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Collect the trays of a store whose contents people vouched for, as a folder to train and score with.

    With --candidate it goes on: the older trays teach, newer ones set the thresholds, and on the newest the candidate
    is held against the active pack. Nothing is put into service: that is `edge-agent models activate`. Typed again
    after a cut, the same command goes on with the trays that it collected.
    """
    from edge_agent.app.learning import classes_of, collect

    if candidate is not None and (checkpoint is None or into is None or dry_run):
        needed = "--candidate needs --into, the folder of trays, and --checkpoint, the weights to go on from"
        raise BadInput("with --dry-run no --candidate is written: leave one of them out" if dry_run else needed)
    if candidate is None and (checkpoint is not None or epochs is not None):
        raise BadInput("--checkpoint and --epochs are about training; name the model pack to write with --candidate")
    if candidate is not None and as_json:
        raise BadInput("--json tells what was collected; with --candidate there is more to tell, so leave it out")
    if into is None and not dry_run:
        raise BadInput("--into names the folder to write; with --dry-run none is needed")
    first_day = _day(since)
    settings = settings_from(config, pack=pack, menu=menu)
    plan = None
    if checkpoint is not None and candidate is not None and into is not None:
        plan = _plan(into, checkpoint, candidate, EPOCHS if epochs is None else epochs, false_alarms / 100)
        if _was_cut_off(settings, plan):
            does = "goes on" if plan.run.is_dir() else "begins"
            say(f"{into} was collected before, and is not collected again; the training {does} in {plan.run}.")
            _train(settings, plan)
            return
    if db is None:
        where = (
            "" if into is None else f"{into} holds no trays that were collected before ({TRAYS_NAME} is not there): "
        )
        raise BadInput(f"{where}name the store to collect from with --db")
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
    if plan is not None:
        _train(settings, plan)


def _plan(trays: Path, checkpoint: Path, pack: Path, epochs: int, false_alarms: float) -> CandidatePlan:
    from edge_agent.app.candidate import CandidatePlan

    return CandidatePlan(
        trays=trays,
        checkpoint=checkpoint,
        pack=pack,
        run=pack.with_name(f"{pack.name}.run"),
        epochs=epochs,
        false_alarms=false_alarms,
    )


def _train(settings: Settings, plan: CandidatePlan) -> None:
    from edge_agent.app.candidate import make_candidate

    trays, pack = plan.trays, plan.pack
    with extra_train("training"), pieces_of_work(hidden=False) as on_work:
        made = make_candidate(settings, plan, on_work=on_work)
    if made.untaught:
        said = f"No tray that taught has {', '.join(made.untaught)}"
        warn(f"{said}: the candidate may have forgotten what that looks like.")
    if made.comparison is None:
        said = "The active pack lacks a class of this menu, so the two cannot be compared"
        warn(f"{said}; the candidate's card has its scores.")
    else:
        show_comparison(made.comparison)
    say(f"{pack} is a candidate, judged by the trays {made.judged_by}; its checkpoints are in {plan.run}.")
    say(f"Every failure as a picture: {made.scored.report_page}")
    told = (pack, "--trays", trays, "--held-out", made.judged_by, "--menu", settings.menu)
    quantize = typed("edge-agent quantize", *told)
    say(f"It runs in fp32; '{quantize}' makes 8-bit forms.")


def _was_cut_off(settings: Settings, plan: CandidatePlan) -> bool:
    """What is wrong is said before the store is read: what is collected by then would be in the way of a next try."""
    from edge_agent.app.candidate import was_cut_off
    from edge_agent.app.candidate_start import start_from

    with extra_train("training"):
        start = start_from(settings.detector.pack, plan.checkpoint)
    if not start.is_certain:
        said = f"{start.active.name} {start.active.version} does not say which weights it was made of"
        warn(f"{said}: {plan.checkpoint} knows its classes, and may still be of another version.")
    return was_cut_off(settings, plan)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"--since '{text}' is no day; write it like 2026-01-31") from error


def _show(collected: Collected) -> None:
    from edge_agent.app.learning import WHAT_MAKES_A_LABEL

    labels = table_of("label", "trays")
    for kind, count in collected.trays.items():
        labels.add_row(kind.value.replace("_", " "), str(count))
    passed_over = table_of("passed over", "trays")
    for why, count in collected.passed_over.items():
        passed_over.add_row(why.value, str(count))
    classes = table_of("class", "on trays", "")
    new = collected.new_classes or {}
    for name, count in collected.classes.items():
        classes.add_row(escape(name), str(count), "new to the model" if name in new else "")
    for table in (labels, passed_over, classes):
        if table.row_count:
            screen.print(table)
            screen.print()
    what = (
        f"{collected.labelled} of {collected.sessions} trays have a label ({collected.hard} hard), "
        f"with {collected.photographs} photographs and {collected.checks} checks, "
        f"{collected.made_up} of them wrong orders that were made up."
    )
    say(what)
    if not collected.labelled:
        say(f"{WHAT_MAKES_A_LABEL}.")
    if collected.into is not None:
        say(f"Written to {collected.into}.")
    if new:
        warn(f"The model has never seen {', '.join(new)}; only one trained on these trays can.")
