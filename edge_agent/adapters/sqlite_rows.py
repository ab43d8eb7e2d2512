"""Domain events as rows. Runs inside the writer's transaction; knows no thread and begins or ends nothing."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from edge_agent.adapters.picture_folder import SavedPicture
from edge_agent.adapters.sqlite_json import (
    contents_to_text,
    lines_to_text,
    order_to_text,
    sighting_to_text,
    skus_to_text,
)
from edge_agent.adapters.sqlite_tallies import WORDS_OF_ALERT, WORDS_OF_CHECK, Recount
from edge_agent.domain.detection import Sighting
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderIgnored,
    OrderMoved,
    SessionResumed,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.order import OrderKey, OrderState
from edge_agent.domain.record import Run

_log = logging.getLogger(__name__)

TELL_RAISED = (
    "INSERT INTO outbox (alert_row, step, station, at)"
    " SELECT a.id, 'raised', coalesce(p.station, r.station), ? FROM alerts AS a JOIN runs AS r ON r.id = a.run_id"
    " JOIN sessions AS s ON s.id = a.session_row"
    " LEFT JOIN run_slots AS p ON p.run_id = a.run_id AND p.slot_id = s.slot_id"
    " WHERE a.id = ? AND r.tells = 1"
)
TELL_RESOLVED = (
    "INSERT INTO outbox (alert_row, step, station, at)"
    " SELECT alert_row, 'resolved', station, ? FROM outbox WHERE alert_row = ? AND step = 'raised'"
)
"""Whoever was told that an alert was raised is told of its end, also where the run that ends it tells nobody."""


@dataclass(slots=True, kw_only=True)
class EventRows:
    """Writes the events of one run that were handed over at one moment. `settle` ends it."""

    connection: sqlite3.Connection
    run_id: int
    recorded_at: str
    monotonic_s: float
    check_ids: list[int] = field(default_factory=list)
    to_tell: int = 0
    recount: Recount = field(init=False)

    def __post_init__(self) -> None:
        self.recount = Recount(self.connection)

    def settle(self) -> None:
        """Bring the counts up to date with all that was written. Raises sqlite3.Error."""
        self.recount.settle()

    def write(self, event: Event) -> None:  # noqa: C901 - one case per event
        """Store one event. What it refers to and the store never heard of is stored too, as far as it is known.

        Raises:
            sqlite3.Error: the database refused.
        """
        match event:
            case OrderAccepted():
                self._accept(event)
            case OrderIgnored():
                pass  # it changed nothing
            case OrderMoved():
                self._move(event)
            case SessionStarted():
                self._session(event.session_id, slot_id=event.slot_id, arrived_s=event.at_s)
            case SessionResumed():
                self._resume(event)
            case TraySettled():
                self._settle(event)
            case VerdictReached():
                self._check(event)
            case TrayLeft():
                self._leave(event)
            case AlertRaised():
                self._raise(event)
            case AlertResolved():
                self._resolve(event)

    def picture(
        self,
        session_id: str,
        at_s: float,
        saved: SavedPicture | None,
        *,
        lost: str = "",
        sighting: Sighting | None = None,
    ) -> None:
        """A picture of a session, as evidence for its latest check; or that one could not be kept, and why."""
        session = self._session(session_id, arrived_s=at_s, counts=False)
        self._insert(
            "evidence",
            session_row=session,
            check_id=self._latest_check(session),
            at_s=at_s,
            path=saved.name if saved else None,
            bytes=saved.bytes if saved else 0,
            sha256=saved.sha256 if saved else "",
            recorded_at=self.recorded_at,
            removed_at=None if saved else self.recorded_at,
            removed_because=None if saved else lost,
            sighting=sighting_to_text(sighting) if saved and sighting else None,
        )

    def _accept(self, event: OrderAccepted) -> None:
        order = event.order
        row = self._order(order.key)
        # A new revision leaves an order of this run that lies before the camera there; else it waits (again).
        # Another run's checker starts without knowing any order, so for it the order is open.
        self.connection.execute(
            "UPDATE orders SET state = CASE WHEN state = ? AND run_id = ? THEN state ELSE ? END, run_id = ?,"
            " revision_row = ?, display_number = ?, channel = ?, test = ?, updated_at = ? WHERE id = ?",
            (
                OrderState.PRESENTED.value,
                self.run_id,
                OrderState.OPEN.value,
                self.run_id,
                self._revision(event, row),
                order.display_number,
                order.channel,
                order.test,
                self.recorded_at,
                row,
            ),
        )

    def _revision(self, event: OrderAccepted, order_row: int) -> int:
        """The row of the snapshot; one that repeats the current one (after a restart, in a replay) is not added."""
        snapshot = order_to_text(event.order)
        known = self.connection.execute(
            "SELECT r.id, r.snapshot FROM orders AS o JOIN order_revisions AS r ON r.id = o.revision_row"
            " WHERE o.id = ?",
            (order_row,),
        ).fetchone()
        if known is not None and known[1] == snapshot:
            return int(known[0])
        return self._insert(
            "order_revisions",
            order_row=order_row,
            run_id=self.run_id,
            revision=event.order.revision,
            snapshot=snapshot,
            at_s=event.at_s,
            recorded_at=self.recorded_at,
            monotonic_s=self.monotonic_s,
        )

    def _move(self, event: OrderMoved) -> None:
        row, state = self._order(event.key), event.state.value
        self._insert(
            "order_moves",
            order_row=row,
            run_id=self.run_id,
            state=state,
            at_s=event.at_s,
            recorded_at=self.recorded_at,
        )
        self.connection.execute(
            "UPDATE orders SET state = ?, run_id = ?, updated_at = ? WHERE id = ?",
            (state, self.run_id, self.recorded_at, row),
        )

    def _resume(self, event: SessionResumed) -> None:
        session = self._session(event.session_id, arrived_s=event.at_s)
        self.connection.execute(
            "UPDATE sessions SET resumed = resumed + 1, left_at_s = NULL, last_seen_s = NULL WHERE id = ?", (session,)
        )
        self._clear_final(session)

    def _settle(self, event: TraySettled) -> None:
        session = self._session(event.session_id, arrived_s=event.still_since_s)
        self.connection.execute(
            "UPDATE sessions SET settled_at_s = coalesce(settled_at_s, ?), still_since_s = ? WHERE id = ?",
            (event.at_s, event.still_since_s, session),
        )

    def _check(self, event: VerdictReached) -> None:
        session = self._session(event.session_id, slot_id=event.slot_id, arrived_s=event.still_since_s)
        check_id = self._insert(
            "checks",
            run_id=self.run_id,
            session_row=session,
            verdict=event.verdict.kind.value,
            association=event.association.value,
            late=event.late,
            allergy=event.verdict.allergy,
            at_s=event.at_s,
            still_since_s=event.still_since_s,
            contents=contents_to_text(event.contents),
            recorded_at=self.recorded_at,
            monotonic_s=self.monotonic_s,
        )
        self.check_ids.append(check_id)
        for position, line in enumerate(event.verdict.lines):
            self._insert(
                "check_lines",
                check_id=check_id,
                position=position,
                skus=skus_to_text(line.skus),
                name=line.name,
                expected=line.expected,
                seen=line.seen,
                result=line.result.value,
                off_by=line.off_by,
                reason=line.reason,
            )
        self.connection.executemany(
            "INSERT INTO check_orders (order_row, check_id, position, revision_row)"
            " VALUES (?, ?, ?, (SELECT revision_row FROM orders WHERE id = ?))",
            [(row, check_id, n, row) for n, row in enumerate(map(self._order, event.orders))],
        )
        self.connection.execute(WORDS_OF_CHECK, (check_id,))
        if event.late:
            self._finalise(session)  # the tray had left: this is its last word

    def _leave(self, event: TrayLeft) -> None:
        session = self._session(event.session_id, slot_id=event.slot_id, arrived_s=event.arrived_s)
        self.connection.execute(
            "UPDATE sessions SET arrived_s = ?, last_seen_s = ?, left_at_s = ? WHERE id = ?",
            (event.arrived_s, event.last_seen_s, event.at_s, session),
        )
        # `final` says what the session's last verdict said; only a tray that never lay still has had none.
        if self._latest_check(session) is None:
            self._check(event.final)
        self._finalise(session)

    def _finalise(self, session: int) -> None:
        self._clear_final(session)
        self.connection.execute("UPDATE checks SET is_final = 1 WHERE id = ?", (self._latest_check(session),))

    def _clear_final(self, session: int) -> None:
        self.connection.execute("UPDATE checks SET is_final = 0 WHERE session_row = ? AND is_final = 1", (session,))

    def _raise(self, event: AlertRaised) -> None:
        alert = event.alert
        session = self._session(alert.session_id, arrived_s=alert.raised_at_s)
        row = self._insert(
            "alerts",
            run_id=self.run_id,
            alert_id=alert.alert_id,
            session_row=session,
            check_id=self._latest_check(session),
            severity=alert.severity.value,
            late=alert.late,
            swapped=alert.swapped,
            sounds=event.sounds,
            lines=lines_to_text(alert.lines),
            raised_at_s=alert.raised_at_s,
            recorded_at=self.recorded_at,
            monotonic_s=self.monotonic_s,
        )
        for position, order in enumerate(map(self._order, alert.orders)):
            self._insert("alert_orders", order_row=order, alert_row=row, position=position)
        self.connection.execute(WORDS_OF_ALERT, (row,))
        self._tell(TELL_RAISED, row)

    def _resolve(self, event: AlertResolved) -> None:
        """End the alert of this run; or, if it raised none of this name, the newest of an earlier one: it adopted that.

        Names repeat between runs, so an alert of this run that has ended already must not end a stranger.
        """
        found = self.connection.execute(
            "SELECT id, session_row FROM alerts WHERE resolution IS NULL AND id ="
            " (SELECT id FROM alerts WHERE alert_id = ? AND (resolution IS NULL OR run_id = ?)"
            " ORDER BY run_id = ? DESC, id DESC LIMIT 1)",
            (event.alert_id, self.run_id, self.run_id),
        ).fetchone()
        if found is None:
            _log.warning("run %d resolved the alert '%s', which is not open", self.run_id, event.alert_id)
            return
        row, session = found
        self.recount.session(session)
        self.connection.execute(
            "UPDATE alerts SET resolution = ?, resolved_at_s = ?, resolved_at = ?, resolved_run = ?, by_staff = ?"
            " WHERE id = ?",
            (event.resolution.value, event.at_s, self.recorded_at, self.run_id, event.by_staff, row),
        )
        self._tell(TELL_RESOLVED, row)

    def _tell(self, sql: str, alert_row: int) -> None:
        """Put a step of an alert into the outbox, where people are told of it: in the alert's own transaction."""
        self.to_tell += self.connection.execute(sql, (self.recorded_at, alert_row)).rowcount

    def _order(self, key: OrderKey) -> int:
        """The row of an order, which is about to change.

        It is made if the store never heard of it: a verdict on it must not be lost for that.
        """
        found = self.connection.execute(
            "SELECT id FROM orders WHERE source = ? AND business_day = ? AND order_id = ?",
            (key.source, key.business_day, key.order_id),
        ).fetchone()
        if found is not None:
            self.recount.order(int(found[0]))
            return int(found[0])
        row = self._insert(
            "orders",
            source=key.source,
            business_day=key.business_day,
            order_id=key.order_id,
            state=OrderState.OPEN.value,
            run_id=self.run_id,
            recorded_at=self.recorded_at,
            updated_at=self.recorded_at,
        )
        self.recount.new_order(row)
        return row

    def _session(self, session_id: str, *, slot_id: str = "", arrived_s: float, counts: bool = True) -> int:
        """The row of a session of this run, made if it is new; it is about to change in a way that `counts`."""
        found = self.connection.execute(
            "SELECT id FROM sessions WHERE run_id = ? AND session_id = ?", (self.run_id, session_id)
        ).fetchone()
        if found is not None:
            if counts:
                self.recount.session(int(found[0]))
            return int(found[0])
        row = self._insert(
            "sessions",
            run_id=self.run_id,
            session_id=session_id,
            slot_id=slot_id,
            arrived_s=arrived_s,
            recorded_at=self.recorded_at,
        )
        self.recount.new_session(row)
        return row

    def _latest_check(self, session: int) -> int | None:
        (latest,) = self.connection.execute("SELECT max(id) FROM checks WHERE session_row = ?", (session,)).fetchone()
        return None if latest is None else int(latest)

    def _insert(self, table: str, **values: object) -> int:
        return insert(self.connection, table, **values)


def write_run(connection: sqlite3.Connection, run: Run, started: Mapping[str, object]) -> int:
    """Add a row for a run, with its slots, and return its number.

    Raises:
        sqlite3.Error: the database refused.
    """
    plain = {field.name: getattr(run, field.name) for field in fields(run) if field.name != "slots"}
    number = insert(connection, "runs", **plain, **started)
    for slot_id, station in run.slots.items():
        insert(connection, "run_slots", run_id=number, slot_id=slot_id, station=station)
    return number


def write_delivered(connection: sqlite3.Connection, seqs: Sequence[int], delivered_at: str) -> None:
    """Mark rows of the outbox as delivered; the first time stands. Raises sqlite3.Error."""
    connection.execute(
        "UPDATE outbox SET delivered_at = ? WHERE delivered_at IS NULL AND seq IN (SELECT value FROM json_each(?))",
        (delivered_at, json.dumps(list(seqs))),
    )


def insert(connection: sqlite3.Connection, table: str, **values: object) -> int:
    """Add a row and return its number. Table and columns are names in our code; only the values come from outside."""
    places = ", ".join("?" * len(values))
    sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"  # noqa: S608 - see the docstring
    return connection.execute(sql, tuple(values.values())).lastrowid or 0
