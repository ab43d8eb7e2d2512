"""Today and trends: plots with their tables, what is not shown, and today's numbers while they change."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest

from edge_agent.api.screen.texts import catalogue
from edge_agent.api.screen.trends_page import COUNTED_EVERY_S, Remembered
from edge_agent.api.screen.views.plots import trends_shown
from edge_agent.checking.trends import Forgotten, Latency, Shown, Trend, Trends
from edge_agent.domain.alert import Resolution
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.tally import TrayVerdict
from edge_agent.errors import StoreError
from tests.fakes_api import Agent
from tests.fakes_store import FakeClock
from tests.reporting_builders import House

ENGLISH, GERMAN = catalogue()["en"], catalogue()["de"]
DAYS = ("2026-01-29", "2026-01-30", "2026-01-31")


def cell(key: str, *, alerts: int = 0, shadow: int = 0, latency: Latency | None = None, **verdicts: int) -> Trend:
    counted = {verdict: verdicts.get(verdict.value, 0) for verdict in TrayVerdict}
    shown = Shown(trays=sum(counted.values()), verdicts=counted, alerts=alerts, shadow_alerts=shadow, latency=latency)
    return Trend(key=key, shown=shown)


def found(
    *, days: tuple[Trend, ...] = (), hours: tuple[Trend, ...] = (), forgotten: tuple[Forgotten, ...] = ()
) -> Trends:
    return Trends(whole=Trend(key="", shown=None), days=days, hours=hours, forgotten=forgotten)


def a_day() -> Trend:
    counts = {"match": 40, "mismatch": 2, "unsure": 5, "which_order": 1, "no_order": 2}
    return cell("2026-01-30", alerts=3, shadow=1, latency=Latency(p50_s=0.5, p95_s=0.9), **counts)


def test_a_plot_has_a_place_for_every_day_and_gaps_for_what_is_not_shown() -> None:
    shown = trends_shown(ENGLISH, found(days=(a_day(), Trend(key="2026-01-31", shown=None))), DAYS)
    outcomes, latency = shown.plots
    assert outcomes.title == "Of 100 trays, day by day: lower is better"
    assert (outcomes.x_label, outcomes.y_label) == ("Day", "Of 100 trays")
    assert outcomes.x == (1_769_644_800, 1_769_731_200, 1_769_817_600), "midnights in UTC"
    assert [(each.label, each.values) for each in outcomes.series] == [
        ("Alerts", (None, 8.0, None)),
        ("Left wrong", (None, 4.0, None)),
        ("Not sure", (None, 12.0, None)),
    ]
    assert [(each.label, each.values) for each in latency.series] == [
        ("Half of the trays", (None, 0.5, None)),
        ("19 of 20 trays", (None, 0.9, None)),
    ]
    assert len({each.shape for each in outcomes.series}) == 3, "told apart without colours"


def test_hours_run_from_the_first_to_the_last_that_had_a_tray() -> None:
    hours = (cell("9", match=20), Trend(key="11", shown=None), cell("12", match=10, mismatch=10))
    (plot,) = trends_shown(ENGLISH, found(hours=hours), DAYS).plots
    assert plot.x == (9, 10, 11, 12)
    assert plot.series[1].values == (0.0, None, None, 50.0)
    assert plot.along == "hours"


def test_the_table_says_the_same_the_newest_day_first() -> None:
    shown = trends_shown(
        ENGLISH, found(days=(a_day(), Trend(key="2026-01-31", shown=None)), hours=(cell("9", match=20),)), DAYS
    )
    newest, older = shown.days
    assert (newest.key, newest.shown, newest.cells, newest.seconds) == ("2026-01-31", None, (), (None, None))
    assert (older.cells, older.seconds) == ((50, 40, 2, 6, 2, 4), (0.5, 0.9))
    assert [row.label for row in shown.hours] == ["09:00"]


def test_what_was_forgotten_most_is_the_longest_bar() -> None:
    items = (Forgotten(name="Cola or Diet", trays=200), Forgotten(name="Dip", trays=50), Forgotten(name="Pie", trays=1))
    shown = trends_shown(GERMAN, found(forgotten=items), DAYS).forgotten
    assert [(each.name, each.trays, each.share) for each in shown] == [
        ("Cola oder Diet", 200, 100),
        ("Dip", 50, 25),
        ("Pie", 1, 1),
    ]


def test_nothing_to_show_draws_nothing() -> None:
    shown = trends_shown(ENGLISH, found(days=(Trend(key="2026-01-31", shown=None),)), DAYS)
    assert shown.plots == ()


# The page


def busy(agent: Agent, trays: int = 20, *, slot: str = "left") -> House:
    house = House(agent.store, agent.reporting, agent.clock)
    house.begin()
    for _ in range(trays - 1):
        house.tray(slot=slot)
    house.tray(
        VerdictKind.MISMATCH, alert=True, ends=Resolution.FIXED, by_staff=True, then=VerdictKind.MATCH, slot=slot
    )
    return house


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_a_quiet_morning_shows_no_numbers_and_says_why() -> None:
    agent = Agent()
    busy(agent, trays=19)
    html = agent.ask("GET", "/today", role="manager").text
    assert html.count("No numbers yet: fewer than 20 trays.") == 2
    assert "data-plot" not in html
    assert "fewer than 20 trays, not shown" in html
    assert "Nothing is counted per person." in html


def test_the_page_shows_three_numbers_the_forgotten_and_the_plots() -> None:
    agent = Agent()
    busy(agent)
    html = agent.ask("GET", "/today", role="manager").text
    text = text_of(html)
    assert text.count("Stopped in time more is better 1 wrong tray was put right before it left") == 2
    assert text.count("Not measured yet") == 2
    assert "Fully checked more is better 100 % of 20 orders" in text
    assert "Forgotten most often what to look after first Fries 1 tray" in text
    plots = [json.loads(unescape(data)) for data in re.findall(r'data-plot="([^"]*)"', html)]
    assert [(plot["along"], len(plot["x"])) for plot in plots] == [("days", 28), ("hours", 1), ("days", 28)]
    assert plots[0]["series"][0]["values"][-1] == 5.0
    assert re.search(r'<h3 id="outcomes-days">', html)
    assert 'role="img" aria-labelledby="outcomes-days"' in html
    assert "The same as a table: Day" in text


@pytest.mark.parametrize(("days", "status"), [(7, 200), (28, 200), (90, 200), (0, 422), (10_000, 422), ("x", 422)])
def test_a_span_is_chosen_among_three(days: object, status: int) -> None:
    agent = Agent()
    busy(agent)
    answer = agent.ask("GET", f"/today?days={days}")
    assert answer.status_code == status
    if status == 200:
        plot = json.loads(unescape(re.findall(r'data-plot="([^"]*)"', answer.text)[0]))
        assert len(plot["x"]) == days


def test_one_station_is_counted_by_itself_and_chosen_only_where_there_are_several() -> None:
    agent = Agent()
    busy(agent, slot="left")
    busy(agent, trays=3, slot="right")
    html = agent.ask("GET", "/today").text
    assert 'href="/today?days=28&amp;station=drive"' in html
    drive = agent.ask("GET", "/today?station=drive").text
    assert "No numbers yet" in drive
    assert 'data-stream="/today/events?station=drive"' in drive
    assert "Counted from 23 trays." in html


def test_todays_numbers_come_over_the_stream_and_are_those_of_the_page() -> None:
    agent = Agent(stream_s=0.0)
    busy(agent)
    told = agent.ask("GET", "/today/events", role="manager").text
    assert re.findall(r"(?m)^event: (\S+)$", told) == ["figures", "beat"]
    region = "\n".join(line[6:] for line in told.splitlines() if line.startswith(("data: <", "data:  ")))
    page = agent.ask("GET", "/today", role="manager").text
    assert "Counted from 20 trays." in region
    assert f'data-shape="{json.loads(told.rpartition("data: ")[2])["shape"]}"' in page


def test_the_name_of_a_station_stays_text_in_its_address() -> None:
    html = Agent().ask("GET", "/today?station=%22%3E%3Cscript%3E").text
    assert "<script>" not in html
    assert 'data-stream="/today/events?station=%22%3E%3Cscript%3E"' in html


def test_what_was_counted_a_moment_ago_is_not_counted_again() -> None:
    """Every screen asks every second; a million stored checks must not be counted for each."""
    clock, counted = FakeClock(), []

    def count() -> str:
        counted.append(clock.monotonic)
        return f"{len(counted)}"

    remembered = Remembered(clock, every_s=COUNTED_EVERY_S)
    assert [remembered.get(("en",), count) for _ in range(3)] == ["1", "1", "1"]
    assert remembered.get(("de",), count) == "2"
    clock.advance(COUNTED_EVERY_S)
    assert remembered.get(("en",), count) == "3"


def test_what_is_known_stays_while_the_database_does_not_answer() -> None:
    clock = FakeClock()

    def fail() -> str:
        raise StoreError("busy")

    remembered = Remembered(clock, every_s=1.0)
    with pytest.raises(StoreError):
        remembered.get(("en",), fail)
    remembered.get(("en",), lambda: "known")
    clock.advance(timedelta(minutes=1).total_seconds())
    assert remembered.get(("en",), fail) == "known"


def test_what_is_remembered_is_bounded() -> None:
    remembered = Remembered(FakeClock(), every_s=1.0, most=3)
    for number in range(100):
        remembered.get((str(number),), lambda: "x")
        assert len(remembered._made) <= 3
