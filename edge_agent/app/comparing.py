"""Put together what scores model packs: one for its card, or two side by side on the same checks."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from edge_agent.adapters.model_shelf import led_to
from edge_agent.app.eyes import Eyes, open_eyes
from edge_agent.app.inputs import check_writable
from edge_agent.app.making import met_boxes
from edge_agent.app.seeing import evaluate_folder, replay_recording
from edge_agent.checking.scoring import ScoredCheck
from edge_agent.errors import BadInput, BadRecording
from edge_agent.evaluation.comparison import Comparison, JudgedCheck, JudgedPack, judged_replay, judged_trays
from edge_agent.evaluation.evidence import EVIDENCE_FOLDER
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of
from edge_agent.formats.recordings import open_counted, open_recording, open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.settings import Settings
from edge_agent.training.box_scores import BOXED
from edge_agent.training.card import (
    SCORED,
    SCORED_ON,
    TOOK_PART,
    note_scores,
    run_card_of,
    scored_metrics,
    write_model_card,
)
from edge_agent.training.export import revise_pack
from edge_agent.training.took_part import known_to_have_taken_part

REPORT_FOLDER = "report"
"""In the folder of a run: a report for each pack that was made of its weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What models are scored on: a folder of photographed trays (perhaps only some blocks of it), and recordings.

    Raises:
        BadInput: blocks without a folder that they could choose from.
    """

    trays: Path | None = None
    only: Sequence[TrayBlock] = ()
    recordings: Sequence[Path] = ()

    def __post_init__(self) -> None:
        if self.only and self.trays is None:
            raise BadInput("--only chooses among the trays of a folder; name that with --trays")

    def __bool__(self) -> bool:
        return self.trays is not None or bool(self.recordings)

    @property
    def gap(self) -> str | None:
        """What it leaves open, where it is of one kind alone: a gate that was passed says nothing of the other."""
        if self.trays is None:
            return "only recordings were played, and photographed trays are far more: name some with --trays"
        if not self.recordings:
            return "only photographs were looked at; how it follows trays that move, a --recording with its truth shows"
        return None

    def as_json(self) -> dict[str, JsonValue]:
        blocks: list[JsonValue] = [str(block) for block in self.only]
        return {
            "trays": None if self.trays is None else str(self.trays),
            "only": blocks,
            "recordings": [str(video) for video in self.recordings],
        }


def compare_packs(
    settings: Settings,
    before: Path,
    after: Path,
    evidence: Evidence,
    *,
    tolerance: int = 0,
    on_step: OnStep = nobody_looks,
) -> Comparison:
    """Score two packs on the same checks, with the settings' menu, station and provider.

    Raises:
        BadInput: there is nothing to score on.
        BadModelPack: a pack does not fit.
        BadConfig: the menu does not read, or names a class that one of the models lacks.
        BadRecording: something of the evidence does not read, or a recording has no truth beside it.
    """
    if not evidence:
        raise BadInput("there is nothing to compare on; name photographed trays with --trays, or a --recording")
    for video in evidence.recordings:
        if open_recording(video).truth_path is None:
            said = (
                f"there is no {video.with_suffix('.truth.jsonl').name} beside it; without the truth nothing is scored"
            )
            raise BadRecording(said, path=video)
    # Both before either looks: that the second does not fit should not be told after minutes of scoring the first.
    first, second = (open_eyes(_exact(settings, led_to(pack))) for pack in (before, after))
    # What one of the two knows is no slip in the trays, even where the other has never seen it.
    known = tuple(name for eyes in (first, second) for name in eyes.pack.manifest.classes)
    return Comparison(
        before=_judged(first, evidence, known, on_step),
        after=_judged(second, evidence, known, on_step, warns=False),
        tolerance=tolerance,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackScored:
    """A pack with its scores, and the page that shows every failure, where one was asked for."""

    manifest: PackManifest
    report_page: Path | None = None


def score_pack(
    settings: Settings,
    folder: Path,
    trays: Path,
    only: Sequence[TrayBlock],
    on_tray: OnStep = nobody_looks,
    *,
    report: Path | None = None,
    run: Path | None = None,
) -> PackScored:
    """Score a pack, and write the scores into its manifest and its card, which says whether those trays took part.

    With the folder of the run that made it, they are written into that run's card too, and every failure is a picture
    in its report, unless another place was named for that. It runs in its first form, in which it was calibrated, and
    with its thresholds as they are: how fast a box needs it, and how eager a restaurant, is not of the pack.

    Raises:
        BadInput: the report or the pack cannot be written, the run made other weights, or scores on trays that took
            part would take the place of others.
        BadModelPack: the pack does not fit, or not the menu.
        BadRecording: a file of the folder does not read.
    """
    folder = led_to(folder)
    before = load_manifest(folder / MANIFEST_NAME)
    check_writable([folder])
    whole = open_trays(trays)
    took_part = known_to_have_taken_part(before, whole, {check.tray_id for check in whole.only(only).checks})
    if took_part and SCORED_ON in before.metrics and TOOK_PART not in before.metrics:
        said = f"{took_part} of these trays taught it, or set its thresholds; its card keeps the scores that it has"
        do = "choose trays with --only, or type 'edge-agent evaluate', which writes nothing into the pack"
        raise BadInput(f"{said}: {do}", path=folder)
    if run is not None:
        run_card_of(run, before)
        if report is None:
            report = run / REPORT_FOLDER / folder.resolve().name
            shutil.rmtree(report / EVIDENCE_FOLDER, ignore_errors=True)  # failures of an earlier scoring
    eyes = open_eyes(_exact(settings, folder, eagerness=0))
    done = evaluate_folder(eyes, trays, only=only, report=report, on_tray=on_tray)
    evaluated = done.evaluated
    scores = {**scored_metrics(evaluated.scores, evaluated.items, only), "scored_form": eyes.pack.precision}
    if took_part:
        scores[TOOK_PART] = took_part
    manifest = _with_scores(folder, before, scores, SCORED, run)
    return PackScored(manifest=manifest, report_page=done.report_page)


def score_pack_on_boxes(
    folder: Path, boxes: Path, on_photograph: OnStep = nobody_looks, *, run: Path | None = None
) -> PackManifest:
    """Hold what a pack finds against boxes that were drawn, and write that into its manifest and its card.

    With the folder of the run that made it, it is written into that run's card too.

    Raises:
        BadInput: nothing was drawn that the pack reports, the run made other weights, or the pack cannot be written.
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read.
    """
    folder = led_to(folder)
    before = load_manifest(folder / MANIFEST_NAME)
    check_writable([folder])
    if run is not None:
        run_card_of(run, before)
    scores = met_boxes(folder, boxes, on_photograph=on_photograph)
    return _with_scores(folder, before, scores, BOXED, run)


def _with_scores(
    folder: Path, before: PackManifest, scores: Mapping[str, float | int | str], kind: str, run: Path | None
) -> PackManifest:
    """Scores in place of the earlier ones of their kind, whose names begin so, wherever a pack tells of itself."""
    kept = {name: value for name, value in before.metrics.items() if not name.startswith(kind)}
    manifest = revise_pack(folder, {"metrics": {**kept, **scores}})
    write_model_card(folder, manifest)
    if run is not None:
        note_scores(run, manifest)
    return manifest


def _exact(settings: Settings, pack: Path, **changes: object) -> Settings:
    """The settings with a pack in its first form. Its faster ones have gates of their own, beside this one.

    Else a candidate in fp32 would be held against the 8-bit form of the pack in service, and lose the difference later.
    """
    first = next(iter(load_manifest(pack / MANIFEST_NAME).files))
    detector = settings.detector.model_copy(update={"pack": pack, "precision": first, **changes})
    return settings.model_copy(update={"detector": detector})


def _judged(eyes: Eyes, evidence: Evidence, known: Sequence[str], on_step: OnStep, *, warns: bool = True) -> JudgedPack:
    checks: list[JudgedCheck] = []
    extras: list[ScoredCheck] = []
    problems: list[str] = []
    took_part = 0
    if evidence.trays is not None:
        done = evaluate_folder(eyes, evidence.trays, only=evidence.only, on_tray=on_step, also_known=known, warns=warns)
        checks += judged_trays(done.evaluated)
        took_part = known_to_have_taken_part(eyes.pack.manifest, open_counted(evidence.trays), done.evaluated.contents)
    for video in evidence.recordings:
        replayed = replay_recording(eyes, video, on_frame=on_step, warns=warns).replayed
        true, beyond = judged_replay(replayed)
        checks += true
        extras += beyond
        problems += [f"{video}: {replayed.problem}"] if replayed.problem else []
    return JudgedPack(
        folder=str(eyes.pack.folder),
        name=eyes.pack.manifest.name,
        version=eyes.pack.manifest.version,
        sha256=sha256_of(eyes.pack.manifest_path),
        checks=tuple(checks),
        extras=tuple(extras),
        problems=tuple(problems),
        took_part=took_part,
    )
