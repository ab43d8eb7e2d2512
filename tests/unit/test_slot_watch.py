"""One slot: is there a tray, does it lie still, is it still the same one?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edge_agent.checking.policy import Policy, StationKind
from edge_agent.checking.slot_watch import SlotWatch
from edge_agent.domain.contents import Doubt
from edge_agent.domain.detection import Detection, Marker
from edge_agent.domain.geometry import Polygon
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from tests.builders import box, observation, seen, tray

MEAL = tray("burger", "fries", "cola")
OTHER = tray("", "", "", "salad", "cake", "soup")


class Watched:
    """A slot of 300 px fed at ten frames a second; remembers what changed, and when."""

    def __init__(self, policy: Policy | None = None) -> None:
        slot = Slot(slot_id="s", polygon=Polygon.rectangle(0, 0, 300, 480))
        self.watch = SlotWatch(slot, policy or Policy(), Thresholds(), frozenset({"hand"}))
        self.frames = 0
        self.changes: list[tuple[float, str]] = []

    def show(self, frames: int, things: Sequence[Detection] = (), marker: str = "") -> Watched:
        markers = [Marker(marker, box(200, 300))] if marker else []
        for _ in range(frames):
            now_s = self.frames / 10
            changed = self.watch.observe(observation(now_s, *things, markers=markers))
            self.changes += [(now_s, change.value) for change in changed]
            self.frames += 1
        return self

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.changes]


def test_the_life_of_a_tray() -> None:
    life = Watched().show(5).show(20, MEAL).show(10)
    assert life.changes == [(0.6, "started"), (1.1, "settled"), (2.8, "left")]
    assert life.watch.arrived_s == pytest.approx(0.5)


@pytest.mark.parametrize(("shift_px", "still"), [(5.9, True), (6.1, False)])
def test_still_is_less_than_two_per_cent_of_the_slot(shift_px: float, still: bool) -> None:
    life = Watched().show(10, MEAL).show(1, tray("burger", "fries", "cola", x=shift_px))
    assert ("moved" not in life.names) is still


def test_a_slow_drift_is_no_rest() -> None:
    """Each step is small; together they are a tray that slides."""
    life = Watched()
    for step in range(30):
        life.show(1, tray("burger", "fries", x=3.0 * step))
    assert "settled" not in life.names


def test_one_item_that_is_moved_does_not_unsettle_the_tray() -> None:
    life = Watched().show(10, MEAL).show(5, [*MEAL[:2], seen("cola", 230, 75)])
    assert life.names == ["started", "settled"]


@pytest.mark.parametrize(("empty", "left"), [(3, False), (4, True)])
def test_gone_is_four_frames_without_anything(empty: int, left: bool) -> None:
    life = Watched().show(10, MEAL).show(empty).show(10, MEAL)
    assert ("left" in life.names) is left


@pytest.mark.parametrize(("away", "resumed"), [(30, True), (31, False)])
def test_back_within_three_seconds_is_the_same_session(away: int, resumed: bool) -> None:
    life = Watched().show(10, MEAL).show(away - 2).show(10, MEAL)
    assert ("resumed" in life.names) is resumed


def test_a_tray_that_never_lay_still_cannot_be_resumed() -> None:
    assert Watched().show(3, MEAL).show(10).show(10, MEAL).names == ["started", "left", "started", "settled"]


def test_every_session_that_starts_also_leaves() -> None:
    """Also one that might have been the old one, and went before it could be told."""
    life = Watched().show(10, MEAL).show(10).show(3, OTHER).show(10)
    assert life.names == ["started", "settled", "left", "started", "left"]


def test_a_hard_cut_is_a_swap() -> None:
    life = Watched().show(10, MEAL).show(10, OTHER)
    assert life.names == ["started", "settled", "moved", "swapped", "settled"]
    assert life.watch.arrived_s == pytest.approx(1.0)
    assert set(life.watch.contents.likely) == {"salad", "cake", "soup"}


def test_a_jump_in_which_something_stays_the_same_is_no_swap() -> None:
    """Nobody exchanges a tray between two frames: the detector changed its mind, or someone bumped the tray hard."""
    life = Watched().show(10, MEAL).show(10, tray("burger", "salad", "cake", x=150))
    assert "swapped" not in life.names


def test_the_same_change_is_a_swap_when_there_was_time_for_it() -> None:
    """The stream stood still for a moment: behind it a tray may well have been exchanged."""
    life = Watched().show(10, MEAL).show(3).show(10, tray("burger", "salad", "cake", x=150))
    assert "swapped" in life.names


def test_a_bumped_tray_keeps_its_votes_and_settles_anew() -> None:
    life = Watched().show(10, MEAL).show(10, tray("burger", "fries", "cola", x=25))
    assert life.names == ["started", "settled", "moved", "settled"]
    assert life.watch.still_since_s == pytest.approx(1.0)


def test_a_name_that_flickers_does_not_move_the_tray() -> None:
    """The detector cannot decide between cola and water; the cup stands where it stands."""
    life = Watched().show(5, [seen("cola")]).show(5, [seen("water")]).show(5, [seen("cola")])
    assert life.names == ["started", "settled"]


def test_markers_stay_with_their_tray() -> None:
    """Read once, a ticket holds for the session and not for the next one."""
    life = Watched().show(3, MEAL, marker="A").show(10, MEAL)
    assert list(life.watch.markers) == ["A"]
    life.show(2, OTHER).show(10, OTHER, marker="B")
    assert list(life.watch.markers) == ["B"]
    life.show(40).show(5, MEAL)
    assert list(life.watch.markers) == []


def test_a_tray_that_comes_back_has_its_marker_still() -> None:
    life = Watched().show(10, MEAL, marker="A").show(10).show(10, MEAL)
    assert life.names[-2:] == ["resumed", "settled"]
    assert list(life.watch.markers) == ["A"]


@pytest.mark.parametrize(("size", "doubt"), [(60, None), (150, Doubt.COVERED)])
def test_a_large_cover_from_the_start_makes_the_view_unclear(size: float, doubt: Doubt | None) -> None:
    """An arm over a tenth of the slot may hide a thing that was never seen; a finger at the rim does not."""
    life = Watched().show(10, [*MEAL, seen("hand", 150, 300, size=size)])
    assert life.watch.contents.unclear is doubt


def test_faint_things_alone_are_no_tray() -> None:
    assert Watched().show(10, tray("burger", "fries", score=0.34)).names == []
    assert Watched().show(10, tray("burger", "fries", score=0.36)).names == ["started", "settled"]


def test_a_hand_alone_is_no_tray() -> None:
    assert Watched().show(10, [seen("hand", size=200)]).names == []


def test_hours_of_one_tray_take_no_more_memory_than_seconds() -> None:
    life = Watched().show(500, MEAL)
    assert len(life.watch._ballots) <= 61
    assert len(life.watch._tracks) == 3


LINE = Policy(kind=StationKind.ASSEMBLY)
"""Trays come empty, and hands fill them, and hide what lies there meanwhile."""


def test_hands_at_work_over_an_empty_tray_are_no_tray() -> None:
    """What they carry is seen for moments; at a pass the same is a tray that was only passed through."""
    moments = (5, (), 4, (seen("cola", 75, 75),), 10, ())
    at_a_pass, on_a_line = Watched(), Watched(LINE)
    for watched in (at_a_pass, on_a_line):
        for frames, things in zip(moments[::2], moments[1::2], strict=True):
            watched.show(frames, things)
    assert (at_a_pass.names, on_a_line.names) == (["started", "left"], [])


def test_a_tray_that_is_filled_is_announced_when_its_first_item_lies_still() -> None:
    life = Watched(LINE).show(5).show(20, MEAL).show(10)
    assert life.changes == [(1.1, "started"), (1.1, "settled"), (2.8, "left")]
    assert life.watch.arrived_s == pytest.approx(0.5)


def test_a_tray_has_not_arrived_when_hands_began_to_work_but_with_its_first_item() -> None:
    """Which of two slots an order belongs to depends on which tray came first; a marker of before is not its own."""
    life = Watched(LINE)
    life.show(5, [seen("cola", 75, 75)], marker="ORDER:A-1")
    for step in range(100):
        life.show(1, [seen("cola", 75 + 60 * (step % 4), 75 + 90 * (step % 3))])
    life.show(20, MEAL)
    assert life.names == ["started", "settled"]
    assert life.watch.arrived_s == pytest.approx(10.5, abs=0.11)
    assert life.watch.markers == ()


def test_a_hand_that_hides_the_only_item_brings_the_second_of_the_same_tray() -> None:
    life = Watched(LINE).show(10, MEAL[:1]).show(3).show(10, [seen("salad", 230, 230)])
    assert life.names.count("started") == 1
    assert "swapped" not in life.names


def test_what_lies_in_its_place_again_with_more_beside_it_is_the_same_tray() -> None:
    """Seen on the assembly line: the arm that brought the burger hid the fries for two seconds."""
    life = Watched(LINE).show(10, MEAL[:2])
    for step in range(15):
        life.show(1, [seen("cake", 40 + 12 * step, 300)])
    life.show(10, [*MEAL[:2], seen("cake", 40, 300), seen("soup", 230, 300), seen("salad", 130, 400)])
    assert life.names.count("started") == 1
    assert "swapped" not in life.names


def test_a_full_tray_that_gives_way_to_other_things_is_another_one_on_a_line_too() -> None:
    assert "swapped" in Watched(LINE).show(10, MEAL).show(10, OTHER).names


def test_what_is_carried_over_a_tray_is_no_part_of_it() -> None:
    """Else a tray that is pushed a moment later would be another one, since half of what lay there is gone."""
    life = Watched().show(10, MEAL)
    for y in (0.0, 100.0):
        life.show(1, [*MEAL, *tray("", "", "", "cake", "soup", "pie", y=y)])
    for step in range(1, 7):
        life.show(1, tray("burger", "fries", "cola", x=12.0 * step))
    life.show(10, tray("burger", "fries", "cola", x=72))
    assert life.names == ["started", "settled", "moved", "settled"]


@pytest.mark.parametrize("policy", [Policy(), LINE])
@pytest.mark.parametrize("hidden_by", [(), (seen("hand", 75, 75, size=200),)])
def test_one_thing_that_gives_way_to_a_full_tray_is_another_tray(
    policy: Policy, hidden_by: Sequence[Detection]
) -> None:
    life = Watched(policy).show(20, MEAL[:1]).show(3 if not hidden_by else 50, hidden_by).show(10, OTHER)
    assert "swapped" in life.names


@pytest.mark.parametrize(("policy", "swapped"), [(Policy(), True), (LINE, False)])
def test_a_second_thing_alone_is_the_same_tray_only_where_trays_are_filled(policy: Policy, swapped: bool) -> None:
    life = Watched(policy).show(10, MEAL[:1]).show(3).show(10, [seen("salad", 230, 230)])
    assert ("swapped" in life.names) is swapped


def test_what_was_out_of_sight_for_a_minute_is_not_taken_for_a_tray_that_is_being_filled() -> None:
    life = Watched(LINE).show(20, MEAL[:1])
    life.frames += 600
    assert "swapped" in life.show(10, [seen("salad", 230, 230)]).names
