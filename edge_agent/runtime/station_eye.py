"""The eye of one station: judges its camera, spares the detector, reads order tags. For the checker thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_agent.checking.camera_watch import CameraWatch
from edge_agent.checking.marker_budget import MarkerBudget
from edge_agent.checking.motion_gate import MotionGate
from edge_agent.domain.camera import CameraStatus, FrameFigures
from edge_agent.domain.detection import Marker, Observation
from edge_agent.domain.said import say
from edge_agent.domain.tray import Slot
from edge_agent.ports import ChangeMeter, Detector, FrameMeter, LiveFrame, MarkerReader, Picture

OLDEST_S = 0.5
"""An older picture is not checked: a verdict on it would speak of the past."""

WHY_NOT = {
    CameraStatus.OFFLINE: say("why_offline", "the camera gives no pictures"),
    CameraStatus.FROZEN: say("why_frozen", "the camera's picture stands still"),
    CameraStatus.DARK: say("why_dark", "the camera sees nothing but dark"),
    CameraStatus.BLURRED: say("why_blurred", "the camera's picture is blurred: clean or focus it"),
    CameraStatus.MOVED: say("why_moved", "the camera was moved: put it back, or draw the slots anew"),
}


@dataclass(slots=True)
class EyeCounts:
    """What an eye did, for the metrics."""

    seen: int = 0
    stale: int = 0
    looked: int = 0


@dataclass(slots=True, kw_only=True)
class StationEye:
    """What makes observations of a camera's frames.

    Attributes:
        detector: looks, when something changed.
        sample: makes the small copy of each frame that is measured and compared.
        meter: measures it.
        watch: judges the camera by the figures.
        motion_for: makes what sees changes in slots, for the slots in pixels of the small copy.
        reader: reads order tags; None where none are expected.
        place: the station's slots in pixels of a picture so wide and high.
        figures: of the newest frame that was judged.
    """

    detector: Detector
    sample: Callable[[Picture], Picture]
    meter: FrameMeter
    watch: CameraWatch
    motion_for: Callable[[Sequence[Slot]], ChangeMeter]
    place: Callable[[int, int], tuple[Slot, ...]]
    reader: MarkerReader | None = None
    gate: MotionGate = field(default_factory=MotionGate)
    counts: EyeCounts = field(default_factory=EyeCounts)
    slots: tuple[Slot, ...] = ()
    figures: FrameFigures | None = None
    _small: Picture | None = None
    _motion: ChangeMeter | None = None
    _budgets: list[MarkerBudget] = field(default_factory=list)
    _size_px: tuple[int, int] | None = None

    def sizes_up(self, frame: LiveFrame) -> bool:
        """Whether the frame has another size than the ones before; then the slots are elsewhere now."""
        height_px, width_px = frame.picture.shape[:2]
        if (width_px, height_px) == self._size_px:
            return False
        self._size_px = (width_px, height_px)
        self.slots = self.place(width_px, height_px)
        small_height_px, small_width_px = self.sample(frame.picture).shape[:2]
        self._motion = self.motion_for(self.place(small_width_px, small_height_px))
        self._budgets = [MarkerBudget() for _ in self.slots]
        self.gate = MotionGate(self.gate.limits)
        return True

    def judge(self, frame: LiveFrame, now_s: float) -> bool:
        """Judge the camera by a frame; says whether the frame may lead to a verdict."""
        self.counts.seen += 1
        self._small = self.sample(frame.picture)
        self.figures = self.meter.measure(LiveFrame(self._small, frame.at_s, frame.source_s))
        self.watch.see(self.figures, now_s)
        if now_s - frame.at_s > OLDEST_S:
            self.counts.stale += 1
            return False
        return self.watch.can_decide

    def look(self, frame: LiveFrame, at_s: float) -> Observation:
        """What the frame shows, as of `at_s`; after `sizes_up` and `judge`.

        Raises:
            DetectorError: the model could not be run on it.
        """
        assert self._motion is not None and self._small is not None  # noqa: S101, PT018  they were made before
        changes = self._motion.changes(self._small)
        if self.gate.must_look(at_s, changes):
            self._motion.keep()
            self.counts.looked += 1
            observation = Observation(at_s, self.detector.detect(frame.picture))
            self.gate.saw(observation)
        else:
            observation = self.gate.repeat(at_s)
        return Observation(at_s, observation.detections, self._tags(frame, at_s, changes))

    def _tags(self, frame: LiveFrame, at_s: float, changes: tuple[float, ...] | None) -> tuple[Marker, ...]:
        if self.reader is None:
            return ()
        for number, (slot, budget) in enumerate(zip(self.slots, self._budgets, strict=True)):
            changed = changes is None or changes[number] > self.gate.limits.still_change
            if budget.must_read(at_s, changed=changed):
                budget.found(at_s, self.reader.read(frame.picture, slot.polygon.bounds))
        return tuple(marker for budget in self._budgets for marker in budget.known)

    @property
    def why_not(self) -> str:
        """Why no verdict can be had now; empty where one can."""
        if self.watch.can_decide:
            return ""
        status = self.watch.status if self.watch.status is not CameraStatus.ONLINE else self.watch.judged
        return WHY_NOT.get(status, "")
