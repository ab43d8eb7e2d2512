"""What goes on now: stations, their pictures, the menu, the models, and a stream of what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from edge_agent.api.access import V1
from edge_agent.api.answers.stations import MenuOut, ModelOut, ModelsOut, StationOut, StationsOut
from edge_agent.api.described import jpeg, problems
from edge_agent.api.gate import guarded_router
from edge_agent.api.problems import Problem
from edge_agent.api.telling import GOODBYE, RESYNC, STILL_HERE, told
from edge_agent.domain.order import MAX_ID
from edge_agent.errors import FellBehind
from edge_agent.ports import EventFeed, InUse, Stations, Watch

KEEP_ALIVE_S = 2.0
"""A screen that hears nothing for longer says that the connection is lost."""

STREAM_S = 900.0
"""A stream ends after so long, and browsers come back by themselves: a revoked token watches no longer than this."""

Mark = Annotated[str | None, Query(max_length=64, description="Continue after this event's id.")]
LastMark = Annotated[str | None, Header(max_length=64, description="As `after`; browsers send it by themselves.")]

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: an id, a name, and JSON. `resync` says: read the state anew.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def station_routes(stations: Stations, in_use: InUse) -> APIRouter:
    """All routes under `stations`, except assignments, and `menu` and `models`."""
    router = guarded_router("stations")

    @router.get(f"{V1}/stations", responses=problems())
    def list_stations() -> StationsOut:
        """List the stations: camera, slots, and the verdict on the tray that lies there now."""
        return StationsOut(stations=[StationOut.of(status) for status in stations.statuses()])

    @router.get(
        f"{V1}/stations/{{station_id}}/frame.jpg",
        response_class=Response,
        responses={**jpeg("The slots as they are seen now; the rest is masked."), **problems(404, 422, 503)},
    )
    def read_frame(station_id: Annotated[str, Path(min_length=1, max_length=MAX_ID)]) -> Response:
        """Read the newest picture. An old one is never shown as new: then this is 503."""
        picture = stations.picture(station_id)
        if picture is None:
            said = "the camera gives no picture now; the station's status says why"
            raise Problem("no-picture", said, headers={"Retry-After": "1"})
        headers = {"X-Picture-Age-Ms": str(round(picture.age_s * 1_000))}
        return Response(picture.jpeg, media_type="image/jpeg", headers=headers)

    @router.get(f"{V1}/menu", responses=problems())
    def read_menu() -> MenuOut:
        """Read the menu that orders are checked by."""
        return MenuOut.of(in_use.menu())

    @router.get(f"{V1}/models", responses=problems())
    def list_models() -> ModelsOut:
        """List the models that run, and on what they really run."""
        return ModelsOut(models=[ModelOut.of(model) for model in in_use.models()])

    return router


def event_routes(feed: EventFeed, *, keep_alive_s: float = KEEP_ALIVE_S, stream_s: float = STREAM_S) -> APIRouter:
    """The stream."""
    router = guarded_router("stations")

    @router.get(f"{V1}/events", response_class=StreamingResponse, responses={**_STREAM, **problems(422, 503)})
    async def watch_events(after: Mark = None, last_event_id: LastMark = None) -> StreamingResponse:
        """Watch what happens, as it happens."""
        watch = feed.watch(after=last_event_id or after)
        return EventStream(watch, keep_alive_s=keep_alive_s, stream_s=stream_s)

    return router


class EventStream(StreamingResponse):
    """A stream that gives its place back however it ends, also before it begins."""

    def __init__(self, watch: Watch, *, keep_alive_s: float, stream_s: float) -> None:
        self._watch = watch
        told_so_far = _told(watch, keep_alive_s, stream_s)
        super().__init__(told_so_far, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watch.close()


async def _told(watch: Watch, keep_alive_s: float, stream_s: float) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + stream_s
    yield STILL_HERE
    try:
        while loop.time() < ends_s:
            news = await watch.next(timeout_s=keep_alive_s)
            if news is not None:
                yield told(news)
            elif watch.ended:
                yield GOODBYE
                return
            else:
                yield STILL_HERE
    except FellBehind:
        yield RESYNC
