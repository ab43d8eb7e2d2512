"""models list, verify, compare, score, judge, activate, rollback: keep the model packs of a box."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from edge_agent.cli import common
from edge_agent.cli.common import (
    blocks_from,
    notes,
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
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, STILL_TO_BE_FOUND, PackManifest, load_manifest
from edge_agent.formats.shares import with_interval

if TYPE_CHECKING:
    from edge_agent.app.comparing import Evidence
    from edge_agent.app.models import Box, PackOnShelf
    from edge_agent.evaluation.comparison import Comparison, JudgedPack

MAX_SHOWN = 20
"""Changed checks on the terminal; `--json` has more."""

KEY_SCORES = ("caught", "escaped", "false_alarm", "right_match", "macro_recall")
"""Of the scores in the manifest, what fits into a table; `--json` has all."""

app = typer.Typer(
    no_args_is_help=True,
    help="Keep the model packs of a box: which there are, which is active, whether another would be better.",
)

ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", help="The folder of packs (that of the configured pack if left out).", show_default=False),
]
RecordingOption = Annotated[
    list[Path] | None,
    typer.Option("--recording", metavar="VIDEO", help="Score on this recording, its truth beside it; repeatable."),
]
ToleranceOption = Annotated[
    int, typer.Option("--tolerance", min=0, help="So many checks worse in a count still pass the gate.")
]


@app.command("list")
def list_models(
    *, models: ModelsOption = None, config: common.ConfigOption = None, as_json: common.JsonOption = False
) -> None:
    """List the packs of the folder: what each is, which is active, whether its files are whole."""
    from edge_agent.app.models import list_packs

    box = _box(config, models)
    packs = list_packs(box)
    if as_json:
        active = next((str(pack.folder) for pack in packs if pack.is_active), None)
        print_json({"models": str(box.shelf.folder), "active": active, "packs": [pack.as_json() for pack in packs]})
        return
    table = table_of("", "folder", "model", "files", "classes", "input", "scores")
    for pack in packs:
        table.add_row(*_row(pack))
    screen.print(table)
    if not packs:
        warn(f"there is no model pack in {box.shelf.folder}: name the folder of packs with --models")
    for pack in packs:
        if pack.fault is not None:
            warn(pack.fault)
    if box.shelf.pointer_path.exists():
        _advise(box)


@app.command()
def verify(
    packs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PACK_DIR...]", help="The packs, or folders of packs; without any, the box's folder."),
    ] = None,
    *,
    models: ModelsOption = None,
    config: common.ConfigOption = None,
) -> None:
    """Hold packs to their hashes, open them, and run them on a grey picture; status 2 where one is not fit."""
    from edge_agent.app.models import faults_of, packs_at

    folders = [each for named in packs for each in packs_at(named)] if packs else _box(config, models).shelf.packs()
    if not folders:
        raise BadInput("there is no model pack here; name the folder of packs with --models", path=models)
    damaged = 0
    for folder in folders:
        faults = faults_of(folder)
        damaged += bool(faults)
        for fault in faults:
            notes.print(f"[red]{escape(str(folder))} is not fit:[/] {escape(fault)}", soft_wrap=True, highlight=False)
        if not faults:
            say(f"{folder} is fit to run")
    if damaged:
        sys.exit(2)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="The one pack, such as the active one.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The other, such as a candidate.")],
    *,
    trays: common.TraysOption = None,
    only: common.OnlyOption = None,
    recording: RecordingOption = None,
    tolerance: ToleranceOption = 0,
    config: common.ConfigOption = None,
    menu: common.MenuOption = None,
    provider: common.ProviderOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Score two packs on the same checks, side by side; changes nothing."""
    from edge_agent.app.comparing import compare_packs

    settings = settings_from(config, pack=before, menu=menu, provider=provider)
    with progress("scored", hidden=as_json) as step:
        comparison = compare_packs(
            settings, before, after, _evidence(trays, only, recording), tolerance=tolerance, on_step=step
        )
    if as_json:
        print_json(comparison.as_json())
        return
    show_comparison(comparison)
    say(f"The gate: {comparison.decision.why}.")


@app.command()
def score(
    pack: Annotated[Path, typer.Argument(metavar="PACK_DIR", help="The pack whose card is to say how good it is.")],
    *,
    trays: Annotated[
        Path | None,
        typer.Option("--trays", help="Score on this folder with trays.jsonl and orders.jsonl.", show_default=False),
    ] = None,
    only: common.OnlyOption = None,
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", help="Hold its boxes against those drawn in this folder's `val`.", show_default=False),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="DIR",
            help="The folder of the training that made it: its card gets the scores too, its report the failures.",
            show_default=False,
        ),
    ] = None,
    report: common.ReportOption = None,
    config: common.ConfigOption = None,
    menu: common.MenuOption = None,
) -> None:
    """Score a pack, on what took no part in its making, and write that into its manifest and its card."""
    from edge_agent.adapters.model_shelf import led_to
    from edge_agent.app.comparing import score_pack, score_pack_on_boxes
    from edge_agent.training.box_scores import BOXED
    from edge_agent.training.card import TOOK_PART

    if trays is None and boxes is None:
        raise BadInput("there is nothing to score it on; name photographed trays with --trays, or drawn ones: --boxes")
    if trays is None and (only or report is not None):
        raise BadInput("--only and --report are about photographed trays; name their folder with --trays")
    if trays is not None:
        settings = settings_from(config, pack=pack, menu=menu)
        with progress("trays", hidden=False) as step:
            blocks = blocks_from(only, of=trays, option="--only")
            scored = score_pack(settings, pack, trays, blocks, step, report=report, run=run)
        _show_scores(scored.manifest)
        if number := scored.manifest.metrics.get(TOOK_PART):
            warn(f"{number} of these trays taught it, or set its thresholds: the scores say what it remembers")
        if scored.report_page is not None:
            say(f"Every failure as a picture: {scored.report_page}")
    if boxes is not None:
        with progress("photographs", hidden=False) as step:
            manifest = score_pack_on_boxes(pack, boxes, step, run=run)
        for name, value in manifest.metrics.items():
            if name.startswith(BOXED):
                say(f"{_told(name)}: {value}")
    say(f"Written into {led_to(pack)}, and its card.")


@app.command()
def judge(
    pack: Annotated[Path, typer.Argument(metavar="PACK_DIR", help="The pack whose forms are to be held against fp32.")],
    *,
    trays: Annotated[Path, typer.Option("--trays", help="The folder of trays that its 8-bit forms were made with.")],
    provider: Annotated[
        Literal["tensorrt", "cuda", "openvino", "cpu"],
        typer.Option("--provider", help="Where they run; cpu: on this CPU, if it adds bytes otherwise than theirs."),
    ],
    held_out: common.HeldOutOption = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, max=100, help="By so many per 100 orders may each count be worse.")
    ] = 1.0,
    config: common.ConfigOption = None,
    menu: common.MenuOption = None,
) -> None:
    """Hold the gate of each form on another provider, or another CPU; what does not pass there is not chosen there."""
    from edge_agent.app.plans import QuantisingPlan
    from edge_agent.app.quantising import judge_on
    from edge_agent.cli.showing import show_gates_on

    plan = QuantisingPlan(
        pack=pack,
        trays=trays,
        held_out=blocks_from(held_out, of=trays, option="--held-out"),
        menu=settings_from(config, pack=pack, menu=menu).menu,
        tolerance=tolerance,
    )
    with pieces_of_work(hidden=False) as on_work:
        judged = judge_on(provider, plan, on_work=on_work)
    show_gates_on(provider, judged.manifest, judged.gates)
    for form, why in judged.left_out.items():
        say(f"{form} on {provider}: not judged, {why}")
    say(f"Next: '{typed('edge-agent tune', pack)}' on the box: what it measured there was of the gates before.")


@app.command()
def activate(
    pack: Annotated[Path, typer.Argument(metavar="PACK_DIR", help="The pack; it lies in the folder of packs.")],
    *,
    trays: common.TraysOption = None,
    only: common.OnlyOption = None,
    recording: RecordingOption = None,
    tolerance: ToleranceOption = 0,
    override: Annotated[
        str | None,
        typer.Option("--override", metavar="REASON", help="Activate it whatever the gate says; why is recorded."),
    ] = None,
    models: ModelsOption = None,
    config: common.ConfigOption = None,
    menu: common.MenuOption = None,
    provider: common.ProviderOption = None,
) -> None:
    """Put a pack into service, if on the same checks it does no worse than the active one."""
    from edge_agent.adapters.model_shelf import led_to
    from edge_agent.app.activating import activate as put_into_service
    from edge_agent.app.activating import weigh
    from edge_agent.app.models import Box
    from edge_agent.formats.activations import MAX_REASON

    if override is not None and not 0 < len(override.strip()) <= MAX_REASON:
        raise BadInput(f"--override needs a reason, of at most {MAX_REASON} characters")
    box = Box(settings=settings_from(config, menu=menu, provider=provider), models=models)
    pack = led_to(pack)
    with progress("scored", hidden=False) as step:
        weighed = weigh(box, pack, _evidence(trays, only, recording), tolerance=tolerance, on_step=step)
    if weighed.comparison is not None:
        show_comparison(weighed.comparison)
        if weighed.evidence.gap is not None:
            warn(weighed.evidence.gap)
    activation = put_into_service(weighed, override=override)
    if load_manifest(pack / MANIFEST_NAME).thresholds == STILL_TO_BE_FOUND:
        warn(
            "its thresholds are still to be found, and these are none to work with: 'edge-agent calibrate' a copy of it"
        )
    say(f"The gate: {weighed.decision.why}.")
    if activation is None:
        say(f"{pack} is active already; nothing was changed.")
    else:
        if activation.override is not None:
            say(f"Overridden: {activation.override}")
        _tell_active(box, activation.to_pack, activation.from_pack, config)
    _advise(box)


@app.command()
def rollback(
    *, models: ModelsOption = None, config: common.ConfigOption = None, menu: common.MenuOption = None
) -> None:
    """Put the pack back into service that was active before; once more goes one step further back."""
    from edge_agent.app.activating import roll_back
    from edge_agent.app.models import Box

    box = Box(settings=settings_from(config, menu=menu), models=models)
    done = roll_back(box)
    _tell_active(box, done.activation.to_pack, done.activation.from_pack, config)
    if done.was_changed:
        said = f"the model.yaml of '{done.activation.to_pack}' was changed since it was last active"
        warn(f"{said}: it was scored anew, or it is not the model that ran then")
    _advise(box)


def _box(config: Path | None, models: Path | None) -> Box:
    """For commands that only look: a folder that is named needs no configuration."""
    from edge_agent.app.models import Box

    if models is not None and config is None:
        return Box(models=models)
    return Box(settings=settings_from(config), models=models)


def _evidence(trays: Path | None, only: list[str] | None, recordings: list[Path] | None) -> Evidence:
    from edge_agent.app.comparing import Evidence

    return Evidence(trays=trays, only=blocks_from(only, of=trays, option="--only"), recordings=tuple(recordings or ()))


def _row(pack: PackOnShelf) -> tuple[str, ...]:
    mark, folder = "active" if pack.is_active else "", escape(pack.folder.name)
    manifest = pack.manifest
    if manifest is None:
        return (mark, folder, "", "[red]damaged[/]", "", "", "")
    state = "[green]whole[/]" if pack.fault is None else "[red]damaged[/]"
    metrics = manifest.metrics
    scores = [f"{_told(name)} {metrics[f'scored_{name}']}" for name in KEY_SCORES if f"scored_{name}" in metrics]
    if "scored_right_orders" in metrics:
        scores.append(f"on {metrics['scored_wrong_orders']} wrong and {metrics['scored_right_orders']} right orders")
    if took_part := metrics.get("scored_took_part"):
        scores.append(f"{took_part} of these trays taught it, or set its thresholds")
    return (
        mark,
        folder,
        escape(f"{manifest.name} {manifest.version}"),
        f"{', '.join(manifest.files)}: {state}",
        str(len(manifest.classes)),
        f"{manifest.input.width}x{manifest.input.height}",
        escape("\n".join(scores) or "not scored"),
    )


def _show_scores(manifest: PackManifest) -> None:
    from edge_agent.training.card import MISTAKEN, SCORED

    for name, value in manifest.metrics.items():
        if name.startswith(MISTAKEN):
            true, _, seen = name.removeprefix(MISTAKEN).partition("->")
            say(f"mistaken: {true} seen as {seen}: {float(value):g}")
        elif name.startswith(SCORED):
            say(f"{_told(name.removeprefix(SCORED))}: {value}")


def _told(name: str) -> str:
    return name.replace("_", " ")


def show_comparison(comparison: Comparison) -> None:
    """Two packs side by side, which checks changed, and what the gate says."""
    before, after = comparison.before, comparison.after
    for problem in dict.fromkeys((*before.problems, *after.problems)):
        warn(f"{problem}; compared as far as it could be read")
    for pack in (before, after):
        if pack.took_part:
            said = f"{pack.took_part} of these trays are known to have taken part in making {_named(pack)}"
            warn(f"{said}: how it does on them proves little; choose others with --only")
    table = table_of("share", f"before: {_named(before)}", f"after: {_named(after)}", "difference")
    rates = (before.scores.rates, after.scores.rates)
    for name, difference in comparison.differences.items():
        if difference is not None:
            shown = (escape(with_interval(each[name])) for each in rates)
            table.add_row(_told(name), *shown, f"{difference:+.3f}")
    screen.print(table)
    changes = comparison.changes
    say(f"{len(changes)} of {len(before.checks)} checks came out otherwise")
    for change in changes[:MAX_SHOWN]:
        was, now = change.before, change.after
        outcomes = _told(f"{was.check.outcome.value} -> {now.check.outcome.value}")
        say(f"  {change.check_id}: {was.verdict} -> {now.verdict} ({outcomes})")
    if len(changes) > MAX_SHOWN:
        say(f"  and {len(changes) - MAX_SHOWN} more; compare with --json lists them")


def _named(pack: JudgedPack) -> str:
    return escape(f"{Path(pack.folder).name} ({pack.name} {pack.version})")


def _tell_active(box: Box, to_pack: str, from_pack: str | None, config: Path | None) -> None:
    from edge_agent.app.detector import unmeasured_forms

    before = "nothing was before" if from_pack is None else f"before: {from_pack}"
    say(f"Active: {box.shelf.folder / to_pack} ({before}). A running agent takes it up when it starts again.")
    if box.settings is None or box.advice is not None:  # its agent runs another pack
        return
    if forms := unmeasured_forms(box.shelf.folder / to_pack, box.settings.detector):
        tune = "edge-agent tune" if config is None else typed("edge-agent tune", "--config", config)
        which = f"measures which form is fastest here ({', '.join(forms)}); until then {forms[0]} runs"
        say(f"Next: '{tune}' (on an installed box with sudo) {which}.")


def _advise(box: Box) -> None:
    if box.advice is not None:
        warn(box.advice)
