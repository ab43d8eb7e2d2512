"""Who may do what: roles, and the tokens that carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from edge_agent.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])?")


class Role(str, Enum):
    """As what somebody calls. A role is no rank: the till may send orders, which the crew may not."""

    POS = "pos"
    CREW = "crew"
    MANAGER = "manager"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever made a request: the name that its token was given, and the role it carries."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is kept of a token. The secret itself is shown once, when it is made, and kept nowhere.

    Attributes:
        token_id: names the token in lists and logs; it is part of what the holder sends, and no secret.
        sha256: of everything that the holder sends, in hexadecimal.
        last_used_at: to the hour; None where it was never used.
        expires_at: it serves no longer from this moment on; None for never.

    Raises:
        BadInput: the name is none that fits into a list or a log.
    """

    token_id: str
    name: str
    role: Role
    sha256: str
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadInput(
                "a token's name has 1 to 40 letters, digits, spaces, dots, hyphens or underscores, such as 'till 1'"
            )

    @property
    def principal(self) -> Principal:
        return Principal(name=self.name, role=self.role)

    def serves_at(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now < self.expires_at
