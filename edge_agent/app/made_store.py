"""Make a store of a given size, for measuring: orders, trays, verdicts and alerts that never happened.

What is in it is made up from a seed, and says so (`runs.source`). It goes through the very code that stores real
events, so that every row, index and count is there. There are no picture files, only their rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random

from edge_agent.adapters.picture_folder import SavedPicture
from edge_agent.adapters.sqlite_migrations import open_migrated
from edge_agent.adapters.sqlite_rows import EventRows, write_run
from edge_agent.adapters.sqlite_staff_rows import write_audit
from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents, Doubt
from edge_agent.domain.events import (
    AlertRaised,
    AlertResolved,
    Event,
    OrderAccepted,
    OrderMoved,
    SessionStarted,
    TrayLeft,
    TraySettled,
    VerdictReached,
)
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.order import Order, OrderLine, OrderState
from edge_agent.domain.record import Audit, DrawnAs, Run, StaffRole
from edge_agent.ports.steps import OnStep, nobody_looks

SOURCE = "made up for measuring"
STATIONS = ("pass", "drive")
CHANNELS = ("counter", "drive", "kiosk", "delivery")
ITEMS = tuple(f"item-{n:02d}" for n in range(40))
DAYS = 400
"""As long as records are kept by default."""

SHADOW_SHARE = 0.05
"""The first days are in shadow mode."""

AUDITED_DAYS = 60
RIGHT_HOURS, ALERT_DAYS = 72, 30
"""Younger pictures are there (defaults of `StoreSettings`)."""

OPENS_H, OPEN_H = 9, 14
A_COMMIT = 500
"""So many trays share a transaction."""

_ENDS = (Resolution.FIXED, Resolution.FIXED, Resolution.FIXED, Resolution.SYSTEM_WRONG, Resolution.TRAY_LEFT)


@dataclass(frozen=True, slots=True)
class _Tray:
    """One made-up tray: when it came, and all that happened to it."""

    number: int
    at: datetime
    events: tuple[Event, ...]
    checks: tuple[VerdictReached, ...]
    is_red: bool
    is_right: bool

    @property
    def session_id(self) -> str:
        return self.checks[0].session_id


def make_store(path: Path, checks: int, *, until: datetime, seed: int = 0, on_step: OnStep = nobody_looks) -> int:
    """Make a database with at least so many checks, spread over the last 400 days; returns how many it has.

    Raises:
        StoreError: the file cannot be written, or is none of the agent's.
    """
    dice = Random(seed)  # noqa: S311  no secret
    with closing(open_migrated(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # what is lost can be made again
        runs = [_run(connection, tells=tells, at=until - timedelta(days=DAYS)) for tells in (False, True)]
        written = 0
        connection.execute("BEGIN")
        for tray in _trays(dice, checks, until):
            tells = until - tray.at < timedelta(days=DAYS * (1 - SHADOW_SHARE))
            written += _write(connection, tray, runs[tells], until, dice)
            if tray.number % A_COMMIT == 0:
                connection.execute("COMMIT")
                connection.execute("BEGIN")
                on_step(min(written, checks), checks)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return written


def _run(connection: sqlite3.Connection, *, tells: bool, at: datetime) -> int:
    run = Run(
        station=", ".join(STATIONS),
        source=SOURCE,
        model_name="canteen",
        model_version="4",
        slots={station: station for station in STATIONS},
        tells=tells,
    )
    return write_run(connection, run, {"started_at": _stamp(at), "started_monotonic_s": 0.0})


def _trays(dice: Random, checks: int, until: datetime) -> Iterator[_Tray]:
    """Trays in the order of their time, until their checks are enough."""
    first = until - timedelta(days=DAYS)
    made, number = 0, 0
    while made < checks:
        number += 1
        share = made / checks * DAYS
        day, part = divmod(share, 1)
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
        at = min(midnight + timedelta(days=day, hours=OPENS_H + OPEN_H * part), until)
        tray = _tray(dice, number, at)
        made += len(tray.checks)
        yield tray


def _tray(dice: Random, number: int, at: datetime) -> _Tray:
    order = _order(dice, number, at)
    begins_s = number * 20.0
    kind = dice.choices(list(VerdictKind), (0.78, 0.06, 0.16))[0]
    is_red = kind is VerdictKind.MISMATCH
    took_s = 0.5 + dice.expovariate(15.0)
    first = _reached(dice, order, number, at_s=begins_s + 1 + took_s, still_since_s=begins_s + 1, kind=kind)
    checks = [first]
    events: list[Event] = [
        OrderAccepted(at_s=begins_s, order=order),
        SessionStarted(at_s=begins_s, slot_id=first.slot_id, session_id=first.session_id),
        TraySettled(at_s=begins_s + 1.5, session_id=first.session_id, still_since_s=begins_s + 1),
        OrderMoved(at_s=begins_s + 1.5, key=order.key, state=OrderState.PRESENTED),
        first,
    ]
    end = dice.choice(_ENDS)
    if is_red:
        events += _alert(dice, first, number, end)
    for again in range(1, dice.choice((1, 2, 3))):
        then = VerdictKind.MATCH if end is Resolution.FIXED or dice.random() < 0.5 else kind  # noqa: PLR2004
        checks.append(_reached(dice, order, number, at_s=first.at_s + 3 * again, still_since_s=begins_s + 1, kind=then))
        events.append(checks[-1])
    if checks[-1].association is Association.ONLY:
        events.append(OrderMoved(at_s=begins_s + 18, key=order.key, state=OrderState.HANDED_OUT))
    events.append(
        TrayLeft(
            at_s=begins_s + 18,
            slot_id=first.slot_id,
            session_id=first.session_id,
            arrived_s=begins_s,
            last_seen_s=begins_s + 17,
            final=checks[-1],
        )
    )
    return _Tray(number, at, tuple(events), tuple(checks), is_red, not is_red or end is Resolution.SYSTEM_WRONG)


def _order(dice: Random, number: int, at: datetime) -> Order:
    skus = dice.sample(ITEMS, dice.choice((2, 3, 3, 4, 5)))
    return Order(
        order_id=f"A-{number}",
        business_day=at.date().isoformat(),
        display_number=str(number % 999 + 1),
        channel=dice.choices(CHANNELS, (60, 30, 9, 1))[0],
        test=dice.random() < 0.001,  # noqa: PLR2004
        lines=tuple(OrderLine(sku=sku, name=sku.title(), quantity=dice.choice((1, 1, 2))) for sku in skus),
    )


def _reached(
    dice: Random, order: Order, number: int, *, at_s: float, still_since_s: float, kind: VerdictKind
) -> VerdictReached:
    result = {VerdictKind.MATCH: LineResult.OK, VerdictKind.MISMATCH: LineResult.MISSING}.get(kind, LineResult.UNSURE)
    odd = dice.randrange(len(order.lines))
    lines = tuple(_line(dice, line, result if n == odd else LineResult.OK) for n, line in enumerate(order.lines))
    known = kind is not VerdictKind.UNSURE or dice.random() < 0.9  # noqa: PLR2004
    slot_id = STATIONS[number % len(STATIONS)]
    return VerdictReached(
        at_s=at_s,
        slot_id=slot_id,
        session_id=f"{slot_id}-{number:07d}",
        still_since_s=still_since_s,
        orders=(order.key,) if known else (),
        association=Association.ONLY if known else Association.WHICH_ORDER,
        verdict=Verdict(kind=kind, lines=lines if known else ()),
        contents=Contents.of({line.sku: line.quantity for line in order.lines}),
    )


def _line(dice: Random, line: OrderLine, result: LineResult) -> CheckedLine:
    return CheckedLine(
        skus=(line.sku,),
        name=line.name,
        expected=line.quantity,
        seen=line.quantity if result is LineResult.OK else line.quantity - 1,
        result=result,
        off_by=int(result is LineResult.MISSING),
        reason=dice.choice(list(Doubt)).value if result is LineResult.UNSURE else "",
    )


def _alert(dice: Random, reached: VerdictReached, number: int, end: Resolution) -> list[Event]:
    alert = Alert(
        alert_id=f"{number}-alert-1",
        session_id=reached.session_id,
        orders=reached.orders,
        lines=reached.verdict.faults,
        raised_at_s=reached.at_s + 0.7,
    )
    by_staff = end is Resolution.SYSTEM_WRONG or (end is Resolution.FIXED and dice.random() < 0.5)  # noqa: PLR2004
    ended = AlertResolved(at_s=reached.at_s + 2.5, alert_id=alert.alert_id, resolution=end, by_staff=by_staff)
    return [AlertRaised(at_s=alert.raised_at_s, alert=alert, sounds=True), ended]


def _write(connection: sqlite3.Connection, tray: _Tray, run_id: int, until: datetime, dice: Random) -> int:
    """Store one tray, with the rows of its pictures, and now and then an audit; returns how many checks it has."""
    stamp = _stamp(tray.at)
    rows = EventRows(connection=connection, run_id=run_id, recorded_at=stamp, monotonic_s=0.0)
    keep = timedelta(days=ALERT_DAYS) if tray.is_red else timedelta(hours=RIGHT_HOURS)
    is_kept = until - tray.at < keep
    for event in tray.events:
        rows.write(event)
        if isinstance(event, VerdictReached):
            name = f"{stamp[:10]}/{run_id}-{tray.number}-{len(rows.check_ids)}.jpg"
            saved = SavedPicture(name=name, bytes=30_000, sha256="0" * 64) if is_kept else None
            rows.picture(event.session_id, event.at_s, saved, lost="expired")
    rows.settle()
    is_audited = until - tray.at < timedelta(days=AUDITED_DAYS) and (tray.is_red or dice.random() < 0.02)  # noqa: PLR2004
    if is_audited:
        write_audit(connection, _audit(tray, run_id), stamp)
    return len(rows.check_ids)


def _audit(tray: _Tray, run_id: int) -> Audit:
    audit = Audit(run_id=run_id, session_id=tray.session_id, role=StaffRole.MANAGER, contents={ITEMS[0]: 1})
    drawn = DrawnAs.RED if tray.is_red else DrawnAs.RANDOM
    return replace(audit, drawn=drawn, found=VerdictKind.MATCH if tray.is_right else VerdictKind.MISMATCH)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
