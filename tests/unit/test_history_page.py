"""The history: what is found by which form, one page after another, and what a file of it holds."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.api.screen.download import AT_A_TIME
from edge_agent.api.screen.history_page import ROWS
from edge_agent.api.screen.texts import catalogue
from edge_agent.api.screen.views.spreadsheet import ROWS_AT_ONCE, STARTS_FORMULA, harmless, pieces
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order, OrderLine
from edge_agent.domain.search import CheckSearch, FoundCheck, Page, PageMark
from edge_agent.errors import StoreError
from tests.fakes_api import Agent
from tests.fakes_reporting import MemoryReporting
from tests.reporting_builders import DAY, House

MATCH, MISMATCH, UNSURE = VerdictKind.MATCH, VerdictKind.MISMATCH, VerdictKind.UNSURE
EVIL = "<script>alert(1)</script>"
ENGLISH, GERMAN = catalogue()["en"], catalogue()["de"]


def house_of(agent: Agent) -> House:
    """The agent's store, to be told of trays."""
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    return house


def rows_of(html: str) -> list[str]:
    """The rows of the list as text."""
    found = re.findall(r'(?s)<li class="row">(.*?)</li>\s*(?=<li class="row">|</ol>)', html)
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split()) for row in found]


def cells_of(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))


# The list


def test_a_row_says_when_which_what_and_how_it_ended() -> None:
    agent = Agent()
    house = house_of(agent)
    order = house.order("A-7", number="77", channel="drive")
    house.tray(MISMATCH, order=order, alert=True, ends=Resolution.FIXED, by_staff=True, handed_out=False)
    html = agent.ask("GET", "/history", role="crew").text
    (row,) = rows_of(html)
    assert "77" in row
    assert "drive" in row
    assert "Wrong" in row
    assert "Fries missing" in row
    assert "Put right, says the crew" in row
    assert 'datetime="2026-01-31T12:00:00+00:00" data-format="exact">2026-01-31 12:00:00<' in html
    assert 'href="/history/1"' in html


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("", ["4", "3", "2", "1"]),
        ("number=2", ["2"]),
        ("number=a-2", ["2"]),
        ("number=%202%20", ["2"]),
        ("verdict=mismatch", ["2"]),
        ("verdict=unsure", ["3"]),
        ("item=fries", ["2"]),
        ("item=cola", ["3"]),
        ("channel=drive", ["1"]),
        ("first=2026-01-31", ["2", "1"]),
        ("last=2026-01-31", ["2", "1"]),
        ("first=2026-01-31&last=2026-02-01", ["4", "3", "2", "1"]),
        ("first=2026-02-01&number=1", []),
        ("show=alerts", ["2"]),
        ("show=alerts&ended=tray_left", ["2"]),
        ("show=alerts&ended=open", []),
        ("show=alerts&ended=fixed", []),
        ("show=alerts&item=burger", []),
    ],
)
def test_the_form_finds(asked: str, numbers: list[str]) -> None:
    agent = Agent()
    house = house_of(agent)
    house.tray(MATCH, order=house.order("A-1", number="1", channel="drive"))
    house.tray(MISMATCH, order=house.order("A-2", number="2"), alert=True, ends=Resolution.TRAY_LEFT)
    agent.clock.advance(timedelta(days=1).total_seconds())
    house.tray(UNSURE, order=house.order("A-3", number="3"))
    house.tray(MATCH, order=house.order("A-4", number="4"))
    found = rows_of(agent.ask("GET", f"/history?{asked}").text)
    assert [re.search(r"Order (\S+)", row)[1] for row in found] == numbers  # type: ignore[index]


def test_the_form_keeps_what_was_asked_and_offers_what_there_is() -> None:
    agent = Agent()
    house = house_of(agent)
    house.tray(MISMATCH, order=house.order("A-1", channel="drive"))
    html = agent.ask("GET", "/history?number=9&channel=drive&item=fries&verdict=match&first=2026-01-01&each=yes").text
    assert 'name="number" value="9"' in html
    assert '<option value="drive" selected>' in html
    assert '<option value="fries" selected>' in html
    assert '<option value="match" selected>' in html
    assert 'name="first" value="2026-01-01"' in html
    assert 'value="yes" checked' in html
    assert "Nothing was found." in html


def test_each_check_of_a_tray_is_found_only_when_it_is_asked_for() -> None:
    agent = Agent()
    house_of(agent).tray(MISMATCH, alert=True, ends=Resolution.FIXED, then=MATCH)
    assert len(rows_of(agent.ask("GET", "/history").text)) == 1
    assert len(rows_of(agent.ask("GET", "/history?each=yes").text)) == 2


def test_days_are_offered_by_name_and_count_by_the_business_day() -> None:
    agent = Agent()
    agent.clock.now = agent.clock.now.replace(hour=2)
    html = agent.ask("GET", "/history?number=7&after=x_1").text
    assert 'href="/history?first=2026-01-30&amp;last=2026-01-30&amp;number=7">Today</a>' in html
    assert "first=2026-01-29&amp;last=2026-01-29&amp;number=7" in html


def test_the_pages_of_a_long_list_follow_one_another_without_gap() -> None:
    agent = Agent()
    house = house_of(agent)
    for number in range(ROWS + 3):
        house.tray(MATCH, order=house.order(f"A-{number}", number=str(number), channel="drive"))
    seen: list[str] = []
    address = "/history?channel=drive"
    while address:
        html = agent.ask("GET", address).text
        seen += rows_of(html)
        older = re.search(r'href="([^"]+)" role="button">Further back', html)
        address = unescape(older[1]) if older else ""
    assert [re.search(r"Order (\d+)", row)[1] for row in seen] == [str(n) for n in reversed(range(ROWS + 3))]  # type: ignore[index]


class Slow(MemoryReporting):
    """Answers in pieces: the first finds nothing yet."""

    def find_checks(self, wanted: CheckSearch, *, limit: int = 50, after: PageMark | None = None) -> Page[FoundCheck]:
        return Page(found=(), next=PageMark("2026-01-02T03:04:05.000+00:00", 7))


def test_a_page_that_found_nothing_yet_says_so_and_goes_on() -> None:
    agent = Agent()
    html = Agent(reporting=Slow(store=agent.store)).ask("GET", "/history").text
    assert "Nothing found yet" in html
    assert "2026-01-02 03:04:05" in html
    assert 'href="/history?after=2026-01-02T03%3A04%3A05.000%2B00%3A00_7" role="button"' in html


@pytest.mark.parametrize("asked", ["first=2026-02-01&last=2026-01-01", "first=yesterday", "after=nonsense"])
def test_what_cannot_be_is_said_on_the_page_and_the_form_stays(asked: str) -> None:
    answer = Agent().ask("GET", f"/history?{asked}")
    assert (answer.status_code, "The days do not fit" in answer.text, "<form" in answer.text) == (422, True, True)


@pytest.mark.parametrize("asked", [f"number={'9' * 65}", "verdict=green", "show=all", "each=no"])
def test_what_no_form_sends_is_refused(asked: str) -> None:
    assert Agent().ask("GET", f"/history?{asked}").status_code == 422


def test_a_database_that_does_not_answer_is_said() -> None:
    class Broken(MemoryReporting):
        def find_checks(self, *args: Any, **more: Any) -> Page[FoundCheck]:
            raise StoreError("the disk is gone")

        def every_check(self, wanted: CheckSearch) -> Iterator[FoundCheck]:
            raise StoreError("the disk is gone")

    agent = Agent(reporting=Broken(store=Agent().store))
    assert agent.ask("GET", "/history").status_code == 503
    assert agent.ask("GET", "/history/checks.csv").status_code == 503


def test_a_tray_without_an_order_and_one_of_a_trial_are_said_to_be() -> None:
    agent = Agent()
    house = house_of(agent)
    house.tray(UNSURE, association=Association.WHICH_ORDER)
    house.tray(MATCH, order=house.order("T-1", test=True))
    trial, nobody = rows_of(agent.ask("GET", "/history").text)
    assert "No order" in nobody
    assert "Which order?" in nobody
    assert "Test" in trial


def evil_house(agent: Agent) -> None:
    house = house_of(agent)
    order = Order(
        order_id=EVIL,
        business_day=DAY,
        display_number=EVIL,
        channel=EVIL,
        notes=EVIL,
        lines=(OrderLine(sku=EVIL, name=EVIL, modifiers=(EVIL,)),),
    )
    house.tray(MISMATCH, order=order, alert=True, jpeg=b"\xff\xd8")


@pytest.mark.parametrize("path", ["/history", "/history?show=alerts", "/history/1", f"/history?number={EVIL}"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_what_strangers_wrote_stays_text(path: str, language: str) -> None:
    agent = Agent()
    evil_house(agent)
    html = agent.ask("GET", path, headers={"Accept-Language": language}).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_page_speaks_german() -> None:
    agent = Agent()
    house_of(agent).tray(MISMATCH, alert=True, ends=Resolution.TRAY_LEFT)
    (row,) = rows_of(agent.ask("GET", "/history", headers={"Accept-Language": "de"}).text)
    assert "Falsch" in row
    assert "So rausgegangen" in row


# The file


def test_a_file_holds_what_the_list_shows() -> None:
    agent = Agent()
    house = house_of(agent)
    house.tray(MATCH, order=house.order("A-1", number="1", channel="drive"))
    house.tray(MISMATCH, order=house.order("A-2", number="2"), alert=True, ends=Resolution.FIXED, by_staff=True)
    answer = agent.ask("GET", "/history/checks.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="checks.csv"'
    assert answer.headers["cache-control"] == "no-store"
    heads, second, first = cells_of(answer.content)
    assert dict(zip(heads, second, strict=True)) == {
        "Check": "2",
        "Time": "2026-01-31 12:00:00",
        "Time (UTC)": "2026-01-31T12:00:00.000+00:00",
        "Station": "pass",
        "Number": "2",
        "Order": "A-2",
        "Business day": DAY,
        "Channel": "",
        "Verdict": "Wrong",
        "Order found": "the only order that waited",
        "Pieces checked": "2",
        "Pieces ordered": "2",
        "Not visible": "Fries",
        "Too many": "",
        "Not sure": "",
        "By hand": "",
        "How the alert ended": "Put right, says the crew",
        "Test": "",
    }
    assert dict(zip(heads, first, strict=True))["By hand"] == "Toy"
    only = cells_of(agent.ask("GET", "/history/checks.csv?number=1").content)
    assert [row[4] for row in only] == ["Number", "1"]


def test_a_file_of_alerts_and_one_in_german_with_the_separator_of_its_spreadsheets() -> None:
    agent = Agent()
    house_of(agent).tray(MISMATCH, alert=True, late=True, ends=Resolution.TRAY_LEFT)
    answer = agent.ask("GET", "/history/alerts.csv", headers={"Accept-Language": "de"})
    heads, row = cells_of(answer.content, ";")
    said = dict(zip(heads, row, strict=True))
    assert (said["Alarm"], said["Art"], said["Nicht zu sehen"], said["Prüfung"]) == ("1", "Alarm", "Fries", "1")
    assert (said["Erst beim Rausgehen gesehen"], said["Wie der Alarm endete"]) == ("ja", "Erst beim Rausgehen gesehen")


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_the_file_is_offered_to_who_may_have_it_and_asks_the_same(role: str) -> None:
    html = Agent().ask("GET", "/history?verdict=mismatch&after=2026_7", role=role).text
    assert 'href="/history/checks.csv?verdict=mismatch" download' in html


def test_the_crew_gets_no_file() -> None:
    assert ".csv" not in Agent().ask("GET", "/history", role="crew").text


@given(st.text(max_size=20) | st.sampled_from(["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1", "a=1", "'=1"]))
def test_no_cell_is_a_formula(text: str) -> None:
    written = harmless(text)
    assert written in (text, "'" + text)
    assert not written.startswith(STARTS_FORMULA)
    assert not written.lstrip().startswith(STARTS_FORMULA)


def test_what_a_till_sends_is_no_formula_in_a_spreadsheet() -> None:
    agent = Agent()
    house = house_of(agent)
    house.tray(order=house.order("=cmd|' /C calc'!A0", number='@SUM(1)"', channel="+1"))
    heads, row = cells_of(agent.ask("GET", "/history/checks.csv").content)
    said = dict(zip(heads, row, strict=True))
    assert (said["Order"], said["Number"], said["Channel"]) == ("'=cmd|' /C calc'!A0", "'@SUM(1)\"", "'+1")


def test_a_file_is_made_as_it_is_read() -> None:
    """However many rows there are, no more than one piece of them is in memory."""
    taken = 0

    def endless() -> Iterator[list[str]]:
        nonlocal taken
        while True:
            taken += 1
            yield [str(taken)]

    made = pieces(ENGLISH, ["check"], endless())
    assert next(made).decode("utf-8-sig").strip() == "Check"
    assert taken == 0
    for wanted in (1, 2, 3):
        assert len(next(made).splitlines()) == ROWS_AT_ONCE
        assert taken == wanted * ROWS_AT_ONCE


class Endless(MemoryReporting):
    """Has no end of checks; counts those that were asked for."""

    asked = 0

    def every_check(self, wanted: CheckSearch) -> Iterator[FoundCheck]:
        (found,) = self.find_checks(wanted).found
        while True:
            self.asked += 1
            yield found


def test_a_download_streams_and_ends_with_whoever_asked_for_it() -> None:
    agent = Agent()
    house_of(agent).tray()
    endless = Endless(store=agent.store)
    served = Agent(reporting=endless)
    received: list[bytes] = []
    enough = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            received.append(message["body"])
            if len(received) == 5:
                enough.set()
                raise OSError("whoever asked has gone")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "GET",
        "path": "/history/checks.csv",
        "raw_path": b"/history/checks.csv",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer manager"), (b"host", b"box")],
        "scheme": "http",
        "server": ("box", 80),
        "client": ("192.0.2.7", 40_000),
        "state": {},
    }
    for _ in range(AT_A_TIME + 1):
        received.clear()
        enough.clear()
        before = endless.asked
        asyncio.run(_call(served.app, scope, receive, send))
        assert len(received) == 5
        assert endless.asked - before <= 6 * ROWS_AT_ONCE


async def _call(app: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
    try:
        await app(dict(scope, state={}), receive, send)
    except Exception as error:  # noqa: BLE001  a server would log that the client has gone
        assert "gone" in str(error) or "Disconnect" in type(error).__name__  # noqa: PT017


def test_few_files_are_made_at_a_time() -> None:
    """Each takes a thread and reads the whole database."""
    agent = Agent()
    house_of(agent).tray()
    endless = Endless(store=agent.store)
    served = Agent(reporting=endless)
    answers = asyncio.run(_several(served, AT_A_TIME + 1))
    assert sorted(answers) == [200] * AT_A_TIME + [503]


async def _several(agent: Agent, many: int) -> list[int]:
    """Begin so many downloads, wait until each has its status, then let them go."""
    statuses: list[int] = []
    all_there = asyncio.Event()

    async def one() -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                if len(statuses) == many:
                    all_there.set()
            elif message["type"] == "http.response.body" and all_there.is_set():
                raise OSError("gone")

        async def receive() -> dict[str, Any]:
            await all_there.wait()
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "method": "GET",
            "path": "/history/checks.csv",
            "raw_path": b"/history/checks.csv",
            "query_string": b"",
            "headers": [(b"authorization", b"Bearer manager"), (b"host", b"box")],
            "scheme": "http",
            "server": ("box", 80),
            "client": ("192.0.2.7", 40_000),
        }
        await _call(agent.app, scope, receive, send)

    await asyncio.gather(*(one() for _ in range(many)))
    return statuses


def test_every_way_an_alert_can_end_is_worded() -> None:
    from edge_agent.api.screen.views.history_rows import ended_in_words
    from edge_agent.domain.alert import Alert
    from edge_agent.domain.record import StoredAlert

    alert = Alert(alert_id="a", session_id="s", orders=(), lines=(), raised_at_s=0.0)
    stored = StoredAlert(number=1, run_id=1, alert=alert, sounds=True, recorded_at="2026-01-31T12:00:00+00:00")
    said = {
        ended_in_words(GERMAN, replace(stored, resolution=end, by_staff=staff), tells=True)
        for end in (None, *Resolution)
        for staff in (False, True)
    }
    said.add(
        ended_in_words(
            GERMAN, replace(stored, alert=replace(alert, late=True), resolution=Resolution.TRAY_LEFT), tells=True
        )
    )
    said.add(ended_in_words(GERMAN, stored, tells=False))
    assert len(said) == len(Resolution) + 1 + 1 + 2
