"""How a share is written wherever people read it: three digits, and the interval in brackets.

Always from the full number: a share that was rounded to four digits first, as `--json` has it, may come out one apart.
"""

from __future__ import annotations

from edge_agent.checking.scoring import Share

NOT_MEASURED = "not measured"


def in_digits(value: float | None) -> str:
    """A share of 0 to 1 with three digits, such as `0.904`."""
    return NOT_MEASURED if value is None else f"{value:.3f}"


def with_interval(share: Share) -> str:
    """A share and its 95 % interval, such as `0.904 [0.826, 0.955]`."""
    if share.value is None or share.low is None or share.high is None:
        return NOT_MEASURED
    return f"{in_digits(share.value)} {interval(share)}"


def interval(share: Share) -> str:
    """The interval alone, such as `[0.826, 0.955]`; empty where nothing was measured."""
    if share.low is None or share.high is None:
        return ""
    return f"[{in_digits(share.low)}, {in_digits(share.high)}]"
