"""The agent is told to end, or to read its menu anew, while everything around it hangs."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blinking_tray import WRONG, blinking
from tests.mosquitto import Mosquitto, Subscriber
from tests.running_agent import RunningAgent, station

FEED = "edge-agent/restaurant/events/alerts"
ENDS_WITHIN_S = 10.0
"""Twice what is promised: this machine may be busy."""


@contextlib.contextmanager
def watching(agent: RunningAgent) -> Iterator[socket.socket]:
    """A screen that listens to the events, and never lets go."""
    with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as screen:
        asked = f"GET /api/v1/events HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer {agent.secret}\r\n\r\n"
        screen.sendall(asked.encode())
        assert b"200 OK" in screen.recv(4096)
        yield screen


@pytest.mark.alone
def test_it_ends_in_time_while_a_camera_a_broker_and_screens_hang_and_loses_nothing(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Mosquitto(tmp_path / "broker", persists=True) as broker,
        Subscriber(broker.port) as screen,
    ):
        settings = blinking(tmp_path / "made")
        hanging = station("hangs", url=f"rtsp://127.0.0.1:{silent.getsockname()[1]}/dead", open_timeout_s=60.0)
        settings |= {"stations": [*settings["stations"], hanging]}
        agent = RunningAgent(
            tmp_path / "agent", more={**settings, "mqtt": {"broker": "127.0.0.1", "port": broker.port}}
        )
        with agent, watching(agent), watching(agent):
            assert agent.put("A-1", WRONG) == 200
            screen.until(lambda: len(screen.feed(FEED)) == 2)
            broker.freeze()
            assert agent.put("A-2", WRONG) == 200
            agent.until(lambda: agent.metric("edge_agent_outbox_pending") > 0, "an alert waits for the broker")
            began_s = time.monotonic()
            assert agent.end() == 0
            assert time.monotonic() - began_s < ENDS_WITHIN_S
            assert "Traceback" not in agent.said()
        broker.thaw()
        with agent:
            waits = {each["order"]["order_id"] for each in agent.ask("GET", "orders")[1]["orders"]}
            assert waits == {"A-1", "A-2"}
            screen.until(lambda: "A-2" in {step["orders"][0]["order_id"] for step in screen.feed(FEED)})
            agent.until(lambda: agent.metric("edge_agent_outbox_pending") == 0, "everything is told")
            assert agent.end() == 0


def test_a_signal_reloads_the_menu_and_one_that_does_not_read_changes_nothing(tmp_path: Path) -> None:
    with RunningAgent(tmp_path / "agent", more=blinking(tmp_path / "made")) as agent:
        assert agent.process is not None
        menu = tmp_path / "made" / "menu.yaml"
        menu.write_text("items:\n- {sku: plate, detects_as: plate}\n- {sku: dish, detects_as: plate}\n")
        agent.process.send_signal(signal.SIGHUP)
        agent.until(lambda: "dish" in json.dumps(agent.ask("GET", "menu")[1]), "the new menu is served")
        menu.write_text("items: [\n")
        agent.process.send_signal(signal.SIGHUP)
        agent.until(lambda: "nothing was reloaded" in agent.said(), "the broken menu is complained of")
        assert "dish" in json.dumps(agent.ask("GET", "menu")[1])
        assert agent.put("A-1", {"dish": 4}) == 200
        agent.until(lambda: agent.metric("edge_agent_alerts_total") > 0, "trays are checked by the menu that reads")
        agent.until(lambda: " on order A-1: " in agent.said(), "the alert stands in the log")
        assert "station pass: alert " in agent.said()
        assert agent.end() == 0
        assert "ended: as it was told to" in agent.said()
