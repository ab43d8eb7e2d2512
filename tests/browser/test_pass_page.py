"""The crew's page in a real browser: understood in three seconds, answered with one tap or key."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.order import Order
from edge_agent.ports import Trouble
from tests.browser.conftest import OpenPage
from tests.browser.kitchen import Kitchen, in_doubt, remember, seen
from tests.builders import line, order

BEFORE = datetime(2026, 1, 31, 11, 0, tzinfo=timezone.utc)
VERDICT_COLOURS = {"rgb(20, 113, 58)", "rgb(179, 20, 31)", "rgb(255, 176, 0)"}
NUTS = {"notes": "Nut allergy!"}


def place(page: Page, number: int = 1) -> Locator:
    """Stays while the stream replaces what is in it: what is in it is read in one `evaluate` of the place.

    Read in two steps, an element may be replaced between them, and one that is gone has no style and no layout.
    """
    return page.locator(f"#place-{number}")


def headline(page: Page, number: int = 1) -> Locator:
    return place(page, number).locator(".state")


def press(page: Page, button: str) -> None:
    """Tap a button of a card, once the card has stood long enough for a finger to mean it."""
    expect(place(page)).to_have_attribute("data-steady", "yes")
    place(page).get_by_role("button", name=button).click()


def menu_order(kitchen: Kitchen, order_id: str = "42", *more: Any, **fields: Any) -> Order:
    return kitchen.order(order(order_id, "burger", "fries", "cola", *more, **fields))


STATES = {
    "right": (seen(burger=1, fries=1, cola=1), {}, "42 3 of 3"),
    "wrong": (seen(burger=1, cola=1), {}, "42 Fries missing"),
    "unsure": (in_doubt(seen(burger=1, cola=1), "fries"), {}, "42 Look: Fries?"),
    "allergy": (seen(burger=1, fries=1, cola=1), NUTS, "42 Check allergy 3 of 3"),
}


@pytest.mark.parametrize("look", STATES)
def test_a_state_is_said_in_words(kitchen: Kitchen, open_page: OpenPage, look: str) -> None:
    lies, fields, words = STATES[look]
    ordered = menu_order(kitchen, **fields)
    page = open_page(kitchen)
    (kitchen.red if look == "wrong" else kitchen.tray)(lies, ordered)
    expect(headline(page)).to_have_text(re.compile(r"\s+".join(map(re.escape, words.split()))))
    expect(place(page)).to_have_attribute("data-look", look)


def test_states_differ_by_colour_and_by_shape(kitchen: Kitchen, open_page: OpenPage) -> None:
    """Whoever does not see red and green apart sees a circle and an octagon."""
    page = open_page(kitchen)
    colours, shapes = set(), set()
    for look, (lies, fields, _) in STATES.items():
        ordered = menu_order(kitchen, f"no-{look}", **fields)
        (kitchen.red if look == "wrong" else kitchen.tray)(lies, ordered)
        expect(place(page)).to_have_attribute("data-look", look)
        colour, shape = place(page).evaluate(
            "p => [getComputedStyle(p.querySelector('.band')).background, p.querySelector('.sign').innerHTML]"
        )
        colours.add(colour)
        shapes.add(shape)
    assert (len(colours), len(shapes)) == (len(STATES), len(STATES))


def test_the_number_is_the_largest_text(kitchen_of_three: Kitchen, open_page: OpenPage) -> None:
    kitchen = kitchen_of_three
    for slot in (1, 2, 3):
        kitchen.red(seen(burger=1), menu_order(kitchen, f"{slot}1"), slot=slot)
    page = open_page(kitchen)
    sizes: list[tuple[float, str]] = page.evaluate(
        "() => Array.from(document.querySelectorAll('body *'))"
        ".filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))"
        ".map(e => [parseFloat(getComputedStyle(e).fontSize), e.className])"
    )
    largest = max(size for size, _ in sizes)
    assert {name for size, name in sizes if size == largest} == {"number"}


def test_what_is_seen_and_what_is_not_stands_in_lists(kitchen: Kitchen, open_page: OpenPage) -> None:
    ordered = menu_order(kitchen, "42", line("toy"), line("cheese", modifiers=("no onions",)), line("burger"))
    kitchen.red(seen(burger=1, cola=1, burger_wrapped=1), ordered)
    lists: dict[str, list[str]] = place(open_page(kitchen)).evaluate(
        "p => Object.fromEntries([...p.querySelectorAll('.told section')].map("
        "s => [s.querySelector('h3').innerText, [...s.querySelectorAll('li')].map(li => li.innerText)]))"
    )
    by_hand = [text.split("\n")[0].strip() for text in lists.pop("By hand")]
    assert lists == {"Not seen": ["Burger", "Fries"], "Seen": ["Burger", "Cola", "Cheeseburger"]}
    assert by_hand == ["Toy", "no onions"]


def test_an_allergy_is_never_plain_green(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.tray(seen(burger=1, fries=1, cola=1), menu_order(kitchen, **NUTS))
    page = open_page(kitchen)
    expect(place(page).locator(".allergy")).to_have_text(
        re.compile("the camera cannot check it.*Nut allergy!", re.DOTALL)
    )
    assert place(page).evaluate("p => getComputedStyle(p).borderTopColor") == "rgb(255, 176, 0)"


def test_which_order_is_amber_and_shows_what_lies_there(kitchen: Kitchen, open_page: OpenPage) -> None:
    menu_order(kitchen)
    kitchen.tray(seen(salad=1, nuggets=2), association=Association.WHICH_ORDER)
    page = open_page(kitchen)
    expect(place(page)).to_have_attribute("data-look", "unsure")
    expect(headline(page)).to_have_text(re.compile("Which order"))
    expect(place(page).locator(".told li")).to_have_text(["Salad bowl", re.compile("^2 . Nuggets")])


def test_a_tray_that_nobody_waits_for_is_calm(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.tray(seen(salad=1), association=Association.NO_ORDER)
    expect(place(open_page(kitchen))).to_have_attribute("data-look", "no_order")


def test_places_stand_side_by_side_and_follow_what_happens(kitchen_of_three: Kitchen, open_page: OpenPage) -> None:
    kitchen = kitchen_of_three
    page = open_page(kitchen)
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen, "1"), slot=1)
    kitchen.tray(seen(burger=1, cola=1, fries=1), menu_order(kitchen, "2"), slot=2)
    kitchen.looking(slot=3)
    for number, look in ((1, "wrong"), (2, "right"), (3, "looking")):
        expect(place(page, number)).to_have_attribute("data-look", look)
    tops = {place(page, number).bounding_box()["y"] for number in (1, 2, 3)}  # type: ignore[index]
    assert len(tops) == 1
    kitchen.empty(slot=1)
    expect(place(page)).to_have_attribute("data-look", "empty")


def test_in_the_trial_run_nothing_is_told(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.stations.status = replace(kitchen.stations.status, shadow=True)
    kitchen.tray(seen(burger=1), menu_order(kitchen))
    page = open_page(kitchen)
    expect(place(page)).to_have_attribute("data-look", "trial")
    expect(page.locator(".banner-trial")).to_have_text(re.compile("Trial run"))
    assert "missing" not in page.locator("main").inner_text()


@pytest.mark.parametrize(
    ("camera", "says"),
    [
        ("offline", "no picture"),
        ("frozen", "stands still"),
        ("dark", "only dark"),
        ("blurred", "wipe the lens"),
        ("moved", "was moved"),
        ("online", "starts"),
    ],
)
def test_a_camera_that_is_not_well_is_told_of_with_what_to_do(
    kitchen: Kitchen, open_page: OpenPage, camera: str, says: str
) -> None:
    page = open_page(kitchen)
    kitchen.stations.status = replace(kitchen.stations.status, camera=camera, can_decide=False)
    kitchen.tell()
    expect(page.locator(".banner")).to_have_text(re.compile(f"{says}.*", re.DOTALL))
    expect(place(page)).to_have_attribute("data-look", "blind")


def test_troubles_around_are_told_of_in_a_cooks_words(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    kitchen.agent.troubles.now = (Trouble.TILL, Trouble.BROKER, Trouble.CLOCK, Trouble.DISK)
    kitchen.tell()
    said = page.locator(".banner")
    expect(said).to_have_count(4)
    expect(said.first).to_have_text(re.compile("No orders come from the till"))


# The still


def test_the_still_is_drawn_again_and_again_while_a_tray_lies_there(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    figure = place(page).locator("figure")
    expect(figure).to_be_hidden()
    kitchen.tray(seen(burger=1), menu_order(kitchen))
    expect(figure).to_be_visible()
    expect(figure.locator("figcaption")).to_have_text("")
    first = figure.locator("canvas").evaluate("c => c.toDataURL()")
    page.wait_for_function("first => document.querySelector('canvas').toDataURL() !== first", arg=first)
    kitchen.empty()
    expect(figure).to_be_hidden()


def test_an_old_still_says_so(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.stations.age_s = 1.7
    kitchen.tray(seen(burger=1), menu_order(kitchen))
    caption = place(open_page(kitchen)).locator("figcaption")
    expect(caption).to_have_text("Picture is old")
    kitchen.stations.age_s = 0.05
    expect(caption).to_have_text("")
    kitchen.stations.age_s = None
    expect(caption).to_have_text("Picture is old")


# The queue


def test_the_oldest_order_stands_left_and_what_was_voided_is_struck_through(
    kitchen: Kitchen, open_page: OpenPage
) -> None:
    for number in ("7", "8", "9"):
        menu_order(kitchen, number, line("salad", voided=number == "8"))
    page = open_page(kitchen)
    tickets = page.locator(".ticket")
    expect(tickets.locator("h3")).to_have_text(["7", "8", "9"])
    lefts: list[float] = page.evaluate(
        "() => [...document.querySelectorAll('.ticket')].map(ticket => ticket.getBoundingClientRect().x)"
    )
    assert lefts == sorted(set(lefts))
    expect(page.locator(".ticket s")).to_have_text(re.compile("Salad bowl"))


def test_age_has_no_colour_of_a_verdict(kitchen: Kitchen, open_page: OpenPage) -> None:
    menu_order(kitchen)
    page = open_page(kitchen)
    expect(page.locator(".age time")).to_have_text(re.compile(r"^\d+s$"))
    colour = page.evaluate("() => getComputedStyle(document.querySelector('.age time')).color")
    assert colour.startswith("rgb(")
    assert colour not in VERDICT_COLOURS


def test_a_changed_order_flashes_and_says_so(kitchen: Kitchen, open_page: OpenPage) -> None:
    menu_order(kitchen, "7")
    ordered = menu_order(kitchen, "8")
    page = open_page(kitchen)
    expect(page.locator(".flash")).to_have_count(0)
    kitchen.order(replace(ordered, revision=2, lines=(*ordered.lines, line("salad"))))
    expect(page.locator(".flash h3")).to_have_text("8")
    expect(page.locator(".tag-changed")).to_have_text("Changed")
    menu_order(kitchen, "9")
    expect(page.locator(".flash h3")).to_have_text(["8", "9"])


# The sound


def sounds(page: Page) -> int:
    return int(page.evaluate("() => window.sounds.length"))


def test_a_critical_alert_sounds_once(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    expect(page.locator("body")).to_have_attribute("data-sound", "on")
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen))
    page.wait_for_function("() => window.sounds.length === 1")
    menu_order(kitchen, "43")  # more happens, and the card is drawn anew
    kitchen.stations.age_s = 0.1
    expect(page.locator(".ticket")).to_have_count(2)
    page.reload()
    expect(place(page)).to_have_attribute("data-look", "wrong")
    assert sounds(page) == 0


def test_a_notice_and_a_second_telling_are_silent(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen), sounds=False)
    expect(place(page)).to_have_attribute("data-look", "wrong")
    assert sounds(page) == 0


def test_the_kiosk_begins_with_a_test_sound_and_asks_whether_it_was_heard(
    kitchen: Kitchen, open_page: OpenPage
) -> None:
    page = open_page(kitchen, heard=False)
    page.get_by_role("button", name=re.compile("^Start .* play the test sound")).click()
    expect(page.get_by_text("Did you hear it?")).to_be_visible()
    page.get_by_role("button", name="No, play it again").click()
    page.wait_for_function("() => window.sounds.length === 2")
    page.get_by_role("button", name="Yes, I heard it").click()
    expect(page.get_by_role("button", name="Mute for 10 minutes")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Mute for 10 minutes")).to_be_visible()


def test_a_mute_ends_by_itself(kitchen: Kitchen, open_page: OpenPage) -> None:
    page = open_page(kitchen)
    page.clock.install()
    page.goto(kitchen.url + "/pass")
    page.get_by_role("button", name="Mute for 10 minutes").click()
    expect(page.get_by_text(re.compile("^Muted until"))).to_be_visible()
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen))
    expect(place(page)).to_have_attribute("data-look", "wrong")
    assert sounds(page) == 0
    page.clock.fast_forward("10:01")
    expect(page.get_by_role("button", name="Mute for 10 minutes")).to_be_visible()


# Answers


def test_fixed_is_the_boxs_at_once_and_can_be_taken_back(kitchen: Kitchen, open_page: OpenPage) -> None:
    """The answer is on the box before the ten seconds begin: a tablet that dies takes nothing with it."""
    alert = kitchen.red(seen(burger=1, cola=1), menu_order(kitchen))
    page = open_page(kitchen)
    press(page, "Fixed")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    assert [(s.told_id, s.resolution) for s in kitchen.alerts.said()] == [(alert.told_id, Resolution.FIXED)]
    expect(place(page)).to_have_attribute("data-look", "answered")
    undo.click()  # as soon as it can be pressed
    expect(page.get_by_role("button", name="Fixed")).to_be_visible()
    assert kitchen.alerts.said() == ()


def test_a_button_works_from_the_moment_it_is_there(kitchen: Kitchen, open_page: OpenPage) -> None:
    """A key may press it at once. Were it not htmx's yet, the browser would send the form and leave the page."""
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen))
    page = open_page(kitchen)
    press(page, "Fixed")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_enabled()
    page.evaluate(
        "() => { window.mark = 'the same page'; let pressed = false;"
        " document.addEventListener('htmx:afterSwap', event => { if (!event.detail.target || pressed) return;"
        " pressed = true; queueMicrotask(() => document.getElementById('wrong-1').click()); }); }"
    )
    undo.click()
    expect(page.locator(".state")).to_have_text(re.compile("Noted . system wrong"))
    assert page.evaluate("() => window.mark") == "the same page"
    assert [said.resolution for said in kitchen.alerts.said()] == [Resolution.SYSTEM_WRONG]


def test_a_double_tap_does_not_take_the_answer_back(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen))
    page = open_page(kitchen)
    press(page, "System wrong")
    undo = page.get_by_role("button", name="Undo")
    undo.dispatch_event("click")
    expect(undo).to_be_disabled()
    expect(undo).to_be_enabled()
    assert [said.resolution for said in kitchen.alerts.said()] == [Resolution.SYSTEM_WRONG]


def test_what_was_called_right_by_the_crew_is_not_red(kitchen: Kitchen, open_page: OpenPage) -> None:
    ordered = menu_order(kitchen)
    reached = kitchen.tray(seen(burger=1, cola=1), ordered)
    kitchen.answered(reached, Resolution.SYSTEM_WRONG)
    page = open_page(kitchen)
    expect(place(page)).to_have_attribute("data-look", "answered")
    expect(headline(page)).to_have_text(re.compile("You said it is right"))


def test_an_answer_to_an_alert_that_ended_says_so(kitchen: Kitchen, open_page: OpenPage) -> None:
    alert = kitchen.red(seen(burger=1, cola=1), menu_order(kitchen))
    page = open_page(kitchen)

    def end_on_the_way(route: Route) -> None:
        # The tap is under way when the alert ends: the tablet could not have heard of it.
        kitchen.alerts.answered[alert.told_id] = (Resolution.TRAY_LEFT, None)  # type: ignore[assignment]
        route.continue_()

    page.route("**/pass/answer", end_on_the_way)
    press(page, "Fixed")
    expect(page.locator("#notice")).to_have_text(re.compile("not so any more"))


def test_this_tray_is_order(kitchen: Kitchen, open_page: OpenPage) -> None:
    menu_order(kitchen, "42")
    ordered = menu_order(kitchen, "43")
    kitchen.tray(seen(burger=1), association=Association.WHICH_ORDER)
    page = open_page(kitchen)
    press(page, "This tray is order")
    page.locator("#choose").get_by_role("button", name=re.compile("^43")).click()
    expect(page.locator("#choose")).to_be_hidden()
    assert kitchen.book.assigned == {("pass", "place1"): (ordered.key,)}


def test_an_order_is_not_given_to_a_tray_that_came_meanwhile(kitchen: Kitchen, open_page: OpenPage) -> None:
    menu_order(kitchen, "42")
    kitchen.tray(seen(burger=1), association=Association.WHICH_ORDER)
    page = open_page(kitchen)
    press(page, "This tray is order")
    choice = page.locator("#choose").get_by_role("button", name=re.compile("^42"))
    expect(choice).to_be_visible()
    kitchen.tray(seen(cola=1), association=Association.WHICH_ORDER)
    choice.click()
    expect(page.locator("#notice")).to_have_text(re.compile("not so any more"))
    assert kitchen.book.assigned == {}


def test_bump_and_recall(kitchen: Kitchen, open_page: OpenPage) -> None:
    ordered = menu_order(kitchen, "42")
    page = open_page(kitchen)
    page.get_by_role("button", name="Bump 42").click()
    expect(page.locator(".ticket")).to_have_count(0)
    remember(kitchen, [ordered])
    page.get_by_role("button", name="Recall").click()
    page.locator("#choose").get_by_role("button", name=re.compile("^42")).click()
    expect(page.locator(".ticket h3")).to_have_text("42")


def test_a_tap_that_was_meant_for_the_tray_before_is_not_believed(kitchen: Kitchen, open_page: OpenPage) -> None:
    ordered = menu_order(kitchen)
    page = open_page(kitchen)
    page.clock.install(time=BEFORE)
    page.goto(kitchen.url + "/pass")
    page.clock.pause_at(BEFORE + timedelta(hours=1))
    kitchen.red(seen(burger=1, cola=1), ordered)
    fixed = page.get_by_role("button", name="Fixed")
    fixed.click()
    assert kitchen.alerts.said() == ()
    page.clock.run_for(500)
    fixed.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


# Keys


def test_a_bump_bar_answers(kitchen_of_three: Kitchen, open_page: OpenPage) -> None:
    kitchen = kitchen_of_three
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen, "1"), slot=1)
    second = kitchen.red(seen(burger=1, cola=1), menu_order(kitchen, "2"), slot=2)
    page = open_page(kitchen)
    expect(place(page, 2)).to_have_attribute("data-look", "wrong")
    page.keyboard.press("2")
    page.keyboard.press("f")
    expect(place(page, 2)).to_have_attribute("data-look", "answered")
    assert [said.told_id for said in kitchen.alerts.said()] == [second.told_id]
    expect(place(page, 2).get_by_role("button", name="Undo")).to_be_enabled()
    page.keyboard.press("u")
    expect(place(page, 2)).to_have_attribute("data-look", "wrong")
    page.keyboard.press("b")
    expect(page.locator(".ticket h3")).to_have_text(["1"])
    page.keyboard.press("m")
    expect(page.locator("body")).to_have_attribute("data-sound", "muted")


def test_a_key_can_be_changed_and_stays_so(kitchen: Kitchen, open_page: OpenPage) -> None:
    kitchen.red(seen(burger=1, cola=1), menu_order(kitchen))
    page = open_page(kitchen)
    page.locator("summary", has_text="Menu").click()
    page.locator("summary", has_text="Keys").click()
    page.locator("[data-change-key=fixed]").click()
    page.keyboard.press("F9")
    expect(page.locator("[data-key-of=fixed]")).to_have_text("F9")
    page.reload()
    expect(place(page)).to_have_attribute("data-look", "wrong")
    page.keyboard.press("f")
    page.keyboard.press("F9")
    expect(place(page)).to_have_attribute("data-look", "answered")


# What comes from outside


NASTY = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"\'&{{7*7}}'


def test_what_the_till_sends_stays_text(kitchen: Kitchen, open_page: OpenPage) -> None:
    nasty = kitchen.order(
        order(
            NASTY[:60],
            line("nasty", name=NASTY, modifiers=(NASTY,)),
            line("fries"),
            display_number=NASTY[:40],
            channel="<b>x</b>",
            notes=f"allergy {NASTY}",
        )
    )
    kitchen.red(Contents(), nasty)
    page = open_page(kitchen)
    expect(place(page)).to_have_attribute("data-look", "wrong")
    assert NASTY in page.locator(".ticket").inner_text()
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("main img, main script, main b:not(.lines b)").count() == 0
    press(page, "This tray is order")
    expect(page.locator("#choose .choices li")).to_have_count(1)
    assert page.evaluate("() => window.hacked") is None
