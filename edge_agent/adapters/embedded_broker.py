"""A small MQTT broker inside of the agent, so that a demo needs nothing installed (extra `broker`: amqtt).

It keeps nothing over a restart, which loses no alert: the agent publishes the open ones again on every connect.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import threading
from dataclasses import dataclass
from typing import Any

from amqtt.broker import Broker
from amqtt.errors import AMQTTError
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from edge_agent.adapters.mqtt_client import read_password
from edge_agent.errors import BadConfig, BrokerLost
from edge_agent.formats.network_address import is_loopback
from edge_agent.settings import MqttSettings

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 100
START_S = 10.0
CHATTY = ("amqtt", "transitions")
"""Loggers that tell of every packet, or state."""


class EmbeddedBroker:
    """The broker, on a thread with an event loop of its own. A context manager: inside, it listens.

    Args:
        settings: where it listens. Without a password anybody on this machine is let in, with one only who knows it.

    Raises:
        BadConfig: it would be open to other machines without a password.
        BrokerRefused: the password cannot be read.
    """

    def __init__(self, *, settings: MqttSettings) -> None:
        host = settings.embedded_host
        if settings.username is None and not is_loopback(host):
            raise BadConfig(
                f"mqtt.embedded_host is '{host}', which others can reach, and there is no password: set mqtt.username "
                "and mqtt.password_file, or leave mqtt.embedded_host out"
            )
        self._at = f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
        self._plugins = _plugins(settings.username, read_password(settings))
        self._listens = threading.Event()
        self._refusal: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt-broker", daemon=True)

    def __enter__(self) -> EmbeddedBroker:  # noqa: PYI034 - Self needs Python 3.11
        """Start to listen. Raises BrokerLost where that does not work."""
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._thread.start()
        if not self._listens.wait(START_S) or self._refusal is not None:
            raise BrokerLost(f"the embedded MQTT broker cannot listen on {self._at}: {self._refusal or 'no answer'}")
        logger.info("the embedded MQTT broker listens on %s", self._at)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._leave is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(START_S)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._refusal = str(error)
            logger.exception("the embedded MQTT broker ended")
        finally:
            self._listens.set()

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        listener = {"type": "tcp", "bind": self._at, "max_connections": MOST_CONNECTIONS}
        broker = Broker({"listeners": {"default": listener}, "plugins": self._plugins})
        try:
            await broker.start()
        except (AMQTTError, OSError) as error:
            self._refusal = str(error)
            return
        self._listens.set()
        await self._leave.wait()
        await broker.shutdown()


class PasswordPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets one user in. What it keeps is a digest, in memory alone."""

    @dataclass
    class Config:
        """Who is let in."""

        username: str
        digest: str

    async def authenticate(self, *, session: Session) -> bool:
        """Whether name and password are right; takes the same time whichever is wrong."""
        name = hmac.compare_digest(_digest(session.username or ""), _digest(self.config.username))
        password = hmac.compare_digest(_digest(session.password or ""), self.config.digest)
        return name and password


def _plugins(username: str | None, password: str | None) -> dict[str, Any]:
    if username is None or password is None:
        return {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    known = {"username": username, "digest": _digest(password)}
    return {f"{PasswordPlugin.__module__}.{PasswordPlugin.__qualname__}": known}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
