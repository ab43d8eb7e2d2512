"""Files of the agent are broken when it starts: it starts, or refuses in one sentence, and says what was lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.blinking_tray import WRONG, blinking
from tests.mosquitto import free_port
from tests.running_agent import RunningAgent

ON_GIVEN_UP, ON_BAD_INPUT = 1, 2
"""Exit statuses: the agent failed; something given to it is wrong."""


@pytest.fixture
def agent(tmp_path: Path) -> RunningAgent:
    return RunningAgent(tmp_path / "agent", more=blinking(tmp_path / "made"))


def refusal(agent: RunningAgent, status: int) -> str:
    """The one sentence with which it ends."""
    agent.log.unlink(missing_ok=True)
    agent.launch()
    assert agent.wait() == status
    said = [line for line in agent.said().splitlines() if " INFO " not in line]
    assert len(said) == 1, agent.said()
    assert said[0].startswith("edge-agent: ")
    return said[0].removeprefix("edge-agent: ")


def problems(agent: RunningAgent) -> str:
    return "; ".join(agent.ask("GET", "/readyz")[1]["problems"])


def spoil(path: Path, *, at: float) -> None:
    """Turn over one page of a file, as a dying disk does; `at` is a share of its length."""
    raw = bytearray(path.read_bytes())
    first = int(len(raw) * at)
    raw[first : first + 4096] = bytes(255 - byte for byte in raw[first : first + 4096])
    path.write_bytes(raw)


def made(agent: RunningAgent, name: str) -> Path:
    return agent.folder.parent / "made" / name


SPOILED: dict[str, tuple[Callable[[RunningAgent], object], str]] = {
    "model": (lambda agent: spoil(made(agent, "pack/model.onnx"), at=0.5), "the sha256 of model.onnx is"),
    "manifest": (lambda agent: made(agent, "pack/model.yaml").write_text("a: [1"), "model.yaml:1"),
    "menu": (lambda agent: made(agent, "menu.yaml").write_bytes(b"items:\n- \xff\xfe"), "menu.yaml"),
    "configuration": (lambda agent: agent.config.write_text("site: a\nsight: b\n"), "edge.yaml:2"),
    "tokens": (lambda agent: spoil(agent.folder / "state" / "tokens.json", at=0.0), "tokens.json"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_without_a_start_that_worked_a_broken_file_is_refused_by_its_name(agent: RunningAgent, what: str) -> None:
    break_it, named = SPOILED[what]
    break_it(agent)
    assert named in refusal(agent, ON_BAD_INPUT)


def test_after_a_start_that_worked_a_broken_configuration_or_menu_is_complained_of_and_the_last_good_one_runs(
    agent: RunningAgent,
) -> None:
    with agent:
        assert agent.put("A-1", WRONG) == 200
        assert agent.end() == 0
    good = agent.config.read_text()
    for broken, named in ((agent.config, "edge.yaml"), (made(agent, "menu.yaml"), "menu.yaml")):
        broken.write_text("items: [\n")
        with agent:
            assert named in problems(agent)
            assert "the last configuration that worked" in problems(agent)
            assert [each["order"]["order_id"] for each in agent.ask("GET", "orders")[1]["orders"]] == ["A-1"]
            assert agent.end() == 0
        agent.config.write_text(good)
    agent.config.write_text("sight: 1\n")
    agent.options = ["--strict"]
    assert "sight" in refusal(agent, ON_BAD_INPUT)


def test_the_last_good_one_is_found_also_where_the_database_lies_elsewhere_and_the_menu_does_not_fit(
    agent: RunningAgent,
) -> None:
    """As on an installed box, whose state is not beside its configuration."""
    state = agent.folder / "var"
    agent.settings["store"]["path"] = str(state / "edge.sqlite")
    agent.write_config()
    menu, good = made(agent, "menu.yaml"), agent.config.read_text()
    fits = menu.read_text()
    does_not_fit = "items: [{sku: soup, detects_as: soup}]\n"
    with agent:
        assert agent.process is not None
        menu.write_text(does_not_fit)
        agent.process.send_signal(signal.SIGHUP)
        agent.until(lambda: "nothing was reloaded" in problems(agent), "a refused reload is a problem")
        menu.write_text(fits)
        agent.process.send_signal(signal.SIGHUP)
        agent.until(lambda: "nothing was reloaded" not in problems(agent), "and one that is done is none")
        assert agent.end() == 0
    agent.environment["STATE_DIRECTORY"] = str(state)
    for broken, text in (
        (menu, does_not_fit),
        (agent.config, json.dumps({**agent.settings, "sight": 1})),
        (agent.config, "{"),
    ):
        broken.write_text(text)
        with agent:
            assert "the last configuration that worked" in problems(agent)
            assert agent.end() == 0
        menu.write_text(fits)
        agent.config.write_text(good)
    # The model may be another one since: then the copy fits no better, and the complaint is of the file of the house.
    (state / "last-good" / "menu.yaml").write_text(does_not_fit)
    menu.write_text(does_not_fit)
    assert refusal(agent, ON_BAD_INPUT).startswith(str(menu))
    assert "the agent runs" not in agent.said()


def killed_with_orders(agent: RunningAgent, number: int) -> None:
    """A life that takes orders, and ends without having put its log into the database."""
    with agent:
        assert {agent.put(f"A-{n}", WRONG) for n in range(number)} == {200}
        agent.kill()
    assert agent.store.with_name("edge.sqlite-wal").stat().st_size > 4096 * number


def test_a_damaged_log_of_the_database_costs_its_end_and_that_is_said(agent: RunningAgent) -> None:
    killed_with_orders(agent, 30)
    spoil(agent.store.with_name("edge.sqlite-wal"), at=0.7)
    with agent:
        assert "edge.sqlite-wal was damaged: the last" in problems(agent)
        known = [each["order"]["order_id"] for each in agent.ask("GET", "orders")[1]["orders"]]
        assert 0 < len(known) < 30
        assert known == [f"A-{n}" for n in range(len(known))], "what is lost is the end, and nothing else"
        assert agent.put("B-1", WRONG) == 200
        assert agent.end() == 0
    with closing(sqlite3.connect(agent.store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_database_that_is_none_any_more_is_refused_and_left_as_it_is(agent: RunningAgent) -> None:
    agent.store.write_bytes(os.urandom(40_000))
    before = agent.store.read_bytes()
    assert "no SQLite database" in refusal(agent, ON_GIVEN_UP)
    assert agent.store.read_bytes() == before


def test_a_database_with_a_spoiled_page_is_refused_with_what_to_do(agent: RunningAgent) -> None:
    with agent:
        assert agent.put("A-1", WRONG) == 200
        assert agent.end() == 0
    with closing(sqlite3.connect(agent.store)) as connection:
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'orders'").fetchall()
    raw = bytearray(agent.store.read_bytes())
    raw[(page - 1) * 4096 : page * 4096] = b"\xaa" * 4096
    agent.store.write_bytes(raw)
    assert "the database is damaged" in (said := refusal(agent, ON_GIVEN_UP))
    assert "restore a backup" in said


def test_a_folder_in_place_of_the_database_and_a_folder_that_takes_no_file_are_refused(agent: RunningAgent) -> None:
    agent.store.mkdir()
    assert "this is a folder" in refusal(agent, ON_GIVEN_UP)
    agent.store.rmdir()
    agent.settings["store"]["path"] = "/proc/edge.sqlite"
    agent.write_config()
    assert "/proc/edge.sqlite" in refusal(agent, ON_GIVEN_UP)


def test_a_second_agent_is_refused_on_the_same_port_and_on_the_same_database(agent: RunningAgent) -> None:
    """Two would both tell of the same alerts, and each would number the orders of the other."""
    with agent:
        second = RunningAgent(agent.folder.parent / "second", more={**agent.settings})
        assert "is another agent running?" in refusal(second, ON_BAD_INPUT)
        second.settings["api"] = {**second.settings["api"], "port": free_port()}
        second.write_config()
        assert "another agent works on this database" in refusal(second, ON_GIVEN_UP)
        assert agent.put("A-1", WRONG) == 200
        # The lock goes with the process, however it ends.
        assert agent.process is not None
        agent.process.send_signal(signal.SIGKILL)
        agent.wait()
        agent.start()
        assert agent.end() == 0
