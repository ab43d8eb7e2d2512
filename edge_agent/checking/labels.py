"""What training may learn from a tray of the store, or why nothing. Pure: values in, a value out.

A label says how many of each class lay on the tray. Somebody must have said so: an auditor who looked at the pictures
without the verdict, or the crew at the pass. What the checker found by itself is no label: a model that learns from its
own verdicts learns its own mistakes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from edge_agent.checking.scoring import by_class
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import MOST_OF_A_CLASS
from edge_agent.domain.matching import VerdictKind, signature
from edge_agent.domain.menu import Menu, NotChecked, wanted
from edge_agent.domain.order import Order
from edge_agent.domain.record import Audit, AuditAnswer, StoredAlert, StoredCheck, StoredSession

Judged = Mapping[int, Sequence[Order | None]]
"""Per check the snapshots that it was reached by; None where the store never had one (`EventHistory.judged`)."""


class LabelKind(str, Enum):
    """Who said what lay on the tray; the best first."""

    AUDITED = "audited"
    SYSTEM_WRONG = "system_wrong"
    CONFIRMED = "confirmed"
    FIXED = "fixed"
    ACCEPTED = "accepted"


class NoLabel(str, Enum):
    """Why a tray teaches nothing."""

    SYSTEM_ONLY = "only the system said so"
    UNANSWERED = "an alert that nobody answered"
    NOT_SEEN_PUT_RIGHT = "fixed, but not seen after that"
    NOT_GONE = "the tray has not left"
    CANNOT_TELL = "the auditor could not tell"
    AUDIT_NOT_ON_MENU = "the auditor named something that the menu does not know by its looks"
    TEST_ORDER = "a test order"
    NO_ORDER = "no order"
    ORDER_NOT_KEPT = "an order of which only the number is known"
    ORDER_GUESSED = "the order was only the nearest"
    PART_OF_ORDER = "an order on several trays"
    UNKNOWN_SKU = "an item that the menu does not know"
    HIDDEN = "a hidden item that looks like something"
    ELSEWHERE = "an item handed elsewhere that may stand on the tray"
    CHOICE = "a choice between items that look different"
    NOT_COUNTED = "an item that is only present or absent"
    NOTHING_VISIBLE = "nothing that the camera can see"
    TOO_MANY = "more pieces than a tray can hold"
    NO_PICTURE = "no picture left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What lay on one tray, and the pictures that show it.

    Attributes:
        contents: pieces by detector class; a class that is not named does not lie there.
        pictures: names below the store's folder of pictures, oldest first, at least one.
        orders: the snapshots of the tray; the contents are what they want, unless an auditor said otherwise.
    """

    kind: LabelKind
    contents: Mapping[str, int]
    pictures: tuple[str, ...]
    orders: tuple[Order, ...] = ()

    @property
    def hard(self) -> bool:
        """Whether the model is known to have been wrong here."""
        return self.kind is LabelKind.SYSTEM_WRONG


@dataclass(frozen=True, slots=True)
class _Word:
    """What the crew said, and the checks whose tray it was said about, the first one first."""

    kind: LabelKind
    checks: tuple[StoredCheck, ...]


_BY_ANSWER = {Resolution.SYSTEM_WRONG: LabelKind.SYSTEM_WRONG, Resolution.ACCEPTED: LabelKind.ACCEPTED}
"""Answers by which the crew says that the tray was right as it lay."""


def label_of(session: StoredSession, judged: Judged, menu: Menu) -> Label | NoLabel:
    """The label of one tray. The last blind audit goes before all that was said at the pass.

    Args:
        session: the tray's whole story.
        judged: the snapshots of its checks.
        menu: today's menu; it may know by its looks what the menu of that day did not.
    """
    if any(order is not None and order.test for check in session.checks for order in judged.get(check.check_id, ())):
        return NoLabel.TEST_ORDER
    audits = [stored.audit for stored in session.audits if stored.audit.answer is not AuditAnswer.SKIPPED]
    if audits:
        return _audited(session, audits[-1], judged, menu)
    word = _word(session)
    return word if isinstance(word, NoLabel) else _by_order(session, word, judged, menu)


def counts_wanted(menu: Menu, orders: Sequence[Order]) -> dict[str, int] | NoLabel:
    """How many of each class lie on a tray that is exactly what its orders want, where they say so of every class.

    Several orders on one tray add up; look-alikes share a class; voided lines want nothing. A modifier that the menu
    does not map changes nothing that the camera counts, for that is what the menu's modifiers are for. An item that
    looks like something but may be there or not (hidden, handed elsewhere, a choice, present or absent, unknown to the
    menu) leaves a class open, and one open class spoils the label: training would call a piece of it background.
    """
    counts: Counter[str] = Counter()
    for want in wanted(menu, *orders):
        if want.left_to_crew is NotChecked.UNKNOWN_SKU:
            return NoLabel.UNKNOWN_SKU
        if want.left_to_crew is not None:
            if want.classes:
                return NoLabel.HIDDEN if want.left_to_crew is NotChecked.HIDDEN else NoLabel.ELSEWHERE
            continue
        if len(want.classes) > 1:
            return NoLabel.CHOICE
        (name,) = want.classes
        if not menu.counts_pieces(name):
            return NoLabel.NOT_COUNTED
        counts[name] += want.quantity
    return dict(counts) if counts else NoLabel.NOTHING_VISIBLE


def _audited(session: StoredSession, audit: Audit, judged: Judged, menu: Menu) -> Label | NoLabel:
    """The auditor's contents, of the very pictures that he was shown."""
    if audit.answer is AuditAnswer.CANNOT_TELL:
        return NoLabel.CANNOT_TELL
    told = by_class(menu, {name: count for name, count in audit.contents.items() if count})
    unseen = {name for name in told if name not in menu.classes}
    if any((item := menu.find(name)) is None or item.any_of or item.contains for name in unseen):
        return NoLabel.AUDIT_NOT_ON_MENU
    shown = [check for check in session.checks if check.check_id == audit.check_id]
    snapshots = [order for check in shown for order in judged.get(check.check_id, ())]
    orders = tuple(order for order in snapshots if order is not None and order.parts == 1)
    return _label(
        LabelKind.AUDITED,
        {name: count for name, count in told.items() if name not in unseen},
        shown,
        orders if len(orders) == len(snapshots) else (),
    )


def _word(session: StoredSession) -> _Word | NoLabel:
    """The last that the crew said about the tray, if nothing that happened afterwards puts it in doubt."""
    if session.left_at_s is None:
        return NoLabel.NOT_GONE
    looks = [check for check in session.checks if not check.reached.late]
    alert = session.alerts[-1] if session.alerts else None
    named = {stored.confirmation.check_id for stored in session.confirmations}
    confirmed = next((place for place in reversed(range(len(looks))) if looks[place].check_id in named), None)
    if confirmed is not None and (alert is None or looks[confirmed].reached.at_s > alert.alert.raised_at_s):
        return _Word(LabelKind.CONFIRMED, (looks[confirmed], *_not_wrong(looks[confirmed + 1 :])))
    if alert is None:
        return NoLabel.SYSTEM_ONLY
    return _answered(session, alert, looks)


def _answered(session: StoredSession, alert: StoredAlert, looks: Sequence[StoredCheck]) -> _Word | NoLabel:
    """What the answer to the tray's last alert says."""
    if alert.resolution is Resolution.FIXED:
        told = _told_fixed(session)
        return NoLabel.SYSTEM_ONLY if told is None else _put_right(session, told, looks)
    kind = _BY_ANSWER.get(alert.resolution) if alert.by_staff and alert.resolution else None
    if kind is None:
        return NoLabel.UNANSWERED
    before = [place for place, look in enumerate(looks) if look.reached.at_s <= alert.alert.raised_at_s]
    if not before or looks[before[-1]].reached.orders != alert.alert.orders:
        return NoLabel.NO_ORDER
    if looks[before[-1]].reached.association is Association.NEAREST:
        return NoLabel.ORDER_GUESSED  # "wrong" may well mean that it was another order
    wrong = signature(alert.alert.lines)
    later = looks[before[-1] + 1 :]
    same = [look for look in later if look in _not_wrong(later) or signature(look.reached.verdict.faults) == wrong]
    return _Word(kind, (looks[before[-1]], *same))


def _told_fixed(session: StoredSession) -> StoredAlert | None:
    """The alert that the crew called fixed: the last one, or an earlier one that the last one only repeated.

    Whoever answers before the camera sees the tray put right is told once more, and then the checker ends that alert.
    """
    last = session.alerts[-1].alert
    return next(
        (
            stored
            for stored in reversed(session.alerts)
            if stored.by_staff
            and stored.resolution is Resolution.FIXED
            and (stored.alert.orders, signature(stored.alert.lines)) == (last.orders, signature(last.lines))
        ),
        None,
    )


def _put_right(session: StoredSession, fixed: StoredAlert, looks: Sequence[StoredCheck]) -> _Word | NoLabel:
    """The checks after the answer on which the tray was right: those that say so, and the last one if in doubt.

    An earlier one in doubt may be of the moment before the missing thing was put there.
    """
    if fixed.resolved_at_s is None or fixed.resolved_run != session.run_id:
        return NoLabel.NOT_SEEN_PUT_RIGHT  # another run's time is of another clock: nobody can tell what came after
    later = _not_wrong([look for look in looks if look.reached.at_s > fixed.resolved_at_s])
    own = [look for look in later if look.reached.orders == fixed.alert.orders]
    right = [look for look in own if look.reached.verdict.kind is VerdictKind.MATCH or look is looks[-1]]
    return _Word(LabelKind.FIXED, tuple(right)) if right else NoLabel.NOT_SEEN_PUT_RIGHT


def _by_order(session: StoredSession, word: _Word, judged: Judged, menu: Menu) -> Label | NoLabel:
    """What the orders want, of the pictures on which the crew called the tray right."""
    first = word.checks[0]
    snapshots = tuple(judged.get(first.check_id, ()))
    if not first.reached.orders:
        return NoLabel.NO_ORDER
    orders = tuple(order for order in snapshots if order is not None)
    if len(orders) < len(first.reached.orders):
        return NoLabel.ORDER_NOT_KEPT
    if any(order.parts > 1 for order in orders):
        return NoLabel.PART_OF_ORDER
    counts = counts_wanted(menu, orders)
    if isinstance(counts, NoLabel):
        return counts
    # A tray that was away for a moment may have come back with something else on it.
    alike = word.checks[:1] if session.resumed else word.checks
    return _label(
        word.kind, counts, [check for check in alike if tuple(judged.get(check.check_id, ())) == snapshots], orders
    )


def _label(
    kind: LabelKind, contents: dict[str, int], checks: Sequence[StoredCheck], orders: tuple[Order, ...]
) -> Label | NoLabel:
    if any(count > MOST_OF_A_CLASS for count in contents.values()):
        return NoLabel.TOO_MANY
    pictures = tuple(name for check in checks for name in check.pictures)
    return Label(kind=kind, contents=contents, pictures=pictures, orders=orders) if pictures else NoLabel.NO_PICTURE


def _not_wrong(checks: Sequence[StoredCheck]) -> list[StoredCheck]:
    """Without those that the checker called wrong after a person had called the tray right: something changed."""
    return [check for check in checks if check.reached.verdict.kind is not VerdictKind.MISMATCH]
