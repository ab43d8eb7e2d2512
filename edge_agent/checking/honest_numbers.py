"""The three numbers by which a manager may judge the system, each with what it rests on and its 95 % interval.

    stopped        trays that people were told of and that were put right before they left, confirmed by the crew or by
                   an audit; of all trays that people were told of
    false alarms   per 100 right trays, from the blind audit; "not measured" where nobody audited, never zero
    checked        orders with every visible line decided; of all orders, with the reasons for the rest

Shares of counts carry the interval of Clopper and Pearson (1934).

**How false alarms are estimated.** On each business day all trays with an alert ("reds") are to be audited, and of
the others twenty drawn at random: a stratified sample, whose strata must be weighted by what they stand for (Cochran,
Sampling Techniques, 3rd ed. 1977, chapter 5). Per day, with R reds of which r were judged and f of them found right,
and with N others of which n were judged and m of them found right:

    c = r / R                 the share of the reds that were judged; 1 where there are none
    T = f + c * N * m / n     right trays that stand behind the f false alarms: those themselves, and of the right trays
                              in peace as many as would have come out if only a share c of all alarms had been looked at

The estimate is the sum of f over the sum of T. Days on which a stratum was not looked at at all are left out, and said.
Answers that are missing are taken to be like those given (r for R, n for N).

The sum of f is taken as binomial among T right trays. T itself is uncertain: the share of right trays among the others,
weighted over the days by w = c * N, has the interval of Clopper and Pearson with the effective sample size
(sum w)^2 / sum(w^2 / n) (Kish 1965; Korn and Graubard, Survey Methodology 24, 1998). The two intervals leave out half
of the 5 % each, so both hold together with at least 95 % (Bonferroni's inequality), as in `evaluation.red_precision`:
the lowest rate is that among the most right trays, the highest that among the fewest. That finite days are sampled
without replacement is not made use of, which errs on the side of caution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge_agent.checking.scoring import CONFIDENCE, Share
from edge_agent.domain.business_day import Span
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.record import DrawnAs
from edge_agent.domain.tally import DECIDED, Counted, Grouped, Tally, ToldEnd, TrayVerdict, audited
from edge_agent.ports import Reporting

FEWEST_TRAYS = 20
"""What fewer trays stand behind is not shown: it would say more of who stood at the pass than of the system."""

TAIL = (1 - CONFIDENCE) / 4
"""What each of the two intervals behind the false alarms leaves out on each side."""

NOTHING = Share(None, None, None)

COUNTED = (Counted.TRAY, Counted.FRAME, Counted.AUDIT, Counted.ALERT, Counted.TOLD, Counted.ORDER)
"""What the numbers are made of, day by day."""

STOPPED = (ToldEnd.FIXED_CREW, ToldEnd.FIXED_AUDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Trays that people were told of, by how that ended; nobody is told in shadow mode.

    Attributes:
        count: put right before they left, confirmed.
        told: all of them.
        share: `count` of `told`.
        ends: all of them by how they ended; `FIXED_SEEN` are those that the checker saw put right and nobody confirmed.
    """

    count: int
    told: int
    share: Share
    ends: Mapping[ToldEnd, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """What the blind audit says; see the module's text.

    Attributes:
        rate: false alarms per right tray, 0 to 1; all None where it is not measured.
        right_trays: how many right trays the rate rests on, as estimated (T of the module's text).
        audited_right: trays that were audited and found right; shadow mode may end when they are many.
        reds, reds_judged, reds_right: trays with an alert; those judged; of them the false alarms.
        others, others_judged, others_right: the same of all other trays with an order.
        cannot_tell: audited, but it could not be said whether the tray was right.
        days, days_measured: days with trays, and those of them that the rate rests on. The counts are of all days.
    """

    rate: Share
    right_trays: float
    audited_right: int
    reds: int
    reds_judged: int
    reds_right: int
    others: int
    others_judged: int
    others_right: int
    cannot_tell: int
    days: int
    days_measured: int

    @property
    def is_measured(self) -> bool:
        return self.rate.value is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Orders that were handed out or expired; `reasons` says of each that was not decided why not, most frequent first.

    The reasons are those of `Counted.ORDER`.
    """

    decided: int
    orders: int
    share: Share
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HonestNumbers:
    """The three numbers of a span of time; each is None where too few trays stand behind it to be shown.

    Attributes:
        trays: how many were checked; None where they are fewer than `FEWEST_TRAYS`.
        shadow_alerts: alerts of which nobody was told, since the agent ran in shadow mode.
    """

    trays: int | None = None
    stopped: Stopped | None = None
    false_alarms: FalseAlarms | None = None
    checked: Checked | None = None
    shadow_alerts: int | None = None

    @property
    def is_withheld(self) -> bool:
        return self.trays is None


@dataclass(frozen=True, slots=True)
class _Stratum:
    """Trays of one day that were drawn alike: all of them, those judged, and of these the right ones."""

    trays: int
    judged: int
    right: int

    @property
    def is_known(self) -> bool:
        """Whether something can be said of it: there is none, or one was judged."""
        return not self.trays or self.judged > 0


@dataclass(frozen=True, slots=True)
class _Day:
    reds: _Stratum
    others: _Stratum

    @property
    def is_measured(self) -> bool:
        return self.reds.is_known and self.others.is_known and bool(self.reds.judged or self.others.judged)

    @property
    def weight(self) -> float:
        """For how many trays the judged ones of the others stand (w of the module's text)."""
        share = self.reds.judged / self.reds.trays if self.reds.trays else 1.0
        return share * self.others.trays


@dataclass(slots=True)
class _Summed:
    counts: Counter[tuple[Counted, str]] = field(default_factory=Counter)

    def add(self, tally: Tally) -> None:
        for counted, items in tally.counts.items():
            for item, n in items.items():
                self.counts[counted, item] += n

    def of(self, counted: Counted) -> dict[str, int]:
        return {item: n for (kind, item), n in self.counts.items() if kind is counted and n}


def read_numbers(reporting: Reporting, span: Span, *, station: str | None = None) -> HonestNumbers:
    """The three numbers of a span, of all stations or of one. Raises StoreError."""
    return honest_numbers(reporting.tallies(span, by=Grouped.DAY, counted=COUNTED, station=station))


def honest_numbers(days: Sequence[Tally]) -> HonestNumbers:
    """The three numbers of days that were counted one by one."""
    summed = _Summed()
    for day in days:
        summed.add(day)
    trays = sum(summed.of(Counted.TRAY).get(verdict.value, 0) for verdict in TrayVerdict)
    if trays < FEWEST_TRAYS:
        return HonestNumbers()
    return HonestNumbers(
        trays=trays,
        stopped=_stopped(summed.of(Counted.TOLD)),
        false_alarms=false_alarms(days),
        checked=_checked(summed.of(Counted.ORDER)),
        shadow_alerts=summed.of(Counted.ALERT).get("shadow", 0),
    )


def false_alarms(days: Sequence[Tally]) -> FalseAlarms:
    """False alarms per right tray, by the blind audits of some days."""
    parts = [_day(tally) for tally in days]
    parts = [day for day in parts if day.reds.trays or day.others.trays]
    measured = [day for day in parts if day.is_measured]
    rate, right_trays = _rate(measured)
    return FalseAlarms(
        rate=rate,
        right_trays=right_trays,
        audited_right=sum(day.reds.right + day.others.right for day in parts),
        reds=sum(day.reds.trays for day in parts),
        reds_judged=sum(day.reds.judged for day in parts),
        reds_right=sum(day.reds.right for day in parts),
        others=sum(day.others.trays for day in parts),
        others_judged=sum(day.others.judged for day in parts),
        others_right=sum(day.others.right for day in parts),
        cannot_tell=sum(sum(day.of(Counted.AUDIT).values()) for day in days)
        - sum(day.reds.judged + day.others.judged for day in parts),
        days=len(parts),
        days_measured=len(measured),
    )


def _rate(days: Sequence[_Day]) -> tuple[Share, float]:
    """The rate with its interval, and the right trays that it rests on."""
    found = sum(day.reds.right for day in days)
    sampled = [day for day in days if day.weight]
    weight = sum(day.weight for day in sampled)
    in_peace = sum(day.weight * day.others.right / day.others.judged for day in sampled)
    if not found + in_peace:
        return NOTHING, 0.0
    low, high = 1.0, 1.0
    if sampled:
        effective = weight**2 / sum(day.weight**2 / day.others.judged for day in sampled)
        low, high = _bounds(effective * in_peace / weight, effective)
    lowest, _ = _bounds(found, found + weight * high)
    _, highest = _bounds(found, found + weight * low)
    right_trays = found + in_peace
    return Share(found / right_trays, lowest, highest), right_trays


def _day(tally: Tally) -> _Day:
    def stratum(drawn: DrawnAs) -> _Stratum:
        audits = tally.of(Counted.AUDIT)
        right = audits.get(audited(drawn.value, VerdictKind.MATCH.value), 0)
        wrong = audits.get(audited(drawn.value, VerdictKind.MISMATCH.value), 0)
        return _Stratum(tally.of(Counted.FRAME).get(drawn.value, 0), right + wrong, right)

    return _Day(stratum(DrawnAs.RED), stratum(DrawnAs.RANDOM))


def _stopped(ends: Mapping[str, int]) -> Stopped:
    by_end = {end: ends.get(end.value, 0) for end in ToldEnd}
    count, told = sum(by_end[end] for end in STOPPED), sum(by_end.values())
    return Stopped(count=count, told=told, share=Share.of(count, told), ends=by_end)


def _checked(orders: Mapping[str, int]) -> Checked:
    decided, everything = orders.get(DECIDED, 0), sum(orders.values())
    reasons = Counter({why: n for why, n in orders.items() if why != DECIDED})
    return Checked(
        decided=decided, orders=everything, share=Share.of(decided, everything), reasons=dict(reasons.most_common())
    )


def _bounds(hits: float, total: float) -> tuple[float, float]:
    """The interval of Clopper and Pearson for numbers that need not be whole."""
    from scipy.special import betaincinv  # here: it takes long to load, and the agent must start fast

    low = 0.0 if hits <= 0 else float(betaincinv(hits, total - hits + 1, TAIL))
    high = 1.0 if hits >= total else float(betaincinv(hits + 1, total - hits, 1 - TAIL))
    return low, high
