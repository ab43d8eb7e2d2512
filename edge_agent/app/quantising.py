"""Put together what makes 8-bit forms of a pack, and holds each against fp32: quantize, models judge."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.photograph import read_photograph
from edge_agent.adapters.this_machine import bytes_saturate, computed_otherwise, cpu_flags
from edge_agent.app.plans import QuantisingPlan
from edge_agent.app.scored_trays import menu_of_checks, scored_on
from edge_agent.checking.gate import Tally, judge_candidate
from edge_agent.checking.scoring import true_verdict
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.menu import Menu
from edge_agent.errors import BadInput, BadRecording
from edge_agent.formats.pack import STILL_TO_BE_FOUND, PackManifest, Precision, PrecisionGate, Provider
from edge_agent.formats.recordings import TrayFolder, open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Detector
from edge_agent.ports.steps import OnWork, nobody_looks
from edge_agent.training.card import write_model_card
from edge_agent.training.copied import copied_network
from edge_agent.training.export import make_pack_fast
from edge_agent.training.quantise import PLACEMENTS, evenly, keep_passed, note_gates, quantise_pack, take_forms
from edge_agent.training.thresholds import FEW_TRAYS

logger = logging.getLogger(__name__)


def quantise(plan: QuantisingPlan, *, on_work: OnWork = lambda _: nobody_looks) -> PackManifest:
    """Make a pack fast: bytes in, best cells out, and 8-bit files that keep the score.

    The verdict of each gate stands in the manifest and in the card; a file that did not pass is not kept. Until all is
    judged, the pack keeps the 8-bit files and verdicts that it had. Where the plan names a faster copy, the 8-bit files
    are of its network, and everything else stays the pack's own (decision 0018).

    Raises:
        BadInput: its thresholds are still to be found, or the copy is none of this pack.
        BadModelPack: the pack has no plain export, or one whose graph is not understood.
        BadRecording: the folder of trays or a photograph does not read, or no check is left for the gate.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    before_it = ModelPack.manifest_of(plan.pack)
    if before_it.thresholds == STILL_TO_BE_FOUND:
        said = "its thresholds are still to be found, and its 8-bit forms are judged by what it says with them"
        raise BadInput(f"{said}: 'edge-agent calibrate' comes first", path=plan.pack)
    calibrating, judging, menu = check_quantising(plan, before_it.classes)
    copied = None if plan.copy is None else copied_network(led_to(plan.copy), before_it, held_out=plan.held_out)
    if len(judging.trays) < FEW_TRAYS:
        said = "%d tray(s) judge the 8-bit forms, among which a worse form may pass: name more, %d at the least"
        logger.warning(said, len(judging.trays), FEW_TRAYS)
    make_pack_fast(plan.pack)
    exact = OnnxDetector(pack=ModelPack.load(plan.pack), provider="cpu")
    with tempfile.TemporaryDirectory() as desk:
        draft = Path(shutil.copytree(plan.pack, Path(desk) / plan.pack.resolve().name))
        manifest = quantise_pack(
            draft,
            calibrating,
            lambda path: exact.prepare(read_photograph(path))[0].copy(),
            held_out=plan.held_out,
            copied=copied,
        )

        def tally(detector: Detector, name: str) -> Tally:
            return Tally.of(scored_on(detector, manifest, judging, menu, on_work(f"gate: {name}")).scores)

        before = tally(exact, "fp32")
        gates: dict[Precision, PrecisionGate] = {}
        for precision in PLACEMENTS:
            pack = ModelPack.load(draft, precision=precision)
            after = tally(OnnxDetector(pack=pack, provider="cpu"), precision)
            gates[precision] = _held(before, after, plan, "cpu")
        keep_passed(draft, gates)
        revised = take_forms(plan.pack, draft)
    write_model_card(plan.pack, revised)
    return revised


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gates said on a provider, and the manifest, in which some that were held before may have stayed.

    `left_out` says why, of forms that are not computed here as their name says.
    """

    manifest: PackManifest
    gates: Mapping[Precision, PrecisionGate]
    left_out: Mapping[Precision, str]


def judge_on(provider: Provider, plan: QuantisingPlan, *, on_work: OnWork = lambda _: nobody_looks) -> Judged:
    """Hold each form of a finished pack, as it runs on another provider, against its first form on the CPU.

    On the same trays as `quantise`: as many calibrate none of the forms now as calibrated them then. The verdicts are
    written into the manifest and the card; no file is taken out, since it may serve elsewhere.

    Raises:
        BadInput: the provider is not there, or does not run the pack; on the CPU, the pack has one form only; or its
            forms were made with other blocks held out.
        BadModelPack: the pack does not fit.
        BadRecording: the folder of trays or a photograph does not read, or no check is left for the gate.
    """
    plan = replace(plan, pack=led_to(plan.pack))
    manifest = ModelPack.manifest_of(plan.pack)
    otherwise = {name: computed_otherwise(name, provider, cpu_flags()) for name in manifest.files}
    left_out = {name: why for name, why in otherwise.items() if why is not None}
    forms = [name for name in manifest.files if name not in left_out]
    forms = forms[1:] if provider == "cpu" else forms
    if not forms:
        said = (
            "it has one form only, and what that is held against on the CPU is itself: 'edge-agent quantize' makes more"
        )
        raise BadInput(said, path=plan.pack)
    _, judging, menu = check_quantising(_as_it_was_quantised(plan, manifest), manifest.classes)
    detectors = {}
    for precision in forms:
        pack = ModelPack.load(plan.pack, precision=precision)
        detectors[precision] = OnnxDetector(pack=pack, provider=provider)
        if detectors[precision].provider != provider:
            raise BadInput(f"{provider} does not run {precision} here: is this ONNX Runtime built for it?")

    def tally(detector: Detector, name: str) -> Tally:
        return Tally.of(scored_on(detector, manifest, judging, menu, on_work(f"gate: {name}")).scores)

    before = tally(OnnxDetector(pack=ModelPack.load(plan.pack), provider="cpu"), "cpu")
    held = {
        name: _held(before, tally(detector, f"{name} on {provider}"), plan, provider)
        for name, detector in detectors.items()
    }
    revised = note_gates(plan.pack, provider, held)
    write_model_card(plan.pack, revised)
    return Judged(revised, held, left_out)


def _as_it_was_quantised(plan: QuantisingPlan, manifest: PackManifest) -> QuantisingPlan:
    """The plan with as many calibrating trays as made the forms, so that none of these judges them.

    Raises:
        BadInput: they were made with other blocks held out.
    """
    for name, file in manifest.files.items():
        if file.quantised is None:
            continue
        then, now = file.quantised.get("held_out"), [str(block) for block in plan.held_out]
        if isinstance(then, list) and set(map(str, then)) != set(now):
            asked = " ".join(f"--held-out {block}" for block in then) or "without --held-out"
            said = f"{name} was made with other trays held out, and those that calibrated it would judge it"
            raise BadInput(f"{said}: ask as 'quantize' was asked ({asked})", path=plan.pack)
        if isinstance(number := file.quantised.get("photographs"), int):
            return replace(plan, calibrate_with=number)
    return plan


def _held(before: Tally, after: Tally, plan: QuantisingPlan, provider: Provider) -> PrecisionGate:
    decision = judge_candidate(before, after, tolerance=int(plan.tolerance / 100 * before.right))
    return PrecisionGate(
        passed=decision.passed,
        tolerance=decision.tolerance,
        fp32=before.counts,
        scores=after.counts,
        bytes_saturated=bytes_saturate(provider, cpu_flags()),
    )


def check_quantising(plan: QuantisingPlan, classes: Collection[str]) -> tuple[tuple[Path, ...], TrayFolder, Menu]:
    """What a plan comes to for a pack of these classes: calibrating photographs, trays that judge, their menu.

    Raises:
        BadConfig: the menu does not read, or names a class that the pack lacks.
        BadRecording: the folder of trays does not read, names what the menu does not know, or holds too few trays, or
            those that judge have no wrong order or no right one.
    """
    folder = open_trays(plan.trays)
    calibrating, judging = split_trays(folder, plan.held_out, plan.calibrate_with)
    looked_at = folder.part(lambda tray: not any(tray.tray_id in block for block in plan.held_out))
    menu = menu_of_checks(plan.menu, classes, looked_at)
    _refuse_one_sided(judging, menu)
    return calibrating, judging, menu


def _refuse_one_sided(judging: TrayFolder, menu: Menu) -> None:
    """Without a wrong order, or without a right one, no form could pass, however well it keeps the score."""
    truths = [true_verdict(menu, check.order, judging.trays[check.tray_id].contents) for check in judging.checks]
    kinds = {truth.kind for truth in truths}
    if not {VerdictKind.MATCH, VerdictKind.MISMATCH} <= kinds:
        lacking = "wrong" if VerdictKind.MATCH in kinds else "right"
        said = f"of the {len(truths)} checks on trays that judge none is a {lacking} order, and a gate needs both kinds"
        raise BadRecording(f"{said}: add some, or collect the trays anew with 'edge-agent learn'", path=judging.root)


def split_trays(
    folder: TrayFolder, held_out: Sequence[TrayBlock], calibrate_with: int
) -> tuple[tuple[Path, ...], TrayFolder]:
    """The photographs that calibrate, and the trays with checks that judge: no tray does both, and none is held out.

    Raises:
        BadRecording: a block holds no tray, or too few trays are left for both.
    """
    folder.refuse_empty(held_out)
    free = folder.part(lambda tray: tray.sure and not any(tray.tray_id in block for block in held_out)).trays.values()
    photographed = {folder.root / tray.images[0]: tray.tray_id for tray in free if tray.images}
    # At most half of the trays calibrate, so that a small folder still has a gate.
    calibrating = evenly(tuple(photographed), min(calibrate_with, len(photographed) // 2))
    used = {photographed[path] for path in calibrating}
    judges = {tray.tray_id for tray in free} - used
    judging = folder.part(lambda tray: tray.tray_id in judges)
    if not calibrating or not judging.checks:
        said = (
            "too few sure trays with checks are left outside the held-out blocks: some calibrate, others are the gate"
        )
        raise BadRecording(said, path=folder.root)
    return calibrating, judging
