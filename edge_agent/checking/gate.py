"""The gate before a model goes into service: on the same checks the candidate must be no worse than the active one.

"No worse" compares counts, not shares and not intervals. With some hundred checks two intervals nearly always overlap,
so a test for a significant difference would wave through models that are worse; and a count that fell is a check that a
restaurant would have seen go wrong. The rule is strict on purpose; a tolerance, in checks, is the operator's to give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edge_agent.checking.scoring import Outcome, Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the gate looks at: how many checks, and how they ended.

    Attributes:
        wrong: checks of wrong orders.
        right: checks of right orders.
        caught: of the wrong, those named rightly.
        escaped: of the wrong, those called a match.
        false_alarm: of the right, those that alarmed.
        right_match: of the right, those called a match.
        alarm_without_order: alarms on trays that were nobody's.
    """

    wrong: int
    right: int
    caught: int
    escaped: int
    false_alarm: int
    right_match: int
    alarm_without_order: int = 0

    @classmethod
    def of(cls, scores: Scores) -> Tally:
        """The tally of some scores."""
        return cls(
            wrong=scores.wrong.total(),
            right=scores.right.total(),
            caught=scores.wrong[Outcome.CAUGHT],
            escaped=scores.wrong[Outcome.ESCAPED],
            false_alarm=scores.right[Outcome.FALSE_ALARM],
            right_match=scores.right[Outcome.MATCH],
            alarm_without_order=scores.nobodys[Outcome.FALSE_ALARM],
        )

    @property
    def counts(self) -> dict[str, int]:
        """Every count by its name."""
        return {name: getattr(self, name) for name in ("wrong", "right", *MORE_IS_BETTER)}


MORE_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {"caught": True, "escaped": False, "false_alarm": False, "right_match": True, "alarm_without_order": False}
)
"""The counts that the gate compares, and whether a higher one is the better one."""

_WORDS = {
    "caught": "wrong orders caught",
    "escaped": "wrong orders called match",
    "false_alarm": "false alarms on right orders",
    "right_match": "right orders called match",
    "alarm_without_order": "alarms on trays without an order",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Whether a model may go into service, and why, in one sentence; the tallies where something was compared."""

    passed: bool
    why: str
    tolerance: int = 0
    before: Tally | None = None
    after: Tally | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "why": self.why,
            "tolerance": self.tolerance,
            "before": self.before.counts if self.before else None,
            "after": self.after.counts if self.after else None,
        }


def judge_candidate(before: Tally, after: Tally, *, tolerance: int = 0) -> GateDecision:
    """Whether the candidate, scored as `after`, is no worse than the active model, scored as `before`.

    Each of the counts in `MORE_IS_BETTER` may be worse by `tolerance` checks and no more. Both must have seen the same
    checks, and among them a wrong order and a right one: else nothing is known of a half of the counts.

    Raises:
        ValueError: the tolerance is below zero, or the two were scored on different numbers of checks.
    """
    if tolerance < 0:
        raise ValueError(f"a tolerance of {tolerance} checks makes no sense")
    if (before.wrong, before.right) != (after.wrong, after.right):
        raise ValueError("the two models were not scored on the same checks")
    measured = f"on {before.wrong} wrong and {before.right} right orders"
    if not before.wrong or not before.right:
        why = f"not passed: {measured} too little is compared; the gate needs wrong orders and right ones"
        return GateDecision(passed=False, why=why, tolerance=tolerance, before=before, after=after)
    worse = [name for name in MORE_IS_BETTER if _loss(name, before, after) > tolerance]
    allowed = f" by more than {tolerance}" if tolerance else ""
    if worse:
        told = "; ".join(f"{_WORDS[name]}: {before.counts[name]} before, {after.counts[name]} now" for name in worse)
        why = f"not passed: {measured} the candidate is worse{allowed}: {told}"
    else:
        why = f"passed: {measured} the candidate is no worse{allowed} in any count"
    return GateDecision(passed=not worse, why=why, tolerance=tolerance, before=before, after=after)


def _loss(name: str, before: Tally, after: Tally) -> int:
    """By how many checks the candidate is worse in one count; negative where it is better."""
    gain = after.counts[name] - before.counts[name]
    return -gain if MORE_IS_BETTER[name] else gain
