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

SETUP: tuple[Call, ...] = (
    ("GET", "/setup"),
    ("POST", "/setup/restart"),
    ("GET", "/setup/cameras"),
    ("GET", "/setup/cameras/events"),
    ("GET", "/setup/cameras/{station_id}/picture.jpg"),
    ("POST", "/setup/reference/{station_id}"),
    ("POST", "/setup/reference/{station_id}/forget"),
    ("GET", "/setup/slots/{station_id}"),
    ("POST", "/setup/slots/{station_id}"),
    ("POST", "/setup/slots/{station_id}/forget"),
    ("GET", "/setup/menu"),
    ("POST", "/setup/menu"),
    ("POST", "/setup/menu/forget"),
    ("POST", "/setup/menu/sku"),
    ("POST", "/setup/menu/again"),
    ("GET", "/setup/test"),
    ("GET", "/setup/test/events"),
    ("POST", "/setup/test"),
    ("POST", "/setup/test/assign"),
    ("POST", "/setup/test/end"),
    ("GET", "/setup/slider"),
    ("GET", "/setup/slider/events"),
    ("GET", "/setup/slider/changes"),
    ("POST", "/setup/slider"),
    ("POST", "/setup/slider/look"),
    ("POST", "/setup/slider/forget"),
    ("GET", "/setup/trial-run"),
    ("POST", "/setup/trial-run/end"),
    ("POST", "/setup/trial-run/begin"),
    ("GET", "/setup/tokens"),
    ("POST", "/setup/tokens"),
    ("POST", "/setup/tokens/revoke"),
    ("GET", "/setup/health"),
    ("GET", "/setup/health/{part}"),
)
"""Setting the box up: for admins alone."""

SCREEN: Mapping[Call, frozenset[Role]] = {
    ("GET", "/"): STAFF,
    ("GET", "/login"): NOBODY_NEEDED,
    ("POST", "/login"): NOBODY_NEEDED,
    ("POST", "/logout"): NOBODY_NEEDED,
    ("GET", "/pair"): NOBODY_NEEDED,
    ("POST", "/pair"): NOBODY_NEEDED,
    ("GET", "/pass"): STAFF,
    ("GET", "/pass/events"): STAFF,
    ("GET", "/pass/still/{station_id}/{slot_id}"): STAFF,
    ("POST", "/pass/answer"): STAFF,
    ("POST", "/pass/undo"): STAFF,
    ("GET", "/pass/assign"): STAFF,
    ("POST", "/pass/assign"): STAFF,
    ("POST", "/pass/bump"): STAFF,
    ("GET", "/pass/recall"): STAFF,
    ("POST", "/pass/recall"): STAFF,
    ("GET", "/tablets"): ADMINS,
    ("POST", "/tablets"): ADMINS,
    ("POST", "/look"): NOBODY_NEEDED,
    ("GET", "/static/{name:path}"): NOBODY_NEEDED,
    ("GET", "/history"): STAFF,
    ("GET", "/history/{check_id}"): STAFF,
    ("GET", "/history/checks.csv"): ADMINS,
    ("GET", "/history/alerts.csv"): ADMINS,
    ("GET", "/today"): ADMINS,
    ("GET", "/today/events"): ADMINS,
    ("GET", "/audit"): ADMINS,
    ("POST", "/audit"): ADMINS,
    ("GET", "/audit/picture"): ADMINS,
    **dict.fromkeys(SETUP, frozenset({Role.ADMIN})),
}
"""The screen: pages that people open and what their forms send. Whoever is not signed in is led to `/login`."""

ACCESS: Mapping[Call, frozenset[Role]] = {
    **SCREEN,
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
