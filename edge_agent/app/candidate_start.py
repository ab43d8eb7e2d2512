"""From which weights a candidate goes on: those of the active pack, as far as that can be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.adapters.model_shelf import led_to
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.provenance import WEIGHTS_SHA256
from edge_agent.training.rival import called_by
from edge_agent.training.sightings import names_in
from edge_agent.training.took_part import blocks_kept_apart

LEARN_COMMAND = "edge-agent learn"
"""What a candidate's provenance calls the command that made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The active pack and its weights.

    Attributes:
        active: the manifest of the active pack.
        names: the classes of the weights; finer than those of the pack where it was merged.
        is_certain: whether the pack says by a hash whose weights it was made of. Without one, weights of the same
            classes are believed.
    """

    active: PackManifest
    names: tuple[str, ...]
    is_certain: bool

    def groups_with(self, taught: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Which classes of the weights each class of the candidate is made of; none where the pack was not merged.

        Args:
            taught: what lies on the trays that teach; a class that is new becomes a group of its own.

        Raises:
            BadInput: a new class has the name of one that the active pack reports as a part of another.
        """
        groups = _merged(self.active)
        new = sorted(set(taught) - set(self.active.classes)) if groups else []
        for name in new:
            if name in self.names:
                within = next((coarse for coarse, fine in groups.items() if name in fine), "nothing")
                said = f"the menu has a class '{name}', which the active pack {self.active.name} reports as {within}"
                raise BadInput(f"{said}: learn from the pack of the finer classes, with --pack and a menu in those")
        return {**groups, **{name: (name,) for name in new}}

    def held_out(self, judges: TrayBlock) -> tuple[TrayBlock, ...]:
        """The block that judges, where it is known that its trays did not teach these weights.

        The trays of a store are numbered through, and `learn` teaches with those before the first block that it keeps
        apart: all from there on are new to its weights. Other weights never saw trays of a name that they kept none of.
        """
        own = [block for block in blocks_kept_apart(self.active) if block.name == judges.name]
        by_learn = str(self.active.provenance.get("command", "")).startswith(LEARN_COMMAND)
        new = not own or (by_learn and judges.first >= min(block.first for block in own))
        return (judges,) if self.is_certain and new else ()


def start_from(pack: Path, checkpoint: Path) -> Start:
    """The active pack, whose weights the checkpoint must be; asked before anything is collected.

    Raises:
        BadInput: there is no such checkpoint, or it is not what the active pack was made of.
        BadModelPack: the active pack does not fit.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    active = load_manifest(led_to(pack) / MANIFEST_NAME)
    names = names_in(checkpoint)
    refuse_other_weights(active, names, checkpoint)
    return Start(active=active, names=names, is_certain=WEIGHTS_SHA256 in active.provenance)


def refuse_other_weights(active: PackManifest, names: Sequence[str], checkpoint: Path) -> None:
    """Hold weights of these classes against what a pack says it was made of.

    Raises:
        BadInput: they are of another pack, or of another version of it.
    """
    said = f"these are not the weights of the active pack {active.name} {active.version}"
    groups = _merged(active)
    if groups and not {fine for group in groups.values() for fine in group} <= set(names):
        # Weights that know the coarse names themselves are of before the merging, however well the names fit.
        told = f"they know {', '.join(names)}, and it was merged from the finer {_source(active)}"
        raise BadInput(f"{said}: {told}; name the weights of that", path=checkpoint)
    try:
        called_by(active, names, checkpoint)
    except BadInput as refusal:
        told = f"they know {', '.join(names)}, it knows {', '.join(active.classes)}"
        raise BadInput(f"{said}: {told}", path=checkpoint) from refusal
    made_of = active.provenance.get(WEIGHTS_SHA256)
    if made_of is not None and made_of != sha256_of(checkpoint):
        raise BadInput(f"{said}, though they know the same classes: its model.yaml has another sha256", path=checkpoint)


def _merged(active: PackManifest) -> dict[str, tuple[str, ...]]:
    """The groups of a merged pack, in the order of its classes; none of another."""
    told = active.provenance.get("groups")
    groups: Mapping[str, object] = told if isinstance(told, dict) else {}
    return {name: tuple(map(str, group)) for name, group in groups.items() if isinstance(group, list)}


def _source(active: PackManifest) -> str:
    told = active.provenance.get("merged_from")
    return f"{told.get('name')} {told.get('version')}" if isinstance(told, dict) else "classes"
