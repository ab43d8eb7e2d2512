"""Which labelled trays thresholds are found on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest

from edge_agent.app.making import calibrate_pack
from edge_agent.app.plans import ThresholdPlan
from edge_agent.domain.detection import Detection
from edge_agent.errors import BadInput, BadRecording
from edge_agent.formats.pack import MANIFEST_NAME, STILL_TO_BE_FOUND, PackManifest, load_manifest
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Picture
from edge_agent.training.boxed import BoxedPhotograph, read_boxed
from edge_agent.training.fingerprints import hash_of
from edge_agent.training.thresholds import boxed_trays, find_thresholds, take_thresholds, trays_listed_in
from edge_agent.training.took_part import OTHER_BOXES, OWN_VAL
from tests.builders import seen
from tests.builders_onnx import CLASSES, constant_model, raw_output, write_pack
from tests.fakes import ScriptedDetector


def never(*given: object) -> NoReturn:
    raise AssertionError(given)


def boxed(name: str, **counts: int) -> BoxedPhotograph:
    return BoxedPhotograph(Path(f"{name}.jpg"), Path(f"{name}.txt"), counts)


def test_photographs_of_one_tray_are_one_tray_and_a_forgotten_box_stands_on_another() -> None:
    found = boxed_trays([boxed("noon-1-0", plate=1), boxed("noon-1-1", plate=1, bread=2), boxed("noon-2-0")])
    assert found == [
        ((Path("noon-1-0.jpg"), Path("noon-1-1.jpg")), {"plate": 1, "bread": 2}),
        ((Path("noon-2-0.jpg"),), {}),
    ]


def test_photographs_that_are_numbered_through_are_not_taken_for_one_tray_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its contents would be the most of everything, and thresholds would be found on that one tray."""
    numbered = [boxed(f"frame-{n:04}", plate=1) for n in range(65)]
    with pytest.raises(BadRecording, match=r"frame-0000\.jpg: .*65 photographs .* TRAY-NUMBER"):
        boxed_trays(numbered)
    assert len(boxed_trays(numbered[:64])) == 1
    assert "64 boxed photographs are 1 tray(s)" in caplog.text
    caplog.clear()
    assert len(boxed_trays([boxed(f"noon-{n}-0", plate=1) for n in range(10)])) == 10
    assert not caplog.text


def test_a_folder_that_lists_its_trays_is_believed_before_names_are_guessed_at() -> None:
    """Composed pictures are numbered like the shots of one tray, and each is a tray of its own."""
    shots = [boxed("flat-1-0", plate=1), boxed("flat-1-1", plate=2)]
    found = boxed_trays(shots, listed={Path("flat-1-0.jpg"): "flat-1-0", Path("flat-1-1.jpg"): "flat-1-1"})
    assert [counts for _, counts in found] == [{"plate": 1}, {"plate": 2}]


def test_listed_trays_are_found_by_the_paths_that_their_boxes_are_read_by(
    tmp_path: Path,
) -> None:
    for part in ("images/val", "labels/val"):
        (tmp_path / part).mkdir(parents=True)
    for number in range(2):
        (tmp_path / f"images/val/flat-1-{number}.jpg").write_bytes(b"")
        (tmp_path / f"labels/val/flat-1-{number}.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    photographs = read_boxed(tmp_path, "val", ("plate",))
    assert len(boxed_trays(photographs, listed=trays_listed_in(tmp_path))) == 1
    trays = [
        {"tray_id": f"flat-1-{n}", "images": [f"images/val/flat-1-{n}.jpg"], "contents": {"plate": 1}, "sure": True}
        for n in range(2)
    ]
    order = {"order_id": "A", "lines": [{"sku": "plate", "quantity": 1}]}
    check = {"check_id": "c", "tray_id": "flat-1-0", "order": order, "expected": "match"}
    (tmp_path / "trays.jsonl").write_text("\n".join(map(json.dumps, trays)))
    (tmp_path / "orders.jsonl").write_text(json.dumps(check))
    assert len(boxed_trays(photographs, listed=trays_listed_in(tmp_path))) == 2


class Blind:
    """A detector that sees nothing."""

    classes = CLASSES

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        return ()


def found_for(pack: Path) -> PackManifest:
    """What becomes of a pack that sees nothing of one plate."""
    black = np.zeros((8, 8, 3), np.uint8)
    return find_thresholds(
        pack,
        [((Path("a.jpg"),), {"plate": 1})],
        false_alarms=0.01,
        open_detector=lambda *_: Blind(),
        read_photograph=lambda _: black,
        calibrated_on=["noon-1:noon-3"],
    )


def test_the_manifest_says_what_thresholds_were_found_on(tmp_path: Path) -> None:
    """Scores on the same trays are then known to be none."""
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw", provenance={"calibrated_on": [], "licence": "x"})
    assert found_for(pack).provenance == {"calibrated_on": ["noon-1:noon-3"], "licence": "x"}


def test_boxed_photographs_that_measured_the_fit_are_told_from_others(tmp_path: Path) -> None:
    """Of the first it is known that they taught nothing; of others nobody knows."""
    boxes = tmp_path / "boxes"
    for part in ("images/val", "labels/val"):
        (boxes / part).mkdir(parents=True)
    cv2.imwrite(str(boxes / "images/val/noon-1-0.jpg"), np.zeros((64, 64, 3), np.uint8))
    (boxes / "labels/val/noon-1-0.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    val = hash_of({"val": read_boxed(boxes, "val", CLASSES)})
    network = constant_model(raw_output([]))
    pack = write_pack(tmp_path / "pack", network, "ultralytics_raw", provenance={"data_sha256": val})
    plan = ThresholdPlan(boxes=boxes)
    assert calibrate_pack(pack, plan).provenance["calibrated_on"] == [OWN_VAL]
    (boxes / "labels/val/noon-1-0.txt").write_text("")
    assert calibrate_pack(pack, plan).provenance["calibrated_on"] == [OTHER_BOXES]


def test_boxed_photographs_stand_in_only_where_counted_trays_are_too_few(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A box that somebody forgot to draw would set a threshold beside trays of which all is known."""
    boxes, trays = tmp_path / "boxes", tmp_path / "trays"
    for folder in (boxes / "images/val", boxes / "labels/val", trays):
        folder.mkdir(parents=True)
    cv2.imwrite(str(boxes / "images/val/eve-1-0.jpg"), np.zeros((64, 64, 3), np.uint8))
    (boxes / "labels/val/eve-1-0.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    cv2.imwrite(str(trays / "a.jpg"), np.zeros((64, 64, 3), np.uint8))
    lines = [{"tray_id": f"noon-{n}", "images": ["a.jpg"], "contents": {"plate": 1}} for n in range(10)]
    (trays / "trays.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    pack = write_pack(tmp_path / "pack", constant_model(raw_output([])), "ultralytics_raw")

    def found_on(block: str) -> tuple[object, int]:
        plan = ThresholdPlan(boxes=boxes, trays=trays, blocks=(TrayBlock.parse(block),))
        manifest = calibrate_pack(pack, plan)
        return manifest.provenance["calibrated_on"], int(manifest.metrics["calibration_trays"])

    assert found_on("noon-0:noon-8") == ([OTHER_BOXES, "noon-0:noon-8"], 10)
    assert "no boxed photographs" not in caplog.text
    assert found_on("noon-0:noon-9") == (["noon-0:noon-9"], 10)
    assert "10 counted trays set the thresholds, and no boxed photographs" in caplog.text, (
        "they were named, and not used"
    )


def test_new_thresholds_take_back_what_was_judged_with_the_old_ones(tmp_path: Path) -> None:
    """An 8-bit form kept the score under other thresholds; under these nobody has measured it, on any provider."""
    passed = {"passed": True, "tolerance": 0, "fp32": {"caught": 9}, "scores": {"caught": 9}}
    form = {"file": "model.onnx", "sha256": "0" * 64}
    files = {"fp32": {**form, "gates_on": {"openvino": passed}}}
    files["int8"] = {**form, "gate": passed, "gates_on": {"openvino": passed}}
    refused = {"int8_convs": {"gate": {**passed, "passed": False}}}
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw", files=files, refused=refused)
    before = load_manifest(pack / MANIFEST_NAME)
    assert (before.offered_on("cpu"), set(before.gates)) == (("fp32", "int8"), {"int8", "int8_convs"})
    assert before.offered_on("openvino") == ("fp32", "int8")
    after = found_for(pack)
    assert (list(after.files), after.offered_on("cpu"), after.gates) == (["fp32", "int8"], ("fp32",), {})
    assert after.offered_on("openvino") == ("fp32",)
    assert not any(file.gates_on for file in after.files.values())


def test_a_hand_over_the_tray_is_no_item_too_many(tmp_path: Path) -> None:
    """The checker takes it out of what it counts; counted here, every tray that a hand touches would be an alarm."""
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw")
    black = np.zeros((8, 8, 3), np.uint8)
    touched = ScriptedDetector(classes=CLASSES, script=[(seen("plate"), seen("hand", 200))])
    after = find_thresholds(
        pack,
        [((Path(f"{n}.jpg"),), {"plate": 1, "hand": n % 2}) for n in range(20)],
        false_alarms=0.0,
        open_detector=lambda *_: touched,
        read_photograph=lambda _: black,
    )
    told = {name: after.metrics[f"calibration_{name}"] for name in ("false_alarms_unavoidable", "decided", "caught")}
    assert told == {"false_alarms_unavoidable": 0.0, "decided": 1.0, "caught": 1.0}
    assert set(after.thresholds.classes) == {"plate", "bread"}


def test_a_tray_of_which_only_a_hand_is_seen_decides_nothing(tmp_path: Path) -> None:
    """The checker takes the hand out, sees nothing, and says that it cannot tell; so no empty tray is a match."""
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw")
    black = np.zeros((8, 8, 3), np.uint8)
    covered = ScriptedDetector(classes=CLASSES, script=[(seen("hand"),), (seen("plate"),)])
    after = find_thresholds(
        pack,
        [((Path(f"{n}.jpg"),), {"plate": 1} if n else {}) for n in range(20)],
        false_alarms=0.0,
        open_detector=lambda *_: covered,
        read_photograph=lambda _: black,
    )
    assert after.metrics["calibration_decided"] == 0.95


def test_labels_that_fit_nothing_do_not_replace_thresholds_that_did(tmp_path: Path) -> None:
    """Labels of other classes read as well: they are numbers. A pack that was never calibrated takes what comes."""
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw", metrics={"calibration_decided": 0.9})
    before = (pack / MANIFEST_NAME).read_bytes()
    with pytest.raises(BadInput, match=r"would call no right order match.* it was left as it was"):
        found_for(pack)
    assert (pack / MANIFEST_NAME).read_bytes() == before


def test_a_pack_that_was_calibrated_before_is_calibrated_anew(tmp_path: Path) -> None:
    """With more trays, or another budget: what is refused are labels that fit nothing, not a second time."""
    metrics = {"calibration_decided": 0.5, "calibration_trays": 3}
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw", metrics=metrics)
    black = np.zeros((8, 8, 3), np.uint8)
    plain = ScriptedDetector(classes=CLASSES, script=[(seen("plate"),)])
    after = find_thresholds(
        pack,
        [((Path(f"{n}.jpg"),), {"plate": 1}) for n in range(20)],
        false_alarms=0.0,
        open_detector=lambda *_: plain,
        read_photograph=lambda _: black,
    )
    assert (after.metrics["calibration_decided"], after.metrics["calibration_trays"]) == (1.0, 20)
    assert after.metrics["calibration_limit"] == "how likely a word may be wrong"


@pytest.mark.parametrize("before", [{}, {"calibration_decided": 0.0, "calibration_caught": 0.4}])
def test_thresholds_that_never_called_an_order_right_are_not_kept(tmp_path: Path, before: dict[str, float]) -> None:
    """There is nothing to lose, and a pack without thresholds of its own would stay so."""
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw", metrics=before)
    assert found_for(pack).metrics["calibration_trays"] == 1


FINE = {"name": "fine", "version": "4"}
LEARNED = {"weights_sha256": "a"}
COPIED = {"distilled": {"from": FINE}, **LEARNED}
MERGED = {"merged_from": FINE, "groups": {"crockery": ["plate"]}}
FOUND = {"default": {"present": 0.6, "possible": 0.2}, "classes": {"bread": {"present": 0.7, "possible": 0.04}}}


def source_of(folder: Path, **changes: Any) -> PackManifest:
    """A pack with thresholds of its own, which were found on three trays."""
    told = {"calibrated_on": ["noon-1:noon-3"], **LEARNED, **changes.pop("provenance", {})}
    given = {"thresholds": FOUND, "metrics": {"calibration_trays": 3, "calibration_decided": 0.9}, **FINE, **changes}
    return load_manifest(write_pack(folder, b"no network", "ultralytics_raw", provenance=told, **given) / MANIFEST_NAME)


def copy_in(folder: Path, provenance: Mapping[str, object], **changes: Any) -> Path:
    passed = {"passed": True, "tolerance": 0, "fp32": {"caught": 9}, "scores": {"caught": 9}}
    files = {"fp32": {"file": "model.onnx", "sha256": "0" * 64, "gates_on": {"openvino": passed}}}
    given = {"files": files, "nms": {"score_floor": 0.06}, "metrics": {"scored_caught": "1.000"}, **changes}
    return write_pack(folder, b"no network", "ultralytics_raw", provenance={"licence": "x", **provenance}, **given)


@pytest.mark.parametrize(
    ("source", "copy"),
    [({}, {}), (MERGED, {"merged_from": {"name": "copy", "version": "5"}, "groups": MERGED["groups"]})],
)
def test_a_faster_copy_takes_over_the_thresholds_of_what_it_copies(
    tmp_path: Path, source: dict[str, object], copy: dict[str, object]
) -> None:
    """Whatever was judged with others goes; and what set them sets these, so that no score on it proves anything."""
    name = {"name": "coarse", "version": "6"} if source else FINE
    before = source_of(tmp_path / "source", provenance=source, **name)
    pack = copy_in(tmp_path / "copy", {**COPIED, **copy})
    after = take_thresholds(pack, before)
    assert after.thresholds == before.thresholds
    told = {"licence": "x", **COPIED, **copy}
    assert after.provenance == {**told, "calibrated_on": ["noon-1:noon-3"], "thresholds_of": name}
    assert (after.metrics, after.files["fp32"].gates_on, after.score_floor) == ({"calibration_trays": 3}, {}, 0.04)
    assert load_manifest(pack / MANIFEST_NAME) == after


def test_thresholds_that_were_taken_over_are_not_lost_to_labels_that_fit_nothing(tmp_path: Path) -> None:
    pack = copy_in(tmp_path / "copy", COPIED)
    taken = take_thresholds(pack, source_of(tmp_path / "source"))
    with pytest.raises(BadInput, match="it was left as it was"):
        found_for(pack)
    assert load_manifest(pack / MANIFEST_NAME) == taken


def test_thresholds_that_are_found_anew_are_those_of_no_other_pack(tmp_path: Path) -> None:
    pack = copy_in(tmp_path / "copy", COPIED)
    take_thresholds(pack, source_of(tmp_path / "source"))
    black = np.zeros((8, 8, 3), np.uint8)
    after = find_thresholds(
        pack,
        [((Path(f"{n}.jpg"),), {"plate": 1}) for n in range(20)],
        false_alarms=0.0,
        open_detector=lambda *_: ScriptedDetector(classes=CLASSES, script=[(seen("plate"),)]),
        read_photograph=lambda _: black,
    )
    assert after.provenance == {"licence": "x", **COPIED, "calibrated_on": []}


@pytest.mark.parametrize(
    ("source", "copy", "said"),
    [
        ({}, LEARNED, "no faster copy of fine 4"),
        ({}, {**LEARNED, "distilled": {"from": {"name": "fine", "version": "3"}}}, "no faster copy of fine 4"),
        ({"provenance": {"weights_sha256": "of another training"}}, COPIED, "no faster copy of fine 4"),
        ({"provenance": {"weights_sha256": None}}, {**COPIED, "weights_sha256": None}, "no faster copy of fine 4"),
        ({"provenance": MERGED}, COPIED, "reports other classes than fine 4"),
        ({"thresholds": STILL_TO_BE_FOUND.model_dump()}, COPIED, "fine 4 are still to be found"),
    ],
)
def test_thresholds_of_another_detector_are_not_taken_over(
    tmp_path: Path, source: dict[str, Any], copy: dict[str, object], said: str
) -> None:
    pack = copy_in(tmp_path / "copy", copy)
    before = (pack / MANIFEST_NAME).read_bytes()
    with pytest.raises(BadInput, match=said):
        take_thresholds(pack, source_of(tmp_path / "source", **source))
    assert (pack / MANIFEST_NAME).read_bytes() == before


def test_a_score_floor_sinks_with_the_thresholds(tmp_path: Path) -> None:
    """A floor of 0.06 hid nothing from the old thresholds; those with which calibration looks begin at 0.05."""
    limits = {"default": {"present": 0.5, "possible": 0.1}}
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw", thresholds=limits, nms={"score_floor": 0.06})
    after = found_for(pack)
    assert after.score_floor == min(0.06, *(after.thresholds.of(name).possible for name in CLASSES))
    assert load_manifest(pack / MANIFEST_NAME) == after


def test_without_a_tray_there_is_a_sentence_and_the_pack_stays_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--calibrate-on"):
        find_thresholds(
            tmp_path,
            [],
            false_alarms=0.01,
            open_detector=never,
            read_photograph=never,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_photograph_that_does_not_read_leaves_the_pack_as_it_was(tmp_path: Path) -> None:
    """The pack may be in service; half of a calibration must not be taken for one."""
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw")
    before = (pack / MANIFEST_NAME).read_bytes()
    looked_with: list[PackManifest] = []

    def opened(_: Path, manifest: PackManifest) -> Blind:
        looked_with.append(manifest)
        return Blind()

    with pytest.raises(AssertionError):
        find_thresholds(
            pack,
            [((Path("a.jpg"),), {"plate": 1})],
            false_alarms=0.01,
            open_detector=opened,
            read_photograph=never,
        )
    assert (pack / MANIFEST_NAME).read_bytes() == before
    assert looked_with[0].score_floor == 0.05, "it looked with nothing cut off that could matter"


def test_looking_at_trays_says_how_far_it_is(tmp_path: Path) -> None:
    """Of hundreds, four photographs each, it takes a minute."""
    pack = write_pack(tmp_path, b"no network", "ultralytics_raw")
    steps: list[tuple[int, int]] = []
    find_thresholds(
        pack,
        [((Path(f"{n}.jpg"),), {"plate": 1}) for n in range(3)],
        false_alarms=0.0,
        open_detector=lambda *_: Blind(),
        read_photograph=lambda _: np.zeros((8, 8, 3), np.uint8),
        on_tray=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
