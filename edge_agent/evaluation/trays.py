"""The trays of a recording, as they went, and what their verdicts were worth beside the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge_agent.checking.scoring import ScoredCheck, Scores, by_class, score, true_verdict
from edge_agent.domain.alert import Alert, in_words
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import Verdict, VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order
from edge_agent.evaluation.photo_checks import line_as_json
from edge_agent.formats.recordings import TrayTruth


@dataclass(slots=True, kw_only=True)
class TrayRecord:
    """One tray session of a recording, as it went."""

    session_id: str
    slot_id: str
    arrived_s: float
    settled_s: float | None = None
    first_verdict_s: float | None = None
    left_s: float | None = None
    reached: VerdictReached | None = None
    verdicts: list[VerdictReached] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    truth: TrayTruth | None = None

    @property
    def order_ids(self) -> tuple[str, ...]:
        return tuple(key.order_id for key in self.reached.orders) if self.reached else ()

    @property
    def verdict(self) -> VerdictKind:
        return self.reached.verdict.kind if self.reached else VerdictKind.UNSURE

    @property
    def association(self) -> str:
        return self.reached.association.value if self.reached else "no_order"

    def reached_by(self, at_s: float) -> VerdictReached | None:
        """The verdict that stood at that time."""
        return next((each for each in reversed(self.verdicts) if each.at_s <= at_s), None)

    @property
    def verdict_latency_s(self) -> float | None:
        """From the moment the tray lay still to the first verdict, in stream time."""
        if self.settled_s is None or self.first_verdict_s is None:
            return None
        return self.first_verdict_s - self.settled_s

    @property
    def alert_lead_s(self) -> float | None:
        """From the alert to the tray leaving; None without an alert."""
        if not self.alerts or self.left_s is None:
            return None
        return max(0.0, self.left_s - self.alerts[0].raised_at_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One true tray, the session that was found for it, and what its verdict was worth; one of the two may lack."""

    truth: TrayTruth | None
    tray: TrayRecord | None
    check: ScoredCheck


@dataclass(frozen=True, slots=True)
class _Truly:
    """The verdict of perfect eyes; `until_s`: on what lay there until somebody put it right."""

    verdict: Verdict | None
    until_s: float | None = None


NOBODYS = _Truly(None)


def held_against_truth(
    menu: Menu, trays: Sequence[TrayRecord], truth: Sequence[TrayTruth], orders: Mapping[str, Order]
) -> tuple[Held, ...]:
    """Every true tray beside its session, and every session beyond them, which is nobody's tray.

    Also sets the `truth` of each record. Without any truth there is nothing to hold against.
    """
    _lay_beside(trays, truth)
    found = {id(tray.truth): tray for tray in trays if tray.truth is not None}
    verdicts = _true_verdicts(menu, truth, orders)
    held = []
    for true, truly in zip(sorted(truth, key=lambda t: t.enter_s), verdicts, strict=True):
        tray = found.get(id(true))
        held.append(Held(truth=true, tray=tray, check=_check(truly, tray, true)))
    if truth:
        held += [
            Held(truth=None, tray=t, check=_check(NOBODYS, t, None)) for t in trays if t.truth is None and t.reached
        ]
    return tuple(held)


def scores_of(menu: Menu, held: Sequence[Held]) -> Scores:
    """The scores of a recording."""
    counted = [
        (by_class(menu, each.truth.contents), each.tray.reached.contents)
        for each in held
        if each.truth is not None and each.tray is not None and each.tray.reached is not None
    ]
    return score([each.check for each in held], counted)


def _lay_beside(trays: Sequence[TrayRecord], truth: Sequence[TrayTruth]) -> None:
    """Give each session the true tray that it shares the most time with; each true tray goes to one session."""

    def shared_s(tray: TrayRecord, true: TrayTruth) -> float:
        left_s = tray.left_s if tray.left_s is not None else true.leave_s
        return min(left_s, true.leave_s) - max(tray.arrived_s, true.enter_s)

    pairs = sorted(
        ((shared_s(tray, true), i, j) for i, tray in enumerate(trays) for j, true in enumerate(truth)), reverse=True
    )
    taken: set[int] = set()
    for seconds, i, j in pairs:
        if seconds > 0 and trays[i].truth is None and j not in taken:
            trays[i].truth = truth[j]
            taken.add(j)


def _true_verdicts(menu: Menu, truth: Sequence[TrayTruth], orders: Mapping[str, Order]) -> list[_Truly]:
    """In the order of time. The trays of one order add up, and nothing is missing before its last."""
    lying: dict[str, Counter[str]] = {}
    parts: Counter[str] = Counter()
    verdicts: list[_Truly] = []
    for true in sorted(truth, key=lambda t: t.enter_s):
        order = orders.get(true.order_id) if true.order_id is not None else None
        if order is None:
            verdicts.append(NOBODYS)
            continue
        came = _as_it_came(menu, true, order)
        if came is not None:
            verdicts.append(came)
            continue
        parts[order.order_id] += 1
        together = lying.setdefault(order.order_id, Counter()) if order.parts > 1 else Counter()
        together.update(true.contents)
        complete = parts[order.order_id] >= order.parts
        verdicts.append(_Truly(true_verdict(menu, order, together, complete=complete)))
    return verdicts


def _as_it_came(menu: Menu, true: TrayTruth, order: Order) -> _Truly | None:
    """Of a tray that was wrong and put right before it left, what is true until then; else None.

    Such a tray counts once, as the wrong order that it was. Of an order on several trays only the last one's contents
    tell, so there it does not.
    """
    if true.was is None or order.parts > 1:
        return None
    came = true_verdict(menu, order, true.was.contents)
    return _Truly(came, true.was.until_s) if came.kind is VerdictKind.MISMATCH else None


def _stood(tray: TrayRecord, until_s: float) -> VerdictReached | None:
    """The verdict on a tray before it was put right: the one that people were told of, else the last."""
    told_s = next((alert.raised_at_s for alert in tray.alerts if alert.raised_at_s <= until_s), until_s)
    return tray.reached_by(told_s)


def _check(truly: _Truly, tray: TrayRecord | None, true: TrayTruth | None) -> ScoredCheck:
    """A late verdict told nobody anything, so it is worth as much as none."""
    reached = tray.reached if tray else None
    if tray is not None and truly.until_s is not None:
        reached = _stood(tray, truly.until_s)
    order_id = true.order_id if true else None
    return ScoredCheck(
        truth=truly.verdict,
        given=reached.verdict if reached and not reached.late else None,
        right_order=reached is not None and order_id in [key.order_id for key in reached.orders],
        alerted=tray is not None and bool(tray.alerts),
        verdict_latency_s=tray.verdict_latency_s if tray else None,
        alert_lead_s=tray.alert_lead_s if tray else None,
    )


def tray_as_json(tray: TrayRecord) -> dict[str, Any]:
    """One tray of `replay --json`."""
    reached = tray.reached
    return {
        "session_id": tray.session_id,
        "slot_id": tray.slot_id,
        "order_id": "+".join(tray.order_ids) or None,
        "association": tray.association,
        "verdict": tray.verdict.value,
        "late": reached.late if reached else False,
        "lines": [line_as_json(line) for line in reached.verdict.lines] if reached else [],
        "contents": reached.contents.likely if reached else {},
        "arrived_s": _rounded(tray.arrived_s),
        "settled_s": _rounded(tray.settled_s),
        "left_s": _rounded(tray.left_s),
        "alerts": [
            {"alert_id": a.alert_id, "raised_s": _rounded(a.raised_at_s), "severity": a.severity.value, "late": a.late}
            for a in tray.alerts
        ],
        "says": in_words(reached.verdict.faults) if reached else "",
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
