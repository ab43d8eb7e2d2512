"""The Set-up pages: what they show, what they take, what they refuse, and that the log says who did it."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from edge_agent.api.access import SETUP
from edge_agent.checking.staged_tray import staged_order
from edge_agent.domain.association import Association
from edge_agent.domain.camera_advice import CameraAdvice, Focus, Light
from edge_agent.domain.drawing import DrawnSlot
from edge_agent.domain.events import OrderAccepted, VerdictReached
from edge_agent.domain.looked_again import LookedAgain
from edge_agent.domain.matching import VerdictKind, compare
from edge_agent.domain.menu import wanted
from edge_agent.domain.order import Order
from edge_agent.domain.record import Run
from edge_agent.domain.tray import SessionState
from edge_agent.errors import BadConfig, BadInput, Conflict, StoreBusy
from edge_agent.ports import Choice, HealthFound, SecondLookReport, SlotStatus
from tests.builders import contents, item, line, menu, order, seen
from tests.fakes_api import Agent, FakeInUse
from tests.fakes_setup import LOOK, FakeHealth
from tests.store_builders import reached

OWN_PAGE = {"Origin": "http://box"}
SQUARE = [[0.1, 0.1], [0.6, 0.1], [0.6, 0.9], [0.1, 0.9]]
PAGES = ("", "/cameras", "/slots/pass", "/menu", "/test", "/slider", "/trial-run", "/tokens", "/health")


def post(agent: Agent, path: str, **data: Any) -> httpx.Response:
    """A form of one of our pages, as a browser sends it."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return agent.ask("POST", f"/setup{path}", headers={**OWN_PAGE, **form}, data=data)


def draw(agent: Agent, *slots: tuple[str, list[list[float]]]) -> httpx.Response:
    drawing = [{"id": name, "corners": corners} for name, corners in slots]
    return post(agent, "/slots/pass", drawing=json.dumps(drawing))


def wrong(answer: httpx.Response) -> str:
    """What a page says is wrong."""
    found = re.search(r'<div class="wrong" role="alert">(.*?)</div>', answer.text, re.DOTALL)
    return re.sub(r"<[^>]+>", " ", found[1]).strip() if found else ""


def test_every_page_is_for_admins_alone() -> None:
    agent = Agent()
    for method, path in SETUP:
        if method == "GET" and "{" not in path:
            answers = {role: agent.ask(method, path, role=role).status_code for role in ("pos", "crew", "manager")}
            assert set(answers.values()) == {403}, path


@pytest.mark.parametrize("page", PAGES)
def test_a_configuration_that_does_not_read_stands_above_every_page(page: str) -> None:
    agent = Agent()
    if page.startswith("/slots"):
        return  # a station's slots are not known then
    agent.setup.unreadable = BadConfig("the key 'menus' is unknown <b>", path="edge.yaml", line=4)
    answer = agent.ask("GET", f"/setup{page}")
    assert answer.status_code == 200
    assert "edge.yaml:4: the key &#39;menus&#39; is unknown &lt;b&gt;" in answer.text


def test_the_steps_say_what_is_done_and_what_is_not() -> None:
    agent = Agent()
    page = agent.ask("GET", "/setup").text
    assert page.count('class="step step-') == 10
    assert page.count("step-todo") == 5
    agent.setup.now = replace(
        agent.setup.now,
        stations=(
            replace(
                agent.setup.now.stations[0],
                has_reference=True,
                slots=(DrawnSlot("slot", tuple((x, y) for x, y in SQUARE)),),
            ),
        ),
        shadow=False,
        tried_at=agent.clock.now_utc(),
    )
    page = agent.ask("GET", "/setup").text
    assert page.count("step-todo") == 1  # no till has a token
    assert 'last on <time datetime="2026-01-31" data-format="day">2026-01-31</time>' in page


def test_a_camera_says_what_to_do_about_it() -> None:
    agent = Agent()
    agent.cameras.look = replace(
        LOOK,
        status="offline",
        problem="no answer from 10.0.0.5",
        advice=CameraAdvice(light=Light.DARK, focus=Focus.BLURRED, brightness=0.01, sharpness=0.2),
        similarity=0.2,
    )
    page = agent.ask("GET", "/setup/cameras").text
    for said in ("Look at power, cable and address", "no answer from 10.0.0.5", "Too dark to check", "Blurred. Wipe"):
        assert said in page
    assert "Was the camera pushed?" in page
    stream = Agent(stream_s=0.0, cameras=agent.cameras).ask("GET", "/setup/cameras/events").text
    assert "event: camera-pass\n" in stream


def test_the_whole_picture_is_served_to_admins_and_kept_by_nobody() -> None:
    agent = Agent()
    answer = agent.ask("GET", "/setup/cameras/pass/picture.jpg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    assert agent.ask("GET", "/setup/cameras/none/picture.jpg").status_code == 404
    agent.cameras.newest = None
    assert agent.ask("GET", "/setup/cameras/pass/picture.jpg").status_code == 503


def test_a_reference_is_taken_unless_the_picture_is_no_example() -> None:
    agent = Agent()
    assert post(agent, "/reference/pass").headers["location"] == "/setup/cameras?saved=reference"
    dark = replace(LOOK, advice=CameraAdvice(light=Light.DARK, focus=Focus.SHARP, brightness=0.0, sharpness=1.0))
    agent.cameras.look = dark
    answer = post(agent, "/reference/pass")
    assert (answer.status_code, "too dark or too blurred" in wrong(answer)) == (409, True)
    agent.cameras.look = LOOK
    agent.setup.refusal = Conflict("the camera gives no picture now")
    assert "gives no picture now" in wrong(post(agent, "/reference/pass"))
    agent.setup.refusal = None
    assert post(agent, "/reference/pass/forget").status_code == 303
    assert agent.setup.told == ["reference of pass by admin", "forget reference pass"]


def test_slots_are_saved_and_the_page_says_that_a_restart_is_due() -> None:
    agent = Agent()
    answer = draw(agent, ("slot", SQUARE))
    assert answer.headers["location"] == "/setup/slots/pass?saved=slots"
    page = agent.ask("GET", "/setup/slots/pass?saved=slots").text
    assert "The places are saved." in page
    assert "sudo systemctl restart edge-agent" in page
    agent.setup.now = replace(agent.setup.now, can_restart=True)
    assert "Restart now" in agent.ask("GET", "/setup").text
    assert post(agent, "/restart").status_code == 200
    assert agent.setup.told == ["slots of pass by admin", "restart"]


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        ("", "at least one place"),
        ("{}", "cannot be read"),
        ('[{"id": "slot"}]', "cannot be read"),
        ('[{"id": "Slot!", "corners": []}]', "cannot be read"),
        ('[{"id": "slot", "corners": [[0, 0], [1, 0], ["x", 1]]}]', "cannot be read"),
        ('[{"id": "slot", "corners": [[NaN, 0], [1, 0], [1, 1]]}]', "cannot be read"),
        ("[]", "at least one place"),
        ('[{"id": "slot", "corners": [[0, 0], [1, 1], [1, 0], [0, 1]]}]', "place 1 cross each other"),
        ('[{"id": "slot", "corners": [[0, 0], [1e308, 1], [1, 0]]}]', "Place 1 reaches out"),
    ],
)
def test_a_drawing_that_cannot_be_used_is_shown_again_with_why(drawing: str, said: str) -> None:
    agent = Agent()
    answer = post(agent, "/slots/pass", drawing=drawing)
    assert (answer.status_code, said in wrong(answer)) == (422, True)
    assert agent.setup.told == []


def test_a_drawing_that_the_configuration_refuses_is_not_lost() -> None:
    agent = Agent()
    agent.setup.refusal = BadInput("two stations have a slot of the same id")
    answer = draw(agent, ("slot", SQUARE))
    assert "two stations have a slot of the same id" in wrong(answer)
    assert "0.6" in answer.text


def test_a_menu_is_uploaded_and_a_fault_is_shown_with_its_line() -> None:
    agent = Agent()
    file = {"file": ("../menu.csv", b"sku\n", "text/csv")}
    answer = agent.ask("POST", "/setup/menu", headers=OWN_PAGE, files=file)
    assert answer.headers["location"] == "/setup/menu?saved=menu"
    assert agent.setup.told == ["menu ../menu.csv of 4 bytes by admin"]
    agent.setup.refusal = BadConfig("'x' is to look like 'soup' <b>", path="menu.csv", line=7)
    answer = agent.ask("POST", "/setup/menu", headers=OWN_PAGE, files=file)
    assert (answer.status_code, "Line 7 of the file" in wrong(answer)) == (422, True)
    assert "&lt;b&gt;" in answer.text


def test_a_fault_of_the_configuration_is_not_looked_for_in_the_menu_that_was_uploaded() -> None:
    agent = Agent()
    agent.setup.refusal = BadConfig("unknown key 'sight'", path="configs/edge.yaml", line=2)
    file = {"file": ("menu.csv", b"sku\n", "text/csv")}
    answer = agent.ask("POST", "/setup/menu", headers=OWN_PAGE, files=file)
    assert "of the file" not in wrong(answer)
    assert "configs/edge.yaml:2: unknown key" in answer.text


def test_a_menu_is_bounded_and_comes_as_a_form_of_our_own_page() -> None:
    agent = Agent()
    large = {"file": ("menu.csv", b"x" * 1_200_000, "text/csv")}
    assert agent.ask("POST", "/setup/menu", headers=OWN_PAGE, files=large).status_code == 413
    file = {"file": ("menu.csv", b"sku\n", "text/csv")}
    assert agent.ask("POST", "/setup/menu", files=file).status_code == 403
    assert agent.ask("POST", "/setup/menu", headers=OWN_PAGE, data={"file": "x"}).status_code == 415
    assert agent.setup.told == []


def remember(agent: Agent, *orders: Order) -> None:
    run = agent.store.begin_run(Run(station="pass"))
    agent.store.commit(run, [OrderAccepted(at_s=0.0, order=each) for each in orders])


def test_what_the_till_sells_and_the_camera_does_not_know_can_be_said() -> None:
    agent = Agent()
    remember(agent, order("A-1", "plate", line("4711", name="Ketchup <b>")), order("A-2", "4711", "4712"))
    page = agent.ask("GET", "/setup/menu").text
    assert "The till sells 2 items that the camera does not know" in page
    assert "Ketchup &lt;b&gt;" in page
    for means in ("by_hand", "item:plate", "looks:plate"):
        assert post(agent, "/menu/sku", sku="4711", means=means, name="Ketchup").status_code == 303
    assert [(k.means.value, k.of) for k in agent.setup.now.menu.known] == [
        ("by_hand", ""),
        ("item", "plate"),
        ("looks", "plate"),
    ]
    assert post(agent, "/menu/again").status_code == post(agent, "/menu/forget").status_code == 303


@pytest.mark.parametrize("means", ["", "nothing", "item:", "by_hand:plate", "looks", "x" * 80])
def test_nonsense_about_a_sku_is_refused(means: str) -> None:
    agent = Agent()
    assert post(agent, "/menu/sku", sku="4711", means=means).status_code == 422
    assert agent.setup.told == []


def test_the_checker_may_be_too_busy_for_a_menu() -> None:
    agent = Agent()
    agent.setup.refusal = StoreBusy("the checker is busy; what was chosen holds from the next start on")
    assert "holds from the next start on" in wrong(post(agent, "/menu/sku", sku="4711", means="by_hand"))


MENU = menu("plate", "drink", "fries")


class ThreeItems(FakeInUse):
    """A menu from which a test can be made."""

    def menu(self) -> Any:
        return MENU


def kitchen() -> Agent:
    return Agent(in_use=ThreeItems())


def begun(agent: Agent) -> Order:
    """A test order of plate, drink and fries, known to the history."""
    answer = post(agent, "/test", sku=["plate", "drink", "fries"], station="pass")
    assert answer.headers["location"] == "/setup/test?order=T120000&day=2026-01-31"
    (standing,) = agent.book.standing.values()
    remember(agent, standing.order)
    return standing.order


def lay(agent: Agent, wants: Order, *there: str) -> VerdictReached:
    """A tray with these things is taken for the test order."""
    verdict = compare(MENU, wanted(MENU, wants), contents(**dict.fromkeys(there, 1)))
    told = replace(reached("slot-0001", orders=(wants.key,)), verdict=verdict)
    agent.store.commit(1, [told])
    return told


def test_a_wrong_tray_and_a_right_one_are_walked_through() -> None:
    agent = kitchen()
    wants = begun(agent)
    address = f"/setup/test?order={wants.order_id}&day={wants.business_day}"
    page = agent.ask("GET", address).text
    assert "has seen no tray of this order yet" in page
    assert "<del>fries</del>" in page
    lay(agent, wants, "plate", "drink")
    page = agent.ask("GET", address).text
    assert "Now add: fries" in page
    assert "fries missing" in page
    lay(agent, wants, "plate", "drink", "fries")
    assert "the wrong tray was caught" in agent.ask("GET", address).text
    stream = Agent(stream_s=0.0, in_use=ThreeItems(), history=agent.store).ask(
        "GET", address.replace("/test?", "/test/events?")
    )
    assert "the wrong tray was caught" in stream.text
    answer = post(agent, "/test/end", order=wants.order_id, day=wants.business_day)
    assert answer.headers["location"] == "/setup?saved=tested"
    assert (agent.book.state(wants.order_id), agent.setup.told) == ("cancelled", ["tried at pass by admin"])


def test_a_test_that_was_not_finished_proves_nothing() -> None:
    agent = kitchen()
    wants = begun(agent)
    answer = post(agent, "/test/end", order=wants.order_id, day=wants.business_day)
    assert (answer.headers["location"], agent.setup.told) == ("/setup/test", [])


def test_a_tray_of_which_nobody_knows_whose_it_is_can_be_given_to_the_test() -> None:
    agent = kitchen()
    wants = begun(agent)
    undecided = replace(reached("slot-0001", orders=()), association=Association.WHICH_ORDER)
    lying = SlotStatus(slot_id="slot", session_id="slot-0001", state=SessionState.SETTLED, reached=undecided)
    agent.stations.status = replace(agent.stations.status, slots=(lying,))
    page = agent.ask("GET", f"/setup/test?order={wants.order_id}&day={wants.business_day}").text
    assert ("The tray on place 1 is the test order" in page) is (
        undecided.association.value in ("no_order", "which_order")
    )
    sent = {"order": wants.order_id, "day": wants.business_day, "station": "pass", "slot": "slot"}
    assert post(agent, "/test/assign", **sent).status_code == 303
    assert agent.book.assigned["pass", "slot"] == (wants.key,)


@pytest.mark.parametrize(
    ("sku", "station"),
    [([], "pass"), (["plate"], "pass"), (["plate", "none"], "pass"), (["plate", "drink"], "none")],
)
def test_a_test_needs_two_things_and_a_station(sku: list[str], station: str) -> None:
    agent = kitchen()
    assert post(agent, "/test", sku=sku, station=station).status_code == 422
    assert agent.book.standing == {}


def test_a_test_that_nobody_knows_is_not_found() -> None:
    agent = kitchen()
    assert agent.ask("GET", "/setup/test?order=T1&day=2026-01-31").status_code == 404
    assert post(agent, "/test/end", order="T1", day="x").status_code == 404
    ended = Agent(stream_s=0.0).ask("GET", "/setup/test/events?order=T1&day=2026-01-31")
    assert "event: staging" not in ended.text


def test_a_test_orders_names_stay_text() -> None:
    agent = Agent(in_use=ThreeItems())
    named = [item("plate", name="<script>alert(1)</script>"), item("drink")]
    remember(agent, replace(staged_order("T1", named, station="pass"), business_day="2026-01-31"))
    page = agent.ask("GET", "/setup/test?order=T1&day=2026-01-31").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def looked_at() -> SecondLookReport:
    """A sure tray, a doubtful one, and a wrong one that an audit found wrong."""
    wants = order("42", "plate")
    scenes = [
        (seen("plate", 60),),
        (seen("plate", 60), seen("drink", 200, score=0.4)),
        (seen("drink", 200),),
    ]
    trays = [
        LookedAgain(
            check_id=number,
            recorded_at="2026-01-31T12:00:00Z",
            orders=(wants,),
            seen=things,
            truth=VerdictKind.MISMATCH if number == 3 else None,
        )
        for number, things in enumerate(scenes, start=1)
    ]
    return SecondLookReport(is_over=True, done=3, of=3, trays=tuple(trays))


def test_the_slider_shows_what_each_position_would_have_done() -> None:
    agent = kitchen()
    assert "The last 200 trays can be looked at once more" in agent.ask("GET", "/setup/slider").text
    assert post(agent, "/slider/look").status_code == 303
    assert agent.second_look.begun == 1
    agent.second_look.now = looked_at()
    page = agent.ask("GET", "/setup/slider").text
    rows = re.findall(r'<tr data-position="(-?\d)".*?<td>(\d+)</td><td>(\d+)</td><td>(\d+)</td>', page, re.DOTALL)
    assert {int(step): (int(w), int(u), int(r)) for step, w, u, r in rows if step in ("-3", "0", "3")} == {
        -3: (1, 1, 1),
        0: (1, 1, 1),
        3: (2, 0, 1),
    }
    assert "1 of 1 wrong trays caught" in page
    part = agent.ask("GET", "/setup/slider/changes?eagerness=3", headers={"HX-Request": "true"}).text
    assert "3 steps to more catches: 1 tray would be called something else" in part
    assert "Order 42" in part
    assert agent.ask("GET", "/setup/slider/changes?eagerness=4").status_code == 422


def test_the_second_look_says_how_far_it_is_and_why_it_ended() -> None:
    agent = kitchen()
    agent.second_look.now = replace(looked_at(), is_running=True, is_over=False, done=2)
    page = agent.ask("GET", "/setup/slider").text
    assert "Looking at old trays once more: 2 of 3" in page
    assert "data-position" not in page
    agent.second_look.now = SecondLookReport(is_over=True, problem="the stations need the detector now")
    page = agent.ask("GET", "/setup/slider").text
    assert "the stations need the detector now" in page
    assert "No tray of before can be looked at again" in page


def test_the_slider_is_moved_within_its_bounds() -> None:
    agent = Agent()
    assert post(agent, "/slider", eagerness="-2").headers["location"] == "/setup/slider?saved=slider"
    assert [post(agent, "/slider", eagerness=bad).status_code for bad in ("4", "-4", "x", "")] == [422] * 4
    assert post(agent, "/slider/forget").status_code == 303
    assert agent.setup.told == ["slider -2 by admin", "forget slider"]


def test_the_trial_run_ends_before_its_time_only_if_somebody_says_so() -> None:
    agent = Agent()
    page = agent.ask("GET", "/setup/trial-run").text
    assert "not measured" in page
    answer = post(agent, "/trial-run/end")
    assert (answer.status_code, "Tick the box" in wrong(answer)) == (409, True)
    assert post(agent, "/trial-run/end", early="yes").status_code == 303
    page = agent.ask("GET", "/setup/trial-run").text
    assert "Before the audits were enough" in page
    assert agent.setup.now.waiting == {Choice.TRIAL_MODE}
    assert post(agent, "/trial-run/begin").status_code == 303
    assert agent.setup.told == ["trial ended early by admin", "forget trial_mode"]


def test_a_token_is_shown_once_and_revoked() -> None:
    agent = Agent()
    page = post(agent, "/tokens", name="till 1", role="pos", days="30").text
    assert "secret-1" in page
    assert "secret-1" not in agent.ask("GET", "/setup/tokens").text
    assert "There is a token of this name" in wrong(post(agent, "/tokens", name="till 1", role="pos"))
    assert post(agent, "/tokens/revoke", token_id="00000001").headers["location"] == "/setup/tokens?saved=revoked"
    assert agent.tokens.kept == []
    assert post(agent, "/tokens/revoke", token_id="00000001").status_code == 404


@pytest.mark.parametrize("days", ["0", "3651", "-1", "1.5", "x", "99999"])
def test_a_token_lasts_whole_days(days: str) -> None:
    agent = Agent()
    assert "whole days" in wrong(post(agent, "/tokens", name="till 1", role="pos", days=days))
    assert agent.tokens.kept == []


def test_an_unknown_role_is_refused() -> None:
    assert post(Agent(), "/tokens", name="x", role="root").status_code == 422


def test_the_last_admin_cannot_lock_everybody_out() -> None:
    agent = Agent()
    post(agent, "/tokens", name="office", role="admin")
    answer = post(agent, "/tokens/revoke", token_id="00000001")
    assert (answer.status_code, "last token of an admin" in wrong(answer)) == (409, True)
    post(agent, "/tokens", name="spare", role="admin")
    assert post(agent, "/tokens/revoke", token_id="00000001").status_code == 303


def test_the_health_of_each_part_is_asked_by_itself() -> None:
    agent = Agent()
    page = agent.ask("GET", "/setup/health").text
    assert re.findall(r'hx-get="/setup/health/(\w+)"', page) == ["disk", "clock", "model", "service"]
    said = {part: agent.ask("GET", f"/setup/health/{part}").text for part in ("disk", "clock", "model", "service")}
    assert "Well" in said["disk"]
    assert "Set the clock, or connect the box to a time server." in said["clock"]
    assert "the model is gone" in said["model"]
    assert "nothing to say" in said["service"]
    assert agent.ask("GET", "/setup/health/kitchen").status_code == 404
    assert agent.ask("GET", "/setup/health/..%2f").status_code in (404, 422)


def test_the_log_says_who_changed_what(caplog: pytest.LogCaptureFixture) -> None:
    agent = Agent()
    with caplog.at_level(logging.INFO):
        post(agent, "/slider", eagerness="1")
        post(agent, "/menu/sku", sku="47\n11", means="by_hand")
        agent.setup.refusal = BadInput("no")
        draw(agent, ("slot", SQUARE))
    said = [record.getMessage() for record in caplog.records if "set-up" in record.getMessage()]
    assert said == [
        "set-up: the slider was moved '1', by 'a admin' (admin)",
        "set-up: the menu learned of a SKU '47\\n11', 'by_hand', by 'a admin' (admin)",
    ]


def test_what_comes_from_another_site_changes_nothing() -> None:
    agent = Agent()
    for method, path in SETUP:
        if method == "POST":
            answer = agent.ask(method, path.replace("{station_id}", "pass"), data={}, headers={"Origin": "http://evil"})
            assert answer.status_code == 403, path
    assert agent.setup.told == []


def test_what_was_set_aside_is_said_in_the_pages_language() -> None:
    agent = Agent()
    aside = ("slots of window", "menu", "slider", "end of the trial", "something newer")
    agent.setup.now = replace(agent.setup.now, set_aside=aside)
    html = agent.ask("GET", "/setup", headers={"Accept-Language": "de"}).text
    told = re.findall(r"<li>([^<]*)</li>", html.partition('class="aside"')[2].partition("</div>")[0])
    assert told == ["Tablettplätze (window)", "Karte", "Regler", "Probelauf", "something newer"]


def test_what_the_doctor_found_is_said_in_the_pages_language() -> None:
    clock = HealthFound(what="clock", state="attention", said="not synchronised", do="set it", code="clock_free")
    agent = Agent(health=FoundHealth((clock, replace(clock, code="a_newer_one"))))
    html = agent.ask("GET", "/setup/health/clock", headers={"Accept-Language": "de"}).text
    assert "Kein Zeitserver stellt die Uhr." in html
    assert "Ansehen" in html.partition("Kein Zeitserver")[2], "what has no words says only how it does"
    assert '<span lang="en">not synchronised</span>' in html, "what has no name stays as it was said"


@pytest.mark.parametrize(("code", "do"), [("clock_utc", "write its own into the"), ("clock_free", "Set the clock, or")])
def test_what_to_do_is_about_what_was_found(code: str, do: str) -> None:
    """A clock that is right needs no setting where only its zone may be another."""
    found = HealthFound(what="clock", state="attention", said="12:00 in UTC", do="", code=code)
    html = Agent(health=FoundHealth((found,))).ask("GET", "/setup/health/clock").text
    todo = ["write its own into the", "Set the clock, or"]
    assert [each for each in todo if each in html] == [do]


class FoundHealth(FakeHealth):
    """A health that found just this."""

    def __init__(self, found: tuple[HealthFound, ...]) -> None:
        self.found = found

    def look(self, part: str) -> tuple[HealthFound, ...]:
        return self.found
