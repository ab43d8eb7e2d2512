"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

OnStep = Callable[[int, int], None]
"""Told how many of how many are done."""


OnWork = Callable[[str], OnStep]
"""Told what begins; gives what is to be called with every step of it."""


def nobody_looks(done: int, total: int) -> None:
    """The listener where nobody asked."""
    del done, total
