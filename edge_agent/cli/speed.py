"""bench, tune, quantize: how fast a model pack is here, and how it becomes faster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

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
    from edge_agent.app.speed import OnWork
    from edge_agent.app.steps import OnStep

DEFAULT_PACK = Path("models/canteen")

PhotosArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PHOTO...]", help="Photographs to run on; without any those of --trays, or grey noise."),
]
PackArgument = Annotated[Path, typer.Argument(metavar="PACK_DIR", help="The model pack (a folder).")]


def bench(
    photos: PhotosArgument = None,
    *,
    pack: Annotated[Path, typer.Option("--pack", help="The model pack (a folder).")] = DEFAULT_PACK,
    provider: ProviderOption = None,
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
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="FROM:TO", help="Of --trays only these, as in noon-2585:noon-2730; repeatable."),
    ] = None,
    config: ConfigOption = None,
    menu: MenuOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the agent beside the bare ONNX Runtime session and Ultralytics, alternating, in one run."""
    from edge_agent.app.speed import BenchPlan, bench_pack

    if checkpoint is not None and not checkpoint.is_file():
        raise BadInput(f"{checkpoint}: there is no such checkpoint")
    plan = BenchPlan(
        pack=pack,
        photographs=photos or (),
        provider=provider,
        threads=threads or None,
        rounds=rounds,
        checkpoint=checkpoint,
        trays=trays,
        only=blocks_from(only),
        menu=settings_from(config, pack=pack, menu=menu, provider=provider).menu if trays is not None else None,
    )
    with _work(hidden=as_json) as on_work:
        measured = bench_pack(plan, on_work=on_work)
    if as_json:
        print_json(measured.as_json())
        return
    for line in measured.as_lines():
        screen.print(escape(line), highlight=False, soft_wrap=True)


def tune(
    pack: PackArgument,
    photos: PhotosArgument = None,
    *,
    rounds: Annotated[int, typer.Option("--rounds", min=3, help="Measured rounds; all ways run in each.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Find the fastest way to run a pack here, of those that keep its score, and store it beside the pack."""
    from edge_agent.app.speed import tune as tune_pack

    with _work(hidden=as_json) as on_work:
        tuned, left_out = tune_pack(pack, photos or [], rounds=rounds, on_work=on_work)
    if as_json:
        print_json({**tuned.model_dump(mode="json", by_alias=True), "left_out": list(left_out)})
        return
    for name, ms in sorted(tuned.median_ms.items(), key=lambda entry: entry[1]):
        screen.print(f"{ms:7.2f} ms  {name}", highlight=False)
    for said in left_out:
        screen.print(f"left out: {escape(said)}", highlight=False, soft_wrap=True)
    said = f"{pack}: {tuned.precision} on {tuned.provider}, {tuned.threads} threads, from the next start on"
    screen.print(escape(said), highlight=False, soft_wrap=True)


def quantize(
    pack: PackArgument,
    *,
    trays: Annotated[Path, typer.Option("--trays", help="Photographed trays: some calibrate, the others judge.")],
    held_out: Annotated[
        list[str] | None,
        typer.Option(
            "--held-out", metavar="FROM:TO", help="Trays to leave alone, as in noon-2585:noon-2730; repeatable."
        ),
    ] = None,
    calibrate_with: Annotated[
        int, typer.Option("--calibrate-with", min=1, max=2000, help="So many trays calibrate, a photograph of each.")
    ] = 96,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, max=100, help="By so many per 100 orders may each count be worse.")
    ] = 1.0,
    config: ConfigOption = None,
    menu: MenuOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a pack fast: pixels as bytes, fewer boxes to decode, and 8-bit files that count if they keep the score."""
    from edge_agent.app.speed import QuantisingPlan, quantise

    plan = QuantisingPlan(
        pack=pack,
        trays=trays,
        held_out=blocks_from(held_out),
        menu=settings_from(config, pack=pack, menu=menu, provider=None).menu,
        calibrate_with=calibrate_with,
        tolerance=tolerance,
    )
    try:
        with _work(hidden=as_json) as on_work:
            manifest = quantise(plan, on_work=on_work)
    except ModuleNotFoundError as error:
        said = f"quantizing needs the extra 'train' ({error.name} is missing): pip install '.[train]'"
        raise BadInput(said) from error
    gates = {name: file.gate.model_dump(mode="json") for name, file in manifest.files.items() if file.gate is not None}
    if as_json:
        print_json({"pack": str(pack), "offered": list(manifest.offered), "gates": gates})
        return
    for name, gate in gates.items():
        screen.print(f"{name}: {'passed' if gate['passed'] else 'not passed'}", highlight=False)
        for count, before in gate["fp32"].items():
            screen.print(
                f"    {count.replace('_', ' ')}: {before} in fp32, {gate['scores'][count]} now", highlight=False
            )
    if len(manifest.offered) == 1:
        notes.print("[yellow]no 8-bit form keeps the score: the pack runs in fp32[/]", soft_wrap=True)


@contextmanager
def _work(*, hidden: bool) -> Iterator[OnWork]:
    """A progress bar for each piece of work that begins; the one before it ends."""
    with ExitStack() as stack:

        def begin(name: str) -> OnStep:
            stack.close()
            step: OnStep = stack.enter_context(progress(name, hidden=hidden))
            return step

        yield begin
