"""A till that sends orders over HTTP without end, and remembers what the agent acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from tests.blinking_tray import WRONG
from tests.running_agent import RunningAgent

ANSWERED_S = 30.0
ONE_OF = 32
UNSEEN = {"bread": 1}
"""An order of which the tray of `blinking_tray` holds nothing."""


class Till:
    """Sends on a thread of its own until it is left, or the agent is gone. A context manager.

    One order of many is one that the tray does not fit; each of the others is cancelled again two orders later, unless
    the till never `cancels`.

    Args:
        name: begins the id of each of its orders.
        per_s: orders a second, as far as the agent answers.
        most: it ends by itself after so many.
    """

    def __init__(
        self, agent: RunningAgent, name: str, *, per_s: float = 40.0, most: int = 1_000_000, cancels: bool = True
    ) -> None:
        self.agent, self.name = agent, name
        self.accepted: dict[str, Mapping[str, int]] = {}
        self.cancelled: set[str] = set()
        self.tried_to_cancel: set[str] = set()
        self.refused: list[tuple[str, int, Any]] = []
        self._every_s, self._most, self._cancels = 1.0 / per_s, most, cancels
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"till-{name}")

    def __enter__(self) -> Till:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.wait()

    def wait(self) -> None:
        """Until it has ended."""
        self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=ANSWERED_S)
        try:
            began_s = time.monotonic()
            for number in range(self._most):
                due_s = began_s + (number + 1) * self._every_s
                if self._stop.wait(max(0.0, due_s - time.monotonic())):
                    return
                self._order(connection, number)
        except (OSError, http.client.HTTPException):
            return  # the agent was killed: what it did not answer it did not promise
        finally:
            connection.close()

    def _order(self, connection: http.client.HTTPConnection, number: int) -> None:
        order_id, lines = f"{self.name}-{number}", WRONG if number % ONE_OF == 0 else UNSEEN
        body = {"order_id": order_id, "lines": [{"sku": sku, "quantity": n} for sku, n in lines.items()]}
        if self._sent(connection, "PUT", order_id, body):
            self.accepted[order_id] = lines
        before = f"{self.name}-{number - 2}"
        if self._cancels and self.accepted.get(before) == UNSEEN:
            self.tried_to_cancel.add(before)
            if self._sent(connection, "POST", f"{before}/cancel", None):
                self.cancelled.add(before)

    def _sent(self, connection: http.client.HTTPConnection, method: str, what: str, body: Any) -> bool:
        headers = {"Authorization": f"Bearer {self.agent.secret}", "Content-Type": "application/json"}
        connection.request(method, f"/api/v1/orders/{what}", body=body and json.dumps(body), headers=headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            self.refused.append((what, answer.status, said))
        return answer.status < http.client.BAD_REQUEST
