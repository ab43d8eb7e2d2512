"""Of several stations some are dead: the others check as if they were alone."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median

from tests.blinking_tray import FRAMES_PER_S, WRONG, blinking
from tests.running_agent import RunningAgent, station

TRAYS = 4


def latencies_s(agent: RunningAgent, station_id: str) -> list[float]:
    """From the moment a tray lay still to its first verdict, in stream time, of every tray of a station."""
    asked = """
        SELECT c.at_s - c.still_since_s FROM sessions AS s JOIN checks AS c ON c.session_row = s.id
        WHERE s.slot_id = ? GROUP BY s.id HAVING c.id = min(c.id)
    """
    with closing(sqlite3.connect(agent.store)) as connection:
        return [found for (found,) in connection.execute(asked, (f"{station_id}-slot",))]


def test_the_latency_of_a_station_does_not_change_when_others_are_dead(tmp_path: Path) -> None:
    alone = blinking(tmp_path / "made")
    with RunningAgent(tmp_path / "alone", more=alone) as agent:
        checks_trays(agent)
        assert agent.end() == 0
    before = latencies_s(agent, "pass")

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never says a word
        short = alone["stations"][0]["camera"]["file"]
        dead = [
            station("ends", file=short),
            station("silent", url=f"rtsp://127.0.0.1:{silent.getsockname()[1]}/dead", open_timeout_s=2.0),
            station("absent", url="rtsp://127.0.0.1:9/dead", open_timeout_s=2.0),
        ]
        with RunningAgent(tmp_path / "agent", more={**alone, "stations": [*alone["stations"], *dead]}) as agent:
            agent.until(lambda: agent.camera("ends") == "offline", "the recording is over")
            checks_trays(agent)
            assert [agent.camera(name) for name in ("pass", "silent", "absent")] == ["online", "offline", "offline"]
            status, ready = agent.ask("GET", "/readyz")
            assert status == 200, "a dead camera takes its station away, and nothing else"
            for name in ("ends", "silent", "absent"):
                assert any(problem.startswith(f"station {name}: ") for problem in ready["problems"])
            assert agent.end() == 0
    assert median(latencies_s(agent, "pass")) <= median(before) + 1.5 / FRAMES_PER_S


def checks_trays(agent: RunningAgent) -> None:
    """Until a few more trays got a verdict."""
    assert agent.put("A-1", WRONG) in (200, 201)
    enough = agent.metric("edge_agent_verdict_latency_seconds_count") + TRAYS
    agent.until(lambda: agent.metric("edge_agent_verdict_latency_seconds_count") >= enough, "more trays are judged")
