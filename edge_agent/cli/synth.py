"""synth scenes, cutouts, compose, video: make pictures of fast-food trays to learn from, and films to try it on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.cli.common import progress, say
from edge_agent.errors import BadInput

if TYPE_CHECKING:
    from edge_agent.training.synth.making import Batch, Made

app = typer.Typer(no_args_is_help=True, help="Make pictures of fast-food trays, with their labels, from a seed.")

IntoOption = Annotated[Path, typer.Option("--into", help="The folder to fill; typed again, the command goes on there.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Everything follows from it.")]
CountOption = Annotated[int, typer.Option("--count", min=1, max=100_000, help="How many pictures.")]
FirstOption = Annotated[int, typer.Option("--first", min=0, help="The number of the first picture.")]
SizeOption = Annotated[str, typer.Option("--size", metavar="WIDTHxHEIGHT", help="Size of the pictures in pixels.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=0, help="Threads of the renderer; 0 is all cores.")]
MenuOption = Annotated[Path, typer.Option("--menu", help="The menu, in whose items the order checks are written.")]

NoHandsOption = Annotated[
    bool, typer.Option("--no-hands", help="Nobody reaches over the trays: they lie as they are judged.")
]

DEFAULT_MENU = Path("configs") / "menus" / "fastfood.yaml"
SMALLEST_PX, LARGEST_PX = 64, 4096


@app.command()
def scenes(
    *,
    into: IntoOption,
    seed: SeedOption = 1,
    count: CountOption = 100,
    first: FirstOption = 0,
    size: SizeOption = "640x480",
    samples: Annotated[int, typer.Option("--samples", min=1, max=4096, help="Light paths per pixel.")] = 24,
    threads: ThreadsOption = 0,
    no_hands: NoHandsOption = False,
    menu: MenuOption = DEFAULT_MENU,
) -> None:
    """Render scenes with a path tracer (extra `synth`, Python 3.11): boxes, counts and order checks with them."""
    from edge_agent.formats.menu import load_menu
    from edge_agent.training.synth.making import make_scenes

    batch = _batch(seed, count, first, size, hands=not no_hands)
    loaded = load_menu(menu).menu
    with progress("rendering", hidden=False) as told:
        made = make_scenes(into, batch, loaded, samples=samples, threads=threads, told=told)
    _say(into, made)


@app.command()
def cutouts(
    *,
    into: IntoOption,
    seed: SeedOption = 1,
    looks: Annotated[int, typer.Option("--looks", min=1, max=50, help="How many looks of each thing.")] = 4,
    turns: Annotated[
        int, typer.Option("--turns", min=1, max=16, help="From how many sides tall things are shown.")
    ] = 3,
    samples: Annotated[int, typer.Option("--samples", min=1, max=4096, help="Light paths per pixel.")] = 32,
    threads: ThreadsOption = 0,
) -> None:
    """Render a library of cut-outs, everything from above with its shadow (extra `synth`, Python 3.11)."""
    from edge_agent.training.synth.making import need_blender

    need_blender()
    from edge_agent.training.synth.stage.cutting import make_cutouts

    with progress("cutting out", hidden=False) as told:
        made = make_cutouts(into, seed=seed, looks=looks, turns=turns, samples=samples, threads=threads, told=told)
    say(f"{into}: {made} cut-outs")


@app.command()
def compose(
    *,
    library: Annotated[Path, typer.Option("--library", help="The cut-outs, as 'synth cutouts' made them.")],
    into: IntoOption,
    seed: SeedOption = 1,
    count: CountOption = 1000,
    first: FirstOption = 0,
    size: SizeOption = "640x480",
    no_hands: NoHandsOption = False,
    menu: MenuOption = DEFAULT_MENU,
) -> None:
    """Lay further pictures together from cut-outs, in two dimensions: needs no Blender, and little time."""
    from edge_agent.formats.menu import load_menu
    from edge_agent.training.synth.making import make_flat

    batch = _batch(seed, count, first, size, hands=not no_hands)
    loaded = load_menu(menu).menu
    with progress("composing", hidden=False) as told:
        made = make_flat(into, batch, loaded, library=library, told=told)
    _say(into, made)


@app.command()
def video(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Which stories: lunch-rush, assembly, trouble.")
    ],
    *,
    library: Annotated[Path, typer.Option("--library", help="The cut-outs, as 'synth cutouts' made them.")],
    into: Annotated[Path, typer.Option("--into", help="The folder for the recordings; what is there is replaced.")],
    seed: SeedOption = 1,
    width: Annotated[
        int, typer.Option("--width", min=160, max=1920, help="Width of the film; its height is 3/4.")
    ] = 640,
    menu: MenuOption = DEFAULT_MENU,
) -> None:
    """Film a story of trays and orders, laid together from cut-outs: NAME.mp4, with its orders, its truth, its plan."""
    from edge_agent.formats.menu import load_menu
    from edge_agent.training.synth.video.making import make_video

    loaded = load_menu(menu).menu
    for name in names:
        with progress(name, hidden=False) as told:
            made = make_video(
                name, seed=seed, library=library, into=into, menu=loaded, width_px=width // 8 * 8, told=told
            )
        say(f"{made.film}: {made.frames} pictures, {made.trays} trays, {made.size_bytes / 1e6:.1f} MB")


def _batch(seed: int, count: int, first: int, size: str, *, hands: bool) -> Batch:
    from edge_agent.training.synth.making import Batch

    read = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", size)
    width, height = (int(n) for n in read.groups()) if read else (0, 0)
    if not (SMALLEST_PX <= width <= LARGEST_PX and SMALLEST_PX <= height <= LARGEST_PX):
        raise BadInput(
            f"--size needs a width and a height of {SMALLEST_PX} to {LARGEST_PX} pixels, as in 640x480, not '{size}'"
        )
    return Batch(seed=seed, count=count, first=first, width_px=width, height_px=height, hands=hands)


def _say(into: Path, made: Made) -> None:
    say(f"{into}: {made.new} new pictures, {made.trays} trays in all")
