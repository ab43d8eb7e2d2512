"""Put another pack of a box into service, through a gate; and go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.adapters.model_shelf import ModelShelf
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.app.comparing import Evidence, compare_packs
from edge_agent.app.models import Box, faults_of
from edge_agent.checking.gate import GateDecision
from edge_agent.errors import BadInput, BadModelPack
from edge_agent.evaluation.comparison import Comparison
from edge_agent.formats.activations import Activation
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest, sha256_of
from edge_agent.ports.steps import OnStep, nobody_looks


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
