"""Every text of the screen, in one catalogue per language: an id, and a sentence with named places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

from edge_agent.formats.yaml_file import FileModel, load_yaml

FOLDER = Path(__file__).parent / "texts"
DEFAULT = "en"
_WANTED = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_MOST_WANTED = 20


class Plural(FileModel):
    """A sentence for `n` = 1, and one for every other number."""

    one: str
    other: str


class _File(FileModel):
    language: str
    texts: dict[str, dict[str, str | Plural]]


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language.

    Attributes:
        language: its code, as the page's `lang` says it.
        name: as its speakers call it.
    """

    language: str
    name: str
    sentences: Mapping[str, str | Plural]

    def __call__(self, text_id: str, **values: object) -> str:
        """The sentence of an id (`group.name`), its places filled. `n` chooses between singular and plural.

        Raises:
            KeyError: there is no such text, or a place of it was given nothing.
        """
        sentence = self.sentences[text_id]
        if isinstance(sentence, Plural):
            sentence = sentence.one if values["n"] == 1 else sentence.other
        return sentence.format_map(values)

    def places(self, text_id: str) -> frozenset[str]:
        """The names that stand in braces in a text; `n` too where it has a plural."""
        sentence = self.sentences[text_id]
        forms = [sentence.one, sentence.other] if isinstance(sentence, Plural) else [sentence]
        named = {name for form in forms for _, name, _, _ in Formatter().parse(form) if name is not None}
        return frozenset(named | ({"n"} if isinstance(sentence, Plural) else set()))


@cache
def catalogue() -> Mapping[str, Texts]:
    """Every language by its code, in the order of the alphabet."""
    read = {path.stem: load_yaml(path, _File) for path in sorted(FOLDER.glob("*.yaml"))}
    return {
        code: Texts(
            code,
            file.language,
            {f"{group}.{name}": text for group, texts in file.texts.items() for name, text in texts.items()},
        )
        for code, file in read.items()
    }


def chosen(cookie: str | None, accepted: str) -> Texts:
    """The language that somebody chose, else the first that the browser would like, else English.

    Args:
        cookie: the code of a language, or anything.
        accepted: the header `Accept-Language`, or anything.
    """
    known = catalogue()
    if cookie is not None and cookie in known:
        return known[cookie]
    parts = (_WANTED.fullmatch(part) for part in accepted.split(",")[:_MOST_WANTED])
    wanted = [(float(found[2] or 1), found[1].lower()) for found in parts if found is not None]
    for weight, code in sorted(wanted, key=lambda each: -each[0]):
        if code in known and weight > 0:
            return known[code]
    return known[DEFAULT]
