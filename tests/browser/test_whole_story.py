"""The whole story through the running agent: order in, tray in, red, put right, green; on the screen, MQTT and the API.

The camera plays stretches of the sample video `lunch-rush`, each again and again: first the empty counter, then a tray
without its fries, then with them. It goes on when the test has seen what it waited for, and not before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.app.live_scenes import write_film
from edge_agent.ports import Picture
from tests.browser.conftest import TABLET
from tests.mosquitto import Mosquitto, Subscriber
from tests.running_agent import REPOSITORY, RunningAgent, station

pytestmark = pytest.mark.integration

SAMPLE = REPOSITORY / "sample_videos" / "lunch-rush.mp4"
STRETCHES = {"empty": (0.0, 1.0), "short": (18.3, 20.7), "whole": (23.0, 25.5)}
"""From when to when, in seconds, nothing lies there, and the tray of order B-103 before and after it is put right."""

LONG_MS = 30_000
"""How long a step may take on a busy machine: seconds for the film's next round, and a vote."""

STATE = "edge-agent/restaurant/stations/pass/state"
FEED = "edge-agent/restaurant/events/alerts"


class Camera:
    """Plays one stretch of the recording again and again."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "camera.mp4"
        self._next = folder / "next.mp4"
        self._stretches: dict[str, list[Picture]] = {name: [] for name in STRETCHES}
        for frame in VideoFileSource(SAMPLE).frames():
            for name, (begin_s, end_s) in STRETCHES.items():
                if begin_s <= frame.at_s < end_s:
                    self._stretches[name].append(frame.picture)
            if frame.at_s > STRETCHES["whole"][1]:
                break
        self.shows("empty")

    def shows(self, name: str) -> None:
        """From its next round on it plays that stretch."""
        write_film(self._next, self._stretches[name])
        self._next.replace(self.file)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as started:
        yield started


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


@pytest.fixture
def agent(tmp_path: Path, camera: Camera, broker: Mosquitto) -> Iterator[RunningAgent]:
    (planned,) = yaml.safe_load(SAMPLE.with_suffix(".plan.yaml").read_text())["stations"]
    stations = [station(file=str(camera.file), loop=True) | planned | {"timing": {"resume_s": 0.0}}]
    more = {
        "stations": stations,
        "mqtt": {"broker": "127.0.0.1", "port": broker.port},
        "detector": {"pack": str(REPOSITORY / "models" / "fastfood")},
        "menu": str(REPOSITORY / "configs" / "menus" / "fastfood.yaml"),
    }
    with RunningAgent(tmp_path / "agent", more=more) as running:
        yield running


@pytest.fixture
def page(browser: Browser, agent: RunningAgent) -> Iterator[Page]:
    context = browser.new_context(viewport=TABLET, locale="en-GB")
    context.add_cookies([{"name": "edge_agent", "value": agent.secret, "url": f"http://127.0.0.1:{agent.port}"}])
    shown = context.new_page()
    shown.goto(f"http://127.0.0.1:{agent.port}/pass")
    yield shown
    context.close()


def looks(page: Page, look: str) -> None:
    expect(page.locator("#place-1")).to_have_attribute("data-look", look, timeout=LONG_MS)


def slot(agent: RunningAgent) -> dict[str, Any]:
    """What the API knows of the only slot."""
    (known,) = agent.ask("GET", "stations")[1]["stations"]
    (found,) = known["slots"]
    assert isinstance(found, dict)
    return found


def steps(agent: RunningAgent) -> list[dict[str, Any]]:
    """All steps of alerts that the API knows."""
    found = agent.ask("GET", "alerts?after=0")[1]["alerts"]
    assert isinstance(found, list)
    return found


def says(lamp: Subscriber, state: str) -> None:
    """The lamp's topic says so, for a client that is none of the agent's code."""
    lamp.until(lambda: lamp.last(STATE) == state.encode())


def test_order_in_tray_in_red_put_right_green(
    camera: Camera, broker: Mosquitto, agent: RunningAgent, page: Page
) -> None:
    with Subscriber(broker.port) as lamp:
        # The order comes; the counter is empty.
        looks(page, "empty")
        assert agent.put("B-103", {"menu-big": 1}, display_number="103") == 200
        expect(page.locator(".ticket h3")).to_have_text("103")
        says(lamp, "idle")
        assert [each["order"]["order_id"] for each in agent.ask("GET", "orders")[1]["orders"]] == ["B-103"]
        assert steps(agent) == []

        # A tray comes on which the fries are missing.
        camera.shows("short")
        looks(page, "wrong")
        expect(page.locator("#place-1 .state")).to_have_text(re.compile(r"^\s*103\s+Fries large missing\s*$"))
        expect(page.locator(".pieces-not_seen li")).to_have_text(["Fries large"])
        expect(page.locator(".pieces-seen li")).to_have_text(["The Big in its box", "Soda 0.5 l", "Mayonnaise"])
        says(lamp, "mismatch")
        lamp.until(lambda: len(lamp.feed(FEED)) == 1)
        (told,) = lamp.feed(FEED)
        assert (told["step"], told["text"], told["sounds"], told["late"]) == (
            "raised",
            "Fries large missing",
            True,
            False,
        )
        (raised,) = steps(agent)
        assert (raised["id"], raised["seq"], raised["step"]) == (told["id"], told["seq"], "raised")
        assert [(each["name"], each["result"]) for each in raised["lines"]] == [("Fries large", "missing")]
        tray = slot(agent)["session_id"]
        assert told["session_id"] == tray
        assert json_of(lamp, f"edge-agent/restaurant/alerts/{told['id']}")["text"] == "Fries large missing"

        # It is put right while it lies there.
        camera.shows("whole")
        looks(page, "right")
        expect(page.locator("#place-1 .state")).to_have_text(re.compile(r"^\s*103\s+4 of 4\s*$"))
        says(lamp, "match")
        lamp.until(lambda: len(lamp.feed(FEED)) == 2)
        ended = lamp.feed(FEED)[1]
        assert (ended["id"], ended["step"], ended["resolution"]) == (told["id"], "resolved", "fixed")
        assert [(each["id"], each["step"]) for each in steps(agent)] == [
            (told["id"], "raised"),
            (told["id"], "resolved"),
        ]
        lamp.until(lambda: lamp.last(f"edge-agent/restaurant/alerts/{told['id']}") == b"")
        assert slot(agent)["session_id"] == tray

        # It is taken away; the day's records tell the same story.
        camera.shows("empty")
        looks(page, "empty")
        says(lamp, "idle")
        checks = agent.ask("GET", "checks")[1]["checks"]
        assert (checks[0]["session_id"], checks[0]["final"]) == (tray, True)
        kinds = [each["verdict"]["kind"] for each in reversed(checks)]
        assert [kind for kind in dict.fromkeys(kinds) if kind != "unsure"] == ["mismatch", "match"]
        assert kinds[-1] == "match"
        page.goto(f"http://127.0.0.1:{agent.port}/history?show=alerts")
        expect(page.locator(".row")).to_have_count(1)
        expect(page.locator(".row")).to_contain_text("Fries large missing")


def json_of(lamp: Subscriber, topic: str) -> dict[str, Any]:
    """What the broker was told of one alert last."""
    lamp.until(lambda: bool(lamp.last(topic)))
    found = json.loads(lamp.last(topic) or b"{}")
    assert isinstance(found, dict)
    return found
