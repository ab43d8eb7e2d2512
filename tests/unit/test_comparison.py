"""Two models side by side: what got worse is found first, and a long list stays short."""

from __future__ import annotations

import json
from dataclasses import replace

from edge_agent.checking.scoring import ScoredCheck
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.evaluation.comparison import MAX_CHANGED, Comparison, JudgedCheck, JudgedPack


def verdict(kind: str) -> Verdict:
    """A verdict on one bread, which a mismatch calls missing."""
    result = {"match": LineResult.OK, "mismatch": LineResult.MISSING, "unsure": LineResult.UNSURE}[kind]
    line = CheckedLine(skus=("bread",), name="bread", expected=1, seen=1, result=result)
    return Verdict(kind=VerdictKind(kind), lines=(line,))


def judged(*kinds: tuple[str, str | None]) -> JudgedPack:
    """A model that gave these verdicts: (the truth, what it said)."""
    checks = tuple(
        JudgedCheck(
            check_id=f"c{number}",
            check=ScoredCheck(truth=verdict(truth), given=None if given is None else verdict(given)),
        )
        for number, (truth, given) in enumerate(kinds)
    )
    return JudgedPack(folder="models/x", name="x", version="1", sha256="0" * 64, checks=checks)


BEFORE = judged(("match", "match"), ("match", "mismatch"), ("mismatch", "mismatch"), ("mismatch", None))
AFTER = judged(("match", "match"), ("match", "match"), ("mismatch", "unsure"), ("mismatch", "match"))


def test_the_checks_that_got_worse_come_first() -> None:
    changes = Comparison(before=BEFORE, after=AFTER).changes
    assert [(each.check_id, each.before.verdict, each.after.verdict) for each in changes] == [
        ("c2", "mismatch", "unsure"),
        ("c3", "none", "match"),
        ("c1", "mismatch", "match"),
    ]


def test_a_difference_is_the_candidates_share_less_the_active_ones() -> None:
    comparison = Comparison(before=BEFORE, after=AFTER)
    assert comparison.differences == {"caught": -0.5, "escaped": 0.5, "false_alarm": -0.5, "right_match": 0.5}
    assert not comparison.decision.passed


def test_shares_of_nothing_have_no_difference() -> None:
    only_right = judged(("match", "match"))
    differences = Comparison(before=only_right, after=only_right).differences
    assert (differences["caught"], differences["right_match"]) == (None, 0.0)


def test_an_alarm_on_a_tray_beyond_the_true_ones_counts() -> None:
    """A model that sees trays where none are is worse, although no check came out otherwise."""
    alarmed = replace(BEFORE, extras=(ScoredCheck(truth=None, given=verdict("mismatch"), alerted=True),))
    comparison = Comparison(before=BEFORE, after=alarmed)
    assert comparison.changes == ()
    assert "alarms on trays without an order: 0 before, 1 now" in comparison.decision.why


def test_the_list_of_changes_is_bounded_and_its_length_told() -> None:
    many = MAX_CHANGED + 5
    said = Comparison(
        before=judged(*[("match", "match")] * many), after=judged(*[("match", "unsure")] * many)
    ).as_json()
    assert (len(said["changed"]), said["changed_total"]) == (MAX_CHANGED, many)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
