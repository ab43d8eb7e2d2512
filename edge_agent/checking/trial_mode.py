"""May the trial (shadow mode) end? What the blind audit must have shown, and of which settings it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edge_agent.checking.honest_numbers import read_numbers
from edge_agent.domain.business_day import Span
from edge_agent.domain.record import StoredRun
from edge_agent.ports import Reporting

ENOUGH_RIGHT = 300
"""So many trays must have been audited and found right: with none of them alarmed, the rate is below about one in
seventy beyond reasonable doubt; with fewer trays nothing can be said that an operator could build on."""

MOST_FALSE = 0.03
"""The upper end of the interval of false alarms per right tray must not lie above this: three per hundred at worst."""

LONGEST = timedelta(days=60)
"""What is older says little about the kitchen of today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialProgress:
    """How far the trial is.

    Attributes:
        since: from when on trays count: what was before was another model, or another position of the slider.
        audited_right: trays that were audited and found right.
        rate, low, high: false alarms per right tray with the 95 % interval, 0 to 1; None where not measured.
    """

    since: datetime
    audited_right: int
    rate: float | None
    low: float | None
    high: float | None

    @property
    def is_long_enough(self) -> bool:
        return self.audited_right >= ENOUGH_RIGHT

    @property
    def is_good_enough(self) -> bool:
        return self.high is not None and self.high <= MOST_FALSE

    @property
    def may_end(self) -> bool:
        """Whether the numbers say that people may be told."""
        return self.is_long_enough and self.is_good_enough


def same_since(runs: Sequence[StoredRun], slider_at: datetime | None, now: datetime) -> datetime:
    """Since when the model and the slider are what they are now, and `LONGEST` at most.

    Args:
        runs: the newest first; the first one is that of now.
        slider_at: when the slider was moved last.
        now: the wall time.
    """
    began = now
    for stored in runs:
        if stored.run.model_sha256 != runs[0].run.model_sha256:
            break
        began = min(began, datetime.fromisoformat(stored.started_at))
    return max(began, now - LONGEST, *([slider_at] if slider_at is not None and slider_at <= now else []))


def trial_progress(reporting: Reporting, since: datetime, now: datetime) -> TrialProgress:
    """What the audits say of the trays since then.

    Raises:
        StoreError: the database does not answer.
    """
    nothing = TrialProgress(since=since, audited_right=0, rate=None, low=None, high=None)
    if since >= now:
        return nothing
    alarms = read_numbers(reporting, Span(since=since, until=now)).false_alarms
    if alarms is None:
        return nothing
    share = alarms.rate
    return replace(nothing, audited_right=alarms.audited_right, rate=share.value, low=share.low, high=share.high)
