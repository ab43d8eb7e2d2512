"""Orders over HTTP: idempotent, committed where they are accepted, and loud where they are not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.api.answers.orders import OrderOut
from edge_agent.domain.order import MAX_TEXT, Order, OrderKey, OrderLine
from edge_agent.errors import EdgeAgentError, OrderVolatile, StoreBusy, StoreError
from edge_agent.formats.orders import WireOrder
from tests.fakes_api import TODAY, Agent

LINES = [{"sku": "plate", "quantity": 1}]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_TEXT)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64).filter(str.strip)


@st.composite
def lines(draw: st.DrawFn, depth: int = 2) -> OrderLine:
    """Any line that a till may send."""
    return OrderLine(
        sku=draw(NAMES).strip(),
        quantity=draw(st.integers(1, 999)),
        line_id=draw(st.text("ab1-", max_size=8)),
        name=draw(TEXTS),
        modifiers=tuple(draw(st.lists(NAMES, max_size=2))),
        children=tuple(draw(st.lists(lines(depth - 1), max_size=2))) if depth else (),
        voided=draw(st.booleans()),
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Any order that a till may send."""
    return Order(
        order_id=draw(NAMES),
        source=draw(NAMES),
        business_day=draw(st.text("0123456789-", max_size=10)),
        revision=draw(st.integers(0, 2**31)),
        display_number=draw(st.text(max_size=5, alphabet="0123456789")),
        station=draw(st.none() | NAMES),
        parts=draw(st.integers(1, 20)),
        notes=draw(TEXTS),
        test=draw(st.booleans()),
        lines=tuple(draw(st.lists(lines(), max_size=3))),
    )


def put(agent: Agent, order_id: str = "A-101", **body: Any) -> Any:
    return agent.ask("PUT", f"orders/{order_id}", role="pos", json={"lines": LINES, **body})


@given(order=orders())
def test_an_order_that_went_out_comes_in_as_the_same(order: Order) -> None:
    assert WireOrder.model_validate_json(OrderOut.of(order).model_dump_json()).order() == order


def test_an_order_is_accepted_once_however_often_it_is_sent() -> None:
    """A till that got no answer asks again."""
    agent = Agent()
    assert [put(agent).json()["outcome"] for _ in range(3)] == ["accepted", "unchanged", "unchanged"]
    assert [s.order.order_id for s in agent.book.waiting()] == ["A-101"]


def test_an_order_without_a_day_is_one_of_today() -> None:
    """Tills use their numbers anew every day: yesterday's 42 is another order."""
    assert put(Agent()).json()["business_day"] == TODAY


def test_the_path_in_full_names_source_and_day() -> None:
    agent = Agent()
    answer = agent.ask("PUT", "orders/kiosk/2026-02-01/7", json={"lines": LINES})
    assert {k: answer.json()[k] for k in ("source", "business_day", "order_id")} == {
        "source": "kiosk",
        "business_day": "2026-02-01",
        "order_id": "7",
    }
    assert agent.ask("GET", "orders/kiosk/2026-02-01/7").json()["state"] == "open"
    assert agent.ask("GET", "orders/kiosk/2026-02-02/7").status_code == 404


@pytest.mark.parametrize("field", [{"order_id": "B-2"}, {"source": "other"}, {"business_day": "2026-01-01"}])
def test_a_body_that_names_another_order_than_the_path_is_refused(field: dict[str, str]) -> None:
    agent = Agent()
    answer = agent.ask("PUT", f"orders/till/{TODAY}/A-101", json={"lines": LINES, **field})
    assert (answer.status_code, next(iter(field)) in answer.json()["detail"]) == (422, True)
    assert agent.book.standing == {}


def test_an_older_revision_is_refused_and_told_which_is_known() -> None:
    agent = Agent()
    put(agent, revision=3)
    answer = put(agent, revision=2)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:edge-agent:problem:stale-revision"
    assert (answer.json()["revision"], answer.json()["known_revision"]) == (2, 3)


def test_the_same_revision_with_other_contents_is_refused() -> None:
    """A till that does not count its changes must hear of it: else the kitchen cooks the first version in silence."""
    agent = Agent()
    put(agent)
    assert put(agent, lines=[{"sku": "drink"}]).status_code == 409


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(StoreBusy("full"), "unavailable"), (StoreError("/secret/path"), "unavailable"), (OrderVolatile("x"), "volatile")],
)
def test_what_is_not_committed_is_never_a_success(refusal: EdgeAgentError, kind: str) -> None:
    agent = Agent()
    agent.book.refusal = refusal
    answer = put(agent)
    assert (answer.status_code, answer.json()["type"]) == (503, f"urn:edge-agent:problem:{kind}")
    assert int(answer.headers["retry-after"]) > 0
    assert "/secret/path" not in answer.text


def test_keys_that_tills_send_besides_cost_no_order() -> None:
    assert put(Agent(), price="12.50", table=4).status_code == 200


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"lines": [{"sku": "plate", "quantity": 0}]}, "body.lines.0", "quantity"),
        ({"lines": [{"sku": "plate", "quantity": "2"}]}, "body.lines.0.quantity", "should be a valid integer"),
        ({"lines": [{"quantity": 1}]}, "body.lines.0.sku", "is missing"),
        ({"lines": "plate"}, "body.lines", "should be a list"),
        ({"revision": 1.5}, "body.revision", "should be a valid integer"),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_its_place(change: dict[str, Any], where: str, what: str) -> None:
    answer = put(Agent(), **change)
    first = answer.json()["errors"][0]
    assert (answer.status_code, first["where"]) == (422, where)
    assert what in first["what"]


def test_an_order_is_cancelled_bumped_and_reopened_by_either_name() -> None:
    agent = Agent()
    put(agent)
    told = []
    for path in ("A-101/cancel", "A-101/cancel", "A-101/reopen", f"till/{TODAY}/A-101/ready"):
        assert agent.ask("POST", f"orders/{path}").status_code == 200
        told.append(agent.book.state("A-101"))
    assert told == ["cancelled", "cancelled", "open", "handed_out"]


def test_what_cannot_be_any_more_is_a_conflict_and_what_is_unknown_is_not_found() -> None:
    agent = Agent()
    put(agent)
    agent.ask("POST", "orders/A-101/cancel")
    assert agent.ask("POST", "orders/A-101/ready").status_code == 409
    assert agent.ask("POST", "orders/B-7/cancel").status_code == 404


def test_a_tray_is_given_its_order_and_loses_it_again() -> None:
    agent = Agent()
    put(agent)
    key = OrderKey("till", TODAY, "A-101")
    agent.ask("POST", "orders/A-101/assign", role="crew", json={"station": "pass", "slot": "slot"})
    assert agent.book.assigned == {("pass", "slot"): (key,)}
    agent.ask("PUT", "stations/pass/slots/slot/orders", role="crew", json={"orders": []})
    assert agent.book.assigned == {("pass", "slot"): ()}
    assert agent.ask("PUT", "stations/pass/slots/other/orders", json={"orders": []}).status_code == 404
    assert agent.ask("PUT", "stations/pass/slots/slot/orders", json={"orders": ["A-101"] * 7}).status_code == 422


def test_a_batch_does_what_it_can_and_says_what_it_could_not() -> None:
    agent = Agent()
    entries = [
        {"order": {"order_id": "A-1", "lines": LINES}},
        {"order": {"order_id": "A-2", "lines": [{"sku": ""}]}},
        {"cancel": "A-9"},
        {"cancel": "A-1"},
        {"cancel": "A-1", "ready": "A-1"},
        {"order": {"order_id": "A-3", "lines": LINES}},
    ]
    answer = agent.ask("POST", "orders", role="pos", json={"entries": entries})
    assert [result["status"] for result in answer.json()["results"]] == [200, 422, 404, 200, 422, 200]
    assert [s.order.order_id for s in agent.book.waiting()] == ["A-3"]


def test_a_batch_that_could_not_be_stored_is_to_be_sent_again() -> None:
    agent = Agent()
    agent.book.refusal = StoreBusy("full")
    entries = [{"cancel": "A-1"}, {"cancel": "A-2"}]
    answer = agent.ask("POST", "orders", role="pos", json={"entries": entries})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert [result["status"] for result in answer.json()["results"]] == [503]


@pytest.mark.parametrize("entries", [[], [{"cancel": "A"}] * 101, [{"drop": "A"}], "A"])
def test_a_batch_has_bounds(entries: Any) -> None:
    assert Agent().ask("POST", "orders", json={"entries": entries}).status_code == 422


def test_an_empty_batch_is_told_so_in_plain_words() -> None:
    answer = Agent().ask("POST", "orders", json={"entries": []})
    assert answer.json()["detail"] == "body.entries: should have 1 or more entries"
