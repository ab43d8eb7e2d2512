"""What is counted of trays and orders, by time: the ground on which the numbers for the manager stand.

Every count is of trays, alerts or orders, never of persons. Trays with a test order on them are counted nowhere, nor is
a tray that never lay still, nor one that still lies there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

NO_TRAY = "no_tray"
PARTS = "parts"
NOTHING_VISIBLE = "nothing_visible"
DECIDED = "decided"


class Counted(str, Enum):
    """What a count is of; what its items are is said at each.

    Attributes:
        TRAY: a tray, by its last verdict (`TrayVerdict`), at the time of that.
        LATENCY: a tray, by how long its first verdict took from the moment it lay still: the lower edge, in
            milliseconds, of a bin of `bin_width_ms`.
        FRAME: a tray that a blind audit may draw (it has an order, or had an alert), by `DrawnAs`.
        AUDIT: a tray of the frame that was audited, by what it was drawn as and what was found (`audited`).
        ALERT: an alert, by its severity, or `SHADOW` where nobody was told, at the time it was raised.
        TOLD: a tray that people were told of, by how that ended (`ToldEnd`), at the time of its first alert.
        FORGOTTEN: a tray on which something was missing, by the name of that, at the time of its alert; not where a
            person or an audit said that the system was wrong.
        ORDER: an order that was handed out or expired, by `DECIDED` where every visible line of its last tray was
            decided, or else by why not: a `Doubt`, `unknown_sku`, `NO_TRAY` (none was known to be its), `PARTS` (not
            all of its trays came), `NOTHING_VISIBLE`. At the time when it came.
    """

    TRAY = "tray"
    LATENCY = "latency"
    FRAME = "frame"
    AUDIT = "audit"
    ALERT = "alert"
    TOLD = "told"
    FORGOTTEN = "forgotten"
    ORDER = "order"


SHADOW = "shadow"
"""The item of an alert of which nobody was told."""


class TrayVerdict(str, Enum):
    """The last verdict on a tray; `WHICH_ORDER` and `NO_ORDER` where it could be held against no order."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNSURE = "unsure"
    WHICH_ORDER = "which_order"
    NO_ORDER = "no_order"


class ToldEnd(str, Enum):
    """What became of a tray that people were told of; the first that applies.

    Attributes:
        FALSE_AUDIT: a blind audit found that the tray was right.
        FIXED_CREW: put right before it left, says the crew: it answered *fixed*, or called a later verdict right.
        FIXED_AUDIT: put right before it left, as the checker saw, and a blind audit found that it had been wrong.
        FIXED_SEEN: put right before it left, as the checker saw; nobody confirmed it.
        SYSTEM_WRONG: the crew answered that the system was wrong.
        ACCEPTED: the crew took the tray as it was.
        OPEN: nothing has ended it yet.
        LATE: people were told only when the tray was already moving.
        LEFT: it left as it was, or with a mismatch in spite of an answer.
        OTHER: its order was cancelled or changed.
    """

    FALSE_AUDIT = "false_audit"
    FIXED_CREW = "fixed_crew"
    FIXED_AUDIT = "fixed_audit"
    FIXED_SEEN = "fixed_seen"
    SYSTEM_WRONG = "system_wrong"
    ACCEPTED = "accepted"
    OPEN = "open"
    LATE = "late"
    LEFT = "left"
    OTHER = "other"


class Grouped(str, Enum):
    """How counts are put together: all in one, by business day, or by local hour of the day."""

    WHOLE = "whole"
    DAY = "day"
    HOUR = "hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of one day, of one hour of the day (0 to 23, of all days together), or of the whole.

    Attributes:
        key: `2026-01-31`, `0` to `23`, or empty.
        counts: by what is counted, then by item; what does not stand here is 0.
    """

    key: str
    counts: Mapping[Counted, Mapping[str, int]]

    def of(self, counted: Counted) -> Mapping[str, int]:
        """The counts of one kind by item."""
        return self.counts.get(counted, {})


def bin_ms(took_ms: int) -> int:
    """The lower edge of the bin of a latency, 50 ms wide below a second, 100 ms below five, else a second; to 60 s."""
    took_ms = min(max(took_ms, 0), LAST_BIN_MS)
    width_ms = bin_width_ms(took_ms)
    return took_ms // width_ms * width_ms


def bin_width_ms(lower_ms: int) -> int:
    """How wide the bin is that begins there."""
    return next(width for below, width in BINS_MS if lower_ms < below)


LAST_BIN_MS = 60_000
BINS_MS = ((1_000, 50), (5_000, 100), (LAST_BIN_MS + 1, 1_000))
"""Up to where, and how wide: a twentieth of a second in the range of the budget (a verdict within 1.0 s)."""


def audited(drawn: str, found: str | None) -> str:
    """The item of `Counted.AUDIT`: `red:match` is a false alarm, `random:match` a right tray left in peace."""
    return f"{drawn}:{found or UNJUDGED}"


UNJUDGED = "unjudged"
"""The auditor could not tell, or his answer cannot be held against the order."""
