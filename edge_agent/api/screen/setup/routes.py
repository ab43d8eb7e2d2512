"""All routes of the Set-up pages."""

from __future__ import annotations

from fastapi import APIRouter

from edge_agent.api.screen.screen import Screen
from edge_agent.api.screen.setup.cameras import camera_routes
from edge_agent.api.screen.setup.common import SetupPorts
from edge_agent.api.screen.setup.health import health_routes
from edge_agent.api.screen.setup.menu import menu_routes
from edge_agent.api.screen.setup.overview import overview_routes
from edge_agent.api.screen.setup.slider import slider_routes
from edge_agent.api.screen.setup.slots import slot_routes
from edge_agent.api.screen.setup.staging import staging_routes
from edge_agent.api.screen.setup.tokens import token_routes
from edge_agent.api.screen.setup.trial_run import trial_run_routes
from edge_agent.api.screen.stream import Streaming


def setup_routes(screen: Screen, streaming: Streaming, ports: SetupPorts) -> tuple[APIRouter, ...]:
    """The pages in the order of a first hour."""
    return (
        overview_routes(screen, ports),
        camera_routes(screen, streaming, ports),
        slot_routes(screen, ports),
        menu_routes(screen, ports),
        staging_routes(screen, streaming, ports),
        slider_routes(screen, streaming, ports),
        trial_run_routes(screen, ports),
        token_routes(screen, ports),
        health_routes(screen, ports),
    )
