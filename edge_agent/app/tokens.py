"""Put together what keeps tokens."""

from __future__ import annotations

from pathlib import Path

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.token_file import TokenFile


def open_tokens(path: Path) -> TokenFile:
    """The tokens in a file; it need not exist."""
    return TokenFile(path=path, clock=SystemClock())
