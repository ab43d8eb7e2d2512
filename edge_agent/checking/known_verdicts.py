"""What was found of a tray against each order, remembered while neither changes.

With many orders that is most of the work, and it is asked for with every frame and every order that comes.
"""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.domain.association import Candidate, Judged, judged
from edge_agent.domain.contents import Contents
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import OrderKey


class KnownVerdicts:
    """The verdicts on one tray."""

    def __init__(self) -> None:
        self._menu: Menu | None = None
        self._shown: tuple[object, ...] = ()
        self._known: dict[OrderKey, Judged] = {}

    def on(self, menu: Menu, contents: Contents) -> Callable[[Candidate], Judged]:
        """Holds these contents against one order at a time, as `association.judged` does."""
        shown = _what_counts(contents)
        if menu is not self._menu or shown != self._shown:
            self._menu, self._shown, self._known = menu, shown, {}
        known = self._known

        def judged_on(candidate: Candidate) -> Judged:
            before = known.get(candidate.order.key)
            if before is None or before.candidate != candidate:
                before = known[candidate.order.key] = judged(menu, contents, candidate)
            return before

        return judged_on


def _what_counts(contents: Contents) -> tuple[object, ...]:
    """All of the contents that a verdict depends on: not the confidence, which changes with every frame."""
    counts = ((c.class_name, c.surely, c.possibly, c.likely, c.doubt) for c in contents.counts)
    return (*counts, contents.unclear, contents.overlooked)
