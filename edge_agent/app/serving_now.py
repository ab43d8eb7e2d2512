"""What the running agent checks by: its menu, its thresholds, its model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.app.eyes import Eyes, thresholds_of
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.events import Event
from edge_agent.domain.menu import Menu
from edge_agent.domain.said import placed, say
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadInput, StoreBusy
from edge_agent.formats.menu import load_menu
from edge_agent.ports import ModelInUse
from edge_agent.runtime.checker_thread import CheckerThread
from edge_agent.settings import Settings

logger = logging.getLogger(__name__)

RELOADED_S = 5.0


class ServingNow:
    """An `InUse` that can be told to read the menu and the thresholds anew.

    `problem` says why the last time nothing was, until it is done.
    """

    def __init__(self, settings: Settings, eyes: Eyes) -> None:
        self.problem: str | None = None
        self._menu = eyes.menu.menu
        pack = eyes.pack
        self._folder = pack.manifest_path.parent
        self._manifest = pack.manifest
        self._model = ModelInUse(
            name=pack.manifest.name,
            version=pack.manifest.version,
            sha256=pack.sha256,
            precision=pack.precision,
            provider=eyes.detector.provider,
            classes=eyes.detector.classes,
            stations=tuple(station.id for station in settings.stations),
        )

    def menu(self) -> Menu:
        return self._menu

    def models(self) -> tuple[ModelInUse, ...]:
        return (self._model,)

    def reload(self, read_again: Callable[[], Settings], checker: CheckerThread) -> str:
        """Read menu and thresholds anew; says what came of it. What does not read changes nothing."""
        try:
            self.serve(read_again(), checker)
        except (BadInput, StoreBusy, FutureTimeout) as error:
            why = f"the checker did not answer in {RELOADED_S:g} s"
            if not isinstance(error, FutureTimeout):
                why = placed(error) if isinstance(error, BadInput) else str(error)
            self.problem = say("not_reloaded", "nothing was reloaded: {said}", said=why)
            logger.error("%s", self.problem)  # noqa: TRY400  the sentence says it all
            return self.problem
        logger.info("menu and thresholds were reloaded; all else needs a restart")
        return "menu and thresholds were reloaded"

    def serve(self, settings: Settings, checker: CheckerThread) -> None:
        """From now on check by the menu and the thresholds that these settings name.

        Raises:
            BadInput: they do not read; then nothing changes.
            StoreBusy: the checker ends, or is asked too much. TimeoutError: it does not answer.
        """
        menu = load_menu(settings.menu, model_classes=self._model.classes).menu
        manifest = ModelPack.manifest_of(self._folder)
        thresholds = thresholds_of(manifest, eagerness=settings.detector.eagerness)

        def serve(checker: OrderChecker, at_s: float) -> tuple[None, Sequence[Event]]:
            return None, checker.serve(menu, thresholds, at_s)

        checker.ask(serve).result(RELOADED_S)
        self._menu, self._manifest, self.problem = menu, manifest, None

    def thresholds(self, eagerness: int) -> Thresholds:
        """The model's thresholds as they were read last, so far towards more catches."""
        return thresholds_of(self._manifest, eagerness=eagerness)
