"""A store, its outbox and the thread that tells, put together as the agent does; and a process of it, to be killed.

    python -m tests.telling_house DB PORT

raises an alert and ends it, without end, and says the numbers of those that are committed.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_agent.adapters.mqtt_client import MqttBroker, Patience
from edge_agent.adapters.sqlite_outbox import SqliteOutbox
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import AlertResolved
from edge_agent.domain.record import Run
from edge_agent.formats.mqtt_messages import Topics, last_will
from edge_agent.ports import Alerts
from edge_agent.runtime.answer_desk import AnswerDesk
from edge_agent.runtime.backoff import Backoff
from edge_agent.runtime.conversation import Pace, Said
from edge_agent.runtime.station_board import StationBoard
from edge_agent.runtime.telling import Bell, Teller, TellingPlan
from edge_agent.settings import MqttSettings
from tests.fakes_mqtt import FakeAlerts
from tests.store_builders import raised

TOPICS = Topics("r1")
PATIENCE = Patience(connect_s=2.0, answer_s=2.0, keep_alive_s=5, leave_s=0.5)


@dataclass(slots=True)
class TellingHouse:
    """What tells, and what it tells of."""

    store: SqliteStore
    outbox: SqliteOutbox
    teller: Teller
    run_id: int

    def raise_alerts(self, *names: str) -> None:
        """Each in a transaction of its own."""
        for name in names:
            self.store.commit(self.run_id, [raised(name)])

    def resolve_alerts(self, *names: str) -> None:
        """Likewise."""
        for name in names:
            self.store.commit(self.run_id, [AlertResolved(at_s=1.0, alert_id=name, resolution=Resolution.FIXED)])

    def last_seq(self) -> int:
        """The number of the newest step."""
        return self.outbox.last_seq()


def settings(port: int, **more: object) -> MqttSettings:
    """A broker on loopback."""
    return MqttSettings.model_validate({"broker": "127.0.0.1", "port": port, **more})


def client(said: MqttSettings, *, name: str = "edge-agent-r1") -> MqttBroker:
    """The agent's own client."""
    return MqttBroker(settings=said, client_id=name, will=last_will(TOPICS), patience=PATIENCE)


@contextmanager
def telling(
    path: Path, said: MqttSettings, *, alerts: Alerts | None = None, pace: Pace | None = None
) -> Iterator[TellingHouse]:
    """All of it, running."""
    clock, bell = SystemClock(), Bell()
    with ExitStack() as stack:
        store = stack.enter_context(SqliteStore(path=path, clock=clock, on_told=bell.ring_told))
        outbox = SqliteOutbox(store=store)
        board = StationBoard(topics=TOPICS, stations=("pass",), shadow=False, clock=clock, changed=bell.ring)
        desk = stack.enter_context(AnswerDesk(alerts=alerts or FakeAlerts()))
        plan = TellingPlan(
            broker=client(said),
            said=Said(topics=TOPICS, outbox=outbox, board=board, answers=desk, clock=clock),
            pace=pace or Pace(acknowledge_s=5.0),
            make_backoff=lambda: Backoff(first_s=0.05, longest_s=0.5),
        )
        run_id = store.begin_run(Run(station="pass", tells=True))
        teller = stack.enter_context(Teller(plan, bell=bell))
        yield TellingHouse(store, outbox, teller, run_id)


def main() -> None:
    """Until killed."""
    path, port = Path(sys.argv[1]), int(sys.argv[2])
    with telling(path, settings(port)) as house:
        for n in itertools.count():
            name = f"{house.run_id}-left-{n:04d}-alert-1"
            house.raise_alerts(name)
            if n % 3:
                house.resolve_alerts(name)
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
