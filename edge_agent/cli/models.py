"""models list, verify, compare, activate, rollback: keep the model packs of a box."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from edge_agent.cli.common import (
    ConfigOption,
    JsonOption,
    MenuOption,
    ProviderOption,
    blocks_from,
    notes,
    print_json,
    progress,
    screen,
    settings_from,
)
from edge_agent.errors import BadInput

if TYPE_CHECKING:
    from edge_agent.app.models import Box, Evidence, PackOnShelf
    from edge_agent.evaluation.comparison import Comparison, JudgedPack

MAX_SHOWN = 20
"""Changed checks on the terminal; `--json` has more."""

KEY_METRICS = ("val_map50", "val_caught", "val_false_alarms")
"""Of what the manifest says about itself, what fits into a table; `--json` has all."""

app = typer.Typer(
    no_args_is_help=True,
    help="Keep the model packs of a box: which there are, which is active, whether another would be better.",
)

ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", help="The folder of packs. [default: where the configured pack lies]", show_default=False),
]
TraysOption = Annotated[
    Path | None,
    typer.Option("--trays", help="Score on this folder with trays.jsonl and orders.jsonl.", show_default=False),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="FROM:TO", help="Of --trays only these, as in noon-2585:noon-2730; repeatable."),
]
RecordingOption = Annotated[
    list[Path] | None,
    typer.Option("--recording", metavar="VIDEO", help="Score on this recording, its truth beside it; repeatable."),
]
ToleranceOption = Annotated[
    int, typer.Option("--tolerance", min=0, help="So many checks worse in a count still pass the gate.")
]


@app.command("list")
def list_models(*, models: ModelsOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the packs of the folder: what each is, which is active, whether its files are whole."""
    from edge_agent.app.models import list_packs

    box = _box(config, models)
    packs = list_packs(box)
    if as_json:
        active = next((str(pack.folder) for pack in packs if pack.is_active), None)
        print_json({"models": str(box.shelf.folder), "active": active, "packs": [pack.as_json() for pack in packs]})
        return
    table = Table("", "folder", "model", "files", "classes", "input", "metrics", box=None)
    for pack in packs:
        table.add_row(*_row(pack))
    screen.print(table)
    for pack in packs:
        if pack.fault is not None:
            notes.print(f"[yellow]{escape(pack.fault)}[/]", soft_wrap=True, highlight=False)
    if box.shelf.pointer_path.exists():
        _advise(box)


@app.command()
def verify(
    packs: Annotated[
        list[Path] | None, typer.Argument(metavar="[PACK_DIR...]", help="The packs; without any, all of the folder.")
    ] = None,
    *,
    models: ModelsOption = None,
    config: ConfigOption = None,
) -> None:
    """Hold packs to their hashes, open them, and run them on a grey picture; status 2 where one is not fit."""
    from edge_agent.app.models import faults_of

    folders = packs or _box(config, models).shelf.packs()
    if not folders:
        raise BadInput("there is no model pack here; name the folder of packs with --models", path=models)
    damaged = 0
    for folder in folders:
        faults = faults_of(folder)
        damaged += bool(faults)
        for fault in faults:
            notes.print(f"[red]{escape(str(folder))} is not fit:[/] {escape(fault)}", soft_wrap=True, highlight=False)
        if not faults:
            screen.print(f"{escape(str(folder))} is fit to run", soft_wrap=True, highlight=False)
    if damaged:
        sys.exit(2)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="The one pack, such as the active one.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The other, such as a candidate.")],
    *,
    trays: TraysOption = None,
    only: OnlyOption = None,
    recording: RecordingOption = None,
    tolerance: ToleranceOption = 0,
    config: ConfigOption = None,
    menu: MenuOption = None,
    provider: ProviderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score two packs on the same checks, side by side; changes nothing."""
    from edge_agent.app.models import compare_packs

    settings = settings_from(config, pack=before, menu=menu, provider=provider)
    with progress("scored", hidden=as_json) as step:
        comparison = compare_packs(
            settings, before, after, _evidence(trays, only, recording), tolerance=tolerance, on_step=step
        )
    if as_json:
        print_json(comparison.as_json())
        return
    show_comparison(comparison)
    screen.print(f"The gate: {escape(comparison.decision.why)}.", soft_wrap=True, highlight=False)


@app.command()
def score(
    pack: Annotated[Path, typer.Argument(metavar="PACK_DIR", help="The pack whose card is to say how good it is.")],
    *,
    trays: Annotated[Path, typer.Option("--trays", help="Score on this folder with trays.jsonl and orders.jsonl.")],
    only: OnlyOption = None,
    config: ConfigOption = None,
    menu: MenuOption = None,
) -> None:
    """Score a pack on trays that took no part in its making, and write that into its manifest and its card."""
    from edge_agent.app.models import score_pack

    settings = settings_from(config, pack=pack, menu=menu, provider=None)
    with progress("trays", hidden=False) as step:
        manifest = score_pack(settings, pack, trays, blocks_from(only), step)
    for name, value in manifest.metrics.items():
        if name.startswith("scored_"):
            screen.print(f"{name.removeprefix('scored_').replace('_', ' ')}: {value}", highlight=False)


@app.command()
def activate(
    pack: Annotated[Path, typer.Argument(metavar="PACK_DIR", help="The pack; it lies in the folder of packs.")],
    *,
    trays: TraysOption = None,
    only: OnlyOption = None,
    recording: RecordingOption = None,
    tolerance: ToleranceOption = 0,
    override: Annotated[
        str | None,
        typer.Option("--override", metavar="REASON", help="Activate it whatever the gate says; why is recorded."),
    ] = None,
    models: ModelsOption = None,
    config: ConfigOption = None,
    menu: MenuOption = None,
    provider: ProviderOption = None,
) -> None:
    """Put a pack into service, if on the same checks it does no worse than the active one."""
    from edge_agent.app.models import Box, weigh
    from edge_agent.app.models import activate as put_into_service
    from edge_agent.formats.activations import MAX_REASON

    if override is not None and not 0 < len(override.strip()) <= MAX_REASON:
        raise BadInput(f"--override needs a reason, of at most {MAX_REASON} characters")
    box = Box(settings=settings_from(config, pack=None, menu=menu, provider=provider), models=models)
    with progress("scored", hidden=False) as step:
        weighed = weigh(box, pack, _evidence(trays, only, recording), tolerance=tolerance, on_step=step)
    if weighed.comparison is not None:
        show_comparison(weighed.comparison)
    activation = put_into_service(weighed, override=override)
    screen.print(f"The gate: {escape(weighed.decision.why)}.", soft_wrap=True, highlight=False)
    if activation is None:
        screen.print(f"{escape(str(pack))} is active already; nothing was changed.", soft_wrap=True, highlight=False)
    else:
        if activation.override is not None:
            screen.print(f"Overridden: {escape(activation.override)}", soft_wrap=True, highlight=False)
        _tell_active(box, activation.to_pack, activation.from_pack)
    _advise(box)


@app.command()
def rollback(*, models: ModelsOption = None, config: ConfigOption = None, menu: MenuOption = None) -> None:
    """Put the pack back into service that was active before; once more goes one step further back."""
    from edge_agent.app.models import Box, roll_back

    box = Box(settings=settings_from(config, pack=None, menu=menu, provider=None), models=models)
    done = roll_back(box)
    _tell_active(box, done.activation.to_pack, done.activation.from_pack)
    if done.was_changed:
        said = f"'{done.activation.to_pack}' was changed since it was last active: it is not the model that ran then"
        notes.print(f"[yellow]{escape(said)}[/]", soft_wrap=True, highlight=False)
    _advise(box)


def _box(config: Path | None, models: Path | None) -> Box:
    """For commands that only look: a folder that is named needs no configuration."""
    from edge_agent.app.models import Box

    if models is not None and config is None:
        return Box(models=models)
    return Box(settings=settings_from(config, pack=None, menu=None, provider=None), models=models)


def _evidence(trays: Path | None, only: list[str] | None, recordings: list[Path] | None) -> Evidence:
    from edge_agent.app.models import Evidence

    return Evidence(trays=trays, only=blocks_from(only), recordings=tuple(recordings or ()))


def _row(pack: PackOnShelf) -> tuple[str, ...]:
    mark, folder = "active" if pack.is_active else "", escape(pack.folder.name)
    manifest = pack.manifest
    if manifest is None:
        return (mark, folder, "", "[red]damaged[/]", "", "", "")
    state = "[green]whole[/]" if pack.fault is None else "[red]damaged[/]"
    metrics = [
        f"{name.removeprefix('val_')} {manifest.metrics[name]}" for name in KEY_METRICS if name in manifest.metrics
    ]
    return (
        mark,
        folder,
        escape(f"{manifest.name} {manifest.version}"),
        f"{', '.join(manifest.files)}: {state}",
        str(len(manifest.classes)),
        f"{manifest.input.width}x{manifest.input.height}",
        escape("\n".join(metrics)),
    )


def show_comparison(comparison: Comparison) -> None:
    """Two packs side by side, which checks changed, and what the gate says."""
    before, after = comparison.before, comparison.after
    for problem in dict.fromkeys((*before.problems, *after.problems)):
        notes.print(f"[yellow]{escape(problem)}; compared as far as it could be read[/]", soft_wrap=True)
    table = Table("share", f"before: {_named(before)}", f"after: {_named(after)}", "difference", box=None)
    differences = comparison.differences
    rates = (before.scores.as_json()["rates"], after.scores.as_json()["rates"])
    for name, difference in differences.items():
        if difference is not None:
            shown = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in (each[name] for each in rates)]
            table.add_row(name.replace("_", " "), *(escape(text) for text in shown), f"{difference:+.3f}")
    screen.print(table)
    changes = comparison.changes
    screen.print(f"{len(changes)} of {len(before.checks)} checks came out otherwise", highlight=False)
    for change in changes[:MAX_SHOWN]:
        was, now = change.before, change.after
        outcomes = f"{was.check.outcome.value} -> {now.check.outcome.value}".replace("_", " ")
        told = f"  {change.check_id}: {was.verdict} -> {now.verdict} ({outcomes})"
        screen.print(escape(told), soft_wrap=True, highlight=False)
    if len(changes) > MAX_SHOWN:
        screen.print(f"  and {len(changes) - MAX_SHOWN} more; compare with --json lists them", highlight=False)


def _named(pack: JudgedPack) -> str:
    return escape(f"{Path(pack.folder).name} ({pack.name} {pack.version})")


def _tell_active(box: Box, to_pack: str, from_pack: str | None) -> None:
    before = "nothing was before" if from_pack is None else f"before: {from_pack}"
    said = f"Active: {box.shelf.folder / to_pack} ({before}). A running agent takes it up when it starts again."
    screen.print(escape(said), soft_wrap=True, highlight=False)


def _advise(box: Box) -> None:
    if box.advice is not None:
        notes.print(f"[yellow]{escape(box.advice)}[/]", soft_wrap=True, highlight=False)
