"""What was measured of the running agent, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DECIDED_MS, LOST_SHARE = 1_500.0, 0.05
"""The budget of DESIGN, section 8, for four stations; and the share of pictures that may be dropped or too old."""


SO = f"p95 up to {DECIDED_MS:.0f} ms, {LOST_SHARE:.0%} of the pictures lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What so many stations cost that play the recording.

    Attributes:
        core_share: CPU, in cores.
        resident_mb: memory.
        decided_ms: p95 from still to the first verdict, inside; None where no tray came to one.
        dropped_share, stale_share: pictures that nobody took in time, and that were too old to be checked.
    """

    core_share: float
    resident_mb: float
    decided_ms: float | None
    dropped_share: float
    stale_share: float

    @property
    def is_sustained(self) -> bool:
        """Whether the verdicts come in time and hardly a picture is lost."""
        lost = self.dropped_share + self.stale_share
        return self.decided_ms is not None and self.decided_ms <= DECIDED_MS and lost <= LOST_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeasured:
    """What the running agent costs and how fast it is; milliseconds, shares of one core, megabytes.

    Attributes:
        verdict_ms, alert_ms: from the moment the tray lies still to the message at a subscriber, p50 and p95.
        trays, alerts: how many of each these rest on.
        idle_core_share: CPU of one station whose counter is empty.
        loads: by number of stations that play the recording.
        answer_ms, first_verdict_ms: from the start of the process to the first answer of its API, and to the first
            verdict on a tray that lies there already.
        cores: how many the agent could use.
    """

    verdict_ms: tuple[float, float] | None
    alert_ms: tuple[float, float] | None
    trays: int
    alerts: int
    idle_core_share: float
    loads: Mapping[int, Load]
    answer_ms: float
    first_verdict_ms: float
    cores: int

    @property
    def sustained(self) -> int:
        """How many stations it keeps up with, of those numbers that were tried."""
        return max((number for number, load in self.loads.items() if load.is_sustained), default=0)

    def as_json(self) -> dict[str, Any]:
        """The object that `bench --live --json` prints."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "loads"}
        loads = {
            str(number): {name: getattr(load, name) for name in load.__slots__} for number, load in self.loads.items()
        }
        return {**plain, "loads": loads, "sustained": self.sustained}

    def as_lines(self) -> list[str]:
        """For people."""
        tried = ", ".join(str(number) for number in self.loads)
        return [
            f"tray still -> verdict at a subscriber: {_pair(self.verdict_ms)} ({self.trays} trays; budget p95 1000)",
            f"tray still -> alert at a subscriber: {_pair(self.alert_ms)} ({self.alerts} alerts, each after 700 ms)",
            f"idle station (empty counter, 10 pictures a second): {self.idle_core_share:.1%} of one core (budget 5 %)",
            f"start of the process -> first verdict: {self.first_verdict_ms:.0f} ms (budget 3000)",
            f"start of the process -> first answer of the API: {self.answer_ms:.0f} ms",
            *(self._line_of(number, load) for number, load in self.loads.items()),
            f"stations sustained on {self.cores} core(s): {self.sustained} of {tried} (budget 4 on two cores; {SO})",
        ]

    def _line_of(self, number: int, load: Load) -> str:
        budget_mb = 350 + 60 * (number - 1)
        took = "not measured" if load.decided_ms is None else f"{load.decided_ms:.0f} ms"
        return (
            f"{number} station(s) that play the recording: {load.resident_mb:.0f} MB (budget {budget_mb}), "
            f"{load.core_share:.0%} of one core, {load.dropped_share:.1%} of the pictures dropped, "
            f"{load.stale_share:.1%} too old, still -> verdict p95 {took} (budget {DECIDED_MS:.0f})"
        )


def _pair(values: tuple[float, float] | None) -> str:
    return "not measured" if values is None else f"p50 {values[0]:.0f} ms, p95 {values[1]:.0f} ms"
