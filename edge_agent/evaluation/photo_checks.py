"""Check photographed trays: the photographs of a tray are the settled frames of one session."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_agent.checking.item_scores import ItemScores, item_scores, trays_with
from edge_agent.checking.scoring import ScoredCheck, Scores, by_class, score, true_verdict
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Detection
from edge_agent.domain.matching import CheckedLine, Verdict, VerdictKind, compare
from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order
from edge_agent.domain.unknown_skus import unknown_skus
from edge_agent.domain.voting import Thresholds, ballot, fuse, things_in
from edge_agent.formats.recordings import CHECKS_NAME, Recording, TrayCheck, TrayFolder
from edge_agent.ports import Detector, Picture

logger = logging.getLogger(__name__)

MOST_NAMED = 5
"""So many unknown SKUs are named in a warning; with more, it is another menu that is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoVerdict:
    """One order held against the photographs of one tray."""

    check: TrayCheck
    verdict: Verdict
    truth: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TraysEvaluated:
    """The verdicts on a folder of trays, their scores, and the speed on the photographs.

    `items` scores single items, on the trays that are marked sure.
    """

    verdicts: tuple[PhotoVerdict, ...]
    contents: dict[str, Contents]
    scores: Scores
    items: ItemScores
    photographs: int
    detect_s: float

    @property
    def frames_per_s(self) -> float:
        return self.photographs / self.detect_s if self.detect_s else 0.0


def contents_of(
    pictures: Iterable[Sequence[Detection]], thresholds: Thresholds, occluders: Iterable[str] = ()
) -> Contents:
    """The contents that the photographs of one tray agree on, each with the same weight."""
    hidden_by = frozenset(occluders)
    things = (things_in(d for d in seen if d.class_name not in hidden_by) for seen in pictures)
    return fuse([ballot(0.0, each) for each in things], thresholds)


def judge_order(menu: Menu, order: Order, contents: Contents) -> Verdict:
    """The verdict on one tray that is known to be this order's, or one part of it."""
    verdict = compare(menu, wanted(menu, order), contents, complete=order.parts == 1)
    return replace(verdict, allergy=order.mentions_allergy)


def refuse_unknown_classes(truth: TrayFolder | Recording, menu: Menu, classes: Collection[str]) -> None:
    """Hold what lies on the trays against the menu and the models: nobody can find what neither of them knows.

    A dish that the camera cannot tell belongs on the menu as `visibility: hidden`.

    Raises:
        BadRecording: something lies there that neither knows; names the line, and on how many trays.
    """

    def is_known(name: str) -> bool:
        return name in classes or name in menu.classes or menu.find(name) is not None

    truth.refuse_unknown(
        is_known,
        said="neither the menu nor the model knows",
        advice="correct the name, or put it on the menu, 'visibility: hidden' where the camera cannot tell it",
    )


def warn_of_unknown_skus(truth: TrayFolder | Recording, menu: Menu) -> None:
    """Log what is ordered there and stands on no menu: what is too much beside it may be it, so it alarms nobody.

    Wrong orders are told less often then, and no score says why.
    """
    if isinstance(truth, TrayFolder):
        orders = [check.order for check in truth.checks]
    else:
        orders = [*{event.order.order_id: event.order for event in truth.orders if event.order is not None}.values()]
    if unknown := unknown_skus(menu, orders):
        named = ", ".join(f"'{each.sku[:100]}' (on {each.orders})" for each in unknown[:MOST_NAMED])
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        said = "%s: of what is ordered there the menu does not know %s%s; on such a tray nothing is too much, it is %s"
        advice = "unsure. Put them on the menu, 'visibility: hidden' what no camera can tell"
        path = truth.root / CHECKS_NAME if isinstance(truth, TrayFolder) else truth.orders_path
        logger.warning(said, path, named, more, advice)


def evaluate_trays(
    folder: TrayFolder,
    *,
    detector: Detector,
    menu: Menu,
    thresholds: Thresholds,
    read_photograph: Callable[[Path], Picture],
    occluders: Iterable[str] = (),
    on_tray: Callable[[str], None],
) -> TraysEvaluated:
    """Look at every tray that a check names, and judge every check.

    Raises:
        BadRecording: a photograph does not read.
    """
    contents: dict[str, Contents] = {}
    photographs, detect_s = 0, 0.0
    for tray_id in dict.fromkeys(check.tray_id for check in folder.checks):
        seen = []
        for image in folder.trays[tray_id].images:
            picture = read_photograph(folder.root / image)
            began_s = time.perf_counter()
            seen.append(detector.detect(picture))
            detect_s += time.perf_counter() - began_s
        photographs += len(seen)
        contents[tray_id] = contents_of(seen, thresholds, occluders)
        on_tray(tray_id)
    verdicts = tuple(
        PhotoVerdict(
            check=check,
            verdict=judge_order(menu, check.order, contents[check.tray_id]),
            truth=_truth(menu, check, folder),
        )
        for check in folder.checks
    )
    scores = score(
        (ScoredCheck(truth=v.truth, given=v.verdict) for v in verdicts),
        ((by_class(menu, folder.trays[tray_id].contents), seen) for tray_id, seen in contents.items()),
    )
    return TraysEvaluated(
        verdicts=verdicts,
        contents=contents,
        scores=scores,
        items=_items(menu, folder, contents),
        photographs=photographs,
        detect_s=detect_s,
    )


def _items(menu: Menu, folder: TrayFolder, contents: dict[str, Contents]) -> ItemScores:
    """The sure trays that were looked at; those of the whole folder choose the classes of the macro recall."""
    whole = folder.part_of or folder
    looked_at = ((folder.trays[tray_id], seen) for tray_id, seen in contents.items())
    return item_scores(
        ((by_class(menu, tray.contents), seen) for tray, seen in looked_at if tray.sure),
        trays_known=trays_with(by_class(menu, tray.contents) for tray in whole.trays.values() if tray.sure),
    )


def _truth(menu: Menu, check: TrayCheck, folder: TrayFolder) -> Verdict:
    """The true lines from the contents; whether the order is right or wrong is for the file to say."""
    truth = true_verdict(menu, check.order, folder.trays[check.tray_id].contents)
    return replace(truth, kind=VerdictKind(check.expected))


def line_as_json(line: CheckedLine) -> dict[str, Any]:
    """One line of a verdict, as every `--json` output has it."""
    return {
        "sku": line.sku,
        "expected": line.expected,
        "seen": line.seen,
        "result": line.result.value,
        "reason": line.reason,
    }


def evaluation_as_json(evaluated: TraysEvaluated, provider: str) -> dict[str, Any]:
    """The object that `evaluate --json` prints."""
    return {
        **evaluated.scores.as_json(),
        **evaluated.items.as_json(),
        "frames_per_s": round(evaluated.frames_per_s, 1),
        "provider": provider,
        "trays": len(evaluated.contents),
        "results": [
            {
                "check_id": v.check.check_id,
                "verdict": v.verdict.kind.value,
                "lines": [line_as_json(line) for line in v.verdict.lines],
            }
            for v in evaluated.verdicts
        ],
    }
