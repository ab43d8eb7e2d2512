"""Keep one picture per tray: what the camera saw when the verdict was reached."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import cv2

from edge_agent.domain.detection import Observation
from edge_agent.domain.events import Event, SessionStarted, TraySettled, VerdictReached
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadInput
from edge_agent.evaluation.painter import paint_slot
from edge_agent.evaluation.slot_board import SlotBoard
from edge_agent.formats.whole_file import write_whole
from edge_agent.ports import Frame, Picture

EVIDENCE_FOLDER = "evidence"
JPEG_QUALITY = 85


class EvidenceKeeper:
    """A replay watcher that writes, per tray, the picture of its latest verdict; none is held in memory.

    A tray without a verdict keeps the picture of its arrival. Only the tray's slot is shown, the rest is cut off or
    black.
    """

    def __init__(self, directory: Path, *, slots: Sequence[Slot], thresholds: Thresholds | None = None) -> None:
        self._directory = directory
        self._thresholds = thresholds or Thresholds()
        self._slots = {slot.slot_id: slot for slot in slots}
        self._board = SlotBoard(slots)
        self._pictures: dict[str, str] = {}

    @property
    def pictures(self) -> Mapping[str, str]:
        """Session id → path of its picture, relative to the report's folder, with forward slashes."""
        return MappingProxyType(self._pictures)

    def saw(self, frame: Frame, observation: Observation, events: Sequence[Event]) -> None:
        """Write the pictures that these events call for.

        Raises:
            BadInput: a picture cannot be written.
        """
        self._board.take(events)
        wanted = {
            event.session_id
            for event in events
            if isinstance(event, (SessionStarted, TraySettled))
            or (isinstance(event, VerdictReached) and not event.late)
        }
        for slot in self._slots.values():
            state = self._board.state_of(slot)
            if state.session_id in wanted:
                relative = self._pictures.get(state.session_id) or self._name(state.session_id)
                drawn = paint_slot(frame.picture, observation, state, self._thresholds)
                write_jpeg(self._directory / relative, drawn)
                self._pictures[state.session_id] = relative

    def _name(self, session_id: str) -> str:
        return f"{EVIDENCE_FOLDER}/{len(self._pictures) + 1:03d}-{safe_name(session_id)}.jpg"


def safe_name(text: str) -> str:
    """A piece of a file name that leads nowhere else, whatever the text says."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-")[:60] or "x"


def write_jpeg(path: Path, picture: Picture) -> None:
    """Write a picture (height, width, 3; uint8; blue-green-red) as JPEG.

    Raises:
        BadInput: the file cannot be written.
    """
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise BadInput("the picture cannot be written as JPEG", path=path)
    write_into_report(path, encoded.tobytes())


def write_into_report(path: Path, content: bytes) -> None:
    """Write a file of a report whole or not at all; folders on the way are made.

    Raises:
        BadInput: it cannot be written: no right to, disk full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise BadInput(f"the report cannot be written here: {error.strerror or error}", path=path) from error
