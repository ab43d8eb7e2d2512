"""The whole way from photographs to a pack, with the real library, as small as it goes (`make test-train`)."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.cli import app
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, STILL_TO_BE_FOUND, load_manifest, sha256_of
from edge_agent.training import distilling, fit, judging, rounds
from edge_agent.training.box_scores import OVERLAPS, Found, average_precisions
from edge_agent.training.checkpoints import keep_whole, passes_in
from edge_agent.training.export import export_onnx
from edge_agent.training.rival import UltralyticsDetector
from edge_agent.training.took_part import OWN_VAL
from tests import builders_onnx

pytest.importorskip("ultralytics", reason="needs the extra 'train': make test-train")

pytestmark = [
    pytest.mark.timeout(600),
    # Of the training libraries, not ours.
    pytest.mark.filterwarnings("ignore"),
]

REPOSITORY = Path(__file__).resolve().parents[2]
SIDE_PX = 96
COLOURS = {"plate": (230, 230, 230), "fruit": (0, 140, 255), "can": (40, 40, 200)}


def photograph(path: Path, things: list[str], seed: int) -> list[str]:
    """A tray of coloured squares; returns the labels of those that have a box drawn."""
    dice = np.random.default_rng(seed)
    picture = dice.integers(60, 80, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    labels = []
    for place, name in enumerate(things):
        left, top = 8 + 44 * (place % 2), 8 + 44 * (place // 2)
        cv2.rectangle(picture, (left, top), (left + 30, top + 30), COLOURS[name], -1)
        labels.append(f"{list(COLOURS).index(name)} {(left + 15) / SIDE_PX} {(top + 15) / SIDE_PX} 0.3125 0.3125")
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)
    return labels


def boxes(root: Path) -> Path:
    """Boxed photographs of plates and fruit."""
    for split, number in (("train", 6), ("val", 3)):
        (root / "labels" / split).mkdir(parents=True)
        for n in range(number):
            name = f"{split}-{n}"
            labels = photograph(root / "images" / split / f"{name}.jpg", ["plate", "fruit"][: 1 + n % 2], n)
            (root / "labels" / split / f"{name}.txt").write_text("\n".join(labels) + "\n")
    return root


def trays(root: Path) -> Path:
    """Counted trays, two photographs each, some with a can that nobody boxed; on each a right order and a wrong one."""
    rows, checks = [], []
    for n in range(12):
        things = [["plate"], ["plate", "can"], ["fruit", "can"]][n % 3]
        images = [f"t-{n}/{shot}.jpg" for shot in range(2)]
        for shot, image in enumerate(images):
            photograph(root / image, things, 100 * n + shot)
        contents = {name: things.count(name) for name in things}
        rows.append({"tray_id": f"t-{n}", "images": images, "contents": contents, "sure": True})
        lines = [{"sku": name, "quantity": 1} for name in things]
        for expected, ordered in (("match", lines), ("mismatch", [*lines, lines[0]])):
            check = {"check_id": f"c-{n}-{expected}", "tray_id": f"t-{n}", "expected": expected}
            checks.append(check | {"order": {"order_id": f"o-{n}-{expected}", "lines": ordered}})
    (root / "trays.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "orders.jsonl").write_text("".join(json.dumps(check) + "\n" for check in checks))
    return root


def train(tmp_path: Path, *more: str, epochs: int = 1) -> str:
    if not (tmp_path / "boxes").exists():
        boxes(tmp_path / "boxes")
    words = ["train", str(tmp_path / "boxes"), "--pack", str(tmp_path / "pack"), "--run", str(tmp_path / "run")]
    small = ["--epochs", str(epochs), "--image-size", "96", "--classes", "plate,fruit,can"]
    done = CliRunner().invoke(app, [*words, *small, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_boxes_become_a_pack_that_loads_and_looks(tmp_path: Path) -> None:
    """With more cells than a fast graph keeps: one pass gives many of them the same score."""
    said = train(tmp_path, "--image-size", "160")
    assert f"edge-agent quantize {tmp_path / 'pack'} --trays DIR" in said, "without trays nothing can judge 8-bit forms"
    assert f"edge-agent models score {tmp_path / 'pack'} --trays DIR --run {tmp_path / 'run'}" in said
    detector = OnnxDetector(pack=ModelPack.load(tmp_path / "pack"), provider="cpu")
    assert detector.classes == ("plate", "fruit", "can")
    detector.detect(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
    card = (tmp_path / "pack" / "README.md").read_text()
    assert card.startswith("# pack 1")
    assert "AP50 is of the boxed photographs (val): 3 of 1 tray" in card
    told = json.loads((tmp_path / "run" / "card.json").read_text())
    assert told["boxed_ap50_fruit"].endswith(", 1 box on 1 tray")
    with zipfile.ZipFile(tmp_path / "run" / "weights.pt") as weights:
        (places,) = (weights.read(name) for name in weights.namelist() if name.endswith("data.pkl"))
    for place in (tmp_path, Path.cwd()):
        assert str(place).encode() not in places, "weights are handed on, and do not say where they were made"


def test_average_precision_is_that_of_the_library_but_for_how_it_draws_the_curve() -> None:
    """It joins 101 points by lines, where COCO, and we, average over them."""
    from ultralytics.utils.metrics import ap_per_class

    dice = np.random.default_rng(3)
    scores, hits = np.sort(dice.random(80))[::-1], dice.random((80, 1)) < np.linspace(0.9, 0.3, len(OVERLAPS))
    seen = Found(scores=scores, hits=hits, trays=np.zeros(80, np.intp), drawn=np.array([70]))
    theirs = ap_per_class(hits, scores, np.zeros(80), np.zeros(70))[5][0]
    assert average_precisions(seen, np.ones(1)) == pytest.approx(theirs, abs=0.01)


def test_orders_teach_two_rounds_and_a_second_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a detector of one epoch sees, the rounds must run through, and typed again nothing is trained anew."""
    monkeypatch.setattr(judging, "FEW_TRAYS", 3)
    monkeypatch.setattr(judging, "FOLDS", 3)
    monkeypatch.setattr(rounds, "_is_better", lambda *_: True)  # each helps, whatever it sees
    folder, menu = trays(tmp_path / "trays"), tmp_path / "menu.yaml"
    menu.write_text("items:\n" + "".join(f"  - {{sku: {name}, detects_as: {name}}}\n" for name in COLOURS))
    learning = ["--trays", str(folder), "--round", "1", "--round", "1", "--calibrate-on", "t-9:t-11"]
    learning += ["--menu", str(menu), "--held-out", "t-8:t-8"]
    said = train(tmp_path, *learning)
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert [each["trays"] for each in card["rounds"]] == [8, 8]
    for each in card["rounds"]:
        judged = each["judged"]
        assert (judged["on"], judged["trays"], judged["parts"]) == (["t-9:t-11"], 3, 3)
        assert judged["surprise"] > 0
    manifest = load_manifest(tmp_path / "pack" / MANIFEST_NAME)
    assert set(manifest.gates) == {"int8", "int8_convs"}, "both 8-bit forms were made and judged"
    for gate in manifest.gates.values():
        assert [gate.fp32[kind] for kind in ("wrong", "right")] == [6, 6], "by right orders and by wrong ones"
    passed = {name for name, gate in manifest.gates.items() if gate.passed}
    assert (set(manifest.files), set(manifest.refused)) == ({"fp32", "bf16", *passed}, set(manifest.gates) - passed)
    apart = {"held_out": ["t-8:t-8"], "calibrated_on": [OWN_VAL, "t-9:t-11"]}
    assert {key: manifest.provenance[key] for key in apart} == {key: card[key] for key in apart} == apart
    assert {file.file for file in manifest.files.values()} | {"model.onnx"} == {
        path.name for path in (tmp_path / "pack").glob("*.onnx")
    }
    assert "| int8 |" in (tmp_path / "pack" / "README.md").read_text()
    score = said.partition("Next: 'edge-agent ")[2].partition("' writes its scores")[0]
    assert "--only t-8:t-8" in score, "the next step: scores on the trays that were held out"
    CliRunner().invoke(app, shlex.split(score), catch_exceptions=False)
    scores = json.loads((tmp_path / "run" / "card.json").read_text())["scores"]
    assert scores["pack 1"]["scored_on"] == "t-8:t-8"
    assert (tmp_path / "run" / "report" / "pack" / "index.html").exists()
    weights = tmp_path / "run" / "round-2" / "fit" / "weights" / "last.pt"
    before = weights.stat().st_mtime_ns
    # What a round was made of is told as it was then, also where an update makes rounds of something else.
    finished = tmp_path / "run" / "round-1" / "finished.json"
    kept = json.loads(finished.read_text())
    kept["account"]["photographs_shown"] = 12_345
    finished.write_text(json.dumps(kept))
    train(tmp_path, *learning, "--no-quantize")
    assert weights.stat().st_mtime_ns == before
    told = json.loads((tmp_path / "run" / "card.json").read_text())["rounds"]
    assert told == [{**card["rounds"][0], "photographs_shown": 12_345}, card["rounds"][1]]
    assert list(load_manifest(tmp_path / "pack" / MANIFEST_NAME).files) == ["fp32"]
    assert sorted(path.name for path in (tmp_path / "pack").glob("*.onnx")) == ["model.fp32.onnx", "model.onnx"]

    # With anything else than before, old weights would be handed out under a new account.
    other = [*learning[:3], "2", *learning[4:]]
    for words, epochs, said in (
        (learning, 2, r"run: this run was begun with something else: recipe\.epochs was 1 and is 2 now"),
        (other, 1, r"round-1: this run was begun with something else: recipe\.epochs was 1 and is 2 now"),
        ([*learning, "--seed", "7"], 1, "seed was 20 and is 7 now"),
        ([*learning[:-1], "t-7:t-8"], 1, "trays_sha256 was"),
    ):
        with pytest.raises(BadInput, match=said):
            train(tmp_path, *words, "--no-quantize", epochs=epochs)
    assert weights.stat().st_mtime_ns == before
    # A round begun anew makes what came after it old.
    shutil.rmtree(tmp_path / "run" / "round-1")
    with pytest.raises(BadInput, match="round-2: this run was begun with something else: start_from was"):
        train(tmp_path, *learning, "--no-quantize")


class PowerCut(BaseException):
    """Nothing catches it, as nothing catches a power cut."""


def cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, after: int, epochs: int) -> Path:
    """Cut a fit off when it has written this pass; returns the folder of its weights."""

    def cut(trainer: Any) -> None:
        keep_whole(trainer)
        if trainer.epoch + 1 == after:
            raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(fit, "keep_whole", cut)
        with pytest.raises(PowerCut):
            train(tmp_path, epochs=epochs)
    return tmp_path / "run" / "fit" / "weights"


@pytest.mark.parametrize("torn", [False, True])
def test_a_fit_that_was_cut_off_goes_on_also_where_its_checkpoint_is_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, torn: bool
) -> None:
    last = cut_off(tmp_path, monkeypatch, after=2, epochs=3) / "last.pt"
    if torn:
        last.write_bytes(last.read_bytes()[:100_000])
    assert passes_in(tmp_path / "run", 3) == 2
    train(tmp_path, epochs=3)
    assert [row["epoch"] for row in fit.curve(tmp_path / "run")] == [1, 2, 3]
    assert passes_in(tmp_path / "run", 3) == 3
    assert sorted(path.name for path in last.parent.iterdir()) == ["best.pt", "last.pt"]


def test_weights_that_know_the_items_go_on_without_a_fit_on_boxes_that_were_drawn_under_other_names(
    tmp_path: Path,
) -> None:
    folder, menu, knowing = trays(tmp_path / "trays"), tmp_path / "menu.yaml", tmp_path / "run" / "weights.pt"
    menu.write_text("items:\n" + "".join(f"  - {{sku: {name}, detects_as: {name}}}\n" for name in COLOURS))
    learning = ["--trays", str(folder), "--round", "1", "--calibrate-on", "t-9:t-11", "--menu", str(menu)]
    train(tmp_path, *learning, "--no-quantize")
    further = ["--run", str(tmp_path / "on"), "--pack", str(tmp_path / "further"), "--classes", "crockery,food,tin"]
    train(tmp_path, *learning, "--no-quantize", *further, "--architecture", str(knowing), epochs=0)
    manifest = load_manifest(tmp_path / "further" / MANIFEST_NAME)
    assert set(COLOURS) <= set(manifest.classes)
    [account] = json.loads((tmp_path / "on" / "card.json").read_text())["rounds"]
    assert (account["teacher"], account["began_with"]) == ("weights.pt", "weights.pt")
    assert account["boxed_photographs"] == 6, "boxes teach too, under whatever names"
    assert not (tmp_path / "on" / "fit").exists()


def test_weights_are_averaged_with_those_that_training_began_with(tmp_path: Path) -> None:
    """What took part in the average is known, since the pack of the training says what it began with."""
    train(tmp_path)
    began = tmp_path / "run" / "weights.pt"
    on, further = tmp_path / "on" / "weights.pt", tmp_path / "further"
    train(tmp_path, "--run", str(on.parent), "--pack", str(further), "--architecture", str(began))
    given = [str(further), "--weights", str(on), "--began-with", str(began), "--share", "0.25"]
    words = ["average", *given, "--pack", str(tmp_path / "mean"), "--run", str(tmp_path / "averaged")]
    words += ["--chosen-on", "t-6:t-8"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "mean: 0.25 of the weights of" in done.output

    averaged = tmp_path / "averaged" / "weights.pt"
    old, new, mean = (torch_state(path.read_bytes()) for path in (began, on, averaged))
    moved = [name for name in mean if mean[name].is_floating_point() and not old[name].equal(new[name])]
    assert len(moved) > 50
    for name in moved:
        wanted = 0.25 * new[name].float() + 0.75 * old[name].float()
        assert mean[name].float().allclose(wanted, rtol=2e-3, atol=1e-5), name
    manifest, before = (load_manifest(each / MANIFEST_NAME) for each in (tmp_path / "mean", further))
    assert manifest.provenance["weights_sha256"] == sha256_of(averaged)
    told: Any = manifest.provenance["averaged"]
    assert told == {"share": 0.25, "weights_sha256": sha256_of(on), "with_sha256": sha256_of(began)}
    assert manifest.provenance["chosen_on"] == ["t-6:t-8"]
    assert manifest.provenance["data_sha256"] == before.provenance["data_sha256"]
    assert (manifest.thresholds, manifest.metrics) == (STILL_TO_BE_FOUND, {})
    assert "an average, by `edge-agent average`: 0.25 times" in (tmp_path / "mean" / "README.md").read_text()
    assert json.loads((tmp_path / "averaged" / "card.json").read_text())["averaged"] == told
    assert str(tmp_path).encode() not in averaged.read_bytes()
    grey = np.full((SIDE_PX,) * 2 + (3,), 90, np.uint8)
    OnnxDetector(pack=ModelPack.load(tmp_path / "mean"), provider="cpu").detect(grey)

    with pytest.raises(BadInput, match="here lie the weights and the state of another pack"):
        CliRunner().invoke(app, [*words[:-2], "--share", "0.5"], catch_exceptions=False)
    with pytest.raises(BadInput, match="here lie the weights and the state of another pack"):
        train(tmp_path, "--run", str(averaged.parent), "--pack", str(tmp_path / "no"))
    again = [str(tmp_path / "mean"), "--weights", str(averaged), *given[3:]]
    for refused, why in (
        ([str(tmp_path / "pack"), *given[1:]], "was trained from random weights"),
        ([*given[:2], str(began), *given[3:]], "was not made of these weights"),
        ([*given[:4], str(on), *given[5:]], "did not begin with these weights"),
        (again, "is an average already"),
        ([*given[:6], "1"], "--share must lie between 0 and 1"),
    ):
        words = ["average", *refused, "--pack", str(tmp_path / "no"), "--run", str(tmp_path / "none")]
        with pytest.raises(BadInput, match=why):
            CliRunner().invoke(app, words, catch_exceptions=False)
        assert not (tmp_path / "no").exists()


def test_a_fit_that_was_begun_with_other_augmentation_is_not_gone_on_in(tmp_path: Path) -> None:
    """Half of it would be turned pictures, under an account that says none are."""
    recipe = fit.FitRecipe()
    turned = {**fit.EVERY_FIT, "degrees": 10.0}
    begun = {"recipe": asdict(recipe), "every_fit": turned, "classes": ["plate"], "start_from": None}
    (tmp_path / fit.RECIPE_NAME).write_text(json.dumps(begun))
    with pytest.raises(BadInput, match=r"something else: every_fit\.degrees was 10\.0 and is 0\.0 now\."):
        fit.fit({}, ["plate"], tmp_path, recipe)


def test_a_fit_that_was_begun_with_pictures_made_otherwise_is_not_gone_on_in(tmp_path: Path) -> None:
    how = {"every_fit": dict(fit.EVERY_FIT), "pictures": {"covered": 0.1}}
    begun = {"recipe": asdict(fit.FitRecipe()), **how, "classes": ["plate"], "start_from": None}
    (tmp_path / fit.RECIPE_NAME).write_text(json.dumps(begun))
    with pytest.raises(BadInput, match=r"something else: pictures\.covered was 0\.1 and is 0\.5 now\."):
        fit.fit({}, ["plate"], tmp_path, fit.FitRecipe(), pictures={"covered": 0.5})


def test_a_fit_whose_first_checkpoint_is_torn_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = cut_off(tmp_path, monkeypatch, after=1, epochs=2)
    (weights / "whole.pt").unlink()
    (weights / "last.pt").write_bytes(b"")
    train(tmp_path, epochs=2)
    assert [row["epoch"] for row in fit.curve(tmp_path / "run")] == [1, 2]


def copied(tmp_path: Path, *more: str, source: str = "pack", weights: str = "run/weights.pt") -> str:
    """What `distil` says, of a pack that `train` has made."""
    words = ["distil", str(tmp_path / source), "--weights", str(tmp_path / weights), "--pack", str(tmp_path / "copy")]
    shown = ["--trays", str(tmp_path / "trays"), "--boxes", str(tmp_path / "boxes"), "--run", str(tmp_path / "copying")]
    apart = ["--held-out", "t-9:t-11", "--calibrate-on", "t-6:t-8", "--steps", "4"]
    done = CliRunner().invoke(app, [*words, *shown, *apart, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_faster_copy_learns_goes_on_after_a_cut_and_becomes_a_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path)
    trays(tmp_path / "trays")
    monkeypatch.setattr(distilling, "KEEP_EVERY", 2)
    monkeypatch.setattr(distilling, "STATISTICS_OF", 2)
    kept = distilling._Pupil.keep

    def cut(pupil: Any, path: Path, *told: Any) -> None:
        kept(pupil, path, *told)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as cutting:
        cutting.setattr(distilling._Pupil, "keep", cut)
        with pytest.raises(BadInput, match="put that right, and type the same command again"):
            copied(tmp_path)
    assert not (tmp_path / "copy").exists()
    assert "a faster copy of" in copied(tmp_path, "--version", "2")
    pack = load_manifest(tmp_path / "copy" / MANIFEST_NAME)
    told: Any = pack.provenance["distilled"]
    assert (pack.version, pack.classes) == ("2", ("plate", "fruit", "can"))
    assert (told["trays"], told["photographs"], told["boxed_photographs"]) == (6, 12, 6)
    assert [each["step"] for each in told["curve"]] == [2, 4]
    assert told["apart"] == ["t-9:t-11", "t-6:t-8"]
    assert str(tmp_path).encode() not in (tmp_path / "copying" / "weights.pt").read_bytes()
    assert pack.provenance["weights_sha256"] == sha256_of(tmp_path / "run" / "weights.pt"), (
        "learning goes on with these"
    )
    OnnxDetector(pack=ModelPack.load(tmp_path / "copy"), provider="cpu").detect(
        np.zeros((SIDE_PX,) * 2 + (3,), np.uint8)
    )
    assert "a faster copy of pack 1" in " ".join((tmp_path / "copy" / "README.md").read_text().split())
    assert json.loads((tmp_path / "copying" / "card.json").read_text())["distilled"] == told

    went_on = (tmp_path / "copying" / "weights.pt").read_bytes()
    shutil.rmtree(tmp_path / "copying")
    copied(tmp_path)
    states = [torch_state(weights) for weights in (went_on, (tmp_path / "copying" / "weights.pt").read_bytes())]
    assert all(states[0][name].equal(states[1][name]) for name in states[0]), "a cut changes nothing"


def test_a_faster_copy_learns_further_from_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path)
    trays(tmp_path / "trays")
    monkeypatch.setattr(distilling, "STATISTICS_OF", 2)
    monkeypatch.setattr(distilling, "KEEP_EVERY", 20)
    further = "--begin-with", str(tmp_path / "first")
    copied(tmp_path, "--run", str(tmp_path / "first"), "--steps", "40")
    copied(tmp_path, "--steps", "20", *further)
    first, then = (
        json.loads((tmp_path / name / "card.json").read_text())["distilled"] for name in ("first", "copying")
    )
    assert then["curve"][0]["between"] < first["curve"][0]["between"], "it does not begin at the beginning"


def torch_state(weights: bytes) -> Any:
    import io

    import torch

    return torch.load(io.BytesIO(weights), weights_only=False)["model"].state_dict()


def test_a_faster_copy_computes_with_relu_where_it_pays_and_learns_to_give_what_the_detector_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx
    import torch

    train(tmp_path)
    trays(tmp_path / "trays")
    monkeypatch.setattr(distilling, "KEEP_EVERY", 10)
    copied(tmp_path, "--steps", "40")
    curve: Any = load_manifest(tmp_path / "copy" / MANIFEST_NAME).provenance["distilled"]
    losses = [each["between"] for each in curve["curve"]]
    assert losses[-1] < 0.6 * losses[0]
    network = torch.load(tmp_path / "copying" / "weights.pt", weights_only=False)["model"]
    kinds = {name: type(each.act).__name__ for name, each in network.named_modules() if hasattr(each, "act")}
    silu = {name for name, kind in kinds.items() if kind == "SiLU"}
    assert all(name == "model.0" or ".cv3." in name for name in silu)
    assert "model.0" in silu
    assert any(".cv3." in name for name in silu)
    assert sum(kind == "ReLU" for kind in kinds.values()) > 40
    exported = onnx.load(tmp_path / "copy" / "model.onnx")
    assert sum(node.op_type == "Relu" for node in exported.graph.node) > 40

    menu = tmp_path / "menu.yaml"
    menu.write_text("items:\n" + "".join(f"  - {{sku: {name}, detects_as: {name}}}\n" for name in COLOURS))
    given = ["--copy", str(tmp_path / "copy"), "--trays", str(tmp_path / "trays"), "--menu", str(menu)]
    words = ["quantize", str(tmp_path / "pack"), *given, "--tolerance", "100"]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    files = load_manifest(tmp_path / "pack" / MANIFEST_NAME).files
    nodes = {name: onnx.load(tmp_path / "pack" / file.file).graph.node for name, file in files.items()}
    sigmoids = {name: sum(node.op_type == "Sigmoid" for node in of) for name, of in nodes.items()}
    assert sigmoids["int8"] < sigmoids["fp32"] / 2, "its 8 bits are those of the copy"


def test_what_no_faster_copy_can_be_made_of_is_said_before_the_work(tmp_path: Path) -> None:
    train(tmp_path)
    trays(tmp_path / "trays")
    with pytest.raises(BadInput, match="was not made of these weights"):
        copied(tmp_path, weights="run/fit/weights/best.pt")
    with pytest.raises(BadInput, match=r"none\.pt: there is no such checkpoint"):
        copied(tmp_path, weights="none.pt")
    with pytest.raises(BadInput, match="needs a folder of its own"):
        copied(tmp_path, "--pack", str(tmp_path / "pack"))
    with pytest.raises(BadInput, match="can do only one"):
        copied(tmp_path, "--calibrate-on", "t-9:t-9")
    with pytest.raises(BadInput, match="the weights and the state of a training"):
        copied(tmp_path, "--run", str(tmp_path / "run"))
    assert not (tmp_path / "copying").exists()
    copied(tmp_path)
    with pytest.raises(BadInput, match=r"begun with something else: recipe\.steps was 4 and is 5 now"):
        copied(tmp_path, "--steps", "5")
    with pytest.raises(BadInput, match="the weights and the state of a faster copy"):
        train(tmp_path, "--run", str(tmp_path / "copying"))
    with pytest.raises(BadInput, match="is a faster copy already"):
        copied(tmp_path, "--pack", str(tmp_path / "again"), source="copy")
    with pytest.raises(BadInput, match=r"are a faster copy .*, of which training cannot go on"):
        train(tmp_path, "--architecture", str(tmp_path / "copying" / "weights.pt"))
    (tmp_path / "groups.yaml").write_text("classes:\n  food: [plate, fruit]\n  can: [can]\n")
    merge = [
        "merge",
        str(tmp_path / "pack"),
        "--groups",
        str(tmp_path / "groups.yaml"),
        "--pack",
        str(tmp_path / "merged"),
    ]
    assert CliRunner().invoke(app, merge, catch_exceptions=False).exit_code == 0
    with pytest.raises(BadInput, match="was merged from a pack of finer classes"):
        copied(tmp_path, "--run", str(tmp_path / "other"), source="merged")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--teacher", "garbage.pt"], r"garbage\.pt: this is no model definition \(\.yaml\) and no checkpoint"),
        (["--architecture", "none.yaml"], r"none\.yaml: there is no such file"),
        (["--architecture", "menu.yaml"], r"menu\.yaml: this is no model definition"),
        (["--architecture", "model.onnx"], r"model\.onnx: this is no model definition"),
        (["--architecture", "none.pt"], "none.pt: there is no such checkpoint"),
        (["--epochs", "0"], r"name a checkpoint \(\.pt\) with --architecture"),
        (["--architecture", "yolo26n.yaml"], "yolo26n.yaml: it is no detector of plain boxes with"),
        (["--architecture", "yolo11n-seg.yaml"], "yolo11n-seg.yaml: it is no detector of plain boxes with"),
        (["--pack", "file/pack"], "file/pack: the folder cannot be written to"),
        (["--run", "file/run"], "file/run: the folder cannot be written to"),
    ],
)
def test_what_would_end_the_training_later_is_said_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("garbage.pt").write_bytes(b"no checkpoint")
    Path("menu.yaml").write_text("items: []\n")
    Path("model.onnx").write_bytes(b"an export")
    Path("file").touch()
    given = ["--trays", str(trays(tmp_path / "trays")), "--calibrate-on", "t-9:t-11", "--no-quantize"]
    start = ["train", str(boxes(tmp_path / "boxes")), "--classes", "plate,fruit,can", "--pack", "pack", "--run", "run"]
    with pytest.raises(BadInput, match=said):
        CliRunner().invoke(app, [*start, *given, *words], catch_exceptions=False)
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "pack").exists()


def test_a_photograph_that_does_not_read_is_said_before_the_training(tmp_path: Path) -> None:
    """The library would leave it out without a word, or hours later nobody could look at it."""
    folder = trays(tmp_path / "trays")
    (folder / "t-3" / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"t-3/1\.jpg: "):
        train(tmp_path, "--trays", str(folder), "--calibrate-on", "t-9:t-11", "--no-quantize")
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_that_does_not_read_is_named_where_it_is_measured(tmp_path: Path) -> None:
    (tmp_path / "junk.pt").write_bytes(b"no checkpoint")
    with pytest.raises(BadInput, match=r"junk\.pt: these are no weights that Ultralytics reads"):
        UltralyticsDetector(weights=tmp_path / "junk.pt", manifest=builders_onnx.manifest("ultralytics_raw"), threads=1)


def test_an_export_that_lies_beside_the_weights_stays_there(tmp_path: Path) -> None:
    weights, theirs = tmp_path / "weights.pt", tmp_path / "weights.onnx"
    shutil.copyfile(REPOSITORY / "models" / "checkpoints" / "canteen-2.pt", weights)
    theirs.write_bytes(b"an export of the user's")
    (tmp_path / "pack" / ".export-cut").mkdir(parents=True)
    made = export_onnx(weights, tmp_path / "pack", width_px=96, height_px=96)
    assert theirs.read_bytes() == b"an export of the user's"
    assert list((tmp_path / "pack").iterdir()) == [made]


def test_bench_prints_one_object_also_where_ultralytics_was_never_used(tmp_path: Path) -> None:
    """It tells of its new settings while it is imported, so a process of its own is asked."""
    photograph(tmp_path / "tray.jpg", ["plate"], 1)
    words = ["bench", str(tmp_path / "tray.jpg"), "--pack", "models/canteen", "--rounds", "3", "--json"]
    words += ["--checkpoint", "models/checkpoints/canteen-dishes-5.pt"]
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent", *words],
        cwd=REPOSITORY,
        env={**os.environ, "YOLO_CONFIG_DIR": str(tmp_path / "never used")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(json.loads(done.stdout)["ultralytics_ms"].values()), "it was used"
