"""tokens create, list, revoke: who may talk to the agent over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from edge_agent.cli import common
from edge_agent.cli.common import notes, print_json, say, screen, settings_from, table_of
from edge_agent.domain.access import Role, Token
from edge_agent.errors import BadInput, Conflict, Unknown

if TYPE_CHECKING:
    from edge_agent.adapters.token_file import TokenFile

app = typer.Typer(no_args_is_help=True, help="Say who may talk to the agent over HTTP: the till, a screen, a manager.")

FileOption = Annotated[
    Path | None,
    typer.Option("--file", help="The file of tokens, instead of the configured one.", show_default=False),
]


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", help="Whose it is, such as 'till 1'.")],
    role: Annotated[Role, typer.Option("--role", help="What it may do.")],
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3_650, help="It serves so long (for ever if left out).")
    ] = None,
    file: FileOption = None,
    config: common.ConfigOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Make a token and show it, this once: only its hash is kept."""
    tokens = _tokens(file, config)
    try:
        secret, token = tokens.create(name=name, role=role, lasts=timedelta(days=days) if days else None)
    except Conflict as error:
        raise BadInput(str(error)) from error
    if as_json:
        print_json({"token": secret, **_as_json(token)})
        return
    typer.echo(secret)  # nothing but the token on standard output: no colour, no line break within it
    notes.print(
        f"The token of '{escape(token.name)}', role {token.role.value}, id {token.token_id}. "
        "It is shown this once and kept nowhere: store it where its owner does.",
        soft_wrap=True,
        highlight=False,
    )


@app.command("list")
def list_tokens(
    *, file: FileOption = None, config: common.ConfigOption = None, as_json: common.JsonOption = False
) -> None:
    """List the tokens: whose, what they may do, when they were used last (to the hour)."""
    tokens = _tokens(file, config)
    known = tokens.tokens()
    if as_json:
        print_json({"file": str(tokens.path), "tokens": [_as_json(token) for token in known]})
        return
    table = table_of("id", "name", "role", "created", "last used", "expires")
    for token in known:
        times = (token.created_at, token.last_used_at, token.expires_at)
        table.add_row(token.token_id, escape(token.name), token.role.value, *(_shown(each) for each in times))
    screen.print(table)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id, as `tokens list` shows it.")],
    *,
    file: FileOption = None,
    config: common.ConfigOption = None,
) -> None:
    """Take a token out of service, for good; a running agent knows at the next request."""
    try:
        token = _tokens(file, config).revoke(token_id)
    except Unknown as error:
        raise BadInput(str(error)) from error
    say(f"Revoked: '{token.name}', role {token.role.value}.")


def _tokens(file: Path | None, config: Path | None) -> TokenFile:
    from edge_agent.app.tokens import open_tokens

    if file is None:
        file = settings_from(config).api.tokens
    return open_tokens(file)


def _shown(moment: datetime | None) -> str:
    return "never" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")


def _as_json(token: Token) -> dict[str, str | None]:
    """All of it but its hash."""
    times = {name: getattr(token, name) for name in ("created_at", "last_used_at", "expires_at")}
    told = {name: None if moment is None else moment.isoformat() for name, moment in times.items()}
    return {"id": token.token_id, "name": token.name, "role": token.role.value, **told}
