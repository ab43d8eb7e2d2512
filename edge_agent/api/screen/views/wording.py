"""Verdicts and their lines in words of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_agent.api.screen.texts import Texts
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict

JOINED_BY_THE_CHECKER = " or "
"""Look-alikes come as one line, their names joined in English."""

MOST_NAMES = 4


def name_of(texts: Texts, line: CheckedLine) -> str:
    """What a line is called; look-alikes are joined in the page's language, a long list of them is cut short."""
    names = line.name.split(JOINED_BY_THE_CHECKER)
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 1], texts("word.more", n=len(names) - MOST_NAMES + 1)]
        return ", ".join(names)
    return f" {texts('word.or')} ".join(names)


def counted(texts: Texts, number: int, name: str) -> str:
    """So many of something; one needs no number."""
    return name if number == 1 else texts("word.counted", n=number, name=name)


def absent(line: CheckedLine) -> int:
    """How many pieces of a missing line are not there: all of it where nothing of it was seen.

    Of what the camera does not count, `off_by` says one where several were wanted and nothing is there.
    """
    return line.off_by if line.seen else line.expected


def line_in_words(texts: Texts, line: CheckedLine) -> str:
    """What is to be said of a line that is wrong or unsure; its name where nothing is."""
    name = name_of(texts, line)
    if line.result is LineResult.UNSURE:
        return texts("word.look", name=name)
    if line.result not in (LineResult.MISSING, LineResult.EXTRA):
        return counted(texts, line.expected, name)
    kind = line.result.value
    number = absent(line) if line.result is LineResult.MISSING else line.off_by
    # "Fries missing" where one was wanted and it is, "Fries: 1 missing" where some of it lies there.
    is_all = number == 1 and line.expected == (1 if line.result is LineResult.MISSING else 0)
    return texts(f"word.{kind}", name=name) if is_all else texts(f"word.{kind}_some", name=name, n=number)


def faults_in_words(texts: Texts, verdict: Verdict) -> Sequence[str]:
    """Each thing that is wrong beyond doubt, what is missing first."""
    return lines_in_words(texts, verdict.faults)


def lines_in_words(texts: Texts, faults: Iterable[CheckedLine]) -> Sequence[str]:
    """Lines that are wrong, each in words."""
    ordered = sorted(faults, key=lambda line: line.result is not LineResult.MISSING)
    return [line_in_words(texts, line) for line in ordered]


def doubt_in_words(texts: Texts, line: CheckedLine) -> str:
    """Why a line is unsure or left to the crew; empty where no reason is known."""
    known = f"doubt.{line.reason}"
    return texts(known) if known in texts.sentences else ""
