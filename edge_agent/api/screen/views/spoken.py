"""Sentences with numbers and times in them, which the browser writes as its reader is used to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from edge_agent.api.screen.texts import Plural, Texts
from edge_agent.domain.said import Said

THOUSAND = 1_000

_PRECISION = re.compile(r"\.(\d+)[f%]$")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number within a sentence.

    Attributes:
        form: that of `static/formats.js`.
        text: stands there where no script runs.
        digits: so many behind the point, no more and no fewer; None leaves that to the form.
    """

    value: float
    form: str
    text: str
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """What a clock on a wall shows, within a sentence: `iso` without its zone, `text` where no script runs."""

    iso: str
    form: str
    text: str


Spoken = tuple[str | Figure | Clock, ...]
"""A sentence in pieces, for the template `spoken.html`."""


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence of the program for who looks at a page. `foreign`: it is in English, whatever the page is in."""

    pieces: Spoken
    foreign: bool = False

    def __bool__(self) -> bool:
        return any(self.pieces)


def number(value: float) -> Figure:
    """A number, to a tenth."""
    rounded = round(value, 1)
    return Figure(rounded, "number", f"{rounded:g}")


def percent(share: float) -> Figure:
    """A share, 0 to 1, in whole percent: more would claim to know more than the interval does."""
    whole = round(share * 100)
    return Figure(whole / 100, "percent", f"{whole} %")


def day(at: datetime) -> Clock:
    """A day of the calendar."""
    return Clock(f"{at:%Y-%m-%d}", "day", f"{at:%Y-%m-%d}")


def speak(texts: Texts, text_id: str, **values: str | int | Figure | Clock) -> Spoken:
    """A sentence of the catalogue; where a figure or a time stands in it, it stays one. A thousand becomes a figure.

    Raises:
        KeyError: there is no such text, or a place of it was given nothing.
    """
    given = {name: _grouped(value) for name, value in values.items()}
    return _spoken(texts, _sentence(texts, text_id, values), given)


def in_words(texts: Texts, said: str) -> Words:
    """What an error or a finding says, in the page's language: its sentence by its name, the same values in it.

    A text that has no name, such as what a camera's own driver says, or a name that no catalogue has, stays as it is.
    """
    if isinstance(said, Said) and f"said.{said.name}" in texts.sentences:
        return Words(_spoken(texts, _sentence(texts, f"said.{said.name}", said.values), said.values))
    return Words((str(said),) if said else (), foreign=True)


def _grouped(value: str | int | Figure | Clock) -> str | int | Figure | Clock:
    """From a thousand on digits are grouped, in each country otherwise."""
    return Figure(value, "number", str(value)) if isinstance(value, int) and value >= THOUSAND else value


def _sentence(texts: Texts, text_id: str, values: Mapping[str, object]) -> str:
    sentence = texts.sentences[text_id]
    if isinstance(sentence, Plural):
        return sentence.one if values["n"] == 1 else sentence.other
    return sentence


def _spoken(texts: Texts, sentence: str, values: Mapping[str, object]) -> Spoken:
    pieces: list[str | Figure | Clock] = []
    for literal, name, form, _ in Formatter().parse(sentence):
        pieces.append(literal)
        if name is not None:
            pieces += _piece(texts, values[name], form or "")
    return tuple(piece for piece in pieces if piece != "")


def _piece(texts: Texts, value: object, form: str) -> Spoken:
    """A value within a sentence. A number that has a form is written in the reader's way, one without stands as is."""
    if isinstance(value, Figure | Clock):
        return (value,)
    if isinstance(value, Said):
        return in_words(texts, value).pieces
    if isinstance(value, datetime):
        has_time = "%H" in form
        iso = f"{value:%Y-%m-%dT%H:%M}:00Z" if has_time else f"{value:%Y-%m-%d}"
        return (Clock(iso, "wall" if has_time else "day", format(value, form)),)
    if isinstance(value, int | float) and form:
        return (Figure(value, "percent" if form.endswith("%") else "number", format(value, form), _digits_in(form)),)
    return (str(value),)


def _digits_in(form: str) -> int | None:
    """How many digits a format such as `.2%` asks for behind the point."""
    found = _PRECISION.search(form)
    return None if found is None else int(found[1])
