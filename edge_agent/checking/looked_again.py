"""Trays of before, looked at once more: what would have been said of them by other thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.domain.association import Candidate, judge
from edge_agent.domain.looked_again import LookedAgain
from edge_agent.domain.matching import Verdict, VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.voting import Thresholds, ballot, fuse, things_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What would have been said of the trays.

    Attributes:
        verdicts: how many of which kind.
        right: trays that an audit found right; `false_alarms`: those of them that would be called wrong.
        wrong: trays that an audit found wrong; `caught`: those of them that would be called wrong.
    """

    verdicts: Counter[VerdictKind] = field(default_factory=Counter)
    right: int = 0
    false_alarms: int = 0
    wrong: int = 0
    caught: int = 0

    @property
    def trays(self) -> int:
        return self.verdicts.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A tray of which something else would be said."""

    tray: LookedAgain
    before: Verdict
    after: Verdict


def verdict_on(menu: Menu, tray: LookedAgain, thresholds: Thresholds) -> Verdict:
    """What one picture of the tray says by these thresholds; the running checker votes over several."""
    contents = fuse([ballot(0.0, things_in(tray.seen))], thresholds)
    return judge(menu, contents, *(Candidate(order=order) for order in tray.orders))


def effect(menu: Menu, trays: Sequence[LookedAgain], thresholds: Thresholds) -> Effect:
    """What would have been said of all of them."""
    verdicts: Counter[VerdictKind] = Counter()
    audited: Counter[tuple[VerdictKind, bool]] = Counter()
    for tray in trays:
        kind = verdict_on(menu, tray, thresholds).kind
        verdicts[kind] += 1
        if tray.truth is not None:
            audited[tray.truth, kind is VerdictKind.MISMATCH] += 1
    return Effect(
        verdicts=verdicts,
        right=audited[VerdictKind.MATCH, True] + audited[VerdictKind.MATCH, False],
        false_alarms=audited[VerdictKind.MATCH, True],
        wrong=audited[VerdictKind.MISMATCH, True] + audited[VerdictKind.MISMATCH, False],
        caught=audited[VerdictKind.MISMATCH, True],
    )


def changes(
    menu: Menu,
    trays: Sequence[LookedAgain],
    before: Thresholds,
    after: Thresholds,
) -> tuple[Changed, ...]:
    """The trays of which another kind of verdict would be reached, in their order."""
    found = []
    for tray in trays:
        was, would_be = (verdict_on(menu, tray, limits) for limits in (before, after))
        if was.kind is not would_be.kind:
            found.append(Changed(tray=tray, before=was, after=would_be))
    return tuple(found)
