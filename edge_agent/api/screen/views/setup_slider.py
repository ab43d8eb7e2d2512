"""What each position of the slider would have done to the last trays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.wording import faults_in_words
from edge_agent.checking.looked_again import Changed, Effect
from edge_agent.domain.matching import Verdict, VerdictKind

MOST_CHANGED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One position.

    Attributes:
        step: from -3 to 3.
        name: what it is called.
        wrong, unsure, right: trays that would be called so.
        audited: what that is worth, by the audits, in a sentence; empty where none of the trays was audited.
    """

    step: int
    name: str
    is_now: bool
    wrong: int
    unsure: int
    right: int
    audited: str

    @property
    def trays(self) -> int:
        return self.wrong + self.unsure + self.right


@dataclass(frozen=True, slots=True)
class ChangedTray:
    """A tray of which something else would be said; `look` is a shape."""

    check_id: int
    number: str
    recorded_at: str
    before: str
    after: str
    before_look: str
    after_look: str


def positions(texts: Texts, found: Mapping[int, Effect], stands: int) -> tuple[Position, ...]:
    """All positions, fewest alarms first; none where the trays were not looked at."""
    return tuple(
        Position(
            step=step,
            name=name_of_step(texts, step),
            is_now=step == stands,
            wrong=each.verdicts[VerdictKind.MISMATCH],
            unsure=each.verdicts[VerdictKind.UNSURE],
            right=each.verdicts[VerdictKind.MATCH],
            audited=_audited(texts, each),
        )
        for step, each in sorted(found.items())
    )


def name_of_step(texts: Texts, step: int) -> str:
    """What a position is called."""
    if step == 0:
        return texts("setup_slider.middle")
    return texts("setup_slider.catches", n=step) if step > 0 else texts("setup_slider.alarms", n=-step)


def changed_trays(texts: Texts, found: Sequence[Changed]) -> tuple[ChangedTray, ...]:
    """The trays that change, a bounded number of them."""
    return tuple(
        ChangedTray(
            check_id=each.tray.check_id,
            number=", ".join(order.number for order in each.tray.orders),
            recorded_at=each.tray.recorded_at,
            before=_said(texts, each.before),
            after=_said(texts, each.after),
            before_look=_LOOKS[each.before.kind],
            after_look=_LOOKS[each.after.kind],
        )
        for each in found[:MOST_CHANGED]
    )


_LOOKS = {VerdictKind.MATCH: "right", VerdictKind.MISMATCH: "wrong", VerdictKind.UNSURE: "unsure"}


def _said(texts: Texts, verdict: Verdict) -> str:
    faults = faults_in_words(texts, verdict)
    return ", ".join(faults) if faults else texts(f"word.{verdict.kind.value}")


def _audited(texts: Texts, each: Effect) -> str:
    said = []
    if each.right:
        said.append(texts("setup_slider.false_alarms", n=each.false_alarms, of=each.right))
    if each.wrong:
        said.append(texts("setup_slider.caught", n=each.caught, of=each.wrong))
    return "; ".join(said)
