"""The evidence of a check: what was visible, what was not, what was left to the crew, and what judged."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from edge_agent.api.screen.texts import catalogue
from edge_agent.api.screen.views.evidence import EvidenceShown, evidence_shown
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.detection import Detection, Sighting
from edge_agent.domain.events import SessionStarted, VerdictReached
from edge_agent.domain.geometry import Box
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.domain.record import Audit, AuditAnswer, Confirmation, Run, StaffRole
from edge_agent.ports import Evidence
from tests.builders import item, menu
from tests.fakes_api import JPEG, Agent
from tests.reporting_builders import RUN, House, left

ENGLISH, GERMAN = catalogue()["en"], catalogue()["de"]
MATCH, MISMATCH, UNSURE = VerdictKind.MATCH, VerdictKind.MISMATCH, VerdictKind.UNSURE
MENU = menu(item("burger", name="Burger"), item("cola", "cup", name="Cola"), item("water", "cup", name="Water"))


def line(
    name: str, result: LineResult, *, expected: int = 1, seen: int = 0, off_by: int = 0, reason: str = ""
) -> CheckedLine:
    return CheckedLine(
        skus=(name.lower(),), name=name, expected=expected, seen=seen, result=result, off_by=off_by, reason=reason
    )


EVERY_RESULT = (
    line("Burger", LineResult.OK, expected=2, seen=2),
    line("Sauce", LineResult.OK, expected=3, seen=1),
    line("Fries", LineResult.MISSING, expected=2, seen=1, off_by=1),
    line("Dip", LineResult.MISSING, expected=3, seen=0, off_by=1),
    line("Cola or Water", LineResult.EXTRA, expected=1, seen=2, off_by=1),
    line("Pie", LineResult.UNSURE, seen=1, reason="covered"),
    line("Toy", LineResult.NOT_CHECKED, reason="hidden"),
)


def told(agent: Agent, reached: VerdictReached, *, sighting: Sighting | None = None, run: Run = RUN) -> House:
    """The agent's store knows of one tray with this verdict, and a picture of it."""
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin(run)
    arrived = SessionStarted(at_s=0.5, slot_id=reached.slot_id, session_id=reached.session_id)
    picture = Evidence(session_id=reached.session_id, at_s=2.0, jpeg=JPEG, sighting=sighting)
    house.store.commit(house.run_id, [arrived, reached], evidence=[picture])
    house.clock.advance(7.0)
    house.commit(left(reached))
    return house


def verdict(*lines: CheckedLine, contents: Contents | None = None) -> VerdictReached:
    return VerdictReached(
        at_s=2.0,
        slot_id="left",
        session_id="left-0001",
        still_since_s=1.0,
        orders=(),
        association=Association.ONLY,
        verdict=Verdict(kind=MISMATCH, lines=lines, allergy=True),
        contents=contents or Contents.of({"burger": 2, "cup": 1}),
    )


def shown(agent: Agent, check_id: int = 1) -> EvidenceShown:
    evidence = agent.reporting.evidence(check_id)
    assert evidence is not None
    return evidence_shown(ENGLISH, evidence, MENU, agent.reporting.calendar.zone)


def test_it_says_what_was_visible_what_was_not_and_what_is_left_to_the_crew() -> None:
    agent = Agent()
    told(agent, verdict(*EVERY_RESULT))
    page = shown(agent)
    assert page.not_visible == ("Fries", "3 \N{MULTIPLICATION SIGN} Dip")
    assert page.too_many == ("Cola or Water",)
    assert page.not_sure == ("Pie (covered)",)
    assert page.by_hand == ("Toy (the camera cannot see it)",)
    assert page.seen == ("2 \N{MULTIPLICATION SIGN} Burger", "Cola or Water")
    assert page.allergy
    assert (page.checked, page.wanted) == (12, 13)


def test_each_line_says_how_much_of_it_was_visible() -> None:
    """Of what the camera does not count it says only that there is some; of what is by hand it says nothing."""
    agent = Agent()
    told(agent, verdict(*EVERY_RESULT))
    assert [(each.name, each.wanted, each.visible, each.look) for each in shown(agent).lines] == [
        ("Burger", 2, "2", "right"),
        ("Sauce", 3, "yes", "right"),
        ("Fries", 2, "1", "wrong"),
        ("Dip", 3, "0", "wrong"),
        ("Cola or Water", 1, "2", "wrong"),
        ("Pie", 1, "1?", "unsure"),
        ("Toy", 1, "", "by_hand"),
    ]


def test_boxes_stand_around_what_the_verdict_took_to_lie_there() -> None:
    """The likeliest of each class, as many as were counted; one in doubt is marked; what was not counted has none."""
    contents = Contents(
        (
            ClassCount.exactly("burger", 1),
            ClassCount(class_name="cup", surely=0, likely=1, possibly=2, doubt=Doubt.FAINT),
        )
    )
    seen = (
        Detection("burger", 0.4, Box(0, 0, 10, 10)),
        Detection("burger", 0.9, Box(20, 20, 40, 50)),
        Detection("cup", 0.3, Box(60, 0, 70, 10)),
        Detection("cup", 0.5, Box(80, 0, 90, 10)),
        Detection("fork", 0.9, Box(5, 5, 6, 6)),
    )
    agent = Agent()
    sighting = Sighting(width_px=640, height_px=480, slot=Box(0, 0, 320, 480), seen=seen)
    told(agent, verdict(EVERY_RESULT[0], contents=contents), sighting=sighting)
    (picture,) = shown(agent).pictures
    assert [(each.name, each.perhaps, each.box.left) for each in picture.boxes] == [
        ("Burger", False, 20),
        ("Cola or Water", False, 80),
        ("Cola or Water?", True, 60),
    ]
    html = agent.ask("GET", "/history/1").text
    assert 'viewBox="0 0 320 480"' in html
    assert '<image href="/api/v1/checks/1/image.jpg?n=0" width="640" height="480"/>' in html
    assert '<rect x="20" y="20" width="20" height="30" fill="none"/>' in html
    assert html.count("stroke-dasharray") == 1


def test_a_picture_without_boxes_and_a_check_without_a_picture_are_said_to_be() -> None:
    agent = Agent()
    house = told(agent, verdict(EVERY_RESULT[0]))
    html = agent.ask("GET", "/history/1").text
    assert "Boxes were not kept with this picture." in html
    assert 'src="/api/v1/checks/1/image.jpg?n=0"' in html
    house.tray()
    assert "No picture of this check is kept any more" in agent.ask("GET", "/history/2").text


def test_it_names_model_menu_and_agent() -> None:
    agent = Agent()
    run = replace(
        RUN,
        model_name="canteen",
        model_version="4",
        model_sha256="a" * 64,
        menu_sha256="b" * 64,
        agent_version="0.1.0",
        provider="cpu",
    )
    told(agent, verdict(EVERY_RESULT[0]), run=run)
    text = " ".join(re.sub(r"<[^>]*>", " ", agent.ask("GET", "/history/1").text).split())
    assert f"Model canteen 4 {'a' * 64}" in text
    assert f"Menu {'b' * 64}" in text
    assert "Edge Agent 0.1.0 (cpu)" in text
    assert "Station and place pass / left" in text


def test_it_shows_the_order_as_it_was_judged_by() -> None:
    """What the till changed later is not what the tray was held against."""
    agent = Agent()
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    order = replace(house.order("A-1", number="77"), notes="No nuts!")
    house.tray(MISMATCH, order=order)
    house.tray(MATCH, order=replace(order, revision=2, notes="changed"))
    html = unescape(agent.ask("GET", "/history/1").text)
    assert "Order 77: visible at check" in html
    assert "No nuts!" in html
    assert "changed" not in html
    assert "till/2026-01-31/A-1, version 1" in html


def test_the_story_of_the_tray_is_told_in_its_order() -> None:
    agent = Agent()
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    session = house.tray(MISMATCH, alert=True, ends=Resolution.FIXED, by_staff=True, then=MATCH)
    agent.clock.advance(60)
    contents = {"burger": 1}
    house.store.audit(Audit(run_id=1, session_id=session, role=StaffRole.MANAGER, contents=contents))
    house.store.audit(Audit(run_id=1, session_id=session, role=StaffRole.MANAGER, answer=AuditAnswer.SKIPPED))
    house.store.confirm(Confirmation(run_id=1, session_id=session, check_id=2, role=StaffRole.CREW))
    first, second = shown(agent, 1).story, shown(agent, 2).story
    assert {step.said for step in first} == {
        "Tray arrived",
        "Wrong \N{EN DASH} Fries missing",
        "Alert: Fries missing",
        "Alert ended: Put right, says the crew",
        "Right",
        "Tray left",
        "A blind audit looked at it",
        "The crew called it right",
    }
    assert [step.at.iso for step in first] == sorted(step.at.iso for step in first)
    assert [step.check_id for step in first if step.check_id] == [2]
    assert [step.check_id for step in second if step.check_id] == [1]
    ended = next(step for step in first if step.said.startswith("Alert ended"))
    assert ended.at.text == "2026-01-31 12:00:02", "2.5 s after the check, by the stream's own time"


def test_what_was_kept_silent_is_said_to_have_been() -> None:
    agent = Agent()
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin(replace(RUN, tells=False))
    house.tray(MISMATCH, alert=True, ends=Resolution.TRAY_LEFT)
    page = shown(agent)
    assert page.ended == ("Trial run, nobody was told",)
    assert "Trial run, silent: Fries missing" in {step.said for step in page.story}
    assert not any(step.said.startswith("Alert ended") for step in page.story)


def test_a_tray_without_an_order_has_evidence_too() -> None:
    agent = Agent()
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    house.tray(UNSURE, association=Association.WHICH_ORDER)
    html = agent.ask("GET", "/history/1").text
    assert "Tray without an order: visible at check" in html
    assert "How its order was found" not in html


@pytest.mark.parametrize(("path", "status"), [("/history/7", 404), ("/history/0", 422), ("/history/x", 422)])
def test_a_check_that_is_not_there_is_a_page_that_says_so(path: str, status: int) -> None:
    answer = Agent().ask("GET", path)
    assert (answer.status_code, "<h1>" in answer.text) == (status, True)


def test_every_word_is_there_in_german() -> None:
    agent = Agent()
    told(agent, verdict(*EVERY_RESULT))
    evidence = agent.reporting.evidence(1)
    assert evidence is not None
    page = evidence_shown(GERMAN, evidence, MENU, agent.reporting.calendar.zone)
    assert page.by_hand == ("Toy (sieht die Kamera nicht)",)
    assert [each.result for each in page.lines][2:] == [
        "nicht zu sehen",
        "nicht zu sehen",
        "zu viel",
        "unsicher",
        "von Hand",
    ]
