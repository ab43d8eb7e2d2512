"""The disk is full, or turns read-only, while the agent runs: it goes on deciding, says so, and loses nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from edge_agent.adapters.reserve_file import RESERVE_BYTES, reserve_beside
from tests.blinking_tray import WRONG, blinking
from tests.running_agent import RunningAgent
from tests.small_disk import break_disk, breakable_disk, fill, mend_disk, small_disk

SIZE_MB = 2 * RESERVE_BYTES // 2**20 + 16
"""Room for the reserve, for what no picture takes, and for little else."""

LINES = [{"sku": sku, "quantity": quantity} for sku, quantity in WRONG.items()]


def problems(agent: RunningAgent) -> str:
    return "; ".join(agent.ask("GET", "/readyz")[1]["problems"])


def volatile(agent: RunningAgent) -> set[str]:
    """The orders that are checked from memory alone."""
    return {each["order"]["order_id"] for each in agent.ask("GET", "orders")[1]["orders"] if each["volatile"]}


def found(agent: RunningAgent, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(agent.store)) as connection:
        return connection.execute(asked).fetchall()


def stored(agent: RunningAgent) -> set[str]:
    assert found(agent, "PRAGMA integrity_check") == [("ok",)]
    return {order_id for (order_id,) in found(agent, "SELECT order_id FROM orders")}


def goes_on(agent: RunningAgent) -> None:
    """It decides: another tray is judged, and another alert is raised."""
    checks, alerts = agent.metric("edge_agent_checks_total"), agent.metric("edge_agent_alerts_total")
    agent.until(lambda: agent.metric("edge_agent_checks_total") > checks, "another verdict")
    agent.until(lambda: agent.metric("edge_agent_alerts_total") > alerts, "another alert")


def put_until_refused(agent: RunningAgent, name: str) -> tuple[list[str], str]:
    """The orders that were accepted (the log of the database may have room in it), and the first that was not."""
    accepted: list[str] = []
    for number in count():
        order_id = f"{name}-{number}"
        status = agent.put(order_id, WRONG)
        if status == 503:
            return accepted, order_id
        assert status == 200
        accepted.append(order_id)
        assert number < 5_000, "the disk is not full"
    raise AssertionError


def test_a_full_disk_costs_pictures_first_then_the_reserve_and_nothing_that_was_accepted(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "agent" / "state", size_mb=SIZE_MB) as disk,
        RunningAgent(tmp_path / "agent", more=blinking(tmp_path / "made")) as agent,
    ):
        reserve = reserve_beside(agent.store)
        assert reserve.stat().st_size == RESERVE_BYTES
        fill(disk)
        accepted = [f"early-{number}" for number in range(20)]
        # The log of the database may have room in it; a tray's picture has none.
        assert {agent.put(order_id, WRONG) for order_id in accepted} == {200}
        agent.until(lambda: found(agent, "SELECT 1 FROM evidence WHERE path IS NULL") != [], "a picture gives way")
        while reserve.exists():
            accepted.append(f"more-{len(accepted)}")
            assert agent.put(accepted[-1], WRONG) == 200
        assert "the reserve for orders was given up" in problems(agent)

        filler = fill(disk)
        more, refused = put_until_refused(agent, "full")
        assert volatile(agent) == {refused}
        status, headers, problem = agent.ask_in_full("PUT", f"orders/{refused}", {"order_id": refused, "lines": LINES})
        assert (status, int(headers["Retry-After"]) > 0) == (503, True)
        assert "trays are checked by it, but a restart would forget it" in problem["detail"]
        assert "the disk is full" in problems(agent)
        assert agent.ask("GET", "/readyz")[0] == 200, "it can decide"
        goes_on(agent)
        assert agent.ask("GET", "alerts")[0] == 200
        assert agent.ask("GET", "checks")[0] == 200

        filler.unlink()
        agent.until(lambda: agent.put(refused, WRONG) == 200, "the order that was refused is taken when sent again")
        agent.until(lambda: not problems(agent), "all is well again")
        assert volatile(agent) == set()
        assert reserve.stat().st_size == RESERVE_BYTES
        alerts = agent.metric("edge_agent_alerts_total")
        assert agent.end() == 0
        assert stored(agent) == {*accepted, *more, refused}
        assert len(found(agent, "SELECT 1 FROM alerts")) >= alerts, "what was raised meanwhile is stored too"


def test_the_agent_starts_on_a_full_disk_by_its_reserve_and_without_one_says_why_not(tmp_path: Path) -> None:
    with small_disk(tmp_path / "agent" / "state", size_mb=SIZE_MB) as disk:
        agent = RunningAgent(tmp_path / "agent", more=blinking(tmp_path / "made"))
        with agent:
            assert agent.put("before", WRONG) == 200
            assert agent.end() == 0
        fill(disk)
        with agent:
            assert "reserve" in problems(agent)
            assert agent.put("after", WRONG) == 200
            assert agent.end() == 0
        assert stored(agent) == {"before", "after"}
        fill(disk)
        agent.log.unlink()
        agent.launch()
        assert agent.wait() == 1
        assert agent.said().count("\nedge-agent: ") == 1
        assert "is it full" in agent.said()
        assert "Traceback" not in agent.said()


def test_a_disk_that_turns_read_only_is_said_and_what_was_accepted_is_there_once_it_is_mended(tmp_path: Path) -> None:
    image = tmp_path / "disk.image"
    with breakable_disk(tmp_path / "agent" / "state", image, size_mb=64) as disk:
        agent = RunningAgent(tmp_path / "agent", more=blinking(tmp_path / "made"))
        with agent:
            assert agent.put("before", WRONG) == 200
            break_disk(disk)
            accepted, refused = put_until_refused(agent, "broken")
            assert refused in volatile(agent)
            assert "the database refuses" in problems(agent)
            goes_on(agent)
            assert agent.ask("GET", "orders")[0] == 200
            agent.end()
            assert "could not be stored before the end" in agent.said()
        mend_disk(disk, image)
        with agent:
            waits = {each["order"]["order_id"] for each in agent.ask("GET", "orders")[1]["orders"]}
            assert waits == {"before", *accepted}
            assert agent.end() == 0
        assert stored(agent) == {"before", *accepted}
