"""Judge a camera from the figures of its frames: a debounced state machine without pixels and without a clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.domain.camera import CameraStatus, FrameFigures

TOLERANCE_S = 1e-6
"""Times are sums of floats; two seconds at ten frames a second must not be missed by rounding."""

UNSEEING = frozenset({CameraStatus.OFFLINE, CameraStatus.FROZEN, CameraStatus.DARK})
"""What makes a frame worthless at once, without waiting for the status to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLimits:
    """When a camera is called what; `docs/cameras.md` says where each number comes from.

    Attributes:
        offline_s: no frame for so long is offline.
        frozen_s: a source time that stands still, or frames that are older, for so long are frozen.
        identical_s: ... and so are frames that are the same to the last grey level for so long; None where the source
            has no noise (a recording).
        dark_luminance: a mean grey level below this is dark.
        blurred_sharpness: less fine detail than this is blurred.
        moved_similarity: if less of the surroundings looks as on the reference picture, the camera was moved.
        bad_for_s: dark and blurred are told when they have lasted so long.
        moved_for_s: ... and moved when it has lasted so long: people who stand around hide the surroundings.
        good_for_s: all is well again when it has been for so long.
    """

    offline_s: float = 3.0
    frozen_s: float = 2.0
    identical_s: float | None = 10.0
    dark_luminance: float = 8.0
    blurred_sharpness: float = 0.06
    moved_similarity: float = 0.3
    bad_for_s: float = 2.0
    moved_for_s: float = 15.0
    good_for_s: float = 1.0

    def told_after_s(self, status: CameraStatus) -> float:
        """How long a judgement must stand before it is told; offline and frozen have waited already."""
        waits = {
            CameraStatus.OFFLINE: 0.0,
            CameraStatus.FROZEN: 0.0,
            CameraStatus.MOVED: self.moved_for_s,
            CameraStatus.ONLINE: self.good_for_s,
        }
        return waits.get(status, self.bad_for_s)

    @property
    def longest_s(self) -> float:
        return max(self.told_after_s(status) for status in CameraStatus)


@dataclass(slots=True)
class CameraWatch:
    """The status of one camera. Feed it every frame's figures, and call `wait` while none comes.

    `status` is what is told, debounced; `judged` is what the latest frame alone says. Times are those of one monotonic
    clock and must not run backwards.
    """

    limits: CameraLimits = field(default_factory=CameraLimits)
    status: CameraStatus = CameraStatus.OFFLINE
    judged: CameraStatus = CameraStatus.OFFLINE
    _judged_since_s: float = float("-inf")
    _differs_since_s: float | None = None
    _last_frame_s: float | None = None
    _source_s: float | None = None
    _source_ran_s: float = float("-inf")
    _noise_s: float = float("-inf")

    @property
    def can_decide(self) -> bool:
        """Whether the latest frame may lead to a verdict.

        Dark, frozen and missing pictures may not from the first frame on; a picture that only looks blurred or moved
        may until that is told, since a passing arm looks the same.
        """
        told_unfit = self.status in (CameraStatus.MOVED, CameraStatus.BLURRED)
        return self.judged not in UNSEEING and not told_unfit

    def see(self, figures: FrameFigures, now_s: float) -> CameraStatus:
        """Take in one frame's figures, looked at at `now_s`; returns what is to be told."""
        self._last_frame_s = now_s
        if figures.source_s is None or figures.source_s != self._source_s:
            self._source_s, self._source_ran_s = figures.source_s, now_s
        if figures.change is None or figures.change > 0:
            self._noise_s = now_s
        return self._tell(self._judge(figures, now_s), now_s)

    def wait(self, now_s: float) -> CameraStatus:
        """No frame came; returns what is to be told."""
        if self._last_frame_s is None or now_s - self._last_frame_s >= self.limits.offline_s - TOLERANCE_S:
            return self._tell(CameraStatus.OFFLINE, now_s)
        return self.status

    def _judge(self, figures: FrameFigures, now_s: float) -> CameraStatus:
        limits = self.limits
        oldest_s = now_s - limits.frozen_s + TOLERANCE_S
        is_noiseless = limits.identical_s is not None and self._noise_s <= now_s - limits.identical_s + TOLERANCE_S
        if self._source_ran_s <= oldest_s or figures.at_s <= oldest_s or is_noiseless:
            return CameraStatus.FROZEN
        if figures.luminance < limits.dark_luminance:
            return CameraStatus.DARK
        if figures.sharpness is not None and figures.sharpness < limits.blurred_sharpness:
            return CameraStatus.BLURRED
        if figures.similarity is not None and figures.similarity < limits.moved_similarity:
            return CameraStatus.MOVED
        return CameraStatus.ONLINE

    def _tell(self, judged: CameraStatus, now_s: float) -> CameraStatus:
        """Tell what has stood long enough; also what changed its name all the time but was never what is told."""
        if judged is not self.judged:
            self.judged, self._judged_since_s = judged, now_s
        if judged is self.status:
            self._differs_since_s = None
            return self.status
        if self._differs_since_s is None:
            self._differs_since_s = now_s
        stood_s = now_s - self._judged_since_s + TOLERANCE_S
        differed_s = now_s - self._differs_since_s + TOLERANCE_S
        if stood_s >= self.limits.told_after_s(judged) or differed_s >= self.limits.longest_s:
            self.status, self._differs_since_s = judged, None
        return self.status
