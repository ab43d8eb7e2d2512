"""The alerts that an earlier life of the agent left open, until a tray takes them up or nothing does."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.events import AlertResolved
from edge_agent.domain.order import OrderKey

ADOPT_S = 30.0
"""After a restart a tray that still lies there is settled and judged well within this time."""


@dataclass(slots=True)
class _Open:
    """One alert; `until_s` is when it is given up, once its slot was seen."""

    alert: Alert
    slot_id: str
    until_s: float | None = None


class LeftOpen:
    """What is open since before the agent was started."""

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def add(self, alert: Alert, slot_id: str) -> None:
        """An alert, and the slot that its tray lay in."""
        self._open.append(_Open(alert, slot_id))

    def take_up(self, orders: tuple[OrderKey, ...]) -> Alert | None:
        """The alert about exactly these orders, which goes on with the tray that was found to be theirs."""
        for each in self._open:
            if orders and each.alert.orders == orders:
                self._open.remove(each)
                return each.alert
        return None

    def end_order(self, key: OrderKey, how: Resolution, at_s: float) -> tuple[AlertResolved, ...]:
        """The order changed, or was taken back."""
        return self._end(lambda each: key in each.alert.orders, how, at_s)

    def answer(self, alert_id: str, how: Resolution, at_s: float) -> tuple[AlertResolved, ...]:
        """A person answers."""
        return self._end(lambda each: each.alert.alert_id == alert_id, how, at_s, by_staff=True)

    def saw(self, seen: Collection[str], at_s: float, *, slots: Collection[str]) -> tuple[AlertResolved, ...]:
        """Some slots were seen: what no tray took up for long enough is over, and what has no slot any more."""
        for each in self._open:
            if each.until_s is None and (each.slot_id in seen or each.slot_id not in slots):
                each.until_s = at_s + ADOPT_S
        return self._end(lambda each: each.until_s is not None and each.until_s <= at_s, Resolution.TRAY_LEFT, at_s)

    def _end(
        self, which: Callable[[_Open], bool], how: Resolution, at_s: float, *, by_staff: bool = False
    ) -> tuple[AlertResolved, ...]:
        ended = [each for each in self._open if which(each)]
        self._open = [each for each in self._open if each not in ended]
        return tuple(
            AlertResolved(at_s=at_s, alert_id=each.alert.alert_id, resolution=how, by_staff=by_staff) for each in ended
        )
