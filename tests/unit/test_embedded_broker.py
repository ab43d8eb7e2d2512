"""The broker inside of the agent: it works with the agent's own client, keeps strangers out, and ends cleanly."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from edge_agent.adapters.embedded_broker import CHATTY, EmbeddedBroker
from edge_agent.adapters.mqtt_client import MqttBroker, MqttLink, Patience, host_of
from edge_agent.api.screen.texts import catalogue
from edge_agent.api.screen.views.spoken import in_words
from edge_agent.domain.said import said_of
from edge_agent.errors import BadConfig, BrokerLost, BrokerRefused
from edge_agent.ports import Message
from edge_agent.settings import MqttSettings
from tests.mosquitto import DEADLINE_S, free_port

PATIENCE = Patience(connect_s=5.0, answer_s=10.0, leave_s=1.0)


@pytest.fixture(autouse=True)
def chatty_loggers_are_as_before() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in CHATTY}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


class Ear:
    """A `LinkListener` that can be waited for."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.tokens: list[int] = []
        self.messages: list[Message] = []
        self.why: str | None = None

    def acknowledged(self, token: int) -> None:
        with self.changed:
            self.tokens.append(token)
            self.changed.notify_all()

    def received(self, message: Message) -> None:
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def lost(self, why: str) -> None:
        with self.changed:
            self.why = why
            self.changed.notify_all()

    def until_received(self, payload: bytes) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: payload in [m.payload for m in self.messages], DEADLINE_S)

    def until_acknowledged(self, token: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: token in self.tokens, DEADLINE_S)


def settings(**more: object) -> MqttSettings:
    return MqttSettings.model_validate({"broker": "embedded", "port": free_port(), **more})


def connect(said: MqttSettings, ear: Ear, *, name: str = "one", will: Message | None = None) -> MqttLink:
    return MqttBroker(settings=said, client_id=name, will=will, patience=PATIENCE).connect(ear)


def test_messages_are_acknowledged_come_to_others_and_are_kept() -> None:
    said, one, other = settings(), Ear(), Ear()
    with EmbeddedBroker(settings=said) as broker:
        assert broker.is_alive
        link = connect(said, one)
        one.until_acknowledged(link.publish(Message(topic="a/b", payload=b"kept", retained=True)))
        second = connect(said, other, name="two")
        second.subscribe(["a/+"])
        other.until_received(b"kept")
        assert [m.retained for m in other.messages] == [True]
        link.publish(Message(topic="a/c", payload=b"live"))
        other.until_received(b"live")
        link.close()
        second.close()
    assert not broker.is_alive


def test_who_connects_when_the_broker_ends_is_told() -> None:
    said, ear = settings(), Ear()
    with EmbeddedBroker(settings=said):
        link = connect(said, ear)
    with ear.changed:
        assert ear.changed.wait_for(lambda: ear.why is not None, DEADLINE_S)
    link.close()
    with pytest.raises(BrokerLost):
        connect(said, Ear())


def test_with_a_password_only_who_knows_it_is_let_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text("right horse")
    wrong.write_text("wrong horse")
    said = settings(username="agent", password_file=secret)
    plain = said.model_copy(update={"username": None, "password_file": None})
    with caplog.at_level(logging.DEBUG), EmbeddedBroker(settings=said):
        for other in (
            plain,
            said.model_copy(update={"password_file": wrong}),
            said.model_copy(update={"username": "another"}),
        ):
            with pytest.raises(BrokerRefused, match="says no"):
                connect(other, Ear())
        connect(said, Ear()).close()
    assert "horse" not in caplog.text


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "box.local"])
def test_others_may_not_reach_it_without_a_password(host: str) -> None:
    with pytest.raises(BadConfig, match=r"mqtt\.embedded_host is .*there is no password"):
        EmbeddedBroker(settings=settings(embedded_host=host))


@pytest.mark.parametrize(("host", "reached"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_the_agent_finds_its_own_broker(host: str, reached: str) -> None:
    assert host_of(settings(embedded_host=host)) == reached
    assert host_of(settings(broker="10.0.0.7")) == "10.0.0.7"


class Nowhere(paho.Client):
    """A client to which every name is unknown, in one way or another."""

    def __init__(self, number: int) -> None:
        super().__init__(CallbackAPIVersion.VERSION2)
        self.number = number

    def connect(self, *_: object, **__: object) -> MQTTErrorCode:
        raise socket.gaierror(self.number, "as the C library says it")


@pytest.mark.parametrize(
    ("number", "german"),
    [
        (socket.EAI_NONAME, "diesen Namen kennt das Netz nicht"),
        (socket.EAI_AGAIN, "kein Namensserver antwortet"),
        (socket.EAI_FAIL, "as the C library says it"),
    ],
)
def test_a_broker_whose_name_leads_nowhere_is_said_in_the_language(number: int, german: str) -> None:
    link = MqttLink(client=Nowhere(number), listener=Ear(), patience=PATIENCE)
    with pytest.raises(BrokerLost) as lost:
        link.open("broker.invalid", 1883)
    link.close()
    pieces = in_words(catalogue()["de"], said_of(lost.value)).pieces
    assert "".join(map(str, pieces)) == f"broker.invalid:1883 ist nicht zu erreichen: {german}"


def test_a_port_that_is_taken_is_said() -> None:
    said = settings()
    with (
        EmbeddedBroker(settings=said),
        pytest.raises(BrokerLost, match="cannot listen"),
        EmbeddedBroker(settings=said),
    ):
        pass


def test_a_password_that_cannot_be_read_keeps_it_from_opening(tmp_path: Path) -> None:
    with pytest.raises(BrokerRefused, match="password_file"):
        EmbeddedBroker(settings=settings(username="agent", password_file=tmp_path / "none"))
