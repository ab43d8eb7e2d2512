"""A page that hears nothing says so within three seconds, comes back by itself, and does not grow."""

from __future__ import annotations

import threading

from playwright.sync_api import CDPSession, Page, expect

from edge_agent.domain.access import Role
from tests.browser.conftest import OpenPage
from tests.browser.kitchen import Kitchen, seen
from tests.builders import order

LOST_MS = 3_000
MANY_EVENTS = 150
"""So many swaps of a card and the queue; a leak of one element each would show."""


def says_lost(page: Page) -> None:
    """The page says so in time; it is looked at with every frame that the browser draws."""
    page.wait_for_function("() => !document.getElementById('lost').hidden", timeout=LOST_MS)


def test_a_stopped_agent_is_noticed_within_three_seconds_and_the_page_heals(
    kitchen: Kitchen, open_page: OpenPage
) -> None:
    page = open_page(kitchen)
    expect(page.locator("#place-1")).to_have_attribute("data-look", "empty")
    page.evaluate("() => { window.mark = 'the same page'; }")
    kitchen.stop()
    says_lost(page)
    kitchen.tray(seen(burger=1), kitchen.order(order("42", "burger")))
    kitchen.start(kitchen.port)
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#place-1")).to_have_attribute("data-look", "right")
    assert page.evaluate("() => window.mark") == "the same page"


def test_a_stream_that_is_held_open_but_mute_is_noticed_too(kitchen: Kitchen, open_page: OpenPage) -> None:
    """As with a process that hangs, or a switch that swallows packets: no connection breaks."""
    page = open_page(kitchen)
    expect(page.locator("#place-1")).to_have_attribute("data-look", "empty")
    go_on = threading.Event()
    kitchen.hang(go_on)
    says_lost(page)
    go_on.set()
    expect(page.locator("#lost")).to_be_hidden()


def test_an_answer_that_was_not_sent_is_not_believed(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.red(seen(burger=1), kitchen.order(order("42", "burger", "fries")))
    page = open_page(kitchen)
    expect(page.locator("#place-1")).to_have_attribute("data-steady", "yes")
    kitchen.stop()
    expect(page.locator("#lost")).to_be_visible()
    page.get_by_role("button", name="Fixed").click()
    expect(page.locator("#notice")).to_contain_text("Not sent")
    assert kitchen.alerts.said() == ()


def test_a_revoked_tablet_is_led_to_sign_in(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    expect(page.locator("#place-1")).to_have_attribute("data-look", "empty")
    [crew] = [token for token in kitchen.tokens.tokens() if token.role is Role.CREW]
    kitchen.tokens.revoke(crew.token_id)
    page.wait_for_url("**/login?next=/pass", timeout=20_000)


def elements(session: CDPSession) -> int:
    """All nodes that the browser keeps, also those that stand on no page any more."""
    session.send("HeapProfiler.collectGarbage")
    counted = {each["name"]: int(each["value"]) for each in session.send("Performance.getMetrics")["metrics"]}
    return counted["Nodes"]


def test_a_page_that_is_open_for_a_day_does_not_grow(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def live(rounds: int, base: int) -> int:
        for number in range(base, base + rounds):
            ordered = kitchen.order(order(f"{number}", "burger", "fries", display_number=str(number)))
            kitchen.tray(seen(burger=1), ordered)
            expect(page.locator("#place-1 .number")).to_have_text(str(number))
            kitchen.book.ready(ordered.key)
        return elements(session)

    settled = live(20, 1)
    assert live(MANY_EVENTS, 100) <= settled * 1.1
    assert page.evaluate("() => document.querySelectorAll('*').length") < settled
