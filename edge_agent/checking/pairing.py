"""Which order a tray is, among those that wait and beside the other trays that lie there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edge_agent.checking.open_orders import WAITING, OpenOrders
from edge_agent.checking.station import Station
from edge_agent.checking.tray_session import TraySession
from edge_agent.domain.association import Associated, Association, Candidate, associate
from edge_agent.domain.contents import Contents, added
from edge_agent.domain.menu import Menu


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Finds the orders of trays. What it is given is the checker's, and changes under it.

    Attributes:
        orders: those of the till.
        sessions: the trays that lie there, by slot.
        stations: by their ids.
        at: the station of each slot.
    """

    orders: OpenOrders
    sessions: Mapping[str, TraySession]
    stations: Mapping[str, Station]
    at: Mapping[str, Station]

    def find(self, slot_id: str, contents: Contents, menu: Menu, *, markers: Iterable[str]) -> Associated:
        """The order of the tray in a slot, and the verdict on it; `markers` are the texts of the tags seen there."""
        session = self.sessions[slot_id]
        marked = tuple(dict.fromkeys(key for text in markers if (key := self.orders.find(text))))
        told = [key for key in session.assigned or marked if self.orders.state_of(key) in WAITING]
        return associate(
            menu,
            contents,
            self._candidates(slot_id),
            told=[self._beside(slot_id, self.orders.candidate(key)) for key in told],
            told_by=Association.ASSIGNED if session.assigned else Association.MARKER,
            rule=self.at[slot_id].policy.association,
            current=session.orders[0] if session.orders else None,
            judged_on=session.known.on(menu, contents),
        )

    def fits_another(self, slot_id: str, contents: Contents, menu: Menu) -> bool:
        """Whether the tray fits an order that waits, whatever it was said to be."""
        return associate(menu, contents, self._candidates(slot_id)).how is Association.EXACT

    def _candidates(self, slot_id: str) -> list[Candidate]:
        """The orders that the tray may belong to: not those whose last tray lies in another slot for certain."""
        claimed = Counter(
            key for other, session in self.sessions.items() if other != slot_id for key in session.certain_orders
        )
        station = self.at[slot_id]
        found = []
        for key, candidate in self.orders.candidates():
            if not station.takes(candidate.order, known=self.stations):
                continue
            if key not in claimed:
                found.append(candidate)
            elif candidate.parts_before + claimed[key] < candidate.order.parts:
                found.append(self._beside(slot_id, candidate))
        return found

    def _beside(self, slot_id: str, candidate: Candidate) -> Candidate:
        """Trays of one order may lie side by side: what came before this one counts as gone before it."""
        arrived_s, key = self.sessions[slot_id].arrived_s, candidate.order.key
        earlier = [
            session.reached.contents
            for other, session in self.sessions.items()
            if key in session.certain_orders and (session.arrived_s, other) < (arrived_s, slot_id)
        ][: candidate.order.parts - 1 - candidate.parts_before]
        if not earlier:
            return candidate
        return replace(
            candidate, before=added([candidate.before, *earlier]), parts_before=candidate.parts_before + len(earlier)
        )
