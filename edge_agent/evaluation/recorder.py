"""Write what happens in a replay into the store, with one picture per verdict."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from edge_agent.domain.detection import Observation, Sighting
from edge_agent.domain.events import Event, VerdictReached
from edge_agent.domain.tray import Slot
from edge_agent.evaluation.painter import outside_blacked
from edge_agent.ports import EventStore, Evidence, Frame, Picture

JPEG_QUALITY = 85


class EventRecorder:
    """A replay watcher that stores events as they come; only the slots are kept of a picture, the rest is black."""

    def __init__(self, store: EventStore, run_id: int, slots: Sequence[Slot]) -> None:
        self._store = store
        self._run_id = run_id
        self._slots = {slot.slot_id: slot for slot in slots}

    def saw(self, frame: Frame, observation: Observation, events: Sequence[Event]) -> None:
        """Queue the events of one frame.

        Raises:
            StoreBusy: the store does not keep up.
        """
        if events:
            reached = [event for event in events if isinstance(event, VerdictReached) and not event.late]
            evidence = [self._evidence(frame, observation, event) for event in reached]
            self._store.record(self._run_id, events, evidence=evidence)

    def _evidence(self, frame: Frame, observation: Observation, reached: VerdictReached) -> Evidence:
        slot = self._slots[reached.slot_id]
        height_px, width_px = frame.picture.shape[:2]
        return Evidence(
            session_id=reached.session_id,
            at_s=frame.at_s,
            jpeg=slots_as_jpeg(frame.picture, [slot]),
            sighting=Sighting.within(slot.polygon, observation.detections, width_px=width_px, height_px=height_px),
        )


def slots_as_jpeg(picture: Picture, slots: Sequence[Slot]) -> bytes:
    """The picture as JPEG, black outside the slots."""
    _, encoded = cv2.imencode(".jpg", outside_blacked(picture, slots), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
