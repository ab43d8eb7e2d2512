"""Put together what scores a detector that is not the one in service: of another precision, or of another library."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from edge_agent.adapters.photograph import read_photograph
from edge_agent.app.eyes import thresholds_of
from edge_agent.domain.menu import Menu
from edge_agent.evaluation.photo_checks import (
    TraysEvaluated,
    evaluate_trays,
    refuse_unknown_classes,
    warn_of_unknown_skus,
)
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import PackManifest
from edge_agent.formats.recordings import TrayFolder
from edge_agent.ports import Detector
from edge_agent.ports.steps import OnStep


@dataclass(slots=True)
class _Counting:
    """Counts trays for whoever looks."""

    on_step: OnStep
    total: int
    done: int = 0

    def __call__(self, _tray_id: str) -> None:
        self.done += 1
        self.on_step(self.done, self.total)


def menu_of_checks(path: Path, classes: Collection[str], folder: TrayFolder) -> Menu:
    """The menu of the checks, held against a model's classes and against what lies on the trays.

    Raises:
        BadConfig: the menu does not read, or names a class that the model lacks.
        BadRecording: something lies on a tray that neither knows; names the line.
    """
    menu = load_menu(path, model_classes=classes).menu
    refuse_unknown_classes(folder, menu, classes)
    warn_of_unknown_skus(folder, menu)
    return menu


def scored_on(
    detector: Detector, manifest: PackManifest, folder: TrayFolder, menu: Menu, on_step: OnStep
) -> TraysEvaluated:
    """What a detector with a pack's thresholds makes of the checks on trays.

    Raises:
        BadRecording: a photograph does not read.
    """
    return evaluate_trays(
        folder,
        detector=detector,
        menu=menu,
        thresholds=thresholds_of(manifest),
        occluders=manifest.occluders,
        read_photograph=read_photograph,
        on_tray=_Counting(on_step, len({check.tray_id for check in folder.checks})),
    )
