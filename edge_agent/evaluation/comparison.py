"""Two models on the same checks, side by side: shares, differences, and which checks came out otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edge_agent.checking.gate import GateDecision, Tally, judge_candidate
from edge_agent.checking.scoring import Outcome, ScoredCheck, Scores, score
from edge_agent.evaluation.photo_checks import TraysEvaluated
from edge_agent.evaluation.replay import Replayed
from edge_agent.evaluation.trays import Held

MAX_CHANGED = 100
"""More changed checks are counted, not listed: two models that differ so much are judged by their shares."""

_HARM: Mapping[Outcome, int] = MappingProxyType(
    {
        Outcome.CAUGHT: 0,
        Outcome.MATCH: 0,
        Outcome.SILENT: 0,
        Outcome.MISNAMED: 1,
        Outcome.AMBER: 1,
        Outcome.ESCAPED: 2,
        Outcome.FALSE_ALARM: 2,
    }
)
"""For listing what got worse first, no score: right, no help, harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCheck:
    """One check with a name that a person finds again."""

    check_id: str
    check: ScoredCheck

    @property
    def verdict(self) -> str:
        return self.check.given.kind.value if self.check.given else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPack:
    """One model's verdicts on some checks.

    Attributes:
        folder: where its pack lies.
        name: what its manifest calls it.
        version: of the manifest.
        sha256: the hash of its `model.yaml`.
        checks: the same checks, in the same order, whichever model was judged.
        extras: sessions that the checker found beyond the true trays of a recording; they can differ.
        problems: what was wrong with a recording, one sentence each.
        took_part: so many of the scored trays are known to have taught it, or to have set its thresholds.
    """

    folder: str
    name: str
    version: str
    sha256: str
    checks: tuple[JudgedCheck, ...]
    extras: tuple[ScoredCheck, ...] = ()
    problems: tuple[str, ...] = ()
    took_part: int = 0

    @property
    def scores(self) -> Scores:
        return score([*(each.check for each in self.checks), *self.extras])

    def as_json(self) -> dict[str, Any]:
        said = self.scores.as_json()
        parts = ("wrong_orders", "right_orders", "no_order", "rates")
        named = {"pack": self.folder, "name": self.name, "version": self.version, "sha256": self.sha256}
        return {**named, **{part: said[part] for part in parts}, "took_part": self.took_part}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One check that came out otherwise."""

    check_id: str
    before: JudgedCheck
    after: JudgedCheck

    @property
    def harm(self) -> int:
        """How much worse it got; negative where it got better."""
        return _HARM[self.after.check.outcome] - _HARM[self.before.check.outcome]

    def as_json(self) -> dict[str, Any]:
        truth = self.before.check.truth
        return {
            "check_id": self.check_id,
            "expected": truth.kind.value if truth else None,
            "before": self.before.verdict,
            "after": self.after.verdict,
            "outcome_before": self.before.check.outcome.value,
            "outcome_after": self.after.check.outcome.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models side by side."""

    before: JudgedPack
    after: JudgedPack
    tolerance: int = 0

    @property
    def changes(self) -> tuple[Change, ...]:
        """The checks that came out otherwise, those that got worse first."""
        pairs = zip(self.before.checks, self.after.checks, strict=True)
        changed = [
            Change(check_id=old.check_id, before=old, after=new)
            for old, new in pairs
            if (old.verdict, old.check.outcome) != (new.verdict, new.check.outcome)
        ]
        return tuple(sorted(changed, key=lambda change: -change.harm))

    @property
    def differences(self) -> dict[str, float | None]:
        """Of every share, the candidate's less the active pack's; None where there was nothing to count."""
        after = self.after.scores.rates
        return {
            name: None if share.value is None else (after[name].value or 0.0) - share.value
            for name, share in self.before.scores.rates.items()
        }

    @property
    def decision(self) -> GateDecision:
        """What the gate says of the candidate."""
        tallies = (Tally.of(self.before.scores), Tally.of(self.after.scores))
        return judge_candidate(*tallies, tolerance=self.tolerance)

    def as_json(self) -> dict[str, Any]:
        changes = self.changes
        return {
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "difference": {name: None if x is None else round(x, 4) for name, x in self.differences.items()},
            "checks": len(self.before.checks),
            "changed": [change.as_json() for change in changes[:MAX_CHANGED]],
            "changed_total": len(changes),
            "problems": list(dict.fromkeys((*self.before.problems, *self.after.problems))),
            "gate": self.decision.as_json(),
        }


def judged_trays(evaluated: TraysEvaluated) -> tuple[JudgedCheck, ...]:
    """The checks on photographed trays, named as `orders.jsonl` names them."""
    return tuple(
        JudgedCheck(check_id=v.check.check_id, check=ScoredCheck(truth=v.truth, given=v.verdict))
        for v in evaluated.verdicts
    )


def judged_replay(replayed: Replayed) -> tuple[tuple[JudgedCheck, ...], tuple[ScoredCheck, ...]]:
    """The true trays of a recording, each named VIDEO:TRAY, and the sessions that were found beyond them."""
    video = replayed.recording.video.name
    checks = tuple(
        JudgedCheck(check_id=f"{video}:{held.truth.tray_id}", check=held.check)
        for held in replayed.held
        if held.truth is not None
    )
    return checks, _beyond(replayed.held)


def _beyond(held: Sequence[Held]) -> tuple[ScoredCheck, ...]:
    return tuple(each.check for each in held if each.truth is None)
