"""Put together what keeps what happens: the store, what asks it, and what removes from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from edge_agent import __version__
from edge_agent.adapters.file_in_use import only_agent_on
from edge_agent.adapters.reserve_file import RESERVE_BYTES, ReserveFile, reserve_beside
from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_outbox import SqliteOutbox
from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.sqlite_retention import SqliteRetention
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.system_clock import boot_id
from edge_agent.app.eyes import Eyes
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.record import Run
from edge_agent.errors import StoreError
from edge_agent.ports import Clock
from edge_agent.runtime.recorder import Recorder
from edge_agent.runtime.retention import RetentionThread
from edge_agent.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The store, open for one run."""

    store: SqliteStore
    history: SqliteHistory
    reporting: SqliteReporting
    outbox: SqliteOutbox
    recorder: Recorder
    reserve: ReserveFile
    run_id: int


@contextmanager
def keeping(settings: Settings, eyes: Eyes, clock: Clock, on_told: Sequence[Callable[[], None]]) -> Iterator[Kept]:
    """The store with a run begun in it, which ends with the context.

    Each of `on_told` is called when something is to be told; more may be added to them later.

    Raises:
        StoreError: the database cannot be opened, or another agent works on it.
    """
    path = settings.store.path
    spare_bytes = int(settings.store.spare_mb * 1_000_000)
    path.parent.mkdir(parents=True, exist_ok=True)

    def told() -> None:
        for each in on_told:
            each()

    with ExitStack() as stack:
        stack.enter_context(only_agent_on(path))
        reserve = ReserveFile(path=reserve_beside(path), spare_bytes=spare_bytes)
        reserve.start()
        store = stack.enter_context(
            SqliteStore(
                path=path,
                clock=clock,
                on_told=told,
                # No picture takes what was given up for orders.
                spare_bytes=max(spare_bytes, RESERVE_BYTES),
                make_room=reserve.give_up,
            )
        )
        run_id = store.begin_run(_run_of(settings, eyes))
        stack.callback(_end_run, store, run_id)
        calendar = Calendar(zone=settings.zone, starts_at=settings.day_starts_at)
        yield Kept(
            store=store,
            history=SqliteHistory(path=path),
            reporting=SqliteReporting(path=path, calendar=calendar),
            outbox=SqliteOutbox(store=store),
            recorder=stack.enter_context(Recorder(store, run_id)),
            reserve=reserve,
            run_id=run_id,
        )


def removing(settings: Settings, store: SqliteStore, clock: Clock) -> RetentionThread:
    """What removes from the store what has lasted long enough; not started yet."""
    retention = SqliteRetention(
        path=store.path, pictures=store.pictures, write=store.write, rules=settings.store, clock=clock
    )
    return RetentionThread(retention=retention, clock=clock)


def _run_of(settings: Settings, eyes: Eyes) -> Run:
    manifest = eyes.pack.manifest
    cameras = [each.camera.shown for each in settings.stations if each.camera is not None]
    return Run(
        station=", ".join(each.id for each in settings.stations),
        source=", ".join(cameras)[:500],
        model_name=manifest.name,
        model_version=manifest.version,
        model_sha256=eyes.pack.sha256,
        menu_sha256=eyes.menu.sha256,
        agent_version=__version__,
        provider=eyes.detector.provider,
        boot_id=boot_id(),
        slots={slot.id: each.id for each in settings.stations for slot in each.slots},
        tells=not settings.shadow,
    )


def _end_run(store: SqliteStore, run_id: int) -> None:
    try:
        store.end_run(run_id)
    except StoreError as error:
        logger.warning("the end of the run could not be stored: %s", error)
