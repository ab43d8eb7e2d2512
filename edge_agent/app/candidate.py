"""Make a candidate out of a restaurant's own trays: part of them teach, part set thresholds, the newest judge."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from edge_agent.app.candidate_start import LEARN_COMMAND, start_from
from edge_agent.app.comparing import Evidence, PackScored, compare_packs, score_pack
from edge_agent.app.inputs import refuse_to_write_over
from edge_agent.app.making import train_pack
from edge_agent.app.plans import ThresholdPlan
from edge_agent.errors import BadConfig, BadInput
from edge_agent.evaluation.comparison import Comparison
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import MANIFEST_NAME
from edge_agent.formats.recordings import TRAYS_NAME, open_counted
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.whole_file import write_whole
from edge_agent.ports.steps import OnWork, nobody_looks
from edge_agent.settings import Settings
from edge_agent.training.fit import FitRecipe
from edge_agent.training.labelling import counted_trays
from edge_agent.training.making import PLAN_NAME
from edge_agent.training.plan import LearningFromOrders, TrainingPlan

JUDGED_NAME = "judged.json"
"""Written last into the folder of a candidate's run: what lies beside it without this was cut off."""

FEWEST_TRAYS = 40
"""With fewer, a fifth of them is too little to find thresholds on or to judge by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePlan:
    """What a candidate is made of.

    Attributes:
        trays: a folder as `collect` writes it.
        checkpoint: the weights to go on from, those of the active pack.
        pack: the pack to write.
        run: where checkpoints and the run card go.
        epochs: how many passes over the trays.
        false_alarms: the budget of the thresholds, as a share of right orders.
    """

    trays: Path
    checkpoint: Path
    pack: Path
    run: Path
    epochs: int
    false_alarms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The candidate, and how it does beside the active pack.

    Attributes:
        scored: its scores, and the page with its failures.
        judged_by: the trays of the comparison.
        comparison: None where the menu asks for classes that the active pack never saw, and so cannot be scored on.
        untaught: classes of the active pack that lie on no tray that taught: they may have been forgotten.
    """

    scored: PackScored
    judged_by: TrayBlock
    comparison: Comparison | None
    untaught: tuple[str, ...]


def make_candidate(
    settings: Settings,
    plan: CandidatePlan,
    *,
    on_work: OnWork = lambda _: nobody_looks,
) -> Candidate:
    """Train on the older trays, find thresholds on newer ones, and compare with the active pack on the newest.

    After a cut the same plan goes on: what is trained is not trained again.

    Raises:
        BadInput: there are too few trays, or the checkpoint is not that of the active pack.
        BadConfig: the menu asks for a class that neither the active pack knows nor a tray teaches.
        BadModelPack: a pack does not fit.
        BadRecording: a file of the folder does not read.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    start = start_from(settings.detector.pack, plan.checkpoint)
    active = start.active
    thresholds, judges = blocks_of(plan.trays)
    apart = (thresholds, judges)
    teaching = counted_trays(open_counted(plan.trays), apart=apart)
    taught = {name for tray in teaching for name, count in tray.counts.items() if count}
    _refuse_unteachable(settings.menu, {*active.classes, *taught})
    size = active.input
    train_pack(
        TrainingPlan(
            boxes=None,
            classes=start.names,
            run=plan.run,
            pack=plan.pack,
            recipe=FitRecipe(image_size_px=max(size.width, size.height)),
            width_px=size.width,
            height_px=size.height,
            version=f"{active.version}+own",
            start_held_out=(*start.held_out(judges), *start.held_out(thresholds)),
            orders=LearningFromOrders(
                trays=plan.trays,
                apart=apart,
                rounds=(plan.epochs,),
                teacher=plan.checkpoint,
                keep=start.names,
                groups=start.groups_with(taught),
            ),
        ),
        ThresholdPlan(trays=plan.trays, blocks=(thresholds,), false_alarms=plan.false_alarms),
        LEARN_COMMAND,
        menu=settings.menu,
        on_work=on_work,
    )
    evidence = Evidence(trays=plan.trays, only=(judges,))
    try:
        looking = on_work("beside the active pack: trays")
        comparison = compare_packs(settings, settings.detector.pack, plan.pack, evidence, on_step=looking)
    except BadConfig:
        comparison = None
    scored = score_pack(settings, plan.pack, plan.trays, (judges,), on_work("scoring: trays"), run=plan.run)
    judged = {"judged_by": str(judges), "comparison": None if comparison is None else comparison.as_json()}
    write_whole(plan.run / JUDGED_NAME, json.dumps(judged, indent=2) + "\n")
    untaught = tuple(name for name in active.classes if name not in taught)
    return Candidate(scored=scored, judged_by=judges, comparison=comparison, untaught=untaught)


def was_cut_off(settings: Settings, plan: CandidatePlan) -> bool:
    """Whether the trays of this candidate are collected, and it is still to be made, or only to be judged.

    Raises:
        BadInput: the candidate's folder holds a pack that this command did not make, or that is in service; the
            candidate is made already; or it was begun on other trays.
        BadModelPack: the active pack does not fit.
    """
    refuse_to_write_over(plan.pack, settings.detector.pack)
    if (plan.run / JUDGED_NAME).exists():
        said = f"this candidate is made already: 'edge-agent models compare' holds {plan.pack} against another pack"
        raise BadInput(f"{said}; a new one needs another --candidate", path=plan.run)
    if (plan.pack / MANIFEST_NAME).exists() and not (plan.run / PLAN_NAME).exists():
        said = f"a model pack lies here, and {plan.run} did not make it"
        raise BadInput(f"{said}: a candidate needs a folder of its own, name another --candidate", path=plan.pack)
    if (plan.trays / TRAYS_NAME).exists():
        return True
    if plan.run.is_dir() and any(plan.run.iterdir()):
        said = f"this holds a training that was cut off, and its trays are not in {plan.trays}"
        raise BadInput(f"{said}: name their folder with --into, or another --candidate", path=plan.run)
    return False


def _refuse_unteachable(menu: Path, learned: Collection[str]) -> None:
    """With a class that no tray teaches, the candidate could not serve this menu."""
    try:
        load_menu(menu, model_classes=sorted(learned))
    except BadConfig as refusal:
        said = f"{refusal}, and will after training: no tray that teaches has it. Collect more trays with it"
        raise BadConfig(said) from refusal


def blocks_of(trays: Path) -> tuple[TrayBlock, TrayBlock]:
    """The trays to find thresholds on, and those to judge by: the second newest fifth, and the newest.

    The newest judge, because tomorrow will be more like them than like last month.

    Raises:
        BadInput: there are too few trays, or their names do not say in which order they came.
    """
    folder = open_counted(trays)
    ends = [tray_id.rpartition("-") for tray_id, tray in folder.trays.items() if tray.sure]
    if len({name for name, _, _ in ends}) > 1 or not all(name and number.isdecimal() for name, _, number in ends):
        said = "its trays are not numbered through under one name, as those of a restaurant's own store are"
        do = "name a folder that 'edge-agent learn' collected, or another --into; 'edge-agent train' takes any trays"
        raise BadInput(f"{said}, so nobody knows which are the newest: {do}", path=folder.trays_path)
    sure = sorted((name, int(number)) for name, _, number in ends)
    if len(sure) < FEWEST_TRAYS:
        said = f"{len(sure)} labelled trays are too few to learn from: it takes {FEWEST_TRAYS}"
        raise BadInput(f"{said}. Answer alerts and audit trays for some more days", path=folder.trays_path)
    fifth = len(sure) // 5
    older, newest = sure[-2 * fifth : -fifth], sure[-fifth:]
    name = newest[0][0]
    return TrayBlock(name, older[0][1], older[-1][1]), TrayBlock(name, newest[0][1], newest[-1][1])
