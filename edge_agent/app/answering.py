"""Put together what the API and the screen answer from."""

from __future__ import annotations

from contextlib import ExitStack

from edge_agent.api.app import ApiParts
from edge_agent.api.auth import TokenAuthenticator
from edge_agent.api.throttle import FailureThrottle
from edge_agent.app.photo_desk import PhotoDesk
from edge_agent.app.running import Running
from edge_agent.app.setup_pages import setup_pages
from edge_agent.app.stills import live_stations
from edge_agent.app.troubles import box_troubles
from edge_agent.checking.audit_desk import AuditDesk
from edge_agent.ports import Readiness


def api_parts(stack: ExitStack, of: Running, readiness: Readiness) -> ApiParts:
    """All of it; what runs ends with the stack.

    Raises:
        StoreError: the database does not answer.
    """
    kept, throttle = of.kept, FailureThrottle()
    set_up = setup_pages(stack, of, readiness)
    stations = [station.id for station in of.settings.stations]
    return ApiParts(
        orders=of.orders,
        history=kept.history,
        reporting=kept.reporting,
        audits=AuditDesk(reporting=kept.reporting, store=kept.store, menu=of.serving.menu),
        pictures=kept.store.pictures,
        photo_checker=PhotoDesk(of.eyes, of.thread),
        alerts=of.alerts,
        answers=of.alerts,
        stations=live_stations(of.thread, stations, of.eyes, of.serving, of.clock),
        in_use=of.serving,
        setup=set_up.desk,
        cameras=set_up.cameras,
        second_look=set_up.second_look,
        health=set_up.health,
        feed=of.feed,
        readiness=readiness,
        authenticator=TokenAuthenticator(tokens=of.tokens, clock=of.clock, throttle=throttle),
        troubles=box_troubles(
            of.settings,
            of.clock,
            supervisor=readiness,
            recorder=kept.recorder,
            store=kept.store,
            history=kept.history,
            till=of.till,
            tellers=of.tellers,
        ),
        tokens=of.tokens,
        throttle=throttle,
        clock=of.clock,
        registry=of.numbers.registry,
    )
