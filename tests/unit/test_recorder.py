"""What happens is stored in its order, whatever the disk does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from edge_agent.domain.events import Event, OrderAccepted, SessionStarted
from edge_agent.domain.record import Recorded, Run
from edge_agent.errors import OrderVolatile, RowRefused, StoreError
from edge_agent.ports import Evidence
from edge_agent.runtime import recorder as recorder_module
from edge_agent.runtime.recorder import Recorder
from tests.builders import order
from tests.fakes_store import FakeClock, MemoryStore

WAIT_S = 10.0


@dataclass
class MoodyStore(MemoryStore):
    """A store that refuses while it is told to; `tried` is set by every try."""

    refusal: StoreError | None = None
    misfit: str = ""
    tried: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    pictures_given: int = 0

    def __post_init__(self) -> None:
        super().__init__(clock=FakeClock())
        self.run = self.begin_run(Run(station="pass"))

    def commit(self, run_id: int, events: Sequence[Event], *, evidence: Sequence[Evidence] = ()) -> Recorded:
        try:
            if self.refusal is not None:
                raise self.refusal
            if any(isinstance(e, OrderAccepted) and e.order.order_id == self.misfit for e in events):
                raise RowRefused("it does not fit")
            self.pictures_given += len(evidence)
            return super().commit(run_id, events, evidence=evidence)
        finally:
            self.tried.release()

    @property
    def order_ids(self) -> list[str]:
        return [stored.key.order_id for stored in reversed(self.orders(limit=1000))]


@pytest.fixture
def store() -> MoodyStore:
    return MoodyStore()


@pytest.fixture
def recorder(store: MoodyStore) -> Iterator[Recorder]:
    with Recorder(store, store.run, retry_s=0.01) as recorder:
        yield recorder


def problem_of(recorder: Recorder) -> str | None:
    return recorder.report.problem


def accepted(order_id: str) -> list[Event]:
    return [OrderAccepted(at_s=1.0, order=order(order_id, "plate", business_day="2026-01-31"))]


def test_what_was_promised_is_stored(store: MoodyStore, recorder: Recorder) -> None:
    recorder.take(accepted("A")).wait(WAIT_S)
    assert store.order_ids == ["A"]
    assert recorder.report.waiting == 0


def test_while_the_store_refuses_nothing_is_lost_and_whoever_waits_is_told(
    store: MoodyStore, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """An order on a full disk is checked from memory; the till hears that it is not safe yet."""
    store.refusal = StoreError("the disk is full")
    kept = recorder.take(accepted("A"))
    with pytest.raises(OrderVolatile, match="the disk is full"):
        kept.wait(WAIT_S)
    later = recorder.take(accepted("B"))
    assert not kept.is_stored
    assert problem_of(recorder) == "the disk is full"
    store.refusal = None
    with later.changed:
        assert later.changed.wait_for(lambda: later.is_stored, WAIT_S)
    assert store.order_ids == ["A", "B"]
    assert problem_of(recorder) is None
    kept.wait(0)  # what was volatile is safe now
    assert [r.levelno for r in caplog.records if r.name == recorder_module.__name__].count(logging.ERROR) == 1


def test_while_the_store_refuses_nobody_waits_for_the_next_try(store: MoodyStore) -> None:
    """Fifty orders a second on a full disk are fifty quick answers, not a queue."""
    store.refusal = StoreError("the disk is full")
    with Recorder(store, store.run, retry_s=30.0) as recorder:
        with pytest.raises(OrderVolatile):
            recorder.take(accepted("A")).wait(WAIT_S)
        with pytest.raises(OrderVolatile, match="the disk is full"):
            recorder.take(accepted("B")).wait(0)


def test_pictures_give_way_to_what_must_not_be_lost(store: MoodyStore, recorder: Recorder) -> None:
    store.refusal = StoreError("the disk is full")
    started = SessionStarted(at_s=1.0, slot_id="slot", session_id="slot-0001")
    kept = recorder.take([started], [Evidence(session_id="slot-0001", at_s=1.0, jpeg=b"\xff\xd8")])
    with pytest.raises(OrderVolatile):
        kept.wait(WAIT_S)
    store.refusal = None
    with kept.changed:
        assert kept.changed.wait_for(lambda: kept.is_stored, WAIT_S)
    assert (store.pictures_given, recorder.report.pictures_lost) == (0, 1)


def test_one_thing_that_never_fits_does_not_hold_up_the_others(store: MoodyStore, recorder: Recorder) -> None:
    """A fault of ours must not end the storing of everything for ever."""
    store.misfit = "B"
    store.refusal = StoreError("later")
    promises = [recorder.take(accepted(each)) for each in "ABC"]
    with pytest.raises(OrderVolatile):
        promises[2].wait(WAIT_S)
    store.refusal = None
    with promises[2].changed:
        assert promises[2].changed.wait_for(lambda: promises[2].is_stored, WAIT_S)
    assert store.order_ids == ["A", "C"]
    with pytest.raises(RowRefused):
        promises[1].wait(0)
    assert recorder.report.events_lost == 1


def test_far_too_much_costs_the_oldest(store: MoodyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded, and how much was lost is said."""
    monkeypatch.setattr(recorder_module, "MOST_WAITING", 3)
    store.refusal = StoreError("the disk is full")
    with Recorder(store, store.run, retry_s=0.01) as recorder:
        for number in range(5):
            recorder.take(accepted(str(number)))
        assert recorder.report.events_lost == 2
        store.refusal = None
    assert store.order_ids == ["2", "3", "4"]


def test_what_waits_is_stored_before_the_end(store: MoodyStore) -> None:
    with Recorder(store, store.run) as recorder:
        promises = [recorder.take(accepted(str(number))) for number in range(200)]
    assert all(promise.is_stored for promise in promises)
    assert len(store.order_ids) == 200


def test_the_end_does_not_wait_for_a_store_that_refuses(store: MoodyStore, caplog: pytest.LogCaptureFixture) -> None:
    store.refusal = StoreError("the disk is full")
    with Recorder(store, store.run, retry_s=30.0) as recorder:
        recorder.take(accepted("A"))
        store.tried.acquire(timeout=WAIT_S)
    assert "1 events could not be stored before the end" in caplog.text
