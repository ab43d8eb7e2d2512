"""What is kept of what happened: the values that a store gives back. Times ending in `_at` are UTC, in ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import MAX_ID, MAX_LINES, MAX_QUANTITY, Order, OrderKey, OrderState
from edge_agent.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One life of one checker, with one model and one menu; session ids are unique only within it.

    Attributes:
        station: the station it checks.
        source: what it looks at, as people call it: a camera's name or a recording's. Never an address with a password.
        model_sha256: the hash of the very file that ran.
        provider: what the model really ran on.
        boot_id: which boot of the machine the monotonic times belong to; empty where that is not known.
        slots: the station of each slot, where it checks several stations.
        tells: whether people are told of its alerts; not in shadow mode, nor in a replay.
    """

    station: str = ""
    source: str = ""
    model_name: str = ""
    model_version: str = ""
    model_sha256: str = ""
    menu_sha256: str = ""
    agent_version: str = ""
    provider: str = ""
    boot_id: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    tells: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of storing events.

    Attributes:
        check_ids: the numbers that their checks got.
        pictures_lost: how many pictures could not be kept.
        to_tell: how many steps of alerts wait in the outbox because of them.
    """

    check_ids: tuple[int, ...] = ()
    pictures_lost: int = 0
    to_tell: int = 0


class StaffRole(str, Enum):
    """As what somebody said something. Never who: nothing is kept about a person."""

    CREW = "crew"
    MANAGER = "manager"
    ADMIN = "admin"


class AuditAnswer(str, Enum):
    """What came of a blind look: contents, "I cannot tell from these pictures", or no answer at all."""

    TOLD = "told"
    CANNOT_TELL = "cannot_tell"
    SKIPPED = "skipped"


class DrawnAs(str, Enum):
    """Why a tray was shown to an auditor: all trays that had an alert are, and of the others some at random."""

    RED = "red"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Somebody was shown the pictures of one check, without its verdict, and asked what lies on the tray.

    Attributes:
        contents: how many of what, each name a detector class or a SKU; what is not named does not lie there.
        check_id: the check whose pictures were shown; None for the latest of the session that has pictures.
        drawn: how it came to be shown; None where nobody drew it: then it is a label for training, and no number.
        found: what perfect eyes would have said of the tray, by these contents; None where nobody can say.

    Raises:
        BadInput: there are contents, or a finding, beside another answer than `TOLD`, too many of them, or a name or a
            number is out of bounds.
    """

    run_id: int
    session_id: str
    role: StaffRole
    answer: AuditAnswer = AuditAnswer.TOLD
    contents: Mapping[str, int] = field(default_factory=dict)
    check_id: int | None = None
    drawn: DrawnAs | None = None
    found: VerdictKind | None = None

    def __post_init__(self) -> None:
        if self.found and self.answer is not AuditAnswer.TOLD:
            raise BadInput(f"an audit that says '{self.answer.value}' has found nothing")
        if self.contents and self.answer is not AuditAnswer.TOLD:
            raise BadInput(f"an audit that says '{self.answer.value}' can name no contents")
        if len(self.contents) > MAX_LINES:
            raise BadInput(f"an audit names {len(self.contents)} things; at most {MAX_LINES} are taken")
        for name, count in self.contents.items():
            if not 0 < len(name) <= MAX_ID:
                raise BadInput(f"an audit names something in {len(name)} characters; 1 to {MAX_ID} are taken")
            if isinstance(count, bool) or not isinstance(count, int):
                raise BadInput(f"an audit counts {count!r} of '{name}'; that is no whole number")
            if not 0 <= count <= MAX_QUANTITY:
                raise BadInput(f"an audit counts {count} of '{name}'; 0 to {MAX_QUANTITY} are taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Somebody at the pass said of a tray, as it lay at that check, that it is what its orders want."""

    run_id: int
    session_id: str
    check_id: int
    role: StaffRole


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAudit:
    """An audit; its `check_id` is None only where the session has no check at all."""

    number: int
    audit: Audit
    recorded_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConfirmation:
    """A confirmation."""

    number: int
    confirmation: Confirmation
    recorded_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run; `ended_at` stays None where the process was killed."""

    run_id: int
    run: Run
    started_at: str
    ended_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheck:
    """One verdict as it was reached. `final` marks the last one of its session.

    `pictures` are names below the store's folder of pictures, oldest first; those that expired are not among them.
    """

    check_id: int
    run_id: int
    recorded_at: str
    final: bool
    reached: VerdictReached
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """Where an order stands. `order` is its latest accepted snapshot, None where only its key was ever heard of."""

    number: int
    key: OrderKey
    state: OrderState
    order: Order | None
    recorded_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert and, once it ended, why.

    Attributes:
        resolved_at_s: stream time of the run that ended it, which is a later one where the alert was adopted.
        resolved_run: that run; None where it is not known.
        by_staff: whether a person ended it; else the checker did.
    """

    number: int
    run_id: int
    alert: Alert
    sounds: bool
    recorded_at: str
    resolution: Resolution | None = None
    resolved_at_s: float | None = None
    resolved_run: int | None = None
    by_staff: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """The life of one tray, with what was reached, told and said about it, each in its order; times as in `events`.

    `number` rises with time over all runs, and serves as page mark.
    """

    run_id: int
    session_id: str
    slot_id: str
    arrived_s: float
    recorded_at: str
    settled_at_s: float | None = None
    still_since_s: float | None = None
    last_seen_s: float | None = None
    left_at_s: float | None = None
    resumed: int = 0
    number: int = 0
    checks: tuple[StoredCheck, ...] = ()
    alerts: tuple[StoredAlert, ...] = ()
    audits: tuple[StoredAudit, ...] = ()
    confirmations: tuple[StoredConfirmation, ...] = ()
