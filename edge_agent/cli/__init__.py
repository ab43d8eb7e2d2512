"""The command line: parse arguments, call `app`, print."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer
from rich.markup import escape

from edge_agent import __version__
from edge_agent.cli import copying, demo, house, learning, living, models, seeing, speed, synth, tokens, training
from edge_agent.cli.common import notes, say
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
        say(__version__)
        raise typer.Exit


for command in (
    living.run,
    demo.demo,
    seeing.check,
    seeing.replay,
    seeing.evaluate,
    speed.bench,
    speed.tune,
    speed.quantize,
    training.calibrate,
    training.train,
    copying.average,
    copying.distil,
    copying.merge,
    learning.learn,
    house.doctor,
    house.backup,
    house.restore,
):
    app.command()(command)
app.add_typer(house.config_app, name="config")
app.add_typer(models.app, name="models")
app.add_typer(synth.app, name="synth")
app.add_typer(tokens.app, name="tokens")


def main() -> None:
    """Run the command line; errors become one sentence and an exit status."""
    try:
        status = app(standalone_mode=False, prog_name="edge-agent")
    except typer.TyperException as mistake:
        status = mistake.exit_code
        _complain(_in_a_sentence(mistake))
    except typer.Abort:
        status = 1
    except EdgeAgentError as error:
        status = 2 if isinstance(error, BadInput) else 1
        _complain(str(error))
    sys.exit(status if isinstance(status, int) else 0)


def _complain(sentence: str) -> None:
    if sentence:
        notes.print(f"[red]edge-agent:[/] {escape(sentence)}", soft_wrap=True, highlight=False)


def _in_a_sentence(mistake: typer.TyperException) -> str:
    """What was typed wrongly, and where to read on; empty where the help was shown already."""
    said = " ".join(mistake.format_message().split()).rstrip(".").replace(": Value error, ", ": ")
    context: typer.Context | None = getattr(mistake, "ctx", None)
    if not said or context is None:
        return said
    return f"{said[0].lower()}{said[1:]}; '{context.command_path} --help' says how it is written"
