"""What the doctor says of one piece: how it does, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """How a piece does."""

    OK = "ok"
    ATTENTION = "attention"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one piece.

    Attributes:
        said: how it does, in English, with all that belongs to it.
        do: what to do about it; empty where it is ok.
        code: names what was found, for whoever has words of his own for it; empty where it has no name.
    """

    what: str
    state: State
    said: str
    do: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One piece to look at; looking may take seconds."""

    what: str
    look: Callable[[], Sequence[Finding]]


def ok(what: str, said: str, *, code: str = "") -> Finding:
    """All is well."""
    return Finding(what=what, state=State.OK, said=said, code=code)


def attention(what: str, said: str, do: str, *, code: str = "") -> Finding:
    """It works, or may work; somebody should look."""
    return Finding(what=what, state=State.ATTENTION, said=said, do=do, code=code)


def wrong(what: str, said: str, do: str, *, code: str = "") -> Finding:
    """It does not work."""
    return Finding(what=what, state=State.WRONG, said=said, do=do, code=code)
