"""Put together what shows the stations as they are now."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from edge_agent.app.eyes import Eyes
from edge_agent.app.serving_now import ServingNow
from edge_agent.evaluation.recorder import slots_as_jpeg
from edge_agent.evaluation.still import slot_still
from edge_agent.ports import Clock
from edge_agent.runtime.checker_thread import CheckerThread
from edge_agent.runtime.live_stations import LiveStations


def live_stations(
    thread: CheckerThread, known: Iterable[str], eyes: Eyes, serving: ServingNow, clock: Clock
) -> LiveStations:
    """The stations of these ids; on a still, a thing is called what the menu calls it."""

    def name_of(class_name: str) -> str:
        items = serving.menu().items_seen_as(class_name)
        return items[0].shown_name if len(items) == 1 else class_name.replace("_", " ")

    still = partial(slot_still, thresholds=eyes.thresholds, name_of=name_of)
    return LiveStations(thread, known=list(known), encode=slots_as_jpeg, still=still, clock=clock)
