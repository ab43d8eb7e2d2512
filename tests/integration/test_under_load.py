"""Fifty orders a second for twenty seconds, while two stations run: each is taken and kept, and trays are checked."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.blinking_tray import blinking
from tests.running_agent import RunningAgent
from tests.till import Till

TILLS, PER_S, SECONDS = 5, 10, 20
FEW = 4
"""Of the four hundred frames that come meanwhile: one in a hundred."""


@pytest.mark.alone
def test_of_fifty_orders_a_second_none_is_lost_or_refused_and_trays_are_checked_meanwhile(tmp_path: Path) -> None:
    with RunningAgent(tmp_path / "agent", more=blinking(tmp_path / "made", "pass", "drive")) as agent:
        with ExitStack() as stack:
            tills = [
                stack.enter_context(Till(agent, f"till{n}", per_s=PER_S, most=PER_S * SECONDS, cancels=False))
                for n in range(TILLS)
            ]
            for till in tills:
                till.wait()
        accepted = {order_id for till in tills for order_id in till.accepted}
        assert [each for till in tills for each in till.refused] == []
        assert len(accepted) == TILLS * PER_S * SECONDS
        problems = agent.ask("GET", "/readyz")[1]["problems"]
        stale = agent.metric("edge_agent_frames_stale_total")
        assert agent.end() == 0
    assert problems == []
    # One that is older than half a second is counted and never checked (tests/unit/test_checker_thread.py).
    assert stale <= FEW, "hardly a frame had to wait for so long"
    with closing(sqlite3.connect(agent.store)) as connection:
        assert accepted == {order_id for (order_id,) in connection.execute("SELECT order_id FROM orders")}
        asked = "SELECT s.slot_id, count(DISTINCT s.id) FROM sessions AS s JOIN checks AS c ON c.session_row = s.id"
        judged = dict(connection.execute(f"{asked} GROUP BY s.slot_id"))
    assert min(judged["pass-slot"], judged["drive-slot"]) >= 2, "trays were judged meanwhile"
