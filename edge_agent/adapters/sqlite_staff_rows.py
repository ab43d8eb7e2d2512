"""What the staff said, as rows. Runs inside the writer's transaction, like `sqlite_rows`."""

from __future__ import annotations

import sqlite3

from edge_agent.adapters.sqlite_json import counts_to_text
from edge_agent.adapters.sqlite_rows import insert
from edge_agent.adapters.sqlite_tallies import Recount
from edge_agent.domain.record import Audit, Confirmation
from edge_agent.errors import StoreError


def write_audit(connection: sqlite3.Connection, audit: Audit, recorded_at: str) -> int:
    """Add a row for a blind look at the pictures of one check, and return its number.

    Raises:
        StoreError: the session is not known, or the check is none of it.
        sqlite3.Error: the database refused.
    """
    session = _known_session(connection, audit.run_id, audit.session_id)
    recount = Recount(connection)
    recount.session(session)
    number = insert(
        connection,
        "audits",
        run_id=audit.run_id,
        session_row=session,
        check_id=_shown(connection, session) if audit.check_id is None else _own(connection, session, audit.check_id),
        answer=audit.answer.value,
        contents=counts_to_text(audit.contents),
        role=audit.role.value,
        drawn=audit.drawn and audit.drawn.value,
        found=audit.found and audit.found.value,
        recorded_at=recorded_at,
    )
    recount.settle()
    return number


def write_confirmation(connection: sqlite3.Connection, confirmation: Confirmation, recorded_at: str) -> int:
    """Add a row for what the crew said of one check, and return its number.

    Raises:
        StoreError: the session is not known, or the check is none of it.
        sqlite3.Error: the database refused.
    """
    session = _known_session(connection, confirmation.run_id, confirmation.session_id)
    recount = Recount(connection)
    recount.session(session)
    number = insert(
        connection,
        "confirmations",
        run_id=confirmation.run_id,
        session_row=session,
        check_id=_own(connection, session, confirmation.check_id),
        role=confirmation.role.value,
        recorded_at=recorded_at,
    )
    recount.settle()
    return number


def _known_session(connection: sqlite3.Connection, run_id: int, session_id: str) -> int:
    found = connection.execute(
        "SELECT id FROM sessions WHERE run_id = ? AND session_id = ?", (run_id, session_id)
    ).fetchone()
    if found is None:
        raise StoreError(f"run {run_id} had no tray '{session_id}'")
    return int(found[0])


def _own(connection: sqlite3.Connection, session: int, check_id: int) -> int:
    found = connection.execute("SELECT 1 FROM checks WHERE id = ? AND session_row = ?", (check_id, session)).fetchone()
    if found is None:
        raise StoreError(f"check {check_id} is none of that tray")
    return check_id


def _shown(connection: sqlite3.Connection, session: int) -> int | None:
    """The session's latest check with a picture, or without any, its latest check."""
    (shown,) = connection.execute(
        "SELECT coalesce((SELECT max(check_id) FROM evidence WHERE session_row = ?1 AND path IS NOT NULL),"
        " (SELECT max(id) FROM checks WHERE session_row = ?1))",
        (session,),
    ).fetchone()
    return None if shown is None else int(shown)
