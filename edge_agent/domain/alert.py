"""A mismatch that people are told of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from edge_agent.domain.matching import CheckedLine, LineResult
from edge_agent.domain.order import OrderKey


class Severity(str, Enum):
    """How loud: something missing or wrong sounds, a mere surplus is a notice."""

    CRITICAL = "critical"
    NOTICE = "notice"


class Resolution(str, Enum):
    """Why an alert ended."""

    FIXED = "fixed"
    SYSTEM_WRONG = "system_wrong"
    ACCEPTED = "accepted"
    TRAY_LEFT = "tray_left"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert: `late` if the tray was already leaving, `swapped` only if a marker or a person named the order."""

    alert_id: str
    session_id: str
    orders: tuple[OrderKey, ...]
    lines: tuple[CheckedLine, ...]
    raised_at_s: float
    late: bool = False
    swapped: bool = False

    @property
    def severity(self) -> Severity:
        return severity_of(self.lines)


def severity_of(lines: tuple[CheckedLine, ...]) -> Severity:
    """Critical if anything is missing (an item in the place of another is missing too), else a notice."""
    missing = any(line.result is LineResult.MISSING for line in lines)
    return Severity.CRITICAL if missing else Severity.NOTICE


def in_words(faults: Iterable[CheckedLine]) -> str:
    """What is wrong, in one phrase: "fries missing, 2 cola too many"."""
    phrases = []
    for line in faults:
        number = f"{line.off_by} " if line.off_by > 1 else ""
        phrases.append(f"{number}{line.name} {'missing' if line.result is LineResult.MISSING else 'too many'}")
    return ", ".join(phrases)
