"""The status of a camera: debounced for people, immediate for verdicts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.camera_watch import UNSEEING, CameraLimits, CameraWatch
from edge_agent.checking.source_clock import SourceClock
from edge_agent.domain.camera import CameraStatus, FrameFigures

STEP_S = 0.1
LIMITS = CameraLimits()


class Camera:
    """A camera watched at ten frames a second."""

    def __init__(self, limits: CameraLimits = LIMITS) -> None:
        self.watch = CameraWatch(limits)
        self.now_s = self.source_s = 100.0

    def show(self, seconds: float, *, age_s: float = 0.0, source_runs: bool = True, **figures: Any) -> CameraStatus:
        """Frames with these figures for so long."""
        for _ in range(round(seconds / STEP_S)):
            self.now_s = round(self.now_s + STEP_S, 3)
            self.source_s = self.now_s if source_runs else self.source_s
            shown = {"change": 0.3, "sharpness": 0.7, **figures}
            self.watch.see(FrameFigures(at_s=self.now_s - age_s, source_s=self.source_s, **shown), self.now_s)
        return self.watch.status

    def silence(self, seconds: float) -> CameraStatus:
        """No frame for so long."""
        for _ in range(round(seconds / STEP_S)):
            self.now_s = round(self.now_s + STEP_S, 3)
            self.watch.wait(self.now_s)
        return self.watch.status


@pytest.fixture
def camera() -> Camera:
    well = Camera()
    well.show(5)
    return well


def test_a_camera_is_offline_until_its_pictures_have_been_good_for_a_while() -> None:
    fresh = Camera()
    assert fresh.watch.status is CameraStatus.OFFLINE
    assert fresh.show(1.0) is CameraStatus.OFFLINE
    assert fresh.watch.can_decide
    assert fresh.show(0.1) is CameraStatus.ONLINE


@pytest.mark.parametrize(
    ("figures", "status", "after_s"),
    [
        ({"luminance": 7.9}, CameraStatus.DARK, LIMITS.bad_for_s),
        ({"sharpness": 0.059}, CameraStatus.BLURRED, LIMITS.bad_for_s),
        ({"similarity": 0.29}, CameraStatus.MOVED, LIMITS.moved_for_s),
    ],
)
def test_what_is_bad_is_told_when_it_has_lasted_and_over_when_it_has_been_good(
    camera: Camera, figures: dict[str, Any], status: CameraStatus, after_s: float
) -> None:
    assert camera.show(after_s, **figures) is CameraStatus.ONLINE
    assert camera.show(0.1, **figures) is status
    assert not camera.watch.can_decide
    assert camera.show(LIMITS.good_for_s) is status
    assert camera.show(0.1) is CameraStatus.ONLINE
    assert camera.watch.can_decide


@pytest.mark.parametrize(
    "figures", [{"luminance": 8.0}, {"sharpness": 0.06}, {"sharpness": None}, {"similarity": 0.3}, {"similarity": None}]
)
def test_at_the_limit_a_picture_is_still_good(camera: Camera, figures: dict[str, Any]) -> None:
    """Also a plain counter, of which nobody can say whether it is sharp, and a camera without a reference."""
    assert camera.show(60, **figures) is CameraStatus.ONLINE


def test_silence_is_offline_at_its_limit(camera: Camera) -> None:
    assert camera.silence(LIMITS.offline_s - STEP_S) is CameraStatus.ONLINE
    assert camera.silence(STEP_S) is CameraStatus.OFFLINE
    assert not camera.watch.can_decide


def test_a_source_time_that_stands_still_is_frozen(camera: Camera) -> None:
    """The same frame sent again and again looks alive to whoever only counts frames."""
    assert camera.show(LIMITS.frozen_s - STEP_S, source_runs=False) is CameraStatus.ONLINE
    assert camera.show(STEP_S, source_runs=False) is CameraStatus.FROZEN
    assert not camera.watch.can_decide


def test_frames_that_are_too_old_are_frozen_at_once(camera: Camera) -> None:
    assert camera.show(1, age_s=LIMITS.frozen_s - 0.1) is CameraStatus.ONLINE
    assert camera.show(0.1, age_s=LIMITS.frozen_s) is CameraStatus.FROZEN


def test_identical_frames_are_frozen_when_no_sensor_would_be_so_still(camera: Camera) -> None:
    assert camera.show(9.9, change=0.0) is CameraStatus.ONLINE
    assert camera.show(0.2, change=0.0) is CameraStatus.FROZEN
    assert camera.show(1.2, change=0.001) is CameraStatus.ONLINE


def test_a_recording_may_show_identical_frames_for_ever() -> None:
    played = Camera(CameraLimits(identical_s=None))
    assert played.show(60, change=0.0) is CameraStatus.ONLINE


def test_a_verdict_never_comes_from_a_dark_picture_though_dark_is_told_later(camera: Camera) -> None:
    assert camera.show(0.1, luminance=3.0) is CameraStatus.ONLINE
    assert not camera.watch.can_decide
    camera.show(0.1)
    assert camera.watch.can_decide


def test_an_arm_before_the_lens_does_not_stop_the_checker(camera: Camera) -> None:
    camera.show(1.5, sharpness=0.01)
    assert camera.watch.can_decide
    assert camera.show(1) is CameraStatus.ONLINE


def test_a_camera_that_is_bad_in_changing_ways_is_told_of(camera: Camera) -> None:
    """Dark, blurred, dark, blurred: none stands long enough by itself."""
    for _ in range(20):
        camera.show(0.5, luminance=3.0)
        camera.show(0.5, sharpness=0.01)
    assert camera.watch.status is not CameraStatus.ONLINE


KINDS: list[dict[str, Any]] = [{}, {"luminance": 1.0}, {"sharpness": 0.0}, {"similarity": 0.0}, {"age_s": 5.0}]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 250)), max_size=12))
def test_whatever_happens_bad_is_told_in_time_and_good_again_too(story: list[tuple[dict[str, Any], int]]) -> None:
    camera = Camera()
    for figures, steps in story:
        camera.show(steps * STEP_S, **figures)
        if camera.watch.judged in UNSEEING:
            assert not camera.watch.can_decide
        if steps * STEP_S > LIMITS.longest_s + STEP_S:
            assert (camera.watch.status is CameraStatus.ONLINE) == (not figures)
    assert camera.show(LIMITS.longest_s + 1) is CameraStatus.ONLINE
    assert camera.silence(LIMITS.offline_s) is CameraStatus.OFFLINE


def test_a_frame_that_waited_on_its_way_is_as_old_as_it_waited() -> None:
    """After a stall a whole pile arrives at one moment: only the last of it is live."""
    times = SourceClock()
    assert [times.at_s(100 + k / 10, 5 + k / 10) for k in range(3)] == pytest.approx([100.0, 100.1, 100.2])
    pile = [103.0 - times.at_s(103.0, 5 + k / 10) for k in range(3, 31)]
    assert pile == pytest.approx([2.7 - k / 10 for k in range(28)], abs=0.01)


def test_without_a_source_time_a_frame_is_taken_when_it_arrived_less_the_known_delay() -> None:
    times = SourceClock(delay_s=0.2)
    assert times.at_s(100.0, None) == pytest.approx(99.8)


def test_a_source_time_that_jumps_back_is_a_new_stream() -> None:
    times = SourceClock()
    times.at_s(100.0, 50.0)
    assert times.at_s(100.1, 0.0) == pytest.approx(100.1)


def test_a_slow_clock_in_the_camera_is_no_growing_delay() -> None:
    """A crystal that is 100 ppm slow is 0.36 s behind after an hour."""
    times = SourceClock()
    at_s = [times.at_s(100 + k, k * (1 - 1e-4)) for k in range(7200)]
    assert at_s[-1] == pytest.approx(100 + 7199, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 2), st.one_of(st.none(), st.floats(0, 1e6))), max_size=30), st.floats(0, 2))
def test_times_never_run_backwards_nor_into_the_future(steps: list[tuple[float, float | None]], delay_s: float) -> None:
    times, now_s, before_s = SourceClock(delay_s=delay_s), 1000.0, float("-inf")
    for waited_s, source_s in steps:
        now_s += waited_s
        at_s = times.at_s(now_s, source_s)
        assert before_s <= at_s <= now_s
        before_s = at_s
