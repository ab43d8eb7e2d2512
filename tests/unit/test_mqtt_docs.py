"""What goes over MQTT stands in the docs, field by field: an integrator reads nothing else."""

from __future__ import annotations

import inspect
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from edge_agent.domain.alert import Resolution
from edge_agent.domain.camera import CameraStatus
from edge_agent.domain.record import Run
from edge_agent.formats.mqtt_messages import (
    ANSWERS,
    Topics,
    alert_payload,
    check_payload,
    stats_payload,
)
from edge_agent.runtime.station_board import LOUDEST_FIRST, StationBoard
from tests.fakes_store import FakeClock, MemoryStore
from tests.store_builders import raised, reached

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "mqtt.md").read_text()
NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
FILTERS = {"every_alert", "every_answer"}
PLACES = {"station_id": "STATION", "told_id": "ALERT"}


def topics() -> list[str]:
    """Every topic that the code can name."""
    made = Topics("SITE")
    found = []
    for name, member in inspect.getmembers(Topics):
        if isinstance(member, property) and name not in {"base", *FILTERS}:
            found.append(getattr(made, name))
        elif inspect.isfunction(member) and not name.startswith("_"):
            wanted = [PLACES[each] for each in inspect.signature(member).parameters if each in PLACES]
            if wanted:
                found.append(member(made, *wanted))
    return found


@pytest.mark.parametrize("topic", topics())
def test_every_topic_is_in_the_table(topic: str) -> None:
    assert f"| `{topic}` |" in PAGE


def test_no_topic_is_in_the_table_that_does_not_exist() -> None:
    assert set(re.findall(r"(?m)^\| `(edge-agent/[^`]+)` \|", PAGE)) == set(topics())


def example(name: str) -> dict[str, Any]:
    (found,) = re.findall(rf"```json {name}\n(.*?)```", PAGE, re.DOTALL)
    said = json.loads(found)
    assert isinstance(said, dict)
    return said


def alert() -> bytes:
    store = MemoryStore(clock=FakeClock())
    store.commit(store.begin_run(Run(tells=True)), [raised()])
    return alert_payload(store.pending(1)[0], now=NOW)


def stats() -> bytes:
    clock = FakeClock()
    board = StationBoard(topics=Topics("SITE"), stations=("pass",), shadow=False, clock=clock, changed=lambda: None)
    return stats_payload(board.figures(), outbox_pending=0, uptime_s=1.0, now=NOW)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("alert", alert()),
        ("check", check_payload(reached(), station_id="pass", final=False, now=NOW)),
        ("stats", stats()),
    ],
)
def test_each_example_has_the_fields_of_the_real_message(name: str, payload: bytes) -> None:
    shown, real = example(name), json.loads(payload)
    assert list(shown) == list(real)
    for inner in ("lines", "orders"):
        if inner in real:
            assert list(shown[inner][0]) == list(real[inner][0])
    if name == "stats":
        assert list(shown["stations"]["pass"]) == list(real["stations"]["pass"])


def test_every_word_is_explained() -> None:
    words = [*LOUDEST_FIRST, *(each.value for each in CameraStatus), *(each.value for each in Resolution)]
    assert [word for word in (*words, "online", "offline") if f"`{word}`" not in PAGE] == []
    assert [answer.value for answer in ANSWERS if f"| `{answer.value}` |" not in PAGE] == []
