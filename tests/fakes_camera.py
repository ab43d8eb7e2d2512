"""Handwritten cameras, clocks and waits: capture is tested without a camera and without a sleep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np

from edge_agent.errors import CameraError
from edge_agent.ports import LiveFrame

PICTURE = np.full((48, 64, 3), 90, dtype=np.uint8)


@dataclass
class HandClock:
    """A Clock that a test sets by hand."""

    now_s: float = 100.0

    def now_utc(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, tz=timezone.utc)

    def monotonic_s(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Time passes while one sleeps, and only then."""
        self.now_s += seconds


@dataclass
class ScriptedCamera:
    """A LiveSource that opens, reads and fails as told; when its script is over it waits for `release`, as a hang does.

    An entry of the script is an error to raise on open (if first), a frame's time, or an error to raise on read.
    """

    script: Iterable[float | CameraError]
    opens: CameraError | None = None
    release: threading.Event = field(default_factory=threading.Event)
    hanging: threading.Event = field(default_factory=threading.Event)
    closed: int = 0

    def __post_init__(self) -> None:
        self._script = iter(self.script)

    def open(self) -> None:
        if self.opens is not None:
            raise self.opens

    def read(self) -> LiveFrame:
        step = next(self._script, None)
        if step is None:
            self.hanging.set()
            self.release.wait(30)
            return LiveFrame(PICTURE, 0.0)
        if isinstance(step, CameraError):
            raise step
        return LiveFrame(PICTURE, step)

    def close(self) -> None:
        self.closed += 1


@dataclass
class RecordedWaits:
    """Waits that end at once and are written down; after `most` of them the thread is told to end."""

    most: int
    waits: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, stop: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        if len(self.waits) >= self.most:
            self.over.set()
            return True
        return stop.is_set()


def cameras(*made: ScriptedCamera) -> Callable[[], ScriptedCamera]:
    """Gives one camera after the other, the last one for ever after."""
    left = list(made)
    return lambda: left.pop(0) if len(left) > 1 else left[0]
