"""Alerts over the real Mosquitto, which is stopped, frozen, forgetful and picky: at a subscriber no step is missing."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.adapters.system_clock import SystemClock
from edge_agent.domain.alert import Resolution
from edge_agent.domain.record import StaffRole
from edge_agent.errors import BrokerLost, BrokerRefused
from edge_agent.formats.mqtt_messages import ONLINE
from edge_agent.ports import Message, StationStatus
from edge_agent.runtime.inbox import Inbox
from tests.fakes_mqtt import FakeAlerts
from tests.mosquitto import DEADLINE_S, Mosquitto, Subscriber, free_port, mosquitto_program
from tests.store_builders import reached
from tests.telling_house import PATIENCE, TOPICS, TellingHouse, client, settings, telling

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "edge.sqlite"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", persists=True) as started:
        yield started


def names(first: int, last: int) -> list[str]:
    return [f"1-left-{n:04d}-alert-1" for n in range(first, last)]


def wait_for_all(house: TellingHouse, screen: Subscriber) -> None:
    """Every step that was committed reached the subscriber, and the outbox is empty."""
    wanted = set(range(1, house.last_seq() + 1))
    screen.until(lambda: screen.seqs() >= wanted)
    until_delivered(house)


def until_delivered(house: TellingHouse) -> None:
    """The broker's last acknowledgement may still be on its way to the database: ask until it is there."""
    clock, turn = SystemClock(), threading.Event()
    deadline_s = clock.monotonic_s() + DEADLINE_S
    while house.outbox.waiting():
        assert clock.monotonic_s() < deadline_s, house.teller.report()
        turn.wait(0.02)


def hands_out_stable_ids(house: TellingHouse, screen: Subscriber) -> bool:
    """Each number stands for one step of one alert, however often it came."""
    committed = {news.seq: (news.told_id, news.resolved) for news in house.outbox.after(0, limit=1_000)}
    return all(committed[step["seq"]] == (step["id"], step["step"] == "resolved") for step in screen.feed())


def test_every_step_comes_in_its_order_and_open_alerts_stay_with_the_broker(path: Path, broker: Mosquitto) -> None:
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port)) as house:
        house.raise_alerts(*names(0, 60))
        house.resolve_alerts(*names(0, 50))
        wait_for_all(house, screen)
        assert [step["seq"] for step in screen.feed()] == list(range(1, 111)), "without a break none comes twice"
        assert hands_out_stable_ids(house, screen)
        with Subscriber(broker.port, f"{TOPICS.base}/alerts/+", name="late") as late:
            late.until(lambda: len(late.got) == 10)
            assert {got.topic for got in late.got} == {TOPICS.alert(name) for name in names(50, 60)}
            assert all(got.retained for got in late.got)
        assert screen.last(TOPICS.status) == b"online"
    with Subscriber(broker.port, TOPICS.status, name="after") as after:
        after.until(lambda: bool(after.got))
        assert after.last(TOPICS.status) == b"offline", "an agent that ends as it should says so itself"


def test_states_checks_and_figures_come_too(path: Path, broker: Mosquitto) -> None:
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port)) as house:
        house.teller.announce("pass", StationStatus(station_id="pass", camera="online", can_decide=True))
        house.teller.announce("pass", reached())
        screen.until(lambda: screen.last(TOPICS.state("pass")) == b"mismatch")
        screen.until(lambda: screen.last(TOPICS.camera("pass")) == b"online")
        screen.until(lambda: bool(screen.on(TOPICS.checks("pass"))))


def test_a_button_answers_with_the_tool_of_mosquitto(path: Path, broker: Mosquitto) -> None:
    alerts = FakeAlerts()
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port), alerts=alerts) as house:
        house.raise_alerts("a1")
        wait_for_all(house, screen)
        tool = [mosquitto_program("mosquitto_pub"), "-p", str(broker.port), "-t", TOPICS.answer("a1")]
        subprocess.run([*tool, "-m", "system_wrong"], check=True, timeout=DEADLINE_S)
        assert alerts.answered.acquire(timeout=DEADLINE_S)
    assert alerts.answers == [("a1", Resolution.SYSTEM_WRONG, StaffRole.CREW)]


def test_a_broker_that_stops_in_mid_flight_and_comes_back_costs_nothing(path: Path, broker: Mosquitto) -> None:
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port)) as house:
        house.raise_alerts(*names(0, 20))
        broker.stop()
        house.raise_alerts(*names(20, 60))
        assert house.outbox.waiting() >= 40
        broker.start()
        house.raise_alerts(*names(60, 70))
        wait_for_all(house, screen)
        assert hands_out_stable_ids(house, screen)
        assert house.teller.report().connections == 2


def test_of_a_broker_that_is_killed_every_open_alert_is_known(path: Path, broker: Mosquitto) -> None:
    """It forgets the sessions of its subscribers, and with them what it had taken on for their feed.

    So a screen that comes back learns of what is open by the alerts' own topics; the feed's gap it closes by `seq`.
    """
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port)) as house:
        house.raise_alerts(*names(0, 20))
        broker.kill()
        house.raise_alerts(*names(20, 60))
        assert house.outbox.waiting() >= 40
        broker.start()
        house.raise_alerts(*names(60, 70))
        screen.until(lambda: screen.known() >= set(range(1, 71)))
        until_delivered(house)
        assert hands_out_stable_ids(house, screen)


def test_a_frozen_broker_is_waited_for_and_nothing_is_missing(path: Path, broker: Mosquitto) -> None:
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port)) as house:
        house.raise_alerts(*names(0, 20))
        broker.freeze()
        house.raise_alerts(*names(20, 60))
        screen.hears_nothing_for(2.0)
        assert house.outbox.waiting() >= 40
        broker.thaw()
        wait_for_all(house, screen)
        assert hands_out_stable_ids(house, screen)


def test_a_broker_frozen_for_longer_counts_as_gone_until_it_answers(path: Path, broker: Mosquitto) -> None:
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port)) as house:
        house.raise_alerts("a0")
        wait_for_all(house, screen)
        broker.freeze()
        house.raise_alerts(*names(0, 30))
        gone, deadline_s = threading.Event(), SystemClock().monotonic_s() + DEADLINE_S
        while house.teller.report().connected:
            assert SystemClock().monotonic_s() < deadline_s
            gone.wait(0.05)
        broker.thaw()
        wait_for_all(house, screen)
        assert house.teller.report().connections >= 2


def test_a_broker_that_forgets_gets_the_open_alerts_again(path: Path, tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker", persists=False) as broker, telling(path, settings(broker.port)) as house:
        house.raise_alerts("a1", "a2", "a3")
        house.resolve_alerts("a2")
        house.teller.announce("pass", reached())
        until_delivered(house)
        broker.stop()
        broker.start()
        with Subscriber(broker.port) as screen:
            screen.until(lambda: {TOPICS.alert("a1"), TOPICS.alert("a3")} <= {got.topic for got in screen.got})
            screen.until(lambda: screen.last(TOPICS.state("pass")) == b"mismatch")
            screen.until(lambda: screen.last(TOPICS.status) == b"online")
            assert screen.on(TOPICS.alert("a2")) == []


def test_what_the_broker_kept_of_an_alert_that_ended_is_taken_back(path: Path, broker: Mosquitto) -> None:
    tool = [mosquitto_program("mosquitto_pub"), "-p", str(broker.port), "-r", "-q", "1"]
    subprocess.run([*tool, "-t", TOPICS.alert("of-last-week"), "-m", "{}"], check=True, timeout=DEADLINE_S)
    with Subscriber(broker.port) as screen, telling(path, settings(broker.port)):
        screen.until(lambda: screen.on(TOPICS.alert("of-last-week")) == [b"{}", b""])


# Killed


def test_a_killed_agent_is_offline_and_its_next_life_tells_the_rest(path: Path, broker: Mosquitto) -> None:
    """Twice, at different moments, under load: each alert that was committed comes at least once, under one id."""
    with Subscriber(broker.port) as screen:
        committed: list[str] = []
        for rounds in (7, 25):
            committed += _kill_after(path, broker.port, rounds)
            screen.until(lambda: screen.last(TOPICS.status) == b"offline")
        assert len(committed) >= 7 + 25
        with telling(path, settings(broker.port)) as house:
            wait_for_all(house, screen)
            assert hands_out_stable_ids(house, screen)
            assert {step["id"] for step in screen.feed()} >= set(committed)
            screen.until(lambda: screen.last(TOPICS.status) == b"online")


def _kill_after(path: Path, port: int, rounds: int) -> list[str]:
    command = [sys.executable, "-m", "tests.telling_house", str(path), str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        said = [victim.stdout.readline() for _ in range(rounds)]
        victim.kill()
        said += victim.stdout.readlines()
    assert victim.returncode == -9
    return [line.strip() for line in said if line.endswith("\n")]


def test_the_last_will_of_a_connection_of_ours_that_died_does_not_say_that_we_are_gone(broker: Mosquitto) -> None:
    """A half-open connection is thrown out when the next one comes, before that one says `online`."""
    inbox = Inbox(changed=lambda: None)
    with Subscriber(broker.port, TOPICS.status) as screen:
        dead = client(settings(broker.port)).connect(inbox)
        alive = client(settings(broker.port)).connect(inbox)
        alive.publish(Message(topic=TOPICS.status, payload=ONLINE, retained=True))
        screen.until(lambda: screen.last(TOPICS.status) == ONLINE)
        screen.hears_nothing_for(0.5)
        for link in (dead, alive):
            link.close()


# Who may, and with whom


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that lets in one user."""
    users = tmp_path / "users"
    make = [mosquitto_program("mosquitto_passwd"), "-b", "-c", str(users), "agent", "right horse"]
    subprocess.run(make, check=True, timeout=DEADLINE_S, capture_output=True)
    with Mosquitto(tmp_path / "broker", more=["allow_anonymous false", f"password_file {users}"]) as started:
        yield started


def test_the_right_password_is_let_in_from_a_file_or_the_environment(
    locked: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("right horse\n")
    monkeypatch.setenv("MQTT_PASSWORD", "right horse")
    for source in ({"password_file": secret}, {"password_env": "MQTT_PASSWORD"}):
        inbox = Inbox(changed=lambda: None)
        link = client(settings(locked.port, username="agent", **source)).connect(inbox)
        link.close()


def test_a_wrong_password_is_said_once_and_told_alerts_come_once_it_is_right(
    locked: Mosquitto, path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("wrong horse")
    said = settings(locked.port, username="agent", password_file=secret)
    login = {"username": "agent", "password": "right horse"}
    tried = threading.Event()
    with (
        caplog.at_level(logging.DEBUG),
        Subscriber(locked.port, **login) as screen,
        telling(path, said) as house,
    ):
        house.raise_alerts("a1")
        deadline_s = SystemClock().monotonic_s() + DEADLINE_S
        while sum("says no" in record.getMessage() for record in caplog.records) < 3:
            assert SystemClock().monotonic_s() < deadline_s
            tried.wait(0.05)
        report = house.teller.report()
        assert (report.connected, report.pending) == (False, 1)
        secret.write_text("right horse")
        wait_for_all(house, screen)
    levels = [record.levelname for record in caplog.records if "says no" in record.getMessage()]
    assert levels[0] == "WARNING"
    assert set(levels[1:]) == {"DEBUG"}
    assert "horse" not in caplog.text


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text(""), Path.mkdir])
def test_a_password_that_cannot_be_read_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "secret")
    said = settings(free_port(), username="agent", password_file=tmp_path / "secret")
    with pytest.raises(BrokerRefused, match=r"mqtt\.password_file: .*secret"):
        client(said).connect(Inbox(changed=lambda: None))
    with pytest.raises(BrokerRefused, match="no 'NOT_SET_ANYWHERE'"):
        client(settings(free_port(), username="agent", password_env="NOT_SET_ANYWHERE")).connect(
            Inbox(changed=lambda: None)
        )


def certificates(folder: Path, program: Callable[[str], str], *, host: str) -> tuple[Path, Path, Path]:
    """A certificate authority, and a certificate of it for a host: ca, certificate, key."""
    folder.mkdir()
    openssl, ca, ca_key = program("openssl"), folder / "ca.crt", folder / "ca.key"
    certificate, key, request = folder / "host.crt", folder / "host.key", folder / "host.csr"
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName=IP:{host}\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for command in (
        ["req", "-x509", *curve, "-subj", "/CN=test", "-days", "2", "-keyout", ca_key, "-out", ca],
        ["req", "-new", *curve, "-subj", "/CN=broker", "-keyout", key, "-out", request],
        [
            *["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2"],
            *["-extfile", extensions, "-out", certificate],
        ],
    ):
        subprocess.run([openssl, *map(str, command)], check=True, capture_output=True, timeout=DEADLINE_S)
    return ca, certificate, key


def speaking_tls(certificate: Path, key: Path) -> list[str]:
    return ["allow_anonymous true", f"certfile {certificate}", f"keyfile {key}"]


def test_tls_is_verified_and_then_alerts_come(path: Path, tmp_path: Path, program: Callable[[str], str]) -> None:
    ca, certificate, key = certificates(tmp_path / "ours", program, host="127.0.0.1")
    other, _, _ = certificates(tmp_path / "other", program, host="127.0.0.1")
    with Mosquitto(tmp_path / "broker", more=speaking_tls(certificate, key)) as broker:
        for wrong in ({"ca": other}, {}):
            with pytest.raises(BrokerRefused, match="does not verify"):
                client(settings(broker.port, tls=True, **wrong)).connect(Inbox(changed=lambda: None))
        with pytest.raises(BrokerRefused, match=r"mqtt\.ca: .*host\.key"):
            client(settings(broker.port, tls=True, ca=key)).connect(Inbox(changed=lambda: None))
        with telling(path, settings(broker.port, tls=True, ca=ca)) as house:
            house.raise_alerts(*names(0, 5))
            until_delivered(house)


def test_a_certificate_for_another_host_is_refused(tmp_path: Path, program: Callable[[str], str]) -> None:
    ca, certificate, key = certificates(tmp_path / "ours", program, host="127.0.0.9")
    with (
        Mosquitto(tmp_path / "broker", more=speaking_tls(certificate, key)) as broker,
        pytest.raises(BrokerRefused, match="does not verify"),
    ):
        client(settings(broker.port, tls=True, ca=ca)).connect(Inbox(changed=lambda: None))


# Brokers that are none


@contextlib.contextmanager
def silent_listener() -> Iterator[int]:
    """The kernel takes connections for it; nobody ever reads them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("tls", [False, True])
def test_a_broker_that_accepts_and_never_answers_is_given_up_in_time(path: Path, tls: bool) -> None:
    with silent_listener() as port:
        began_s = SystemClock().monotonic_s()
        with pytest.raises(BrokerLost):
            client(settings(port, tls=tls)).connect(Inbox(changed=lambda: None))
        took_s = SystemClock().monotonic_s() - began_s
        assert took_s < PATIENCE.connect_s + PATIENCE.answer_s + PATIENCE.leave_s + 10
        with telling(path, settings(port, tls=tls)) as house:
            house.raise_alerts("a1")
            assert not house.teller.report().connected
        assert house.outbox.waiting() == 1


def test_a_port_that_nobody_listens_on_is_said_to_be_lost() -> None:
    with pytest.raises(BrokerLost, match="cannot be reached"):
        client(settings(free_port())).connect(Inbox(changed=lambda: None))


def test_what_speaks_another_protocol_is_lost(tmp_path: Path) -> None:
    """A web server in the place of the broker."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        server = threading.Thread(target=answer)
        server.start()
        with pytest.raises(BrokerLost):
            client(settings(listener.getsockname()[1])).connect(Inbox(changed=lambda: None))
        server.join(DEADLINE_S)
