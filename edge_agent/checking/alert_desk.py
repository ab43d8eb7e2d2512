"""Decide when people are told of a mismatch, and when that is over. One desk per tray session."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.checking.policy import Policy, StationKind
from edge_agent.domain.alert import Alert, Resolution, Severity
from edge_agent.domain.events import AlertRaised, AlertResolved, Event, VerdictReached
from edge_agent.domain.matching import VerdictKind, signature
from edge_agent.domain.order import OrderKey

TOLERANCE_S = 1e-6

REMEMBERED_SOUNDS = 256
"""So many things that sounded once do not sound again: far more than are open at a time, and the memory is bounded."""

Wrong = tuple[tuple[OrderKey, ...], tuple[tuple[str, str], ...]]
"""What an alert is about: the orders, and which lines are wrong in what way."""


@dataclass(slots=True)
class AlertDesk:
    """The alerts of one tray session.

    `told` is shared by all sessions: what an order's crew has heard already does not sound again.
    """

    session_id: str
    policy: Policy
    told: dict[Wrong, None]
    alert: Alert | None = None
    _standing: tuple[VerdictKind, Wrong | None] | None = None
    _since_s: float = 0.0
    _answered: set[Wrong] = field(default_factory=set)
    _raised: int = 0
    _said: tuple[Resolution, float] | None = None

    def look(
        self, reached: VerdictReached, now_s: float, *, swapped: bool = False, bumped: bool = False
    ) -> tuple[Event, ...]:
        """Take in the verdict as it stands now; called for every settled frame."""
        wrong = _what_is_wrong(reached)
        if (reached.verdict.kind, wrong) != self._standing:
            self._standing, self._since_s = (reached.verdict.kind, wrong), now_s
        stood_s = now_s - self._since_s + TOLERANCE_S
        if wrong is None:
            put_right = reached.verdict.kind is VerdictKind.MATCH and stood_s >= self.policy.clear_after_s
            return self._clear(reached, now_s) if put_right else ()
        if stood_s < self._patience_s() and not bumped:
            return ()
        return self._raise(reached, wrong, now_s, swapped=swapped, late=False)

    def close(self, reached: VerdictReached, now_s: float) -> tuple[Event, ...]:
        """The tray is gone: a mismatch nobody was told of is told now, late; an open alert ends."""
        wrong = _what_is_wrong(reached)
        raised = self._raise(reached, wrong, now_s, swapped=False, late=True) if wrong is not None else ()
        self._standing = None
        matched = reached.verdict.kind is VerdictKind.MATCH
        return raised + (self._clear(reached, now_s) if matched else self.resolve(Resolution.TRAY_LEFT, now_s))

    def _clear(self, reached: VerdictReached, now_s: float) -> tuple[Event, ...]:
        """Nothing is wrong any more. That counts as put right only for the order that the alert was about."""
        same = self.alert is not None and self.alert.orders == reached.orders
        return self.resolve(Resolution.FIXED if same else Resolution.SUPERSEDED, now_s)

    def answer(self, resolution: Resolution, now_s: float, *, take_back_s: float) -> None:
        """A person answers the open alert, and may take that back for so long; then `wait` ends it.

        Whatever else would end the alert before that ends it with this answer: a tray that is handed out within these
        seconds must not lose what was said of it.
        """
        self._said = (resolution, now_s + take_back_s)

    def take_back(self) -> bool:
        """The answer was a slip; says whether there was one that could still be taken back."""
        was_said, self._said = self._said is not None, None
        return was_said

    def wait(self, now_s: float) -> tuple[Event, ...]:
        """Time passes: an answer that nobody took back holds."""
        if self._said is None or now_s < self._said[1]:
            return ()
        return self.resolve(self._said[0], now_s, by_staff=True)

    def resolve(self, resolution: Resolution, now_s: float, *, by_staff: bool = False) -> tuple[Event, ...]:
        """End the open alert, if there is one; what a person answered is not raised again for this tray."""
        if self._said is not None and not by_staff:
            resolution, by_staff = self._said[0], True
        self._said = None
        if self.alert is None:
            return ()
        if resolution in (Resolution.SYSTEM_WRONG, Resolution.ACCEPTED):
            self._answered.add(what_was_told(self.alert))
        ended = AlertResolved(at_s=now_s, alert_id=self.alert.alert_id, resolution=resolution, by_staff=by_staff)
        self.alert = None
        return (ended,)

    def _patience_s(self) -> float:
        return self.policy.alert_after_s if self.policy.kind is StationKind.HANDOUT else self.policy.dwell_s

    def _raise(
        self, reached: VerdictReached, wrong: Wrong, now_s: float, *, swapped: bool, late: bool
    ) -> tuple[Event, ...]:
        if wrong in self._answered:
            return ()
        superseded: tuple[Event, ...] = ()
        if self.alert is not None:
            if what_was_told(self.alert) == wrong:
                return ()
            superseded = self.resolve(Resolution.SUPERSEDED, now_s)
        self._raised += 1
        self.alert = Alert(
            alert_id=f"{self.session_id}-alert-{self._raised}",
            session_id=self.session_id,
            orders=reached.orders,
            lines=reached.verdict.faults,
            raised_at_s=now_s,
            late=late,
            swapped=swapped,
        )
        sounds = self.alert.severity is Severity.CRITICAL and wrong not in self.told and not late
        if sounds:
            self.told[wrong] = None
        while len(self.told) > REMEMBERED_SOUNDS:
            del self.told[next(iter(self.told))]
        return (*superseded, AlertRaised(at_s=now_s, alert=self.alert, sounds=sounds))


def what_was_told(alert: Alert) -> Wrong:
    """What an alert is about, as the verdict that led to it was."""
    return (alert.orders, signature(alert.lines))


def _what_is_wrong(reached: VerdictReached) -> Wrong | None:
    """What an alert would be about, in a form that can be compared; None where nothing is wrong beyond doubt."""
    if reached.verdict.kind is not VerdictKind.MISMATCH or not reached.orders:
        return None
    return (reached.orders, signature(reached.verdict.faults))
