"""A connection to an MQTT broker, by paho-mqtt 2. Each connection has a client of its own.

paho would connect again by itself, and then send anew what it still has. Here the outbox knows what was not delivered;
two memories of that would tell things twice and out of order. So a client that lost its connection is thrown away.

MQTT 3.1.1: every broker speaks it, amqtt nothing else; of what version 5 adds the agent needs nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.domain.said import reason_of, say
from edge_agent.errors import BrokerLost, BrokerRefused
from edge_agent.ports import LinkListener, Message
from edge_agent.settings import MqttSettings

QUALITY = 1
MAX_PASSWORD_BYTES = 1_024
UNAVAILABLE = "Server unavailable"
"""The one answer of a broker that is no fault of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a connection may take.

    Attributes:
        connect_s: for TCP, and again for TLS.
        answer_s: for the broker's word on who we are.
        keep_alive_s: how often a silent connection is probed; twice as long without an answer, and it is over.
        leave_s: for taking leave.
    """

    connect_s: float = 5.0
    answer_s: float = 10.0
    keep_alive_s: int = 15
    leave_s: float = 1.0


class MqttBroker:
    """A `MessageBroker` at the other end of a network.

    Args:
        settings: where it is and how to log in. Password and certificates are read at each connection, so that what
            was wrong can be put right without a restart.
        client_id: as whom to connect. One that stays makes the broker drop our own dead connection when the next one
            comes; else that one's last will would say, minutes later, that we are gone.
        will: what the broker publishes when the connection breaks.
    """

    def __init__(
        self, *, settings: MqttSettings, client_id: str, will: Message | None = None, patience: Patience | None = None
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._will = will
        self._patience = patience or Patience()

    def connect(self, listener: LinkListener) -> MqttLink:
        link = MqttLink(client=self._client(), listener=listener, patience=self._patience)
        try:
            link.open(host_of(self._settings), self._settings.port)
        except BaseException:
            link.close()
            raise
        return link

    def _client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._patience.connect_s
        client.max_inflight_messages_set(0)  # who publishes bounds it
        client.suppress_exceptions = False
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, read_password(self._settings))
        if self._settings.tls:
            client.tls_set_context(_tls(self._settings.ca))
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, QUALITY, self._will.retained)
        return client


class MqttLink:
    """A `BrokerLink`: one client of paho, for one connection."""

    def __init__(self, *, client: paho.Client, listener: LinkListener, patience: Patience) -> None:
        # Given up on closing: only its end closes paho's own sockets, and it refers to us by its callbacks.
        self._client: paho.Client | None = client
        self._listener = listener
        self._patience = patience
        self._answered = threading.Event()
        self._ended = threading.Event()
        self._answer: ReasonCode | None = None
        self._is_started = False
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message

    def open(self, host: str, port: int) -> None:
        """Connect, and wait until the broker says yes.

        Raises:
            BrokerLost: it cannot be reached, or does not answer in time.
            BrokerRefused: it says no, or its certificate does not verify.
        """
        self._reach(host, port)
        self._hear(host, port)

    def _reach(self, host: str, port: int) -> None:
        """Connect, by TCP and TLS, and begin to listen."""
        client = self._open_client()
        try:
            client.connect(host, port, self._patience.keep_alive_s)
        except ssl.SSLCertVerificationError as error:
            raise BrokerRefused(
                say(
                    "broker_certificate",
                    "the certificate of {host}:{port} does not verify ({why}); is mqtt.ca the right one?",
                    host=host,
                    port=port,
                    why=error.verify_message,
                )
            ) from error
        except ssl.SSLError as error:
            raise BrokerLost(
                say("broker_tls", "no TLS with {host}:{port}: {why}", host=host, port=port, why=error.reason or error)
            ) from error
        except (OSError, ValueError) as error:
            raise BrokerLost(
                say(
                    "broker_unreachable",
                    "{host}:{port} cannot be reached: {why}",
                    host=host,
                    port=port,
                    why=_why_unreachable(error),
                )
            ) from error
        self._is_started = True
        client.loop_start()

    def _hear(self, host: str, port: int) -> None:
        """Wait for the broker's word on who we are."""
        if not self._answered.wait(self._patience.answer_s):
            raise BrokerLost(
                say(
                    "broker_silent",
                    "{host}:{port} took the connection and did not answer in {seconds:.0f} s",
                    host=host,
                    port=port,
                    seconds=self._patience.answer_s,
                )
            )
        if self._answer is None:
            raise BrokerLost(
                say(
                    "broker_closed",
                    "{host}:{port} took the connection and closed it without a word",
                    host=host,
                    port=port,
                )
            )
        if self._answer.is_failure:
            said = say("broker_says_no", "{host}:{port} says no: {why}", host=host, port=port, why=self._answer)
            if self._answer.getName() == UNAVAILABLE:
                raise BrokerLost(said)
            raise BrokerRefused(say("broker_password", "{said}; are mqtt.username and its password right?", said=said))

    def subscribe(self, topics: Sequence[str]) -> None:
        error, _ = self._open_client().subscribe([(topic, QUALITY) for topic in topics])
        _check(error)

    def publish(self, message: Message) -> int:
        info = self._open_client().publish(message.topic, message.payload, QUALITY, message.retained)
        _check(info.rc)
        return info.mid

    def close(self) -> None:
        client, self._client = self._client, None
        if client is None or not self._is_started:
            return
        client.disconnect()
        if not self._ended.wait(self._patience.leave_s):
            # It takes nothing any more. paho's thread would wait for that; the end of the socket ends it.
            open_socket = client.socket()
            if isinstance(open_socket, socket.socket):
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
        client.loop_stop()

    def _open_client(self) -> paho.Client:
        if self._client is None:
            raise BrokerLost(say("broker_not_open", "the connection is closed"))
        return self._client

    # What paho calls on its thread.

    def _on_connect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _more: Properties | None
    ) -> None:
        self._answer = reason
        self._answered.set()

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _more: Properties | None
    ) -> None:
        self._ended.set()
        self._answered.set()
        self._listener.lost(say("broker_broke", "the connection broke ({why})", why=reason))

    def _on_publish(
        self, _client: paho.Client, _data: Any, mid: int, _reason: ReasonCode, _more: Properties | None
    ) -> None:
        self._listener.acknowledged(mid)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        with contextlib.suppress(UnicodeDecodeError):  # a topic that is no text is none of ours
            self._listener.received(
                Message(topic=message.topic, payload=bytes(message.payload), retained=message.retain)
            )


def host_of(settings: MqttSettings) -> str:
    """Where to connect: the broker, or our own where it is embedded."""
    if not settings.is_embedded:
        return settings.broker
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with, not bound to
    return anywhere.get(settings.embedded_host, settings.embedded_host)


def read_password(settings: MqttSettings) -> str | None:
    """The password, from its file or its environment variable; None where the settings name neither.

    Raises:
        BrokerRefused: it cannot be read; the sentence does not hold it.
    """
    if settings.password_env is not None:
        said = os.environ.get(settings.password_env)
        if not said:
            raise BrokerRefused(
                say(
                    "broker_no_env",
                    "mqtt.password_env: the environment has no '{name}', or it is empty",
                    name=settings.password_env,
                )
            )
        return said
    return None if settings.password_file is None else _password_in(settings.password_file)


def _password_in(path: Path) -> str:
    try:
        with path.open("rb") as file:
            said = file.read(MAX_PASSWORD_BYTES + 1).decode("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else say("no_text", "it is no text")
        raise BrokerRefused(
            say("broker_no_file", "mqtt.password_file: {path} cannot be read: {why}", path=path, why=reason)
        ) from error
    if not 0 < len(said) <= MAX_PASSWORD_BYTES:
        raise BrokerRefused(
            say("broker_no_password", "mqtt.password_file: {path} holds no password, or more than one", path=path)
        )
    return said


def _tls(ca: Path | None) -> ssl.SSLContext:
    """What verifies the broker's certificate and its name. Raises BrokerRefused."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        raise BrokerRefused(
            say("broker_ca", "mqtt.ca: {ca} cannot be read as certificates (PEM): {why}", ca=ca, why=error)
        ) from error
    context.sslsocket_class = _TlsSocket
    return context


class _TlsSocket(ssl.SSLSocket):
    """Closes itself where the handshake fails: paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  the signature of the base
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _why_unreachable(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return say("name_unanswered", "no name server answers")
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return say("name_unknown", "the network knows no such name")
    return reason_of(error)


def _check(error: int) -> None:
    if error != MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise BrokerLost(
            say("broker_broke", "the connection broke ({why})", why=paho.error_string(MQTTErrorCode(error)))
        )
