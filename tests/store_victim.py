"""A process that stores without end and says what was acknowledged, to be killed: `python -m tests.store_victim DB`."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.domain.events import TraySettled
from edge_agent.domain.record import Run
from edge_agent.ports import Evidence
from tests.fakes_store import FakeClock
from tests.store_builders import JPEG, accepted, key, left, raised, reached


def main() -> None:
    """Per round, commit an order and a whole tray with picture and alert, beside verdicts that nobody waits for."""
    store = SqliteStore(path=Path(sys.argv[1]), clock=FakeClock())
    run_id = store.begin_run(Run())
    for n in itertools.count():
        name, session = f"R{run_id}-{n}", f"left-{n:04d}"
        for unasked in range(3):
            store.record(run_id, [reached(f"right-{n}-{unasked}")])
        picture = Evidence(session_id=session, at_s=1.0, jpeg=JPEG * 1_000)
        verdict = reached(session, orders=(key(name),))
        alert = raised(f"{session}-a", session_id=session)
        settled = TraySettled(at_s=1.0, session_id=session, still_since_s=0.5)
        store.commit(run_id, [accepted(name), settled, verdict, alert, left(verdict)], evidence=[picture])
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
