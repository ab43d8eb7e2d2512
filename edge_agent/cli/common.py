"""What the commands share: options, the two consoles, progress, the settings with what the command line overrides."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_agent.errors import BadConfig
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.settings import Settings, load_settings

screen = Console()
notes = Console(stderr=True)

DEFAULT_CONFIG = Path("configs") / "edge.yaml"
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


def settings_from(config: Path | None, *, pack: Path | None, menu: Path | None, provider: str | None) -> Settings:
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
    return DEFAULT_CONFIG, Path(__file__).resolve().parents[2] / DEFAULT_CONFIG


@contextmanager
def progress(unit: str, *, hidden: bool) -> Iterator[Any]:
    """A progress bar on standard error; yields what is to be called with (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=hidden or not notes.is_terminal) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def blocks_from(texts: list[str] | None) -> tuple[TrayBlock, ...]:
    """The blocks of trays that an option named."""
    return tuple(TrayBlock.parse(text) for text in texts or ())
