"""A long file, sent piece by piece while it is made: few at a time, and none of them in the way of the checker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from edge_agent.api.screen.screen import PAGE_HEADERS
from edge_agent.errors import Overloaded

AT_A_TIME = 2
"""So many files are made at a time."""

LONGEST_REST_S = 1.0


class Download(StreamingResponse):
    """Sends a file of comma-separated values; gives its place back in any case.

    Args:
        places: of which it takes one; they are shared by all downloads.
        name: of the file.
        pieces: made one after the other, in a thread.

    Raises:
        Overloaded: all places are taken.
    """

    def __init__(self, places: threading.BoundedSemaphore, name: str, pieces: Iterator[bytes]) -> None:
        if not places.acquire(blocking=False):
            raise Overloaded("files are being made already; try again when they are done")
        self._places = places
        super().__init__(
            in_turns(pieces),
            media_type="text/csv; charset=utf-8",
            headers={**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places.release()


async def in_turns(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each followed by a rest as long as it took to make: at least half of the time is the checker's."""
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        piece = await run_in_threadpool(next, pieces, None)
        took_s = loop.time() - began_s
        if piece is None:
            return
        yield piece
        await asyncio.sleep(min(took_s, LONGEST_REST_S))
