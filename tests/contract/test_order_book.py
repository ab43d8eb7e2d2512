"""What every `OrderBook` must do: the fake that the API's tests use, and the one of the running agent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.station import Station
from edge_agent.domain.geometry import Polygon
from edge_agent.domain.order import OrderKey
from edge_agent.domain.record import Run
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import Conflict, StaleRevision, Unknown
from edge_agent.ports import OrderBook
from edge_agent.runtime.checker_thread import CheckerThread
from edge_agent.runtime.order_desk import OrderDesk
from edge_agent.runtime.recorder import Recorder
from tests.builders import menu, order
from tests.fakes_api import TODAY, FakeOrderBook
from tests.fakes_store import FakeClock, MemoryStore

KEY = OrderKey("till", TODAY, "A")


@contextmanager
def live_book() -> Iterator[OrderBook]:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    slot = Slot(slot_id="slot", polygon=Polygon.rectangle(0, 0, 320, 480))
    checker = OrderChecker(menu=menu("plate"), thresholds=Thresholds(), stations=[Station(slots=(slot,))])
    with Recorder(store, store.begin_run(Run())) as recorder:
        thread = CheckerThread(
            checker,
            [],
            recorder=recorder,
            clock=clock,
            encode=lambda _picture, _slots: b"",
            announce=lambda _station, _event: None,
            arrived=threading.Condition(),
        )
        with thread:
            yield OrderDesk(
                thread,
                today=lambda: TODAY,
                now=lambda: "2026-01-31T12:00:00+00:00",
                slots={"pass": ("slot",)},
                received={},
            )


@pytest.fixture(params=["fake", "live"])
def book(request: pytest.FixtureRequest) -> Iterator[OrderBook]:
    if request.param == "fake":
        yield FakeOrderBook()
    else:
        with live_book() as live:
            yield live


def states(book: OrderBook) -> dict[str, str]:
    return {standing.order.order_id: standing.state.value for standing in book.waiting()}


def test_an_order_without_a_day_is_todays(book: OrderBook) -> None:
    put = book.put(order("A", "plate"))
    assert (put.key, put.revision, put.changed) == (KEY, 1, True)
    assert states(book) == {"A": "open"}


def test_the_same_again_changes_nothing(book: OrderBook) -> None:
    """A till that got no answer asks again."""
    book.put(order("A", "plate"))
    assert book.put(order("A", "plate")).changed is False
    assert states(book) == {"A": "open"}


@pytest.mark.parametrize("revision", [1, 2])
def test_an_older_snapshot_or_one_that_says_something_else_is_refused(book: OrderBook, revision: int) -> None:
    book.put(order("A", "plate", revision=2))
    with pytest.raises(StaleRevision):
        book.put(order("A", "plate", "plate", revision=revision))


def test_a_newer_revision_takes_its_place(book: OrderBook) -> None:
    book.put(order("A", "plate"))
    assert book.put(order("A", "plate", "plate", revision=2)).changed
    [standing] = book.waiting()
    assert len(standing.order.lines) == 2


def test_what_waits_stands_in_the_order_in_which_it_came(book: OrderBook) -> None:
    for each in "CAB":
        book.put(order(each, "plate"))
    assert [standing.order.order_id for standing in book.waiting()] == ["C", "A", "B"]
    assert not any(standing.volatile for standing in book.waiting())


@pytest.mark.parametrize("named", [KEY, "A", f"till/{TODAY}/A"])
def test_an_order_is_known_by_its_key_and_by_its_id(book: OrderBook, named: OrderKey | str) -> None:
    book.put(order("A", "plate"))
    assert book.cancel(named) == KEY
    assert states(book) == {}


def test_cancelling_and_bumping_again_is_no_error(book: OrderBook) -> None:
    book.put(order("A", "plate"))
    book.put(order("B", "plate"))
    for _ in range(2):
        book.cancel("A")
        book.ready("B")
    assert states(book) == {}


def test_what_ended_one_way_does_not_end_the_other(book: OrderBook) -> None:
    book.put(order("A", "plate"))
    book.put(order("B", "plate"))
    book.cancel("A")
    book.ready("B")
    with pytest.raises(Conflict):
        book.ready("A")
    with pytest.raises(Conflict):
        book.cancel("B")


def test_a_finished_order_is_put_back_into_the_queue(book: OrderBook) -> None:
    book.put(order("A", "plate"))
    book.ready("A")
    assert book.reopen("A") == KEY
    assert states(book) == {"A": "open"}
    assert book.reopen("A") == KEY


def test_what_is_not_there_is_said(book: OrderBook) -> None:
    for change in (book.cancel, book.ready, book.reopen):
        with pytest.raises(Unknown):
            change("nothing")
    with pytest.raises(Unknown):
        book.assign(station="pass", slot="other", named=[])


def test_many_tills_at_once_lose_nothing(book: OrderBook) -> None:
    def put(start: int) -> None:
        for number in range(start, 60, 3):
            book.put(replace(order(f"N{number}", "plate"), business_day=TODAY))

    threads = [threading.Thread(target=put, args=(start,)) for start in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert {standing.order.order_id for standing in book.waiting()} == {f"N{n}" for n in range(60)}
