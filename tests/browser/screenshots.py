"""Make the pictures of `docs/screens`: each page as a tablet, a phone and a desk's screen show it.

    python -m tests.browser.screenshots docs/screens [NAME ...]

Names choose pages, as `pass-wrong today`; without any all are made. Needs the extra `dev` and Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from edge_agent.domain.access import Role
from tests.browser.burger_house import BurgerHouse, Past

SIZES: dict[str, ViewportSize] = {
    "tablet": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
    "desk": {"width": 1440, "height": 900},
}
LONGEST_PX = 1600
"""A longer page is cut off: what matters stands above."""

QUALITY = 45
PROGRAM_OPTIONS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--lang=en-GB"]
WAIT_MS = 30_000
HELD_CLOCK = "const now = performance.now.bind(performance); performance.now = () => window.heldMs || now();"

Act = Callable[[Page], None]


def stays(page: Page) -> None:
    """Nothing is done on the page."""


def steady(page: Page) -> None:
    """The still is there, and what has just come may be pressed."""
    expect(page.locator(".slot:not([data-steady])")).to_have_count(0)
    page.wait_for_function(
        "() => Array.from(document.querySelectorAll('figure:not([hidden])')).every(f => !f.matches('.is-old'))"
    )
    expect(page.locator(".flash")).to_have_count(0)
    expect(page.locator(".age time").first).not_to_be_empty()


def looked(page: Page) -> None:
    """Each part of the box has been looked at."""
    expect(page.locator(".finding")).to_have_count(page.locator(".parts > li").count())


def seen(page: Page) -> None:
    """The live picture is there."""
    expect(page.locator("main canvas").first).to_be_visible()


def coded(page: Page) -> None:
    """A code was asked for."""
    page.get_by_role("button", name="New code").click()
    expect(page.locator(".code")).to_be_visible()


@dataclass(frozen=True, slots=True)
class Shot:
    """A page.

    Attributes:
        path: its address.
        act: what is done on it first.
        role: who opens it; None where nobody signs in.
        lies: what lies in the places of the pass.
        dark_too: whether there are pictures in dark colours as well.
        whole: whether what lies below the screen's edge is shown too.
    """

    path: str
    act: Act = stays
    role: Role | None = Role.ADMIN
    lies: tuple[str, ...] = ()
    dark_too: bool = False
    whole: bool = False


SHOTS: dict[str, Shot] = {
    "login": Shot("/login", role=None),
    "pair": Shot("/pair", role=None),
    **{
        f"pass-{look}": Shot("/pass", steady, Role.CREW, (look,), dark_too=True)
        for look in ("wrong", "right", "unsure", "allergy")
    },
    "pass-three": Shot("/pass", steady, Role.CREW, ("wrong", "right", "unsure"), dark_too=True),
    "history": Shot("/history"),
    "history-alerts": Shot("/history?show=alerts"),
    "evidence": Shot("/history/{wrong}", whole=True),
    "today": Shot("/today", whole=True),
    "audit": Shot("/audit"),
    "tablets": Shot("/tablets", coded, Role.MANAGER),
    "setup": Shot("/setup"),
    "setup-cameras": Shot("/setup/cameras", seen),
    "setup-slots": Shot("/setup/slots/pass", seen),
    "setup-menu": Shot("/setup/menu"),
    "setup-test": Shot("/setup/test"),
    "setup-slider": Shot("/setup/slider"),
    "setup-trial-run": Shot("/setup/trial-run"),
    "setup-tokens": Shot("/setup/tokens"),
    "setup-health": Shot("/setup/health", looked),
}


def main(into: Path, names: Sequence[str]) -> None:
    """Make the pictures of these pages."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium is not installed")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edge-agent-screens-") as name, sync_playwright() as playwright:
        folder = Path(name)
        past = Past(folder)
        browser = playwright.chromium.launch(executable_path=program, args=PROGRAM_OPTIONS)
        for chosen_name in names or SHOTS:
            _shoot(browser, past, folder, into, chosen_name)
        browser.close()
        past.store.close()
    taken = sum(each.stat().st_size for each in into.glob("*.webp"))
    sys.stdout.write(f"{into}: {len(list(into.glob('*.webp')))} pictures, {taken / 1e6:.2f} MB\n")


def _shoot(browser: Browser, past: Past, folder: Path, into: Path, name: str) -> None:
    shot = SHOTS[name]
    house = BurgerHouse(Path(tempfile.mkdtemp(dir=folder)), past, slots=max(1, len(shot.lies)))
    with house:
        for slot, look in enumerate(shot.lies, start=1):
            house.shows(look, slot=slot)
        house.queue()
        for size in SIZES:
            _take(browser, house, shot, size, "light", into / f"{name}-{size}.webp")
            if shot.dark_too:
                _take(browser, house, shot, size, "dark", into / f"{name}-{size}-dark.webp")


def _take(browser: Browser, house: BurgerHouse, shot: Shot, size: str, scheme: str, file: Path) -> None:
    context = browser.new_context(
        viewport=SIZES[size],
        locale="en-GB",
        timezone_id="UTC",
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    context.add_init_script("localStorage.setItem('sound-heard', 'true');")
    context.add_init_script(HELD_CLOCK)
    if shot.role is not None:
        context.add_cookies([{"name": "edge_agent", "value": house.secrets[shot.role], "url": house.url}])
    page = context.new_page()
    page.goto(house.url + shot.path.format(wrong=house.a_wrong_check))
    shot.act(page)
    page.evaluate("() => document.fonts.ready")
    _hold_still(page)
    _write(page.screenshot(full_page=shot.whole, animations="disabled"), file)
    context.close()


def _hold_still(page: Page) -> None:
    """Stop the page's clock while its pictures are new: to take a picture of it lasts longer than they stay so."""
    fresh = "() => !document.querySelector('figure:not([hidden]).is-old')"
    page.wait_for_function(f"() => ({fresh})() && (window.heldMs = performance.now())")


def _write(png: bytes, file: Path) -> None:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    _, encoded = cv2.imencode(".webp", picture[:LONGEST_PX], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    file.write_bytes(encoded.tobytes())


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
