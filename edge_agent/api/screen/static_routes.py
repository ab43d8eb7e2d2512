"""`/static`: the files of the pages. They are the agent's own and hold nothing of the restaurant: no token is asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from edge_agent.api.screen.routing import screen_router
from edge_agent.api.screen.static_files import static_files
from edge_agent.errors import Unknown

FOR_GOOD = "public, max-age=31536000, immutable"


def static_routes() -> APIRouter:
    """The route of every file."""
    router = screen_router()

    @router.get("/static/{name:path}")
    def read_static(
        name: Annotated[str, Path(max_length=200)],
        v: Annotated[str, Query(max_length=64)] = "",
        if_none_match: Annotated[str, Header(max_length=200)] = "",
    ) -> Response:
        file = static_files().get(name)
        if file is None:
            raise Unknown("there is no such file")
        tag = f'"{file.version}"'
        headers = {"ETag": tag, "Cache-Control": FOR_GOOD if v == file.version else "no-cache"}
        if tag in if_none_match:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers={**headers, "Content-Type": file.media_type})

    return router
