"""What may be shown to a faster copy, and what its pack says of that; nothing is learned here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from edge_agent.app import distilling
from edge_agent.app.distilling import distil_pack
from edge_agent.app.plans import DistillingPlan
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest, sha256_of
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training import export
from edge_agent.training.card import note_scores
from edge_agent.training.distilling import DistilRecipe
from edge_agent.training.export import revise_pack
from edge_agent.training.fingerprints import begin_or_go_on
from tests.builders_onnx import CLASSES, constant_model, raw_output, write_pack

BLOCKS = {"held_out": ["own-1:own-2"], "rounds": [{"apart": ["own-1:own-2", "own-3:own-4"]}]}
Distil = Callable[..., PackManifest]


def photograph(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack with the weights that it was made of, eight trays and a boxed photograph of a ninth."""

    def exported(_weights: Path, folder: Path, **_size: int) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "model.onnx").write_bytes(constant_model(raw_output([])))

    def distilled(
        weights: Path,
        _views: object,
        run: Path,
        recipe: DistilRecipe,
        *,
        shown: Mapping[str, Any],
        begin_with: tuple[Path, Mapping[str, Any]] | None,
        **_: object,
    ) -> Any:
        recipe_with_more = {**asdict(recipe), "seen": 0.02}
        made_by = {"recipe": recipe_with_more, "teacher_sha256": sha256_of(weights), "shown": shown}
        if begin_with is not None:
            made_by["begun_with"] = begin_with[1]
        begin_or_go_on(run / "distilling.json", made_by)
        (run / "weights.pt").write_bytes(b"the copy")
        return run / "weights.pt", [{"step": 4, "scores": 0.5}]

    monkeypatch.setattr(export, "export_onnx", exported)
    monkeypatch.setattr(distilling, "distil", distilled)
    monkeypatch.setattr(distilling, "names_in", lambda _: CLASSES)
    monkeypatch.setattr(export, "make_pack_fast", lambda folder: load_manifest(folder / MANIFEST_NAME))
    monkeypatch.setattr(distilling, "metadata", SimpleNamespace(version=lambda _: "1"))
    (tmp_path / "taught").mkdir()
    (tmp_path / "taught" / "weights.pt").write_bytes(b"the source")
    provenance = {**BLOCKS, "weights_sha256": sha256_of(tmp_path / "taught" / "weights.pt")}
    write_pack(tmp_path / "source", b"no network", "ultralytics_raw", name="source", provenance=provenance)
    rows = []
    for n in range(1, 9):
        photograph(tmp_path / "trays" / f"{n}.jpg")
        rows.append({"tray_id": f"own-{n}", "images": [f"{n}.jpg"], "contents": {"plate": 1}})
    (tmp_path / "trays" / "trays.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for split in ("train", "val"):
        photograph(tmp_path / "boxes" / "images" / split / "own-9-0.jpg")
        (tmp_path / "boxes" / "labels" / split).mkdir(parents=True)
        (tmp_path / "boxes" / "labels" / split / "own-9-0.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    return tmp_path


def made(root: Path, *, held_out: str = "own-1:own-2", calibrate_on: str = "own-3:own-4", **other: Any) -> PackManifest:
    plan: dict[str, Any] = {
        "source": root / "source",
        "weights": root / "taught" / "weights.pt",
        "trays": root / "trays",
        "boxes": root / "boxes",
        "held_out": tuple(map(TrayBlock.parse, held_out.split())),
        "calibrate_on": tuple(map(TrayBlock.parse, calibrate_on.split())),
        "steps": 4,
        "seed": 1,
        "run": root / "run",
        "pack": root / "copy",
        "version": "1",
    }
    return distil_pack(DistillingPlan(**plan | other))[0]


def test_the_pack_says_what_both_were_shown(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: Any = made(root).provenance["distilled"]
    counts = ("trays", "photographs", "boxed_photographs", "photographs_shown")
    assert [told[name] for name in counts] == [4, 4, 1, 5]
    assert told["apart"] == ["own-1:own-2", "own-3:own-4"]
    assert told["weights_sha256"] == sha256_of(root / "run" / "weights.pt")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("held_out", "told"),
    [
        ("own-1:own-2", ["own-1:own-2"]),
        ("own-1:own-1", ["own-1:own-1"]),
        ("own-1:own-1 own-2:own-2", ["own-1:own-1", "own-2:own-2"]),
        ("own-1:own-2 own-5:own-6", ["own-1:own-2"]),
        ("own-5:own-6", []),
    ],
)
def test_held_out_is_what_was_held_out_both_times(root: Path, held_out: str, told: list[str]) -> None:
    assert made(root, held_out=held_out).provenance["held_out"] == told


def test_a_block_that_is_to_set_thresholds_now_is_not_called_held_out(root: Path) -> None:
    assert made(root, held_out="own-5:own-6", calibrate_on="own-1:own-2").provenance["held_out"] == []


@pytest.mark.parametrize("told", [BLOCKS, {"calibrated_on": ["own-3:own-4"]}])
def test_blocks_that_were_kept_apart_before_and_are_shown_now_are_told_of(
    root: Path, caplog: pytest.LogCaptureFixture, told: dict[str, Any]
) -> None:
    """An hour later no score on them would prove anything."""
    weights = {"weights_sha256": sha256_of(root / "taught" / "weights.pt")}
    revise_pack(root / "source", {"provenance": {**told, **weights}})
    made(root, calibrate_on="own-5:own-6")
    assert "source 1 kept trays of own-3:own-4 apart, and the copy is shown them" in caplog.text


def test_a_run_that_was_begun_with_other_trays_is_not_gone_on_in(root: Path) -> None:
    """As many of others: what was shown by then would be called kept apart."""
    made(root)
    with pytest.raises(BadInput, match=r"begun with something else: shown\.photographs_sha256"):
        made(root, held_out="own-7:own-8")


def test_a_copy_that_learns_further_says_what_it_began_with_and_learns_more_slowly(root: Path) -> None:
    first: Any = made(root).provenance["distilled"]
    told: Any = made(root, begin_with=root / "run", run=root / "further", seed=2).provenance["distilled"]
    assert told["begun_with"]["weights_sha256"] == first["weights_sha256"]
    assert told["begun_with"]["recipe"].items() > first["recipe"].items(), "all of what it was made by"
    assert told["recipe"] == {**first["recipe"], "seed": 2, "learning_rate": first["recipe"]["learning_rate"] / 2}


def test_a_copy_that_learned_further_twice_says_of_all_three_runs(root: Path) -> None:
    made(root, steps=3)
    made(root, steps=2, begin_with=root / "run", run=root / "further")
    told: Any = made(root, begin_with=root / "further", run=root / "furthest", steps=1).provenance["distilled"]
    assert told["begun_with"]["begun_with"]["recipe"]["steps"] == 3
    card = " ".join((root / "copy" / "README.md").read_text().split())
    assert "without a label, in 3 and then 2 and then 1 steps." in card


def test_what_a_copy_begins_with_is_not_written_over(root: Path) -> None:
    """Told to delete the folder, as where something else was begun, one would lose what one wants to begin with."""
    made(root)
    with pytest.raises(BadInput, match=r"run: what it begins with lies here, and stays: name another folder"):
        made(root, begin_with=root / "run")


def test_the_same_blocks_in_another_order_are_the_same(root: Path) -> None:
    made(root, held_out="own-1:own-1 own-2:own-2")
    further = made(root, held_out="own-2:own-2 own-1:own-1", begin_with=root / "run", run=root / "further")
    assert further.provenance["distilled"]


def test_a_copy_of_something_else_is_not_begun_with(root: Path) -> None:
    """Of what taught it then nothing would be said, and blocks that it was shown would be called kept apart."""
    made(root)
    further: dict[str, Any] = {"begin_with": root / "run", "run": root / "further"}
    with pytest.raises(BadInput, match=r"run: its copy was shown other photographs, or other blocks were kept apart"):
        made(root, held_out="own-7:own-8", **further)
    begun = json.loads((root / "run" / "distilling.json").read_text())
    (root / "run" / "distilling.json").write_text(json.dumps(begun | {"teacher_sha256": "0"}))
    with pytest.raises(BadInput, match=r"run: its copy did not learn from .*weights\.pt"):
        made(root, **further)
    (root / "run" / "distilling.json").write_text("{")
    with pytest.raises(BadInput, match=r"distilling\.json: it does not say what its copy was made by"):
        made(root, **further)
    (root / "run" / "weights.pt").unlink()
    with pytest.raises(BadInput, match=r"run: here lies no finished run of 'edge-agent distil' to begin with"):
        made(root, **further)
    assert not (root / "further").exists()


def test_a_boxed_photograph_of_a_tray_that_is_kept_apart_is_refused(root: Path) -> None:
    for kind, suffix in (("images", "jpg"), ("labels", "txt")):
        folder = root / "boxes" / kind / "train"
        (folder / f"own-9-0.{suffix}").rename(folder / f"own-3-7.{suffix}")
    with pytest.raises(BadInput, match=r"train/own-3-7\.jpg: by its name it shows own-3, which own-3:own-4 is to keep"):
        made(root)
    assert not (root / "run").exists()


def test_boxed_photographs_that_only_measured_are_not_asked_for(root: Path) -> None:
    shutil.rmtree(root / "boxes" / "images" / "val")
    assert made(root).provenance["distilled"]


def test_the_folder_of_the_training_is_no_folder_for_the_copy(root: Path) -> None:
    """Its weights are what learning goes on from, and the copy's would take their place."""
    with pytest.raises(BadInput, match="the weights and the state of another pack: name another folder"):
        made(root, run=root / "taught")
    (root / "taught" / "plan.json").write_text("{}")
    with pytest.raises(BadInput, match="the weights and the state of a training: name another folder with --run"):
        made(root, run=root / "taught")
    assert (root / "taught" / "weights.pt").read_bytes() == b"the source"


def test_a_copy_of_a_made_up_pack_that_was_shown_photographs_is_not_said_to_have_seen_none(root: Path) -> None:
    known = load_manifest(root / "source" / MANIFEST_NAME).provenance
    revise_pack(root / "source", {"provenance": {**known, "synthetic": ["edge-agent synth"], "all_synthetic": True}})
    assert "never seen a photograph of a real tray" not in card_of_copy(root, root / "run")
    for folder in ("trays", "boxes"):
        (root / folder / "about.json").write_text(json.dumps({"generator": 1, "made_by": "compose"}))
    assert "never seen a photograph of a real tray" in card_of_copy(root, root / "run2")


def card_of_copy(root: Path, run: Path) -> str:
    made(root, run=run)
    return " ".join((root / "copy" / "README.md").read_text().split())


def test_scores_go_only_into_the_card_of_the_run_that_made_the_weights_that_were_scored(root: Path) -> None:
    """Both packs name the same weights to go on from; what was scored are others."""
    copy, source = made(root), load_manifest(root / "source" / MANIFEST_NAME)
    (root / "taught" / "card.json").write_text(json.dumps(dict(source.provenance)))
    note_scores(root / "run", copy)
    note_scores(root / "taught", source)
    for run, pack in (("run", source), ("taught", copy)):
        with pytest.raises(BadInput, match="this run did not make the weights of"):
            note_scores(root / run, pack)
