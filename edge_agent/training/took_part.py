"""Which trays took part in making a pack, as far as its manifest proves it.

Scores on trays that taught say how well a model remembers. Nobody may call trays unseen that nobody can prove to be, so
a card says of its scores what `provenance` proves: `held_out` are the blocks that took no part, `calibrated_on` is what
its thresholds were found on, and each round names the blocks that were kept apart from it. Where training began with
given weights, `start_held_out` are the blocks that these never saw.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput, BadModelPack, BadRecording
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of
from edge_agent.formats.recordings import TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.fingerprints import hash_of_trays
from edge_agent.training.labelling import counted_trays
from edge_agent.training.making import START_HELD_OUT, WEIGHTS_SHA256

OWN_VAL = "boxed photographs (val)"
"""Stands in `calibrated_on` for the boxed photographs that measured the fit; they taught nothing."""
OTHER_BOXES = "other boxed photographs"


def doubts_of_scores(manifest: PackManifest) -> list[str]:
    """Why it is not proved that the trays of its scores took no part; empty where it is."""
    scored = _blocks(str(manifest.metrics.get("scored_on", "")).split(", "))
    provenance = manifest.provenance
    doubts = []
    if not _all_within(scored, _blocks(provenance.get("held_out"))):
        doubts.append("it names no blocks as held out that hold all of them")
    if not isinstance(provenance.get("calibrated_on"), list):
        doubts.append("it does not say which trays set the thresholds")
    elif any(each.overlaps(other) for each in scored for other in _blocks(provenance["calibrated_on"])):
        doubts.append("trays of these names set the thresholds")
    if _began_with_weights(provenance) and not _all_within(scored, _blocks(provenance.get(START_HELD_OUT))):
        doubts.append("it began with weights of which nobody knows that they never saw them")
    forms = [file.quantised for file in manifest.files.values() if file.quantised is not None]
    if not all(_all_within(scored, _blocks(form.get("held_out"))) for form in forms):
        doubts.append("its 8-bit forms were made without holding them out")
    return doubts


def is_calibrated_unseen(manifest: PackManifest) -> bool:
    """Whether it is proved that the weights never saw what the thresholds were found on."""
    found_on = manifest.provenance.get("calibrated_on")
    if not isinstance(found_on, list) or not found_on or OTHER_BOXES in found_on:
        return False
    aparts, blocks = _kept_apart(manifest), _blocks(found_on)
    if _began_with_weights(manifest.provenance):
        if OWN_VAL in found_on:  # they taught this fit nothing; of the one before nobody knows
            return False
        aparts = [*aparts, _blocks(manifest.provenance.get(START_HELD_OUT))]
    return not blocks or (bool(aparts) and all(_all_within(blocks, apart) for apart in aparts))


def known_to_have_taken_part(manifest: PackManifest, folder: TrayFolder, scored: Collection[str]) -> int:
    """How many of the scored trays of a folder are known to have taught the pack, or to have set its thresholds.

    Names alone prove nothing: the trays of every restaurant are numbered through under the same one.
    """
    taught = _taught(manifest, folder)
    blocks = _blocks(manifest.provenance.get("calibrated_on")) if taught else ()
    return sum(tray_id in taught or any(tray_id in block for block in blocks) for tray_id in set(scored))


def unseen_by(weights: Path, *shelves: Path) -> tuple[TrayBlock, ...]:
    """The blocks of trays that taught nothing to some weights, as packs in these folders say of those in them."""
    digest = sha256_of(weights)
    for path in (path for shelf in shelves for path in sorted(shelf.glob(f"*/{MANIFEST_NAME}"))):
        try:
            manifest = load_manifest(path)
        except BadModelPack:
            continue
        if manifest.provenance.get(WEIGHTS_SHA256) == digest:
            return _taught_nothing(manifest)
    return ()


def _taught_nothing(manifest: PackManifest) -> tuple[TrayBlock, ...]:
    """The blocks that are held out, and those that every round kept apart, as those that set thresholds are."""
    aparts, held_out = _kept_apart(manifest), _blocks(manifest.provenance.get("held_out"))
    apart = [block for block in (aparts[0] if aparts else ()) if all(_all_within([block], each) for each in aparts)]
    blocks = tuple(dict.fromkeys((*held_out, *apart)))
    if not _began_with_weights(manifest.provenance):
        return blocks
    before = _blocks(manifest.provenance.get(START_HELD_OUT))
    return tuple(block for block in blocks if _all_within([block], before))


def _began_with_weights(provenance: Mapping[str, Any]) -> bool:
    """Whether training began with given weights instead of random ones."""
    recipe = provenance.get("recipe")
    if isinstance(recipe, dict):
        return str(recipe.get("architecture", "")).endswith(".pt")
    return "teacher" in provenance


def _taught(manifest: PackManifest, folder: TrayFolder) -> set[str]:
    """The trays of a folder that taught, where its photographs and counts are those that the manifest has a hash of."""
    aparts, digest = _kept_apart(manifest), manifest.provenance.get("trays_sha256")
    if digest is None or not aparts:
        return set()
    try:
        teaching = counted_trays(folder, apart=aparts[0])
    except BadRecording:  # it lacks trays that were kept apart, so it is another folder
        return set()
    return {tray.tray_id for tray in teaching} if hash_of_trays(teaching) == digest else set()


def blocks_kept_apart(manifest: PackManifest) -> tuple[TrayBlock, ...]:
    """The blocks that any round of learning from orders kept apart."""
    return tuple(block for apart in _kept_apart(manifest) for block in apart)


def _kept_apart(manifest: PackManifest) -> list[tuple[TrayBlock, ...]]:
    """The blocks that each round of learning from orders kept apart."""
    rounds = manifest.provenance.get("rounds")
    told = rounds if isinstance(rounds, list) else []
    return [_blocks(each.get("apart")) for each in told if isinstance(each, dict)]


def _blocks(told: object) -> tuple[TrayBlock, ...]:
    """The blocks of a list in a manifest; what is no block is passed over."""
    found = []
    for each in told if isinstance(told, list) else []:
        try:
            found.append(TrayBlock.parse(str(each)))
        except BadInput:
            continue
    return tuple(found)


def _all_within(blocks: Sequence[TrayBlock], others: Sequence[TrayBlock]) -> bool:
    return bool(blocks) and all(any(each.lies_in(other) for other in others) for each in blocks)
