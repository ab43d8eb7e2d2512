"""The command line: parse arguments, call `app`, print."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer
from rich.markup import escape

from edge_agent import __version__
from edge_agent.cli import learning, models, seeing, speed, tokens, training
from edge_agent.cli.common import notes, screen
from edge_agent.errors import BadInput, EdgeAgentError

app = typer.Typer(
    name="edge-agent",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sees what lies on the tray, compares it with the order, tells the crew before the tray leaves.",
    epilog="Exit status: 0 done (also when orders do not match), 1 the agent failed, 2 something given to it is wrong.",
)


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


for command in (
    seeing.check,
    seeing.replay,
    seeing.evaluate,
    speed.bench,
    speed.tune,
    speed.quantize,
    training.calibrate,
    training.train,
    training.merge,
    learning.learn,
):
    app.command()(command)
app.add_typer(models.app, name="models")
app.add_typer(tokens.app, name="tokens")


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
