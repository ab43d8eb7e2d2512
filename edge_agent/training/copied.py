"""A faster copy that stands in for the pack that it is a copy of: what the two must have in common."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput, BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, PackInput, PackManifest, load_manifest
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.export import refuse_damaged
from edge_agent.training.provenance import DISTILLED, PHOTOGRAPHS_SHA256, WEIGHTS_SHA256, named

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedNetwork:
    """The network of a faster copy, and what the forms that are made of it say of it.

    Attributes:
        path: its fp32 file.
        account: which copy it is, and what that was shown.
    """

    path: Path
    account: Mapping[str, Any]


def copied_network(folder: Path, source: PackManifest, *, held_out: Sequence[TrayBlock] = ()) -> CopiedNetwork:
    """The network of a faster copy of a pack, where it takes and gives what that one's does.

    Warns where the copy was shown trays that are held out now.

    Raises:
        BadInput: it is no copy of the pack, reports other classes, or takes or gives something else.
        BadModelPack: it does not read, is damaged, or has no fp32 file.
    """
    manifest = load_manifest(folder / MANIFEST_NAME)
    refuse_no_copy(manifest, source, path=folder)
    fp32 = manifest.files.get("fp32")
    if fp32 is None:
        raise BadModelPack("the copy has no fp32 file, of which 8-bit forms could be made", path=folder)
    refuse_damaged(folder, fp32)
    if manifest.plain is None or (manifest.plain.input, manifest.output) != (_plain_input(source), source.output):
        said = f"it takes or gives something else than {source.name} {source.version}, or was not made fast by 'distil'"
        raise BadInput(said, path=folder)
    told: Any = manifest.provenance[DISTILLED]
    apart = [str(block) for block in told.get("apart", ())]
    if shown := [str(block) for block in held_out if not any(block.lies_in(TrayBlock.parse(each)) for each in apart)]:
        said = "%s: trays of %s are held out here, and the copy may have been shown them"
        logger.warning(said, folder, ", ".join(shown))
    account = {**named(manifest), WEIGHTS_SHA256: told.get(WEIGHTS_SHA256), "apart": apart}
    return CopiedNetwork(path=folder / fp32.file, account={**account, PHOTOGRAPHS_SHA256: told.get(PHOTOGRAPHS_SHA256)})


def refuse_no_copy(copy: PackManifest, source: PackManifest, *, path: Path) -> None:
    """Whether a pack is a faster copy of another one, and says what it sees in the same classes.

    Of a pack whose classes were merged it is one whose classes were merged in the same way.

    Args:
        copy: what is taken for the copy.
        source: what it is to be a copy of.
        path: the folder of the copy, for the error.

    Raises:
        BadInput: it is none, or reports other classes.
    """
    called = f"{source.name} {source.version}"
    if not _is_copy_of(copy, source):
        said = f"by what its model.yaml says of its weights it is no faster copy of {called}"
        raise BadInput(f"{said}, so its scores mean something else", path=path)
    if copy.classes != source.classes or copy.provenance.get("groups") != source.provenance.get("groups"):
        raise BadInput(f"it reports other classes than {called}; those can only be merged in the same way", path=path)


def _is_copy_of(copy: PackManifest, source: PackManifest) -> bool:
    """Whether one learned from the other, or from what the other was merged from.

    Names and versions alone would not tell: another training may have written into the same folder since.
    """
    distilled, merged = copy.provenance.get(DISTILLED), source.provenance.get("merged_from")
    learned_from = distilled.get("from") if isinstance(distilled, dict) else None
    weights = copy.provenance.get(WEIGHTS_SHA256)
    is_of_its_weights = weights is not None and weights == source.provenance.get(WEIGHTS_SHA256)
    return is_of_its_weights and learned_from is not None and learned_from == (merged or named(source))


def _plain_input(manifest: PackManifest) -> PackInput:
    """What a pack's network takes as it was exported, whether it was made fast since or not."""
    return manifest.input if manifest.plain is None else manifest.plain.input
