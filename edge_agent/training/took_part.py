"""Which trays took part in making a pack, as far as its manifest proves it.

Scores on trays that taught say how well a model remembers. Nobody may call trays unseen that nobody can prove to be, so
a card says of its scores what `provenance` proves: `held_out` are the blocks that took no part, `calibrated_on` is what
its thresholds were found on, and each round names the blocks that were kept apart from it, as does the making of a
faster copy (`distilled`). Where training began with given weights, `start_held_out` are the blocks that these never
saw.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput, BadModelPack, BadRecording
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of
from edge_agent.formats.recordings import TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.fingerprints import hash_of_photographs, hash_of_trays
from edge_agent.training.labelling import CountedTray, counted_trays
from edge_agent.training.provenance import (
    AVERAGED,
    CALIBRATED_ON,
    CHOSEN_ON,
    COPY,
    DISTILLED,
    PHOTOGRAPHS_SHA256,
    START_HELD_OUT,
    WEIGHTS_SHA256,
    start_sha256,
)

OWN_VAL = "boxed photographs (val)"
"""Stands in `calibrated_on` for the boxed photographs that measured the fit; they taught nothing."""
OTHER_BOXES = "other boxed photographs"

Blocks = tuple[TrayBlock, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a manifest says of the trays of its pack; what it does not say proves nothing.

    Attributes:
        held_out: took no part in anything.
        calibrated_on: what set the thresholds: blocks, or boxed photographs; None where it is not said.
        rounds_apart: per round of learning from orders, what was kept apart from it.
        judged_on: what chose the weights: it told which round helped, or which of several weights be taken.
        start_apart: what the weights never saw with which training began; None where it began with random ones.
        photographs_sha256: hash of the photographs of the trays that taught, None where it is not said.
        trays_sha256: hash of these trays with their counts, which is all that older packs say.
        distilled_apart: what was kept apart while a faster copy learned; None where it is no such copy.
        distilled_sha256: hash of the photographs of trays that it was shown.
        distilled_other_boxes: whether boxed photographs were shown to it that taught nothing to what it is a copy of.
    """

    held_out: Blocks
    calibrated_on: tuple[str, ...] | None
    rounds_apart: tuple[Blocks, ...]
    judged_on: Blocks
    start_apart: Blocks | None
    photographs_sha256: object
    trays_sha256: object
    distilled_apart: Blocks | None
    distilled_sha256: object
    distilled_other_boxes: bool

    @classmethod
    def by(cls, manifest: PackManifest) -> _Told:
        provenance = manifest.provenance
        calibrated_on, recipe = provenance.get(CALIBRATED_ON), provenance.get("recipe")
        began_with_weights = (
            str(recipe.get("architecture", "")).endswith(".pt") if isinstance(recipe, dict) else "teacher" in provenance
        )
        rounds = [each for each in _list(provenance.get("rounds")) if isinstance(each, dict)]
        distilled = provenance.get(DISTILLED)
        judged = [each["judged"] for each in rounds if isinstance(each.get("judged"), dict)]
        return cls(
            held_out=_blocks(provenance.get("held_out")),
            calibrated_on=tuple(map(str, calibrated_on)) if isinstance(calibrated_on, list) else None,
            rounds_apart=tuple(_blocks(each.get("apart")) for each in rounds),
            judged_on=(
                *(block for each in judged for block in _blocks(each.get("on"))),
                *_blocks(provenance.get(CHOSEN_ON)),
            ),
            start_apart=_blocks(provenance.get(START_HELD_OUT)) if began_with_weights else None,
            photographs_sha256=provenance.get(PHOTOGRAPHS_SHA256),
            trays_sha256=provenance.get("trays_sha256"),
            distilled_apart=_blocks(distilled.get("apart")) if isinstance(distilled, dict) else None,
            distilled_sha256=distilled.get(PHOTOGRAPHS_SHA256) if isinstance(distilled, dict) else None,
            distilled_other_boxes=isinstance(distilled, dict)
            and _train_hash(distilled) not in (None, _train_hash(provenance)),
        )

    @property
    def aparts(self) -> tuple[Blocks, ...]:
        """What was kept apart from each step that taught by trays, the making of the first weights among them."""
        return (*self.rounds_apart, *(each for each in (self.start_apart, self.distilled_apart) if each is not None))

    @property
    def taught_nothing(self) -> Blocks:
        """The blocks that no step has seen, and that chose no weights: those held out, and some that set thresholds."""
        apart = dict.fromkeys((*self.held_out, *(self.rounds_apart[0] if self.rounds_apart else ())))
        unseen = (each for each in apart if all(_all_within([each], some) for some in self.aparts))
        return tuple(each for each in unseen if not any(each.overlaps(other) for other in self.judged_on))


def doubts_of_scores(manifest: PackManifest) -> list[str]:
    """Why it is not proved that the trays of its scores took no part; empty where it is."""
    told = _Told.by(manifest)
    scored = _blocks(str(manifest.metrics.get("scored_on", "")).split(", "))
    doubts = []
    if not _all_within(scored, told.held_out):
        doubts.append("it names no blocks as held out that hold all of them")
    if told.calibrated_on is None:
        doubts.append("it does not say which trays set the thresholds")
    elif any(each.overlaps(other) for each in scored for other in _blocks(told.calibrated_on)):
        doubts.append("trays of these names set the thresholds")
    if told.start_apart is not None and not _all_within(scored, told.start_apart):
        doubts.append("it began with weights of which nobody knows that they never saw them")
    forms = [file.quantised for file in manifest.files.values() if file.quantised is not None]
    copies = [copy for form in forms if isinstance(copy := form.get(COPY), dict)]
    apart = (*(form.get("held_out") for form in forms), *(copy.get("apart") for copy in copies))
    if not all(_all_within(scored, _blocks(each)) for each in apart):
        doubts.append("its 8-bit forms were made without holding them out")
    return doubts


def is_calibrated_unseen(manifest: PackManifest) -> bool:
    """Whether it is proved that the weights never saw what the thresholds were found on."""
    told = _Told.by(manifest)
    found_on = told.calibrated_on
    if not found_on or OTHER_BOXES in found_on:
        return False
    if OWN_VAL in found_on and (told.start_apart is not None or told.distilled_other_boxes):
        # They taught this fit nothing; of the one before, or of other boxed photographs, nobody knows.
        return False
    blocks = _blocks(found_on)
    # What a faster copy was not shown may have taught what it is a copy of.
    is_known = bool(told.rounds_apart) or told.start_apart is not None
    return not blocks or (is_known and all(_all_within(blocks, apart) for apart in told.aparts))


def known_to_have_taken_part(manifest: PackManifest, folder: TrayFolder, scored: Collection[str]) -> int:
    """How many of the scored trays of a folder are known to have taught the pack, or to have set its thresholds.

    Names alone prove nothing: the trays of every restaurant are numbered through under the same one.
    """
    told = _Told.by(manifest)
    taught = _taught(told, folder)
    blocks = _blocks(told.calibrated_on) if taught else ()
    # Of what nobody is sure set no threshold.
    sure = {tray.tray_id for tray in folder.trays.values() if tray.sure}
    set_thresholds = {tray_id for tray_id in sure if any(tray_id in block for block in blocks)}
    return len((taught | set_thresholds) & set(scored))


def known_to_have_taught(manifest: PackManifest, folder: TrayFolder, blocks: Sequence[TrayBlock]) -> int:
    """How many trays of some blocks of a folder are known to have taught the weights of a pack."""
    return sum(any(tray_id in block for block in blocks) for tray_id in _taught(_Told.by(manifest), folder))


def unseen_by(weights: Path, *shelves: Path) -> Blocks:
    """The blocks of trays that taught nothing to some weights, as packs in these folders say.

    A pack says it of its own weights; where it is an average, of those that its training ended with too; and of those
    that its training began with.
    """
    digest = sha256_of(weights)
    provenances = []
    for path in (path for shelf in shelves for path in sorted(shelf.glob(f"*/{MANIFEST_NAME}"))):
        try:
            manifest = load_manifest(path)
        except BadModelPack:
            continue
        averaged = manifest.provenance.get(AVERAGED)
        ended_with = averaged.get(WEIGHTS_SHA256) if isinstance(averaged, dict) else None
        if digest in (manifest.provenance.get(WEIGHTS_SHA256), ended_with):
            return _Told.by(manifest).taught_nothing
        provenances.append(manifest.provenance)
    return next((_blocks(each.get(START_HELD_OUT)) for each in provenances if start_sha256(each) == digest), ())


def blocks_held_out(manifest: PackManifest) -> Blocks:
    """The blocks that took no part in anything, as the manifest says."""
    return _Told.by(manifest).held_out


def blocks_calibrated_on(manifest: PackManifest) -> Blocks:
    """The blocks that set its thresholds."""
    return _blocks(_Told.by(manifest).calibrated_on)


def blocks_kept_apart(manifest: PackManifest) -> Blocks:
    """The blocks that any round of learning from orders kept apart."""
    return tuple(block for apart in _Told.by(manifest).rounds_apart for block in apart)


def _taught(told: _Told, folder: TrayFolder) -> set[str]:
    """The trays of a folder that taught, where its photographs are those that the manifest has a hash of.

    Its counts are not asked: a merged pack may have learned from others than those that it is scored by.
    """
    taught = set[str]()
    if told.rounds_apart:
        only_counted = told.photographs_sha256 is None
        known = told.trays_sha256 if only_counted else told.photographs_sha256
        hashed = hash_of_trays if only_counted else hash_of_photographs
        taught |= _those_of(folder, told.rounds_apart[0], known, hashed)
    if told.distilled_apart is not None:
        taught |= _those_of(folder, told.distilled_apart, told.distilled_sha256, hash_of_photographs)
    return taught


def _those_of(
    folder: TrayFolder, apart: Blocks, known: object, hashed: Callable[[Sequence[CountedTray]], str]
) -> set[str]:
    """The trays of a folder outside some blocks, where their hash is the one that is known."""
    try:
        teaching = counted_trays(folder, apart=apart)
    except BadRecording:  # it lacks trays that were kept apart, so it is another folder
        return set()
    return {tray.tray_id for tray in teaching} if known is not None and hashed(teaching) == known else set()


def _train_hash(told: Mapping[str, Any]) -> object:
    """The hash of the boxed photographs that taught; None where it is not said."""
    hashes = told.get("data_sha256")
    return hashes.get("train") if isinstance(hashes, dict) else None


def _blocks(told: object) -> Blocks:
    """The blocks of a list in a manifest; what is no block is passed over."""
    found = []
    for each in _list(told):
        try:
            found.append(TrayBlock.parse(str(each)))
        except BadInput:
            continue
    return tuple(found)


def _list(told: object) -> Sequence[object]:
    return told if isinstance(told, list | tuple) else ()


def _all_within(blocks: Sequence[TrayBlock], others: Sequence[TrayBlock]) -> bool:
    return bool(blocks) and all(any(each.lies_in(other) for other in others) for each in blocks)
