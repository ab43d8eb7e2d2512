"""An open port needs a token: asked before anything listens."""

from __future__ import annotations

from edge_agent.domain.said import say
from edge_agent.errors import BadConfig
from edge_agent.formats.network_address import is_loopback


def refuse_open_port(host: str, *, tokens: int) -> None:
    """Refuse to listen where others reach it while there is no token: nobody could be let in, and nobody kept out.

    Args:
        host: the address to listen on.
        tokens: how many tokens serve now.

    Raises:
        BadConfig: one sentence with what to do.
    """
    if tokens == 0 and not is_loopback(host):
        raise BadConfig(
            say(
                "port_open",
                "api.host is '{host}', which others can reach, and there is no token: create "
                "one with 'edge-agent tokens create --name office --role admin' (on an installed box with "
                "sudo), or set api.host to 127.0.0.1",
                host=host,
            )
        )
