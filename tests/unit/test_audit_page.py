"""The audit: blind, one tray after another, and its answers are kept."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.api.screen.texts import catalogue
from edge_agent.api.screen.views.audit_sheet import MOST_PIECES, countables, next_tray, tray_after
from edge_agent.checking.audit_desk import AuditDay
from edge_agent.domain.detection import Detection, Sighting
from edge_agent.domain.geometry import Box
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.record import AuditAnswer, DrawnAs, StaffRole
from edge_agent.ports import Evidence
from tests.builders import elsewhere, hidden, item, menu, presence
from tests.fakes_api import Agent, FakeInUse
from tests.reporting_builders import DAY, House

ENGLISH = catalogue()["en"]
MENU = menu(
    item("burger", name="Burger"), "fries", item("cola", "cup"), item("diet", "cup"), presence("sauce"), hidden("toy")
)
OWN_PAGE = {"Origin": "http://box"}
EVIL = "<script>alert(1)</script>"


class Menued(FakeInUse):
    """A menu with everything a menu can have."""

    def menu(self) -> Any:
        return MENU


def agent_with(reds: int = 1, others: int = 3) -> Agent:
    agent = Agent(in_use=Menued())
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    for number in range(reds):
        house.tray(VerdictKind.MISMATCH, alert=True, jpeg=b"\xff\xd8 red %d" % number)
    for number in range(others):
        house.tray(jpeg=b"\xff\xd8 other %d" % number)
    return agent


def answer(agent: Agent, tray: int, said: str = "told", *, role: str = "manager", **counts: int) -> httpx.Response:
    form = {
        "day": DAY,
        "tray": str(tray),
        "answer": said,
        "what": list(counts),
        "count": [str(n) for n in counts.values()],
    }
    return agent.ask("POST", "/audit", role=role, headers=OWN_PAGE, data=form)


def asked_for(html: str) -> int:
    found = re.search(r'name="tray" value="(\d+)"', html)
    assert found is not None
    return int(found[1])


def test_the_page_asks_what_is_on_the_tray_and_counts_everything_that_can_be_seen() -> None:
    html = unescape(agent_with().ask("GET", "/audit", role="manager").text)
    assert "What is on this tray?" in html
    assert "0 of 4 done" in html
    assert re.findall(r'<label for="count-\d+">([^<]*)<', html) == ["Burger", "fries", "cola or diet", "sauce"]
    assert re.findall(r'name="what" value="([^"]*)"', html) == ["burger", "fries", "cup", "sauce"]
    assert re.findall(r'name="count" [^>]*max="(\d+)"[^>]*value="0"', html) == ["99", "99", "99", "1"]


def test_nothing_on_the_page_tells_a_red_tray_from_another() -> None:
    """But for the number of the tray all pages are the same: no verdict, no order, no check."""
    agent = agent_with(reds=3, others=3)
    pages = set()
    for tray in agent_days(agent).open:
        html = agent.ask("GET", f"/audit?tray={tray}").text
        assert asked_for(html) == tray
        pages.add(re.sub(rf"(tray=|value=\"){tray}\b", r"\1N", html))
    assert len(pages) == 1
    (page,) = pages
    main = page[page.index("<main") : page.index("</main>")]
    assert not re.search(r"Wrong|missing|red|A-\d|check", re.sub(r"checked|<[^>]*>", "", main))
    assert "/api/v1/checks" not in page


def agent_days(agent: Agent) -> AuditDay:
    from edge_agent.checking.audit_desk import AuditDesk

    return AuditDesk(reporting=agent.reporting, store=agent.store, menu=Menued().menu).day(DAY)


def test_an_answer_is_kept_and_leads_to_the_next_tray() -> None:
    agent = agent_with()
    first, second, *_ = agent_days(agent).open
    done = answer(agent, first, burger=2, cup=1, fries=0)
    assert done.status_code == 303
    assert done.headers["location"] == f"/audit?day={DAY}&tray={second}&saved={first}#asked"
    (kept,) = agent.store.audits()
    assert (kept.audit.answer, kept.audit.contents, kept.audit.role) == (
        AuditAnswer.TOLD,
        {"burger": 2, "cup": 1},
        StaffRole.MANAGER,
    )
    assert kept.audit.drawn in (DrawnAs.RED, DrawnAs.RANDOM)
    html = agent.ask("GET", done.headers["location"].partition("#")[0]).text
    assert asked_for(html) == second
    assert "1 of 4 done" in html
    assert f'href="/audit?day={DAY}&amp;again={first}"' in html


def test_all_trays_are_asked_about_once_and_then_the_day_is_done() -> None:
    agent = agent_with(reds=2, others=5)
    address, asked = f"/audit?day={DAY}", []
    while True:
        html = agent.ask("GET", address).text
        if "All done for this day" in html:
            break
        asked.append(asked_for(html))
        address = answer(agent, asked[-1], burger=1).headers["location"].partition("#")[0]
    assert sorted(asked) == list(range(1, 8))
    assert "7 of 7 done" in html
    assert [number for number in agent.ask("GET", "/audit").text.split() if "counter" in number] == []


def test_a_skipped_tray_comes_again_at_the_end() -> None:
    agent = agent_with(reds=0, others=2)
    first, second = agent_days(agent).open
    skipped = answer(agent, first, "skipped")
    assert skipped.headers["location"] == f"/audit?day={DAY}&tray={second}#asked", (
        "skipping saves nothing to be changed"
    )
    last = answer(agent, second, burger=1)
    assert asked_for(agent.ask("GET", last.headers["location"].partition("#")[0]).text) == first
    assert agent_days(agent).answered == 1


def test_cannot_tell_is_an_answer() -> None:
    agent = agent_with(reds=0, others=1)
    answer(agent, 1, "cannot_tell", burger=3)
    (kept,) = agent.store.audits()
    assert (kept.audit.answer, kept.audit.contents) == (AuditAnswer.CANNOT_TELL, {})
    assert "All done" in agent.ask("GET", "/audit").text


def test_an_answer_can_be_changed() -> None:
    agent = agent_with(reds=0, others=1)
    answer(agent, 1, burger=1)
    again = agent.ask("GET", f"/audit?day={DAY}&again=1").text
    assert asked_for(again) == 1
    answer(agent, 1, burger=2)
    assert [kept.audit.contents for kept in agent.store.audits()] == [{"burger": 2}, {"burger": 1}]


def test_an_empty_tray_is_believed_only_when_it_is_said() -> None:
    """A finger that slips must not say that all was missing."""
    agent = agent_with(reds=0, others=1)
    slipped = answer(agent, 1, burger=0)
    assert (slipped.status_code, "Is the tray empty?" in slipped.text) == (422, True)
    assert agent.store.audits() == ()
    buttons = re.findall(r'<button name="answer" value="(\w+)"', slipped.text)
    assert buttons == ["told", "cannot_tell", "skipped", "empty"], "the Enter key presses the first"
    assert answer(agent, 1, "empty", burger=1).status_code == 303
    (kept,) = agent.store.audits()
    assert (kept.audit.answer, kept.audit.contents) == (AuditAnswer.TOLD, {})


@pytest.mark.parametrize(
    ("what", "count"),
    [
        (["burger"], []),
        (["burger"], ["1", "2"]),
        (["burger"], ["-1"]),
        (["burger"], ["1.5"]),
        (["burger"], ["\u0663"]),
        (["burger"], [str(MOST_PIECES + 1)]),
        (["fork"], ["1"]),
        ([EVIL], ["1"]),
        (["b" * 65], ["1"]),
        (["burger"], ["99999"]),
        (["burger"] * 201, ["0"] * 201),
    ],
)
def test_what_no_form_sends_is_refused_and_not_kept(what: list[str], count: list[str]) -> None:
    agent = agent_with()
    form = {"day": DAY, "tray": "1", "answer": "told", "what": what, "count": count}
    assert agent.ask("POST", "/audit", headers=OWN_PAGE, data=form).status_code == 422
    assert agent.store.audits() == ()


def test_a_number_that_was_cleared_is_none() -> None:
    agent = agent_with(reds=0, others=1)
    form = {"day": DAY, "tray": "1", "answer": "told", "what": ["burger", "fries"], "count": ["1", ""]}
    assert agent.ask("POST", "/audit", headers=OWN_PAGE, data=form).status_code == 303
    assert agent.store.audits()[0].audit.contents == {"burger": 1}


def test_a_menu_as_long_as_menus_get_fits_into_the_form() -> None:
    agent = agent_with(reds=0, others=1)
    form = {"day": DAY, "tray": "1", "answer": "told", "what": ["burger"] * 200, "count": ["0"] * 199 + ["1"]}
    assert agent.ask("POST", "/audit", headers=OWN_PAGE, data=form).status_code == 303


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/audit?day=yesterday", 422),
        ("/audit?again=99", 404),
        ("/audit?tray=99", 200),
        ("/audit?day=2026-01-30", 200),
        (f"/audit/picture?day={DAY}&tray=99", 404),
        (f"/audit/picture?day={DAY}&tray=1&n=9", 404),
        (f"/audit/picture?day={DAY}&tray=1", 200),
    ],
)
def test_only_trays_of_the_day_are_shown(address: str, status: int) -> None:
    assert agent_with().ask("GET", address).status_code == status


def test_a_picture_is_cut_to_the_trays_own_place() -> None:
    """Where several places share a camera, the rest of its picture is black. What was seen is not told."""
    agent = Agent()
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    session = house.tray()
    burger = Detection("burger", 0.9, Box(330, 10, 380, 60))
    place = Sighting(width_px=640, height_px=480, slot=Box(320, 0, 640, 240), seen=(burger,))
    house.store.commit(house.run_id, [], evidence=[Evidence(session_id=session, at_s=2.0, jpeg=b"J", sighting=place)])
    html = agent.ask("GET", f"/audit?day={DAY}").text
    assert 'viewBox="320 0 320 240"' in html
    assert '<image href="/audit/picture?day=2026-01-31&amp;tray=1&amp;n=0" width="640" height="480"/>' in html
    assert "<rect" not in html.partition("looked-at")[2].partition("</svg>")[0]


def test_a_picture_is_read_by_the_tray_and_kept_by_the_browser_alone() -> None:
    agent = agent_with(reds=1, others=0)
    picture = agent.ask("GET", f"/audit/picture?day={DAY}&tray=1")
    assert (picture.content, picture.headers["content-type"]) == (b"\xff\xd8 red 0", "image/jpeg")
    assert picture.headers["cache-control"].startswith("private")


def test_a_tray_whose_pictures_have_expired_cannot_be_told() -> None:
    agent = Agent(in_use=Menued())
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    house.tray()
    html = agent.ask("GET", "/audit").text
    assert "The picture is no longer kept." in html
    assert re.search(r'<button name="answer" value="told" disabled>', html)


def test_the_last_days_can_be_chosen_and_a_quiet_one_has_nothing() -> None:
    html = agent_with().ask("GET", "/audit?day=2026-01-30").text
    assert re.findall(r'href="/audit\?day=([\d-]+)"', html) == ["2026-01-31", "2026-01-30", "2026-01-29", "2026-01-28"]
    assert "No tray to look at on this day." in html


def test_names_of_the_menu_stay_text() -> None:
    class Evil(FakeInUse):
        """A menu that somebody meant ill with."""

        def menu(self) -> Any:
            return menu(item("x", EVIL, name=EVIL))

    agent = Agent(in_use=Evil())
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    house.tray(jpeg=b"\xff\xd8")
    html = agent.ask("GET", "/audit").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_what_cannot_be_seen_is_not_asked_for_and_look_alikes_are_one() -> None:
    many = menu(
        *(item(f"b{n}", "wrapped", name=f"Burger {n}") for n in range(6)), hidden("toy", "toy"), elsewhere("coffee")
    )
    assert [(each.class_name, each.name) for each in countables(ENGLISH, many)] == [
        ("wrapped", "Burger 0 or Burger 1 or Burger 2 or Burger 3 and 2 more"),
        ("coffee", "coffee"),
    ]


@given(st.lists(st.integers(1, 50), unique=True), st.integers(1, 50))
def test_going_on_from_tray_to_tray_passes_all_that_wait(waiting: list[int], number: int) -> None:
    day = AuditDay(day=DAY, drawn=len(waiting), answered=0, open=tuple(waiting))
    assert next_tray(day, number) == (number if number in waiting else waiting[0] if waiting else None)
    after = tray_after(waiting, number)
    assert after != number
    assert (after is None) is (set(waiting) <= {number})
    if waiting:
        seen, current = [], waiting[0]
        for _ in waiting:
            seen.append(current)
            current = tray_after(waiting, current) or current
        assert seen == waiting
