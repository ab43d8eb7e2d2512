"""Put together what keeps the models of a box: list, verify, compare, activate, roll back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.model_shelf import ModelShelf, follows_pointer, led_to, shelf_folder
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.app.seeing import evaluate_folder, open_eyes, replay_recording
from edge_agent.app.steps import OnStep, nobody_looks
from edge_agent.checking.gate import GateDecision
from edge_agent.checking.scoring import ScoredCheck
from edge_agent.errors import BadInput, BadModelPack, BadRecording, DetectorError
from edge_agent.evaluation.comparison import Comparison, JudgedCheck, JudgedPack, judged_replay, judged_trays
from edge_agent.formats.activations import Activation, standing
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, Precision, load_manifest, sha256_of
from edge_agent.formats.recordings import open_recording
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.settings import Settings
from edge_agent.training.card import scored_metrics, write_model_card
from edge_agent.training.export import revise_pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box's packs: the settings that its agent runs with, and the folder of packs that is kept.

    `models` is the folder of packs; where it is None, that of the configured pack. Without settings (None) nothing is
    known of the menu, nor of what is configured.
    """

    settings: Settings | None = None
    models: Path | None = None

    @property
    def shelf(self) -> ModelShelf:
        """The folder of packs.

        Raises:
            BadInput: there is neither a folder nor a configuration.
        """
        if self.models is not None:
            return ModelShelf(folder=self.models)
        if self.settings is None:
            raise BadInput("name the folder of packs with --models, or a configuration with --config")
        return ModelShelf(folder=shelf_folder(self.settings.detector.pack))

    def history(self, activations: Sequence[Activation] | None = None) -> tuple[str, ...]:
        """The packs in service one after the other, the last one now; a pack that is configured directly is the first.

        Empty where nothing is in service. Reads the journal, unless its activations are given.
        """
        shelf = self.shelf
        recorded = standing(shelf.activations() if activations is None else activations, shelf.pointed_at())
        return recorded or (() if self._configured is None else (shelf.name_of(self._configured),))

    @property
    def _configured(self) -> Path | None:
        """The pack of this shelf that the configuration names directly."""
        if self.settings is None:
            return None
        pack = self.settings.detector.pack
        is_here = pack.parent.resolve() == self.shelf.folder.resolve()
        return pack if is_here and (pack / MANIFEST_NAME).exists() else None

    @property
    def advice(self) -> str | None:
        """What to change in the configuration, where its agent does not run what is activated here."""
        if self.settings is None or follows_pointer(self.settings.detector.pack, self.shelf.folder):
            return None
        return (
            f"the configuration names {self.settings.detector.pack}, so the agent runs that one, whatever is active "
            f"here; let its 'detector.pack' lead to {self.shelf.pointer_path} (from the configuration's own folder)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOnShelf:
    """One pack as `models list` shows it; without a manifest where that does not read."""

    folder: Path
    manifest: PackManifest | None
    is_active: bool
    fault: str | None

    def as_json(self) -> dict[str, Any]:
        manifest = self.manifest
        told: dict[str, Any] = {"folder": str(self.folder), "active": self.is_active, "fault": self.fault}
        if manifest is None:
            return told
        return told | {
            "name": manifest.name,
            "version": manifest.version,
            "precisions": list(manifest.files),
            "classes": list(manifest.classes),
            "input": {"width": manifest.input.width, "height": manifest.input.height},
            "metrics": dict(manifest.metrics),
            "sha256": sha256_of(self.folder / MANIFEST_NAME),
        }


def list_packs(box: Box) -> tuple[PackOnShelf, ...]:
    """The packs of the shelf, by folder, each held to its hashes; the active one also where it is not there.

    Raises:
        BadModelPack: the folder cannot be read.
    """
    folders = box.shelf.packs()
    active = "".join(box.history()[-1:])
    if active and active not in {folder.name for folder in folders}:
        folders = (*folders, box.shelf.folder / active)
    return tuple(_on_shelf(folder, is_active=folder.name == active) for folder in folders)


def _on_shelf(folder: Path, *, is_active: bool) -> PackOnShelf:
    try:
        manifest = load_manifest(folder / MANIFEST_NAME)
    except BadModelPack as refusal:
        return PackOnShelf(folder=folder, manifest=None, is_active=is_active, fault=str(refusal))
    fault = next((said for said in (_broken(folder, each) for each in manifest.files) if said), None)
    return PackOnShelf(folder=folder, manifest=manifest, is_active=is_active, fault=fault)


def _broken(folder: Path, precision: Precision) -> str | None:
    try:
        ModelPack.load(folder, precision=precision)
    except BadModelPack as fault:
        return str(fault)
    return None


def faults_of(folder: Path) -> tuple[str, ...]:
    """What is wrong with a pack, one sentence each; none where it is fit to run.

    Every file is held to its hash, opened on the CPU, held against the manifest, and run on a grey picture.
    """
    try:
        manifest = load_manifest(folder / MANIFEST_NAME)
    except BadModelPack as fault:
        return (str(fault),)
    faults = [said for said in (_unfit(folder, precision) for precision in manifest.files) if said]
    try:
        ModelPack.load_plain(folder)
    except BadModelPack as fault:
        faults.append(str(fault))
    return tuple(dict.fromkeys(faults))


def _unfit(folder: Path, precision: Precision) -> str | None:
    try:
        pack = ModelPack.load(folder, precision=precision)
        detector = OnnxDetector(pack=pack, provider="cpu")
        height_px, width_px = pack.manifest.input.height, pack.manifest.input.width
        detector.detect(np.full((height_px, width_px, 3), 128, dtype=np.uint8))
    except (BadModelPack, DetectorError) as fault:
        return str(fault)
    return None


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

    def as_json(self) -> dict[str, JsonValue]:
        blocks: list[JsonValue] = [f"{block.name}-{block.first}:{block.name}-{block.last}" for block in self.only]
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
    return Comparison(
        before=_judged(settings, before, evidence, on_step),
        after=_judged(settings, after, evidence, on_step),
        tolerance=tolerance,
    )


def score_pack(
    settings: Settings, folder: Path, trays: Path, only: Sequence[TrayBlock], on_tray: OnStep = nobody_looks
) -> PackManifest:
    """Score a pack on trays that took no part in its making, and write the scores into its manifest and its card.

    Raises:
        BadModelPack: the pack does not fit, or not the menu.
        BadRecording: a file of the folder does not read.
    """
    detector = settings.detector.model_copy(update={"pack": folder})
    eyes = open_eyes(settings.model_copy(update={"detector": detector}))
    evaluated = evaluate_folder(eyes, trays, only=only, on_tray=on_tray).evaluated
    before = load_manifest(folder / MANIFEST_NAME)
    kept = {name: value for name, value in before.metrics.items() if not name.startswith("scored_")}
    metrics = {**kept, **scored_metrics(evaluated.scores, evaluated.items, only)}
    manifest = revise_pack(folder, {"metrics": metrics})
    write_model_card(folder, manifest)
    return manifest


def _judged(settings: Settings, pack: Path, evidence: Evidence, on_step: OnStep) -> JudgedPack:
    folder = led_to(pack)
    detector = settings.detector.model_copy(update={"pack": folder})
    eyes = open_eyes(settings.model_copy(update={"detector": detector}))
    checks: list[JudgedCheck] = []
    extras: list[ScoredCheck] = []
    problems: list[str] = []
    if evidence.trays is not None:
        done = evaluate_folder(eyes, evidence.trays, only=evidence.only, on_tray=on_step)
        checks += judged_trays(done.evaluated)
    for video in evidence.recordings:
        replayed = replay_recording(eyes, video, on_frame=on_step).replayed
        true, beyond = judged_replay(replayed)
        checks += true
        extras += beyond
        problems += [f"{video}: {replayed.problem}"] if replayed.problem else []
    return JudgedPack(
        folder=str(folder),
        name=eyes.pack.manifest.name,
        version=eyes.pack.manifest.version,
        sha256=sha256_of(eyes.pack.manifest_path),
        checks=tuple(checks),
        extras=tuple(extras),
        problems=tuple(problems),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A candidate that is fit to run, and what the gate says of it; the comparison where there was one.

    `before` is the name of the pack in service, None where there was none.
    """

    box: Box
    candidate: Path
    before: str | None
    evidence: Evidence
    decision: GateDecision
    comparison: Comparison | None = None


def weigh(
    box: Box, candidate: Path, evidence: Evidence, *, tolerance: int = 0, on_step: OnStep = nobody_looks
) -> Weighed:
    """Verify a candidate, and hold it against the pack in service.

    The first pack of a shelf has nothing to be held against: it only needs to be fit.

    Raises:
        BadInput: the candidate lies elsewhere, is damaged or does not fit the menu; or as `compare_packs`.
    """
    name = box.shelf.name_of(candidate)
    _refuse_unfit(box, candidate)
    before = next(iter(box.history()[-1:]), None)
    comparison = None
    if before is None:
        decision = GateDecision(passed=True, why="passed: no pack was active before, and this one is fit to run")
    elif before == name:
        decision = GateDecision(passed=True, why="passed: it is the active pack already")
    elif box.settings is None or not evidence:
        why = f"not passed: without --trays or --recording nothing is known of how it does beside '{before}'"
        decision = GateDecision(passed=False, why=why)
    elif faults := faults_of(box.shelf.folder / before):
        why = f"not passed: the active pack cannot be compared with, as it is not fit to run: {faults[0]}"
        decision = GateDecision(passed=False, why=why)
    else:
        incumbent = box.shelf.folder / before
        comparison = compare_packs(box.settings, incumbent, candidate, evidence, tolerance=tolerance, on_step=on_step)
        decision = comparison.decision
    return Weighed(
        box=box, candidate=candidate, before=before, evidence=evidence, decision=decision, comparison=comparison
    )


def activate(weighed: Weighed, *, override: str | None = None) -> Activation | None:
    """Put a weighed candidate into service; None where it was there already.

    Args:
        weighed: what `weigh` gave.
        override: why it goes into service although the gate was not passed; recorded only where that was so.

    Raises:
        BadModelPack: the gate was not passed, and there is no override.
        BadInput: the folder cannot be written, or another pack was activated meanwhile.
    """
    shelf, decision = weighed.box.shelf, weighed.decision
    if not decision.passed and override is None:
        said = f"the gate was {decision.why}; to activate it nevertheless, give the reason with --override"
        raise BadModelPack(said, path=weighed.candidate)
    name = shelf.name_of(weighed.candidate)
    if shelf.pointed_at() == name:
        return None
    activation = Activation.model_validate(
        {
            **_change(shelf, weighed.before, name),
            "kind": "activate",
            "gate": {**decision.as_json(), "evidence": weighed.evidence.as_json()},
            "override": None if decision.passed else override,
        }
    )
    shelf.switch(activation)
    return activation


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What was gone back to, and whether that pack was changed since it was last in service."""

    activation: Activation
    was_changed: bool


def roll_back(box: Box) -> RolledBack:
    """Put the pack back into service that was there before; one step further with every call.

    Raises:
        BadInput: there was none before, or it is not fit to run any more, or the folder cannot be written.
    """
    shelf = box.shelf
    activations = shelf.activations()
    history = box.history(activations)
    if len(history) < 2:  # noqa: PLR2004  the active one, and one before
        raise BadInput("there is no pack to go back to: none was active before", path=shelf.journal_path)
    _refuse_unfit(box, shelf.folder / history[-2])
    activation = Activation.model_validate({**_change(shelf, history[-1], history[-2]), "kind": "rollback"})
    shelf.switch(activation)
    known = _last_known(activations, activation.to_pack)
    return RolledBack(activation=activation, was_changed=known not in (None, activation.to_sha256))


def _last_known(activations: Sequence[Activation], pack: str) -> str | None:
    """The hash under which the journal last knew a pack."""
    for entry in reversed(activations):
        if entry.from_pack == pack and entry.from_sha256 is not None:
            return entry.from_sha256
        if entry.to_pack == pack:
            return entry.to_sha256
    return None


def _refuse_unfit(box: Box, pack: Path) -> None:
    for fault in faults_of(pack):
        raise BadModelPack(f"the pack is not fit to run: {fault}", path=pack)
    if box.settings is not None:
        load_menu(box.settings.menu, model_classes=load_manifest(pack / MANIFEST_NAME).classes)


def _change(shelf: ModelShelf, from_pack: str | None, to_pack: str) -> dict[str, Any]:
    """The part of a journal's line that every change has."""
    return {
        "at": SystemClock().now_utc(),
        "from": from_pack,
        "from_sha256": None if from_pack is None else _manifest_sha256(shelf.folder / from_pack),
        "to": to_pack,
        "to_sha256": _manifest_sha256(shelf.folder / to_pack),
    }


def _manifest_sha256(pack: Path) -> str | None:
    path = pack / MANIFEST_NAME
    return sha256_of(path) if path.is_file() else None
