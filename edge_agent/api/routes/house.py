"""The house around the API: is it alive, is it ready, its numbers, and its own description, from this box alone."""

from __future__ import annotations

from importlib import resources
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import JSONResponse

from edge_agent.api.answers.stations import AliveOut, ReadyOut
from edge_agent.api.described import Described, problems
from edge_agent.api.gate import guarded_router
from edge_agent.api.problems import Problem
from edge_agent.errors import Unknown
from edge_agent.ports import Readiness

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Swagger UI writes styles into its own elements; no script but ours and its own runs."""

ASSETS = {
    "docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    "LICENSE": ("swagger-ui/LICENSE", "text/plain; charset=utf-8"),
    "NOTICE": ("swagger-ui/NOTICE", "text/plain; charset=utf-8"),
    "swagger-ui-bundle.js.LICENSE.txt": ("swagger-ui/swagger-ui-bundle.js.LICENSE.txt", "text/plain; charset=utf-8"),
}
"""All that is served of files: names that are known, never paths that somebody sends."""


def house_routes(readiness: Readiness, registry: CollectorRegistry) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics`."""
    router = guarded_router("house")

    @router.get("/healthz", responses={500: problems()[500]})
    async def alive() -> AliveOut:
        """Say that the process answers. Needs no token, and says nothing else."""
        return AliveOut()

    @router.get("/readyz", responses=problems(503))
    def ready() -> ReadyOut:
        """Say what can be decided now, station by station. Not ready is 503, with the same members."""
        report = ReadyOut.of(readiness.report())
        if not report.ready:
            said = "; ".join(report.problems) or "the agent is starting"
            raise Problem("not-ready", said, headers={"Retry-After": "2"}, more=report.model_dump(mode="json"))
        return report

    text = {"schema": {"type": "string"}}
    numbers: Described = {200: {"description": "Prometheus' text format.", "content": {"text/plain": text}}}

    @router.get("/metrics", response_class=Response, responses={**numbers, **problems()})
    def metrics() -> Response:
        """Give the numbers that Prometheus collects."""
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


def docs_routes() -> APIRouter:
    """`/docs` and `/openapi.json`."""
    router = guarded_router(described=False)

    @router.get("/docs")
    def docs() -> Response:
        return _asset("docs.html", "text/html; charset=utf-8", {"Content-Security-Policy": DOCS_POLICY})

    @router.get("/docs/{asset}")
    def docs_asset(asset: Annotated[str, Path(max_length=64)]) -> Response:
        if asset not in ASSETS:
            raise Unknown("there is no such file")
        return _asset(*ASSETS[asset], {"Cache-Control": "private, max-age=86400"})

    @router.get("/openapi.json")
    def openapi(request: Request) -> Response:
        return JSONResponse(request.app.openapi())

    return router


def _asset(name: str, media_type: str, headers: dict[str, str]) -> Response:
    content = resources.files("edge_agent.api").joinpath("assets").joinpath(name).read_bytes()
    return Response(content, headers={**headers, "Content-Type": media_type})
