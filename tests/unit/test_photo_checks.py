"""Photographed trays: the photographs of a tray are one look at it, and the file says which orders are right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_agent.domain.detection import Detection
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadRecording
from edge_agent.evaluation.photo_checks import (
    TraysEvaluated,
    contents_of,
    evaluate_trays,
    evaluation_as_json,
    judge_order,
)
from edge_agent.formats.recordings import PhotographedTray, TrayCheck, TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Picture
from tests.builders import contents, item, menu, order, results, seen
from tests.fakes import ScriptedDetector

OF = menu("plate", "bread")
FULL = (seen("plate", 80), seen("bread", 180))


def picture(path: Path) -> Picture:
    if "broken" in path.name:
        raise BadRecording("this is no picture", path=path)
    return np.zeros((48, 64, 3), dtype=np.uint8)


def tray(tray_id: str, *images: str, **counts: int) -> PhotographedTray:
    return PhotographedTray(tray_id=tray_id, images=images or ("a.jpg",), contents=counts)


def check(check_id: str, tray_id: str, expected: str, of: Order) -> TrayCheck:
    return TrayCheck(check_id=check_id, tray_id=tray_id, order=of, expected=expected)


def evaluate(
    trays: list[PhotographedTray],
    checks: list[TrayCheck],
    *script: tuple[Detection, ...],
    told: list[str] | None = None,
) -> TraysEvaluated:
    return evaluate_trays(
        TrayFolder(Path("trays"), {each.tray_id: each for each in trays}, tuple(checks)),
        detector=ScriptedDetector(classes=("plate", "bread", "hand"), script=script),
        menu=OF,
        thresholds=Thresholds(),
        occluders=("hand",),
        read_photograph=picture,
        on_tray=(told if told is not None else []).append,
    )


RIGHT, LESS, MORE = order("r", "plate", "bread"), order("l", "plate", "bread", "bread"), order("m", "plate")
TRAY = tray("t", plate=1, bread=1)
CHECKS = [check("1", "t", "match", RIGHT), check("2", "t", "mismatch", LESS), check("3", "t", "mismatch", MORE)]


def test_every_check_gets_its_verdict() -> None:
    done = evaluate([TRAY], CHECKS, FULL)
    assert [v.verdict.kind.value for v in done.verdicts] == ["match", "mismatch", "mismatch"]
    said = done.scores.as_json()
    assert (said["wrong_orders"]["caught"], said["right_orders"]["match"]) == (2, 1)
    assert said["exact_lines"][0] == 1.0


def test_a_tray_is_looked_at_once_however_many_checks_it_has() -> None:
    """The orders never reach the detector, and looking is what takes the time."""
    told: list[str] = []
    done = evaluate([tray("t", "a.jpg", "b.jpg"), tray("unasked")], CHECKS, FULL, told=told)
    assert (done.photographs, told) == (2, ["t"])


def test_the_file_says_whether_an_order_is_right_not_the_contents() -> None:
    """Labels of contents are made by eye and rarely wrong; what was ordered wrong on purpose is known for certain."""
    done = evaluate([tray("t", plate=1)], [check("1", "t", "match", RIGHT)], FULL)
    assert done.verdicts[0].truth.kind is VerdictKind.MATCH
    assert done.scores.as_json()["right_orders"] == {"n": 1, "match": 1, "amber": 0, "false_alarm": 0}


def test_the_json_is_what_is_promised() -> None:
    said = evaluation_as_json(evaluate([TRAY], CHECKS, FULL), "fake")
    promised = {
        *("wrong_orders", "right_orders", "rates", "exact_lines", "verdict_latency_s", "alert_lead_s"),
        *("frames_per_s", "provider", "results", "confusion", "classes", "macro_recall", "item_confusion"),
    }
    assert promised <= set(said)
    assert said["results"][1] == {
        "check_id": "2",
        "verdict": "mismatch",
        "lines": [
            {"sku": "plate", "expected": 1, "seen": 1, "result": "ok", "reason": ""},
            {"sku": "bread", "expected": 2, "seen": 1, "result": "missing", "reason": ""},
        ],
    }
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_two_evaluations_are_equal() -> None:
    first, second = (evaluate([TRAY], CHECKS, FULL) for _ in range(2))
    assert first.verdicts == second.verdicts
    assert first.scores == second.scores


def test_photographs_of_one_tray_are_averaged() -> None:
    """What one shot of four overlooks is doubtful, not missing; what three overlook is believed not to be there."""
    looks = [FULL, FULL[:1], FULL[:1], FULL[:1]]
    assert contents_of(looks[:2], Thresholds()).of_class("bread").doubt is not None
    assert contents_of(looks, Thresholds()).of_class("bread").possibly == 0


def test_the_order_of_the_photographs_does_not_matter() -> None:
    looks = [FULL, FULL[:1], (seen("bread", 30, score=0.4),)]
    assert set(contents_of(looks, Thresholds()).counts) == set(contents_of(looks[::-1], Thresholds()).counts)


def test_a_hand_is_no_item() -> None:
    assert contents_of([(*FULL, seen("hand", 180))], Thresholds(), ["hand"]).class_names == ("plate", "bread")


@pytest.mark.parametrize("looks", [[], [()], [(), ()]])
def test_photographs_that_show_nothing_say_nothing_is_missing(looks: list[tuple[Detection, ...]]) -> None:
    """An empty picture is a camera that looks elsewhere more often than a tray without anything."""
    verdict = judge_order(OF, RIGHT, contents_of(looks, Thresholds()))
    assert verdict.kind is VerdictKind.UNSURE


def test_one_tray_of_several_is_never_called_incomplete_nor_complete() -> None:
    of_two = order("A", "plate", "bread", parts=2)
    assert judge_order(OF, of_two, contents(plate=1)).kind is VerdictKind.UNSURE
    assert judge_order(OF, of_two, contents(plate=1, bread=1)).kind is VerdictKind.UNSURE
    assert results(judge_order(OF, of_two, contents(plate=2)))["plate"] == "extra"


def test_an_allergy_is_said_whatever_the_verdict() -> None:
    assert judge_order(OF, order("A", "plate", notes="nut allergy!"), contents(plate=1)).allergy


def test_the_confusion_is_by_class_also_where_the_labels_are_by_dish() -> None:
    folder = TrayFolder(
        Path(), {"t": tray("t", soup=1, salad=1)}, (check("1", "t", "match", order("A", "soup", "salad")),)
    )
    done = evaluate_trays(
        folder,
        detector=ScriptedDetector(classes=("bowl",), script=[(seen("bowl", 60), seen("bowl", 160))]),
        menu=menu(item("soup", "bowl"), item("salad", "bowl")),
        thresholds=Thresholds(),
        read_photograph=picture,
        on_tray=lambda _: None,
    )
    assert done.scores.as_json()["confusion"] == {"bowl": {"2->2": 1}}


def test_a_tray_whose_contents_are_in_doubt_says_nothing_about_single_items() -> None:
    doubtful = TRAY.model_copy(update={"tray_id": "u", "contents": {"plate": 3}, "sure": False})
    done = evaluate([TRAY, doubtful], [*CHECKS, check("4", "u", "match", RIGHT)], FULL)
    said = done.items.as_json()
    assert {name: (each["trays"], each["items"]) for name, each in said["classes"].items()} == {
        "plate": (1, 1),
        "bread": (1, 1),
    }
    assert said["item_confusion"] == {"plate": {"plate": 1}, "bread": {"bread": 1}}
    assert done.scores.as_json()["right_orders"]["n"] == 2, "its checks count all the same"


def test_of_a_block_the_whole_folder_says_which_classes_are_frequent() -> None:
    """Also by trays that no check names, but not by those in doubt."""
    trays = [tray(f"noon-{n}", plate=1, bread=n % 2) for n in range(59)]
    trays += [tray(f"noon-{n}", bread=1).model_copy(update={"sure": False}) for n in range(60, 90)]
    checks = [check("c", "noon-3", "match", RIGHT)]
    whole = TrayFolder(Path("trays"), {each.tray_id: each for each in trays}, tuple(checks))
    done = evaluate_trays(
        whole.only([TrayBlock("noon", 0, 30)]).only([TrayBlock("noon", 1, 5)]),
        detector=ScriptedDetector(classes=("plate", "bread"), script=[FULL]),
        menu=OF,
        thresholds=Thresholds(),
        read_photograph=picture,
        on_tray=lambda _: None,
    )
    assert {each.class_name: each.trays_known for each in done.items.classes} == {"plate": 59, "bread": 29}
    assert [each.class_name for each in done.items.in_macro] == ["plate"]


def test_a_photograph_that_does_not_read_is_named() -> None:
    with pytest.raises(BadRecording, match=r"trays/broken\.jpg: this is no picture"):
        evaluate([tray("t", "a.jpg", "broken.jpg", plate=1)], CHECKS, FULL)
