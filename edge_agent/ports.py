"""What the checker's surroundings must offer: Protocols that real adapters and the tests' fakes both fulfil."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.domain.detection import Detection
from edge_agent.domain.events import Event
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import Recorded, Run, StoredAlert, StoredCheck, StoredOrder, StoredRun, StoredSession

Picture = npt.NDArray[np.uint8]
"""A picture: shape (height, width, 3), dtype uint8, channels in the order blue, green, red."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source at stream time `at_s` (seconds since the source began, monotonic)."""

    at_s: float
    picture: Picture


class FrameSource(Protocol):
    """Where frames come from."""

    def frames(self) -> Iterator[Frame]:
        """The frames in the order of their time; ends when the source does.

        Raises:
            BadRecording: the source cannot be opened at all.
        """
        ...


class Detector(Protocol):
    """Sees what lies in a picture; never knows the order."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names that it can report."""
        ...

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        """Everything seen with at least the pack's lowest useful score, best first, in pixels of the given picture.

        Raises:
            DetectorError: the model could not be run on the picture.
        """
        ...


class Clock(Protocol):
    """The time outside the checker: asked at the edge only, when something is stored or sent."""

    def now_utc(self) -> datetime:
        """Wall time, aware, in UTC; may jump, and starts in 1970 on a box without a clock."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some moment of this boot; never runs backwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A picture, as JPEG, that shows the tray of a session at stream time `at_s`; only the slot, the rest masked."""

    session_id: str
    at_s: float
    jpeg: bytes


class EventStore(Protocol):
    """Keeps what happened. Safe to call from any thread; what one thread hands over is stored in that order."""

    def begin_run(self, run: Run) -> int:
        """Open a run and return its number; committed on return.

        Raises:
            StoreError: it could not be committed.
        """
        ...

    def end_run(self, run_id: int) -> None:
        """Say that a run ended as it should; committed on return.

        Raises:
            StoreError: it could not be committed.
        """
        ...

    def record(self, run_id: int, events: Sequence[Event], *, evidence: Sequence[Evidence] = ()) -> None:
        """Store events, in their order and all or none, soon. A failure is raised by the next `flush()`, or on closing.

        A picture belongs to the latest verdict of its session, these events included.

        Raises:
            StoreBusy: too much is waiting already, or the store is closed; nothing of this call will be stored.
        """
        ...

    def commit(self, run_id: int, events: Sequence[Event], *, evidence: Sequence[Evidence] = ()) -> Recorded:
        """Like `record`, but on return it is on the disk: the way for orders, since accepted means committed.

        Raises:
            StoreBusy: too much is waiting already, or the store is closed.
            StoreError: the database refused; nothing of this call is stored.
        """
        ...

    def flush(self) -> None:
        """Wait until all that was recorded before is on the disk.

        Raises:
            StoreError: something recorded since the last flush could not be stored.
        """
        ...


class EventHistory(Protocol):
    """Reads what was stored, as of the last commit. Lists begin with the newest; `before` continues one after a number.

    All of its methods raise StoreError where the database does not answer.
    """

    def runs(self, *, limit: int = 50, before: int | None = None) -> tuple[StoredRun, ...]:
        """The runs."""
        ...

    def checks(
        self,
        *,
        limit: int = 50,
        before: int | None = None,
        run_id: int | None = None,
        order: OrderKey | None = None,
        verdict: VerdictKind | None = None,
        final: bool = False,
    ) -> tuple[StoredCheck, ...]:
        """The verdicts; of one run, on one order, of one kind, or only the last of each session."""
        ...

    def session(self, run_id: int, session_id: str) -> StoredSession | None:
        """One tray's whole story."""
        ...

    def orders(
        self, *, limit: int = 50, before: int | None = None, state: OrderState | None = None
    ) -> tuple[StoredOrder, ...]:
        """The orders as they stand; those in one state."""
        ...

    def order(self, key: OrderKey) -> StoredOrder | None:
        """One order as it stands."""
        ...

    def revisions(self, key: OrderKey) -> tuple[Order, ...]:
        """Every accepted snapshot of one order, oldest first."""
        ...

    def alerts(self, *, limit: int = 50, before: int | None = None, open_only: bool = False) -> tuple[StoredAlert, ...]:
        """The alerts; only those that nothing has ended yet."""
        ...
