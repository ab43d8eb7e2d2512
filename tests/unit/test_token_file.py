"""Tokens on the disk: only hashes, whole or not at all, for their owner's eyes; and the commands that keep them."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_agent.adapters.token_file import TokenFile
from edge_agent.cli import app
from edge_agent.domain.access import Role
from edge_agent.errors import BadConfig, BadInput, Conflict, Unknown
from tests.fakes_store import FakeClock


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(path=tmp_path / "state" / "tokens.json", clock=FakeClock())


def test_the_secret_is_nowhere_in_the_folder(tokens: TokenFile) -> None:
    secret, token = tokens.create(name="till 1", role=Role.POS)
    kept = b"".join(path.read_bytes() for path in tokens.path.parent.iterdir())
    assert secret.encode() not in kept
    assert secret.split("_", 2)[2].encode() not in kept  # what follows the id may hold underscores itself
    assert token.sha256.encode() in kept
    assert len(secret) > 50


def test_only_its_owner_reads_the_file(tokens: TokenFile) -> None:
    tokens.create(name="a", role=Role.CREW)
    tokens.create(name="b", role=Role.CREW)
    assert {path.name: path.stat().st_mode & 0o777 for path in tokens.path.parent.iterdir()} == {
        "tokens.json": 0o600,
        "tokens.json.lock": 0o600,
    }


def test_what_is_found_is_what_was_made(tokens: TokenFile) -> None:
    secret, token = tokens.create(name="till", role=Role.POS, lasts=timedelta(days=2))
    assert tokens.find(secret) == token
    assert TokenFile(path=tokens.path, clock=FakeClock()).tokens() == (token,)
    for wrong in ("", "x", secret[:-1], secret + "x", f"ea_{token.token_id}_x", "ea_00000000_x", "\ud800"):
        assert tokens.find(wrong) is None


def test_the_id_alone_lets_nobody_in(tokens: TokenFile) -> None:
    """The id stands in lists and logs."""
    _, first = tokens.create(name="a", role=Role.POS)
    second, _ = tokens.create(name="b", role=Role.ADMIN)
    assert tokens.find(f"ea_{first.token_id}_{second.split('_', 2)[2]}") is None


def test_a_name_serves_once_and_has_bounds(tokens: TokenFile) -> None:
    tokens.create(name="till", role=Role.POS)
    with pytest.raises(Conflict, match="already"):
        tokens.create(name="till", role=Role.CREW)
    for name in ("", "a" * 41, "a\nb", "<b>", " a", "a "):
        with pytest.raises(BadInput):
            tokens.create(name=name, role=Role.POS)


def test_tokens_made_at_the_same_time_are_all_kept(tokens: TokenFile) -> None:
    makers = [
        threading.Thread(target=tokens.create, kwargs={"name": f"t{n}", "role": Role.POS}, name=f"maker {n}")
        for n in range(8)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert sorted(token.name for token in tokens.tokens()) == [f"t{n}" for n in range(8)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"tokens": [{"id": "x"}]}', '{"extra": 1}'])
def test_a_damaged_file_lets_nobody_in_and_is_told_of_once(
    tokens: TokenFile, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret, _ = tokens.create(name="till", role=Role.POS)
    tokens.path.write_text(text)
    assert [tokens.find(secret) for _ in range(3)] == [None] * 3
    assert caplog.text.count("nobody is let in") == 1
    with pytest.raises(BadConfig):
        tokens.tokens()
    with pytest.raises(BadConfig):
        tokens.create(name="b", role=Role.POS)
    assert tokens.path.read_text() == text


def test_what_is_revoked_is_gone(tokens: TokenFile) -> None:
    _, token = tokens.create(name="till", role=Role.POS)
    assert tokens.serving() == 1
    assert tokens.revoke(token.token_id) == token
    assert tokens.serving() == 0
    with pytest.raises(Unknown):
        tokens.revoke(token.token_id)


def test_a_token_is_shown_once_by_the_command_that_makes_it(tmp_path: Path) -> None:
    runner, file = CliRunner(), ["--file", str(tmp_path / "tokens.json")]
    made = runner.invoke(app, ["tokens", "create", "--name", "till 1", "--role", "pos", "--days", "30", *file])
    [secret] = made.stdout.splitlines()
    tokens = TokenFile(path=tmp_path / "tokens.json", clock=FakeClock())
    [token] = tokens.tokens()
    assert tokens.find(secret) == token
    listed = runner.invoke(app, ["tokens", "list", "--json", *file])
    assert [each["name"] for each in json.loads(listed.stdout)["tokens"]] == ["till 1"]
    assert secret not in listed.output
    assert token.sha256 not in listed.output
    shown = runner.invoke(app, ["tokens", "list", *file])
    assert token.token_id in shown.stdout
    assert runner.invoke(app, ["tokens", "revoke", token.token_id, *file]).exit_code == 0
    assert tokens.tokens() == ()
    gone = runner.invoke(app, ["tokens", "revoke", token.token_id, *file])
    assert isinstance(gone.exception, BadInput)
