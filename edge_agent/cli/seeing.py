"""check, replay, evaluate: look at pictures, and say what was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli import common
from edge_agent.cli.common import blocks_from, print_json, progress, say, settings_from, warn
from edge_agent.cli.showing import show_items, show_replay, show_scores, show_verdict
from edge_agent.errors import BadInput
from edge_agent.evaluation.photo_checks import evaluation_as_json, line_as_json
from edge_agent.evaluation.replay import replay_as_json


def check(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photographs of one tray, one or more.")],
    *,
    order: Annotated[Path, typer.Option("--order", help="The order as JSON, as the till sends it.")],
    config: common.ConfigOption = None,
    pack: common.PackOption = None,
    menu: common.MenuOption = None,
    provider: common.ProviderOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Hold one order against photographs of its tray."""
    from edge_agent.app.eyes import open_eyes
    from edge_agent.app.seeing import check_photographs

    eyes = open_eyes(settings_from(config, pack=pack, menu=menu, provider=provider))
    verdict, contents = check_photographs(eyes, order, photos)
    if as_json:
        print_json(
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
    show_verdict(verdict)


def replay(
    video: Annotated[Path, typer.Argument(help="The recording; NAME.orders.jsonl and NAME.truth.jsonl lie beside it.")],
    *,
    config: common.ConfigOption = None,
    pack: common.PackOption = None,
    menu: common.MenuOption = None,
    provider: common.ProviderOption = None,
    precision: common.PrecisionOption = None,
    report: common.ReportOption = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Write no report. Else it goes to 'report', but not with --json.")
    ] = False,
    db: Annotated[
        Path | None,
        typer.Option("--db", help="Also store orders, trays and checks in this SQLite file.", show_default=False),
    ] = None,
    as_json: common.JsonOption = False,
) -> None:
    """Replay a recording and its orders through the checker: one verdict per tray, a report, a score.

    A configuration that lies beside it, NAME.plan.yaml, is taken where none is named.
    """
    from edge_agent.app.eyes import open_eyes
    from edge_agent.app.seeing import replay_recording

    config = config or common.plan_beside(video)
    if no_report and report is not None:
        raise BadInput("with --no-report there is none, and --report names where it goes: leave one of them out")
    eyes = open_eyes(settings_from(config, pack=pack, menu=menu, provider=provider, precision=precision))
    folder = None if no_report else report or (None if as_json else Path("report"))
    with progress("frames", hidden=as_json) as step:
        done = replay_recording(eyes, video, report=folder, db=db, on_frame=step)
    if done.replayed.recording.orders_path is None:
        warn(f"there is no {video.with_suffix('.orders.jsonl')}: without orders every tray is nobody's")
    if done.replayed.problem:
        warn(f"{done.replayed.problem}; what follows is what was read so far")
    if as_json:
        print_json({**replay_as_json(done.replayed), "precision": eyes.pack.precision})
        return
    show_replay(done.replayed, precision=eyes.pack.precision)
    if done.report_page is not None:
        say(f"The report: {done.report_page}")


def evaluate(
    trays_dir: Annotated[Path, typer.Argument(metavar="TRAYS_DIR", help="A folder with trays.jsonl and orders.jsonl.")],
    *,
    config: common.ConfigOption = None,
    pack: common.PackOption = None,
    menu: common.MenuOption = None,
    provider: common.ProviderOption = None,
    precision: common.PrecisionOption = None,
    report: common.ReportOption = None,
    only: common.OnlyOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Score the order checks of a folder of photographed trays."""
    from edge_agent.app.eyes import open_eyes
    from edge_agent.app.seeing import evaluate_folder

    blocks = blocks_from(only, of=trays_dir, option="--only")
    eyes = open_eyes(settings_from(config, pack=pack, menu=menu, provider=provider, precision=precision))
    with progress("trays", hidden=as_json) as step:
        done = evaluate_folder(eyes, trays_dir, only=blocks, report=report, on_tray=step)
    evaluated = done.evaluated
    if as_json:
        print_json({**evaluation_as_json(evaluated, eyes.detector.provider), "precision": eyes.pack.precision})
        return
    show_scores(evaluated.scores)
    show_items(evaluated.items)
    say(
        f"{len(evaluated.verdicts)} checks on {len(evaluated.contents)} trays, "
        f"{evaluated.frames_per_s:.1f} photographs/s in detect(), {eyes.pack.precision} on {eyes.detector.provider}"
    )
    if done.report_page is not None:
        say(f"The report: {done.report_page}")
