"""A browser before a kitchen. Every page is held to it that nothing of it was refused, and that no script failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

from edge_agent.domain.access import Role
from tests.browser.kitchen import Kitchen

WAIT_MS = 15_000
TABLET: ViewportSize = {"width": 1280, "height": 800}

OpenPage = Callable[..., Page]
COUNT_SOUNDS = "window.sounds = []; document.addEventListener('sound:played', (e) => window.sounds.push(e.detail));"
HEARD = "if (!localStorage.getItem('sound-heard')) localStorage.setItem('sound-heard', 'true');"


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Browser]:
    """Debian's Chromium. One per module: Playwright keeps an event loop in the main thread, which others need too."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
        )
        yield launched
        launched.close()


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    """A kitchen with one place."""
    with Kitchen(tmp_path) as served:
        yield served


@pytest.fixture
def kitchen_of_three(tmp_path: Path) -> Iterator[Kitchen]:
    """A kitchen with three places."""
    with Kitchen(tmp_path, slots=3) as served:
        yield served


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a page of a kitchen as somebody: `open_page(kitchen, "/pass", role=Role.CREW)`.

    More arguments are the browser context's (`locale`, `color_scheme`, `viewport`). Network failures are no fault of a
    page; a refusal by its policy and an error of a script are.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        is_network = message.text.startswith(("Failed to load resource", "htmx:sendError", "htmx:afterRequest"))
        if message.type in ("error", "warning") and not is_network:
            faults.append(f"{message.type}: {message.text}")

    def open_it(
        kitchen: Kitchen, path: str = "/pass", *, role: Role | None = Role.CREW, heard: bool = True, **more: Any
    ) -> Page:
        context = browser.new_context(**{"viewport": TABLET, "locale": "en-GB", **more})
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        if role is not None:
            context.add_cookies([{"name": "edge_agent", "value": kitchen.secrets[role], "url": kitchen.url}])
        context.add_init_script(COUNT_SOUNDS)
        if heard:
            context.add_init_script(HEARD)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.goto(kitchen.url + path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert faults == []
