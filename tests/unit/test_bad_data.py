"""Whatever is wrong with trays, boxes, blocks or a command is one sentence that names it, before any work is done."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest

from edge_agent.app import making
from edge_agent.app.inputs import check_writable, refuse_to_write_over
from edge_agent.app.making import to_be_gone_on_with
from edge_agent.errors import BadInput, BadModelPack
from edge_agent.formats.pack import load_manifest, sha256_of
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.fingerprints import hash_of_photographs
from edge_agent.training.labelling import counted_trays
from edge_agent.training.plan import TrainingPlan
from tests.builders_onnx import CLASSES, SIDE_PX, constant_model, raw_output, write_pack
from tests.unit import test_cli
from tests.unit.test_cli import MENU, SEEN, Run

run = test_cli.run
here = test_cli.here

EYES = ("--pack", "pack", "--menu", "menu.yaml")
MENU_ONLY = ("--config", "edge.yaml", "--menu", "menu.yaml")
TRAIN = ("train", "--classes", ",".join(CLASSES), "--pack", "new", "--run", "run", "--config", "edge.yaml")
LEARN = (*TRAIN, "--trays", "many", "--teacher", "t.pt")
BOXED = ("calibrate", "pack", "--boxes", "boxes")

ON_TRAYS: dict[str, tuple[str, ...]] = {
    "evaluate": ("evaluate", "many", *EYES),
    "bench": ("bench", "--pack", "pack", "--rounds", "3", "--trays", "many", *MENU_ONLY),
    "score": ("models", "score", "pack", "--trays", "many", *MENU_ONLY),
    "compare": ("models", "compare", "pack", "pack", "--trays", "many", *MENU_ONLY),
    "quantize": ("quantize", "spare", "--trays", "many", *MENU_ONLY),
    "calibrate": ("calibrate", "pack", "--trays", "many", "--calibrate-on", "t-1:t-12"),
    "train": (*LEARN, "--calibrate-on", "t-11:t-12"),
}
BLOCKS = {
    "evaluate": "--only",
    "bench": "--only",
    "score": "--only",
    "compare": "--only",
    "quantize": "--held-out",
    "calibrate": "--calibrate-on",
    "train": "--held-out",
}

Change = Callable[[list[dict[str, Any]]], None]


@pytest.fixture
def many(here: Path) -> Path:
    """Twelve trays, each with a right or a wrong order, boxed photographs, and what the commands need beside them."""
    (here / "edge.yaml").write_text("detector: {pack: pack, provider: cpu}\nmenu: menu.yaml\n")
    (here / "t.pt").write_bytes(b"stands for a checkpoint; nothing here gets so far as to read it")
    shutil.copytree(here / "pack", here / "spare")  # in service it is not
    (here / "many").mkdir()
    rows, checks = [], []
    for n in range(1, 13):
        cv2.imwrite(str(here / "many" / f"{n}.png"), np.full((SIDE_PX, SIDE_PX, 3), 90 + n, dtype=np.uint8))
        rows.append({"tray_id": f"t-{n}", "images": [f"{n}.png"], "contents": {"plate": 1, "bread": 1}})
        is_right = n % 2 == 0
        order = {"order_id": f"A-{n}", "lines": [{"sku": "plate"}, {"sku": "bread", "quantity": 1 if is_right else 2}]}
        expected = "match" if is_right else "mismatch"
        checks.append({"check_id": f"c-{n}", "tray_id": f"t-{n}", "order": order, "expected": expected})
    write(here / "many" / "trays.jsonl", rows)
    write(here / "many" / "orders.jsonl", checks)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (here / "boxes" / kind / split).mkdir(parents=True)
        for n in range(3):
            name = f"{'a' if split == 'train' else 'b'}-{n}"
            cv2.imwrite(
                str(here / "boxes" / "images" / split / f"{name}.jpg"), np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
            )
            (here / "boxes" / "labels" / split / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    return here


def write(path: Path, entries: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def change(path: Path, change: Change) -> None:
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    change(entries)
    write(path, entries)


@pytest.mark.parametrize("command", sorted(ON_TRAYS))
def test_a_mistyped_block_beside_a_good_one_is_named(run: Run, many: Path, command: str) -> None:
    """Without a word, trays that were to be kept apart would teach, or be left out of the score."""
    option = BLOCKS[command]
    told = run(*ON_TRAYS[command], option, "t-1:t-3", option, "t-80:t-90")
    told.refused("many/trays.jsonl: no tray lies in the block t-80:t-90")


def test_a_mistyped_block_for_thresholds_is_named_before_the_training(run: Run, many: Path) -> None:
    run(*LEARN, "--calibrate-on", "t-80:t-90").refused("no tray lies in the block t-80:t-90")


@pytest.mark.parametrize(
    "words",
    [
        ("bench", "--pack", "pack", "--only", "t-1:t-3"),
        ("models", "compare", "pack", "pack", "--recording", "v.mp4", *MENU_ONLY, "--only", "t-1:t-3"),
        (*BOXED, "--calibrate-on", "t-1:t-3"),
        (*TRAIN, "boxes", "--calibrate-on", "t-1:t-3"),
        (*TRAIN, "boxes", "--held-out", "t-1:t-3"),
    ],
)
def test_a_block_without_a_folder_of_trays_is_refused(run: Run, many: Path, words: tuple[str, ...]) -> None:
    run(*words).refused(words[-2], "--trays")


def test_a_block_that_ends_before_it_begins_is_refused(run: Run, many: Path) -> None:
    run(*ON_TRAYS["evaluate"], "--only", "t-3:t-1").refused("'t-3:t-1' is no block of trays", "higher than its last")


@pytest.mark.parametrize(
    "words", [BOXED, ON_TRAYS["calibrate"], (*BOXED[:2], "--folds", "2"), (*BOXED[:2], "--false-alarms", "1")]
)
def test_thresholds_are_taken_over_or_found_not_both(run: Run, many: Path, words: tuple[str, ...]) -> None:
    run(*words, "--as", "pack").refused("--as takes thresholds over as they are, and finds none", words[2])


def test_trays_cannot_be_held_out_and_set_thresholds(run: Run, many: Path) -> None:
    told = run(*LEARN, "--held-out", "t-1:t-6", "--calibrate-on", "t-5:t-9")
    told.refused("t-5:t-9", "it can do only one")


@pytest.mark.parametrize("command", sorted(ON_TRAYS))
def test_a_photograph_that_is_missing_is_named(run: Run, many: Path, command: str) -> None:
    change(many / "many" / "trays.jsonl", lambda rows: rows[4].update(images=["gone.jpg"]))
    run(*ON_TRAYS[command]).refused("many/trays.jsonl:5: ", "gone.jpg")


@pytest.mark.parametrize("command", sorted(ON_TRAYS))
def test_a_count_that_cannot_be_is_named(run: Run, many: Path, command: str) -> None:
    change(many / "many" / "trays.jsonl", lambda rows: rows[4].update(contents={"plate": -1}))
    run(*ON_TRAYS[command]).refused("many/trays.jsonl:5: ")


def test_a_torn_line_is_named_with_the_column_where_it_ends(run: Run, many: Path) -> None:
    """Its line break is no second line, in whose first column the fault would be."""
    (many / "many" / "trays.jsonl").write_text('{"tray_id": "t-1"\n')
    run(*ON_TRAYS["train"]).refused("many/trays.jsonl:1: no valid JSON", "at column 18")


@pytest.mark.parametrize("command", sorted(ON_TRAYS))
def test_a_list_without_a_tray_is_named(run: Run, many: Path, command: str) -> None:
    (many / "many" / "trays.jsonl").write_text("\n")
    run(*ON_TRAYS[command]).refused("many/trays.jsonl: the file lists no tray")


@pytest.mark.parametrize("command", sorted(ON_TRAYS))
def test_a_class_that_nobody_knows_is_named_with_its_line_and_its_trays(run: Run, many: Path, command: str) -> None:
    """Else it would count as overlooked on every one of them, or be learned as if it were a new item."""

    def misspell(rows: list[dict[str, Any]]) -> None:
        for n in (2, 3, 7):
            rows[n]["contents"] = {"plat": 1, "bread": 1}

    change(many / "many" / "trays.jsonl", misspell)
    run(*ON_TRAYS[command]).refused("many/trays.jsonl:3: ", "'plat', which lies on 3 trays: correct the name")


def test_a_class_that_nobody_knows_is_named_also_where_no_form_is_to_be_judged(run: Run, many: Path) -> None:
    """After hours it would be a class of the new pack."""
    change(many / "many" / "trays.jsonl", lambda rows: rows[2].update(contents={"plat": 1, "bread": 1}))
    told = run(*ON_TRAYS["train"], "--no-quantize")
    told.refused("many/trays.jsonl:3: ", "'plat', which lies on 1 tray: correct the name", "--menu", "menu.yaml")
    (many / "wider.yaml").write_text(MENU + "  - {sku: plat, visibility: hidden}\n")
    told = run(*ON_TRAYS["train"], "--no-quantize", "--menu", "wider.yaml")
    assert "plat'" not in told.err


def test_what_the_menu_calls_hidden_may_lie_on_the_trays(run: Run, many: Path) -> None:
    """A dish that no model has learned yet is on the menu as something that the camera cannot see."""
    (many / "menu.yaml").write_text(MENU + "  - {sku: soup, visibility: hidden}\n")
    change(many / "many" / "trays.jsonl", lambda rows: rows[0].update(contents={"plate": 1, "bread": 1, "soup": 1}))
    assert run(*ON_TRAYS["evaluate"]).status == 0


def test_what_one_of_two_compared_models_knows_may_lie_on_the_trays(run: Run, many: Path) -> None:
    """With the old menu the two are compared on what both know; the new item is no slip."""
    write_pack(
        many / "newer", constant_model(raw_output(SEEN, classes=4)), "ultralytics_raw", classes=(*CLASSES, "soup")
    )
    change(many / "many" / "trays.jsonl", lambda rows: rows[0].update(contents={"plate": 1, "bread": 1, "soup": 1}))
    told = run("models", "compare", "pack", "newer", "--trays", "many", *MENU_ONLY)
    assert told.status == 0, told
    run("models", "compare", "pack", "pack", "--trays", "many", *MENU_ONLY).refused("'soup', which lies on 1 tray")


@pytest.mark.parametrize("words", [BOXED, (*TRAIN, "boxes")])
def test_a_label_out_of_range_is_named(run: Run, many: Path, words: tuple[str, ...]) -> None:
    (many / "boxes" / "labels" / "val" / "b-1.txt").write_text("0 0.5 0.5 0.2 0.2\n3 0.5 0.5 0.2 0.2\n")
    run(*words).refused("boxes/labels/val/b-1.txt:2: the class 3 is out of range")


@pytest.mark.parametrize("words", [BOXED, (*TRAIN, "boxes")])
def test_labels_whose_photograph_is_missing_are_named(run: Run, many: Path, words: tuple[str, ...]) -> None:
    (many / "boxes" / "images" / "val" / "b-1.jpg").unlink()
    run(*words).refused("boxes/labels/val/b-1.txt: the photograph of this label file is not in")


def test_a_list_of_classes_beside_the_labels_is_no_label(run: Run, many: Path) -> None:
    (many / "boxes" / "labels" / "val" / "classes.txt").write_text("plate\nbread\nhand\n")
    assert run(*BOXED).status == 0


def test_a_teacher_that_is_not_there_is_named_before_the_training(run: Run, many: Path) -> None:
    told = run(*TRAIN, "boxes", "--trays", "many", "--teacher", "none.pt")
    told.refused("none.pt: there is no such checkpoint")
    assert not (many / "run").exists()


@pytest.mark.parametrize("config", ["edge.yaml", None])
@pytest.mark.parametrize(
    "words",
    [
        ("train", "nowhere", "--classes", "plate,bread,hand", "--run", "run"),
        ("merge", "finer", "--groups", "groups.yaml"),
    ],
)
def test_the_configured_pack_is_not_written_over(
    run: Run, many: Path, words: tuple[str, ...], config: str | None
) -> None:
    """Also where the configuration is not named, but at hand: the agent runs by it."""
    write_pack(many / "finer", constant_model(raw_output(SEEN)), "ultralytics_raw")
    (many / "groups.yaml").write_text("classes: {ware: [plate, bread], hand: [hand]}\n")
    if config is None:
        (many / "configs").mkdir()
        (many / "configs" / "edge.yaml").write_text("detector: {pack: ../pack}\nmenu: ../menu.yaml\n")
    before = (many / "pack" / "model.yaml").read_bytes()
    told = run(*words, "--pack", "pack", *(() if config is None else ("--config", config)))
    told.refused("pack: this pack is in service")
    assert (many / "pack" / "model.yaml").read_bytes() == before
    assert not (many / "run").exists()


@pytest.mark.parametrize(("shelf", "found"), [("new-shelf", True), (".", True), ("elsewhere", False)])
@pytest.mark.parametrize("boxed", [True, False])
def test_what_the_weights_to_begin_with_never_saw_is_looked_up_beside_the_new_pack_and_the_configured_one(
    run: Run, many: Path, monkeypatch: pytest.MonkeyPatch, shelf: str, *, found: bool, boxed: bool
) -> None:
    """The packs of the box lie beside the configured one; those of a desk beside the one to write."""
    begun: list[tuple[TrayBlock, ...]] = []

    def note(plan: TrainingPlan, *_: object, **__: object) -> NoReturn:
        begun.append(plan.start_held_out)
        raise BadInput("so far and no further")

    monkeypatch.setattr(making, "train_pack", note)
    told = {"weights_sha256": sha256_of(many / "t.pt"), "held_out": ["t-1:t-3"]}
    write_pack(many / shelf / "before", constant_model(raw_output(SEEN)), "ultralytics_raw", provenance=told)
    begins = ("boxes", "--architecture", "t.pt") if boxed else ("--teacher", "t.pt")
    words = (*begins, "--trays", "many", "--calibrate-on", "t-11:t-12", "--no-quantize", "--pack", "new-shelf/new")
    run("train", "--classes", "plate,bread,hand", "--run", "run", "--config", "edge.yaml", *words).refused("so far")
    assert begun == [(TrayBlock("t", 1, 3),) if found else ()]


def test_a_teacher_that_is_no_checkpoint_is_named_before_the_training(run: Run, many: Path) -> None:
    """A model definition reads as well, and would teach with random weights."""
    told = run(*TRAIN, "--trays", "many", "--teacher", "edge.yaml", "--calibrate-on", "t-11:t-12", "--no-quantize")
    told.refused("edge.yaml: these are no weights that can be trained on", "--run")


def test_a_menu_that_does_not_fit_is_named_before_the_training(run: Run, many: Path) -> None:
    (many / "other.yaml").write_text("items:\n  - {sku: soup, detects_as: soup}\n")
    told = run(*ON_TRAYS["train"], "--menu", "other.yaml")
    told.refused("other.yaml:2: ", "'soup'", "--menu", "--no-quantize")


def test_a_full_disk_in_a_training_is_a_sentence_that_says_how_to_go_on(tmp_path: Path) -> None:
    """Hours of work are not lost, and a traceback would not say so."""
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "last.pt"))
    said = r"last\.pt: .*No space left.*lies in .*run.*type the same command again"
    with pytest.raises(BadInput, match=said), to_be_gone_on_with(tmp_path / "run"):
        raise full


@pytest.mark.parametrize(
    "words", [TRAIN, ("merge", "pack", "--groups", "groups.yaml", "--pack", "new")], ids=lambda w: w[0]
)
def test_a_folder_of_other_things_is_no_place_for_a_pack(run: Run, many: Path, words: tuple[str, ...]) -> None:
    """Its README would be gone, for the model card."""
    (many / "groups.yaml").write_text("classes: {crockery: [plate, bread]}\n")
    (many / "new").mkdir()
    (many / "new" / "README.md").write_text("my notes\n")
    run(*words, *(("boxes",) if words is TRAIN else ())).refused(
        "new: this folder holds other things than a model pack"
    )
    assert (many / "new" / "README.md").read_text() == "my notes\n"


def test_a_pack_cannot_be_merged_into_a_file(run: Run, many: Path) -> None:
    (many / "groups.yaml").write_text("classes: {crockery: [plate, bread]}\n")
    (many / "file").touch()
    words = ("merge", "pack", "--groups", "groups.yaml", "--pack")
    run(*words, "file").refused("file: the folder cannot be written to")
    run(*words, "file/new").refused("new: the folder cannot be written to")


def test_a_network_that_a_cut_training_left_is_in_nobodys_way(many: Path) -> None:
    """Else the command that goes on would be refused."""
    (many / "new").mkdir()
    (many / "new" / "model.onnx").write_bytes(b"half of one")
    (many / "new" / ".model.yaml.new").write_text("schema:")
    refuse_to_write_over(many / "new")


def test_a_damaged_pack_is_told_of_before_hours_of_work_and_not_when_it_is_to_be_written_over(many: Path) -> None:
    (many / "pack" / "model.yaml").write_text("schema: 1\n")
    with pytest.raises(BadModelPack, match=r"pack/model\.yaml"):
        refuse_to_write_over(many / "pack")


def test_thresholds_of_the_pack_in_service_are_not_changed_past_the_gate(run: Run, many: Path) -> None:
    """What was said of it would be of another pack, and there would be no way back."""
    before = (many / "pack" / "model.yaml").read_bytes()
    words = ON_TRAYS["calibrate"][2:]
    run("calibrate", "pack", *words, "--config", "edge.yaml").refused("pack: this pack is in service", "a copy of it")
    (many / "active").write_text("pack\n")
    run("calibrate", "pack", *words).refused("pack: this pack is in service")
    (many / "elsewhere").mkdir()
    (many / "elsewhere" / "link").symlink_to(many / "pack")
    for named in ("active", ".", "elsewhere/link"):
        run("calibrate", named, *words).refused("this pack is in service")
    assert (many / "pack" / "model.yaml").read_bytes() == before
    told = run("calibrate", "active", *words, "--folds", "3")
    assert "pack: of 12 trays" in " ".join(told.out.split())


def test_where_nothing_is_in_service_yet_a_pack_is_calibrated(run: Run, many: Path) -> None:
    """The one that is to be the first, too."""
    (many / "edge.yaml").write_text("detector: {pack: models/active, provider: cpu}\nmenu: menu.yaml\n")
    assert run("calibrate", "pack", *ON_TRAYS["calibrate"][2:], "--config", "edge.yaml").status == 0


@pytest.mark.parametrize("folder", ["file/new", "link", "n" * 300])
def test_a_folder_that_cannot_be_made_is_told_of_and_what_can_be_is_not_made_yet(many: Path, folder: str) -> None:
    (many / "file").touch()
    (many / "link").symlink_to(many / "a disk that is not mounted")
    with pytest.raises(BadInput, match="the folder cannot be written to"):
        check_writable([many / "good" / "run", many / folder])
    assert not (many / "good").exists()


def test_calibration_says_what_it_took_back_and_when_it_is_a_guess(run: Run, many: Path) -> None:
    asked = ("calibrate", "pack", "--trays", "many", "--calibrate-on")
    told = run(*asked, "t-1:t-12")
    assert "Next: 'edge-agent quantize pack --trays DIR', then 'edge-agent models score pack --trays DIR'" in (
        " ".join(told.out.split())
    )
    assert told.err == ""
    assert "thresholds from 3 tray(s) are a guess" in run(*asked, "t-1:t-3").err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--checkpoint", "pack/model.onnx"), "pack/model.onnx: --checkpoint names trained weights (.pt)"),
        (("--checkpoint", "none.pt"), "none.pt: there is no such checkpoint"),
        (("--keep", "store.db"), "--keep is about a store; name its size with --store"),
    ],
)
def test_what_a_benchmark_cannot_measure_is_refused(run: Run, many: Path, given: tuple[str, ...], said: str) -> None:
    run("bench", "--pack", "pack", "--rounds", "3", *given).refused(said)


def test_a_slip_in_what_doctor_is_to_look_at_is_no_good_news(run: Run, many: Path) -> None:
    """A job that asks every night would say that all is well for ever."""
    run("doctor", "--config", "edge.yaml", "--only", "modle").refused(
        "'modle' is nothing that is looked at here", "model,"
    )
    assert "model:" in run("doctor", "--config", "edge.yaml", "--only", "model").out
    (many / "edge.yaml").write_text("detector: [")
    told = run("doctor", "--config", "edge.yaml", "--only", "disk")
    assert told.status == 1
    assert "configuration:" in told.out


def test_cross_validation_writes_nothing_and_needs_a_tray_for_each_part(run: Run, many: Path) -> None:
    before = {path.name: path.read_bytes() for path in (many / "pack").iterdir()}
    asked = ("calibrate", "pack", "--trays", "many", "--calibrate-on", "t-1:t-12", "--folds")
    told = run(*asked, "3")
    assert (told.status, told.err) == (0, "")
    assert "pack: of 12 trays, each judged by thresholds from the others (3 parts" in " ".join(told.out.split())
    run(*asked, "13").refused("12 labelled trays cannot be divided into 13 parts", "--folds")
    assert {path.name: path.read_bytes() for path in (many / "pack").iterdir()} == before


def test_a_training_that_is_stopped_says_how_to_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt), to_be_gone_on_with(tmp_path / "run"):
        raise KeyboardInterrupt
    assert f"lies in {tmp_path / 'run'}; the same command, typed again, goes on" in caplog.text


@pytest.mark.parametrize("split", ["train", "val"])
def test_boxes_without_a_single_label_are_refused(run: Run, many: Path, split: str) -> None:
    """As when the drawing program wrote its boxes elsewhere: one empty photograph is fine, all of them are a slip."""
    for path in (many / "boxes" / "labels" / split).iterdir():
        path.write_text("")
    run(*TRAIN, "boxes").refused(f"labels/{split}: none of the 3 label files has a label")


def test_a_boxed_class_that_is_not_on_the_menu_that_was_named_is_refused(run: Run, many: Path) -> None:
    """Mostly it is misspelt, and no order could ever ask for it. A menu that is not there is one that was misspelt."""
    run(*TRAIN, "boxes", "--menu", "menu.yaml").refused("menu.yaml: no item of this menu looks like 'hand'")
    run(*TRAIN, "boxes", "--menu", "none.yaml").refused("none.yaml")
    (many / "menu.yaml").write_text(MENU + "  - {sku: hand, detects_as: hand}\n")
    assert "looks like" not in run(*TRAIN, "boxes", "--menu", "menu.yaml", "--architecture", "none.pt").err


def test_too_few_trays_to_learn_from_are_refused(run: Run, many: Path) -> None:
    run(*LEARN, "--held-out", "t-1:t-9").refused("many/trays.jsonl: 3 sure trays are left to learn from")


def test_trays_of_which_none_is_sure_set_no_thresholds(run: Run, many: Path) -> None:
    def doubt(rows: list[dict[str, Any]]) -> None:
        for row in rows[:3]:
            row["sure"] = False

    change(many / "many" / "trays.jsonl", doubt)
    told = run("calibrate", "pack", "--trays", "many", "--calibrate-on", "t-1:t-3")
    told.refused("many/trays.jsonl: none of the trays in t-1:t-3 is marked sure")


@pytest.mark.parametrize("words", [("--teacher", "t.pt"), ("--round", "3")])
def test_learning_from_orders_needs_trays(run: Run, many: Path, words: tuple[str, ...]) -> None:
    run(*TRAIN, "boxes", *words).refused("name the trays with --trays")


def test_trays_for_thresholds_need_blocks(run: Run, many: Path) -> None:
    """Without them they would be left unread beside boxes."""
    run(*BOXED, "--trays", "many").refused("--trays needs --calibrate-on")


def test_boxes_under_other_names_than_the_packs_set_no_thresholds(run: Run, many: Path) -> None:
    """Left out without a word, only the trays would be asked, or it would seem that none was named."""
    write_pack(
        many / "finer",
        constant_model(raw_output(SEEN)),
        "ultralytics_raw",
        provenance={"boxed_classes": ["tableware", "food"]},
    )
    told = run("calibrate", "finer", "--boxes", "boxes", "--trays", "many", "--calibrate-on", "t-1:t-3")
    told.refused("boxes: these were boxed as tableware, food, and tiny reports plate, bread, hand")


@pytest.mark.parametrize("words", [("--epochs", "3"), ("--architecture", "yolo11s.yaml")])
def test_what_is_about_boxes_is_not_ignored_without_them(run: Run, many: Path, words: tuple[str, ...]) -> None:
    run(*LEARN, "--calibrate-on", "t-11:t-12", *words).refused("--epochs and --architecture are about boxed")


UNKNOWN = "of what is ordered there the menu does not know 'cola' (on 1)"


@pytest.mark.parametrize("command", ["evaluate", "score", "quantize", "compare"])
def test_an_order_of_something_on_no_menu_is_told_of(
    run: Run, many: Path, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    """What is too much beside it may be it, so wrong orders are told less often, and no score says why."""
    run(*ON_TRAYS[command])
    assert "the menu does not know" not in caplog.text
    change(many / "many" / "orders.jsonl", lambda checks: checks[3]["order"]["lines"].append({"sku": "cola"}))
    run(*ON_TRAYS[command])
    assert caplog.text.count(f"orders.jsonl: {UNKNOWN}; on such a tray nothing is too much, it is unsure. ") == 1


def test_a_recording_whose_till_sells_what_is_on_no_menu_is_told_of(
    run: Run, many: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of what the till sends anew, the last word counts."""

    def sell(sent: list[dict[str, Any]]) -> None:
        first = json.loads(json.dumps(sent[0]))
        first["order"]["lines"].append({"sku": "tea"})
        sent[0]["order"]["lines"].append({"sku": "cola"})
        sent[0]["at_s"] += 0.1
        sent.insert(0, first)

    change(many / "v.orders.jsonl", sell)
    run(*test_cli.REPLAY, "--json")
    assert f"v.orders.jsonl: {UNKNOWN};" in caplog.text


def test_of_another_restaurants_menu_a_few_items_are_named(
    run: Run, many: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def sell_more(checks: list[dict[str, Any]]) -> None:
        checks[0]["order"]["lines"] += [{"sku": f"x{n}"} for n in range(7)]

    change(many / "many" / "orders.jsonl", sell_more)
    run(*ON_TRAYS["evaluate"])
    assert "'x0' (on 1), 'x1' (on 1), 'x2' (on 1), 'x3' (on 1), 'x4' (on 1) and 2 more;" in caplog.text


def test_thresholds_ask_what_lay_on_the_trays_and_for_no_order(run: Run, many: Path) -> None:
    (many / "many" / "orders.jsonl").unlink()
    asked = ("calibrate", "pack", "--trays", "many", "--calibrate-on", "t-1:t-12", "--folds", "3")
    assert "of 12 trays" in run(*asked).out
    (many / "many" / "trays.jsonl").unlink()
    run(*asked).refused("many/trays.jsonl: there is no such file; it says what lies on which tray")


@pytest.mark.parametrize(
    ("named", "on_menu"),
    [
        (("--config", "edge.yaml"), ["--menu", "menu.yaml"]),
        (("--config", "edge.yaml", "--menu", "other.yaml"), ["--menu", "other.yaml"]),
        ((), []),
    ],
)
def test_the_scoring_that_comes_next_is_told_with_the_menu_of_these_trays(
    run: Run, many: Path, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...], on_menu: list[str]
) -> None:
    """Else it is scored by the menu of another restaurant, or refused; what is configured by default needs no word."""
    (many / "other.yaml").write_text(MENU)
    (many / "configs").mkdir()
    (many / "configs" / "edge.yaml").write_text("detector: {pack: ../pack, provider: cpu}\nmenu: ../menu.yaml\n")
    shares = dict.fromkeys(("calibration_trays", "calibration_false_alarms", "calibration_decided"), 1)
    made = load_manifest(many / "pack" / "model.yaml").model_copy(
        update={"metrics": shares | {"calibration_caught": 1}}
    )
    monkeypatch.setattr(making, "train_pack", lambda *_, **__: made)
    begins = ("train", "boxes", "--classes", ",".join(CLASSES), "--pack", "new", "--run", "my runs", "--trays", "many")
    told = run(*begins, "--held-out", "t-1:t-3", *named).out
    typed = told.partition("Next: '")[2].rpartition("' writes its scores")[0]
    wanted = ["models", "score", "new", "--trays", "many", "--only", "t-1:t-3", "--run", "my runs"]
    said = shlex.split(typed)
    assert said[:10] == ["edge-agent", *wanted]
    assert [Path(word).name for word in said[10:]] == on_menu


@pytest.mark.parametrize("word", ["pack", ".", "link"])
def test_a_pack_in_service_gets_no_other_forms(run: Run, many: Path, word: str) -> None:
    """The running agent would read a manifest at its next start whose gates nobody has looked at yet."""
    (many / "active").write_text("pack\n")
    (many / "link").symlink_to("pack")
    before = {path.name: path.read_bytes() for path in (many / "pack").iterdir()}
    run("quantize", word, "--trays", "many", *MENU_ONLY).refused(": this pack is in service", "a copy of it")
    assert {path.name: path.read_bytes() for path in (many / "pack").iterdir()} == before


@pytest.mark.parametrize(
    "words",
    [
        ("quantize", "spare", "--trays", "many"),
        ("calibrate", "spare", "--trays", "many", "--calibrate-on", "t-1:t-12"),
        ("models", "score", "spare", "--trays", "many"),
    ],
    ids=lambda words: words[0],
)
def test_files_that_may_not_be_written_over_are_named_before_the_work(
    run: Run, many: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """As of a pack that was made read-only so that nobody changes it; the superuser may do so all the same."""
    (many / "spare" / "model.onnx").chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK or bool(Path(path).stat().st_mode & 0o200))
    given = MENU_ONLY if words[0] != "calibrate" else MENU_ONLY[:2]
    run(*words, *given).refused("spare/model.onnx: you may not write over this file", "change a copy")


@pytest.mark.parametrize("folder", ["new", "new/run", "new/../new"])
def test_checkpoints_do_not_lie_in_the_pack_to_write(run: Run, many: Path, folder: str) -> None:
    """The same command, typed again, would find a folder that holds other things than a pack, and not go on."""
    run(*TRAIN[:5], "--run", folder, "--config", "edge.yaml", "boxes").refused(
        f"{folder}: checkpoints cannot lie in the folder of the pack (new): name another with --run"
    )


@pytest.mark.parametrize("listed", [False, True])
def test_a_tray_that_teaches_does_not_measure(run: Run, many: Path, *, listed: bool) -> None:
    """Else the card would call what it remembers a score, and its thresholds those of trays that it never saw."""
    name = "c-0" if listed else "a-7"
    for kind, shown in (("images", "b-0.jpg"), ("labels", "b-0.txt")):
        folder = many / "boxes" / kind / "val"
        (folder / shown).rename(folder / Path(name).with_suffix(Path(shown).suffix))
    if listed:
        images = ["images/train/a-0.jpg", "images/val/c-0.jpg"]
        write(many / "boxes" / "trays.jsonl", [{"tray_id": "t-1", "images": images, "contents": {}}])
    tray = "t-1" if listed else "a"
    run(*TRAIN, "boxes").refused(f"boxes/images/val/{name}.jpg: by its name it shows the tray '{tray}'", "train/a-")


@pytest.mark.parametrize("number", ["9" * 41, "9" * 5000])
def test_a_number_of_thousands_of_digits_is_no_block(run: Run, many: Path, number: str) -> None:
    run(*ON_TRAYS["evaluate"], "--only", f"t-1:t-{number}").refused("is no block of trays")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sure": "no"}, "'sure': should be a valid boolean"),
        ({"hard": 1}, "'hard': should be a valid boolean"),
        ({"tray_id": "a/b"}, "the 'tray_id' 'a/b' is to name files: write it without / and"),
        ({"images": []}, "'images': should have 1 or more entries"),
    ],
)
def test_a_tray_says_what_it_means(run: Run, many: Path, changed: dict[str, Any], said: str) -> None:
    """`no` as a text would count as false, and in quotes as true elsewhere."""
    change(many / "many" / "trays.jsonl", lambda rows: rows[4].update(changed))
    run(*ON_TRAYS["evaluate"]).refused(f"many/trays.jsonl:5: {said}")


def test_what_a_check_expects_is_a_match_or_a_mismatch(run: Run, many: Path) -> None:
    change(many / "many" / "orders.jsonl", lambda checks: checks[1].update(expected="right"))
    run(*ON_TRAYS["evaluate"]).refused("many/orders.jsonl:2: 'expected': should be 'match' or 'mismatch'")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay", "v.mp4", *EYES, "--no-report", "--report", "there"), "--no-report"),
        (("bench", "--pack", "pack", "--live", "v.mp4", "--store", "100", *MENU_ONLY), "--live and --store measure"),
        (("learn", "--db", "d", "--candidate", "c", "--into", "i", "--checkpoint", "t.pt", "--dry-run"), "--dry-run"),
    ],
)
def test_one_of_two_options_that_exclude_each_other_is_not_passed_over(
    run: Run, many: Path, words: tuple[str, ...], said: str
) -> None:
    run(*words).refused(said, "one of them")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("classes:\n  ware: [plate, bread]\n  ghost: []\n", "g.yaml:3: classes.ghost should have 1 or more entries"),
        ("classes:\n  ware: [plate, bread]\n  soup: [soup]\n", "g.yaml:3: 'soup', of 'soup', is no class of the pack"),
        ("classes:\n  ware: [plate]\n  more: [plate]\n", "g.yaml:3: 'plate' stands in 'ware' and in 'more'"),
    ],
)
def test_groups_that_do_not_fit_are_named_with_their_line(run: Run, many: Path, groups: str, said: str) -> None:
    (many / "g.yaml").write_text(groups)
    run("merge", "pack", "--groups", "g.yaml", "--pack", "new", "--config", "edge.yaml").refused(said)
    assert not (many / "new").exists()


def test_a_merged_pack_without_a_version_is_not_begun(run: Run, many: Path) -> None:
    (many / "g.yaml").write_text("classes: {ware: [plate, bread]}\n")
    words = ("merge", "pack", "--groups", "g.yaml", "--pack", "new", "--config", "edge.yaml", "--version", "")
    run(*words).refused("--version")
    assert not (many / "new").exists()


def test_classes_that_stand_in_no_group_are_told_of(run: Run, many: Path, caplog: pytest.LogCaptureFixture) -> None:
    (many / "g.yaml").write_text("classes: {ware: [plate]}\n")
    run("merge", "pack", "--groups", "g.yaml", "--pack", "new", "--config", "edge.yaml")
    assert "g.yaml: in no group stand bread, hand: the merged pack will not report them" in caplog.text


@pytest.mark.parametrize("folds", [(), ("--folds", "3")])
@pytest.mark.parametrize("taught", [True, False])
def test_thresholds_from_trays_that_taught_the_weights_are_warned_of(
    run: Run, many: Path, caplog: pytest.LogCaptureFixture, folds: tuple[str, ...], *, taught: bool
) -> None:
    digest = hash_of_photographs(counted_trays(open_trays(many / "many"), apart=()))
    told = {"rounds": [{"apart": []}], "photographs_sha256": digest if taught else "of others"}
    write_pack(many / "new", constant_model(raw_output(SEEN)), "ultralytics_raw", provenance=told)
    run("calibrate", "new", "--trays", "many", "--calibrate-on", "t-1:t-12", *folds)
    said = "12 of these trays taught the weights, and by what these know by heart thresholds get too bold"
    assert (said in caplog.text) == taught
