"""What every page of the screen has: its policy, its files, its stream."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import edge_agent.api.screen
from edge_agent.api.access import SCREEN
from edge_agent.api.screen.navigation import PLACES, places_for
from edge_agent.api.screen.static_files import FOLDER, static_files
from edge_agent.api.screen.stream import event, shape_of
from edge_agent.domain.access import Role
from edge_agent.domain.business_day import Calendar
from tests.builders import order
from tests.fakes_api import Agent
from tests.fakes_reporting import MemoryReporting

VENDORED = FOLDER / "vendored"
SETUP_PAGES = tuple(
    f"/setup{page}"
    for page in ("", "/cameras", "/slots/pass", "/menu", "/test", "/slider", "/trial-run", "/tokens", "/health")
)
PAGES = ("/login", "/pair", "/tablets", "/pass", *SETUP_PAGES)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_but_our_files(path: str) -> None:
    answer = Agent().ask("GET", path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= {
        part.strip() for part in policy.split(";")
    }
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r'(?:src|href)="(?!/)', answer.text.replace('href="#content"', ""))


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_loads_is_served_by_the_box_and_kept_for_good(path: str) -> None:
    agent = Agent()
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', agent.ask("GET", path).text)
    assert len(loaded) >= 6
    for url in loaded:
        answer = agent.ask("GET", url, role=None)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)


def test_a_file_of_another_version_is_asked_for_each_time() -> None:
    agent = Agent()
    answer = agent.ask("GET", "/static/screen.css?v=old", role=None)
    assert answer.headers["cache-control"] == "no-cache"
    again = agent.ask("GET", "/static/screen.css", role=None, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["../access.py", "..%2faccess.py", "%2e%2e/access.py", "/etc/passwd", "x", "", "vendored"]
)
def test_no_file_is_served_but_those_that_are_known(name: str) -> None:
    assert Agent().ask("GET", f"/static/{name}", role=None).status_code == 404


def test_the_styles_name_only_files_that_exist() -> None:
    for path in FOLDER.glob("*.css"):
        for url in re.findall(r'url\("?([^")]+)', path.read_text()):
            assert url.removeprefix("/static/") in static_files(), url


def test_what_is_vendored_is_what_its_note_says() -> None:
    note = (VENDORED / "README.md").read_text()
    noted = {name: digest for digest, name in re.findall(r"(?m)^    ([0-9a-f]{64})  (.+)$", note)}
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in VENDORED.iterdir() if p.name != "README.md"}
    assert noted == found


def test_each_role_finds_only_the_places_that_are_open_to_it() -> None:
    assert {place.name for place in places_for(Role.ADMIN)} == {place.name for place in PLACES}
    assert "tablets" not in {place.name for place in places_for(Role.CREW)}
    assert places_for(Role.POS) == places_for(None) == ()
    assert all(("GET", place.path) in SCREEN for place in PLACES)


def test_a_refusal_is_a_page_and_to_htmx_a_notice() -> None:
    agent = Agent()
    page = agent.ask("GET", "/tablets", role="crew")
    assert (page.status_code, "Your role may not do this." in page.text) == (403, True)
    notice = agent.ask("GET", "/tablets", role="crew", headers={"HX-Request": "true", "Accept-Language": "de"})
    assert (notice.status_code, notice.headers["hx-retarget"]) == (403, "#notice")
    assert notice.text == '<p class="notice">Das darf deine Rolle nicht.</p>'


def test_the_names_of_strangers_stay_text() -> None:
    agent = Agent()
    agent.book.put(order("<script>alert(1)</script>", "plate"))
    for path in ("/pass", "/pass/events"):
        page = (
            agent.ask("GET", path).text
            if path == "/pass"
            else Agent(stream_s=0.0, orders=agent.book).ask("GET", path).text
        )
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_a_page_tells_the_time_of_the_restaurant_with_and_without_scripts() -> None:
    agent = Agent()
    berlin = MemoryReporting(store=agent.store, calendar=Calendar(zone=ZoneInfo("Europe/Berlin")))
    agent.book.put(order("A-1", "plate"))
    page = Agent(orders=agent.book, reporting=berlin).ask("GET", "/pass").text
    assert '<html lang="en" data-zone="Europe/Berlin">' in page
    assert '<time datetime="2026-01-31T12:00:00+00:00" data-format="age">13:00</time>' in page


@pytest.mark.parametrize(("lines", "told"), [(3, False), (4, True)])
def test_a_waiting_order_of_more_lines_than_fit_says_how_many_it_has(lines: int, told: bool) -> None:
    """With three places side by side a ticket shows three; whoever packs by it would forget the fourth."""
    agent = Agent()
    agent.book.put(order("A-1", *(f"thing-{number}" for number in range(lines))))
    assert (f">{lines} lines</span>" in agent.ask("GET", "/pass").text) is told


@pytest.mark.parametrize("data", ["", "a", "a\nb", "a\r\nb\rc", "x\n\nevent: beat\ndata: y", "a\u2028b\x0cc\n"])
def test_nothing_in_an_event_ends_it(data: str) -> None:
    told = event("queue", data).decode()
    assert told.startswith("event: queue\ndata: ")
    assert told.endswith("\n\n")
    assert "\n\n" not in told[:-2]
    assert len(re.findall(r"(?m)^event: ", told)) == 1
    assert "".join(line[6:] for line in told.splitlines()[1:-1]) == "".join(data.splitlines())


def test_a_stream_says_everything_then_beats() -> None:
    agent = Agent(stream_s=0.0)
    agent.book.put(order("A-101", "plate"))
    answer = agent.ask("GET", "/pass/events", role="crew")
    names = re.findall(r"(?m)^event: (\S+)$", answer.text)
    assert names[-1] == "beat"
    page = agent.ask("GET", "/pass", role="crew").text
    assert sorted(names[:-1]) == sorted(re.findall(r'data-live="([^"]+)"', page))
    beat = json.loads(answer.text.rpartition("data: ")[2])
    assert f'data-shape="{beat["shape"]}"' in page
    assert beat["now_ms"] == round(agent.clock.now_utc().timestamp() * 1_000)
    assert agent.feed.watchers == 0


def test_pages_of_other_regions_have_another_shape() -> None:
    assert len({shape_of(["a"]), shape_of(["b"]), shape_of(["a", "b"]), shape_of([])}) == 4


def test_the_wheel_holds_what_the_screen_is_made_of() -> None:
    """Hatchling packs the whole package: nothing of the screen may lie where git ignores it."""
    folder = Path(edge_agent.api.screen.__file__).parent
    assert all(list(folder.glob(pattern)) for pattern in ("templates/*.html", "texts/*.yaml", "static/vendored/*.js"))
