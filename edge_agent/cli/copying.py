"""merge, average, distil: make a model pack out of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli import common
from edge_agent.cli.common import blocks_apart, configured_pack, extra_train, pieces_of_work, say, typed
from edge_agent.errors import BadInput
from edge_agent.formats.tray_block import TrayBlock

WeightsOption = Annotated[
    Path, typer.Option("--weights", help="The checkpoint (.pt) that the pack was made of, such as RUN/weights.pt.")
]
NewPackOption = Annotated[
    Path, typer.Option("--pack", help="The model pack to write (a folder; its name names the model).")
]


def merge(
    source: Annotated[Path, typer.Argument(metavar="PACK_DIR", help="A model pack of fine classes.")],
    *,
    groups: Annotated[Path, typer.Option("--groups", help="Which fine classes each coarse one is made of (YAML).")],
    pack: Annotated[Path, typer.Option("--pack", help="The model pack to write.")],
    version: common.VersionOption = "1",
    config: common.ConfigOption = None,
) -> None:
    """Write a pack that reports groups of another pack's classes (extra `train`); calibrate it next."""
    from edge_agent.app.making import merge_classes
    from edge_agent.training.provenance import DISTILLED

    _refuse_nameless(pack, version)
    with extra_train("merging"):
        manifest = merge_classes(source, groups, pack, version=version, configured=configured_pack(config))
    calibrate = typed("edge-agent calibrate", pack, "--trays", "DIR", "--calibrate-on", "FROM:TO")
    copied = typed("edge-agent calibrate", pack, "--as", "DIR")
    of_a_copy = f", or take over those of the pack in DIR that it copies with '{copied}'"
    say(
        f"{pack}: {', '.join(manifest.classes)}; find its thresholds with '{calibrate}'"
        f"{of_a_copy if DISTILLED in manifest.provenance else ''}"
    )


def average(
    source: Annotated[
        Path, typer.Argument(metavar="PACK_DIR", help="The model pack of a training that began with given weights.")
    ],
    *,
    weights: WeightsOption,
    began_with: Annotated[
        Path, typer.Option("--began-with", help="The checkpoint that its training began with.", show_default=False)
    ],
    pack: NewPackOption,
    run: Annotated[Path, typer.Option("--run", help="Where the averaged checkpoint and the run card go.")],
    share: Annotated[
        float,
        typer.Option("--share", help="So much of the average is of --weights, the rest of --began-with."),
    ] = 0.5,
    chosen_on: Annotated[
        list[str] | None,
        typer.Option(
            "--chosen-on",
            metavar="FROM:TO",
            help="Trays by which this share was chosen among others, so that nobody calls them untouched; repeatable.",
            show_default=False,
        ),
    ] = None,
    version: common.VersionOption = "1",
    config: common.ConfigOption = None,
) -> None:
    """Average a pack's weights with those that its training began with (extra `train`); calibrate it next.

    Who learns further from few trays gets surer of what lies on these, also where that is wrong elsewhere; weights
    between before and after may keep what both know.
    """
    from edge_agent.app.averaging import average_pack
    from edge_agent.app.plans import AveragingPlan

    _refuse_nameless(pack, version)
    if not 0 < share < 1:
        raise BadInput("--share must lie between 0 and 1: at either end nothing is averaged")
    plan = AveragingPlan(
        source=source,
        weights=weights,
        began_with=began_with,
        share=share,
        chosen_on=tuple(TrayBlock.parse(text) for text in chosen_on or ()),
        run=run,
        pack=pack,
        version=version,
    )
    with extra_train("averaging"):
        average_pack(plan, configured=configured_pack(config))
    say(f"{pack}: {share:g} of the weights of {source}, the rest what its training began with ({run / 'weights.pt'})")
    calibrate = typed("edge-agent calibrate", pack, "--trays", "DIR", "--calibrate-on", "FROM:TO")
    say(f"It has no thresholds yet. Next: '{calibrate}'")


def distil(
    source: Annotated[
        Path, typer.Argument(metavar="PACK_DIR", help="The model pack of which a faster copy is to be made.")
    ],
    *,
    weights: WeightsOption,
    trays: Annotated[
        Path, typer.Option("--trays", help="Photographed trays; what lies on them is not asked.", show_default=False)
    ],
    pack: NewPackOption,
    run: Annotated[Path, typer.Option("--run", help="Where checkpoints and the run card go; the same folder resumes.")],
    boxes: Annotated[
        Path | None,
        typer.Option(
            "--boxes", help="Boxed photographs; those under train are shown too, without boxes.", show_default=False
        ),
    ] = None,
    held_out: common.HeldOutOption = None,
    calibrate_on: common.CalibrateOnOption = None,
    steps: Annotated[
        int, typer.Option("--steps", min=1, help="So many times sixteen pictures are shown; about two seconds each.")
    ] = 2000,
    begin_with: Annotated[
        Path | None,
        typer.Option(
            "--begin-with",
            metavar="RUN_DIR",
            help="A finished run of the same weights and photographs: its copy learns further, more slowly. Another "
            "--seed shows it other views.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 20,
    version: common.VersionOption = "1",
    config: common.ConfigOption = None,
) -> None:
    """Make a copy of a pack that computes faster, and learns to give what the pack gives (extra `train`).

    ReLU takes the place of SiLU in it, which 8-bit forms compute together with the convolution before. No label is
    asked; the trays of --held-out and --calibrate-on are not shown. Typed again after a cut, the same command goes on.
    """
    from edge_agent.app.distilling import distil_pack
    from edge_agent.app.plans import DistillingPlan

    _refuse_nameless(pack, version)
    kept, unseen = blocks_apart(calibrate_on, held_out, trays)
    plan = DistillingPlan(
        source=source,
        weights=weights,
        trays=trays,
        boxes=boxes,
        held_out=unseen,
        calibrate_on=kept,
        steps=steps,
        seed=seed,
        run=run,
        pack=pack,
        version=version,
        begin_with=begin_with,
    )
    with extra_train("distilling"), pieces_of_work(hidden=False) as on_work:
        _, far = distil_pack(plan, configured=configured_pack(config), on_work=on_work)
    losses = ", ".join(f"{name} {value:g}" for name, value in far.items() if name != "step")
    say(f"{pack}: a faster copy of {source}, after {steps} steps (how far it is from it: {losses})")
    quantize = typed("edge-agent quantize", source, "--copy", pack, "--trays", "DIR")
    calibrate = typed("edge-agent calibrate", pack, "--as", source)
    say(f"Next: '{quantize}' makes the 8-bit forms of {source} of its network; or it becomes a pack of its own:")
    say(f"'{calibrate}' takes over the thresholds of {source}. Where that is merged, 'edge-agent merge' comes first.")


def _refuse_nameless(pack: Path, version: str) -> None:
    if not pack.name or not version:
        raise BadInput("--pack needs a folder with a name, and --version a text")
