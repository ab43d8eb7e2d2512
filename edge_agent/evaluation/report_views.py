"""What the report's templates show, made from what was replayed: values with every word already chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_agent.checking.scoring import WRONG_SHARES, Outcome, Scores, Share
from edge_agent.domain.alert import Alert
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderLine
from edge_agent.evaluation.red_precision import red_precision
from edge_agent.evaluation.replay import Replayed
from edge_agent.evaluation.report_charts import IntervalBar, Moment, Spell, TimelineLine, timeline
from edge_agent.evaluation.trays import Held, TrayRecord
from edge_agent.evaluation.wording import (
    LINE_SIGNS,
    NO_ORDER,
    NOT_FOUND,
    OUTCOME_PHRASES,
    OUTCOME_SIGNS,
    VERDICT_SIGNS,
    Sign,
    association_phrase,
    headline,
    reason_phrase,
    sign_of,
    things,
    verdict_headline,
)
from edge_agent.formats.recordings import TrayTruth


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """One of the numbers that decide."""

    title: str
    hits: int
    total: int
    of_what: str
    high_is_good: bool
    share: Share
    bar: IntervalBar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of a verdict."""

    sign: Sign
    name: str
    expected: int
    seen: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthView:
    """What really lay there, and what the verdict was worth."""

    phrase: str
    wrong: bool
    contents: str
    outcome: Sign
    outcome_phrase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrayView:
    """One tray session as a row of the report."""

    anchor: str
    session_id: str
    slot_id: str
    numbers: str
    sign: Sign
    headline: str
    association: str
    lines: tuple[LineView, ...]
    seen: str
    alerts: tuple[str, ...]
    times: tuple[tuple[str, str], ...]
    arrived_s: float
    picture: str | None
    truth: TruthView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as the till sent it."""

    number: str
    note: str
    lines: tuple[str, ...]


def rate_cards(scores: Scores) -> tuple[RateCard, ...]:
    """The four shares of DESIGN section 6."""
    wrong, right, rates = scores.wrong, scores.right, scores.rates

    def card(title: str, key: str, hits: int, total: int, of_what: str, *, high_is_good: bool) -> RateCard:
        share = rates[key]
        return RateCard(
            title=title,
            hits=hits,
            total=total,
            of_what=of_what,
            high_is_good=high_is_good,
            share=share,
            bar=IntervalBar.of(share),
        )

    return (
        card("Caught", "caught", wrong[Outcome.CAUGHT], wrong.total(), "wrong orders", high_is_good=True),
        card("Escaped", "escaped", wrong[Outcome.ESCAPED], wrong.total(), "wrong orders", high_is_good=False),
        card(
            "False alarms", "false_alarm", right[Outcome.FALSE_ALARM], right.total(), "right orders", high_is_good=False
        ),
        card("Called right", "right_match", right[Outcome.MATCH], right.total(), "right orders", high_is_good=True),
    )


def score_rows(scores: Scores) -> tuple[tuple[str, str], ...]:
    """The scores as pairs of a name and a value."""
    values = scores.as_json()

    def counts(key: str) -> str:
        total, *rest = values[key].items()
        return f"{total[1]}: " + " · ".join(f"{n} {name.replace('_', ' ')}" for name, n in rest)

    def seconds(key: str) -> str:
        p50, p95 = values[key]["p50"], values[key]["p95"]
        return "not measured" if p50 is None else f"median {p50:.2f} s · 95 % within {p95:.2f} s"

    precision = " · ".join(
        f"{share_phrase(red_precision(scores, share))} where {percent(share)} of the orders are wrong"
        for share in WRONG_SHARES
    )
    return (
        ("Wrong orders", counts("wrong_orders")),
        ("Right orders", counts("right_orders")),
        ("Trays without an order", counts("no_order")),
        ("Lines judged exactly", share_phrase(Share.of(scores.exact_lines, scores.lines))),
        ("A red is right", precision if scores.wrong.total() and scores.right.total() else "not measured"),
        ("Tray still → verdict", seconds("verdict_latency_s")),
        ("Alert → tray leaves", seconds("alert_lead_s")),
    )


def percent(value: float | None) -> str:
    """A share as whole per cent; what was not measured is never zero."""
    return "not measured" if value is None else f"{100 * value:.0f} %"


def share_phrase(share: Share) -> str:
    """A share with its interval in words."""
    if share.value is None or share.low is None or share.high is None:
        return "not measured"
    return f"{100 * share.value:.1f} % (95 % interval: {100 * share.low:.0f} to {100 * share.high:.0f} %)"


def line_views(verdict: Verdict) -> tuple[LineView, ...]:
    """The lines of a verdict, what is wrong first."""
    ranks = [LineResult.MISSING, LineResult.EXTRA, LineResult.UNSURE, LineResult.OK, LineResult.NOT_CHECKED]
    return tuple(_line_view(line) for line in sorted(verdict.lines, key=lambda line: ranks.index(line.result)))


def _line_view(line: CheckedLine) -> LineView:
    return LineView(
        sign=LINE_SIGNS[line.result],
        name=line.name or line.sku,
        expected=line.expected,
        seen="–" if line.result is LineResult.NOT_CHECKED else str(line.seen),  # noqa: RUF001
        reason=reason_phrase(line),
    )


def tray_views(replayed: Replayed, held: Sequence[Held], evidence: Mapping[str, str]) -> tuple[TrayView, ...]:
    """A row per session, in the order of their coming."""
    by_session = {h.tray.session_id: h for h in held if h.tray is not None}
    numbers = {order.key: order.number for order in replayed.orders}
    views = []
    for place, tray in enumerate(replayed.trays, start=1):
        reached = tray.reached
        keys = reached.orders if reached else ()
        views.append(
            TrayView(
                anchor=f"tray-{place}",
                session_id=tray.session_id,
                slot_id=tray.slot_id,
                numbers=" + ".join(f"#{numbers.get(key, key.order_id)}" for key in keys),
                sign=sign_of(reached),
                headline=headline(reached),
                association=association_phrase(reached),
                lines=line_views(reached.verdict) if reached else (),
                seen=things(reached.contents.likely) if reached else "nothing",
                alerts=tuple(_alert_phrase(alert, tray.left_s) for alert in tray.alerts),
                times=_times(tray),
                arrived_s=tray.arrived_s,
                picture=evidence.get(tray.session_id),
                truth=_truth_view(by_session.get(tray.session_id), numbers_of(replayed)),
            )
        )
    return tuple(views)


def numbers_of(replayed: Replayed) -> dict[str, str]:
    """Order id → what the crew calls it."""
    return {order.order_id: order.number for order in replayed.orders}


def truth_views(held: Sequence[Held], numbers: Mapping[str, str]) -> tuple[tuple[str, TruthView], ...]:
    """The true trays that no session was found for: when they lay there, and what they were."""
    lost = ((h.truth, _truth_view(h, numbers)) for h in held if h.tray is None)
    return tuple((f"{true.enter_s:.1f} to {true.leave_s:.1f} s", view) for true, view in lost if true and view)


def _truth_view(held: Held | None, numbers: Mapping[str, str]) -> TruthView | None:
    if held is None:
        return None
    true, check = held.truth, held.check
    wrong = check.truth is not None and check.truth.kind is VerdictKind.MISMATCH
    if true is None:
        phrase = "no tray is known to have lain here at this time"
    elif true.order_id is None:
        phrase = "nobody's tray"
    else:
        number = numbers.get(true.order_id, true.order_id)
        fault = "" if check.truth is None else verdict_headline(check.truth) if wrong else "as ordered"
        phrase = f"#{number}: {fault or 'the till never sent this order'}"
        if wrong and true.was is not None:
            phrase += f", put right at {true.was.until_s:.1f} s"
    return TruthView(
        phrase=phrase,
        wrong=wrong,
        contents=things(true.contents) if true is not None else "",
        outcome=OUTCOME_SIGNS[check.outcome],
        outcome_phrase=_outcome_phrase(held),
    )


def _outcome_phrase(held: Held) -> str:
    if held.tray is None:
        return "no tray was noticed"
    if held.check.truth is None and held.check.outcome is Outcome.FALSE_ALARM:
        return "nobody's tray was called wrong"
    return OUTCOME_PHRASES[held.check.outcome]


def _alert_phrase(alert: Alert, left_s: float | None) -> str:
    lead = (
        "" if left_s is None or alert.late else f", {max(0.0, left_s - alert.raised_at_s):.1f} s before the tray left"
    )
    late = ", late: the tray was already leaving" if alert.late else ""
    swapped = ", swapped with another order" if alert.swapped else ""
    return f"{alert.severity.value} alert at {alert.raised_at_s:.1f} s{lead}{late}{swapped}"


def _times(tray: TrayRecord) -> tuple[tuple[str, str], ...]:
    moments = (
        ("came", tray.arrived_s),
        ("lay still", tray.settled_s),
        ("verdict", tray.first_verdict_s),
        ("left", tray.left_s),
    )
    return tuple((name, "never" if at_s is None else f"{at_s:.1f} s") for name, at_s in moments)


def orders_without_tray(replayed: Replayed) -> tuple[OrderView, ...]:
    """The orders that no session was taken for."""
    taken = {key for tray in replayed.trays if tray.reached for key in tray.reached.orders}
    cancelled = {event.cancel for event in replayed.recording.orders if event.cancel is not None}
    bumped = {event.ready for event in replayed.recording.orders if event.ready is not None}

    def note(order: Order) -> str:
        if cancelled & {order.order_id, str(order.key)}:
            return "cancelled by the till"
        if bumped & {order.order_id, str(order.key)}:
            return "handed out by the crew, without a tray before the camera"
        return "no tray was found for it"

    return tuple(
        OrderView(number=order.number, note=note(order), lines=_order_lines(order.lines))
        for order in replayed.orders
        if order.key not in taken
    )


def _order_lines(lines: Sequence[OrderLine]) -> tuple[str, ...]:
    texts = []
    for line in lines:
        for depth, below in line.walk():
            modifiers = f" ({', '.join(below.modifiers)})" if below.modifiers else ""
            voided = " – voided" if below.voided else ""  # noqa: RUF001
            texts.append(f"{'· ' * (depth - 1)}{below.quantity} {below.name or below.sku}{modifiers}{voided}")
    return tuple(texts)


def replay_timeline(replayed: Replayed, trays: Sequence[TrayView], held: Sequence[Held]) -> tuple[TimelineLine, ...]:
    """The recording at a glance: orders as marks, sessions and true trays as bars."""
    numbers = numbers_of(replayed)
    slots = {tray.slot_id for tray in replayed.trays}
    spells = [
        Spell(
            row=f"Slot {tray.slot_id}" if len(slots) > 1 else "Trays",
            start_s=tray.arrived_s,
            end_s=replayed.duration_s if tray.left_s is None else tray.left_s,
            sign=view.sign,
            label=view.numbers.replace("#", "") or view.sign.word,
            title=f"{view.numbers or 'no order'}: {view.sign.word} {view.headline} ({view.association})",
            href=f"#{view.anchor}",
            moments=_moments(tray),
        )
        for tray, view in zip(replayed.trays, trays, strict=True)
    ]
    spells += [_true_spell(h, h.truth, numbers) for h in held if h.truth is not None]
    return timeline(replayed.duration_s, _arrivals(replayed), spells)


def _moments(tray: TrayRecord) -> tuple[Moment, ...]:
    found = [(tray.settled_s, "settled", "lies still"), (tray.first_verdict_s, "verdict", "first verdict")]
    found += [(alert.raised_at_s, "alert", "late alert" if alert.late else "alert") for alert in tray.alerts]
    return tuple(
        Moment(at_s=at_s, kind=kind, title=f"{title} at {at_s:.1f} s")
        for at_s, kind, title in found
        if at_s is not None
    )


def _true_spell(held: Held, true: TrayTruth, numbers: Mapping[str, str]) -> Spell:
    view = _truth_view(held, numbers)
    label = "no order" if true.order_id is None else numbers.get(true.order_id, true.order_id)
    if held.tray is None:
        sign = NOT_FOUND
    elif held.check.truth is None:
        sign = NO_ORDER
    else:
        sign = VERDICT_SIGNS[VerdictKind.MISMATCH if view is not None and view.wrong else VerdictKind.MATCH]
    title = f"truth: {view.phrase}; on it: {view.contents}" if view else label
    return Spell(row="Truth", start_s=true.enter_s, end_s=true.leave_s, sign=sign, label=label, title=title)


def _arrivals(replayed: Replayed) -> tuple[Moment, ...]:
    moments = []
    for event in replayed.recording.orders:
        if event.order is not None:
            kind, label = "order", event.order.number
        elif event.cancel is not None:
            kind, label = "cancel", event.cancel
        else:
            kind, label = "ready", event.ready or ""
        words = {"order": "order came", "cancel": "cancelled", "ready": "bumped"}[kind]
        moments.append(
            Moment(at_s=event.at_s, kind=kind, label=label, title=f"#{label}: {words} at {event.at_s:.1f} s")
        )
    return tuple(moments)
