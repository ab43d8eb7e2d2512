"""History, evidence, today and the audit in a real browser, as the manager uses them; also without scripts."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from playwright.sync_api import Page, expect

from edge_agent.domain.access import Role
from edge_agent.domain.alert import Resolution
from edge_agent.domain.detection import Detection, Sighting
from edge_agent.domain.geometry import Box
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.record import AuditAnswer
from edge_agent.ports import Evidence
from tests.browser.conftest import WAIT_MS, OpenPage
from tests.browser.kitchen import Kitchen, picture
from tests.browser.test_every_page import SMALLEST_PX, serious_faults
from tests.reporting_builders import House

PHONE, TABLET, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}, {"width": 1440, "height": 900}
SEEN = Sighting(
    width_px=480, height_px=360, slot=Box(40, 40, 440, 320), seen=(Detection("burger", 0.9, Box(75, 85, 225, 235)),)
)


@pytest.fixture
def house(kitchen: Kitchen) -> House:
    """The kitchen's store, to be told of trays that come now."""
    agent = kitchen.agent
    agent.clock.now = datetime.now(timezone.utc)
    told = House(agent.store, agent.reporting, agent.clock)
    told.begin()
    return told


def busy(house: House, trays: int = 20) -> None:
    """So many trays, the last of them put right in time."""
    for _ in range(trays - 1):
        house.tray(jpeg=picture(1))
    wrong(house, "77")


def wrong(house: House, number: str) -> None:
    """A tray that was wrong, with its picture and what was seen in it."""
    order = house.order(f"A-{number}", number=number, channel="drive")
    session = house.tray(
        VerdictKind.MISMATCH, order=order, alert=True, ends=Resolution.FIXED, by_staff=True, then=VerdictKind.MATCH
    )
    pictured = Evidence(session_id=session, at_s=2.0, jpeg=picture(2), sighting=SEEN)
    house.store.commit(house.run_id, [], evidence=[pictured])


# History and evidence


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_dispute_is_answered_by_number_row_and_evidence(
    kitchen: Kitchen, open_page: OpenPage, house: House, *, scripts: bool
) -> None:
    busy(house)
    page = open_page(kitchen, "/history", role=Role.CREW, java_script_enabled=scripts)
    expect(page.locator(".row")).to_have_count(20)
    page.get_by_label("Order number").fill("77")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("Put right, says the crew")
    page.get_by_role("link", name="Order 77").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Order 77: visible at check")
    expect(page.locator("table.lines tbody tr")).to_have_count(2)
    expect(page.locator(".boxes rect")).to_have_count(1)
    expect(page.locator(".boxes text")).to_have_text("Burger")
    href = page.locator("svg.seen image").get_attribute("href")
    assert page.request.get(kitchen.url + str(href)).headers["content-type"] == "image/jpeg"


def test_times_are_the_restaurant_s_wherever_the_browser_stands(
    kitchen: Kitchen, open_page: OpenPage, house: House
) -> None:
    """Two who talk about one tray must read the same time, and a box with a screen may stand on any zone."""
    house.tray()
    for path in ("/history", "/history/1"):
        page = open_page(kitchen, path, role=Role.MANAGER, timezone_id="Asia/Tokyo")
        expect(page.locator("main time").first).to_be_visible()
        for told in page.locator("main time").all():
            at = datetime.fromisoformat(str(told.get_attribute("datetime")))
            expect(told).to_contain_text(f"{at.astimezone(timezone.utc):%H:%M:%S}")


def test_the_whole_row_leads_to_its_evidence(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    wrong(house, "77")
    page = open_page(kitchen, "/history", role=Role.MANAGER)
    page.locator(".row .ended").click(force=True)  # the link lies over it
    page.wait_for_url("**/history/2")


def test_boxes_are_taken_off_the_picture_and_put_back(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    wrong(house, "77")
    page = open_page(kitchen, "/history/2", role=Role.MANAGER)
    boxes = page.locator(".boxes")
    expect(boxes).to_be_visible()
    page.get_by_label("Boxes around what was seen").uncheck()
    expect(boxes).to_be_hidden()
    page.get_by_label("Boxes around what was seen").check()
    expect(boxes).to_be_visible()


def test_a_picture_that_has_gone_leaves_no_hole(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    house.tray(jpeg=picture(1))
    kitchen.agent.store.pictures.clear()
    page = open_page(kitchen, "/history/1", role=Role.MANAGER)
    expect(page.locator(".gone")).to_contain_text("No picture of this check is kept any more")
    page.goto(kitchen.url + "/history")
    expect(page.locator(".row img")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_evidence_prints_black_on_white_on_one_sheet(
    kitchen: Kitchen, open_page: OpenPage, house: House, scheme: str
) -> None:
    wrong(house, "77")
    page = open_page(kitchen, "/history/2", role=Role.MANAGER, color_scheme=scheme)
    page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
    sheets = re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True))
    assert len(sheets) == 1
    page.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
    for left_out in ("header.top", "footer.bottom", "[data-print]", ".boxes-switch"):
        expect(page.locator(left_out)).to_be_hidden()
    colours = page.evaluate("() => [document.body, document.querySelector('h1')].map(e => getComputedStyle(e).color)")
    assert set(colours) == {"rgb(0, 0, 0)"}
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_print_button_prints(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    wrong(house, "77")
    page = open_page(kitchen, "/history/2", role=Role.MANAGER)
    page.evaluate("() => { window.printed = 0; window.print = () => { window.printed += 1; }; }")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("() => window.printed") == 1


def test_a_file_of_what_was_found_is_downloaded(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    busy(house)
    page = open_page(kitchen, "/history?number=77", role=Role.MANAGER)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a table").click()
    assert download.value.suggested_filename == "checks.csv"
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "Put right, says the crew" in lines[1]


# Today


def painted(page: Page) -> list[int]:
    """How many pixels of each plot are not empty."""
    counted: list[int] = page.evaluate(
        "() => Array.from(document.querySelectorAll('.plot canvas'),"
        " c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, n) => n % 4 === 3 && v).length)"
    )
    return counted


def test_plots_are_drawn_and_their_tables_stand_below(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    """The page's policy refuses inline styles; `open_page` fails the test if anything was refused."""
    busy(house)
    page = open_page(kitchen, "/today", role=Role.MANAGER)
    expect(page.locator(".plot canvas")).to_have_count(3)
    assert min(painted(page)) > 1_000
    expect(page.get_by_role("img", name="Of 100 trays, day by day: lower is better")).to_be_visible()
    table = page.locator("details.as-table").first
    expect(table.locator("table")).to_be_hidden()
    table.locator("summary").click()
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table.locator("tbody td").first).to_have_text("20")


def test_without_scripts_the_tables_are_open(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    busy(house)
    page = open_page(kitchen, "/today", role=Role.MANAGER, java_script_enabled=False)
    expect(page.locator("details.as-table table").first).to_be_visible()
    expect(page.locator(".figure").first).to_contain_text("1 wrong tray was put right before it left")


def test_plots_fit_a_phone_that_is_turned_and_follow_the_colours(
    kitchen: Kitchen, open_page: OpenPage, house: House
) -> None:
    busy(house)
    page = open_page(kitchen, "/today", role=Role.MANAGER, viewport=DESK, color_scheme="light")
    plot = page.locator(".plot canvas").first
    expect(plot).to_be_visible()
    before = plot.evaluate("c => [c.clientWidth, c.toDataURL()]")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.wait_for_function("before => document.querySelector('.plot canvas').clientWidth < before", arg=before[0])
    light = page.locator(".plot canvas").first.evaluate("c => c.toDataURL()")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("light => document.querySelector('.plot canvas').toDataURL() !== light", arg=light)


def test_todays_numbers_appear_by_themselves(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    busy(house, trays=19)
    page = open_page(kitchen, "/today", role=Role.MANAGER)
    now = page.locator("[data-live=figures]")
    expect(now).to_contain_text("No numbers yet")
    house.tray()
    kitchen.tell()
    expect(now).to_contain_text("Counted from 20 trays.", timeout=WAIT_MS)  # they are counted every five seconds
    expect(now.locator(".figure")).to_have_count(3)


def test_numbers_are_written_as_the_browser_does(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    busy(house)
    page = open_page(kitchen, "/today", role=Role.MANAGER, locale="de-DE")
    page.locator("details.as-table summary").first.click()
    expect(page.locator("tbody td").last).to_have_text(re.compile(r"^0,5\d$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Heute")


# Audit


def test_trays_are_audited_with_taps(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    for _ in range(3):
        house.tray(jpeg=picture(1))
    page = open_page(kitchen, "/audit", role=Role.MANAGER)
    expect(page.locator("#progress")).to_have_attribute("value", "0")
    page.get_by_role("button", name="One more: Burger").click()
    page.get_by_text("Fries", exact=True).click()
    page.get_by_text("Fries", exact=True).click()
    page.get_by_role("button", name="One less: Fries").click()
    expect(page.get_by_label("Fries", exact=True)).to_have_value("1")
    page.get_by_role("button", name="That is all").click()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    expect(page.get_by_label("Burger", exact=True)).to_have_value("0")
    page.get_by_role("button", name="Cannot tell").click()
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("2 of 3 done")).to_be_visible()
    said = [(kept.audit.answer, kept.audit.contents) for kept in kitchen.agent.store.audits()]
    assert said == [
        (AuditAnswer.SKIPPED, {}),
        (AuditAnswer.CANNOT_TELL, {}),
        (AuditAnswer.TOLD, {"burger": 1, "fries": 1}),
    ]


def test_trays_are_audited_with_the_keyboard_alone(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    house.tray(jpeg=picture(1))
    page = open_page(kitchen, "/audit", role=Role.MANAGER)
    burger = page.get_by_label("Burger", exact=True)
    burger.focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("-")
    page.keyboard.press("ArrowUp")
    expect(burger).to_have_value("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("All done for this day.")).to_be_visible()
    (kept,) = kitchen.agent.store.audits()
    assert kept.audit.contents == {"burger": 2}


def test_the_audit_works_without_scripts(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    house.tray(jpeg=picture(1))
    page = open_page(kitchen, "/audit", role=Role.MANAGER, java_script_enabled=False)
    expect(page.get_by_role("button", name="One more: Burger")).to_be_hidden()
    page.get_by_label("Burger", exact=True).fill("3")
    page.get_by_role("button", name="That is all").click()
    expect(page.get_by_text("1 of 1 done")).to_be_visible()
    (kept,) = kitchen.agent.store.audits()
    assert kept.audit.contents == {"burger": 3}


def test_an_answer_is_changed(kitchen: Kitchen, open_page: OpenPage, house: House) -> None:
    house.tray(jpeg=picture(1))
    page = open_page(kitchen, "/audit", role=Role.MANAGER)
    page.get_by_role("button", name="One more: Burger").click()
    page.get_by_role("button", name="That is all").click()
    page.get_by_role("link", name="Change it").click()
    page.get_by_role("button", name="That is all").click()
    expect(page.get_by_text("Is the tray empty?")).to_be_visible()
    page.get_by_role("button", name="Yes, it is empty").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert [kept.audit.contents for kept in kitchen.agent.store.audits()] == [{}, {"burger": 1}]


def test_the_tray_stays_in_sight_while_it_is_counted_on_a_phone(
    kitchen: Kitchen, open_page: OpenPage, house: House
) -> None:
    house.tray(jpeg=picture(1))
    page = open_page(kitchen, "/audit", role=Role.MANAGER, viewport=PHONE)
    page.get_by_label("Nuggets", exact=True).focus()
    expect(page.locator(".looked-at img")).to_be_in_viewport(ratio=0.9)
    expect(page.get_by_role("button", name="That is all")).to_be_in_viewport(ratio=0.9)


# All of them


ADDRESSES = ("/history", "/history?show=alerts", "/history/21", "/today", "/audit")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ADDRESSES)
def test_axe_finds_nothing_serious_on_a_busy_day(
    kitchen: Kitchen, open_page: OpenPage, house: House, path: str, scheme: str
) -> None:
    busy(house)
    page = open_page(kitchen, path, role=Role.MANAGER, color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("h1")).to_have_count(1)
    assert serious_faults(page) == []


@pytest.mark.parametrize("viewport", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
@pytest.mark.parametrize("path", ADDRESSES)
def test_everything_fits_and_is_large_enough_for_a_finger(
    kitchen: Kitchen, open_page: OpenPage, house: House, path: str, viewport: dict[str, int]
) -> None:
    busy(house)
    page = open_page(kitchen, path, role=Role.MANAGER, viewport=viewport)
    small = page.evaluate(
        "least => Array.from(document.querySelectorAll('button, summary, select, input:not([type=checkbox]),"
        " .choices a, .days a, a[role=button]'))"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < least).map(e => e.outerHTML)",
        SMALLEST_PX,
    )
    assert small == []
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
