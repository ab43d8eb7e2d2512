"""`learn --candidate` as a whole: a store that replays filled becomes a candidate, held against the active pack."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.app import candidate as making
from edge_agent.app.candidate_start import start_from
from edge_agent.cli import app
from edge_agent.domain.record import Confirmation, StaffRole
from edge_agent.errors import BadInput
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest
from edge_agent.training import fit, rounds
from edge_agent.training.checkpoints import keep_whole, last_weights, passes_in
from edge_agent.training.sightings import names_in
from tests.builders_onnx import SIDE_PX, constant_model, raw_output, write_pack
from tests.videos import write_video

pytest.importorskip("ultralytics", reason="needs the extra 'train': make test-train")

CHECKPOINTS = sorted((Path(__file__).resolve().parents[2] / "models" / "checkpoints").glob("*.pt"))

pytestmark = [
    pytest.mark.timeout(600),
    # Of the training libraries, not ours.
    pytest.mark.filterwarnings("ignore"),
    # Weights that know what a thing is: an epoch from random ones finds nothing that could be labelled.
    pytest.mark.skipif(not CHECKPOINTS, reason="needs weights in models/checkpoints"),
]

PLACES = {"plate": (4.0, 4.0, 28.0, 28.0), "bread": (36.0, 36.0, 60.0, 60.0)}
COLOURS = {"plate": (235, 235, 235), "bread": (20, 120, 230)}
KINDS = (["plate"], ["bread"], ["plate", "bread"])
"""What lies on a tray: neither thing on all of them, so that counts alone tell the two apart."""
TRAYS = 42


def things_of(number: int) -> list[str]:
    return KINDS[number % len(KINDS)]


def tray_picture(things: Sequence[str], seed: int) -> npt.NDArray[np.uint8]:
    """Coloured squares on a grey tray: uint8, (side, side, 3), blue, green, red."""
    picture = np.random.default_rng(seed).integers(60, 70, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    for name in things:
        left, top, right, bottom = (int(side) for side in PLACES[name])
        cv2.rectangle(picture, (left, top), (right, bottom), COLOURS[name], -1)
    return picture


def edge_agent(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def restaurant(root: Path, classes: Sequence[str], **provenance: Any) -> Path:
    """A configuration, a pack that sees what lies on each kind of tray, and a store; returns the store.

    The first two classes stand for a plate and a bread. Each recording is one tray with its order; afterwards the crew
    calls every verdict right.
    """
    items = (f"  - {{sku: {sku}, detects_as: {name}}}\n" for sku, name in zip(PLACES, classes, strict=False))
    (root / "menu.yaml").write_text("items:\n" + "".join(items))
    for kind, things in enumerate(KINDS):
        rows = [(*PLACES[name], 0.9, list(PLACES).index(name)) for name in things]
        network = constant_model(raw_output(rows, classes=len(classes)))
        known: dict[str, Any] = {"classes": tuple(classes), "occluders": (), "provenance": provenance}
        write_pack(root / f"pack-{kind}", network, "ultralytics_raw", **known)
        (root / f"{kind}.yaml").write_text(f"detector: {{pack: pack-{kind}, provider: cpu}}\nmenu: menu.yaml\n")
    db = root / "edge.sqlite"
    for number in range(TRAYS):
        video, things = root / f"v-{number}.mp4", things_of(number)
        size, quick = (SIDE_PX, SIDE_PX), {"movflags": "faststart"}
        write_video(video, [n / 10 for n in range(30)], size=size, options=quick, still=tray_picture(things, number))
        order = {"order_id": f"A-{number}", "lines": [{"sku": name} for name in things]}
        video.with_suffix(".orders.jsonl").write_text(json.dumps({"at_s": 0.1, "order": order}) + "\n")
        config = root / f"{number % len(KINDS)}.yaml"
        edge_agent("replay", video, "--config", config, "--no-report", "--db", db, "--json")
    with SqliteStore(path=db, clock=SystemClock()) as store:
        for session in SqliteHistory(path=db).sessions(limit=TRAYS):
            check = session.checks[-1].check_id
            store.confirm(
                Confirmation(run_id=session.run_id, session_id=session.session_id, check_id=check, role=StaffRole.CREW)
            )
    return db


def test_a_store_becomes_a_candidate_and_its_comparison(tmp_path: Path) -> None:
    """However little one epoch teaches: every step from the store to the comparison must run through."""
    classes = names_in(CHECKPOINTS[0])
    db = restaurant(tmp_path, classes)
    learn = ("learn", "--db", db, "--into", tmp_path / "own", "--candidate", tmp_path / "mine", "--epochs", 1)
    said = edge_agent(*learn, "--checkpoint", CHECKPOINTS[0], "--config", tmp_path / "2.yaml")
    assert f"{TRAYS} of {TRAYS} trays have a label" in said
    assert "judged by the trays own-35:own-42" in said, "the newest fifth"
    assert "before: pack-2 (tiny 1)" in said
    assert "after: mine (mine 1+own)" in said
    assert "right match" in said, "the shares of the comparison"
    assert f"No tray that taught has {', '.join(name for name in classes if name not in classes[:2])}" in said
    manifest = load_manifest(tmp_path / "mine" / MANIFEST_NAME)
    assert manifest.classes == classes
    assert manifest.metrics["scored_on"] == "own-35:own-42"
    assert manifest.metrics["calibration_trays"] == 8
    assert manifest.provenance["command"] == "edge-agent learn"
    scores = json.loads((tmp_path / "mine.run" / "card.json").read_text())["scores"]
    assert scores["mine 1+own"]["scored_on"] == "own-35:own-42"
    page = tmp_path / "mine.run" / "report" / "mine" / "index.html"
    assert f"Every failure as a picture: {page}" in said
    assert page.exists()
    card = " ".join((tmp_path / "mine" / "README.md").read_text().split())
    assert f"from the weights of `{CHECKPOINTS[0].stem}` by the counts of trays alone" in card
    edge_agent("models", "verify", tmp_path / "mine")
    before = (tmp_path / "mine" / MANIFEST_NAME).read_bytes()
    with pytest.raises(BadInput, match=r"mine\.run: this candidate is made already"):
        edge_agent(*learn, "--checkpoint", CHECKPOINTS[0], "--config", tmp_path / "2.yaml")
    assert (tmp_path / "mine" / MANIFEST_NAME).read_bytes() == before, "it may be in service by now"


def test_a_candidate_that_was_cut_off_goes_on_with_the_trays_it_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first cut comes before anything of the training was written, the second in the middle of its fit."""
    db = restaurant(tmp_path, names_in(CHECKPOINTS[0]))
    eyes = ("--checkpoint", CHECKPOINTS[0], "--config", tmp_path / "2.yaml", "--epochs", 2)
    learn = ("learn", "--db", db, "--into", tmp_path / "own", "--candidate", tmp_path / "mine", *eyes)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def cut_after_a_pass(trainer: object) -> None:
        keep_whole(trainer)
        raise KeyboardInterrupt

    for where, name, instead in ((making, "train_pack", cut), (fit, "keep_whole", cut_after_a_pass)):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, instead)
            assert CliRunner().invoke(app, [str(word) for word in learn]).exit_code
    collected = (tmp_path / "own" / "trays.jsonl").stat().st_mtime_ns
    assert passes_in(tmp_path / "mine.run" / "round-1", 2) == 1
    moved = [tmp_path / "own-2" if word == tmp_path / "own" else word for word in learn]
    with pytest.raises(BadInput, match=r"mine\.run: this holds a training that was cut off"):
        edge_agent(*moved)
    said = edge_agent(*learn)
    assert "was collected before, and is not collected again; the training goes on in" in said
    assert "judged by the trays own-35:own-42" in said
    assert (tmp_path / "own" / "trays.jsonl").stat().st_mtime_ns == collected


def test_a_merged_pack_becomes_a_merged_candidate_and_a_cut_while_it_is_judged_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights know finer classes than orders name. What they learn is not asked: the student is its teacher."""
    names = names_in(CHECKPOINTS[0])
    groups = {"ware": list(names[:2]), "food": list(names[2:])}
    db = restaurant(tmp_path, tuple(groups), groups=groups)
    eyes = ("--checkpoint", CHECKPOINTS[0], "--config", tmp_path / "2.yaml")
    learn = ("learn", "--into", tmp_path / "own", "--candidate", tmp_path / "mine", *eyes)
    fitted: list[tuple[str, ...]] = []

    def keep_teacher(
        _splits: object, classes: tuple[str, ...], run: Path, _recipe: object, *, start_from: Path, **_more: object
    ) -> Path:
        fitted.append(classes)
        last_weights(run).parent.mkdir(parents=True)
        return Path(shutil.copyfile(start_from, last_weights(run)))

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rounds, "fit", keep_teacher)
    monkeypatch.setattr(rounds, "measure", lambda *_: {"val_map50": 0.0, "val_map50_95": 0.0})
    monkeypatch.setattr(rounds, "curve", lambda _: [])
    with monkeypatch.context() as patched:
        patched.setattr(making, "compare_packs", cut)
        assert CliRunner().invoke(app, [str(word) for word in (*learn, "--db", db)]).exit_code
    said = edge_agent(*learn)
    assert "does not say which weights it was made of" in said
    assert "after: mine (mine 1+own)" in said
    assert f"--held-out own-35:own-42 --menu {tmp_path / 'menu.yaml'}' makes 8-bit forms" in said
    assert fitted == [names], "once, and by the finer classes"
    manifest = load_manifest(tmp_path / "mine" / MANIFEST_NAME)
    assert manifest.classes == ("ware", "food")
    assert manifest.metrics["calibration_trays"] == 8
    assert manifest.metrics["scored_on"] == "own-35:own-42"
    edge_agent("models", "verify", tmp_path / "mine")
    again = start_from(tmp_path / "mine", tmp_path / "mine.run" / "weights.pt")
    assert again.is_certain, "the next candidate goes on from this one"
    assert again.groups_with(()) == {name: tuple(group) for name, group in groups.items()}
    with pytest.raises(BadInput, match=r"mine\.run: this candidate is made already"):
        edge_agent(*learn)


def test_weights_that_are_not_the_active_packs_are_refused_before_anything_is_collected(tmp_path: Path) -> None:
    """What was collected by then would be in the way of a second try."""
    write_pack(tmp_path / "active", constant_model(raw_output([])), "ultralytics_raw")
    (tmp_path / "menu.yaml").write_text("items:\n  - {sku: plate, detects_as: plate}\n")
    (tmp_path / "edge.yaml").write_text("detector: {pack: active, provider: cpu}\nmenu: menu.yaml\n")
    words = ["learn", "--db", "none.sqlite", "--into", str(tmp_path / "own"), "--candidate", str(tmp_path / "mine")]
    for name, why in (
        ("none.pt", "there is no such checkpoint"),
        (str(CHECKPOINTS[0]), "not the weights of the active"),
    ):
        given = [*words, "--checkpoint", name, "--config", str(tmp_path / "edge.yaml")]
        with pytest.raises(BadInput, match=why):
            CliRunner().invoke(app, given, catch_exceptions=False)
    assert not (tmp_path / "own").exists()
