"""What every `Outbox` must do, with the store that fills it: the fake that other tests use, and the real one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.adapters.sqlite_outbox import SqliteOutbox
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import AlertResolved, SessionStarted
from edge_agent.domain.record import Run
from edge_agent.errors import StoreBusy, StoreError
from edge_agent.ports import AlertNews, EventStore, Outbox
from tests.fakes_store import FakeClock, MemoryStore
from tests.store_builders import accepted, raised, reached

TELLING = Run(slots={"left": "pass", "right": "drive"}, tells=True)
FIRST, SECOND = "left-0001-alert-1", "left-0001-alert-2"


@dataclass(slots=True)
class Case:
    """One store with its outbox, under test. `calls` holds how many steps were pending at each call of `on_told`."""

    store: EventStore
    outbox: Outbox
    clock: FakeClock
    calls: list[int]
    closing: ExitStack


@pytest.fixture(params=["memory", "sqlite"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    clock, calls, outboxes = FakeClock(), list[int](), list[Outbox]()

    def told() -> None:
        calls.append(outboxes[0].waiting())

    with ExitStack() as stack:
        if request.param == "memory":
            memory = MemoryStore(clock=clock, on_told=told)
            stack.callback(memory.close)
            outboxes.append(memory)
            yield Case(memory, memory, clock, calls, stack)
        else:
            path = tmp_path / "edge.sqlite"
            store = stack.enter_context(SqliteStore(path=path, clock=clock, on_told=told))
            outboxes.append(SqliteOutbox(store=store))
            yield Case(store, outboxes[0], clock, calls, stack)


def resolved(alert_id: str = FIRST, *, why: Resolution = Resolution.FIXED) -> AlertResolved:
    return AlertResolved(at_s=5.0, alert_id=alert_id, resolution=why)


def said(news: Sequence[AlertNews]) -> list[tuple[int, str, bool]]:
    return [(step.seq, step.told_id, step.resolved) for step in news]


def test_an_alert_of_a_run_that_tells_waits_in_the_outbox_with_its_station(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    alert = raised()
    recorded = case.store.commit(run_id, [accepted(), reached(), alert])
    (news,) = case.outbox.pending(10)
    assert (news.seq, news.told_id, news.station, news.resolved) == (1, FIRST, "pass", False)
    assert (news.stored.alert, news.stored.sounds, news.stored.run_id) == (alert.alert, True, run_id)
    assert news.at == "2026-01-31T12:00:00.000+00:00"
    assert (recorded.to_tell, case.outbox.waiting()) == (1, 1)


def test_each_slot_has_its_station_and_a_slot_of_none_has_that_of_the_run(case: Case) -> None:
    run_id = case.store.begin_run(Run(station="box", slots={"right": "drive"}, tells=True))
    for slot in ("right", "left"):
        started = SessionStarted(at_s=1.0, slot_id=slot, session_id=f"{slot}-1")
        case.store.commit(run_id, [started, raised(f"{slot}-1-alert-1", session_id=f"{slot}-1")])
    assert [news.station for news in case.outbox.pending(10)] == ["drive", "box"]


def test_a_step_tells_the_alert_as_it_stands_now(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    case.store.commit(run_id, [raised()])
    case.clock.advance(3)
    case.store.commit(run_id, [resolved()])
    first, second = case.outbox.pending(10)
    assert said([first, second]) == [(1, FIRST, False), (2, FIRST, True)]
    assert first.stored == second.stored
    assert first.stored.resolution is Resolution.FIXED
    assert second.at == "2026-01-31T12:00:03.000+00:00"


def test_steps_of_one_alert_that_are_read_together_each_name_its_orders_once(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    alert = raised()
    case.store.commit(run_id, [accepted(), reached(), alert])
    case.store.commit(run_id, [resolved()])
    assert [step.stored.alert.orders for step in case.outbox.pending(10)] == [alert.alert.orders] * 2


def test_a_run_that_tells_nobody_puts_nothing_into_the_outbox(case: Case) -> None:
    run_id = case.store.begin_run(Run(slots=TELLING.slots))
    assert case.store.commit(run_id, [reached(), raised(), resolved()]).to_tell == 0
    assert case.outbox.after(0, limit=10) == ()
    assert case.outbox.standing() == ()
    assert case.calls == []


def test_the_end_of_an_alert_that_was_told_is_told_by_a_run_that_tells_nobody(case: Case) -> None:
    """The operator switches to shadow mode while a light is red: somebody must switch it off."""
    case.store.commit(case.store.begin_run(TELLING), [reached(), raised()])
    case.store.commit(case.store.begin_run(Run()), [resolved()])
    assert said(case.outbox.pending(10)) == [(1, FIRST, False), (2, FIRST, True)]
    assert [news.station for news in case.outbox.pending(10)] == ["pass", "pass"]


def test_the_end_of_an_alert_that_was_never_told_is_not_told(case: Case) -> None:
    case.store.commit(case.store.begin_run(Run()), [raised()])
    case.store.commit(case.store.begin_run(TELLING), [resolved()])
    assert case.outbox.after(0, limit=10) == ()


def test_an_alert_ends_once(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    case.store.commit(run_id, [raised(), resolved(), resolved(why=Resolution.ACCEPTED)])
    assert said(case.outbox.after(0, limit=10)) == [(1, FIRST, False), (2, FIRST, True)]


def test_what_was_delivered_is_pending_no_more_and_can_still_be_read(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    case.store.commit(run_id, [raised(), raised(SECOND), resolved()])
    case.outbox.delivered([1, 3])
    assert said(case.outbox.pending(10)) == [(2, SECOND, False)]
    assert case.outbox.waiting() == 1
    assert said(case.outbox.after(0, limit=10)) == [(1, FIRST, False), (2, SECOND, False), (3, FIRST, True)]


def test_delivering_again_or_nothing_or_what_is_not_known_is_no_error(case: Case) -> None:
    case.store.commit(case.store.begin_run(TELLING), [raised()])
    for seqs in ([1], [1], [], [99]):
        case.outbox.delivered(seqs)
    assert case.outbox.waiting() == 0


def test_steps_are_read_page_by_page(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    case.store.commit(run_id, [raised(f"a{n}") for n in range(5)])
    assert [news.seq for news in case.outbox.after(1, limit=2)] == [2, 3]
    assert [news.seq for news in case.outbox.pending(3)] == [1, 2, 3]
    assert case.outbox.after(5, limit=2) == ()


def test_alerts_that_nothing_has_ended_stand_delivered_or_not(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    case.store.commit(run_id, [raised("a1"), raised("a2"), raised("a3"), resolved("a2")])
    case.outbox.delivered([1])
    assert said(case.outbox.standing()) == [(1, "a1", False), (3, "a3", False)]


def test_seq_rises_without_gaps_over_runs_and_failures(case: Case) -> None:
    one = case.store.begin_run(TELLING)
    case.store.commit(one, [raised()])
    with pytest.raises(StoreError):
        case.store.commit(one, [raised()])
    two = case.store.begin_run(TELLING)
    case.store.record(two, [raised("other")])
    case.store.flush()
    assert [news.seq for news in case.outbox.after(0, limit=10)] == [1, 2]


def test_listeners_are_called_once_it_can_be_read_and_only_for_what_is_to_be_told(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    case.store.commit(run_id, [reached(), raised()])
    case.store.commit(run_id, [reached(), accepted()])
    case.store.record(run_id, [resolved(), raised(SECOND)])
    case.store.flush()
    assert case.calls == [1, 3]


def test_the_latest_step_of_an_alert_is_found_by_its_id(case: Case) -> None:
    run_id = case.store.begin_run(TELLING)
    case.store.commit(run_id, [raised(), raised(SECOND), resolved()])
    first, second = case.outbox.told(FIRST), case.outbox.told(SECOND)
    assert first is not None
    assert second is not None
    assert said([first, second]) == [(3, FIRST, True), (2, SECOND, False)]
    assert case.outbox.told("nobody") is None


def test_the_newest_number_is_known_delivered_or_not(case: Case) -> None:
    assert case.outbox.last_seq() == 0
    case.store.commit(case.store.begin_run(TELLING), [raised(), resolved()])
    case.outbox.delivered([1, 2])
    assert case.outbox.last_seq() == 2


def test_a_closed_store_marks_nothing_as_delivered(case: Case) -> None:
    case.store.commit(case.store.begin_run(TELLING), [raised()])
    case.closing.close()
    with pytest.raises(StoreBusy):
        case.outbox.delivered([1])
    assert case.outbox.waiting() == 1
