"""How the running agent comes to its end."""

from __future__ import annotations

import threading


class Ending:
    """Whether only a new process helps, and why."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.why = ""

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def begin_anew(self) -> None:
        """Somebody wants a new process, and all is well. Any thread may say so."""
        self._asked.set()

    def give_up(self, why: str) -> None:
        """Any thread may say so."""
        self.why = why
        self._asked.set()
