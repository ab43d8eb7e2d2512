"""The agent is killed at random moments under load, again and again: nothing that it promised is lost.

`EDGE_AGENT_KILLS=50` (`make soak`) kills it more often.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.blinking_tray import WRONG, blinking
from tests.mosquitto import Mosquitto, Subscriber
from tests.running_agent import RunningAgent
from tests.till import Till

ROUNDS = int(os.environ.get("EDGE_AGENT_KILLS", "5"))
SEED = 4
TILLS = 4
FEED = "edge-agent/restaurant/events/alerts"
LIVES_S, STARTS_S = (0.5, 3.5), (0.0, 3.0)
"""A life is this long, from its first answer on; and so long a start is let go on that is killed as well."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", persists=True) as started:
        yield started


def made(folder: Path, broker: Mosquitto, *names: str, always: bool = False) -> RunningAgent:
    more = blinking(folder / "made", *names, always=always)
    return RunningAgent(folder / "agent", more={**more, "mqtt": {"broker": "127.0.0.1", "port": broker.port}})


def found(agent: RunningAgent, asked: str) -> list[tuple[Any, ...]]:
    """What is in the database."""
    with closing(sqlite3.connect(agent.store)) as connection:
        return connection.execute(asked).fetchall()


def waits(agent: RunningAgent) -> set[str]:
    """The orders that the agent says wait for their trays."""
    return {each["order"]["order_id"] for each in agent.ask("GET", "orders")[1]["orders"]}


@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_nothing_that_was_promised_is_lost_however_often_the_agent_is_killed(
    tmp_path: Path, broker: Mosquitto, record_property: Any
) -> None:
    drawn = random.Random(SEED)
    agent = made(tmp_path, broker, "pass", "drive")
    tills: list[Till] = []
    with Subscriber(broker.port) as screen:
        for number in range(ROUNDS):
            agent.start()
            try:
                all_are_known(agent, tills)
                with ExitStack() as stack:
                    # Several, so that at any moment one of them has only just been answered.
                    tills += [stack.enter_context(Till(agent, f"r{number}t{till}")) for till in range(TILLS)]
                    threading.Event().wait(drawn.uniform(*LIVES_S))
                    agent.kill()
                agent.launch()
                threading.Event().wait(drawn.uniform(*STARTS_S))
            finally:
                agent.kill()
        with agent:
            all_are_known(agent, tills)
            agent.until(lambda: agent.metric("edge_agent_outbox_pending") == 0, "everything is told")
            assert agent.end() == 0
        assert [each for till in tills for each in till.refused] == []
        nothing_is_broken(agent)
        all_orders_are_kept(agent, tills)
        raised = all_alerts_are_told(agent, screen)
        orders = sum(len(till.accepted) for till in tills)
        record_property("kills", 2 * ROUNDS)
        record_property("orders", orders)
        record_property("alerts", raised)
        print(f"{2 * ROUNDS} kills, {orders} orders acknowledged, {raised} alerts raised; none lost")  # noqa: T201
        assert orders >= 5 * ROUNDS
        assert raised >= ROUNDS / 2, "with so few alerts this test says little"


def all_are_known(agent: RunningAgent, tills: list[Till]) -> None:
    """What was accepted waits, unless somebody cancelled it; and a kill is not taken for a damaged disk."""
    known = waits(agent)
    assert agent.ask("GET", "/readyz")[1]["problems"] == []
    for till in tills:
        assert till.accepted.keys() - till.tried_to_cancel - known == set()
        assert till.cancelled & known == set()


def nothing_is_broken(agent: RunningAgent) -> None:
    assert found(agent, "PRAGMA integrity_check") == [("ok",)]
    assert found(agent, "PRAGMA foreign_key_check") == []


def all_orders_are_kept(agent: RunningAgent, tills: list[Till]) -> None:
    asked = "SELECT o.order_id, o.state, r.snapshot FROM orders AS o JOIN order_revisions AS r ON r.id = revision_row"
    stored = {order_id: (state, json.loads(snapshot)) for order_id, state, snapshot in found(agent, asked)}
    for till in tills:
        for order_id, lines in till.accepted.items():
            state, snapshot = stored[order_id]
            assert {line["sku"]: line["quantity"] for line in snapshot["lines"]} == lines
            assert (state == "cancelled") >= (order_id in till.cancelled)


def all_alerts_are_told(agent: RunningAgent, screen: Subscriber) -> int:
    """Each alert came, under the one id that the database gives it, and no other did; how many there are."""
    alerts = [alert_id for (alert_id,) in found(agent, "SELECT alert_id FROM alerts")]
    steps = dict(found(agent, "SELECT o.seq, a.alert_id FROM outbox AS o JOIN alerts AS a ON a.id = o.alert_row"))
    screen.until(lambda: screen.known("edge-agent/restaurant") >= steps.keys())
    assert len(set(alerts)) == len(alerts)
    assert {step["id"] for step in screen.feed(FEED) if step["step"] == "raised"} == set(alerts)
    assert {step["seq"]: step["id"] for step in screen.feed(FEED)} == steps
    open_twice = """
        SELECT order_row, count(*) FROM alerts AS a JOIN alert_orders AS o ON o.alert_row = a.id
        WHERE a.resolution IS NULL GROUP BY order_row HAVING count(*) > 2
    """  # the two stations show the same tray, and each may have one
    assert found(agent, open_twice) == []
    return len(alerts)


def test_an_alert_that_was_open_goes_on_under_its_id_and_is_raised_only_once(tmp_path: Path, broker: Mosquitto) -> None:
    with Subscriber(broker.port) as screen, made(tmp_path, broker, always=True) as agent:
        assert agent.put("A-1", WRONG) == 200
        screen.until(lambda: len(screen.feed(FEED)) == 1)
        told_id = screen.feed(FEED)[0]["id"]
        agent.kill()
        agent.start()
        agent.until(lambda: verdict_now(agent) == "mismatch", "the tray is judged again")
        # The crew bumps the order: what stands for an instant only would be told now.
        assert agent.ask("POST", "orders/A-1/ready")[0] == 200
        (standing,) = agent.ask("GET", "alerts?open=true")[1]["alerts"]
        assert standing["id"] == told_id
        assert agent.ask("POST", f"alerts/{told_id}/resolve", {"reason": "accepted"})[0] == 204
        screen.until(lambda: [step["step"] for step in screen.feed(FEED)][-1] == "resolved")
        assert {step["id"] for step in screen.feed(FEED)} == {told_id}
        assert found(agent, "SELECT count(*), min(resolution), min(resolved_run) FROM alerts") == [(1, "accepted", 2)]
        assert agent.end() == 0


def test_after_a_restart_a_tray_is_not_held_against_an_order_whose_tray_left_before(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """Each wrong tray left; another one is no reason to tell of the same order again."""
    with Subscriber(broker.port) as screen, made(tmp_path, broker) as agent:
        assert agent.put("A-1", WRONG) == 200
        screen.until(lambda: "resolved" in {step["step"] for step in screen.feed(FEED)})
        agent.kill()
        agent.start()
        assert agent.put("A-2", WRONG) == 200
        screen.until(lambda: "A-2" in {step["orders"][0]["order_id"] for step in screen.feed(FEED)})
        told = [step["orders"][0]["order_id"] for step in screen.feed(FEED) if step["step"] == "raised"]
        assert told == ["A-1", "A-2"]
        assert agent.end() == 0


def verdict_now(agent: RunningAgent) -> str:
    """What is said of the tray in the first slot; empty where there is none yet."""
    (slot,) = agent.ask("GET", "stations")[1]["stations"][0]["slots"]
    return slot["verdict"]["kind"] if slot["verdict"] else ""
