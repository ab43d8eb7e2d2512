"""bench, tune, quantize: how fast a model pack is here, and how it becomes faster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli import common
from edge_agent.cli.common import (
    NO_CONFIG,
    blocks_from,
    configured_detector,
    configured_pack,
    extra_train,
    notes,
    pieces_of_work,
    print_json,
    say,
    settings_from,
    warn,
)
from edge_agent.cli.showing import show_gates
from edge_agent.errors import BadConfig, BadInput

DEFAULT_PACK = Path("models/canteen")


def bench(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PHOTO...]", help="Photographs to run on; without any those of --trays, or grey noise."
        ),
    ] = None,
    *,
    pack: Annotated[Path, typer.Option("--pack", help="The model pack (a folder).")] = DEFAULT_PACK,
    provider: common.ProviderOption = None,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads of each side; 0: all cores.")] = 0,
    rounds: Annotated[int, typer.Option("--rounds", min=3, help="Measured rounds; all sides run in each.")] = 60,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="The weights (.pt) of the pack, for Ultralytics.", show_default=False),
    ] = None,
    trays: Annotated[
        Path | None,
        typer.Option("--trays", help="Also score each side on this folder of trays.", show_default=False),
    ] = None,
    only: common.OnlyOption = None,
    config: common.ConfigOption = None,
    menu: common.MenuOption = None,
    live: Annotated[
        Path | None,
        typer.Option(
            "--live",
            metavar="VIDEO",
            help="Measure the running agent instead, on a recording with orders: to the subscriber, CPU, memory.",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        int | None,
        typer.Option(
            "--store",
            metavar="CHECKS",
            min=100,
            max=10_000_000,
            help="Measure how fast a made-up store with so many checks answers instead, and the agent that serves it.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="FILE",
            help="With --store: make the store here and leave it; one that is there is taken.",
            show_default=False,
        ),
    ] = None,
    as_json: common.JsonOption = False,
) -> None:
    """Measure the agent beside the bare ONNX Runtime session and Ultralytics, alternating, in one run."""
    from edge_agent.adapters.model_shelf import led_to
    from edge_agent.app.speed import BenchPlan, bench_pack

    if live is not None and store is not None:
        raise BadInput("--live and --store measure two things: name one of them")
    pack = led_to(pack)
    if live is not None:
        _bench_live(live, pack=pack, menu=settings_from(config, pack=pack, menu=menu).menu, as_json=as_json)
        return
    if store is not None:
        menu = settings_from(config, pack=pack, menu=menu).menu
        _bench_store(store, keep=keep, rounds=rounds, pack=pack, menu=menu, as_json=as_json)
        return
    if checkpoint is not None and not checkpoint.is_file():
        raise BadInput("there is no such checkpoint", path=checkpoint)
    if checkpoint is not None and checkpoint.suffix != ".pt":
        raise BadInput(
            "--checkpoint names trained weights (.pt); the pack's own export is measured anyway", path=checkpoint
        )
    if keep is not None:
        raise BadInput("--keep is about a store; name its size with --store")
    plan = BenchPlan(
        pack=pack,
        photographs=photos or (),
        provider=provider,
        threads=threads or None,
        rounds=rounds,
        checkpoint=checkpoint,
        trays=trays,
        only=blocks_from(only, of=trays, option="--only"),
        menu=settings_from(config, pack=pack, menu=menu, provider=provider).menu if trays is not None else None,
    )
    with pieces_of_work(hidden=as_json) as on_work:
        measured = bench_pack(plan, on_work=on_work)
    if as_json:
        print_json(measured.as_json())
        return
    for line in measured.as_lines():
        say(line)


def _bench_live(video: Path, *, pack: Path, menu: Path, as_json: bool) -> None:
    from edge_agent.app.live_speed import measure_live

    measured = measure_live(video, pack=pack, menu=menu, on_work=lambda _: None if as_json else notes.print(_))
    if as_json:
        print_json(measured.as_json())
        return
    for line in measured.as_lines():
        say(line)


def _bench_store(checks: int, *, keep: Path | None, rounds: int, pack: Path, menu: Path, as_json: bool) -> None:
    from edge_agent.app.store_speed import measure_store

    with pieces_of_work(hidden=as_json) as on_work:
        measured = measure_store(checks, keep=keep, rounds=rounds, pack=pack, menu=menu, on_work=on_work)
    if as_json:
        print_json(measured.as_json())
        return
    for line in measured.as_lines():
        say(line)


def tune(
    pack: Annotated[
        Path | None,
        typer.Argument(metavar="[PACK_DIR]", help="The model pack (a folder); without one the configured."),
    ] = None,
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="[PHOTO...]", help="Photographs to run on; without any, grey noise.")
    ] = None,
    *,
    rounds: Annotated[int, typer.Option("--rounds", min=3, help="Measured rounds; all ways run in each.")] = 30,
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Measure nothing where a measurement holds for this machine and pack.")
    ] = False,
    config: common.ConfigOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Find the fastest way to run a pack here, of those that keep its score, and store it beside the pack.

    Without PACK_DIR it keeps to the provider that the configuration names, if it names one.
    """
    from edge_agent.adapters.model_shelf import led_to
    from edge_agent.adapters.onnx_session import Wish
    from edge_agent.app.detector import tuned_here
    from edge_agent.app.speed import Tuning
    from edge_agent.app.speed import tune as tune_pack

    provider: Wish = "auto"
    if pack is None:
        configured = configured_detector(config)
        if configured is None:
            raise BadConfig(f"{NO_CONFIG}, or name the pack's folder")
        pack, provider = configured.pack, configured.provider
    pack = led_to(pack)
    if if_needed and (known := tuned_here(pack, provider)) is not None:
        tuning = Tuning(known)
    else:
        with pieces_of_work(hidden=as_json) as on_work:
            tuning = tune_pack(pack, photos or [], rounds=rounds, wish=provider, on_work=on_work)
    tuned = tuning.tuned
    if as_json:
        extra = {"left_out": list(tuning.left_out), "unrest": list(tuning.unrest)}
        print_json({**tuned.model_dump(mode="json", by_alias=True), **extra})
        return
    for name, ms in sorted(tuned.median_ms.items(), key=lambda entry: entry[1]):
        say(f"{ms:7.2f} ms  {name}")
    for said in tuning.left_out:
        say(f"left out: {said}")
    for said in tuning.unrest:
        warn(said)
    say(f"{pack}: {tuned.precision} on {tuned.provider}, {tuned.threads} threads, from the next start on")


def quantize(
    pack: common.PackArgument,
    *,
    trays: Annotated[Path, typer.Option("--trays", help="Photographed trays: some calibrate, the others judge.")],
    held_out: common.HeldOutOption = None,
    calibrate_with: Annotated[
        int, typer.Option("--calibrate-with", min=1, max=2000, help="So many trays calibrate, a photograph of each.")
    ] = 96,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, max=100, help="By so many per 100 orders may each count be worse.")
    ] = 1.0,
    copy: Annotated[
        Path | None,
        typer.Option(
            "--copy",
            metavar="COPY_DIR",
            help="Make the 8-bit forms of the network of this faster copy of the pack ('distil').",
            show_default=False,
        ),
    ] = None,
    config: common.ConfigOption = None,
    menu: common.MenuOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Make a pack fast: pixels as bytes, fewer boxes to decode, and 8-bit files that count if they keep the score."""
    from edge_agent.app.inputs import check_writable, refuse_in_service
    from edge_agent.app.plans import QuantisingPlan
    from edge_agent.app.quantising import quantise

    refuse_in_service(pack, configured_pack(config))
    check_writable([pack])
    plan = QuantisingPlan(
        pack=pack,
        trays=trays,
        held_out=blocks_from(held_out, of=trays, option="--held-out"),
        menu=settings_from(config, pack=pack, menu=menu).menu,
        calibrate_with=calibrate_with,
        tolerance=tolerance,
        copy=copy,
    )
    with extra_train("quantizing"), pieces_of_work(hidden=as_json) as on_work:
        manifest = quantise(plan, on_work=on_work)
    if as_json:
        gates = {name: gate.model_dump(mode="json") for name, gate in manifest.gates.items()}
        print_json({"pack": str(pack), "offered": list(manifest.offered_on("cpu")), "gates": gates})
        return
    show_gates(manifest)
