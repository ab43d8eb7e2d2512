"""A page that hears nothing says so within three seconds, comes back by itself, and does not grow."""

from __future__ import annotations

import re
import threading
import urllib.request

from playwright.sync_api import CDPSession, Page, Route, expect

from edge_agent.domain.access import Role
from edge_agent.domain.alert import Resolution
from edge_agent.domain.record import StaffRole
from tests.browser.conftest import OpenPage
from tests.browser.kitchen import Kitchen, seen
from tests.builders import order

LOST_MS = 3_000
MANY_EVENTS = 150
"""So many swaps of a card and the queue; a leak of one element each would show."""

EVENTS_OF_A_DAY = 5_000
"""So many changes of regions. Each kept node or listener, or each kept kilobyte of every event, would be seen."""

FEW, MOST_BYTES = 200, 1_000_000


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


def test_a_tablet_whose_clock_is_wrong_shows_no_age_until_it_has_heard_the_boxs(
    kitchen: Kitchen, open_page: OpenPage
) -> None:
    """What it would say for the half second before the first beat, thousands of hours, would be read."""
    kitchen.order(order("42", "burger"))
    held: list[Route] = []
    page = open_page(kitchen, "/login")
    page.route("**/pass/events", lambda route: held.append(route))  # noqa: PLW0108  it marks a function
    page.goto(f"{kitchen.url}/pass")
    age = page.locator(".age time")
    expect(age).to_be_attached()
    expect(age).to_be_empty()
    page.wait_for_function("() => window.formats.aheadMs === null")
    for route in held:
        route.continue_()
    page.unroute("**/pass/events")
    expect(age).to_have_text(re.compile(r"^\d+ ?s"))


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


def told_now(kitchen: Kitchen) -> str:
    """What the stream of the pass sends whoever comes now: each region, and a beat."""
    request = urllib.request.Request(f"{kitchen.url}/pass/events")
    request.add_header("Cookie", f"edge_agent={kitchen.secrets[Role.CREW]}")
    lines: list[str] = []
    with urllib.request.urlopen(request, timeout=10) as stream:
        while not (lines and not lines[-1].strip() and "event: beat" in "".join(lines[-4:])):
            lines.append(stream.readline().decode())
    return "".join(lines).removeprefix("retry: 1000\n\n")


def busy_minutes(kitchen: Kitchen) -> str:
    """What the stream tells while trays come, are wrong, are answered, are right and go, and orders come and go."""
    told = []
    for number in range(1, 9):
        ordered = kitchen.order(order(f"{number}", "burger", "fries", display_number=str(number)))
        wrong = kitchen.red(seen(burger=1), ordered, slot=1 + number % 3)
        told.append(told_now(kitchen))
        kitchen.alerts.answer(wrong.told_id, Resolution.FIXED, role=StaffRole.CREW, take_back_s=10.0)
        told.append(told_now(kitchen))
        kitchen.alerts.can_be_taken_back.clear()
        kitchen.alerts.answered[wrong.told_id] = (Resolution.FIXED, StaffRole.CREW)
        kitchen.tray(seen(burger=1, fries=1), ordered, slot=1 + number % 3)
        told.append(told_now(kitchen))
        kitchen.book.ready(ordered.key)
        kitchen.empty(slot=1 + number % 3)
        told.append(told_now(kitchen))
    return "".join(told)


def kept_by(page: Page, session: CDPSession) -> dict[str, int]:
    """How much the browser keeps once timers of ten seconds have ended and nothing is held that nobody needs."""
    page.clock.run_for(10_000)
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    counted = {each["name"]: int(each["value"]) for each in session.send("Performance.getMetrics")["metrics"]}
    return {name: counted[name] for name in ("Nodes", "JSEventListeners", "Documents", "JSHeapUsedSize")}


def test_a_days_events_leave_nothing_behind(kitchen_of_three: Kitchen, open_page: OpenPage) -> None:
    """What the box tells in some busy minutes is told to the page again and again, as fast as it can take it."""
    minutes = busy_minutes(kitchen_of_three)
    changes = minutes.count("event: ") - minutes.count("event: beat")
    page = open_page(kitchen_of_three)
    page.clock.install()
    page.add_init_script("window.told = 0; document.addEventListener('live:shown', () => { window.told += 1; });")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/pass/events", hold)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def hear(rounds: int) -> dict[str, int]:
        page.evaluate("() => { window.told = 0; }")
        asked[-1].fulfill(content_type="text/event-stream", body=minutes * rounds)
        page.wait_for_function("all => window.told >= all", arg=rounds * changes)
        return kept_by(page, session)

    with page.expect_request("**/pass/events"):
        page.goto(kitchen_of_three.url + "/pass")
    before = hear(2)
    after = hear(EVENTS_OF_A_DAY // changes)
    assert after["Documents"] == before["Documents"]
    assert after["Nodes"] <= before["Nodes"] + FEW
    assert after["JSEventListeners"] <= before["JSEventListeners"] + FEW
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + MOST_BYTES


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
