"""Which of a restaurant's own trays teach, set thresholds, and judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
import pytest

from edge_agent.app import candidate
from edge_agent.app.candidate import FEWEST_TRAYS, JUDGED_NAME, CandidatePlan, blocks_of, was_cut_off
from edge_agent.app.candidate_start import Start
from edge_agent.app.inputs import check_inputs, refuse_to_write_over
from edge_agent.app.making import merge_classes
from edge_agent.app.plans import ThresholdPlan
from edge_agent.errors import BadInput
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.settings import DetectorSettings, Settings
from edge_agent.training.card import CARD_JSON_NAME
from edge_agent.training.fit import FitRecipe
from edge_agent.training.making import PLAN_NAME
from edge_agent.training.plan import TrainingPlan
from tests.builders_onnx import CLASSES, constant_model, manifest, raw_output, write_pack


def folder(root: Path, number: int) -> Path:
    """Trays own-10, own-20 …, in no order, the last of them not sure."""
    cv2.imwrite(str(root / "0.jpg"), np.zeros((48, 64, 3), np.uint8))
    rows = [
        {"tray_id": f"own-{10 * n}", "images": ["0.jpg"], "contents": {"plate": 1}, "sure": n < number}
        for n in (*range(number, 0, -2), *range(number - 1, 0, -2))
    ]
    order = {"order_id": "a", "lines": [{"sku": "plate", "quantity": 1}]}
    check = {"check_id": "a", "tray_id": "own-10", "order": order, "expected": "match"}
    (root / "trays.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "orders.jsonl").write_text(json.dumps(check) + "\n")
    return root


def test_the_newest_trays_judge_and_those_before_set_thresholds(tmp_path: Path) -> None:
    thresholds, judges = blocks_of(folder(tmp_path, 51))
    assert (str(thresholds), str(judges)) == ("own-310:own-400", "own-410:own-500")


def test_too_few_trays_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"39 labelled trays are too few .* Answer alerts and audit"):
        blocks_of(folder(tmp_path, FEWEST_TRAYS))


@pytest.mark.parametrize("names", [("noon-{}", "eve-{}"), ("tray{}", "tray{}"), ("own-{}x", "own-{}")])
def test_trays_that_are_not_numbered_through_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    """Any folder can be named with --into, and of two noons nobody knows which was later."""
    trays = folder(tmp_path, 51) / "trays.jsonl"
    lines = trays.read_text().splitlines()
    for n, line in enumerate(lines):
        row = json.loads(line)
        lines[n] = json.dumps({**row, "tray_id": names[n % 2].format(n)})
    trays.write_text("\n".join(lines) + "\n")
    orders = tmp_path / "orders.jsonl"
    orders.write_text(json.dumps({**json.loads(orders.read_text()), "tray_id": names[0].format(0)}))
    with pytest.raises(
        BadInput, match=r"trays\.jsonl: .*numbered through under one name.* 'edge-agent learn' collected"
    ):
        blocks_of(tmp_path)


def test_trays_without_a_name_before_their_number_are_refused(tmp_path: Path) -> None:
    """A block of them cannot be written down: `1:9` is none."""
    trays = folder(tmp_path, 51) / "trays.jsonl"
    for path in (trays, tmp_path / "orders.jsonl"):
        path.write_text(path.read_text().replace('"own-', '"'))
    with pytest.raises(BadInput, match="numbered through under one name"):
        blocks_of(tmp_path)


# What the manifest of a candidate is to say


@pytest.mark.parametrize(("apart", "known"), [("noon-1:noon-9", 2), ("own-310:own-400", 2), ("own-410:own-500", 1)])
def test_a_candidate_s_training_is_told_which_of_its_trays_its_weights_never_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: str, known: int
) -> None:
    """Those that judge, and those that set thresholds; of what `learn` taught with before nothing is claimed."""
    pack = write_pack(tmp_path / "active", constant_model(raw_output([])), "ultralytics_raw")
    told = {"command": "edge-agent learn", "rounds": [{"apart": [apart]}]}
    begun: list[TrainingPlan] = []

    def note(plan: TrainingPlan, *_: object, **__: object) -> NoReturn:
        begun.append(plan)
        raise BadInput("so far and no further")

    start = Start(active=manifest("ultralytics_raw", provenance=told), names=CLASSES, is_certain=True)
    monkeypatch.setattr(candidate, "start_from", lambda *_: start)
    monkeypatch.setattr(candidate, "train_pack", note)
    (tmp_path / "menu.yaml").write_text("items:\n  - {sku: plate, detects_as: plate}\n")
    settings = Settings(detector=DetectorSettings(pack=pack), menu=tmp_path / "menu.yaml")
    plan = CandidatePlan(
        trays=folder(tmp_path, 51),
        checkpoint=tmp_path / "weights.pt",
        pack=tmp_path / "mine",
        run=tmp_path / "mine.run",
        epochs=1,
        false_alarms=0.01,
    )
    with pytest.raises(BadInput, match="so far"):
        candidate.make_candidate(settings, plan)
    newest_first = (TrayBlock("own", 410, 500), TrayBlock("own", 310, 400))
    assert [each.start_held_out for each in begun] == [newest_first[:known]]


# Where a candidate may be written, and when it is made


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Packs `canteen` and `canteen-2`, of which the first is in service, and collected trays beside them."""
    models = tmp_path / "models"
    for name in ("canteen", "canteen-2"):
        write_pack(models / name, constant_model(raw_output([])), "ultralytics_raw")
    (models / "active").write_text("canteen\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "trays.jsonl").touch()
    return models


def in_service(pack: Path) -> Settings:
    return Settings(detector=DetectorSettings(pack=pack))


def plan_for(shelf: Path, name: str) -> CandidatePlan:
    run = shelf / f"{name}.run"
    run.mkdir(exist_ok=True)
    return CandidatePlan(
        trays=shelf.parent / "own",
        checkpoint=shelf / "weights.pt",
        pack=shelf / name,
        run=run,
        epochs=1,
        false_alarms=0.01,
    )


@pytest.mark.parametrize("configured", ["active", "canteen", "canteen-2"])
def test_the_pack_in_service_is_not_written_over(shelf: Path, configured: str) -> None:
    """Whatever --pack names: what the pointer names runs, or will at the next start. Its own run is no excuse."""
    plan = plan_for(shelf, "canteen")
    (plan.run / PLAN_NAME).touch()
    with pytest.raises(BadInput, match=r"models/canteen: this pack is in service"):
        was_cut_off(in_service(shelf / configured), plan)


def test_a_pack_that_the_configuration_names_is_in_service_whatever_the_pointer_says(shelf: Path) -> None:
    refuse_to_write_over(shelf / "canteen-2")
    with pytest.raises(BadInput, match="in service"):
        refuse_to_write_over(shelf / "canteen-2", shelf / "canteen-2")


def test_a_merged_pack_does_not_write_over_the_one_in_service(shelf: Path) -> None:
    """With thresholds still to be found it would cry wolf at every tray."""
    before = (shelf / "canteen" / "model.yaml").read_bytes()
    for target, configured in ((shelf / "canteen", None), (shelf / "mine", shelf / "mine")):
        with pytest.raises(BadInput, match="in service"):
            merge_classes(shelf / "canteen-2", shelf / "groups.yaml", target, version="2", configured=configured)
    assert (shelf / "canteen" / "model.yaml").read_bytes() == before


def test_what_the_pointer_names_may_be_merged_from(shelf: Path) -> None:
    """Every command that reads a pack takes the pointer for it."""
    with pytest.raises(BadInput, match=r"groups\.yaml"):
        merge_classes(shelf / "active", shelf / "groups.yaml", shelf / "mine", version="2")
    with pytest.raises(BadInput, match="a folder of its own"):
        merge_classes(shelf / "active", shelf / "groups.yaml", shelf / "canteen", version="2")


def test_a_training_does_not_write_over_the_pack_in_service(shelf: Path) -> None:
    """Hours long it would be half of two packs; another pack may be made anew in its place."""
    for name, said in (("canteen", "in service"), ("canteen-2", "without boxed photographs training needs trays")):
        plan = TrainingPlan(
            boxes=None,
            classes=("plate",),
            run=shelf / "run",
            pack=shelf / name,
            recipe=FitRecipe(),
            width_px=64,
            height_px=64,
            version="1",
        )
        with pytest.raises(BadInput, match=said):
            check_inputs(plan, ThresholdPlan(), None)


def test_a_pack_that_another_training_made_is_not_written_over(shelf: Path) -> None:
    with pytest.raises(BadInput, match=r"canteen-2: a model pack lies here, and .*canteen-2\.run did not make it"):
        was_cut_off(in_service(shelf / "active"), plan_for(shelf, "canteen-2"))


def test_a_candidate_goes_on_until_it_is_judged_and_then_never_again(shelf: Path) -> None:
    """A cut after the training, while the two packs are compared, must not lose the hours before it."""
    plan = plan_for(shelf, "canteen-2")
    for name in (PLAN_NAME, CARD_JSON_NAME):
        (plan.run / name).touch()
    assert was_cut_off(in_service(shelf / "active"), plan)
    (plan.run / JUDGED_NAME).touch()
    with pytest.raises(BadInput, match=r"canteen-2\.run: this candidate is made already"):
        was_cut_off(in_service(shelf / "active"), plan)
