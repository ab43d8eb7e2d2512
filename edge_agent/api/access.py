"""Who may call what: one table, and nothing that is not in it is ever served."""

from __future__ import annotations

from collections.abc import Mapping

from edge_agent.domain.access import Role

V1 = "/api/v1"

EVERY_ROLE = frozenset(Role)
ADMINS = frozenset({Role.MANAGER, Role.ADMIN})
STAFF = ADMINS | {Role.CREW}
TILL = ADMINS | {Role.POS}
NOBODY_NEEDED: frozenset[Role] = frozenset()
"""No token is asked for."""

Call = tuple[str, str]
"""A method and a path template."""

ORDER = f"{V1}/orders/{{order_id}}"
ORDER_IN_FULL = f"{V1}/orders/{{source}}/{{business_day}}/{{order_id}}"

ACCESS: Mapping[Call, frozenset[Role]] = {
    ("GET", "/healthz"): NOBODY_NEEDED,
    ("GET", "/readyz"): EVERY_ROLE,
    ("GET", "/metrics"): EVERY_ROLE,
    ("GET", "/docs"): EVERY_ROLE,
    ("GET", "/docs/{asset}"): EVERY_ROLE,
    ("GET", "/openapi.json"): EVERY_ROLE,
    ("GET", f"{V1}/orders"): EVERY_ROLE,
    ("POST", f"{V1}/orders"): TILL,
    ("PUT", ORDER): TILL,
    ("PUT", ORDER_IN_FULL): TILL,
    ("GET", ORDER_IN_FULL): EVERY_ROLE,
    ("POST", f"{ORDER}/cancel"): TILL,
    ("POST", f"{ORDER_IN_FULL}/cancel"): TILL,
    ("POST", f"{ORDER}/ready"): EVERY_ROLE,
    ("POST", f"{ORDER_IN_FULL}/ready"): EVERY_ROLE,
    ("POST", f"{ORDER}/reopen"): EVERY_ROLE,
    ("POST", f"{ORDER_IN_FULL}/reopen"): EVERY_ROLE,
    ("POST", f"{ORDER}/assign"): STAFF,
    ("POST", f"{ORDER_IN_FULL}/assign"): STAFF,
    ("GET", f"{V1}/checks"): STAFF,
    ("GET", f"{V1}/checks/{{check_id}}"): STAFF,
    ("GET", f"{V1}/checks/{{check_id}}/image.jpg"): STAFF,
    ("POST", f"{V1}/check"): ADMINS,
    ("GET", f"{V1}/alerts"): STAFF,
    ("POST", f"{V1}/alerts/{{alert_id}}/resolve"): STAFF,
    ("GET", f"{V1}/stations"): STAFF,
    ("GET", f"{V1}/stations/{{station_id}}/frame.jpg"): STAFF,
    ("PUT", f"{V1}/stations/{{station_id}}/slots/{{slot_id}}/orders"): STAFF,
    ("GET", f"{V1}/events"): STAFF,
    ("GET", f"{V1}/menu"): EVERY_ROLE,
    ("GET", f"{V1}/models"): ADMINS,
}
"""The roles that may make a call. A Prometheus server needs any role's token, as does who only asks for readiness."""

BROWSED = frozenset(
    {("GET", "/docs"), ("GET", "/docs/{asset}"), ("GET", "/openapi.json")},
)
"""Pages that a browser opens by itself: it may also send the token as the password of HTTP Basic.

All of them only read, so that a browser which sends it unasked can do no harm."""
