"""What answers over HTTP. Imported while the model is opened (`app.living`): its libraries take most of a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from edge_agent.settings import ApiSettings

SHUTDOWN_S = 2
"""Answers that are being given have so long; the whole shutdown stays below five seconds."""


LOOK_EVERY_S = 0.5
"""So often it looks whether it is to end. Uvicorn's own tenth of a second costs an idle station a quarter of a percent
of a core, as its caches are cold each time."""


class _Server(uvicorn.Server):
    """Leaves signals to the agent, which has more to end than this, and looks up less often."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110  what it looks at is no event
            await asyncio.sleep(LOOK_EVERY_S)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_for(app: FastAPI, api: ApiSettings) -> uvicorn.Server:
    """What answers over HTTP; it looks after no signal."""
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=SHUTDOWN_S,
            ssl_certfile=None if api.tls is None else str(api.tls.certificate),
            ssl_keyfile=None if api.tls is None else str(api.tls.key),
        )
    )
