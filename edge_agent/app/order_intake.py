"""Watch the folder that a till drops orders into."""

from __future__ import annotations

import threading

from edge_agent.adapters.order_folder import OrderFolder
from edge_agent.ports import Clock, OrderBook
from edge_agent.settings import OrderFolderSettings

EVERY_S = 0.5


class OrderIntake:
    """Polls the folder on a thread of its own, since the book answers only once an order is on the disk.

    Raises:
        BadInput: the folder cannot be used.
    """

    def __init__(self, settings: OrderFolderSettings, book: OrderBook, clock: Clock) -> None:
        self._folder = OrderFolder(folder=settings.path, book=book, clock=clock, settle_s=settings.settle_s)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="order-folder", daemon=True)

    def __enter__(self) -> OrderIntake:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self._folder.poll()
