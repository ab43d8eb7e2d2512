"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom


@dataclass(slots=True, kw_only=True)
class Backoff:
    """Waits that double from `first_s` to `longest_s`, each drawn from its upper half.

    The jitter keeps four cameras behind one switch from coming back at the same moment, again and again.

    Attributes:
        first_s: the first wait, before jitter.
        longest_s: no wait is longer.
        draw: gives a number from 0 to 1.
        failures: how many there were in a row.
    """

    first_s: float = 1.0
    longest_s: float = 30.0
    draw: Callable[[], float] = SystemRandom().random
    failures: int = 0

    def next_s(self) -> float:
        """The wait after one more failure."""
        full_s = min(self.first_s * 2.0 ** min(self.failures, 32), self.longest_s)
        self.failures += 1
        return full_s * (1 + self.draw()) / 2

    def reset(self) -> None:
        """It worked: the next failure is a first one."""
        self.failures = 0
