"""A sentence that can be said in another language: English text that keeps its name and what was filled into it.

Errors and findings are made far from whoever reads them. Where one is made by `say`, a log and a terminal see plain
English, and a page that has the sentence of this name in another language fills the same values into that.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import reduce
from types import MappingProxyType

from edge_agent.errors import BadInput

_PLAIN = (str, int, float, datetime)


class Said(str):
    """A sentence in English. Whatever takes a text takes it; whatever makes a new text of it loses the name.

    Attributes:
        name: which sentence it is.
        values: what was filled in, by place; a value may be such a sentence itself.
    """

    __slots__ = ("name", "values")

    name: str
    values: Mapping[str, object]

    def __reduce__(self) -> tuple[Callable[..., Said], tuple[str, str, dict[str, object]]]:
        """How it is copied and pickled: a mapping that nobody can change is neither."""
        return named, (self.name, str(self), dict(self.values))


def say(name: str, english: str, /, **values: object) -> Said:
    """A sentence of this name; `english` has a place in braces for each value, as `str.format` reads it."""
    return named(name, english.format_map(values), values)


def named(name: str, text: str, values: Mapping[str, object]) -> Said:
    """A sentence that somebody else has filled in already."""
    said = Said(text)
    said.name = name
    # An error that is kept would keep what hangs on it, a socket or a password.
    said.values = MappingProxyType(
        {place: value if isinstance(value, _PLAIN) else str(value) for place, value in values.items()}
    )
    return said


def listed(parts: Iterable[str]) -> str:
    """Several texts with commas between them; those that have a name keep it."""
    return reduce(lambda first, then: say("listed", "{first}, {then}", first=first, then=then), parts)


def reason_of(error: Exception) -> str:
    """Why the operating system refused, by the name of its error; for anything else its text.

    Only Python's own kinds of OSError are numbered by the system: TLS and name look-ups count for themselves, and what
    is EPERM there is no lack of permission. Whoever connects names those.
    """
    if isinstance(error, TimeoutError) and error.errno is None:
        return named("os_etimedout", os.strerror(errno.ETIMEDOUT), {})
    if not isinstance(error, OSError) or error.errno is None or error.strerror is None:
        return str(error)
    if type(error).__module__ != OSError.__module__:
        return error.strerror
    return named(f"os_{errno.errorcode.get(error.errno, 'other').lower()}", error.strerror, {})


def said_of(error: BaseException) -> str:
    """What an error says, as it was given: with its name, which the text of `str()` loses. Without file and line."""
    if isinstance(error, BadInput):
        return error.message
    return error.args[0] if error.args and isinstance(error.args[0], Said) else str(error)


def placed(refusal: BaseException) -> str:
    """The same with the file and line of a refusal that names them."""
    said = said_of(refusal)
    if not isinstance(refusal, BadInput) or not refusal.place:
        return said
    return say("at_place", "{place}: {said}", place=refusal.place, said=said)
