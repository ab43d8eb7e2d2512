"""Sentences with numbers in them, which the browser writes as its reader is used to."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter

from edge_agent.api.screen.texts import Plural, Texts


@dataclass(frozen=True, slots=True)
class Figure:
    """A number within a sentence. `form` is that of `static/formats.js`, `text` stands there where no script runs."""

    value: float
    form: str
    text: str


Spoken = tuple[str | Figure, ...]
"""A sentence in pieces, for the template `spoken.html`."""


def number(value: float) -> Figure:
    """A number, to a tenth."""
    rounded = round(value, 1)
    return Figure(rounded, "number", f"{rounded:g}")


def percent(share: float) -> Figure:
    """A share, 0 to 1, in whole percent: more would claim to know more than the interval does."""
    whole = round(share * 100)
    return Figure(whole / 100, "percent", f"{whole} %")


def speak(texts: Texts, text_id: str, **values: str | int | Figure) -> Spoken:
    """A sentence of the catalogue; where a figure stands in it, it stays one.

    Raises:
        KeyError: there is no such text, or a place of it was given nothing.
    """
    sentence = texts.sentences[text_id]
    if isinstance(sentence, Plural):
        sentence = sentence.one if values["n"] == 1 else sentence.other
    pieces: list[str | Figure] = []
    for literal, name, _, _ in Formatter().parse(sentence):
        value = "" if name is None else values[name]
        pieces += [literal, value if isinstance(value, Figure) else str(value)]
    return tuple(piece for piece in pieces if piece != "")
