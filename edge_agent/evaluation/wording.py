"""How verdicts, lines and outcomes are said to people: one sign (shape, word, tone) and one phrase for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edge_agent.checking.scoring import Outcome
from edge_agent.domain.alert import in_words
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Doubt
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.menu import NotChecked


class Shape(str, Enum):
    """The outline that says the same as the colour, for whoever does not see the colour."""

    CIRCLE = "circle"
    OCTAGON = "octagon"
    TRIANGLE = "triangle"
    SQUARE = "square"


class Tone(str, Enum):
    """What the colour says."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    CALM = "calm"


@dataclass(frozen=True, slots=True)
class Sign:
    """A state by shape, word and tone, so that no one of them has to be seen."""

    word: str
    shape: Shape
    tone: Tone


VERDICT_SIGNS = {
    VerdictKind.MATCH: Sign("Match", Shape.CIRCLE, Tone.GOOD),
    VerdictKind.MISMATCH: Sign("Mismatch", Shape.OCTAGON, Tone.BAD),
    VerdictKind.UNSURE: Sign("Unsure", Shape.TRIANGLE, Tone.UNSURE),
}
NO_ORDER = Sign("No order", Shape.SQUARE, Tone.CALM)
NOT_JUDGED = Sign("Not judged", Shape.SQUARE, Tone.CALM)
NOT_FOUND = Sign("Not found", Shape.SQUARE, Tone.CALM)

LINE_SIGNS = {
    LineResult.OK: Sign("OK", Shape.CIRCLE, Tone.GOOD),
    LineResult.MISSING: Sign("Missing", Shape.OCTAGON, Tone.BAD),
    LineResult.EXTRA: Sign("Too many", Shape.OCTAGON, Tone.BAD),
    LineResult.UNSURE: Sign("Unsure", Shape.TRIANGLE, Tone.UNSURE),
    LineResult.NOT_CHECKED: Sign("By hand", Shape.SQUARE, Tone.CALM),
}

OUTCOME_SIGNS = {
    Outcome.CAUGHT: Sign("Caught", Shape.CIRCLE, Tone.GOOD),
    Outcome.MISNAMED: Sign("Misnamed", Shape.TRIANGLE, Tone.UNSURE),
    Outcome.AMBER: Sign("Left open", Shape.TRIANGLE, Tone.UNSURE),
    Outcome.ESCAPED: Sign("Escaped", Shape.OCTAGON, Tone.BAD),
    Outcome.MATCH: Sign("Left in peace", Shape.CIRCLE, Tone.GOOD),
    Outcome.FALSE_ALARM: Sign("False alarm", Shape.OCTAGON, Tone.BAD),
    Outcome.SILENT: Sign("Silent", Shape.CIRCLE, Tone.GOOD),
}

OUTCOME_PHRASES = {
    Outcome.CAUGHT: "a wrong order, and a line that is wrong was named",
    Outcome.MISNAMED: "a wrong order was called wrong, but other lines or another order were named",
    Outcome.AMBER: "the camera could not tell",
    Outcome.ESCAPED: "a wrong order was called right",
    Outcome.MATCH: "a right order was called right",
    Outcome.FALSE_ALARM: "what was right was called wrong",
    Outcome.SILENT: "nobody's tray, and nobody was disturbed",
}

ASSOCIATION_PHRASES = {
    Association.MARKER: "by the marker on the tray",
    Association.ASSIGNED: "assigned by the crew",
    Association.EXACT: "the open order that fits",
    Association.ONLY: "the only open order",
    Association.FIFO: "first in the queue",
    Association.NEAREST: "nearest of the open orders",
    Association.WHICH_ORDER: "near none of the open orders",
    Association.NO_ORDER: "no order was open",
}

REASON_PHRASES = {
    Doubt.FAINT.value: "seen too faintly to be sure",
    Doubt.COVERED.value: "something lies over it",
    Doubt.OVERLOOKED.value: "the camera often overlooks it",
    Doubt.LOOK_ALIKE.value: "looks much like another item",
    Doubt.TOO_FEW_FRAMES.value: "not seen long enough, or another tray of the order is to come",
    Doubt.NOTHING_SEEN.value: "nothing was seen on the tray",
    NotChecked.HIDDEN.value: "the camera cannot see it",
    NotChecked.UNKNOWN_SKU.value: "the menu does not know an item of this order",
    NotChecked.ELSEWHERE.value: "handed out elsewhere",
}


def sign_of(reached: VerdictReached | None) -> Sign:
    """The sign of a tray; one that nobody waits for is calm, not amber."""
    if reached is None or (not reached.orders and _never_judged(reached)):
        return NOT_JUDGED
    if reached.association is Association.NO_ORDER:
        return NO_ORDER
    return VERDICT_SIGNS[reached.verdict.kind]


def association_phrase(reached: VerdictReached | None) -> str:
    """How the tray came by its order."""
    if reached is None or (not reached.orders and _never_judged(reached)):
        return "the tray never lay still"
    late = "; the order came after the tray had left" if reached.late else ""
    return ASSOCIATION_PHRASES[reached.association] + late


def headline(reached: VerdictReached | None) -> str:
    """What the crew would read: "Fries missing", "Look: fries?", "Which order?", "5 of 5"."""
    if reached is None or (not reached.orders and _never_judged(reached)):
        return ""
    if reached.association is Association.WHICH_ORDER:
        return "Which order?"
    if reached.association is Association.NO_ORDER:
        return ""
    return verdict_headline(reached.verdict)


def verdict_headline(verdict: Verdict) -> str:
    """The same for a verdict whose order is known."""
    if verdict.kind is VerdictKind.MISMATCH:
        said = in_words(verdict.faults)
    elif verdict.kind is VerdictKind.MATCH:
        said = f"{verdict.checked_pieces} of {verdict.wanted_pieces}"
    else:
        open_lines = [line.name for line in verdict.lines if line.result is LineResult.UNSURE]
        said = f"Look: {', '.join(open_lines)}?" if open_lines else "Look by hand"
    by_hand = ", ".join(line.name for line in verdict.by_hand)
    if by_hand:
        said += f"; by hand: {by_hand}"
    if verdict.allergy:
        said += "; camera cannot check allergy"
    return said[:1].upper() + said[1:]


def reason_phrase(line: CheckedLine) -> str:
    """Why a line ended as it did, in words a cook understands; empty where there is nothing to add."""
    if line.result in (LineResult.MISSING, LineResult.EXTRA):
        # Of what was seen faintly, only part is beyond doubt.
        at_least = "at least " if line.off_by < abs(line.expected - line.seen) else ""
        return f"{at_least}{line.off_by} {'too few' if line.result is LineResult.MISSING else 'too many'}"
    return REASON_PHRASES.get(line.reason, line.reason.replace("_", " "))


def things(counts: dict[str, int]) -> str:
    """Counts as people write them: the number stands behind the name, so that no name needs a plural."""
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in sorted(counts.items()) if n) or "nothing"  # noqa: RUF001


def _never_judged(reached: VerdictReached) -> bool:
    """Whether this is only what a session begins with."""
    return reached.association is Association.NO_ORDER and not reached.contents.counts and not reached.late
