"""The command line: parse arguments, call `app`, print."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge_agent import __version__
from edge_agent.checking.scoring import Scores
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.errors import BadConfig, BadInput, EdgeAgentError
from edge_agent.evaluation.photo_checks import evaluation_as_json, line_as_json
from edge_agent.evaluation.replay import Replayed, replay_as_json
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.settings import Settings, load_settings

app = typer.Typer(
    name="edge-agent",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sees what lies on the tray, compares it with the order, tells the crew before the tray leaves.",
    epilog="Exit status: 0 done (also when orders do not match), 1 the agent failed, 2 something given to it is wrong.",
)
screen = Console()
notes = Console(stderr=True)

DEFAULT_CONFIG = Path("configs") / "edge.yaml"
SIGNS = {
    VerdictKind.MATCH: "[green]● match[/]",
    VerdictKind.MISMATCH: "[bold red]■ mismatch[/]",
    VerdictKind.UNSURE: "[yellow]▲ unsure[/]",
}

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help=f"The configuration. [default: {DEFAULT_CONFIG}]", show_default=False),
]
PackOption = Annotated[
    Path | None,
    typer.Option("--pack", help="The model pack (a folder), instead of the configured one.", show_default=False),
]
MenuOption = Annotated[
    Path | None,
    typer.Option("--menu", help="The menu (YAML), instead of the configured one.", show_default=False),
]
ProviderOption = Annotated[
    Literal["auto", "tensorrt", "cuda", "openvino", "cpu"] | None,
    typer.Option("--provider", help="What the model runs on, instead of what is configured.", show_default=False),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and nothing else, on standard output.")
]


@app.callback(invoke_without_command=True)
def agent(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also log what goes on inside.")] = False,
) -> None:
    """Set up what all commands share."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s: %(message)s",
    )
    if version:
        screen.print(__version__)
        raise typer.Exit


@app.command()
def check(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photographs of one tray, one or more.")],
    *,
    order: Annotated[Path, typer.Option("--order", help="The order as JSON, as the till sends it.")],
    config: ConfigOption = None,
    pack: PackOption = None,
    menu: MenuOption = None,
    provider: ProviderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold one order against photographs of its tray."""
    from edge_agent.app import check_photographs, open_eyes

    eyes = open_eyes(_settings(config, pack=pack, menu=menu, provider=provider))
    verdict, contents = check_photographs(eyes, order, photos)
    if as_json:
        _print_json(
            {
                "verdict": verdict.kind.value,
                "allergy": verdict.allergy,
                "lines": [line_as_json(line) for line in verdict.lines],
                "contents": contents.likely,
                "checked": verdict.checked_pieces,
                "wanted": verdict.wanted_pieces,
                "provider": eyes.detector.provider,
            }
        )
        return
    _show_verdict(verdict)


@app.command()
def replay(
    video: Annotated[Path, typer.Argument(help="The recording; NAME.orders.jsonl and NAME.truth.jsonl lie beside it.")],
    *,
    config: ConfigOption = None,
    pack: PackOption = None,
    menu: MenuOption = None,
    provider: ProviderOption = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Folder for index.html and the annotated video. [default: report; with --json none]",
            show_default=False,
        ),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    db: Annotated[
        Path | None,
        typer.Option("--db", help="Also store orders, trays and checks in this SQLite file.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a recording and its orders through the checker: one verdict per tray, a report, a score."""
    from edge_agent.app import open_eyes, replay_recording

    eyes = open_eyes(_settings(config, pack=pack, menu=menu, provider=provider))
    folder = None if no_report else report or (None if as_json else Path("report"))
    with _progress("frames", hidden=as_json) as step:
        done = replay_recording(eyes, video, report=folder, db=db, on_frame=step)
    if done.replayed.recording.orders_path is None:
        beside = escape(str(video.with_suffix(".orders.jsonl")))
        notes.print(f"[yellow]there is no {beside}: without orders every tray is nobody's[/]", soft_wrap=True)
    if done.replayed.problem:
        said = escape(done.replayed.problem)
        notes.print(f"[yellow]{said}; what follows is what was read so far[/]", soft_wrap=True)
    if as_json:
        _print_json(replay_as_json(done.replayed))
        return
    _show_replay(done.replayed)
    if done.report_page is not None:
        screen.print(f"The report: {done.report_page}")


@app.command()
def evaluate(
    trays_dir: Annotated[Path, typer.Argument(metavar="TRAYS_DIR", help="A folder with trays.jsonl and orders.jsonl.")],
    *,
    config: ConfigOption = None,
    pack: PackOption = None,
    menu: MenuOption = None,
    provider: ProviderOption = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Folder for a page with every failure as a picture.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="FROM:TO", help="Only these trays, as in noon-2585:noon-2730; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score the order checks of a folder of photographed trays."""
    from edge_agent.app import evaluate_folder, open_eyes

    eyes = open_eyes(_settings(config, pack=pack, menu=menu, provider=provider))
    with _progress("trays", hidden=as_json) as step:
        done = evaluate_folder(eyes, trays_dir, only=_blocks(only), report=report, on_tray=step)
    evaluated = done.evaluated
    if as_json:
        _print_json(evaluation_as_json(evaluated, eyes.detector.provider))
        return
    _show_scores(evaluated.scores)
    screen.print(
        f"{len(evaluated.verdicts)} checks on {len(evaluated.contents)} trays, "
        f"{evaluated.frames_per_s:.1f} photographs/s in detect() on {eyes.detector.provider}"
    )
    if done.report_page is not None:
        screen.print(f"The report: {done.report_page}")


@app.command()
def bench(
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="[PHOTO...]", help="Photographs to run on; without any, grey noise.")
    ] = None,
    *,
    pack: Annotated[Path, typer.Option("--pack", help="The model pack (a folder).")] = Path("models/canteen"),
    provider: ProviderOption = None,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads of each side; 0: all cores.")] = 0,
    rounds: Annotated[int, typer.Option("--rounds", min=3, help="Measured rounds; sides alternate in each.")] = 60,
    as_json: JsonOption = False,
) -> None:
    """Measure the detector beside the bare ONNX Runtime session, alternating, in one run."""
    from edge_agent.app import bench_detector

    with _progress("rounds", hidden=as_json) as step:
        measured = bench_detector(
            pack, photos or [], provider=provider or "auto", threads=threads or None, rounds=rounds, on_round=step
        )
    if as_json:
        _print_json(measured.as_json())
        return
    for line in measured.as_lines():
        screen.print(line, highlight=False)


@app.command()
def calibrate(
    pack: Annotated[
        Path, typer.Argument(metavar="PACK_DIR", help="The model pack whose thresholds are to be found anew.")
    ],
    *,
    boxes: Annotated[Path, typer.Option("--boxes", help="Boxed photographs; those under val are used.")],
    false_alarms: Annotated[
        float, typer.Option("--false-alarms", min=0, max=100, help="Budget: per 100 right orders.")
    ] = 10.0,
) -> None:
    """Find a pack's thresholds for a budget of false alarms, on labelled photographs."""
    from edge_agent.app import calibrate_pack

    manifest = calibrate_pack(pack, boxes, false_alarms=false_alarms / 100)
    reached, decided = manifest.metrics["val_false_alarms"], manifest.metrics["val_decided"]
    screen.print(f"{pack}: on val, false alarms {reached}, decided in every class {decided}", highlight=False)


@app.command()
def train(
    boxes: Annotated[
        Path, typer.Argument(metavar="BOXES_DIR", help="Boxed photographs: images/ and labels/, train and val.")
    ],
    *,
    classes: Annotated[str, typer.Option("--classes", help="Class names in the order of the labels, with commas.")],
    pack: Annotated[Path, typer.Option("--pack", help="The model pack to write (a folder; its name names the model).")],
    run: Annotated[Path, typer.Option("--run", help="Where checkpoints and the run card go; the same folder resumes.")],
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the photographs.")] = 90,
    image_size: Annotated[
        int, typer.Option("--image-size", min=64, help="Longer side of the network's input, in pixels.")
    ] = 320,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 20,
    architecture: Annotated[
        str, typer.Option("--architecture", help="An Ultralytics model definition, or a checkpoint to start from.")
    ] = "yolo11n.yaml",
    false_alarms: Annotated[
        float, typer.Option("--false-alarms", min=0, max=100, help="Budget for the thresholds: per 100 right orders.")
    ] = 10.0,
    version: Annotated[str, typer.Option("--version", help="Version written into the pack.")] = "1",
    trays: Annotated[
        Path | None,
        typer.Option(
            "--trays", help="Also learn from these trays, of which only the counts are known.", show_default=False
        ),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", metavar="FROM:TO", help="Trays kept apart, as in noon-2585:noon-2730; repeatable."),
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of learning from --trays, at most.")] = 2,
) -> None:
    """Train a detector from random weights on boxed photographs and write a model pack (extra `train`).

    With --trays the detector then teaches a student: it boxes the trays by what their orders say lies there.
    """
    from edge_agent.app import train_pack
    from edge_agent.training.fit import FitRecipe
    from edge_agent.training.making import LearningFromOrders, TrainingPlan

    names = tuple(name.strip() for name in classes.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise BadInput("--classes needs different names with commas between them, such as plate,fruit,drink")
    if image_size % 32:
        raise BadInput(f"--image-size must be a multiple of 32 (the network's coarsest cell), not {image_size}")
    if not pack.name or not version:
        raise BadInput("--pack needs a folder with a name, and --version a text")
    plan = TrainingPlan(
        boxes=boxes,
        classes=names,
        run=run,
        pack=pack,
        recipe=FitRecipe(architecture=architecture, epochs=epochs, image_size_px=image_size, seed=seed),
        width_px=image_size,
        height_px=_height_for(image_size),
        false_alarms=false_alarms / 100,
        version=version,
        orders=None if trays is None else LearningFromOrders(trays=trays, held_out=_blocks(held_out), rounds=rounds),
    )
    try:
        manifest = train_pack(plan, "edge-agent train")
    except ModuleNotFoundError as error:
        raise BadInput(f"training needs the extra 'train' ({error.name} is missing): pip install '.[train]'") from error
    screen.print(f"{pack}: val mAP50 {manifest.metrics.get('val_map50')}")


def main() -> None:
    """Run the command line; errors become one sentence and an exit status."""
    try:
        app(standalone_mode=True)
    except BadInput as error:
        notes.print(f"[red]edge-agent:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(2)
    except EdgeAgentError as error:
        notes.print(f"[red]edge-agent:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(1)


def _settings(config: Path | None, *, pack: Path | None, menu: Path | None, provider: str | None) -> Settings:
    """The configuration with what the command line overrides."""
    path = config or next((p for p in _default_configs() if p.is_file()), None)
    if path is None and (pack is None or menu is None):
        raise BadConfig(f"there is no {DEFAULT_CONFIG} here: name one with --config, or give both --pack and --menu")
    settings = load_settings(path) if path else Settings()
    detector = settings.detector.model_copy(
        update={key: value for key, value in (("pack", pack), ("provider", provider)) if value is not None}
    )
    return settings.model_copy(update={"detector": detector, "menu": menu or settings.menu})


def _default_configs() -> tuple[Path, ...]:
    """Here, or beside the package in a checkout."""
    return DEFAULT_CONFIG, Path(__file__).resolve().parent.parent / DEFAULT_CONFIG


@contextmanager
def _progress(unit: str, *, hidden: bool) -> Iterator[Any]:
    """A progress bar on standard error; yields what is to be called with (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=hidden or not notes.is_terminal) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def _show_verdict(verdict: Verdict) -> None:
    screen.print(f"{SIGNS[verdict.kind]}  {verdict.checked_pieces} of {verdict.wanted_pieces} checked")
    table = Table("line", "ordered", "seen", "result", "why", box=None)
    for line in verdict.lines:
        why = line.reason.replace("_", " ")
        table.add_row(escape(line.name), str(line.expected), _seen(line), line.result.value, why)
    screen.print(table)
    if verdict.by_hand:
        screen.print("by hand: " + escape(", ".join(line.name for line in verdict.by_hand)))
    if verdict.allergy:
        screen.print("[bold yellow]The order speaks of an allergy: the camera cannot check that.[/]")


def _blocks(texts: list[str] | None) -> tuple[TrayBlock, ...]:
    return tuple(TrayBlock.parse(text) for text in texts or ())


def _height_for(width: int) -> int:
    """The cameras' 4:3, rounded up to the 32 pixels of the network's coarsest cell."""
    return math.ceil(width * 3 / 4 / 32) * 32


def _seen(line: CheckedLine) -> str:
    return "-" if line.result is LineResult.NOT_CHECKED else str(line.seen)


def _show_replay(replayed: Replayed) -> None:
    table = Table("tray", "settled", "left", "order", "association", "verdict", "what (seen/ordered)", box=None)
    for tray in replayed.trays:
        verdict = tray.reached.verdict if tray.reached else None
        plain = (LineResult.OK, LineResult.NOT_CHECKED)
        told = [line for line in verdict.lines if line.result not in plain] if verdict else []
        table.add_row(
            tray.session_id,
            "never" if tray.settled_s is None else f"{tray.settled_s:.1f} s",
            "" if tray.left_s is None else f"{tray.left_s:.1f} s",
            escape(" + ".join(tray.order_ids)) or "-",
            tray.association.replace("_", " "),
            SIGNS[tray.verdict],
            escape(", ".join(f"{x.name} {x.result.value} ({x.seen}/{x.expected})" for x in told)),
        )
    screen.print(table)
    if replayed.recording.truth:
        _show_scores(replayed.scores)
    screen.print(
        f"{len(replayed.trays)} trays in {replayed.duration_s:.0f} s of video, {replayed.frames_per_s:.0f} frames/s "
        f"({replayed.times_real_time:.1f} x real time) on {replayed.provider}"
    )


def _show_scores(scores: Scores) -> None:
    said = scores.as_json()
    for name in ("wrong_orders", "right_orders", "no_order"):
        counts = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in said[name].items() if kind != "n")
        if said[name]["n"]:
            screen.print(f"{name.replace('_', ' ')}: {said[name]['n']} ({counts})", highlight=False)
    table = Table("share", "value", "95 % interval", box=None)
    for name, (value, low, high) in said["rates"].items():
        if value is not None:
            table.add_row(name.replace("_", " "), f"{value:.3f}", f"{low:.3f} to {high:.3f}")
    screen.print(table)
