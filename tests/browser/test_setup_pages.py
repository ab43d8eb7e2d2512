"""Setting a box up in a browser: slots by pointer and by keys, a tablet paired on the way, and everybody can use it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from edge_agent.domain.access import Role
from edge_agent.domain.drawing import Corners, DrawnSlot
from edge_agent.domain.record import StaffRole
from edge_agent.ports import StationPicture
from tests.browser.conftest import OpenPage
from tests.browser.kitchen import Kitchen, picture
from tests.browser.test_every_page import serious_faults

PAGES = ("", "/cameras", "/slots/pass", "/menu", "/test", "/slider", "/trial-run", "/tokens", "/health")
SHOWS_PICTURE = ("/cameras", "/slots/pass")
BOX: Corners = ((0.2, 0.2), (0.5, 0.2), (0.5, 0.8), (0.2, 0.8))


def before_a_camera(kitchen: Kitchen) -> None:
    """The camera shows a tray, and one place is drawn in the middle."""
    kitchen.agent.cameras.newest = StationPicture(jpeg=picture(1), age_s=0.1)
    kitchen.agent.setup.draw("pass", [DrawnSlot("slot", BOX)], by=StaffRole.ADMIN)


def saved(kitchen: Kitchen) -> tuple[DrawnSlot, ...]:
    """What the box was told to use."""
    return kitchen.agent.setup.now.stations[0].slots


def drag(page: Page, name: str, *, right: float, down: float) -> None:
    """Drag a corner by shares of the picture."""
    board = page.locator(".board").bounding_box()
    handle = page.get_by_role("button", name=name).bounding_box()
    assert board is not None
    assert handle is not None
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right * board["width"] / 2, y + down * board["height"] / 2)
    page.mouse.move(x + right * board["width"], y + down * board["height"])
    page.mouse.up()


@pytest.fixture
def drawing(kitchen: Kitchen, open_page: OpenPage) -> Page:
    """The page on which slots are drawn, its picture there."""
    before_a_camera(kitchen)
    page = open_page(kitchen, "/setup/slots/pass", role=Role.ADMIN)
    expect(page.locator(".board canvas")).to_be_visible()
    return page


def test_a_corner_is_dragged_by_the_pointer_and_saved(kitchen: Kitchen, drawing: Page) -> None:
    drag(drawing, "Place 1, corner 2", right=0.3, down=-0.1)
    drawing.get_by_role("button", name="Save the places").click()
    expect(drawing.get_by_text("The places are saved.")).to_be_visible()
    (slot,) = saved(kitchen)
    assert list(slot.corners[1]) == pytest.approx([0.8, 0.1], abs=0.01)
    assert (slot.corners[0], *slot.corners[2:]) == (BOX[0], *BOX[2:])


def test_a_corner_never_leaves_the_picture(kitchen: Kitchen, drawing: Page) -> None:
    drag(drawing, "Place 1, corner 1", right=-0.5, down=-0.5)
    drawing.get_by_role("button", name="Save the places").click()
    expect(drawing.get_by_text("The places are saved.")).to_be_visible()
    assert saved(kitchen)[0].corners[0] == (0.0, 0.0)


def test_a_place_is_drawn_with_keys_alone(kitchen: Kitchen, drawing: Page) -> None:
    drawing.get_by_role("button", name="Place 1, corner 3").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown", "ArrowUp"):
        drawing.keyboard.press(key)
    expect(
        drawing.get_by_role("button", name="Place 1, corner 3: 52 percent from the left, 84 percent")
    ).to_be_focused()
    drawing.keyboard.press("Tab")
    expect(drawing.get_by_role("button", name="Place 1, corner 4")).to_be_focused()
    drawing.get_by_role("button", name="Save the places").press("Enter")
    expect(drawing.get_by_text("The places are saved.")).to_be_visible()
    assert saved(kitchen)[0].corners[2] == (0.52, 0.84)


def test_places_and_corners_come_and_go(kitchen: Kitchen, drawing: Page) -> None:
    drawing.get_by_role("button", name="Add a corner").click()
    expect(drawing.locator(".corner")).to_have_count(5)
    drawing.get_by_role("button", name="Remove this corner").click()
    drawing.get_by_role("button", name="Add a place").click()
    expect(drawing.locator(".shape")).to_have_count(2)
    drawing.get_by_role("button", name="Remove this place").click()
    expect(drawing.locator(".shape")).to_have_count(1)
    expect(drawing.get_by_role("button", name="Remove this place")).to_be_disabled()


def test_two_places_over_each_other_are_refused_and_the_drawing_stays(kitchen: Kitchen, drawing: Page) -> None:
    drawing.get_by_role("button", name="Add a place").click()
    drawing.get_by_role("button", name="Save the places").click()
    expect(drawing.get_by_role("alert").filter(has_text="Place 2 lies over another one")).to_be_visible()
    expect(drawing.locator(".shape")).to_have_count(2)
    assert len(saved(kitchen)) == 1


def test_a_tablet_is_paired_on_the_way(kitchen: Kitchen, open_page: OpenPage) -> None:
    office = open_page(kitchen, "/setup", role=Role.ADMIN)
    office.get_by_role("link", name="Tills, tablets, people").click()
    office.get_by_role("link", name="to the page Tablets").click()
    office.get_by_role("button", name="New code").click()
    code = office.locator(".code").inner_text()
    tablet = open_page(kitchen, "/pair", role=None)
    tablet.get_by_label("Code").fill(code)
    tablet.get_by_role("button", name="Pair").click()
    tablet.wait_for_url("**/pass")
    office.goto(kitchen.url + "/setup/tokens")
    expect(office.get_by_role("row", name="tablet 1 Crew")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(kitchen: Kitchen, open_page: OpenPage, path: str, scheme: str) -> None:
    kitchen.agent.cameras.newest = StationPicture(jpeg=picture(1), age_s=0.1)
    page = open_page(kitchen, f"/setup{path}", role=Role.ADMIN, color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("h1")).to_have_count(1)
    if path == "/health":
        expect(page.locator(".finding")).to_have_count(3)
    if path in SHOWS_PICTURE:
        expect(page.locator("[data-none]")).to_be_hidden()
    assert serious_faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", SHOWS_PICTURE)
def test_axe_finds_nothing_serious_without_a_picture(
    kitchen: Kitchen, open_page: OpenPage, path: str, scheme: str
) -> None:
    kitchen.agent.cameras.newest = None
    page = open_page(kitchen, f"/setup{path}", role=Role.ADMIN, color_scheme=scheme, reduced_motion="reduce")
    expect(page.get_by_text("No picture now")).to_be_visible()
    assert serious_faults(page) == []
