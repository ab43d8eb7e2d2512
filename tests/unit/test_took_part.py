"""Whether trays took part in making a pack: what is not proved is not claimed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_agent.formats.pack import sha256_of
from edge_agent.formats.recordings import PhotographedTray, TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.fingerprints import hash_of_photographs, hash_of_trays
from edge_agent.training.labelling import counted_trays
from edge_agent.training.took_part import (
    OTHER_BOXES,
    OWN_VAL,
    doubts_of_scores,
    is_calibrated_unseen,
    known_to_have_taken_part,
    unseen_by,
)
from tests.builders_onnx import manifest, write_pack

REPOSITORY = Path(__file__).resolve().parents[2]

PROVED = {"held_out": ["noon-10:noon-19"], "calibrated_on": ["noon-20:noon-29"]}

FROM_WEIGHTS = {"recipe": {"architecture": "before.pt"}}


@pytest.mark.parametrize(
    ("scored_on", "provenance", "doubt"),
    [
        ("noon-10:noon-19", PROVED, None),
        ("noon-12:noon-13, noon-15:noon-16", PROVED, None),
        ("noon-10:noon-19", {**PROVED, "calibrated_on": []}, None),
        ("noon-10:noon-20", PROVED, "names no blocks as held out"),
        ("noon-10:noon-19, eve-10:eve-19", PROVED, "names no blocks as held out"),
        ("all trays of the folder", PROVED, "names no blocks as held out"),
        ("noon-10:noon-19", {"calibrated_on": []}, "names no blocks as held out"),
        ("noon-10:noon-19", {"held_out": ["noon-10:noon-19"]}, "does not say which trays set the thresholds"),
        ("noon-10:noon-19", {**PROVED, "calibrated_on": ["noon-19:noon-29"]}, "of these names set the thresholds"),
        ("noon-10:noon-19", {**PROVED, **FROM_WEIGHTS}, "never saw them"),
        ("noon-10:noon-19", {**PROVED, **FROM_WEIGHTS, "start_held_out": ["noon-10:noon-18"]}, "never saw them"),
        ("noon-10:noon-19", {**PROVED, **FROM_WEIGHTS, "start_held_out": ["noon-10:noon-19"]}, None),
        ("noon-10:noon-19", {**PROVED, "teacher": "any.pt"}, "never saw them"),
        ("noon-10:noon-19", {**PROVED, "teacher": "any.pt", "recipe": {"architecture": "yolo11n.yaml"}}, None),
        ("noon-10:noon-19", {**PROVED, "held_out": "noon-10:noon-19"}, "names no blocks as held out"),
    ],
)
def test_trays_took_no_part_only_where_the_provenance_proves_it(
    scored_on: str, provenance: dict[str, Any], doubt: str | None
) -> None:
    scored = manifest("ultralytics_raw", metrics={"scored_on": scored_on}, provenance=provenance)
    doubts = doubts_of_scores(scored)
    assert doubts == [] if doubt is None else doubt in "; ".join(doubts)


@pytest.mark.parametrize(("held_out", "proved"), [(["noon-10:noon-19"], True), (["noon-10:noon-12"], False)])
def test_eight_bit_forms_must_have_held_them_out_too(held_out: list[str], proved: bool) -> None:
    """They were calibrated and judged by other trays, and may be what is scored."""
    form = {"file": "model.onnx", "sha256": "0" * 64}
    files = {"fp32": form, "int8": {**form, "quantised": {"held_out": held_out}}}
    scored = manifest("ultralytics_raw", files=files, metrics={"scored_on": "noon-10:noon-19"}, provenance=PROVED)
    assert (doubts_of_scores(scored) == []) is proved


@pytest.mark.parametrize(
    ("found_on", "aparts", "unseen"),
    [
        (["noon-20:noon-29"], [["noon-10:noon-29"], ["noon-20:noon-29"]], True),
        (["noon-20:noon-29"], [["noon-20:noon-29"], ["noon-10:noon-19"]], False),
        (["noon-20:noon-29"], [], False),
        ([OWN_VAL], [], True),
        ([OWN_VAL, "noon-20:noon-29"], [["noon-20:noon-29"]], True),
        ([OTHER_BOXES], [], False),
        ([], [], False),
        (None, [["noon-20:noon-29"]], False),
    ],
)
def test_thresholds_come_from_unseen_trays_only_where_every_round_kept_them_apart(
    found_on: list[str] | None, aparts: list[list[str]], unseen: bool
) -> None:
    told = {} if found_on is None else {"calibrated_on": found_on}
    provenance = {**told, **({"rounds": [{"apart": apart} for apart in aparts]} if aparts else {})}
    assert is_calibrated_unseen(manifest("ultralytics_raw", provenance=provenance)) is unseen


def test_thresholds_are_not_called_unseen_where_the_weights_before_may_have_seen_them() -> None:
    provenance = {"calibrated_on": ["noon-20:noon-29"], "rounds": [{"apart": ["noon-20:noon-29"]}], **FROM_WEIGHTS}
    assert not is_calibrated_unseen(manifest("ultralytics_raw", provenance=provenance))
    provenance["start_held_out"] = ["noon-20:noon-29"]
    assert is_calibrated_unseen(manifest("ultralytics_raw", provenance=provenance))
    provenance["calibrated_on"] = [OWN_VAL, "noon-20:noon-29"]
    assert not is_calibrated_unseen(manifest("ultralytics_raw", provenance=provenance))


def test_blocks_count_also_where_boxed_photographs_are_named_before_them() -> None:
    """`calibrated_on` lists both where thresholds were found on both."""
    told = {"held_out": ["noon-10:noon-19"], "calibrated_on": [OWN_VAL, "noon-19:noon-29"]}
    rounds = {"rounds": [{"apart": ["noon-10:noon-18"]}]}
    scored = manifest("ultralytics_raw", metrics={"scored_on": "noon-10:noon-19"}, provenance={**told, **rounds})
    assert doubts_of_scores(scored) == ["trays of these names set the thresholds"]
    assert not is_calibrated_unseen(scored), "the round taught with noon-19 to noon-29"


def test_what_weights_never_saw_is_said_by_the_pack_that_was_made_of_them(tmp_path: Path) -> None:
    """By their hash: a name may be given twice."""
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    told = {"held_out": ["noon-10:noon-19", "eve-1:eve-9"], "weights_sha256": sha256_of(weights)}
    pack = tmp_path / "packs" / "one"
    for provenance, blocks in (
        (told, (TrayBlock("noon", 10, 19), TrayBlock("eve", 1, 9))),
        ({**told, **FROM_WEIGHTS, "start_held_out": ["noon-10:noon-30"]}, (TrayBlock("noon", 10, 19),)),
        ({**told, **FROM_WEIGHTS}, ()),
        (
            {
                "weights_sha256": told["weights_sha256"],
                "rounds": [{"apart": ["a-1:a-9", "b-1:b-9"]}, {"apart": ["b-1:b-9"]}],
            },
            (TrayBlock("b", 1, 9),),
        ),
        ({**told, "weights_sha256": "0" * 64}, ()),
    ):
        write_pack(pack, b"no network", "ultralytics_raw", provenance=provenance)
        assert unseen_by(weights, tmp_path / "packs") == blocks
    (pack / "model.yaml").write_text("schema: 1\n")
    assert unseen_by(weights, tmp_path / "packs") == ()


def test_trays_that_chose_a_round_are_not_unseen_by_its_weights(tmp_path: Path) -> None:
    """They taught nothing, but the weights are those that do best on them."""
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    apart = ["noon-10:noon-19", "noon-20:noon-29"]
    for judged, blocks in (
        ({}, (TrayBlock("noon", 10, 19), TrayBlock("noon", 20, 29))),
        ({"judged": {"on": ["noon-25:noon-27"]}}, (TrayBlock("noon", 10, 19),)),
        ({"judged": "by hand"}, (TrayBlock("noon", 10, 19), TrayBlock("noon", 20, 29))),
    ):
        told = {"held_out": apart[:1], "rounds": [{"apart": apart, **judged}], "weights_sha256": sha256_of(weights)}
        write_pack(tmp_path / "a", b"no network", "ultralytics_raw", provenance=told)
        assert unseen_by(weights, tmp_path) == blocks


def test_trays_that_chose_weights_among_others_are_not_unseen_by_them(tmp_path: Path) -> None:
    """As with rounds: of several averages the one that does best on some trays flatters itself on them."""
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    apart = ["noon-10:noon-19", "noon-20:noon-29"]
    told = {"held_out": apart[:1], "rounds": [{"apart": apart}], "weights_sha256": sha256_of(weights)}
    write_pack(tmp_path / "a", b"", "ultralytics_raw", provenance={**told, "chosen_on": ["noon-25:noon-27"]})
    assert unseen_by(weights, tmp_path) == (TrayBlock("noon", 10, 19),)


def test_a_pack_knows_what_the_weights_never_saw_that_its_own_were_made_of(tmp_path: Path) -> None:
    """Else what is known of a checkpoint would be gone with the pack that was made of it."""
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    it = sha256_of(weights)
    apart = {"held_out": ["noon-10:noon-19"], "start_held_out": ["noon-10:noon-14"], "weights_sha256": "0" * 64}
    before, after = (TrayBlock("noon", 10, 14),), (TrayBlock("noon", 10, 19),)
    cases: list[tuple[dict[str, Any], tuple[TrayBlock, ...]]] = [
        ({"start_sha256": it, "data_sha256": {}}, before),
        ({"teacher_sha256": it}, before),
        ({"teacher_sha256": it, "data_sha256": {}}, ()),
        ({"averaged": {"weights_sha256": it}}, after),
    ]
    for told, blocks in cases:
        write_pack(tmp_path / "a", b"no network", "ultralytics_raw", provenance={**apart, **told})
        assert unseen_by(weights, tmp_path) == blocks


@pytest.mark.parametrize("version", ["4", "5", "6"])
def test_what_the_shipped_weights_never_saw_is_known(version: str) -> None:
    """The printed commands go on from them, and their cards must not doubt the held-out trays."""
    weights = REPOSITORY / "models" / "checkpoints" / f"canteen-dishes-{version}.pt"
    unseen = unseen_by(weights, REPOSITORY / "models")
    assert {TrayBlock("noon", 2585, 2730), TrayBlock("eve", 1683, 1798)} <= set(unseen)


def test_what_weights_never_saw_is_looked_for_on_every_shelf_past_packs_that_say_nothing(tmp_path: Path) -> None:
    """A damaged pack, or one of other weights, must not hide the one that knows."""
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    one, two = tmp_path / "one", tmp_path / "two"
    write_pack(one / "a", b"no network", "ultralytics_raw", provenance={"weights_sha256": "0" * 64})
    write_pack(two / "a", b"no network", "ultralytics_raw")
    (two / "b").mkdir()
    (two / "b" / "model.yaml").write_text("schema: 1\n")
    told = {"held_out": ["noon-10:noon-19"], "weights_sha256": sha256_of(weights)}
    write_pack(two / "c", b"no network", "ultralytics_raw", provenance=told)
    assert unseen_by(weights, one, two) == (TrayBlock("noon", 10, 19),)
    assert unseen_by(weights, two, one) == (TrayBlock("noon", 10, 19),)
    assert unseen_by(weights, one, tmp_path / "nowhere") == ()


def test_trays_that_taught_are_known_by_their_photographs(tmp_path: Path) -> None:
    """The same blocks of another house are not the same trays."""
    trays = {}
    for n in range(10):
        (tmp_path / f"{n}.jpg").write_bytes(bytes([n]))
        trays[f"noon-{n}"] = PhotographedTray(tray_id=f"noon-{n}", images=(f"{n}.jpg",), contents={"plate": 1})
    folder = TrayFolder(tmp_path, trays)
    digest = hash_of_photographs(counted_trays(folder, apart=[TrayBlock("noon", 5, 9)]))
    told = {"calibrated_on": ["noon-5:noon-6"], "rounds": [{"apart": ["noon-5:noon-9"]}], "photographs_sha256": digest}
    pack = manifest("ultralytics_raw", provenance=told)
    assert known_to_have_taken_part(pack, folder, trays) == 5 + 2
    assert known_to_have_taken_part(pack, folder, ["noon-4", "noon-5", "noon-7"]) == 2
    doubted = {**trays, "noon-6": trays["noon-6"].model_copy(update={"sure": False})}
    assert known_to_have_taken_part(pack, TrayFolder(tmp_path, doubted), trays) == 5 + 1
    assert known_to_have_taken_part(pack, folder, ["noon-8", "noon-9"]) == 0
    older = manifest("ultralytics_raw", provenance={**told, "photographs_sha256": None, "trays_sha256": "cd" * 32})
    assert known_to_have_taken_part(older, folder, trays) == 0
    counted = hash_of_trays(counted_trays(folder, apart=[TrayBlock("noon", 5, 9)]))
    older = manifest("ultralytics_raw", provenance={**told, "photographs_sha256": None, "trays_sha256": counted})
    assert known_to_have_taken_part(older, folder, trays) == 5 + 2
    coarser = {name: tray.model_copy(update={"contents": {"dish": 1}}) for name, tray in trays.items()}
    assert known_to_have_taken_part(pack, TrayFolder(tmp_path, coarser), trays) == 5 + 2
    (tmp_path / "3.jpg").write_bytes(b"another")
    assert known_to_have_taken_part(pack, folder, trays) == 0
    part = folder.part(lambda tray: tray.tray_id == "noon-3")
    assert known_to_have_taken_part(pack, part, ["noon-3"]) == 0


@pytest.mark.parametrize(("apart", "unseen"), [(["noon-10:noon-29"], True), (["noon-10:noon-19"], False), ([], False)])
def test_what_a_faster_copy_was_shown_is_seen(apart: list[str], unseen: bool) -> None:
    rounds = [{"apart": ["noon-10:noon-29"]}]
    told = {"calibrated_on": ["noon-20:noon-29"], "rounds": rounds, "distilled": {"apart": apart}}
    assert is_calibrated_unseen(manifest("ultralytics_raw", provenance=told)) is unseen


def test_what_a_faster_copy_was_not_shown_may_have_taught_what_it_is_a_copy_of() -> None:
    """A copy proves no more than its source, of which nobody knows by which trays it learned."""
    source: dict[str, Any] = {"calibrated_on": ["noon-20:noon-29"]}
    copy = {**source, "distilled": {"apart": ["noon-20:noon-29"]}}
    assert not is_calibrated_unseen(manifest("ultralytics_raw", provenance=source))
    assert not is_calibrated_unseen(manifest("ultralytics_raw", provenance=copy))


@pytest.mark.parametrize(("boxes", "unseen"), [({}, True), ({"train": "a"}, True), ({"train": "b"}, False)])
def test_boxed_photographs_that_measure_are_unseen_where_a_copy_was_shown_no_others_than_taught(
    boxes: dict[str, str], unseen: bool
) -> None:
    distilled = {"apart": [], **({"data_sha256": boxes} if boxes else {})}
    told = {"calibrated_on": [OWN_VAL], "data_sha256": {"train": "a", "val": "v"}, "distilled": distilled}
    assert is_calibrated_unseen(manifest("ultralytics_raw", provenance=told)) is unseen


def test_trays_that_a_faster_copy_was_shown_are_known_by_their_photographs(tmp_path: Path) -> None:
    """Also where they are others than those that taught what it is a copy of."""
    trays = {}
    for n in range(10):
        (tmp_path / f"{n}.jpg").write_bytes(bytes([n]))
        trays[f"noon-{n}"] = PhotographedTray(tray_id=f"noon-{n}", images=(f"{n}.jpg",), contents={"plate": 1})
    folder = TrayFolder(tmp_path, trays)
    shown, taught = (
        {"apart": [str(block)], "photographs_sha256": hash_of_photographs(counted_trays(folder, apart=[block]))}
        for block in (TrayBlock("noon", 2, 9), TrayBlock("noon", 0, 6))
    )
    told = {"rounds": [{"apart": taught["apart"]}], "photographs_sha256": taught["photographs_sha256"]}
    both = manifest("ultralytics_raw", provenance={**told, "distilled": shown})
    assert known_to_have_taken_part(both, folder, trays) == 2 + 3
    elsewhere = manifest("ultralytics_raw", provenance={**told, "distilled": {**shown, "photographs_sha256": "0" * 64}})
    assert known_to_have_taken_part(elsewhere, folder, trays) == 3
