"""The real agent, in a process of its own, and a browser before it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import TABLET
from tests.browser.test_connection import says_lost
from tests.running_agent import RunningAgent, station

pytestmark = pytest.mark.integration


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[RunningAgent]:
    """An agent with two places and no camera."""
    with RunningAgent(tmp_path, more={"stations": [station("pass"), station("window")]}) as running:
        yield running


@pytest.fixture
def page(browser: Browser, agent: RunningAgent) -> Iterator[Page]:
    """Somebody signs in with a token, as one does."""
    context = browser.new_context(viewport=TABLET, locale="en-GB")
    shown = context.new_page()
    shown.goto(f"http://127.0.0.1:{agent.port}/pass")
    shown.get_by_label("Token").fill(agent.secret)
    shown.get_by_role("button", name="Sign in").click()
    shown.wait_for_url("**/pass")
    yield shown
    context.close()


def test_an_order_is_shown_bumped_and_called_back(agent: RunningAgent, page: Page) -> None:
    """Over the till's API, and over the screen; the API and the screen agree."""
    expect(page.locator("#place-2")).to_have_attribute("data-look", "blind")
    expect(page.locator(".banner").first).to_contain_text("pass: The camera gives no picture")
    assert agent.put("A-101", {"plate": 1, "drink": 2}, display_number="101") == 200
    expect(page.locator(".ticket h3")).to_have_text("101")
    page.get_by_role("button", name="Bump 101").click()
    expect(page.locator(".ticket")).to_have_count(0)
    assert agent.ask("GET", "orders")[1]["orders"] == []
    page.keyboard.press("r")
    expect(page.locator(".ticket h3")).to_have_text("101")


def test_an_agent_that_hangs_dies_and_comes_back_is_noticed_each_time(agent: RunningAgent, page: Page) -> None:
    expect(page.locator("#place-1")).to_have_attribute("data-look", "blind")
    assert agent.process is not None
    os.kill(agent.process.pid, signal.SIGSTOP)
    says_lost(page)
    os.kill(agent.process.pid, signal.SIGCONT)
    expect(page.locator("#lost")).to_be_hidden(timeout=20_000)
    agent.kill()
    says_lost(page)
    agent.start()
    expect(page.locator("#lost")).to_be_hidden(timeout=20_000)
    assert agent.put("A-102", {"plate": 1}) == 200
    expect(page.locator(".ticket h3")).to_have_text("A-102")
