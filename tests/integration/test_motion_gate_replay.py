"""The motion gate on a real recording: the same verdicts, with fewer looks of the detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge_agent.adapters.picture_meter import PictureMeter
from edge_agent.adapters.slot_motion import SlotMotion
from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.app.camera import limits_of
from edge_agent.app.eyes import Eyes
from edge_agent.app.seeing import checker_for
from edge_agent.checking.camera_watch import CameraWatch
from edge_agent.checking.motion_gate import MotionGate
from edge_agent.domain.camera import CameraStatus
from edge_agent.domain.detection import Detection, Observation
from edge_agent.evaluation.replay import replay, replay_as_json
from edge_agent.formats.recordings import open_recording
from edge_agent.ports import Frame, LiveFrame, Picture
from edge_agent.settings import CameraSettings
from tests.golden_replays import CANTEEN, eyes_of

VIDEO = "canteen-short.mp4"

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    return eyes_of(CANTEEN)


@dataclass
class Looking:
    """A frame source and a detector in one, so that every look is remembered, and the gate can spare some."""

    source: VideoFileSource
    eyes: Eyes
    gate: MotionGate | None = None
    motion: SlotMotion | None = None
    frames_seen: int = 0
    looked: int = 0
    known: dict[float, tuple[Detection, ...]] = field(default_factory=dict)
    _at_s: float = 0.0

    @property
    def classes(self) -> tuple[str, ...]:
        return self.eyes.detector.classes

    def frames(self) -> Iterator[Frame]:
        for frame in self.source.frames():
            self._at_s = frame.at_s
            self.frames_seen += 1
            yield frame

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        if self.gate is not None and self.motion is not None:
            if not self.gate.must_look(self._at_s, self.motion.changes(picture)):
                return self.gate.repeat(self._at_s).detections
            self.motion.keep()
        self.looked += 1
        if self._at_s not in self.known:
            self.known[self._at_s] = self.eyes.detector.detect(picture)
        seen = self.known[self._at_s]
        if self.gate is not None:
            self.gate.saw(Observation(self._at_s, seen))
        return seen


def replayed(looking: Looking, video: Path) -> dict[str, Any]:
    slots = [
        each.slot(looking.source.width_px, looking.source.height_px) for each in looking.eyes.settings.station().slots
    ]
    if looking.gate is not None:
        looking.motion = SlotMotion(slots=slots)
    done = replay(
        open_recording(video),
        source=looking,
        detector=looking,
        checker=checker_for(looking.eyes, slots),
        menu=looking.eyes.menu.menu,
        provider="",
    )
    return replay_as_json(done)


def test_with_the_gate_every_verdict_is_the_same_and_the_detector_is_spared(eyes: Eyes, real_data: Path) -> None:
    video = real_data / "videos" / VIDEO
    without = Looking(VideoFileSource(video), eyes)
    plain = replayed(without, video)
    gated = Looking(VideoFileSource(video), eyes, gate=MotionGate(), known=without.known)
    spared = replayed(gated, video)
    print(f"{VIDEO}: {gated.frames_seen - gated.looked} of {gated.frames_seen} frames spared")  # noqa: T201

    assert spared["trays"] == plain["trays"]
    assert spared["verdict_latency_s"] == plain["verdict_latency_s"]
    assert gated.looked < gated.frames_seen


def test_the_camera_of_a_canteen_is_online_all_the_time(real_data: Path) -> None:
    """Its empty counter is dark and plain; that is no fault of the camera."""
    meter, status = PictureMeter(), set()
    watch = CameraWatch(limits_of(CameraSettings(file=real_data / "videos" / VIDEO)))
    for frame in VideoFileSource(real_data / "videos" / VIDEO).frames():
        figures = meter.measure(LiveFrame(frame.picture, frame.at_s, frame.at_s))
        watch.see(figures, frame.at_s)
        assert watch.can_decide
        if frame.at_s > 1.5:
            status.add(watch.status)
    assert status == {CameraStatus.ONLINE}
