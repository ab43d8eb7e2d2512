"""A replay: the till's messages at their times, every tray beside its truth, the same result every time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.checking.station import Station
from edge_agent.domain.detection import Detection, Observation
from edge_agent.domain.events import Event, OrderAccepted, TrayLeft
from edge_agent.domain.geometry import Polygon
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.evaluation.replay import Replayed, replay, replay_as_json
from edge_agent.formats.recordings import OrderEvent, Recording, TrayTruth
from edge_agent.ports import Frame, FrameSource
from tests.builders import item, menu, order, seen
from tests.fakes import ScriptedDetector
from tests.videos import write_video

OF = menu("plate", "bread")
FULL = (seen("plate", 80, 80), seen("bread", 180, 80))
SCRIPT: Sequence[Sequence[Detection]] = [()] * 10 + [FULL] * 30 + [()] * 10 + [FULL[:1]] * 30 + [()] * 10
"""Nine seconds at ten frames a second: a full tray from 1 to 4 s, one without bread from 5 to 8 s."""


class Frames:
    """A FrameSource of grey frames at these times."""

    def __init__(self, times: Sequence[float]) -> None:
        import numpy as np

        self.times = times
        self.picture = np.zeros((240, 320, 3), dtype=np.uint8)

    def frames(self) -> Iterator[Frame]:
        for at_s in self.times:
            yield Frame(at_s, self.picture)


TENTHS = [n / 10 for n in range(len(SCRIPT))]


def true(order_id: str | None, enter_s: float, leave_s: float, **contents: int) -> TrayTruth:
    return TrayTruth(
        order_id=order_id, tray_id=f"{order_id}-{enter_s}", enter_s=enter_s, leave_s=leave_s, contents=contents
    )


def put(at_s: float, of: Order) -> OrderEvent:
    return OrderEvent(at_s=at_s, order=of)


A, B = order("A", "plate", "bread"), order("B", "plate", "bread")
ORDERS = (put(0.2, A), put(4.5, B))
TRUTH = (true("A", 1.0, 4.0, plate=1, bread=1), true("B", 5.0, 8.0, plate=1))


def run(
    orders: Sequence[OrderEvent] = ORDERS,
    truth: Sequence[TrayTruth] = TRUTH,
    *,
    script: Sequence[Sequence[Detection]] = SCRIPT,
    source: FrameSource | None = None,
    watchers: Sequence[Any] = (),
    of: Menu = OF,
    problem: str | None = None,
) -> Replayed:
    slot = Slot(slot_id="slot", polygon=Polygon.rectangle(0, 0, 320, 240))
    recording = Recording(Path("v.mp4"), tuple(orders), tuple(truth), None, Path("v.truth.jsonl") if truth else None)
    return replay(
        recording,
        source=source or Frames(TENTHS),
        detector=ScriptedDetector(classes=("plate", "bread"), script=script),
        checker=OrderChecker(menu=of, thresholds=Thresholds(), stations=[Station(slots=(slot,))]),
        menu=of,
        provider="fake",
        watchers=watchers,
        problem=lambda: problem,
    )


def said(replayed: Replayed) -> dict[str, Any]:
    """What `replay --json` prints, without what depends on the speed of the machine."""
    told = replay_as_json(replayed)
    return {key: value for key, value in told.items() if key not in ("frames_per_s", "times_real_time")}


def test_every_tray_gets_its_verdict() -> None:
    told = said(run())
    assert [(t["order_id"], t["verdict"], t["association"]) for t in told["trays"]] == [
        ("A", "match", "exact"),
        ("B", "mismatch", "only"),
    ]
    assert told["trays"][1]["lines"] == [
        {"sku": "plate", "expected": 1, "seen": 1, "result": "ok", "reason": ""},
        {"sku": "bread", "expected": 1, "seen": 0, "result": "missing", "reason": ""},
    ]
    assert told["wrong_orders"] == {"n": 1, "caught": 1, "misnamed": 0, "amber": 0, "escaped": 0}
    assert told["right_orders"] == {"n": 1, "match": 1, "amber": 0, "false_alarm": 0}


def test_two_runs_are_equal() -> None:
    """Only so can one say that a change of the model, and not chance, changed a verdict."""
    assert json.dumps(said(run())) == json.dumps(said(run()))


def test_a_real_video_gives_the_same_twice(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", TENTHS)
    first, second = (said(run(source=VideoFileSource(path))) for _ in range(2))
    assert first == second
    assert first["sessions_found"] == 2
    assert first["frames"] == len(TENTHS)


def test_the_keys_are_those_that_are_promised() -> None:
    """Gates and dashboards read them by name."""
    told = replay_as_json(run())
    promised = {
        *("wrong_orders", "right_orders", "rates", "exact_lines", "verdict_latency_s", "alert_lead_s"),
        *("frames_per_s", "provider", "sessions_found", "trays"),
    }
    assert promised <= set(told)
    assert {"order_id", "association", "verdict", "lines", "settled_s", "left_s"} <= set(told["trays"][0])
    assert set(told["trays"][0]["lines"][0]) == {"sku", "expected", "seen", "result", "reason"}
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_every_key_is_described() -> None:
    page = (Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "formats.md").read_text()
    told = replay_as_json(run())
    undescribed = [key for key in (*told, *told["trays"][0]) if f"`{key}`" not in page]
    assert (
        sorted(set(undescribed) - {"session_id", "slot_id", "says", "times_real_time", "video", "frames", "duration_s"})
        == []
    )


@pytest.mark.parametrize(("frames", "answer"), [([0.0, 1.0], []), ([0.0, 1.0, 2.0], ["A"])])
def test_an_order_counts_from_the_first_frame_that_is_not_before_it(frames: list[float], answer: list[str]) -> None:
    heard: list[tuple[float, str]] = []

    class Listener:
        def saw(self, frame: Frame, observation: Observation, events: Sequence[Event]) -> None:
            heard.extend((frame.at_s, e.order.order_id) for e in events if isinstance(e, OrderAccepted))

    done = run([put(1.5, A)], (), source=Frames(frames), script=[()], watchers=[Listener()])
    assert [name for _, name in heard] == answer
    assert [at_s for at_s, _ in heard] == [2.0][: len(answer)]
    assert [o.order_id for o in done.orders] == ["A"], "also what comes after the last frame is taken in"


def test_what_the_till_sends_after_the_last_frame_is_judged_late() -> None:
    """The recording ends with the tray; its order was typed in a few seconds after."""
    done = run([put(14.0, order("B", "plate"))], TRUTH[1:], script=[*SCRIPT[:10], *[()] * 40, *SCRIPT[50:]])
    [tray] = said(done)["trays"]
    assert (tray["order_id"], tray["late"], tray["verdict"]) == ("B", True, "match")


def test_what_happens_after_the_last_frame_can_be_stored_too() -> None:
    """A tray that lies there when the recording ends still leaves, and its last verdict is not lost."""
    closing = run([*ORDERS, put(30.0, order("C", "plate"))], script=SCRIPT[:70], source=Frames(TENTHS[:70])).closing
    assert [type(event) for event in closing if isinstance(event, (TrayLeft, OrderAccepted))] == [
        TrayLeft,
        OrderAccepted,
    ]


def test_every_event_is_seen_once_by_a_watcher_or_at_the_end() -> None:
    heard: list[Event] = []

    class Listener:
        def saw(self, frame: Frame, observation: Observation, events: Sequence[Event]) -> None:
            heard.extend(events)

    done = run(watchers=[Listener()], script=SCRIPT[:70], source=Frames(TENTHS[:70]))
    everything = [*heard, *done.closing]
    assert len([e for e in everything if isinstance(e, TrayLeft)]) == len(done.trays) == 2
    assert len([e for e in everything if isinstance(e, OrderAccepted)]) == 2


def test_a_cancelled_order_waits_for_no_tray() -> None:
    done = run([*ORDERS, OrderEvent(at_s=4.6, cancel="B"), OrderEvent(at_s=4.7, cancel="ghost")], ())
    assert [t["order_id"] for t in said(done)["trays"]] == ["A", None]


def test_a_bumped_order_is_gone() -> None:
    done = run([*ORDERS, OrderEvent(at_s=4.6, ready="B"), OrderEvent(at_s=4.7, ready="ghost")], ())
    assert [t["order_id"] for t in said(done)["trays"]] == ["A", None]


def test_a_lower_revision_is_ignored_and_reported() -> None:
    """Messages overtake each other in the network; the newest snapshot counts, and nobody is left wondering."""
    newer, older = order("A", "plate", "bread", revision=3), order("A", "plate", revision=2)
    told = said(run([put(0.2, newer), put(0.4, older), put(4.5, B)]))
    assert told["orders_ignored"] == [{"at_s": 0.4, "order_id": "A", "revision": 2, "known_revision": 3}]
    assert told["trays"][0]["verdict"] == "match"
    assert told["right_orders"]["match"] == 1


def test_without_truth_there_are_verdicts_and_no_scores() -> None:
    told = said(run(truth=()))
    assert [t["verdict"] for t in told["trays"]] == ["match", "mismatch"]
    assert told["sessions_true"] is None
    assert told["wrong_orders"]["n"] == told["right_orders"]["n"] == told["no_order"]["n"] == 0


def test_without_orders_trays_are_nobodys() -> None:
    told = said(run(orders=()))
    assert [(t["order_id"], t["verdict"]) for t in told["trays"]] == [(None, "unsure")] * 2


def test_a_recording_without_a_frame_is_empty_and_not_an_error() -> None:
    told = said(run(source=Frames([])))
    assert (told["frames"], told["sessions_found"], told["duration_s"]) == (0, 0, 0.0)


def test_what_was_wrong_with_the_source_is_passed_on() -> None:
    assert said(run(problem="it breaks off"))["problem"] == "it breaks off"


def test_trays_after_a_video_broke_off_are_not_held_against_the_checker() -> None:
    """Nobody could see them: a file cut in the middle must not look like a checker that cannot tell."""
    told = said(run(source=Frames(TENTHS[:45]), problem="it breaks off"))
    assert (told["sessions_found"], told["sessions_true"]) == (1, 1)
    assert (told["right_orders"]["n"], told["wrong_orders"]["n"]) == (1, 0)


def test_each_true_tray_goes_to_the_session_that_shares_the_most_time_with_it() -> None:
    """The clocks of whoever labelled and of the checker differ by a second; nobody gets his neighbour's truth."""
    shifted = (true("A", 0.2, 3.4, plate=1, bread=1), true("B", 3.3, 7.0, plate=1))
    done = run(truth=shifted[::-1])
    assert [tray.truth and tray.truth.order_id for tray in done.trays] == ["A", "B"]


def test_a_true_tray_that_nobody_saw_is_amber_and_counts() -> None:
    told = said(run(truth=(*TRUTH, true("A", 8.2, 8.8, plate=1))))
    assert told["wrong_orders"] == {"n": 2, "caught": 1, "misnamed": 0, "amber": 1, "escaped": 0}


def test_a_session_where_no_tray_was_counts_as_nobodys() -> None:
    """A red at a ghost is a red that the crew hears; a score that leaves it out is too good."""
    told = said(run(truth=TRUTH[:1]))
    assert told["no_order"] == {"n": 1, "silent": 0, "false_alarm": 1}


def test_a_tray_without_an_order_is_nobodys() -> None:
    told = said(run(truth=(TRUTH[0], true(None, 5.0, 8.0, plate=1))))
    assert told["no_order"] == {"n": 1, "silent": 0, "false_alarm": 1}


def test_the_trays_of_one_order_add_up_in_the_truth() -> None:
    """Its first tray is not "wrong" because the second is still to come."""
    of_two = order("A", "plate", "plate", "bread", parts=2)
    told = said(run([put(0.2, of_two)], (TRUTH[0], true("A", 5.0, 8.0, plate=1))))
    assert told["wrong_orders"]["n"] == 0
    assert told["right_orders"]["n"] == 2


def test_the_confusion_is_by_class_also_where_the_truth_is_by_sku() -> None:
    of = menu(item("roll", "bread"), "plate")
    told = said(
        run([put(0.2, order("A", "plate", "roll"))], (true("A", 1.0, 4.0, plate=1, roll=1),), of=of, script=SCRIPT[:50])
    )
    assert told["confusion"] == {"bread": {"1->1": 1}, "plate": {"1->1": 1}}


def test_latency_counts_from_when_the_tray_lay_still_and_lead_to_when_it_left() -> None:
    told = said(run())
    assert told["verdict_latency_s"]["p95"] <= 1.0
    [_, wrong] = told["trays"]
    assert wrong["settled_s"] == pytest.approx(5.0, abs=0.11)
    assert wrong["left_s"] == pytest.approx(7.9, abs=0.11)
    [alert] = wrong["alerts"]
    assert told["alert_lead_s"]["p50"] == pytest.approx(wrong["left_s"] - alert["raised_s"], abs=0.01)


def test_times_that_leap_do_not_stop_a_replay() -> None:
    """A recorder that lost its clock writes such files."""
    done = run(source=Frames([0.0, 0.1, 0.1, 0.1, 1e7, 1e7 + 0.1]))
    assert done.frames == 6
