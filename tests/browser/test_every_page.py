"""What holds for every page: who finds it, who may open it, and that everybody can use it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from edge_agent.api.access import SCREEN
from edge_agent.api.screen.navigation import PLACES, places_for
from edge_agent.domain.access import Role
from edge_agent.domain.said import say
from tests.browser.conftest import OpenPage
from tests.browser.kitchen import Kitchen, in_doubt, seen
from tests.builders import line, order
from tests.fakes_setup import LOOK

VENDORED = Path(__file__).parent / "vendored"
AXE = (VENDORED / "axe.min.js").read_text()
STAFF = (Role.CREW, Role.MANAGER, Role.ADMIN)
SIGNED_OUT = ("/login", "/pair")
SMALLEST_PX = 48
SERIOUS = ("serious", "critical")


def serious_faults(page: Page) -> list[str]:
    """What axe finds that keeps people from using the page."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate("() => axe.run().then(result => result.violations)")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')}"
        for each in found
        if each["impact"] in SERIOUS
    ]


def full_house(kitchen: Kitchen) -> None:
    """Every state that a card can have at once, and orders of every kind."""
    first = kitchen.order(order("41", line("burger", 2), "fries", line("salad", voided=True), channel="counter"))
    second = kitchen.order(order("42", "burger", "fries", "toy", notes="Nut allergy!", test=True))
    third = kitchen.order(order("43", "cola", line("cheese", modifiers=("no onions",))))
    kitchen.red(seen(burger=1), first, slot=1)
    kitchen.tray(seen(burger=1, fries=1), second, slot=2)
    kitchen.tray(in_doubt(seen(cola=1), "burger_wrapped"), third, slot=3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*(place.path for place in PLACES), *SIGNED_OUT])
def test_axe_finds_nothing_serious(kitchen_of_three: Kitchen, open_page: OpenPage, path: str, scheme: str) -> None:
    full_house(kitchen_of_three)
    role = None if path in SIGNED_OUT else Role.ADMIN
    page = open_page(kitchen_of_three, path, role=role, color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator(".slot:not([data-steady])")).to_have_count(0)
    assert serious_faults(page) == []


def test_axe_finds_nothing_serious_in_what_opens(kitchen_of_three: Kitchen, open_page: OpenPage) -> None:
    full_house(kitchen_of_three)
    page = open_page(kitchen_of_three, heard=False)
    expect(page.locator(".slot:not([data-steady])")).to_have_count(0)
    page.locator("summary", has_text="Menu").click()
    page.locator("summary", has_text="Keys").click()
    assert serious_faults(page) == []
    page.locator("summary", has_text="Menu").click()
    page.get_by_role("button", name="Recall").click()
    expect(page.locator("#choose")).to_be_visible()
    assert serious_faults(page) == []


@pytest.mark.parametrize("role", STAFF)
def test_each_role_finds_its_pages_and_no_others(kitchen: Kitchen, open_page: OpenPage, role: Role) -> None:
    page = open_page(kitchen, "/", role=role)
    found = {link.get_attribute("href") for link in page.locator("body > header nav a").all()}
    assert found == {place.path for place in places_for(role)}
    for place in PLACES:
        answer = page.goto(kitchen.url + place.path)
        assert answer is not None
        assert answer.status == (200 if role in SCREEN["GET", place.path] else 403)
        expect(page.locator("h1")).to_have_count(1)


def test_a_share_has_the_digits_of_its_sentence(kitchen: Kitchen, open_page: OpenPage) -> None:
    """A slot of 0.96 % that needs 1 % at least was said to take 1 %."""
    problem = say(
        "slot_too_small",
        "the slot takes {area:.2%} of the picture; it needs {least:.0%} at least",
        area=0.0096,
        least=0.01,
    )
    kitchen.agent.cameras.look = replace(LOOK, status="offline", problem=problem)
    page = open_page(kitchen, "/setup/cameras", role=Role.ADMIN, locale="en-GB")
    shares = page.locator('data[data-format="percent"]')
    expect(shares).to_have_text(["0.96%", "1%"])
    page = open_page(kitchen, "/setup/cameras", role=Role.ADMIN, locale="de-DE")
    expect(page.locator('data[data-format="percent"]')).to_have_text(["0,96\u00a0%", "1\u00a0%"])


def test_the_tills_token_opens_no_page(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen, "/login", role=None)
    page.get_by_label("Token").fill(kitchen.secrets[Role.POS])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="till's token")).to_be_visible()


def test_signing_in_leads_to_where_one_wanted_to_be_and_out_again(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen, "/tablets", role=None)
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="not known")).to_be_visible()
    page.get_by_label("Token").fill(kitchen.secrets[Role.MANAGER])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tablets")
    assert page.evaluate("() => document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    page.goto(kitchen.url + "/tablets")
    page.wait_for_url("**/login?next=/tablets")


def test_a_tablet_is_paired_with_a_code_that_a_manager_reads_out(kitchen: Kitchen, open_page: OpenPage) -> None:
    manager = open_page(kitchen, "/tablets", role=Role.MANAGER)
    manager.get_by_role("button", name="New code").click()
    code = manager.locator(".code").inner_text()
    tablet = open_page(kitchen, "/pair", role=None)
    tablet.get_by_label("Code").fill(code.lower())
    tablet.get_by_role("button", name="Pair").click()
    tablet.wait_for_url("**/pass")
    manager.goto(kitchen.url + "/tablets")
    expect(manager.get_by_text("tablet 1")).to_be_visible()


def test_language_and_colours_are_chosen(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen, "/tablets", role=Role.MANAGER, color_scheme="light")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    before = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dunkel").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") != before


def test_numbers_and_times_are_the_browsers(kitchen: Kitchen, open_page: OpenPage) -> None:
    """The words are the page's, the date is as the browser's locale writes it."""
    page = open_page(kitchen, "/tablets", role=Role.MANAGER, locale="de-DE")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    kitchen.tokens.create(name="tablet 7", role=Role.CREW)
    page.reload()
    expect(page.locator("td time").first).to_have_text(re.compile(r"^\d{1,2}\.\d{1,2}\.\d{2,4}"))


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, {"width": 390, "height": 844}], ids=str)
def test_what_is_pressed_is_large_enough_for_a_greasy_finger(
    kitchen_of_three: Kitchen, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    full_house(kitchen_of_three)
    page = open_page(kitchen_of_three, viewport=viewport)
    small = page.evaluate(
        "least => Array.from(document.querySelectorAll('button, summary, a[href]:not(.skip)'))"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < least).map(e => e.outerHTML)",
        SMALLEST_PX,
    )
    assert small == []
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_the_page_is_worked_with_the_keyboard_alone(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.red(seen(burger=1), kitchen.order(order("42", "burger", "fries")))
    page = open_page(kitchen)
    expect(page.locator("#place-1")).to_have_attribute("data-steady", "yes")
    page.locator("#fixed-1").focus()
    outline = page.evaluate("() => getComputedStyle(document.querySelector('#fixed-1')).outlineStyle")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert outline not in ("", "none")


def test_what_changes_is_said_to_a_screen_reader(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    kitchen.red(seen(burger=1), kitchen.order(order("42", "burger", "fries")))
    expect(page.locator("#announcer")).to_have_text("42 Fries missing")


def test_axe_is_what_its_note_says() -> None:
    note = (VENDORED / "README.md").read_text()
    noted = {name: digest for digest, name in re.findall(r"(?m)^    ([0-9a-f]{64})  (.+)$", note)}
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in VENDORED.iterdir() if p.name != "README.md"}
    assert noted == found
