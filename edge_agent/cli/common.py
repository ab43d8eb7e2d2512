"""What the commands share: options, the two consoles, tables, progress, the settings with what is overridden."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from edge_agent.errors import BadConfig, BadInput
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports.steps import nobody_looks
from edge_agent.settings import DetectorSettings, Settings, load_settings

if TYPE_CHECKING:
    from edge_agent.ports.steps import OnStep, OnWork

PIPE_COLUMNS = 10_000
"""A pipe has no edge: what is read by a program, or kept in a file, is never cut or folded."""

LINE_EVERY_S = 30
"""Where no bar can be drawn, long work says so often how far it is."""

screen = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
notes = Console(stderr=True)

DEFAULT_CONFIG = Path("configs") / "edge.yaml"
INSTALLED_CONFIG = Path("/etc/edge-agent/edge.yaml")
CONFIG_PLACES = f"on an installed box {INSTALLED_CONFIG}, else {DEFAULT_CONFIG}"
NO_CONFIG = f"there is no configuration ({CONFIG_PLACES}): name one with --config"
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help=f"The configuration ({CONFIG_PLACES}, if left out).", show_default=False),
]
PackOption = Annotated[
    Path | None,
    typer.Option("--pack", help="The model pack (a folder), instead of the configured one.", show_default=False),
]
PackArgument = Annotated[Path, typer.Argument(metavar="PACK_DIR", help="The model pack (a folder).")]
MenuOption = Annotated[
    Path | None,
    typer.Option("--menu", help="The menu (YAML), instead of the configured one.", show_default=False),
]
ProviderOption = Annotated[
    Literal["auto", "tensorrt", "cuda", "openvino", "cpu"] | None,
    typer.Option("--provider", help="What the model runs on, instead of what is configured.", show_default=False),
]
PrecisionOption = Annotated[
    Literal["fp32", "bf16", "fp16", "int8", "int8_convs"] | None,
    typer.Option(
        "--precision", help="Which form of the pack runs, instead of the configured or the fastest.", show_default=False
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and nothing else, on standard output.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", help="Folder for a page (index.html) with pictures.", show_default=False),
]
TraysOption = Annotated[
    Path | None,
    typer.Option("--trays", help="Score on this folder with trays.jsonl and orders.jsonl.", show_default=False),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="FROM:TO", help="Only these trays, as in noon-2585:noon-2730; repeatable."),
]
HeldOutOption = Annotated[
    list[str] | None,
    typer.Option("--held-out", metavar="FROM:TO", help="Trays that take no part at all; repeatable."),
]
CalibrateOnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--calibrate-on",
        metavar="FROM:TO",
        help="Trays of --trays on which thresholds are found, as in noon-2433:noon-2530; repeatable.",
    ),
]
BudgetOption = Annotated[
    float, typer.Option("--false-alarms", min=0, max=100, help="Budget for the thresholds: per 100 right orders.")
]
VersionOption = Annotated[str, typer.Option("--version", help="Version written into the pack.")]


def settings_from(
    config: Path | None,
    *,
    pack: Path | None = None,
    menu: Path | None = None,
    provider: str | None = None,
    precision: str | None = None,
) -> Settings:
    """The configuration with what the command line overrides."""
    path = config or _default_config()
    if path is None and (pack is None or menu is None):
        raise BadConfig(f"{NO_CONFIG}, or give both --pack and --menu")
    settings = load_settings(path) if path else Settings()
    named = (("pack", pack), ("provider", provider), ("precision", precision))
    detector = settings.detector.model_copy(update={key: value for key, value in named if value is not None})
    return settings.model_copy(update={"detector": detector, "menu": menu or settings.menu})


def menu_from(config: Path | None, menu: Path | None) -> Path | None:
    """The menu that was named, else the configured one; None where there is neither."""
    path = config or _default_config()
    return menu if path is None else menu or load_settings(path).menu


def configured_detector(config: Path | None) -> DetectorSettings | None:
    """What the configuration says of the detector; None where there is no configuration."""
    path = config or _default_config()
    return None if path is None else load_settings(path).detector


def configured_pack(config: Path | None) -> Path | None:
    """The model pack that the configuration names, which is in service."""
    detector = configured_detector(config)
    return None if detector is None else detector.pack


def plan_beside(video: Path) -> Path | None:
    """A recording may bring its own configuration, `NAME.plan.yaml`."""
    plan = video.with_suffix(".plan.yaml")
    return plan if plan.is_file() else None


def config_path(config: Path | None) -> Path:
    """The configuration file that was named, or the one that is there by default.

    Raises:
        BadConfig: there is none.
    """
    path = config or _default_config()
    if path is None:
        raise BadConfig(NO_CONFIG)
    return path


def _default_config() -> Path | None:
    """Of a checkout: here, or beside the package. Of an installed agent: the box's, wherever the operator stands."""
    checkout = Path(__file__).resolve().parents[2] / DEFAULT_CONFIG
    looked_for = (DEFAULT_CONFIG, checkout) if checkout.is_file() else (INSTALLED_CONFIG, DEFAULT_CONFIG)
    try:
        return next((path for path in looked_for if path.is_file()), None)
    except PermissionError as refusal:
        raise BadConfig("you may not look at it: type 'sudo' before the command", path=INSTALLED_CONFIG) from refusal


def blocks_from(texts: list[str] | None, *, of: Path | None, option: str) -> tuple[TrayBlock, ...]:
    """The blocks that an option named, of the folder that `--trays` named."""
    if texts and of is None:
        raise BadInput(f"{option} chooses among the trays of a folder; name that with --trays")
    return tuple(TrayBlock.parse(text) for text in texts or ())


def blocks_apart(
    calibrate_on: list[str] | None, held_out: list[str] | None, trays: Path | None
) -> tuple[tuple[TrayBlock, ...], tuple[TrayBlock, ...]]:
    """The trays that set thresholds, and those that take no part; none may be both."""
    kept = blocks_from(calibrate_on, of=trays, option="--calibrate-on")
    unseen = blocks_from(held_out, of=trays, option="--held-out")
    if shared := next((block for block in kept if any(block.overlaps(other) for other in unseen)), None):
        raise BadInput(f"the block {shared} is to set thresholds and to take no part at all; it can do only one")
    return kept, unseen


def typed(command: str, *words: object) -> str:
    """A command as it can be typed, also where a folder has a blank in its name."""
    return f"{command} {shlex.join(map(str, words))}"


def say(text: str) -> None:
    """A line on standard output, as it is: nothing in it is markup, and a terminal does not break its words."""
    screen.print(escape(text), soft_wrap=True, highlight=False)


def warn(text: str) -> None:
    """A line on standard error that people should read."""
    notes.print(f"[yellow]{escape(text)}[/]", soft_wrap=True, highlight=False)


def table_of(*headers: str, right: tuple[str, ...] = ()) -> Table:
    """A plain table; what does not fit into a terminal's column goes on in the next line. `right` are numbers."""
    columns = (Column(each, overflow="fold", justify="right" if each in right else "left") for each in headers)
    return Table(*columns, box=None)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


class _LogLines:
    """Tells of long work in the log of something that runs in the background: a line now and then."""

    def __init__(self) -> None:
        self._told_s = time.monotonic()

    def of(self, unit: str) -> OnStep:
        """What is to be called with each step of a piece of the work."""

        def step(done: int, total: int) -> None:
            if time.monotonic() - self._told_s >= LINE_EVERY_S:
                self._told_s = time.monotonic()
                notes.print(escape(f"{unit}: {done} of {total}"), soft_wrap=True, highlight=False)

        return step


@contextmanager
def progress(unit: str, *, hidden: bool, lines: _LogLines | None = None) -> Iterator[Any]:
    """A bar on standard error, or lines where none can be drawn; yields what is to be called with (done, total)."""
    if hidden or not notes.is_terminal or notes.is_dumb_terminal:
        yield nobody_looks if hidden else (lines or _LogLines()).of(unit)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def pieces_of_work(*, hidden: bool) -> Iterator[OnWork]:
    """Progress for each piece of work that begins; a bar goes when the work is done, or the next begins."""
    lines = _LogLines()
    with ExitStack() as stack:

        def begin(name: str) -> OnStep:
            stack.close()
            show: OnStep = stack.enter_context(progress(name, hidden=hidden, lines=lines))

            def step(done: int, total: int) -> None:
                show(done, total)
                if done >= total:
                    stack.close()  # what prints for itself may come next

            return step

        yield begin


@contextmanager
def extra_train(doing: str) -> Iterator[None]:
    """Around what needs the extra `train`.

    Raises:
        BadInput: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise BadInput(f"{doing} needs the extra 'train' ({error.name} is missing): pip install '.[train]'") from error
