"""Photographs that somebody sends with an order, looked at between the pictures of the stations."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeout

from edge_agent.adapters.photograph import picture_from
from edge_agent.app.eyes import Eyes
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.detection import Detection
from edge_agent.domain.events import Event
from edge_agent.domain.order import Order
from edge_agent.domain.said import say
from edge_agent.errors import Overloaded
from edge_agent.evaluation.photo_checks import contents_of, judge_order
from edge_agent.ports import PhotoChecked, Picture
from edge_agent.runtime.checker_thread import CheckerThread

LOOKED_S = 10.0


class PhotoDesk:
    """A `PhotoChecker` that lends the detector of the stations, for one picture at a time and one caller at a time."""

    def __init__(self, eyes: Eyes, checker: CheckerThread) -> None:
        self._eyes = eyes
        self._checker = checker
        self._turn = threading.Lock()

    def check(self, order: Order, photographs: Sequence[bytes]) -> PhotoChecked:
        if not self._turn.acquire(blocking=False):
            raise Overloaded("photographs of somebody else are being looked at; try again in a moment")
        try:
            seen = [self._look(picture_from(photograph)) for photograph in photographs]
        finally:
            self._turn.release()
        contents = contents_of(seen, self._eyes.thresholds, self._eyes.occluders)
        return PhotoChecked(verdict=judge_order(self._eyes.menu.menu, order, contents), contents=contents)

    def _look(self, picture: Picture) -> tuple[Detection, ...]:
        return look_between(self._checker, self._eyes, picture)


def look_between(checker: CheckerThread, eyes: Eyes, picture: Picture) -> tuple[Detection, ...]:
    """What the detector reports on a picture, looked at between two pictures of the stations.

    Raises:
        Overloaded: the stations need the detector.
        StoreBusy: the checker ends, or is asked too much. DetectorError: the model could not be run.
    """

    def look(_checker: OrderChecker, _at_s: float) -> tuple[tuple[Detection, ...], Sequence[Event]]:
        return eyes.detector.detect(picture), ()

    asked = checker.ask(look)
    try:
        return asked.result(LOOKED_S).value
    except FutureTimeout as error:
        asked.cancel()
        raise Overloaded(say("detector_needed", "the stations need the detector now; try again later")) from error
