"""Verdicts, what they were reached on, and the alerts that came of them, as they go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from edge_agent.api.answers.outgoing import KeyOut, Outgoing, key_fields
from edge_agent.domain.alert import Resolution, Severity
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents, Doubt
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.record import StoredCheck
from edge_agent.ports import AlertNews


class LineOut(Outgoing):
    """One line of a verdict."""

    skus: list[str]
    name: str
    expected: int
    seen: int
    result: LineResult
    off_by: int
    reason: str

    @classmethod
    def of(cls, line: CheckedLine) -> LineOut:
        return cls.model_validate(_line(line))


class VerdictOut(Outgoing):
    """A verdict; it covers `checked_pieces` of `wanted_pieces`, the rest is left to the crew."""

    kind: VerdictKind
    allergy: bool
    checked_pieces: int
    wanted_pieces: int
    lines: list[LineOut]

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictOut:
        return cls.model_validate(_verdict(verdict))


class CountOut(Outgoing):
    """How many of one class lie there: surely, likely, possibly."""

    class_name: str
    surely: int
    likely: int
    possibly: int
    doubt: Doubt | None


class ContentsOut(Outgoing):
    """What was seen; `unclear` says why all of it is in doubt."""

    counts: list[CountOut]
    unclear: Doubt | None

    @classmethod
    def of(cls, contents: Contents) -> ContentsOut:
        return cls.model_validate(_contents(contents))


class PhotoCheckOut(Outgoing):
    """What came of holding photographs against an order."""

    verdict: VerdictOut
    contents: ContentsOut


class CheckOut(Outgoing):
    """One verdict as it was reached. `final` marks the last of its tray; `images` can be asked for by their numbers."""

    check_id: int
    run_id: int
    recorded_at: str
    slot_id: str
    session_id: str
    at_s: float
    orders: list[KeyOut]
    association: Association
    final: bool
    late: bool
    verdict: VerdictOut
    contents: ContentsOut
    images: int

    @classmethod
    def of(cls, check: StoredCheck) -> CheckOut:
        return cls.model_validate(_check(check))


class ChecksOut(Outgoing):
    """A page of checks, newest first. `next_before` asks for the next page; null on the last."""

    checks: list[CheckOut]
    next_before: int | None

    @classmethod
    def of(cls, checks: Sequence[StoredCheck], *, next_before: int | None) -> ChecksOut:
        """A whole page is held against its schema at once: that takes half of the time."""
        return cls.model_validate({"checks": [_check(check) for check in checks], "next_before": next_before})


class AlertOut(Outgoing):
    """One step in the life of an alert, and the alert as it stands now."""

    seq: int
    step: Literal["raised", "resolved"]
    at: str
    id: str
    station: str
    session_id: str
    orders: list[KeyOut]
    severity: Severity
    sounds: bool
    late: bool
    swapped: bool
    lines: list[LineOut]
    resolution: Resolution | None
    by_staff: bool

    @classmethod
    def of(cls, news: AlertNews) -> AlertOut:
        stored, alert = news.stored, news.stored.alert
        return cls(
            seq=news.seq,
            step="resolved" if news.resolved else "raised",
            at=news.at,
            id=news.told_id,
            station=news.station,
            session_id=alert.session_id,
            orders=[KeyOut.of(key) for key in alert.orders],
            severity=alert.severity,
            sounds=stored.sounds,
            late=alert.late,
            swapped=alert.swapped,
            lines=[LineOut.of(line) for line in alert.lines],
            resolution=stored.resolution,
            by_staff=stored.by_staff,
        )


class AlertsOut(Outgoing):
    """Steps in the lives of alerts, oldest first. `next_after` continues after the last of them."""

    alerts: list[AlertOut]
    next_after: int


def _line(line: CheckedLine) -> dict[str, Any]:
    return {
        "skus": list(line.skus),
        "name": line.name,
        "expected": line.expected,
        "seen": line.seen,
        "result": line.result,
        "off_by": line.off_by,
        "reason": line.reason,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "kind": verdict.kind,
        "allergy": verdict.allergy,
        "checked_pieces": verdict.checked_pieces,
        "wanted_pieces": verdict.wanted_pieces,
        "lines": [_line(line) for line in verdict.lines],
    }


def _contents(contents: Contents) -> dict[str, Any]:
    counts = [
        {
            "class_name": count.class_name,
            "surely": count.surely,
            "likely": count.likely,
            "possibly": count.possibly,
            "doubt": count.doubt,
        }
        for count in contents.counts
    ]
    return {"counts": counts, "unclear": contents.unclear}


def _check(check: StoredCheck) -> dict[str, Any]:
    reached = check.reached
    return {
        "check_id": check.check_id,
        "run_id": check.run_id,
        "recorded_at": check.recorded_at,
        "slot_id": reached.slot_id,
        "session_id": reached.session_id,
        "at_s": reached.at_s,
        "orders": [key_fields(key) for key in reached.orders],
        "association": reached.association,
        "final": check.final,
        "late": reached.late,
        "verdict": _verdict(reached.verdict),
        "contents": _contents(reached.contents),
        "images": len(check.pictures),
    }
