"""The thread that tells people by MQTT: connects, empties the outbox, and takes up again after every break."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_agent.domain.events import Event
from edge_agent.domain.said import said_of, say
from edge_agent.errors import BrokerError, StoreError
from edge_agent.ports import MessageBroker, StationStatus
from edge_agent.runtime.backoff import Backoff
from edge_agent.runtime.conversation import Conversation, Pace, Said
from edge_agent.runtime.inbox import Inbox

logger = logging.getLogger(__name__)

FAREWELL_S = 1.0
"""So long the end of the agent waits for the broker to hear of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingReport:
    """How telling fares.

    Attributes:
        connected: whether the broker has said yes and the connection lasts.
        problem: why it is not connected, in one sentence without any secret; None while it is.
        pending: how many steps of alerts were not delivered yet; None where the database does not answer.
        connections: how often it connected.
    """

    connected: bool
    problem: str | None
    pending: int | None
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingPlan:
    """What the thread needs.

    Attributes:
        broker: where messages go.
        said: where they come from.
        make_backoff: makes what says how long to wait after failures.
        wait: waits so many seconds for the stop event, and says whether it is set.
    """

    broker: MessageBroker
    said: Said
    pace: Pace = field(default_factory=Pace)
    make_backoff: Callable[[], Backoff] = Backoff
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait


class Bell:
    """Wakes the telling thread. The store, the board and the link ring it; it exists before any of them."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._told = threading.Event()

    def ring(self) -> None:
        """Something is new."""
        self._rung.set()

    def ring_told(self) -> None:
        """Something is new in the outbox: the store's `on_told`."""
        self._told.set()
        self._rung.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it rings, at most so long; says whether something is new in the outbox."""
        self._rung.wait(timeout_s)
        self._rung.clear()
        told = self._told.is_set()
        self._told.clear()
        return told


class Teller:
    """Tells people what the outbox and the board say, on a thread of its own. Use it as a context manager.

    Alerts are never lost: a step leaves the outbox only when the broker has acknowledged both of its messages. What
    was in flight when a connection broke is sent again over the next.
    """

    def __init__(self, plan: TellingPlan, *, bell: Bell) -> None:
        self._plan = plan
        self._bell = bell
        self._backoff = plan.make_backoff()
        self._since_s = plan.said.clock.monotonic_s()
        self._stop = threading.Event()
        self._connected = False
        self._problem: str | None = say("connecting", "connecting")
        self._connections = 0
        self._warned: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="mqtt-telling", daemon=True)

    def __enter__(self) -> Teller:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, timeout_s: float = 3.0) -> None:
        """Take leave of the broker and end. What was not delivered stays in the outbox for the next life.

        A thread that waits for a silent broker is left behind: it is a daemon, and will send nothing any more.
        """
        self._stop.set()
        self._bell.ring()
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; the watchdog asks."""
        return self._thread.is_alive()

    def announce(self, station_id: str, event: Event | StationStatus) -> None:
        """Something happened at a station: published as far as the broker is there. Never waits."""
        self._plan.said.board.announce(station_id, event)

    def report(self) -> TellingReport:
        """How telling fares. Asks the database."""
        try:
            pending = self._plan.said.outbox.waiting()
        except StoreError:
            pending = None
        return TellingReport(
            connected=self._connected, problem=self._problem, pending=pending, connections=self._connections
        )

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._connect_and_tell()
            except (BrokerError, StoreError) as error:
                if self._plan.wait(self._stop, self._after(error)):
                    return

    def _connect_and_tell(self) -> None:
        """One connection, to its end, which is an error or the order to stop."""
        inbox = Inbox(changed=self._bell.ring)
        link = self._plan.broker.connect(inbox)
        began_s = self._plan.said.clock.monotonic_s()
        try:
            if self._stop.is_set():
                return
            talk = Conversation(
                link=link, inbox=inbox, said=self._plan.said, pace=self._plan.pace, since_s=self._since_s
            )
            talk.greet()
            self._is_connected()
            self._tell(talk)
            self._take_leave(talk)
        finally:
            self._connected = False
            link.close()
            # A broker that lets in and throws out, over and over, gets ever longer waits like one that is not there.
            if self._plan.said.clock.monotonic_s() - began_s > self._backoff.longest_s:
                self._backoff.reset()
                self._warned.clear()
        self._problem = say("ended", "ended")

    def _tell(self, talk: Conversation) -> None:
        while not self._stop.is_set():
            if self._bell.wait(talk.step()):
                talk.tell()

    def _take_leave(self, talk: Conversation) -> None:
        talk.farewell()
        until_s = self._plan.said.clock.monotonic_s() + FAREWELL_S
        talk.step()
        while not talk.is_quiet and (left_s := until_s - self._plan.said.clock.monotonic_s()) > 0:
            self._bell.wait(left_s)
            talk.step()

    def _is_connected(self) -> None:
        logger.info("the MQTT broker: connected")
        self._connections += 1
        self._connected, self._problem = True, None

    def _after(self, error: BrokerError | StoreError) -> float:
        """Say what failed, each reason once aloud; the seconds to wait."""
        self._problem = said_of(error)
        wait_s = self._backoff.next_s()
        level = logging.DEBUG if self._problem in self._warned else logging.WARNING
        self._warned.add(self._problem)
        # Its text alone: a log record that is kept would keep the error, and with it the sockets of the connection.
        logger.log(level, "the MQTT broker: %s; the next try is in %.0f s", self._problem, wait_s)
        return wait_s
