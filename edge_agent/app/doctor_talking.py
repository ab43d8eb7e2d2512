"""The doctor's look at what talks: the MQTT broker, the HTTP API, and who may use it."""

from __future__ import annotations

import http.client
import importlib.util
import os
import ssl
from collections import Counter

from edge_agent.adapters.mqtt_client import MqttBroker
from edge_agent.app.finding import Finding, attention, ok, wrong
from edge_agent.app.tokens import open_tokens
from edge_agent.domain.said import listed, placed, said_of, say
from edge_agent.errors import BrokerLost, BrokerRefused, EdgeAgentError
from edge_agent.formats.network_address import is_loopback
from edge_agent.ports import Clock, Message
from edge_agent.settings import ApiSettings, MqttSettings, Settings

API_TIMEOUT_S = 5.0
GUARDED = "/api/v1/stations"
"""What nobody may read without a token."""


class _NobodyListens:
    """What a link tells while the doctor looks."""

    def lost(self, why: str) -> None:
        """It is closed anyway."""

    def acknowledged(self, mid: int) -> None:
        """Nothing was published."""

    def received(self, message: Message) -> None:
        """Nothing was subscribed to."""


def look_at_broker(settings: MqttSettings) -> list[Finding]:
    """Whether the broker lets the agent in, by the password of the settings."""
    if settings.is_embedded:
        if importlib.util.find_spec("amqtt") is None:
            do = say("do_broker", "install the extra 'broker', or Mosquitto and name it under mqtt.broker")
            said = say("broker_none", "it is to run inside of the agent, but amqtt is not installed")
            return [wrong("broker", said, do, code="broker_none")]
        where = f"{settings.embedded_host}:{settings.port}"
        return [
            ok(
                "broker",
                say("broker_inside", "runs inside of the agent, on {where}", where=where),
                code="broker_inside",
            )
        ]
    where = f"{settings.broker}:{settings.port}"
    try:
        link = MqttBroker(settings=settings, client_id=f"edge-agent-doctor-{os.getpid()}").connect(_NobodyListens())
    except BrokerRefused as refusal:
        do = say("do_broker_log", "the broker's log says why (Mosquitto: sudo journalctl -u mosquitto)")
        return [wrong("broker", said_of(refusal), do, code="broker_refuses")]
    except BrokerLost as refusal:
        return [
            wrong(
                "broker",
                said_of(refusal),
                say("do_broker_there", "is it running, and is the network there?"),
                code="broker_away",
            )
        ]
    link.close()
    said = (
        say("broker_lets_in", "{where} lets the agent in as {user}", where=where, user=settings.username)
        if settings.username
        else say("broker_lets_in_all", "{where} lets the agent in without a password", where=where)
    )
    if settings.tls:
        said = say("broker_by_tls", "{said}, by TLS", said=said)
    return [ok("broker", said, code="broker_there")]


def look_at_api(settings: ApiSettings) -> list[Finding]:
    """Whether it answers, and keeps out whoever has no token."""
    where = f"{settings.host}:{settings.port}"
    try:
        status = _status_without_token(settings)
    except ConnectionRefusedError:
        return [attention("API", f"nothing listens on {where}", "start the agent, if it should be running")]
    except (OSError, http.client.HTTPException) as refusal:
        do = "another program may have the port: 'sudo ss -ltnp' tells which; set api.port to another"
        return [wrong("API", f"{where} does not answer as the agent does: {refusal}", do)]
    if status == http.HTTPStatus.UNAUTHORIZED:
        reach = "this machine alone reaches it" if is_loopback(settings.host) else "the network reaches it"
        return [ok("API", f"{where} answers, and lets nobody in without a token; {reach}")]
    if status == http.HTTPStatus.TOO_MANY_REQUESTS:
        return [attention("API", f"{where} was asked too often without a token", "wait a minute, then look again")]
    do = "another program may have the port: 'sudo ss -ltnp' tells which; set api.port to another"
    return [wrong("API", f"{where} answers {status} to whoever has no token, where 401 is right", do)]


def _status_without_token(settings: ApiSettings) -> int:
    """What the agent answers to somebody who has no token. Raises OSError or HTTPException."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  not bound to
    if settings.tls is None:
        connection = http.client.HTTPConnection(host, settings.port, timeout=API_TIMEOUT_S)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Asked is our own port on this machine, under an address that the certificate need not have; nothing secret
        # is sent there.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, settings.port, timeout=API_TIMEOUT_S, context=context)
    try:
        connection.request("GET", GUARDED)
        return connection.getresponse().status
    finally:
        connection.close()


def look_at_tokens(settings: Settings, *, clock: Clock) -> list[Finding]:
    """How many serve, and who may read the file."""
    path = settings.api.tokens
    try:
        serving = [token for token in open_tokens(path).tokens() if token.serves_at(clock.now_utc())]
    except EdgeAgentError as refusal:
        do = say(
            "do_tokens_back",
            "'edge-agent restore' (on an installed box with sudo) brings it back, or move it away and make new tokens",
        )
        return [wrong("tokens", placed(refusal), do, code="tokens_damaged")]
    if not serving:
        do = say(
            "do_token",
            "'edge-agent tokens create --name office --role admin' (on an installed box with sudo) makes one",
        )
        return [
            attention("tokens", say("tokens_none", "there is none, so nobody can use the API"), do, code="tokens_none")
        ]
    roles = Counter(token.role.value for token in serving)
    said = listed(
        say(f"tokens_of_{role}", "{n} of role {role}", n=number, role=role) for role, number in sorted(roles.items())
    )
    if path.stat().st_mode & 0o077:
        return [
            attention(
                "tokens",
                say("tokens_open", "{said}; others may read {path}", said=said, path=path),
                say("do_run", "{command}", command=f"sudo chmod 600 {path}"),
                code="tokens_open",
            )
        ]
    return [ok("tokens", said, code="tokens_safe")]
