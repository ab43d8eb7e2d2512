"""Put together what shows the stations as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_agent.app.eyes import Eyes
from edge_agent.app.serving_now import ServingNow
from edge_agent.domain.calling import names_of_class
from edge_agent.domain.detection import Detection
from edge_agent.domain.matching import CheckedLine
from edge_agent.domain.tray import Slot
from edge_agent.evaluation.recorder import slots_as_jpeg
from edge_agent.evaluation.still import slot_still
from edge_agent.ports import Clock, Picture
from edge_agent.runtime.checker_thread import CheckerThread
from edge_agent.runtime.live_stations import LiveStations

MOST_NAMES = 2
"""Of things that look alike so many are named on a still: more would hide the tray."""


def live_stations(
    thread: CheckerThread, known: Iterable[str], eyes: Eyes, serving: ServingNow, clock: Clock
) -> LiveStations:
    """The stations of these ids; on a still, a thing is called what the menu calls it."""

    def still(picture: Picture, slot: Slot, seen: Sequence[Detection], lines: Sequence[CheckedLine]) -> bytes:
        def name_of(class_name: str) -> str:
            names = names_of_class(serving.menu(), class_name, lines)
            return " / ".join(names[:MOST_NAMES]) + ("..." if len(names) > MOST_NAMES else "")

        return slot_still(picture, slot, seen, thresholds=eyes.thresholds, name_of=name_of)

    return LiveStations(thread, known=list(known), encode=slots_as_jpeg, still=still, clock=clock)
