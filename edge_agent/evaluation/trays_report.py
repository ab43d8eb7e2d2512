"""The report of `evaluate`: the scores, and every check that went wrong, as pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.checking.scoring import Outcome, ScoredCheck
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Detection
from edge_agent.domain.matching import VerdictKind
from edge_agent.evaluation.evidence import EVIDENCE_FOLDER, safe_name, write_jpeg
from edge_agent.evaluation.painter import paint_boxes
from edge_agent.evaluation.photo_checks import PhotoVerdict, TraysEvaluated
from edge_agent.evaluation.report import scores_summary
from edge_agent.evaluation.report_charts import heat_tables
from edge_agent.evaluation.report_items import items_view
from edge_agent.evaluation.report_page import Used, write_page
from edge_agent.evaluation.report_views import LineView, line_views, rate_cards, score_rows
from edge_agent.evaluation.wording import OUTCOME_SIGNS, VERDICT_SIGNS, Sign, things, verdict_headline
from edge_agent.formats.recordings import PhotographedTray, TrayFolder
from edge_agent.ports import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureView:
    """One check that went wrong."""

    check_id: str
    tray_id: str
    sure: bool
    sign: Sign
    headline: str
    lines: tuple[LineView, ...]
    truth: str
    contents: str
    seen: str
    note: str
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """All checks that went wrong in one way."""

    anchor: str
    sign: Sign
    phrase: str
    of_what: str
    failures: tuple[FailureView, ...]


_GROUPS = (
    (Outcome.ESCAPED, True, "wrong orders that were called right"),
    (Outcome.FALSE_ALARM, False, "right orders that were called wrong"),
    (Outcome.MISNAMED, True, "wrong orders that were called wrong for another reason"),
    (Outcome.AMBER, True, "wrong orders that the camera could not tell"),
    (Outcome.AMBER, False, "right orders that the camera could not tell"),
)


def write_trays_report(
    directory: Path,
    evaluated: TraysEvaluated,
    folder: TrayFolder,
    *,
    read_photograph: Callable[[Path], Picture],
    detect: Callable[[Picture], Sequence[Detection]],
    used: Used,
    on_tray: Callable[[int, int], None] | None = None,
) -> Path:
    """Write `directory/index.html` with the pictures of every failure, and return its path.

    Args:
        directory: the report's folder; made if it is not there.
        evaluated: what came of the checks.
        folder: the folder that was checked.
        read_photograph: reads a photograph again (height, width, 3; uint8; blue-green-red).
        detect: looks at it again, since the boxes were not kept.
        used: what the checks were made with; its thresholds decide which boxes are solid.
        on_tray: told how many of how many trays have been drawn.

    Raises:
        BadInput: a file cannot be written, or a photograph does not read any more.
    """
    scored = [(v, ScoredCheck(truth=v.truth, given=v.verdict)) for v in evaluated.verdicts]
    failed = dict.fromkeys(v.check.tray_id for v, check in scored if _is_failure(check.outcome))
    pictures: dict[str, tuple[str, ...]] = {}
    for number, tray_id in enumerate(failed, start=1):
        photographs = (read_photograph(folder.root / image) for image in folder.trays[tray_id].images)
        drawn = (paint_boxes(picture, detect(picture), used.thresholds) for picture in photographs)
        pictures[tray_id] = _written(directory, f"{number:04d}-{safe_name(tray_id)}", drawn)
        if on_tray is not None:
            on_tray(number, len(failed))
    groups = _groups(scored, evaluated.contents, folder, pictures)
    return write_page(directory, "trays.html", _values(evaluated, folder, used, groups))


def _values(
    evaluated: TraysEvaluated, folder: TrayFolder, used: Used, groups: tuple[FailureGroup, ...]
) -> dict[str, Any]:
    return {
        "folder": folder.root.name,
        "facts": (
            *used.facts,
            ("speed", f"{evaluated.frames_per_s:.0f} photographs/s"),
            ("trays", str(len(evaluated.contents))),
            ("checks", str(len(evaluated.verdicts))),
        ),
        "summary": scores_summary(evaluated.scores),
        "rates": rate_cards(evaluated.scores),
        "scores": score_rows(evaluated.scores),
        "heats": heat_tables(evaluated.scores.confusion),
        "items": items_view(evaluated.items),
        "groups": groups,
    }


def _is_failure(outcome: Outcome) -> bool:
    return any(outcome is kind for kind, _, _ in _GROUPS)


def _written(directory: Path, stem: str, pictures: Iterable[Picture]) -> tuple[str, ...]:
    """Write the pictures of one tray, one at a time; returns their paths relative to the directory."""
    names = []
    for shot, picture in enumerate(pictures, start=1):
        names.append(f"{EVIDENCE_FOLDER}/{stem}-{shot}.jpg")
        write_jpeg(directory / names[-1], picture)
    return tuple(names)


def _groups(
    scored: Sequence[tuple[PhotoVerdict, ScoredCheck]],
    contents: dict[str, Contents],
    folder: TrayFolder,
    pictures: dict[str, tuple[str, ...]],
) -> tuple[FailureGroup, ...]:
    groups = []
    for outcome, wrong, phrase in _GROUPS:
        failures = tuple(
            _failure(v, contents[v.check.tray_id], folder.trays[v.check.tray_id], pictures[v.check.tray_id])
            for v, check in scored
            if check.outcome is outcome and (v.truth.kind is VerdictKind.MISMATCH) is wrong
        )
        if failures:
            anchor = f"{outcome.value}-{'wrong' if wrong else 'right'}"
            of_what = "wrong orders" if wrong else "right orders"
            sign = OUTCOME_SIGNS[outcome]
            groups.append(FailureGroup(anchor=anchor, sign=sign, phrase=phrase, of_what=of_what, failures=failures))
    return tuple(groups)


def _failure(
    judged: PhotoVerdict, contents: Contents, tray: PhotographedTray, pictures: tuple[str, ...]
) -> FailureView:
    wrong = judged.truth.kind is VerdictKind.MISMATCH
    return FailureView(
        check_id=judged.check.check_id,
        tray_id=tray.tray_id,
        sure=tray.sure,
        sign=VERDICT_SIGNS[judged.verdict.kind],
        headline=verdict_headline(judged.verdict),
        lines=line_views(judged.verdict),
        truth=verdict_headline(judged.truth) if wrong else "as ordered",
        contents=things(tray.contents),
        seen=things(contents.likely),
        note=tray.note,
        pictures=pictures,
    )
