"""Watch one slot: is there a tray, does it lie still, what lies on it, is it still the same one?"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from edge_agent.checking.policy import Policy, StationKind
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Detection, Observation
from edge_agent.domain.tray import (
    FEWEST_TO_RETURN,
    Placed,
    SessionState,
    Slot,
    came_back,
    grown_from,
    median_shift_px,
    same_layout,
)
from edge_agent.domain.voting import Ballot, Thing, Thresholds, ballot, fuse, things_in

TOLERANCE_S = 1e-6
"""Stream times are sums of floats; a window of 0.5 s at ten frames a second must not fail by rounding."""

REACH_SHARE = 0.15
"""From one frame to the next a thing moves at most this share of the slot's width; faster, it is taken for another."""

COVERED_SHARE = 0.3
"""A known piece is covered when an occluder hides this share of its last box."""

UNSEEN_SHARE = 0.10
"""An occluder that hides this share of the slot may hide a thing that was never seen. A hand that only holds the tray's
edge hides less: resting hands are normal and must not keep the checker from saying that something is missing."""

EXCHANGE_S = 0.35
"""Nobody takes a tray away and puts another down in less: what changes faster is a bump, or the detector's doubt."""

RENAMED_IOU = 0.5
"""From this overlap on, a box of another class is the same thing under another name."""

REMEMBERED_HALF_LIVES = 6
"""A ballot older than so many half-lives weighs under two per cent and is dropped: the memory is bounded."""


class Change(str, Enum):
    """What a frame changed in the slot."""

    STARTED = "started"
    RESUMED = "resumed"
    SETTLED = "settled"
    MOVED = "moved"
    SWAPPED = "swapped"
    LEFT = "left"


@dataclass(slots=True)
class _Track:
    """One thing followed from frame to frame.

    `anchor` is its place when the still window began; `from_before`: it lay there when the tray was last settled, and
    was not just carried over it.
    """

    seen: Detection
    anchor: Placed
    first_seen_s: float
    last_seen_s: float
    from_before: bool = False

    @property
    def placed(self) -> Placed:
        return Placed(self.seen.class_name, self.seen.box)


@dataclass(slots=True)
class SlotWatch:
    """The state of one slot. Feed it observations in the order of their time; its contents hold once it is settled."""

    slot: Slot
    policy: Policy
    thresholds: Thresholds
    occluders: frozenset[str] = frozenset()
    state: SessionState = SessionState.LEFT
    arrived_s: float = 0.0
    still_since_s: float = 0.0
    last_seen_s: float = float("-inf")
    _marked: dict[str, float] = field(default_factory=dict)
    _tracks: list[_Track] = field(default_factory=list)
    _window: list[Ballot] = field(default_factory=list)
    _ballots: deque[Ballot] = field(default_factory=deque)
    _layout: tuple[Placed, ...] = ()
    _may_return: bool = False
    _announced: bool = False
    _first_sight_s: float | None = None

    @property
    def markers(self) -> tuple[str, ...]:
        """The texts of the markers that this session has shown."""
        return tuple(self._marked)

    @property
    def contents(self) -> Contents:
        """What lies on the tray, by the vote of its settled frames."""
        return fuse(tuple(self._ballots), self.thresholds, half_life_s=self.policy.vote_half_life_s)

    def observe(self, observation: Observation) -> tuple[Change, ...]:
        """Take in one frame's observation and say what it changed.

        A session starts with the second frame in a row that shows something, which forgives a single false box.
        """
        inside = observation.within(self.slot.polygon)
        covers = [d for d in observation.detections if d.class_name in self.occluders]
        things = things_in(d for d in inside.detections if d.class_name not in self.occluders)
        hidden = self.state is not SessionState.LEFT and any(_is_covered(track, covers) for track in self._tracks)
        if not hidden and not any(self._is_solid(thing) for thing in things):
            return self._see_nothing(inside.at_s)
        if self.state is SessionState.LEFT and self._first_sight_s is None:
            self._first_sight_s = inside.at_s
            return ()
        stopped = inside.at_s - self.last_seen_s >= self.policy.frozen_s - TOLERANCE_S
        started = self._start(inside.at_s) if self.state is SessionState.LEFT else ()
        self.last_seen_s = inside.at_s
        self._marked.update({marker.text: inside.at_s for marker in inside.markers})
        still = self._follow(inside.at_s, things, covers) and not stopped
        cast = ballot(inside.at_s, things, self._covered(covers), clear=not self._hides_much(covers))
        return started + (self._lie_still(cast) if still else self._move(cast))

    def _is_solid(self, thing: Thing) -> bool:
        return thing.best.score >= self.policy.present_score

    def _see_nothing(self, now_s: float) -> tuple[Change, ...]:
        self._first_sight_s = None
        if self.state is SessionState.LEFT or now_s - self.last_seen_s < self.policy.gone_s - TOLERANCE_S:
            return ()
        return self.leave()

    def leave(self) -> tuple[Change, ...]:
        """End the session; what lay where is remembered in case the tray comes back.

        Where trays are filled, what never lay still was hands at work, and no tray: it comes and goes unannounced.
        """
        if self.state is SessionState.ARRIVING:
            self._layout = ()
        announced, self._announced, self._may_return = self._announced, False, False
        self.state = SessionState.LEFT
        if announced:
            return (Change.LEFT,)
        return () if self._is_filled_here else (Change.STARTED, Change.LEFT)

    @property
    def _is_filled_here(self) -> bool:
        return self.policy.kind is StationKind.ASSEMBLY

    def _start(self, now_s: float) -> tuple[Change, ...]:
        """A tray is there. If one left a moment ago, only a settled picture tells whether this is the same."""
        self._may_return = bool(self._layout) and now_s - self.last_seen_s <= self.policy.resume_s
        self.state = SessionState.ARRIVING
        self.arrived_s = now_s if self._first_sight_s is None else self._first_sight_s
        self._first_sight_s = None
        self._tracks = []
        if not self._may_return:
            self._begin_anew()
        self._announced = not self._may_return and not self._is_filled_here
        return (Change.STARTED,) if self._announced else ()

    def _begin_anew(self) -> None:
        """Another tray: what its slot showed before it came says nothing about it."""
        self._ballots.clear()
        self._marked = {text: seen_s for text, seen_s in self._marked.items() if seen_s >= self.arrived_s}

    def _follow(self, now_s: float, things: Sequence[Thing], covers: Sequence[Detection]) -> bool:
        """Carry the tracks on to this frame; returns whether the tray lay still."""
        reach_px = REACH_SHARE * self.slot.polygon.width_px
        free = [thing.best for thing in things if self._is_solid(thing)]
        solid = len(free)
        followed: list[_Track] = []
        for track in sorted(self._tracks, key=lambda t: -t.seen.score):
            near = [d for d in free if _same(track, d) and d.box.centre.distance_to(track.seen.box.centre) <= reach_px]
            if near:
                found = min(near, key=lambda d: d.box.centre.distance_to(track.seen.box.centre))
                free.remove(found)
                track.seen, track.last_seen_s = found, now_s
                followed.append(track)
        lost = [t for t in self._tracks if t not in followed and self._still_counts(t, now_s, covers)]
        new = [_Track(d, Placed(d.class_name, d.box), now_s, now_s) for d in free]
        self._tracks = [*followed, *lost, *new]
        if 2 * len(followed) < solid:
            return False
        if not followed:
            return True  # all of it lies under a hand
        shift_px = median_shift_px([(t.anchor.centre, t.placed.centre) for t in followed])
        return shift_px <= self.policy.still_share * self.slot.polygon.width_px

    def _still_counts(self, track: _Track, now_s: float, covers: Sequence[Detection]) -> bool:
        return now_s - track.last_seen_s < self.policy.gone_s or _is_covered(track, covers)

    def _hides_much(self, covers: Sequence[Detection]) -> bool:
        bounds = self.slot.polygon.bounds
        return any(bounds.covered_by(cover.box) >= UNSEEN_SHARE for cover in covers)

    def _covered(self, covers: Sequence[Detection]) -> list[Detection]:
        """Pieces that are not seen now because something lies on them."""
        return [t.seen for t in self._tracks if t.last_seen_s < self.last_seen_s and _is_covered(t, covers)]

    def _move(self, cast: Ballot) -> tuple[Change, ...]:
        """The tray moves: the still window begins anew, the session and its votes go on."""
        self.still_since_s = cast.at_s
        self._window = [cast]
        for track in self._tracks:
            track.anchor = track.placed
        if self.state is not SessionState.SETTLED:
            return ()
        self.state = SessionState.MOVING
        return (Change.MOVED,)

    def _lie_still(self, cast: Ballot) -> tuple[Change, ...]:
        self._window.append(cast)
        if cast.at_s - self.still_since_s < self.policy.settle_s - TOLERANCE_S:
            return ()
        changes: tuple[Change, ...] = ()
        if self.state is not SessionState.SETTLED:
            changes = (*self._recognise(), Change.SETTLED)
        self.state = SessionState.SETTLED
        self._ballots.extend(self._window)
        self._window = []
        oldest_s = cast.at_s - REMEMBERED_HALF_LIVES * self.policy.vote_half_life_s
        while self._ballots[0].at_s < oldest_s:
            self._ballots.popleft()
        self._remember_layout(cast.at_s)
        return changes

    def _remember_layout(self, now_s: float) -> None:
        """What lies where, without what a hand carries over the tray at this moment."""
        lying = [t for t in self._tracks if now_s - t.first_seen_s >= self.policy.settle_s - TOLERANCE_S]
        for track in lying or self._tracks:
            track.from_before = True
        self._layout = tuple(track.placed for track in lying or self._tracks)

    def _recognise(self) -> tuple[Change, ...]:
        """A tray came to rest: is it the one of before? If not, the votes of before are not its votes."""
        layout = tuple(track.placed for track in self._tracks)
        announced, self._announced = self._announced, True
        if self._may_return:
            self._may_return = False
            if came_back(self._layout, layout, self.slot.polygon.width_px):
                return (Change.RESUMED,)
            self._begin_anew()
            return (Change.STARTED,)
        if self.state is SessionState.ARRIVING:
            return () if announced else self._announce()
        if self._is_still_there(layout):
            return ()
        self.arrived_s = self.still_since_s
        self._begin_anew()
        return (Change.SWAPPED,)

    def _announce(self) -> tuple[Change, ...]:
        """A tray that is filled has its first item. It came with that, however long hands were busy there before."""
        first_s = min(track.first_seen_s for track in self._tracks)
        if first_s - self.arrived_s > self.policy.gone_s:
            self.arrived_s = first_s
            self._begin_anew()
        return (Change.STARTED,)

    def _is_still_there(self, layout: Sequence[Placed]) -> bool:
        """Whether the tray that lay there before it moved is the one that lies there now."""
        stayed = sum(track.from_before for track in self._tracks)
        if 2 * stayed >= len(self._layout) or same_layout(self._layout, layout, self.slot.polygon.width_px):
            return True
        if self._is_filled_here and self._is_being_filled(layout):
            return True
        in_common = {placed.class_name for placed in self._layout} & {placed.class_name for placed in layout}
        return bool(in_common) and self.still_since_s - self._ballots[-1].at_s < EXCHANGE_S

    def _is_being_filled(self, layout: Sequence[Placed]) -> bool:
        """Whether hands put more on the tray of before, and perhaps hide what lay there; else it is another one.

        One thing may lie hidden while a second is put beside it; it gives no place to go by, so no more may have come,
        nor may the tray have been out of sight for longer than one that comes back.
        """
        if self.still_since_s - self._ballots[-1].at_s > self.policy.resume_s:
            return False
        if len(self._layout) < FEWEST_TO_RETURN:
            return len(layout) <= FEWEST_TO_RETURN
        return grown_from(self._layout, layout, self.slot.polygon.width_px)


def _same(track: _Track, detection: Detection) -> bool:
    """The same class, or so much the same box that only the name flickered."""
    return track.seen.class_name == detection.class_name or track.seen.box.iou(detection.box) > RENAMED_IOU


def _is_covered(track: _Track, covers: Sequence[Detection]) -> bool:
    return any(track.seen.box.covered_by(cover.box) >= COVERED_SHARE for cover in covers)
