"""Look at everything that a training is given, before hours of it and not after them."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from edge_agent.adapters.model_shelf import ModelShelf, led_to
from edge_agent.adapters.photograph import read_photograph
from edge_agent.app.plans import QuantisingPlan, ThresholdPlan
from edge_agent.app.quantising import check_quantising
from edge_agent.errors import BadConfig, BadInput, BadModelPack, BadRecording
from edge_agent.evaluation.photo_checks import refuse_unknown_classes
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest
from edge_agent.formats.recordings import TrayFolder, open_counted
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.alignment import FOLDS
from edge_agent.training.boxed import SPLITS, BoxedPhotograph, read_boxed
from edge_agent.training.distilling import RECIPE_NAME, WEIGHTS_NAME
from edge_agent.training.labelling import CountedTray, counted_trays
from edge_agent.training.making import PLAN_NAME
from edge_agent.training.plan import LearningFromOrders, TrainingPlan
from edge_agent.training.sightings import check_architecture, names_in, refuse_faster_copy
from edge_agent.training.thresholds import NAMING, counted_blocks, tray_shown_on, trays_listed_in, val_trays

logger = logging.getLogger(__name__)


def check_inputs(
    plan: TrainingPlan, thresholds: ThresholdPlan, quantising: QuantisingPlan | None, *, menu: Path | None = None
) -> None:
    """Refuse what would end the training later on. Every photograph is read once: a broken one would teach nothing.

    A name on the trays that neither `menu` nor the classes know would be learned as if it were a new item.

    Raises:
        BadInput: there is nothing to start from, a checkpoint does not read or knows other classes, a folder cannot be
            written or lies in another, the pack to write is in service, a name is not on the menu, the menu of the
            checks does not fit what is to be learned, or no tray could show its thresholds.
        BadConfig: the menu does not read.
        BadRecording: a photograph or a label does not read, by their names too many show one tray, or one that is in
            `train` and in `val`, a block holds no
            tray, something lies there that nobody knows, or too few trays are left.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    refuse_to_write_over(plan.pack)
    photographs: list[Path] = []
    learned, ordered = set(plan.classes), set[str]()
    refuse_run_of_others(plan.run, PLAN_NAME)
    refuse_run_in_pack(plan.run, plan.pack)
    if plan.boxes is not None:
        _refuse_trays_in_both_splits(plan.boxes, plan.classes)
        photographs += [path for split in SPLITS for path in _boxed(plan.boxes, split, plan.classes)]
        if plan.orders is not None:
            boxed = (each for split in SPLITS for each in read_boxed(plan.boxes, split, plan.classes))
            refuse_boxes_apart(plan.boxes, boxed, plan.orders.apart)
    elif plan.orders is None or plan.orders.teacher is None:
        raise BadInput("without boxed photographs training needs trays, and a teacher that knows something already")
    if plan.orders is not None:
        folder = open_counted(plan.orders.trays)
        teaching = _teaching(folder, plan.orders)
        ordered = {name for tray in teaching for name, count in tray.counts.items() if count}
        _refuse_no_trays_for_thresholds(plan, thresholds, ordered)
        learned |= ordered
        kept = counted_blocks(folder, thresholds.blocks, learned, said="no tray and no box teaches")
        photographs += [path for tray in teaching for path in tray.photographs]
        photographs += [path for shots, _ in kept for path in shots]
        if menu is not None:
            _check_names(folder, menu, plan.classes)
        if quantising is not None:
            _check_judging(quantising, learned)
    elif menu is not None:
        _refuse_strangers(menu, plan.classes)
    if plan.boxes is not None and learned == set(plan.classes):
        val_trays(plan.boxes, plan.classes)
    _check_weights(plan, ordered)
    for path in photographs:
        read_photograph(path)
    check_writable((plan.run, plan.pack))


def refuse_run_of_others(run: Path, own: str | None) -> None:
    """Whether a folder is free for a run: its weights would be written over those of another one that lie there.

    Args:
        run: the folder.
        own: the file by which a run of this kind knows its folder again; None where it never goes on in one.

    Raises:
        BadInput: another run has left something there.
    """
    left_by = {PLAN_NAME: "a training", RECIPE_NAME: "a faster copy", WEIGHTS_NAME: "another pack"}
    if own is not None and (run / own).exists():
        left_by = {name: made for name, made in left_by.items() if name not in (own, WEIGHTS_NAME)}
    if made := next((made for name, made in left_by.items() if name != own and (run / name).exists()), None):
        raise BadInput(f"here lie the weights and the state of {made}: name another folder with --run", path=run)


def refuse_run_in_pack(run: Path, pack: Path) -> None:
    """Whether the folder of a run lies outside that of the pack to write, which would be no free one any more.

    Raises:
        BadInput: it is the pack's, or lies in it.
    """
    if run.resolve().is_relative_to(pack.resolve()):
        raise BadInput(f"checkpoints cannot lie in the folder of the pack ({pack}): name another with --run", path=run)


def refuse_boxes_apart(boxes: Path, boxed: Iterable[BoxedPhotograph], apart: Sequence[TrayBlock]) -> None:
    """Whether none of these boxed photographs of a folder shows a tray that is to take no part.

    Raises:
        BadInput: one does, as its name or the folder's list of trays says.
    """
    listed = trays_listed_in(boxes)
    for each in boxed:
        tray_id = tray_shown_on(each, listed)
        if block := next((block for block in apart if tray_id in block), None):
            said = f"by its name it shows {tray_id}, which {block} is to keep apart"
            raise BadInput(f"{said}: take it out of the boxed photographs, with its label", path=each.path)


def refuse_to_write_over(pack: Path, configured: Path | None = None) -> None:
    """Whether a pack may be written over: one in service would be half of one meanwhile, and the way back is gone.

    Args:
        pack: the folder to write.
        configured: what the configuration names. What `models/active` beside the pack names is in service too.

    Raises:
        BadInput: the pack is in service or was once, or the folder holds something else.
        BadModelPack: the pack that is there already does not read, or it is named by a pointer that leads to none.
    """
    refuse_in_service(pack, configured)
    inside = pack.iterdir() if pack.is_dir() else ()
    # A training that was cut off while it wrote its pack leaves a network, and half of a manifest under a hidden name.
    others = [each for each in inside if each.suffix != ".onnx" and not each.name.startswith(".")]
    if others and not (pack / MANIFEST_NAME).exists():
        raise BadInput("this folder holds other things than a model pack; name a new one, or empty it", path=pack)
    if (pack / MANIFEST_NAME).exists():
        load_manifest(pack / MANIFEST_NAME)
        names = {pack.absolute().name, pack.resolve().name}
        if any(names & {each.from_pack, each.to_pack} for shelf in _shelves_of(pack) for each in shelf.activations()):
            said = "a pack of this name was in service once, and may be gone back to: it is not written over"
            raise BadInput(f"{said}, name another folder", path=pack)


def refuse_in_service(pack: Path, configured: Path | None = None) -> None:
    """Whether a pack may be changed at all; arguments as of `refuse_to_write_over`.

    Raises:
        BadInput: the pack is in service, by whatever path it is named.
        BadModelPack: it is named by a pointer that leads to no pack.
    """
    named = led_to(pack)
    if any(each.resolve() == named.resolve() for each in _in_service(named, configured)):
        said = "this pack is in service, and is not changed: name another folder (a copy of it, if need be)"
        raise BadInput(f"{said}, and bring that in with 'edge-agent models activate'", path=named)


def _in_service(pack: Path, configured: Path | None) -> Iterator[Path]:
    """What the pointers beside a pack name, and what is configured."""
    for shelf in _shelves_of(pack):
        if (active := shelf.pointed_at()) is not None:
            yield shelf.folder / active
    if configured is not None:
        with contextlib.suppress(BadModelPack):  # leads to nothing, so nothing is in service by it
            yield led_to(configured)


def _shelves_of(pack: Path) -> list[ModelShelf]:
    """The folders that a pack lies in: a link lies elsewhere than what it leads to."""
    return [ModelShelf(folder=folder) for folder in {pack.absolute().parent, pack.resolve().parent}]


def _boxed(root: Path, split: str, classes: tuple[str, ...]) -> list[Path]:
    """The photographs of a split, of which not every one may be empty: nothing could be learned or measured on them."""
    boxed = read_boxed(root, split, classes)
    if not any(each.counts for each in boxed):
        said = f"none of the {len(boxed)} label files has a label: were the boxes written elsewhere?"
        raise BadRecording(said, path=root / "labels" / split)
    return [each.path for each in boxed]


def _refuse_trays_in_both_splits(root: Path, classes: tuple[str, ...]) -> None:
    """What teaches cannot measure; the card would say that the weights never saw it."""
    listed = trays_listed_in(root)
    teaching = {tray_shown_on(each, listed): each.path for each in read_boxed(root, "train", classes)}
    for each in read_boxed(root, "val", classes):
        if (other := teaching.get(tray := tray_shown_on(each, listed))) is not None:
            said = f"by its name it shows the tray '{tray}', as {other} does, and a tray cannot both teach and measure"
            raise BadRecording(f"{said}: keep its photographs together, or {NAMING}", path=each.path)


def _teaching(folder: TrayFolder, orders: LearningFromOrders) -> tuple[CountedTray, ...]:
    teaching = counted_trays(folder, apart=orders.apart)
    if len(teaching) < FOLDS:
        said = f"{len(teaching)} sure trays are left to learn from, outside the blocks kept apart; it takes {FOLDS}"
        raise BadRecording(said, path=folder.trays_path)
    return teaching


def _refuse_no_trays_for_thresholds(plan: TrainingPlan, thresholds: ThresholdPlan, ordered: set[str]) -> None:
    if thresholds.blocks:
        return
    new = sorted(ordered if plan.boxes is None else ordered - set(plan.classes))
    if new:
        why = "there are no boxed photographs" if plan.boxes is None else f"nobody boxed '{new[0]}'"
        said = f"{why}, so thresholds need trays of their own"
        raise BadInput(f"{said}: name some with --calibrate-on FROM:TO")


def _check_names(folder: TrayFolder, menu: Path, drawn: tuple[str, ...]) -> None:
    try:
        refuse_unknown_classes(folder, load_menu(menu).menu, drawn)
    except BadRecording as refusal:
        raise BadInput(f"{refusal}; the menu of these trays is named with --menu, here it is {menu}") from refusal


def _refuse_strangers(menu: Path, classes: Sequence[str]) -> None:
    """What is boxed and on no menu would be a class that no order can ask for: mostly a misspelt one."""
    known = load_menu(menu).menu.classes
    if strangers := [name for name in classes if name not in known]:
        said = f"no item of this menu looks like '{strangers[0]}', which --classes names; its items look like"
        raise BadInput(
            f"{said} {', '.join(sorted(known))}. Correct the name, or name another --menu, or none", path=menu
        )


def _check_judging(quantising: QuantisingPlan, learned: set[str]) -> None:
    try:
        check_quantising(quantising, sorted(learned))
    except (BadConfig, BadRecording) as refusal:
        do = "with --no-quantize no 8-bit forms are made; if these trays have another menu, name it with --menu"
        said = f"{refusal}; {do}"
        raise BadInput(said) from refusal


def _check_weights(plan: TrainingPlan, ordered: Collection[str]) -> None:
    teacher = None if plan.orders is None else plan.orders.teacher
    if plan.goes_on:
        if plan.orders is None:
            said = "without a pass over the boxes (--epochs 0) there is nothing to learn from but orders"
            raise BadInput(f"{said}: name their trays with --trays")
        if plan.start is None:
            said = "without a pass over the boxes (--epochs 0) the weights to start from know what lies on the trays"
            raise BadInput(f"{said}: name a checkpoint (.pt) with --architecture")
        begin = "with --epochs 1 or more boxes teach first, and orders what nobody boxed"
        label = "name another one with --teacher, or leave it out: then the weights to begin with label"
        for weights, do in ((plan.start, begin), *([] if teacher is None else [(teacher, label)])):
            if unknown := sorted(set(ordered) - set(names_in(weights))):
                raise BadInput(f"it does not know '{unknown[0]}', which lies on the trays: {do}", path=weights)
        if lost := sorted(set(names_in(plan.start)) - set(ordered)):
            said = "%s knows %s, and no tray that teaches has any: the pack will not know it, unless a box teaches it"
            logger.warning(said, plan.start, ", ".join(lost))
    elif teacher is not None and (names := names_in(teacher)) != plan.classes:
        said = f"it knows other classes ({', '.join(names)}) than --classes names; they must be the same, in this order"
        raise BadInput(said, path=teacher)
    if plan.boxes is not None:
        check_architecture(plan.recipe.architecture)
    if plan.start is not None:
        refuse_faster_copy(plan.start)


def check_writable(folders: Iterable[Path]) -> None:
    """Whether folders can be made and written to, and the files in them be written over.

    They are not made yet, so a refused command leaves none behind.

    Raises:
        BadInput: one cannot.
    """
    for folder in folders:
        try:
            there = next(each for each in (folder, *folder.parents) if each.is_symlink() or each.exists())
            with tempfile.TemporaryFile(dir=there):
                pass
            inside = sorted(folder.iterdir()) if folder.is_dir() else ()
        except OSError as error:
            raise BadInput(f"the folder cannot be written to: {error.strerror}", path=folder) from error
        if kept := next((each for each in inside if each.is_file() and not os.access(each, os.W_OK)), None):
            raise BadInput(f"you may not write over this file, so {folder} stays as it is: change a copy", path=kept)
