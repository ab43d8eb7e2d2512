"""What keeps what happened, and reads it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_agent.domain.detection import Sighting
from edge_agent.domain.events import Event
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order, OrderKey, OrderState
from edge_agent.domain.record import (
    Audit,
    Confirmation,
    Recorded,
    Run,
    StoredAlert,
    StoredAudit,
    StoredCheck,
    StoredOrder,
    StoredRun,
    StoredSession,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A picture, as JPEG, that shows the tray of a session at stream time `at_s`; only the slot, the rest masked.

    `sighting` says what was seen in it; None where that is not known.
    """

    session_id: str
    at_s: float
    jpeg: bytes
    sighting: Sighting | None = None


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

    def audit(self, audit: Audit) -> int:
        """Keep what a blind look found; returns its number, committed on return.

        Raises:
            StoreBusy: too much is waiting already, or the store is closed.
            StoreError: the session is not known, the check is none of it, or the database refused.
        """
        ...

    def confirm(self, confirmation: Confirmation) -> int:
        """Keep that somebody of the staff called a tray right; returns its number, committed on return.

        Raises:
            StoreBusy: too much is waiting already, or the store is closed.
            StoreError: the check is none of the session, or the database refused.
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

    def sessions(self, *, limit: int = 50, before: int | None = None, since: str = "") -> tuple[StoredSession, ...]:
        """The trays with their whole stories; those stored at or after `since` (UTC, ISO 8601, or a day of it)."""
        ...

    def judged(self, check_ids: Sequence[int]) -> dict[int, tuple[Order | None, ...]]:
        """The snapshots that checks were reached by, in the order of the check's orders; None where there was none."""
        ...

    def audits(self, *, limit: int = 50, before: int | None = None) -> tuple[StoredAudit, ...]:
        """What blind looks found."""
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
