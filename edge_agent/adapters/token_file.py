"""Tokens in a small JSON file: only their hashes, written as a whole or not at all, readable by its owner alone."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from edge_agent.domain.access import Role, Token
from edge_agent.domain.said import reason_of, say
from edge_agent.errors import BadConfig, BadInput, Conflict, EdgeAgentError, Unknown
from edge_agent.formats.orders import first_complaint
from edge_agent.formats.whole_file import whole_file
from edge_agent.formats.yaml_file import FileModel
from edge_agent.ports import Clock

logger = logging.getLogger(__name__)

PREFIX = "ea"
"""So that a token is recognised as one where it turns up: in a log, in a repository."""

MAX_TOKENS = 500
MAX_FILE_BYTES = 1_000_000
_ID_BYTES = 4
_SECRET_BYTES = 32
_NO_HASH = "0" * 64


class _Entry(FileModel):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    name: str
    role: Role
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None

    def token(self) -> Token:
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "id"}
        return Token(token_id=self.id, **fields)


class _File(FileModel):
    version: Literal[1] = 1
    tokens: Annotated[tuple[_Entry, ...], Field(max_length=MAX_TOKENS)] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of the file, and the file as it was then: its inode, size and time of change."""

    stamp: tuple[int, int, int] | None
    by_id: dict[str, Token]


class TokenFile:
    """A `TokenKeeper` over a file, and what creates, lists and revokes.

    A running agent sees within one request what a command line changed beside it.

    Args:
        path: the file; it need not exist, then there is no token.
        clock: for the times of creation, use and expiry.
    """

    def __init__(self, *, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._known = _Known(None, {})
        self._complained = False

    def create(self, *, name: str, role: Role, lasts: timedelta | None = None) -> tuple[str, Token]:
        """Make a token; gives the secret, which is kept nowhere, and what is kept.

        Raises:
            BadInput: the name does not fit, or the file does not read or cannot be written.
            Conflict: another token that serves has that name, or there are too many.
        """
        now = self._clock.now_utc()
        token_id = secrets.token_hex(_ID_BYTES)
        secret = f"{PREFIX}_{token_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        token = Token(
            token_id=token_id,
            name=name,
            role=role,
            sha256=_hash_of(secret),
            created_at=now.replace(microsecond=0),
            expires_at=None if lasts is None else (now + lasts).replace(microsecond=0),
        )

        def added(tokens: Sequence[Token]) -> list[Token]:
            if any(other.name == name and other.serves_at(now) for other in tokens):
                raise Conflict(f"there is a token named '{name}' already: revoke it first, or take another name")
            if len(tokens) >= MAX_TOKENS:
                raise Conflict(f"there are {MAX_TOKENS} tokens; revoke those that are not used")
            return [*tokens, token]

        self._change(added)
        return secret, token

    def tokens(self) -> tuple[Token, ...]:
        """All tokens, oldest first, the expired too.

        Raises:
            BadConfig: the file does not read.
        """
        return tuple(self._read().values())

    def serving(self) -> int:
        """How many serve now. Raises BadConfig where the file does not read."""
        now = self._clock.now_utc()
        return sum(token.serves_at(now) for token in self.tokens())

    def revoke(self, token_id: str) -> Token:
        """Take a token out of service, for good.

        Raises:
            Unknown: there is none of that id.
            BadInput: the file does not read or cannot be written.
        """
        gone: list[Token] = []

        def without(tokens: Sequence[Token]) -> list[Token]:
            gone.extend(token for token in tokens if token.token_id == token_id)
            if not gone:
                raise Unknown(f"there is no token '{token_id}'; 'edge-agent tokens list' shows their ids")
            return [token for token in tokens if token.token_id != token_id]

        self._change(without)
        return gone[0]

    def find(self, secret: str) -> Token | None:
        """The token that this is; see `TokenKeeper.find`. A file that does not read any more lets nobody in."""
        given = _hash_of(secret)
        parts = secret.split("_", 2)
        token = self._current().get(parts[1]) if len(parts) == 3 else None  # noqa: PLR2004  prefix, id, secret
        same = hmac.compare_digest(given, _NO_HASH if token is None else token.sha256)
        if token is None or not same or not token.serves_at(self._clock.now_utc()):
            return None
        return token

    def note_use(self, token: Token) -> None:
        """Keep that a token was used, to the hour; see `TokenKeeper.note_use`."""
        hour = self._clock.now_utc().replace(minute=0, second=0, microsecond=0)

        def used(tokens: Sequence[Token]) -> list[Token]:
            return [replace(t, last_used_at=hour) if t.token_id == token.token_id else t for t in tokens]

        with self._lock:  # remembered first: a disk that refuses is not asked again with every request
            known = self._known
            self._known = replace(known, by_id={t.token_id: t for t in used(tuple(known.by_id.values()))})
        try:
            self._change(used)
        except EdgeAgentError as error:
            logger.warning("when a token was used last could not be kept: %s", error)

    def _current(self) -> dict[str, Token]:
        try:
            stamp = _stamp_of(self.path)
            with self._lock:
                if stamp != self._known.stamp:
                    self._known = _Known(stamp, self._read())
                self._complained = False
                return self._known.by_id
        except (EdgeAgentError, OSError) as error:
            if not self._complained:
                logger.error("nobody is let in: %s", error)  # noqa: TRY400  a sentence says it all
            self._complained = True
            return {}

    def _read(self) -> dict[str, Token]:
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise BadConfig(
                say("tokens_unreadable", "the tokens cannot be read: {why}", why=reason_of(error)), path=self.path
            ) from error
        if len(raw) > MAX_FILE_BYTES:
            raise BadConfig(say("tokens_too_large", "the file is too large to be one of tokens"), path=self.path)
        try:
            entries = _File.model_validate_json(raw).tokens
            return {entry.id: entry.token() for entry in entries}
        except ValidationError as error:
            raise BadConfig(
                say("tokens_no_file", "this is no file of tokens: {why}", why=first_complaint(error)), path=self.path
            ) from error
        except BadInput as error:
            raise BadConfig(error.message, path=self.path) from error

    def _change(self, change: Callable[[Sequence[Token]], list[Token]]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self.path.with_name(self.path.name + ".lock")):
                self._write(change(tuple(self._read().values())))
        except OSError as error:
            raise BadInput(
                say("tokens_unwritable", "the tokens cannot be written: {why}", why=reason_of(error)), path=self.path
            ) from error

    def _write(self, tokens: Sequence[Token]) -> None:
        file = _File(tokens=tuple(_entry_of(token) for token in tokens))
        with whole_file(self.path, mode=0o600) as out:
            out.write(f"{file.model_dump_json(indent=2)}\n".encode())
            _keep_owner(self.path, out.fileno())


def _entry_of(token: Token) -> _Entry:
    def utc(moment: datetime | None) -> datetime | None:
        return None if moment is None else moment.astimezone(timezone.utc)

    return _Entry(
        id=token.token_id,
        name=token.name,
        role=token.role,
        sha256=token.sha256,
        created_at=token.created_at.astimezone(timezone.utc),
        last_used_at=utc(token.last_used_at),
        expires_at=utc(token.expires_at),
    )


def _hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _keep_owner(old: Path, new: int) -> None:
    """Root writes beside the service: the file stays the service's."""
    folder = old.stat() if old.exists() else old.parent.stat()
    if os.geteuid() == 0 and (folder.st_uid, folder.st_gid) != (0, 0):
        os.fchown(new, folder.st_uid, folder.st_gid)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time, over processes; the lock ends with the process that holds it."""
    is_new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if is_new:
            _keep_owner(path.parent, handle)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
