"""What people were told of, and what they answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from edge_agent.api.access import V1
from edge_agent.api.answers.checks import AlertOut, AlertsOut
from edge_agent.api.described import problems
from edge_agent.api.gate import guarded_router, principal_of
from edge_agent.api.schemas import ResolveIn
from edge_agent.domain.alert import Resolution
from edge_agent.domain.record import StaffRole
from edge_agent.ports import Alerts

MAX_PAGE = 200
MAX_SEQ = 2**63 - 1


def alert_routes(alerts: Alerts) -> APIRouter:
    """All routes under `alerts`."""
    router = guarded_router("alerts")

    @router.get(f"{V1}/alerts", responses=problems(422, 503))
    def list_alerts(
        *,
        after: Annotated[int, Query(ge=0, le=MAX_SEQ, description="Only steps after this `seq`.")] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
        open_only: Annotated[bool, Query(alias="open", description="Only alerts that nothing has ended yet.")] = False,
    ) -> AlertsOut:
        """List what happened to alerts after a number, oldest first: this closes the gaps of a subscriber."""
        if open_only:
            found = tuple(news for news in alerts.standing() if news.seq > after)[:limit]
        else:
            found = alerts.after(after, limit=limit)
        return AlertsOut(alerts=[AlertOut.of(news) for news in found], next_after=found[-1].seq if found else after)

    @router.post(f"{V1}/alerts/{{alert_id}}/resolve", status_code=204, responses=problems(404, 409, 503, body=True))
    def resolve_alert(
        alert_id: Annotated[str, Path(min_length=1, max_length=128)], body: ResolveIn, request: Request
    ) -> Response:
        """Answer an alert. The same answer again is no error."""
        role = StaffRole(principal_of(request).role.value)
        alerts.resolve(alert_id, Resolution(body.reason), role=role)
        return Response(status_code=204)

    return router
