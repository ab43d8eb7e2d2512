"""The model card: what a user must know of where the weights come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge_agent.training.card import write_model_card
from edge_agent.training.export import revise_pack
from edge_agent.training.synth.scene_folder import SceneFolder, made_by
from tests.builders_detect import detect_export
from tests.builders_onnx import write_pack


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    write_pack(folder, detect_export(), "ultralytics_raw", thresholds={"default": {"present": 0.5, "possible": 0.3}})
    return folder


SCORED = {
    "scored_on": "noon-10:noon-19",
    "scored_wrong_orders": 20,
    "scored_right_orders": 10,
    "scored_macro_recall": "0.950",
}
CALIBRATED = {
    "calibration_budget": 0.01,
    "calibration_trays": 34,
    "calibration_false_alarms": 0.0,
    "calibration_false_alarms_unavoidable": 0.0,
    "calibration_decided": 0.8,
    "calibration_caught": 0.9,
}


def card_of(pack: Path, provenance: Mapping[str, Any], metrics: Mapping[str, Any] | None = None) -> str:
    manifest = revise_pack(pack, {"provenance": dict(provenance), "metrics": dict(metrics or {})})
    return " ".join(write_model_card(pack, manifest).read_text().split())


def test_a_model_of_made_up_pictures_is_called_synthetic(pack: Path) -> None:
    card = card_of(pack, {"synthetic": "edge-agent synth compose, generator 1"})
    assert "**Synthetic:** all its photographs are made-up pictures, by `edge-agent synth compose, generator 1`" in card
    assert "never seen a photograph of a real tray" in card


@pytest.mark.parametrize(
    "told",
    [
        {"synthetic": ["edge-agent synth compose, generator 1"], "all_synthetic": False, "rounds": [{}]},
        {"synthetic": "edge-agent synth compose, generator 1", "rounds": [{}]},
    ],
    ids=["trays are photographs", "of the trays nothing is told"],
)
def test_a_model_that_learned_from_orders_too_is_not_said_to_have_seen_no_photograph(
    pack: Path, told: dict[str, Any]
) -> None:
    card = card_of(pack, told)
    assert "**Synthetic:** some of its photographs are made-up pictures, by `edge-agent synth compose" in card
    assert "never seen a photograph" not in card
    assert "never seen a photograph" in card_of(pack, {**told, "all_synthetic": True})


def test_a_card_says_what_its_own_numbers_do_not_show(pack: Path) -> None:
    scored = {"scored_number_bread": 3, "scored_recall_bread": "1.000 [0.292, 1.000]"}
    card = card_of(pack, {}, {**SCORED, **CALIBRATED, **scored, "scored_macro_recall_surely": "0.9"})
    assert "On none of the scored trays lay: plate." in card, "a hand is no item, and bread lay there"
    assert "Fewer than 10 lay there of: bread (3)." in card
    assert "| bread | 3 | 1.000 [0.292, 1.000] | not measured |" in card
    assert "Thresholds rest on 34 trays" in card
    assert "| the same by what is seen beyond doubt | 0.9 |" in card
    assert "Never called missing" not in card


def test_a_card_says_where_the_boxes_were_measured_that_its_classes_have_scores_of(pack: Path) -> None:
    on_boxes = {
        "boxed_on": "boxed photographs (val): 105 of 21 trays",
        "boxed_map50": "0.900 [0.800, 0.950]",
        "boxed_map50_95": "0.500 [0.400, 0.600]",
        "boxed_ap50_bread": "0.958 [0.878, 1.000], 45 boxes on 9 trays",
    }
    while_it_learned = {"val_map50": 0.8, "val_map50_bread": 0.7, "val_map50_plate": 0.6}
    assert "| bread | not measured | not measured | not measured | 0.7 |" in (
        early := card_of(pack, {}, while_it_learned)
    )
    assert "It is that of the weights while they learned, on `val`." in early
    card = card_of(pack, {}, {**while_it_learned, **on_boxes})
    assert "AP50 is of the boxed photographs (val): 105 of 21 trays, with intervals" in card
    assert "mAP50 0.900 [0.800, 0.950], mAP50-95 0.500 [0.400, 0.600]" in card
    assert "| 0.958 [0.878, 1.000], 45 boxes on 9 trays |" in card
    assert "Where it has no number of boxes it is that of the weights while they learned" in card
    assert "| plate | not measured | not measured | not measured | 0.6 |" in card
    assert "while they learned" not in card_of(pack, {}, on_boxes)
    assert "AP50 is of the" not in card_of(pack, {})


@pytest.mark.parametrize(("number", "said"), [(9, True), (10, False)])
def test_ten_items_are_enough_for_a_recall_and_nine_are_not(pack: Path, number: int, said: bool) -> None:
    card = card_of(pack, {}, {**SCORED, "scored_number_plate": number, "scored_number_bread": 40})
    assert ("Fewer than 10 lay there of: plate (9)." in card) == said
    assert "bread (40)" not in card


def test_a_card_names_what_is_never_called_missing(pack: Path) -> None:
    thresholds = {"default": {"present": 0.5, "possible": 0.3, "absence_tells": False}}
    manifest = revise_pack(pack, {"thresholds": thresholds})
    card = write_model_card(pack, manifest).read_text()
    assert "Never called missing, as it is overlooked too often: plate, bread." in card
    assert "On none of the scored trays" not in card, "nothing was scored"


def test_a_model_of_photographs_is_not(pack: Path) -> None:
    card = card_of(pack, {"recipe": {"architecture": "yolo11n.yaml"}})
    assert "ynthetic" not in card
    assert "trained from random weights" in card


def test_weights_that_went_on_from_others_are_not_called_new(pack: Path) -> None:
    card = card_of(pack, {"recipe": {"architecture": "models/checkpoints/first.pt"}})
    assert "trained from the weights of `first`" in card


def test_a_folder_of_made_pictures_says_who_made_it(tmp_path: Path) -> None:
    SceneFolder(tmp_path / "made", made_with={"generator": 3, "made_by": "compose"})
    assert made_by(tmp_path / "made") == "edge-agent synth compose, generator 3"
    assert made_by(tmp_path) is None
    (tmp_path / "about.json").write_text("[]")
    assert made_by(tmp_path) is None


def test_pasted_items_are_told_of_where_there_were_any(pack: Path) -> None:
    """A photograph onto which something was laid shows a tray that never was."""
    one = {"photographs_believed": 90, "photographs": 100, "photographs_shown": 140}
    assert "on 30 of these, items cut out" in card_of(pack, {"rounds": [{**one, "photographs_pasted_on": 30}]})
    assert "cut out" not in card_of(pack, {"rounds": [one]})


def test_a_round_that_was_not_taken_says_than_what_it_was_no_better(pack: Path) -> None:
    one, refused = {"photographs": 100, "photographs_believed": 90}, {"photographs": 100, "taken": False}
    said = "no better than the weights that it began with, so it was not taken"
    assert said in card_of(pack, {"rounds": [refused]})
    second = card_of(pack, {"rounds": [one, refused]})
    assert "no better than after the round before, so it was not taken" in second
    assert said not in second


def test_a_model_that_no_box_taught_says_whose_weights_it_went_on_from(pack: Path) -> None:
    card = card_of(pack, {"teacher": "mine.pt", "photographs": {"train": 0, "val": 0}})
    assert "trained from the weights of `mine` by the counts of trays alone" in card
    assert "random" not in card


def test_the_card_calls_trays_unseen_where_that_is_proved_and_says_where_it_is_not(pack: Path) -> None:
    """Scores on trays that taught look like the best that there are."""
    told = {"held_out": ["noon-10:noon-19"], "calibrated_on": ["noon-20:noon-29"]}
    proved = card_of(pack, told, SCORED)
    assert "## On trays that took no part noon-10:noon-19: 20 wrong orders" in proved
    silent = card_of(pack, {}, SCORED)
    assert "took no part" not in silent
    assert "**Whether these trays took part in its making is not known.**" in silent
    taught = card_of(pack, told, {**SCORED, "scored_took_part": 7})
    assert "took no part" not in taught
    assert "**7 of these trays taught it, or set its thresholds**" in taught


def test_the_card_says_that_thresholds_come_from_unseen_trays_only_where_that_is_proved(pack: Path) -> None:
    rounds = {"rounds": [{"apart": ["noon-20:noon-29"]}], "calibrated_on": ["noon-20:noon-29"]}
    assert "34 labelled trays that the weights never saw," in card_of(pack, rounds, CALIBRATED)
    assert "34 labelled trays (whether the weights saw them is not known)," in card_of(pack, {}, CALIBRATED)


def test_the_card_has_what_was_mistaken_for_what_the_most_frequent_first(pack: Path) -> None:
    mistaken = {"scored_item_kiwi->apple": 0.5, "scored_item_soup->nothing": 3.0}
    card = card_of(pack, {}, {**SCORED, **mistaken})
    assert "| lay there | seen as | items | |---|---|---| | soup | nothing | 3 | | kiwi | apple | 0.5 |" in card
    assert "mistaken" not in card_of(pack, {}, SCORED)


def test_a_faster_copy_says_what_it_is_a_copy_of_and_what_it_was_not_shown(pack: Path) -> None:
    told: dict[str, Any] = {"from": {"name": "dishes", "version": "4"}, "activation": "ReLU instead of SiLU"}
    told |= {"photographs": 12, "recipe": {"steps": 7}}
    card = card_of(pack, {"distilled": {**told, "trays": 3, "boxed_photographs": 5, "apart": ["noon-10:noon-19"]}})
    assert "a faster copy of dishes 4, made by `edge-agent distil`: ReLU instead of SiLU." in card
    assert (
        "12 photographs of 3 trays and 5 boxed ones, without a label, in 7 steps. Kept apart: noon-10:noon-19." in card
    )
