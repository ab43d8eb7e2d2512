"""What was seen in a picture: kept with it, read back with its check, and gone when the picture goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.adapters.sqlite_json import sighting_from_text, sighting_to_text
from edge_agent.adapters.sqlite_reporting import SqliteReporting
from edge_agent.adapters.sqlite_retention import SqliteRetention
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.domain.business_day import Calendar
from edge_agent.domain.detection import Detection, Observation, Sighting
from edge_agent.domain.geometry import Box, Point, Polygon
from edge_agent.domain.record import Run
from edge_agent.domain.tray import Slot
from edge_agent.evaluation.recorder import EventRecorder
from edge_agent.ports import Evidence, Frame
from edge_agent.settings import StoreSettings
from tests.fakes_store import FakeClock, MemoryStore
from tests.store_builders import JPEG, left, reached

tenths = st.integers(0, 40_000).map(lambda n: n / 10)
boxes = st.builds(
    lambda left, top, width, height: Box(left, top, round(left + width, 1), round(top + height, 1)),
    tenths,
    tenths,
    tenths.map(lambda n: n + 1),
    tenths.map(lambda n: n + 1),
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
scores = st.integers(0, 1_000).map(lambda n: n / 1_000)
sightings = st.builds(
    Sighting,
    width_px=st.integers(1, 8_000),
    height_px=st.integers(1, 8_000),
    slot=boxes,
    seen=st.lists(st.builds(Detection, names, scores, boxes), max_size=5).map(tuple),
)
SEEN = Sighting(
    width_px=640,
    height_px=480,
    slot=Box(0, 0, 320, 480),
    seen=(Detection("plate", 0.91, Box(10.0, 20.0, 110.5, 130.0)),),
)


@given(sightings)
def test_what_is_written_is_read_back(sighting: Sighting) -> None:
    assert sighting_from_text(sighting_to_text(sighting)) == sighting


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(path=tmp_path / "edge.sqlite", clock=FakeClock())
    yield made
    made.close()


def test_a_check_is_read_with_what_was_seen_in_its_pictures(store: SqliteStore) -> None:
    run_id, told = store.begin_run(Run()), reached()
    pictures = [
        Evidence(session_id=told.session_id, at_s=2.0, jpeg=JPEG, sighting=SEEN),
        Evidence(session_id=told.session_id, at_s=2.1, jpeg=JPEG + b"2"),
    ]
    store.commit(run_id, [told, left(told)], evidence=pictures)
    evidence = SqliteReporting(path=store.path, calendar=Calendar()).evidence(1)
    assert evidence is not None
    first, second = evidence.check.pictures
    assert evidence.sightings == {first: SEEN}
    assert second not in evidence.sightings


def test_it_goes_with_the_picture(store: SqliteStore) -> None:
    """A million checks are kept; what was seen in pictures that are gone would be most of the disk."""
    run_id, told = store.begin_run(Run()), reached()
    evidence = [Evidence(session_id=told.session_id, at_s=2.0, jpeg=JPEG, sighting=SEEN)]
    store.commit(run_id, [told, left(told)], evidence=evidence)
    clock = FakeClock()
    clock.advance(100 * 86_400)
    retention = SqliteRetention(
        path=store.path,
        pictures=store.pictures,
        write=store.write,
        rules=StoreSettings(path=store.path),
        clock=clock,
        free_bytes=lambda _: 10**15,
    )
    assert retention.expire().pictures == 1
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT path, sighting FROM evidence").fetchall() == [(None, None)]


def test_only_what_lies_in_the_slot_is_kept_and_the_slot_ends_with_the_picture() -> None:
    polygon = Polygon((Point(-10, 0), Point(50, 0), Point(50, 200), Point(-10, 200)))
    inside, outside = Detection("plate", 0.9, Box(0, 0, 60, 40)), Detection("plate", 0.9, Box(45, 0, 65, 10))
    kept = Sighting.within(polygon, [inside, outside], width_px=100, height_px=100)
    assert kept == Sighting(width_px=100, height_px=100, slot=Box(0, 0, 50, 100), seen=(inside,))


def test_a_replay_keeps_it_too() -> None:
    store = MemoryStore(clock=FakeClock())
    run_id, told = store.begin_run(Run()), reached()
    slot = Slot(slot_id="left", polygon=Polygon.rectangle(0, 0, 32, 48))
    seen = (Detection("plate", 0.9, Box(1, 2, 11, 22)), Detection("cup", 0.9, Box(40, 2, 60, 22)))
    frame = Frame(at_s=2.0, picture=np.zeros((48, 64, 3), dtype=np.uint8))
    EventRecorder(store, run_id, [slot]).saw(frame, Observation(2.0, seen), [told])
    (kept,) = store.sightings.values()
    assert kept == Sighting(width_px=64, height_px=48, slot=Box(0, 0, 32, 48), seen=seen[:1])
