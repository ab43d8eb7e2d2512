"""The numbers by which this project lives or dies; one module for replay, evaluate, training and the gates.

    of wrong orders    caught     mismatch, said of the right order, and a line that is wrong is named
                       misnamed   mismatch, but another order or other lines were named
                       amber      unsure, or no verdict at all
                       escaped    match
    of right orders    match · amber · false_alarm (mismatch)
    of trays without   silent · false_alarm
    an order

Shares carry 95 % Clopper-Pearson intervals (Clopper and Pearson 1934), by the inverse of the regularised beta function.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from edge_agent.domain.contents import Contents
from edge_agent.domain.matching import LineResult, Verdict, VerdictKind, compare, signature
from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order

CONFIDENCE = 0.95

WRONG_SHARES = (0.03, 0.12)
"""Shares of wrong orders at which red-precision is told: a careful kitchen, and the trade's "one in eight"."""


class Outcome(str, Enum):
    """What a verdict was worth."""

    CAUGHT = "caught"
    MISNAMED = "misnamed"
    AMBER = "amber"
    ESCAPED = "escaped"
    MATCH = "match"
    FALSE_ALARM = "false_alarm"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCheck:
    """One verdict beside the truth.

    Attributes:
        truth: the verdict on what really lay there; None for a tray that was nobody's.
        given: the verdict that was given; None where none was.
        right_order: whether it was given for the order that the tray really belonged to.
        alerted: whether people were told of something; on a right tray that was a false alarm, whatever came later.
        verdict_latency_s: tray still to verdict; None where that has no meaning.
        alert_lead_s: alert to tray leaving; None where there was no alert.
    """

    truth: Verdict | None
    given: Verdict | None
    right_order: bool = True
    alerted: bool = False
    verdict_latency_s: float | None = None
    alert_lead_s: float | None = None

    @property
    def outcome(self) -> Outcome:
        """What the verdict was worth; see the module's text."""
        kind = self.given.kind if self.given else VerdictKind.UNSURE
        if self.truth is None or self.truth.kind is not VerdictKind.MISMATCH:
            if self.alerted or kind is VerdictKind.MISMATCH:
                return Outcome.FALSE_ALARM
            if self.truth is None:
                return Outcome.SILENT
            return Outcome.MATCH if kind is VerdictKind.MATCH else Outcome.AMBER
        if kind is VerdictKind.UNSURE:
            return Outcome.AMBER
        if kind is VerdictKind.MATCH:
            return Outcome.ESCAPED
        named = set(signature(self.truth.faults)) & set(signature(self.given.faults if self.given else ()))
        return Outcome.CAUGHT if named and self.right_order else Outcome.MISNAMED


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval; all None where there was nothing to count."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, hits: int, total: int) -> Share:
        """The share `hits / total` with the Clopper-Pearson interval."""
        if total == 0:
            return cls(None, None, None)
        from scipy.special import betaincinv  # here: commands that count nothing must not wait for it

        tail = (1 - CONFIDENCE) / 2
        low = 0.0 if hits == 0 else float(betaincinv(hits, total - hits + 1, tail))
        high = 1.0 if hits == total else float(betaincinv(hits + 1, total - hits, 1 - tail))
        return cls(hits / total, low, high)

    def as_json(self) -> list[float | None]:
        return [None if x is None else round(x, 4) for x in (self.value, self.low, self.high)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Counts and shares over many checks; `confusion[class][(true, seen)]` counts trays."""

    wrong: Counter[Outcome] = field(default_factory=Counter)
    right: Counter[Outcome] = field(default_factory=Counter)
    nobodys: Counter[Outcome] = field(default_factory=Counter)
    lines: int = 0
    exact_lines: int = 0
    latencies_s: tuple[float, ...] = ()
    leads_s: tuple[float, ...] = ()
    confusion: Mapping[str, Counter[tuple[int, int]]] = field(default_factory=dict)

    @property
    def rates(self) -> dict[str, Share]:
        """The four shares that decide."""
        wrong, right = self.wrong.total(), self.right.total()
        return {
            "caught": Share.of(self.wrong[Outcome.CAUGHT], wrong),
            "escaped": Share.of(self.wrong[Outcome.ESCAPED], wrong),
            "false_alarm": Share.of(self.right[Outcome.FALSE_ALARM], right),
            "right_match": Share.of(self.right[Outcome.MATCH], right),
        }

    def red_precision(self, wrong_share: float) -> float | None:
        """Of 100 reds, the share that is right, in a kitchen where so many orders are wrong (Bayes' rule)."""
        if not self.wrong.total() or not self.right.total():
            return None
        red_wrong = (self.wrong[Outcome.CAUGHT] + self.wrong[Outcome.MISNAMED]) / self.wrong.total()
        red_right = self.right[Outcome.FALSE_ALARM] / self.right.total()
        reds = wrong_share * red_wrong + (1 - wrong_share) * red_right
        return wrong_share * red_wrong / reds if reds else None

    def as_json(self) -> dict[str, Any]:
        """The scores as DESIGN section 6 and the README name them."""
        return {
            "wrong_orders": _counts(self.wrong, Outcome.CAUGHT, Outcome.MISNAMED, Outcome.AMBER, Outcome.ESCAPED),
            "right_orders": _counts(self.right, Outcome.MATCH, Outcome.AMBER, Outcome.FALSE_ALARM),
            "no_order": _counts(self.nobodys, Outcome.SILENT, Outcome.FALSE_ALARM),
            "rates": {name: share.as_json() for name, share in self.rates.items()},
            "red_precision": {f"{share:.0%}": _rounded(self.red_precision(share)) for share in WRONG_SHARES},
            "exact_lines": Share.of(self.exact_lines, self.lines).as_json(),
            "verdict_latency_s": percentiles(self.latencies_s),
            "alert_lead_s": percentiles(self.leads_s),
            "confusion": {
                name: {f"{true}->{seen}": n for (true, seen), n in sorted(cells.items())}
                for name, cells in sorted(self.confusion.items())
            },
        }


def score(checks: Iterable[ScoredCheck], counted: Iterable[tuple[Mapping[str, int], Contents]] = ()) -> Scores:
    """Add up checks, and the confusion of counts over trays given as (true contents, seen contents)."""
    wrong: Counter[Outcome] = Counter()
    right: Counter[Outcome] = Counter()
    nobodys: Counter[Outcome] = Counter()
    lines = exact = 0
    latencies, leads = [], []
    for check in checks:
        if check.truth is None:
            nobodys[check.outcome] += 1
        else:
            (wrong if check.truth.kind is VerdictKind.MISMATCH else right)[check.outcome] += 1
            given = {line.sku: line.result for line in check.given.lines} if check.given and check.right_order else {}
            beyond = given.keys() - {line.sku for line in check.truth.lines}
            lines += len(check.truth.lines) + len(beyond)
            exact += sum(given.get(line.sku, LineResult.UNSURE) is line.result for line in check.truth.lines)
        if check.verdict_latency_s is not None:
            latencies.append(check.verdict_latency_s)
        if check.alert_lead_s is not None:
            leads.append(check.alert_lead_s)
    return Scores(
        wrong=wrong,
        right=right,
        nobodys=nobodys,
        lines=lines,
        exact_lines=exact,
        latencies_s=tuple(latencies),
        leads_s=tuple(leads),
        confusion=_confusion(counted),
    )


def true_verdict(menu: Menu, order: Order, contents: Mapping[str, int], *, complete: bool = True) -> Verdict:
    """The verdict that perfect eyes would give; the true contents are counted by class or by SKU.

    `complete` is False while further trays of the order are to come.
    """
    return compare(menu, wanted(menu, order), Contents.of(by_class(menu, contents)), complete=complete)


def by_class(menu: Menu, contents: Mapping[str, int]) -> dict[str, int]:
    """True contents counted by class, whether they were told by class or by SKU."""
    counts: Counter[str] = Counter()
    for name, count in contents.items():
        item = None if name in menu.classes else menu.find(name)
        counts[item.detects_as if item and item.detects_as else name] += count
    return dict(counts)


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """The median and the 95th percentile (nearest rank), None where there are no values."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p95": None}
    return {f"p{p}": round(ordered[math.ceil(p / 100 * len(ordered)) - 1], 3) for p in (50, 95)}


def _confusion(counted: Iterable[tuple[Mapping[str, int], Contents]]) -> dict[str, Counter[tuple[int, int]]]:
    cells: dict[str, Counter[tuple[int, int]]] = {}
    for true, seen in counted:
        for name in {*true, *seen.class_names}:
            cells.setdefault(name, Counter())[true.get(name, 0), seen.of_class(name).likely] += 1
    return cells


def _counts(outcomes: Counter[Outcome], *kinds: Outcome) -> dict[str, int]:
    return {"n": outcomes.total(), **{kind.value: outcomes[kind] for kind in kinds}}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
