"""A tray that came wrong and was put right before it left counts once: as the wrong order that it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.checking.scoring import Outcome
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.voting import Thresholds
from edge_agent.evaluation.replay import Replayed, TrayLog
from edge_agent.evaluation.report import write_replay_report
from edge_agent.evaluation.report_page import Used
from edge_agent.formats.recordings import EarlierContents, TrayTruth, open_recording
from tests.builders_replay import Shown, order, replayed

ORDER = order("A-1", "plate", "fries", "cola")
LACKING, FULL = {"plate": 1, "cola": 1}, {"plate": 1, "fries": 1, "cola": 1}


def truth(*, until_s: float | None = 4.0, was: dict[str, int] | None = None) -> TrayTruth:
    earlier = None if until_s is None else EarlierContents(until_s=until_s, contents=was or LACKING)
    return TrayTruth(order_id="A-1", tray_id="t", enter_s=1.0, leave_s=8.0, contents=FULL, was=earlier)


def put_right(true: TrayTruth, *, first: dict[str, int] | None = None) -> Replayed:
    """A tray without fries until 4 s, then with them."""
    return replayed([Shown(1.0, 4.0, first or LACKING), Shown(4.0, 8.0, FULL)], [ORDER], [true])


def test_an_alert_that_was_right_is_no_false_alarm_when_the_tray_is_put_right() -> None:
    """The point of the whole agent must not be scored as its mistake."""
    done = put_right(truth())
    (tray,) = done.trays
    assert tray.alerts
    assert tray.verdict is VerdictKind.MATCH
    assert done.scores.wrong == {Outcome.CAUGHT: 1}
    assert not done.scores.right.total()


def test_the_report_says_when_it_was_put_right(tmp_path: Path) -> None:
    """Else it would name fries as missing that it lists among what lies there."""
    used = Used(
        pack_name="x", pack_version="1", pack_sha256="a" * 64, menu_name="m", provider="cpu", thresholds=Thresholds()
    )  # fmt: skip
    page = write_replay_report(tmp_path, put_right(truth()), {}, used=used).read_text()
    assert "Fries missing, put right at 4.0 s" in page


def test_without_the_word_that_it_was_put_right_the_alert_was_a_false_alarm() -> None:
    assert put_right(truth(until_s=None)).scores.right == {Outcome.FALSE_ALARM: 1}


def test_a_mistake_that_nobody_was_told_of_escaped_although_it_was_put_right() -> None:
    done = put_right(truth(), first=FULL)
    assert done.scores.wrong == {Outcome.ESCAPED: 1}


def test_a_tray_that_was_never_wrong_counts_as_right_whatever_was_changed() -> None:
    done = put_right(truth(was=FULL), first=FULL)
    assert done.scores.right == {Outcome.MATCH: 1}
    assert not done.scores.wrong.total()


def test_a_tray_that_nobody_saw_is_left_open() -> None:
    assert replayed([], [ORDER], [truth()]).scores.wrong == {Outcome.AMBER: 1}


def test_what_was_reads_from_the_truth_beside_a_recording(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    line = '{"order_id": "A-1", "tray_id": "t", "enter_s": 1.0, "leave_s": 8.0, "contents": {"plate": 1}'
    (tmp_path / "a.truth.jsonl").write_text(line + ', "was": {"until_s": 4.5, "contents": {}}}\n' + line + "}\n")
    first, second = open_recording(tmp_path / "a.mp4").truth
    assert first.was == EarlierContents(until_s=4.5, contents={})
    assert second.was is None


@pytest.mark.parametrize("began_s", [0.0, 5000.0])
def test_a_log_counts_times_from_the_beginning_of_the_recording(began_s: float) -> None:
    """Live, the stream began long before the recording."""
    from edge_agent.domain.alert import Alert
    from edge_agent.domain.association import Association
    from edge_agent.domain.contents import Contents
    from edge_agent.domain.events import AlertRaised, SessionStarted, TrayLeft, TraySettled, VerdictReached
    from edge_agent.domain.matching import Verdict

    log = TrayLog(began_s=began_s)
    reached = VerdictReached(
        at_s=began_s + 3.0, slot_id="slot", session_id="s", still_since_s=began_s + 2.0, orders=(),
        association=Association.NO_ORDER, verdict=Verdict(kind=VerdictKind.UNSURE), contents=Contents(),
    )  # fmt: skip
    alert = Alert(alert_id="a", session_id="s", orders=(), lines=(), raised_at_s=began_s + 4.0)
    log.take(
        [
            SessionStarted(at_s=began_s + 1.0, slot_id="slot", session_id="s"),
            TraySettled(at_s=began_s + 2.5, session_id="s", still_since_s=began_s + 2.0),
            reached,
            AlertRaised(at_s=began_s + 4.0, alert=alert, sounds=True),
            TrayLeft(
                at_s=began_s + 6.0, slot_id="slot", session_id="s", arrived_s=began_s + 1.0, last_seen_s=began_s + 5.5,
                final=reached,
            ),
        ]
    )  # fmt: skip
    tray = log.trays["s"]
    assert (tray.arrived_s, tray.settled_s, tray.first_verdict_s, tray.left_s) == (1.0, 2.0, 3.0, 5.5)
    assert tray.reached is not None
    assert (tray.reached.at_s, tray.reached.still_since_s) == (3.0, 2.0)
    assert tray.alert_lead_s == pytest.approx(1.5)
    assert tray.reached_by(2.9) is None
    assert tray.reached_by(3.0) == tray.reached
