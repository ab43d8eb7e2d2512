"""Old trays by other thresholds, and the thread that looks at their kept pictures once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from edge_agent.checking.eagerness import shifted
from edge_agent.checking.looked_again import changes, effect
from edge_agent.domain.detection import Detection
from edge_agent.domain.events import OrderAccepted, VerdictReached
from edge_agent.domain.looked_again import LookedAgain
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order
from edge_agent.domain.record import Audit, AuditAnswer, DrawnAs, Run, StaffRole
from edge_agent.domain.voting import ClassThresholds, Thresholds
from edge_agent.errors import DetectorError
from edge_agent.ports import Evidence
from edge_agent.runtime.second_look import SecondLooks
from tests.builders import menu, order, seen
from tests.fakes_api import StoredPictures
from tests.fakes_store import FakeClock, MemoryStore
from tests.store_builders import left, raised, reached

MENU = menu("plate", "drink")
THRESHOLDS = Thresholds(default=ClassThresholds(0.5, 0.2))
WAIT_S = 20.0


def tray(number: int, *things: Detection, truth: VerdictKind | None = None) -> LookedAgain:
    wants = order(f"A-{number}", "plate")
    return LookedAgain(check_id=number, recorded_at="2026-01-31T12:00:00Z", orders=(wants,), seen=things, truth=truth)


SURE = tray(1, seen("plate", 60), truth=VerdictKind.MATCH)
DOUBTFUL = tray(2, seen("plate", 60), seen("drink", 200, score=0.35), truth=VerdictKind.MATCH)
WRONG = tray(3, seen("drink", 200), truth=VerdictKind.MISMATCH)
TRAYS = [SURE, DOUBTFUL, WRONG]


def test_the_effect_counts_verdicts_and_what_audits_say_of_them() -> None:
    found = effect(MENU, TRAYS, THRESHOLDS)
    assert (found.verdicts, found.trays) == (
        {VerdictKind.MATCH: 1, VerdictKind.UNSURE: 1, VerdictKind.MISMATCH: 1},
        3,
    )
    assert (found.right, found.false_alarms, found.wrong, found.caught) == (2, 0, 1, 1)
    eager = effect(MENU, TRAYS, shifted(THRESHOLDS, 3))
    assert (eager.false_alarms, eager.caught) == (1, 1)


def test_only_trays_of_which_something_else_would_be_said_are_told() -> None:
    found = changes(MENU, TRAYS, THRESHOLDS, shifted(THRESHOLDS, 3))
    assert [(each.tray.check_id, each.before.kind, each.after.kind) for each in found] == [
        (2, VerdictKind.UNSURE, VerdictKind.MISMATCH)
    ]


class Kitchen:
    """A store with trays, and a second look whose detector sees a plate on every picture."""

    def __init__(self) -> None:
        self.store = MemoryStore(clock=FakeClock())
        self.run = self.store.begin_run(Run())
        self.looked: list[bytes] = []
        self.fails = False

    def tray(self, name: str, wants: Order | None, *kinds: VerdictKind, pictures: Sequence[int] = (0,)) -> None:
        """A tray with these verdicts one after the other, of which those have a picture; then it leaves."""
        if wants is not None:
            self.store.commit(self.run, [OrderAccepted(at_s=0.0, order=wants)])
        last: VerdictReached | None = None
        for number, kind in enumerate(kinds or (VerdictKind.MATCH,)):
            last = reached(name, at_s=2.0 + number, kind=kind, orders=() if wants is None else (wants.key,))
            jpeg = f"{name} {number}".encode()
            evidence = [Evidence(session_id=name, at_s=last.at_s, jpeg=jpeg)] if number in pictures else []
            self.store.commit(self.run, [last], evidence=evidence)
            if kind is VerdictKind.MISMATCH and number == 0:
                self.store.commit(self.run, [raised(f"{name}-alert", session_id=name)])
        assert last is not None
        self.store.commit(self.run, [left(last)])

    def look(self, jpeg: bytes) -> tuple[Detection, ...]:
        if self.fails:
            raise DetectorError("the model failed")
        self.looked.append(jpeg)
        return (seen("plate"),)

    def second(self) -> SecondLooks:
        return SecondLooks(history=self.store, pictures=StoredPictures(self.store), look=self.look, pause_s=0.0)


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


def test_the_kept_picture_of_each_tray_is_looked_at_once(kitchen: Kitchen) -> None:
    kitchen.tray("one", order("A-1", "plate"))
    kitchen.tray("two", order("A-2", "plate"))
    with kitchen.second() as looks:
        looks.begin()
        assert looks.wait(WAIT_S)
        report = looks.report()
        assert [each.orders[0].order_id for each in report.trays] == ["A-2", "A-1"]
        assert (report.done, report.of, report.is_over, report.problem) == (2, 2, True, "")
        looks.begin()
        assert looks.wait(WAIT_S)
    assert kitchen.looked == [b"two 0", b"one 0"]


def test_trays_that_cannot_be_judged_by_themselves_are_left_out(kitchen: Kitchen) -> None:
    kitchen.tray("nobodys", None)
    kitchen.tray("test", order("T-1", "plate", test=True))
    kitchen.tray("part", order("P-1", "plate", parts=2))
    with kitchen.second() as looks:
        looks.begin()
        assert looks.wait(WAIT_S)
        assert (looks.report().of, looks.report().trays) == (0, ())


def test_a_tray_with_an_alert_is_looked_at_as_it_was_then(kitchen: Kitchen) -> None:
    """By its last check it was put right: that would hide what the slider does to alarms."""
    kitchen.tray("alarmed", order("A-1", "plate"), VerdictKind.MISMATCH, VerdictKind.MATCH, pictures=(0, 1))
    with kitchen.second() as looks:
        looks.begin()
        assert looks.wait(WAIT_S)
    assert kitchen.looked == [b"alarmed 0"]


def test_a_check_without_a_picture_takes_the_one_before_and_a_tray_without_any_is_counted(kitchen: Kitchen) -> None:
    kitchen.tray("late", order("A-1", "plate"), VerdictKind.UNSURE, VerdictKind.MATCH, pictures=(0,))
    kitchen.tray("none", order("A-2", "plate"), pictures=())
    with kitchen.second() as looks:
        looks.begin()
        assert looks.wait(WAIT_S)
        assert (looks.report().without_picture, looks.report().of) == (1, 2)
    assert kitchen.looked == [b"late 0"]


def test_what_an_audit_found_of_the_very_check_is_the_truth(kitchen: Kitchen) -> None:
    kitchen.tray("one", order("A-1", "plate"))
    (check,) = kitchen.store.checks(limit=1)
    audit = Audit(
        run_id=kitchen.run,
        session_id="one",
        role=StaffRole.MANAGER,
        answer=AuditAnswer.TOLD,
        contents={"plate": 1},
        check_id=check.check_id,
        drawn=DrawnAs.RANDOM,
        found=VerdictKind.MATCH,
    )
    kitchen.store.audit(replace(audit))
    with kitchen.second() as looks:
        looks.begin()
        assert looks.wait(WAIT_S)
        assert [each.truth for each in looks.report().trays] == [VerdictKind.MATCH]


def test_a_detector_that_fails_ends_the_look_with_a_sentence(kitchen: Kitchen) -> None:
    kitchen.tray("one", order("A-1", "plate"))
    kitchen.fails = True
    with kitchen.second() as looks:
        looks.begin()
        assert looks.wait(WAIT_S)
        assert looks.report().problem == "the model failed"
        kitchen.fails = False
        looks.begin()
        assert looks.wait(WAIT_S)
        assert len(looks.report().trays) == 1


def test_nothing_begins_once_the_agent_ends(kitchen: Kitchen) -> None:
    kitchen.tray("one", order("A-1", "plate"))
    looks = kitchen.second()
    looks.close()
    looks.begin()
    assert looks.report().is_running is False
    assert kitchen.looked == []
