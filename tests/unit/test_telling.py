"""Telling people over MQTT: nothing of the outbox is lost, whatever the broker does; what is beside it is bounded."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import (
    AlertResolved,
    OrderMoved,
    SessionResumed,
    SessionStarted,
    TraySettled,
)
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import OrderState
from edge_agent.domain.record import Run, StaffRole
from edge_agent.domain.tray import SessionState
from edge_agent.errors import BadInput, BrokerLost, BrokerRefused, Conflict, StoreBusy, StoreError, Unknown
from edge_agent.formats.mqtt_messages import (
    ANSWERS,
    MAX_ANSWER_BYTES,
    Topics,
    alert_payload,
    read_answer,
)
from edge_agent.ports import AlertNews, Message, SlotStatus, StationStatus
from edge_agent.runtime.answer_desk import MOST_WAITING, AnswerDesk
from edge_agent.runtime.backoff import Backoff
from edge_agent.runtime.conversation import Conversation, Pace, Said
from edge_agent.runtime.inbox import MOST_MESSAGES, Inbox
from edge_agent.runtime.station_board import MOST_CHECKS, StationBoard
from edge_agent.runtime.telling import Bell, Teller, TellingPlan
from tests.fakes_mqtt import DEADLINE_S, FakeAlerts, FakeBroker
from tests.fakes_store import FakeClock, MemoryStore
from tests.store_builders import MISSING_LINE, key, left, raised, reached

TOPICS = Topics("r1")
TELLING = Run(slots={"left": "pass", "right": "drive"}, tells=True)


@dataclass(slots=True)
class FailingOutbox:
    """An `Outbox` before a store in memory; the next calls of a method fail as `failures` says."""

    store: MemoryStore
    failures: dict[str, list[StoreError]] = field(default_factory=dict)

    def _maybe_fail(self, name: str) -> None:
        if waiting := self.failures.get(name):
            raise waiting.pop(0)

    def pending(self, limit: int) -> tuple[AlertNews, ...]:
        self._maybe_fail("pending")
        return self.store.pending(limit)

    def waiting(self) -> int:
        self._maybe_fail("waiting")
        return self.store.waiting()

    def after(self, seq: int, *, limit: int) -> tuple[AlertNews, ...]:
        return self.store.after(seq, limit=limit)

    def standing(self) -> tuple[AlertNews, ...]:
        self._maybe_fail("standing")
        return self.store.standing()

    def told(self, told_id: str) -> AlertNews | None:
        return self.store.told(told_id)

    def last_seq(self) -> int:
        return self.store.last_seq()

    def delivered(self, seqs: Sequence[int]) -> None:
        self._maybe_fail("delivered")
        self.store.delivered(seqs)


class House:
    """An outbox, a board and a broker around one conversation, without any thread but the answer desk's."""

    def __init__(self, desk: AnswerDesk, *, pace: Pace | None = None, shadow: bool = False) -> None:
        self.clock = FakeClock()
        self.bell = Bell()
        self.store = MemoryStore(clock=self.clock, on_told=self.bell.ring_told)
        self.run_id = self.store.begin_run(TELLING)
        self.store.commit(self.run_id, [SessionStarted(at_s=0.0, slot_id="left", session_id="left-0001")])
        self.outbox = FailingOutbox(self.store)
        self.board = StationBoard(
            topics=TOPICS, stations=("pass", "drive"), shadow=shadow, clock=self.clock, changed=self.bell.ring
        )
        self.said = Said(topics=TOPICS, outbox=self.outbox, board=self.board, answers=desk, clock=self.clock)
        self.pace = pace or Pace()
        self.broker = FakeBroker()

    def raise_alert(self, *names: str) -> None:
        self.store.commit(self.run_id, [raised(name) for name in names])

    def resolve_alert(self, *names: str) -> None:
        ended = [AlertResolved(at_s=1.0, alert_id=name, resolution=Resolution.FIXED) for name in names]
        self.store.commit(self.run_id, ended)

    def connect(self) -> Conversation:
        inbox = Inbox(changed=self.bell.ring)
        talk = Conversation(
            link=self.broker.connect(inbox), inbox=inbox, said=self.said, pace=self.pace, since_s=self.clock.monotonic
        )
        talk.greet()
        return talk

    def feed(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.broker.payloads(TOPICS.alert_feed)]

    def seqs(self) -> list[int]:
        return [said["seq"] for said in self.feed()]

    def kept_alerts(self) -> list[str]:
        return sorted(topic for topic in self.broker.kept if "/alerts/" in topic)


@pytest.fixture
def alerts() -> FakeAlerts:
    return FakeAlerts()


@pytest.fixture
def desk(alerts: FakeAlerts) -> Iterator[AnswerDesk]:
    with AnswerDesk(alerts=alerts) as opened:
        yield opened


@pytest.fixture
def house(desk: AnswerDesk) -> House:
    return House(desk)


def step(talk: Conversation, times: int = 5) -> float:
    wait_s = 0.0
    for _ in range(times):
        wait_s = talk.step()
    return wait_s


# One conversation


def test_on_connecting_the_agent_is_online_and_open_alerts_are_there_again(house: House) -> None:
    house.raise_alert("a1", "a2")
    house.store.delivered([1, 2])
    house.connect()
    assert house.broker.link.subscribed == [TOPICS.every_answer, TOPICS.every_alert]
    assert house.broker.arrived[0] == Message(topic="edge-agent/r1/status", payload=b"online", retained=True)
    assert house.kept_alerts() == [TOPICS.alert("a1"), TOPICS.alert("a2")]
    assert house.feed() == [], "the feed has them already"


def test_an_alert_goes_to_its_own_topic_and_to_the_feed_and_is_delivered(house: House) -> None:
    talk = house.connect()
    house.raise_alert("a1")
    talk.tell()
    step(talk)
    assert house.store.waiting() == 0
    (said,) = house.feed()
    assert json.loads(house.broker.kept[TOPICS.alert("a1")]) == said
    assert (said["id"], said["seq"], said["step"], said["station"], said["sounds"]) == ("a1", 1, "raised", "pass", True)


def test_an_alert_that_ended_is_taken_back_and_told_in_the_feed(house: House) -> None:
    talk = house.connect()
    house.raise_alert("a1")
    step(talk)
    house.resolve_alert("a1")
    talk.tell()
    step(talk)
    assert house.kept_alerts() == []
    assert [(said["seq"], said["step"], said["resolution"]) for said in house.feed()] == [
        (1, "raised", None),
        (2, "resolved", "fixed"),
    ]


def test_nothing_is_delivered_before_the_broker_acknowledged_both_messages(house: House) -> None:
    house.broker.acknowledges = False
    talk = house.connect()
    house.raise_alert("a1")
    step(talk)
    house.broker.link.acknowledge(2)  # of `online` and of the alert's own topic
    step(talk)
    assert house.store.waiting() == 1
    house.broker.link.acknowledge()
    step(talk)
    assert house.store.waiting() == 0


def test_what_was_in_flight_when_the_connection_broke_is_told_again_in_its_order(house: House) -> None:
    house.broker.acknowledges = False
    talk = house.connect()
    house.raise_alert("a1", "a2", "a3")
    step(talk)
    house.broker.link.acknowledge(3)  # `online` and a1
    house.broker.link.break_off()
    with pytest.raises(BrokerLost):
        talk.step()
    assert [news.seq for news in house.store.pending(9)] == [2, 3], "what was acknowledged before the break counts"
    house.broker.acknowledges = True
    step(house.connect())
    assert house.seqs() == [1, 2, 3, 2, 3]
    assert house.store.waiting() == 0


def test_no_more_is_in_flight_than_allowed_and_all_of_it_comes(desk: AnswerDesk) -> None:
    house = House(desk, pace=Pace(most_in_flight=3))
    house.broker.acknowledges = False
    talk = house.connect()
    house.raise_alert(*(f"a{n}" for n in range(10)))
    step(talk)
    assert house.seqs() == [1, 2, 3]
    while house.store.waiting():
        house.broker.link.acknowledge(1)
        step(talk, 1)
    assert house.seqs() == list(range(1, 11))


def test_an_alert_that_ended_while_the_broker_was_away_rings_no_bell(house: House) -> None:
    """Its light would go on for a moment, at three in the morning."""
    house.raise_alert("a1")
    house.resolve_alert("a1")
    step(house.connect())
    assert house.broker.payloads(TOPICS.alert("a1")) == [b"", b""]
    assert [(said["step"], said["sounds"], said["resolution"]) for said in house.feed()] == [
        ("raised", False, "fixed"),
        ("resolved", False, "fixed"),
    ]


@pytest.mark.parametrize(("delay_s", "late"), [(0.0, False), (10.0, False), (10.1, True), (-3600.0, False)])
def test_what_comes_too_late_to_act_on_says_so_and_does_not_sound(house: House, delay_s: float, late: bool) -> None:
    house.raise_alert("a1")
    (news,) = house.store.pending(1)
    said = json.loads(alert_payload(news, now=house.clock.now + timedelta(seconds=delay_s)))
    assert (said["late"], said["sounds"], said["leaving"]) == (late, not late, False)


def test_a_broker_that_forgot_everything_is_told_everything_again(house: House) -> None:
    """Mosquitto without persistence, after a restart."""
    talk = house.connect()
    house.raise_alert("a1")
    house.board.announce("pass", StationStatus(station_id="pass", camera="online", can_decide=True))
    step(talk)
    before = dict(house.broker.kept)
    house.broker.link.break_off()
    house.broker.forget()
    step(house.connect())
    assert before.keys() == house.broker.kept.keys()
    assert house.seqs() == [1]


def test_a_broker_that_comes_back_with_old_alerts_is_swept(house: House) -> None:
    """Mosquitto saves what it retains every half hour: after a power cut it has alerts that ended long ago."""
    house.raise_alert("a1")
    house.broker.kept = {TOPICS.alert("gone"): b"{}", TOPICS.alert("a1"): b"{}"}
    step(house.connect())
    assert house.kept_alerts() == [TOPICS.alert("a1")]


def test_what_comes_live_to_an_alerts_topic_is_our_own_and_left(house: House) -> None:
    talk = house.connect()
    house.broker.link.say(TOPICS.alert("x"), b"{}")
    house.broker.link.say(TOPICS.alert("x"), b"", retained=True)
    house.broker.link.say("something/else", b"{}", retained=True)
    step(talk)
    assert house.broker.payloads(TOPICS.alert("x")) == []


def test_a_broker_that_acknowledges_nothing_counts_as_gone(house: House) -> None:
    house.broker.acknowledges = False
    talk = house.connect()
    wait_s = step(talk)
    assert 0 < wait_s <= Pace().acknowledge_s
    house.clock.advance(wait_s)
    with pytest.raises(BrokerLost, match="acknowledged nothing for 20 s"):
        talk.step()


def test_a_mark_that_the_database_refuses_is_tried_again_and_nothing_is_told_twice(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.outbox.failures["delivered"] = [StoreBusy("busy"), StoreError("disk")]
    talk = house.connect()
    house.raise_alert("a1")
    with caplog.at_level(logging.DEBUG):
        step(talk)
        for _ in range(2):
            assert house.store.waiting() == 1
            house.clock.advance(step(talk))
            step(talk)
    assert house.store.waiting() == 0
    assert house.seqs() == [1]
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG"]


def test_an_outbox_that_cannot_be_read_is_asked_again(house: House) -> None:
    house.outbox.failures["pending"] = [StoreError("disk")]
    talk = house.connect()
    house.raise_alert("a1")
    house.clock.advance(step(talk))
    step(talk)
    assert house.seqs() == [1]


def test_figures_come_every_minute_with_what_waits(house: House) -> None:
    talk = house.connect()
    final = reached(kind=VerdictKind.MATCH)
    house.board.announce("pass", left(final))
    assert step(talk) == 60
    house.clock.advance(60)
    step(talk)
    house.outbox.failures["waiting"] = [StoreError("disk")]
    house.clock.advance(60)
    step(talk)
    first, second = (json.loads(payload) for payload in house.broker.payloads(TOPICS.stats))
    assert (first["uptime_s"], first["outbox_pending"], second["outbox_pending"]) == (60, 0, -1)
    assert first["stations"]["pass"] == {"camera": None, "trays": 1, "match": 1, "mismatch": 0, "unsure": 0}


def test_a_farewell_says_offline(house: House) -> None:
    talk = house.connect()
    talk.farewell()
    assert house.broker.kept[TOPICS.status] == b"offline"


# The board


def words(house: House, station: str = "pass") -> list[str]:
    return [payload.decode() for payload in house.broker.payloads(TOPICS.state(station))]


def test_a_station_is_idle_then_settling_then_what_came_of_it(house: House) -> None:
    talk = house.connect()
    verdict = reached()
    for event in (
        SessionStarted(at_s=1.0, slot_id="left", session_id="left-0001"),
        TraySettled(at_s=2.0, session_id="left-0001", still_since_s=1.5),
        verdict,
        left(verdict),
        SessionResumed(at_s=3.0, session_id="left-0001"),
        OrderMoved(at_s=3.0, key=key(), state=OrderState.OPEN),
    ):
        step(talk)
        house.board.announce("pass", event)
    step(talk)
    assert words(house) == ["idle", "settling", "mismatch", "idle", "settling"]
    assert words(house, "drive") == ["idle"]


def test_the_word_of_a_station_is_the_loudest_of_its_slots(house: House) -> None:
    talk = house.connect()
    for slot, kind in (("left", VerdictKind.MATCH), ("right", VerdictKind.UNSURE), ("third", VerdictKind.MISMATCH)):
        house.board.announce("pass", replace(reached(f"{slot}-1", kind=kind), slot_id=slot))
        step(talk)
    assert words(house) == ["match", "unsure", "mismatch"]


def test_the_newest_word_wins_while_the_broker_is_away(house: House) -> None:
    for kind in (VerdictKind.UNSURE, VerdictKind.MISMATCH, VerdictKind.MATCH):
        house.board.announce("pass", reached(kind=kind))
    step(house.connect())
    assert words(house) == ["match"]


def test_a_status_says_how_the_camera_does_and_sets_the_slots_right(house: House) -> None:
    talk = house.connect()
    house.board.announce("pass", reached())
    slots = (
        SlotStatus(slot_id="left"),
        SlotStatus(slot_id="right", session_id="r-1", state=SessionState.ARRIVING),
        SlotStatus(slot_id="third", session_id="t-1", state=SessionState.LEFT, reached=reached()),
    )
    for camera in ("online", "online", "frozen"):
        house.board.announce("pass", StationStatus(station_id="pass", camera=camera, can_decide=True, slots=slots))
        step(talk)
    assert words(house) == ["settling"]
    assert house.broker.payloads(TOPICS.camera("pass")) == [b"online", b"frozen"]


def test_the_end_of_a_tray_does_not_clear_the_next_one(house: House) -> None:
    talk = house.connect()
    house.board.announce("pass", reached("left-0002"))
    house.board.announce("pass", left(reached("left-0001", kind=VerdictKind.MATCH)))
    step(talk)
    assert words(house) == ["mismatch"]


def test_checks_are_told_and_the_last_of_a_tray_is_final(house: House) -> None:
    talk = house.connect()
    verdict = reached()
    house.board.announce("pass", verdict)
    house.board.announce("pass", left(verdict))
    house.board.announce("pass", reached(kind=VerdictKind.MATCH, late=True))
    step(talk)
    said = [json.loads(payload) for payload in house.broker.payloads(TOPICS.checks("pass"))]
    assert [(one["verdict"], one["final"], one["late"]) for one in said] == [
        ("mismatch", False, False),
        ("mismatch", True, False),
        ("match", True, True),
    ]
    assert words(house) == ["idle"], "a late verdict is about a tray that has left"
    assert (said[0]["id"], said[0]["orders"][0]["order_id"], said[0]["station"]) == ("left-0001", "A-1", "pass")


def test_in_shadow_mode_no_verdict_goes_out_and_old_words_are_taken_back(desk: AnswerDesk) -> None:
    house = House(desk, shadow=True)
    house.broker.kept = {TOPICS.state("pass"): b"mismatch"}
    talk = house.connect()
    house.board.announce("pass", reached())
    house.board.announce("pass", StationStatus(station_id="pass", camera="online", can_decide=True, shadow=True))
    step(talk)
    assert house.broker.kept == {TOPICS.status: b"online", TOPICS.camera("pass"): b"online"}
    assert house.broker.payloads(TOPICS.checks("pass")) == []


def test_what_waits_beside_the_alerts_is_bounded_and_the_oldest_checks_are_dropped(house: House) -> None:
    for n in range(MOST_CHECKS + 50):
        house.board.announce("pass", reached(f"left-{n:04d}"))
    talk = house.connect()
    step(talk, 50)
    said = [json.loads(payload)["id"] for payload in house.broker.payloads(TOPICS.checks("pass"))]
    assert said == [f"left-{n:04d}" for n in range(50, MOST_CHECKS + 50)]


def test_a_flood_of_checks_leaves_room_for_alerts(house: House) -> None:
    house.broker.acknowledges = False
    for n in range(MOST_CHECKS):
        house.board.announce("pass", reached(f"left-{n:04d}"))
    talk = house.connect()
    step(talk)
    assert len(house.broker.arrived) == Pace().most_beside
    house.raise_alert("a1")
    talk.tell()
    step(talk)
    assert house.seqs() == [1]


def test_what_is_said_of_a_station_that_is_not_known_goes_nowhere(house: House) -> None:
    house.board.announce("elsewhere/#", reached())
    step(house.connect())
    assert {message.topic for message in house.broker.arrived} == {
        TOPICS.status,
        TOPICS.state("pass"),
        TOPICS.state("drive"),
    }


# Answers


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("form", ["{}", " {}\n", '{{"resolution": "{}"}}'])
def test_a_button_answers_by_a_word_or_by_json(house: House, alerts: FakeAlerts, answer: Resolution, form: str) -> None:
    talk = house.connect()
    house.broker.link.say(TOPICS.answer("a1"), form.format(answer.value).encode())
    step(talk)
    assert alerts.answered.acquire(timeout=DEADLINE_S)
    assert alerts.answers == [("a1", answer, StaffRole.CREW)]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"tray_left",
        b"superseded",
        b"FIXED",
        b"[]",
        b"{",
        b"{}",
        b'{"resolution": ["fixed"]}',
        b'{"resolution": "fixed", "more": 1}',
        b'{"reason": "fixed"}',
        b"\xff\xfe",
        b'"fixed"',
        b"fixed" + b" " * MAX_ANSWER_BYTES,
        b'{"a":' * 40,
    ],
)
def test_what_is_no_answer_is_refused_and_not_repeated_in_the_log(
    house: House, alerts: FakeAlerts, caplog: pytest.LogCaptureFixture, payload: bytes
) -> None:
    talk = house.connect()
    house.broker.link.say(TOPICS.answer("a1"), payload)
    step(talk)
    assert alerts.answers == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@given(st.binary(max_size=300))
def test_no_payload_does_more_than_be_refused(payload: bytes) -> None:
    with suppress(BadInput):
        assert read_answer(payload) in ANSWERS


@pytest.mark.parametrize("told_id", ["", "a/b", "a b", "x" * 201, "\N{FRENCH FRIES}"])
def test_an_answer_to_what_can_be_no_alert_goes_nowhere(house: House, alerts: FakeAlerts, told_id: str) -> None:
    talk = house.connect()
    house.broker.link.say(f"{TOPICS.base}/alerts/{told_id}/set", b"fixed")
    step(talk)
    assert alerts.answers == []


def test_an_answer_that_the_broker_kept_is_not_taken(house: House, alerts: FakeAlerts) -> None:
    talk = house.connect()
    house.broker.link.say(TOPICS.answer("a1"), b"fixed", retained=True)
    step(talk)
    assert alerts.answers == []


@pytest.mark.parametrize("refusal", [Unknown("no"), Conflict("no"), StoreBusy("no"), ZeroDivisionError()])
def test_an_answer_that_is_refused_is_logged_and_the_next_is_taken(
    refusal: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    alerts = FakeAlerts(refusal=refusal)
    with AnswerDesk(alerts=alerts) as desk:
        for _ in range(2):
            desk.answer("a1", Resolution.FIXED)
            assert alerts.answered.acquire(timeout=DEADLINE_S)
    assert len(caplog.records) == 2


def test_more_answers_than_people_can_give_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    alerts = FakeAlerts()
    desk = AnswerDesk(alerts=alerts)
    for _ in range(MOST_WAITING + 1):
        desk.answer("a1", Resolution.FIXED)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    desk._waiting.get_nowait()
    with desk:
        pass
    assert len(alerts.answers) == MOST_WAITING - 1


def test_a_flood_of_messages_is_bounded() -> None:
    inbox = Inbox(changed=lambda: None)
    for n in range(MOST_MESSAGES + 10):
        inbox.received(Message(topic=str(n), payload=b""))
    heard = inbox.take()
    assert (len(heard.messages), heard.messages[0].topic) == (MOST_MESSAGES, "10")
    assert inbox.take().messages == ()


# The thread


class Waits:
    """Notes the waits after failures, and waits not."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __call__(self, stop: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return stop.is_set()


@contextmanager
def telling(house: House, waits: Callable[[threading.Event, float], bool] | None = None) -> Iterator[Teller]:
    plan = TellingPlan(
        broker=house.broker,
        said=house.said,
        pace=house.pace,
        make_backoff=lambda: Backoff(first_s=1, longest_s=8, draw=lambda: 1.0),
        wait=waits or Waits(),
    )
    with ExitStack() as stack:
        stack.callback(house.broker.refusals.clear)
        yield stack.enter_context(Teller(plan, bell=house.bell))


def test_an_alert_is_told_as_soon_as_it_is_committed(house: House) -> None:
    with telling(house) as teller:
        house.broker.until(lambda: bool(house.broker.links))
        house.raise_alert("a1")
        house.broker.until(lambda: TOPICS.alert_feed in [message.topic for message in house.broker.arrived])
        report, lived = teller.report(), teller.is_alive
    assert house.store.waiting() == 0
    assert house.broker.kept[TOPICS.status] == b"offline"
    assert (lived, teller.is_alive) == (True, False)
    assert (report.connected, teller.report().connected) == (True, False)


def test_alerts_wait_for_a_broker_that_is_not_there_and_all_come_in_order(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that is away for a night must not fill the journal."""
    house.broker.refusals = [BrokerLost("not there")] * 5
    waits = Waits()
    house.raise_alert("a1", "a2", "a3")
    with caplog.at_level(logging.DEBUG, "edge_agent"), telling(house, waits):
        house.broker.until(lambda: house.broker.kept.keys() >= {TOPICS.alert(f"a{n}") for n in (1, 2, 3)})
    assert waits.waits == [1, 2, 4, 8, 8]
    assert house.seqs() == [1, 2, 3]
    said = [record.levelname for record in caplog.records]
    assert said == ["WARNING", "DEBUG", "DEBUG", "DEBUG", "DEBUG", "INFO"]


def test_each_reason_is_said_aloud_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.broker.refusals = [BrokerLost("not there"), BrokerRefused("password"), BrokerLost("not there")] * 2
    with caplog.at_level(logging.WARNING, "edge_agent"), telling(house):
        house.broker.until(lambda: bool(house.broker.links))
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "the MQTT broker: not there",
        "the MQTT broker: password",
    ]


def test_a_broker_that_throws_out_at_once_gets_longer_waits(house: House) -> None:
    waits = Waits()
    with telling(house, waits):
        for number in range(1, 5):
            house.broker.until(lambda number=number: len(house.broker.links) == number)  # type: ignore[misc]
            house.broker.link.break_off()
        house.broker.until(lambda: len(house.broker.links) == 5)
    assert waits.waits == [1, 2, 4, 8]


def test_a_connection_that_lasted_makes_the_next_failure_a_first_one(house: House) -> None:
    waits = Waits()
    with telling(house, waits):
        for number in range(1, 4):
            house.broker.until(lambda number=number: len(house.broker.links) == number)  # type: ignore[misc]
            house.clock.advance(9)
            house.broker.link.break_off()
        house.broker.until(lambda: len(house.broker.links) == 4)
    assert waits.waits == [1, 1, 1]


def test_a_report_says_why_nothing_is_told_and_what_waits(house: House) -> None:
    gate = threading.Event()
    tried = threading.Event()

    def wait(stop: threading.Event, _: float) -> bool:
        tried.set()
        gate.wait(DEADLINE_S)
        return stop.is_set()

    house.broker.refusals = [BrokerRefused("the password is wrong")] * 9
    house.raise_alert("a1")
    with telling(house, wait) as teller:
        assert tried.wait(DEADLINE_S)
        report = teller.report()
        house.outbox.failures["waiting"] = [StoreError("disk")]
        assert teller.report().pending is None
        gate.set()
    assert (report.connected, report.problem, report.pending) == (False, "the password is wrong", 1)


def test_a_store_that_fails_on_connecting_is_no_end(house: House) -> None:
    house.outbox.failures["standing"] = [StoreError("disk")]
    house.raise_alert("a1")
    with telling(house):
        house.broker.until(lambda: TOPICS.alert("a1") in house.broker.kept)
    assert len(house.broker.links) == 2


# The form


def test_the_feed_says_what_the_http_api_says_of_an_alert(house: House) -> None:
    """One reader for both: what MQTT has more of is listed here."""
    from edge_agent.api.answers.checks import AlertOut

    house.raise_alert("a1")
    (news,) = house.store.pending(1)
    said = json.loads(alert_payload(news, now=datetime(2026, 1, 31, 12, tzinfo=timezone.utc)))
    api = AlertOut.of(news).model_dump(mode="json")
    assert said.keys() - api.keys() == {"schema", "sent_at", "text", "leaving"}
    assert {name: said[name] for name in api} == api
    assert said["text"] == f"{MISSING_LINE.name} missing"
