"""Events for the store's tests, from plain values."""

from __future__ import annotations

from edge_agent.domain.alert import Alert
from edge_agent.domain.association import Association
from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.events import AlertRaised, OrderAccepted, TrayLeft, VerdictReached
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderLine

JPEG = b"\xff\xd8 not quite a picture \xff\xd9"

OK_LINE = CheckedLine(skus=("plate",), name="Plate", expected=1, seen=1, result=LineResult.OK)
MISSING_LINE = CheckedLine(
    skus=("fries|s", "fries,l"),
    name="Pommes ½ \N{FRENCH FRIES}",
    expected=2,
    seen=1,
    result=LineResult.MISSING,
    off_by=1,
)
UNSURE_LINE = CheckedLine(
    skus=("cola",), name="Cola", expected=1, seen=0, result=LineResult.UNSURE, reason=Doubt.COVERED.value
)

SEEN = Contents(
    (
        ClassCount.exactly("plate", 1),
        ClassCount(class_name="cup", surely=0, likely=1, possibly=2, confidence=0.1 + 0.2, doubt=Doubt.COVERED),
    ),
    unclear=Doubt.TOO_FEW_FRAMES,
)


def order(order_id: str = "A-1", *, revision: int = 1, sku: str = "plate", day: str = "2026-01-31") -> Order:
    return Order(
        order_id=order_id,
        business_day=day,
        revision=revision,
        display_number="42",
        notes="no nuts",
        lines=(OrderLine(sku=sku, quantity=2, modifiers=("no onions",), children=(OrderLine(sku="cola"),)),),
    )


def accepted(order_id: str = "A-1", *, at_s: float = 0.0, revision: int = 1, sku: str = "plate") -> OrderAccepted:
    return OrderAccepted(at_s=at_s, order=order(order_id, revision=revision, sku=sku))


def key(order_id: str = "A-1") -> OrderKey:
    return order(order_id).key


def reached(
    session_id: str = "left-0001",
    *,
    at_s: float = 2.0,
    kind: VerdictKind = VerdictKind.MISMATCH,
    orders: tuple[OrderKey, ...] | None = None,
    lines: tuple[CheckedLine, ...] = (OK_LINE, MISSING_LINE, UNSURE_LINE),
    late: bool = False,
) -> VerdictReached:
    return VerdictReached(
        at_s=at_s,
        slot_id="left",
        session_id=session_id,
        still_since_s=1.5,
        orders=(key(),) if orders is None else orders,
        association=Association.ONLY,
        verdict=Verdict(kind=kind, lines=lines, allergy=True),
        contents=SEEN,
        late=late,
    )


def left(final: VerdictReached, *, at_s: float = 9.0) -> TrayLeft:
    return TrayLeft(
        at_s=at_s,
        slot_id=final.slot_id,
        session_id=final.session_id,
        arrived_s=1.0,
        last_seen_s=at_s - 0.5,
        final=final,
    )


def raised(alert_id: str = "left-0001-alert-1", *, session_id: str = "left-0001", at_s: float = 3.0) -> AlertRaised:
    alert = Alert(
        alert_id=alert_id, session_id=session_id, orders=(key(),), lines=(MISSING_LINE,), raised_at_s=at_s, swapped=True
    )
    return AlertRaised(at_s=at_s, alert=alert, sounds=True)
