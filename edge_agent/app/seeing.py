"""Put together what looks: check, replay, evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from edge_agent import __version__
from edge_agent.adapters.photograph import read_photograph
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.system_clock import SystemClock, boot_id
from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.app.eyes import Eyes, station_with
from edge_agent.checking.order_checker import OrderChecker
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Observation
from edge_agent.domain.events import Event
from edge_agent.domain.matching import Verdict
from edge_agent.domain.record import Run
from edge_agent.domain.tray import Slot
from edge_agent.errors import BadInput, StoreError
from edge_agent.evaluation.annotated_video import AnnotatedVideoWriter
from edge_agent.evaluation.evidence import EvidenceKeeper
from edge_agent.evaluation.photo_checks import (
    TraysEvaluated,
    contents_of,
    evaluate_trays,
    judge_order,
    refuse_unknown_classes,
    warn_of_unknown_skus,
)
from edge_agent.evaluation.recorder import EventRecorder
from edge_agent.evaluation.replay import Replayed, ReplayWatcher, replay
from edge_agent.evaluation.report import write_replay_report
from edge_agent.evaluation.report_page import Used
from edge_agent.evaluation.trays_report import write_trays_report
from edge_agent.formats.orders import read_order
from edge_agent.formats.recordings import open_recording, open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Frame
from edge_agent.ports.steps import OnStep, nobody_looks

ANNOTATED_VIDEO = "annotated.mp4"


def check_photographs(eyes: Eyes, order_path: Path, photographs: Sequence[Path]) -> tuple[Verdict, Contents]:
    """Hold one order against the photographs of one tray.

    Raises:
        BadOrder: the order does not read.
        BadRecording: a photograph does not read.
    """
    order = read_order(order_path)
    pictures = [read_photograph(path) for path in photographs]
    contents = contents_of([eyes.detector.detect(p) for p in pictures], eyes.thresholds, eyes.occluders)
    return judge_order(eyes.menu.menu, order, contents), contents


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDone:
    """What came of a replay, and where its report lies."""

    replayed: Replayed
    report_page: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationDone:
    """What came of an evaluation, and where its report lies."""

    evaluated: TraysEvaluated
    report_page: Path | None = None


@dataclass(slots=True)
class _Counting:
    """A replay watcher that tells how far it is."""

    on_frame: OnStep
    total: int
    done: int = 0

    def saw(self, frame: Frame, observation: Observation, events: Sequence[Event]) -> None:
        del frame, observation, events
        self.done += 1
        self.on_frame(self.done, self.total)


def replay_recording(
    eyes: Eyes,
    video: Path,
    *,
    report: Path | None = None,
    db: Path | None = None,
    on_frame: OnStep = nobody_looks,
    warns: bool = True,
) -> ReplayDone:
    """Replay a recording; write a report and fill a database where they are asked for.

    It warns of orders that the menu does not know; not where that was said of it before.

    Raises:
        BadRecording: the video or a file beside it does not read, or the report cannot be written.
        BadOrder: an order does not read.
        StoreError: the database refuses.
    """
    recording = open_recording(video)
    refuse_unknown_classes(recording, eyes.menu.menu, eyes.pack.manifest.classes)
    if warns:
        warn_of_unknown_skus(recording, eyes.menu.menu)
    source = VideoFileSource(video)
    station = eyes.settings.station()
    slots = [slot.slot(source.width_px, source.height_px) for slot in station.slots]
    with ExitStack() as stack:
        watchers: list[ReplayWatcher] = [_Counting(on_frame, source.frames_declared)]
        keeper = film = None
        if report is not None:
            keeper = EvidenceKeeper(report, slots=slots, thresholds=eyes.thresholds)
            film = stack.enter_context(
                AnnotatedVideoWriter(
                    report / ANNOTATED_VIDEO,
                    frames_per_s=source.frames_per_s,
                    width_px=source.width_px,
                    height_px=source.height_px,
                    slots=slots,
                    thresholds=eyes.thresholds,
                )
            )
            watchers += [keeper, film]
        store = run_id = None
        if db is not None:
            store = stack.enter_context(_store_at(db))
            run_id = store.begin_run(_run_of(eyes, video))
            watchers.append(EventRecorder(store, run_id, slots))
        replayed = replay(
            recording,
            source=source,
            detector=eyes.detector,
            checker=checker_for(eyes, slots),
            menu=eyes.menu.menu,
            provider=eyes.detector.provider,
            watchers=watchers,
            problem=lambda: source.problem,
        )
        if store is not None and run_id is not None:
            store.commit(run_id, replayed.closing)
            store.end_run(run_id)
    if keeper is None or film is None or report is None:
        return ReplayDone(replayed=replayed)
    page = write_replay_report(
        report,
        replayed,
        keeper.pictures,
        used=used_by(eyes),
        video_name=ANNOTATED_VIDEO if film.is_written else None,
    )
    return ReplayDone(replayed=replayed, report_page=page)


def _store_at(path: Path) -> SqliteStore:
    """Here somebody named the file by hand, so one that is no database is bad input."""
    try:
        return SqliteStore(path=path, clock=SystemClock())
    except StoreError as error:
        raise BadInput(str(error)) from error


def used_by(eyes: Eyes) -> Used:
    """What a report says that it was made with."""
    manifest = eyes.pack.manifest
    return Used(
        pack_name=manifest.name,
        pack_version=manifest.version,
        pack_sha256=eyes.pack.sha256,
        menu_name=eyes.menu.path.name,
        provider=eyes.detector.provider,
        thresholds=eyes.thresholds,
    )


def _run_of(eyes: Eyes, video: Path) -> Run:
    manifest = eyes.pack.manifest
    return Run(
        station=eyes.settings.station().id,
        source=video.name,
        model_name=manifest.name,
        model_version=manifest.version,
        model_sha256=eyes.pack.sha256,
        menu_sha256=eyes.menu.sha256,
        agent_version=__version__,
        provider=eyes.detector.provider,
        boot_id=boot_id(),
    )


def evaluate_folder(
    eyes: Eyes,
    root: Path,
    *,
    only: Sequence[TrayBlock] = (),
    report: Path | None = None,
    on_tray: OnStep = nobody_looks,
    also_known: Sequence[str] = (),
    warns: bool = True,
) -> EvaluationDone:
    """Score the checks of a folder of photographed trays; only those of some blocks, where such are given.

    `also_known` are classes that may lie there although this model has never seen them. It warns of orders that the
    menu does not know; not where that was said of them before.

    Raises:
        BadRecording: a file of the folder does not read, or something lies there that nobody knows.
        BadOrder: an order does not read.
    """
    folder = open_trays(root).only(only)
    refuse_unknown_classes(folder, eyes.menu.menu, (*eyes.pack.manifest.classes, *also_known))
    if warns:
        warn_of_unknown_skus(folder, eyes.menu.menu)
    total = len({check.tray_id for check in folder.checks})
    done: list[str] = []

    def count(tray_id: str) -> None:
        done.append(tray_id)
        on_tray(len(done), total)

    evaluated = evaluate_trays(
        folder,
        detector=eyes.detector,
        menu=eyes.menu.menu,
        thresholds=eyes.thresholds,
        occluders=eyes.occluders,
        read_photograph=read_photograph,
        on_tray=count,
    )
    if report is None:
        return EvaluationDone(evaluated=evaluated)
    page = write_trays_report(
        report, evaluated, folder, read_photograph=read_photograph, detect=eyes.detector.detect, used=used_by(eyes)
    )
    return EvaluationDone(evaluated=evaluated, report_page=page)


def checker_for(eyes: Eyes, slots: Sequence[Slot]) -> OrderChecker:
    """A fresh checker for the station of the settings."""
    return OrderChecker(
        menu=eyes.menu.menu,
        thresholds=eyes.thresholds,
        stations=[station_with(eyes.settings.station(), slots)],
        occluders=eyes.occluders,
    )
