"""What every `EventStore` and `EventHistory` must do: the fake that other tests use, and the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import (
    AlertResolved,
    OrderIgnored,
    OrderMoved,
    SessionResumed,
    SessionStarted,
    TraySettled,
)
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import OrderState
from edge_agent.domain.record import Audit, AuditAnswer, Confirmation, Run, StaffRole
from edge_agent.errors import BadInput, StoreBusy, StoreError
from edge_agent.ports import EventHistory, EventStore, Evidence
from tests.fakes_store import FakeClock, MemoryStore
from tests.store_builders import JPEG, accepted, key, left, order, raised, reached


@dataclass(slots=True)
class Case:
    """One store under test."""

    store: EventStore
    history: EventHistory
    clock: FakeClock
    close: Callable[[], None]
    picture: Callable[[str], bytes]


@pytest.fixture(params=["memory", "sqlite"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    clock = FakeClock()
    with ExitStack() as stack:
        if request.param == "memory":
            memory = MemoryStore(clock=clock)
            yield Case(memory, memory, clock, memory.close, memory.pictures.__getitem__)
        else:
            store = stack.enter_context(SqliteStore(path=tmp_path / "edge.sqlite", clock=clock))
            history = SqliteHistory(path=store.path)
            yield Case(store, history, clock, store.close, lambda name: store.pictures.path_of(name).read_bytes())


def test_a_run_says_which_model_and_menu_decided(case: Case) -> None:
    run = Run(
        station="pass",
        source="a.mp4",
        model_name="canteen",
        model_sha256="ab",
        menu_sha256="cd",
        boot_id="b",
        slots={"left": "pass", "right": "drive"},
        tells=True,
    )
    first, second = case.store.begin_run(run), case.store.begin_run(Run())
    case.clock.advance(1.5)
    case.store.end_run(first)
    newest, oldest = case.history.runs()
    assert (newest.run_id, newest.run, newest.ended_at) == (second, Run(), None)
    assert (oldest.run_id, oldest.run) == (first, run)
    assert (oldest.started_at, oldest.ended_at) == ("2026-01-31T12:00:00.000+00:00", "2026-01-31T12:00:01.500+00:00")


def test_every_accepted_snapshot_is_kept_and_the_latest_one_stands(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    case.store.commit(run_id, [accepted(revision=1), accepted(revision=3, sku="bowl")])
    assert case.history.revisions(key()) == (order(revision=1), order(revision=3, sku="bowl"))
    stored = case.history.order(key())
    assert stored is not None
    assert (stored.order, stored.state) == (order(revision=3, sku="bowl"), OrderState.OPEN)


def test_the_same_snapshot_after_a_restart_is_not_kept_twice(case: Case) -> None:
    for _ in range(2):
        case.store.commit(case.store.begin_run(Run()), [accepted()])
    assert case.history.revisions(key()) == (order(),)
    assert len(case.history.orders()) == 1


def test_a_snapshot_that_changed_nothing_leaves_no_trace(case: Case) -> None:
    ignored = OrderIgnored(at_s=1.0, key=key("B-7"), revision=1, known_revision=2)
    case.store.commit(case.store.begin_run(Run()), [ignored])
    assert case.history.orders() == ()


def test_a_new_revision_leaves_a_presented_order_presented_and_reopens_a_finished_one(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    case.store.commit(run_id, [accepted(), OrderMoved(at_s=1.0, key=key(), state=OrderState.PRESENTED)])
    case.store.commit(run_id, [accepted(revision=2)])
    assert [o.state for o in case.history.orders()] == [OrderState.PRESENTED]
    case.store.commit(run_id, [OrderMoved(at_s=2.0, key=key(), state=OrderState.HANDED_OUT), accepted(revision=3)])
    assert [o.state for o in case.history.orders()] == [OrderState.OPEN]


def test_orders_can_be_asked_by_state_newest_first(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    case.store.commit(run_id, [accepted("A-1"), accepted("A-2"), accepted("A-3")])
    case.store.commit(run_id, [OrderMoved(at_s=1.0, key=key("A-2"), state=OrderState.CANCELLED)])
    assert [o.key.order_id for o in case.history.orders(state=OrderState.OPEN)] == ["A-3", "A-1"]
    newest = case.history.orders(limit=1)[0]
    assert [o.key.order_id for o in case.history.orders(before=newest.number)] == ["A-2", "A-1"]


def test_a_verdict_comes_back_as_it_was_reached(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    verdict = reached(orders=(key("A-2"), key("A-1")))
    result = case.store.commit(run_id, [accepted("A-1"), accepted("A-2"), verdict])
    (check,) = case.history.checks()
    assert check.reached == verdict
    assert result.check_ids == (check.check_id,)
    assert (check.run_id, check.final, check.recorded_at) == (run_id, False, "2026-01-31T12:00:00.000+00:00")


def test_a_verdict_on_an_order_never_heard_of_is_kept(case: Case) -> None:
    case.store.commit(case.store.begin_run(Run()), [reached(orders=(key("Z-9"),))])
    (check,) = case.history.checks(order=key("Z-9"))
    assert check.reached.orders == (key("Z-9"),)
    stored = case.history.order(key("Z-9"))
    assert stored is not None
    assert stored.order is None


def test_the_last_verdict_of_a_session_is_its_final_one(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    early, last = reached(at_s=2.0), reached(at_s=4.0, kind=VerdictKind.MATCH)
    case.store.commit(run_id, [SessionStarted(at_s=1.0, slot_id="left", session_id="left-0001"), early, last])
    assert case.history.checks(final=True) == ()
    case.store.commit(run_id, [left(last)])
    assert [c.reached for c in case.history.checks(final=True)] == [last]
    assert [c.final for c in case.history.checks()] == [True, False]


def test_a_tray_that_never_lay_still_has_a_final_verdict_too(case: Case) -> None:
    unjudged = reached(kind=VerdictKind.UNSURE, orders=(), lines=())
    case.store.commit(case.store.begin_run(Run()), [left(unjudged)])
    assert [c.reached for c in case.history.checks(final=True)] == [unjudged]


def test_a_late_verdict_is_the_last_word_on_a_tray_that_left(case: Case) -> None:
    run_id, first = case.store.begin_run(Run()), reached(orders=())
    late = reached(at_s=12.0, late=True)
    case.store.commit(run_id, [first, left(first), late])
    assert [c.reached for c in case.history.checks(final=True)] == [late]


def test_a_session_tells_its_whole_story(case: Case) -> None:
    run_id, verdict = case.store.begin_run(Run()), reached()
    case.store.commit(
        run_id,
        [
            SessionStarted(at_s=1.0, slot_id="left", session_id="left-0001"),
            TraySettled(at_s=2.0, session_id="left-0001", still_since_s=1.5),
            verdict,
            raised(),
            left(verdict, at_s=5.0),
            SessionResumed(at_s=6.0, session_id="left-0001"),
            TraySettled(at_s=7.0, session_id="left-0001", still_since_s=6.5),
        ],
    )
    back = case.history.session(run_id, "left-0001")
    assert back is not None
    assert (back.slot_id, back.arrived_s, back.settled_at_s, back.still_since_s) == ("left", 1.0, 2.0, 6.5)
    assert (back.left_at_s, back.last_seen_s, back.resumed) == (None, None, 1)
    assert [c.final for c in back.checks] == [False], "a tray that came back is not finished"
    case.store.commit(run_id, [left(verdict, at_s=9.0)])
    ended = case.history.session(run_id, "left-0001")
    assert ended is not None
    assert (ended.left_at_s, ended.last_seen_s) == (9.0, 8.5)
    assert [c.reached for c in ended.checks] == [verdict]
    assert [a.alert for a in ended.alerts] == [raised().alert]
    assert case.history.session(run_id, "right-0001") is None


def test_session_ids_repeat_between_runs_without_mixing(case: Case) -> None:
    one, two = case.store.begin_run(Run()), case.store.begin_run(Run())
    case.store.commit(one, [reached(at_s=1.0)])
    case.store.commit(two, [reached(at_s=2.0)])
    first, second = case.history.session(one, "left-0001"), case.history.session(two, "left-0001")
    assert first is not None
    assert second is not None
    assert [c.reached.at_s for c in first.checks] == [1.0]
    assert [c.reached.at_s for c in second.checks] == [2.0]
    assert [c.reached.at_s for c in case.history.checks(run_id=one)] == [1.0]


def test_checks_can_be_asked_by_order_and_verdict_page_by_page(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    kinds = [VerdictKind.MATCH, VerdictKind.MISMATCH, VerdictKind.MATCH, VerdictKind.MATCH]
    case.store.commit(
        run_id,
        [reached(f"left-{n:04d}", at_s=n, kind=kind, orders=(key(f"A-{n % 2}"),)) for n, kind in enumerate(kinds)],
    )
    assert [c.reached.at_s for c in case.history.checks(order=key("A-1"))] == [3, 1]
    assert [c.reached.at_s for c in case.history.checks(verdict=VerdictKind.MATCH)] == [3, 2, 0]
    assert [c.reached.at_s for c in case.history.checks(verdict=VerdictKind.MATCH, order=key("A-1"))] == [3]
    page = case.history.checks(limit=2)
    assert [c.reached.at_s for c in page] == [3, 2]
    assert [c.reached.at_s for c in case.history.checks(limit=2, before=page[-1].check_id)] == [1, 0]
    assert [c.reached.at_s for c in case.history.checks(order=key("A-1"), before=page[0].check_id)] == [1]


def test_an_alert_is_open_until_it_is_resolved(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    case.store.commit(run_id, [accepted(), reached(), raised()])
    (opened,) = case.history.alerts(open_only=True)
    assert (opened.alert, opened.sounds, opened.resolution) == (raised().alert, True, None)
    fixed = AlertResolved(at_s=5.0, alert_id="left-0001-alert-1", resolution=Resolution.FIXED)
    case.store.commit(run_id, [fixed])
    assert case.history.alerts(open_only=True) == ()
    (ended,) = case.history.alerts()
    assert (ended.resolution, ended.resolved_at_s) == (Resolution.FIXED, 5.0)


def test_an_alert_left_open_by_a_crash_can_be_resolved_by_the_next_run(case: Case) -> None:
    case.store.commit(case.store.begin_run(Run()), [raised()])
    ended = AlertResolved(at_s=5.0, alert_id="left-0001-alert-1", resolution=Resolution.TRAY_LEFT)
    case.store.commit(case.store.begin_run(Run()), [ended])
    assert [a.resolution for a in case.history.alerts()] == [Resolution.TRAY_LEFT]


def test_resolving_twice_does_not_end_the_alert_of_another_run_with_the_same_name(case: Case) -> None:
    case.store.commit(case.store.begin_run(Run()), [raised()])
    ended = AlertResolved(at_s=5.0, alert_id="left-0001-alert-1", resolution=Resolution.FIXED)
    case.store.commit(case.store.begin_run(Run()), [raised(), ended, ended])
    assert [a.resolution for a in case.history.alerts()] == [Resolution.FIXED, None]


def test_an_alert_says_whether_a_person_ended_it_and_in_which_run(case: Case) -> None:
    one, two = case.store.begin_run(Run()), case.store.begin_run(Run())
    alert_id = "left-0001-alert-1"
    case.store.commit(one, [raised()])
    case.store.commit(
        two, [AlertResolved(at_s=5.0, alert_id=alert_id, resolution=Resolution.SYSTEM_WRONG, by_staff=True)]
    )
    case.store.commit(two, [raised(), AlertResolved(at_s=6.0, alert_id=alert_id, resolution=Resolution.FIXED)])
    newest, oldest = case.history.alerts()
    assert (oldest.by_staff, oldest.run_id, oldest.resolved_run) == (True, one, two)
    assert (newest.by_staff, newest.run_id, newest.resolved_run) == (False, two, two)


def audit(
    run_id: int,
    *,
    session_id: str = "left-0001",
    check_id: int | None = None,
    contents: Mapping[str, int] | None = None,
) -> Audit:
    return Audit(
        run_id=run_id,
        session_id=session_id,
        role=StaffRole.MANAGER,
        contents={"plate": 1} if contents is None else contents,
        check_id=check_id,
    )


def test_an_audit_comes_back_with_its_tray(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    first, last = case.store.commit(run_id, [reached(at_s=1.0), reached(at_s=2.0)]).check_ids
    case.clock.advance(60)
    told = audit(run_id, check_id=first, contents={"plate": 2, "fries|s, \N{FRENCH FRIES}": 1})
    skipped = Audit(run_id=run_id, session_id="left-0001", role=StaffRole.ADMIN, answer=AuditAnswer.SKIPPED)
    numbers = (case.store.audit(told), case.store.audit(skipped))
    session = case.history.session(run_id, "left-0001")
    assert session is not None
    assert [a.audit.answer for a in session.audits] == [AuditAnswer.TOLD, AuditAnswer.SKIPPED]
    assert (session.audits[0].audit, session.audits[0].recorded_at) == (told, "2026-01-31T12:01:00.000+00:00")
    assert session.audits[1].audit.check_id == last
    assert tuple(a.number for a in case.history.audits()) == tuple(reversed(numbers))
    assert case.history.audits(limit=5, before=numbers[1]) == session.audits[:1]


def test_an_audit_that_names_no_check_is_about_the_latest_with_a_picture(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    picture = Evidence(session_id="left-0001", at_s=1.0, jpeg=JPEG)
    (shown,) = case.store.commit(run_id, [reached(at_s=1.0)], evidence=[picture]).check_ids
    case.store.commit(run_id, [left(reached(at_s=1.0)), reached(at_s=2.0, late=True)])
    case.store.audit(audit(run_id))
    assert [a.audit.check_id for a in case.history.audits()] == [shown]


def test_an_audit_of_a_tray_that_was_never_checked_is_kept_without_a_check(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    case.store.commit(run_id, [SessionStarted(at_s=1.0, slot_id="left", session_id="left-0001")])
    case.store.audit(audit(run_id))
    assert [a.audit.check_id for a in case.history.audits()] == [None]


def test_what_is_said_of_a_tray_that_is_not_known_is_refused(case: Case) -> None:
    one, two = case.store.begin_run(Run()), case.store.begin_run(Run())
    (own,) = case.store.commit(one, [reached()]).check_ids
    (foreign,) = case.store.commit(two, [reached()]).check_ids
    for wrong in (audit(one, session_id="right-0001"), audit(99), audit(one, check_id=foreign)):
        with pytest.raises(StoreError):
            case.store.audit(wrong)
    confirmation = Confirmation(run_id=one, session_id="left-0001", check_id=own, role=StaffRole.CREW)
    for said in (replace(confirmation, check_id=foreign), replace(confirmation, session_id="right-0001")):
        with pytest.raises(StoreError):
            case.store.confirm(said)
    assert case.history.audits() == ()
    case.store.flush()


def test_a_confirmation_comes_back_with_its_tray(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    (check,) = case.store.commit(run_id, [reached(kind=VerdictKind.MATCH)]).check_ids
    said = Confirmation(run_id=run_id, session_id="left-0001", check_id=check, role=StaffRole.CREW)
    number = case.store.confirm(said)
    session = case.history.session(run_id, "left-0001")
    assert session is not None
    assert [(c.number, c.confirmation, c.recorded_at) for c in session.confirmations] == [
        (number, said, "2026-01-31T12:00:00.000+00:00")
    ]


def test_a_closed_store_takes_no_audit_and_no_confirmation(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    (check,) = case.store.commit(run_id, [reached()]).check_ids
    case.close()
    with pytest.raises(StoreBusy):
        case.store.audit(audit(run_id))
    with pytest.raises(StoreBusy):
        case.store.confirm(Confirmation(run_id=run_id, session_id="left-0001", check_id=check, role=StaffRole.CREW))


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"": 1}, "0 characters"),
        ({"x" * 65: 1}, "65 characters"),
        ({"plate": -1}, "0 to 999"),
        ({"plate": 1000}, "0 to 999"),
        ({"plate": True}, "no whole number"),
        ({"plate": 1.5}, "no whole number"),
        ({str(n): 1 for n in range(201)}, "201 things"),
    ],
)
def test_an_audit_out_of_bounds_is_refused(contents: dict[str, int], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Audit(run_id=1, session_id="a", role=StaffRole.CREW, contents=contents)


@pytest.mark.parametrize("answer", [AuditAnswer.CANNOT_TELL, AuditAnswer.SKIPPED])
def test_an_audit_that_tells_nothing_names_no_contents(answer: AuditAnswer) -> None:
    with pytest.raises(BadInput, match=answer.value):
        Audit(run_id=1, session_id="a", role=StaffRole.CREW, answer=answer, contents={"plate": 1})


def test_sessions_can_be_read_page_by_page_with_their_whole_stories(case: Case) -> None:
    one = case.store.begin_run(Run())
    case.store.commit(one, [reached("left-0001"), raised(), left(reached("left-0001"))])
    case.clock.advance(86_400)
    two = case.store.begin_run(Run())
    (check,) = case.store.commit(two, [reached("left-0001"), reached("right-0002")]).check_ids[:1]
    case.store.confirm(Confirmation(run_id=two, session_id="left-0001", check_id=check, role=StaffRole.CREW))
    case.store.audit(audit(one))
    page = case.history.sessions(limit=2)
    assert [(s.run_id, s.session_id) for s in page] == [(two, "right-0002"), (two, "left-0001")]
    rest = case.history.sessions(before=page[-1].number)
    assert [(s.run_id, s.session_id) for s in rest] == [(one, "left-0001")]
    for session in (*page, *rest):
        assert session == case.history.session(session.run_id, session.session_id)
    assert [len(s.checks) for s in (*page, *rest)] == [1, 1, 1]
    assert [len(s.alerts) for s in (*page, *rest)] == [0, 0, 1]
    assert [len(s.audits) for s in (*page, *rest)] == [0, 0, 1]
    assert [len(s.confirmations) for s in (*page, *rest)] == [0, 1, 0]
    assert case.history.sessions(since="2026-02-01") == page
    assert case.history.sessions(since="2026-02-02") == ()


def test_checks_say_which_snapshots_they_were_reached_by(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    both = (key("A-2"), key("A-1"))
    first, second, third = case.store.commit(
        run_id,
        [
            accepted("A-1"),
            accepted("A-2"),
            reached(orders=both),
            accepted("A-1", revision=2, sku="bowl"),
            reached(orders=both),
            reached(orders=(key("Z-9"),)),
        ],
    ).check_ids
    (unjudged,) = case.store.commit(run_id, [reached(orders=())]).check_ids
    assert case.history.judged([first, second, third, unjudged]) == {
        first: (order("A-2"), order("A-1")),
        second: (order("A-2"), order("A-1", revision=2, sku="bowl")),
        third: (None,),
        unjudged: (),
    }
    assert case.history.judged([]) == {}


def test_a_picture_belongs_to_the_latest_verdict_of_its_session(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    pictures = [Evidence(session_id="left-0001", at_s=2.5, jpeg=JPEG), Evidence(session_id="b", at_s=2.5, jpeg=b"2")]
    case.store.commit(run_id, [reached(at_s=1.0), reached(at_s=2.0), reached("b")], evidence=pictures)
    other, latest, earlier = case.history.checks()
    assert [case.picture(name) for name in latest.pictures] == [JPEG]
    assert [case.picture(name) for name in other.pictures] == [b"2"]
    assert earlier.pictures == ()


def test_what_was_recorded_is_there_after_a_flush_in_its_order(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    for n in range(100):
        case.store.record(run_id, [reached(f"left-{n:04d}", at_s=n)])
    case.store.flush()
    assert [c.reached.at_s for c in case.history.checks(limit=1000)] == list(range(99, -1, -1))


def test_a_failure_reaches_whoever_waits_and_only_him(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    with pytest.raises(StoreError):
        case.store.commit(run_id + 1, [accepted()])
    case.store.flush()
    assert case.history.orders() == ()


def test_a_failure_that_nobody_waited_for_is_raised_by_the_next_flush_once(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    case.store.record(run_id + 1, [accepted()])
    case.store.record(run_id, [accepted("A-2")])
    with pytest.raises(StoreError):
        case.store.flush()
    case.store.flush()
    assert [o.key.order_id for o in case.history.orders()] == ["A-2"], "the neighbours of a bad one are stored"


def test_a_closed_store_refuses_and_can_be_closed_again(case: Case) -> None:
    run_id = case.store.begin_run(Run())
    case.close()
    case.close()
    with pytest.raises(StoreBusy):
        case.store.record(run_id, [accepted()])
    with pytest.raises(StoreBusy):
        case.store.commit(run_id, [accepted()])
