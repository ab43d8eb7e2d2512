"""An eye with the real meters: it looks at what changes in a slot, wherever the slot lies, and is spared the rest."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_agent.adapters.picture_meter import PictureMeter
from edge_agent.adapters.sampled import SAMPLED, sampled
from edge_agent.adapters.slot_motion import SlotMotion
from edge_agent.checking.camera_watch import CameraWatch
from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Polygon
from edge_agent.domain.tray import Slot
from edge_agent.ports import LiveFrame, Picture
from edge_agent.runtime.station_eye import StationEye

SIZES = [(640, 480), (1280, 720), (480, 640), (160, 120)]
"""Width and height of cameras: usual, wide, standing and tiny."""


class Looks:
    """A detector that sees nothing, and remembers what it was shown."""

    classes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.shown: list[Picture] = []

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        self.shown.append(picture)
        return ()


def eye_on_the_right(detector: Looks) -> StationEye:
    """A slot covers the right half of whatever the camera shows."""
    return StationEye(
        detector=detector,
        sample=sampled,
        meter=PictureMeter(),
        watch=CameraWatch(),
        motion_for=lambda slots: SlotMotion(slots=slots),
        place=lambda width_px, height_px: (
            Slot(slot_id="right", polygon=Polygon.rectangle(width_px / 2, 0, width_px, height_px)),
        ),
    )


def shaded(width_px: int, height_px: int) -> Picture:
    """Something to look at, without noise."""
    across, down = np.linspace(60, 180, width_px), np.linspace(0, 40, height_px)
    return np.repeat((down[:, None] + across)[..., None], 3, axis=2).astype(np.uint8)


def with_a_spot(picture: Picture, *, x_share: float) -> Picture:
    spotted = picture.copy()
    height_px, width_px = picture.shape[:2]
    centre = (round(x_share * width_px), height_px // 2)
    return np.asarray(cv2.circle(spotted, centre, max(width_px, height_px) // 20, (0, 0, 0), -1), dtype=np.uint8)


def show(eye: StationEye, picture: Picture, at_s: float) -> None:
    frame = LiveFrame(picture, at_s, at_s)
    eye.sizes_up(frame)
    assert eye.judge(frame, at_s)
    eye.look(frame, at_s)


@pytest.mark.parametrize(("width_px", "height_px"), SIZES)
def test_what_changes_in_the_slot_is_looked_at_and_nothing_else_is(width_px: int, height_px: int) -> None:
    detector = Looks()
    eye, empty = eye_on_the_right(detector), shaded(width_px, height_px)
    for tenth in range(11, 21):
        show(eye, empty, tenth / 10)
    asleep = len(detector.shown)
    show(eye, with_a_spot(empty, x_share=0.4), 2.1)
    assert len(detector.shown) == asleep
    spotted = with_a_spot(empty, x_share=0.9)
    show(eye, spotted, 2.2)
    assert len(detector.shown) == asleep + 1
    assert detector.shown[-1] is spotted


def test_slots_are_those_of_the_camera_and_a_new_size_places_them_anew() -> None:
    eye = eye_on_the_right(Looks())
    for number, (width_px, height_px) in enumerate(SIZES, start=11):
        show(eye, shaded(width_px, height_px), number / 10)
        assert eye.slots[0].polygon == Polygon.rectangle(width_px / 2, 0, width_px, height_px)


def test_what_was_sampled_is_not_sampled_again() -> None:
    small = sampled(shaded(1280, 720))
    assert small.shape == (SAMPLED[1], SAMPLED[0], 3)
    assert sampled(small) is small
