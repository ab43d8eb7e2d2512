"""What can be read: checks with their pictures, alerts, stations, numbers, and the API's own description."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import edge_agent.api
from edge_agent.api.routes.house import ASSETS
from edge_agent.domain.alert import Resolution
from edge_agent.domain.association import Association
from edge_agent.domain.contents import Contents
from edge_agent.domain.events import Event, OrderAccepted, SessionStarted, VerdictReached
from edge_agent.domain.matching import Verdict, VerdictKind
from edge_agent.domain.order import OrderKey
from edge_agent.domain.record import Run, StaffRole
from edge_agent.ports import Evidence, ReadinessReport
from tests.builders import order
from tests.fakes_api import JPEG, ONLINE, Agent, alert_news

SWAGGER = Path(edge_agent.api.__file__).parent / "assets" / "swagger-ui"
MAX_VENDORED_BYTES = 2_000_000


def with_checks(agent: Agent, *kinds: str) -> Agent:
    """Checks of these kinds, numbered from 1, all on the order A-1, each with a picture."""
    run = agent.store.begin_run(Run(station="pass"))
    agent.store.record(run, [OrderAccepted(at_s=0.0, order=order("A-1", "plate"))])
    for number, kind in enumerate(kinds, start=1):
        session = f"slot-{number:04d}"
        reached = VerdictReached(
            at_s=float(number),
            slot_id="slot",
            session_id=session,
            still_since_s=0.0,
            orders=(OrderKey("till", "", "A-1"),),
            association=Association.EXACT,
            verdict=Verdict(kind=VerdictKind(kind)),
            contents=Contents(),
        )
        events: list[Event] = [SessionStarted(at_s=0.0, slot_id="slot", session_id=session), reached]
        picture = Evidence(session_id=session, at_s=float(number), jpeg=JPEG + str(number).encode())
        agent.store.record(run, events, evidence=[picture])
    return agent


def test_checks_come_in_pages_newest_first() -> None:
    agent = with_checks(Agent(), *["match"] * 5)
    seen, before = [], ""
    while True:
        page = agent.ask("GET", f"checks?limit=2{before}", role="crew").json()
        seen.append([check["check_id"] for check in page["checks"]])
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert seen == [[5, 4], [3, 2], [1]]


def test_checks_are_filtered_by_verdict_and_by_order() -> None:
    agent = with_checks(Agent(), "match", "mismatch", "match")
    found = agent.ask("GET", "checks?verdict=mismatch").json()["checks"]
    assert [(check["check_id"], check["verdict"]["kind"]) for check in found] == [(2, "mismatch")]
    assert agent.ask("GET", "checks?source=till&order_id=A-1").status_code == 422
    assert agent.ask("GET", "checks?source=till&business_day=x&order_id=A-1").json()["checks"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=0", f"before={2**63}", "verdict=green"])
def test_a_filter_that_cannot_be_is_refused(query: str) -> None:
    answer = Agent().ask("GET", f"checks?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, f"query.{query.partition('=')[0]}")


def test_a_check_is_read_with_its_picture_until_that_expires() -> None:
    agent = with_checks(Agent(), "mismatch", "match")
    assert agent.ask("GET", "checks/1").json()["images"] == 1
    picture = agent.ask("GET", "checks/1/image.jpg")
    assert (picture.content, picture.headers["content-type"]) == (JPEG + b"1", "image/jpeg")
    known = {"If-None-Match": picture.headers["etag"]}
    assert [agent.ask("GET", f"checks/{n}/image.jpg", headers=known).status_code for n in (1, 2)] == [304, 200]
    assert agent.ask("GET", "checks/1/image.jpg?n=1").status_code == 404
    agent.store.pictures.clear()
    assert agent.ask("GET", "checks/1/image.jpg").status_code == 404
    assert agent.ask("GET", "checks/3").status_code == 404
    assert agent.ask("GET", f"checks/{2**63 - 1}").status_code == 404


def photographs(count: int = 1, content: bytes = JPEG, order_text: str | None = None) -> dict[str, Any]:
    text = '{"order_id": "A-1", "lines": [{"sku": "plate"}]}' if order_text is None else order_text
    return {"files": [("photo", (f"{n}.jpg", content)) for n in range(count)], "data": {"order": text}}


def test_an_order_is_held_against_photographs() -> None:
    agent = Agent()
    answer = agent.ask("POST", "check", role="manager", **photographs(2))
    assert answer.json()["verdict"]["kind"] == "match"
    assert [(asked.order_id, count) for asked, count in agent.photo_checker.asked] == [("A-1", 2)]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (photographs(content=b"GIF89a"), 422),
        (photographs(order_text="{}"), 422),
        (photographs(order_text="{"), 422),
        (photographs(9), 400),
        ({"data": {"order": "{}"}, "files": [("snapshot", ("a.jpg", JPEG))]}, 422),
        ({"json": {"order": {}}}, 415),
        ({"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
    ],
    ids=["no picture", "no order", "no json", "too many", "strange part", "no form", "no boundary"],
)
def test_photographs_that_cannot_be_are_refused(sent: dict[str, Any], status: int) -> None:
    answer = Agent().ask("POST", "check", **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_subscriber_closes_its_gap_by_the_number_of_the_last_step() -> None:
    agent = Agent()
    agent.alerts.news = [alert_news(seq) for seq in (1, 2, 3)]
    answer = agent.ask("GET", "alerts?after=1&limit=1", role="crew").json()
    assert ([alert["seq"] for alert in answer["alerts"]], answer["next_after"]) == ([2], 2)
    assert agent.ask("GET", "alerts?after=3").json() == {"alerts": [], "next_after": 3}


def test_an_alert_is_answered_once_and_as_who() -> None:
    agent = Agent()
    agent.alerts.news = [alert_news(1)]
    [alert] = agent.ask("GET", "alerts?open=true", role="crew").json()["alerts"]
    resolve = f"alerts/{alert['id']}/resolve"
    told = [
        agent.ask("POST", resolve, role="crew", json={"reason": reason}).status_code
        for reason in ("fixed", "fixed", "system_wrong")
    ]
    assert told == [204, 204, 409]
    assert agent.alerts.answered == {alert["id"]: (Resolution.FIXED, StaffRole.CREW)}
    assert agent.ask("GET", "alerts?open=true").json()["alerts"] == []
    assert agent.ask("POST", "alerts/none/resolve", json={"reason": "fixed"}).status_code == 404


@pytest.mark.parametrize("reason", ["tray_left", "superseded", "cancelled", "", None, "FIXED"])
def test_a_person_cannot_say_what_only_the_checker_sees(reason: str | None) -> None:
    agent = Agent()
    agent.alerts.news = [alert_news(1)]
    answer = agent.ask("POST", f"alerts/{agent.alerts.news[0].told_id}/resolve", json={"reason": reason})
    assert (answer.status_code, agent.alerts.answered) == (422, {})


def test_an_old_picture_is_never_shown_as_new() -> None:
    agent = Agent()
    fresh = agent.ask("GET", "stations/pass/frame.jpg", role="crew")
    assert (fresh.content, fresh.headers["x-picture-age-ms"], fresh.headers["cache-control"]) == (
        JPEG,
        "120",
        "no-store",
    )
    agent.stations.newest = None
    assert agent.ask("GET", "stations/pass/frame.jpg").status_code == 503
    assert agent.ask("GET", "stations/other/frame.jpg").status_code == 404


def test_ready_says_what_can_be_decided_and_a_dead_camera_does_not_make_it_unready() -> None:
    agent = Agent()
    dead = replace(ONLINE, camera="offline", can_decide=False, why_not="the camera does not answer")
    agent.readiness.now = ReadinessReport(ready=True, stations=(dead,))
    answer = agent.ask("GET", "/readyz", role="pos")
    assert (answer.status_code, answer.json()["stations"][0]["can_decide"]) == (200, False)
    agent.readiness.now = ReadinessReport(ready=False, problems=("no model runs: see the log",))
    answer = agent.ask("GET", "/readyz", role="pos")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["no model runs: see the log"])


def test_the_numbers_are_those_of_the_registry() -> None:
    agent = Agent()
    answer = agent.ask("GET", "/metrics", role="pos")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE edge_agent_checks_total counter" in answer.text


def test_menu_models_and_stations_are_read() -> None:
    agent = Agent()
    assert [item["sku"] for item in agent.ask("GET", "menu", role="pos").json()["items"]] == ["plate", "drink"]
    assert agent.ask("GET", "models").json()["models"][0]["provider"] == "cpu"
    assert agent.ask("GET", "stations").json()["stations"][0]["camera"] == "online"


def test_the_docs_need_nothing_from_anywhere_else() -> None:
    """The box has no internet: what the page loads, the box serves, and its policy allows nothing else."""
    agent = Agent()
    page = agent.ask("GET", "/docs", role="pos")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [agent.ask("GET", path, role="pos").status_code for path in loaded if path != "data:,"] == [200, 200, 200]
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "http" not in page.text.replace("http-equiv", "")


def test_no_file_is_served_but_those_that_are_named() -> None:
    agent = Agent()
    assert [agent.ask("GET", f"/docs/{name}").status_code for name in ASSETS] == [200] * len(ASSETS)
    for name in ("docs.html", "..%2f..%2fapp.py", "%2e%2e/app.py", "swagger-ui%2fREADME.md", "/etc/passwd"):
        assert agent.ask("GET", f"/docs/{name}").status_code == 404


def test_what_is_vendored_is_what_its_note_says() -> None:
    noted = dict(
        reversed(line.split())
        for line in re.findall(r"(?m)^    ([0-9a-f]{64}  .+)$", (SWAGGER / "README.md").read_text())
    )
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SWAGGER.iterdir()
        if path.name != "README.md"
    }
    assert noted == found
    assert sum(path.stat().st_size for path in SWAGGER.iterdir()) < MAX_VENDORED_BYTES
