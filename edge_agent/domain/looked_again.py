"""A tray of before, looked at once more."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.domain.detection import Detection
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAgain:
    """One tray whose kept picture was looked at once more.

    Attributes:
        check_id: the check that the picture belongs to.
        recorded_at: when that was (UTC, ISO 8601).
        orders: the snapshots that the tray was judged by.
        seen: every thing that the detector reports on the picture; what only covers things is left out.
        truth: what a blind audit found; None where nobody audited the tray, or could not tell.
    """

    check_id: int
    recorded_at: str
    orders: tuple[Order, ...]
    seen: tuple[Detection, ...]
    truth: VerdictKind | None = None
